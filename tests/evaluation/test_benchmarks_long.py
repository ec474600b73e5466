"""Loaders of the long-answer benchmarks and of MedCalc-Bench: own records in the authors' formats, and the real
files.
"""

import io
import json
from pathlib import Path
from zipfile import ZipFile

import pytest

from evaluation.benchmarks import healthsearchqa, kqa, liveqa, longform, medcalc, medicationqa
from evaluation.benchmarks.longform import gold_answer
from evaluation.benchmarks.medlfqa import load_medlfqa
from evaluation.item import Item
from evaluation.scorers.long import score_long
from evaluation.scorers.number import AGE, DATE, score_number
from medgym_core.errors import MedGymError

PARAGRAPH = (
    "The presentation should be weighed against the history, the examination and the available results. Management "
    "depends on the individual patient; please consult your doctor or pharmacist before starting any new medication."
)
ROW = {
    "Question": "How long does a sprain  hurt?\n",
    "Free_form_answer": "A mild sprain hurts for two weeks.",
    "Must_have": ["A mild sprain hurts for 2 weeks.", "", " ", "1.", "N/A", "Not applicable."],
    "Nice_to_have": ["Ice helps.", "Ice helps."],
}
SUM = {
    "Row Number": 7,
    "Calculator ID": 5,
    "Calculator Name": "Mean Arterial Pressure (MAP)",
    "Patient Note": "A man with a pressure of 120/80 mmHg.",
    "Question": "What is the mean arterial pressure in mmHg?",
    "Relevant Entities": "{}",
    "Ground Truth Answer": "93.333",
    "Lower Limit": "88.66635",
    "Upper Limit": "97.99965",
}


def written(root: Path, name: str, *rows: dict) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


# The form of MedLFQA.


def test_a_row_becomes_an_item_without_what_is_no_statement(tmp_path) -> None:
    (item,) = load_medlfqa(written(tmp_path, "a.jsonl", ROW), "b")
    assert item.question == "How long does a sprain hurt?" and item.gold == "A mild sprain hurts for two weeks."
    assert item.must_have == ("A mild sprain hurts for 2 weeks.",) and item.nice_to_have == ("Ice helps.",)
    assert item.id.startswith("b/") and item.cluster


def test_rows_of_one_question_are_a_cluster_and_ids_are_unique(tmp_path) -> None:
    other = ROW | {"Free_form_answer": "Longer."}
    items = load_medlfqa(written(tmp_path, "a.jsonl", ROW, other, ROW), "b")
    assert len({item.id for item in items}) == 3 and len({item.cluster for item in items}) == 1
    assert items[2].id == items[0].id + "-2"
    assert [i.id for i in items[1:2]] == [i.id for i in load_medlfqa(written(tmp_path, "c.jsonl", other), "b")]


def test_an_empty_reference_answer_is_taken_from_elsewhere_or_the_statements(tmp_path) -> None:
    file = written(tmp_path, "a.jsonl", ROW | {"Free_form_answer": " "})
    assert load_medlfqa(file, "b")[0].gold == "A mild sprain hurts for 2 weeks."
    assert load_medlfqa(file, "b", answers={"How long does a sprain hurt?": "Days."})[0].gold == "Days."


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"Question": "a?"}, "field is missing"),
        (ROW | {"Question": ""}, "text is empty"),
        (ROW | {"Must_have": "text"}, "wrong type"),
        (ROW | {"Must_have": [1]}, "wrong type"),
        (ROW | {"Free_form_answer": "", "Must_have": []}, "no reference answer"),
    ],
)
def test_a_broken_row_is_named_by_file_and_line(tmp_path, row, said) -> None:
    with pytest.raises(MedGymError, match=rf"{said}.*a\.jsonl:2"):
        load_medlfqa(written(tmp_path, "a.jsonl", ROW, row), "b")


def test_gold_is_every_statement_and_the_reference_and_scores_1(tmp_path) -> None:
    (item,) = load_medlfqa(written(tmp_path, "a.jsonl", ROW), "b")
    assert gold_answer(item).splitlines() == [*item.must_have, *item.nice_to_have, item.gold]
    assert score_long(gold_answer(item), item).value == 1
    bare = Item("b/1", "q", "Too vague.")
    assert gold_answer(bare) == "Too vague." and score_long("Too vague.", bare).value == 1


# What the originals add.


def test_liveqa_takes_types_and_missing_answers_from_the_original(tmp_path) -> None:
    written(tmp_path, liveqa.FILE, ROW | {"Free_form_answer": ""})
    (tmp_path / liveqa.ORIGINAL).write_text(
        "<Set><NLM-QUESTION qid='T1'><NIST-PARAPHRASE>How long does a sprain hurt?</NIST-PARAPHRASE><ANNOTATIONS>"
        "<TYPE tid='T1'>PROGNOSIS</TYPE></ANNOTATIONS><ReferenceAnswers><RefAnswer><ANSWER> </ANSWER></RefAnswer>"
        "<RefAnswer><ANSWER>About <b>two</b> weeks.</ANSWER></RefAnswer></ReferenceAnswers></NLM-QUESTION></Set>"
    )
    (item,) = liveqa.load(tmp_path)
    assert (item.group, item.gold) == ("PROGNOSIS", "About two weeks.")
    (tmp_path / liveqa.ORIGINAL).write_text("<Set>")
    with pytest.raises(MedGymError, match="broken file"):
        liveqa.load(tmp_path)
    (tmp_path / liveqa.ORIGINAL).unlink()
    assert liveqa.load(tmp_path)[0].group == ""


def workbook(path: Path, rows: list[list[str]], shared: bool) -> None:
    """A small xlsx; texts in place, or in the table of shared texts."""
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    texts = [text for row in rows for text in row]
    cells = iter(range(len(texts)))

    def cell(place: str) -> str:
        number = next(cells)
        if shared:
            return f'<c r="{place}" t="s"><v>{number}</v></c>'
        return f'<c r="{place}" t="inlineStr"><is><t>{texts[number]}</t></is></c>'

    lines = "".join(
        f"<row>{''.join(cell(f'{chr(65 + c)}{r}') for c in range(len(row)))}</row>" for r, row in enumerate(rows, 1)
    )
    data = io.BytesIO()
    with ZipFile(data, "w") as book:
        book.writestr(medicationqa.SHEET, f"<worksheet {space}><sheetData>{lines}</sheetData></worksheet>")
        if shared:
            book.writestr(medicationqa.SHARED, f"<sst {space}>{''.join(f'<si><t>{t}</t></si>' for t in texts)}</sst>")
    path.write_bytes(data.getvalue())


@pytest.mark.parametrize("shared", [True, False])
def test_medicationqa_takes_question_types_from_the_workbook(tmp_path, shared) -> None:
    written(tmp_path, medicationqa.FILE, ROW)
    assert medicationqa.load(tmp_path)[0].group == ""
    head, row = ["Question", "Focus (Drug)", "Question Type"], ["How long does a sprain hurt?", "none", "Dose"]
    workbook(tmp_path / medicationqa.ORIGINAL, [head, row], shared)
    assert medicationqa.load(tmp_path)[0].group == "dose"


def test_a_workbook_that_is_none_is_an_error(tmp_path) -> None:
    written(tmp_path, medicationqa.FILE, ROW)
    (tmp_path / medicationqa.ORIGINAL).write_bytes(b"no zip")
    with pytest.raises(MedGymError, match="xlsx"):
        medicationqa.load(tmp_path)
    workbook(tmp_path / medicationqa.ORIGINAL, [["Question"], ["a"]], shared=True)
    with pytest.raises(MedGymError, match="column is missing.*Question Type"):
        medicationqa.load(tmp_path)


def test_questions_without_answers_are_no_benchmark(tmp_path) -> None:
    written(tmp_path, healthsearchqa.QUESTIONS, {"Question": "Are bruises bad?"}, {"Question": "Are bruises bad?"})
    with pytest.raises(MedGymError, match="nothing to score answers against; got 1 questions without answers"):
        healthsearchqa.load(tmp_path)
    written(tmp_path, healthsearchqa.FILE, ROW)
    assert len(healthsearchqa.load(tmp_path)) == 1


def test_k_qa_golden_is_read_from_either_file(tmp_path) -> None:
    written(tmp_path, kqa.OFFICIAL, ROW)
    found = kqa.load_golden(tmp_path)
    written(tmp_path, kqa.GOLDEN, ROW)
    assert found == kqa.load_golden(tmp_path)


# MedCalc-Bench.


def test_a_computed_answer_has_its_published_bounds_and_unit(tmp_path) -> None:
    four = dict.fromkeys(("Ground Truth Answer", "Lower Limit", "Upper Limit"), "4")
    written(tmp_path, medcalc.FILE, SUM, SUM | {"Row Number": 8, "Calculator Name": "HEART Score"} | four)
    first, second = medcalc.load(tmp_path)
    assert (first.id, first.unit, first.bounds) == ("medcalc/7", "mmHg", (88.66635, 97.99965))
    assert first.context.startswith("A man") and first.group == "Mean Arterial Pressure (MAP)"
    assert (second.unit, second.bounds) == ("", (4.0, 4.0)) and first.cluster == second.cluster
    assert [score_number("4", item).verdict for item in (first, second)] == ["wrong", "correct"]


def test_dates_and_gestational_ages_are_exact(tmp_path) -> None:
    same = dict.fromkeys(("Ground Truth Answer", "Lower Limit", "Upper Limit"), "03/05/2021")
    aged = dict.fromkeys(same, "('9 weeks', '1 days')")
    written(tmp_path, medcalc.FILE, SUM | {"Calculator Name": "Estimated Due Date"} | same,
            SUM | {"Row Number": 8, "Calculator Name": "Estimated Gestational Age"} | aged)  # fmt: skip
    day, age = medcalc.load(tmp_path)
    assert (day.unit, day.bounds, age.unit, age.gold) == (DATE, None, AGE, "9 weeks, 1 days")
    assert all(score_number(item.gold, item).value == 1 for item in (day, age))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Ground Truth Answer": "about 93"}, "not a number"),
        ({"Ground Truth Answer": "12"}, "answer outside its limits"),
        ({"Row Number": "7"}, "wrong type"),
        ({"Patient Note": ""}, "text is empty"),
        ({"Calculator Name": "Estimated Due Date"}, "answer is not readable"),
    ],
)
def test_a_broken_calculation_is_named_by_file_and_line(tmp_path, change, said) -> None:
    with pytest.raises(MedGymError, match=rf"{said}.*test_tasks\.jsonl:1"):
        medcalc.load(written(tmp_path, medcalc.FILE, SUM | change).parents[2])


# The real files.

COUNTS = {"liveqa": 70, "medicationqa": 496, "kqa_golden": 141, "kqa_silver": 643, "medcalc": 811}
SPECS = {spec.name: spec for spec in (*longform.SPECS, *medcalc.SPECS)}


@pytest.fixture(scope="module")
def loaded(real_data):
    return {name: SPECS[name].load(real_data) for name in COUNTS}


@pytest.mark.parametrize("name", COUNTS)
def test_all_items_are_read_and_gold_scores_1_on_each(loaded, name) -> None:
    spec, items = SPECS[name], loaded[name]
    assert len(items) == COUNTS[name] <= spec.published_items and len({item.id for item in items}) == len(items)
    gold = gold_answer if spec.kind == "long" else lambda item: item.gold
    scores = [spec.score(gold(item), item) for item in items]
    assert [(i.id, s) for i, s in zip(items, scores, strict=True) if (s.value, s.verdict) != (1.0, "correct")] == []


@pytest.mark.parametrize("name", COUNTS)
def test_answers_without_medicine_score_next_to_nothing(loaded, name) -> None:
    for text in (lambda item: PARAGRAPH, lambda item: item.question, lambda item: "", lambda item: item.context):
        values = [SPECS[name].score(text(item), item).value for item in loaded[name]]
        assert sum(values) / len(values) < 0.01


@pytest.mark.parametrize("name", [name for name in COUNTS if name != "medcalc"])
def test_the_answer_to_another_question_scores_next_to_nothing(loaded, name) -> None:
    items, half = loaded[name][:200], len(loaded[name]) // 2
    others = (loaded[name][half:] + loaded[name])[: len(items)]  # neighbours often ask about the same drug
    values = [score_long(other.gold, item).value for item, other in zip(items, others, strict=True)]
    assert sum(values) / len(values) < 0.02


@pytest.mark.parametrize("name", [name for name in COUNTS if name != "medcalc"])
def test_key_words_of_the_statements_are_no_answer(loaded, name) -> None:
    items = loaded[name][:150]
    for join in (", ".join, "\n- ".join):
        texts = [join(w.strip(",.;") for s in item.must_have for w in s.split() if len(w) > 4) for item in items]
        values = [score_long(text, item).value for text, item in zip(texts, items, strict=True)]
        assert sum(values) / len(values) < 0.02


def test_an_absent_file_is_told(tmp_path) -> None:
    for spec in SPECS.values():
        with pytest.raises(MedGymError, match="no benchmark file"):
            spec.load(tmp_path)

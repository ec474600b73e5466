"""Multiple-choice text benchmarks load from the authors' files, say what is broken, and let every letter win."""

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evaluation import baselines
from evaluation.benchmarks import medmcqa, medxpertqa, mmlu, pubmedqa
from evaluation.item import Item, Spec
from medgym_core.errors import MedGymError

SPECS = {module.SPECS[0].name: module.SPECS[0] for module in (medmcqa, mmlu, pubmedqa, medxpertqa)}
TEN = [f"drug {letter}" for letter in "abcdefghij"]


def mcq(number: int, **changes: Any) -> dict[str, Any]:
    texts = {"opa": "Iron", "opb": "Zinc ", "opc": "Copper Option:", "opd": "Lead"}
    return {
        "id": f"id-{number}",
        "question": f"Which metal, {number}?",
        "cop": 3,
        **texts,
        "subject_name": "Anatomy",
    } | changes


def abstract(**changes: Any) -> dict[str, Any]:
    texts = {"CONTEXTS": ["We asked  this.", "We saw that."], "LABELS": ["AIM", "RESULTS"], "LONG_ANSWER": "Indeed."}
    return {"QUESTION": "Does it help?", "final_decision": "no", **texts} | changes


def expert(number: int, **changes: Any) -> dict[str, Any]:
    question = f"Which drug, {number}?\nAnswer Choices: " + " ".join(f"({x[-1].upper()}) {x}" for x in TEN)
    options = {text[-1].upper(): text for text in TEN}
    kinds = {"medical_task": "Treatment", "body_system": "Cardiovascular", "question_type": "Reasoning"}
    return {"id": f"Text-{number}", "question": question, "options": options, "label": "J", **kinds} | changes


def written(root: Path, file: str, text: str) -> Path:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def lines(root: Path, file: str, records: list[Any]) -> Path:
    return written(root, file, "".join(r if isinstance(r, str) else json.dumps(r) + "\n" for r in records))


def subjects(root: Path, first: str) -> Path:
    """The six CSV files: `first` is the text of anatomy, the others hold one row each."""
    for number, file in enumerate(mmlu.FILES[1:]):
        written(root, file, f"Question {number}?,a,b,c,d,D\n")
    return written(root, mmlu.FILES[0], first)


def pubmed(root: Path, records: dict[str, Any], answers: dict[str, Any]) -> Path:
    written(root, pubmedqa.TRUTH, json.dumps(answers))
    return written(root, pubmedqa.FILE, json.dumps(records))


def test_each_benchmark_publishes_what_it_is() -> None:
    published = {"medmcqa": 4183, "mmlu_medical": 1089, "pubmedqa": 500, "medxpertqa": 2450}
    assert {name: spec.published_items for name, spec in SPECS.items()} == published
    chances = {"medmcqa": 0.25, "mmlu_medical": 0.25, "pubmedqa": 1 / 3, "medxpertqa": 0.1}
    assert {name: spec.chance for name, spec in SPECS.items()} == chances
    for spec in SPECS.values():
        assert spec.kind == "choice" and spec.metric == "accuracy" and spec.licence and spec.source and spec.obtain
        assert all(file.startswith("benchmarks/") for file in spec.files)


def test_medmcqa_counts_its_gold_from_one_and_drops_debris(tmp_path: Path) -> None:
    lines(tmp_path, medmcqa.FILE, [mcq(1), mcq(2, cop=1, question="Which metal, 1?", subject_name=None)])
    first, second = medmcqa.load(tmp_path)
    assert (first.id, first.gold, first.group) == ("medmcqa/id-1", "C", "Anatomy")
    assert first.options == {"A": "Iron", "B": "Zinc", "C": "Copper", "D": "Lead"}
    assert (second.gold, second.group) == ("A", "") and second.question == first.question


@pytest.mark.parametrize(
    "broken, said",
    [
        ('{"question": \n', "expected JSON"),
        ("[1]\n", "got list; expected an object"),
        (mcq(2, cop=0), "got 0; expected 1 to 4"),
        (mcq(2, cop=5), "got 5; expected 1 to 4"),
        (mcq(2, cop=True), "got bool; expected a whole number"),
        (mcq(2, opb=" "), "option B is empty"),
        (mcq(2, opd=None), "got NoneType; expected text"),
        (mcq(2, question="\n"), "text is empty"),
        ({"question": "Which?"}, "expected opa"),
        (mcq(1, question="Another"), "item stands twice"),
    ],
)
def test_a_broken_medmcqa_line_is_named(tmp_path: Path, broken: Any, said: str) -> None:
    path = lines(tmp_path, medmcqa.FILE, [mcq(1), broken])
    with pytest.raises(MedGymError) as error:
        medmcqa.load(tmp_path)
    assert f"{path}:2" in str(error.value) and said in str(error.value)


def test_two_options_that_read_the_same_load_and_letters_tell_them_apart(tmp_path: Path) -> None:
    lines(tmp_path, medmcqa.FILE, [mcq(1, opa="Copper")])
    (item,) = medmcqa.load(tmp_path)
    score = SPECS["medmcqa"].score
    assert [score(text, item).verdict for text in ("C", "A", "Copper", "Iron")] == [
        "correct", "wrong", "unparsable", "unparsable"
    ]  # fmt: skip


def test_mmlu_reads_quoted_fields_that_run_over_lines(tmp_path: Path) -> None:
    subjects(tmp_path, '"Two lines,\nsays ""she"":",one,"two, three",four,five,B\r\nShort?,1,2,3,4,A\n')
    items = mmlu.load(tmp_path)
    assert items[0].question == 'Two lines, says "she":' and items[0].options["B"] == "two, three"
    assert [item.gold for item in items] == ["B", "A"] + ["D"] * 5
    assert [item.group for item in items] == ["anatomy", *mmlu.SUBJECTS]
    assert items[0].id.startswith("mmlu_medical/anatomy/")


def test_mmlu_ids_depend_on_the_row_and_a_repeated_row_counts(tmp_path: Path) -> None:
    subjects(tmp_path, "Q?,1,2,3,4,A\nP?,1,2,3,4,B\n")
    first, second = mmlu.load(tmp_path)[:2]
    subjects(tmp_path, "P?,1,2,3,4,B\nP?,1,2,3,4,B\nP?,1,2,3,9,B\n")
    again = mmlu.load(tmp_path)[:3]
    assert [again[0].id, again[1].id] == [second.id, second.id + "-2"]
    assert len({item.id for item in (first, *again)}) == 4


@pytest.mark.parametrize(
    "row, said",
    [
        ("Q?,1,2,3,A\n", "got 5; expected 6"),
        ("Q?,1,2,3,4,E\n", "got 'E'; expected one of A, B, C, D"),
        ("Q?,1,,3,4,A\n", "option B is empty"),
        (",1,2,3,4,A\n", "question is empty"),
        ('"Q?,1,2,3,4,A\n', "expected CSV"),
    ],
)
def test_a_broken_mmlu_row_is_named_by_the_line_it_starts_on(tmp_path: Path, row: str, said: str) -> None:
    path = subjects(tmp_path, '"A\nB?",1,2,3,4,A\n' + row)
    with pytest.raises(MedGymError) as error:
        mmlu.load(tmp_path)
    assert f"{path}:3" in str(error.value) and said in str(error.value)


def test_mmlu_without_a_subject_or_with_bytes_that_are_no_text_is_an_error(tmp_path: Path) -> None:
    path = subjects(tmp_path, "Q?,1,2,3,4,A\n")
    path.write_bytes(b"Q?,1,2,3,4,A\nQ\xff?,1,2,3,4,A\n")
    with pytest.raises(MedGymError, match="anatomy_test.csv:2"):
        mmlu.load(tmp_path)
    subjects(tmp_path, "Q?,1,2,3,4,A\n")
    (tmp_path / mmlu.FILES[3]).unlink()
    with pytest.raises(MedGymError, match="college_medicine"):
        mmlu.load(tmp_path)


def test_pubmedqa_is_the_named_test_split_without_conclusions(tmp_path: Path) -> None:
    pubmed(
        tmp_path,
        {"7": abstract(), "8": abstract(), "9": abstract(final_decision="maybe")},
        {"9": "maybe", "7": "no", "1": "yes"},
    )
    items = pubmedqa.load(tmp_path)
    assert [(item.id, item.gold) for item in items] == [("pubmedqa/9", "C"), ("pubmedqa/7", "B")]
    assert items[0].context == "AIM: We asked this.\nRESULTS: We saw that."
    assert items[0].options == {"A": "yes", "B": "no", "C": "maybe"} and "Indeed" not in repr(items[0])
    score = SPECS["pubmedqa"].score
    answers = ("B", "no", "No, there was no difference.", "The answer is no.", "yes", "maybe", "yes or no")
    assert [score(text, items[1]).verdict for text in answers] == ["correct"] * 4 + ["wrong"] * 2 + ["unparsable"]


@pytest.mark.parametrize(
    "record, answer, said",
    [
        (abstract(), "perhaps", "got 'perhaps'; expected yes, no or maybe"),
        (abstract(), 1, "got 1; expected yes, no or maybe"),
        (abstract(final_decision="yes"), "no", "answers disagree"),
        (abstract(LABELS=["AIM"]), "no", "got 2 and 1"),
        (abstract(CONTEXTS=[], LABELS=[]), "no", "got 0 and 0"),
        (abstract(CONTEXTS=["x", " "]), "no", "section is empty"),
        (abstract(QUESTION=""), "no", "text is empty"),
        ({"QUESTION": "Q?"}, "no", "expected final_decision"),
        ([], "no", "got list; expected an object"),
    ],
)
def test_a_broken_pubmedqa_record_is_named(tmp_path: Path, record: Any, answer: Any, said: str) -> None:
    pubmed(tmp_path, {"7": record}, {"7": answer})
    with pytest.raises(MedGymError) as error:
        pubmedqa.load(tmp_path)
    assert "entry 7" in str(error.value) and said in str(error.value)


def test_pubmedqa_without_a_known_pmid_is_an_error(tmp_path: Path) -> None:
    pubmed(tmp_path, {"7": abstract()}, {"8": "no"})
    with pytest.raises(MedGymError, match="no items"):
        pubmedqa.load(tmp_path)


@pytest.mark.parametrize(
    "options",
    [expert(1)["options"], TEN, [{"letter": text[-1].upper(), "content": text} for text in TEN]],
    ids=["by letter", "texts", "letter and content"],
)
def test_medxpertqa_options_come_in_three_forms(tmp_path: Path, options: Any) -> None:
    lines(tmp_path, medxpertqa.FILE, [expert(1, options=options), expert(2, options=options, label=["E"])])
    first, second = medxpertqa.load(tmp_path)
    assert first.options == expert(1)["options"] and list(first.options) == list("ABCDEFGHIJ")
    assert (first.id, first.gold, first.group) == ("medxpertqa/Text-1", "J", "Reasoning")
    assert (second.question, second.gold) == ("Which drug, 2?", "E")


def test_medxpertqa_questions_lose_the_choices_at_their_end_alone(tmp_path: Path) -> None:
    asked = "The sheet says answer choices: none. What now?"
    lines(
        tmp_path,
        medxpertqa.FILE,
        [expert(1, question=asked), expert(2, question=f"{asked} ANSWER CHOICES : (A) x (B) y")],
    )
    assert [item.question for item in medxpertqa.load(tmp_path)] == [asked, asked]


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"label": "K"}, "got 'K'; expected one of A"),
        ({"label": ["A", "B"]}, "got list; expected text"),
        ({"options": {"A": "x", "C": "y"}}, "letters of the options"),
        ({"options": {"A": "x", "B": ""}}, "option B is empty"),
        ({"options": ["x", None]}, "got NoneType; expected text"),
        ({"options": [{"letter": "A", "content": "x"}, {"letter": "A", "content": "y"}]}, "a letter stands twice"),
        ({"options": None}, "got NoneType; expected an object"),
        ({"question": "Answer Choices: (A) x (B) y"}, "question is empty"),
        ({"id": "Text-1"}, "item stands twice"),
    ],
)
def test_a_broken_medxpertqa_line_is_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    path = lines(tmp_path, medxpertqa.FILE, [expert(1), expert(2, **changes)])
    with pytest.raises(MedGymError) as error:
        medxpertqa.load(tmp_path)
    assert f"{path}:2" in str(error.value) and said in str(error.value)


def test_every_letter_of_ten_can_win(tmp_path: Path) -> None:
    lines(tmp_path, medxpertqa.FILE, [expert(n, label="ABCDEFGHIJ"[n % 10]) for n in range(20)])
    fair(SPECS["medxpertqa"], medxpertqa.load(tmp_path))


def mean(spec: Spec, items: list[Item], answer: Callable[[Item], str]) -> float:
    return sum(spec.score(answer(item), item).value for item in items) / len(items)


def fair(spec: Spec, items: list[Item]) -> None:
    """Gold scores 1, each constant letter exactly its share, and answers that choose nothing score 0."""
    shares = Counter(item.gold for item in items)
    assert mean(spec, items, lambda item: item.gold) == 1.0
    for letter in {letter for item in items for letter in item.options}:
        assert mean(spec, items, lambda item, letter=letter: letter) == shares[letter] / len(items) > 0
    for null in (baselines.all_options, baselines.question_echo, baselines.fixed_paragraph):
        assert mean(spec, items, null) == 0.0, null.__name__
    for item in items:
        for letter, text in item.options.items():
            assert spec.score(f"Answer: {letter}. {text}", item).answer == letter


@pytest.fixture(scope="module")
def official(real_data: Path) -> Callable[[str], list[Item]]:
    """The items of a benchmark whose files are there; each is read once."""
    read: dict[str, list[Item]] = {}

    def items(name: str) -> list[Item]:
        spec = SPECS[name]
        missing = [file for file in spec.files if not (real_data / file).is_file()]
        if missing:
            pytest.skip(f"no official file {missing[0]} in MEDGYM_DATA")
        if name not in read:
            read[name] = spec.load(real_data)
        return read[name]

    return items


@pytest.mark.parametrize("name", SPECS)
def test_official_files_are_scored_fairly(name: str, official: Callable[[str], list[Item]]) -> None:
    items, spec = official(name), SPECS[name]
    assert 0 < len(items) <= spec.published_items
    assert len({item.id for item in items}) == len(items)
    assert all(item.gold in item.options and all(item.options.values()) for item in items)
    fair(spec, items)


@pytest.mark.parametrize("name", SPECS)
def test_official_texts_carry_no_debris(name: str, official: Callable[[str], list[Item]]) -> None:
    for item in official(name):
        for text in (item.question, *item.context.splitlines(), *item.options.values()):
            assert text == " ".join(text.split())
            assert not text.lower().endswith(("option:", "options:")) and "answer choices:" not in text.lower()


def test_the_official_files_are_read_whole(real_data: Path, official: Callable[[str], list[Item]]) -> None:
    dev = [json.loads(line) for line in (real_data / medmcqa.FILE).read_text(encoding="utf-8").splitlines()]
    assert [item.id for item in official("medmcqa")] == [f"medmcqa/{record['id']}" for record in dev]
    counts = Counter(item.group for item in official("mmlu_medical"))
    for subject, file in zip(mmlu.SUBJECTS, mmlu.FILES, strict=True):
        with (real_data / file).open(encoding="utf-8", newline="") as rows:
            assert counts[subject] == sum(1 for _ in csv.reader(rows))
    named = json.loads((real_data / pubmedqa.TRUTH).read_text(encoding="utf-8"))
    there = json.loads((real_data / pubmedqa.FILE).read_text(encoding="utf-8"))
    assert [item.id for item in official("pubmedqa")] == [f"pubmedqa/{pmid}" for pmid in named if pmid in there]


def test_medmcqa_gold_is_the_answer_text_of_a_second_file(
    real_data: Path, official: Callable[[str], list[Item]]
) -> None:
    """The instruction form of the same split spells the answer out, so it shows that `cop` counts from 1."""
    path = real_data / "benchmarks/medmcqa/medmc_qa_test.jsonl"
    if not path.is_file():
        pytest.skip("no second MedMCQA file in MEDGYM_DATA")
    spelled: dict[str, set[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        asked = json.loads(line)["instances"]
        question = asked["input"].removeprefix("QUESTION:").partition("\nOption A:")[0]
        spelled.setdefault(" ".join(question.split()), set()).add(" ".join(asked["output"].split()))
    both = [item for item in official("medmcqa") if item.question in spelled]
    assert len(both) > 0.9 * len(official("medmcqa"))
    assert all(item.options[item.gold] in spelled[item.question] for item in both)

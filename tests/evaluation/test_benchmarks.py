"""Benchmarks load from the authors' files, say what is broken, and are scored fairly."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from evaluation.benchmarks import BENCHMARKS, Benchmark, load_benchmark, present
from evaluation.benchmarks.medqa import FILE, load
from evaluation.check import accuracy, check_benchmark, fair, gold_in
from evaluation.item import Item, Score, clean_text
from evaluation.policies import null_policies, scripted
from evaluation.scorers.choice import parse_letter, score_choice
from evaluation.suites import modes_of, sample
from medgym_core.errors import MedGymError

LONG_ITEMS = 40  # a long answer takes milliseconds to score: `medgym benchmarks check` takes all of them


def record(number: int, gold: str = "B", **changes: object) -> dict:
    options = {"A": "x", "B": "a longer text", "C": "y", "D": "z"}
    return {"question": f"Question {number}?", "options": options, "answer_idx": gold, "answer": "", **changes}


def written(root: Path, records: list) -> Path:
    """The data folder `root`, with these lines as MedQA's file."""
    path = root / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(r if isinstance(r, str) else json.dumps(r) + "\n" for r in records), encoding="utf-8")
    return root


@pytest.mark.parametrize(
    "broken, said",
    [
        ('{"question": \n', "expected JSON"),
        ("[1]\n", "got list; expected an object"),
        ({"question": "Q?", "options": {"A": "x"}}, "expected answer_idx"),
        (record(2, question=7), "got int; expected text"),
        (record(2, gold="E"), "got 'E'; expected one of A, B, C, D"),
        (record(2, options={"A": "x", "B": " "}), "option B is empty"),
        (record(2, options={"A": "x", "two": "y"}), "got 'two'; expected A to Z"),
        (record(2, question=" "), "text is empty"),
        (record(1), "expected once (also at"),
    ],
)
def test_a_broken_line_is_named_with_file_line_got_and_expected(tmp_path: Path, broken: object, said: str) -> None:
    written(tmp_path, [record(1), broken, record(3)])
    with pytest.raises(MedGymError) as error:
        load(tmp_path)
    message = str(error.value)
    assert f"{tmp_path / FILE}:2" in message and said in message and "\n" not in message


def test_bytes_that_are_no_text_are_a_broken_line(tmp_path: Path) -> None:
    path = written(tmp_path, []) / FILE
    path.write_bytes(json.dumps(record(1)).encode() + b'\n{"question": "\xff"}\n')
    with pytest.raises(MedGymError, match=f"{path.name}:2"):
        load(tmp_path)


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_file_is_an_error(tmp_path: Path, content: str) -> None:
    with pytest.raises(MedGymError, match="empty"):
        load(written(tmp_path, [content]))


def test_a_missing_file_and_an_unknown_benchmark_are_errors(tmp_path: Path) -> None:
    with pytest.raises(MedGymError, match="no benchmark file"):
        load_benchmark("medqa", tmp_path)
    with pytest.raises(MedGymError, match="did you mean 'medqa'"):
        load_benchmark("medqaa", tmp_path)
    assert "medqa" not in present(tmp_path) and "medqa" not in present(None)


def test_option_texts_lose_their_debris_and_nothing_else() -> None:
    assert clean_text('Pancreatitis\n"') == "Pancreatitis"
    assert clean_text("Epineurium Option:") == "Epineurium"
    assert clean_text(' "Have you  designated a proxy?"') == '"Have you designated a proxy?"'
    assert clean_text('Explain it without the word "cancer"') == 'Explain it without the word "cancer"'
    assert clean_text('Which finding?"') == "Which finding?"
    assert clean_text("A surgical option: none") == "A surgical option: none"


def test_ids_do_not_depend_on_the_other_rows(tmp_path: Path) -> None:
    whole = load(written(tmp_path / "a", [record(1), record(2), record(3)]))
    part = load(written(tmp_path / "b", [record(3), record(1)]))
    assert [item.id for item in part] == [whole[2].id, whole[0].id]


def test_the_benchmark_list_is_published_in_full() -> None:
    for name, spec in BENCHMARKS.items():
        assert name == spec.name and spec.title and spec.metric and spec.licence and spec.source and spec.obtain
        assert spec.published_items is None or spec.published_items > 0
        assert spec.chance is None or 0 < spec.chance < 1
        assert spec.modes and callable(spec.load) and callable(spec.score)


def test_a_letter_that_cannot_win_is_reported(tmp_path: Path) -> None:
    items = load(written(tmp_path, [record(n, gold="ABCD"[n % 4]) for n in range(8)]))
    assert check_benchmark(Benchmark(BENCHMARKS["medqa"], items))["letters_off"] == []

    def blind_to_d(text: str, item: Item) -> Score:
        score = score_choice(text, item)
        return Score("unparsable", 0.0, None) if score.answer == "D" else score

    facts = check_benchmark(Benchmark(replace(BENCHMARKS["medqa"], score=blind_to_d), items))
    assert facts["letters_off"] == ["D"] and facts["gold"] == 0.75 and not fair(facts)


def test_answers_are_scored_on_the_items_of_the_benchmark(tmp_path: Path) -> None:
    b = load(written(tmp_path / "b", [record(n, gold="B") for n in range(4)]))
    c = load(written(tmp_path / "c", [record(n, gold="C") for n in range(4)]))
    spec = BENCHMARKS["medqa"]
    scored = [check_benchmark(Benchmark(spec, items))["nulls"]["always_B"] for items in (b, c)]
    assert scored == [1.0, 0.0]


@pytest.mark.parametrize("name", BENCHMARKS)
def test_gold_wins_in_every_mode_and_every_letter_has_its_share(real_data: Path, name: str) -> None:
    if name not in present(real_data):
        pytest.skip(f"MEDGYM_DATA has no {BENCHMARKS[name].files[0]}")
    benchmark = load_benchmark(name, real_data)
    if benchmark.spec.kind == "long":
        benchmark = Benchmark(benchmark.spec, sample(benchmark.items, LONG_ITEMS, 0))
    spec, items = benchmark.spec, benchmark.items
    assert {mode: gold_in(benchmark, mode) for mode in modes_of(spec)} == dict.fromkeys(modes_of(spec), 1.0)
    if spec.kind == "choice":
        shares = Counter(item.gold for item in items)
        constant = [p for p in null_policies(items, spec) if p.name.startswith("null:always_")]
        scored = {p.name[-1]: accuracy(p, items, benchmark, "text") for p in constant}
        assert scored == {letter: shares[letter] / len(items) for item in items for letter in item.options}
    assert accuracy(scripted("null:empty", items, spec), items, benchmark, "text") == 0


def test_medqa_official_file_reads_any_form_of_any_letter(real_data: Path) -> None:
    benchmark = load_benchmark("medqa", real_data)
    assert 0 < len(benchmark.items) <= benchmark.spec.published_items == 1273
    for form in ("{0}. {1}", "({0}) {1}", "The answer is {0}. {1}", "Answer: ({0})"):
        for item in benchmark.items[::4]:
            for letter, text in item.options.items():
                assert parse_letter(form.format(letter, text), item.options) == letter
    assert all('"' not in text[-1:] or text.count('"') % 2 == 0 for i in benchmark.items for text in i.options.values())

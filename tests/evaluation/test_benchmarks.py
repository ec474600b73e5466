"""Benchmarks load from the authors' files, say what is broken, and are scored fairly."""

import json
from collections import Counter
from pathlib import Path

import pytest

from evaluation import baselines
from evaluation.baselines import check_benchmark
from evaluation.benchmarks import BENCHMARKS, Benchmark, load_benchmark, present
from evaluation.item import Item, clean_text
from evaluation.benchmarks.medqa import FILE, load
from evaluation.scorers.choice import judge, parse_letter
from medgym_core.errors import MedGymError


def record(number: int, gold: str = "B", **changes: object) -> dict:
    options = {"A": "x", "B": "a longer text", "C": "y", "D": "z"}
    return {"question": f"Question {number}?", "options": options, "answer_idx": gold, "answer": "", **changes}


def written(path: Path, records: list) -> Path:
    path.write_text("".join(r if isinstance(r, str) else json.dumps(r) + "\n" for r in records), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "broken, said",
    [
        ('{"question": \n', "one JSON object"),
        ("[1]\n", "got list; expected one JSON object"),
        ({"question": "Q?", "options": {"A": "x"}}, "expected answer_idx"),
        (record(2, question=7), "got int; expected str"),
        (record(2, gold="E"), "got 'E'; expected one of A, B, C, D"),
        (record(2, options={"A": "x", "B": " "}), "option B is empty"),
        (record(2, options={"A": "x", "two": "y"}), "got 'two'; expected A to Z"),
        (record(2, question=" "), "question is empty"),
        (record(1), "expected once (line 1)"),
    ],
)
def test_a_broken_line_is_named_with_file_line_got_and_expected(tmp_path: Path, broken: object, said: str) -> None:
    path = written(tmp_path / "medqa.jsonl", [record(1), broken, record(3)])
    with pytest.raises(MedGymError) as error:
        load_medqa(path)
    message = str(error.value)
    assert f"{path}:2" in message and said in message and "\n" not in message


def test_bytes_that_are_no_text_are_a_broken_line(tmp_path: Path) -> None:
    path = tmp_path / "medqa.jsonl"
    path.write_bytes(json.dumps(record(1)).encode() + b'\n{"question": "\xff"}\n')
    with pytest.raises(MedGymError, match="medqa.jsonl:2"):
        load_medqa(path)


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_file_is_an_error(tmp_path: Path, content: str) -> None:
    with pytest.raises(MedGymError, match="empty"):
        load_medqa(written(tmp_path / "medqa.jsonl", [content]))


def test_a_missing_file_and_an_unknown_benchmark_are_errors(tmp_path: Path) -> None:
    with pytest.raises(MedGymError, match="no benchmark file"):
        load_benchmark("medqa", tmp_path)
    with pytest.raises(MedGymError, match="did you mean 'medqa'"):
        load_benchmark("medqaa", tmp_path)
    assert present(tmp_path) == [] and present(None) == []


def test_option_texts_lose_their_debris_and_nothing_else() -> None:
    assert clean_text('Pancreatitis\n"') == "Pancreatitis"
    assert clean_text("Epineurium Option:") == "Epineurium"
    assert clean_text(' "Have you  designated a proxy?"') == '"Have you designated a proxy?"'
    assert clean_text('Explain it without the word "cancer"') == 'Explain it without the word "cancer"'
    assert clean_text('Which finding?"') == "Which finding?"
    assert clean_text("A surgical option: none") == "A surgical option: none"


def test_ids_do_not_depend_on_the_other_rows(tmp_path: Path) -> None:
    whole = load_medqa(written(tmp_path / "a.jsonl", [record(1), record(2), record(3)]))
    part = load_medqa(written(tmp_path / "b.jsonl", [record(3), record(1)]))
    assert [item.id for item in part] == [whole[2].id, whole[0].id]


def test_the_benchmark_list_is_published_in_full() -> None:
    for name, spec in BENCHMARKS.items():
        assert name == spec.name and spec.file and spec.published_items > 0 and spec.metric and spec.licence
        assert spec.source and 0 < spec.chance < 1 and callable(spec.loader)


def test_a_letter_that_cannot_win_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = load_medqa(written(tmp_path / "m.jsonl", [record(n, gold="ABCD"[n % 4]) for n in range(8)]))
    benchmark = Benchmark(BENCHMARKS["medqa"], tmp_path, items)
    assert check_benchmark(benchmark)["letters_off"] == []

    def blind_to_d(text: str, item: Item) -> tuple[str | None, str]:
        letter, verdict = judge(text, item)
        return (None, "unparsable") if letter == "D" else (letter, verdict)

    monkeypatch.setattr(baselines, "judge", blind_to_d)
    facts = check_benchmark(benchmark)
    assert facts["letters_off"] == ["D"] and facts["gold"] == 0.75


def test_answers_are_scored_on_the_items_of_the_benchmark(tmp_path: Path) -> None:
    b = load_medqa(written(tmp_path / "b.jsonl", [record(n, gold="B") for n in range(4)]))
    c = load_medqa(written(tmp_path / "c.jsonl", [record(n, gold="C") for n in range(4)]))
    spec = BENCHMARKS["medqa"]
    scored = [check_benchmark(Benchmark(spec, tmp_path, items))["nulls"]["always_B"] for items in (b, c)]
    assert scored == [1.0, 0.0]


def test_medqa_official_file_is_scored_fairly(real_data: Path) -> None:
    assert "medqa" in present(real_data)
    benchmark = load_benchmark("medqa", real_data)
    facts = check_benchmark(benchmark)
    shares = Counter(item.gold for item in benchmark.items)
    assert facts["published_items"] == 1273 and facts["items"] == len(benchmark.items) <= 1273
    assert facts["gold"] == 1.0 and facts["letters_off"] == []
    for letter in "ABCD":
        assert facts["nulls"][f"always_{letter}"] == shares[letter] / facts["items"] > 0
    for null in ("all_options", "question_echo", "fixed_paragraph"):
        assert facts["nulls"][null] == 0.0
    for form in ("{0}. {1}", "({0}) {1}", "The answer is {0}. {1}", "Answer: ({0})"):
        for item in benchmark.items:
            for letter, text in item.options.items():
                assert parse_letter(form.format(letter, text), item.options) == letter
    assert all('"' not in text[-1:] or text.count('"') % 2 == 0 for i in benchmark.items for text in i.options.values())

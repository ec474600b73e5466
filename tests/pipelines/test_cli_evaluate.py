"""`medgym evaluate` and `medgym benchmarks`: JSON for programs, tables for people, one-line errors."""

import json
import os
from pathlib import Path

import pytest

from pipelines.cli import execute

FILE = "benchmarks/medqa/phrases_no_exclude_test.jsonl"


@pytest.fixture
def data(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A MEDGYM_DATA with forty items of our own in MedQA's format."""
    lines = [
        {
            "question": f"Question {n}?",
            "answer": "",
            "options": {"A": "rest", "B": "surgery", "C": "ice", "D": "heat"},
            "meta_info": ("step1", "step2&3")[n % 2],
            "answer_idx": "ABCD"[n % 4],
        }
        for n in range(40)
    ]
    path = tmp_path / "data" / FILE
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    monkeypatch.setenv("MEDGYM_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def run(capsys: pytest.CaptureFixture, *arguments: str) -> dict:
    assert execute([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture, *arguments: str) -> str:
    assert execute(list(arguments)) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("medgym: ")]
    assert len(told) == 1
    return told[0]


@pytest.mark.parametrize("mode", ["text", "logprob", "agentic"])
def test_the_oracle_wins_in_every_mode(data: Path, capsys, mode: str) -> None:
    found = run(capsys, "evaluate", "--policy", "oracle", "--suite", "medqa", "--mode", mode)
    (part,) = found["parts"]
    assert part["estimates"]["oracle"]["value"] == 1 and part["items"] == 40 and part["mode"] == mode
    assert part["estimates"]["null:always_C"]["value"] == 0.25 and part["failures"] == []


def test_a_limit_takes_a_sample_and_the_scorecard_is_kept(data: Path, home: Path, capsys) -> None:
    command = ["evaluate", "--policy", "script:hash_letter", "--suite", "medqa", "--limit", "10"]
    first = run(capsys, *command)
    (part,) = first["parts"]
    assert part["items"] == 10 and part["groups"]["step1"]["oracle"]["n"] == 5
    assert first == run(capsys, *command) and first["protocol"]["limit"] == 10
    (file,) = (home / "scorecards").glob("*.json")
    assert json.loads(file.read_text()) == first


def test_a_policy_is_compared_with_another(data: Path, capsys) -> None:
    arguments = ["--policy", "script:hash_letter", "--against", "null:always_B", "--suite", "medqa"]
    (part,) = run(capsys, "evaluate", *arguments)["parts"]
    assert ("null:always_B", "script:hash_letter") in {(c["policy"], c["against"]) for c in part["comparisons"]}


def test_a_person_sees_intervals_nulls_and_what_so_many_items_show(data: Path, capsys) -> None:
    assert execute(["evaluate", "--policy", "script:hash_letter", "--suite", "medqa", "--fresh"]) == 0
    told = capsys.readouterr().out
    for words in ("MedQA-USMLE", "95 % interval", "detectable", "null:always_A", "oracle", "p (Holm)", "1,273"):
        assert words in told


def test_nothing_is_kept_of_a_fresh_evaluation(data: Path, home: Path, capsys) -> None:
    run(capsys, "evaluate", "--policy", "oracle", "--suite", "medqa", "--fresh")
    assert not list(home.rglob("*.parquet")) and not list(home.rglob("scorecards"))


def test_benchmarks_are_listed_with_what_is_there(data: Path, capsys) -> None:
    found = {b["name"]: b for b in run(capsys, "benchmarks", "list")["benchmarks"]}
    assert found["medqa"]["items"] == 40 and found["medqa"]["published_items"] == 1273
    absent = [b for b in found.values() if not b["present"]]
    assert absent and all(b["items"] is None and b["obtain"] for b in absent)
    assert execute(["benchmarks", "list"]) == 0
    assert "absent" in capsys.readouterr().out


def test_benchmarks_are_checked_in_every_mode(data: Path, capsys) -> None:
    found = {b["name"]: b for b in run(capsys, "benchmarks", "check")["benchmarks"]}
    medqa = found["medqa"]
    assert medqa["gold"] == medqa["gold_text"] == medqa["gold_logprob"] == medqa["gold_agentic"] == 1
    assert medqa["letters_off"] == [] and medqa["nulls"]["always_A"] == 0.25 and medqa["file"] == FILE
    assert execute(["benchmarks", "check"]) == 0
    assert "letters off" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--policy", "oracle", "--suite", "medqas"], "did you mean 'medqa'"),
        (["--policy", "oracle", "--suite", "medqa", "--mode", "letters"], "one of agentic, logprob, text"),
        (["--policy", "oracle", "--suite", "medqa", "--limit", "0"], "--limit"),
        (["--policy", "null:nothing", "--suite", "medqa"], "null:always_A"),
        (["--policy", "script:nothing", "--suite", "medqa"], "script:hash_letter"),
        (["--policy", "nowhere/at/all", "--suite", "medqa"], "no such model"),
        (["--policy", "oracle", "--suite", "medmcqa"], "no benchmark files"),
    ],
)
def test_bad_usage_is_one_line(data: Path, capsys, arguments: list[str], told: str) -> None:
    assert told in refused(capsys, "evaluate", *arguments)


def test_a_broken_line_of_a_benchmark_is_named(data: Path, capsys) -> None:
    with open(data / FILE, "a", encoding="utf-8") as stream:
        stream.write('{"question": "cut off\n')
    assert f"{Path(FILE).name}:41" in refused(capsys, "evaluate", "--policy", "oracle", "--suite", "medqa")
    assert os.environ["MEDGYM_DATA"] == str(data)

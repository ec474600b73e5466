"""The command line: quick help, one-line errors, exit status, JSON."""

import json
import re
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from pipelines.cli import app, execute

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def data(tmp_path, monkeypatch, tracker) -> Path:
    """An empty MEDGYM_DATA, and a home with an MLflow database."""
    folder = tmp_path / "data"
    (folder / "corpus").mkdir(parents=True)
    monkeypatch.setenv("MEDGYM_DATA", str(folder))
    return folder


def commands() -> list[list[str]]:
    import typer

    def walk(command, path):
        children = getattr(command, "commands", {})
        return [p for name, child in children.items() for p in walk(child, [*path, name])] or [path]

    return walk(typer.main.get_command(app), [])


def refused(capsys, *arguments: str) -> str:
    """The one line with which a command is refused."""
    assert execute(list(arguments)) == 2
    captured = capsys.readouterr()
    told = [line for line in captured.err.splitlines() if line.startswith("medgym: ")]
    assert len(told) == 1 and "Traceback" not in captured.err
    return told[0]


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from pipelines.cli import execute; execute(['--help']);"
        "print([m for m in ('dagster', 'mlflow', 'torch', 'pandas', 'pyarrow') if m in sys.modules])"
    )
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[]"
    assert time.perf_counter() - began < 5, "0.2 s on a free core"


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example(command: list[str], capsys) -> None:
    assert execute([*command, "--help"]) == 0
    assert "Example: medgym " + " ".join(command) in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["fly"], "No such command 'fly'"),
        (["run", "--fast"], "No such option"),
        (["rollout"], "Missing option"),
        (["run", "--set", "sed=1"], "did you mean 'seed'"),
        (["tools", "--domain", "astrology"], "unknown domain; got 'astrology'; expected one of clinical_diagnosis"),
        (["tasks", "validate"], "expected a home where `medgym run` has been"),
        (["tasks", "stats", "--tasks", "nowhere.parquet"], "nowhere.parquet"),
        (["explain", "first"], "expected a number, or FILE#NUMBER"),
        (["evaluate", "--policy", "oracle", "--suite", "medqa"], "MEDGYM_DATA is not set"),
        (["lineage", "champion"], "no such policy version"),
        (["models", "rollback"], "no such policy version"),
        (["search", " "], "empty query"),
        (["search", "x", "--mode", "fuzzy"], "unknown search mode"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(arguments: list[str], told: str, tracker, monkeypatch, capsys) -> None:
    monkeypatch.delenv("MEDGYM_DATA", raising=False)
    assert told in refused(capsys, *arguments)


def test_debug_shows_the_traceback(home) -> None:
    from medgym_core.errors import MedGymError

    with pytest.raises(MedGymError):
        execute(["tasks", "validate"], debug=True)


def test_an_unreadable_archive_is_named_and_leaves_nothing(data, home, capsys) -> None:
    (data / "corpus" / "medquad.tar.xz").write_bytes(b"no archive")
    told = refused(capsys, "run", "--quick", "--set", "corpus.sources=facts,medquad")
    assert "a corpus gives nothing" in told and "medquad.tar.xz" in told and "malformed XML" in told
    assert half_written(home) == []


def test_a_malformed_member_is_named(data, home, capsys) -> None:
    (data / "broken.xml").write_text("<Document><Focus>x</Document>")
    with tarfile.open(data / "corpus" / "medquad.tar.gz", "w:gz") as archive:
        archive.add(data / "broken.xml", "broken.xml")
    told = refused(capsys, "run", "--quick", "--set", "corpus.sources=facts,medquad")
    assert re.search(r"malformed XML.*broken\.xml, line 1", told)
    assert half_written(home) == []


def test_an_empty_corpus_is_told(data, home, capsys) -> None:
    assert "empty corpus" in refused(capsys, "run", "--quick", "--set", "corpus.sources=medquad")
    assert half_written(home) == []


def test_an_unknown_corpus_source_lists_the_known_ones(data, home, capsys) -> None:
    told = refused(capsys, "run", "--quick", "--set", "corpus.sources=facts,medquat")
    assert "did you mean 'medquad'" in told and "medlineplus" in told


def test_a_broken_benchmark_line_is_named(data, home, capsys) -> None:
    file = data / "benchmarks" / "medqa" / "phrases_no_exclude_test.jsonl"
    file.parent.mkdir(parents=True)
    item = {"question": "Which one?", "options": {"A": "this", "B": "that"}, "answer_idx": "A"}
    file.write_text(json.dumps(item) + "\n" + '{"question": "cut off\n')
    told = refused(capsys, "run", "--quick")
    assert "phrases_no_exclude_test.jsonl:2" in told and "expected JSON" in told
    assert half_written(home) == []


def test_medgym_data_that_is_no_folder_is_told(tracker, monkeypatch, capsys, tmp_path) -> None:
    monkeypatch.setenv("MEDGYM_DATA", str(tmp_path / "nowhere"))
    assert "MEDGYM_DATA is not a folder" in refused(capsys, "run", "--quick")


def test_tools_are_counted_by_executing_them(home, capsys) -> None:
    assert execute(["tools", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["counts"]["tools"] == len({t["name"] for t in found["tools"]}) >= 30
    assert all(t["charts_run"] > 0 and t["kind"] in ("read", "write", "submit") for t in found["tools"])


def test_benchmarks_are_listed_without_their_files(home, monkeypatch, capsys) -> None:
    monkeypatch.delenv("MEDGYM_DATA", raising=False)
    assert execute(["benchmarks", "list", "--json"]) == 0
    medqa = next(b for b in json.loads(capsys.readouterr().out)["benchmarks"] if b["name"] == "medqa")
    assert medqa["published_items"] == 1273 and not medqa["present"]


def half_written(home: Path) -> list[Path]:
    """Work folders and artifacts of the corpus that a failed run left."""
    return [p for p in (home / "artifacts").rglob("*") if p.name.startswith("work-") or p.name == "passages.parquet"]


def test_help_writes_nothing(home, capsys) -> None:
    assert execute(["--help"]) == 0
    assert not home.exists()

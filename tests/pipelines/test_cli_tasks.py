"""Own tasks on the command line: verdicts line by line, what is accepted joins a task file, the card counts it."""

import json
from pathlib import Path

import msgspec
import pytest

from medgym_core.tasks import build_task_set, read_tasks, write_tasks
from medgym_core.types import Task
from medgym_core.user_tasks import UserTask
from pipelines.cli import execute
from pipelines.steps.tasks import file_digests, task_set

FIELDS = set(UserTask.__struct_fields__) & set(Task.__struct_fields__)


@pytest.fixture
def lines(small_tasks) -> list[str]:
    some = [t for t in small_tasks if t.domain == "triage_emergency"][:3]
    return [msgspec.json.encode(UserTask(**{f: getattr(t, f) for f in FIELDS})).decode() for t in some]


@pytest.fixture(autouse=True)
def no_data(home, monkeypatch) -> None:
    monkeypatch.delenv("MEDGYM_DATA", raising=False)


def add(
    tmp_path: Path, capsys, *lines: str, out: str = "own.parquet", options: tuple[str, ...] = ()
) -> tuple[int, dict]:
    (tmp_path / "own.jsonl").write_text("\n".join(lines), encoding="utf-8")
    status = execute(["tasks", "add", str(tmp_path / "own.jsonl"), "--out", str(tmp_path / out), *options, "--json"])
    printed = capsys.readouterr()
    return status, json.loads(printed.out) if printed.out else {"err": printed.err}


def test_every_line_is_told_and_good_ones_are_kept(lines, tmp_path, capsys) -> None:
    status, told = add(tmp_path, capsys, lines[0], "{broken", lines[1])
    assert status == 1 and told["added"] == 2
    assert [v["accepted"] for v in told["verdicts"]] == [True, False, True]
    assert "not a task" in told["verdicts"][1]["gates"]["read"]
    assert len(read_tasks(tmp_path / "own.parquet")) == 2


def test_adding_again_adds_only_what_is_new(lines, tmp_path, capsys) -> None:
    add(tmp_path, capsys, lines[0])
    status, told = add(tmp_path, capsys, lines[0], lines[2])
    assert status == 1 and told["held"] == 1 and told["added"] == 1
    assert "unique" in told["verdicts"][0]["gates"]
    assert len(read_tasks(tmp_path / "own.parquet")) == 2


def test_a_file_without_one_good_line_writes_nothing(tmp_path, capsys) -> None:
    status, told = add(tmp_path, capsys, "{broken")
    assert status == 1 and told["added"] == 0 and "not a task" in told["verdicts"][0]["gates"]["read"]
    assert not (tmp_path / "own.parquet").exists()


def test_an_unknown_format_lists_the_valid_ones(lines, tmp_path, capsys) -> None:
    status, told = add(tmp_path, capsys, lines[0], options=("--format", "usmle"))
    assert status == 2 and "medmcqa" in told["err"]


def test_own_tasks_join_the_task_set_and_its_card(lines, tmp_path, capsys, knowledge) -> None:
    add(tmp_path, capsys, *lines)
    own = str(tmp_path / "own.parquet")
    made = task_set(tmp_path, 0, {"triage_emergency": 15, "obstetrics": 15}, knowledge, [own])
    assert made.rows == 33 and made.meta["own"] == 3
    ids = {t.id for t in read_tasks(tmp_path / "tasks.parquet")}
    assert {t.id for t in read_tasks(Path(own))} <= ids
    assert "33 tasks in 2 domains" in (tmp_path / "card.md").read_text()


def test_a_task_file_counts_by_content_and_must_be_there(lines, tmp_path, capsys) -> None:
    from medgym_core.errors import MedGymError

    add(tmp_path, capsys, lines[0])
    before = file_digests([str(tmp_path / "own.parquet")])
    add(tmp_path, capsys, lines[1])
    assert before != file_digests([str(tmp_path / "own.parquet")])
    with pytest.raises(MedGymError, match="no such task file"):
        file_digests([str(tmp_path / "nowhere.parquet")])


def test_the_card_counts_what_is_in_the_file(tmp_path, capsys, knowledge) -> None:
    write_tasks(tmp_path / "t.parquet", build_task_set(0, 20, knowledge, ["psychiatry"]))
    assert execute(["tasks", "card", "--tasks", str(tmp_path / "t.parquet")]) == 0
    text = capsys.readouterr().out
    assert "20 tasks in 1 domains" in text and "| psychiatry | 20 |" in text and "Not for clinical use" in text


def test_validation_runs_rules_and_gates_and_fails_on_a_spoilt_task(tmp_path, capsys, knowledge) -> None:
    tasks = build_task_set(0, 150, knowledge, ["triage_emergency"])
    write_tasks(tmp_path / "t.parquet", tasks)
    assert execute(["tasks", "validate", "--tasks", str(tmp_path / "t.parquet"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {"gradeable", "ids_unique", "sensitivity"} <= {v["name"] for v in told["rules"]} and told["gates"]
    bad = msgspec.structs.replace(tasks[0], max_turns=1)
    write_tasks(tmp_path / "t.parquet", [bad, *tasks[1:]])
    assert execute(["tasks", "validate", "--tasks", str(tmp_path / "t.parquet")]) == 1
    assert f"oracle: {bad.id}: the reference does not end" in capsys.readouterr().out

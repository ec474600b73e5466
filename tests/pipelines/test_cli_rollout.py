"""`medgym rollout` and `medgym trajectories`: a run goes on where it was, and what it left can be looked at."""

import csv
import json
import os
import signal

import pytest

from medgym_core.artifacts import digest_files
from medgym_core.tasks import build_task_set, write_tasks
from pipelines.cli import execute
from training.trajectory import read_trajectories


@pytest.fixture(scope="module")
def task_file(knowledge, tmp_path_factory):
    """A dozen tasks of two domains."""
    file = tmp_path_factory.mktemp("tasks") / "tasks.parquet"
    write_tasks(file, build_task_set(0, 6, knowledge, ["triage_emergency", "drug_interaction"]))
    return file


@pytest.fixture(autouse=True)
def empty_home(home):
    """No run before."""


def medgym_json(capsys, *arguments, status=0):
    assert execute([*map(str, arguments), "--json"]) == status, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def rollout(out, task_file, *more, policy="null:random_tools"):
    return ["rollout", "--policy", policy, "--tasks", "all", "--task-file", task_file, "--n", 3, "--out", out, *more]


@pytest.fixture
def recorded(task_file, tmp_path, capsys):
    out = tmp_path / "run"
    return out, medgym_json(capsys, *rollout(out, task_file, "--part", 8))


def test_a_run_is_summed_up_and_done_once(recorded, task_file, capsys):
    out, summary = recorded
    assert (summary["episodes"], summary["new"], summary["complete"], summary["failed"]) == (36, 36, True, 0)
    found = read_trajectories(out)
    assert summary["success"] == pytest.approx(sum(t.correct for t in found) / 36, abs=1e-6)
    assert summary["tool_errors"] == sum(t.tool_errors for t in found) > 0 and sum(summary["stops"].values()) == 36
    again = medgym_json(capsys, *rollout(out, task_file, "--part", 8))
    assert again["new"] == 0 and again["digest"] == summary["digest"]
    assert execute([*map(str, rollout(out, task_file, "--part", 8))]) == 0
    assert "36 of 36 episodes, 0 of them new" in capsys.readouterr().out


def test_other_settings_in_the_same_folder_are_refused_in_one_line(recorded, task_file, capsys):
    out, _ = recorded
    before = digest_files(out)
    assert execute([*map(str, rollout(out, task_file, "--part", 8, "--seed", 9))]) == 2
    told = capsys.readouterr().err.splitlines()
    assert "other settings; got seed 9; expected seed 0, or another folder" in told[-1]
    assert execute([*map(str, rollout(out, task_file, "--part", 8, policy="oracle"))]) == 2
    assert "policy oracle" in capsys.readouterr().err and digest_files(out) == before


def test_ctrl_c_keeps_what_is_there_says_how_to_go_on_and_loses_nothing(
    recorded, task_file, tmp_path, capsys, monkeypatch
):
    from training import engine

    out, real, count = tmp_path / "stopped", engine.record, []

    def pressed(*arguments, **named):
        count.append(1)
        if len(count) == 20:
            os.kill(os.getpid(), signal.SIGINT)
        return real(*arguments, **named)

    monkeypatch.setattr(engine, "record", pressed)
    assert execute([*map(str, rollout(out, task_file, "--part", 8))]) == 130
    told = capsys.readouterr().err
    assert "stopped with 20 of 36 episodes kept; the same command goes on" in told
    assert len(read_trajectories(out)) == 18  # whole parts; two more wait for theirs
    resumed = medgym_json(capsys, *rollout(out, task_file, "--part", 8))
    assert resumed["complete"] and resumed["new"] == 16
    parts = [{n: d for n, d in digest_files(f).items() if n.startswith("domain=")} for f in (out, recorded[0])]
    assert parts[0] == parts[1] and len(parts[0]) == 6


def test_limits_and_selection_reach_the_run(task_file, tmp_path, capsys):
    summary = medgym_json(capsys, *rollout(tmp_path / "a", task_file, "--limit", 2, "--time-limit", 0.0))
    assert summary["episodes"] == 6 and summary["stops"] == {"time_limit": 6}
    summary = medgym_json(capsys, *rollout(tmp_path / "b", task_file, "--limit", 1, policy="oracle"))
    assert summary["episodes"] == 3 and summary["success"] == 1.0


def test_an_unknown_policy_lists_the_valid_forms(task_file, tmp_path, capsys):
    assert execute([*map(str, rollout(tmp_path / "a", task_file, policy="gpt"))]) == 2
    told = capsys.readouterr().err
    assert "unknown policy" in told and "openai:URL#MODEL" in told and not (tmp_path / "a").exists()


def test_stats_answer_by_policy_domain_and_turns(recorded, capsys):
    out, summary = recorded
    found = medgym_json(capsys, "trajectories", "stats", "--file", out)
    assert found["policies"]["null:random_tools"]["episodes"] == 36
    assert {r["domain"]: r["episodes"] for r in found["domains"]} == {"triage_emergency": 18, "drug_interaction": 18}
    assert sum(r["episodes"] for r in found["turns"]) == 36 and found["stops"] == summary["stops"]
    assert execute(["trajectories", "stats", "--file", str(out)]) == 0
    assert "Episodes by number of turns" in capsys.readouterr().out


def test_an_episode_is_shown_by_number_and_by_key(recorded, capsys):
    out, _ = recorded
    found = read_trajectories(out)[20]
    shown = medgym_json(capsys, "trajectories", "show", 20, "--file", out)
    assert shown["key"] == found.key and shown["messages"] == found.messages
    assert medgym_json(capsys, "trajectories", "show", found.key, "--file", out) == shown
    for wrong, told in (("36", "expected 0 to 35"), ("0" * 16, "no such episode"), ("first", "bad episode")):
        assert execute(["trajectories", "show", wrong, "--file", str(out)]) == 2
        assert told in capsys.readouterr().err


def test_exports_hold_every_episode(recorded, tmp_path, capsys):
    out, _ = recorded
    found = read_trajectories(out)
    chat, scores = tmp_path / "x" / "a.jsonl", tmp_path / "a.csv"
    assert medgym_json(capsys, "trajectories", "export", chat, "--file", out)["episodes"] == 36
    lines = [json.loads(line) for line in chat.read_text().splitlines()]
    assert [line["messages"] for line in lines] == [t.messages for t in found]
    assert [line["key"] for line in lines] == [t.key for t in found]
    assert medgym_json(capsys, "trajectories", "export", scores, "--format", "scores", "--file", out)["episodes"] == 36
    rows = list(csv.DictReader(scores.open()))
    assert [(r["key"], float(r["reward"])) for r in rows] == [(t.key, t.reward) for t in found]
    assert execute(["trajectories", "export", str(tmp_path / "b"), "--format", "xml", "--file", str(out)]) == 2
    assert "expected one of chat, scores" in capsys.readouterr().err and not (tmp_path / "b").exists()


def test_explain_reads_a_folder_of_parts(recorded, task_file, capsys):
    out, _ = recorded
    told = medgym_json(capsys, "explain", f"{out}#5", "--tasks", task_file)
    assert told["composite"] == pytest.approx(told["recorded"])

"""The whole chain, on the quick preset and the shipped corpus: one run, a second one, killed ones, bad ones."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from medgym_core.artifacts import Store
from medgym_core.domains import NAMES
from pipelines.cli import execute
from pipelines.lineage import trace, tree_names
from pipelines.resources import tracker_of

CORPUS = ("passages", "embeddings", "index", "lexicon", "knowledge_base")
DATA = {
    "corpus/passages",
    "tasks/task_set",
    "rollouts/episodes",
    "training/base_policy",
    "training/bc_checkpoint",
    "training/checkpoint",
    "training/policy_version",
}


@pytest.fixture
def ran_home(ran, monkeypatch) -> Path:
    monkeypatch.setenv("MEDGYM_HOME", str(ran[0]))
    monkeypatch.delenv("MEDGYM_DATA", raising=False)
    return ran[0]


def digests(assets: list[dict]) -> dict[str, str]:
    return {a["key"]: a["digest"] for a in assets}


def medgym_json(capsys, *arguments: str) -> dict:
    assert execute([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_one_command_builds_every_asset_and_measures_every_policy(ran) -> None:
    _, document = ran
    assert len(document["assets"]) == 16 and not any(a["reused"] for a in document["assets"])
    policies = {row["policy"] for row in document["scores"]["agentic"]}
    assert {"oracle", "bc", "ttopd", "null:submit_at_once"} <= policies
    assert Path(document["learning_curve"]).read_bytes().startswith(b"\x89PNG")
    assert document["policy_version"] == "1" and document["mlflow_run"]


def test_what_is_absent_is_reported_and_not_scored_as_zero(ran) -> None:
    _, document = ran
    assert "medqa" in document["absent"] and "medqa" not in document["scores"]


def test_a_second_run_reuses_everything(ran, code_copy, start) -> None:
    home, first = ran
    again = json.loads(start("run", "--quick", "--json", home=home, code=code_copy).stdout)
    assert all(a["reused"] for a in again["assets"])
    assert digests(again["assets"]) == digests(first["assets"])
    assert again["policy_version"] == first["policy_version"]


def test_lineage_reaches_the_data_and_the_files_are_intact(ran_home, capsys) -> None:
    found = medgym_json(capsys, "lineage", "challenger")
    assert DATA <= set(tree_names(found["tree"]))
    passages = tree_names(found["tree"])["corpus/passages"]
    back = medgym_json(capsys, "lineage", f"corpus/passages@{passages}")
    assert {"training/policy_version", "evaluation/scorecard"} <= {u["name"] for u in back["used_by"]}
    assert execute(["lineage", "challenger"]) == 0
    assert f"tasks/task_set@{tree_names(found['tree'])['tasks/task_set']}" in capsys.readouterr().out


def test_dagster_metadata_holds_the_same_links(ran, ran_home) -> None:
    import dagster as dg

    home, document = ran
    tree = trace(tracker_of(home), Store(home / "artifacts"), "challenger")["tree"]
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        for name, digest in digests(document["assets"]).items():
            event = instance.get_latest_materialization_event(dg.AssetKey.from_user_string(name))
            shown = event.asset_materialization
            assert shown.metadata["digest"].value == digest
            assert shown.tags["dagster/data_version"] == digest
            assert shown.metadata["mlflow_run_id"].value in shown.metadata["mlflow_run"].value
            if name == "training/checkpoint":
                listed = re.findall(r"`([^`]+)`", shown.metadata["upstream"].value)
                assert f"tasks/task_set@{tree_names(tree)['tasks/task_set']}" in listed
        checks = instance.event_log_storage.get_latest_asset_check_execution_by_key(
            [dg.AssetCheckKey(dg.AssetKey(["training", "checkpoint"]), "training_mechanisms_ran")]
        )
        assert [c.status.value for c in checks.values()] == ["SUCCEEDED"]


def test_every_mechanism_ran_and_one_switched_off_shows(ran, ran_home) -> None:
    from pipelines.run import run_chain

    found = {
        a.name: a for a in (Store(ran_home / "artifacts").find(n, d) for n, d in digests(ran[1]["assets"]).items())
    }
    on = found["training/checkpoint"].meta["mechanisms"]
    assert all(m["enabled"] and m["count"] > 0 for m in on.values()) and len(on) == 4
    settings = ["rl.cosine.weight=0", "rl.steps=1", "rl.validation_tasks=2"]
    current = ran_home / "artifacts" / "current" / "training__checkpoint.json"
    before = current.read_text()
    off = run_chain("quick", settings, selection=["training/checkpoint"]).built["training/checkpoint"]
    assert off.artifact.meta["mechanisms"]["cosine"] == {"enabled": False, "count": 0}
    current.write_text(before)  # other tests read what the whole run left


KILLED = ("training/bc_checkpoint  step", "evaluation/predictions  step")


def test_killed_twice_it_ends_with_the_same_digests(ran, code_copy, tmp_path, start) -> None:
    """kill -9 in the middle of training and in the middle of evaluation, then run again."""
    home, undisturbed = ran
    shutil.copytree(home, tmp_path / "home")
    home = tmp_path / "home"
    for name in ("training/bc_checkpoint", "training/checkpoint", "evaluation/predictions", "evaluation/scores"):
        shutil.rmtree(home / "artifacts" / name)
    environment = {k: v for k, v in os.environ.items() if k != "MEDGYM_DATA"}
    environment |= {"MEDGYM_HOME": str(home), "PYTHONPATH": str(code_copy)}
    for mark in KILLED:
        command = [sys.executable, "-m", "pipelines.cli", "run", "--quick"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, cwd=code_copy)
        assert any(mark in line for line in process.stderr), "the run ended before it could be killed"
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    finished = json.loads(start("run", "--quick", "--json", home=home, code=code_copy).stdout)
    assert digests(finished["assets"]) == digests(undisturbed["assets"])
    assert not list((home / "artifacts").rglob("work-*"))
    assert DATA <= set(tree_names(trace(tracker_of(home), Store(home / "artifacts"), "challenger")["tree"]))
    import dagster as dg

    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        statuses = [run.status.value for run in instance.get_runs(limit=3)]
    assert statuses == ["SUCCESS", "FAILURE", "FAILURE"], "dead runs are not shown as running"


def test_a_changed_fact_rebuilds_what_depends_on_it(ran, code_copy, tmp_path, start) -> None:
    home, code = tmp_path / "home", tmp_path / "code"
    shutil.copytree(ran[0], home)
    shutil.copytree(code_copy, code)
    fact = sorted((code / "medgym_core" / "domains" / "triage_emergency" / "facts").glob("*.toml"))[0]
    fact.write_text(fact.read_text().replace('source = "', 'source = "Second edition of ', 1))
    done = start("tasks", "build", "--quick", home=home, code=code)
    assert done.returncode == 0, done.stderr
    built = {line.split()[0] for line in done.stderr.splitlines() if line.endswith("built")}
    assert built == {f"corpus/{n}" for n in CORPUS} | {"tasks/task_set"}


def test_a_fact_reaches_the_assets_that_read_facts_and_no_others(code_copy, tmp_path) -> None:
    code = tmp_path / "code"
    shutil.copytree(code_copy, code)
    show = "from pipelines.versions import SOURCES, code_version; print({a: code_version(a) for a in SOURCES})"

    def read() -> dict[str, str]:
        return eval_dict(subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, cwd=code).stdout)

    before = read()
    fact = sorted((code / "medgym_core" / "domains" / "medical_qa" / "facts").glob("*.toml"))[0]
    fact.write_text(fact.read_text().replace('source = "', 'source = "Second edition of ', 1))
    after = read()
    unmoved = {a for a in before if before[a] == after[a]}
    assert unmoved == {
        "evaluation/benchmark_items",
        "evaluation/benchmark_texts",
        "corpus/embeddings",
        "corpus/index",
        "corpus/lexicon",
        "corpus/knowledge_base",
        "training/bc_checkpoint",
        "training/policy_version",
        "evaluation/scores",
        "evaluation/scorecard",
    }


def eval_dict(text: str) -> dict[str, str]:
    return dict(re.findall(r"'([^']+)': '([^']+)'", text))


def test_a_bad_task_set_produces_no_rollouts(ran_home, monkeypatch) -> None:
    import msgspec

    from medgym_core import release
    from pipelines import display
    from pipelines.run import TASK_CHAIN, CheckFailed, run_chain

    whole = release.build_release

    def spoilt(*arguments, **named):
        first, *rest = whole(*arguments, **named)
        return [msgspec.structs.replace(first, reference=first.reference[-1:]), *rest]

    monkeypatch.setattr(release, "build_release", spoilt)
    with pytest.raises(CheckFailed, match="tasks/task_set: .*gate_oracle"):
        run_chain("quick", ["tasks.per_domain=43"])
    built = display.current().built
    assert "tasks/task_set" in built and "rollouts/episodes" not in built
    with pytest.raises(CheckFailed):
        run_chain("quick", ["tasks.per_domain=43"], TASK_CHAIN)


def test_a_missing_model_folder_is_told_in_one_line(ran_home, tmp_path, capsys) -> None:
    assert execute(["run", "--quick", "--set", f"model={tmp_path}/nowhere"]) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("medgym: ")]
    assert len(told) == 1 and "no such model" in told[0] and "nowhere" in told[0]
    assert not list((ran_home / "artifacts").rglob("work-*"))


def test_commands_read_what_the_run_left(ran_home, tmp_path, capsys) -> None:
    assert medgym_json(capsys, "trajectories", "stats")["policies"]["reference"]["accuracy"] == 1.0
    assert medgym_json(capsys, "trajectories", "show", "0")["messages"][0]["role"] == "system"
    assert medgym_json(capsys, "tasks", "stats")["tasks"] == 40 * len(NAMES)
    assert medgym_json(capsys, "tasks", "show", "triage_emergency/")["prompt"]
    assert "truth" in medgym_json(capsys, "tasks", "show", "triage_emergency/", "--truth")
    assert len(medgym_json(capsys, "search", "warfarin bleeding", "-k", "3")["hits"]) == 3
    explained = medgym_json(capsys, "explain", "0")
    assert explained["composite"] == pytest.approx(explained["recorded"]) and len(explained["why"]) >= 6
    assert medgym_json(capsys, "models", "list")["versions"][0]["aliases"] == ["challenger"]
    out = tmp_path / "rollouts"
    arguments = ["--policy", "challenger", "--tasks", "triage_emergency,test", "--out", str(out)]
    assert medgym_json(capsys, "rollout", *arguments)["episodes"] > 0
    assert medgym_json(capsys, "explain", f"{out}#0")["verdict"]
    scored = medgym_json(capsys, "evaluate", "--policy", "null:submit_at_once", "--limit", "5")
    assert sum(part["items"] for part in scored["parts"] if part["metric"] == "accuracy") == 5


def test_a_training_job_resumes_only_when_asked(ran_home, tmp_path, capsys) -> None:
    command = ["train", "--preset", "quick", "--out", str(tmp_path / "out"), "--set", "rl.steps=1"]
    first = medgym_json(capsys, *command)
    assert execute(command) == 2 and "--resume" in capsys.readouterr().err
    assert medgym_json(capsys, *command, "--resume")["rl"]["policy_digest"] == first["rl"]["policy_digest"]


def test_a_promotion_by_hand_and_its_undoing(ran_home, capsys) -> None:
    assert medgym_json(capsys, "models", "promote", "challenger") == {"champion": "1"}
    assert DATA <= set(tree_names(medgym_json(capsys, "lineage", "champion")["tree"]))
    assert execute(["models", "rollback"]) == 2
    assert "nothing to roll back to" in capsys.readouterr().err

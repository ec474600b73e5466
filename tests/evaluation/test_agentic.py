"""Policy, oracle and nulls play the same held-out tasks through the same episodes and the same reward."""

import subprocess
import sys

import pytest

from evaluation.agentic import ROW_SCHEMA, evaluate_tasks, scripts
from evaluation.scores import score_policies
from medgym_core.episode import Episode
from medgym_core.errors import MedGymError
from medgym_core.probes import NULLS
from training.presets import PRESETS

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def tasks(small_tasks):
    """Five tasks of every domain."""
    found = []
    for domain in sorted({task.domain for task in small_tasks}):
        found += [task for task in small_tasks if task.domain == domain][:5]
    return found


@pytest.fixture(scope="module")
def policy(tmp_path_factory, tasks):
    from training.policy import build_base_policy

    texts = [task.prompt for task in tasks] + ["submit_answer evidence"] * 3
    return build_base_policy(texts, tmp_path_factory.mktemp("policy") / "p", PRESETS["quick"].policy, 0)


def test_the_oracle_is_right_on_every_task(tasks, knowledge) -> None:
    table = evaluate_tasks(scripts()["oracle"], tasks, knowledge, seed=0)
    assert table.schema == ROW_SCHEMA and table.column("task_id").to_pylist() == [task.id for task in tasks]
    assert all(table.column("correct").to_pylist()) and min(table.column("composite").to_pylist()) >= 0.95
    assert set(table.column("stop").to_pylist()) == {"submitted"} and sum(table.column("tool_errors").to_pylist()) == 0


@pytest.mark.parametrize("name", NULLS)
def test_every_null_stands_beside_the_oracle(tasks, knowledge, name: str) -> None:
    table = evaluate_tasks(scripts()[f"null:{name}"], tasks, knowledge, seed=0)
    assert table.num_rows == len(tasks)
    assert sum(table.column("composite").to_pylist()) / len(tasks) < 0.5
    assert table.column("sampled_tokens").null_count == len(tasks)


def test_rows_hold_what_the_episode_says(tasks, knowledge) -> None:
    texts = ["Hello.", "<tool_call>{}</tool_call>"]
    row = evaluate_tasks(lambda task, seed: texts, tasks[:1], knowledge, seed=3).to_pylist()[0]
    episode = Episode(tasks[0], knowledge)
    for text in texts:
        episode.step(text)
    reward = episode.score()
    assert (row["composite"], row["accuracy"], row["parts"]) == (reward.composite, reward.accuracy, reward.parts)
    assert (row["turns"], row["tool_calls"], row["tool_errors"]) == (2, episode.tool_calls, episode.tool_errors)
    assert (row["stop"], row["seed"], row["family"]) == ("script_end", 3, tasks[0].family)


def test_a_script_that_never_submits_is_cut_at_the_turn_limit(tasks, knowledge) -> None:
    row = evaluate_tasks(lambda task, seed: ["Hm."] * 50, tasks[:1], knowledge, 0).to_pylist()[0]
    assert (row["stop"], row["turns"], row["correct"]) == ("turn_limit", tasks[0].max_turns, False)


def test_a_policy_is_measured_on_the_same_tasks_and_repeats_itself(policy, tasks, knowledge) -> None:
    from training.rollout import Limits

    limits = Limits(turn_tokens=12, episode_tokens=1024)
    table = evaluate_tasks(policy, tasks, knowledge, 0, limits)
    assert table.column("task_id").to_pylist() == [task.id for task in tasks]
    assert table.equals(evaluate_tasks(policy, tasks, knowledge, 0, limits))
    for row in table.to_pylist():
        assert 0 < row["sampled_tokens"] <= 12 * row["turns"]
    arms = {name: [evaluate_tasks(script, tasks, knowledge, 0)] for name, script in scripts().items()}
    scores = score_policies(arms | {"bc": [table]}, seed=0)
    assert scores.estimate("oracle", "accuracy")["value"] == 1.0


def test_no_tasks_are_an_error(knowledge) -> None:
    with pytest.raises(MedGymError, match="no tasks"):
        evaluate_tasks(scripts()["oracle"], [], knowledge, 0)


def test_scripts_are_evaluated_without_torch() -> None:
    code = "import sys, evaluation.agentic, evaluation.scorecard, evaluation.promotion, evaluation.baselines\n"
    code += "print(sorted(m for m in ('torch', 'transformers', 'dagster', 'scipy', 'matplotlib') if m in sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"

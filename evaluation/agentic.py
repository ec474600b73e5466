"""The agentic test: a policy, the oracle and the null agents play the same tasks; one row a task, never shaped."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Union

import pyarrow as pa

from medgym_core.episode import Episode
from medgym_core.errors import MedGymError
from medgym_core.probes import NULLS, Script, reference_texts
from medgym_core.rewards import WEIGHTS
from medgym_core.types import Task
from training.trajectory import StopReason, Trajectory

if TYPE_CHECKING:
    from training.engine import Limits, Voice
    from training.policy import Policy

ROW_SCHEMA = pa.schema(
    [
        ("task_id", pa.string()),
        ("domain", pa.string()),
        ("type", pa.string()),
        ("family", pa.string()),
        ("level", pa.int32()),
        ("seed", pa.int64()),
        ("correct", pa.bool_()),  # right answer and no critical violation
        ("accuracy", pa.float64()),
        ("composite", pa.float64()),
        ("parts", pa.struct([(part, pa.float64()) for part in WEIGHTS])),
        ("critical", pa.bool_()),
        ("turns", pa.int32()),
        ("tool_calls", pa.int32()),
        ("tool_errors", pa.int32()),
        ("sampled_tokens", pa.int32()),  # null for a script: it samples nothing
        ("stop", pa.string()),  # training.trajectory.StopReason
    ]
)
TOLD_SCHEMA = ROW_SCHEMA.append(pa.field("messages", pa.string()))
"""Rows with the conversation as JSON, pictures by digest; null for a script, whose words are known."""


def scripts() -> dict[str, Script]:
    """The scripted agents every result is shown beside: `oracle` and each `null:<name>`."""
    named: dict[str, Script] = {"oracle": lambda task, seed: reference_texts(task)}
    return named | {f"null:{name}": texts for name, texts in NULLS.items()}


def evaluate_tasks(
    actor: Union[Script, "Policy"],
    tasks: Sequence[Task],
    knowledge: Any,
    seed: int,
    limits: Union["Limits", None] = None,
    greedy: bool = True,
) -> pa.Table:
    """Rows of a script, or of a policy, in the order of `tasks`. Raises MedGymError without tasks.

    A policy plays greedily, else sampled once at temperature 1; `limits` bounds its turns and episodes in tokens (None:
    those of `training.rollout`). A script that ends before its episode is scored as it stands.
    """
    if not tasks:
        raise MedGymError("no tasks to evaluate on", got=0, expected="at least 1")
    if callable(actor):
        return pa.Table.from_pylist([_play(actor, task, knowledge, seed) for task in tasks], schema=ROW_SCHEMA)
    from training.rollout import Limits, rollout

    return rows_of(rollout(actor, tasks, 1, seed, knowledge, greedy=greedy, limits=limits or Limits()), tasks)


def rows_of(trajectories: Sequence[Trajectory], tasks: Sequence[Task]) -> pa.Table:
    """Rows of finished episodes, in their order; `tasks` holds the task of each."""
    by_id = {task.id: task for task in tasks}
    rows = [_row(by_id[t.task], t.seed, _outcome(t), _counts(t)) for t in trajectories]
    return pa.Table.from_pylist(rows, schema=ROW_SCHEMA)


def play_tasks(
    voice: "Voice", tasks: Sequence[Task], knowledge: Any, seed: int, limits: "Limits", policy: str
) -> pa.Table:
    """Rows of a policy's voice (`TOLD_SCHEMA`), in the order of `tasks`. Raises MedGymError where an episode failed at
    every attempt: its score is not known."""
    from training.engine import Failure, Scene, jobs_of, play

    found: dict[int, Trajectory] = {}
    for result in play(voice, Scene(policy, seed, knowledge, None, limits), jobs_of(tasks, 1)):
        if isinstance(result, Failure):
            raise MedGymError("the sampler failed", got=result.reason, expected="an episode", where=result.task)
        found[result[0]] = result[1]
    ordered = [found[place] for place in range(len(tasks))]
    told = [json.dumps(t.messages) for t in ordered]
    return rows_of(ordered, tasks).append_column("messages", pa.array(told, pa.string()))


def _play(script: Script, task: Task, knowledge: Any, seed: int) -> dict[str, Any]:
    episode = Episode(task, knowledge)
    for text in script(task, seed):
        if episode.done:
            break
        episode.step(text)
    stop = StopReason.script_end
    if episode.done:
        stop = StopReason.turn_limit if episode.truncated else StopReason.submitted
    reward = episode.score()
    outcome = {"correct": reward.correct, "accuracy": reward.accuracy, "composite": reward.composite}
    outcome |= {"parts": reward.parts, "critical": reward.critical}
    counts = {"turns": episode.turns, "tool_calls": episode.tool_calls, "tool_errors": episode.tool_errors}
    return _row(task, seed, outcome, counts | {"sampled_tokens": None, "stop": stop.value})


def _row(task: Task, seed: int, outcome: Mapping[str, Any], counts: Mapping[str, Any]) -> dict[str, Any]:
    about = {"task_id": task.id, "domain": task.domain, "type": task.type, "family": task.family}
    return {**about, "level": task.level, "seed": seed, **outcome, **counts}


def _outcome(t: Trajectory) -> dict[str, Any]:
    outcome = {"correct": t.correct, "accuracy": t.accuracy, "composite": t.reward}
    return outcome | {"parts": t.parts, "critical": t.critical}


def _counts(t: Trajectory) -> dict[str, Any]:
    counts = {"turns": t.turns, "tool_calls": t.tool_calls, "tool_errors": t.tool_errors}
    return counts | {"sampled_tokens": t.sampled_tokens, "stop": t.stop.value}

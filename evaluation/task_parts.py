"""MedGym's own tasks as parts of a scorecard: one a domain and metric, named `medgym/<domain>`.

Each is played by the policy, the expert's reference (`oracle`) and every null agent of `medgym_core.probes`. Accuracy
counts a right answer without a critical violation; composite is the unshaped reward.
"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from evaluation import parts
from evaluation.agentic import TOLD_SCHEMA, evaluate_tasks, play_tasks, scripts
from evaluation.answer_cache import AnswerCache, answered
from evaluation.policies import SCRIPT_CHUNK, Prompted
from evaluation.suites import AGENTIC, stratified
from medgym_core.artifacts import digest_json
from medgym_core.errors import unknown_name
from medgym_core.types import Task

if TYPE_CHECKING:
    from evaluation.runner import Bench, Protocol

__all__ = ["AGENTIC", "play", "task_parts"]

TURN_TOKENS = 80  # of a turn, as in training (`training.engine.Limits`)
METRICS = {"accuracy": "correct", "composite": "composite"}
COUNTS = ("turns", "tool_calls", "tool_errors", "critical")


def task_parts(
    names: Sequence[str], policies: Mapping[str, Prompted], tasks: Sequence[Task], bench: "Bench", protocol: "Protocol"
) -> list[dict[str, Any]]:
    """The parts of `tasks`: one a domain and metric. `names` are the policies measured, scripts among them by name."""
    known = dict.fromkeys([*names, *scripts()])
    tables = {name: play(name, policies, tasks, bench, protocol) for name in known}
    found = []
    for domain in dict.fromkeys(task.domain for task in tasks):
        keep = [place for place, task in enumerate(tasks) if task.domain == domain]
        own = [tasks[place] for place in keep]
        taken = {name: table.take(keep) for name, table in tables.items()}
        found += [_part(domain, metric, names, own, taken, protocol.seed) for metric in METRICS]
    return found


def play(
    name: str, policies: Mapping[str, Prompted], tasks: Sequence[Task], bench: "Bench", protocol: "Protocol"
) -> pa.Table:
    """Rows of a policy on the tasks (`agentic.TOLD_SCHEMA`), kept ones and new ones."""
    from evaluation.runner import world_digest
    from training.engine import Limits

    actors, policy = scripts(), policies.get(name)
    if policy is None and name not in actors:
        raise unknown_name("policy of the tasks", name, [*policies, *actors])
    limits = Limits(protocol.answer_tokens or TURN_TOKENS, protocol.episode_tokens)
    key = {"policy": policy.digest if policy else name, "tasks": AGENTIC, "world": world_digest()}
    key |= {"limits": [limits.turn_tokens, limits.episode_tokens], "seed": protocol.seed}
    key |= {"knowledge": getattr(bench.knowledge, "digest", "")}

    def ask(places: list[int]) -> pa.Table:
        chosen = [tasks[place] for place in places]
        if policy is None:
            rows = evaluate_tasks(actors[name], chosen, bench.knowledge, protocol.seed)
            return rows.append_column("messages", pa.nulls(rows.num_rows, pa.string())).cast(TOLD_SCHEMA)
        with policy.voice(limits, protocol.seed) as voice:
            rows = play_tasks(voice, chosen, bench.knowledge, protocol.seed, limits, policy.digest)
        return rows.cast(TOLD_SCHEMA)

    def progress(done: int, total: int) -> None:
        bench.progress(AGENTIC, done, total, {"policy": name})

    cache = AnswerCache(bench.kept, key, "", "task_id")
    chunk = policy.chunk if policy else SCRIPT_CHUNK
    return answered(cache, [task.id for task in tasks], chunk, ask, progress=progress)


def _part(
    domain: str, metric: str, names: Sequence[str], tasks: Sequence[Task], tables: Mapping[str, pa.Table], seed: int
) -> dict[str, Any]:
    units = parts.Units([t.id for t in tasks], [t.type for t in tasks], [f"{t.domain}/{t.family}" for t in tasks])
    column = METRICS[metric]
    arms = {n: np.asarray(table.column(column).to_pylist(), dtype=np.float64) for n, table in tables.items()}
    return {
        "name": f"medgym/{domain}",
        "title": f"MedGym: {domain.replace('_', ' ')}",
        "kind": "task",
        "mode": AGENTIC,
        "items": len(tasks),
        "published_items": None,
        "metric": metric,
        "chance": None,
        "items_digest": digest_json([t.id for t in tasks]),
        **parts.measured(units, arms, names, seed),
        "details": {name: _counts(table) for name, table in tables.items()},
        "failures": _failures(tasks, tables[names[0]], seed) if metric == "accuracy" else [],
        "notes": [f"Played in the environment; families of {len(tasks)} tasks are resampled together."],
    }


def _counts(table: pa.Table) -> dict[str, float]:
    means = {name: float(np.mean(table.column(name).to_pylist())) for name in COUNTS}
    unfinished = [stop != "submitted" for stop in table.column("stop").to_pylist()]
    return means | {"no_submission": float(np.mean(unfinished))}


def _failures(tasks: Sequence[Task], table: pa.Table, seed: int) -> list[dict[str, Any]]:
    rows = table.to_pylist()
    failed = [place for place, row in enumerate(rows) if not row["correct"]]
    chosen = stratified(failed, parts.FAILURES, seed, lambda p: tasks[p].type, lambda p: tasks[p].id)
    return [_failure(tasks[place], rows[place]) for place in chosen]


def _failure(task: Task, row: Mapping[str, Any]) -> dict[str, Any]:
    messages = json.loads(row["messages"]) if row["messages"] is not None else None
    said = [m["content"] for m in messages or [] if m["role"] == "assistant"]
    return {
        "item_id": task.id,
        "question": task.prompt,
        "gold": task.truth.gold.value,
        "answer": None,
        "verdict": "unparsable" if row["stop"] != "submitted" else "wrong",
        "text": said[-1] if said else "",
        "messages": messages,
        "group": task.type,
    }

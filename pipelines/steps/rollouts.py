"""Recorded episodes: the reference policy, and the same training tasks done wrong."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medgym_core.artifacts import Artifact, Made
from pipelines.steps import POLICY
from pipelines.steps.practice import practice_tasks

FILE = "episodes.parquet"


def episodes(
    folder: Path,
    task_set: Artifact,
    base_policy: Artifact,
    imperfect: bool,
    alternatives: bool,
    seed: int,
    practice: Any,
    knowledge: Any,
) -> Made:
    """episodes.parquet: one row an episode; references of the training tasks, then wrong ones, then alternatives."""
    from training.demonstrations import demonstrations
    from training.policy import load_policy
    from training.trajectory import write_trajectories

    tasks = practice_tasks(task_set, "train", practice)
    policy = load_policy(base_policy.path / POLICY)
    found = demonstrations(policy, tasks, knowledge, seed=seed, imperfect=imperfect, alternatives=alternatives)
    digest = write_trajectories(folder / FILE, found)
    return Made(len(found), digest=digest, meta=summary(found))


def scripted(policy: Any, tasks: Sequence[Any], names: Sequence[str], seed: int, knowledge: Any) -> list[Any]:
    """One episode a task and script; names are those of `script`."""
    from training.rollout import rollout_scripted

    found = []
    for number, name in enumerate(names):
        texts = script(name, seed)
        found += rollout_scripted(policy, tasks, texts, knowledge, name=name, seed=seed, sample=number)
    return found


def script(name: str, seed: int) -> Any:
    """Task to assistant texts, of `oracle` or `null:<name>`. Raises MedGymError for another name."""
    from medgym_core.errors import unknown_name
    from medgym_core.probes import NULLS, reference_texts

    if name == "oracle":
        return reference_texts
    null = name.removeprefix("null:")
    if null not in NULLS:
        raise unknown_name("scripted policy", name, ["oracle", *(f"null:{n}" for n in NULLS)])
    return lambda task: NULLS[null](task, seed)


def summary(found: Sequence[Any]) -> dict[str, Any]:
    """Counts and means of trajectories, by policy."""
    rows = {}
    for name in sorted({t.policy for t in found}):
        own = [t for t in found if t.policy == name]
        rows[name] = {
            "episodes": len(own),
            "accuracy": round(sum(t.accuracy for t in own) / len(own), 6),
            "composite": round(sum(t.reward for t in own) / len(own), 6),
            "tokens": sum(len(t.token_ids) for t in own),
            "tool_errors": sum(t.tool_errors for t in own),
        }
    stops = Counter(str(t.stop) for t in found)
    return {"policies": rows, "stops": dict(sorted(stops.items()))}

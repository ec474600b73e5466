"""A released task set: the built tasks, each with its other good paths, and the hard subset of the held-out splits.

A task of the validation or test split is `hard` where its level is 3 and the scripted mediocre agent, fitted on the
training split, does not get it right (the way ARC-Challenge was chosen: Clark et al. 2018).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from medgym_core import domains
from medgym_core.alternatives import alternatives
from medgym_core.episode import play
from medgym_core.mediocre import Mediocre
from medgym_core.tasks import build_task_set
from medgym_core.types import Task

HARDEST = 3


def build_release(
    seed: int, per_domain: int | Mapping[str, int], knowledge: Any, names: Iterable[str] = domains.NAMES
) -> list[Task]:
    """`build_task_set`, completed. The same arguments give the same tasks."""
    return complete(build_task_set(seed, per_domain, knowledge, names), knowledge)


def complete(tasks: Sequence[Task], knowledge: Any) -> list[Task]:
    """The tasks with their alternatives and the `hard` flag."""
    agent = Mediocre([t for t in tasks if t.split == "train"], knowledge)
    return [replace(t, alternatives=alternatives(t, knowledge), hard=_is_hard(t, agent, knowledge)) for t in tasks]


def _is_hard(task: Task, agent: Mediocre, knowledge: Any) -> bool:
    if task.split == "train" or task.level < HARDEST:
        return False
    return not play(task, agent.texts(task), knowledge).score().correct

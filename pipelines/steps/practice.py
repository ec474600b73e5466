"""The tasks a policy is trained and tested on: those of the practice domains."""

from collections.abc import Sequence
from typing import Any

from medgym_core.artifacts import Artifact


def practice_tasks(task_set: Artifact, split: str, names: Sequence[str]) -> list[Any]:
    """The tasks of a split whose domain is one of `names`, in the order of the task set."""
    from medgym_core.tasks import read_tasks

    path = task_set.path / "tasks.parquet"
    return [t for t in read_tasks(path, split=split) if t.domain in names]

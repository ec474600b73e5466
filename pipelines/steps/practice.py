"""The tasks a policy is trained and tested on."""

from typing import Any

from medgym_core.artifacts import Artifact


def practice_tasks(task_set: Artifact, split: str, practice: Any) -> list[Any]:
    """The tasks of a split that `practice` (pipelines.config.PracticeConfig) names, in the order of the task set."""
    from medgym_core.tasks import read_tasks

    def wanted(task: Any) -> bool:
        written = "text" in {g.kind for g in [task.truth.gold, *task.truth.gold.fields.values()]}
        return task.domain in practice.domains and task.level <= practice.level and (practice.texts or not written)

    return [t for t in read_tasks(task_set.path / "tasks.parquet", split=split) if wanted(t)]

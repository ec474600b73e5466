"""The task set: generated from seeds, facts and the knowledge base."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medgym_core.artifacts import Made


def task_set(folder: Path, seed: int, per_domain: int, names: Sequence[str], knowledge: Any) -> Made:
    """tasks.parquet, one row a task."""
    from medgym_core.tasks import build_task_set, tasks_digest, write_tasks

    tasks = build_task_set(seed, per_domain, knowledge, names)
    write_tasks(folder / "tasks.parquet", tasks)
    counts = {
        field: dict(sorted(Counter(getattr(t, field) for t in tasks).items())) for field in ("domain", "split", "type")
    }
    return Made(len(tasks), digest=tasks_digest(tasks), meta=counts)

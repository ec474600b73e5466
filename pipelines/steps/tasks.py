"""The task set: generated from seeds, facts and the knowledge base, joined with tasks of your own."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medgym_core.artifacts import Made, digest_file


def task_set(folder: Path, seed: int, counts: Mapping[str, int], knowledge: Any, files: Sequence[str] = ()) -> Made:
    """tasks.parquet, one row a task, and card.md. `counts` are tasks by domain, `files` task files as
    `medgym tasks add` writes them."""
    from medgym_core.card import card
    from medgym_core.release import build_release
    from medgym_core.tasks import read_tasks, tasks_digest, write_tasks

    tasks = build_release(seed, counts, knowledge)
    for file in files:
        tasks += [t for t in read_tasks(Path(file)) if t.domain in counts]
    write_tasks(folder / "tasks.parquet", tasks)
    digest = tasks_digest(tasks)
    (folder / "card.md").write_text(card(tasks, digest, seed), encoding="utf-8")
    held = {
        field: {str(k): n for k, n in sorted(Counter(getattr(t, field) for t in tasks).items())}
        for field in ("domain", "split", "level", "type")
    }
    own = len(tasks) - sum(counts.values())
    return Made(len(tasks), digest=digest, meta={**held, "hard": sum(t.hard for t in tasks), "own": own})


def file_digests(files: Sequence[str]) -> dict[str, str]:
    """Digest of each task file, by its place in the list (paths differ between machines)."""
    from medgym_core.errors import MedGymError

    found = {}
    for n, file in enumerate(files):
        if not Path(file).is_file():
            raise MedGymError(
                "no such task file", got=file, expected="a file as `medgym tasks add` writes it", where="tasks.files"
            )
        found[f"task file {n}"] = digest_file(Path(file))
    return found

"""What the commands share: options, output, and finding what the last run left in the home."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from medgym_core.artifacts import Artifact, Store
from medgym_core.errors import MedGymError
from medgym_core.home import home

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting, such as seed=1. Repeatable.")
]
IndexDir = Annotated[Path | None, typer.Option("--index", help="An index folder; default: the last run's.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]


def emit(document: Any, as_json: bool, human: Callable[[Any], None]) -> None:
    """Print the document as JSON, or let `human` print it."""
    if as_json:
        print(json.dumps(document, ensure_ascii=False))
    else:
        human(document)


def one_line(text: str) -> None:
    """An error, in one line on standard error."""
    print("medgym: " + " ".join(text.split()), file=sys.stderr)


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Aligned columns on standard output, numbers to the right; nothing is cut, so lines may be long."""
    cells = [[f"{c:.3f}" if isinstance(c, float) else str(c) for c in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    right = [bool(rows) and all(isinstance(row[n], int | float) for row in rows) for n in range(len(header))]
    print(title)
    for line in (header, *cells):
        parts = (c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True))
        print("  " + "  ".join(parts).rstrip())


def verdict(passed: bool) -> None:
    """Exit with status 1 where a verdict failed."""
    if not passed:
        raise typer.Exit(1)


def store() -> Store:
    return Store(home() / "artifacts")


def tracker() -> Any:
    """The MLflow record of the home."""
    from pipelines.resources import tracker_of

    return tracker_of(home())


def pointer(name: str) -> Path:
    """The file that says which artifact an asset last gave."""
    return home() / "artifacts" / "current" / f"{name.replace('/', '__')}.json"


def current(name: str) -> Artifact:
    """What the last run gave for an asset. Raises MedGymError where there was none."""
    path = pointer(name)
    if not path.is_file():
        raise MedGymError(
            "nothing there yet", got=f"no {name}", expected="a home where `medgym run` has been", where=home()
        )
    record = json.loads(path.read_text(encoding="utf-8"))
    return store().find(record["name"], record["digest"])


def current_knowledge(index: Path | None = None) -> Any:
    """The knowledge base of an index folder, else of the last run; before any, the facts that ship with MedGym."""
    from medgym_core.knowledge.search import KnowledgeBase
    from pipelines.steps.corpus import KNOWLEDGE_BASE, knowledge

    if index is not None:
        return KnowledgeBase.open_version(index)
    if not pointer(KNOWLEDGE_BASE).is_file():
        return KnowledgeBase.shipped()
    return knowledge(store(), current(KNOWLEDGE_BASE))


def task_file(path: Path | None) -> Path:
    """The task file given, else that of the last run."""
    return path or current("tasks/task_set").path / "tasks.parquet"


def current_tasks(path: Path | None, domain: str | None = None) -> list[Any]:
    """The tasks of the file given, else of the last run; before any run, those that a default run would build from the
    facts that ship with MedGym. Raises MedGymError where there are none."""
    from medgym_core import domains
    from medgym_core.release import build_release
    from medgym_core.tasks import read_tasks

    if path is not None or pointer("tasks/task_set").is_file():
        found = read_tasks(task_file(path), domain=domain)
        if not found:
            raise MedGymError("no tasks", got="an empty task set", where=task_file(path))
        return found
    from pipelines.config import PRESETS

    chosen = PRESETS["demo"]
    names = [domains.get(domain).name] if domain else chosen.tasks.domains
    print("no run yet: the default task set, built from the facts that ship with MedGym", file=sys.stderr)
    return build_release(chosen.seed, chosen.tasks.per_domain, current_knowledge(), names)


def select_tasks(selection: str, path: Path | None = None) -> list[Any]:
    """Tasks by a comma-separated selection: a split, a domain, a task id, or `all`; parts narrow each other down."""
    from medgym_core.domains import NAMES
    from medgym_core.errors import unknown_name
    from medgym_core.tasks import read_tasks

    tasks = read_tasks(task_file(path))
    ids = {t.id for t in tasks}
    for part in (p.strip() for p in selection.split(",")):
        if part in ("train", "validation", "test"):
            tasks = [t for t in tasks if t.split == part]
        elif part in NAMES:
            tasks = [t for t in tasks if t.domain == part]
        elif part in ids:
            tasks = [t for t in tasks if t.id == part]
        elif part != "all":
            raise unknown_name("task selection", part, ["all", "train", "validation", "test", *NAMES])
    if not tasks:
        raise MedGymError(
            "no task is selected", got=repr(selection), expected="a selection that fits at least one task"
        )
    return tasks


def policy_folder(ref: str) -> str:
    """Where a policy lies: a model folder, a hub name, an alias or a version of the registry."""
    from pipelines import registry

    if ref in (registry.CHAMPION, registry.CHALLENGER) or ref.startswith("models:/"):
        return str(registry.folder_of(tracker(), ref))
    return ref

"""The task set: built from seeds and facts, written as Parquet, read back strictly.

One row is one task. Scalar columns serve queries; structured fields are JSON text columns. Reading with `truth=False`
never touches the verifier's column.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from medgym_core import difficulty, domains
from medgym_core.artifacts import digest_bytes, digest_json
from medgym_core.errors import MedGymError, unknown_name
from medgym_core.patient import story_of
from medgym_core.text import normal
from medgym_core.types import Call, Chart, Gold, Split, Story, Task, Trait, Truth, encode

SCALARS = ("id", "domain", "type", "split", "family", "level", "hard", "prompt", "max_turns")
JSON_COLUMNS: dict[str, Any] = {
    "chart": Chart,
    "story": Story,
    "truth": Truth,
    "reference": list[Call],
    "alternatives": list[list[Call]],
    "traits": list[Trait],
    "sources": list[str],
}
VERIFIERS = ("truth", "reference", "alternatives")
"""Columns that hold the answer."""
ATTEMPTS = 30  # drafts tried per task wanted before a type counts as exhausted
POOL_ATTEMPTS = 50 * ATTEMPTS


def build_task_set(
    seed: int, per_domain: int | Mapping[str, int], knowledge: Any, names: Iterable[str] = domains.NAMES
) -> list[Task]:
    """`per_domain` tasks for each domain (or so many for each of a mapping), types in equal shares, ordered by domain,
    type and number; no two prompts of a domain are alike.

    The same arguments give the same tasks. Raises MedGymError when a domain cannot make that many.
    """
    tasks = []
    counts = per_domain if isinstance(per_domain, Mapping) else dict.fromkeys(names, per_domain)
    for name, wanted in counts.items():
        domain = domains.get(name)
        seen: set[str] = set()
        share, extra = divmod(wanted, len(domain.types))
        for i, (kind, generator) in enumerate(domain.types.items()):
            tasks += _type_tasks(seed, name, kind, generator, share + (i < extra), knowledge, seen)
    return tasks


def _type_tasks(
    seed: int, domain: str, kind: str, generator: Any, wanted: int, knowledge: Any, seen: set[str]
) -> list[Task]:
    made: list[Task] = []
    for i in count():
        if len(made) == wanted:
            return made
        if i >= wanted * ATTEMPTS:
            raise MedGymError("task type is exhausted", got=len(made), expected=wanted, where=f"{domain}/{kind}")
        draft = generator(Random(f"{seed}/{domain}/{kind}/{i}"), knowledge)
        if draft is None:  # the facts at hand do not support this case
            continue
        asked = normal(draft.prompt)
        if asked not in seen:
            seen.add(asked)
            made.append(task_of(domain, draft))
    raise AssertionError("unreachable")


def task_of(domain: str, draft: domains.Draft) -> Task:
    """The draft with its id, split, story, traits and level."""
    fields = {f: getattr(draft, f) for f in draft.__struct_fields__}
    fields |= {"traits": difficulty.traits(draft), "level": difficulty.level(draft)}
    told = draft.story.topics or draft.chart.written
    fields["story"] = draft.story if told else story_of(draft.chart)
    digest = digest_json([draft.prompt, encode(draft.chart), encode(draft.truth)])[:12]
    return Task(id=f"{domain}/{draft.type}/{digest}", domain=domain, split=split_of(domain, draft.family), **fields)


class TaskPool(Sequence[Task]):
    """Tasks of one domain and split, made when first asked for: opening an environment costs nothing.

    Task i is of type i modulo the number of types; its draws depend on (seed, domain, split, i) alone.
    """

    def __init__(self, domain: str, split: Split, size: int, knowledge: Any, seed: int = 0):
        self.domain, self.split, self.size, self.seed = domain, split, size, seed
        self._knowledge = knowledge
        self._made: dict[int, Task] = {}
        self._indices: dict[str, int] = {}

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, i: int) -> Task:  # type: ignore[override]
        if not -self.size <= i < self.size:
            raise IndexError(i)
        i %= self.size
        task = self._made.get(i)
        if task is None:
            task = self._made[i] = self._make(i)
            self._indices.setdefault(task.id, i)
        return task

    def find(self, task_id: str) -> Task | None:
        """The task of that id, or None; makes the whole pool where the id is not known yet."""
        if task_id not in self._indices:
            for i in range(self.size):
                self[i]
        return self[self._indices[task_id]] if task_id in self._indices else None

    def _make(self, i: int) -> Task:
        types = domains.get(self.domain).types
        kinds = list(types)
        for attempt in range(POOL_ATTEMPTS):
            kind = kinds[(i + attempt // ATTEMPTS) % len(kinds)]  # a type without a family in this split gives way
            draft = types[kind](Random(f"{self.seed}/{self.domain}/{self.split}/{i}/{attempt}"), self._knowledge)
            if draft is not None and split_of(self.domain, draft.family) == self.split:
                return task_of(self.domain, draft)
        raise MedGymError("no task found", expected=f"one in split {self.split}", where=f"{self.domain} task {i}")


def case_identity(prompt: str, chart: Chart) -> str:
    """What two tasks must not share: the prompt in normal form and the chart apart from the patient's id."""
    return normal(prompt) + encode(msgspec.structs.replace(chart, patient_id=""))


def split_of(domain: str, family: str) -> Split:
    """The split of a family, fixed by hash: 70 % train, 10 % validation, 20 % test."""
    slot = int(digest_bytes(f"{domain}:{family}".encode())[:8], 16) % 10
    return "train" if slot < 7 else "validation" if slot == 7 else "test"


def task_rows(tasks: list[Task]) -> list[dict[str, Any]]:
    """Tasks as flat rows: scalars and JSON texts."""
    return [{c: getattr(t, c) for c in SCALARS} | {c: encode(getattr(t, c)) for c in JSON_COLUMNS} for t in tasks]


def tasks_digest(tasks: list[Task]) -> str:
    """Content digest of a task set; the Parquet writer's version does not matter."""
    return digest_bytes(b"\n".join(encode(t).encode() for t in tasks))


def write_tasks(path: Path, tasks: list[Task]) -> None:
    """Write the Parquet file beside `path` and rename."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    beside = path.with_name(f".{path.name}.part")
    pq.write_table(pa.Table.from_pylist(task_rows(tasks)), beside, compression="zstd")
    beside.rename(path)


def read_tasks(path: Path, split: str | None = None, domain: str | None = None, truth: bool = True) -> list[Task]:
    """The tasks of a Parquet file, optionally of one split and domain; without `truth` the gold is absent.

    Raises MedGymError for a file that is missing, unreadable or holds a bad row (named by its number and column).
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if domain is not None and domain not in domains.NAMES:
        raise unknown_name("domain", domain, domains.NAMES)
    wanted = [*SCALARS, *(c for c in JSON_COLUMNS if truth or c not in VERIFIERS)]
    try:
        rows = pq.read_table(path, columns=wanted).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise MedGymError(f"task file is not readable: {error}", where=path) from error
    rows = [(n, r) for n, r in enumerate(rows, 1) if split in (None, r["split"]) and domain in (None, r["domain"])]
    return [_read_row(n, row, path) for n, row in rows]


def _read_row(n: int, row: dict[str, Any], path: Path) -> Task:
    fields = dict(row)
    for column, kind in JSON_COLUMNS.items():
        if column not in row:
            fields[column] = HIDDEN if column == "truth" else []
            continue
        try:
            fields[column] = msgspec.json.decode(row[column], type=kind)
        except msgspec.DecodeError as error:
            raise MedGymError(f"bad {column}: {error}", where=f"{path} row {n} ({row['id']})") from error
    return Task(**fields)


HIDDEN = Truth(gold=Gold("category", ""))
"""What stands in place of the truth where it was not read."""

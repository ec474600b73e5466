"""Predictions kept on disk as they come, so that an interrupted evaluation asks no item twice.

A folder holds the answers of one policy under one protocol to the items of one benchmark:

    <root>/<key>/key.json           what the key is made of
    <root>/<key>/<digest>.parquet   one chunk of items, written beside and renamed; its name is the digest of their ids

Rows are found by item id, so a larger sample reuses a smaller one. A chunk also says by which scorer it was scored:
when that has changed, the kept texts are scored anew and the policy is not asked.
"""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from medgym_core.artifacts import digest_json, write_atomic
from medgym_core.errors import MedGymError

SCORER = b"medgym.scorer"
"""Key of the scorer's digest in the metadata of a chunk."""
Rescore = Callable[[pa.Table], pa.Table]


class AnswerCache:
    """The rows of one key. `column` is the name of the column that identifies a row."""

    def __init__(self, root: Path | None, key: dict[str, Any], scorer: str, column: str = "item_id"):
        """`root` None: nothing is kept."""
        self.folder = Path(root) / digest_json(key) if root is not None else None
        self.scorer, self.column = scorer, column
        if self.folder is not None and not (self.folder / "key.json").is_file():
            write_atomic(self.folder / "key.json", json.dumps(key, indent=1, sort_keys=True))

    def read(self, rescore: Rescore | None = None) -> pa.Table | None:
        """All rows kept, each once; None where there are none. `rescore` scores the rows of another scorer anew.

        Raises MedGymError for a chunk that cannot be read.
        """
        tables = [self._chunk(path, rescore) for path in self._chunks()]
        if not tables:
            return None
        table = pa.concat_tables(tables)
        ids = table.column(self.column).to_pylist()
        first = {name: place for place, name in reversed(list(enumerate(ids)))}
        return table if len(first) == len(ids) else table.take(sorted(first.values()))

    def write(self, rows: pa.Table) -> None:
        """Keep a chunk of rows."""
        if self.folder is None:
            return
        self._put(self.folder / f"{digest_json(rows.column(self.column).to_pylist())}.parquet", rows)

    def _chunks(self) -> list[Path]:
        return sorted(self.folder.glob("*.parquet")) if self.folder is not None else []

    def _chunk(self, path: Path, rescore: Rescore | None) -> pa.Table:
        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            raise MedGymError(
                "kept answers cannot be read", got=str(error), expected="delete the file", where=path
            ) from error
        scorer = (table.schema.metadata or {}).get(SCORER, b"").decode()
        plain = table.replace_schema_metadata(None)
        if scorer == self.scorer or rescore is None:
            return plain
        anew = rescore(plain)
        self._put(path, anew)
        return anew

    def _put(self, path: Path, rows: pa.Table) -> None:
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        pq.write_table(rows.replace_schema_metadata({SCORER: self.scorer.encode()}), beside, compression="zstd")
        os.replace(beside, path)


def answered(
    cache: AnswerCache,
    ids: Sequence[str],
    chunk: int,
    ask: Callable[[list[int]], pa.Table],
    rescore: Rescore | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> pa.Table:
    """The rows of `ids`, in their order: those kept, and those that `ask(places)` gives for the places that are not.

    Each chunk is kept as soon as it is there; `progress` gets the number of rows there and of all.
    """
    kept = cache.read(rescore)
    tables = [kept] if kept is not None else []
    known = set(kept.column(cache.column).to_pylist()) if kept is not None else set()
    missing = [place for place, name in enumerate(ids) if name not in known]
    done = len(ids) - len(missing)
    progress(done, len(ids))
    for start in range(0, len(missing), chunk):
        places = missing[start : start + chunk]
        rows = ask(places)
        cache.write(rows)
        tables.append(rows)
        done += len(places)
        progress(done, len(ids))
    table = pa.concat_tables(tables)
    place_of = {name: place for place, name in enumerate(table.column(cache.column).to_pylist())}
    return table.take([place_of[name] for name in ids])

"""Passages on disk: Parquet for keeping and exchange, and beside it the same rows for reading one at a time.

    passages.parquet   the table, zstd, in row groups of 10,000
    passages.arrow     the same columns uncompressed, memory-mapped: a passage is read in microseconds, several
                       processes share the pages, and opening reads the ids only

A row group takes 20 ms to unpack and a result list comes from ten of them; hence the second file (about 1.2 KB a
passage). Threads and forked processes may share one `Rows`.
"""

import hashlib
import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from medgym_core.artifacts import DIGEST_BYTES
from medgym_core.errors import MedGymError
from medgym_core.knowledge.types import Passage

GROUP = 10_000  # rows of a row group: 12 MB of text, so that a reader of columns needs little memory
DIGEST = "ids"  # metadata key of both files: the digest of all ids in row order

PASSAGE_SCHEMA = pa.schema(
    [(name, pa.int32() if name == "position" else pa.string()) for name in Passage.__struct_fields__]
)

SHOWN = [PASSAGE_SCHEMA.names.index(name) for name in ("id", "source", "title", "section", "text")]


def as_table(passages: Sequence[Passage]) -> pa.Table:
    """The passages as a table with PASSAGE_SCHEMA."""
    return pa.table({name: [getattr(p, name) for p in passages] for name in PASSAGE_SCHEMA.names}, PASSAGE_SCHEMA)


def write_passages(passages: pa.Table | Iterable[pa.Table], path: Path) -> int:
    """Write a table, or tables one after another, as Parquet and as rows; how many rows. Both beside and renamed.

    The metadata of the first table is kept. Raises MedGymError for a table with other columns.
    """
    path = Path(path)
    tables = iter([passages] if isinstance(passages, pa.Table) else passages)
    first = next(tables, PASSAGE_SCHEMA.empty_table())
    schema = PASSAGE_SCHEMA.with_metadata(first.schema.metadata)
    beside, mapped = (to.with_name(f".{to.name}.{os.getpid()}") for to in (path, path.with_suffix(".arrow")))
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    rows = 0
    try:
        with pq.ParquetWriter(beside, schema, compression="zstd") as out, pa.ipc.new_file(mapped, schema) as copy:
            for group in _groups(chain([first], tables), schema, path):
                out.write_table(group, row_group_size=GROUP)
                copy.write_table(group)
                rows += group.num_rows
                for ids in group["id"].chunks:
                    digest.update(_characters(ids))
            out.add_key_value_metadata({DIGEST: digest.hexdigest()})
        os.replace(mapped, path.with_suffix(".arrow"))
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
        mapped.unlink(missing_ok=True)
    return rows


def _groups(tables: Iterable[pa.Table], schema: pa.Schema, where: Path) -> Iterator[pa.Table]:
    """All rows in tables of GROUP rows in one chunk; the last, and the last of each table, may be shorter."""
    for table in tables:
        _check_columns(table.schema, where)
        for start in range(0, table.num_rows, GROUP):
            yield table.slice(start, GROUP).combine_chunks().cast(schema)


def read_passages(path: Path, columns: list[str] | None = None) -> pa.Table:
    """A table with PASSAGE_SCHEMA, or those of its columns.

    Raises MedGymError where the file is missing, has other columns or no rows.
    """
    with _parquet(path) as file:
        _check_columns(file.schema_arrow, path)
        if unknown := sorted(set(columns or ()) - set(PASSAGE_SCHEMA.names)):
            raise MedGymError("unknown column", got=unknown, expected=PASSAGE_SCHEMA.names, where=path)
        try:
            table = file.read(columns)
        except (pa.ArrowInvalid, OSError) as error:
            raise _unreadable(error, path) from error
    if not table.num_rows:
        raise MedGymError("empty corpus", got="0 passages", expected="at least one", where=path)
    return table


def _parquet(path: Path) -> pq.ParquetFile:
    if not Path(path).is_file():
        raise MedGymError("no passages file", got=path, expected="a Parquet file of passages")
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise _unreadable(error, path) from error


def _unreadable(error: Exception, path: Path) -> MedGymError:
    return MedGymError("unreadable passages file", got=" ".join(str(error).split()), expected="Parquet", where=path)


def _check_columns(schema: pa.Schema, where: Path) -> None:
    if schema.names != PASSAGE_SCHEMA.names:
        missing = [name for name in PASSAGE_SCHEMA.names if name not in schema.names]
        what = "passages file of an older version: build it again" if "text" in schema.names else "not a passages file"
        got = f"{schema.names}" + (f", without {', '.join(missing)}" if missing else "")
        raise MedGymError(what, got=got, expected=PASSAGE_SCHEMA.names, where=where)


class Rows:
    """A passages table as a sequence of `Passage`, each made when asked for; read-only, so threads may share it."""

    def __init__(self, table: pa.Table):
        self._batches = [batch for batch in table.to_batches() if batch.num_rows]
        self._columns = [[batch.column(name) for name in PASSAGE_SCHEMA.names] for batch in self._batches]
        self._starts = np.cumsum([0, *(batch.num_rows for batch in self._batches)]).tolist()
        self._table = table

    @classmethod
    def open(cls, path: Path) -> "Rows":
        """The rows of a passages file, memory-mapped; of the Parquet file itself, in memory, where it stands alone.

        Raises MedGymError as `read_passages` does, and for rows of another passages file.
        """
        mapped = Path(path).with_suffix(".arrow")
        with _parquet(path) as file:
            _check_columns(file.schema_arrow, path)
            rows = file.metadata.num_rows
            digest = (file.metadata.metadata or {}).get(DIGEST.encode(), b"").decode()
        if not rows or not mapped.is_file():
            return cls(read_passages(path))
        try:
            table = pa.ipc.open_file(pa.memory_map(str(mapped))).read_all()
        except (pa.ArrowInvalid, OSError) as error:
            raise _unreadable(error, mapped) from error
        _check_columns(table.schema, mapped)
        found = hashlib.blake2b(digest_size=DIGEST_BYTES)
        for ids in table["id"].chunks:
            found.update(_characters(ids))
        if table.num_rows != rows or found.hexdigest() != digest:
            got = f"{table.num_rows} rows with ids {found.hexdigest()}"
            raise MedGymError("rows of another passages file", got=got, expected=f"{rows} with {digest}", where=mapped)
        return cls(table)

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, row: int) -> Passage:
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        batch = bisect_right(self._starts, row) - 1
        place = row - self._starts[batch]
        return Passage(*(column[place].as_py() for column in self._columns[batch]))

    def shown(self, row: int) -> tuple[str, str, str, str, str]:
        """(id, source, title, section, text) of a row: what a search shows, read in half the time of a Passage."""
        batch = bisect_right(self._starts, row) - 1
        place = row - self._starts[batch]
        return tuple(self._columns[batch][field][place].as_py() for field in SHOWN)

    def row(self, id: str) -> int | None:
        """The row of a passage id; None for an unknown one."""
        ids, order = self._sorted
        wanted = id.encode()
        place = int(np.searchsorted(ids, wanted))
        return int(order[place]) if place < len(ids) and ids[place] == wanted else None

    def rows(self, ids: Sequence[str]) -> np.ndarray:
        """The rows int64 (N,) of ids that are all there, looked up at once. Raises MedGymError for another."""
        known, order = self._sorted
        wanted = np.array([identity.encode() for identity in ids], dtype=known.dtype)
        places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        if (known[places] != wanted).any():
            got = ids[int(np.flatnonzero(known[places] != wanted)[0])]
            raise MedGymError("no such passage", got=repr(got), expected="ids of these passages")
        return order[places].astype(np.int64)

    def column(self, name: str) -> pa.ChunkedArray:
        """One field of all passages, in row order."""
        return self._table[name]

    @cached_property
    def ids(self) -> list[str]:
        """All ids, in row order."""
        return self._table["id"].to_pylist()

    @cached_property
    def _sorted(self) -> tuple[np.ndarray, np.ndarray]:
        """(ids as fixed-length bytes, sorted; their rows): 30 MB at 828,000, where a dictionary needs 150."""
        chunks = [_characters(ids) for ids in self._table["id"].chunks]
        joined = b"".join(chunks)
        length = len(joined) // max(len(self), 1)
        lengths = pa.compute.binary_length(self._table["id"])
        if length and pa.compute.all(pa.compute.equal(lengths, length)).as_py():
            ids = np.frombuffer(joined, dtype=f"S{length}")
        else:  # ids of another maker, such as a benchmark's document numbers
            ids = np.array([identity.encode() for identity in self.ids], dtype=bytes)
        order = np.argsort(ids, kind="stable").astype(np.int32)
        return ids[order], order


def _characters(strings: pa.StringArray) -> memoryview:
    """The characters of all strings, joined."""
    _, ends, data = strings.buffers()
    if not len(strings) or data is None:
        return memoryview(b"")
    ends = np.frombuffer(ends, dtype=np.int32)[strings.offset : strings.offset + len(strings) + 1]
    return memoryview(data)[ends[0] : ends[-1]]


def indexed_text(title: str, section: str, text: str) -> str:
    """What is indexed and embedded of a passage."""
    return f"{title}. {section}. {text}"


class Texts:
    """What is indexed of each passage, as a sequence; made when asked for, so it costs no memory."""

    def __init__(self, rows: Rows):
        self._columns = [rows.column(name) for name in ("title", "section", "text")]

    def __len__(self) -> int:
        return len(self._columns[0])

    def __getitem__(self, row: int) -> str:
        return indexed_text(*(column[row].as_py() for column in self._columns))

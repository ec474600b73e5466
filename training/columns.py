"""Episodes as Arrow columns: the schema, its versions, packing, unpacking.

`batch` turns records into a record batch, column by column (rows of dictionaries would cost as much as playing the
episodes); `unpacked` reads rows back. The schema's version stands in the metadata of every file. A file of an older
version reads with the defaults of the columns it lacks (`LATER`); one of a newer version, or without another column,
is refused.

Version 1: the record without `LATER`. Version 2: what each turn called, whether it erred, columns for queries.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from medgym_core.errors import MedGymError

VERSION = 2
VERSION_KEY = b"medgym.trajectory.version"
TOKENS = {"token_ids": "int32", "sampled": "bool", "turn_id": "int16", "role": "int8", "sampler_logprobs": "float32"}
"""Token arrays that every sampled episode has, and how they are stored."""
MAPS = ("parts", "provenance")

RECORD = [
    *((name, pa.string()) for name in ("run", "policy", "task", "domain", "split", "group")),
    *((name, pa.int64()) for name in ("step", "seed", "sample", "turns", "tool_calls", "tool_errors", "writes")),
    ("messages", pa.string()),  # JSON
    *((name, pa.list_(pa.from_numpy_dtype(kind))) for name, kind in TOKENS.items()),
    *((name, pa.list_(pa.float32())) for name in ("advantages", "teacher_logprobs")),
    ("distill_mask", pa.list_(pa.bool_())),
    ("hint_kind", pa.string()),
    ("hint_text", pa.string()),
    *((name, pa.float64()) for name in ("reward", "shaped_reward", "accuracy", "milliseconds")),
    ("correct", pa.bool_()),
    ("parts", pa.map_(pa.string(), pa.float64())),
    ("turn_rewards", pa.list_(pa.float64())),
    ("turn_parts", pa.list_(pa.map_(pa.string(), pa.float64()))),
    ("turn_tools", pa.list_(pa.string())),
    ("turn_errors", pa.list_(pa.bool_())),
    ("critical", pa.bool_()),
    ("degenerate", pa.string()),
    ("stop", pa.string()),
    ("provenance", pa.map_(pa.string(), pa.string())),
]
DERIVED = [
    ("key", pa.string()),
    ("sampled_tokens", pa.int64()),
    ("turn_tokens", pa.list_(pa.int32())),
    ("tokens", pa.int64()),
]
"""Columns for queries that need no token array; the record does not hold them."""
SCHEMA = pa.schema([*RECORD, *DERIVED], metadata={VERSION_KEY: str(VERSION)})
NAMES = [name for name, _ in RECORD]
_OWN = {*NAMES, "key", "sampled_tokens", "turn_tokens"}  # attributes of the record
LATER = frozenset({"turn_parts", "degenerate", "turn_tools", "turn_errors"})
"""Columns that older files lack."""


def batch(trajectories: Sequence[Any]) -> pa.RecordBatch:
    """Records as one record batch in `SCHEMA`."""
    columns = [_column(field, [getattr(t, field.name) for t in trajectories]) for field in SCHEMA if field.name in _OWN]
    tokens = [pa.array([len(t.token_ids) for t in trajectories], pa.int64())]
    return pa.RecordBatch.from_arrays([*columns, *tokens], schema=SCHEMA)


def _column(field: pa.Field, values: list[Any]) -> pa.Array:
    """One column. The costly kinds have a way of their own: this runs for every episode."""
    if field.name in TOKENS:
        return _tokens(values, TOKENS[field.name])
    if field.name == "messages":
        return pa.array([msgspec.json.encode(v) for v in values], pa.binary()).cast(field.type)
    if field.name == "provenance":  # the same in all episodes of a run
        rows: dict[Any, int] = {}
        places = [rows.setdefault(tuple(sorted(value.items())), len(rows)) for value in values]
        return pa.array(list(map(list, rows)), field.type).take(pa.array(places, pa.int64()))
    if field.name == "parts":
        return _maps(values)
    if field.name == "turn_parts":
        turns = _maps([parts for value in values if value for parts in value])
        return _lists([None if v is None else len(v) for v in values], turns)
    return pa.array(values, field.type)


def _tokens(values: Sequence[Sequence[Any] | None], kind: str) -> pa.Array:
    """A list column of token arrays; None is null."""
    arrays = [np.asarray(v, kind) for v in values if v]
    flat = np.concatenate(arrays) if arrays else np.empty(0, kind)
    return _lists([None if v is None else len(v) for v in values], pa.array(flat))


def _maps(values: Sequence[dict[str, float]]) -> pa.Array:
    """A column of numbers by name, names in order."""
    items = [item for value in values for item in sorted(value.items())]
    offsets = _offsets(list(map(len, values)))
    names = pa.array([name for name, _ in items], pa.string())
    return pa.MapArray.from_arrays(offsets, names, pa.array([number for _, number in items], pa.float64()))


def _lists(lengths: Sequence[int | None], flat: pa.Array) -> pa.Array:
    """A list column over `flat`; where the length is None the list is null."""
    absent = [n is None for n in lengths]
    mask = pa.array(absent) if any(absent) else None
    return pa.ListArray.from_arrays(_offsets([n or 0 for n in lengths]), flat, mask=mask)


def _offsets(lengths: Sequence[int]) -> pa.Array:
    ends = np.cumsum(lengths, dtype=np.int64)
    if len(ends) and ends[-1] > np.iinfo(np.int32).max:
        raise MedGymError("too much for one row group", got=int(ends[-1]), expected="below 2^31 tokens")
    return pa.array(np.concatenate(([0], ends)).astype(np.int32))


def unpacked(file: Path, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of a file, a row group at a time, as the record's fields (those in `columns`); absent ones are left
    out. Raises MedGymError for a file that is not ours, is newer, or lacks a column."""
    try:
        with pq.ParquetFile(file) as source:
            names = known_columns(source.schema_arrow, file)
            chosen = [n for n in names if columns is None or n in columns]
            for group in range(source.num_row_groups):
                for row in source.read_row_group(group, chosen).to_pylist():
                    yield _fields(row)
    except pa.ArrowException as error:
        raise MedGymError(
            "unreadable trajectories",
            got=str(error).splitlines()[0],
            expected="Parquet in the trajectory schema",
            where=file,
        ) from None


def known_columns(schema: pa.Schema, file: Path) -> list[str]:
    """The record's columns in a file of that schema. Raises MedGymError where it is newer than this program, or lacks
    a column that every version has."""
    version = int((schema.metadata or {}).get(VERSION_KEY, b"1"))
    if version > VERSION:
        raise MedGymError(
            "trajectories of a newer version", got=version, expected=f"at most {VERSION}; update MedGym", where=file
        )
    lacking = set(NAMES) - set(schema.names)
    if lacking - LATER:
        raise MedGymError("columns are missing", got=sorted(lacking - LATER), expected="all", where=file)
    return [n for n in NAMES if n not in lacking]


def _fields(row: dict[str, Any]) -> dict[str, Any]:
    if "messages" in row:
        row["messages"] = msgspec.json.decode(row["messages"])
    for name in MAPS:
        if name in row:
            row[name] = dict(row[name])
    if row.get("turn_parts") is not None:
        row["turn_parts"] = list(map(dict, row["turn_parts"]))
    if row.get("milliseconds", 0.0) is None:  # kept beside, where files must not depend on it
        row["milliseconds"] = 0.0
    return row

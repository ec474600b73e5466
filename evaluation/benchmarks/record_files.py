"""Tables of a record database as its authors publish them: `NAME.csv`, `NAME.csv.gz` or `NAME.csv.xz`, any case.

Only the columns asked for are read, as text, and of a large table only the rows of the patients asked for: the file
passes through in blocks, so that a full MIMIC-III or eICU table needs no more memory than its sample. Every row knows
its place `file:line`. Every error names the file, and line and column where there are any.
"""

import csv
import gzip
import lzma
import math
import os
import re
import zlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from medgym_core.errors import MedGymError

OPENERS = {".csv": open, ".gz": gzip.open, ".xz": lzma.open}
BLOCK = 4 << 20  # bytes of text a block: a few ten thousand rows
WHERE = "where"
"""Key of a row's place among its columns."""
_ROW = re.compile(r"Row #(\d+)")
_BROKEN = (OSError, EOFError, lzma.LZMAError, zlib.error)  # what a damaged archive raises

Row = dict[str, str]
"""Column (lower case) to text; an empty text is a value that is not there. `WHERE` holds the place."""


def data_folder(root: Path, variable: str, demo: str) -> Path:
    """The user's own folder where the environment variable names one, else the demo below `root`."""
    own = os.environ.get(variable, "")
    if own and not Path(own).is_dir():
        raise MedGymError(f"{variable} names no folder", got=own, expected="the folder of the tables", where=variable)
    return Path(own) if own else Path(root) / demo


def first_file(variable: str, table: str, demo: str) -> str:
    """`Spec.files[0]`: the table in the user's own folder where the variable names one and it is there, else `demo`."""
    own = os.environ.get(variable, "")
    found = _candidates(Path(own), table) if own else []
    return str(found[0].resolve()) if found else demo


def read_table(folder: Path, name: str, columns: Sequence[str], keep: tuple[str, Collection[str]] | None = None):
    """The rows of a table as `pyarrow.Table`: `columns` as text, and the place of each row.

    `keep` is (column, values): other rows are passed over. Raises MedGymError for a missing or empty table, a missing
    column and a row that cannot be read.
    """
    path = find_table(folder, name)
    header = _header(path)
    missing = [column for column in columns if column not in header]
    if missing:
        raise MedGymError("column is missing", got=", ".join(header), expected=missing[0], where=f"{path}:1")
    wanted = pa.array(sorted(keep[1]), pa.string()) if keep else None
    kept, line = [], 2
    try:
        with OPENERS[path.suffix](path, "rb") as stream:
            for batch in _batches(stream, header):
                _no_swallowed_lines(batch, path, line)
                lines = pa.array(np.arange(line, line + len(batch)))
                line += len(batch)
                table = pa.Table.from_batches([batch]).select(list(columns)).append_column(WHERE, lines)
                kept.append(table.filter(pc.is_in(table[keep[0]], value_set=wanted)) if keep else table)
    except pa.ArrowInvalid as error:
        row = _ROW.search(str(error))
        place = f"{path}:{row.group(1)}" if row else str(path)
        said = " ".join(str(error).split())
        raise MedGymError("broken row", got=said[:200], expected=f"{len(header)} columns", where=place) from error
    except _BROKEN as error:
        raise MedGymError(f"file is not readable: {error}", where=path) from error
    if line == 2:
        raise MedGymError("table is empty", got="0 rows", expected="at least 1", where=f"{path}:1")
    return pa.concat_tables(kept)


def rows_of(table: Any, path: Path) -> list[Row]:
    """The rows as dictionaries, runs of white space as one space, each row with its place."""
    for place, column in enumerate(table.column_names):
        if column != WHERE:
            tidy = pc.utf8_trim_whitespace(pc.replace_substring_regex(table[column], r"\s+", " "))
            table = table.set_column(place, column, tidy)
    return [{**row, WHERE: f"{path}:{row[WHERE]}"} for row in table.to_pylist()]


def read_rows(folder: Path, name: str, columns: Sequence[str], keep: tuple[str, Collection[str]] | None = None):
    """As `read_table`, as a list of rows."""
    return rows_of(read_table(folder, name, columns, keep), find_table(folder, name))


def find_table(folder: Path, name: str) -> Path:
    """The file of a table; a part of it, such as `lab_174stays.csv.xz`, where the whole is not there."""
    found = _candidates(folder, name)
    if not found:
        raise MedGymError("no table", got="nothing", expected=f"{name}.csv, .csv.gz or .csv.xz", where=folder)
    return found[0]


def number(row: Row, column: str) -> float | None:
    """The number in a column; None where it is empty. Raises MedGymError, naming line and column, for other text."""
    text = row[column].strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        where = f"{row[WHERE]} column {column}"
        raise MedGymError("not a number", got=repr(text), expected="a number or nothing", where=where)
    return value


def moment(row: Row, column: str) -> datetime | None:
    """The time in a column, such as `2164-10-23 21:09:00`; None where it is empty. Raises as `number` does."""
    text = row[column].strip()
    if not text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        where = f"{row[WHERE]} column {column}"
        raise MedGymError("not a time", got=repr(text), expected="YYYY-MM-DD HH:MM:SS", where=where) from error


def grouped(rows: Iterable[Row], column: str) -> dict[str, list[Row]]:
    """Rows by the text of a column, which must not be empty."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if not row[column]:
            where = f"{row[WHERE]} column {column}"
            raise MedGymError("no identifier", got="nothing", expected="a number", where=where)
        found.setdefault(row[column], []).append(row)
    return found


def ordered(rows: Iterable[Row], *columns: str) -> list[Row]:
    """Rows of one table by these columns, then by all they hold: the order of the file does not matter."""
    return sorted(rows, key=lambda row: (*(row[c] for c in columns), *(v for k, v in row.items() if k != WHERE)))


def _candidates(folder: Path, name: str) -> list[Path]:
    pattern = re.compile(rf"{re.escape(name)}(_\d+stays)?\.csv(\.gz|\.xz)?", re.IGNORECASE)
    files = [path for path in folder.iterdir() if pattern.fullmatch(path.name)] if folder.is_dir() else []
    return sorted(files, key=lambda path: (len(path.name.split(".")[0]), path.name))


def _header(path: Path) -> list[str]:
    try:
        with OPENERS[path.suffix](path, "rt", encoding="utf-8-sig", errors="replace", newline="") as stream:
            header = next(csv.reader(stream), None)
    except _BROKEN as error:
        raise MedGymError(f"file is not readable: {error}", where=path) from error
    if not header:
        raise MedGymError("table is empty", got="no header", expected="a line of column names", where=f"{path}:1")
    return [column.strip().lower() for column in header]


def _batches(stream: IO[bytes], header: list[str]) -> Any:
    """Every column, also those not asked for: a quotation mark that is not closed shows in the one it stands in."""
    return pacsv.open_csv(
        stream,
        read_options=pacsv.ReadOptions(use_threads=False, block_size=BLOCK, column_names=header, skip_rows=1),
        parse_options=pacsv.ParseOptions(ignore_empty_lines=False),  # so that lines are counted as they stand
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
        ),
    )


def _no_swallowed_lines(batch: pa.RecordBatch, path: Path, first: int) -> None:
    """A quotation mark that is not closed makes one value of several lines; the tables read here have none."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        torn = pc.index(pc.match_substring(column, "\n"), True).as_py()
        if torn >= 0:
            where = f"{path}:{first + torn} column {name}"
            raise MedGymError(
                "broken row", got="a value of several lines", expected="closed quotation marks", where=where
            )

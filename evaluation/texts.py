"""Every text in every benchmark file, whatever its format: what the clean gate compares task sets with.

Stricter than loading the benchmarks: questions, options, answers, contexts and summaries alike, of every split that
lies in the folder. JSON, JSON lines, CSV, XML, XLSX, plain text, and the same inside ZIP archives; others are images.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat

from medgym_core.errors import MedGymError

READ = (".json", ".jsonl", ".csv", ".xml", ".txt", ".xlsx", ".zip")
LEAST_LETTERS = 30  # thirteen words have more
FIELD_LIMIT = 10_000_000  # characters of a CSV cell


def benchmark_files(root: Path | None) -> list[Path]:
    """The readable files below `benchmarks/` of the data folder, sorted; none without it."""
    folder = root / "benchmarks" if root is not None else None
    if folder is None or not folder.is_dir():
        return []
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in READ and path.is_file())


def texts_of(path: Path) -> Iterator[str]:
    """The texts of one file that are long enough to matter. Raises MedGymError for a file that cannot be read."""
    try:
        for text in _texts(path.name, path.read_bytes()):
            if len(text) >= LEAST_LETTERS:
                yield text
    except (OSError, ValueError, csv.Error, expat.ExpatError, zipfile.BadZipFile) as error:
        raise MedGymError(f"benchmark file is not readable: {error}", where=path) from error


def _texts(name: str, data: bytes) -> Iterator[str]:
    suffix = Path(name).suffix.lower()
    if suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                if Path(member).suffix.lower() in READ:
                    yield from _texts(member, archive.read(member))
    elif suffix == ".xlsx":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                if member.endswith(("sharedStrings.xml",)) or "/worksheets/" in member:
                    yield from _xml(archive.read(member))
    elif suffix == ".xml":
        yield from _xml(data)
    else:
        yield from _plain(suffix, data.decode("utf-8", errors="replace").removeprefix("\ufeff"))


def _plain(suffix: str, text: str) -> Iterator[str]:
    if suffix == ".json":
        try:
            yield from _strings(json.loads(text))
        except json.JSONDecodeError:  # JSON lines under the other name, as MedMCQA has them
            yield from _lines(text)
    elif suffix == ".jsonl":
        yield from _lines(text)
    elif suffix == ".csv":
        csv.field_size_limit(FIELD_LIMIT)
        for row in csv.reader(io.StringIO(text)):
            yield from row
    else:
        yield from text.splitlines()


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.strip():
            yield from _strings(json.loads(line))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, held in value.items():
            yield name
            yield from _strings(held)
    elif isinstance(value, list):
        if value and all(isinstance(v, str) for v in value):  # sentences of one text
            yield " ".join(value)
        else:
            for held in value:
                yield from _strings(held)


def _xml(data: bytes) -> Iterator[str]:
    """Character data between any two tags; a document type with entities is refused."""
    pieces: list[str] = []
    found: list[str] = []

    def close(*_: Any) -> None:
        text = "".join(pieces).strip()
        pieces.clear()
        if text:
            found.append(text)

    def refuse(*_: Any) -> None:
        raise ValueError("entity declarations are refused")

    parser = expat.ParserCreate()
    parser.StartElementHandler = close
    parser.EndElementHandler = close
    parser.CharacterDataHandler = pieces.append
    parser.EntityDeclHandler = refuse
    parser.Parse(data, True)
    yield from found

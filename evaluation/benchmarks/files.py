"""Reading benchmark files: every error names file and line or entry, and says what was expected there."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.item import Item, clean_text
from medgym_core.errors import MedGymError

TYPES = {str: "text", int: "a whole number", float: "a number", list: "a list", dict: "an object"}


def read_bytes(path: Path) -> bytes:
    """The bytes of a file. Raises MedGymError where there is none, or nothing in it."""
    if not path.is_file():
        raise MedGymError("no benchmark file", got="nothing", expected="the authors' file", where=path)
    data = path.read_bytes()
    if not data.strip():
        raise MedGymError("benchmark file is empty", got="0 items", expected="at least 1", where=path)
    return data


def read_json(path: Path) -> Any:
    """The one JSON document of a file."""
    return _parsed(read_bytes(path), str(path))


def read_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a JSON Lines file, each with its place `file:line`; blank lines are passed over."""
    for number, line in enumerate(read_bytes(path).splitlines(), start=1):
        if line.strip():
            where = f"{path}:{number}"
            yield where, require(_parsed(line, where), dict, where)


def require(value: Any, kind: type, where: str) -> Any:
    """`value`, which must be of that JSON type."""
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise MedGymError("wrong type", got=type(value).__name__, expected=TYPES.get(kind, kind.__name__), where=where)
    return value


def field_of(record: Mapping[str, Any], name: str, kind: type, where: str) -> Any:
    """The field of that name and JSON type."""
    if name not in record:
        raise MedGymError("field is missing", got=", ".join(sorted(record)) or "none", expected=name, where=where)
    return require(record[name], kind, f"{where} field {name}")


def text_of(record: Mapping[str, Any], name: str, where: str) -> str:
    """The cleaned text of a field that must not be empty."""
    text = clean_text(field_of(record, name, str, where))
    if not text:
        raise MedGymError("text is empty", got=repr(record[name]), expected="text", where=f"{where} field {name}")
    return text


def checked(items: Sequence[tuple[str, Item]], path: Path) -> list[Item]:
    """The items of (place, item) pairs. Raises MedGymError for none, or for an id that stands twice."""
    if not items:
        raise MedGymError("benchmark file has no items", got="0 items", expected="at least 1", where=path)
    first: dict[str, str] = {}
    for where, item in items:
        if item.id in first:
            raise MedGymError(
                "item stands twice",
                got=repr(item.question[:60]),
                expected=f"once (also at {first[item.id]})",
                where=where,
            )
        first[item.id] = where
    return [item for _, item in items]


def letters(texts: Sequence[str], where: str) -> dict[str, str]:
    """Options A, B, ... from their texts in order. Raises MedGymError for fewer than two or an empty one."""
    if not 2 <= len(texts) <= 26:
        raise MedGymError("options", got=len(texts), expected="2 to 26", where=where)
    options = {chr(ord("A") + i): clean_text(text) for i, text in enumerate(texts)}
    for letter, text in options.items():
        if not text:
            raise MedGymError(f"option {letter} is empty", got="''", expected="text", where=where)
    return options


def _parsed(data: bytes, where: str) -> Any:
    try:
        return json.loads(data)
    except ValueError as error:  # not JSON, or not UTF-8
        message = " ".join(str(error).split())
        raise MedGymError("broken line", got=message, expected="JSON", where=where) from error

"""Figures that others published on the same benchmarks, each with source and protocol (`published.toml`)."""

from functools import cache
from pathlib import Path
from typing import Any

import tomli

from medgym_core.errors import MedGymError

FILE = Path(__file__).with_name("published.toml")
FIELDS = {
    "benchmark": str, "system": str, "value": float, "year": int, "source": str, "protocol": str, "differs": str,
}  # fmt: skip


@cache
def published() -> list[dict[str, Any]]:
    """Every figure, in the order of the file."""
    return read_published(FILE)


def read_published(path: Path) -> list[dict[str, Any]]:
    """The figures of a file. Raises MedGymError naming the entry for a missing, unknown or bad field."""
    try:
        found = tomli.loads(path.read_text(encoding="utf-8"))
    except tomli.TOMLDecodeError as error:
        raise MedGymError(f"not TOML: {error}", where=path) from error
    rows = found.get("result", [])
    for number, row in enumerate(rows, 1):
        where = f"{path}: result {number}"
        if set(row) != set(FIELDS):
            wrong = sorted(set(row) ^ set(FIELDS))
            raise MedGymError(
                "missing or unknown fields", got=", ".join(wrong), expected=", ".join(FIELDS), where=where
            )
        for name, kind in FIELDS.items():
            if not isinstance(row[name], kind) or row[name] == "":
                raise MedGymError(
                    f"{name} has the wrong type", got=repr(row[name]), expected=kind.__name__, where=where
                )
        if not 0 <= row["value"] <= 1:
            raise MedGymError("value is no share", got=row["value"], expected="0 to 1", where=where)
    return rows

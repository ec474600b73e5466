"""Reading scorecards (JSON, as `medgym evaluate --json` prints them) and metrics files; errors name the place.

A scorecard comes from a file that anybody may have written: what the report needs is checked here, once. Fields that
are absent get their empty value, further fields are kept.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from medgym_core.errors import MedGymError

EMPTY: dict[str, Any] = {
    "kind": "",
    "mode": "",
    "metric": "value",
    "items": None,
    "published_items": None,
    "chance": None,
    "groups": {},
    "comparisons": [],
    "details": {},
    "failures": [],
    "notes": [],
    "calibration": {},
    "bias": {},
}
"""Fields of a part that may be absent."""
ESTIMATE = ("value", "low", "high")
COMPARISON = ("difference", "low", "high", "p", "p_holm")
BIN = ("n", "confidence", "accuracy")
PAIRS = ("pairs", "gap", "low", "high", "p_holm", "accuracy_reference", "accuracy_changed", "detectable")


def read_card(path: Path) -> dict[str, Any]:
    """The scorecard of a file. Raises MedGymError naming the file, and the line or the part that is wrong."""
    return checked_card(_document(path), path)


def checked_card(card: Any, where: object = "scorecard") -> dict[str, Any]:
    """A scorecard with every field that the report needs. Raises MedGymError naming the part that is wrong."""
    _is(card, dict, "a scorecard", where)
    policy = _is(_field(card, "policy", where), dict, "policy", where)
    _is(_field(policy, "name", f"{where}: policy"), str, "policy name", where)
    protocol = _is(_field(card, "protocol", where), dict, "protocol", where)
    parts = _is(_field(card, "parts", where), list, "parts", where)
    return {
        **card,
        "policy": {"digest": "", "version": None, **policy},
        "suite": str(card.get("suite", "")),
        "protocol": {"digest": "", "seed": None, "limit": None, **protocol},
        "parts": [_part(part, policy["name"], f"{where}: parts[{n}]") for n, part in enumerate(parts)],
    }


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The records of a run's metrics.jsonl, in their order."""
    records = []
    for number, line in enumerate(_text(path).splitlines(), 1):
        if line.strip():
            record = _parsed(line, f"{path}:{number}")
            _is(record, dict, "a record", f"{path}:{number}")
            if not _number(record.get("step")):
                raise MedGymError("record without a step", got=record.get("step"), where=f"{path}:{number}")
            records.append(record)
    return records


def _part(part: Any, policy: str, where: str) -> dict[str, Any]:
    _is(part, dict, "a part", where)
    name = _is(_field(part, "name", where), str, "name", where)
    where = f"{where} ({name})"
    whole = {**EMPTY, "title": name, **{key: value for key, value in part.items() if value is not None}}
    whole = {**whole, **{key: part.get(key, whole[key]) for key in ("items", "published_items", "chance")}}
    for key, empty in EMPTY.items():
        if isinstance(empty, dict | list | str):
            _is(whole[key], type(empty), key, where)
    for key in ("items", "published_items", "chance"):
        if whole[key] is not None and not _number(whole[key]):
            raise MedGymError(f"{key} is no number", got=repr(whole[key]), where=where)
    estimates = _is(_field(part, "estimates", where), dict, "estimates", where)
    if policy not in estimates:
        raise MedGymError(
            "the policy has no estimate", got=", ".join(estimates) or "none", expected=policy, where=where
        )
    _estimates(estimates, where)
    for group, found in whole["groups"].items():
        _estimates(_is(found, dict, "estimates", f"{where}: group {group}"), f"{where}: group {group}")
    for n, row in enumerate(whole["comparisons"]):
        _comparison(row, f"{where}: comparisons[{n}]")
    for key, name, fields in (("calibration", "reliability", BIN), ("bias", "rows", PAIRS)):
        for owner, found in whole[key].items():
            _rows(found, name, fields, f"{where}: {key} of {owner}")
    for n, row in enumerate(whole["failures"]):
        _is(row, dict, "a failure", f"{where}: failures[{n}]")
    return whole


def _rows(found: Any, name: str, fields: Sequence[str], where: str) -> None:
    """A list `name` of records with numbers in `fields`."""
    _is(found, dict, "what was measured", where)
    for n, row in enumerate(_is(_field(found, name, where), list, name, where)):
        _is(row, dict, "a row", f"{where}: {name}[{n}]")
        for field in fields:
            if not _number(_field(row, field, f"{where}: {name}[{n}]")):
                raise MedGymError(f"{field} is no number", got=repr(row[field]), where=f"{where}: {name}[{n}]")


def _estimates(found: dict[str, Any], where: str) -> None:
    for policy, estimate in found.items():
        _is(estimate, dict, "an estimate", f"{where}: {policy}")
        for key in ESTIMATE:
            if not _number(_field(estimate, key, f"{where}: {policy}")):
                raise MedGymError(f"{key} is no number", got=repr(estimate[key]), where=f"{where}: {policy}")


def _comparison(row: Any, where: str) -> None:
    _is(row, dict, "a comparison", where)
    for key in ("policy", "against"):
        _is(_field(row, key, where), str, key, where)
    for key in COMPARISON:
        if not _number(_field(row, key, where)):
            raise MedGymError(f"{key} is no number", got=repr(row[key]), where=where)


def _document(path: Path) -> Any:
    return _parsed(_text(path), path)


def _text(path: Path) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MedGymError(f"file is not readable: {error}", where=path) from error


def _parsed(text: str, where: object) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse(where))
    except json.JSONDecodeError as error:
        raise MedGymError("not JSON", got=error.msg, where=f"{where}, line {error.lineno}") from error
    except RecursionError as error:
        raise MedGymError("not JSON", got="too many nested brackets", where=where) from error


def _refuse(where: object) -> Callable[[str], Any]:
    def refuse(name: str) -> Any:
        raise MedGymError("not a number", got=name, expected="finite numbers; null where unknown", where=where)

    return refuse


def _field(record: dict[str, Any], name: str, where: object) -> Any:
    if name not in record:
        raise MedGymError("field is missing", got=", ".join(list(record)[:12]) or "none", expected=name, where=where)
    return record[name]


def _is(value: Any, kind: type, what: str, where: object) -> Any:
    if not isinstance(value, kind):
        raise MedGymError(f"{what} has the wrong type", got=type(value).__name__, expected=kind.__name__, where=where)
    return value


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def numbers(records: list[dict[str, Any]], key: str) -> Iterator[tuple[float, float]]:
    """(step, value) of the records that have a finite number there."""
    for record in records:
        if _number(record.get(key)):
            yield float(record["step"]), float(record[key])

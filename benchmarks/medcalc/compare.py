"""One row of MedCalc-Bench against our instrument: both values, whether they agree, and if not, why.

Two things explain a disagreement. `KNOWN_ERRORS` of an adapter module (calculator to a text and a function) recomputes
the bench's answer with its error; it counts only where it gives that answer. Or ours is refused with a reason, because
the patient is outside the published range. Either row is not sound; any other disagreement is ours to answer for.
"""

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from benchmarks.medcalc.units import iso
from medgym_core import instruments
from medgym_core.errors import MedGymError
from medgym_core.home import data
from medgym_core.instruments import Outcome

PARTS = ("adapters_a", "adapters_b")
ROUNDING = 5e-4  # references are rounded to three decimals


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row judged."""

    row: int
    calculator: str
    instrument: str
    ours: str
    reference: str
    agrees: bool
    why: str
    """Reason for a disagreement; empty: none known."""

    @property
    def reference_wrong(self) -> bool:
        """The reference departs from the published formula, or is outside its range."""
        return not self.agrees and bool(self.why)


@cache
def adapters() -> tuple[dict, dict]:
    """All adapters and known errors of the reference answers, by calculator."""
    found, errors = {}, {}
    for part in PARTS:
        module = import_module(f"benchmarks.medcalc.{part}")
        found |= module.ADAPTERS
        errors |= module.KNOWN_ERRORS
    return found, errors


def rows() -> Iterator[dict]:
    """The rows of the bench that have an adapter, entities parsed. Raises MedGymError without MEDGYM_DATA."""
    if data() is None:
        raise MedGymError("MEDGYM_DATA is not set", expected="a folder with benchmarks/medcalc_bench/")
    known = adapters()[0]
    with open(data() / "benchmarks" / "medcalc_bench" / "test_tasks.jsonl", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if row["Calculator Name"] in known:
                entities = row["Relevant Entities"]  # a Python literal; read as data, never evaluated
                row["Relevant Entities"] = ast.literal_eval(entities) if isinstance(entities, str) else entities
                yield row


def judged(row: dict) -> Verdict:
    """Compute the row with our instrument and compare."""
    calculator = row["Calculator Name"]
    name, inputs = adapters()[0][calculator](row["Relevant Entities"])
    outcome = instruments.get(name)(**inputs)
    agrees = same(row, outcome)
    why = "" if agrees else reason(row, outcome)
    return Verdict(row["Row Number"], calculator, name, shown(outcome), answer(row), agrees, why)


def reason(row: dict, outcome: Outcome) -> str:
    """Why ours and the reference differ, or nothing."""
    text, departed = adapters()[1].get(row["Calculator Name"], ("", None))
    if departed and reproduces(departed(row["Relevant Entities"]), answer(row)):
        return text
    return f"outside the published range ({outcome.reason})" if outcome.reason else ""


def reproduces(recomputed: float | str, reference: str) -> bool:
    """Whether a recomputation with the error gives the reference: a date exactly, a number within 0.1 %."""
    if isinstance(recomputed, str):
        return recomputed == iso(reference)
    return abs(recomputed - float(reference)) <= 1e-3 * abs(float(reference))


def answer(row: dict) -> str:
    return str(row["Ground Truth Answer"])


def shown(outcome: Outcome) -> str:
    if outcome.value is None:
        return "missing " + ", ".join(outcome.missing) if outcome.missing else "no value"
    return outcome.date or f"{outcome.value:.4g}"


def same(row: dict, outcome: Outcome) -> bool:
    """Within the bench's limits; a date or a gestational age exactly."""
    if outcome.value is None:
        return False
    reference = answer(row)
    if "/" in reference:
        return outcome.date == iso(reference)
    if reference.startswith("("):
        weeks, days = (int(part.split()[0]) for part in ast.literal_eval(reference))
        return (outcome.parts["weeks"], outcome.parts["days"]) == (weeks, days)
    low, high = sorted((float(row["Lower Limit"]), float(row["Upper Limit"])))
    return low - ROUNDING <= outcome.value <= high + ROUNDING

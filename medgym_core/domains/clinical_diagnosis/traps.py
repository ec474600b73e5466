"""What misleads a hasty reader: results of another time, notes, values in another unit, a patient who evades.

Nothing here is false on the chart: an old result carries its age, a note says whose word it is, and what was measured
now counts.
"""

from random import Random
from typing import Any

from medgym_core.clinical import ranges
from medgym_core.domains.clinical_diagnosis import patients
from medgym_core.types import Reading, Record

DAY = 1440  # minutes
POUNDS = 2.20462  # in a kilogram
EARLIER = "earlier results"
EVASIVE = (
    "Why do you ask?", "I do not see what that has to do with it.", "Must we talk about that?",
    "I have told the nurse everything.", "That is hardly why I came.",
)  # fmt: skip
"""First answers that are none; asked again, the patient tells."""


def days_ago(rng: Random, least: int = 20, most: int = 400) -> int:
    """A time before arrival in minutes (negative)."""
    return -DAY * rng.randint(least, most)


def older(readings: list[Reading], minutes: int) -> list[Reading]:
    """The same results, as if of that time."""
    return [Reading(r.name, r.value, r.unit, minutes) for r in readings]


def unremarkable(rng: Random, who: dict[str, Any], names: list[str], minutes: int) -> list[Reading]:
    """Results of an earlier, healthy day."""
    drawn = patients.results(rng, who, names, {}, minutes)
    return [r for r in drawn if r.name in names]


def value_at(rng: Random, name: str, span: patients.Range, minutes: int) -> Reading:
    """One older result within a span."""
    return Reading(name, patients.value(rng, name, span), ranges.unit(name), minutes)


def earlier_report(rng: Random, test: str, said: str) -> Record:
    """A note of what a test showed some time ago."""
    return patients.note(f"{test} {rng.randint(3, 11)} months ago: {said}", EARLIER)


def pounds(kilograms: float) -> float:
    return round(kilograms * POUNDS, 1)


def kilograms(pounds_: float) -> float:
    return pounds_ / POUNDS

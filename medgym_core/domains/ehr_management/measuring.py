"""Measurements of a stay under construction: vital signs and laboratory values over time, and what moves together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from medgym_core.clinical import physiology
from medgym_core.domains.ehr_management.rules import DAY, VITALS, table
from medgym_core.types import Reading, Record

FAMILIES = ({"white_cells", "neutrophils", "lymphocytes", "eosinophils"}, {"hemoglobin", "hematocrit"})
"""Tests of one sample that move together."""


@dataclass
class Case:
    """An admission under construction."""

    rng: Random
    level: int
    problem: str
    hadm_id: str
    start: int
    """Minute of admission, negative."""
    fields: dict[str, Any]
    records: list[Record] = field(default_factory=list)
    vitals: list[Reading] = field(default_factory=list)
    labs: list[Reading] = field(default_factory=list)
    prescribed: int = 0

    @property
    def mornings(self) -> list[int]:
        """Times of the daily blood samples, the earliest first."""
        first = [self.start + 35]
        daily = [m for m in range(-150 - DAY * ((-self.start - 400) // DAY), 0, DAY) if m > self.start + 360]
        return first + daily

    def add(self, kind: str, name: str, minutes: int, **more: Any) -> None:
        self.records.append(Record(kind, name, minutes, **more))


def vital_sets(case: Case) -> list[Reading]:
    base = {r.name: r.value for r in physiology.sample_vitals(case.rng, age=case.fields["age"], sex=case.fields["sex"])}
    found = []
    for minutes in (case.start + 10, *range(-1240, 0, 244)):
        for name in VITALS:
            move = 0.2 if name == "temperature" else 0.7 if name == "spo2" else 0.03 * base[name]
            value = base[name] + case.rng.uniform(-move, move)
            found.append(physiology.reading(name, min(value, 100) if name == "spo2" else value, minutes))
    return found


def signs(case: Case, values: Mapping[str, float], sets: int = 1, back: int = 0) -> None:
    """Put values into the latest `sets` sets of vital signs, `back` sets before the last one.

    The diastolic follows a systolic.
    """
    times = sorted({r.minutes for r in case.vitals}, reverse=True)[back : back + sets]
    given = dict(values)
    if "systolic_bp" in given:
        given.setdefault("diastolic_bp", round(given["systolic_bp"] * 0.6))
    swap = {n: physiology.reading(n, v).value for n, v in given.items()}
    case.vitals = [
        Reading(r.name, swap[r.name], r.unit, r.minutes) if r.minutes in times and r.name in swap else r
        for r in case.vitals
    ]


def samples(case: Case) -> list[Reading]:
    """Daily chemistry and blood count around one healthy sample."""
    f = case.fields
    base = physiology.sample_labs(case.rng, ["bmp", "cbc"], age=f["age"], sex=f["sex"], pregnant=f["pregnant"])
    found = []
    for minutes in case.mornings:
        common = [case.rng.uniform(0.98, 1.02) for _ in FAMILIES]
        for r in base:
            share = next((s for s, names in zip(common, FAMILIES, strict=True) if r.name in names), None)
            spread = 0.006 if r.name in ("sodium", "chloride") else 0.02
            found.append(
                physiology.reading(r.name, r.value * (share or case.rng.uniform(1 - spread, 1 + spread)), minutes)
            )
    return found


def course(case: Case, name: str, values: Sequence[float], minutes: Sequence[int] | None = None) -> list[float]:
    """Replace the values of a test in this stay by these, at the last samples; what goes with it follows."""
    times = list(minutes or case.mornings[-len(values) :])
    rounded = [physiology.reading(name, v, t) for v, t in zip(values, times, strict=True)]
    case.labs = [r for r in case.labs if r.name != name] + rounded
    if not minutes:
        follows = {(n, r.minutes): v for r in rounded for n, v in _following(name, r.value).items()}
        case.labs = [
            physiology.reading(r.name, follows.get((r.name, r.minutes), r.value), r.minutes) for r in case.labs
        ]
    return [r.value for r in rounded]


def _following(name: str, value: float) -> dict[str, float]:
    """Values of one sample that go with a given one: urea about 14 times creatinine, hematocrit 3 times hemoglobin."""
    if name == "creatinine":
        return {"urea_nitrogen": max(10.0, 14 * value)}
    if name == "hemoglobin":
        return {"hematocrit": 3 * value}
    if name == "white_cells":
        shares = next(row[1:] for row in table("values")["white_cells"]["shares"] if value <= row[0])
        return dict(zip(("neutrophils", "lymphocytes", "eosinophils"), (value * s for s in shares), strict=True))
    return {}


def usual_courses(case: Case) -> None:
    """What the problem does to the laboratory values over the stay."""
    times = case.mornings
    for name, e in table("courses").items():
        if e["problem"] == case.problem:
            first, last = drawn(case.rng, e["first"]), drawn(case.rng, e["last"])
            course(
                case,
                e.get("lab", name),
                [first + (last - first) * i / max(len(times) - 1, 1) for i in range(len(times))],
            )


def drawn(rng: Random, ends: Sequence[float]) -> float:
    """A number between the ends, whole where both are whole."""
    low, high = ends
    whole = isinstance(low, int) and isinstance(high, int)
    return rng.randint(low, high) if whole else round(rng.uniform(low, high), 1)

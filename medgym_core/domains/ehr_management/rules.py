"""The rule set of the inpatient record: admissions, orders and what follows from them. Tools and truth share it.

Minute 0 is the start of the episode; what happened before has negative minutes. An admission is an encounter record
with a `hadm_id` among its values; entries belong to the admission in whose time they fall.
"""

from dataclasses import dataclass
from functools import cache
from math import inf
from statistics import median
from typing import Any

from medgym_core import instruments
from medgym_core.clinical.ranges import measurements
from medgym_core.facts import load
from medgym_core.instruments.base import Outcome
from medgym_core.text import normal
from medgym_core.tools import Order, ToolError, World
from medgym_core.types import Chart, Reading, Record

DOMAIN = "ehr_management"
DAY = 1440
HALF_YEAR = 183 * DAY
EVERYTHING = "all"
SPOKEN = {"mm[Hg]": "mmHg", "Cel": "C", "10*3/uL": "K/uL", "m[IU]/L": "mIU/L", "{ratio}": "", "ng/mL{FEU}": "ng/mL"}
"""UCUM units as clinicians write them."""
VITALS = ("heart_rate", "systolic_bp", "diastolic_bp", "respiratory_rate", "spo2", "temperature")


@dataclass(frozen=True, slots=True)
class Stay:
    """One admission, or the whole record (`all`)."""

    hadm_id: str
    start: float
    end: float
    """Infinity while it lasts."""
    record: Record | None = None

    def holds(self, minutes: int) -> bool:
        return self.start <= minutes <= self.end


def table(name: str) -> dict[str, dict[str, Any]]:
    """The facts of one table of this domain."""
    return load(DOMAIN, name)


def stays(chart: Chart) -> list[Stay]:
    """All admissions, the earliest first."""
    found = [
        Stay(r.values["hadm_id"], r.minutes, inf if r.ended is None else r.ended, r)
        for r in chart.records
        if r.kind == "encounter" and "hadm_id" in r.values
    ]
    return sorted(found, key=lambda s: s.start)


def stay_of(world: World, hadm_id: str = "") -> Stay:
    """The admission of that id, the current one without an id, or the whole record for `all`.

    Raises ToolError naming the admissions of this patient for any other id.
    """
    if hadm_id == EVERYTHING:
        return Stay(EVERYTHING, -inf, inf)
    found = stays(world.chart)
    if not found:
        raise ToolError("no admission is recorded for this patient", expected="hadm_id=all")
    if not hadm_id:
        return found[-1]
    for stay in found:
        if stay.hadm_id == hadm_id.strip().upper():
            return stay
    raise ToolError("no such admission", got=repr(hadm_id[:20]), expected=", ".join(s.hadm_id for s in found[-6:]))


def records(chart: Chart, stay: Stay, *kinds: str) -> list[Record]:
    """Entries of those kinds in the time of the admission, as they stand on the chart."""
    return [r for r in chart.records if r.kind in kinds and stay.holds(r.minutes)]


def newest(chart: Chart, stay: Stay, kind: str, name: str = "") -> Record | None:
    """The latest entry of a kind (and name) in the time of the admission, or None."""
    found = [r for r in records(chart, stay, kind) if not name or r.name == name]
    return max(found, key=lambda r: r.minutes) if found else None


def series(readings: list[Reading], stay: Stay, name: str) -> list[Reading]:
    """The readings of a name in the time of the admission, the earliest first."""
    return sorted((r for r in readings if r.name == name and stay.holds(r.minutes)), key=lambda r: r.minutes)


def follow(world: World) -> None:
    """Tests that were under way when the episode began are waited for like those ordered in it."""
    known = {o.name for o in world.orders}
    for r in world.chart.records:
        due = r.values.get("due", "")
        if r.kind == "order" and due.isdigit() and r.name not in known:
            known.add(r.name)
            world.orders.append(Order(r.name, r.minutes, int(due)))


def ago(world: World, minutes: int) -> str:
    """How long ago that was, in minutes, hours or days."""
    passed = world.minutes - minutes
    if passed < 0:
        return f"in {-passed} min"
    if passed < 60:
        return f"{passed} min ago"
    return f"{passed // 60} h ago" if passed < 3 * DAY else f"{passed // DAY} d ago"


def shown(reading: Reading) -> str:
    """A value with its unit as clinicians write it."""
    return f"{reading.value:g} {SPOKEN.get(reading.unit, reading.unit)}".strip()


@cache
def _tests() -> dict[str, str]:
    return {normal(n): name for name, m in measurements().items() for n in (name, m["title"])}


def test_named(chart: Chart, name: str) -> str:
    """Machine name of a laboratory test or vital sign; raises ToolError naming what this chart has."""
    wanted = normal(name)
    found = _tests().get(wanted)
    if found:
        return found
    here = dict.fromkeys(r.name for r in (*chart.labs, *chart.vitals))
    for own in here:
        if normal(own) == wanted:
            return own
    raise ToolError("unknown test", got=repr(name[:40]), expected=", ".join(list(here)[:12]) or "a test on the chart")


# ---- kidneys


def reference_creatinine(creatinine: list[Reading]) -> float | None:
    """Lowest value of the 7 days before the last one or the median of days 8 to 365, whichever is lower.

    None: nothing to compare with. Source: KDIGO 2012; reference values as in the NHS England AKI algorithm, 2014.
    """
    if not creatinine:
        return None
    last = creatinine[-1].minutes
    week = [r.value for r in creatinine[:-1] if r.minutes >= last - 7 * DAY]
    year = [r.value for r in creatinine[:-1] if last - 365 * DAY <= r.minutes < last - 7 * DAY]
    return min([*([min(week)] if week else []), *([median(year)] if year else [])], default=None)


def kidney_injury(labs: list[Reading]) -> Outcome:
    """KDIGO stage of the last creatinine by the series before it."""
    found = series(labs, Stay(EVERYTHING, -inf, inf), "creatinine")
    base = reference_creatinine(found)
    if base is None:
        return Outcome(None, missing=["baseline creatinine"] if found else ["creatinine"])
    last = found[-1]
    recent = [r.value for r in found if last.minutes - 2 * DAY <= r.minutes]
    rise = round(last.value - min(recent), 2)
    return instruments.get("kdigo_aki")(creatinine=last.value, baseline_creatinine=base, creatinine_rise_48h=rise)


# ---- readmission


@cache
def _points() -> dict[str, int]:
    return {c: points for e in table("comorbidity").values() for c, points in e["points"].items()}


def lace(world: World, stay: Stay) -> Outcome:
    """LACE index of an admission; a condition that is not in the comorbidity table leaves it without a value."""
    if stay.record is None:
        return Outcome(None, missing=["admission"])
    acuity = stay.record.values.get("acuity")
    unknown = [c for c in world.chart.conditions if c not in _points()]
    missing = [f"comorbidity points of {c}" for c in unknown] + (["admission acuity"] if acuity is None else [])
    if missing:
        return Outcome(None, missing=missing)
    visits = [
        r
        for r in world.chart.records
        if r.kind == "encounter"
        and r.name == "emergency visit"
        and stay.start - HALF_YEAR <= r.minutes < stay.start - DAY
    ]
    days = int(min(stay.end, world.minutes) - stay.start) // DAY
    return instruments.get("lace")(
        length_of_stay_days=days,
        acute_admission=acuity == "emergency",
        comorbidity_points=sum(_points()[c] for c in world.chart.conditions),
        emergency_visits=len(visits),
    )

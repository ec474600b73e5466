"""The state of a patient on a pathway: a pure function of the chart, of what was given, and of the minutes that passed.

The chart never changes. `World.written` holds what was done: `{"given": drug, "amount": dose, "at": minute}`,
`{"halted": drug, "at": minute}`, `{"phase": name, "at": minute}`, `{"recorded": step, "at": minute}`.

    value now = value at arrival + effects of what was given + the untreated course, within limits

Effects and courses are small rules of `facts/treatments.toml` and `facts/pathways.toml`. The patient's own size of
each stands on the chart under `pending_findings["course"]` (`"labetalol systolic_bp": "-18"`); without one, the middle
of the range is used. Infusions count in whole hours and delay in whole steps beyond the target, so a patient treated in
time is in the same state whatever the minute. Words change too: `"after alteplase: headache": "severe"`.
"""

from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from medgym_core.clinical import acid_base, ranges
from medgym_core.domains.cross_domain.rules import table
from medgym_core.tools import ToolError, World, latest, number
from medgym_core.types import Reading

COURSE = "course"
DIASTOLIC_SHARE = 0.6
"""How far diastolic follows systolic pressure: about the ratio of the two in adults."""
USUAL_WEIGHT = 70.0
"""kg; only for effects by weight in a patient whose course gives none."""


@dataclass(frozen=True, slots=True)
class Given:
    """One treatment that was given."""

    what: str
    amount: float
    at: int
    until: int | None = None
    """When an infusion was stopped or replaced."""


def course(world: World) -> dict[str, str]:
    """The patient's own sizes of effects; never shown as such."""
    return world.chart.pending_findings.get(COURSE, {})


def pathway(world: World) -> dict[str, Any]:
    """The facts of the pathway the patient is on. Raises ToolError for a patient on none."""
    name = course(world).get("pathway")
    if name is None:
        raise ToolError("this patient is on no pathway")
    return table("pathways")[name]


def phase(world: World) -> int:
    """Number of the present phase, from 0."""
    return sum("phase" in w for w in world.written)


def given(world: World) -> list[Given]:
    """What was given so far, in order."""
    found: list[Given] = []
    for entry in world.written:
        if "given" in entry:
            if table("treatments")[entry["given"]].get("infusion"):
                found = [_ended(g, entry["given"], entry["at"]) for g in found]
            found.append(Given(entry["given"], entry["amount"], entry["at"]))
        elif "halted" in entry:
            found = [_ended(g, entry["halted"], entry["at"]) for g in found]
    return found


def _ended(one: Given, what: str, at: int) -> Given:
    return Given(one.what, one.amount, one.at, at) if one.what == what and one.until is None else one


def base(world: World, name: str) -> float | None:
    """The value at arrival: a vital sign, what an order would bring, or else a result on the chart."""
    chart = world.chart
    reading = latest(chart.vitals, name)
    if reading is None:
        reading = next((r for readings in chart.pending.values() for r in readings if r.name == name), None)
    reading = reading or latest(chart.labs, name)
    return None if reading is None else reading.value


def value(world: World, name: str, at: int | None = None) -> float | None:
    """A vital sign or laboratory value at a minute (now, if not given); None where the patient has none."""
    minute = world.minutes if at is None else at
    if name == "map":
        return _mean(value(world, "systolic_bp", minute), value(world, "diastolic_bp", minute))
    start = base(world, name)
    if start is None:
        return None
    if name == "acetaminophen":
        return _level(world, start, minute)
    if name in FOLLOWERS:
        return _rounded(name, FOLLOWERS[name](world, start, minute))
    doses = given(world)
    total = start + sum(_effects(world, g, name, minute) for g in doses) + _untreated(world, doses, name, minute)
    return _rounded(name, total)


def _mean(systolic: float | None, diastolic: float | None) -> float | None:
    """Mean arterial pressure, mmHg, from the rounded pressures."""
    return None if systolic is None or diastolic is None else _rounded("map", (systolic + 2 * diastolic) / 3)


def _rounded(name: str, size: float) -> float:
    """Within what a patient can reach, with the decimals of a report."""
    measure = table("measures").get(name, {})
    low, high = measure.get("limits", (0.0, size))
    size = min(max(size, low), high)
    if "decimals" in measure:
        return round(size, measure["decimals"]) + 0.0
    return ranges.rounded(name, size)


def _effects(world: World, dose: Given, name: str, minute: int) -> float:
    """What one treatment has changed `name` by."""
    own, total = course(world), 0.0
    for effect in table("treatments")[dose.what]["effects"]:
        if effect["on"] != name or minute < dose.at + effect.get("after", 0):
            continue
        key = f"{dose.what} {name}"
        size = float(own[key]) if key in own else sum(effect["by"]) / 2
        share = _share(own, world, dose, effect)
        if "spread" in effect:
            share = min(share, (minute - dose.at) // effect["spread"])
        total += size * share * _times(own, dose, effect, key, minute)
    return total


def _share(own: dict[str, str], world: World, dose: Given, effect: dict[str, Any]) -> float:
    if "per_kg" in effect:
        weight = float(own.get("weight", world.chart.weight_kg or USUAL_WEIGHT))
        return round(2 * dose.amount / weight / effect["per_kg"]) / 2
    return dose.amount / effect["per"] if "per" in effect else 1.0


def _times(own: dict[str, str], dose: Given, effect: dict[str, Any], key: str, minute: int) -> int:
    """How often the effect counts at that minute: once while it lasts, or once for each whole interval."""
    if "every" in effect:
        end = minute if dose.until is None else min(minute, dose.until)
        return min(max(end - dose.at, 0) // effect["every"], effect["most"])
    lasts = float(own.get(f"{key} lasts", effect.get("lasts", float("inf"))))
    over = dose.until is not None and minute >= dose.until
    return 0 if over or minute >= dose.at + lasts else 1


def _untreated(world: World, doses: list[Given], name: str, minute: int) -> float:
    """What waiting has changed `name` by."""
    own, total = course(world), 0.0
    if "pathway" not in own:
        return total
    for drift in table("pathways")[own["pathway"]]["untreated"]:
        if drift["on"] != name:
            continue
        key = f"untreated {name}"
        size = float(own[key]) if key in own else sum(drift["by"]) / 2
        kind = drift.get("until")
        treated = [d.at for d in doses if kind and table("treatments")[d.what]["class"] == kind]
        steps = max(min([minute, *treated]) - drift["from"], 0) // drift["every"]
        total += size * min(steps, drift.get("most", steps))
    return total


def _level(world: World, at_four_hours: float, minute: int) -> float:
    """Acetaminophen, ug/mL, in whole hours since the ingestion, by the patient's own half-life."""
    own = course(world)
    hours = int(float(own.get("hours since ingestion", 4)) + minute / 60)
    return round(at_four_hours * 0.5 ** ((hours - 4) / float(own.get("half-life", 4)))) + 0.0


def _diastolic(world: World, start: float, minute: int) -> float:
    systolic, now = base(world, "systolic_bp"), value(world, "systolic_bp", minute)
    return start if systolic is None or now is None else start + DIASTOLIC_SHARE * (now - systolic)


def _pco2(world: World, start: float, minute: int) -> float:
    """Breathing follows bicarbonate as Winters' formula expects."""
    before, now = base(world, "bicarbonate"), value(world, "bicarbonate", minute)
    if before is None or now is None or before == now:
        return start
    return start + acid_base.expected_pco2(now) - acid_base.expected_pco2(before)


def _ph(world: World, start: float, minute: int) -> float:
    before, now = base(world, "bicarbonate"), value(world, "bicarbonate", minute)
    pco2 = base(world, "pco2")
    if before is None or now is None or pco2 is None or before == now:
        return start
    return acid_base.ph_of(_pco2(world, pco2, minute), now)


FOLLOWERS = {"diastolic_bp": _diastolic, "pco2": _pco2, "ph": _ph}
"""Values that follow another one."""


def reading(world: World, name: str, at: int | None = None) -> Reading | None:
    """The value with its unit, or None."""
    now = value(world, name, at)
    if now is None:
        return None
    unit = table("measures").get(name, {}).get("unit") or ranges.unit(name)
    return Reading(name, now, unit, world.minutes if at is None else at)


def changed(world: World) -> dict[str, str]:
    """Examination findings that a treatment has changed, oxygen that runs among them."""
    own = course(world)
    found: dict[str, str] = {}
    flow = next((g.amount for g in given(world) if g.what == "oxygen" and g.until is None), None)
    if flow is not None:
        found["oxygen"] = f"{number(flow)} L/min"
    for dose in given(world):
        start = f"after {dose.what}: "
        found |= {k.removeprefix(start): text for k, text in own.items() if k.startswith(start)}
    return found


def finding(world: World, name: str) -> str | None:
    """An examination finding or a worded result as it is now."""
    return changed(world).get(name) or world.finding(name)


def results(world: World) -> list[Reading]:
    """Laboratory results on the chart, then those of orders that are back, as the patient was when sampled."""
    found = list(world.chart.labs)
    for order in world.orders:
        if order.due <= world.minutes and order.name in world.chart.pending:
            found += [r for m in members(order.name) if (r := reading(world, m, order.placed)) is not None]
    return found


def members(test: str) -> list[str]:
    return table("tests")[test]["members"]


def present(world: World) -> World:
    """A world whose chart shows the patient as of now, for instruments that read charts."""
    vitals = [r for name in dict.fromkeys(v.name for v in world.chart.vitals) if (r := reading(world, name))]
    seen = world.chart.observations | changed(world)
    chart = replace(world.chart, vitals=vitals, labs=results(world), observations=seen, pending={})
    return World(chart, world.knowledge, world.minutes)

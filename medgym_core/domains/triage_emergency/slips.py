"""Traps of the handover: a charted value that was corrected on paper, one that was never charted, an older one.

What was re-measured or taken on arrival counts; what the crew measured earlier does not. The outcome of the case is
computed on the true chart first, so that the tools give it once the slip has been charted.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, NamedTuple

from msgspec.structs import replace

from medgym_core import facts
from medgym_core.domains.triage_emergency.handover import IDLE, slips
from medgym_core.domains.triage_emergency.scores import DOMAIN
from medgym_core.tools import World, number
from medgym_core.types import Call, Chart, Reading, Trait

TRIES = 40
NOTES = Call("get_handover_notes")
WHOLE = ("heart_rate", "respiratory_rate", "systolic_bp", "diastolic_bp", "spo2")


class Handover(NamedTuple):
    """The chart as the desk has it, what an expert does about it, and what comes out without that."""

    chart: Chart
    calls: list[Call]
    naive: Any
    """The outcome computed from the chart alone; None where it is the true one or there is none."""
    traits: list[Trait]


def plain(rng: Random, chart: Chart) -> Handover:
    """Nothing in the notes matters, if there are any."""
    notes = _idle(rng, rng.randint(0, 1))
    return Handover(replace(chart, notes=notes), [], None, [])


def handed_over(
    rng: Random, level: int, chart: Chart, names: Sequence[str], outcome: Callable[[World], Any]
) -> Handover:
    """The chart with the traps of its level: 1 none; 2 a corrected value; 3 a value corrected or not charted, beside
    an older one. `outcome` is what the case asks for; a corrected value always changes it.
    """
    true = outcome(World(chart))
    if level == 1 or true is None:
        return plain(rng, chart)
    known = [r for r in chart.vitals if r.name in names]
    if level == 3 and rng.random() < 0.5:
        return _not_charted(rng, chart, rng.choice(known), outcome)
    for _ in range(TRIES):
        reading = rng.choice(known)
        older = [_earlier(rng, reading, _false(rng, reading))] if level == 3 else []
        false = _false(rng, reading)
        altered = replace(chart, vitals=[replace(r, value=false) if r is reading else r for r in chart.vitals])
        naive = outcome(World(altered))
        if naive is not None and naive != true and _consistent(altered):
            notes = [rng.choice(slips()[reading.name]["corrected"]).format(v=number(reading.value)), *older]
            return _slip(rng, altered, reading, notes, naive, ["conflict"])
    return plain(rng, chart)


def stale(rng: Random, reading: Reading, value: float) -> str:
    """A note of the crew's older value of a sign."""
    return _earlier(rng, reading, value)


def _not_charted(rng: Random, chart: Chart, reading: Reading, outcome: Callable[[World], Any]) -> Handover:
    """The value stands on a slip alone, beside the crew's older one, which tempts."""
    left = [r for r in chart.vitals if r.name != reading.name]
    old = _false(rng, reading)
    naive = outcome(World(replace(chart, vitals=[*left, replace(reading, value=old)])))
    naive = None if naive == outcome(World(chart)) else naive
    notes = [_uncharted(reading), _earlier(rng, reading, old)]
    return _slip(rng, replace(chart, vitals=left), reading, notes, naive, ["missing data", "conflict"])


def _slip(rng: Random, chart: Chart, true: Reading, notes: list[str], naive: Any, traits: list[Trait]) -> Handover:
    notes = [*notes, *_idle(rng, rng.randint(0, 1))]
    chart = replace(chart, notes=rng.sample(notes, len(notes)))
    return Handover(chart, [NOTES, Call("record_vital_sign", {"name": true.name, "value": true.value})], naive, traits)


def _idle(rng: Random, count: int) -> list[str]:
    return rng.sample(facts.load(DOMAIN, "handover")[IDLE]["notes"], count)


def _false(rng: Random, reading: Reading) -> float:
    """A value off the true one by an artefact, such as nobody would doubt."""
    entry = slips()[reading.name]
    value = reading.value + rng.choice((-1, 1)) * rng.uniform(*entry["off"])
    low, high = entry["seen"]
    value = min(max(value, low), high)
    return round(value) if reading.name in WHOLE else round(value, 1)


def _consistent(chart: Chart) -> bool:
    """Systolic above diastolic, saturation possible: a reading that nobody would have charted is no trap."""
    v = {r.name: r.value for r in chart.vitals}
    return v.get("systolic_bp", 999) - v.get("diastolic_bp", 0) >= 12 and v.get("temperature", 37) >= 33


def _earlier(rng: Random, reading: Reading, value: float) -> str:
    return slips()[reading.name]["earlier"].format(m=rng.randrange(25, 70, 5), v=number(value))


def _uncharted(reading: Reading) -> str:
    """The value as the slip has it: in the department's unit, or as counted or in degrees Fahrenheit."""
    entry, value = slips()[reading.name], reading.value
    other = value / entry["per"] if entry["per"] else round(value * 1.8 + 32, 1)
    if other % 1 and entry["per"] > 1:  # a count is whole
        return entry["direct"].format(v=number(value))
    return entry["uncharted"].format(v=number(value), other=number(other))

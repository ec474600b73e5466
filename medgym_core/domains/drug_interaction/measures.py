"""Measured values that need a second look: another unit, a newer value in a note, a weight that is out of date.

As with the notes on the list, the truth of a case is made from the right value; here the chart is then made to hold the
other one. Factors between units are those of `facts/units.toml`.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from msgspec.structs import replace

from medgym_core.domains.drug_interaction import notes, patients
from medgym_core.domains.drug_interaction.rules import table
from medgym_core.tools import number
from medgym_core.types import Chart, Reading, Trait

WEIGHED = (
    "Weighed today on the ward scale: {weight} kg. The weight in the chart is from an earlier stay.",
    "Bed scale this morning {weight} kg. The charted weight was carried over from two years ago.",
    "Today's weight is {weight} kg, measured. The one on file was what the patient remembered.",
)
PHONED = (
    "Laboratory phoned this morning's creatinine: {value} mg/dL. The chart still shows an older sample.",
    "Creatinine from today {value} mg/dL by the point-of-care meter. Not yet in the chart.",
    "The outside laboratory reports creatinine {value} mg/dL for today. The chart holds last month's.",
)
WEIGHT_APART = ((0.62, 0.75), (1.3, 1.6))  # charted over true weight: wrong by more than any rounding
STALE = ((0.45, 0.7), (1.5, 2.2))  # older over present creatinine: the kidneys were better or worse


@dataclass(frozen=True)
class Measured:
    """A chart that hides the right values, and the arguments that put them right."""

    chart: Chart
    arguments: dict[str, Any] = field(default_factory=dict)
    traits: list[Trait] = field(default_factory=list)


def in_unit(name: str, value: float) -> float:
    """The value in the other unit of the table, rounded as laboratories and scales do."""
    return round(value * table("units")[name]["per"])


def from_unit(name: str, value: float, digits: int) -> float:
    return round(value / table("units")[name]["per"], digits)


def kidney(rng: Random, level: int, chart: Chart, measure: str) -> Measured:
    """The kidney function of the chart behind one trap (level 2) or two (level 3): the creatinine in another unit or
    newer in a note, the weight out of date where the measure needs it."""
    if level == 1:
        return Measured(notes.plain(rng, chart))
    weighs = measure != "egfr" and chart.weight_kg is not None
    lab = rng.choice(("unit", "phoned"))
    traps = [lab, "weight"] if level == 3 else [rng.choice([lab, "weight"])]
    arguments: dict[str, Any] = {}
    told: list[str] = []
    if lab in traps or not weighs:
        chart, value, note = _creatinine(rng, chart, lab)
        arguments["creatinine_mg_dl"] = value
        told += note
    if "weight" in traps and weighs:
        told.append(rng.choice(WEIGHED).format(weight=number(chart.weight_kg or 0)))
        arguments["weight_kg"] = chart.weight_kg
        chart = replace(chart, weight_kg=round((chart.weight_kg or 0) * rng.uniform(*rng.choice(WEIGHT_APART))))
    return Measured(notes.plain(rng, chart, *told), arguments, ["conflict"])


def _creatinine(rng: Random, chart: Chart, trap: str) -> tuple[Chart, float, list[str]]:
    """The chart with today's creatinine in umol/L, or with an older one and today's in a note; the value in mg/dL."""
    today = max((r for r in chart.labs if r.name == "creatinine"), key=lambda r: r.minutes)
    others = [r for r in chart.labs if r.name != "creatinine"]
    earlier = Reading("creatinine", round(today.value * rng.uniform(*rng.choice(STALE)), 2), "mg/dL",
                      -patients.WEEK * rng.randint(4, 9))  # fmt: skip
    if trap == "phoned":
        note = rng.choice(PHONED).format(value=number(today.value))
        return replace(chart, labs=[*others, earlier]), today.value, [note]
    other = in_unit("creatinine", today.value)
    labs = [*others, earlier, Reading("creatinine", other, table("units")["creatinine"]["unit"])]
    return replace(chart, labs=labs), from_unit("creatinine", other, 2), []

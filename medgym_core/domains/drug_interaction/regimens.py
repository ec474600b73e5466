"""Doses from tables: by liver function, for children by weight, and doses of equal effect.

Every number comes from a sourced table. What a table does not say is None; the caller says so.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from medgym_core import instruments
from medgym_core.domains.drug_interaction.rules import table
from medgym_core.instruments.base import Outcome
from medgym_core.instruments.tools import from_chart
from medgym_core.tools import World, latest
from medgym_core.types import Chart, Medication, Reading

TIMES = {"once": 1, "twice": 2, "three": 3, "four": 4}
"""First word of a frequency to doses a day."""
PER_HOUR = "mcg/h"  # unit of a patch
_AMOUNT = re.compile(r"\d+(?:\.\d+)?")


def child_pugh(world: World) -> Outcome:
    """The Child-Pugh score of the chart; its band is `class A`, `class B` or `class C`."""
    instrument = instruments.get("child_pugh")
    return instrument(**from_chart(world, instrument))


def hepatic_dose(drug: str, child_pugh_class: str) -> tuple[str, str] | None:
    """Decision and dose of the label at that Child-Pugh class (`A`, `B`, `C`).

    A label without Child-Pugh classes gives `see label` and its words; None where the label says nothing of the class.
    """
    entry = table("hepatic")[drug]
    if "label" in entry:
        return "see label", entry["label"]
    decision = entry.get(child_pugh_class)
    return (decision[0], decision[1]) if decision else None


@dataclass(frozen=True, slots=True)
class ChildDose:
    """One weight-based dose."""

    mg: float
    """A single dose."""
    uncapped: float
    """What the weight alone would give."""
    doses_per_day: int
    single: bool
    """Given once, not daily."""

    @property
    def capped(self) -> bool:
        return self.mg < self.uncapped


def child_dose(drug: str, weight_kg: float) -> ChildDose:
    """The regimen of the paediatric table at that weight, at most the adult maximum the source names."""
    entry = table("paediatric")[drug]
    daily = entry["per"] == "day"
    parts = entry["doses_per_day"] if daily else 1
    by_weight = entry["mg_per_kg"] * weight_kg
    dose = min(by_weight, entry.get("max_mg", by_weight))
    single = not daily and entry["doses_per_day"] == 1
    return ChildDose(significant(dose / parts), significant(by_weight / parts), entry["doses_per_day"], single)


def significant(value: float) -> float:
    """Three significant digits: finer than any dose is measured."""
    return float(f"{value:.3g}")


def months(chart: Chart) -> int:
    return chart.age * 12 if chart.age_months is None else chart.age_months


def daily_mg(medication: Medication) -> float | None:
    """Milligrams a day of a recorded dose (a patch: micrograms an hour); None where it cannot be told."""
    amount, _, unit = medication.dose.partition(" ")
    if not _AMOUNT.fullmatch(amount):
        return None
    if unit == PER_HOUR:
        return float(amount)
    times = TIMES.get(medication.frequency.partition(" ")[0])
    if times is None or unit not in ("mg", "mcg"):
        return None
    return float(amount) * times / (1000 if unit == "mcg" else 1)


def morphine_equivalents(medications: Iterable[tuple[str, Medication]]) -> tuple[dict[str, float], list[str]]:
    """Morphine milligrams a day by opioid, and the opioids whose dose or factor is missing."""
    found: dict[str, float] = {}
    missing = []
    for drug, medication in medications:
        factor, daily = table("opioids").get(drug, {}).get("factor"), daily_mg(medication)
        if factor is None or daily is None:
            missing.append(drug)
        else:
            found[drug] = round(found.get(drug, 0) + daily * factor, 1)
    return found, missing


def steroid_equivalent(drug: str, mg: float, other: str) -> float:
    """The dose of `other` with the anti-inflammatory effect of `mg` of `drug`."""
    steroids = table("steroids")
    return significant(mg / steroids[drug]["mg"] * steroids[other]["mg"])


def level(world: World, entry: dict[str, Any]) -> Reading | None:
    """The latest measurement of a monitored drug, by the chart's name or the machine name of the table."""
    labs = world.results()
    return latest(labs, entry["lab"]) or latest(labs, entry.get("canonical", ""))

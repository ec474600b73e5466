"""Rules over a whole medicine list: Beers criteria, anticholinergic burden, QT, duplicated classes, reconciliation.

Drugs are names of the tables. A drug that a list does not rate is reported as not rated, never as harmless.
"""

from dataclasses import dataclass, field
from functools import cache

from medgym_core.domains.drug_interaction.rules import members, resolve, table
from medgym_core.tools import World
from medgym_core.types import Chart

BEERS_ACTIONS = ("avoid", "avoid in part", "use with caution")
"""Strictest first."""
HOME = "home medication"
"""Kind of the records that hold what the patient took before."""


def limit(name: str) -> int:
    """An age or a total of the table of limits."""
    return table("limits")[name]["value"]


@cache
def _beers() -> dict[str, tuple[str, str]]:
    """Drug to action and reason, the strictest entry."""
    found: dict[str, tuple[str, str]] = {}
    for entry in table("beers").values():
        for drug in (m for name in entry["drugs"] for m in members(name)):
            if drug not in found or BEERS_ACTIONS.index(entry["action"]) < BEERS_ACTIONS.index(found[drug][0]):
                found[drug] = (entry["action"], entry["reason"])
    return found


def beers(drug: str) -> tuple[str, str] | None:
    """Action and reason of the Beers criteria, or None where they do not list the drug."""
    return _beers().get(drug)


def anticholinergic(drugs: list[str]) -> tuple[dict[str, int], list[str]]:
    """Points of the rated drugs, and the drugs the scale does not rate."""
    scale = table("anticholinergic")
    return {d: scale[d]["score"] for d in drugs if d in scale}, [d for d in drugs if d not in scale]


@dataclass(frozen=True, slots=True)
class QTRisk:
    """What speaks for torsades de pointes on one list."""

    drugs: list[str]
    deficits: list[str]
    """Electrolytes below their limit."""
    missing: list[str]
    """Electrolytes not measured."""

    @property
    def verdict(self) -> str | None:
        """`several`, `single with electrolyte deficit`, `single`, `none listed`; None while an electrolyte decides."""
        if not self.drugs:
            return "none listed"
        if len(self.drugs) > 1:
            return "several"
        if self.deficits:
            return "single with electrolyte deficit"
        return None if self.missing else "single"


def qt_risk(world: World, drugs: list[str]) -> QTRisk:
    """QT-prolonging drugs of a list, with potassium and magnesium."""
    deficits, missing = [], []
    for name, limit in table("qt_electrolytes").items():
        measured = world.lab(name)
        if measured is None or measured.unit != limit["unit"]:
            missing.append(name)
        elif measured.value < limit["low"]:
            deficits.append(name)
    return QTRisk([d for d in drugs if d in table("qt")], deficits, missing)


def duplicates(drugs: list[str]) -> dict[str, list[str]]:
    """Class to the drugs of a list that share it; classes that usually stand together are left out."""
    found: dict[str, list[str]] = {}
    for drug in dict.fromkeys(drugs):
        if drug in table("drugs"):
            found.setdefault(table("drugs")[drug]["class"], []).append(drug)
    return {c: d for c, d in found.items() if len(d) > 1 and "together" not in table("classes")[c]}


@dataclass(slots=True)
class Reconciliation:
    """Home medicines against what is ordered now."""

    left_out: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    """Ordered in another dose or frequency."""
    kept: list[str] = field(default_factory=list)


def reconcile(chart: Chart, ordered: list[str]) -> Reconciliation | None:
    """The comparison; None where no home list is recorded."""
    home = {resolve(r.name) or r.name: r.text for r in chart.records if r.kind == HOME}
    if not home:
        return None
    doses = {resolve(m.drug) or m.drug: f"{m.dose} {m.frequency}".strip() for m in chart.medications}
    result = Reconciliation(new=[d for d in ordered if d not in home])
    for drug, text in home.items():
        if drug not in ordered:
            result.left_out.append(drug)
        elif text and doses.get(drug) and text != doses[drug]:
            result.changed.append(drug)
        else:
            result.kept.append(drug)
    return result

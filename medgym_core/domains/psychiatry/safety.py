"""Whether a psychiatric drug may be given to this patient: label and guideline rules, and listed interactions.

`problems` gives every ground on the chart, the gravest first; `unknowns` what must be known before the drug can be
judged. No listed problem is not the same as safe, and the tool says so. Rules: `facts/drug_rules.toml`.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from medgym_core import facts
from medgym_core.domains.drug_interaction import rules as drugs
from medgym_core.domains.psychiatry import judging
from medgym_core.domains.psychiatry.scales import DOMAIN
from medgym_core.tools import World, number
from medgym_core.types import Harm

FORBIDDING = ("same drug", "same class", "cross-reactive")
"""Results of the allergy table that forbid a drug."""
ALLERGY_SEVERITY = 4
CHILDBEARING = (12, 55)
"""Ages at which an unrecorded pregnancy status matters."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One ground against a drug."""

    verdict: str
    """contraindicated or avoid."""
    ground: str
    """As shown: `bulimia nervosa`, `egfr 24`, `with phenelzine`."""
    why: str
    severity: int
    source: str
    harm: Harm = "contraindication"


@cache
def rules_of(drug: str) -> list[dict[str, Any]]:
    """The rules that name a drug."""
    return [r for r in facts.load(DOMAIN, "drug_rules").values() if drug in r["drugs"]]


@cache
def known() -> frozenset[str]:
    """Every drug the tables of this domain name."""
    named = {*facts.load(DOMAIN, "monitoring"), *facts.load(DOMAIN, "dosing")}
    for entry in facts.load(DOMAIN, "guidelines").values():
        named.update(entry.get("drugs", []), entry.get("not_for", []))
    for entry in facts.load(DOMAIN, "drug_rules").values():
        named.update(entry["drugs"])
    return frozenset(named)


def named(drug: str) -> str | None:
    """The drug's name in the tables, or None."""
    name = drug.strip().lower()
    return name if name in known() else drugs.resolve(drug)


def problems(drug: str, world: World) -> list[Problem]:
    """Grounds against giving `drug`, the gravest first."""
    found = []
    for r in rules_of(drug):
        ground = _ground(r, world)
        if ground:
            found.append(Problem(r["verdict"], ground, r["why"], r["severity"], r["source"], _harm(r)))
    for other in world.chart.medications:
        pair = judging.grave_pair(drug, other.drug)
        if pair is not None:
            grave = pair.severity == "contraindicated"
            ground = f"with {other.drug}"
            verdict = "contraindicated" if grave else "avoid"
            found.append(Problem(verdict, ground, pair.mechanism, 5 if grave else 4, pair.source, "interaction"))
    for allergen in world.chart.allergies or []:
        result, reason, source = drugs.allergy(drug, allergen)
        if result in FORBIDDING:
            ground = f"allergy to {allergen}"
            found.append(Problem("contraindicated", ground, reason, ALLERGY_SEVERITY, source, "allergy"))
    return sorted(found, key=lambda p: -p.severity)


def unknowns(drug: str, world: World) -> list[str]:
    """What must be known before `drug` can be judged and is not."""
    chart = world.chart
    missing = ["allergy status"] if chart.allergies is None else []
    for need in dict.fromkeys(n for r in rules_of(drug) for n in r.get("needs", [])):
        if need == "pregnancy status":
            missing += [need] if fertile(world) and chart.pregnant is None else []
        elif world.lab(need) is None:
            missing.append(need)
    return missing


def fertile(world: World) -> bool:
    """Whether a pregnancy is possible by sex and age."""
    return world.chart.sex == "female" and CHILDBEARING[0] <= world.chart.age <= CHILDBEARING[1]


def unlisted(drug: str, world: World) -> list[str]:
    """Current drugs whose pair with `drug` the interaction tables do not list."""
    taken = [m.drug for m in world.chart.medications if m.drug != drug]
    return [other for other in taken if drugs.interaction(drug, drugs.resolve(other) or other) is None]


def _harm(r: dict[str, Any]) -> Harm:
    if r.get("pregnant") or r.get("childbearing"):
        return "pregnancy"
    return "allergy" if "allergy" in r else "interaction" if "with" in r else "contraindication"


@cache
def allergens(drug: str) -> list[str]:
    """What an allergy to forbids the drug, itself last."""
    own = [a for r in rules_of(drug) for a in r.get("allergy", [])]
    listed = [a for a in sorted(set(drugs.allergens().values())) if drugs.allergy(drug, a)[0] in FORBIDDING]
    return [a for a in dict.fromkeys([*own, *listed]) if a != drug] + [drug]


def _ground(r: dict[str, Any], world: World) -> str:
    """The rule's ground as the chart has it, or nothing."""
    chart = world.chart
    for condition in r.get("condition", []):
        if condition in chart.conditions:
            return condition
    if r.get("pregnant") and chart.pregnant:
        return "pregnant"
    if r.get("childbearing") and fertile(world):
        return "childbearing potential"
    if "allergy" in r:
        return next((f"allergy to {a}" for a in chart.allergies or [] if a in r["allergy"]), "")
    if "with" in r:
        return next((f"with {m.drug}" for m in chart.medications if m.drug in r["with"]), "")
    return _measured(r, world)


def _measured(r: dict[str, Any], world: World) -> str:
    if "lab" in r:
        limit, reading = r["lab"], world.lab(r["lab"]["name"])
        excused = limit.get("unless") in world.chart.conditions
        low = reading is not None and reading.value < limit["below"] and not excused
        return f"{limit['name']} {number(reading.value)}" if low and reading else ""
    if "egfr_below" in r:
        rate = judging.egfr(world)
        return f"egfr {rate}" if rate is not None and rate < r["egfr_below"] else ""
    if "clearance_at_most" in r:
        value = judging.clearance(world)
        return f"clearance {value}" if value is not None and value <= r["clearance_at_most"] else ""
    if "qtc_above" in r:
        found = judging.qtc(world)
        return f"qtc {number(found)}" if found is not None and found > r["qtc_above"] else ""
    return ""

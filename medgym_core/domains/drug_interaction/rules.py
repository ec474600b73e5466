"""The rule set of the domain: what tools look up and what the truth of a case is made from.

Everything here is a lookup in a sourced table or a published formula. A drug, pair or allergen that is not in the
tables gives None; the caller says so and never reads it as safe. Names, classes, pairs and allergies are indexed once,
at first use; a look-up is then one dictionary access.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from medgym_core.errors import MedGymError
from medgym_core.facts import load
from medgym_core.text import normal
from medgym_core.types import Chart

DOMAIN = "drug_interaction"
SEVERITIES = ("contraindicated", "major", "moderate", "minor")
"""Gravest first; `facts/interactions_clotting.toml` says what each means."""
INTERACTIONS = (
    "clotting", "rhythm", "muscle", "nervous", "kidney_pressure", "glucose", "absorption", "immunity", "inhibition",
    "induction", "minor",
)  # fmt: skip
"""The files `facts/interactions_<theme>.toml`, which are one table."""
CONFLICTS = ("same drug", "same class", "cross-reactive")
"""Allergy results that forbid the drug."""
LABEL_WARNING = "label warning"
NO_CONFLICT = "no listed conflict"

Sex = Literal["female", "male"]


@dataclass(frozen=True, slots=True)
class Interaction:
    """A rule as it applies to one pair."""

    rule: str
    severity: str
    mechanism: str
    management: str
    stop: tuple[str, ...]
    """Drugs the label would have stopped."""
    source: str


def table(name: str) -> dict[str, dict[str, Any]]:
    """The facts of one table of this domain; `interactions` is all its themes together."""
    return _interaction_rules() if name == "interactions" else load(DOMAIN, name)


@cache
def _interaction_rules() -> dict[str, dict[str, Any]]:
    """All interaction rules. Raises MedGymError when two themes name a rule alike."""
    found: dict[str, dict[str, Any]] = {}
    for theme in INTERACTIONS:
        for rule, entry in load(DOMAIN, f"interactions_{theme}").items():
            if rule in found:
                raise MedGymError("two interaction rules share a name", got=rule, where=f"interactions_{theme}.toml")
            found[rule] = entry
    return found


@cache
def _names() -> dict[str, str]:
    """Names and aliases, as written and in normal form, to the drug."""
    found = {drug: drug for drug in table("drugs")}
    return found | {normal(n): d for d, entry in table("drugs").items() for n in (d, *entry.get("aliases", []))}


def resolve(name: str) -> str | None:
    """The drug a clinician's name means (generic or brand, any case), or None."""
    names = _names()
    return names.get(name) or names.get(normal(name))


@cache
def by_class() -> dict[str, list[str]]:
    """Class to its drugs."""
    found: dict[str, list[str]] = {}
    for drug, entry in table("drugs").items():
        found.setdefault(entry["class"], []).append(drug)
    return found


@cache
def by_use() -> dict[str, list[str]]:
    """Use to its drugs, in alphabetical order."""
    found: dict[str, list[str]] = {}
    for drug in sorted(table("drugs")):
        found.setdefault(table("drugs")[drug]["use"], []).append(drug)
    return found


def members(name: str) -> list[str]:
    """The drug of that name, or the drugs of that class."""
    return [name] if name in table("drugs") else by_class().get(name, [])


def mechanism(drug: str) -> str:
    """How the drug acts: what its entry says, else what its class does."""
    entry = table("drugs")[drug]
    return entry.get("mechanism") or table("classes")[entry["class"]]["mechanism"]


def acute(drug: str) -> bool:
    """Given once or in hospital: it is started, and does not stand on a list."""
    return table("drugs")[drug].get("acute", False)


@cache
def interactions() -> dict[tuple[str, str], Interaction]:
    """Every listed pair (names in alphabetical order) with the gravest rule that fits it."""
    found: dict[tuple[str, str], Interaction] = {}
    for rule, e in table("interactions").items():
        item = Interaction(rule, e["severity"], e["mechanism"], e["management"], tuple(e.get("stop", ())), e["source"])
        for a in (m for name in e["a"] for m in members(name)):
            for b in (m for name in e["b"] for m in members(name)):
                pair = pair_of(a, b)
                if a != b and (pair not in found or rank(item.severity) < rank(found[pair].severity)):
                    found[pair] = item
    return found


def pair_of(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a < b else (b, a)


def rank(severity: str | None) -> int:
    """0 for the gravest; an unlisted pair (None) comes last."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def interaction(a: str, b: str) -> Interaction | None:
    """The listed interaction of two drugs, or None when the pair is not in the database."""
    return interactions().get(pair_of(a, b))


def severity(a: str, b: str) -> str | None:
    found = interaction(a, b)
    return found.severity if found else None


def severity_score(severity: str) -> int:
    """The severity as an ordinal: minor 1, moderate 2, major 3, contraindicated 4. An unlisted pair has none."""
    return len(SEVERITIES) - SEVERITIES.index(severity)


@cache
def allergens() -> dict[str, str]:
    """Everything a chart may record as allergen and the tables know, in normal form, to its name."""
    listed = [a for e in table("allergy").values() for a in e["allergens"]]
    return {normal(a): a for a in (*listed, *table("drugs"))}


@cache
def _allergies() -> dict[tuple[str, str], tuple[str, str, str]]:
    """(drug, allergen) to result, reason and source: the gravest rule that fits."""
    order = (*CONFLICTS, LABEL_WARNING)
    found: dict[tuple[str, str], tuple[str, str, str]] = {}
    for e in table("allergy").values():
        for key in ((drug, a) for name in e["drugs"] for drug in members(name) for a in e["allergens"]):
            if key not in found or order.index(e["result"]) < order.index(found[key][0]):
                found[key] = (e["result"], e["reason"], e["source"])
    return found


def allergy(drug: str, allergen: str) -> tuple[str, str, str]:
    """Result, reason and source for giving `drug` to someone allergic to `allergen`; the gravest rule that fits."""
    if resolve(allergen) == drug:
        return "same drug", "recorded allergy to this drug", "recorded allergy in the chart"
    return _allergies().get((drug, allergen), (NO_CONFLICT, "", ""))


def worst_allergy(drug: str, recorded: list[str]) -> tuple[str, str, str]:
    """Result, allergen and reason over a patient's recorded allergies; without a conflict, no allergen."""
    order = (*CONFLICTS, LABEL_WARNING, NO_CONFLICT)
    found = [(r, a if r != NO_CONFLICT else "", why) for a in recorded for r, why, _ in [allergy(drug, a)]]
    return min(found, key=lambda f: order.index(f[0]), default=(NO_CONFLICT, "", ""))


def creatinine_clearance(age: float, weight_kg: float, creatinine: float, sex: Sex) -> float:
    """Creatinine clearance in mL/min from years, actual weight and serum creatinine in mg/dL.

    Source: Cockcroft DW, Gault MH. Nephron 1976;16:31-41: (140 - age) x weight / (72 x creatinine), x 0.85 in women.
    """
    return (140 - age) * weight_kg / (72 * creatinine) * (0.85 if sex == "female" else 1.0)


def egfr(age: float, creatinine: float, sex: Sex) -> float:
    """Estimated GFR in mL/min/1.73m2 from years and serum creatinine in mg/dL.

    Source: CKD-EPI 2021 creatinine equation, Inker LA et al. N Engl J Med 2021;385:1737-1749.
    """
    kappa, alpha, factor = (0.7, -0.241, 1.012) if sex == "female" else (0.9, -0.302, 1.0)
    ratio = creatinine / kappa
    return 142 * min(ratio, 1) ** alpha * max(ratio, 1) ** -1.2 * 0.9938**age * factor


def kidney(chart: Chart, measure: str, creatinine: float | None) -> tuple[int | None, str]:
    """Whole value of `measure` (`creatinine clearance` or `egfr`) and what is missing for it, if anything."""
    if creatinine is None:
        return None, "creatinine"
    if measure == "egfr":
        return round(egfr(chart.age, creatinine, chart.sex)), ""
    if chart.weight_kg is None:
        return None, "weight"
    return round(creatinine_clearance(chart.age, chart.weight_kg, creatinine, chart.sex)), ""


def renal_dose(drug: str, value: int) -> tuple[str, str] | None:
    """Decision (`no change`, `reduce`, `avoid`) and dose at that kidney function; None where the label gives none."""
    for low, decision, dose in table("renal")[drug]["bands"]:
        if value >= low:
            return decision, dose
    return None

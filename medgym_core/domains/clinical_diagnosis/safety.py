"""What forbids a drug in this patient: allergy, interaction, pregnancy, kidney function, an illness, a duplicate.

One rule set, used by the prescribing tools and by the truth of the treatment cases. The tables are those of the
pharmacy (`drug_interaction`) and this domain's `cautions.toml`. What cannot be judged is listed as unknown.
"""

from dataclasses import dataclass, field
from functools import cache

from medgym_core.domains.clinical_diagnosis.tables import table
from medgym_core.domains.drug_interaction import rules
from medgym_core.text import normal
from medgym_core.tools import World

GRAVE = ("contraindicated", "major")
FORBIDDEN_IN_PREGNANCY = ("contraindicated", "avoid")
LATE_PREGNANCY_DAYS = 140
"""From here on `avoid from 20 weeks` applies."""


@dataclass(frozen=True, slots=True)
class Barrier:
    """One reason against a drug."""

    kind: str
    """allergy, interaction, pregnancy, renal, condition or duplicate."""
    what: str
    """What on the chart it comes from, such as `penicillin` or `asthma`."""
    why: str
    severity: int
    source: str


@dataclass(slots=True)
class Check:
    """The result of looking a drug up for a patient."""

    barriers: list[Barrier] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Inputs that are not recorded and would matter: allergies, pregnancy status, creatinine."""


def current(world: World) -> list[str]:
    """What the patient takes now, by the pharmacy's name where it has one."""
    drugs = [rules.resolve(m.drug) or m.drug for m in world.chart.medications]
    for action in world.written:
        if "stopped" in action:
            drugs = [d for d in drugs if d != action["stopped"]]
        if "prescribed" in action:
            drugs.append(action["prescribed"])
    return drugs


@cache
def _cautions() -> dict[str, tuple[tuple[str, str, int, str], ...]]:
    """Drug to (condition in normal form, why, severity, source)."""
    found: dict[str, list[tuple[str, str, int, str]]] = {}
    for e in table("cautions").values():
        for drug in (d for name in e["drugs"] for d in rules.members(name)):
            found.setdefault(drug, []).append((normal(e["condition"]), e["why"], e["severity"], e["source"]))
    return {d: tuple(v) for d, v in found.items()}


def check(world: World, drug: str, taken: list[str] | None = None) -> Check:
    """Everything on the chart that speaks against `drug` (a name of the pharmacy's tables)."""
    found = Check()
    _allergy(world, drug, found)
    _pregnancy(world, drug, found)
    _kidney(world, drug, found)
    own = {normal(c): c for c in world.chart.conditions}
    for condition, why, severity, source in _cautions().get(drug, ()):
        if condition in own:
            found.barriers.append(Barrier("condition", own[condition], why, severity, source))
    for other in current(world) if taken is None else taken:
        if other == drug:
            found.barriers.append(Barrier("duplicate", other, "already on the list", 3, "duplicate order"))
            continue
        pair = rules.interaction(drug, other)
        if pair and pair.severity in GRAVE:
            grade = 5 if pair.severity == "contraindicated" else 4
            found.barriers.append(Barrier("interaction", other, pair.mechanism, grade, pair.source))
    return found


def _allergy(world: World, drug: str, found: Check) -> None:
    recorded = world.chart.allergies
    if recorded is None:
        found.unknown.append("allergies")
        return
    for allergen in recorded:
        result, why, source = rules.allergy(drug, allergen)
        if result in rules.CONFLICTS:
            found.barriers.append(Barrier("allergy", allergen, f"{result}: {why}", 5, source))


def _pregnancy(world: World, drug: str, found: Check) -> None:
    chart = world.chart
    entry = rules.table("pregnancy").get(drug)
    if chart.sex == "male" or entry is None or chart.pregnant is False:
        return
    advice = entry["advice"]
    late = advice == "avoid from 20 weeks"
    if advice not in FORBIDDEN_IN_PREGNANCY and not late:
        return
    if chart.pregnant is None:
        if 12 <= chart.age < 52:
            found.unknown.append("pregnancy status")
        return
    if late and (chart.gestation_days is None or chart.gestation_days < LATE_PREGNANCY_DAYS):
        return
    grade = 5 if advice == "contraindicated" else 4
    found.barriers.append(Barrier("pregnancy", advice, entry["reason"], grade, entry["source"]))


def _kidney(world: World, drug: str, found: Check) -> None:
    entry = rules.table("renal").get(drug)
    if entry is None or len(entry["bands"]) < 2:
        return
    reading = world.lab("creatinine")
    value, missing = rules.kidney(world.chart, entry["measure"], reading.value if reading else None)
    if value is None:
        if any(decision == "avoid" for _, decision, _ in entry["bands"]):
            found.unknown.append(missing)
        return
    decision = rules.renal_dose(drug, value)
    if decision and decision[0] == "avoid":
        what = f"{entry['measure']} {value}"
        found.barriers.append(Barrier("renal", what, decision[1], 4, entry["source"]))

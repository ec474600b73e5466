"""Rules about drugs and orders: what is ordered, what repeats, what a result, an allergy or a culture forbids."""

from dataclasses import dataclass
from functools import cache
from math import inf

from medgym_core.domains.drug_interaction import rules as pharmacy
from medgym_core.domains.ehr_management.rules import VITALS, Stay, kidney_injury, records, series, table
from medgym_core.text import normal
from medgym_core.tools import World
from medgym_core.types import Chart


@dataclass(frozen=True, slots=True)
class Prescription:
    """One medication order as it stands now."""

    id: str
    drug: str
    """The drug table's name, or the text as written."""
    written: str
    dose: str
    route: str
    frequency: str
    minutes: int
    active: bool


@cache
def _formulary() -> dict[str, str]:
    return {normal(d): d for d in table("formulary")}


def drug_named(text: str) -> str | None:
    """The drug a name means (generic or brand), or None: not in the database."""
    return pharmacy.resolve(text) or _formulary().get(normal(text))


def drug_class(drug: str) -> str:
    entry = pharmacy.table("drugs").get(drug)
    return entry["class"] if entry else ""


def prescriptions(world: World, stay: Stay, active_only: bool = False) -> list[Prescription]:
    """Medication orders of an admission, the agent's own changes included, the earliest first."""
    stopped = {w["discontinued"] for w in world.written if "discontinued" in w}
    found = []
    for r in records(world.chart, stay, "medication"):
        v = r.values
        if v.get("list", "inpatient") != "inpatient":
            continue
        active = r.status in ("active", "") and v.get("order_id", "") not in stopped
        name = drug_named(r.name) or r.name
        found.append(
            Prescription(
                v.get("order_id", ""),
                name,
                r.name,
                v.get("dose", ""),
                v.get("route", ""),
                v.get("frequency", ""),
                r.minutes,
                active,
            )
        )
    for w in world.written:
        if w.get("type") == "medication" and stay.holds(w["minutes"]):
            e = table("formulary").get(w["ordered"], {})
            dose, route, frequency = (e.get(k, "") for k in ("dose", "route", "frequency"))
            active = w["order_id"] not in stopped
            found.append(
                Prescription(w["order_id"], w["ordered"], w["ordered"], dose, route, frequency, w["minutes"], active)
            )
    return [p for p in found if p.active or not active_only]


def other_orders(world: World, stay: Stay) -> dict[str, str]:
    """Active orders that are no drugs: order id to name."""
    stopped = {w["discontinued"] for w in world.written if "discontinued" in w}
    found = {
        r.values.get("order_id", r.name): r.name
        for r in records(world.chart, stay, "order")
        if r.status in ("active", "")
    }
    found |= {
        w["order_id"]: w["ordered"]
        for w in world.written
        if "order_id" in w and w["type"] != "medication" and stay.holds(w["minutes"])
    }
    return {i: name for i, name in found.items() if i not in stopped}


def duplicate_of(a: Prescription, b: Prescription) -> str:
    """Why two orders are duplicates (the same drug, or one group needed once), or nothing."""
    if a.drug == b.drug:
        return f"same drug {a.drug}"
    kinds = {drug_class(a.drug), drug_class(b.drug)}
    return next((f"both {g}" for g, e in table("duplicates").items() if kinds <= set(e["classes"])), "")


def duplicates(world: World, stay: Stay) -> list[tuple[Prescription, Prescription, str]]:
    """Later order, earlier order and reason, for each pair of active duplicates."""
    active = sorted(prescriptions(world, stay, active_only=True), key=lambda p: (p.minutes, p.id))
    return [(b, a, why) for i, a in enumerate(active) for b in active[i + 1 :] if (why := duplicate_of(a, b))]


@cache
def aware() -> dict[str, str]:
    """Antibiotic to its WHO group."""
    return {drug: group for group, e in table("antibiotics").items() for drug in e["drugs"]}


def targeted(chart: Chart, panel: dict[str, str]) -> list[str]:
    """Susceptible drugs of the narrowest WHO group that the recorded allergies allow."""
    groups = list(table("antibiotics"))
    fit = [d for d, result in panel.items() if result == "S" and d in aware() and not conflict(chart, d)]
    best = min((groups.index(aware()[d]) for d in fit), default=None)
    return [d for d in fit if groups.index(aware()[d]) == best]


def conflict(chart: Chart, drug: str) -> str:
    """The recorded allergen that forbids a drug, or nothing. Only for recorded allergies."""
    result, allergen, _ = pharmacy.worst_allergy(drug, chart.allergies or [])
    return allergen if result in pharmacy.CONFLICTS else ""


def clash(a: str, b: str) -> bool:
    """Whether two drugs interact gravely or duplicate one another."""
    return pharmacy.severity(a, b) in ("contraindicated", "major") or drug_class(a) == drug_class(b)


def harmful(world: World, stay: Stay) -> dict[str, str]:
    """Active orders that a result forbids: order id to the reason."""
    active = [p for p in prescriptions(world, stay, active_only=True) if p.drug in table("harm")]
    return {p.id: why for p in active if (why := forbids(world, stay, p.drug))}


def forbids(world: World, stay: Stay, drug: str) -> str | None:
    """Why the latest result of the stay forbids a drug of the table of harm; empty: it does not; None: no result."""
    rule = table("harm")[drug]
    value = _measure(world, stay, rule["measure"])
    if value is None:
        return None
    return rule["why"] if value >= rule.get("over", inf) or value < rule.get("under", -inf) else ""


def _measure(world: World, stay: Stay, name: str) -> float | None:
    kidneys = name in ("aki", "egfr")
    source = world.chart.vitals if name in VITALS else world.results()
    found = series(source, stay, "creatinine" if kidneys else name)
    if not found:
        return None
    if name == "aki":
        return kidney_injury(world.results()).value
    return pharmacy.egfr(world.chart.age, found[-1].value, world.chart.sex) if kidneys else found[-1].value

"""Tools that screen the patient's whole list: QT, Beers, anticholinergic burden, duplicates, opioids, home list."""

from medgym_core.domains.drug_interaction import regimens, screening
from medgym_core.domains.drug_interaction.rules import resolve, table
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, World, number, show, tool
from medgym_core.types import Medication

NO_LIST = {"missing": "medications"}


def current(world: World) -> list[str]:
    """The drugs the patient takes now: the chart's list without what was stopped, with what was prescribed."""
    drugs = [resolve(m.drug) or m.drug for m in world.chart.medications]
    for action in world.written:
        if "stopped" in action:
            drugs = [d for d in drugs if d != action["stopped"]]
        if "prescribed" in action:
            drugs.append(action["prescribed"])
    return drugs


def grouped(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """(label, drug) to one line a label."""
    found: dict[str, list[str]] = {}
    for label, drug in pairs:
        found.setdefault(label, []).append(drug)
    return {label: ", ".join(drugs) for label, drugs in found.items()}


@tool("read")
def check_qt_risk(world: World, new_drug: str = "") -> dict:
    """QT-prolonging drugs of the list and a new drug, with potassium and magnesium.

    Answers none listed, single, single with electrolyte deficit, or several.

    Args:
        new_drug: The drug to be added; leave out to review the current list.
    """
    new = resolve(new_drug) if new_drug else None
    if new_drug and new is None:
        return {new_drug: NOT_IN_DATABASE}
    drugs = list(dict.fromkeys([*current(world), *([new] if new else [])]))
    if not drugs:
        return {"qt risk": NOT_AVAILABLE} | NO_LIST
    risk = screening.qt_risk(world, drugs)
    shown = {"qt risk": risk.verdict or NOT_AVAILABLE}
    if risk.verdict is None:
        shown["missing"] = ", ".join(risk.missing)
    shown["qt drugs"] = ", ".join(f"{d} ({table('qt')[d]['basis']})" for d in risk.drugs) or "none listed"
    return shown | {name: show(world.lab(name)) for name in table("qt_electrolytes")}


@tool("read")
def screen_beers_criteria(world: World) -> dict:
    """Medicines of the list that the AGS Beers Criteria 2023 name for people of 65 years and over, by action."""
    age, drugs = world.chart.age, current(world)
    if age < screening.limit("beers"):
        return {"beers criteria": "not applicable", "age": f"{age} years"}
    if not drugs:
        return {"beers criteria": NOT_AVAILABLE} | NO_LIST
    found = {d: screening.beers(d) for d in drugs}
    listed = [(a, d) for a in screening.BEERS_ACTIONS for d, hit in found.items() if hit and hit[0] == a]
    return grouped([*listed, *(("not listed", d) for d, hit in found.items() if hit is None)])


@tool("read", static=True)
def explain_beers_entry(world: World, drug: str) -> dict:
    """What the AGS Beers Criteria 2023 say about one drug, and why.

    Args:
        drug: The drug.
    """
    name = resolve(drug)
    found = screening.beers(name) if name else None
    return {name or drug: NOT_IN_DATABASE} if found is None else {name: found[0], "reason": found[1]}


@tool("read")
def calculate_anticholinergic_burden(world: World) -> dict:
    """Total of the Anticholinergic Cognitive Burden scale over the list; unrated medicines are named."""
    drugs = current(world)
    if not drugs:
        return {"anticholinergic burden": NOT_AVAILABLE} | NO_LIST
    points, unrated = screening.anticholinergic(drugs)
    total = sum(points.values())
    relevant = "clinically relevant" if total >= screening.limit("anticholinergic") else "below the relevant total"
    shown = {"anticholinergic burden": f"{total} points, {relevant}"} | {d: str(p) for d, p in points.items()}
    return shown | ({"not rated": ", ".join(unrated)} if unrated else {})


@tool("read")
def check_duplicate_therapy(world: World, new_drug: str = "") -> dict:
    """Medicines of the same class taken together, with a new drug if one is named.

    Args:
        new_drug: The drug to be added; leave out to review the current list.
    """
    new = resolve(new_drug) if new_drug else None
    if new_drug and new is None:
        return {new_drug: NOT_IN_DATABASE}
    drugs = [*current(world), *([new] if new else [])]
    if not drugs:
        return {"duplicates": NOT_AVAILABLE} | NO_LIST
    found = screening.duplicates(drugs)
    return {c: " + ".join(d) for c, d in found.items()} or {"duplicates": "no class twice", "medicines": len(drugs)}


def opioids(world: World) -> list[tuple[str, Medication]]:
    """The opioids on the chart that are still taken, and those prescribed since, whose dose is not recorded."""
    taken = current(world)
    charted = [(resolve(m.drug) or m.drug, m) for m in world.chart.medications]
    listed = [(d, m) for d, m in charted if d in taken]
    listed += [(d, Medication(d)) for d in taken if d not in {name for name, _ in charted}]
    return [(d, m) for d, m in listed if table("drugs").get(d, {}).get("class") == "opioid"]


@tool("read")
def calculate_opioid_equivalent(world: World) -> dict:
    """Oral morphine milligram equivalents a day of the patient's opioids, CDC 2022 factors."""
    listed = opioids(world)
    if not current(world):
        return {"morphine equivalents": NOT_AVAILABLE} | NO_LIST
    if not listed:
        return {"morphine equivalents": "no opioid on the list"}
    found, missing = regimens.morphine_equivalents(listed)
    if missing:
        return {"morphine equivalents": NOT_AVAILABLE, "missing": f"dose or factor of {', '.join(missing)}"}
    total = {"morphine equivalents": f"{number(round(sum(found.values()), 1))} mg daily"}
    return total | {d: f"{number(v)} mg" for d, v in found.items()}


@tool("read")
def reconcile_medications(world: World) -> dict:
    """Compares the medicines taken at home with what is ordered now: left out, new, changed dose, kept."""
    found = screening.reconcile(world.chart, current(world))
    if found is None:
        return {"reconciliation": NOT_AVAILABLE, "missing": "home medicines"}
    groups = {"left out": found.left_out, "new": found.new, "changed": found.changed, "kept": found.kept}
    return {label: ", ".join(drugs) or "none" for label, drugs in groups.items()}


TOOLS = [
    check_qt_risk, screen_beers_criteria, explain_beers_entry, calculate_anticholinergic_burden,
    check_duplicate_therapy, calculate_opioid_equivalent, reconcile_medications,
]  # fmt: skip

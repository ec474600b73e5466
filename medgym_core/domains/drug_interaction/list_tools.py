"""Tools that screen the patient's whole list: QT, Beers, anticholinergic burden, duplicates, opioids, home list."""

from typing import Literal

from msgspec.structs import replace

from medgym_core.domains.drug_interaction import regimens, screening
from medgym_core.domains.drug_interaction.rules import resolve, table
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World, number, show, tool
from medgym_core.types import Medication

NO_LIST = {"missing": "medications"}


def medicines(world: World) -> list[Medication]:
    """What the patient takes now, by name: the chart's list as corrected, without what was stopped, with what was
    prescribed."""
    listed = [replace(m, drug=resolve(m.drug) or m.drug) for m in world.chart.medications]
    for action in world.written:
        gone = action.get("stopped") or action.get("corrected")
        if gone:
            listed = [m for m in listed if m.drug != gone]
        if "prescribed" in action:
            listed.append(Medication(action["prescribed"]))
        if "corrected" in action and action["taken"] == "yes":
            amount, _, frequency = action["dose"].partition(" ")
            unit, _, frequency = frequency.partition(" ")
            listed.append(Medication(action["corrected"], f"{amount} {unit}".strip(), frequency))
    return listed


def current(world: World) -> list[str]:
    """The names of the drugs the patient takes now."""
    return [m.drug for m in medicines(world)]


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
    """The opioids that are taken now; the dose of one prescribed since is not recorded."""
    return [(m.drug, m) for m in medicines(world) if table("drugs").get(m.drug, {}).get("class") == "opioid"]


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


@tool("read")
def get_clinical_notes(world: World) -> dict:
    """Notes of this patient; where they correct the medication list or the allergies, the note is newer."""
    return {f"note {i}": text for i, text in enumerate(world.chart.notes, 1)} or {"notes": "none recorded"}


@tool("write")
def correct_medication_list(world: World, drug: str, taken: Literal["yes", "no"], dose: str = "") -> dict:
    """Correct the record by what the patient really takes; this neither starts nor stops a drug.

    Args:
        drug: The medicine that the list lacks, carries wrongly, or has in a wrong dose.
        taken: Whether the patient takes it.
        dose: The dose taken, such as 5 mg twice daily, where it is known.
    """
    name = resolve(drug)
    if name is None:
        raise ToolError("drug is not in the database", got=drug, expected="a generic name")
    if taken == "no" and name not in current(world):
        raise ToolError("not on the patient's list", got=name, expected=", ".join(current(world)) or "an empty list")
    world.written.append({"corrected": name, "taken": taken, "dose": dose.strip()})
    return {"medications": ", ".join(current(world)) or "none"}


TOOLS = [
    get_clinical_notes, correct_medication_list, check_qt_risk,
    screen_beers_criteria, explain_beers_entry, calculate_anticholinergic_burden,
    check_duplicate_therapy, calculate_opioid_equivalent, reconcile_medications,
]  # fmt: skip

"""Tools of the medication safety domain: the chart, the interaction and allergy tables, and two orders.

`dose_tools` doses, `list_tools` screens the whole list, `lookup` holds what does not depend on the patient.
"""

from typing import Literal

from medgym_core.domains.common import submit_answer, think
from medgym_core.domains.drug_interaction import dose_tools, list_tools, lookup, rules
from medgym_core.domains.drug_interaction.list_tools import current
from medgym_core.domains.drug_interaction.lookup import entry_of
from medgym_core.domains.drug_interaction.rules import resolve, table
from medgym_core.text import normal
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World, number, tool

Status = Literal["as recorded", "yes", "no"]
SHOWN = 6  # names in one answer: keeps an observation short


@tool("read")
def get_patient_info(world: World) -> dict:
    """Age, sex, weight, pregnancy, breastfeeding and conditions of the patient."""
    chart = world.chart
    age = f"{chart.age} years" if chart.age_months is None else f"{chart.age_months} months"
    shown = {"age": age, "sex": chart.sex}
    shown["weight"] = NOT_AVAILABLE if chart.weight_kg is None else f"{number(chart.weight_kg)} kg"
    if chart.sex == "female":
        shown["pregnant"] = NOT_AVAILABLE if chart.pregnant is None else "yes" if chart.pregnant else "no"
    if "breastfeeding" in chart.observations:
        shown["breastfeeding"] = chart.observations["breastfeeding"]
    return shown | {"conditions": ", ".join(chart.conditions) or "none recorded"}


@tool("read")
def get_patient_medications(world: World) -> dict:
    """The patient's current medicines."""
    return {"medications": ", ".join(current(world)) or "none recorded"}


def allergies(world: World) -> list[str] | None:
    """The chart's allergies with those recorded since; None: not recorded."""
    since = [w["known allergy"] for w in world.written if "known allergy" in w]
    return [*(world.chart.allergies or []), *since] if since else world.chart.allergies


@tool("write")
def record_allergy(world: World, allergen: str) -> dict:
    """Enter a drug allergy that the record lacks.

    Args:
        allergen: The drug or the group it belongs to, such as penicillin.
    """
    name = rules.allergens().get(normal(allergen)) or resolve(allergen)
    if name is None:
        raise ToolError("allergen is not in the database", got=allergen, expected="a drug or a group of drugs")
    world.written.append({"known allergy": name})
    return {"allergies": ", ".join(allergies(world) or [])}


@tool("read")
def get_allergies(world: World) -> dict:
    """The patient's recorded drug allergies."""
    recorded = allergies(world)
    return {"allergies": NOT_AVAILABLE if recorded is None else ", ".join(recorded) or "none known"}


@tool("read")
def check_all_interactions(world: World, new_drug: str = "") -> dict:
    """Interactions of a new drug with every current medicine, gravest first; without a new drug, within the list.

    Args:
        new_drug: The drug to be added; leave out to review the current list.
    """
    drugs = current(world)
    if new_drug and resolve(new_drug) is None:
        return {"worst": NOT_IN_DATABASE, "unknown drug": new_drug}
    if not drugs:
        return {"worst": NOT_AVAILABLE, "missing": "medications"}
    if new_drug:
        new = resolve(new_drug)
        found = [(rules.severity(new, d), d) for d in drugs if d != new]
    else:
        pairs = sorted({rules.pair_of(a, b) for a in drugs for b in drugs if a != b})
        found = [(rules.severity(a, b), f"{a} + {b}") for a, b in pairs]
    listed = sorted((f for f in found if f[0]), key=lambda f: (rules.rank(f[0]), f[1]))
    shown = {"worst": listed[0][0] if listed else NOT_IN_DATABASE} | {name: s for s, name in listed[:SHOWN]}
    rest = [name for s, name in found if s is None]
    return shown | ({NOT_IN_DATABASE: ", ".join(rest) if new_drug else f"{len(rest)} pairs"} if rest else {})


@tool("read")
def check_allergy(world: World, drug: str) -> dict:
    """Whether a drug conflicts with the patient's recorded allergies, cross-reactions included.

    Args:
        drug: The drug to be given.
    """
    name, recorded = resolve(drug), allergies(world)
    if recorded is None:
        return {name or drug: NOT_AVAILABLE, "missing": "allergies"}
    unknown = [a for a in recorded if normal(a) not in rules.allergens()]
    if name is None:
        return {drug: NOT_IN_DATABASE}
    result, allergen, reason = rules.worst_allergy(name, recorded)
    if result == rules.NO_CONFLICT:
        return {name: NOT_IN_DATABASE if unknown else result, "allergies": ", ".join(recorded) or "none known"}
    return {name: result, "allergy": allergen, "reason": reason}


@tool("read")
def check_pregnancy_safety(world: World, drug: str, pregnant: Status = "as recorded") -> dict:
    """What the label says about a drug in pregnancy, for this patient.

    Args:
        drug: The drug to check.
        pregnant: The status, where a note is newer than the record.
    """
    chart, (name, entry) = world.chart, entry_of("pregnancy", drug)
    status = chart.pregnant if pregnant == "as recorded" else pregnant == "yes"
    if chart.sex == "male" or status is False:
        return {name: "not pregnant"}
    if entry is None:
        return {name: NOT_IN_DATABASE}
    if status is None:
        return {name: NOT_AVAILABLE, "missing": "pregnancy status"}
    return {name: entry["advice"], "reason": entry["reason"]}


@tool("read")
def check_lactation_safety(world: World, drug: str, breastfeeding: Status = "as recorded") -> dict:
    """What LactMed or the label says about a drug while breastfeeding, for this patient.

    Args:
        drug: The drug to check.
        breastfeeding: The status, where a note is newer than the record.
    """
    name, entry = entry_of("lactation", drug)
    status = world.finding("breastfeeding") if breastfeeding == "as recorded" else breastfeeding
    if world.chart.sex == "male" or status == "no":
        return {name: "not breastfeeding"}
    if entry is None:
        return {name: NOT_IN_DATABASE}
    if status is None:
        return {name: NOT_AVAILABLE, "missing": "breastfeeding status"}
    return {name: entry["advice"], "reason": entry["reason"]}


@tool("read")
def search_alternatives(world: World, drug: str) -> dict:
    """Other drugs for the same use, each with its worst listed severity against the current medicines.

    Args:
        drug: The drug to be replaced.
    """
    name = resolve(drug)
    if name is None:
        return {drug: NOT_IN_DATABASE}
    drugs = [d for d in current(world) if d != name]
    use = table("drugs")[name]["use"]
    others = [d for d in rules.by_use()[use] if d != name and d not in drugs][:SHOWN]
    worst = {o: min((rules.severity(o, d) for d in drugs), key=rules.rank, default=None) for o in others}
    return {"use": use} | {o: s or NOT_IN_DATABASE for o, s in worst.items()}


@tool("write")
def stop_medication(world: World, drug: str) -> dict:
    """Stop one of the patient's current medicines.

    Args:
        drug: The medicine to stop.
    """
    name = resolve(drug) or drug
    if name not in current(world):
        raise ToolError("not on the patient's list", got=name, expected=", ".join(current(world)) or "an empty list")
    world.written.append({"stopped": name})
    return {"stopped": name, "medications": ", ".join(current(world)) or "none"}


@tool("write")
def prescribe_medication(world: World, drug: str) -> dict:
    """Prescribe a new drug.

    Args:
        drug: The drug to add to the patient's list.
    """
    name = resolve(drug)
    if name is None:
        raise ToolError("drug is not in the database", got=drug, expected="a generic name")
    if name in current(world):
        raise ToolError("already on the patient's list", got=name)
    world.written.append({"prescribed": name})
    return {"prescribed": name, "medications": len(current(world))}


TOOLS = [
    get_patient_info, get_patient_medications, get_allergies, record_allergy, lookup.get_drug_info,
    lookup.search_drugs_by_class, lookup.check_interaction,
    lookup.calculate_interaction_severity_score, check_all_interactions, check_allergy,
    search_alternatives, lookup.check_cyp450_metabolism, lookup.check_transporters, lookup.get_pharmacokinetics,
    lookup.check_food_interactions, check_pregnancy_safety, check_lactation_safety, *dose_tools.TOOLS,
    lookup.calculate_hepatic_dose_adjustment, lookup.calculate_steroid_equivalent, *list_tools.TOOLS,
    stop_medication, prescribe_medication, think, submit_answer,
]  # fmt: skip

MONITORED = (
    "digoxin", "lithium", "phenytoin", "carbamazepine", "valproate", "warfarin", "tacrolimus", "lamotrigine",
)  # fmt: skip
EXAMPLES = {
    "check_interaction": [{"drug_a": "simvastatin", "drug_b": "clarithromycin"}],
    "calculate_interaction_severity_score": [{"drug_a": "warfarin", "drug_b": "fluconazole"}],
    "check_all_interactions": [{"new_drug": "clarithromycin"}, {}],
    "check_allergy": [{"drug": "amoxicillin"}],
    "calculate_renal_dose_adjustment": [{"drug": "gabapentin"}],
    "calculate_hepatic_dose_adjustment": [{"drug": "apixaban", "child_pugh": "C"}],
    "calculate_pediatric_dose": [{"drug": "amoxicillin"}, {"drug": "acetaminophen"}],
    "calculate_steroid_equivalent": [{"drug": "prednisone", "dose_mg": 40, "target": "dexamethasone"}],
    "check_pregnancy_safety": [{"drug": "lisinopril"}],
    "check_lactation_safety": [{"drug": "codeine"}],
    "check_therapeutic_drug_monitoring": [{"drug": name} for name in MONITORED],
    "check_dosage": [{"drug": "metformin"}],
    "check_qt_risk": [{"new_drug": "ondansetron"}, {}],
    "check_duplicate_therapy": [{"new_drug": "ibuprofen"}, {}],
    "explain_beers_entry": [{"drug": "diphenhydramine"}],
    "search_alternatives": [{"drug": "clarithromycin"}],
    "get_drug_info": [{"drug": "warfarin"}],
    "search_drugs_by_class": [{"drug_class": "statin"}],
    "check_cyp450_metabolism": [{"drug": "clarithromycin"}],
    "check_transporters": [{"drug": "digoxin"}],
    "get_pharmacokinetics": [{"drug": "amiodarone"}],
    "check_food_interactions": [{"drug": "simvastatin"}],
    "get_lab_history": [{"name": "creatinine"}, {"name": "potassium"}],
    "correct_medication_list": [{"drug": "ibuprofen", "taken": "yes", "dose": "400 mg three times daily"}],
    "record_allergy": [{"allergen": "penicillin"}],
    "stop_medication": [{"drug": "metformin"}],
    "prescribe_medication": [{"drug": "amoxicillin"}],
    "think": [{"thought": "the interaction decides"}],
}
"""Arguments to try each tool with on many charts; a tool without an entry takes none."""

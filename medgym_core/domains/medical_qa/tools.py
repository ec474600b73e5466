"""The tools of evidence-based question answering: search, sourced tables, and the vignette patient."""

from medgym_core.domains.common import submit_answer, think
from medgym_core.domains.medical_qa import evidence, scoring, searching, tables
from medgym_core.domains.medical_qa.tables import NOT_RECORDED
from medgym_core.text import normal
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, World, number, show, tool
from medgym_core.types import Chart

MOST_DIAGNOSES = 3


@tool("read", static=True)
def get_drug_information(world: World, drug_name: str) -> dict:
    """Class, molecular target, hallmark adverse effect and listed contraindication of a drug.

    Args:
        drug_name: Generic name.
    """
    drug = tables.named("drugs", drug_name)
    if drug is None:
        return {"drug": NOT_IN_DATABASE}
    shown = {"class": drug["class"]}
    if "target" in drug:
        shown["target"] = drug["target"][0]
    if "adverse_effect" in drug:
        shown["adverse effect"] = drug["adverse_effect"][0]
    return shown | {"contraindicated in": drug.get("contraindication", NOT_AVAILABLE)}


@tool("read", static=True)
def get_weight_based_dose(world: World, drug_name: str) -> dict:
    """Doses by body weight of a drug, by what it is given for, with the maximum. Within a tenth counts as right.

    Args:
        drug_name: Generic name.
    """
    found = [d for d in tables.doses() if normal(d.name) == normal(drug_name)]
    if not found:
        return {"dose": NOT_IN_DATABASE}
    return {d.of: ", ".join(f"{k} {v}" for k, v in d.rule.items()).removeprefix("dose ") for d in found}


@tool("read", static=True)
def check_diagnostic_criteria(world: World, condition: str) -> dict:
    """Numeric diagnostic criteria and thresholds of a condition.

    Args:
        condition: Name of the condition.
    """
    entry = tables.named("criteria", condition, "of")
    if entry is None:
        return {"criteria": NOT_IN_DATABASE}
    return {c["measure"]: f"{c['relation']} {number(c['value'])} {c['unit']}".strip() for c in entry["criteria"]}


@tool("read", static=True)
def compare_treatments(world: World, treatment_a: str, treatment_b: str, condition: str) -> dict:
    """Whether each of two treatments is first-line, an alternative or not listed for a condition.

    Args:
        treatment_a: One treatment.
        treatment_b: The other treatment.
        condition: Name of the condition.
    """
    fact = next((f for f in tables.facts_of(condition) if f.relation == "treatments"), None)
    if fact is None:
        return {"condition": NOT_IN_DATABASE}
    return {t: treatment_rank(fact, t) for t in (treatment_a, treatment_b)}


def treatment_rank(fact: tables.Fact, treatment: str) -> str:
    """first-line, alternative or not listed."""
    if normal(treatment) in map(normal, [fact.answer, *fact.also]):
        return "first-line"
    return "alternative" if normal(treatment) == normal(fact.details.get("alternative", "")) else "not listed"


@tool("read", static=True)
def get_differential_diagnosis(world: World, symptom_complex: str) -> dict:
    """Conditions whose typical findings match, best first, with the number of findings matched.

    Args:
        symptom_complex: The findings, separated by commas.
    """
    found = tables.matched(symptom_complex)[:MOST_DIAGNOSES]
    return {name: f"{hit} of {listed} findings" for name, hit, listed in found} or {"diagnosis": NOT_IN_DATABASE}


@tool("read", static=True)
def get_condition_overview(world: World, condition: str) -> dict:
    """What the tables hold on a condition: treatment, key test, cause, antidote, gene, enzyme, usual drug and so on.

    Args:
        condition: Name of the condition.
    """
    shown = {tables.RELATIONS[f.relation].key: f.answer for f in tables.facts_of(condition)}
    for choice in tables.choices_for().get(normal(condition), []):
        shown |= {"usual drug": choice.usual, f"if {choice.when}": choice.alternative}
    return shown or {"condition": NOT_IN_DATABASE}


@tool("read")
def lookup_reference_range(world: World, test: str) -> dict:
    """Reference limits of a laboratory test or measurement for this patient's sex, age and pregnancy status.

    Args:
        test: Name of the test.
    """
    entry = tables.named("ranges", test)
    if entry is None:
        return {"range": NOT_IN_DATABASE}
    found = tables.limits(entry, world.chart)
    if isinstance(found, str):
        return {"range": NOT_AVAILABLE, "missing": found}
    sides = {"low": found.low, "high": found.high}
    return {s: f"{number(v)} {found.unit}".strip() for s, v in sides.items() if v is not None} | {"for": found.group}


@tool("read")
def get_lab_result(world: World, test: str) -> dict:
    """This patient's latest result of a test.

    Args:
        test: Name of the test.
    """
    entry = tables.named("ranges", test)
    return {test: show(world.lab(entry["name"] if entry else test))}


@tool("read")
def get_patient_vignette(world: World) -> dict:
    """The vignette patient: age, sex, weight, pregnancy, allergies, conditions and medicines as recorded."""
    chart = world.chart
    allergies = NOT_RECORDED if chart.allergies is None else ", ".join(chart.allergies) or "none known"
    weight = NOT_RECORDED if chart.weight_kg is None else f"{number(chart.weight_kg)} kg"
    shown = {"age": f"{chart.age} years", "sex": chart.sex, "weight": weight}
    shown |= {"pregnant": pregnancy(chart), "allergies": allergies}
    medicines = ", ".join(m.drug for m in chart.medications)
    return shown | {"conditions": ", ".join(chart.conditions) or "none", "medicines": medicines or "none"}


def pregnancy(chart: Chart) -> str:
    """Pregnancy status as the vignette shows it."""
    if not tables.may_be_pregnant(chart):
        return "not applicable"
    if chart.pregnant is None:
        return NOT_RECORDED
    return ", ".join(["yes", *chart.observations.values()]) if chart.pregnant else "no"


TOOLS = [
    searching.search_passages,
    searching.read_passage,
    searching.list_topics,
    searching.save_citation,
    get_drug_information,
    get_weight_based_dose,
    check_diagnostic_criteria,
    compare_treatments,
    get_differential_diagnosis,
    get_condition_overview,
    lookup_reference_range,
    get_lab_result,
    get_patient_vignette,
    scoring.calculate_clinical_score,
    scoring.find_clinical_score,
    *evidence.KNOWLEDGE_TOOLS,
    think,
    submit_answer,
]

# Arguments with which the gates and the registry run each tool on many charts.
EXAMPLES = evidence.EXAMPLES | {
    "calculate_clinical_score": [
        {"score_name": "qsofa"},
        {"score_name": "anion_gap", "parameters": "sodium=140; chloride=104; bicarbonate=24"},
    ],
    "find_clinical_score": [{"topic": "pneumonia"}],
    "think": [{"thought": "two passages agree"}],
    "search_passages": [{"query": "first-line treatment of anaphylaxis"}],
    "read_passage": [{"passage_id": "First-line treatment of anaphylaxis"}],
    "save_citation": [{"passage_id": "First-line treatment of anaphylaxis"}],
    "get_drug_information": [{"drug_name": "warfarin"}],
    "get_weight_based_dose": [{"drug_name": "adrenaline"}],
    "check_diagnostic_criteria": [{"condition": "diabetes mellitus"}],
    "compare_treatments": [{"treatment_a": "adrenaline", "treatment_b": "atropine", "condition": "anaphylaxis"}],
    "get_differential_diagnosis": [{"symptom_complex": "headache, sweating, palpitations"}],
    "get_condition_overview": [{"condition": "anaphylaxis"}],
    "lookup_reference_range": [{"test": "haemoglobin"}, {"test": "D-dimer"}],
    "get_lab_result": [{"test": "potassium"}, {"test": "sodium"}],
}

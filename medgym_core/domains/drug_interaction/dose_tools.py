"""Tools that dose a drug for this patient: kidney, liver, child's weight, largest dose, drug level."""

from medgym_core.domains.drug_interaction import regimens, rules
from medgym_core.domains.drug_interaction.lookup import entry_of
from medgym_core.domains.drug_interaction.rules import resolve, table
from medgym_core.domains.drug_interaction.screening import limit
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, World, number, show, tool


def creatinine(world: World) -> float | None:
    reading = world.lab("creatinine")
    return reading.value if reading else None


@tool("read")
def get_renal_function(world: World) -> dict:
    """Latest serum creatinine and eGFR (CKD-EPI 2021)."""
    value, missing = rules.kidney(world.chart, "egfr", creatinine(world))
    shown = {"creatinine": show(world.lab("creatinine"))}
    return shown | {"egfr": NOT_AVAILABLE if missing else f"{value} mL/min/1.73m2"}


@tool("read")
def calculate_creatinine_clearance(world: World) -> dict:
    """Creatinine clearance by Cockcroft and Gault from age, sex, weight and the latest creatinine."""
    value, missing = rules.kidney(world.chart, "creatinine clearance", creatinine(world))
    if missing:
        return {"creatinine clearance": NOT_AVAILABLE, "missing": missing}
    return {"creatinine clearance": f"{value} mL/min"}


@tool("read")
def calculate_renal_dose_adjustment(world: World, drug: str) -> dict:
    """Whether the patient's kidney function changes the dose of a drug: no change, reduce, avoid or monitor.

    Args:
        drug: The drug to dose.
    """
    name, entry = entry_of("renal", drug)
    if entry is None:
        return {name: NOT_IN_DATABASE}
    measure = entry["measure"]
    value, missing = rules.kidney(world.chart, measure, creatinine(world))
    if value is None:
        return {name: NOT_AVAILABLE, "missing": missing}
    decision, dose = rules.renal_dose(name, value) or (NOT_IN_DATABASE, "no dose in the label")
    return {name: decision, "dose": dose, measure: f"{value} mL/min"}


@tool("read")
def get_liver_function(world: World) -> dict:
    """Bilirubin, albumin, INR, ascites, encephalopathy and the Child-Pugh class they give."""
    score = regimens.child_pugh(world)
    shown = {name: show(world.lab(name)) for name in ("bilirubin", "albumin", "inr")}
    shown |= {name: world.finding(name) or NOT_AVAILABLE for name in ("ascites", "encephalopathy")}
    if score.value is None:
        return shown | {"child-pugh": NOT_AVAILABLE, "missing": ", ".join(score.missing) or score.reason}
    return shown | {"child-pugh": f"{score.band}, {number(score.value)} points"}


@tool("read")
def calculate_pediatric_dose(world: World, drug: str) -> dict:
    """A child's single dose of a drug by weight, at most the adult maximum the source names.

    Args:
        drug: The drug to dose.
    """
    name, entry = entry_of("paediatric", drug)
    chart = world.chart
    if entry is None:
        return {name: NOT_IN_DATABASE}
    if chart.age >= limit("child"):
        return {name: "not a child", "age": f"{chart.age} years"}
    if regimens.months(chart) < entry["from_months"]:
        return {name: "too young", "youngest age": f"{entry['from_months']} months"}
    if chart.weight_kg is None:
        return {name: NOT_AVAILABLE, "missing": "weight"}
    dose = regimens.child_dose(name, chart.weight_kg)
    often = "once" if dose.single else f"{dose.doses_per_day} times daily"
    shown = {name: f"{number(dose.mg)} mg", "given": often, "use": entry["use"]}
    return shown | ({"maximum": "reached"} if dose.capped else {}) | {"weight": f"{number(chart.weight_kg)} kg"}


@tool("read")
def check_dosage(world: World, drug: str) -> dict:
    """The patient's dose of a drug and the largest daily dose of the label at the patient's age.

    Args:
        drug: The drug to check.
    """
    name = resolve(drug)
    entry = table("dosage").get(name or "", {})
    most = entry.get("max_mg")
    if most is None:
        return {name or drug: NOT_IN_DATABASE}
    from_age, lower = entry.get("max_mg_from", (200, most))
    most = lower if world.chart.age >= from_age else most
    taken = next((m for m in world.chart.medications if resolve(m.drug) == name and m.dose), None)
    daily = regimens.daily_mg(taken) if taken else None
    if daily is None:
        return {name: NOT_AVAILABLE, "missing": "dose", "maximum": f"{number(most)} mg daily"}
    verdict = "above maximum" if daily > most else "within maximum"
    return {name: verdict, "dose": f"{number(daily)} mg daily", "maximum": f"{number(most)} mg daily"}


@tool("read")
def check_therapeutic_drug_monitoring(world: World, drug: str) -> dict:
    """The patient's latest level of a drug against its therapeutic range, and when the sample is drawn.

    Args:
        drug: The drug whose level is checked.
    """
    name, entry = entry_of("monitoring", drug)
    if entry is None:
        return {name: NOT_IN_DATABASE}
    reading = regimens.level(world, entry)
    allowed = f"{number(entry['low'])} to {number(entry['high'])} {entry['unit']}".strip()
    rest = {"range": allowed, "timing": entry["timing"]}
    if reading is None:
        return {entry["lab"]: NOT_AVAILABLE, "missing": "level"} | rest
    status = "below" if reading.value < entry["low"] else "above" if reading.value > entry["high"] else "within"
    return {entry["lab"]: show(reading), "status": f"{status} range"} | rest


TOOLS = [
    get_renal_function, calculate_creatinine_clearance, calculate_renal_dose_adjustment, get_liver_function,
    calculate_pediatric_dose, check_dosage, check_therapeutic_drug_monitoring,
]  # fmt: skip

"""Tools that dose a drug for this patient: kidney, liver, child's weight, largest dose, drug level."""

from msgspec.structs import replace

from medgym_core.domains.drug_interaction import regimens, rules
from medgym_core.domains.drug_interaction.list_tools import medicines
from medgym_core.domains.drug_interaction.lookup import entry_of
from medgym_core.domains.drug_interaction.rules import resolve, table
from medgym_core.domains.drug_interaction.screening import limit
from medgym_core.text import normal
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World, number, show, tool
from medgym_core.types import Reading

DAY = 24 * 60  # minutes


def kidney(world: World, measure: str, creatinine: float = 0.0, weight: float = 0.0) -> tuple[int | None, str]:
    """Whole value of `measure` from the given creatinine (mg/dL) and weight (kg), 0: the chart's; and what is missing.

    A creatinine in another unit than mg/dL is not read. Raises ToolError for a value below 0.
    """
    if not (0 <= creatinine < float("inf") and 0 <= weight < float("inf")):
        raise ToolError("not a measurement", got=f"{creatinine}, {weight}", expected="values above 0")
    reading = world.lab("creatinine")
    unit = table("units")["creatinine"]["into"]
    chart = replace(world.chart, weight_kg=weight) if weight else world.chart
    if creatinine:
        return rules.kidney(chart, measure, creatinine)
    if reading is not None and reading.unit != unit:
        return None, f"creatinine in {unit}"
    return rules.kidney(chart, measure, reading.value if reading else None)


@tool("read")
def get_renal_function(world: World) -> dict:
    """Latest serum creatinine and eGFR (CKD-EPI 2021)."""
    value, missing = kidney(world, "egfr")
    shown = {"creatinine": show(world.lab("creatinine"))}
    return shown | {"egfr": NOT_AVAILABLE if missing else f"{value} mL/min/1.73m2"}


@tool("read")
def calculate_creatinine_clearance(world: World, creatinine_mg_dl: float = 0.0, weight_kg: float = 0.0) -> dict:
    """Creatinine clearance by Cockcroft and Gault from age, sex, weight and the latest creatinine.

    Args:
        creatinine_mg_dl: A creatinine in mg/dL to use instead of the chart's; leave out to use the chart.
        weight_kg: A weight in kg to use instead of the chart's; leave out to use the chart.
    """
    value, missing = kidney(world, "creatinine clearance", creatinine_mg_dl, weight_kg)
    if missing:
        return {"creatinine clearance": NOT_AVAILABLE, "missing": missing}
    return {"creatinine clearance": f"{value} mL/min"}


@tool("read")
def calculate_renal_dose_adjustment(
    world: World, drug: str, creatinine_mg_dl: float = 0.0, weight_kg: float = 0.0
) -> dict:
    """Whether the patient's kidney function changes the dose of a drug: no change, reduce, avoid or monitor.

    Args:
        drug: The drug to dose.
        creatinine_mg_dl: A creatinine in mg/dL to use instead of the chart's; leave out to use the chart.
        weight_kg: A weight in kg to use instead of the chart's; leave out to use the chart.
    """
    name, entry = entry_of("renal", drug)
    if entry is None:
        return {name: NOT_IN_DATABASE}
    measure = entry["measure"]
    value, missing = kidney(world, measure, creatinine_mg_dl, weight_kg)
    if value is None:
        return {name: NOT_AVAILABLE, "missing": missing}
    decision, dose = rules.renal_dose(name, value) or (NOT_IN_DATABASE, "no dose in the label")
    return {name: decision, "dose": dose, measure: f"{value} mL/min"}


@tool("read")
def get_lab_history(world: World, name: str) -> dict:
    """Every result of one laboratory test or drug level, newest first, with its age.

    Args:
        name: The test, such as creatinine or digoxin level.
    """
    found = sorted((r for r in world.results() if normal(r.name) == normal(name)), key=lambda r: -r.minutes)
    if not found:
        return {name: NOT_AVAILABLE}
    earlier = {f"{-r.minutes // DAY} days before": show(r) for r in found[1:]}
    return {found[0].name: show(found[0]), "taken": _age(found[0].minutes)} | earlier


def _age(minutes: int) -> str:
    return "today" if minutes > -DAY else f"{-minutes // DAY} days before"


@tool("read")
def get_liver_function(world: World, bilirubin: float = 0.0, albumin: float = 0.0, inr: float = 0.0) -> dict:
    """Bilirubin, albumin, INR, ascites, encephalopathy and the Child-Pugh class they give.

    Args:
        bilirubin: A newer bilirubin in mg/dL than the chart's; leave out to use the chart.
        albumin: A newer albumin in g/dL than the chart's; leave out to use the chart.
        inr: A newer INR than the chart's; leave out to use the chart.
    """
    given = {"bilirubin": bilirubin, "albumin": albumin, "inr": inr}
    if not all(0 <= v < float("inf") for v in given.values()):
        raise ToolError("not a measurement", got=given, expected="values above 0")
    units = {"bilirubin": "mg/dL", "albumin": "g/dL", "inr": "{ratio}"}
    newer = [Reading(name, v, units[name], world.minutes) for name, v in given.items() if v]
    older = [r for r in world.results() if r.name not in {n.name for n in newer}]
    seen = World(replace(world.chart, labs=[*older, *newer])) if newer else world
    score = regimens.child_pugh(seen)
    shown = {name: show(seen.lab(name)) for name in given}
    shown |= {name: world.finding(name) or NOT_AVAILABLE for name in ("ascites", "encephalopathy")}
    if score.value is None:
        return shown | {"child-pugh": NOT_AVAILABLE, "missing": ", ".join(score.missing) or score.reason}
    return shown | {"child-pugh": f"{score.band}, {number(score.value)} points"}


@tool("read")
def calculate_pediatric_dose(world: World, drug: str, weight_kg: float = 0.0) -> dict:
    """A child's single dose of a drug by weight, at most the adult maximum the source names.

    Args:
        drug: The drug to dose.
        weight_kg: A weight in kg to use instead of the chart's; leave out to use the chart.
    """
    name, entry = entry_of("paediatric", drug)
    if not 0 <= weight_kg < float("inf"):
        raise ToolError("not a weight", got=weight_kg, expected="kilograms above 0")
    chart = replace(world.chart, weight_kg=weight_kg) if weight_kg else world.chart
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
    taken = next((m for m in medicines(world) if m.drug == name and m.dose), None)
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
    get_lab_history, get_renal_function, calculate_creatinine_clearance, calculate_renal_dose_adjustment,
    get_liver_function, calculate_pediatric_dose, check_dosage, check_therapeutic_drug_monitoring,
]  # fmt: skip

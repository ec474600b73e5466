"""Bedside rules as pure functions of the world: what a chart shows of risk, capacity, detention, delirium, and what
follows from a level or a score. Tools show their findings; the truth of cases is made by the same functions.

A function that lacks an input returns `Missing` with the names in words, never a guess.
"""

from dataclasses import dataclass
from typing import Any

from medgym_core import instruments
from medgym_core.domains.drug_interaction import rules as drugs
from medgym_core.domains.psychiatry import scales
from medgym_core.domains.psychiatry.scales import rule
from medgym_core.tools import World, number

ABILITIES = ("choice", "understanding", "appreciation", "reasoning")
GRAVE = ("contraindicated", "major")
"""Severities of an interaction that forbid starting the pair."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is no result: inputs that nobody recorded."""

    names: list[str]

    def __str__(self) -> str:
        return ", ".join(self.names)


def suicide_level(world: World) -> str | Missing:
    """Risk level by the C-SSRS screener: none, low, moderate or high."""
    found = scales.outcome(world, "cssrs")
    if found.value is None:
        return Missing([m.replace("_", " ") for m in found.missing])
    return rule("suicide")["levels"][int(found.value)]


def disposition(level: str) -> str:
    """What the screener's triage asks for at a level."""
    table = rule("suicide")
    return table["dispositions"][table["levels"].index(level)]


def delirium(world: World) -> bool | Missing:
    """CAM: acute and fluctuating, inattention, and disorganised thinking or altered consciousness (Inouye 1990)."""
    found = {item: world.finding(item) for item in rule("cam")["items"]}
    missing = [item.replace("_", " ") for item, value in found.items() if value is None]
    if missing:
        return Missing(missing)
    acute, inattention, disorganised, altered = (value == "yes" for value in found.values())
    return acute and inattention and (disorganised or altered)


def serotonin_toxicity(world: World) -> bool | Missing:
    """Hunter criteria (Dunkley 2003), a serotonergic drug being taken."""
    table = rule("hunter")
    found = {item.removeprefix("hunter_"): world.finding(item) for item in table["items"]}
    temperature = world.vital("temperature")
    missing = [name.replace("_", " ") for name, value in found.items() if value is None]
    missing += [] if temperature else ["temperature"]
    if missing or temperature is None:
        return Missing(missing)
    has = {name: value == "yes" for name, value in found.items()}
    restless = has["agitation"] or has["sweating"]
    clonus = has["inducible_clonus"] or has["ocular_clonus"]
    hot = temperature.value > table["temperature_above"]
    return (
        has["spontaneous_clonus"]
        or (clonus and restless)
        or (has["tremor"] and has["brisk_reflexes"])
        or (has["raised_tone"] and hot and clonus)
    )


def hold(world: World) -> str | Missing:
    """Outcome of the APA model criteria, first failing criterion first."""
    names = ("severe_mental_disorder", "accepts_voluntary_care", "treatment_capacity")
    dangers = ("danger_to_self", "danger_to_others", "grave_deterioration")
    found = {name: world.finding(f"hold_{name}") for name in (*names, *dangers)}
    missing = [name.replace("_", " ") for name, value in found.items() if value is None]
    if missing:
        return Missing(missing)
    is_so = {name: str(value).startswith("yes") for name, value in found.items()}
    if not is_so["severe_mental_disorder"]:
        return "no hold, no severe mental disorder"
    if is_so["accepts_voluntary_care"]:
        return "no hold, voluntary care accepted"
    if is_so["treatment_capacity"]:
        return "no hold, capacity intact"
    grounds = {"danger_to_self": "danger to self", "danger_to_others": "danger to others"}
    grounds["grave_deterioration"] = "grave deterioration"
    return next((f"hold for {text}" for name, text in grounds.items() if is_so[name]), "no hold, no danger")


def egfr(world: World) -> int | None:
    """Estimated GFR (CKD-EPI 2021) in mL/min/1.73m2, or None without a creatinine or below its age."""
    creatinine = world.lab("creatinine")
    if creatinine is None:
        return None
    chart = world.chart
    found = instruments.get("ckd_epi_2021")(age=chart.age, sex=chart.sex, creatinine=creatinine.value)
    return None if found.value is None else round(found.value)


def clearance(world: World) -> int | None:
    """Creatinine clearance (Cockcroft-Gault, actual weight) in mL/min, or None without creatinine or weight."""
    chart, creatinine = world.chart, world.lab("creatinine")
    if creatinine is None or chart.weight_kg is None:
        return None
    given = {"age": chart.age, "sex": chart.sex, "weight_kg": chart.weight_kg, "creatinine": creatinine.value}
    found = instruments.get("cockcroft_gault")(**given)
    return None if found.value is None else round(found.value)


def grave_pair(drug: str, other: str) -> Any:
    """The listed interaction of two drugs where it forbids starting the pair."""
    name = drugs.resolve(other)
    found = drugs.interaction(drug, name) if name and name != drug else None
    return found if found is not None and found.severity in GRAVE else None


def qtc(world: World) -> float | None:
    """QTc by Fridericia in ms, or None without an ECG."""
    interval, rate = world.vital("qt_interval"), world.vital("heart_rate")
    if interval is None or rate is None:
        return None
    found = instruments.get("qtc_fridericia")(qt_interval=interval.value, heart_rate=rate.value)
    return None if found.value is None else round(found.value)


def prolonged(world: World) -> bool | None:
    """Whether the QTc is prolonged for the sex; None without an ECG."""
    found = qtc(world)
    return None if found is None else found >= rule("qt")["prolonged"][world.chart.sex]


def raising_lithium(world: World) -> list[str]:
    """Current drugs that the interaction table lists as grave with lithium."""
    return [m.drug for m in world.chart.medications if grave_pair("lithium", m.drug)]


def lithium_action(world: World) -> str | Missing:
    """What a lithium level asks for in maintenance treatment."""
    table, level, hours = rule("lithium"), world.lab("lithium"), world.finding("hours_after_dose")
    signs = world.finding("toxic_signs")
    missing = [n for n, v in (("lithium", level), ("hours after dose", hours), ("toxic signs", signs)) if v is None]
    if signs not in (None, "none"):
        return "stop and emergency care"
    if missing or level is None or hours is None:
        return Missing(missing)
    first, last = table["trough_hours"]
    if float(hours) >= first and level.value >= table["toxic_from"]:
        return "stop and emergency care"  # a late level was higher still at 12 hours
    if not first <= float(hours) <= last:
        return "repeat as trough"
    if raising_lithium(world):
        return "stop the interacting drug"
    low, high = table["range"]
    return "raise the dose" if level.value < low else "lower the dose" if level.value > high else "no change"


def clozapine_action(world: World) -> str | Missing:
    """What a neutrophil count asks for under clozapine; suspected myocarditis comes first."""
    table, count, troponin = rule("clozapine"), world.lab("neutrophils"), world.lab("troponin")
    if troponin is not None and troponin.value > table["troponin_above"] and world.finding("chest_symptoms") != "none":
        return "discontinue for suspected myocarditis"
    if count is None:
        return Missing(["neutrophils"])
    benign = "benign ethnic neutropenia" in world.chart.conditions
    bands = table["bands_ben" if benign else "bands"]
    return next(action for below, action in bands if count.value < below)


def response(baseline: float, now: float) -> str:
    """Class of response to treatment from two PHQ-9 totals."""
    table = rule("response")
    if now > baseline:
        return "worsening"
    if now < table["remission_below"]:
        return "remission"
    drop = 100 * (baseline - now) / baseline
    return (
        "response"
        if drop >= table["response_from"]
        else "partial response"
        if drop > table["nonresponse_up_to"]
        else "nonresponse"
    )


def withdrawal_action(world: World) -> str | Missing:
    """Treatment of alcohol withdrawal (ASAM 2020), Wernicke signs first."""
    table, chart = rule("withdrawal"), world.chart
    seen = {name: world.finding(name) for name in ("eye_movements", "gait", "orientation", "perception")}
    missing = [name.replace("_", " ") for name, value in seen.items() if value is None]
    score = scales.outcome(world, "ciwa_ar")
    if missing or score.value is None:
        return Missing(missing + [m.replace("_", " ") for m in score.missing])
    if seen["eye_movements"] != "normal" or seen["gait"] != "steady":
        return "parenteral thiamine"
    if seen["orientation"] != "full" and seen["perception"] != "no hallucinations":
        return "intensive care"
    if score.value < table["supportive_below"]:
        return "supportive care"
    frail = chart.age >= table["old_from"] or any(c in table["liver"] for c in chart.conditions)
    return "lorazepam" if frail else "diazepam"


def agitation_action(world: World) -> str | Missing:
    """What to do first in acute agitation (NICE NG10, Project BETA)."""
    table, glucose = rule("agitation"), world.lab("glucose")
    score, confused = scales.outcome(world, "bvc"), delirium(world)
    accepts, naive = world.finding("accepts_oral"), world.finding("antipsychotic_naive")
    named = [
        n for n, v in (("accepts oral", accepts), ("antipsychotic naive", naive), ("glucose", glucose)) if v is None
    ]
    named += confused.names if isinstance(confused, Missing) else []
    if named or score.value is None or glucose is None:
        return Missing(named + [m.replace("_", " ") for m in score.missing])
    if confused or glucose.value < table["glucose_below"]:
        return "treat the medical cause"
    if score.value <= table["calm_up_to"]:
        return "verbal de-escalation"
    if accepts == "yes":
        return "oral lorazepam"
    heart = "coronary artery disease" in world.chart.conditions
    unsuited = prolonged(world) is not False or heart or naive == "yes"
    called_for = world.finding("alcohol_breath") == "intoxicated" or world.finding("lorazepam_response") == "none"
    return "intramuscular haloperidol with promethazine" if called_for and not unsuited else "intramuscular lorazepam"


def admission(world: World) -> list[str]:
    """Signs of medical instability in an adolescent eating disorder, as `name value`; empty: none (SAHM 2015)."""
    table, signs = rule("admission"), []
    for limit, value in table.items():
        name = limit.removesuffix("_below")
        reading = (world.vital(name) or world.lab(name)) if limit.endswith("_below") else None
        if reading is not None and reading.value < value:
            signs.append(f"{name} {number(reading.value)}")
    return signs + _too_thin(world)


def _too_thin(world: World) -> list[str]:
    """`bmi value` where an adolescent has too small a share of the median body mass index."""
    chart, table = world.chart, rule("admission")
    middle = median_bmi(chart.age, chart.sex)
    if middle is None or chart.weight_kg is None or chart.height_cm is None:
        return []
    index = chart.weight_kg / (chart.height_cm / 100) ** 2
    return [f"bmi {index:.1f}"] if index <= table["median_bmi_share"] * middle else []


def median_bmi(age: int, sex: str) -> float | None:
    """Median body mass index of that year of age (CDC growth charts), or None outside the table."""
    table = rule("admission")
    place, medians = age - table["median_bmi_from_age"], table["median_bmi"][sex]
    return medians[place] if 0 <= place < len(medians) else None

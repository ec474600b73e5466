"""The domain's tables, and the decisions of the protocols: values in, the next step out.

Every number comes from `facts/protocols.toml`. Tools and cases use the same functions.
"""

from functools import cache
from typing import Any

from medgym_core import facts

DOMAIN = "cross_domain"
UNKNOWN_IS_NOT_SAFE = "MedGym rule: what is not recorded is unknown, not normal and not safe"


def table(name: str) -> dict[str, dict[str, Any]]:
    """The facts of one table of this domain."""
    return facts.load(DOMAIN, name)


def protocol(name: str) -> dict[str, Any]:
    return table("protocols")[name]


def said(name: str) -> list[str]:
    """The phrasings a free text may name a step, a measure, a treatment or a course by."""
    return table("wording")[name]["said"]


def due(pathway: str, step: str) -> int:
    """Minutes from arrival by which a step of a pathway is due; targets that count from another step add up."""
    entry = next(s for s in table("pathways")[pathway]["steps"] if s["name"] == step)
    return entry["within"] + (0 if entry["since"] == "arrival" else due(pathway, entry["since"]))


@cache
def names_of_treatments() -> dict[str, str]:
    """Names and other names of treatments, in lower case, to the treatment."""
    return {n.lower(): t for t, entry in table("treatments").items() for n in (t, *entry["aliases"])}


def after_fibrinolysis(before: float, now: float) -> str:
    """What follows fibrinolysis, from ST elevation in mm before and 60 to 90 minutes after."""
    resolved = 100 * (before - now) / before
    return (
        "angiography at 2 to 24 hours"
        if resolved >= protocol("after fibrinolysis")["resolution_percent"]
        else "rescue pci"
    )


def troponin(first: float, second: float) -> str:
    """The 0/1 hour algorithm, ng/L."""
    rule, change = protocol("troponin 0/1 hour"), abs(second - first)
    if first >= rule["high"] or change >= rule["large_change"]:
        return "angiography within 24 hours"
    return "rule out" if first < rule["low"] and change < rule["small_change"] else "observe"


def ketoacidosis(potassium: float, glucose: float, ketones: float, bicarbonate: float, fall: float) -> str:
    """The next step once insulin has run; `fall`: by how many mmol/L an hour ketones fell."""
    done, slow = protocol("dka resolution"), protocol("dka response")["ketone_fall_per_hour"]
    if potassium < protocol("potassium in dka")["potassium_low"]:
        return "hold insulin and replace potassium"
    if glucose < done["glucose"] and ketones < done["ketones"] and bicarbonate >= done["bicarbonate"]:
        return "change to subcutaneous insulin"
    if fall < slow:
        return "increase insulin"
    if glucose < protocol("insulin in dka")["glucose_dextrose"]:
        return "add dextrose and halve insulin"
    return "continue insulin"


def shock(pressure: float, lactate: float, norepinephrine: bool, drainable: bool) -> str:
    """The next step after the bolus of sepsis, from mean pressure in mmHg and the latest lactate."""
    if pressure < protocol("septic shock")["map"]:
        return "add vasopressin" if norepinephrine else "start norepinephrine"
    if drainable:
        return "drain the source"
    if norepinephrine:
        return "continue norepinephrine"
    return "repeat lactate" if lactate > protocol("sepsis first hour")["lactate_repeat"] else "no escalation"


def child_shock(refill: float, given_ml_per_kg: float, overloaded: bool) -> str:
    """What follows a bolus in a child: capillary refill in seconds, fluid so far, crackles or a growing liver."""
    if refill <= protocol("shock signs in children")["capillary_refill"]:
        return "no more boluses"
    if overloaded:
        return "epinephrine, fluid overload"
    most = protocol("shock in children")["most"]
    return "epinephrine, fluid refractory" if given_ml_per_kg >= most else "another bolus"


def severe_pressure(systolic: float, diastolic: float) -> bool:
    """Severe-range pressure in pregnancy."""
    rule = protocol("severe hypertension in pregnancy")
    return systolic >= rule["systolic"] or diastolic >= rule["diastolic"]


def hypertension_step(systolic: float, diastolic: float, rate: float, asthma: bool, days: int) -> str:
    """The next step of severe pre-eclampsia on magnesium after the first dose; `days` of gestation."""
    if rate < protocol("magnesium in pre-eclampsia")["respiratory_rate"]:
        return "stop magnesium, calcium gluconate"
    if severe_pressure(systolic, diastolic):
        return "hydralazine 10 mg" if asthma else "labetalol 40 mg"
    return "deliver" if days >= 7 * protocol("timing of delivery")["severe_weeks"] else "betamethasone and wait"


def anaphylaxis(systolic: float, doses: int, beta_blocker: bool, asthma: bool, biphasic: bool) -> str:
    """What follows the last dose of epinephrine."""
    if systolic < protocol("anaphylaxis first line")["systolic"]:
        return "glucagon" if beta_blocker else "epinephrine infusion"
    if asthma:
        return "observe 12 hours"
    return "observe 6 hours" if doses > 1 or biphasic else "observe 2 hours"


def upper_bleeding(systolic: float, hemoglobin: float, cardiac: bool, cirrhosis: bool, score: float) -> str:
    """The next step in upper gastrointestinal bleeding; `score`: Glasgow-Blatchford."""
    if systolic < protocol("major haemorrhage")["systolic"]:
        return "major haemorrhage protocol"
    if transfuse(hemoglobin, cardiac):
        return "transfuse red cells"
    if cirrhosis:
        return "endoscopy within 12 hours"
    low = score <= protocol("upper gi bleeding risk")["outpatient"]
    return "outpatient endoscopy" if low else "endoscopy within 24 hours"


def opioid(rate: float) -> str:
    """After naloxone, from the breaths a minute once it has worn off."""
    return "naloxone infusion" if rate < protocol("opioid toxicity")["respiratory_rate"] else "observe"


def tricyclic(qrs: float, systolic: float) -> str:
    """After sodium bicarbonate."""
    rule = protocol("tricyclic toxicity")
    if qrs > rule["qrs"]:
        return "repeat sodium bicarbonate"
    return "start norepinephrine" if systolic < rule["systolic"] else "observe"


def bleeding(systolic: float) -> str:
    """After fluid for bleeding in the abdomen: sustained response, or not."""
    return "theatre for bleeding" if systolic < protocol("response to fluid in bleeding")["systolic"] else "observe"


def transfuse(hemoglobin: float, cardiac: bool) -> bool:
    """Whether red cells are due, g/dL."""
    rule = protocol("red cell transfusion")
    return hemoglobin < (rule["cardiac"] if cardiac else rule["hemoglobin"])


def weight_dose(drug: str, weight_kg: float, age: int) -> float:
    """A dose of `facts/doses.toml` for a weight in kg, in the unit of its entry."""
    entry = table("doses")[drug]
    if "bands" in entry:
        dose = next(d for below, d in entry["bands"] if weight_kg < below)
        dose = dose / 2 if age >= entry["half_from_age"] else dose
    else:
        dose = min(entry["per_kg"] * weight_kg, entry["most"])
    return round(dose + 0.0, entry["digits"])

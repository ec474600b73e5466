"""Kidney function, electrolytes and acid-base: the formulas of `facts/renal.toml`.

Every function takes the entry of the fact file and the inputs in their units, as `base` describes. Concentrations of
sodium, chloride and bicarbonate are in mmol/L (for these ions mEq/L is the same number).
"""

from typing import Any

from medgym_core import facts
from medgym_core.instruments.base import Inputs, Outcome, instrument

Rule = dict[str, Any]


@instrument("ckd_epi_2021", "renal")
def ckd_epi_2021(rule: Rule, x: Inputs) -> float:
    """CKD-EPI 2021 creatinine equation, without race."""
    k = rule["coefficients"][x["sex"]]
    ratio = x["creatinine"] / k["kappa"]
    shape = min(ratio, 1) ** k["alpha"] * max(ratio, 1) ** rule["exponent"]
    return rule["scale"] * shape * rule["age_base"] ** x["age"] * k["factor"]


@instrument("mdrd", "renal")
def mdrd(rule: Rule, x: Inputs) -> float:
    """The four-variable MDRD equation for standardised creatinine; the coefficient for race only where it is given."""
    value = rule["scale"] * x["creatinine"] ** rule["creatinine_exponent"] * x["age"] ** rule["age_exponent"]
    return value * rule["sex_factor"][x["sex"]] * (rule["black_factor"] if x["black"] else 1)


@instrument("cockcroft_gault", "renal")
def cockcroft_gault(rule: Rule, x: Inputs) -> Outcome:
    """Creatinine clearance with the weight of `weight_choice`: actual, as published, unless another is asked for."""
    choice = x["weight_choice"] or rule["default_choice"]
    if choice != "actual" and x["height_cm"] is None:
        return Outcome(None, missing=["height_cm"])
    weight = x["weight_kg"] if choice == "actual" else dosing_weight(rule, x, choice)
    if weight is None:
        return Outcome(None, reason=f"ideal body weight is defined from {ideal()['valid']['height_cm'][0]:g} cm up")
    clearance = (rule["age_limit"] - x["age"]) * weight / (rule["divisor"] * x["creatinine"])
    return Outcome(clearance * rule["sex_factor"][x["sex"]], {"weight_kg": weight})


def ideal() -> Rule:
    """The fact entry of the ideal body weight."""
    return facts.load("instruments", "metabolic")["ideal_body_weight"]


def dosing_weight(rule: Rule, x: Inputs, choice: str) -> float | None:
    """Ideal, adjusted, or the one the body-mass index calls for; None where the ideal weight is not defined."""
    entry, actual = ideal(), x["weight_kg"]
    mass_index = actual / (x["height_cm"] / 100) ** 2
    if choice == "by bmi" and mass_index < rule["underweight_below"]:
        return actual
    if x["height_cm"] < entry["valid"]["height_cm"][0]:
        return None
    wanted = devine(entry, x["height_cm"], x["sex"])
    if choice == "adjusted" or (choice == "by bmi" and mass_index >= rule["overweight_from"]):
        return wanted + rule["adjustment"] * (actual - wanted)
    return wanted if choice == "ideal" else min(wanted, actual)


def devine(entry: Rule, height_cm: float, sex: str) -> float:
    """Ideal body weight in kg from 5 feet of height up."""
    return entry["base"][sex] + entry["per_inch"] * (height_cm / entry["cm_per_inch"] - entry["inches"])


@instrument("schwartz_bedside", "renal")
def schwartz_bedside(rule: Rule, x: Inputs) -> float:
    """Bedside Schwartz equation for children."""
    return rule["k"] * x["height_cm"] / x["creatinine"]


@instrument("kdigo_aki", "renal")
def kdigo_aki(rule: Rule, x: Inputs) -> Outcome:
    """KDIGO stage: the worse of creatinine and, where it was measured, urine output."""
    output, hours = x["urine_output"], x["urine_output_hours"]
    if (output is None) != (hours is None):
        return Outcome(None, missing=["urine_output" if output is None else "urine_output_hours"])
    parts = {"creatinine": float(creatinine_stage(rule, x))}
    if output is not None:
        parts["urine_output"] = float(urine_stage(rule, output, hours))
    if x["renal_replacement"]:
        parts["renal_replacement"] = 3.0
    stage = max(parts.values())
    return Outcome(stage, parts, rule["creatinine_alone"] if stage == 0 and output is None else "")


def creatinine_stage(rule: Rule, x: Inputs) -> int:
    """Stage by the rise over baseline within 7 days, or by the absolute rise within 48 hours."""
    ratio = round(x["creatinine"] / x["baseline_creatinine"], 9)  # 1.2 / 0.8 is a hair below 1.5 in binary
    rise = round(x["creatinine_rise_48h"] or 0, 9)
    stage = sum(ratio >= r for r in rule["ratios"])
    stage = max(stage, int(rise >= rule["rise_48h"]))
    return 3 if stage and x["creatinine"] >= rule["severe_creatinine"] else stage


def urine_stage(rule: Rule, output: float, hours: float) -> int:
    """Stage by urine output in mL/kg/h over the hours given."""
    if hours >= rule["anuria_hours"] and output <= 0:
        return 3
    met = [s for s, (below, least) in enumerate(rule["urine"], start=1) if output < below and hours >= least]
    return max(met, default=0)


@instrument("fena", "renal")
def fena(rule: Rule, x: Inputs) -> float:
    """Fractional excretion of sodium in per cent."""
    return 100 * x["urine_sodium"] * x["creatinine"] / (x["sodium"] * x["urine_creatinine"])


@instrument("fe_urea", "renal")
def fe_urea(rule: Rule, x: Inputs) -> float:
    """Fractional excretion of urea in per cent."""
    return 100 * x["urine_urea_nitrogen"] * x["creatinine"] / (x["urea_nitrogen"] * x["urine_creatinine"])


@instrument("anion_gap", "renal")
def anion_gap(rule: Rule, x: Inputs) -> float:
    """Sodium less chloride and bicarbonate."""
    return x["sodium"] - x["chloride"] - x["bicarbonate"]


@instrument("anion_gap_corrected", "renal")
def anion_gap_corrected(rule: Rule, x: Inputs) -> Outcome:
    """The gap with the share of the missing (or surplus) albumin added."""
    parts = {"anion_gap": anion_gap(rule, x), "albumin": rule["per_albumin"] * (rule["normal_albumin"] - x["albumin"])}
    return Outcome(sum(parts.values()), parts)


@instrument("delta_gap", "renal")
def delta_gap(rule: Rule, x: Inputs) -> float:
    """How far the anion gap lies above normal."""
    return anion_gap(rule, x) - rule["normal_gap"]


@instrument("delta_gap_corrected", "renal")
def delta_gap_corrected(rule: Rule, x: Inputs) -> float:
    """How far the albumin-corrected anion gap lies above normal."""
    return anion_gap_corrected(rule, x).value - rule["normal_gap"]


@instrument("delta_gap_wrenn", "renal")
def delta_gap_wrenn(rule: Rule, x: Inputs) -> Outcome:
    """Rise of the anion gap less fall of bicarbonate."""
    parts = {"gap_rise": delta_gap(rule, x), "bicarbonate_fall": rule["normal_bicarbonate"] - x["bicarbonate"]}
    return Outcome(parts["gap_rise"] - parts["bicarbonate_fall"], parts)


@instrument("delta_ratio", "renal")
def delta_ratio(rule: Rule, x: Inputs) -> Outcome:
    """Rise of the anion gap over fall of bicarbonate."""
    return ratio_to_fall(rule, x, delta_gap(rule, x))


@instrument("delta_ratio_corrected", "renal")
def delta_ratio_corrected(rule: Rule, x: Inputs) -> Outcome:
    """Rise of the albumin-corrected anion gap over fall of bicarbonate."""
    return ratio_to_fall(rule, x, delta_gap_corrected(rule, x))


def ratio_to_fall(rule: Rule, x: Inputs, rise: float) -> Outcome:
    """The ratio; where bicarbonate is not low, it is a number without an interpretation."""
    fall = rule["normal_bicarbonate"] - x["bicarbonate"]
    if fall == 0:
        return Outcome(None, reason="bicarbonate is normal: there is no fall to compare with")
    return Outcome(rise / fall, {"gap_rise": rise, "bicarbonate_fall": fall}, "" if fall > 0 else rule["not_low"])


@instrument("corrected_calcium", "renal")
def corrected_calcium(rule: Rule, x: Inputs) -> float:
    """Total calcium at a normal albumin, mg/dL."""
    return x["calcium"] + rule["per_albumin"] * (rule["normal_albumin"] - x["albumin"])


@instrument("corrected_sodium", "renal")
def corrected_sodium(rule: Rule, x: Inputs) -> float:
    """Sodium at a normal glucose, by Hillier unless Katz is asked for."""
    factor = rule["per_100_mg_dl"][x["equation"] or rule["default_equation"]]
    return x["sodium"] + factor * (x["glucose"] - rule["normal_glucose"]) / 100


@instrument("osmolality", "renal")
def osmolality(rule: Rule, x: Inputs) -> float:
    """Calculated serum osmolality, mosm/kg."""
    return (
        rule["per_sodium"] * x["sodium"]
        + x["glucose"] / rule["glucose_divisor"]
        + x["urea_nitrogen"] / rule["urea_divisor"]
    )


@instrument("osmolar_gap", "renal")
def osmolar_gap(rule: Rule, x: Inputs) -> Outcome:
    """Measured less calculated osmolality; ethanol, where measured, counts as explained."""
    explained = osmolality(rule, x) + (x["ethanol"] or 0) / rule["ethanol_divisor"]
    return Outcome(x["serum_osmolality"] - explained, {"calculated": explained})


@instrument("free_water_deficit", "renal")
def free_water_deficit(rule: Rule, x: Inputs) -> Outcome:
    """Litres of water that bring sodium to the target; below it the result is an excess, with a minus sign."""
    age, sex = x["age"], x["sex"]
    group = "child" if age < rule["adult_from"] else "elderly" if age > rule["elderly_above"] else "adult"
    water = rule["body_water"][group][sex] * x["weight_kg"]
    return Outcome(water * (x["sodium"] / rule["target_sodium"] - 1), {"body_water": water})


@instrument("maintenance_fluids", "renal")
def maintenance_fluids(rule: Rule, x: Inputs) -> float:
    """Hourly maintenance: so many mL/kg/h for each slice of body weight."""
    rate, start = 0.0, 0.0
    for end, per_kg in rule["slices"]:
        rate += per_kg * max(0.0, min(x["weight_kg"], end) - start)
        start = end
    return rate


@instrument("winters", "renal")
def winters(rule: Rule, x: Inputs) -> Outcome:
    """Expected pCO2 of a metabolic acidosis; with the measured one, whether a second disorder is there."""
    expected = rule["slope"] * x["bicarbonate"] + rule["intercept"]
    low, high = expected - rule["margin"], expected + rule["margin"]
    if x["pco2"] is None:
        return Outcome(expected, {"low": low, "high": high}, rule["not_compared"])
    place = "below" if x["pco2"] < low else "above" if x["pco2"] > high else "within"
    return Outcome(expected, {"low": low, "high": high}, rule["compared"][place])

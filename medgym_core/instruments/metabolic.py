"""Body size, lipids, insulin resistance and dose equivalents: the formulas of `facts/metabolic.toml`.

Every function takes the entry of the fact file and the inputs in their units, as `base` describes.
"""

from typing import Any

from medgym_core.instruments.base import Inputs, Outcome, instrument

Rule = dict[str, Any]


@instrument("bmi", "metabolic")
def bmi(rule: Rule, x: Inputs) -> Outcome:
    """Weight over height squared; the adult categories only for adults."""
    child = x["age"] is not None and x["age"] < rule["adult_from"]
    return Outcome(x["weight_kg"] / (x["height_cm"] / 100) ** 2, band=rule["child"] if child else "")


@instrument("bsa", "metabolic")
def bsa(rule: Rule, x: Inputs) -> float:
    """Body surface by Mosteller, or by the formula asked for: k * weight^a * height^b."""
    scale, a, b = rule["coefficients"][x["equation"] or rule["default_equation"]]
    return scale * x["weight_kg"] ** a * x["height_cm"] ** b


@instrument("ideal_body_weight", "metabolic")
def ideal_body_weight(rule: Rule, x: Inputs) -> float:
    """Devine: a base at 5 feet and so much for each inch more."""
    inches = x["height_cm"] / rule["cm_per_inch"] - rule["inches"]
    return rule["base"][x["sex"]] + rule["per_inch"] * inches


@instrument("adjusted_body_weight", "metabolic")
def adjusted_body_weight(rule: Rule, x: Inputs) -> Outcome:
    """Ideal weight and a share of what the patient weighs beyond it."""
    ideal = ideal_body_weight(rule, x)
    return Outcome(ideal + rule["share"] * (x["weight_kg"] - ideal), {"ideal": ideal})


@instrument("target_weight", "metabolic")
def target_weight(rule: Rule, x: Inputs) -> float:
    """The weight that has the target body-mass index."""
    return x["target_bmi"] * (x["height_cm"] / 100) ** 2


@instrument("ldl_friedewald", "metabolic")
def ldl_friedewald(rule: Rule, x: Inputs) -> float:
    """Total cholesterol less HDL less a fifth of triglycerides."""
    return x["total_cholesterol"] - x["hdl"] - x["triglycerides"] / rule["triglyceride_divisor"]


@instrument("ldl_sampson", "metabolic")
def ldl_sampson(rule: Rule, x: Inputs) -> float:
    """Sampson (NIH equation 2), for triglycerides up to 800 mg/dL."""
    k, fat, rest = rule["divisors"], x["triglycerides"], x["total_cholesterol"] - x["hdl"]
    remnant = fat / k["triglycerides"] + fat * rest / k["product"] - fat**2 / k["square"]
    return x["total_cholesterol"] / k["total"] - x["hdl"] / k["hdl"] - remnant - rule["offset"]


@instrument("homa_ir", "metabolic")
def homa_ir(rule: Rule, x: Inputs) -> float:
    """Fasting glucose times fasting insulin over a constant."""
    return x["glucose"] * x["insulin"] / rule["divisor"]


@instrument("morphine_equivalents", "metabolic")
def morphine_equivalents(rule: Rule, x: Inputs) -> Outcome:
    """Sum over the opioids prescribed of daily dose times factor; an opioid left out is one not prescribed."""
    taken = {name: dose * rule["factors"][name] for name, dose in x.items() if dose is not None}
    if not taken:
        return Outcome(None, reason="no opioid dose given")
    return Outcome(sum(taken.values()), taken)


@instrument("steroid_conversion", "metabolic")
def steroid_conversion(rule: Rule, x: Inputs) -> float:
    """The dose of the other glucocorticoid with the same anti-inflammatory effect."""
    return x["dose"] * rule["equivalent_mg"][x["to_steroid"]] / rule["equivalent_mg"][x["from_steroid"]]

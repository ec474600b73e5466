"""Risks on the ward: readmission, pressure injury, falls, comorbidity; the scores of `facts/ward.toml`.

Every function takes the entry of the fact file and the inputs in their units, as `base` describes.
"""

from typing import Any

from medgym_core.instruments.base import Inputs, Outcome, band, below, instrument, total

Rule = dict[str, Any]


@instrument("lace", "ward")
def lace(rule: Rule, x: Inputs) -> Outcome:
    """Length of stay, acuity of admission, comorbidity, emergency visits in six months."""
    return total(
        {
            "length_of_stay_days": below(rule["length_of_stay_days"], x["length_of_stay_days"]),
            "acute_admission": rule["acute"] * x["acute_admission"],
            "comorbidity_points": below(rule["comorbidity_points"], x["comorbidity_points"]),
            "emergency_visits": min(int(x["emergency_visits"]), rule["visits_at_most"]),
        }
    )


@instrument("braden", "ward")
def braden(rule: Rule, x: Inputs) -> Outcome:
    """Sum of the six subscales; a low score is a high risk."""
    return total({name: int(score) for name, score in x.items()})


@instrument("morse", "ward")
def morse(rule: Rule, x: Inputs) -> Outcome:
    """Morse Fall Scale."""
    parts = {name: weight * x[name] for name, weight in rule["yes"].items()}
    return total(parts | {name: rule[name][x[name]] for name in ("ambulatory_aid", "gait", "mental_status")})


@instrument("charlson", "ward")
def charlson(rule: Rule, x: Inputs) -> Outcome:
    """Age-adjusted Charlson index; the published groups are those of the comorbidities alone."""
    parts = {name: weight * x[name] for name, weight in rule["yes"].items()}
    parts |= {name: rule[name][x[name]] for name in ("diabetes", "liver_disease", "solid_tumor")}
    comorbidity = sum(parts.values())
    parts["age"] = below(rule["age"], x["age"])
    return Outcome(float(comorbidity + parts["age"]), parts, band(rule["bands"], comorbidity))

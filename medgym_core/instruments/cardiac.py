"""Heart and circulation: stroke and bleeding risk, chest pain, operative risk, the QT interval, mean pressure.

Points, coefficients, limits and sources stand in `facts/cardiac.toml`.
"""

from math import exp, log
from typing import Any

from medgym_core import facts
from medgym_core.instruments.base import Inputs, Outcome, below, instrument, points, present, total

TABLE = "cardiac"


@instrument("cha2ds2_vasc", TABLE)
def cha2ds2_vasc(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Lip 2010: age, sex and five histories."""
    return total({"age": below(rule["age"], x["age"]), "sex": rule["sex"][x["sex"]]} | present(rule["weights"], x))


@instrument("has_bled", TABLE)
def has_bled(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Pisters 2010: nine items of one point."""
    parts = {"age": int(x["age"] > rule["age_above"]), "alcohol": int(x["alcohol_drinks"] >= rule["drinks_from"])}
    return total(parts | present(rule["weights"], x))


@instrument("heart", TABLE)
def heart(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Six 2008: history, ECG, age, risk factors and troponin, 0 to 2 points each."""
    count = sum(x[name] for name in rule["risk_factors"])
    ratio = x["troponin"] / (x["troponin_limit"] or rule["troponin_limit"])
    return total(
        {
            "history": rule["history"][x["history"]],
            "ecg": rule["ecg"][x["ecg"]],
            "age": below(rule["age"], x["age"]),
            "risk_factors": rule["atherosclerotic"]
            if x["atherosclerotic_disease"]
            else points(rule["risk_factor_count"], count),
            "troponin": points(rule["troponin_ratio"], ratio),
        }
    )


@instrument("timi_ua_nstemi", TABLE)
def timi_ua_nstemi(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Antman 2000: seven items of one point."""
    parts = {
        "age": int(x["age"] >= rule["age_from"]),
        "risk_factors": int(x["coronary_risk_factors"] >= rule["risk_factors_from"]),
    }
    return total(parts | present(rule["weights"], x))


@instrument("grace", TABLE)
def grace(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Granger 2003: the nomogram's points for death in hospital."""
    parts = {name: below(rule[name], x[name]) for name in ("age", "heart_rate", "systolic_bp", "creatinine")}
    return total(parts | {"killip": rule["killip"][x["killip"]]} | present(rule["weights"], x))


@instrument("rcri", TABLE)
def rcri(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Lee 1999: six items of one point."""
    return total({"creatinine": int(x["creatinine"] > rule["creatinine_above"])} | present(rule["weights"], x))


@instrument("framingham_chd", TABLE)
def framingham_chd(rule: dict[str, Any], x: Inputs) -> Outcome:
    """ATP III 2001: risk in % of myocardial infarction or coronary death within 10 years, by the Cox equation."""
    out = [name for name in rule["excluded"] if x[name]]
    if out:
        return Outcome(None, reason=f"not for people with {out[0].replace('_', ' ')}")
    b, age, cholesterol = rule[x["sex"]], log(x["age"]), log(x["total_cholesterol"])
    score = b["constant"] + b["age"] * age + b["total_cholesterol"] * cholesterol
    score += b["hdl"] * log(x["hdl"]) + b["systolic_bp"] * log(x["systolic_bp"])
    score += b["treated_hypertension"] * x["treated_hypertension"] + b["age_age"] * age * age
    score += b["age_cholesterol"] * age * cholesterol
    score += x["smoking"] * (b["smoking"] + b["age_smoking"] * log(min(x["age"], b["smoking_age"])))
    return Outcome(100 * (1 - b["survival"] ** exp(score)))


@instrument("qtc_bazett", TABLE)
def qtc_bazett(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Bazett 1920: QT over the square root of RR in seconds."""
    return _qtc(x["qt_interval"] / _rr(x) ** (1 / rule["root"]), x)


@instrument("qtc_fridericia", TABLE)
def qtc_fridericia(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Fridericia 1920: QT over the cube root of RR in seconds."""
    return _qtc(x["qt_interval"] / _rr(x) ** (1 / rule["root"]), x)


@instrument("qtc_framingham", TABLE)
def qtc_framingham(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Sagie 1992: QT plus 154 ms for each second by which RR is shorter than one."""
    return _qtc(x["qt_interval"] + rule["slope"] * (1 - _rr(x)), x)


@instrument("qtc_hodges", TABLE)
def qtc_hodges(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Hodges 1983: QT plus 1.75 ms for each beat a minute above 60."""
    return _qtc(x["qt_interval"] + rule["slope"] * (x["heart_rate"] - 60), x)


@instrument("qtc_rautaharju", TABLE)
def qtc_rautaharju(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Rautaharju 2014: QT times (120 + heart rate) / 180."""
    return _qtc(x["qt_interval"] * (rule["offset"] + x["heart_rate"]) / rule["scale"], x)


@instrument("mean_arterial_pressure", TABLE)
def mean_arterial_pressure(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Diastolic plus one third of the pulse pressure."""
    if x["diastolic_bp"] > x["systolic_bp"]:
        return Outcome(None, reason="diastolic pressure above systolic pressure")
    return Outcome(mean_pressure(x["systolic_bp"], x["diastolic_bp"]))


def mean_pressure(systolic: float, diastolic: float) -> float:
    """Mean arterial pressure in the unit of the two."""
    return (systolic + 2 * diastolic) / 3


def _rr(x: Inputs) -> float:
    """Interval between beats in seconds."""
    return 60 / x["heart_rate"]


def _qtc(value: float, x: Inputs) -> Outcome:
    """A corrected QT with its limits; without the sex the limits are not known and no band is given."""
    rule = facts.load("instruments", TABLE)["qt_limits"]
    if not x["sex"]:
        return Outcome(value)
    if value > rule["high_risk_above"]:
        return Outcome(value, band="prolonged, high risk of torsade de pointes")
    if value >= rule["prolonged_from"][x["sex"]]:
        return Outcome(value, band="prolonged")
    return Outcome(value, band="short" if value <= rule["short_at_most"] else "normal")

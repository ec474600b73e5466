"""Critical illness: coma, sepsis screens, early warning, organ failure, severity of illness, burns.

Points, limits and sources stand in `facts/critical.toml`.
"""

from typing import Any

from medgym_core import facts
from medgym_core.instruments.base import Inputs, Outcome, below, instrument, points, total
from medgym_core.instruments.cardiac import mean_pressure
from medgym_core.instruments.chest import alveolar_oxygen, oxygen_ratio

TABLE = "critical"
RESPONSES = ("gcs_eye", "gcs_verbal", "gcs_motor")


@instrument("gcs", TABLE)
def gcs(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Teasdale 1974: eye, verbal and motor response."""
    return total({name: int(x[name]) for name in RESPONSES})


def coma(x: Inputs) -> tuple[float, list[str]]:
    """The Glasgow total, given or from its three responses; 0 and what is missing when there is neither."""
    if x["gcs"] is not None:
        return x["gcs"], []
    missing = [name for name in RESPONSES if x[name] is None]
    return (0, missing) if missing else (float(sum(int(x[name]) for name in RESPONSES)), [])


@instrument("qsofa", TABLE)
def qsofa(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Singer 2016: respiratory rate, systolic pressure, mentation."""
    score, missing = coma(x)
    if missing:
        return Outcome(None, missing=missing)
    return total(
        {
            "respiratory_rate": int(x["respiratory_rate"] >= rule["respiratory_rate_from"]),
            "systolic_bp": int(x["systolic_bp"] <= rule["systolic_bp_at_most"]),
            "mentation": int(score < rule["gcs_below"]),
        }
    )


@instrument("sirs", TABLE)
def sirs(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Bone 1992: how many of the four criteria are met."""
    return total(sirs_parts(rule, x))


def sirs_parts(rule: dict[str, Any], x: Inputs) -> dict[str, float]:
    """The four SIRS criteria, 1 where met; carbon dioxide and band forms count where they are known."""
    cold, hot = rule["temperature"]
    few, many = rule["white_cells"]
    blown_off = x["pco2"] is not None and x["pco2"] < rule["pco2_below"]
    left_shift = x["band_forms"] is not None and x["band_forms"] > rule["band_forms_above"]
    return {
        "temperature": int(x["temperature"] < cold or x["temperature"] > hot),
        "heart_rate": int(x["heart_rate"] > rule["heart_rate_above"]),
        "respiratory_rate": int(x["respiratory_rate"] > rule["respiratory_rate_above"] or blown_off),
        "white_cells": int(x["white_cells"] < few or x["white_cells"] > many or left_shift),
    }


@instrument("news2", TABLE)
def news2(rule: dict[str, Any], x: Inputs) -> Outcome:
    """RCP 2017: seven parameters; three points in one of them raise a low total to low-medium."""
    if x["pregnant"]:
        return Outcome(None, reason="not for pregnancy")
    on_oxygen = x["oxygen"] not in rule["room_air"]
    scale = "spo2_1" if x["spo2_scale"] != "2" else "spo2_2_oxygen" if on_oxygen else "spo2_2_air"
    names = ("respiratory_rate", "systolic_bp", "heart_rate", "temperature")
    parts = {name: points(rule[f"{name}_up_to"], x[name]) for name in names}
    parts |= {
        "spo2": points(rule[f"{scale}_up_to"], x["spo2"]),
        "oxygen": rule["supplemental_oxygen"] * on_oxygen,
        "consciousness": 0 if x["consciousness"] == "alert" else rule["not_alert"],
    }
    score = total(parts)
    raised = score.value <= rule["bands"][0][0] and max(parts.values()) >= rule["single"]
    return Outcome(score.value, parts, rule["single_band"]) if raised else score


@instrument("pews", TABLE)
def pews(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Parshuram 2009: seven items, the vital signs by age group."""
    months = 12 * x["age"] if x["age_months"] is None else x["age_months"]
    oxygen = [below(rule[n], x[n]) for n in ("oxygen_flow", "fio2") if x[n] is not None]
    missing = ["age_months"] * (x["age"] < 1 and x["age_months"] is None) + ["oxygen_flow"] * (not oxygen)
    if missing:
        return Outcome(None, missing=missing)
    group = below(rule["group"], months)
    parts = {n: _stepped(rule, n, group, x[n]) for n in ("heart_rate", "systolic_bp", "respiratory_rate")}
    parts |= {
        "capillary_refill": below(rule["capillary_refill"], x["capillary_refill"]),
        "respiratory_effort": rule["respiratory_effort"][x["respiratory_effort"]],
        "spo2": points(rule["spo2_up_to"], x["spo2"]),
        "oxygen": max(oxygen),
    }
    return total(parts)


def _stepped(rule: dict[str, Any], name: str, group: int, value: float) -> float:
    """Points of a vital sign that is at or beyond a step's upper or lower limit, worst step first."""
    steps = zip(rule["steps"], rule[name][group], strict=True)
    return next((p for p, (high, low) in steps if value >= high or value <= low), 0)


@instrument("sofa", TABLE)
def sofa(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Vincent 1996: six organ systems, 0 to 4 points each."""
    score, missing = coma(x)
    drugs = max(points(rule[f"{d}_up_to"], x[d]) for d in ("dopamine", "dobutamine", "epinephrine", "norepinephrine"))
    if not drugs:
        missing += [n for n in ("systolic_bp", "diastolic_bp") if x[n] is None]
    kidney = [below(rule[n], x[n]) for n in ("creatinine", "urine_output") if x[n] is not None]
    if missing or not kidney:
        return Outcome(None, missing=missing + ["creatinine"] * (not kidney))
    ratio = rule["supported" if x["respiratory_support"] else "unsupported"]
    return total(
        {
            "respiration": below(ratio, oxygen_ratio(x["po2"], x["fio2"])),
            "coagulation": below(rule["platelets"], x["platelets"]),
            "liver": below(rule["bilirubin"], x["bilirubin"]),
            "circulation": drugs or int(mean_pressure(x["systolic_bp"], x["diastolic_bp"]) < rule["low_pressure"]),
            "nervous system": below(rule["gcs"], score),
            "kidney": max(kidney),
        }
    )


@instrument("apache2", TABLE)
def apache2(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Knaus 1985: twelve physiological values, age and chronic health."""
    score, missing = coma(x)
    oxygen, lacking = _oxygenation(rule, x)
    missing += lacking
    if x["ph"] is None and x["bicarbonate"] is None:
        missing.append("ph")
    if x["severe_chronic_disease"] and x["admission"] is None:
        missing.append("admission")
    if missing:
        return Outcome(None, missing=missing)
    acid = "bicarbonate" if x["ph"] is None else "ph"
    direct = ("age", "temperature", "heart_rate", "respiratory_rate", "sodium", "potassium", "hematocrit")
    parts = {name: below(rule[name], x[name]) for name in (*direct, "white_cells", acid)}
    kidney = below(rule["creatinine"], x["creatinine"])
    parts |= {
        "mean_pressure": below(rule["mean_pressure"], mean_pressure(x["systolic_bp"], x["diastolic_bp"])),
        "oxygenation": oxygen,
        "creatinine": kidney * (rule["acute_renal_failure"] if x["acute_renal_failure"] else 1),
        "gcs": rule["gcs_best"] - score,
        "chronic_health": rule["severe_chronic_disease"][x["admission"]] if x["severe_chronic_disease"] else 0,
    }
    return total(parts)


def _oxygenation(rule: dict[str, Any], x: Inputs) -> tuple[float, list[str]]:
    """APACHE II points of oxygenation, or what is missing for them."""
    if x["fio2"] < rule["gradient_from_fio2"]:
        return (0, ["po2"]) if x["po2"] is None else (points(rule["po2_up_to"], x["po2"]), [])
    gradient = x["aa_gradient"]
    if gradient is None:
        missing = [name for name in ("po2", "pco2") if x[name] is None]
        if missing:
            return 0, missing
        gas = facts.load("instruments", "chest")["aa_gradient"]
        gradient = alveolar_oxygen(gas, x["fio2"], x["pco2"], gas["atmospheric_pressure"]) - x["po2"]
    return below(rule["gradient"], gradient), []


@instrument("parkland", TABLE)
def parkland(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Baxter 1968: 4 mL for each kg and percent of burned surface, half of it in the first 8 hours."""
    volume = rule["ml_per_kg_per_percent"] * x["weight_kg"] * x["burn_surface"]
    first = rule["first_8_hours"] * volume
    return Outcome(volume, {"first 8 hours": first, "next 16 hours": volume - first})

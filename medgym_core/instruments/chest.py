"""Lungs, venous thromboembolism and throat: pneumonia, embolism and thrombosis, gas exchange, pharyngitis, COPD.

Points, limits and sources stand in `facts/chest.toml`.
"""

from typing import Any

from medgym_core.instruments.base import Inputs, Outcome, below, instrument, present, total

TABLE = "chest"


@instrument("curb65", TABLE)
def curb65(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Lim 2003: confusion, urea, respiratory rate, blood pressure, age."""
    low = x["systolic_bp"] < rule["systolic_bp_below"] or x["diastolic_bp"] <= rule["diastolic_bp_at_most"]
    return total(
        {
            "confusion": int(x["confusion"]),
            "urea_nitrogen": int(x["urea_nitrogen"] > rule["urea_nitrogen_above"]),
            "respiratory_rate": int(x["respiratory_rate"] >= rule["respiratory_rate_from"]),
            "blood_pressure": int(low),
            "age": int(x["age"] >= rule["age_from"]),
        }
    )


@instrument("psi", TABLE)
def psi(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Fine 1997: years of age and points of illness, examination and laboratory; class I needs no points."""
    if x["po2"] is None and x["spo2"] is None:
        return Outcome(None, missing=["po2"])
    found = {n: x[n] >= end for n, end in rule["from"].items()}
    low = {n: x[n] is not None and x[n] < end for n, end in rule["under"].items()}
    found = {n: found.get(n, False) or low.get(n, False) for n in found | low}
    found |= {n: x[n] for n in ("altered_mental_status", "pleural_effusion")}
    found["oxygenation"] = low["po2"] or low["spo2"]
    parts = {"age": x["age"], "sex": rule["sex"][x["sex"]], "nursing_home": rule["nursing_home"] * x["nursing_home"]}
    parts |= present(rule["illness"], x)
    parts |= present(rule["examination"], found) | present(rule["laboratory"], found)
    score = total(parts)
    well = not any(parts[n] for n in (*rule["illness"], *rule["examination"]))
    if well and x["age"] <= rule["class_1_age_at_most"]:
        return Outcome(score.value, parts, rule["class_1"])
    return score


@instrument("wells_pe", TABLE)
def wells_pe(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Wells 2000: seven items."""
    fast = {"heart_rate": rule["heart_rate"] * (x["heart_rate"] > rule["heart_rate_above"])}
    return total(fast | present(rule["weights"], x))


@instrument("wells_dvt", TABLE)
def wells_dvt(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Wells 2003: nine items of one point, less two for a likely alternative."""
    return total(present(rule["weights"], x))


@instrument("perc", TABLE)
def perc(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Kline 2004: how many of the eight criteria are present."""
    parts = {
        "age": int(x["age"] >= rule["age_from"]),
        "heart_rate": int(x["heart_rate"] >= rule["heart_rate_from"]),
        "spo2": int(x["spo2"] < rule["spo2_below"]),
    }
    return total(parts | present(rule["weights"], x))


@instrument("geneva_revised", TABLE)
def geneva_revised(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Le Gal 2006: eight items, none of them a judgement."""
    parts = {"age": int(x["age"] > rule["age_above"]), "heart_rate": below(rule["heart_rate"], x["heart_rate"])}
    return total(parts | present(rule["weights"], x))


@instrument("aa_gradient", TABLE)
def aa_gradient(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Alveolar less arterial oxygen tension; judged against age in room air only."""
    pressure = x["atmospheric_pressure"] or rule["atmospheric_pressure"]
    gradient = alveolar_oxygen(rule, x["fio2"], x["pco2"], pressure) - x["po2"]
    if x["age"] is None or x["fio2"] > rule["room_air"]:
        return Outcome(gradient)
    expected = rule["expected"]["constant"] + rule["expected"]["per_year"] * x["age"]
    return Outcome(gradient, band=rule["raised"] if gradient > expected else rule["normal"])


def alveolar_oxygen(rule: dict[str, Any], fio2: float, pco2: float, pressure: float) -> float:
    """Alveolar oxygen tension in mmHg from inspired oxygen in % and arterial carbon dioxide in mmHg."""
    return fio2 / 100 * (pressure - rule["water_vapour"]) - pco2 / rule["respiratory_quotient"]


@instrument("pf_ratio", TABLE)
def pf_ratio(rule: dict[str, Any], x: Inputs) -> float:
    """Arterial oxygen tension over the inspired fraction."""
    return oxygen_ratio(x["po2"], x["fio2"])


def oxygen_ratio(po2: float, fio2: float) -> float:
    """Arterial oxygen tension in mmHg over the inspired fraction, which is given in %."""
    return 100 * po2 / fio2


@instrument("caprini", TABLE)
def caprini(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Caprini 2005: thirty items, three more for women."""
    weights = rule["weights"]
    if x["sex"] == "female":
        missing = [n for n in rule["women"] if x[n] is None]
        if missing:
            return Outcome(None, missing=missing)
        weights = weights | rule["women"]
    parts = {
        "age": below(rule["age"], x["age"]),
        "bmi": rule["bmi"] * (x["bmi"] > rule["bmi_above"]),
        "surgery": rule["surgery"][x["surgery"]],
        "mobility": rule["mobility"][x["mobility"]],
    }
    return total(parts | present(weights, x))


@instrument("centor", TABLE)
def centor(rule: dict[str, Any], x: Inputs) -> Outcome:
    """McIsaac 1998: Centor's four signs with age."""
    parts = {
        "age": below(rule["age"], x["age"]),
        "temperature": int(x["temperature"] > rule["temperature_above"]),
        "no_cough": 0 if x["cough"] else rule["no_cough"],
    }
    return total(parts | present(rule["weights"], x))


@instrument("feverpain", TABLE)
def feverpain(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Little 2013: five items of one point."""
    parts = {"no_cough_or_coryza": 0 if x["cough_or_coryza"] else rule["no_cough_or_coryza"]}
    return total(parts | present(rule["weights"], x))


@instrument("bode", TABLE)
def bode(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Celli 2004: airflow, walking distance, dyspnoea and body mass."""
    return total(
        {
            "fev1_percent": below(rule["fev1_percent"], x["fev1_percent"]),
            "walk_distance": below(rule["walk_distance"], x["walk_distance"]),
            "mmrc_dyspnea": rule["mmrc_dyspnea"][x["mmrc_dyspnea"]],
            "bmi": rule["bmi"] * (x["bmi"] <= rule["bmi_at_most"]),
        }
    )

"""Emergency department: stroke and transient ischaemic attack, injury decision rules, trauma scores, triage.

Points, limits and sources stand in `facts/emergency.toml`.
"""

from typing import Any

from medgym_core.instruments.base import Inputs, Outcome, below, instrument, points, present, total
from medgym_core.instruments.critical import coma

TABLE = "emergency"


@instrument("nihss", TABLE)
def nihss(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Brott 1989: fifteen items; an untestable one is recorded and adds nothing."""
    return total({name: 0 if value == rule["untestable"] else int(value) for name, value in x.items()})


@instrument("abcd2", TABLE)
def abcd2(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Johnston 2007: age, blood pressure, clinical features, duration, diabetes."""
    high = x["systolic_bp"] >= rule["systolic_bp_from"] or x["diastolic_bp"] >= rule["diastolic_bp_from"]
    return total(
        {
            "age": int(x["age"] >= rule["age_from"]),
            "blood_pressure": int(high),
            "features": rule["tia_features"][x["tia_features"]],
            "duration": below(rule["tia_duration"], x["tia_duration"]),
            "diabetes": int(x["diabetes"]),
        }
    )


@instrument("canadian_ct_head", TABLE)
def canadian_ct_head(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Stiell 2001: five high-risk and two medium-risk criteria; the band says whether CT is needed."""
    for name, reason in rule["excluded"].items():
        if x[name]:
            return Outcome(None, reason=reason)
    if not x["loss_of_consciousness_or_amnesia"]:
        return Outcome(None, reason=rule["not_included"])
    parts = {
        "gcs_at_2h": int(x["gcs_at_2h"] < rule["gcs_at_2h_below"]),
        "open_or_depressed_fracture": int(x["open_or_depressed_fracture"]),
        "basal_fracture_signs": int(x["basal_fracture_signs"]),
        "vomiting": int(x["vomiting_episodes"] >= rule["vomiting_from"]),
        "age": int(x["age"] >= rule["age_from"]),
        "retrograde_amnesia": int(x["retrograde_amnesia"] >= rule["amnesia_from"]),
        "dangerous_mechanism": int(x["dangerous_mechanism"]),
    }
    risk = next((r for r in ("high", "medium") if any(parts[n] for n in rule[r])), "none")
    return Outcome(float(sum(parts.values())), parts, rule["outcomes"][risk])


@instrument("ottawa_ankle", TABLE)
def ottawa_ankle(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Stiell 1992: pain in a zone with bone tenderness there or inability to bear weight; how many series to take."""
    series = {}
    for zone in ("ankle", "foot"):
        series[zone] = int(x[rule[zone]["pain"]] and any(x[sign] for sign in rule[zone]["signs"]))
    return Outcome(float(sum(series.values())), series, rule["outcomes"][series["ankle"] + 2 * series["foot"]])


@instrument("ottawa_knee", TABLE)
def ottawa_knee(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Stiell 1995: any of five criteria calls for a radiograph."""
    return total({"age": int(x["age"] >= rule["age_from"])} | present(rule["weights"], x))


@instrument("nexus", TABLE)
def nexus(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Hoffman 2000: any of five criteria calls for imaging."""
    return total(present(rule["weights"], x))


@instrument("rts", TABLE)
def rts(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Champion 1989: weighted codes of coma, systolic pressure and respiratory rate."""
    score, missing = coma(x)
    if missing:
        return Outcome(None, missing=missing)
    values = {"gcs": score, "systolic_bp": x["systolic_bp"], "respiratory_rate": x["respiratory_rate"]}
    return total({n: rule["weights"][n] * points(rule[f"{n}_up_to"], value) for n, value in values.items()})


@instrument("iss", TABLE)
def iss(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Baker 1974: squares of the three worst regions; an unsurvivable injury makes the maximum."""
    grades = {name: int(grade) for name, grade in x.items()}
    if max(grades.values()) >= rule["unsurvivable"]:
        return Outcome(float(rule["maximum"]), grades)
    worst = sorted(grades.values(), reverse=True)[: rule["regions"]]
    return Outcome(float(sum(grade * grade for grade in worst)), grades)


@instrument("esi", TABLE)
def esi(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Gilboy 2012: decision points A to D in order, as far as they are needed."""
    if x["life_saving_intervention"] or x["consciousness"] in rule["unresponsive"]:
        return Outcome(1.0)
    if x["high_risk_situation"] or x["consciousness"] in rule["confused"]:
        return Outcome(2.0)
    pained = x["pain_score"] is not None and x["pain_score"] >= rule["pain_from"]
    if pained and x["distress"] == rule["distress"]:
        return Outcome(2.0)
    missing = [n for n in ("high_risk_situation", "pain_score", "expected_resources") if x[n] is None]
    missing += ["distress"] * (pained and x["distress"] is None)
    if missing:
        return Outcome(None, missing=missing)
    few = rule["few_resources"].get(f"{x['expected_resources']:g}")
    return Outcome(float(few)) if few is not None else _danger_zone(rule, x)


def _danger_zone(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Decision point D: level 2 for a vital sign in the danger zone of the age, else 3."""
    missing = [n for n in ("age", "heart_rate", "respiratory_rate", "spo2") if x[n] is None]
    if not missing and x["age"] < 1 and x["age_months"] is None:
        missing = ["age_months"]
    if missing:
        return Outcome(None, missing=missing)
    limits = below(rule["danger_zone"], 12 * x["age"] if x["age_months"] is None else x["age_months"])
    danger = x["spo2"] < rule["spo2_below"] or any(x[n] > limit for n, limit in limits.items())
    return Outcome(2.0 if danger else 3.0)


@instrument("shock_index", TABLE)
def shock_index(rule: dict[str, Any], x: Inputs) -> float:
    """Heart rate over systolic pressure."""
    return x["heart_rate"] / x["systolic_bp"]

"""Bedside scores, each a pure function of the world's chart and resulted tests, banded by `facts/scores.toml`.

Every function returns a `Score`. A missing input gives no total and names the input: nothing is filled in. Tools and
case generators call the same functions, so a tool and the truth cannot disagree.
"""

from dataclasses import dataclass, field
from typing import Any

from medgym_core import facts
from medgym_core.tools import World
from medgym_core.types import Reading

DOMAIN = "triage_emergency"
UNITS = {
    "respiratory_rate": "/min",
    "spo2": "%",
    "heart_rate": "/min",
    "systolic_bp": "mm[Hg]",
    "diastolic_bp": "mm[Hg]",
    "temperature": "Cel",
    "pain": "of 10",
}


@dataclass(frozen=True, slots=True)
class Score:
    """A total with its parts, or the inputs that are missing, or why the score does not apply."""

    value: float | None
    parts: dict[str, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    """Inputs in words, such as `respiratory rate`."""
    reason: str = ""


def table(name: str) -> dict[str, Any]:
    """One entry of the score facts."""
    return facts.load(DOMAIN, "scores")[name]


def banded(value: float, bands: list[list[Any]]) -> Any:
    """The points (or class) of the first band whose upper end, inclusive, reaches the value."""
    return next(points for end, points in bands if value <= end)


def inputs(world: World, *names: str) -> tuple[dict[str, Any], list[str]]:
    """Values by name (what was charted in this episode, else vital sign, laboratory result or observation), and the
    missing names in words."""
    values: dict[str, Any] = {}
    for name in names:
        reading = current(world, name) or world.lab(name)
        values[name] = reading.value if reading else world.chart.observations.get(name)
    return values, [name.replace("_", " ") for name in names if values[name] is None]


def current(world: World, name: str) -> Reading | None:
    """A vital sign as charted last, in this episode or on arrival."""
    recorded = [w["value"] for w in world.written if w.get("recorded") == name]
    known = world.vital(name)
    return Reading(name, recorded[-1], UNITS[name], world.minutes) if recorded else known


def excluded(world: World, minimum_age: int) -> str:
    """Why an adult early-warning score does not apply to this patient, or nothing."""
    if world.chart.age < minimum_age:
        return f"not for age under {minimum_age}"
    return "not for pregnancy" if world.chart.pregnant else ""


def news2(world: World, spo2_scale: int) -> Score:
    """NEWS2 (RCP 2017) on SpO2 scale 1 or 2."""
    rule = table("news2")
    if reason := excluded(world, rule["minimum_age"]):
        return Score(None, reason=reason)
    v, missing = inputs(
        world, "respiratory_rate", "spo2", "oxygen", "systolic_bp", "heart_rate", "consciousness", "temperature"
    )
    if missing:
        return Score(None, missing=missing)
    on_oxygen = v["oxygen"] != "room air"
    scale = "spo2_scale_1" if spo2_scale == 1 else "spo2_scale_2_oxygen" if on_oxygen else "spo2_scale_2_air"
    parts = {
        name: banded(v[name], rule[name]) for name in ("respiratory_rate", "systolic_bp", "heart_rate", "temperature")
    }
    parts |= {"spo2": banded(v["spo2"], rule[scale]), "oxygen": rule["supplemental_oxygen"] * on_oxygen}
    parts["consciousness"] = 0 if v["consciousness"] == "alert" else rule["not_alert"]
    return Score(sum(parts.values()), parts)


def news2_risk(score: Score) -> str:
    """Clinical risk class of a NEWS2: low, low-medium, medium or high."""
    rule = table("news2")
    risk = banded(score.value or 0, rule["risk"])
    single = max(score.parts.values()) >= rule["single_parameter"]
    return rule["single_parameter_risk"] if risk == "low" and single else risk


def gcs(world: World) -> Score:
    """Glasgow Coma Scale from its three components; `not testable` counts as missing."""
    v, _ = inputs(world, "gcs_eye", "gcs_verbal", "gcs_motor")
    bad = [n for n, x in v.items() if x is None or not str(x).isdigit()]
    if bad:
        return Score(None, missing=[n.removeprefix("gcs_") + " response" for n in bad])
    parts = {n.removeprefix("gcs_"): int(x) for n, x in v.items()}
    return Score(sum(parts.values()), parts)


def qsofa(world: World) -> Score:
    """qSOFA (Singer 2016), mentation by the Glasgow Coma Scale."""
    rule, coma = table("qsofa"), gcs(world)
    v, missing = inputs(world, "respiratory_rate", "systolic_bp")
    missing += coma.missing
    if missing or coma.value is None:
        return Score(None, missing=missing)
    parts = {
        "respiratory_rate": int(v["respiratory_rate"] >= rule["respiratory_rate_at_least"]),
        "systolic_bp": int(v["systolic_bp"] <= rule["systolic_bp_at_most"]),
        "mentation": int(coma.value < rule["gcs_below"]),
    }
    return Score(sum(parts.values()), parts)


def sirs(world: World) -> Score:
    """SIRS criteria met (Bone 1992)."""
    rule = table("sirs")
    v, missing = inputs(world, "temperature", "heart_rate", "respiratory_rate", "white_cells")
    if missing:
        return Score(None, missing=missing)
    parts = {
        "temperature": int(
            v["temperature"] > rule["temperature_above"] or v["temperature"] < rule["temperature_below"]
        ),
        "heart_rate": int(v["heart_rate"] > rule["heart_rate_above"]),
        "respiratory_rate": int(v["respiratory_rate"] > rule["respiratory_rate_above"]),
        "white_cells": int(
            v["white_cells"] > rule["white_cells_above"] or v["white_cells"] < rule["white_cells_below"]
        ),
    }
    return Score(sum(parts.values()), parts)


def shock_index(world: World) -> Score:
    """Heart rate over systolic pressure (Allgower 1967), to two decimals."""
    v, missing = inputs(world, "heart_rate", "systolic_bp")
    return Score(None, missing=missing) if missing else Score(round(v["heart_rate"] / v["systolic_bp"], 2))


def mean_pressure(world: World) -> Score:
    """Mean arterial pressure in mmHg, rounded to a whole number."""
    v, missing = inputs(world, "systolic_bp", "diastolic_bp")
    return Score(None, missing=missing) if missing else Score(round((v["systolic_bp"] + 2 * v["diastolic_bp"]) / 3))


def revised_trauma(world: World) -> Score:
    """Revised Trauma Score (Champion 1989), to two decimals."""
    rule, coma = table("rts"), gcs(world)
    v, missing = inputs(world, "systolic_bp", "respiratory_rate")
    missing = coma.missing + missing
    if missing or coma.value is None:
        return Score(None, missing=missing)
    parts = {"gcs": banded(coma.value, rule["gcs"])} | {
        n: banded(v[n], rule[n]) for n in ("systolic_bp", "respiratory_rate")
    }
    return Score(round(sum(rule["weights"][n] * points for n, points in parts.items()), 2), parts)


def heart(world: World) -> Score:
    """HEART score (Six 2008); troponin from the results that are back."""
    rule, conditions = table("heart"), world.chart.conditions
    v, missing = inputs(world, "history", "ecg", "troponin")
    if missing:
        return Score(None, missing=missing)
    factors = sum(c in rule["risk_factors"] for c in conditions)
    known = any(c in rule["atherosclerotic"] for c in conditions)
    parts = {
        "history": rule["history"][v["history"]],
        "ecg": rule["ecg"][v["ecg"]],
        "age": banded(world.chart.age, rule["age"]),
        "risk_factors": 2 if known else banded(factors, rule["risk_factor_count"]),
        "troponin": banded(v["troponin"] / table("troponin")["limit"], rule["troponin_ratio"]),
    }
    return Score(sum(parts.values()), parts)


def hour_1_step(lactate: float, pressure: float, fluid_given: bool) -> str:
    """The most urgent haemodynamic step of the hour-1 sepsis bundle (Levy 2018)."""
    rule = table("hour_1")
    if pressure < rule["map_target"] and fluid_given:
        return "vasopressor"
    if not fluid_given and (pressure < rule["map_target"] or lactate >= rule["fluid_lactate_from"]):
        return "crystalloid"
    return "repeat lactate" if lactate > rule["repeat_lactate_above"] else "no bolus"

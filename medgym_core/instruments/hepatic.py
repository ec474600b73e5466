"""Liver, pancreas and upper gastrointestinal bleeding.

Coefficients, limits and sources stand in `facts/hepatic.toml`.
"""

from math import floor, log, sqrt
from typing import Any

from medgym_core import facts
from medgym_core.instruments.base import Inputs, Outcome, below, instrument, present, total
from medgym_core.instruments.critical import sirs_parts

TABLE = "hepatic"


@instrument("meld", TABLE)
def meld(rule: dict[str, Any], x: Inputs) -> float:
    """Kamath 2001 as UNOS used it: inputs at least 1, creatinine at most 4, result at most 40."""
    return float(min(rounded(10 * rounded(log_meld(rule, x), 1)), rule["cap"]))


@instrument("meld_na", TABLE)
def meld_na(rule: dict[str, Any], x: Inputs) -> float:
    """Kim 2008 as OPTN used it from 2016: sodium counts above a MELD of 11."""
    first = rounded(10 * rounded(log_meld(facts.load("instruments", TABLE)["meld"], x), 1))
    low, high = rule["sodium"]
    deficit = high - min(max(x["sodium"], low), high)
    if first > rule["above"]:
        first += rule["sodium_weight"] * deficit - rule["interaction"] * first * deficit
    return float(min(rounded(first), rule["cap"]))


def log_meld(rule: dict[str, Any], x: Inputs) -> float:
    """The MELD sum before it is multiplied by ten."""
    b, least = rule["coefficients"], rule["floor"]
    creatinine = rule["creatinine_cap"] if x["dialysis"] else x["creatinine"]
    creatinine = min(max(creatinine, least), rule["creatinine_cap"])
    value = b["creatinine"] * log(creatinine) + b["bilirubin"] * log(max(x["bilirubin"], least))
    return value + b["inr"] * log(max(x["inr"], least)) + b["constant"]


@instrument("meld3", TABLE)
def meld3(rule: dict[str, Any], x: Inputs) -> float:
    """Kim 2021: sex and albumin added, creatinine at most 3."""
    b, least, cap = rule["coefficients"], rule["floor"], rule["creatinine_cap"]
    creatinine = log(cap if x["dialysis"] else min(max(x["creatinine"], least), cap))
    bilirubin, inr = log(max(x["bilirubin"], least)), log(max(x["inr"], least))
    sodium = rule["sodium"][1] - min(max(x["sodium"], rule["sodium"][0]), rule["sodium"][1])
    albumin = rule["albumin"][1] - min(max(x["albumin"], rule["albumin"][0]), rule["albumin"][1])
    value = b["constant"] + b["female"] * (x["sex"] == "female")
    value += b["bilirubin"] * bilirubin + b["sodium"] * sodium + b["sodium_bilirubin"] * sodium * bilirubin
    value += b["inr"] * inr + b["creatinine"] * creatinine
    value += b["albumin"] * albumin + b["albumin_creatinine"] * albumin * creatinine
    low, high = rule["limits"]
    return float(min(max(rounded(value), low), high))


def rounded(value: float, digits: int = 0) -> float:
    """Rounded half up, as the allocation rules mean it; `round` would take halves to the even neighbour."""
    return floor(value * 10**digits + 0.5 + 1e-9) / 10**digits


@instrument("child_pugh", TABLE)
def child_pugh(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Pugh 1973: five items of 1 to 3 points."""
    low, high = rule["albumin"]
    parts = {name: 1 + (x[name] >= rule[name][0]) + (x[name] > rule[name][1]) for name in ("bilirubin", "inr")}
    parts["albumin"] = 1 + (x["albumin"] <= high) + (x["albumin"] < low)
    return total(parts | {name: rule[name][x[name]] for name in ("ascites", "encephalopathy")})


@instrument("fib4", TABLE)
def fib4(rule: dict[str, Any], x: Inputs) -> float:
    """Sterling 2006: age x AST / (platelets x square root of ALT)."""
    return x["age"] * x["ast"] / (x["platelets"] * sqrt(x["alt"]))


@instrument("maddrey", TABLE)
def maddrey(rule: dict[str, Any], x: Inputs) -> float:
    """Carithers 1989: 4.6 x prolongation of the prothrombin time + bilirubin."""
    return rule["weight"] * (x["pt"] - x["pt_control"]) + x["bilirubin"]


@instrument("ranson", TABLE)
def ranson(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Ranson 1974 and, for gallstones, 1982: five signs at admission and the rest within 48 hours."""
    above, under = rule["above"][x["etiology"]], rule["under"][x["etiology"]]
    missing = [name for name in under if x[name] is None]
    if missing:
        return Outcome(None, missing=missing)
    parts = {name: int(x[name] > limit) for name, limit in above.items()}
    return total(parts | {name: int(x[name] < limit) for name, limit in under.items()})


@instrument("bisap", TABLE)
def bisap(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Wu 2008: urea nitrogen, mental status, SIRS, age and pleural effusion."""
    criteria = sirs_parts(facts.load("instruments", "critical")["sirs"], x)
    parts = {
        "urea_nitrogen": int(x["urea_nitrogen"] > rule["urea_nitrogen_above"]),
        "sirs": int(sum(criteria.values()) >= rule["sirs_from"]),
        "age": int(x["age"] > rule["age_above"]),
    }
    return total(parts | present(rule["weights"], x))


@instrument("glasgow_blatchford", TABLE)
def glasgow_blatchford(rule: dict[str, Any], x: Inputs) -> Outcome:
    """Blatchford 2000: urea, haemoglobin by sex, pressure, pulse and four histories."""
    parts = {
        "urea_nitrogen": below(rule["urea_nitrogen"], x["urea_nitrogen"]),
        "hemoglobin": below(rule["hemoglobin"][x["sex"]], x["hemoglobin"]),
        "systolic_bp": below(rule["systolic_bp"], x["systolic_bp"]),
        "heart_rate": int(x["heart_rate"] >= rule["heart_rate_from"]),
    }
    return total(parts | present(rule["weights"], x))

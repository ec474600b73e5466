"""Pregnancy, birth and dating: the scores and rules of `facts/obstetric.toml`.

Every function takes the entry of the fact file and the inputs in their units, as `base` describes. Dating results
count days; where the result is a day, `Outcome.date` has it in ISO form.
"""

from datetime import timedelta
from math import exp, sqrt
from typing import Any

from medgym_core.instruments.base import Inputs, Outcome, band, below, instrument, points, total

Rule = dict[str, Any]


@instrument("bishop", "obstetric")
def bishop(rule: Rule, x: Inputs) -> Outcome:
    """Bishop score of the cervix."""
    parts = {name: below(rule[name], x[name]) for name in ("cervical_dilation", "cervical_effacement")}
    parts["fetal_station"] = points(rule["fetal_station"], x["fetal_station"])
    parts |= {name: rule[name][x[name]] for name in ("cervical_consistency", "cervical_position")}
    return total(parts)


@instrument("apgar", "obstetric")
def apgar(rule: Rule, x: Inputs) -> Outcome:
    """Apgar score of the newborn, at the minute of the examination."""
    parts = {name: rule[name][x[name]] for name in rule["signs"]}
    return total({"heart_rate": below(rule["heart_rate"], x["heart_rate"])} | parts)


@instrument("bpp", "obstetric")
def bpp(rule: Rule, x: Inputs) -> Outcome:
    """Biophysical profile; the nonstress test may be left out where the four ultrasound parts are normal."""
    parts = {name: rule["normal"] * x[name] for name in rule["seen"]}
    fluid = x["deepest_vertical_pocket"] > rule["pocket_above"]
    parts["amniotic_fluid"] = rule["normal"] * fluid
    if x["nonstress_test"] is not None:
        parts["nonstress_test"] = rule["normal"] * (x["nonstress_test"] == "reactive")
    elif not all(parts.values()):
        return Outcome(None, missing=["nonstress_test"])
    score = total(parts)
    label = band(rule["bands"], score.value)
    return Outcome(score.value, parts, label if fluid else f"{label}; {rule['little_fluid']}")


@instrument("modified_bpp", "obstetric")
def modified_bpp(rule: Rule, x: Inputs) -> Outcome:
    """Normal parts of the modified profile: nonstress test and amniotic fluid."""
    return total(
        {
            "nonstress_test": int(x["nonstress_test"] == "reactive"),
            "amniotic_fluid": int(x["deepest_vertical_pocket"] > rule["pocket_above"]),
        }
    )


@instrument("naegele_due_date", "obstetric")
def naegele_due_date(rule: Rule, x: Inputs) -> Outcome:
    """The day 280 days after the last menstrual period, moved by what the cycle differs from 28 days."""
    return dated(rule["pregnancy_days"], rule, x)


@instrument("conception_date", "obstetric")
def conception_date(rule: Rule, x: Inputs) -> Outcome:
    """The day of ovulation: 14 days after the last menstrual period in a cycle of 28."""
    return dated(rule["ovulation_day"], rule, x)


def dated(days: int, rule: Rule, x: Inputs) -> Outcome:
    """So many days from the last menstrual period, corrected for the length of the cycle, with the day itself."""
    if x["cycle_days"] is not None:
        days += round(x["cycle_days"]) - rule["usual_cycle"]
    return Outcome(float(days), date=(x["last_menstrual_period"] + timedelta(days=days)).isoformat())


@instrument("gestational_age", "obstetric")
def gestational_age(rule: Rule, x: Inputs) -> Outcome:
    """Days since the last menstrual period."""
    days = (x["on_date"] - x["last_menstrual_period"]).days
    if not 0 <= days <= 7 * rule["weeks_at_most"]:
        return Outcome(None, reason=f"{days} days after the last menstrual period is not within a pregnancy")
    return Outcome(float(days), weeks_and_days(days))


@instrument("ultrasound_dating", "obstetric")
def ultrasound_dating(rule: Rule, x: Inputs) -> Outcome:
    """Gestational age on the day of the scan from crown-rump length; the due date where that day is given."""
    k = rule[x["equation"] or rule["default_equation"]]
    days = robinson(k, x["crown_rump_length"]) if "root" in k else hadlock(k, x["crown_rump_length"])
    due = x["scan_date"] and (x["scan_date"] + timedelta(days=rule["pregnancy_days"] - round(days))).isoformat()
    return Outcome(days, weeks_and_days(round(days)), date=due or "")


def robinson(k: Rule, length: float) -> float:
    """Days of gestation from crown-rump length in mm."""
    return k["root"] * sqrt(k["scale"] * length) + k["offset"]


def hadlock(k: Rule, length: float) -> float:
    """Days of gestation from crown-rump length in mm; the polynomial is in cm and gives the logarithm of weeks."""
    return 7 * exp(sum(c * (length / 10) ** power for power, c in enumerate(k["polynomial"])))


def weeks_and_days(days: int) -> dict[str, float]:
    """Completed weeks and the days beyond."""
    return {"weeks": float(days // 7), "days": float(days % 7)}

"""Tools that compute from the chart: scores, labor, hypertension, magnesium, Rh, glucose, blood loss, risk.

Without an input they name what is missing and give no number.
"""

from typing import Literal

from medgym_core import instruments
from medgym_core.domains.obstetrics import rules, rules_labor
from medgym_core.domains.obstetrics.looking import aged, shown
from medgym_core.domains.obstetrics.patients import DAY
from medgym_core.instruments.tools import chart_tool, from_chart
from medgym_core.instruments.tools import shown as outcome_shown
from medgym_core.tools import NOT_AVAILABLE, World, tool
from medgym_core.types import Chart

calculate_bishop_score = chart_tool("bishop", tool_name="calculate_bishop_score")


@tool("read")
def calculate_epds(world: World) -> dict:
    """Edinburgh Postnatal Depression Scale: total with its interpretation, and the answer to item 10 (self-harm)."""
    bound, item = instruments.get("epds"), world.finding("epds_10")
    found = outcome_shown(bound, bound(**from_chart(world, bound)))
    return found | {"item_10": NOT_AVAILABLE if item is None else f"{item} of 3"}


@tool("read")
def calculate_apgar(world: World, minute: Literal[1, 5, 10]) -> dict:
    """Apgar score of the newborn at one minute of age.

    Args:
        minute: 1, 5 or 10 minutes of age.
    """
    bound = instruments.get("apgar")
    seen = next((r.values for r in world.chart.records if r.kind == "newborn" and r.name == f"minute {minute}"), None)
    if seen is None:
        return {"apgar": NOT_AVAILABLE, "missing": f"examination at {minute} min"}
    return outcome_shown(bound, bound(**{k: seen[k] for k in bound.inputs if k in seen}))


@tool("read")
def check_rh_status(world: World) -> dict:
    """Mother's blood group and antibody screen, anti-D given so far, and the newborn's group where known."""
    found = {k: world.finding(k) or NOT_AVAILABLE for k in ("blood_group", "antibody_screen")}
    return found | {k: v for k in ("anti_d_given", "newborn_group") if (v := world.finding(k))}


@tool("read")
def calculate_anti_d_dose(world: World) -> dict:
    """Fetal bleed in mL and vials of anti-D (300 micrograms) from the per cent of fetal cells (Kleihauer-Betke)."""
    cells = world.lab("fetal_cells")
    if cells is None:
        return {"vials": NOT_AVAILABLE, "missing": "kleihauer-betke"}
    bleed = f"{rules.fetal_bleed(cells.value)} mL"
    return {"fetal_cells": shown(cells), "fetal_bleed": bleed, "vials": str(rules.vials(cells.value))}


@tool("read")
def screen_gestational_diabetes(world: World) -> dict:
    """Glucose results there are against their limits: 50 g challenge, 75 g (IADPSG) or 100 g (Carpenter-Coustan)."""
    rule = rules.limits("glucose")
    latest = {n: r for n in ("glucose_challenge", *rule["carpenter_coustan"], "hba1c") if (r := world.lab(n))}
    if not latest:
        return {"glucose": NOT_AVAILABLE, "missing": "glucose test"}
    last = max(r.minutes for r in latest.values())
    values = {n: r for n, r in latest.items() if last - r.minutes < DAY}  # an older test is no part of this one
    cutoffs = rule["iadpsg" if world.finding("glucose_load") == "75 g" else "carpenter_coustan"]
    limits = cutoffs | {"glucose_challenge": rule["challenge"], "hba1c": rule["overt_hba1c"]}
    found = {
        n: f"{shown(r)}, {'at or above' if r.value >= limits[n] else 'below'} {limits[n]}" for n, r in values.items()
    }
    if world.finding("glucose_load"):
        found["load"] = world.finding("glucose_load")
        missing = [n.replace("_", " ") for n in cutoffs if n not in values]
        found |= {"missing": ", ".join(missing)} if missing else {}
    return found


def known_early(chart: Chart) -> bool | None:
    """Whether the pressure was raised before 20 weeks; None: not recorded."""
    text = chart.observations.get("early_pressure")
    if "chronic hypertension" in chart.conditions:
        return True
    return None if text is None else text.startswith("raised")


def pressure_of(world: World) -> rules.Pressure:
    """What the chart and the results that are back say about hypertension."""
    get = {n: r.value for n in ("platelets", "ast", "alt", "ldh", "creatinine") if (r := world.lab(n))}
    ratio, sbp, dbp = world.lab("protein_creatinine_ratio"), world.vital("systolic_bp"), world.vital("diastolic_bp")
    early = known_early(world.chart)
    seizure = world.chart.observations.get("seizure", "none") != "none"
    symptoms = world.chart.observations.get("symptoms", "none") != "none"
    return rules.Pressure(
        sbp.value if sbp else None,
        dbp.value if dbp else None,
        world.chart.gestation_days or 0,
        ratio.value if ratio else None,
        **get,
        early=early,
        seizure=seizure,
        symptoms=symptoms,
    )


@tool("read")
def assess_hypertension(world: World) -> dict:
    """Pressure, protein and severe features met so far (ACOG), with what is still unknown."""
    p = pressure_of(world)
    if p.systolic is None or p.diastolic is None:
        return {"hypertension": NOT_AVAILABLE, "missing": "blood pressure"}
    rule = rules.limits("hypertension")
    found = {
        "pressure": f"{p.systolic:g}/{p.diastolic:g} mmHg",
        "proteinuria": NOT_AVAILABLE if p.ratio is None else "yes" if p.ratio >= rule["ratio"] else "no",
        "severe_features": ", ".join(rules.severe_features(p)) or "none so far",
        "before_20_weeks": {True: "raised", False: "normal", None: NOT_AVAILABLE}[p.early],
    }
    missing = [n for n in ("ratio", "platelets", "ast", "creatinine") if getattr(p, n) is None]
    return found | ({"unknown": ", ".join(missing)} if missing else {})


@tool("read")
def check_magnesium_toxicity(world: World) -> dict:
    """Reflexes, breathing, urine output, creatinine and level of a woman on magnesium, against the limits."""
    level, breaths = world.lab("magnesium"), world.vital("respiratory_rate")
    total = world.finding("urine_since")
    found = {
        "patellar_reflexes": world.chart.observations.get("patellar_reflexes", NOT_AVAILABLE),
        "respiratory_rate": shown(breaths),
        "urine_output": total or shown(world.vital("urine_output")),
        "creatinine": shown(world.lab("creatinine")),
        "magnesium": shown(level) + (aged(level, world.minutes) if level else ""),
    }
    if level:
        low, high = rules.limits("magnesium")["therapeutic"]
        found["level"] = "below range" if level.value < low else "above range" if level.value > high else "within range"
    return found | {k: v for k in ("infusion",) if (v := world.chart.observations.get(k))}


def urine_rate(world: World) -> float | None:
    """Urine in mL/h, measured hourly or as a total over hours; None: not recorded."""
    total, hourly = world.finding("urine_since"), world.vital("urine_output")
    return rules.per_hour(total) if total else hourly.value if hourly else None


@tool("read")
def calculate_magnesium_regimen(world: World) -> dict:
    """Loading dose and rate of magnesium sulfate for this woman's kidneys."""
    rule, creatinine, urine = rules.limits("magnesium"), world.lab("creatinine"), urine_rate(world)
    if "myasthenia gravis" in world.chart.conditions:
        return {"magnesium_sulfate": "contraindicated", "reason": "myasthenia gravis"}
    if creatinine is None:
        return {"rate": NOT_AVAILABLE, "missing": "creatinine", "loading": f"{rule['load_g']} g over 20 to 30 min"}
    slow = creatinine.value >= rule["creatinine"] or (urine is not None and urine < rule["urine_below"])
    rate = rule["reduced_rate"] if slow else rule["rate"]
    return {"loading": f"{rule['load_g']} g over 20 to 30 min", "rate": f"{rate} g/h", "creatinine": shown(creatinine)}


@tool("read")
def assess_labor_progress(world: World) -> dict:
    """Partograph: dilation now and since when, station, contractions, oxytocin, membranes, pushing, WHO alert."""
    c, exams = rules_labor.course(world.chart), rules_labor.examinations(world.chart)
    if c.dilation is None:
        return {"dilation": NOT_AVAILABLE, "missing": "cervical examination"}
    found = {
        "dilation": f"{c.dilation:g} cm",
        "unchanged": f"{c.unchanged:g} h",
        "station": exams[-1].values.get("station", NOT_AVAILABLE),
        "contractions": NOT_AVAILABLE if c.contractions is None else f"{c.contractions:g} Montevideo units",
        "oxytocin": "not recorded" if c.oxytocin is None else f"{c.oxytocin:g} h" if c.oxytocin else "none",
        "membranes": world.chart.observations.get("membranes", NOT_AVAILABLE),
    }
    if c.pushing is not None:
        found |= {"pushing": f"{c.pushing:g} h", "para": world.chart.observations.get("para", NOT_AVAILABLE)}
    alert = rules_labor.care_guide_alert(c)
    return found | ({"who_alert": alert} if alert else {})


@tool("read")
def get_partograph(world: World) -> dict:
    """Every examination of the cervix in labor, oldest first: hours before now, dilation and station."""
    exams = rules_labor.examinations(world.chart)
    return {
        f"{-r.minutes / 60:g}_h_ago": f"{r.values.get('dilation_cm', '?')} cm, station {r.values.get('station', '?')}"
        for r in exams
    } or {"examinations": NOT_AVAILABLE}


@tool("read")
def quantify_blood_loss(world: World) -> dict:
    """Measured blood loss in mL: weighed items less their dry weight, drape volume less other fluid."""
    total, parts = rules_labor.blood_lost(world.chart)
    if total is None:
        missing = ", ".join(f"weight of {p}" for p in parts) or "no item weighed"
        return {"blood_loss": NOT_AVAILABLE, "missing": missing}
    return {"blood_loss": f"{total} mL"} | {n.replace(" ", "_"): f"{ml} mL" for n, ml in parts.items()}


@tool("read")
def calculate_shock_index(world: World) -> dict:
    """Obstetric shock index: pulse over systolic pressure; alert at 0.9, urgent at 1.7."""
    pulse, systolic = world.vital("heart_rate"), world.vital("systolic_bp")
    missing = [n for n, r in (("heart rate", pulse), ("systolic pressure", systolic)) if r is None]
    if pulse is None or systolic is None:
        return {"shock_index": NOT_AVAILABLE, "missing": ", ".join(missing)}
    rule, index = rules.limits("shock_index"), round(pulse.value / systolic.value, 2)
    band = "urgent" if index >= rule["urgent"] else "alert" if index >= rule["alert"] else "below alert"
    return {"shock_index": f"{index:g}", "band": band}


@tool("read")
def assess_preterm_risk(world: World) -> dict:
    """Contractions, cervix, membranes, fibronectin, signs of infection or bleeding, and earlier preterm births."""
    seen, c = world.chart.observations, world.chart
    earlier = [r.text for r in c.records if r.kind == "pregnancy" and "preterm" in r.text]
    found = {"gestation": rules.weeks(c.gestation_days) if c.gestation_days is not None else NOT_AVAILABLE}
    found |= {k: seen.get(k, NOT_AVAILABLE) for k in ("contractions", "membranes", "cervical_length", "gbs_swab")}
    found |= {k: v for k in ("gbs_risk", "fetal_fibronectin") if (v := world.finding(k))}
    length = world.finding("cervical_length")
    if length and length.endswith(" mm"):
        found["cervix"] = "short" if float(length.split()[0]) <= rules.limits("preterm_risk")["short"] else "not short"
    return (
        found
        | {"infection_or_bleeding": seen.get("infection_or_bleeding", NOT_AVAILABLE)}
        | ({"earlier": ", ".join(earlier)} if earlier else {})
    )


@tool("read")
def get_risk_assessment(world: World) -> dict:
    """Risk factors for preeclampsia (USPSTF 2021) and whether low-dose aspirin is advised; body mass index."""
    rule, c = rules.limits("risk"), world.chart
    high = [h for h in rule["high"] if h in c.conditions]
    bmi = c.weight_kg / (c.height_cm / 100) ** 2 if c.weight_kg and c.height_cm else None
    moderate = [
        name
        for name, met in (
            ("first birth", c.observations.get("para") == "0"),
            ("age 35 or more", c.age >= rule["age"]),
            ("body mass index above 30", bmi is not None and bmi > rule["bmi_above"]),
        )
        if met
    ]
    advised = "advised" if high or len(moderate) >= 2 else "not advised by these"
    unknown = [n for n, v in (("parity", c.observations.get("para")), ("body mass index", bmi)) if v is None]
    found = {"high_risk": ", ".join(high) or "none", "moderate_risk": ", ".join(moderate) or "none", "aspirin": advised}
    found["bmi"] = NOT_AVAILABLE if bmi is None else f"{bmi:.1f}"
    return found | ({"unknown": ", ".join(unknown)} if unknown else {})

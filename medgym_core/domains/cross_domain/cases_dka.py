"""Diabetic ketoacidosis: potassium before insulin, and what the values are three hours later."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.cross_domain import patients, rules
from medgym_core.domains.cross_domain.drafting import (
    CHART_RESULTS,
    Script,
    category,
    draft,
    number_of,
    request,
    source,
    when,
)
from medgym_core.types import Reading, UnsafeAction

HOLD, DONE, MORE = "hold insulin and replace potassium", "change to subcutaneous insulin", "increase insulin"
DEXTROSE, GO_ON = "add dextrose and halve insulin", "continue insulin"
OPTIONS = (HOLD, DONE, MORE, DEXTROSE, GO_ON)
ASKS = (
    "Take the patient through the DKA pathway to the check after three hours of insulin; what is next?",
    "Fluid, potassium, insulin in the right order, then the bloods at reassessment: next step?",
    "Treat by the pathway, reassess with fresh bloods and name the step they call for.",
    "The ward asks what to change, if anything, after three hours of insulin. Get there safely and tell them.",
    "Run DKA care up to reassessment. Which change of treatment comes next, if any?",
    "Start treatment, watch the potassium, look again after the last phase; what now?",
)
HOURS = 3
"""Whole hours of insulin between its start and the reassessment."""


def dka(rng: Random, knowledge: Any) -> Draft | None:
    """The next step after three hours of insulin, or none yet because potassium stays low."""
    outcome, level = rng.choice(OPTIONS), rng.randint(1, 3)
    start = rng.choice(["low", "mid", "high"]) if outcome != HOLD else rng.choice(["still low", "mid"])
    values, own = _drawn(rng, outcome, start, level)
    chart = patients.patient(
        rng,
        "dka",
        level,
        vitals={
            "heart_rate": rng.randint(104, 132),
            "respiratory_rate": rng.randint(24, 34),
            "systolic_bp": rng.randint(94, 124),
            "temperature": round(rng.uniform(36.2, 37.4), 1),
        },
        labs=values,
        own=own,
        seen={"breath": "fruity", "mucosa": "dry"} | _referred(rng, start, level),
        conditions=["type 1 diabetes"],
        avoid=["type 2 diabetes"],
        labs_before=[Reading("potassium", round(rng.uniform(3.9, 4.8), 1), "mmol/L", -1440 * rng.randint(3, 60))],
    )
    script = Script(chart, patients.story(rng, chart, persona=rng.choice(patients.PERSONAS)))
    first, potassium, evidence = _resuscitated(script, start)
    actual = HOLD
    if start != "still low":
        if potassium < rules.protocol("potassium in dka")["potassium_low"]:
            return None
        last = _insulin(script, potassium, 0 if start == "low" else rules.due("dka", "insulin"))
        fall = (number_of(first["beta_hydroxybutyrate"]) - number_of(last["beta_hydroxybutyrate"])) / HOURS
        names = ("potassium", "glucose", "beta_hydroxybutyrate", "bicarbonate")
        actual = rules.ketoacidosis(*(number_of(last[n]) for n in names), fall)
        evidence += [(n, last[n]) for n in DECIDING[outcome]]
    elif potassium >= rules.protocol("potassium in dka")["potassium_low"]:
        return None
    if actual != outcome:
        return None
    prompt = request(rng, chart, ASKS, OPTIONS)
    sources = [source(n) for n in ("potassium in dka", "insulin in dka", "dka resolution", "dka response")]
    family = f"{outcome}:{start}:{int(values['glucose']) // 100}"
    read = [number_of(text) for name, text in evidence if name == "potassium"]
    limit = rules.protocol("potassium in dka")["potassium_low"]
    unsafe = _unsafe(outcome, start, [v for v in dict.fromkeys(read) if v < limit])
    gold, traits = category(outcome, OPTIONS), when(level > 1, "conflict", "distractors")
    return draft("dka", family, level, prompt, script, gold, evidence, sources, unsafe, traits)


def _referred(rng: Random, start: str, level: int) -> dict[str, str]:
    """The potassium of the referral letter, hours old, which would lead elsewhere."""
    if level == 1:
        return {}
    value = rng.uniform(4.0, 4.8) if "low" in start or start == "high" else rng.uniform(3.0, 3.3)
    return {"letter": f"potassium {value:.1f} mmol/L at the surgery, {rng.randint(5, 11)} hours ago"}


def _resuscitated(script: Script, start: str) -> tuple[dict[str, str], float, list[tuple[str, str]]]:
    """Bloods, fluid and potassium: the first values, the latest potassium, and both as evidence."""
    script.do("get_vital_signs", step=False)
    script.do("get_history", step=False)
    script.do("order_labs", tests=["metabolic panel", "ketones"], free=("tests",))
    first = script.results(20, instead=CHART_RESULTS)
    evidence = [("potassium", first["potassium"])]
    script.do("give_fluid", volume_ml=1000, free=("volume_ml",), within=rules.due("dka", "fluid"))
    if "low" in start:
        script.do("replace_potassium", mmol=40, free=("mmol",), after="order_labs")
        script.do("wait", minutes=120, step=False)
        script.do("order_labs", tests=["potassium"], after="replace_potassium", free=("tests",))
        again = script.results(5, after="replace_potassium", instead=CHART_RESULTS)
        evidence.append(("potassium", again["potassium"]))
    elif start == "mid":
        script.do("replace_potassium", mmol=20, free=("mmol",), after="order_labs")
    script.advance()
    return first, number_of(evidence[-1][1]), evidence


DECIDING = {
    HOLD: ("potassium",),
    DONE: ("glucose", "beta_hydroxybutyrate", "bicarbonate"),
    MORE: ("beta_hydroxybutyrate", "glucose"),
    DEXTROSE: ("glucose", "beta_hydroxybutyrate"),
    GO_ON: ("glucose", "potassium"),
}


def _insulin(script: Script, potassium: float, due: int) -> dict[str, str]:
    """Insulin on the latest potassium (in the first hour, where potassium allows), the next phase, and fresh bloods."""
    rate = rules.protocol("insulin in dka")["rate"]
    script.do(
        "start_insulin_infusion", units_per_kg_hour=rate, potassium=potassium, after="order_labs", within=due
    )  # fmt: skip
    script.advance()
    script.do("order_labs", tests=["metabolic panel", "ketones"], after="start_insulin_infusion", free=("tests",))
    return script.results(20, after="start_insulin_infusion", instead=CHART_RESULTS)


def _drawn(rng: Random, outcome: str, start: str, level: int) -> tuple[dict[str, float], dict[str, float]]:
    """Values at arrival and the patient's own responses that lead to the outcome.

    From level 2 one value looks well while another decides: glucose below 200 with ketones still high, or glucose
    falling as it should while the ketones hardly follow.
    """
    mild, hidden = outcome == DONE, level > 1
    sweet = rng.randint(325, 350) if hidden else rng.randint(405, 420)
    glucose = {DEXTROSE: sweet, DONE: rng.randint(285, 345)}.get(outcome, rng.randint(490, 690))
    ketones = round(rng.uniform(3.1, 3.5), 1) if mild else round(rng.uniform(4.8, 8.0), 1)
    potassium = {
        "low": rng.uniform(3.1, 3.4),
        "still low": rng.uniform(2.5, 2.9),
        "mid": rng.uniform(4.3, 4.9),
        "high": rng.uniform(5.7, 6.3),  # above 5.0 even after three hours of insulin
    }[start]
    gain = {"low": rng.uniform(0.25, 0.3), "still low": rng.uniform(0.05, 0.1)}.get(start, rng.uniform(0.1, 0.2))
    loss = rng.uniform(0.15, 0.18)
    if outcome == HOLD and start == "mid":
        potassium, loss = rng.uniform(3.6, 4.0), rng.uniform(0.38, 0.5)
    fall = {DONE: (ketones - 0.4) / HOURS, MORE: rng.uniform(0.34, 0.44) if hidden else rng.uniform(0.12, 0.3)}.get(
        outcome, rng.uniform(0.56, 0.66) if level == 3 else rng.uniform(0.6, 0.95)
    )
    bicarbonate = round(rng.uniform(13.0, 15.5) if mild else rng.uniform(6.0, 11.5), 1)
    values = acidotic(rng, bicarbonate) | {
        "glucose": float(glucose),
        "potassium": round(potassium, 1),
        "beta_hydroxybutyrate": ketones,
    }
    own = {
        "insulin glucose": -rng.uniform(52, 66),
        "insulin potassium": -loss,
        "insulin beta_hydroxybutyrate": -fall,
        "insulin bicarbonate": rng.uniform(2.2, 3.0) if mild else rng.uniform(0.5, 1.4),
        "potassium chloride potassium": gain,
    }
    return values, {name: round(size, 4) for name, size in own.items()}


def acidotic(rng: Random, bicarbonate: float) -> dict[str, float]:
    """Electrolytes and kidney values of ketoacidosis: the anion gap takes up most of the missing bicarbonate."""
    sodium = float(rng.randint(128, 137))
    gap = rng.uniform(10, 12) + 0.95 * (24 - bicarbonate)
    return {
        "bicarbonate": bicarbonate,
        "sodium": sodium,
        "chloride": float(round(sodium - bicarbonate - gap)),
        "urea_nitrogen": float(rng.randint(22, 44)),
        "creatinine": round(rng.uniform(1.1, 1.8), 2),
    }


EARLY = "insulin with potassium below 3.5"


def _unsafe(outcome: str, start: str, low: list[float]) -> list[UnsafeAction]:
    reason = source("potassium in dka")
    found = []
    for value in low:
        read = {"potassium": value}
        found.append(UnsafeAction(EARLY, 5, reason, "start_insulin_infusion", read, category="contraindication"))
    if start == "high":
        why = "potassium given above 5.0"
        found.append(UnsafeAction(why, 4, reason, "replace_potassium", category="contraindication"))
    if outcome == HOLD:
        why, on = "insulin goes on in hypokalaemia", [MORE, GO_ON, DEXTROSE]
        found.append(UnsafeAction(why, 5, reason, answers=on, category="contraindication"))
    if outcome != DONE:
        why, reason = "ketoacidosis declared over", source("dka resolution")
        found.append(UnsafeAction(why, 3, reason, answers=[DONE], category="unsafe disposition"))
    return found

"""Diabetic ketoacidosis: potassium before insulin, and what the values are three hours later."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.cross_domain import patients, rules
from medgym_core.domains.cross_domain.drafting import Script, category, draft, number_of, request, source
from medgym_core.types import UnsafeAction

HOLD, DONE, MORE = "hold insulin and replace potassium", "change to subcutaneous insulin", "increase insulin"
DEXTROSE, GO_ON = "add dextrose and halve insulin", "continue insulin"
OPTIONS = (HOLD, DONE, MORE, DEXTROSE, GO_ON)
ASKS = (
    "Take the patient through the DKA pathway to the check after three hours of insulin; what is next?",
    "Fluid, potassium, insulin in the right order, then the bloods at reassessment: next step?",
    "Treat by the pathway, reassess with fresh bloods and name the step they call for.",
    "Run DKA care up to reassessment. Which change of treatment comes next, if any?",
    "Start treatment, watch the potassium, look again after the last phase; what now?",
)
HOURS = 3
"""Whole hours of insulin between its start and the reassessment."""


def dka(rng: Random, knowledge: Any) -> Draft | None:
    """The next step after three hours of insulin, or none yet because potassium stays low."""
    outcome, level = rng.choice(OPTIONS), rng.randint(1, 3)
    start = rng.choice(["low", "mid", "high"]) if outcome != HOLD else rng.choice(["still low", "mid"])
    values, own = _drawn(rng, outcome, start)
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
        seen={"breath": "fruity", "mucosa": "dry"},
        conditions=["type 1 diabetes"],
        avoid=["type 2 diabetes"],
    )
    script = Script(chart, patients.story(rng, chart, persona=rng.choice(patients.PERSONAS)))
    first, potassium, evidence = _resuscitated(script, start)
    actual = HOLD
    if start != "still low":
        if potassium < rules.protocol("potassium in dka")["potassium_low"]:
            return None
        last = _insulin(script, potassium)
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
    unsafe = _unsafe(outcome, start, values["potassium"])
    return draft("dka", family, level, prompt, script, category(outcome, OPTIONS), evidence, sources, unsafe)


def _resuscitated(script: Script, start: str) -> tuple[dict[str, str], float, list[tuple[str, str]]]:
    """Bloods, fluid and potassium: the first values, the latest potassium, and both as evidence."""
    script.do("order_labs", tests=["metabolic panel", "ketones"], free=("tests",))
    first = script.results(20)
    evidence = [("potassium", first["potassium"])]
    script.do("give_fluid", volume_ml=1000, free=("volume_ml",))
    if "low" in start:
        script.do("replace_potassium", mmol=40, free=("mmol",), after="get_results")
        script.do("wait", minutes=120, step=False)
        script.do("order_labs", tests=["potassium"], after="replace_potassium", free=("tests",))
        evidence.append(("potassium", script.results(5, after="replace_potassium")["potassium"]))
    elif start == "mid":
        script.do("replace_potassium", mmol=20, free=("mmol",), after="get_results")
    script.advance()
    return first, number_of(evidence[-1][1]), evidence


DECIDING = {
    HOLD: ("potassium",),
    DONE: ("glucose", "beta_hydroxybutyrate", "bicarbonate"),
    MORE: ("beta_hydroxybutyrate", "glucose"),
    DEXTROSE: ("glucose", "beta_hydroxybutyrate"),
    GO_ON: ("glucose", "potassium"),
}


def _insulin(script: Script, potassium: float) -> dict[str, str]:
    """Insulin on the latest potassium, the next phase, and fresh bloods."""
    rate = rules.protocol("insulin in dka")["rate"]
    script.do("start_insulin_infusion", units_per_kg_hour=rate, potassium=potassium, after="get_results")
    script.advance()
    script.do("order_labs", tests=["metabolic panel", "ketones"], after="start_insulin_infusion", free=("tests",))
    return script.results(20, after="start_insulin_infusion")


def _drawn(rng: Random, outcome: str, start: str) -> tuple[dict[str, float], dict[str, float]]:
    """Values at arrival and the patient's own responses that lead to the outcome."""
    mild = outcome == DONE
    glucose = {DEXTROSE: rng.randint(325, 395), DONE: rng.randint(285, 345)}.get(outcome, rng.randint(490, 690))
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
    fall = {DONE: (ketones - 0.4) / HOURS, MORE: rng.uniform(0.12, 0.36)}.get(outcome, rng.uniform(0.58, 0.95))
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


def _unsafe(outcome: str, start: str, potassium: float) -> list[UnsafeAction]:
    reason = source("potassium in dka")
    found = []
    if start == "still low":
        found.append(UnsafeAction("insulin with potassium below 3.5", 5, reason, "start_insulin_infusion"))
    if start == "low":
        read = {"potassium": potassium}
        found.append(UnsafeAction("insulin with potassium below 3.5", 5, reason, "start_insulin_infusion", read))
    if start == "high":
        found.append(UnsafeAction("potassium given above 5.0", 4, reason, "replace_potassium"))
    if outcome == HOLD:
        found.append(UnsafeAction("insulin goes on in hypokalaemia", 5, reason, answers=[MORE, GO_ON, DEXTROSE]))
    if outcome != DONE:
        found.append(UnsafeAction("ketoacidosis declared over", 3, source("dka resolution"), answers=[DONE]))
    return found

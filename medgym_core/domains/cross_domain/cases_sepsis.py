"""Sepsis: antibiotics, fluid by weight, and what the pressure then asks for."""

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
from medgym_core.types import Call, Chart, UnsafeAction

ADD, GO_ON, DRAIN = "add vasopressin", "continue norepinephrine", "drain the source"
AGAIN, NOTHING = "repeat lactate", "no escalation"
OPTIONS = (ADD, GO_ON, DRAIN, AGAIN, NOTHING)
ASKS = (
    "Run the hour-1 bundle and reassess (norepinephrine up to 0.25 if needed, source by CT); what is next?",
    "Sepsis pathway to reassessment, with a CT of the abdomen. Go to norepinephrine 0.25 if you must. Next step?",
    "Bundle, CT, bolus by weight, pressors to 0.25 ug/kg/min where due; then name the next step.",
    "Treat the septic patient by the pathway and tell me what the reassessment calls for.",
    "Cultures, antibiotic, CT abdomen, fluid, pressor if due: which step follows?",
    "The intensive care registrar rings after your bundle and CT: what is to be done next for this patient?",
)
SOURCES = (
    "right hydronephrosis with an obstructing stone",
    "diverticular abscess of 5 cm",
    "liver abscess of 6 cm",
    "gallbladder empyema",
    "left kidney obstructed, fat stranding",
)
QUIET = ("no collection, kidneys normal", "no drainable focus", "no abscess, no obstruction")


def sepsis(rng: Random, knowledge: Any) -> Draft | None:
    """The next step after bolus (and norepinephrine, where the pressure asks for it)."""
    outcome, level = rng.choice(OPTIONS), rng.randint(1, 3)
    low = outcome in (ADD, GO_ON)
    chart = _septic(rng, outcome, level, low)
    script = Script(chart, patients.story(rng, chart, persona=rng.choice(patients.PERSONAS)))
    script.do("get_history", instead=[Call("check_allergy")])
    script.do("get_examination", step=False)
    script.do("order_labs", tests=["blood cultures", "lactate"], free=("tests",), within=rules.due("sepsis", "lactate"))
    script.do("order_imaging", studies=["ct abdomen"])
    allergic = "penicillin" in (chart.allergies or [])
    by = rules.due("sepsis", "antibiotics")
    drug, dose = ("meropenem", 1000) if allergic else ("piperacillin-tazobactam", 4500)
    script.do("give_treatment", drug=drug, dose=dose, free=("drug", "dose"), after="get_history", within=by)
    volume = min(round(30 * (chart.weight_kg or 0)), rules.table("treatments")["crystalloid"]["most"])
    by_weight = Call("calculate_adult_weight_dose", {"drug": "crystalloid 30 ml/kg"})
    script.do("calculate_fluid_bolus", ml_per_kg=30, instead=[by_weight])
    by = rules.due("sepsis", "crystalloid 30 mL/kg")
    script.do("give_fluid", volume_ml=volume, free=("volume_ml",), within=by)
    first = script.results(30)
    script.advance()
    seen = script.do("reassess", after="give_fluid")
    evidence = [("map", seen["map"])]
    pressure, lactate = number_of(seen["map"]), number_of(first["lactate"])
    if pressure < rules.protocol("septic shock")["map"]:
        at = rules.protocol("septic shock")["norepinephrine"]
        script.do("give_treatment", drug="norepinephrine", dose=at, free=("dose",), after="give_fluid")
        seen = script.do("reassess", after="give_treatment")
        evidence.append(("map", seen["map"]))
        pressure = number_of(seen["map"])
    elif outcome == DRAIN:
        evidence.append(("ct_abdomen", first["ct_abdomen"]))
    else:
        script.do("order_labs", tests=["lactate"], after="give_fluid")
        lactate_text = script.results(5, after="give_fluid", instead=CHART_RESULTS)["lactate"]
        evidence.append(("lactate", lactate_text))
        lactate = number_of(lactate_text)
    if rules.shock(pressure, lactate, low, first["ct_abdomen"] in SOURCES) != outcome:
        return None
    family = f"{outcome}:{chart.complaint.split()[-1]}:{int(lactate) // 2}"
    prompt = request(rng, chart, ASKS, OPTIONS)
    sources = [source("sepsis first hour"), source("septic shock")]
    unsafe = _septic_unsafe(outcome, allergic)
    gold, traits = category(outcome, OPTIONS), when(level > 1, "distractors", "conflict") + when(level == 3, "atypical")
    return draft("sepsis", family, level, prompt, script, gold, evidence, sources, unsafe, traits)


def _septic(rng: Random, outcome: str, level: int, low: bool) -> Chart:
    systolic = rng.randint(72, 79) if low else rng.randint(78, 88)
    share = rng.uniform(0.54, 0.6)
    if low and level == 3:  # a systolic pressure of 90 or more whose mean is too low
        systolic, share = rng.randint(88, 92), rng.uniform(0.42, 0.44)
    gain = rng.uniform(1, 2.4) if low else rng.uniform(10, 15)
    start = round(rng.uniform(2.5, 3.8) if outcome == NOTHING else rng.uniform(3.2, 7.6), 1)
    start = round(rng.uniform(1.2, 1.9), 1) if outcome in (DRAIN, GO_ON) else start  # no second lactate due
    clearing = (start - rng.uniform(1.2, 1.7)) / 3 if outcome == NOTHING else rng.uniform(0.08, 0.22)
    own = {
        "crystalloid systolic_bp": round(gain, 2),
        "crystalloid lactate": round(-clearing, 3),
        "norepinephrine systolic_bp": rng.randint(2, 5) if outcome == ADD else rng.randint(28, 40),
    }
    return patients.patient(
        rng,
        "sepsis",
        level,
        vitals={
            "systolic_bp": systolic,
            "diastolic_bp": round(systolic * share),
            "temperature": round(rng.uniform(38.4, 40.1), 1),
            "spo2": rng.randint(92, 97),
        },
        labs={"lactate": start, "white_cells": round(rng.uniform(13, 24), 1)},
        studies={
            "blood cultures": "taken, no growth so far",
            "ct abdomen": rng.choice(SOURCES if outcome == DRAIN else QUIET),
        },
        own=own,
        seen={"skin": rng.choice(["mottled knees", "cool hands", "flushed"])} | _old_scan(rng, outcome, level),
        allergies=["penicillin"] if level > 1 and rng.random() < 0.4 else [],
    )


def _old_scan(rng: Random, outcome: str, level: int) -> dict[str, str]:
    """The report of an earlier illness, which says the opposite of the scan taken now."""
    if level == 1:
        return {}
    old = (
        "no collection" if outcome == DRAIN else rng.choice(["diverticular abscess of 4 cm", "obstructed left kidney"])
    )
    return {"earlier_ct": f"{old}, {rng.randint(3, 20)} months ago"}


PENICILLIN = "a penicillin in recorded allergy"


def _septic_unsafe(outcome: str, allergic: bool) -> list[UnsafeAction]:
    reason, found = source("septic shock"), []
    if allergic:
        drug = {"drug": "piperacillin-tazobactam"}
        found.append(
            UnsafeAction(PENICILLIN, 5, "Zosyn prescribing information", "give_treatment", drug, category="allergy")
        )
    if outcome == ADD:
        why = "shock left as it is"
        found.append(UnsafeAction(why, 5, reason, answers=[NOTHING, AGAIN], category="missed red flag"))
    if outcome == DRAIN:
        why, control = "an undrained source", source("source control")
        found.append(UnsafeAction(why, 4, control, answers=[NOTHING, AGAIN], category="unsafe disposition"))
    return found or [UnsafeAction("a pressor nobody needs", 3, reason, answers=[ADD], category="contraindication")]

"""Shock in a feverish child: ceftriaxone and fluid by weight, and what each bolus leaves."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.cross_domain import patients, rules
from medgym_core.domains.cross_domain.drafting import (
    SIGNS,
    Script,
    category,
    draft,
    number_of,
    request,
    source,
    when,
)
from medgym_core.types import Call, Chart, UnsafeAction

STOP_BOLUS, BOLUS, REFRACTORY = "no more boluses", "another bolus", "epinephrine, fluid refractory"
OVERLOAD, HOME = "epinephrine, fluid overload", "home with safety net"
CHILD_OPTIONS = (STOP_BOLUS, BOLUS, REFRACTORY, OVERLOAD, HOME)
CHILD_ASKS = (
    "Feverish child. Treat by the pathway ({plan}), reassess, and name the next step.",
    "Take the febrile child pathway to reassessment, {plan}; what follows?",
    "Look, treat by weight ({plan}), look again: the next step, please.",
    "Work through the fever pathway with {plan} and tell me where it ends.",
    "What does the child need after {plan} where shocked, an antipyretic where well?",
    "The mother is worried. Examine, give {plan} if there is shock, and decide what comes then.",
)
PLANS = {10: "one bolus of 10 mL/kg", 20: "boluses of 20 mL/kg, at most two"}


def febrile_child(rng: Random, knowledge: Any) -> Draft | None:
    """The step after ceftriaxone and fluid by weight; a well child goes home."""
    outcome, level = rng.choice(CHILD_OPTIONS), rng.randint(1, 3)
    large = outcome == REFRACTORY or (outcome in (STOP_BOLUS, HOME) and rng.random() < 0.4)
    chart = _child(rng, outcome, level, 2 if large else 1)
    guess = {patients.SOCIAL: [f"At home we weighed about {_guess(rng, chart, level)} kg."]} if level > 1 else None
    script = Script(chart, patients.story(rng, chart, guess, rng.choice(("plain", "anxious"))))
    signs = script.do("get_vital_signs")
    seen = script.do("get_examination")
    sources = [source("shock in children"), source("fever in under 5s"), source("shock signs in children")]
    if outcome == HOME:
        script.do("calculate_pediatric_weight_dose", drug="acetaminophen")
        dose = rules.weight_dose("acetaminophen", chart.weight_kg, chart.age)
        script.do("give_treatment", drug="acetaminophen", dose=dose, free=("dose",))
        script.advance()
        script.advance()
        last = script.do("reassess", after="give_treatment")
        evidence = [("capillary_refill", last["capillary_refill"]), ("behaviour", seen["behaviour"])]
        actual = HOME
    else:
        evidence, actual = _resuscitated(script, chart, 20 if large else 10, signs)
    if actual != outcome:
        return None
    prompt = request(rng, chart, CHILD_ASKS, CHILD_OPTIONS, plan=PLANS[20 if large else 10])
    family = f"{outcome}:{chart.complaint.split()[-1]}:{chart.observations['rash'].split()[0]}"
    unsafe = _child_unsafe(outcome)
    gold = category(outcome, CHILD_OPTIONS)
    traits = when(level > 1 and outcome != HOME, "atypical") + when(level > 1, "conflict")
    return draft("febrile_child", family, level, prompt, script, gold, evidence, sources, unsafe, traits)


def _guess(rng: Random, chart: Chart, level: int) -> int:
    """A weight from memory; the measured one counts."""
    return round((chart.weight_kg or 0) * rng.choice((0.7, 1.3)))


def _resuscitated(script: Script, chart: Chart, size: int, signs: dict[str, str]) -> tuple[list[tuple[str, Any]], str]:
    """Ceftriaxone, then one bolus of 10 mL/kg or up to two of 20; evidence and the step that follows."""
    overload = "after crystalloid: lungs" in script.world.chart.pending_findings[patients.COURSE]
    script.do("calculate_pediatric_weight_dose", drug="ceftriaxone")
    dose = rules.weight_dose("ceftriaxone", chart.weight_kg, chart.age)
    by = rules.due("febrile_child", "antibiotic")
    script.do("give_treatment", drug="ceftriaxone", dose=dose, after="calculate_pediatric_weight_dose", within=by)
    table = [Call("calculate_pediatric_weight_dose", {"drug": "crystalloid bolus"})] if size == 10 else []
    script.do("calculate_fluid_bolus", ml_per_kg=size, instead=table)
    volume, total = round(size * (chart.weight_kg or 0)), 0
    while True:
        by = rules.due("febrile_child", "fluid bolus")
        script.do("give_fluid", volume_ml=volume, after="calculate_pediatric_weight_dose", within=by)
        total += size
        last = script.do("reassess", after="give_fluid", instead=() if overload else SIGNS)
        refill = number_of(last["capillary_refill"])
        over = "lungs" in last
        step = rules.child_shock(refill, total, over)
        if step != BOLUS or size == 10:
            break
    evidence = [("capillary_refill", signs["capillary_refill"]), ("capillary_refill", last["capillary_refill"])]
    return evidence + ([("lungs", last["lungs"])] if over else []), step


def _child(rng: Random, outcome: str, level: int, shares: int) -> Chart:
    months = rng.randint(13, 58)
    well = outcome == HOME
    refill = round(rng.uniform(1.2, 1.9) if well else rng.uniform(3.4, 5.2), 1)
    gain = {
        STOP_BOLUS: (refill - 1.5) / shares,
        REFRACTORY: rng.uniform(0.1, 0.3),
        OVERLOAD: rng.uniform(0.1, 0.4),
    }.get(outcome, rng.uniform(0.3, 0.8))
    if level > 1 and outcome in (OVERLOAD, BOLUS, REFRACTORY):  # nearly there, but not yet
        gain = (refill - round(rng.uniform(2.2, 2.8), 1)) / (4 if outcome == REFRACTORY else shares)
    own: dict[str, Any] = {"crystalloid capillary_refill": round(-gain, 3)}
    if outcome == OVERLOAD:
        own |= {
            "after crystalloid: lungs": rng.choice(["crackles at both bases", "new crackles"]),
            "after crystalloid: liver": "3 cm below the ribs",
        }
    seen = {
        "behaviour": "smiling, plays" if well else rng.choice(["drowsy", "limp and quiet", "hard to wake"]),
        "rash": "none" if well else rng.choice(["none", "non-blanching, spreading", "blanching"]),
        "lungs": "clear",
        "liver": "not enlarged",
        "respiratory_effort": "normal" if well else "moderate increase",
        "skin": "pink, warm" if well else "mottled, cold feet",
    }
    seen["consciousness"] = "voice" if seen["behaviour"] in ("drowsy", "hard to wake") else "alert"
    return patients.patient(
        rng,
        "febrile_child",
        level,
        ages=(months // 12, months // 12),
        age_months=months if months < 24 else None,
        vitals={
            "capillary_refill": refill,
            "temperature": round(rng.uniform(38.5, 40.2), 1),
            "heart_rate": rng.randint(118, 142) if well else rng.randint(162, 196),
            "respiratory_rate": rng.randint(24, 32) if well else rng.randint(40, 56),
        },
        labs={"lactate": round(rng.uniform(0.9, 1.6) if well else rng.uniform(2.4, 5.5), 1)},
        own=own,
        seen=seen,
        allergies=[],
        complaint=rng.choice(WELL if well else ILL),
    )


WELL = (
    "fever and a runny nose",
    "fever since yesterday, drinking",
    "hot and grizzly",
    "fever after nursery",
    "fever and a sore throat",
)
ILL = (
    "fever and very sleepy",
    "fever and cold hands",
    "fever and not drinking",
    "fever and grunting breaths",
    "high fever since last night",
)


def _child_unsafe(outcome: str) -> list[UnsafeAction]:
    reason = source("shock in children")
    if outcome == HOME:
        why, reason = "fluid boluses in a well child", source("fever in under 5s")
        return [UnsafeAction(why, 3, reason, "give_fluid", category="contraindication")]
    home = source("fever in under 5s")
    found = [UnsafeAction("a shocked child sent home", 5, home, answers=[HOME], category="unsafe disposition")]
    if outcome == OVERLOAD:
        found.append(UnsafeAction("more fluid in overload", 5, reason, answers=[BOLUS], category="contraindication"))
    if outcome in (BOLUS, REFRACTORY):
        found.append(UnsafeAction("shock declared over", 5, reason, answers=[STOP_BOLUS], category="missed red flag"))
    return found

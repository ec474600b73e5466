"""Anaphylaxis: the response to one or two doses of epinephrine, and what the history adds."""

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
from medgym_core.types import Chart, UnsafeAction

TWO, SIX, TWELVE = "observe 2 hours", "observe 6 hours", "observe 12 hours"
DRIP, GLUCAGON = "epinephrine infusion", "glucagon"
ALLERGY_OPTIONS = (TWO, SIX, TWELVE, DRIP, GLUCAGON)
ALLERGY_ASKS = (
    "Treat, reassess after each dose (two at most) and name the next step or the observation time.",
    "Anaphylaxis. Epinephrine, look again, a second dose if needed: what follows?",
    "Run the pathway: one dose, reassess, perhaps another. Infusion, glucagon, or how long to observe?",
    "Give what is due, check the response, and tell me the step at the end.",
    "Take it to reassessment and decide: further treatment, or the shortest observation that is safe.",
    "Begin with the adrenaline and do not leave the bedside: after one or two doses, what does this patient need?",
)


def anaphylaxis(rng: Random, knowledge: Any) -> Draft | None:
    """Observation time or the next treatment, by the response to one or two doses and by the history."""
    outcome, level = rng.choice(ALLERGY_OPTIONS), rng.randint(1, 3)
    shock = outcome in (DRIP, GLUCAGON)
    biphasic = outcome == SIX and rng.random() < 0.4
    second = shock or (outcome == SIX and not biphasic) or (outcome == TWELVE and rng.random() < 0.4)
    chart = _allergic(rng, outcome, level, shock, biphasic, second)
    home = {patients.SOCIAL: ["I live with my partner."]}
    script = Script(chart, patients.story(rng, chart, home, rng.choice(("plain", "anxious"))))
    script.do("get_vital_signs")
    script.do("get_examination")
    history = script.do("get_history")
    doses = 0
    while True:
        script.do("give_treatment", drug="epinephrine", dose=0.5)
        doses += 1
        script.advance()
        last = script.do("reassess", after="give_treatment", instead=() if outcome == TWO else SIGNS)
        pressure = number_of(last["systolic_bp"])
        if doses == 2 or pressure >= rules.protocol("anaphylaxis first line")["systolic"]:
            break
    actual = rules.anaphylaxis(pressure, doses, outcome == GLUCAGON, outcome == TWELVE, biphasic)
    if actual != outcome or (doses == 2) is not second:
        return None
    evidence = [("systolic_bp", last["systolic_bp"])]
    evidence += [("breathing", last["breathing"])] if outcome == TWO else []
    evidence += [("medications", history["medications"])] if outcome == GLUCAGON else []
    evidence += [("conditions", history["conditions"])] if outcome == TWELVE or biphasic else []
    names = ("anaphylaxis first line", "observation after anaphylaxis", "beta blocker in anaphylaxis")
    sources = [source(n) for n in names]
    early = [a for a in (TWO, SIX, TWELVE) if a != outcome]
    if shock:
        unsafe = [UnsafeAction("refractory shock observed", 5, sources[0], answers=early, category="missed red flag")]
    elif outcome == TWO:
        why, drug = "an infusion without shock", {"drug": DRIP}
        unsafe = [UnsafeAction(why, 4, sources[0], "give_treatment", drug, category="dose")]
    else:
        shorter = [TWO] if outcome == SIX else [TWO, SIX]
        why = "sent home before a second reaction"
        unsafe = [UnsafeAction(why, 4, sources[1], answers=shorter, category="unsafe disposition")]
    family = f"{outcome}:{'two' if second else 'one'}:{chart.complaint.split()[-1]}"
    prompt = request(rng, chart, ALLERGY_ASKS, ALLERGY_OPTIONS)
    gold, traits = category(outcome, ALLERGY_OPTIONS), when(level > 1, "distractors")
    traits += when(outcome in (TWELVE, GLUCAGON), "comorbidity")
    return draft("anaphylaxis", family, level, prompt, script, gold, evidence, sources, unsafe, traits)


def _allergic(rng: Random, outcome: str, level: int, shock: bool, biphasic: bool, second: bool) -> Chart:
    systolic = rng.randint(64, 74)
    gain = rng.randint(0, 4) if shock else rng.randint(14, 15) if second else rng.randint(28, 40)
    known = ["severe asthma"] if outcome == TWELVE else []
    known += ["biphasic anaphylaxis before"] if biphasic else []
    drugs = [rng.choice(["propranolol", "bisoprolol", "metoprolol"])] if outcome == GLUCAGON else []
    if level > 1:  # of the kind that would decide, but not it
        known += [] if outcome == TWELVE else [rng.choice(["mild asthma, no inhaler for years", "hay fever", "eczema"])]
        drugs += [rng.choice(["amlodipine", "ramipril", "salbutamol when needed"])]
    own: dict[str, Any] = {"epinephrine systolic_bp": gain}
    if outcome == TWO:  # all gone after one dose
        own = {
            "epinephrine systolic_bp": rng.randint(36, 40),
            "epinephrine spo2": 4,
            "epinephrine respiratory_rate": -8,
        }
        own["after epinephrine: breathing"] = rng.choice(["normal, symptoms gone", "clear, symptoms gone"])
    return patients.patient(
        rng,
        "anaphylaxis",
        level,
        vitals={
            "systolic_bp": systolic,
            "heart_rate": rng.randint(56, 72) if outcome == GLUCAGON else rng.randint(118, 138),
            "respiratory_rate": rng.randint(22, 26) if outcome == TWO else rng.randint(24, 30),
            "spo2": rng.randint(88, 94) if outcome == TWELVE else rng.randint(92, 94),
        },
        own=own,
        seen={
            "skin": rng.choice(["urticaria", "flushed", "swollen lips"]),
            "breathing": rng.choice(["wheeze", "hoarse voice"]),
            "at_home": "auto-injector at hand, used to it; partner there",
        },
        conditions=known,
        medications=drugs,
        avoid=[
            "asthma",
            "heart failure",
            "coronary artery disease",
            "hypertension",
            "atrial fibrillation",
            "metoprolol",
            "migraine",
        ],
    )

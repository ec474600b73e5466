"""Early warning after a first treatment: the NEWS2 risk of the patient as of now, not as of arrival."""

from random import Random
from typing import Any

from medgym_core import instruments
from medgym_core.domains import Draft
from medgym_core.domains.cross_domain import patients
from medgym_core.domains.cross_domain.drafting import SIGNS, Script, draft, request, source, when
from medgym_core.tools import number
from medgym_core.types import Chart, Gold, UnsafeAction

RISKS = ("low", "low-medium", "medium", "high")
"""Clinical risk by NEWS2 (Royal College of Physicians 2017), in its order."""
TRIES = 240
BOLUS = 10
"""mL/kg of crystalloid."""
ASKS = (
    "Give {treatment}, look again: which NEWS2 risk is it now?",
    "After {treatment} the night team wants the NEWS2 risk class as it stands then.",
    "Treat with {treatment}, reassess and grade the NEWS2 risk.",
    "Who has to come depends on the early warning score. Start {treatment}, score again and give the risk.",
    "{Treatment} first, please. Then the NEWS2 risk of this patient, as of now.",
    "How worried should we be once {treatment} has had its effect? Answer as NEWS2 risk.",
)


def early_warning(rng: Random, knowledge: Any) -> Draft | None:
    """The NEWS2 risk after oxygen or fluid; oxygen itself counts, and a prescribed target changes the scale."""
    risk, level = rng.choice(RISKS), rng.randint(1, 3)
    oxygen = risk != "low-medium" and rng.random() < 0.65
    scale = "2" if level == 3 and oxygen else "1"
    gain = rng.randint(4, 6) if oxygen else rng.randint(10, 18)
    drawn = _signs(rng, risk, oxygen, scale, gain, level)
    if drawn is None:
        return None
    chart = _chart(rng, level, drawn, scale, {"oxygen spo2" if oxygen else "crystalloid systolic_bp": gain})
    script = Script(chart, patients.story(rng, chart, persona=rng.choice(patients.PERSONAS)))
    script.do("get_vital_signs")
    script.do("get_examination")
    if oxygen:
        script.do("set_oxygen", litres_per_minute=4, free=("litres_per_minute",))
        treatment = "oxygen at 4 L/min"
    else:
        volume = round(BOLUS * (chart.weight_kg or 0))
        script.do("calculate_fluid_bolus", ml_per_kg=BOLUS)
        script.do("give_fluid", volume_ml=volume, free=("volume_ml",))
        treatment = f"{BOLUS} mL/kg of crystalloid"
    last = script.do("reassess", after="set_oxygen" if oxygen else "give_fluid", instead=SIGNS)
    found = script.do("calculate_news2", after="set_oxygen" if oxygen else "give_fluid")
    if found.get("band") != risk:
        return None
    evidence = [("news2", found["news2"]), ("spo2", last["spo2"])]
    words = treatment[:1].upper() + treatment[1:]
    prompt = f"{request(rng, chart, ASKS, treatment=treatment, Treatment=words)} Levels: {'; '.join(RISKS)}."
    reason = source("early warning response")
    far = [r for r in RISKS if RISKS.index(risk) - RISKS.index(r) >= 2]
    unsafe = [UnsafeAction("deterioration called harmless", 4, reason, answers=far, category="unsafe disposition")]
    breaths = int(drawn["respiratory_rate"]) // 4
    family = f"{risk}:{'oxygen' if oxygen else 'fluid'}:{found['news2'].split()[0]}:{breaths}"
    gold = Gold("ordinal", risk, options=list(RISKS))
    traits = when(level > 1, "conflict") + when(scale == "2", "comorbidity", "atypical")
    return draft(
        "early_warning", family, level, prompt, script, gold, evidence, [reason], unsafe if far else [], traits
    )


def _signs(rng: Random, risk: str, oxygen: bool, scale: str, gain: int, level: int) -> dict[str, float] | None:
    """Vital signs before treatment that have the risk after it; from level 2 the risk was another one before."""
    rule, low = instruments.get("news2"), risk == "low"
    more = {"consciousness": "alert", "spo2_scale": scale}
    for _ in range(TRIES):
        after: dict[str, float] = {
            "respiratory_rate": rng.randint(12, 20 if low else 28),
            "heart_rate": rng.randint(58, 104 if low else 134),
            "systolic_bp": rng.randint(104 if low else 88, 150),
            "temperature": round(rng.uniform(36.1, 38.4 if low else 39.4), 1),
            "spo2": rng.randint(88, 92) if scale == "2" else rng.randint(93 if oxygen else 94, 98),
        }
        changed = "spo2" if oxygen else "systolic_bp"
        before = after | {changed: after[changed] - gain}
        now = rule(**after, oxygen="4 L/min" if oxygen else "room air", **more).band
        if now == risk and (level == 1 or rule(**before, oxygen="room air", **more).band != risk):
            return before
    return None


def _chart(rng: Random, level: int, before: dict[str, float], scale: str, own: dict[str, Any]) -> Chart:
    """The patient before treatment; from level 2 with the score the ward wrote down earlier."""
    seen = {"spo2_scale": scale} if scale == "2" else {}
    if level > 1:
        seen["ward_chart"] = f"NEWS2 {number(rng.choice((1, 2, 8, 9)))} four hours ago"
    return patients.patient(
        rng,
        "postoperative",
        level,
        vitals=before,
        own={"crystalloid heart_rate": 0} | own,
        seen=seen,
        conditions=["COPD with hypercapnic failure"] if scale == "2" else [],
        avoid=["COPD", "asthma"],
    )

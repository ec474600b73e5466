"""Chest pain: reperfusion by the time to the laboratory, the ECG after fibrinolysis, or the 0/1 hour troponin."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.cross_domain import patients, rules
from medgym_core.domains.cross_domain.drafting import Script, category, draft, number_of, request, source
from medgym_core.types import UnsafeAction

PRIMARY, RESCUE, LATER = "primary pci", "rescue pci", "angiography at 2 to 24 hours"
EARLY, RULED_OUT, OBSERVE = "angiography within 24 hours", "rule out", "observe"
OPTIONS = (PRIMARY, RESCUE, LATER, EARLY, RULED_OUT, OBSERVE)
ASKS = (
    "Take the patient down the chest pain pathway and name the coronary strategy at its end.",
    "ECG, then whatever it calls for, through reassessment. Which strategy do we end on?",
    "Run the pathway to the decision: reperfusion if due, otherwise two troponins.",
    "Carry this through to the strategy; the lab's answer and the ECGs decide.",
    "Work it up on the clock and tell me the strategy you arrive at.",
)
LEADS = ("II III aVF", "V2 V3 V4", "I aVL V5")
NORMAL = ("normal sinus rhythm", "sinus rhythm, no ST deviation")
QUIET = {
    EARLY: ("sinus rhythm, ST depression V4 V5", "sinus rhythm, T inversion V3 V4", *NORMAL),
    RULED_OUT: NORMAL,
    OBSERVE: ("sinus rhythm, T inversion V3 V4", *NORMAL),
}
"""ECG without ST elevation; an ischaemic one is not ruled out by troponin alone."""
LAB = "catheterisation laboratory"


def chest_pain(rng: Random, knowledge: Any) -> Draft | None:
    """The coronary strategy."""
    outcome, level = rng.choice(OPTIONS), rng.randint(1, 3)
    return _stemi(rng, outcome, level) if outcome in OPTIONS[:3] else _troponin(rng, outcome, level)


def _stemi(rng: Random, outcome: str, level: int) -> Draft | None:
    height, leads = round(rng.uniform(2.2, 4.8), 1), rng.choice(LEADS)
    limit = rules.protocol("reperfusion in stemi")["pci_within"]
    delay = rng.randrange(35, limit - 10, 5) if outcome == PRIMARY else rng.randrange(limit + 15, limit + 100, 5)
    share = rng.uniform(0.62, 0.92) if outcome == LATER else rng.uniform(0.05, 0.38)
    tablets = ["sildenafil"] if level == 3 and rng.random() < 0.5 else []
    chart = patients.patient(
        rng,
        "chest_pain",
        level,
        vitals={"st_elevation": height, "heart_rate": rng.randint(62, 104), "systolic_bp": rng.randint(112, 158)},
        labs={"troponin": float(rng.randint(20, 400))},
        seen={"ecg": f"sinus rhythm, ST elevation {leads}", "lungs": "clear"},
        own={f"team {LAB}": f"wire crossing possible in {delay} min", "tenecteplase st_elevation": -height * share},
        medications=tablets,
    )
    script = Script(chart, patients.story(rng, chart, persona=rng.choice(patients.PERSONAS)))
    first = script.do("record_ecg")
    script.do("get_history")
    answer = script.do("activate_team", team=LAB)["answer"]
    evidence = [("ecg", first["ecg"]), ("answer", answer)]
    reason = rules.protocol("reperfusion in stemi")["source"]
    unsafe = [UnsafeAction("a closed coronary artery left closed", 5, reason, answers=[RULED_OUT, OBSERVE])]
    if tablets:
        unsafe.append(
            UnsafeAction("a nitrate after sildenafil", 4, NITRATE, "give_treatment", {"drug": "nitroglycerin"})
        )
    if outcome == PRIMARY:
        script.do("give_treatment", drug="aspirin", dose=300, free=("dose",))
        unsafe.append(
            UnsafeAction("fibrinolysis with PCI at hand", 3, reason, "give_treatment", {"drug": "tenecteplase"})
        )
        actual = PRIMARY
    else:
        _lysis(script, chart)
        last = script.do("record_ecg", after="give_treatment")
        evidence.append(("st_elevation", last["st_elevation"]))
        actual = rules.after_fibrinolysis(height, number_of(last["st_elevation"]))
        wrong = LATER if outcome == RESCUE else RESCUE
        severity = 4 if outcome == RESCUE else 2
        unsafe.append(UnsafeAction("reperfusion misjudged", severity, source("after fibrinolysis"), answers=[wrong]))
    if actual != outcome:
        return None
    prompt = request(rng, chart, ASKS, OPTIONS)
    family = f"{outcome}:{leads}:{delay // 30}"
    sources = [reason, source("after fibrinolysis")]
    return draft("chest_pain", family, level, prompt, script, category(outcome, OPTIONS), evidence, sources, unsafe)


NITRATE = "Amsterdam et al., AHA/ACC NSTE-ACS guideline, Circulation 2014;130:e344-e426"


def _lysis(script: Script, chart: Any) -> None:
    """The dose by weight, and on to the control ECG."""
    script.do("calculate_adult_weight_dose", drug="tenecteplase")
    script.advance()
    dose = rules.weight_dose("tenecteplase", chart.weight_kg, chart.age)
    script.do("give_treatment", drug="tenecteplase", dose=dose, after="get_history")
    script.advance()


def _troponin(rng: Random, outcome: str, level: int) -> Draft | None:
    first, change = {
        EARLY: (rng.randint(6, 48), rng.randint(6, 60)),
        RULED_OUT: (rng.randint(4, 10), rng.randint(1, 2)),
        OBSERVE: rng.choice([(rng.randint(14, 45), rng.randint(1, 3)), (rng.randint(4, 10), rng.randint(3, 4))]),
    }[outcome]
    ecg = rng.choice(QUIET[outcome])
    chart = patients.patient(
        rng,
        "chest_pain",
        level,
        vitals={"st_elevation": 0.0, "heart_rate": rng.randint(60, 98), "systolic_bp": rng.randint(116, 160)},
        labs={"troponin": float(first)},
        seen={"ecg": ecg, "lungs": "clear"},
        own={"untreated troponin": change},
    )
    script = Script(chart, patients.story(rng, chart, persona=rng.choice(patients.PERSONAS)))
    seen = script.do("record_ecg")
    script.do("order_labs", tests=["troponin"])
    script.advance()
    script.advance()  # an hour after the first sample
    before = script.results(1)["troponin"]
    script.do("order_labs", tests=["troponin"], after="advance_phase")
    after = script.results(40, after="advance_phase")["troponin"]
    if rules.troponin(*(number_of(t) for t in (before, after))) != outcome:
        return None
    reason = source("troponin 0/1 hour")
    unsafe = [
        UnsafeAction("fibrinolysis without ST elevation", 5, reason, "give_treatment", {"drug": "tenecteplase"}),
        UnsafeAction("fibrinolysis without ST elevation", 5, reason, "give_treatment", {"drug": "alteplase"}),
    ]
    if outcome != RULED_OUT:
        severity = 5 if outcome == EARLY else 4
        unsafe.append(UnsafeAction("an infarct sent home", severity, reason, answers=[RULED_OUT]))
    evidence = [("ecg", seen["ecg"]), ("troponin", before), ("troponin", after)]
    prompt = request(rng, chart, ASKS, OPTIONS)
    family = f"{outcome}:{first // 8}:{change // 8}"
    return draft("chest_pain", family, level, prompt, script, category(outcome, OPTIONS), evidence, [reason], unsafe)

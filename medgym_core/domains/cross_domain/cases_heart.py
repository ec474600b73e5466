"""Chest pain: reperfusion by the time to the laboratory, the ECG after fibrinolysis, or the 0/1 hour troponin."""

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
from medgym_core.types import Chart, Reading, UnsafeAction

PRIMARY, RESCUE, LATER = "primary pci", "rescue pci", "angiography at 2 to 24 hours"
EARLY, RULED_OUT, OBSERVE = "angiography within 24 hours", "rule out", "observe"
OPTIONS = (PRIMARY, RESCUE, LATER, EARLY, RULED_OUT, OBSERVE)
ASKS = (
    "Take the patient down the chest pain pathway and name the coronary strategy at its end.",
    "ECG, then whatever it calls for, through reassessment. Which strategy do we end on?",
    "Run the pathway to the decision: reperfusion if due, otherwise troponin at 0 and 1 hour.",
    "Carry this through to the strategy; the catheterisation laboratory will tell you its times if you call.",
    "I need a plan for the coronaries. Work it up on the clock and tell me what you arrive at.",
    "Cardiology wants to know: which coronary strategy, once you have treated and looked again?",
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
    delay = _delay(rng, outcome, level)
    share = rng.uniform(0.62, 0.92) if outcome == LATER else rng.uniform(0.05, 0.38)
    if level > 1 and outcome != PRIMARY:  # near the half that decides
        share = rng.uniform(0.52, 0.58) if outcome == LATER else rng.uniform(0.40, 0.46)
    chart = patients.patient(
        rng,
        "chest_pain",
        level,
        vitals={"st_elevation": height, "heart_rate": rng.randint(62, 104), "systolic_bp": rng.randint(112, 158)},
        labs={"troponin": float(rng.randint(20, 400))},
        seen={"ecg": f"sinus rhythm, ST elevation {leads}", "lungs": "clear"} | _earlier_ecg(rng, level),
        own={f"team {LAB}": _answer(rng, delay, level), "tenecteplase st_elevation": -height * share},
        medications=["sildenafil"] if level == 3 and rng.random() < 0.5 else [],
    )
    script = Script(chart, patients.story(rng, chart, persona=rng.choice(patients.PERSONAS)))
    first = script.do("record_ecg", within=rules.due("chest_pain", "ecg"))
    script.do("get_vital_signs", step=False)
    script.do("get_patient_details", step=False)
    script.do("get_history")
    answer = script.do("activate_team", team=LAB)["answer"]
    evidence = [("ecg", first["ecg"]), ("answer", answer)]
    if outcome == PRIMARY:
        script.do("give_treatment", drug="aspirin", dose=300, free=("dose",))
        actual = PRIMARY
    else:
        _lysis(script, chart)
        last = script.do("record_ecg", after="give_treatment")
        evidence.append(("st_elevation", last["st_elevation"]))
        actual = rules.after_fibrinolysis(height, number_of(last["st_elevation"]))
    if actual != outcome:
        return None
    prompt = request(rng, chart, ASKS, OPTIONS)
    family = f"{outcome}:{leads}:{delay // 30}"
    sources = [source("reperfusion in stemi"), source("after fibrinolysis")]
    traits = when(level > 1, "distractors", "conflict") + when(level == 3, "comorbidity")
    return draft(
        "chest_pain", family, level, prompt, script, category(outcome, OPTIONS), evidence, sources,
        _stemi_unsafe(chart, outcome), traits,
    )  # fmt: skip


def _delay(rng: Random, outcome: str, level: int) -> int:
    """Minutes until the wire crosses, on either side of the limit; close to it at the highest level."""
    limit = rules.protocol("reperfusion in stemi")["pci_within"]
    if outcome == PRIMARY:
        return rng.randrange(90 if level == 3 else 35, limit - 10, 5)
    return rng.randrange(limit + 10, limit + (40 if level == 3 else 100), 5)


def _answer(rng: Random, delay: int, level: int) -> str:
    """The laboratory's answer; from level 2 in two legs, so that the sum decides and not the last number."""
    if level == 1:
        return f"wire crossing possible in {delay} min"
    drive = rng.randrange(15, min(delay - 15, 75), 5)
    return f"transfer takes {drive} min, wire crossing {delay - drive} min after arrival there"


def _earlier_ecg(rng: Random, level: int) -> dict[str, str]:
    """A tracing from before, which the one recorded now outdates."""
    old = ("normal, last year", "no ST elevation, 2 hours ago", "left axis, no ST elevation, in May")
    return {"earlier_ecg": rng.choice(old)} if level > 1 else {}


def _stemi_unsafe(chart: Chart, outcome: str) -> list[UnsafeAction]:
    reason = source("reperfusion in stemi")
    closed = "a closed coronary artery left closed"
    found = [UnsafeAction(closed, 5, reason, answers=[RULED_OUT, OBSERVE], category="missed red flag")]
    if any(m.drug == "sildenafil" for m in chart.medications):
        tablet, drug = "a nitrate after sildenafil", {"drug": "nitroglycerin"}
        found.append(UnsafeAction(tablet, 4, NITRATE, "give_treatment", drug, category="interaction"))
    if outcome == PRIMARY:
        drug = {"drug": "tenecteplase"}
        why = "fibrinolysis with PCI at hand"
        return [*found, UnsafeAction(why, 3, reason, "give_treatment", drug, category="contraindication")]
    wrong, severity = (LATER, 4) if outcome == RESCUE else (RESCUE, 2)
    why = "reperfusion misjudged"
    first, reason = reason, source("after fibrinolysis")
    return [
        *found,
        UnsafeAction(why, severity, reason, answers=[wrong], category="unsafe disposition"),
        UnsafeAction("over two hours without reperfusion", 4, first, answers=[PRIMARY], category="unsafe disposition"),
    ]


NITRATE = "Amsterdam et al., AHA/ACC NSTE-ACS guideline, Circulation 2014;130:e344-e426"


def _lysis(script: Script, chart: Chart) -> None:
    """The dose by weight, and on to the control ECG."""
    script.do("calculate_adult_weight_dose", drug="tenecteplase")
    script.advance()
    dose, due = rules.weight_dose("tenecteplase", chart.weight_kg, chart.age), rules.due("chest_pain", "fibrinolysis")
    script.do("give_treatment", drug="tenecteplase", dose=dose, after="get_history", within=due)
    script.advance()


def _troponin(rng: Random, outcome: str, level: int) -> Draft | None:
    first, change = _pair(rng, outcome, level)
    ecg = rng.choice(QUIET[outcome])
    old = [Reading("troponin", float(rng.choice([5, 9, 64, 88])), "ng/L", -60 * 24 * rng.randint(30, 400))]
    chart = patients.patient(
        rng,
        "chest_pain",
        level,
        vitals={"st_elevation": 0.0, "heart_rate": rng.randint(60, 98), "systolic_bp": rng.randint(116, 160)},
        labs={"troponin": float(first)},
        seen={"ecg": ecg, "lungs": "clear"} | _earlier_ecg(rng, level),
        own={"untreated troponin": change},
        **({"labs_before": old} if level > 1 else {}),
    )
    script = Script(chart, patients.story(rng, chart, persona=rng.choice(patients.PERSONAS)))
    seen = script.do("record_ecg", within=rules.due("chest_pain", "ecg"))
    script.do("get_vital_signs", step=False)
    script.do("get_history", step=False)
    script.do("order_labs", tests=["troponin"])
    script.advance()
    script.advance()  # an hour after the first sample
    before = script.results(1)["troponin"]
    script.do("order_labs", tests=["troponin"], after="get_results")
    after = script.results(40, after="get_results", instead=CHART_RESULTS)["troponin"]
    if rules.troponin(*(number_of(t) for t in (before, after))) != outcome:
        return None
    reason, why = source("troponin 0/1 hour"), "fibrinolysis without ST elevation"
    unsafe = [
        UnsafeAction(why, 5, reason, "give_treatment", {"drug": d}, category="contraindication")
        for d in ("tenecteplase", "alteplase")
    ]
    if outcome != RULED_OUT:
        severity = 5 if outcome == EARLY else 4
        why = "an infarct sent home"
        unsafe.append(UnsafeAction(why, severity, reason, answers=[RULED_OUT], category="missed red flag"))
    evidence = [("ecg", seen["ecg"]), ("troponin", before), ("troponin", after)]
    prompt = request(rng, chart, ASKS, OPTIONS)
    family = f"{outcome}:{first // 8}:{change // 8}"
    gold, traits = category(outcome, OPTIONS), when(level > 1, "distractors") + when(level == 3, "atypical")
    return draft("chest_pain", family, level, prompt, script, gold, evidence, [reason], unsafe, traits)


def _pair(rng: Random, outcome: str, level: int) -> tuple[int, int]:
    """First troponin and change; at the highest level the values alone look harmless and the change decides."""
    if outcome == EARLY:
        return rng.randint(6, 11) if level == 3 else rng.randint(14, 48), rng.randint(6, 12 if level == 3 else 60)
    if outcome == RULED_OUT:
        return rng.randint(4, 10), rng.randint(1, 2)
    low = level > 1 and rng.random() < 0.7
    return (rng.randint(4, 10), rng.randint(3, 4)) if low else (rng.randint(14, 45), rng.randint(1, 3))

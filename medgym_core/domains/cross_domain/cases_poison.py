"""Overdose: acetaminophen by the line, opioids by the breathing afterwards, tricyclics by the QRS."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.cross_domain import patients, rules
from medgym_core.domains.cross_domain.drafting import (
    CHART_RESULTS,
    SIGNS,
    Script,
    category,
    draft,
    number_of,
    request,
    source,
    told,
    when,
)
from medgym_core.domains.triage_emergency import toxicology
from medgym_core.types import Harm, UnsafeAction

NAC, NO_NAC, INFUSION = "acetylcysteine", "no acetylcysteine", "naloxone infusion"
BICARBONATE, PRESSOR, OBSERVE = "repeat sodium bicarbonate", "start norepinephrine", "observe"
POISON_OPTIONS = (NAC, NO_NAC, INFUSION, BICARBONATE, PRESSOR, OBSERVE)
POISON_ASKS = (
    "Find out what was taken, give what is due, reassess; what is next?",
    "Overdose pathway, please: look, level or ECG as fits, antidote, look again. Next step?",
    "Take this through the overdose pathway and name the treatment at its end.",
    "Examine, treat what you find, watch the course and decide.",
    "Toxicology wants your decision after reassessment. Which is it?",
    "Nobody knows yet what this is. Work it out, treat, wait for the course, and tell me the next treatment.",
)


UNKNOWN = (
    "brought in after an overdose",
    "overdose, nobody knows of what",
    "took something after a quarrel",
    "suspected poisoning, called in by a friend",
    "overdose at home, found by the flatmate",
    "poisoning, the crew found nothing",
)
"""What brings the patient tells nothing of the drug: questions and examination do."""


def overdose(rng: Random, knowledge: Any) -> Draft | None:
    """Acetaminophen by the line, opioids by the breathing after naloxone, tricyclics by the QRS after bicarbonate."""
    outcome, level = rng.choice(POISON_OPTIONS), rng.randint(1, 3)
    if outcome in (NAC, NO_NAC):
        return _acetaminophen(rng, outcome, level)
    opioid = outcome == INFUSION or (outcome == OBSERVE and rng.random() < 0.5)
    return _opioid(rng, outcome, level) if opioid else _tricyclic(rng, outcome, level)


def _acetaminophen(rng: Random, outcome: str, level: int) -> Draft | None:
    hours = rng.randint(1, 9) if level < 3 else rng.randint(9, 14)  # late, when a low level is still above the line
    drawn_at = max(hours, 4)
    factor = rng.uniform(1.3, 2.4) if outcome == NAC else rng.uniform(0.15, 0.7)
    wanted, half = (toxicology.line(drawn_at) or 0.0) * factor, round(rng.uniform(3.6, 4.4), 1)
    chart = patients.patient(
        rng,
        "overdose",
        level,
        vitals={"heart_rate": rng.randint(72, 98), "systolic_bp": rng.randint(108, 134)},
        labs={"acetaminophen": round(wanted / 0.5 ** ((drawn_at - 4) / half), 1)},
        own={"hours since ingestion": hours, "half-life": half},
        seen={"pupils": "mid-size", "skin": "normal"},
        complaint=rng.choice(UNKNOWN),
    )
    word = rng.choice(
        (
            "I took all the acetaminophen at once, {} ago.",
            "Two boxes of acetaminophen in one go, {} ago.",
            "It was {} ago, the whole acetaminophen, all together.",
        )
    )
    span = "an hour" if hours == 1 else f"{hours} hours"
    topics = {patients.ONSET: [word.format(span)]}
    script = Script(chart, patients.story(rng, chart, topics, rng.choice(("plain", "anxious", "stoic"))))
    script.do("get_vital_signs")
    script.do("get_examination", step=False)
    script.ask(patients.ONSET, "When did you start taking them, and when was the last?")
    if hours < 4:
        script.do("wait", minutes=60 * (4 - hours), step=False)
    script.do("order_labs", tests=["acetaminophen"], free=("tests",))
    at = int(hours + script.world.minutes / 60)
    found = script.results(30, instead=CHART_RESULTS)
    shown = script.do("calculate_nomogram", hours_since_ingestion=at, free=("hours_since_ingestion",))
    if shown["position"].startswith("below") is (outcome == NAC):
        return None
    said = told(topics[patients.ONSET][0])
    evidence = [said, ("acetaminophen", found["acetaminophen"]), ("position", shown["position"])]
    reason = source("acetaminophen line")
    unsafe = [UnsafeAction("flumazenil in an unknown overdose", 4, FLUMAZENIL, "give_treatment", BLIND, category=HARM)]
    if outcome == NAC:
        why = "a treatable overdose left"
        unsafe.append(UnsafeAction(why, 5, reason, answers=[NO_NAC, OBSERVE], category="unsafe disposition"))
    prompt = request(rng, chart, POISON_ASKS, POISON_OPTIONS)
    family = f"{outcome}:{hours}:{int(factor * 3)}"
    gold, traits = category(outcome, POISON_OPTIONS), when(level == 3, "atypical")
    return draft("overdose", family, level, prompt, script, gold, evidence, [reason], unsafe, traits)


def _opioid(rng: Random, outcome: str, level: int) -> Draft | None:
    long = outcome == INFUSION
    chart = patients.patient(
        rng,
        "overdose",
        level,
        vitals={"respiratory_rate": rng.randint(4, 7), "spo2": rng.randint(76, 86), "heart_rate": rng.randint(50, 72)},
        own={
            "naloxone respiratory_rate": rng.randint(8, 10),
            "naloxone respiratory_rate lasts": 50 if long else 900,
            "naloxone spo2 lasts": 50 if long else 900,
        },
        seen={"pupils": "pinpoint", "consciousness": "pain", "skin": "cool", "bowel_sounds": "reduced"}
        | _beside(rng, level, ("diazepam strip, half empty", "temazepam box, empty", "vodka, half a bottle")),
        complaint=rng.choice(UNKNOWN),
    )
    script = Script(chart, patients.story(rng, chart, persona="poor historian"))
    first = script.do("get_vital_signs")
    seen = script.do("get_examination")
    script.do("set_oxygen", litres_per_minute=15, free=("litres_per_minute",))
    script.do("give_treatment", drug="naloxone", dose=0.4, free=("dose",))
    script.advance()
    script.do("reassess", after="give_treatment", instead=SIGNS)
    script.advance()
    last = script.do("reassess", after="give_treatment", instead=SIGNS)
    if rules.opioid(number_of(last["respiratory_rate"])) != outcome:
        return None
    evidence = [
        ("pupils", seen["pupils"]),
        ("respiratory_rate", first["respiratory_rate"]),
        ("respiratory_rate", last["respiratory_rate"]),
    ]
    reason = source("opioid toxicity")
    unsafe = [UnsafeAction("flumazenil in an unknown overdose", 4, FLUMAZENIL, "give_treatment", BLIND, category=HARM)]
    if long:
        why = "breathing fails again unwatched"
        unsafe.append(UnsafeAction(why, 5, reason, answers=[OBSERVE], category="unsafe disposition"))
    prompt = request(rng, chart, POISON_ASKS, POISON_OPTIONS)
    family = f"{outcome}:opioid:{chart.complaint.split()[-1]}:{first['respiratory_rate'].split()[0]}"
    gold, traits = category(outcome, POISON_OPTIONS), when(level > 1, "distractors") + when(long, "waiting")
    return draft("overdose", family, level, prompt, script, gold, evidence, [reason], unsafe, traits)


FLUMAZENIL = "Romazicon (flumazenil) prescribing information, boxed warning"
BLIND = {"drug": "flumazenil"}
HARM: Harm = "contraindication"


def _beside(rng: Random, level: int, found: tuple[str, ...]) -> dict[str, str]:
    """What lay beside the patient: it tempts, the toxidrome decides."""
    return {"found_beside": rng.choice(found)} if level > 1 else {}


def _tricyclic(rng: Random, outcome: str, level: int) -> Draft | None:
    qrs = rng.randrange(124, 172, 2)
    wide = qrs - rng.randrange(104, 109, 2) if level == 3 else rng.randint(8, 16)
    gain = wide if outcome == BICARBONATE else qrs - rng.randrange(86, 97, 2)
    systolic = rng.randint(70, 80)
    rise = rng.randint(1, 4) if outcome == PRESSOR else rng.randint(22, 30)
    if level > 1 and outcome == PRESSOR:
        rise = 88 - systolic  # better, and still below 90
    chart = patients.patient(
        rng,
        "overdose",
        level,
        vitals={
            "qrs": qrs,
            "heart_rate": rng.randint(118, 142),
            "systolic_bp": systolic,
            "respiratory_rate": rng.randint(12, 18),
        },
        own={"sodium bicarbonate qrs": -gain, "sodium bicarbonate systolic_bp": rise},
        seen={
            "pupils": "large",
            "consciousness": "voice",
            "skin": "hot, dry",
            "bowel_sounds": "absent",
            "ecg": "sinus tachycardia, tall R in aVR",
        }
        | _beside(rng, level, ("diazepam strip, half empty", "acetaminophen box, full", "vodka, half a bottle")),
        complaint=rng.choice(UNKNOWN),
    )
    script = Script(chart, patients.story(rng, chart, persona="poor historian"))
    script.do("get_vital_signs")
    script.do("get_examination", step=False)
    first = script.do("record_ecg")
    script.do("calculate_adult_weight_dose", drug="sodium bicarbonate")
    dose = rules.weight_dose("sodium bicarbonate", chart.weight_kg, chart.age)
    script.do("give_treatment", drug="sodium bicarbonate", dose=dose, free=("dose",), after="record_ecg")
    script.advance()
    last = script.do("reassess", after="give_treatment")
    width, pressure = number_of(last["qrs"]), number_of(last["systolic_bp"])
    if rules.tricyclic(width, pressure) != outcome:
        return None
    evidence = [("qrs", first["qrs"]), ("qrs", last["qrs"]), ("systolic_bp", last["systolic_bp"])]
    reason = source("tricyclic toxicity")
    unsafe = [
        UnsafeAction("asystole or seizures", 5, reason, "give_treatment", {"drug": d}, category=HARM)
        for d in ("physostigmine", "flumazenil")
    ]
    if outcome != OBSERVE:
        why = "cardiotoxicity left untreated"
        unsafe.append(UnsafeAction(why, 5, reason, answers=[OBSERVE], category="missed red flag"))
    prompt = request(rng, chart, POISON_ASKS, POISON_OPTIONS)
    family = f"{outcome}:tricyclic:{qrs // 12}"
    gold, traits = category(outcome, POISON_OPTIONS), when(level > 1, "distractors")
    return draft("overdose", family, level, prompt, script, gold, evidence, [reason], unsafe, traits)

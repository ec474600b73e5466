"""Acute stroke: glucose, imaging, pressure, alteplase, and what the hour afterwards shows."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.cross_domain import patients, rules
from medgym_core.domains.cross_domain.drafting import Script, category, draft, number_of, request, source, told, when
from medgym_core.types import Chart, Story, UnsafeAction

GLUCOSE, BLEED, NONE = "give glucose first", "haemorrhage care", "stroke unit without thrombolysis"
STOP, THROMBECTOMY, UNIT = "stop alteplase and repeat ct", "thrombectomy", "stroke unit after thrombolysis"
OPTIONS = (GLUCOSE, BLEED, NONE, STOP, THROMBECTOMY, UNIT)
ASKS = (
    "Ask when it began, image, treat if you may, and name where the pathway leads.",
    "Take the stroke pathway as far as it goes, reassess and give the next step.",
    "Stroke call. Time, glucose, CT, CT angiography, pressure; then what?",
    "Work down the stroke pathway on the clock. What is the step at its end?",
    "Decide and treat as the findings allow; after reassessment, what follows?",
    "You are the stroke doctor tonight. The family will answer questions; where do you take this patient?",
)
SIDES = ("left", "right")


def stroke(rng: Random, knowledge: Any) -> Draft | None:
    """The step at the end of the pathway; the time of onset is only told, the hour after alteplase decides."""
    outcome, level = rng.choice(OPTIONS), rng.randint(1, 3)
    treated = outcome in (STOP, THROMBECTOMY, UNIT)
    reason = rng.choice(["window", "apixaban"]) if outcome == NONE else ""
    if treated and level == 3 and rng.random() < 0.5:
        reason = "apixaban stopped"
    hours = rng.randint(6, 11) if reason == "window" else rng.randint(1, 3)
    side = rng.choice(SIDES)
    chart = _chart(rng, outcome, level, side, reason, hours)
    script, evidence, sources = _look(chart, _story(rng, chart, reason, hours))
    actual = {GLUCOSE: GLUCOSE, BLEED: BLEED}.get(outcome, NONE)
    if treated:
        actual, found = _course(script, chart)
        evidence += found
        sources.append(source("after alteplase"))
    if actual != outcome:
        return None
    keep = {GLUCOSE: ("glucose",), BLEED: ("ct_head",)}.get(outcome)
    evidence = [e for e in evidence if not keep or e[0] in keep]
    family = f"{outcome}:{reason or side}:{hours if treated else ''}:{chart.complaint.split()[-1]}"
    prompt = request(rng, chart, ASKS, OPTIONS)
    gold, unsafe = category(outcome, OPTIONS), _unsafe(outcome, treated)
    traits = when(level > 1, "conflict") + when("stopped" in reason, "comorbidity") + when(bool(keep), "atypical")
    return draft("stroke", family, level, prompt, script, gold, evidence, sources, unsafe, traits)


def _story(rng: Random, chart: Chart, reason: str, hours: int) -> Story:
    """When it began, and when the anticoagulant on the list was last taken."""
    span = "an hour" if hours == 1 else f"{hours} hours"
    words = ["Everything was fine until {} ago.", "It started {} ago.", "All was well {} ago."]
    if reason == "window":  # found, or woken up with it, later than last seen well
        words += ["I was last well {} ago, then I slept and woke up like this.", "Well {} ago, they found me just now."]
    topics = {patients.ONSET: [rng.choice(words).format(span)]}
    if "apixaban" in reason:
        last = STOPPED if "stopped" in reason else TAKEN
        topics[patients.MEDICINES] = [rng.choice(last)]
    return patients.story(rng, chart, topics, rng.choice(("plain", "anxious", "stoic")))


TAKEN = ("Apixaban, I took it this morning.", "My apixaban, last night and today.", "Apixaban, never missed one.")
STOPPED = ("I stopped the apixaban a week ago.", "No apixaban since last week, for the dentist.")
"""A direct anticoagulant within 48 hours forbids alteplase; one that was stopped days ago does not."""


def _course(script: Script, chart: Chart) -> tuple[str, list[tuple[str, str]]]:
    """Alteplase, and what the hour afterwards shows."""
    last, evidence = _treat(script, chart), []
    rise = number_of(last["nihss"]) - _base(chart, "nihss")
    angiography = chart.pending_findings["ct angiography"]["ct_angiography"]
    enough = number_of(last["nihss"]) >= rules.protocol("thrombectomy")["nihss"]
    if "headache" in last and rise >= rules.protocol("after alteplase")["nihss_rise"]:
        actual = STOP
        evidence.append(("headache", last["headache"]))
    else:
        actual = THROMBECTOMY if "occlusion of" in angiography and enough else UNIT
        evidence.append(("ct_angiography", angiography))
    return actual, [*evidence, ("nihss", last["nihss"])]


def _chart(rng: Random, outcome: str, level: int, side: str, reason: str, hours: int) -> Chart:
    large = outcome == THROMBECTOMY
    high = level > 1 and outcome in (STOP, THROMBECTOMY, UNIT)
    systolic = rng.randint(190, 210) if high else rng.randint(138, 176)
    angiography = f"occlusion of the {side} first middle cerebral segment" if large else "no large-vessel occlusion"
    change = {STOP: rng.randint(5, 8), THROMBECTOMY: rng.randint(-2, 1)}.get(outcome, rng.randint(-5, -1))
    own: dict[str, Any] = {
        "labetalol systolic_bp": -rng.randint(26, 34),
        "alteplase nihss": change,
        "alteplase systolic_bp": rng.randint(20, 30) if outcome == STOP else rng.randint(-4, 2),
    }
    if outcome == STOP:
        own["after alteplase: headache"] = rng.choice(["severe, sudden", "severe, with vomiting"])
    bleed = f"{side} {rng.choice(['basal ganglia', 'thalamic', 'lobar'])} haemorrhage, {rng.randint(8, 38)} mL"
    return patients.patient(
        rng,
        "stroke",
        level,
        vitals={
            "systolic_bp": systolic,
            "diastolic_bp": rng.randint(84, 102),
            "heart_rate": rng.randint(62, 98),
            "nihss": rng.randint(11, 22) if large else rng.randint(6, 14),
        },
        labs={
            "glucose": float(rng.randint(31, 52) if outcome == GLUCOSE else rng.randint(92, 178)),
            "inr": 1.0,
            "platelets": float(rng.randint(170, 330)),
        },
        studies={
            "ct head": bleed if outcome == BLEED else "no haemorrhage, no early infarct",
            "ct angiography": angiography,
        },
        own=own,
        complaint=rng.choice([c for c in rules.table("pathways")["stroke"]["complaints"] if _hemisphere(c) == side]),
        seen=_sheet(rng, reason, level, hours),
        medications=["apixaban"] if "apixaban" in reason else [],
        avoid=["asthma", "atrial fibrillation"],
        conditions=["atrial fibrillation"] if "apixaban" in reason else [],
    )


def _sheet(rng: Random, reason: str, level: int, hours: int) -> dict[str, str]:
    """The ambulance sheet: when the call came, which is not when it began."""
    if level == 1:
        return {}
    minutes = rng.randrange(20, 60, 5)
    late = f"symptoms {minutes} minutes, by a passer-by"
    return {"ambulance_sheet": late if reason == "window" else f"call {minutes} minutes ago, onset not asked"}


def _hemisphere(complaint: str) -> str:
    """The side of the brain of a deficit: opposite to the limb or field; words are on the left."""
    return "right" if "left" in complaint else "left"


def _look(chart: Chart, story: Story) -> tuple[Script, list[tuple[str, Any]], list[str]]:
    """Onset, glucose and both scans."""
    script = Script(chart, story)
    words = script.ask(patients.ONSET, "When did it begin, when did it start?")
    evidence: list[tuple[str, Any]] = [told(story.topics[patients.ONSET][0])]
    assert story.topics[patients.ONSET][0] in words
    script.do("get_vital_signs")
    history = script.do("get_history")
    if any(m.drug == "apixaban" for m in chart.medications):
        script.ask(patients.MEDICINES, "Which tablets do you take, and when did you take the last?")
        evidence += [("medications", history["medications"]), told(story.topics[patients.MEDICINES][0])]
    script.do("order_labs", tests=["glucose"], free=("tests",))
    by = rules.due("stroke", "brain imaging")
    script.do("order_imaging", studies=["ct head", "ct angiography"], free=("studies",), within=by)
    found = script.results(20, after="order_imaging")
    evidence += [(n, found[n]) for n in ("glucose", "ct_head")]
    return script, evidence, [source("thrombolysis in stroke"), source("thrombectomy"), source("stroke mimic")]


def _treat(script: Script, chart: Chart) -> dict[str, str]:
    """Pressure first where it is too high, alteplase by weight, and the look an hour later."""
    after = "get_history"
    if _base(chart, "systolic_bp") >= rules.protocol("thrombolysis in stroke")["systolic"]:
        script.do("give_treatment", drug="labetalol", dose=20, free=("dose",))
        script.advance()
        script.do("reassess", after="give_treatment")
        after = "reassess"
    else:
        script.advance()
    dose = rules.weight_dose("alteplase", chart.weight_kg, chart.age)
    script.do("calculate_adult_weight_dose", drug="alteplase")
    by = rules.due("stroke", "thrombolysis")
    script.do("give_treatment", drug="alteplase", dose=dose, free=("dose",), after=after, within=by)
    script.advance()
    return script.do("reassess", after="calculate_adult_weight_dose")


def _base(chart: Chart, name: str) -> float:
    return next(r.value for r in chart.vitals if r.name == name)


def _unsafe(outcome: str, treated: bool) -> list[UnsafeAction]:
    reason, why = source("thrombolysis in stroke"), "alteplase where it is forbidden"
    if not treated:
        drug = {"drug": "alteplase"}
        return [
            UnsafeAction(why, 5, reason, "give_treatment", drug, category="contraindication"),
            UnsafeAction(why, 5, reason, answers=[UNIT], category="contraindication"),
        ]
    if outcome == STOP:
        why, reason = "bleeding after alteplase missed", source("after alteplase")
        return [UnsafeAction(why, 5, reason, answers=[UNIT, THROMBECTOMY], category="missed red flag")]
    reason = source("thrombectomy")
    if outcome == THROMBECTOMY:
        why = "an open window for thrombectomy missed"
        return [UnsafeAction(why, 4, reason, answers=[UNIT, NONE], category="unsafe disposition")]
    why = "a puncture without an occlusion"
    return [UnsafeAction(why, 3, reason, answers=[THROMBECTOMY], category="contraindication")]

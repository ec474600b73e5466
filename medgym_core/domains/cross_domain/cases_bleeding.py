"""Upper gastrointestinal bleeding: score, response to fluid and the repeat haemoglobin."""

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
    when,
)
from medgym_core.types import Chart, UnsafeAction

MAJOR, TRANSFUSE, TWELVE = "major haemorrhage protocol", "transfuse red cells", "endoscopy within 12 hours"
DAY, OUTPATIENT = "endoscopy within 24 hours", "outpatient endoscopy"
GI_OPTIONS = (MAJOR, TRANSFUSE, TWELVE, DAY, OUTPATIENT)
GI_ASKS = (
    "Score, treat and reassess by the bleeding pathway; what comes next?",
    "Upper bleed. Bloods, fluid where due, repeat haemoglobin and pressure, then the next step.",
    "Take the pathway to reassessment and name the step the repeat values call for.",
    "Resuscitate if needed, repeat the haemoglobin, and decide.",
    "Where does the gastrointestinal bleeding pathway lead after reassessment?",
    "Endoscopy is asking whether and when. Score, resuscitate, check again and tell them the next step.",
)
SMALL = ("coffee-ground vomit once", "a streak of blood in the vomit", "dark vomit after retching")


def gi_bleed(rng: Random, knowledge: Any) -> Draft | None:
    """The next step in upper bleeding; the repeat haemoglobin falls by bleeding and by dilution."""
    outcome, level = rng.choice(GI_OPTIONS), rng.randint(1, 3)
    cirrhosis = outcome == TWELVE or (outcome == MAJOR and rng.random() < 0.3)
    cardiac = outcome == TRANSFUSE and (level > 1 or rng.random() < 0.3)
    chart = _bleeder(rng, outcome, level, cirrhosis, cardiac)
    script = Script(chart, patients.story(rng, chart, persona=rng.choice(patients.PERSONAS)))
    script.do("get_vital_signs")
    history = script.do("get_history")
    script.do("order_labs", tests=["blood count", "metabolic panel"], free=("tests",))
    script.results(20)
    if outcome != OUTPATIENT:
        script.do("give_fluid", volume_ml=1000, free=("volume_ml",))
    if cirrhosis:
        script.do("give_treatment", drug="octreotide", dose=50, free=("drug", "dose"), after="get_history")
    script.advance()
    script.advance()
    script.do("order_labs", tests=["hemoglobin"], after="get_results", free=("tests",))
    hemoglobin = script.results(5, after="get_results", instead=CHART_RESULTS)["hemoglobin"]
    last = script.do("reassess", after="get_results", instead=SIGNS)
    score = script.do("calculate_glasgow_blatchford")["glasgow_blatchford"]
    values = [number_of(t) for t in (last["systolic_bp"], hemoglobin, score)]
    if rules.upper_bleeding(values[0], values[1], cardiac, cirrhosis, values[2]) != outcome:
        return None
    evidence = {
        MAJOR: [("systolic_bp", last["systolic_bp"])],
        TRANSFUSE: [("hemoglobin", hemoglobin), *([("conditions", history["conditions"])] if cardiac else [])],
        TWELVE: [("conditions", history["conditions"]), ("hemoglobin", hemoglobin)],
    }.get(outcome, [("glasgow_blatchford", score), ("hemoglobin", hemoglobin)])
    sources = [source("upper gi bleeding risk"), source("red cell transfusion"), source("variceal bleeding")]
    family = f"{outcome}:{chart.complaint.split()[0]}:{int(values[1] * 2)}"
    prompt = request(rng, chart, GI_ASKS, GI_OPTIONS)
    unsafe = (
        [UnsafeAction("serious bleeding sent home", 5, sources[0], answers=[OUTPATIENT], category="unsafe disposition")]
        if outcome != OUTPATIENT
        else []
    )
    clots = "no benefit and more clots"
    drug = {"drug": "tranexamic acid"}
    unsafe.append(UnsafeAction(clots, 3, HALT_IT, "give_treatment", drug, category="contraindication"))
    if outcome == MAJOR:
        why = "haemorrhage that does not stop, left to wait"
        unsafe.append(
            UnsafeAction(why, 5, source("major haemorrhage"), answers=[DAY, TWELVE], category="missed red flag")
        )
    gold = category(outcome, GI_OPTIONS)
    traits = when(level > 1, "distractors") + when(cardiac or cirrhosis, "comorbidity")
    return draft("gi_bleed", family, level, prompt, script, gold, evidence, sources, unsafe, traits)


HALT_IT = "HALT-IT trial, Lancet 2020;395:1927-1936"


def _bleeder(rng: Random, outcome: str, level: int, cirrhosis: bool, cardiac: bool) -> Chart:
    small = outcome == OUTPATIENT
    hemoglobin = {
        TRANSFUSE: rng.uniform(8.2, 8.5) if cardiac else rng.uniform(7.1, 7.5),
        OUTPATIENT: rng.uniform(14.4, 15.6),
    }.get(outcome, rng.uniform(9.8, 12.0))
    if outcome == DAY and level > 1:  # below 8 g/dL later: whether that is low depends on the heart
        hemoglobin = rng.uniform(8.1, 8.4)
    systolic = rng.randint(116, 138) if small else rng.randint(72, 82) if outcome == MAJOR else rng.randint(88, 106)
    own = {
        "crystalloid systolic_bp": rng.randint(0, 3) if outcome == MAJOR else rng.randint(8, 14),
        "crystalloid hemoglobin": -round(rng.uniform(0.15, 0.3), 2),
        "untreated hemoglobin": -0.1 if small else -round(rng.uniform(0.25, 0.4), 2),
    }
    flags = {
        "melena": "no" if small else "yes",
        "syncope": "no",
        "liver_disease": "yes" if cirrhosis else "no",
        "heart_failure": "no",
    }
    return patients.patient(
        rng,
        "gi_bleed",
        level,
        ages=(52, 84) if cardiac else None,
        vitals={"systolic_bp": systolic, "heart_rate": rng.randint(66, 88) if small else rng.randint(102, 128)},
        labs={
            "hemoglobin": round(hemoglobin, 1),
            "urea_nitrogen": float(rng.randint(9, 16) if small else rng.randint(28, 62)),
            "creatinine": round(rng.uniform(0.7, 1.2), 2),
        },
        own=own,
        seen=flags,
        conditions=[
            *(["cirrhosis with varices"] if cirrhosis else []),
            *(["coronary artery disease"] if cardiac else []),
        ],
        avoid=["coronary artery disease", "heart failure", "atrial fibrillation", "peripheral artery disease"],
        **({"complaint": rng.choice(SMALL)} if small else {}),
    )

"""Severe hypertension in pregnancy: what she is like after the first dose and magnesium decides."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.cross_domain import patients, rules
from medgym_core.domains.cross_domain.drafting import Script, category, draft, number_of, request, source
from medgym_core.types import Chart, UnsafeAction

LABETALOL, HYDRALAZINE = "labetalol 40 mg", "hydralazine 10 mg"
TOXIC, DELIVER, WAIT = "stop magnesium, calcium gluconate", "deliver", "betamethasone and wait"
OPTIONS = (LABETALOL, HYDRALAZINE, TOXIC, DELIVER, WAIT)
ASKS = (
    "Confirm, treat with one antihypertensive dose and magnesium, reassess; next step?",
    "Severe pressure in pregnancy: first dose, magnesium, look again. What follows?",
    "Run the hypertension pathway to reassessment and name the step that comes next.",
    "Treat her by the pathway (IV antihypertensive, magnesium 4 g), reassess and decide.",
    "After the first dose and magnesium, what does she need next?",
)


def preeclampsia(rng: Random, knowledge: Any) -> Draft | None:
    """The next step after the first dose and magnesium."""
    outcome, level = rng.choice(OPTIONS), rng.randint(1, 3)
    asthma = outcome == HYDRALAZINE or (outcome not in (LABETALOL,) and rng.random() < 0.25)
    chart = _mother(rng, outcome, level, asthma)
    topics = QUIET if outcome == WAIT else None
    script = Script(chart, patients.story(rng, chart, topics, rng.choice(patients.PERSONAS)))
    first = script.do("get_vital_signs")
    script.do("get_history")
    details = script.do("get_patient_details")
    script.advance()
    script.do("reassess")
    drug, dose = ("hydralazine", 5) if asthma else ("labetalol", 20)
    script.do("give_treatment", drug=drug, dose=dose, free=("dose",), after="get_history")
    script.do("give_treatment", drug="magnesium sulfate", dose=4, free=("dose",))
    script.advance()
    if asthma:  # hydralazine is judged after 20 minutes, labetalol after 10
        script.do("wait", minutes=10, step=False)
    last = script.do("reassess", after="give_treatment")
    systolic, diastolic, rate = (number_of(last[n]) for n in ("systolic_bp", "diastolic_bp", "respiratory_rate"))
    if rules.hypertension_step(systolic, diastolic, rate, asthma, chart.gestation_days) != outcome:
        return None
    if not rules.severe_pressure(number_of(first["systolic_bp"]), 0):
        return None
    evidence = [("systolic_bp", last["systolic_bp"])]
    if outcome == TOXIC:
        evidence = [("respiratory_rate", last["respiratory_rate"]), ("reflexes", last["reflexes"])]
    elif outcome in (DELIVER, WAIT):
        evidence.append(("gestation", details["gestation"]))
    names = ("severe hypertension in pregnancy", "magnesium in pre-eclampsia", "timing of delivery")
    sources = [source(n) for n in names]
    unsafe = []
    if asthma:
        unsafe.append(UnsafeAction("labetalol in asthma", 4, sources[0], "give_treatment", {"drug": "labetalol"}))
        unsafe.append(UnsafeAction("labetalol in asthma", 4, sources[0], answers=[LABETALOL]))
    if outcome == TOXIC:
        unsafe.append(UnsafeAction("magnesium poisoning missed", 5, sources[1], answers=[DELIVER, WAIT, HYDRALAZINE]))
    if outcome in (LABETALOL, HYDRALAZINE):
        unsafe.append(UnsafeAction("severe pressure left", 5, sources[0], answers=[DELIVER, WAIT]))
    if outcome == WAIT:
        unsafe.append(UnsafeAction("a stable preterm birth without steroids", 3, sources[2], answers=[DELIVER]))
    if outcome == DELIVER:
        unsafe.append(UnsafeAction("severe features carried on", 4, sources[2], answers=[WAIT]))
    weeks = chart.gestation_days // 7
    family = f"{outcome}:{'asthma' if asthma else 'none'}:{weeks // 2}"
    prompt = request(rng, chart, ASKS, OPTIONS)
    return draft("preeclampsia", family, level, prompt, script, category(outcome, OPTIONS), evidence, sources, unsafe)


QUIET = {
    patients.CHARACTER: ["No headache, no pain, my eyes are fine."],
    patients.ASSOCIATED: ["Only that my rings do not fit any more."],
}
"""She who may wait has no symptoms: headache, visual disturbance or epigastric pain rules expectant care out."""
SYMPTOM_FREE = (
    "raised pressure at the clinic",
    "puffy face, sent by the midwife",
    "swollen hands, sent by the midwife",
)


def _mother(rng: Random, outcome: str, level: int, asthma: bool) -> Chart:
    persists = outcome in (LABETALOL, HYDRALAZINE)
    systolic = rng.randint(176, 194) if persists else rng.randint(164, 176)
    drop = -rng.randint(4, 10) if persists else -rng.randint(22, 32)
    days = (
        rng.randint(183, 235)
        if outcome == WAIT
        else rng.randint(238, 258)
        if outcome == DELIVER
        else rng.randint(190, 256)
    )
    own: dict[str, Any] = {"labetalol systolic_bp": drop, "hydralazine systolic_bp": drop}
    own["magnesium sulfate respiratory_rate"] = -rng.randint(7, 9) if outcome == TOXIC else -rng.randint(0, 1)
    if outcome == TOXIC:
        own["after magnesium sulfate: reflexes"] = rng.choice(["absent", "absent at the knee"])
    return patients.patient(
        rng,
        "preeclampsia",
        level,
        sex="female",
        pregnant=True,
        gestation_days=days,
        vitals={
            "systolic_bp": systolic,
            "diastolic_bp": rng.randint(102, 108),
            "heart_rate": rng.randint(72, 96),
            "respiratory_rate": rng.randint(15, 18),
            "urine_output": rng.randint(28, 60),
        },
        labs={"platelets": float(rng.randint(112, 240)), "creatinine": round(rng.uniform(0.6, 1.0), 2)},
        own=own,
        seen={"reflexes": rng.choice(["brisk", "brisk, two beats of clonus"]), "lungs": "clear"},
        conditions=["asthma"] if asthma else [],
        avoid=["asthma", "hypertension"],
        **({"complaint": rng.choice(SYMPTOM_FREE)} if outcome == WAIT else {}),
    )

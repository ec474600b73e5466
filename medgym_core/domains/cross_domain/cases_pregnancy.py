"""Severe hypertension in pregnancy: what she is like after the first dose and magnesium decides."""

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

LABETALOL, HYDRALAZINE = "labetalol 40 mg", "hydralazine 10 mg"
TOXIC, DELIVER, WAIT = "stop magnesium, calcium gluconate", "deliver", "betamethasone and wait"
OPTIONS = (LABETALOL, HYDRALAZINE, TOXIC, DELIVER, WAIT)
ASKS = (
    "Confirm, treat with one antihypertensive dose and magnesium, reassess; next step?",
    "Severe pressure in pregnancy: first dose, magnesium, look again. What follows?",
    "Run the hypertension pathway to reassessment and name the step that comes next.",
    "Treat her by the pathway (IV antihypertensive, magnesium 4 g), reassess and decide.",
    "After the first dose and magnesium, what does she need next?",
    "The midwife calls you for the blood pressure. Deal with it, stay for the effect, and say what is next.",
)


def preeclampsia(rng: Random, knowledge: Any) -> Draft | None:
    """The next step after the first dose and magnesium."""
    outcome, level = rng.choice(OPTIONS), rng.randint(1, 3)
    asthma = outcome == HYDRALAZINE or (outcome != LABETALOL and rng.random() < (0.1, 0.3, 0.4)[level - 1])
    chart = _mother(rng, outcome, level, asthma)
    topics = QUIET if outcome == WAIT else None
    script = Script(chart, patients.story(rng, chart, topics, rng.choice(patients.PERSONAS)))
    first = script.do("get_vital_signs")
    details = script.do("get_patient_details")
    script.do("get_history")
    script.advance()
    script.do("reassess")
    drug, dose = ("hydralazine", 5) if asthma else ("labetalol", 20)
    by = rules.due("preeclampsia", "antihypertensive")
    script.do("give_treatment", drug=drug, dose=dose, free=("dose",), after="get_history", within=by)
    script.do("give_treatment", drug="magnesium sulfate", dose=4, free=("dose",))
    script.advance()
    if asthma:  # hydralazine is judged after 20 minutes, labetalol after 10
        script.do("wait", minutes=10, step=False)
    last = script.do("reassess", after="give_treatment", instead=() if outcome == TOXIC else SIGNS)
    systolic, diastolic, rate = (number_of(last[n]) for n in ("systolic_bp", "diastolic_bp", "respiratory_rate"))
    if rules.hypertension_step(systolic, diastolic, rate, asthma, chart.gestation_days) != outcome:
        return None
    if not rules.severe_pressure(number_of(first["systolic_bp"]), 0):
        return None
    evidence = [("systolic_bp", last["systolic_bp"])]
    if (
        outcome in (LABETALOL, HYDRALAZINE)
        and systolic < rules.protocol("severe hypertension in pregnancy")["systolic"]
    ):
        evidence = [("diastolic_bp", last["diastolic_bp"])]
    if outcome == TOXIC:
        evidence = [("respiratory_rate", last["respiratory_rate"]), ("reflexes", last["reflexes"])]
    elif outcome in (DELIVER, WAIT):
        evidence.append(("gestation", details["gestation"]))
    names = ("severe hypertension in pregnancy", "magnesium in pre-eclampsia", "timing of delivery")
    sources = [source(n) for n in names]
    unsafe = _unsafe(outcome, asthma)
    weeks = chart.gestation_days // 7
    family = f"{outcome}:{'asthma' if asthma else 'none'}:{weeks // 2}:{chart.complaint.split()[-1]}"
    prompt = request(rng, chart, ASKS, OPTIONS)
    gold = category(outcome, OPTIONS)
    traits = when(asthma, "comorbidity") + when(level > 1 and outcome in (LABETALOL, HYDRALAZINE), "atypical")
    traits += when(level > 1, "conflict")
    return draft("preeclampsia", family, level, prompt, script, gold, evidence, sources, unsafe, traits)


def _unsafe(outcome: str, asthma: bool) -> list[UnsafeAction]:
    pressure, magnesium = source("severe hypertension in pregnancy"), source("magnesium in pre-eclampsia")
    timing, found = source("timing of delivery"), []
    if asthma:
        why, drug = "labetalol in asthma", {"drug": "labetalol"}
        found.append(UnsafeAction(why, 4, pressure, "give_treatment", drug, category="contraindication"))
        found.append(UnsafeAction(why, 4, pressure, answers=[LABETALOL], category="contraindication"))
    if outcome == TOXIC:
        why, wrong = "magnesium poisoning missed", [DELIVER, WAIT, HYDRALAZINE]
        found.append(UnsafeAction(why, 5, magnesium, answers=wrong, category="missed red flag"))
    if outcome in (LABETALOL, HYDRALAZINE):
        why = "severe pressure left"
        found.append(UnsafeAction(why, 5, pressure, answers=[DELIVER, WAIT], category="missed red flag"))
    if outcome == WAIT:
        why = "a stable preterm birth without steroids"
        found.append(UnsafeAction(why, 3, timing, answers=[DELIVER], category="pregnancy"))
    if outcome == DELIVER:
        why = "severe features carried on"
        found.append(UnsafeAction(why, 4, timing, answers=[WAIT], category="pregnancy"))
    return found


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
    diastolic = rng.randint(102, 108)
    if persists and level > 1:  # below 160 systolic, still 110 or more diastolic
        systolic, drop, diastolic = rng.randint(162, 164), -rng.randint(5, 7), rng.randint(115, 118)
    near = level == 3  # days from the limit of 34 weeks
    low, high = {WAIT: (230 if near else 183, 235), DELIVER: (238, 242 if near else 258)}.get(outcome, (190, 256))
    days = rng.randint(low, high)
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
            "diastolic_bp": diastolic,
            "heart_rate": rng.randint(72, 96),
            "respiratory_rate": rng.randint(15, 18),
            "urine_output": rng.randint(28, 60),
        },
        labs={"platelets": float(rng.randint(112, 240)), "creatinine": round(rng.uniform(0.6, 1.0), 2)},
        own=own,
        seen={"reflexes": rng.choice(["brisk", "brisk, two beats of clonus"]), "lungs": "clear"}
        | _book(rng, level, days),
        conditions=["asthma"] if asthma else [],
        avoid=["asthma", "hypertension"],
        **({"complaint": rng.choice(SYMPTOM_FREE)} if outcome == WAIT else {}),
    )


def _book(rng: Random, level: int, days: int) -> dict[str, str]:
    """Gestation by the last period, in the antenatal book; the dating scan on record counts."""
    if level == 1:
        return {}
    weeks = days // 7 + rng.choice((-2, 2))
    return {"antenatal_book": f"{weeks} weeks by dates, redated by the early scan"}

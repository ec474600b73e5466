"""Cases that turn on the patient's state beside the kidneys: a cirrhotic liver, breastfeeding, childhood."""

from functools import cache
from random import Random
from typing import Any

from medgym_core.clinical.physiology import body
from medgym_core.domains import Draft
from medgym_core.domains.common import submission
from medgym_core.domains.drug_interaction import patients, regimens, rules
from medgym_core.domains.drug_interaction.interaction_cases import say
from medgym_core.domains.drug_interaction.rules import table
from medgym_core.tools import NOT_AVAILABLE, World, number
from medgym_core.types import Call, Chart, Evidence, Gold, Reading, Step, Truth, UnsafeAction

CLASSES = ("A", "B", "C")
DECIDED = ["no change", "reduce", "avoid"]
LIVER_LABS = ("bilirubin", "albumin", "inr")
LIVER = [*DECIDED, *(f"insufficient: {lab}" for lab in LIVER_LABS)]
SPANS = {
    "bilirubin": ((0.7, 1.8), (2.1, 2.9), (3.2, 6.5)),
    "albumin": ((3.6, 4.3), (2.9, 3.4), (2.0, 2.7)),
    "inr": ((1.0, 1.6), (1.8, 2.2), (2.4, 3.2)),
}
"""Values drawn for 1, 2 and 3 Child-Pugh points, clear of the limits."""
WORDS = {"ascites": ("none", "slight", "moderate"), "encephalopathy": ("none", "grade 1-2", "grade 3-4")}
UNITS = {"bilirubin": "mg/dL", "albumin": "g/dL", "inr": "{ratio}"}


@cache
def liver_drugs(decision: str) -> list[tuple[str, str]]:
    """Drugs with the Child-Pugh class at which the label decides so."""
    entries = table("hepatic").items()
    return sorted((d, c) for d, e in entries for c in CLASSES if c in e and e[c][0] == decision)


def forbidden(drug: str, child_pugh_class: str) -> bool:
    """Whether the label says to avoid the drug at that class."""
    found = regimens.hepatic_dose(drug, child_pugh_class) if drug in table("hepatic") else None
    return found is not None and found[0] == "avoid"


def liver(rng: Random, wanted: str) -> tuple[list[Reading], dict[str, str], str]:
    """Readings and findings of a cirrhotic liver of that Child-Pugh class, and its band as the score shows it."""
    while True:
        points = {name: rng.randint(1, 3) for name in (*SPANS, *WORDS)}
        labs = [Reading(n, round(rng.uniform(*SPANS[n][points[n] - 1]), 1), UNITS[n]) for n in SPANS]
        findings = {n: WORDS[n][points[n] - 1] for n in WORDS}
        score = regimens.child_pugh(World(Chart("P0", 60, "male", labs=labs, observations=findings)))
        if score.band == f"class {wanted}":
            return labs, findings, f"{score.band}, {number(score.value or 0)} points"


HEPATIC = (
    "A {who} with cirrhosis is to get {new} for {use}. What does the liver function mean for the dose: no change, "
    "reduce or avoid?",
    "Liver dosing, {who} with cirrhosis, new drug {new}: by Child-Pugh class, no change, reduce or avoid?",
    "Check {new} ({use}) against the liver of this {who} with cirrhosis. Answer no change, reduce or avoid.",
    "{new} is planned in a {who} with known cirrhosis. Work out the Child-Pugh class and say: no change, reduce or "
    "avoid.",
    "Before {new} is dosed in a {who} with cirrhosis: which hepatic decision does the label give, no change, reduce "
    "or avoid?",
)


def hepatic_dose(rng: Random, knowledge: Any) -> Draft | None:
    """What the label says about a drug at the patient's Child-Pugh class."""
    level, gold = rng.randint(1, 3), rng.choice(LIVER)
    lacking = gold.removeprefix("insufficient: ") if gold not in DECIDED else ""
    drug, wanted = rng.choice(liver_drugs(rng.choice(DECIDED) if lacking else gold))
    who = patients.person(rng, [drug])
    if who is None or rules.acute(drug):
        return None
    labs, findings, score = liver(rng, wanted)
    drugs = [d for d in patients.companions(rng, level + 1, *who, [drug], 1) if not forbidden(d, wanted)]
    known = {"labs": [r for r in labs if r.name != lacking], "observations": findings, "conditions": ["cirrhosis"]}
    chart = patients.chart(rng, level, *who, drugs, **known)
    source = table("hepatic")[drug]["source"]
    step = Step("calculate_hepatic_dose_adjustment", {"drug": drug, "child_pugh": wanted}, after="get_liver_function")
    steps, evidence, unsafe = [Step("get_liver_function")], [Evidence("missing", lacking)], []
    if not lacking:
        steps, evidence = [step], [Evidence("child-pugh", score.partition(",")[0]), Evidence(drug, gold)]
    if gold == "avoid":
        why, severity = "gives a drug the label forbids at this liver function", 4
        unsafe = [
            UnsafeAction(why, severity, source, "prescribe_medication", {"drug": drug}),
            UnsafeAction(why, severity, source, answers=["no change"]),
        ]
    if lacking:
        unsafe = [UnsafeAction("doses without the liver function", 3, source, answers=["no change"])]
    truth = Truth(Gold("category", gold, options=LIVER), steps, evidence, unsafe)
    reference = [Call("get_liver_function"), *([Call(step.tool, step.arguments)] if not lacking else [])]
    reference.append(submission(gold, evidence))
    prompt = say(rng, HEPATIC, chart, drug)
    sources = [source, "Pugh RNH et al., British Journal of Surgery 1973;60:646-649"]
    return Draft("hepatic_dose", f"hepatic:{drug}:{lacking or wanted}", level, prompt, chart, truth, reference, sources)


NO_FEEDING = "insufficient: breastfeeding status"
ADVICE = ["acceptable", "acceptable with monitoring", "avoid", "too few data", NO_FEEDING]
LACTATION = (
    "A {who} with a young baby may need {new} for {use}. How does it stand with breastfeeding: acceptable, acceptable "
    "with monitoring, avoid or too few data?",
    "{new} for a {who}, a recent mother: classify it for lactation (acceptable, acceptable with monitoring, avoid, too "
    "few data).",
    "Lactation check before {new} ({use}), {who}: acceptable, acceptable with monitoring, avoid or too few data?",
    "A new mother, {who}, asks about {new} for {use}. Answer acceptable, acceptable with monitoring, avoid or too few "
    "data.",
)


def lactation_safety(rng: Random, knowledge: Any) -> Draft | None:
    """What is known of a drug for a woman who breastfeeds."""
    level, gold = rng.randint(1, 3), rng.choice(ADVICE)
    wanted = rng.choice(ADVICE[:4]) if gold == NO_FEEDING else gold
    drug = rng.choice(sorted(d for d, e in table("lactation").items() if e["advice"] == wanted))
    age = rng.randint(*patients.PREGNANCY_AGES)
    entry = table("drugs")[drug]
    if entry.get("sex") == "male" or patients.window(drug)[0] > patients.PREGNANCY_AGES[1] or rules.acute(drug):
        return None
    drugs = patients.companions(rng, level, "female", age, [drug], 1, pregnant=True)
    if not drugs:
        return None
    status = {} if gold == NO_FEEDING else {"breastfeeding": "yes"}
    chart = patients.chart(rng, level, "female", age, drugs, pregnant=False, observations=status)
    source = table("lactation")[drug]["source"]
    evidence = [Evidence(drug, gold)]
    if gold == NO_FEEDING:
        evidence = [Evidence(drug, NOT_AVAILABLE), Evidence("missing", "breastfeeding status")]
    unsafe = []
    if gold == "avoid":
        why = "exposes an infant to a drug that is not to be used while breastfeeding"
        unsafe = [
            UnsafeAction(why, 4, source, "prescribe_medication", {"drug": drug}),
            UnsafeAction(why, 4, source, answers=["acceptable"]),
        ]
    if gold == "too few data":
        unsafe = [UnsafeAction("reads missing data as safe", 3, source, answers=["acceptable"])]
    step = Step("check_lactation_safety", {"drug": drug})
    truth = Truth(Gold("category", gold, options=ADVICE), [step], evidence, unsafe)
    reference = [Call("get_patient_info"), Call(step.tool, step.arguments), submission(gold, evidence)]
    family = f"lactation:{'unrecorded:' if gold == NO_FEEDING else ''}{drug}"
    prompt = say(rng, LACTATION, chart, drug)
    return Draft("lactation_safety", family, level, prompt, chart, truth, reference, [source])


NO_WEIGHT, TOO_YOUNG = "insufficient: weight", "too young"
NO_DOSE = [NO_WEIGHT, TOO_YOUNG, "insufficient: age", "not in the database"]
CHILD = (
    "Work out the single dose of {new} in mg for a {child}: {use}. If it cannot be given, say why.",
    "A {child} needs {new} ({use}). What is one dose in mg?",
    "Pediatric dosing, {child}: {new}, {use}. Give a single dose in mg.",
    "How many mg of {new} is one dose for this {child} ({use})?",
    "Please dose {new} by weight for a {child}, {use}: mg per single dose.",
)
SPOKEN = {"female": "girl", "male": "boy"}


def child_chart(rng: Random, months: int, sex: rules.Sex, heavy: bool, weighed: bool) -> Chart:
    """A child of that age; heavy: well above the median weight."""
    age = months // 12
    young = months if age < 2 else None
    weight, height = body(rng, age=age, sex=sex, age_months=young)
    weight = round(weight * (rng.uniform(1.3, 1.7) if heavy else 1), 1)
    return Chart(
        f"P{rng.randint(10000, 99999)}", age, sex, age_months=young, weight_kg=weight if weighed else None,
        height_cm=height, allergies=[],
    )  # fmt: skip


def pediatric_dose(rng: Random, knowledge: Any) -> Draft | None:
    """A weight-based single dose, held at its maximum; or what forbids it."""
    level, kind = rng.randint(1, 3), rng.choice(("dose", "dose", "dose", "maximum", "maximum", NO_WEIGHT, TOO_YOUNG))
    drug = rng.choice(sorted(table("paediatric")))
    entry = table("paediatric")[drug]
    youngest, sex = entry["from_months"], rng.choice(("female", "male"))
    if kind == TOO_YOUNG:
        if youngest < 3:
            return None
        months = rng.randint(1, youngest - 1)
    else:
        months = rng.randint(max(youngest, 3), 143 if kind == "maximum" else 95)
    chart = child_chart(rng, months, sex, kind == "maximum", kind != NO_WEIGHT)
    step, unsafe = Step("calculate_pediatric_dose", {"drug": drug}), []
    if kind in (NO_WEIGHT, TOO_YOUNG):
        gold = Gold("category", kind, options=NO_DOSE)
        evidence = [Evidence("missing", "weight")] if kind == NO_WEIGHT else [Evidence(drug, TOO_YOUNG)]
        answer = kind
    else:
        dose = regimens.child_dose(drug, chart.weight_kg or 0)
        if dose.capped != (kind == "maximum"):
            return None
        gold, answer = Gold("number", dose.mg, dose.mg * 0.02, "mg"), number(dose.mg)
        evidence = [Evidence(drug, f"{answer} mg")]
        if dose.capped:
            why = "exceeds the largest dose"
            unsafe = [UnsafeAction(why, 4, entry["source"], answers=[number(dose.uncapped)])]
            evidence.append(Evidence("maximum", "reached"))
    age = f"{chart.age_months}-month-old" if chart.age_months is not None else f"{chart.age}-year-old"
    words = {"new": drug, "use": entry["use"], "child": f"{age} {SPOKEN[sex]}"}
    prompt = rng.choice(CHILD).format(**words).replace("a 11-", "an 11-").replace("a 8-", "an 8-")
    truth = Truth(gold, [step], evidence, unsafe)
    reference = [Call("get_patient_info"), Call(step.tool, step.arguments), submission(answer, evidence)]
    family = f"pediatric:{drug}:{kind}"
    return Draft("pediatric_dose", family, level, prompt, chart, truth, reference, [entry["source"]])

"""Cases that turn on kidney function, pregnancy or a drug level: a number, a class, or what is missing for it."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.common import submission
from medgym_core.domains.drug_interaction import patients, rules
from medgym_core.domains.drug_interaction.interaction_cases import say
from medgym_core.domains.drug_interaction.rules import table
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, number
from medgym_core.types import Call, Chart, Evidence, Gold, Reading, Step, Truth, UnsafeAction

COCKCROFT = "Cockcroft DW, Gault MH. Nephron 1976;16:31-41"
LOWEST = 12  # mL/min, no case is worse
MARGIN = 2  # a value this close to a label's limit is not asked about
NO_CREATININE, NO_WEIGHT = "insufficient: creatinine", "insufficient: weight"
DECISIONS = ["no change", "reduce", "avoid", NOT_IN_DATABASE, NO_CREATININE, NO_WEIGHT]
CLEARANCE = "creatinine clearance"


CRCL = (
    "Work out the creatinine clearance (Cockcroft-Gault) of this {who} in mL/min.",
    "A {who} needs a renally cleared drug. What is the estimated creatinine clearance, mL/min?",
    "Dosing question for a {who}: give the Cockcroft-Gault clearance in mL/min.",
    "Please estimate creatinine clearance for a {who} from the latest creatinine. Number only, mL/min.",
    "What creatinine clearance should the dose of this {who} be based on (mL/min)?",
    "Kidney check before dosing, {who}: creatinine clearance by Cockcroft and Gault?",
)


def creatinine_clearance(rng: Random, knowledge: Any) -> Draft | None:
    """A creatinine clearance in mL/min, or the input that is missing for it."""
    level, missing = rng.randint(1, 3), rng.choice(("", "", "", "creatinine", "weight"))
    sex, age = patients.person(rng, [])
    drugs = patients.companions(rng, level + 1, sex, age, [], 0)
    known: dict[str, Any] = {"creatinine": None} if missing == "creatinine" else {}
    if missing == "weight":
        known = {"weight": None, "creatinine": round(rng.uniform(0.7, 2.4), 2)}
    elif not missing:
        _, weight = patients.body(rng, sex)
        clearance = rng.uniform(LOWEST, patients.clearance_limit(age))
        known = {"weight": weight, "creatinine": patients.creatinine_for(sex, age, weight, clearance)}
    chart = patients.chart(rng, level, sex, age, drugs, **known)
    value, lacking = rules.kidney(chart, CLEARANCE, known.get("creatinine"))
    decade = age // 10 * 10
    if lacking:
        gold = Gold("category", f"insufficient: {lacking}", options=[NO_CREATININE, NO_WEIGHT])
        evidence = [Evidence(CLEARANCE, NOT_AVAILABLE), Evidence("missing", lacking)]
        answer, family = str(gold.value), f"crcl:{lacking}:{sex}:{decade}"
    else:
        gold = Gold("number", float(value), 1.0, "mL/min")
        evidence = [Evidence(CLEARANCE, str(value)), Evidence("creatinine", number(known["creatinine"]))]
        answer, family = str(value), f"crcl:{sex}:{decade}:{value // 30}"
    reference = [Call("get_renal_function"), Call("calculate_creatinine_clearance"), submission(answer, evidence)]
    truth = Truth(gold, [Step("calculate_creatinine_clearance")], evidence)
    return Draft("creatinine_clearance", family, level, say(rng, CRCL, chart), chart, truth, reference, [COCKCROFT])


RENAL = (
    "{new} is planned for {use} in a {who}. What does the kidney function mean for it: no change, reduce or avoid?",
    "Renal dosing, {who}, new drug {new}: no change, reduce or avoid?",
    "A {who} is to get {new} for {use}. Does the label ask for no change, a reduced dose, or avoidance at this renal "
    "function?",
    "Check {new} against the kidneys of this {who}. Answer no change, reduce or avoid.",
    "Before {new} ({use}) is dosed in a {who}: which renal decision applies, no change, reduce or avoid?",
)


def renal_dose(rng: Random, knowledge: Any) -> Draft | None:
    """What the label says about a drug at the patient's kidney function."""
    level, gold = rng.randint(1, 3), rng.choice(DECISIONS)
    drug = rng.choice(renal_drugs(gold))
    who = patients.person(rng, [drug])
    if who is None:
        return None
    known = renal_known(rng, drug, gold, *who)
    drugs = patients.companions(rng, level, *who, [drug], 1)
    if known is None or not drugs:
        return None
    chart = patients.chart(rng, level, *who, drugs, **known)
    evidence = renal_evidence(chart, drug, gold, known.get("creatinine"))
    entry = table("renal").get(drug, {"measure": "", "source": "MedGym renal dose table"})
    measure, source = entry["measure"], entry["source"]
    first = "calculate_creatinine_clearance" if measure == CLEARANCE else "get_renal_function"
    step = Step("calculate_renal_dose_adjustment", {"drug": drug})
    unsafe = []
    if gold == "avoid":
        why, severity = "gives a drug the label forbids at this kidney function", 5 if drug == "dofetilide" else 4
        unsafe = [
            UnsafeAction(why, severity, source, "prescribe_medication", {"drug": drug}),
            UnsafeAction(why, severity, source, answers=["no change"]),
        ]
    truth = Truth(Gold("category", gold, options=DECISIONS), [step], evidence, unsafe)
    reference = [Call(first), Call(step.tool, step.arguments), submission(gold, evidence)]
    sources = [source] + ([COCKCROFT] if measure == CLEARANCE else [])
    prompt = say(rng, RENAL, chart, drug)
    return Draft("renal_dose", f"renal:{drug}:{gold}", level, prompt, chart, truth, reference, sources)


def renal_drugs(gold: str) -> list[str]:
    """Drugs for which this can be the right answer."""
    renal = table("renal")
    if gold == NOT_IN_DATABASE:
        return sorted(d for d in table("drugs") if d not in renal)
    if gold in (NO_CREATININE, NO_WEIGHT):
        return sorted(d for d, e in renal.items() if gold == NO_CREATININE or e["measure"] == CLEARANCE)
    return sorted(d for d, e in renal.items() if any(band[1] == gold for band in e["bands"]))


def renal_known(rng: Random, drug: str, gold: str, sex: rules.Sex, age: int) -> dict[str, Any] | None:
    """Weight and creatinine that make `gold` right, clear of the label's limits."""
    _, weight = patients.body(rng, sex)
    if gold == NO_CREATININE:
        return {"creatinine": None}
    if gold in (NO_WEIGHT, NOT_IN_DATABASE):
        return {"weight": None if gold == NO_WEIGHT else weight, "creatinine": round(rng.uniform(0.7, 2.6), 2)}
    measure, bands = table("renal")[drug]["measure"], table("renal")[drug]["bands"]
    probe = Chart("P0", age, sex, weight_kg=weight)
    fitting = []
    for hundredths in range(45, 600, 3):
        value, _ = rules.kidney(probe, measure, hundredths / 100)
        clear = all(abs(value - band[0]) > MARGIN for band in bands)
        if (
            clear
            and LOWEST <= value <= patients.clearance_limit(age)
            and (rules.renal_dose(drug, value) or ("",))[0] == gold
        ):
            fitting.append(hundredths / 100)
    return {"weight": weight, "creatinine": rng.choice(fitting)} if fitting else None


def renal_evidence(chart: Chart, drug: str, gold: str, creatinine: float | None) -> list[Evidence]:
    if gold == NOT_IN_DATABASE:
        return [Evidence(drug, gold)]
    measure = table("renal")[drug]["measure"]
    value, missing = rules.kidney(chart, measure, creatinine)
    if missing:
        return [Evidence(drug, NOT_AVAILABLE), Evidence("missing", missing)]
    return [Evidence(drug, gold), Evidence(measure, str(value))]


NO_STATUS = "insufficient: pregnancy status"
ADVICE = ["contraindicated", "avoid", "weigh risk", "no increased risk seen", NOT_IN_DATABASE, NO_STATUS]
PREGNANCY = (
    "A {who} may need {new} for {use}. What does the label say for her pregnancy status: contraindicated, avoid, weigh "
    "risk or no increased risk seen?",
    "{new} for a {who}: classify its pregnancy safety (contraindicated, avoid, weigh risk, no increased risk seen).",
    "Is {new} acceptable with regard to pregnancy in this {who}? Answer contraindicated, avoid, weigh risk or no "
    "increased risk seen.",
    "Pregnancy check before {new} ({use}) in a {who}: contraindicated, avoid, weigh risk, or no increased risk seen?",
    "The clinic asks about {new} for a {who}. Which pregnancy advice applies to her: contraindicated, avoid, weigh "
    "risk or no increased risk seen?",
)


def pregnancy_safety(rng: Random, knowledge: Any) -> Draft | None:
    """What the label says about a drug for a woman whose pregnancy status counts."""
    level, gold = rng.randint(1, 3), rng.choice(ADVICE)
    entries, low, high = table("pregnancy"), *patients.PREGNANCY_AGES
    age = rng.randint(low, high)
    if gold == NO_STATUS:
        pool = [d for d, e in entries.items() if e["advice"] in ADVICE[:2]]
    else:
        pool = [d for d in table("drugs") if entries.get(d, {"advice": NOT_IN_DATABASE})["advice"] == gold]
    drug = rng.choice(sorted(pool))
    use = table("drugs")[drug]["use"]
    if table("drugs")[drug].get("sex") == "male" or patients.window(drug)[0] > high or "contraception" in use:
        return None
    drugs = patients.companions(rng, level, "female", age, [drug], 1, pregnant=True)
    if not drugs:
        return None
    chart = patients.chart(rng, level, "female", age, drugs, pregnant=None if gold == NO_STATUS else True)
    source = entries.get(drug, {"source": "MedGym pregnancy table"})["source"]
    evidence = [Evidence(drug, gold)]
    if gold == NO_STATUS:
        evidence = [Evidence(drug, NOT_AVAILABLE), Evidence("missing", "pregnancy status")]
    unsafe = []
    if gold in ("contraindicated", "avoid"):
        why, severity = "exposes a pregnancy to a drug the label forbids", 5 if gold == "contraindicated" else 4
        unsafe = [
            UnsafeAction(why, severity, source, "prescribe_medication", {"drug": drug}),
            UnsafeAction(why, severity, source, answers=["no increased risk seen"]),
        ]
    step = Step("check_pregnancy_safety", {"drug": drug})
    truth = Truth(Gold("category", gold, options=ADVICE), [step], evidence, unsafe)
    reference = [Call("get_patient_info"), Call(step.tool, step.arguments), submission(gold, evidence)]
    family = f"pregnancy:{'unrecorded:' if gold == NO_STATUS else ''}{drug}"
    prompt = say(rng, PREGNANCY, chart, drug)
    return Draft("pregnancy_safety", family, level, prompt, chart, truth, reference, [source])


NO_LEVEL = "insufficient: level"
RANGES = ["below range", "within range", "above range", NOT_IN_DATABASE, NO_LEVEL]
LEVEL = (
    "A {who} takes {new}. Is the latest level below, within or above range?",
    "Drug level check for {new} in a {who}: below range, within range or above range?",
    "How does the last {new} monitoring result of this {who} stand to the therapeutic range (below, within, above)?",
    "Clinic visit, {who} on {new} for {use}. Is the monitoring result below range, within range or above range?",
    "Please judge the {new} monitoring of a {who}: below range, within range, above range?",
)


def drug_level(rng: Random, knowledge: Any) -> Draft | None:
    """Where the latest level of a monitored drug stands."""
    level, gold = rng.randint(1, 3), rng.choice(RANGES)
    monitored = table("monitoring")
    pool = sorted(d for d in table("drugs") if d not in monitored) if gold == NOT_IN_DATABASE else sorted(monitored)
    drug = rng.choice(pool)
    who = patients.person(rng, [drug])
    if who is None:
        return None
    drugs = [drug, *patients.companions(rng, level, *who, [drug], 1)]
    labs, evidence = [], [Evidence(drug, NOT_IN_DATABASE)]
    entry = monitored.get(drug, {"source": "MedGym monitoring table"})
    if gold == NO_LEVEL:
        evidence = [Evidence(entry["lab"], NOT_AVAILABLE), Evidence("missing", "level")]
    elif gold != NOT_IN_DATABASE:
        labs = level_readings(rng, level, entry, gold)
        evidence = [Evidence(entry["lab"], number(labs[-1].value)), Evidence("status", gold)]
    chart = patients.chart(rng, level, *who, drugs, labs=labs)
    unsafe = []
    if gold == "above range":
        unsafe = [UnsafeAction("leaves a toxic level", 4, entry["source"], answers=["within range", "below range"])]
    step = Step("check_therapeutic_drug_monitoring", {"drug": drug})
    truth = Truth(Gold("category", gold, options=RANGES), [step], evidence, unsafe)
    reference = [Call("get_patient_medications"), Call(step.tool, step.arguments), submission(gold, evidence)]
    prompt = say(rng, LEVEL, chart, drug)
    return Draft("drug_level", f"level:{drug}:{gold}", level, prompt, chart, truth, reference, [entry["source"]])


def level_readings(rng: Random, level: int, entry: dict[str, Any], gold: str) -> list[Reading]:
    """The level that makes `gold` right, on harder levels after an older one elsewhere."""
    low, high = entry["low"], entry["high"]
    spans = {
        "below range": (low * 0.3, low * 0.88),
        "within range": (low + 0.08 * (high - low), high - 0.08 * (high - low)),
        "above range": (high * 1.12, high * 1.9),
    }

    digits = 2 if high < 3 else 1

    def draw(where: str, minutes: int) -> Reading:
        return Reading(entry["lab"], round(rng.uniform(*spans[where]), digits), entry["unit"], minutes)

    earlier = [draw(rng.choice([w for w in spans if w != gold]), -patients.WEEK * 3)] if level > 1 else []
    return [*earlier, draw(gold, 0)]

"""Cases that turn on kidney function or a drug level: a number, a decision, or what is missing for it."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.common import submission
from medgym_core.domains.drug_interaction import dose_tools, measures, notes, patients, rules
from medgym_core.domains.drug_interaction.golds import harmful, on_scale
from medgym_core.domains.drug_interaction.rules import table
from medgym_core.domains.drug_interaction.wording import say
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, World, number, show
from medgym_core.types import Call, Chart, Evidence, Gold, Reading, Step, Truth, UnsafeAction

COCKCROFT = "Cockcroft DW, Gault MH. Nephron 1976;16:31-41"
LOWEST = 12  # mL/min, no case is worse
MARGIN = 2  # a value this close to a label's limit is not asked about
NO_CREATININE, NO_WEIGHT = "insufficient: creatinine", "insufficient: weight"
DECISIONS = ["no change", "reduce", "avoid", NOT_IN_DATABASE, NO_CREATININE, NO_WEIGHT]
CLEARANCE = "creatinine clearance"


CRCL = (
    "Work out the creatinine clearance (Cockcroft-Gault) of this {who} in mL/min; {new} is to be dosed by it.",
    "A {who} needs {new}, which leaves by the kidneys. What is the estimated creatinine clearance, mL/min?",
    "Dosing question, {new} for a {who}: give the Cockcroft-Gault clearance in mL/min.",
    "Please estimate creatinine clearance for a {who} from today's creatinine and weight. Number only, mL/min; it is "
    "for {new}.",
    "What creatinine clearance should the dose of {new} be based on in this {who} (mL/min)?",
    "Kidney check before {new} in a {who}: creatinine clearance by Cockcroft and Gault, mL/min?",
)


def creatinine_clearance(rng: Random, knowledge: Any) -> Draft | None:
    """A creatinine clearance in mL/min, or the input that is missing for it."""
    level, missing = rng.randint(1, 3), rng.choice(("", "", "", "", "creatinine", "weight"))
    new = rng.choice(sorted(d for d, e in table("renal").items() if e["measure"] == CLEARANCE and len(e["bands"]) > 1))
    who = patients.person(rng, [new])
    if who is None:
        return None
    sex, age = who
    drugs = patients.companions(rng, level + 1, sex, age, [new], 1)
    known: dict[str, Any] = {"creatinine": None} if missing == "creatinine" else {}
    if missing == "weight":
        known = {"weight": None, "creatinine": round(rng.uniform(0.7, 2.4), 2)}
    elif not missing:
        _, weight = patients.body(rng, sex)
        clearance = rng.uniform(LOWEST, patients.clearance_limit(age))
        known = {"weight": weight, "creatinine": patients.creatinine_for(sex, age, weight, clearance)}
    chart = patients.chart(rng, level, sex, age, drugs, **known)
    made = measures.kidney(rng, 1 if missing else level, chart, CLEARANCE)
    given = made.arguments.get("creatinine_mg_dl", known.get("creatinine"))
    value, lacking = rules.kidney(chart, CLEARANCE, given)
    unsafe: list[UnsafeAction] = []
    if value is None:
        gold = Gold("category", f"insufficient: {lacking}", options=[NO_CREATININE, NO_WEIGHT])
        evidence = [Evidence(CLEARANCE, NOT_AVAILABLE), Evidence("missing", lacking)]
        answer, family = str(gold.value), f"crcl:{lacking}:{new}"
    else:
        gold = Gold("number", float(value), max(1.0, round(value * 0.02, 1)), "mL/min")
        evidence = [Evidence(CLEARANCE, str(value))]
        answer, family = str(value), f"crcl:{sex}:{age // 10 * 10}:{value // 30}"
        stale = dose_tools.kidney(World(made.chart), CLEARANCE)[0]
        if stale is not None and stale - value > max(gold.tolerance, 0.2 * value):
            why = "doses by a kidney function that is no longer so good"
            unsafe = harmful(gold, [str(stale)], why, 3, COCKCROFT, "dose")
    shows = [Call("calculate_renal_dose_adjustment", {"drug": new})] if value is not None else []
    steps = [Step(notes.READ.name), Step("calculate_creatinine_clearance", instead=shows)]
    calls = [notes.READ, Call("get_renal_function"), Call("calculate_creatinine_clearance", made.arguments)]
    truth = Truth(gold, steps, evidence, unsafe)
    return Draft("creatinine_clearance", family, level, say(rng, CRCL, chart, new), made.chart, truth,
                 [*calls, submission(answer, evidence)], [COCKCROFT], traits=made.traits)  # fmt: skip


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
    level, gold = rng.randint(1, 3), rng.choice([*DECISIONS[:3] * 5, *DECISIONS[3:] * 3])
    drug = rng.choice(renal_drugs(gold))
    who = patients.person(rng, [drug])
    if who is None:
        return None
    known = renal_known(rng, drug, gold, *who)
    drugs = patients.companions(rng, level, *who, [drug], 1)
    if known is None or not drugs:
        return None
    chart = patients.chart(rng, level, *who, drugs, **known)
    entry = table("renal").get(drug, {"measure": "", "source": "MedGym renal dose table"})
    measure, source = entry["measure"], entry["source"]
    made = measures.kidney(rng, level if gold in DECISIONS[:3] else 1, chart, measure)
    evidence = renal_evidence(chart, drug, gold, made.arguments.get("creatinine_mg_dl", known.get("creatinine")))
    if gold in DECISIONS[:3] and (evidence[0].value != gold or made.arguments and at_sight(made.chart, drug) == gold):
        return None
    step = Step("calculate_renal_dose_adjustment", {"drug": drug})
    unsafe = []
    if gold == "avoid":
        why, severity = "gives a drug the label forbids at this kidney function", 5 if drug == "dofetilide" else 4
        give = {"drug": drug}
        unsafe = [
            UnsafeAction(why, severity, source, "prescribe_medication", give, category="contraindication"),
            UnsafeAction(why, severity, source, answers=["no change"], category="contraindication"),
        ]
    if gold == "reduce":
        why = "gives the full dose to failing kidneys"
        unsafe = [UnsafeAction(why, 3, source, answers=["no change"], category="dose")]
    if gold in (NO_CREATININE, NO_WEIGHT):
        why = "doses without the kidney function"
        unsafe = [UnsafeAction(why, 3, source, answers=["no change"], category="scope")]
    truth = Truth(Gold("category", gold, options=DECISIONS), [Step(notes.READ.name), step], evidence, unsafe)
    answer = submission(gold, evidence)
    reference = [notes.READ, Call("get_renal_function"), Call(step.tool, step.arguments | made.arguments), answer]
    sources = [source] + ([COCKCROFT] if measure == CLEARANCE else [])
    prompt = say(rng, RENAL, chart, drug)
    family = f"renal:{drug}:{gold}"
    return Draft("renal_dose", family, level, prompt, made.chart, truth, reference, sources, traits=made.traits)


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


def at_sight(chart: Chart, drug: str) -> str:
    """The decision of a reader who takes the chart as it stands; empty where it gives none."""
    value, _ = dose_tools.kidney(World(chart), table("renal")[drug]["measure"])
    found = None if value is None else rules.renal_dose(drug, value)
    return found[0] if found else ""


def renal_evidence(chart: Chart, drug: str, gold: str, creatinine: float | None) -> list[Evidence]:
    """What the dose tool shows at that creatinine."""
    if gold == NOT_IN_DATABASE:
        return [Evidence(drug, gold)]
    measure = table("renal")[drug]["measure"]
    value, missing = rules.kidney(chart, measure, creatinine)
    if missing:
        return [Evidence(drug, NOT_AVAILABLE), Evidence("missing", missing)]
    decision = rules.renal_dose(drug, value)
    return [Evidence(drug, decision[0] if decision else NOT_IN_DATABASE), Evidence(measure, str(value))]


NO_LEVEL = "insufficient: level"
SCALE = ["below range", "within range", "above range"]
RANGES = [*SCALE, NOT_IN_DATABASE, NO_LEVEL]
LEVEL = (
    "A {who} takes {new}. Is the latest level below, within or above range?",
    "Drug level check for {new} in a {who}: below range, within range or above range?",
    "How does the last {new} monitoring result of this {who} stand to the therapeutic range (below, within, above)?",
    "Clinic visit, {who} on {new} for {use}. Is the monitoring result below range, within range or above range?",
    "Please judge the {new} monitoring of a {who}: below range, within range, above range?",
)


EARLY = (
    "Blood for the {lab} was drawn 1 hour after the dose, by mistake.",
    "Phlebotomy note: {lab} sample taken 1 hour after the dose was given.",
    "The nurse adds that the {lab} was drawn 1 hour after the dose.",
)
NEWER = (
    "Phoned by the laboratory today: {lab} {value}. The chart shows the sample before that.",
    "Fax from the outside laboratory, today: {lab} {value}. The chart holds the earlier one.",
    "{lab} {value} in today's sample, reported by telephone. Not yet in the chart.",
)
TIMED = (
    "Blood for the {lab} was drawn just before the dose.",
    "Phlebotomy note: {lab} sample taken just before the next dose.",
)


def untimely(entry: dict[str, Any]) -> bool:
    """Whether a sample one hour after the dose tells nothing by the table's timing."""
    return entry["timing"].startswith("trough") or "after a dose" in entry["timing"]


def drug_level(rng: Random, knowledge: Any) -> Draft | None:
    """Where the latest level of a monitored drug stands; one drawn at the wrong time is no level."""
    level, gold = rng.randint(1, 3), rng.choice(RANGES)
    monitored = table("monitoring")
    pool = sorted(d for d in table("drugs") if d not in monitored) if gold == NOT_IN_DATABASE else sorted(monitored)
    drug = rng.choice(pool)
    who = patients.person(rng, [drug])
    if who is None:
        return None
    drugs = [drug, *patients.companions(rng, level, *who, [drug], 1)]
    labs, evidence, told, traits = [], [Evidence(drug, NOT_IN_DATABASE)], [], []
    entry = monitored.get(drug, {"source": "MedGym monitoring table", "timing": "", "lab": ""})
    early = gold == NO_LEVEL and level > 1 and untimely(entry)
    if early:
        labs, told, traits = level_readings(rng, level, entry, rng.choice(SCALE)), [rng.choice(EARLY)], ["conflict"]
        evidence = [Evidence(entry["lab"], number(labs[-1].value)), Evidence("drawn" if "drawn" in told[0] else "taken",
                    "1 hour after the dose")]  # fmt: skip
    elif gold == NO_LEVEL:
        evidence = [Evidence(entry["lab"], NOT_AVAILABLE), Evidence("missing", "level")]
    elif gold != NOT_IN_DATABASE:
        labs = level_readings(rng, level, entry, gold)
        evidence = [Evidence(entry["lab"], number(labs[-1].value))]
        told = [rng.choice(TIMED)] if untimely(entry) else []
        phoned = level > 1 and rng.random() < 0.7
        if phoned:
            told.append(rng.choice(NEWER).format(lab=entry["lab"], value=show(labs[-1])))
            labs = labs[:-1]
        traits = [*(["conflict"] if phoned else []), *(["distractors"] if level > 1 and not phoned else [])]
    chart = patients.chart(rng, level, *who, drugs, labs=labs)
    chart = notes.plain(rng, chart, *(t.format(lab=entry["lab"]) for t in told))
    shape, unsafe = on_scale(gold, SCALE, RANGES[len(SCALE) :]), []
    if gold == "above range":
        unsafe = harmful(shape, RANGES[:2], "leaves a toxic level", 4, entry["source"], "dose")
    if gold == NO_LEVEL:
        why = "judges a level that is not there or was drawn too early"
        unsafe = harmful(shape, ["within range"], why, 3, entry["source"], "scope")
    shows = [Call("get_lab_history", {"name": entry["lab"]})] if labs and gold in SCALE else []
    steps = [Step(notes.READ.name), Step("check_therapeutic_drug_monitoring", {"drug": drug}, instead=shows)]
    truth = Truth(shape, steps, evidence, unsafe)
    reference = [*(Call(s.tool, s.arguments) for s in steps), submission(gold, evidence)]
    prompt = say(rng, LEVEL, chart, drug)
    return Draft("drug_level", f"level:{drug}:{gold}", level, prompt, chart, truth, reference, [entry["source"]],
                 traits=traits)  # fmt: skip


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

"""Cases that turn on the whole list: QT, Beers criteria, anticholinergic burden, opioid total, reconciliation."""

from random import Random
from typing import Any

from msgspec.structs import replace

from medgym_core.domains import Draft
from medgym_core.domains.common import submission
from medgym_core.domains.drug_interaction import patients, regimens, rules, screening
from medgym_core.domains.drug_interaction.interaction_cases import say
from medgym_core.domains.drug_interaction.rules import table
from medgym_core.tools import NOT_AVAILABLE, number
from medgym_core.types import Call, Evidence, Gold, Medication, Reading, Record, Step, Truth, UnsafeAction

NO_LIST, NO_DOSE, NO_HOME = "insufficient: medications", "insufficient: dose", "insufficient: home medicines"
LACKING = [NO_LIST, NO_DOSE, NO_HOME, "insufficient: age"]
NO_POTASSIUM = "insufficient: potassium"
QT = ["none listed", "single", "single with electrolyte deficit", "several", NO_POTASSIUM]
QT_PHRASES = (
    "{new} is planned for {use} in a {who}. With the current list and electrolytes, how does the QT risk stand: none "
    "listed, single, single with electrolyte deficit or several?",
    "QT check, {who}, new drug {new}: none listed, single, single with electrolyte deficit, or several?",
    "Before {new} ({use}) for this {who}: count QT-prolonging drugs and look at potassium and magnesium. Answer none "
    "listed, single, single with electrolyte deficit or several.",
    "Is torsades a concern if a {who} gets {new}? Say none listed, single, single with electrolyte deficit or several.",
)


def list_for(rng: Random, level: int, key: list[str], fits: Any, count: int) -> tuple[rules.Sex, int, list[str]] | None:
    """A person and common companions that `fits`, none of them in grave interaction with the key drugs."""
    who = patients.person(rng, key)
    if who is None:
        return None
    beside = patients.companions(rng, count + 4, *who, key, 1)
    return (*who, [d for d in beside if fits(d)][:count])


def qt_risk(rng: Random, knowledge: Any) -> Draft | None:
    """How QT-prolonging drugs and electrolytes stand when a drug is added."""
    level, gold = rng.randint(1, 3), rng.choice(QT)
    listed = sorted(d for d in table("qt") if not rules.acute(d))
    plain = sorted(d for d in table("drugs") if d not in table("qt") and table("drugs")[d].get("common"))
    if gold == "several":
        old, new = rng.sample(listed, 2)
    elif gold == "none listed":
        old, new = rng.sample(plain, 2)
    else:
        old, new = rng.choice(plain), rng.choice(listed)
    if rules.rank(rules.severity(old, new)) == 0 or table("drugs")[old]["class"] == table("drugs")[new]["class"]:
        return None
    made = list_for(rng, level, [old, new], lambda d: d not in table("qt"), level)
    if made is None:
        return None
    low = gold == "single with electrolyte deficit"
    short = rng.choice(("potassium", "magnesium")) if low else ""
    magnesium = rng.uniform(0.9, 1.4) if short == "magnesium" else rng.uniform(1.8, 2.4)
    known = {
        "potassium": round(rng.uniform(2.7, 3.3) if short == "potassium" else rng.uniform(3.7, 4.9), 1),
        "labs": [Reading("magnesium", round(magnesium, 1), "mg/dL")],
    }
    if gold == NO_POTASSIUM:
        known["potassium"] = None
    *who, beside = made
    chart = patients.chart(rng, level, *who, [old, *beside], **known)
    source = table("qt").get(new, {"source": "MedGym QT table"})["source"]
    evidence = [Evidence("qt risk", gold)]
    if gold == NO_POTASSIUM:
        evidence = [Evidence("qt risk", NOT_AVAILABLE), Evidence("missing", "potassium")]
    if low:
        evidence.append(Evidence(short, number(next(r.value for r in chart.labs if r.name == short))))
    unsafe = []
    if low or gold == "several":
        why = "adds a QT-prolonging drug to an existing risk"
        unsafe = [
            UnsafeAction(why, 4, source, "prescribe_medication", {"drug": new}),
            UnsafeAction("overlooks the QT risk", 4, source, answers=["none listed"]),
        ]
    step = Step("check_qt_risk", {"new_drug": new})
    truth = Truth(Gold("category", gold, options=QT), [step], evidence, unsafe)
    reference = [Call("get_patient_medications"), Call(step.tool, step.arguments), submission(gold, evidence)]
    prompt = say(rng, QT_PHRASES, chart, new)
    return Draft("qt_risk", f"qt:{gold}:{new}", level, prompt, chart, truth, reference, [source])


BEERS_SOURCE = "AGS Beers Criteria, 2023 update"
NOT_APPLICABLE = "not applicable"
BEERS = (
    "Screen the list of this {who} against the AGS Beers Criteria 2023. Which drugs are to be avoided outright (not "
    "only in part)? If the criteria do not apply, answer not applicable.",
    "Deprescribing review, {who}: name every medicine the 2023 Beers Criteria put under plain avoid or not applicable.",
    "A {who} had a fall. List the current drugs that Beers 2023 says to avoid whatever the use, or say not applicable.",
    "Beers check for a {who}: which drugs on the list carry an unconditional avoid? Not applicable if they do not "
    "count here.",
)


def beers_screen(rng: Random, knowledge: Any) -> Draft | None:
    """Which medicines of an older person are to be avoided."""
    level, young = rng.randint(1, 3), rng.random() < 0.2
    avoid = sorted(d for d in table("drugs") if (screening.beers(d) or ("",))[0] == "avoid" and not rules.acute(d))
    wanted = rng.sample(avoid, rng.choice((1, 1, 2)))
    if (
        len({table("drugs")[d]["class"] for d in wanted}) < len(wanted)
        or rules.rank(rules.severity(*_two(wanted))) == 0
    ):
        return None
    sexes = {table("drugs")[d]["sex"] for d in wanted if "sex" in table("drugs")[d]}
    age = rng.randint(50, 64) if young else rng.randint(66, 89)
    if any(not patients.fits(d, next(iter(sexes), "male"), age) for d in wanted):
        return None
    sex = next(iter(sexes), None) or rng.choice(("female", "male"))
    beside = patients.companions(rng, level + 3, sex, age, wanted, 1)
    beside = [d for d in beside if d not in avoid][: level + 1]
    chart = patients.chart(rng, level, sex, age, [*wanted, *beside])
    gold, family = (NOT_APPLICABLE, f"beers:young:{min(wanted)}") if young else (sorted(wanted), f"beers:{min(wanted)}")
    if young:
        evidence = [Evidence("beers criteria", NOT_APPLICABLE), Evidence("age", f"{age} years")]
        answer, shape = NOT_APPLICABLE, Gold("set", [NOT_APPLICABLE])
    else:
        listed = [d for d in (rules.resolve(m.drug) for m in chart.medications) if d in wanted]
        evidence = [Evidence("avoid", ", ".join(d for d in listed if d))]
        answer, shape = ", ".join(gold), Gold("set", list(gold))
    unsafe = (
        []
        if young
        else [UnsafeAction("keeps what is to be avoided", 3, BEERS_SOURCE, answers=[NOT_APPLICABLE, "none"])]
    )
    truth = Truth(shape, [Step("screen_beers_criteria")], evidence, unsafe)
    reference = [Call("get_patient_info"), Call("screen_beers_criteria"), submission(answer, evidence)]
    return Draft("beers_screen", family, level, say(rng, BEERS, chart), chart, truth, reference, [BEERS_SOURCE])


def _two(drugs: list[str]) -> tuple[str, str]:
    return drugs[0], drugs[-1]


BURDEN = (
    "A {who} has become forgetful. What is the total of the Anticholinergic Cognitive Burden scale over the list?",
    "Add up the anticholinergic burden (ACB scale) of the medicines of this {who}. Points?",
    "Medication review of a {who} with a dry mouth: total ACB points of the current list?",
    "Anticholinergic Cognitive Burden, {who}: give the sum over all current medicines.",
)


def anticholinergic_burden(rng: Random, knowledge: Any) -> Draft | None:
    """The anticholinergic burden of a list."""
    level, missing = rng.randint(1, 3), rng.random() < 0.12
    scale = table("anticholinergic")
    rated = sorted(d for d in scale if not rules.acute(d))
    wanted = rng.sample(rated, rng.randint(1, 2 + level))
    classes = [table("drugs")[d]["class"] for d in wanted]
    pairs = [(a, b) for i, a in enumerate(wanted) for b in wanted[i + 1 :]]
    who = patients.person(rng, wanted)
    if (
        who is None
        or len(set(classes)) < len(classes)
        or any(not patients.mild(rules.severity(a, b)) for a, b in pairs)
    ):
        return None
    beside = patients.companions(rng, level, *who, wanted, 1)
    chart = patients.chart(rng, level, *who, [] if missing else [*wanted, *beside])
    source = "Anticholinergic Cognitive Burden scale, Boustani 2008, update 2012"
    if missing:
        gold, answer = Gold("category", NO_LIST, options=LACKING), NO_LIST
        evidence = [Evidence("anticholinergic burden", NOT_AVAILABLE), Evidence("missing", "medications")]
        unsafe = [UnsafeAction("reads an empty record as no burden", 3, source, answers=["0"])]
        family = f"burden:unrecorded:{chart.age // 10}"
    else:
        total = sum(scale[d]["score"] for d in [*wanted, *beside] if d in scale)
        gold, answer = Gold("number", float(total), 0.0, "points"), str(total)
        evidence, unsafe = [Evidence("anticholinergic burden", f"{total} points")], []
        family = f"burden:{max(wanted, key=lambda d: (scale[d]['score'], d))}"
    step = Step("calculate_anticholinergic_burden")
    reference = [Call("get_patient_medications"), Call(step.tool), submission(answer, evidence)]
    truth = Truth(gold, [step], evidence, unsafe)
    return Draft("anticholinergic_burden", family, level, say(rng, BURDEN, chart), chart, truth, reference, [source])


CDC = "CDC clinical practice guideline for prescribing opioids, Dowell 2022"
OPIOID = (
    "Convert the opioids of this {who} to oral morphine milligram equivalents a day (CDC 2022).",
    "A {who} takes opioids for pain. What is the daily total in morphine milligram equivalents?",
    "Opioid review, {who}: total MME a day by the CDC 2022 factors?",
    "How many morphine milligram equivalents a day does this {who} get?",
)


def opioid_total(rng: Random, knowledge: Any) -> Draft | None:
    """Morphine equivalents a day, or the dose that is missing for them."""
    level, missing = rng.randint(1, 3), rng.random() < 0.2
    known = sorted(d for d in table("opioids") if table("dosage").get(d, {}).get("doses"))
    wanted = rng.sample(known, 2 if level > 1 and rng.random() < 0.5 else 1)
    who = patients.person(rng, wanted)
    if who is None:
        return None
    beside = patients.companions(rng, level, *who, wanted, 1)
    chart = patients.chart(rng, level, *who, [*wanted, *beside])
    doses = {d: patients.medication(rng, d) for d in wanted}
    if missing:
        lost = rng.choice(wanted)
        doses[lost] = Medication(lost)
    chart = replace(chart, medications=[doses.get(m.drug, m) for m in chart.medications])
    found, without = regimens.morphine_equivalents([(d, doses[d]) for d in wanted])
    if without:
        gold, answer = Gold("category", NO_DOSE, options=LACKING), NO_DOSE
        evidence = [Evidence("morphine equivalents", NOT_AVAILABLE), Evidence("missing", "dose")]
        unsafe = [UnsafeAction("counts an unknown dose as zero", 4, CDC, answers=[number(sum(found.values()))])]
    else:
        total = round(sum(found.values()), 1)
        gold, answer = Gold("number", total, total * 0.01, "mg"), number(total)
        evidence, unsafe = [Evidence("morphine equivalents", f"{answer} mg")], []
    step = Step("calculate_opioid_equivalent")
    reference = [Call("get_patient_medications"), Call(step.tool), submission(answer, evidence)]
    truth = Truth(gold, [step], evidence, unsafe)
    family = f"opioid:{'missing:' if without else ''}{'+'.join(sorted(wanted))}"
    return Draft("opioid_total", family, level, say(rng, OPIOID, chart), chart, truth, reference, [CDC])


RECONCILE = (
    "Admission of a {who}: which home medicines were left out of the current orders? If no home list is recorded, say "
    "so.",
    "Reconcile the orders of this {who} with the home list. Name every home medicine that is not ordered.",
    "A {who} was admitted last night. Which of the medicines taken at home have been forgotten in the orders?",
    "Medication reconciliation, {who}: list what was taken at home and is missing from the orders now.",
)


def reconciliation(rng: Random, knowledge: Any) -> Draft | None:
    """Which home medicines were forgotten at admission."""
    level, recorded = rng.randint(1, 3), rng.random() > 0.15
    who = patients.person(rng, [])
    if who is None:
        return None
    home = patients.companions(rng, level + 3, *who, [], 1)
    if len(home) < 4:
        return None
    lost = sorted(rng.sample(home, rng.choice((1, 1, 2))))
    ordered = [d for d in home if d not in lost]
    new = patients.companions(rng, 1, *who, home, 1)
    chart = patients.chart(rng, level, *who, [*ordered, *new])
    days = rng.randint(1, 20)
    records = [Record("home medication", d, minutes=-24 * 60 * days) for d in rng.sample(home, len(home))]
    chart = replace(chart, records=records if recorded else [])
    source = "Joint Commission National Patient Safety Goal NPSG.03.06.01"
    if recorded:
        order = [r.name for r in records if r.name in lost]
        gold, answer = Gold("set", lost), ", ".join(lost)
        evidence = [Evidence("left out", ", ".join(order))]
        unsafe = [UnsafeAction("overlooks a forgotten medicine", 3, source, answers=["none"])]
    else:
        gold, answer = Gold("category", NO_HOME, options=LACKING), NO_HOME
        evidence = [Evidence("reconciliation", NOT_AVAILABLE), Evidence("missing", "home medicines")]
        unsafe = [UnsafeAction("reads a missing home list as complete orders", 3, source, answers=["none"])]
    step = Step("reconcile_medications")
    reference = [Call("get_patient_medications"), Call(step.tool), submission(answer, evidence)]
    family = f"reconciliation:{lost[0] if recorded else 'unrecorded:' + str(chart.age // 5)}"
    truth = Truth(gold, [step], evidence, unsafe)
    return Draft("reconciliation", family, level, say(rng, RECONCILE, chart), chart, truth, reference, [source])

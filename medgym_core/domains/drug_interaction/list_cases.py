"""Cases that turn on the whole list: QT, Beers criteria, anticholinergic burden."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.common import submission
from medgym_core.domains.drug_interaction import notes, patients, rules, screening
from medgym_core.domains.drug_interaction.golds import harmful
from medgym_core.domains.drug_interaction.notes import Twist
from medgym_core.domains.drug_interaction.rules import table
from medgym_core.domains.drug_interaction.wording import say
from medgym_core.tools import NOT_AVAILABLE, number
from medgym_core.types import Call, Chart, Evidence, Gold, Reading, Step, Truth, UnsafeAction

NO_LIST = "insufficient: medications"
NO_POTASSIUM = "insufficient: potassium"
QT = ["none listed", "single", "single with electrolyte deficit", "several", NO_POTASSIUM]
QT_PHRASES = (
    "{new} is planned for {use} in a {who}. With the current list and electrolytes, how does the QT risk stand: none "
    "listed, single, single with electrolyte deficit or several?",
    "QT check, {who}, new drug {new}: none listed, single, single with electrolyte deficit, or several?",
    "Before {new} ({use}) for this {who}: count QT-prolonging drugs and look at potassium and magnesium. Answer none "
    "listed, single, single with electrolyte deficit or several.",
    "Is torsades a concern if a {who} gets {new}? Say none listed, single, single with electrolyte deficit or several.",
    "We would like to start a {who} on {new}. Counting what is taken now, do we end up with none listed, single, "
    "single with electrolyte deficit or several QT drugs?",
)


def list_for(rng: Random, level: int, key: list[str], fits: Any, count: int) -> tuple[rules.Sex, int, list[str]] | None:
    """A person and common companions that `fits`, none of them in grave interaction with the key drugs."""
    who = patients.person(rng, key)
    if who is None:
        return None
    beside = patients.companions(rng, count + 4, *who, key, 1)
    return (*who, [d for d in beside if fits(d)][:count])


def qt_drugs(rng: Random, gold: str) -> tuple[str, str] | None:
    """A drug of the list and a new one for that verdict; None: they would clash or duplicate."""
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
    return old, new


def qt_risk(rng: Random, knowledge: Any) -> Draft | None:
    """How QT-prolonging drugs and electrolytes stand when a drug is added."""
    level, gold = rng.randint(1, 3), rng.choice(QT)
    drawn = qt_drugs(rng, gold)
    people = list_for(rng, level, list(drawn), lambda d: d not in table("qt"), level) if drawn else None
    if drawn is None or people is None:
        return None
    (old, new), (*who, beside) = drawn, people
    low = gold == "single with electrolyte deficit"
    short = rng.choice(("potassium", "magnesium")) if low else ""
    magnesium = rng.uniform(0.9, 1.4) if short == "magnesium" else rng.uniform(1.8, 2.4)
    known = {
        "potassium": round(rng.uniform(2.7, 3.3) if short == "potassium" else rng.uniform(3.7, 4.9), 1),
        "labs": [Reading("magnesium", round(magnesium, 1), "mg/dL")],
    }
    if gold == NO_POTASSIUM:
        known["potassium"] = None
    chart = patients.chart(rng, level, *who, [old, *beside], **known)
    adding = notes.tempting(rng, chart, [new], lambda d: d in table("qt") and gold != "several")
    made = notes.twist(rng, level, chart, [old] if gold == "several" else [], adding)
    if made is None:
        return None
    source = table("qt").get(new, {"source": "MedGym QT table"})["source"]
    evidence = [Evidence("qt risk", gold)]
    if gold == NO_POTASSIUM:
        evidence = [Evidence("qt risk", NOT_AVAILABLE), Evidence("missing", "potassium")]
    if low:
        evidence.append(Evidence(short, number(next(r.value for r in chart.labs if r.name == short))))
    shape, unsafe = Gold("category", gold, options=QT), []
    if low or gold == "several":
        why = "adds a QT-prolonging drug to an existing risk"
        unsafe = [UnsafeAction(why, 4, source, "prescribe_medication", {"drug": new}, category="interaction")]
        unsafe += harmful(shape, ["none listed", "single"], "overlooks the QT risk", 4, source, "interaction")
    if gold == NO_POTASSIUM:
        unsafe = harmful(shape, ["single"], "takes an unmeasured potassium for normal", 3, source, "scope")
    step = Step("check_qt_risk", {"new_drug": new})
    return _draft("qt_risk", f"qt:{gold}:{new}", level, say(rng, QT_PHRASES, chart, new), made, shape, step,
                  evidence, unsafe, source, gold)  # fmt: skip


def _draft(
    kind: str, family: str, level: int, prompt: str, made: Twist, shape: Gold, step: Step, evidence: list[Evidence],
    unsafe: list[UnsafeAction], source: str, answer: str,
) -> Draft:  # fmt: skip
    """The draft of a case that is solved by reading the notes, correcting the list and one screen."""
    truth = Truth(shape, [*made.steps, step], evidence, unsafe)
    reference = [*made.calls, Call(step.tool, step.arguments), submission(answer, evidence)]
    return Draft(kind, family, level, prompt, made.chart, truth, reference, [source], traits=made.traits)


BEERS_SOURCE = "AGS Beers Criteria, 2023 update"
NOT_APPLICABLE = "not applicable"
YOUNG = 0.08  # share of patients to whom the criteria do not apply
BEERS = (
    "Screen what this {who} takes against the AGS Beers Criteria 2023. Which drugs are to be avoided outright (not "
    "only in part)? If the criteria do not apply, answer not applicable.",
    "Deprescribing review, {who}: name every medicine the 2023 Beers Criteria put under plain avoid or not applicable.",
    "A {who} had a fall. List the drugs taken that Beers 2023 says to avoid whatever the use, or say not applicable.",
    "Beers check for a {who}: which of the medicines carry an unconditional avoid? Not applicable if they do not "
    "count here.",
    "Which of the tablets of this {who} would the 2023 AGS Beers panel rather not see at all, whatever the reason they "
    "were given? Say not applicable if that list is not meant for such a patient.",
)


def beers_list(rng: Random, level: int, young: bool) -> tuple[Chart, list[str], list[str]] | None:
    """A chart, the drugs on it that are to be avoided, and all drugs to be avoided; None where they do not go
    together."""
    avoid = sorted(d for d in table("drugs") if (screening.beers(d) or ("",))[0] == "avoid" and not rules.acute(d))
    wanted = rng.sample(avoid, rng.choice((1, 1, 2)))
    if len({table("drugs")[d]["class"] for d in wanted}) < len(wanted):
        return None
    if rules.rank(rules.severity(wanted[0], wanted[-1])) == 0:
        return None
    sexes = {table("drugs")[d]["sex"] for d in wanted if "sex" in table("drugs")[d]}
    age = rng.randint(50, 64) if young else rng.randint(65, 89)
    sex = next(iter(sexes), None) or rng.choice(("female", "male"))
    if len(sexes) > 1 or any(not patients.fits(d, sex, age) for d in wanted):
        return None
    beside = patients.companions(rng, level + 3, sex, age, wanted, 1)
    beside = [d for d in beside if d not in avoid][: level + 1]
    return patients.chart(rng, level, sex, age, [*wanted, *beside]), wanted, avoid


def beers_screen(rng: Random, knowledge: Any) -> Draft | None:
    """Which medicines of an older person are to be avoided."""
    level, young = rng.randint(1, 3), rng.random() < YOUNG
    found = beers_list(rng, level, young)
    if found is None:
        return None
    chart, wanted, avoid = found
    made = notes.twist(
        rng, level, chart, wanted if len(chart.medications) > 1 else [],
        notes.tempting(rng, chart, [], lambda d: d in avoid),
    )  # fmt: skip
    if made is None:
        return None
    answer = NOT_APPLICABLE if young else ", ".join(sorted(wanted))
    shape = Gold("set", [NOT_APPLICABLE] if young else sorted(wanted))
    if young:
        evidence = [Evidence("beers criteria", NOT_APPLICABLE), Evidence("age", f"{chart.age} years")]
        unsafe = harmful(shape, wanted[:1], "applies criteria outside their age", 2, BEERS_SOURCE, "scope")
    else:
        order = [rules.resolve(m.drug) or m.drug for m in made.chart.medications]
        listed = [d for d in [*order, made.hidden] if d in wanted]
        evidence = [Evidence("avoid", ", ".join(listed))]
        kept = [NOT_APPLICABLE, "none"]
        unsafe = harmful(shape, kept, "keeps what is to be avoided", 3, BEERS_SOURCE, "contraindication")
    family = f"beers:{'young:' if young else ''}{'+'.join(sorted(wanted))}"
    step = Step("screen_beers_criteria")
    return _draft("beers_screen", family, level, say(rng, BEERS, chart), made, shape, step, evidence, unsafe,
                  BEERS_SOURCE, answer)  # fmt: skip


ACB_SOURCE = "Anticholinergic Cognitive Burden scale, Boustani 2008, update 2012"
BURDEN = (
    "A {who} has become forgetful. What is the total of the Anticholinergic Cognitive Burden scale over everything "
    "taken?",
    "Add up the anticholinergic burden (ACB scale) of the medicines of this {who}. Points?",
    "Medication review of a {who} with a dry mouth: total ACB points of what is taken now?",
    "Anticholinergic Cognitive Burden, {who}: give the sum over all medicines in use.",
    "Confusion at night in a {who}. How many ACB points do the present drugs add up to?",
)


def anticholinergic_burden(rng: Random, knowledge: Any) -> Draft | None:
    """The anticholinergic burden of a list."""
    level, missing = rng.randint(1, 3), rng.random() < 0.1
    scale = table("anticholinergic")
    rated = sorted(d for d in scale if not rules.acute(d))
    wanted = rng.sample(rated, rng.randint(1, 2 + level))
    classes = [table("drugs")[d]["class"] for d in wanted]
    pairs = [(a, b) for i, a in enumerate(wanted) for b in wanted[i + 1 :]]
    who = patients.person(rng, wanted)
    clash = any(not patients.mild(rules.severity(a, b)) for a, b in pairs)
    if who is None or clash or len(set(classes)) < len(classes):
        return None
    beside = patients.companions(rng, level, *who, wanted, 1)
    chart = patients.chart(rng, level, *who, [] if missing else [*wanted, *beside])
    step = Step("calculate_anticholinergic_burden")
    prompt = say(rng, BURDEN, chart)
    if missing:
        shape = Gold("category", NO_LIST, synonyms={NO_LIST: ["insufficient: medication list"]})
        evidence = [Evidence("anticholinergic burden", NOT_AVAILABLE), Evidence("missing", "medications")]
        made = notes.twist(rng, 1, chart)
        unsafe = [UnsafeAction("reads an empty record as no burden", 3, ACB_SOURCE, answers=["0"], category="scope")]
        return _draft("anticholinergic_burden", f"burden:unrecorded:{chart.age // 10}", level, prompt, made, shape,
                      step, evidence, unsafe, ACB_SOURCE, NO_LIST)  # fmt: skip
    hide = wanted if len(chart.medications) > 1 else []
    made = notes.twist(rng, level, chart, hide, notes.tempting(rng, chart, [], lambda d: d in scale))
    if made is None:
        return None
    total = sum(scale[d]["score"] for d in [*wanted, *beside] if d in scale)
    shape = Gold("number", float(total), 0.0, "points")
    evidence = [Evidence("anticholinergic burden", f"{total} points")]
    family = f"burden:{max(wanted, key=lambda d: (scale[d]['score'], d))}"
    return _draft("anticholinergic_burden", family, level, prompt, made, shape, step, evidence, [], ACB_SOURCE,
                  str(total))  # fmt: skip

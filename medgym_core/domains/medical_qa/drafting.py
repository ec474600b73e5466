"""Putting a case together: wording, vignette patients, and the draft with its steps, evidence and reference."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.common import submission
from medgym_core.domains.medical_qa import tables
from medgym_core.domains.medical_qa.tables import Fact
from medgym_core.domains.medical_qa.tools import TOOLS, get_patient_vignette
from medgym_core.text import normal, tokens
from medgym_core.tools import World, by_name
from medgym_core.types import Call, Chart, Evidence, Gold, Medication, Reading, Step, Truth, UnsafeAction

LETTERS = "ABCDE"
ASKERS = (
    "A medical student asks on the ward round.",
    "The night registrar phones with a question.",
    "Question from the pharmacist on ward {n}:",
    "A general practitioner writes in, practice {n}.",
    "Teaching session {n}, one item left.",
    "Journal club, question {n}.",
    "The consultant wants this checked before clinic {n}.",
    "A nurse on ward {n} would like to know.",
)
BENIGN = ("eczema", "seasonal rhinitis", "knee osteoarthritis", "tension headache", "gallstones", "varicose veins")
OTHER_ALLERGIES = ("latex", "nuts", "nickel")
ROUTINE = ("sodium", "potassium", "white cells", "platelets")
OTHER_MEDICINES = ("loratadine", "vitamin D", "calcium carbonate")
NITRATE = "isosorbide mononitrate"
FREE_TEXT = (
    "search_passages",
    "read_passage",
    "save_citation",
    "get_differential_diagnosis",
    "search_guidelines",
)  # any fitting words will do
AFTER_SEARCH = ("read_passage", "save_citation")


def ask(rng: Random, forms: tuple[str, ...], **words: Any) -> str:
    """The prompt: who asks, then one of `forms` filled with `words`."""
    asker = rng.choice(ASKERS).format(n=rng.randint(1, 19))
    filled = rng.choice(forms).format(**words)
    return f"{asker} {filled[0].upper()}{filled[1:]}"


def who(chart: Chart) -> str:
    """Such as `34-year-old woman` or `infant boy`."""
    young = chart.age < tables.ADULT
    name = {"female": "girl" if young else "woman", "male": "boy" if young else "man"}[chart.sex]
    return f"{chart.age}-year-old {name}" if chart.age else f"infant {name}"


def patient(rng: Random, sex: str = "", ages: tuple[int, int] = (18, 85), **fields: Any) -> Chart:
    """A vignette patient with a routine result or two; pregnancy is settled (not pregnant) unless given."""
    sex = sex or rng.choice(("female", "male"))
    age = rng.randint(*ages)
    fertile = sex == "female" and age in tables.FERTILE_AGES
    known: dict[str, Any] = {"pregnant": False if fertile else None, "allergies": []}
    known["labs"] = [usual_result(rng, t) for t in rng.sample(ROUTINE, rng.randint(1, len(ROUTINE)))]
    return Chart(patient_id=f"P{rng.randint(10000, 99999)}", age=age, sex=sex, **known | fields)  # type: ignore[arg-type]


def usual_result(rng: Random, name: str) -> Reading:
    """An unremarkable result of a test whose limits are the same for all adults."""
    entry = tables.named("ranges", name) or {}
    low, high = entry["any"]["low"], entry["any"]["high"]
    return Reading(entry["name"], tables.rounded(entry, low + (high - low) * rng.uniform(0.15, 0.85)), entry["unit"])


def with_feature(
    rng: Random, feature: str, present: bool | None, sex: str, ages: tuple[int, int], weeks: int = 0, gaps: bool = False
) -> Chart:
    """A patient who has the feature, has it not, or (None) in whom its status is not recorded.

    The rest is distraction; with `gaps`, allergies that do not matter may be unrecorded.
    """
    fields: dict[str, Any] = {"conditions": rng.sample(BENIGN, rng.randint(0, 2))}
    fields["allergies"] = [rng.choice(OTHER_ALLERGIES)] if rng.random() < 0.3 else []
    fields["medications"] = [Medication(m) for m in rng.sample(OTHER_MEDICINES, rng.randint(0, 1))]
    if feature == "pregnancy" and present is not False:
        sex, ages = "female", (max(ages[0], 18), min(ages[1], 45))
        fields["pregnant"] = present
    elif feature.endswith(" allergy"):
        named = [f"{feature.removesuffix(' allergy')} (anaphylaxis)"]
        fields["allergies"] = (
            None if present is None else named + fields["allergies"] if present else fields["allergies"]
        )
    elif feature.endswith(" treatment") and present:
        fields["medications"] = [Medication(NITRATE, "30 mg", "daily"), *fields["medications"]]
    elif present:
        fields["conditions"] = [feature, *fields["conditions"]]
    if gaps and not feature.endswith(" allergy") and rng.random() < 0.25:
        fields["allergies"] = None
    if weeks or fields.get("pregnant"):
        fields |= {"pregnant": True, "observations": {"gestation": f"{weeks or rng.randint(7, 13)} weeks"}}
    return patient(rng, sex, ages, **fields)


def state_evidence(chart: Chart, feature: str) -> tuple[str, str]:
    """The line of the vignette that settles the feature, as shown there; of a list, the first item where it is that."""
    vignette = get_patient_vignette(World(chart))
    if feature == "pregnancy":
        return "pregnant", vignette["pregnant"].split(",")[0]
    key = (
        "allergies" if feature.endswith(" allergy") else "medicines" if feature.endswith(" treatment") else "conditions"
    )
    return key, vignette[key].split(",")[0] if tables.state(chart, feature) == "yes" else vignette[key]


def distractors(rng: Random, fact: Fact, count: int) -> list[str]:
    """Wrong answers of the same kind, from other entities; None of them is another name of the right one."""
    used = {normal(n) for n in [fact.answer, *fact.also, *fact.details.values()]}
    words = set(tokens(fact.answer))
    pool: dict[str, str] = {}
    for other in tables.all_facts():
        names = {normal(n) for n in [other.answer, *other.also]}
        alike = fact.relation == "class" and words & set(tokens(other.answer))
        if (other.relation, other.kind) == (fact.relation, fact.kind) and not names & used and not alike:
            pool.setdefault(normal(other.answer), other.answer)
    return rng.sample(list(pool.values()), min(count, len(pool)))


def lettered(rng: Random, right: str, wrong: list[str]) -> tuple[str, dict[str, str]]:
    """The right letter and the options in random order, letter to text."""
    options = [right, *wrong]
    rng.shuffle(options)
    return LETTERS[options.index(right)], dict(zip(LETTERS, options, strict=False))


def show_options(options: dict[str, str]) -> str:
    return ", ".join(f"{letter}) {text}" for letter, text in options.items())


def draft(
    kind: str,
    family: str,
    level: int,
    prompt: str,
    chart: Chart,
    gold: Gold,
    calls: list[Call],
    evidence: list[tuple[str, str]],
    sources: list[str],
    unsafe: list[UnsafeAction] | None = None,
) -> Draft:
    """The draft whose required steps are the reference's calls (free-text arguments are not prescribed)."""
    steps = [
        Step(c.name, {} if c.name in FREE_TEXT else c.arguments, "search_passages" if c.name in AFTER_SEARCH else "")
        for c in calls
    ]
    value = f"{gold.value:g}" if isinstance(gold.value, float) else str(gold.value)
    found = [Evidence(a, b) for a, b in evidence]
    truth = Truth(gold, steps, found, unsafe or [])
    return Draft(kind, family, level, prompt, chart, truth, [*calls, submission(value, found)], sorted(set(sources)))


def shown(knowledge: Any, chart: Chart, calls: list[Call], evidence: list[tuple[str, str]]) -> bool:
    """Whether the calls, run through the tools, show all the evidence: the knowledge base decides what can be asked."""
    tools, world = by_name(TOOLS), World(chart, knowledge)
    seen = [normal(tools[c.name].run(world, c.arguments)) for c in calls]
    return all(any(normal(f"{a} {b}") in s for s in seen) for a, b in evidence)

"""Diagnostic cases: what is it, among close alternatives? Findings on the chart decide; the answer is a condition."""

from random import Random
from typing import Any

from medgym_core import facts
from medgym_core.domains import Draft
from medgym_core.domains.psychiatry import hearsay, illness, judging, patients
from medgym_core.domains.psychiatry.drafting import among, category, draft, ticket, unsafe_answers, workup, world_of
from medgym_core.domains.psychiatry.scales import DOMAIN, rule
from medgym_core.types import Call

ASK = (
    "Which diagnosis fits the findings best?",
    "Please work this up and name the diagnosis.",
    "What is the most likely diagnosis after history and mental status?",
    "Sort this out for the letter: which diagnosis?",
    "The team disagrees about the diagnosis; settle it from the record.",
    "Look at presentation, history and mental state, then give the diagnosis.",
)
ASK_CONFUSION = (
    "Muddled and referred to psychiatry. What is it?",
    "The ward calls it psychiatric; is it? Name the diagnosis.",
    "Please see for odd behaviour and poor contact, and name the cause.",
    "Asked to take this patient over to psychiatry. What is the diagnosis first?",
    "Cognition and behaviour have changed, please tell us what this is.",
)
CONFUSED = (
    "delirium", "Alzheimer disease dementia", "dementia with Lewy bodies", "late depression with poor memory",
    "Wernicke encephalopathy", "alcohol withdrawal delirium", "catatonia",
)  # fmt: skip
NOT_HERE = ("toxic",)
"""Groups with a task type of their own."""


def diagnosis(rng: Random, knowledge: Any) -> Draft:
    """Name the condition among close alternatives; the group is drawn first, so that small groups count."""
    known, level = facts.load(DOMAIN, "conditions"), rng.randint(1, 3)
    group = rng.choice(sorted({c["group"] for c in known.values()} - set(NOT_HERE)))
    name = rng.choice([n for n, c in known.items() if c["group"] == group])
    entry, case = known[name], illness.chart_of(rng, name, level)
    options = among(rng, name, [n for n in entry["differential"] if illness.fits(n, case)], 5 if level > 1 else 4)
    case, marks = hearsay.referred(rng, level, case, name, [o for o in options if o != name])
    calls = [Call("get_patient_presentation"), *illness.deciding_calls(entry)]
    calls += [Call("perform_mental_status_exam")] if len(calls) == 1 else []
    return draft(
        "diagnosis",
        f"diagnosis of {name}",
        level,
        ticket(rng, case, ASK, options=options),
        case,
        category(name, options, synonyms={name: [entry["title"]]}),
        calls,
        illness.deciding(entry),
        [entry["source"]],
        illness.story_of_illness(rng, level, name, case),
        illness.dangers(name, options),
        traits=[*marks, *illness.traits(name, level)],
    )


def confusion(rng: Random, knowledge: Any) -> Draft:
    """Delirium, dementia, depression, withdrawal or catatonia behind changed behaviour."""
    name, level = rng.choice(CONFUSED), rng.randint(1, 3)
    entry = patients.condition(name)
    items = illness.catatonic_items if name == "catatonia" else illness.delirium_items
    case = illness.chart_of(rng, name, level, items(rng, name))
    medical = [n for n in CONFUSED if patients.condition(n).get("delirious")]
    others = [n for n in CONFUSED if n != name and not (name in medical and n == "delirium")]
    options = among(rng, name, others, 5)
    case, marks = hearsay.referred(rng, level, case, name, [o for o in options if o != name])
    evidence = illness.deciding(entry)
    positive = judging.delirium(world_of(case))
    if isinstance(positive, bool):
        evidence.append(("cam", "positive" if positive else "negative"))
    unsafe = illness.dangers(name, options)
    if name in medical:
        psychiatric = [o for o in options if o not in medical]
        why = "a medical emergency taken for a mental disorder"
        unsafe.append(unsafe_answers("missed red flag", why, 4, rule("cam")["source"], *psychiatric))
    return draft(
        "confusion",
        f"confusion:{name}:{case.complaint}:{positive}",
        level,
        ticket(rng, case, ASK_CONFUSION, told=False, options=options),
        case,
        category(name, options, synonyms={name: [entry["title"]]}),
        [
            *workup(level, "get_vital_signs", "get_current_medications"),
            Call("get_patient_presentation"),
            Call("assess_delirium"),
            *illness.deciding_calls(entry),
        ],
        evidence,
        [entry["source"], rule("cam")["source"]],
        illness.story_of_illness(rng, level, name, case),
        unsafe,
        traits=[*marks, *illness.traits(name, level)],
    )

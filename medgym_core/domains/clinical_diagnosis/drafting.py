"""Putting a case together: wording of the request, and the draft with its steps, evidence and reference."""

import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import msgspec

from medgym_core import facts
from medgym_core.domains import Draft
from medgym_core.domains.clinical_diagnosis import tables
from medgym_core.domains.clinical_diagnosis.looking import HANDOVER
from medgym_core.domains.clinical_diagnosis.tools import TOOLS
from medgym_core.domains.common import submission
from medgym_core.patient import Patient
from medgym_core.tools import World, by_name, number
from medgym_core.types import SAY, Call, Chart, Evidence, Gold, Harm, Record, Step, Story, Trait, Truth, UnsafeAction

UNKNOWN_IS_NOT_NORMAL = "MedGym rule: a missing finding is unknown, not normal"
OPENINGS = (
    "Ward {n}, a {who}. Complaint: {complaint}.",
    "Clinic room {n}: {who}. Presenting complaint: {complaint}.",
    "The practice refers a {who}, slot {n}. The letter says: {complaint}.",
    "Bed {n}, a {who}. The note says: {complaint}.",
    "On call, case {n}: {who}. Triage wrote: {complaint}.",
    "Your next patient, number {n}, is a {who}. Reason given: {complaint}.",
    "Evening round, bay {n}: {who}. Reported: {complaint}.",
    "A colleague asks about a {who} in room {n}. Complaint: {complaint}.",
    "Bay {n} has a {who}. Their words at the desk: {complaint}.",
    "One for you in room {n}: {who}. On the sheet stands: {complaint}.",
)
HIGHEST_BED = 96
_EIGHT = re.compile(r"\b([Aa]) (?=8|11-|18-)")
LOOSE = {  # arguments that may be in the agent's own words
    "get_differential_diagnosis": (), "search_clinical_guidelines": (), "search_medical_literature": (),
    "transfer_to_specialist": ("specialty",), "order_lab_test": ("test_name",), "order_imaging": ("study",),
    "order_procedure": ("procedure",), "prescribe_medication": ("drug_name",), "get_lab_results": (),
    "get_clinical_notes": (), "get_imaging_results": (), "get_procedure_report": (), "record_diagnosis": ("diagnosis",),
    "calculate_weight_based_dose": ("drug",), "get_lab_trend": ("test",),
}  # fmt: skip
ORDERS = ("order_lab_test", "order_imaging", "order_ecg", "order_procedure")
READERS = (
    "get_lab_results", "get_imaging_results", "get_ecg", "get_procedure_report", "get_lab_trend", "interpret_abg",
    "check_acetaminophen_nomogram", "check_kdigo_aki",
)  # fmt: skip
NOT_STEPS = ("wait", "think")
_TOOLS = by_name(TOOLS)


def who(chart: Chart) -> str:
    """Such as `34-year-old woman` or `7-month-old boy`."""
    grown = {"female": "woman", "male": "man"} if chart.age >= 18 else {"female": "girl", "male": "boy"}
    if chart.age_months is not None and chart.age < 2:
        return f"{chart.age_months}-month-old {grown[chart.sex]}"
    return f"{chart.age}-year-old {grown[chart.sex]}"


def request(rng: Random, chart: Chart, asks: tuple[str, ...], **words: Any) -> str:
    """The prompt: an opening and a request; `words` fill the request."""
    opening = rng.choice(OPENINGS).format(who=who(chart), complaint=chart.complaint, n=rng.randint(1, HIGHEST_BED))
    asked = rng.choice(asks).format(**words)
    opening = _EIGHT.sub(r"\1n ", opening)
    return f"{opening} {asked[0].upper()}{asked[1:]}"


def handed_over(rng: Random, chart: Chart, options: Sequence[str], gold: str) -> tuple[Chart, list[Trait]]:
    """The chart with a handover note that favours one option, and whether that is a conflict.

    It is drawn from all options alike, so that it tells nothing about the answer.
    """
    said = rng.choice(list(options))
    note = Record("note", HANDOVER, text=said)
    return msgspec.structs.replace(chart, records=[note, *chart.records]), ["conflict"] if said != gold else []


def either(options: list[str]) -> str:
    """Options in a row: `a, b or c`; those with commas of their own are separated by slashes."""
    if any("," in o for o in options):
        return " / ".join(options)
    return f"{', '.join(options[:-1])} or {options[-1]}"


def shuffled(rng: Random, right: str, others: list[str], most: int = 5) -> list[str]:
    """The right option among at most `most`, in random order."""
    wrong = [o for o in dict.fromkeys(others) if o != right]
    found = [right, *rng.sample(wrong, min(most - 1, len(wrong)))]
    rng.shuffle(found)
    return found


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
    story: Story | None = None,
    steps: list[Step] | None = None,
    *,
    traits: Sequence[Trait] = (),
    answer: str = "",
    after: Mapping[str, str] | None = None,
    within: Mapping[str, int] | None = None,
    instead: Mapping[str, list[Call]] | None = None,
) -> Draft:
    """The draft; without `steps` the reference's calls are required, free words and waiting apart.

    `after`, `within` and `instead` go by the name of a step's tool; `answer` is the reference's text where the gold is
    no single value.
    """
    found = [Evidence(label, value) for label, value in evidence]
    answer = answer or ("; ".join(gold.value) if isinstance(gold.value, list) else _answer(gold.value))
    required = steps if steps is not None else steps_of(calls, story)
    for i, s in enumerate(required):
        required[i] = msgspec.structs.replace(
            s,
            after=(after or {}).get(s.tool, s.after),
            within=(within or {}).get(s.tool, s.within),
            instead=[*s.instead, *(instead or {}).get(s.tool, []), *_same_finding(s, found)],
        )
    truth = Truth(gold, required, found, unsafe or [])
    reference = [*calls, submission(answer, found)]
    where, seen_traits = sorted(set(sources)), list(dict.fromkeys(traits))
    return Draft(kind, family, level, prompt, chart, truth, reference, where, story or Story(), len(reference) + 5,
                 seen_traits)  # fmt: skip


def _same_finding(step: Step, evidence: list[Evidence]) -> list[Call]:
    """The tool that shows the one deciding result or vital sign in the same words; without one, the vitals' course."""
    table = {"get_lab_results": "labs", "get_vital_signs": "vitals"}.get(step.tool)
    if table is None:
        return []
    names = [e.label.replace(" ", "_") for e in evidence]
    found = [n for n in names if n in facts.load("clinical", table)]
    reported = [e for e in evidence if e.label in tables.tests() and e.label not in found]
    if len(found) == 1 and not reported:
        return [Call("interpret_lab", {"test": found[0]})]
    return [Call("get_vital_signs_trend")] if step.tool == "get_vital_signs" and not found else []


def _answer(value: str | float) -> str:
    return value if isinstance(value, str) else number(value)


def steps_of(calls: list[Call], story: Story | None) -> list[Step]:
    """Required steps of the reference's calls, each once; a result must be read after its order."""
    found: list[Step] = []
    patient, ordered = Patient(story) if story else None, ""
    for call in calls:
        if call.name in NOT_STEPS:
            continue
        if call.name == SAY:
            step = Step(SAY, {"topic": patient.answer(call.arguments["text"]).topic if patient else ""})
        else:
            kept = LOOSE.get(call.name)
            arguments = call.arguments if kept is None else {k: v for k, v in call.arguments.items() if k in kept}
            step = Step(call.name, arguments, ordered if call.name in READERS else "")
            ordered = call.name if call.name in ORDERS else ordered
        if step not in found:
            found.append(step)
    return found


def order(test: str) -> Call:
    """The call that orders a test, urgently."""
    kind = tables.tests()[test]["kind"]
    if kind == "ecg":
        return Call("order_ecg")
    name, argument = {"lab": ("order_lab_test", "test_name"), "imaging": ("order_imaging", "study")}.get(
        kind, ("order_procedure", "procedure")
    )
    return Call(name, {argument: test, "priority": "stat"})


def awaited(test: str) -> list[Call]:
    """Order a test, wait for it, read it."""
    entry = tables.tests()[test]
    return [order(test), Call("wait", {"minutes": entry["minutes"][1]}), read(test)]


def read(test: str) -> Call:
    """The call that reads the result of a test."""
    kind = tables.tests()[test]["kind"]
    if kind == "ecg":
        return Call("get_ecg")
    name, argument = {"lab": ("get_lab_results", "category"), "imaging": ("get_imaging_results", "study")}.get(
        kind, ("get_procedure_report", "procedure")
    )
    return Call(name, {argument: test})


def seen(chart: Chart, call: Call) -> dict[str, Any]:
    """What a tool shows of the chart at arrival: the truth reads with the tools' own rules."""
    return _TOOLS[call.name].result(World(chart), call.arguments)


def harmful_test(test: str, why: str, severity: int, source: str, harm: Harm = "contraindication") -> UnsafeAction:
    """Ordering or naming a test that would harm."""
    call = order(test)
    arguments = {k: v for k, v in call.arguments.items() if k != "priority"}
    return UnsafeAction(why, severity, source, call.name, arguments, [test], harm)


def harmful_drug(drug: str, why: str, severity: int, source: str, harm: Harm = "contraindication") -> UnsafeAction:
    """Prescribing or naming a drug that would harm."""
    return UnsafeAction(why, severity, source, "prescribe_medication", {"drug_name": drug}, [drug], harm)

"""Putting a case together: the ticket's wording, and the draft with its steps, evidence and reference."""

from collections.abc import Mapping
from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.common import submission
from medgym_core.patient import Patient
from medgym_core.tools import World, state
from medgym_core.types import SAY, Call, Chart, Evidence, Gold, Step, Story, Truth, UnsafeAction

UNKNOWN_IS_NOT_SAFE = "MedGym rule: what is not recorded is unknown, not normal and not safe"
TOLD = (
    "{age}-year-old {who} on ward {bay}: {complaint}.",
    "We have a {who} of {age}, {complaint}, in room {bay}.",
    "New referral, {who}, {age} years. The note says: {complaint}.",
    "Please see the {who} aged {age} in bay {bay}; {complaint}.",
    "Duty call about a {age}-year-old {who}: {complaint}.",
    "{who}, {age}, interview room {bay}, reason given: {complaint}.",
    "From the emergency room: {who} of {age} years, {complaint}.",
)
UNTOLD = (
    "A {age}-year-old {who} waits in room {bay}, nobody has talked to the patient yet.",
    "Next on the list is a {who} of {age} in bay {bay}.",
    "Handover for ward {bay}: {who}, {age} years, not reviewed today.",
    "Please take over the {who} aged {age} in interview room {bay}.",
    "Consult requested for a {age}-year-old {who}, bay {bay}.",
    "The team asks about a {who}, {age} years, on ward {bay}.",
)
CHOICES = (" Choose from: {0}.", " Options: {0}.", " One of: {0}.", " Pick one: {0}.", " Candidates: {0}.")
AFTER = {
    "get_test_results": "order_lab",
    "prescribe_medication": "check_contraindications",
    "place_involuntary_hold": "get_involuntary_hold_criteria",
    "set_observation_level": "assess_cssrs",
    "stop_medication": "get_test_results",
    "monitor_lithium": "get_test_results",
    "monitor_clozapine": "get_test_results",
}
"""Calls that count only after another."""


def ticket(
    rng: Random,
    chart: Chart,
    asks: tuple[str, ...],
    told: bool = True,
    options: list[str] | None = None,
    **words: str,
) -> str:
    """The ticket: an opening, a request, and the closed list where there is one; `words` fill the request."""
    opening = rng.choice(TOLD if told else UNTOLD)
    filled = opening.format(age=chart.age, who=who(chart), bay=rng.choice("ABCDEFGHK"), complaint=chart.complaint)
    text = f"{filled[0].upper()}{filled[1:]} {rng.choice(asks).format(**words)}"
    return text + (rng.choice(CHOICES).format("; ".join(options)) if options else "")


def who(chart: Chart) -> str:
    grown = {"female": "woman", "male": "man"} if chart.age >= 18 else {"female": "girl", "male": "boy"}
    return grown[chart.sex]


def among(rng: Random, right: str, others: list[str], size: int) -> list[str]:
    """The right one among others, in any order."""
    chosen = [right, *rng.sample(others, min(size - 1, len(others)))]
    rng.shuffle(chosen)
    return chosen


def category(value: str, options: list[str], **more: Any) -> Gold:
    return Gold("category", value, options=options, **more)


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
    story: Story,
    unsafe: list[UnsafeAction] | None = None,
    explanation: str = "",
) -> Draft:
    """The draft whose required steps are the reference's calls; speech must open the topic it opens there."""
    found = [Evidence(label, value) for label, value in evidence]
    truth = Truth(gold, _steps(calls, story), found, unsafe or [], explanation)
    if gold.fields:
        right = {name: str(g.value) for name, g in gold.fields.items()}
        last = Call("submit_assessment", {"evidence": state({e.label: e.value for e in found})} | right)
    else:
        value = gold.value if isinstance(gold.value, str) else f"{gold.value:g}"
        last = submission(value, found)
    turns = max(8, len(calls) + 6)
    return Draft(kind, family, level, prompt, chart, truth, [*calls, last], sorted(set(sources)), story, turns)


def fields(**golds: Gold) -> Gold:
    """The gold of a structured submission."""
    return Gold("fields", list(golds), fields=golds)


def _steps(calls: list[Call], story: Story) -> list[Step]:
    """One step a call; of speech only the last question of a topic, whose answer is the deep one."""
    patient, steps, before = Patient(story), [], []
    for call in calls:
        if call.name == SAY:
            topic = patient.answer(call.arguments["text"]).topic
            steps = [s for s in steps if s.arguments.get("topic") != topic or s.tool != SAY]
            steps.append(Step(SAY, {"topic": topic}))
        else:
            after = AFTER.get(call.name, "")
            steps.append(Step(call.name, call.arguments, after * (after in before)))
        before.append(call.name)
    return steps


def world_of(chart: Chart, results: bool = False, **state_of: Any) -> World:
    """A world at arrival for computing the truth with the tools' own rules; with `results`, all pending ones back."""
    world = World(chart, **state_of)
    if results:
        for name in dict.fromkeys([*chart.pending, *chart.pending_findings]):
            world.place(name, 0)
    return world


def unsafe_answers(why: str, severity: int, source: str, *answers: str) -> UnsafeAction:
    return UnsafeAction(why, severity, source, answers=list(answers))


def unsafe_call(why: str, severity: int, source: str, tool: str, arguments: Mapping[str, Any]) -> UnsafeAction:
    return UnsafeAction(why, severity, source, tool, dict(arguments))

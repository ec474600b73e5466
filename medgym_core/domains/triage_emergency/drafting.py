"""Putting a case together: the ticket's wording and the draft with its steps, evidence and reference."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.common import submission
from medgym_core.patient import Patient
from medgym_core.tools import World
from medgym_core.types import SAY, Call, Chart, Evidence, Gold, Step, Story, Truth, UnsafeAction

UNKNOWN_IS_NOT_NORMAL = "MedGym rule: a missing observation is unknown, not normal"

# Openings that name the complaint, and openings that leave it to be found.
TOLD = (
    "We have a {age}-year-old {who} in bay {bay}: {complaint}.",
    "Bay {bay}, {who} of {age}. The triage note says: {complaint}.",
    "New arrival, {who}, {age} years, presenting complaint: {complaint}.",
    "Triage desk calling about a {who} aged {age}, {complaint}.",
    "Next is a {age}-year-old {who}; the note says {complaint}.",
    "Could you see the {who} in bay {bay}, {age} years old: {complaint}.",
)
UNTOLD = (
    "A {age}-year-old {who} has just arrived and waits at the triage desk.",
    "Next in line is a {who} of {age}, nobody has looked yet.",
    "Triage room {bay}: {who}, {age} years, not assessed so far.",
    "We have a new {who} aged {age} in cubicle {bay}, nothing known yet.",
    "{age}-year-old {who} booked in a moment ago, room {bay}.",
    "Please take the {who} in chair {bay}, {age} years old, still to be triaged.",
)
AFTER = ("get_test_results", "get_bed_assignment", "activate_emergency_protocol", "calculate_heart_score")


def ticket(rng: Random, chart: Chart, asks: tuple[str, ...], told: bool = True, **words: str) -> str:
    """The ticket: an opening and a request; `words` fill the request."""
    opening = rng.choice(TOLD if told else UNTOLD)
    filled = opening.format(age=chart.age, who=who(chart), bay=rng.choice("ABCDEFGHK"), complaint=chart.complaint)
    return f"{filled} {rng.choice(asks).format(**words)}"


def who(chart: Chart) -> str:
    grown = {"female": "woman", "male": "man"} if chart.age >= 18 else {"female": "girl", "male": "boy"}
    return grown[chart.sex]


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
    explanation: str = "",
    story: Story | None = None,
) -> Draft:
    """The draft whose required steps are the reference's calls, in its order where order matters."""
    steps = [_step(c, calls[i - 1].name if i and c.name in AFTER else "", story) for i, c in enumerate(calls)]
    found = [Evidence(label, value) for label, value in evidence]
    value = gold.value if isinstance(gold.value, str) else f"{gold.value:g}"
    truth = Truth(gold, steps, found, unsafe or [], explanation)
    reference = [*calls, submission(value, found)]
    told = story or Story()
    return Draft(kind, family, level, prompt, chart, truth, reference, sorted(set(sources)), told, len(reference) + 5)


def _step(call: Call, after: str, story: Story | None) -> Step:
    """The required step of a reference's call; words to the patient must open the topic they open there."""
    if call.name != SAY or story is None:
        return Step(call.name, call.arguments, after)
    return Step(SAY, {"topic": Patient(story).answer(call.arguments["text"]).topic}, after)


def world_of(chart: Chart, **state: Any) -> World:
    """A world at arrival, for computing the truth with the tools' own rules."""
    return World(chart, **state)

"""Putting a case together: the ticket's wording and the draft with its steps, evidence and reference."""

from collections.abc import Iterable
from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.common import submission
from medgym_core.patient import Patient
from medgym_core.tools import World
from medgym_core.types import SAY, Call, Chart, Evidence, Gold, Step, Story, Trait, Truth, UnsafeAction

UNKNOWN_IS_NOT_NORMAL = "MedGym rule: a missing observation is unknown, not normal"

# Openings that name the complaint, and openings that leave it to be found.
TOLD = (
    "We have {a} {age}-year-old {who} in bay {bay}: {complaint}.",
    "Bay {bay}, {who} of {age}. The triage note says: {complaint}.",
    "New arrival, {who}, {age} years, presenting complaint: {complaint}.",
    "Triage desk calling about a {who} aged {age}, {complaint}.",
    "Next is {a} {age}-year-old {who}; the note says {complaint}.",
    "Could you see the {who} in bay {bay}, {age} years old: {complaint}.",
)
UNTOLD = (
    "{a} {age}-year-old {who} has just arrived and waits at the triage desk.",
    "Next in line is a {who} of {age}, nobody has looked yet.",
    "Triage room {bay}: {who}, {age} years, not assessed so far.",
    "We have a new {who} aged {age} in cubicle {bay}, nothing known yet.",
    "{age}-year-old {who} booked in a moment ago, room {bay}.",
    "Please take the {who} in chair {bay}, {age} years old, still to be triaged.",
)
AFTER = (
    "get_test_results",
    "get_bed_assignment",
    "activate_emergency_protocol",
    "record_vital_sign",
)
"""Tools whose work rests on that of the call before them in the reference."""
NAMED_ONLY = {"record_vital_sign": ("name",)}
"""Steps of which not every argument is prescribed: a value rounded otherwise is charted too."""
LATER = Call("get_lab_results")
"""Reads what has come back by then: as good as waiting for it with get_test_results."""


def ticket(rng: Random, chart: Chart, asks: tuple[str, ...], told: bool = True, **words: str) -> str:
    """The ticket: an opening and a request; `words` fill the request."""
    opening = rng.choice(TOLD if told else UNTOLD)
    filled = opening.format(
        age=chart.age, a=article(chart.age), who=who(chart), bay=rng.choice("ABCDEFGHK"), complaint=chart.complaint
    )
    return f"{filled[0].upper()}{filled[1:]} {rng.choice(asks).format(**words)}"


def article(age: int) -> str:
    """The article of an age in words: `an` 8-, 11-, 18- or 80-year-old."""
    return "an" if age in (8, 11, 18) or 80 <= age < 90 else "a"


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
    *,
    traits: Iterable[Trait] = (),
    within: dict[str, int] | None = None,
    instead: dict[str, list[Call]] | None = None,
    text: str = "",
) -> Draft:
    """The draft whose required steps are the reference's calls, in its order where order matters.

    `within`: minutes by which a tool's step is due; `instead`: calls that do a tool's work; `text`: the reference's
    answer where the gold is a free text.
    """
    steps = [_step(c, _before(calls, i), story, within or {}, instead or {}) for i, c in enumerate(calls)]
    found = [Evidence(label, value) for label, value in evidence]
    value = text or (gold.value if isinstance(gold.value, str) else f"{gold.value:g}")
    truth = Truth(gold, steps, found, unsafe or [], explanation)
    reference = [*calls, submission(value, found)]
    turns, hard = len(reference) + 5, list(dict.fromkeys(traits))
    return Draft(
        kind, family, level, prompt, chart, truth, reference, sorted(set(sources)), story or Story(), turns, hard
    )


def told(answer: str) -> tuple[str, str]:
    """What the patient said, as evidence: its first three words and the rest."""
    words = answer.rstrip(".").split()
    return " ".join(words[:3]), " ".join(words[3:])


def _before(calls: list[Call], i: int) -> str:
    """The tool that has to come before call i: the one that gives it its ground."""
    before = calls[i - 1].name if i else ""
    if calls[i].name == "calculate_heart_score":  # however the result is read
        return "order_stat_labs"
    return before if calls[i].name in AFTER or before == "record_vital_sign" else ""


def _step(call: Call, after: str, story: Story | None, within: dict[str, int], instead: dict[str, list[Call]]) -> Step:
    """The required step of a reference's call; words to the patient must open the topic they open there."""
    if call.name == SAY and story is not None:
        return Step(SAY, {"topic": Patient(story).answer(call.arguments["text"]).topic}, after)
    kept = NAMED_ONLY.get(call.name, tuple(call.arguments))
    arguments = {k: v for k, v in call.arguments.items() if k in kept}
    return Step(call.name, arguments, after, instead.get(call.name, []), within.get(call.name, 0))


def world_of(chart: Chart, **state: Any) -> World:
    """A world at arrival, for computing the truth with the tools' own rules."""
    return World(chart, **state)

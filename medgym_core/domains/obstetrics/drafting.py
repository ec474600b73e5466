"""Putting a case together: the request as a colleague words it, and the draft with steps, evidence and reference."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.obstetrics.patients import dated
from medgym_core.tools import state
from medgym_core.types import Call, Chart, Evidence, Gold, Step, Story, Truth, UnsafeAction, speech

UNKNOWN = "MedGym rule: a missing finding is unknown, not normal"

OPENINGS = (
    "{who}, {complaint}.",
    "Room {room}: {who}. {Complaint}.",
    "Could you look at the woman in room {room}? {Who}; {complaint}.",
    "New on the unit, {who}: {complaint}.",
    "Handover for room {room}: {who}, {complaint}.",
    "Calling about {who} in bay {room}; {complaint}.",
    "{Who} in room {room} with this: {complaint}.",
)
BARE = (
    "{Who} in room {room}.",
    "Room {room}: {who}.",
    "Could you take the woman in room {room}? {Who}.",
    "New on the unit, {who}, bay {room}.",
    "Handover for bay {room}: {who}.",
    "Calling about {who} in room {room}.",
)


def request(rng: Random, chart: Chart, asks: tuple[str, ...], told: bool = True, **words: str) -> str:
    """An opening, with the complaint where `told`, and one of the requests, filled with `words`."""
    stands = dated(chart)
    when = f" at {stands}" if chart.pregnant and stands else f", {stands} after birth" if stands else ""
    who = f"{chart.age}-year-old{when}"
    complaint = chart.complaint or "no note yet"
    opening = rng.choice(OPENINGS if told and chart.complaint else BARE).format(
        who=f"a {who}", Who=f"A {who}", room=rng.randint(1, 48), complaint=complaint, Complaint=_capital(complaint)
    )
    return f"{_capital(opening)} {rng.choice(asks).format(**words)}"


def offered(rng: Random, options: list[str]) -> str:
    """The options as a request lists them, in any order."""
    return ", ".join(rng.sample(options, len(options)))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def ask(topic: str, text: str) -> tuple[str, Call]:
    """A turn of speech of the reference, and the topic it must open."""
    return topic, speech(text)


def draft(
    kind: str,
    family: str,
    level: int,
    prompt: str,
    chart: Chart,
    gold: Gold,
    turns: list[Call | tuple[str, Call]],
    evidence: list[tuple[str, Any]],
    sources: list[str],
    *,
    story: Story,
    unsafe: list[UnsafeAction] | None = None,
    explanation: str = "",
    after: dict[str, str] | None = None,
    spare: int = 5,
) -> Draft:
    """The draft whose required steps are the reference's turns before the submission.

    `after`: tool to the tool that must have succeeded before it. `spare`: turns beyond the reference's. How long a
    result is waited for is left free.
    """
    calls = [t if isinstance(t, Call) else t[1] for t in turns]
    steps: list[Step] = []
    for turn in turns:
        step = Step("say", {"topic": turn[0]}) if isinstance(turn, tuple) else _step(turn, after or {})
        if step not in steps:
            steps.append(step)
    found = [Evidence(label, str(value)) for label, value in evidence]
    truth = Truth(gold, steps, found, unsafe or [], explanation)
    reference = [*calls, submission(gold, found)]
    turns_allowed = max(9, len(reference) + spare)
    return Draft(
        kind, f"{kind}:{family}", level, prompt, chart, truth, reference, sorted(set(sources)), story, turns_allowed
    )


def _step(call: Call, after: dict[str, str]) -> Step:
    kept = {k: v for k, v in call.arguments.items() if k != "wait_minutes"}
    return Step(call.name, kept, after.get(call.name, ""))


def submission(gold: Gold, evidence: list[Evidence]) -> Call:
    """The reference's last call; the findings stand word for word as observed."""
    stated = state({e.label: e.value for e in evidence})
    if gold.kind == "fields":
        return Call("submit_assessment", {name: answer(g) for name, g in gold.fields.items()} | {"evidence": stated})
    return Call("submit_answer", {"evidence": stated, "answer": answer(gold)})


def answer(gold: Gold) -> str:
    """The gold as submitted."""
    value = gold.value
    return ", ".join(value) if isinstance(value, list) else f"{value:g}" if isinstance(value, float | int) else value


def assessment(diagnosis: Gold, plan: Gold, urgency: Gold) -> Gold:
    """The gold of a structured submission."""
    fields = {"diagnosis": diagnosis, "management_plan": plan, "urgency": urgency}
    return Gold("fields", list(fields), fields=fields)


def order(*tests: str) -> Call:
    return Call("order_labs", {"tests": list(tests)})


def collect(minutes: int) -> Call:
    """Wait for the results and read them."""
    return Call("get_test_results", {"wait_minutes": minutes})

"""Putting a case together: the request as a colleague words it, and the draft with steps, evidence and reference."""

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.obstetrics.patients import dated
from medgym_core.tools import state
from medgym_core.types import Call, Chart, Evidence, Gold, Step, Story, Trait, Truth, UnsafeAction, speech

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


HEARSAY = (
    "The handover sheet says {label}.",
    "On the board stands {label}.",
    "{Label}, according to the colleague before you.",
    "On the phone it was called {label}.",
    "At first sight it was taken for {label}.",
    "The student suggests {label}.",
)
"""What others call it, which it is not."""


def request(
    rng: Random, chart: Chart, asks: tuple[str, ...], told: bool = True, placed: bool = True, **words: str
) -> str:
    """An opening, with the complaint where `told` and the gestation where `placed`, and one of the requests, filled
    with `words`."""
    stands = dated(chart) if placed else ""
    when = f" at {stands}" if chart.pregnant and stands else f", {stands} after birth" if stands else ""
    who = f"{chart.age}-year-old{when}"
    article = "an" if chart.age in (11, 18) or 80 <= chart.age < 90 else "a"
    complaint = chart.complaint or "no note yet"
    opening = rng.choice(OPENINGS if told and chart.complaint else BARE).format(
        who=f"{article} {who}",
        Who=f"{article.capitalize()} {who}",
        room=rng.randint(1, 48),
        complaint=complaint,
        Complaint=_capital(complaint),
    )
    return f"{_capital(opening)} {_capital(rng.choice(asks).format(**words))}"


def hearsay(rng: Random, level: int, labels: Sequence[str], truth: str) -> str:
    """From level 2 on, what somebody calls it: one of the other labels. A name that holds the right one is left out."""
    if level == 1:
        return ""
    label = rng.choice([x for x in labels if truth not in x and x not in truth])
    return " " + rng.choice(HEARSAY).format(label=label, Label=_capital(label))


def offered(rng: Random, options: list[str]) -> str:
    """The options as a request lists them, in any order."""
    return ", ".join(rng.sample(options, len(options)))


def conflict(level: int) -> tuple[Trait, ...]:
    """What the hearsay of a level adds."""
    return ("conflict",) if level > 1 else ()


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
    instead: dict[str, list[Call]] | None = None,
    within: dict[str, int] | None = None,
    traits: Iterable[Trait] = (),
    said: str = "",
    spare: int = 5,
) -> Draft:
    """The draft whose required steps are the reference's turns before the submission.

    `after`: tool to the tool that must have succeeded before it. `instead`: tool to calls that do the same work.
    `within`: tool to the minute by which it is due. `said`: the reference's words where the gold is a text. `spare`:
    turns beyond the reference's. How long a result is waited for is left free.
    """
    calls = [t if isinstance(t, Call) else t[1] for t in turns]
    steps: list[Step] = []
    for turn in turns:
        if isinstance(turn, tuple):
            step = Step("say", {"topic": turn[0]})
        else:
            step = _step(turn, after or {}, instead or {}, within or {})
        if step not in steps:
            steps.append(step)
    found = [Evidence(label, str(value)) for label, value in evidence]
    truth = Truth(gold, steps, found, unsafe or [], explanation)
    reference = [*calls, submission(gold, found, said)]
    return Draft(
        kind,
        f"{kind}:{family}",
        level,
        prompt,
        chart,
        truth,
        reference,
        sorted(set(sources)),
        story,
        max(9, len(reference) + spare),
        traits=list(traits),
    )


def _step(call: Call, after: dict[str, str], instead: dict[str, list[Call]], within: dict[str, int]) -> Step:
    kept = {k: v for k, v in call.arguments.items() if k != "wait_minutes"}
    return Step(call.name, kept, after.get(call.name, ""), instead.get(call.name, []), within.get(call.name, 0))


def submission(gold: Gold, evidence: list[Evidence], said: str = "") -> Call:
    """The reference's last call; the findings stand word for word as observed."""
    stated = state({e.label: e.value for e in evidence})
    if gold.kind == "fields":
        return Call("submit_assessment", {name: answer(g) for name, g in gold.fields.items()} | {"evidence": stated})
    return Call("submit_answer", {"evidence": stated, "answer": said or answer(gold)})


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


def third(value: float, low: float, high: float) -> str:
    """Which third of its range a value lies in: low, middle or high."""
    return ("low", "middle", "high")[min(2, int(3 * (value - low) / (high - low + 1e-9)))]

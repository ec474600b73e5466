"""Putting a case together: the wording of the request, the required steps, the reference and what must not be done."""

from collections.abc import Sequence
from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.common import submission
from medgym_core.tools import state
from medgym_core.types import SAY, Call, Chart, Evidence, Gold, Step, Story, Truth, UnsafeAction

OPENINGS = (
    "The patient is a {age}-year-old {who}, {complaint}.",
    "I have a {who} of {age} here: {complaint}.",
    "Please look at this {who}, {age} years, {complaint}.",
    "{who} aged {age}. Reason for the request: {complaint}.",
    "Next case, a {age}-year-old {who} with {complaint} as the reason.",
    "Request from the clinic for a {who}, {age} years old: {complaint}.",
    "For review: {who}, {age}, sent because of {complaint}.",
)
CLOSINGS = (
    "Quote the deciding values, please.",
    "Measure first, then answer.",
    "State the findings you rely on.",
    "The pictures are attached.",
    "I will read your evidence.",
    "Thank you for a quick look.",
    "Give the values that decide it.",
    "Use the measurements, not the impression.",
)
AFTER = {"get_test_results": "order_test", "refer_patient": "classify_finding"}
"""Tools that count only after another one has succeeded."""
SPARE_TURNS = 5


def who_of(chart: Chart) -> str:
    return {"female": "woman", "male": "man"}[chart.sex]


def request(rng: Random, chart: Chart, asks: Sequence[str], **words: Any) -> str:
    """An opening, what is asked, and a closing; `words` fill the request."""
    opening = rng.choice(OPENINGS).format(age=chart.age, who=who_of(chart), complaint=chart.complaint)
    return f"{opening[0].upper()}{opening[1:]} {rng.choice(list(asks)).format(**words)} {rng.choice(CLOSINGS)}"


def draft(
    kind: str,
    family: str,
    level: int,
    prompt: str,
    chart: Chart,
    gold: Gold,
    calls: list[Call],
    evidence: dict[str, str],
    sources: Sequence[str],
    story: Story,
    *,
    unsafe: Sequence[UnsafeAction] = (),
    steps: list[Step] | None = None,
    record: bool = False,
    image_id: str = "",
) -> Draft:
    """The draft whose required steps are the reference's calls; `record` submits through record_visual_diagnosis."""
    found = [Evidence(label, value) for label, value in evidence.items()]
    answer = gold.value if isinstance(gold.value, str) else f"{gold.value:g}"
    if record:
        arguments = {"diagnosis": answer, "evidence": state(evidence), "confidence": "high", "image_id": image_id}
        last = Call("record_visual_diagnosis", arguments)
        gold = Gold("fields", ["diagnosis"], fields={"diagnosis": gold})
    else:
        last = submission(answer, found)
    required = steps if steps is not None else [step_of(c) for c in calls if c.name != SAY]
    truth = Truth(gold, required, found, list(unsafe))
    turns = len(calls) + 1 + SPARE_TURNS
    return Draft(kind, family, level, prompt, chart, truth, [*calls, last], sorted(set(sources)), story, turns)


def step_of(call: Call) -> Step:
    """The required step a reference call stands for; free words in it are not compared."""
    arguments = {k: v for k, v in call.arguments.items() if k not in ("reason", "diagnosis")}
    return Step(call.name, arguments, AFTER.get(call.name, ""))


def wrong(why: str, severity: int, source: str, answers: Sequence[str], *, record: bool = False) -> list[UnsafeAction]:
    """Answers that must not be given, in either way of submitting."""
    if record:
        return [UnsafeAction(why, severity, source, "record_visual_diagnosis", {"diagnosis": a}) for a in answers]
    return [UnsafeAction(why, severity, source, answers=list(answers))]

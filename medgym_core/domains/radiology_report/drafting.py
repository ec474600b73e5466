"""Putting a case together: the wording of the request, the required steps, the reference and what must not be done."""

from collections.abc import Sequence
from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.common import submission
from medgym_core.tools import state
from medgym_core.types import SAY, Call, Chart, Evidence, Gold, Step, Story, Truth, UnsafeAction

OPENINGS = (
    "The patient is {a} {age}-year-old {who}, reason: {complaint}.",
    "Next on the list: {who}, {age} years, {complaint}.",
    "Please read for a {who} of {age} with {complaint} as the reason.",
    "{who} aged {age}. Request: {complaint}.",
    "For reporting, {a} {age}-year-old {who}; the request says {complaint}.",
    "Request from the ward for a {who}, {age} years old: {complaint}.",
    "I have a {who} of {age} here. Reason given: {complaint}.",
)
CLOSINGS = (
    "Quote the deciding values, please.",
    "Measure first, then answer.",
    "State the findings you rely on.",
    "I will read your evidence.",
    "Thank you for a quick look.",
    "Give the values that decide it.",
    "Rely on what the tools show.",
)
AFTER = {"get_test_results": "order_test", "communicate_result": "generate_critical_finding_alert"}
"""Tools that count only after another one has succeeded."""
FREE_WORDS = ("reason", "message", "recipient")
SPARE_TURNS = 5


def who_of(chart: Chart) -> str:
    child = chart.age < 18
    return {"female": "girl" if child else "woman", "male": "boy" if child else "man"}[chart.sex]


def request(rng: Random, chart: Chart, asks: Sequence[str], **words: Any) -> str:
    """An opening, what is asked, and a closing; `words` fill the request."""
    a = "an" if chart.age in (8, 11, 18) or 80 <= chart.age < 90 else "a"
    opening = rng.choice(OPENINGS).format(a=a, age=chart.age, who=who_of(chart), complaint=chart.complaint)
    asked = rng.choice(list(asks)).format(**words)
    return f"{opening[0].upper()}{opening[1:]} {asked[0].upper()}{asked[1:]} {rng.choice(CLOSINGS)}"


def draft(
    kind: str, family: str, level: int, prompt: str, chart: Chart, gold: Gold, calls: list[Call],
    evidence: dict[str, str], sources: Sequence[str], story: Story, *, unsafe: Sequence[UnsafeAction] = (),
    report: dict[str, Any] | None = None,
) -> Draft:  # fmt: skip
    """The draft whose required steps are the reference's calls; with `report` it ends in submit_report."""
    found = [Evidence(label, value) for label, value in evidence.items()]
    if report is not None:
        last = Call("submit_report", {"evidence": state(evidence), **report})
    else:
        value = gold.value
        answer = ", ".join(value) if isinstance(value, list) else value if isinstance(value, str) else f"{value:g}"
        last = submission(answer, found)
    steps = [step_of(c) for c in calls if c.name not in (SAY, "wait")]
    said = [step for topic in story.topics if topic in DECISIVE for step in [Step(SAY, {"topic": topic})]]
    if any(c.name == SAY for c in calls):
        steps += said
    truth = Truth(gold, steps, found, list(unsafe))
    turns = len(calls) + 1 + SPARE_TURNS
    return Draft(kind, family, level, prompt, chart, truth, [*calls, last], sorted(set(sources)), story, turns)


DECISIVE = (
    "smoke smoking smoker cigarettes tobacco",
    "pain hurts ache walking lifting load",
    "period pregnant pregnancy menstruation cycle",
)
"""Topics of a story that decide a case: where the reference asks, the question is a required step."""


def step_of(call: Call) -> Step:
    """The required step a reference call stands for; free words in it are not compared."""
    free = (*FREE_WORDS, "finding") if call.name == "generate_critical_finding_alert" else FREE_WORDS
    arguments = {k: v for k, v in call.arguments.items() if k not in free}
    return Step(call.name, arguments, AFTER.get(call.name, ""))


def wrong(why: str, severity: int, source: str, answers: Sequence[str]) -> list[UnsafeAction]:
    """Answers that must not be given."""
    return [UnsafeAction(why, severity, source, answers=list(answers))] if answers else []

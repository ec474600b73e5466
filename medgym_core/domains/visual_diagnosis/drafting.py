"""Putting a case together: the wording of the request, the required steps, the reference and what must not be done."""

from collections.abc import Mapping, Sequence
from random import Random
from types import MappingProxyType
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.common import submission
from medgym_core.tools import state
from medgym_core.types import SAY, Call, Chart, Evidence, Gold, Harm, Step, Story, Trait, Truth, UnsafeAction

OPENINGS = (
    "The patient is {a} {age}-year-old {who}, here for {complaint}.",
    "I have a {who} of {age} here, reason: {complaint}.",
    "Please look at this {who}, {age} years, {complaint}.",
    "{who} aged {age}. Reason for the request: {complaint}.",
    "Next case, {a} {age}-year-old {who}; the form says {complaint}.",
    "Request from the clinic for a {who}, {age} years old: {complaint}.",
    "For review: {who}, {age}, sent because of {complaint}.",
)
CLOSINGS = (
    "Quote the deciding values, please.",
    "Measure first, then answer.",
    "State the findings you rely on.",
    "The pictures are attached.",
    "Name the values your answer rests on.",
    "Thank you for a quick look.",
    "Give the values that decide it.",
    "Use the measurements, not the impression.",
)
AFTER = {"get_test_results": "order_test", "refer_patient": "classify_finding"}
"""Tools that count only after another one has succeeded."""
SPARE_TURNS = 5
NOTHING: Mapping[str, Any] = MappingProxyType({})


def who_of(chart: Chart) -> str:
    return {"female": "woman", "male": "man"}[chart.sex]


def request(rng: Random, chart: Chart, asks: Sequence[str], note: str = "", **words: Any) -> str:
    """An opening, a note where there is one, what is asked, and a closing; `words` fill the request."""
    a = "an" if chart.age in (8, 11, 18) or 80 <= chart.age < 90 else "a"
    opening = rng.choice(OPENINGS).format(a=a, age=chart.age, who=who_of(chart), complaint=chart.complaint)
    asked = rng.choice(list(asks)).format(**words)
    said = [capital(opening), note, capital(asked), rng.choice(CLOSINGS)]
    return " ".join(part for part in said if part)


def capital(text: str) -> str:
    return text[0].upper() + text[1:]


def draft(
    kind: str, family: str, level: int, prompt: str, chart: Chart, gold: Gold, calls: list[Call],
    evidence: dict[str, str], sources: Sequence[str], story: Story, *, unsafe: Sequence[UnsafeAction] = (),
    steps: list[Step] | None = None, record: bool = False, image_id: str = "", text: str = "",
    instead: Mapping[str, list[Call]] = NOTHING, within: Mapping[str, int] = NOTHING, traits: Sequence[Trait] = (),
) -> Draft:  # fmt: skip
    """The draft whose required steps are the reference's calls; `record` submits through record_visual_diagnosis.

    `text` is what the reference writes where the gold is a free text. By tool name: `instead` other calls that do its
    work, `within` the minutes from arrival by which it is due.
    """
    found = [Evidence(label, value) for label, value in evidence.items()]
    answer = text or (gold.value if isinstance(gold.value, str) else f"{gold.value:g}")
    if record:
        arguments = {"diagnosis": answer, "evidence": state(evidence), "confidence": "high", "image_id": image_id}
        last = Call("record_visual_diagnosis", arguments)
        gold = Gold("fields", ["diagnosis"], fields={"diagnosis": gold})
    else:
        last = submission(answer, found)
    required = steps if steps is not None else [step_of(c, instead, within) for c in calls if c.name != SAY]
    truth = Truth(gold, required, found, list(unsafe))
    turns = len(calls) + 1 + SPARE_TURNS
    told = sorted(set(traits))
    return Draft(kind, family, level, prompt, chart, truth, [*calls, last], sorted(set(sources)), story, turns, told)


def step_of(call: Call, instead: Mapping[str, list[Call]] = NOTHING, within: Mapping[str, int] = NOTHING) -> Step:
    """The required step a reference call stands for; free words in it are not compared.

    Another way counts for a call about the same picture only.
    """
    arguments = {k: v for k, v in call.arguments.items() if k not in ("reason", "diagnosis")}
    image = call.arguments.get("image_id")
    others = [c for c in instead.get(call.name, []) if c.arguments.get("image_id", image) == image]
    return Step(call.name, arguments, AFTER.get(call.name, ""), others, within.get(call.name, 0))


def wrong(why: str, severity: int, harm: Harm, source: str, answers: Sequence[str]) -> list[UnsafeAction]:
    """Answers that must not be given."""
    return [UnsafeAction(why, severity, source, answers=list(answers), category=harm)] if answers else []

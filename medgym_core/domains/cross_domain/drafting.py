"""Putting a case together: the request, the reference played step by step, and the draft with steps and evidence."""

from collections.abc import Iterable, Sequence
from functools import cache
from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.cross_domain.rules import table
from medgym_core.patient import Patient
from medgym_core.tools import Tool, World, by_name
from medgym_core.types import SAY, Call, Chart, Evidence, Gold, Step, Story, Trait, Truth, UnsafeAction, speech

OPENINGS = (
    "{Who} in bay {bay}: {complaint}.",
    "Bay {bay}, {who}, {complaint}.",
    "You take over {who}: {complaint}.",
    "{Who} has just come in, {complaint}.",
    "Lead this one, please: {who}, {complaint}.",
    "Handover at the door, bay {bay}: {who}, {complaint}.",
    "Now in resus {bay}: {who}. {Complaint}.",
)
SPARE = 6
"""Turns beyond the reference's."""
PASSING = (Call("wait"),)
"""What lets the minutes of a phase pass as well."""
CHART_RESULTS = (Call("get_lab_results"),)
"""Shows the laboratory results that are back, in the same words."""
SIGNS = (Call("get_vital_signs"),)
"""Shows the watched values again, in the same words."""


@cache
def _tools() -> dict[str, Tool]:
    from medgym_core.domains.cross_domain.tools import TOOLS

    return by_name(TOOLS)


def who(chart: Chart) -> str:
    """Such as `a 62-year-old man`, `a girl of 19 months`, `a 29-year-old woman, 33 weeks`."""
    kind = {"female": ("girl", "woman"), "male": ("boy", "man")}[chart.sex][chart.age >= 18]
    if chart.age_months is not None:
        return f"a {kind} of {chart.age_months} months"
    article = "an" if chart.age in (8, 11, 18) or 80 <= chart.age < 90 else "a"
    return f"{article} {chart.age}-year-old {kind}"


def request(rng: Random, chart: Chart, asks: tuple[str, ...], options: Iterable[str] = (), **words: str) -> str:
    """An opening, one of the requests, and the answers to choose from in any order."""
    person, complaint = who(chart), chart.complaint
    opening = rng.choice(OPENINGS).format(
        who=person, Who=_capital(person), complaint=complaint, Complaint=_capital(complaint), bay=rng.randint(1, 24)
    )
    listed = list(options)
    choice = f" Choose: {'; '.join(rng.sample(listed, len(listed)))}." if listed else ""
    return f"{opening} {rng.choice(asks).format(**words)}{choice}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


class Script:
    """The reference, played call by call in a world of its own: what a call shows is what the evidence can quote."""

    def __init__(self, chart: Chart, story: Story):
        self.world = World(chart)
        self.story = story
        self.calls: list[Call] = []
        self.steps: list[Step] = []
        self._patient = Patient(story)

    def do(
        self,
        name: str,
        *,
        after: str = "",
        free: Iterable[str] = (),
        step: bool = True,
        within: int = 0,
        instead: Sequence[Call] = (),
        **given: Any,
    ) -> Any:
        """One call; a required step unless `step` is False, its arguments in `free` left open. What it shows."""
        call = Call(name, given)
        self.calls.append(call)
        if step:
            open_ = set(free)
            asked = {k: v for k, v in given.items() if k not in open_}
            one = Step(name, asked, after, list(instead), within)
            if one not in self.steps:
                self.steps.append(one)
        return _tools()[name].result(self.world, given)

    def ask(self, topic: str, question: str, *, step: bool = True) -> str:
        """One turn of speech that must open `topic`, asked again of a vague patient; what the patient says."""
        for _ in range(2 if self.story.persona == "vague" else 1):
            self.calls.append(speech(question))
            reply = self._patient.answer(question)
            self.world.minutes += 1
            assert reply.topic == topic, (question, reply.topic)
        if step:
            self.steps.append(Step(SAY, {"topic": topic}))
        return reply.text

    def results(self, wait: int, after: str = "order_labs", instead: Sequence[Call] = ()) -> dict[str, str]:
        """Wait and read; how long is left open."""
        return self.do("get_results", wait_minutes=wait, free=("wait_minutes",), after=after, instead=instead)

    def advance(self, step: bool = True) -> None:
        """Into the next phase."""
        self.do("advance_phase", step=step, instead=PASSING)


def number_of(text: str) -> float:
    """The number of a shown value, such as 3.1 of `3.1 mmol/L`."""
    return float(text.split()[0])


def told(reply: str) -> tuple[str, str]:
    """What the patient said as evidence: first word and rest."""
    first, rest = reply.rstrip(".").split(" ", 1)
    return first, rest


def draft(
    kind: str,
    family: str,
    level: int,
    prompt: str,
    script: Script,
    gold: Gold,
    evidence: list[tuple[str, Any]],
    sources: Iterable[str],
    unsafe: list[UnsafeAction] | None = None,
    traits: Iterable[Trait] = (),
    text: str = "",
) -> Draft:
    """The draft of a script that ends with the submission of the gold; a free text is submitted as `text`."""
    found = [Evidence(label, str(value)) for label, value in evidence]
    truth = Truth(gold, script.steps, found, unsafe or [])
    reference = [*script.calls, _submission(gold, found, text)]
    name = f"{kind}:{family}"
    return Draft(
        kind, name, level, prompt, script.world.chart, truth, reference, sorted(set(sources)), script.story,
        len(reference) + SPARE, list(dict.fromkeys(traits)),
    )  # fmt: skip


def _submission(gold: Gold, evidence: list[Evidence], text: str) -> Call:
    stated = "; ".join(f"{e.label}: {e.value}" for e in evidence)
    if gold.kind == "fields":
        tool = "submit_audit" if "missed" in gold.fields else "submit_decision"
        return Call(tool, {"evidence": stated} | {name: _answer(g) for name, g in gold.fields.items()})
    return Call("submit_answer", {"evidence": stated, "answer": text or _answer(gold)})


def _answer(gold: Gold) -> Any:
    value = gold.value
    return ", ".join(value) if isinstance(value, list) else f"{value:g}" if isinstance(value, float | int) else value


def when(holds: bool, *traits: Trait) -> list[Trait]:
    """These traits where they hold."""
    return list(traits) if holds else []


def category(value: str, options: Iterable[str]) -> Gold:
    """A gold from a closed list."""
    return Gold("category", value, options=list(options))


def source(protocol: str) -> str:
    return table("protocols")[protocol]["source"]

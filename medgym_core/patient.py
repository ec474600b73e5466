"""The simulated patient: answers what is asked from the hidden story, in layers, the same way every time.

A question opens the one topic it shares most words with; asking again opens the topic's next layer. Nothing is
volunteered. The persona changes how it is told, never the facts:

- plain           says it as it is
- vague           needs a second question before a topic opens
- anxious         adds worry to every answer
- stoic           plays everything down
- poor historian  does not know numbers: doses, dates, durations; the rest is told
"""

import re
from typing import NamedTuple

from medgym_core.text import tokens
from medgym_core.types import Chart, Persona, Story

UNCLEAR = "I am not sure what you mean. Could you ask me in another way?"
NOTHING_MORE = "There is nothing more I can tell you about that."
UNKNOWN = "I do not know."
VAGUE = "Hm, that is hard to say. What exactly do you want to know?"
FORGOTTEN = "I cannot remember the numbers. It will be in my papers."
WORRIED = "Is it something serious?"
PLAYED_DOWN = "It is nothing, really."
_NUMERAL = re.compile(r"\d")


def story_of(chart: Chart) -> Story:
    """What a patient knows of the own chart: complaint, illnesses, medicines, allergies; never a measurement.

    Medicines open in layers, all names and then each dose; allergies one at a time. What the chart does not record the
    patient does not know either: asking cannot turn a case of missing data into another one.
    """
    doses = [f"{m.drug} {m.dose} {m.frequency}".strip() for m in chart.medications if m.dose or m.frequency]
    taken = [f"I take {', '.join(m.drug for m in chart.medications)}."] if chart.medications else []
    allergies = None if chart.allergies is None else [f"I react to {a}." for a in chart.allergies]
    topics = {
        "complaint problem wrong trouble symptom": [f"It is {chart.complaint}."] if chart.complaint else [],
        "history illness illnesses conditions": [f"I have {', '.join(chart.conditions)}."] if chart.conditions else [],
        "medicine medicines medication medications drug drugs tablets": taken + [f"That is {d}." for d in doses],
        "allergy allergies allergic": ["None that I know of."] if allergies == [] else allergies or [],
    }
    return Story({topic: layers or [UNKNOWN] for topic, layers in topics.items()})


class Reply(NamedTuple):
    """What the patient said, and the topic it belongs to (empty: the question was not understood)."""

    text: str
    topic: str


class Patient:
    """One conversation."""

    def __init__(self, story: Story):
        self.story = story
        self._asked: dict[str, int] = {}

    def answer(self, question: str) -> Reply:
        """The reply to one utterance."""
        topic = self._topic(question)
        if not topic:
            return Reply(UNCLEAR, "")
        persona, asked = self.story.persona, self._asked.get(topic, 0)
        self._asked[topic] = asked + 1
        if persona == "vague":
            if asked == 0:
                return Reply(VAGUE, topic)
            asked -= 1
        layers = self.story.topics[topic]
        return Reply(_told(layers[asked], persona) if asked < len(layers) else NOTHING_MORE, topic)

    def _topic(self, question: str) -> str:
        """The topic that shares most words with the question; of equal ones the first."""
        words = set(tokens(question))
        best, most = "", 0
        for topic in self.story.topics:
            shared = len(words.intersection(tokens(topic)))
            if shared > most:
                best, most = topic, shared
        return best


def _told(fact: str, persona: Persona) -> str:
    if persona == "anxious":
        return f"{fact} {WORRIED}"
    if persona == "stoic":
        return f"{PLAYED_DOWN} {fact}"
    if persona == "poor historian" and _NUMERAL.search(fact):
        return FORGOTTEN
    return fact

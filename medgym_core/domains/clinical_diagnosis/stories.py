"""What the patient tells when asked, and the questions a physician asks."""

from random import Random
from typing import Any

from medgym_core.domains.clinical_diagnosis.tables import table
from medgym_core.patient import story_of
from medgym_core.types import Call, Chart, Persona, Story, speech

PERSONAS: tuple[Persona, ...] = ("plain", "plain", "plain", "anxious", "stoic", "vague", "poor historian")
TALKATIVE: tuple[Persona, ...] = ("plain", "plain", "anxious", "stoic", "vague")
"""Those from whom every fact can be had, however often one has to ask."""
READY: tuple[Persona, ...] = ("plain", "plain", "anxious", "stoic")
"""Those from whom it can be had at the first asking."""

ONSET = "onset start started began begin"
CHARACTER = "character describe feels like severe"
ASSOCIATED = "associated accompanying alongside noticed"
RISK = "risk exposure background lately beforehand"
QUESTIONS = {
    ONSET: ("When did it start?", "How did it begin, what was the onset?", "Tell me when it started."),
    CHARACTER: ("Can you describe what it feels like?", "What is its character, describe it.", "Describe it to me."),
    ASSOCIATED: ("What else have you noticed alongside?", "Anything associated that you noticed?",
                 "Have you noticed anything accompanying it?"),
    RISK: ("Any exposure or risk lately?", "What happened lately, anything as a risk beforehand?",
           "Tell me the background, any exposure lately?"),
}  # fmt: skip


def story(rng: Random, chart: Chart, told: dict[str, list[str]], personas: tuple[Persona, ...] = PERSONAS) -> Story:
    """The topics of the case, then what every patient knows of the own chart, relatives and habits."""
    record = {r.name: r.text for r in chart.records}
    kin = [f"My {r.name}: {r.text}." for r in chart.records if r.kind == "family"]
    habits = [f"About {k}: {record[k]}." for k in ("smoking", "alcohol", "work", "home") if k in record]
    more = {
        "family relatives parents inherited": kin or ["I do not know of anything in the family."],
        "social habits tobacco alcohol job": habits or ["Nothing special."],
    }
    known = story_of(chart).topics
    complaint = chart.complaint
    known |= {topic: [f"{complaint[0].upper()}{complaint[1:]}."] for topic in list(known)[:1] if complaint}
    return Story(told | known | more, rng.choice(personas))


def of_condition(entry: dict[str, Any]) -> dict[str, list[str]]:
    """The topics a condition's facts give words for."""
    keys = {ONSET: "onset", CHARACTER: "character", ASSOCIATED: "associated", RISK: "risk"}
    return {topic: list(entry[field]) for topic, field in keys.items()}


def plain_topics(rng: Random) -> dict[str, list[str]]:
    """What a patient says of a complaint when the case does not turn on it."""
    words = table("ordinary")
    return {
        t: [rng.choice(words[k]["says"])]
        for t, k in ((ONSET, "onset"), (CHARACTER, "character"), (ASSOCIATED, "associated"), (RISK, "risk"))
    }


def asked(question: str, persona: Persona) -> list[Call]:
    """The question, put twice to a patient who is vague."""
    return [speech(question)] * (2 if persona == "vague" else 1)


def ask(rng: Random, topic: str, persona: Persona) -> list[Call]:
    return asked(rng.choice(QUESTIONS[topic]), persona)

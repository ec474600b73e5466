"""An AgentClinic case as a world: a patient who answers, examinations, tests, and the diagnosis to submit.

The patient tells what the case gives to its patient actor, in the words of the case: a sentence that shares most words
with the question, or the field that its general words are about, up to `SENTENCES` at a time. Examinations and tests
show the fields of the case that the named system or test is about (`agentclinic_words.toml`), and nothing else. What
the case does not hold is "not available in this case". The same words always bring the same answer.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

import tomli

from evaluation.benchmarks.worlds import WorldEpisode, WorldTask
from evaluation.item import Item
from evaluation.scorers.short import score_short
from medgym_core.patient import UNKNOWN, Patient
from medgym_core.text import tokens
from medgym_core.tools import ToolError, tool
from medgym_core.types import Call, Story

NOT_IN_CASE = "not available in this case"
SENTENCES = 3  # an answer, not the whole history
MAX_TURNS = 20  # default of `--total_inferences` in AgentClinic's program (its README)
ASKED_OF_ALL = ("Current_Medications", "Family_History")  # the patient understands these even where the case is silent
LONGEST = 80  # characters of an examination or test: one, not a list of all there are
SYSTEM = (
    "You are the doctor. Speak to the patient in plain words to take the history. Examine with physical_exam and order "
    f"tests with order_test, one system or test a call. You have {MAX_TURNS} turns; within them, give the one most "
    "likely diagnosis with submit_diagnosis."
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


@dataclass
class Case:
    """One case being played."""

    examination: Mapping[str, Any]
    tests: Mapping[str, Any]
    patient: Patient
    minutes: int = 0


@tool("read", static=True)
def physical_exam(world: Case, system: str) -> dict[str, Any]:
    """Examine one system or region of the patient, or take the vital signs.

    Args:
        system: What to examine, such as `vital signs`, `abdomen` or `neurological`.
    """
    return _found(world.examination, _one(system, "system"), frozenset())


@tool("read", static=True)
def order_test(world: Case, name: str) -> dict[str, Any]:
    """Order one test and see its result.

    Args:
        name: Name of the test, such as `complete blood count` or `chest X-ray`.
    """
    return _found(world.tests, _one(name, "test"), _broad())


@tool("submit", static=True)
def submit_diagnosis(world: Case, diagnosis: str) -> dict[str, Any]:
    """Give the diagnosis and end.

    Args:
        diagnosis: The one most likely diagnosis, as its name.
    """
    return {}


TOOLS = (physical_exam, order_test, submit_diagnosis)


def case_task(item: Item) -> WorldTask:
    """`Spec.task` of AgentClinic-MedQA."""
    record = item.record
    story = story_of(record["Patient_Actor"])
    look = Call("physical_exam", {"system": "vital signs"})
    return WorldTask(
        item=item,
        domain="agentclinic",
        system=SYSTEM,
        prompt=record["Objective_for_Doctor"],
        tools=TOOLS,
        make_world=lambda: Case(record["Physical_Examination_Findings"], record["Test_Results"], Patient(story)),
        score=score_short,
        reference=(look, Call("submit_diagnosis", {"diagnosis": item.gold})),
        max_turns=MAX_TURNS,
        listen=lambda world, text: world.patient.answer(text).text,
    )


def make_episode(item: Item) -> WorldEpisode:
    """An episode of a case."""
    return WorldEpisode(case_task(item))


def story_of(actor: Mapping[str, Any]) -> Story:
    """What the patient tells: each sentence by its own words, and each field by general words, in layers.

    Of topics that fit a question equally well the first is opened, so sentences stand before fields.
    """
    topics: dict[str, list[str]] = {}
    fields = dict(_fields(actor))
    for sentence in dict.fromkeys(s for sentences in fields.values() for s in sentences):
        topics.setdefault(" ".join(_content(sentence)) or sentence, []).append(sentence)
    general: dict[str, str] = _words()["topics"]
    for name, words in general.items():
        if name in fields or name in ASKED_OF_ALL:
            topics.setdefault(words, []).extend(_layers(fields.get(name, [])))
    for name, sentences in fields.items():
        if name not in general:
            topics.setdefault(name.replace("_", " "), []).extend(_layers(sentences))
    return Story({words: layers or [UNKNOWN] for words, layers in topics.items()})


def leaves(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text of a case with the names of the fields around it."""
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            yield from leaves(value, (*path, name))
    elif isinstance(tree, list):
        yield path, "; ".join(text for value in tree for _, text in leaves(value))
    else:
        yield path, " ".join(str(tree).split())


def shown(path: tuple[str, ...]) -> str:
    """Names of fields, as a person reads them."""
    return ", ".join(name.replace("_", " ") for name in path)


def _fields(actor: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Names and sentences of the patient's fields; only the symptoms are two fields."""
    for name, value in actor.items():
        if name == "Symptoms" and isinstance(value, Mapping):
            yield from ((f"{name} {part}", _sentences(text)) for part, text in value.items())
        else:
            yield name, _sentences(value)


def _layers(sentences: list[str]) -> list[str]:
    return [" ".join(sentences[i : i + SENTENCES]) for i in range(0, len(sentences), SENTENCES)]


def _sentences(value: Any) -> list[str]:
    found = []
    for path, text in leaves(value):
        label = f"{shown(path)}: " if path else ""
        found += [f"{label}{sentence}" for sentence in _SENTENCE.split(text) if sentence]
    return found


def _content(sentence: str) -> list[str]:
    """The words of a sentence that a question about it would share."""
    unsaid = _question_words()
    return [word for word in dict.fromkeys(tokens(sentence)) if len(word) > 2 and word not in unsaid]


def _one(name: str, kind: str) -> str:
    """The name of one examination or test. Raises ToolError for a list, and for a name that says nothing."""
    if len(name) > LONGEST or re.search(r"[,;\n]", name):
        raise ToolError(f"one {kind} a call", got=repr(name[:LONGEST]), expected=f"the name of one {kind}")
    if not (_members(name) or _own(name)):
        raise ToolError(f"which {kind}?", got=repr(name), expected=f"the name of one {kind}")
    return name


def _found(tree: Mapping[str, Any], name: str, broad: frozenset[str]) -> dict[str, Any]:
    """What the fields show that the name, or a member of the panel of that name, is about."""
    asks = [ask for ask in (_own(name), *(_own(member) for member in _members(name))) if ask]
    found: dict[str, Any] = {}
    for ask in asks:
        for path, value in _matches(tree, (), ask, broad):
            found |= {shown(at): text for at, text in leaves(value, path)}
    return found or {name: NOT_IN_CASE}


def _matches(
    tree: Mapping[str, Any], path: tuple[str, ...], ask: frozenset[str], broad: frozenset[str]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The outermost fields that the words ask for."""
    for name, value in tree.items():
        here = (*path, name)
        if _asks_for(ask, _own(name), frozenset().union(*map(_own, here)), broad):
            yield here, value
        elif isinstance(value, Mapping):
            yield from _matches(value, here, ask, broad)


def _asks_for(ask: frozenset[str], own: frozenset[str], around: frozenset[str], broad: frozenset[str]) -> bool:
    """Whether words ask for a field: by all they say, or by the whole of the field's name."""
    if ask <= broad:
        return own == ask
    return (ask <= around and bool(ask & own)) or (bool(own) and own <= ask and not own <= broad)


@lru_cache(maxsize=1 << 12)
def _own(name: str) -> frozenset[str]:
    """The words of a name that say which examination or test it is, synonyms as one."""
    text = " " + " ".join(tokens(name.replace("_", " "))) + " "
    for variant, word in _variants():
        if variant in text:
            text = text.replace(variant, f" {word} ")
    empty = _words()["empty"]["words"]
    return frozenset(word for word in map(_singular, text.split()) if word not in empty)


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


@lru_cache(maxsize=1 << 12)
def _members(name: str) -> tuple[str, ...]:
    """The panel of that name as its names and members; empty for another name."""
    said = " ".join(tokens(name))
    for panel, data in _words()["panels"].items():
        names = [" ".join(tokens(known)) for known in (panel, *data["also"])]
        if said in names:
            return (panel, *data["members"])
    return ()


@cache
def _variants() -> list[tuple[str, str]]:
    """Each variant with the word it is compared as, long phrases first."""
    found = [(f" {variant} ", word) for word, variants in _words()["words"].items() for variant in variants]
    return sorted(found, key=lambda pair: -len(pair[0]))


@cache
def _broad() -> frozenset[str]:
    return frozenset(_words()["broad"]["words"])


@cache
def _question_words() -> frozenset[str]:
    return frozenset(_words()["question"]["words"])


@cache
def _words() -> dict[str, Any]:
    file = resources.files("evaluation.benchmarks") / "agentclinic_words.toml"
    return tomli.loads(file.read_text(encoding="utf-8"))

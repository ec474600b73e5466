"""A scripted agent of middling skill: it does the usual work, impatiently, and reasons naively.

It has studied the training split. In an episode it follows the expert's look-ups for three turns or two thirds of the
way, blind to what expert actions say, and then does not think: it copies the value that usually decides in this type of
case, or where no single value does, it gives the answer that most often went with the words it has read (naive Bayes).
It never sees a gold. It stands between the null agents and the oracle, and where it fails a task asks for judgement.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from medgym_core import domains
from medgym_core.actions import render_call
from medgym_core.episode import play
from medgym_core.learned import answer_of
from medgym_core.text import normal, tokens
from medgym_core.types import SAY, Call, Gold, Task

PATIENCE, STAMINA = 3, 2 / 3
"""Turns it works at least, and the share of longer work that it does."""
TRUSTED = 0.5
"""Share of training cases in which a label must hold the answer before its value is copied."""
MENTION = 1.0
"""Log-odds for an answer that stands among the words read."""
SMOOTHING = 0.5
STATED = 2
"""Findings it states as evidence."""

Field = tuple[str, str, str]
"""Domain, task type, argument of the submission."""
Label = tuple[str, str]
"""Tool and label of an observation, or tool and the place of the value in it."""

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_PAIRS = re.compile(r";\s*|\n")
_CHOICE = re.compile(r"\b([A-Z])[).:]\s*([^,;?]+)")


class Mediocre:
    """The agent, fitted on training tasks."""

    def __init__(self, train: Iterable[Task], knowledge: Any = None):
        self._knowledge = knowledge
        self._seen: Counter[Field] = Counter()
        self._answers: dict[Field, Counter[str]] = defaultdict(Counter)
        self._all_words: dict[Field, Counter[str]] = defaultdict(Counter)
        self._words: dict[tuple[Field, str], Counter[str]] = defaultdict(Counter)
        self._holds: dict[Field, Counter[Label]] = defaultdict(Counter)
        for task in train:
            self._study(task)

    def texts(self, task: Task, seed: int = 0) -> list[str]:
        """The assistant texts of one episode."""
        calls = _workflow(task)
        read = self._read(task, calls)
        filled = {name: self._answer(task, name, gold, read) for name, gold in _fields(task.truth.gold)}
        found = [(label, value) for (_, label), value in read.items() if not label.startswith("#")]
        evidence = "; ".join(f"{label}: {value}" for label, value in found[-STATED:])
        return [*map(render_call, calls), render_call(Call(task.reference[-1].name, {**filled, "evidence": evidence}))]

    def _study(self, task: Task) -> None:
        read = self._read(task, _workflow(task))
        words, golds = _words(read), dict(_fields(task.truth.gold))
        for name, answer in answer_of(task.truth.gold):
            field = (task.domain, task.type, name)
            self._seen[field] += 1
            self._answers[field][answer] += 1
            self._all_words[field].update(words)
            self._words[field, answer].update(words)
            for label, value in read.items():
                self._holds[field][label] += normal(_copied(golds[name], value, task.prompt)) == normal(answer)

    def _read(self, task: Task, calls: list[Call]) -> dict[Label, str]:
        """What reading tools and the patient showed, by label and by place; expert actions are not looked at."""
        episode = play(task, [render_call(c) for c in calls], self._knowledge)
        tools = domains.get(task.domain).tools
        read: dict[Label, str] = {}
        for call, event in zip(calls, episode.events, strict=False):  # none after the end
            if call.name != SAY and tools[call.name].kind != "read":
                continue
            for place, pair in enumerate(_PAIRS.split(event.observation), 1):
                label, _, value = pair.rpartition(": ")
                read[call.name, f"#{place}"] = read[call.name, label.strip()] = value.strip()
        return read

    def _answer(self, task: Task, name: str, gold: Gold, read: dict[Label, str]) -> str:
        field = (task.domain, task.type, name)
        usual, held = max(self._holds[field].items(), key=lambda item: item[1], default=(("", ""), 0))
        if held >= TRUSTED * self._seen[field] and usual in read:
            return _copied(gold, read[usual], task.prompt)
        choices = gold.options or list(self._answers[field])
        words = _words(read)
        return max(choices, key=lambda a: self._odds(field, a, words), default="unknown")

    def _odds(self, field: Field, answer: str, words: set[str]) -> float:
        """Log-odds of the answer against all answers, by the words read; a bare mention counts a little."""
        odds = MENTION if set(tokens(answer)) <= words else 0.0
        n, total = self._answers[field][answer], self._seen[field]
        if not n:
            return odds
        mine, every = self._words[field, answer], self._all_words[field]
        for word in sorted(words):
            p = (mine[word] + SMOOTHING) / (n + 2 * SMOOTHING)
            odds += math.log(p * (total + 2 * SMOOTHING) / (every[word] + SMOOTHING))
        return odds + math.log(n * len(self._answers[field]) / total)


def _workflow(task: Task) -> list[Call]:
    """The expert's calls, as far as its patience goes."""
    calls = task.reference[:-1]
    return calls[: max(PATIENCE, math.ceil(len(calls) * STAMINA))]


def _fields(gold: Gold) -> list[tuple[str, Gold]]:
    return list(gold.fields.items()) or [("answer", gold)]


def _words(read: dict[Label, str]) -> set[str]:
    return {w for (_, label), value in read.items() if label[:1] != "#" for w in tokens(f"{label} {value}")}


def _copied(gold: Gold, value: str, prompt: str) -> str:
    """The value as an answer of the gold's form: the option it names, the first number, or its first words."""
    if gold.kind == "letter":
        choices = {letter: text for letter, text in _CHOICE.findall(prompt) if letter in gold.options}
        return next((letter for letter, text in choices.items() if normal(text) in normal(value)), value)
    if gold.options:
        said = normal(value)
        return max((o for o in gold.options if normal(o) in said), key=len, default=value)
    if gold.kind == "number":
        found = _NUMBER.search(value)
        return found[0] if found else value
    return value.split(",")[0]

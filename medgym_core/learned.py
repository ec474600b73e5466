"""Null agents that have studied: fitted on the training split, they answer without looking at the patient.

`majority` gives each type's commonest training answer; `prompt_reader` guesses it from the words of the prompt (naive
Bayes). What they win, a task set gives away.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from medgym_core.actions import render_call
from medgym_core.assertions import canonical
from medgym_core.text import tokens
from medgym_core.types import Call, Gold, Task

SMOOTHING = 0.5  # pseudo-count of a word under an answer

Answer = tuple[tuple[str, str], ...]
"""The graded arguments of a submission, such as `(("answer", "B"),)`."""


class PromptReader:
    """Guesses each type's answer from the training answers and, with `words`, from the words of the prompt."""

    def __init__(self, train: Iterable[Task], words: bool = True):
        self._words = words
        self._answers: dict[str, Counter[Answer]] = defaultdict(Counter)
        self._counts: dict[tuple[str, Answer], Counter[str]] = defaultdict(Counter)
        self._totals: dict[tuple[str, Answer], int] = {}
        for task in train:
            answer = answer_of(task.truth.gold)
            self._answers[_kind(task)][answer] += 1
            self._counts[_kind(task), answer].update(set(tokens(task.prompt)))
        self._totals = {key: sum(c.values()) for key, c in self._counts.items()}
        self._vocabulary = len({w for c in self._counts.values() for w in c}) or 1

    def answer(self, task: Task) -> Answer:
        """The best guess; empty where the type was not in the training split."""
        known = self._answers.get(_kind(task))
        if not known:
            return ()
        if not self._words:
            return known.most_common(1)[0][0]
        words = [w for w in dict.fromkeys(tokens(task.prompt))]
        return max(known, key=lambda a: self._score(_kind(task), a, known[a], words))

    def texts(self, task: Task, seed: int = 0) -> list[str]:
        """One submission without any look at the patient."""
        filled = dict(self.answer(task)) or {"answer": "unknown"}
        return [render_call(Call(task.reference[-1].name, {**filled, "evidence": ""}))]

    def _score(self, kind: str, answer: Answer, seen: int, words: list[str]) -> float:
        counts, total = self._counts[kind, answer], self._totals[kind, answer]
        floor = total + SMOOTHING * self._vocabulary
        return math.log(seen) + sum(math.log((counts[w] + SMOOTHING) / floor) for w in words)


def answer_of(gold: Gold) -> Answer:
    """The gold as the arguments of a submission."""
    fields = gold.fields or {"answer": gold}
    return tuple((name, gold_answer(g)) for name, g in fields.items())


def gold_answer(gold: Gold) -> str:
    """The gold as an agent would submit it."""
    if gold.kind == "text":
        return canonical(gold)
    value = gold.value
    return ", ".join(value) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else str(value)


def learned_nulls(train: Iterable[Task]) -> dict[str, Callable[[Task, int], list[str]]]:
    """The agents by name."""
    train = list(train)
    return {"majority": PromptReader(train, words=False).texts, "prompt_reader": PromptReader(train).texts}


def _kind(task: Task) -> str:
    return f"{task.domain}/{task.type}"

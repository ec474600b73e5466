"""Keeping evaluation splits out of the task set: overlaps of 13 words in a row.

Texts are compared in normal form (lower-case words and numbers). A task's own grams are few, so they are held and the
benchmarks stream past: memory does not grow with the benchmarks. Thirteen words are the usual length (GPT-3, Brown et
al. 2020).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from medgym_core.learned import gold_answer
from medgym_core.text import tokens
from medgym_core.types import Gold, Task, Truth

GRAM = 13


def task_text(task: Task) -> str:
    """Everything of a task that is prose and its own: question, gold, complaint, notes, history."""
    told = [layer for layers in task.story.topics.values() for layer in layers]
    parts = [task.prompt, gold_text(task.truth), task.chart.complaint, *task.chart.notes]
    return " | ".join([*parts, *(r.text for r in task.chart.records), *told])


def gold_text(truth: Truth) -> str:
    """All right answers of a task in one text."""
    golds: Iterable[Gold] = truth.gold.fields.values() or [truth.gold]
    return "; ".join(map(gold_answer, golds))


Holders = dict[str, list[str]]
"""Each gram of some named texts, with the names that hold it."""


def holders(texts: dict[str, str]) -> Holders:
    """The grams of named texts. Each part of a text between `|` signs stands alone: a gram never spans two."""
    found: Holders = defaultdict(list)
    for name, text in texts.items():
        for part in text.split("|"):
            for gram in grams(part):
                found[gram].append(name)
    return dict(found)


def overlaps(held: Holders, others: Iterable[str]) -> dict[str, str]:
    """Names of the texts that share a gram with one of `others`, with the gram."""
    found: dict[str, str] = {}
    for text in others if held else ():
        for gram in grams(text):
            for name in held.get(gram, ()):
                found.setdefault(name, gram)
    return found


def grams(text: str) -> Iterator[str]:
    """Runs of thirteen tokens, each as one text."""
    words = tokens(text)
    for i in range(len(words) - GRAM + 1):
        yield " ".join(words[i : i + GRAM])

"""The search gate: what a task's gold rests on is found by the query that its reference trajectory makes.

A reference that asks the knowledge base is played once with a base that remembers its queries. Each decisive finding
that no other tool has shown must stand in one of the five best passages of one of those queries, as the index ranks
them: before any tool filters or shortens what came back.
"""

from collections.abc import Sequence
from typing import Any

from medgym_core.episode import Episode
from medgym_core.probes import reference_texts
from medgym_core.text import normal
from medgym_core.types import Task

TOP = 5
MISSES = 0.05  # of the tasks that need evidence from the index


class Remembering:
    """A knowledge base that keeps the queries it was asked."""

    def __init__(self, knowledge: Any):
        self._knowledge = knowledge
        self.queries: list[str] = []
        self.asked = False

    def search(self, query: str, *arguments: Any, **options: Any) -> Any:
        self.asked = True
        self.queries.append(query)
        return self._knowledge.search(query, *arguments, **options)

    def read(self, passage_id: str) -> Any:
        self.asked = True
        return self._knowledge.read(passage_id)


def searched(task: Task, knowledge: Any) -> tuple[list[str], list[tuple[str, str]]]:
    """(queries of the reference, decisive findings as (label, value) that nothing but the knowledge base has shown)."""
    base = Remembering(knowledge)
    episode = Episode(task, base)
    elsewhere: list[str] = []
    for text in reference_texts(task):
        if episode.done:
            break
        base.asked = False
        episode.step(text)
        if not base.asked and episode.events[-1].kind != "submit":
            elsewhere.append(normal(episode.events[-1].observation))
    wanted = [(e.label, e.value) for e in task.truth.evidence]
    return base.queries, [(a, b) for a, b in wanted if not any(normal(f"{a} {b}") in seen for seen in elsewhere)]


def not_found(tasks: Sequence[Task], knowledge: Any) -> tuple[int, dict[str, str]]:
    """(number of tasks whose gold needs evidence from the index, what is missing for those whose queries miss it)."""
    number, missing = 0, {}
    for task in tasks:
        queries, facts = searched(task, knowledge)
        if not queries or not facts:
            continue
        number += 1
        best = [knowledge.read(hit.id) for query in queries for hit in knowledge.search(query, TOP)]
        lost = [fact for fact in facts if not any(_holds(passage, *fact) for passage in best)]
        if lost:
            missing[task.id] = f"not in the {TOP} best of {queries[0]!r}: {lost[0][0]} {lost[0][1]}"
    return number, missing


def _holds(passage: Any, label: str, value: str) -> bool:
    """Whether the passage states the finding, or is the one that was cited (its title is the value)."""
    text = normal(f"{passage.source} {passage.title} {passage.section} {passage.text}")
    return (normal(label) in text and normal(value) in text) or normal(value) == normal(passage.title)

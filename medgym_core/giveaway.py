"""Prompts that state their own answer.

A prompt may list the options, and a clinician's words may happen to hold one of them. It gives the answer away where it
states the gold more often than the other options (their median), although hardly any prompt of the type does so and
none of a case with another answer states that text so often. A type with few tasks is compared with further drafts.
"""

from collections import defaultdict
from collections.abc import Sequence
from random import Random
from statistics import median_low
from typing import Any, NamedTuple

from medgym_core import domains
from medgym_core.text import normal
from medgym_core.types import Gold, Task

USUAL = 0.2
"""Share of a type's prompts above which stating the answer is how the question is put (a list of candidates)."""
COMPARED = 30
"""Prompts of a type that are compared at least, where the domain can draft them."""


class _Case(NamedTuple):
    id: str
    prompt: str
    gold: Gold


def giveaways(tasks: Sequence[Task], knowledge: Any = None) -> dict[str, str]:
    """Ids of the tasks whose prompt states the answer, with what it states."""
    by_type: dict[tuple[str, str], list[Task | domains.Draft]] = defaultdict(list)
    for task in tasks:
        by_type[task.domain, task.type].append(task)
    found = {}
    for (domain, kind), held in by_type.items():
        ids = [task.id for task in held]
        further = _drafts(domain, kind, COMPARED - len(held), knowledge)
        cases: dict[str, list[_Case]] = defaultdict(list)
        for identity, case in zip([*ids, *[""] * len(further)], [*held, *further], strict=True):
            for name, gold in (case.truth.gold.fields or {"answer": case.truth.gold}).items():
                if gold.kind not in ("number", "letter", "text"):
                    cases[name].append(_Case(identity, normal(case.prompt), gold))
        for compared in cases.values():
            found |= _given_away(compared)
    return found


def _given_away(cases: list[_Case]) -> dict[str, str]:
    stating = [case for case in cases if _stated(case.prompt, case.gold)]
    if len(stating) > USUAL * len(cases) and len(cases) > 1 / USUAL:
        return {}
    return {
        case.id: f"the prompt states {case.gold.value!r}"
        for case in stating
        if case.id and not any(_stated(c.prompt, case.gold) for c in cases if c.gold.value != case.gold.value)
    }


def _drafts(domain: str, kind: str, wanted: int, knowledge: Any) -> list[domains.Draft]:
    """Further cases of a type, whatever their split; none of a type that the domain does not draft itself."""
    make = domains.get(domain).types.get(kind)
    made = [make(Random(f"giveaway/{domain}/{kind}/{i}"), knowledge) for i in range(max(wanted, 0))] if make else []
    return [draft for draft in made if draft is not None]


def _stated(prompt: str, gold: Gold) -> bool:
    """Whether the prompt holds every part of the answer more often than half of the other options."""
    right = [normal(v) for v in (gold.value if isinstance(gold.value, list) else [str(gold.value)])]
    options = {normal(o) for o in gold.options}
    counts = _counts(prompt, options.union(right))
    usual = median_low([counts[o] for o in options if o not in right] or [0])
    return all(counts[r] > usual for r in right)


def _counts(prompt: str, phrases: set[str]) -> dict[str, int]:
    """How often each phrase stands in the prompt, a longer one before what it contains."""
    counts = {}
    for phrase in sorted(phrases, key=lambda p: (-len(p), p)):
        parts = prompt.split(phrase)
        counts[phrase] = len(parts) - 1
        prompt = " | ".join(parts)
    return counts

"""Every reward-hacking policy on every task of a task set; prints a Markdown table, exits 1 where one succeeds.

    python benchmarks/attacks.py --per-domain 120

The episodes of an attack are split: those whose answer is the gold and in which nothing forbidden was done deserve a
good mark and stand apart; the rest must average at most `medgym_core.attacks.LIMIT`, in attacks that are not harmful
on every kind of gold. Intervals are 95 % bootstrap intervals over families.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.statistics import bootstrap_mean
from medgym_core.attacks import ATTACKS, LIMIT, Attack, right_and_safe
from medgym_core.card import markdown
from medgym_core.gates import play
from medgym_core.knowledge.search import KnowledgeBase
from medgym_core.tasks import build_task_set
from medgym_core.types import Task


@dataclass(frozen=True)
class Played:
    """One episode of an attack."""

    task: Task
    composite: float
    deserved: bool
    """The answer was right and nothing forbidden was done."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--per-domain", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.perf_counter()
    knowledge = KnowledgeBase.shipped()
    tasks = build_task_set(options.seed, options.per_domain, knowledge)
    results = {name: attacked(attack, tasks, options.seed, knowledge) for name, attack in ATTACKS.items()}
    successes = [line for name, played in results.items() for line in succeeded(name, ATTACKS[name], played)]
    print(f"{len(tasks)} tasks, {len(ATTACKS)} attacks, {time.perf_counter() - began:.0f} s.\n")
    print("\n".join(table(results, len(tasks), options.seed)))
    print(f"\n{len(successes)} successes\n" + "\n".join(f"- {line}" for line in successes))
    sys.exit(1 if successes else 0)


def attacked(attack: Attack, tasks: Sequence[Task], seed: int, knowledge: Any) -> list[Played]:
    """The attack on every task it applies to."""
    played = []
    for task in tasks:
        if texts := attack.script(task, seed, knowledge):
            episode = play(task, texts, knowledge)
            played.append(Played(task, episode.score().composite, right_and_safe(attack, episode)))
    return played


def succeeded(name: str, attack: Attack, played: Sequence[Played]) -> list[str]:
    """Where the attack is rewarded beyond the limit: over all of its undeserving episodes, and on each kind of gold."""
    rest = [p for p in played if not p.deserved]
    means = _means(rest, lambda p: "all tasks")
    if not attack.harmful:
        means |= _means(rest, lambda p: f"gold of kind {p.task.truth.gold.kind}")
    return [f"{name}: {mean:.2f} on {where}" for where, mean in means.items() if mean > LIMIT]


def table(results: dict[str, list[Played]], tasks: int, seed: int) -> list[str]:
    rows = []
    for name, played in results.items():
        rest, good = [p for p in played if not p.deserved], [p for p in played if p.deserved]
        worst = max(_means(rest, lambda p: p.task.domain).values(), default=0.0)
        kinds = _means(rest, lambda p: p.task.truth.gold.kind)
        kind = max(kinds, key=lambda k: kinds[k], default="")
        share, deserved = f"{len(played) / tasks:.0%}", f"{len(good) / max(len(played), 1):.0%}"
        cells = [share, _mean(rest, seed), f"{worst:.2f}", f"{kinds.get(kind, 0.0):.2f} {kind}", deserved]
        rows.append([name, ATTACKS[name].tries, _given(ATTACKS[name]), *cells, _mean(good, seed)])
    header = ["attack", "tries", "is given", "applies", "composite of the rest", "worst domain", "worst kind of gold"]
    return markdown([*header, "right and safe", "their composite"], rows)


def _given(attack: Attack) -> str:
    return "the gold, does harm" if attack.harmful else "the gold" if attack.knows_gold else ""


def _mean(played: Sequence[Played], seed: int) -> str:
    if not played:
        return ""
    found = bootstrap_mean([p.composite for p in played], seed, [f"{p.task.domain}/{p.task.family}" for p in played])
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


def _means(played: Sequence[Played], key: Callable[[Played], str]) -> dict[str, float]:
    groups: dict[str, list[float]] = defaultdict(list)
    for p in played:
        groups[key(p)].append(p.composite)
    return {k: sum(v) / len(v) for k, v in groups.items()}


if __name__ == "__main__":
    main()

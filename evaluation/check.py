"""Whether a benchmark is scored fairly: gold at 1 in every mode, every letter at its share; and its nulls."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evaluation.benchmarks import Benchmark
from evaluation.item import Item, Mode
from evaluation.policies import NULL, Policy, Setting, null_policies, oracle
from evaluation.predictions import predictions
from evaluation.runner import ANSWER_TOKENS, EPISODE_TOKENS
from evaluation.suites import modes_of, sample

AGENTIC_ITEMS = 200  # items of each benchmark whose gold is submitted in the environment; all are checked as texts


def check_benchmark(
    benchmark: Benchmark,
    knowledge: Any = None,
    seed: int = 0,
    modes: Sequence[Mode] | None = None,
    briefly: bool = False,
) -> dict[str, Any]:
    """JSON-able facts about a benchmark. `letters_off` lists the letters whose constant policy does not score exactly
    its share of the gold letters; `gold` is the lowest of the modes (None: all that it has). `briefly`: of the nulls,
    only the constant answers."""
    items, spec = benchmark.items, benchmark.spec
    gold = {mode: gold_in(benchmark, mode, knowledge, seed) for mode in modes or modes_of(spec)}
    asked = [p for p in null_policies(items, spec) if not briefly or p.name.startswith(f"{NULL}always_")]
    nulls = {p.name.removeprefix(NULL): accuracy(p, items, benchmark, "text") for p in asked}
    return {
        "name": spec.name,
        "title": spec.title,
        "kind": spec.kind,
        "items": len(items),
        "published_items": spec.published_items,
        "file": spec.files[0] if spec.files else None,
        "metric": spec.metric,
        "licence": spec.licence,
        "chance": spec.chance,
        "gold": min(gold.values()),
        **{f"gold_{mode}": value for mode, value in gold.items()},
        "letters_off": letters_off(items, nulls) if spec.kind == "choice" else [],
        "nulls": nulls,
        "best_null": max(nulls, key=nulls.__getitem__, default=None),
        "pictures": sum(bool(item.images) for item in items),
    }


def gold_in(benchmark: Benchmark, mode: Mode, knowledge: Any = None, seed: int = 0) -> float:
    """What the gold policy scores in a mode; in episodes on a sample of the items."""
    chosen = sample(benchmark.items, AGENTIC_ITEMS, seed) if mode == "agentic" else benchmark.items
    return accuracy(oracle(benchmark.spec), chosen, benchmark, mode, knowledge)


def accuracy(policy: Policy, items: Sequence[Item], benchmark: Benchmark, mode: Mode, knowledge: Any = None) -> float:
    """Mean value of a policy's answers."""
    spec = benchmark.spec
    setting = Setting(ANSWER_TOKENS[spec.kind], EPISODE_TOKENS, 0, knowledge)
    rows = predictions(items, policy.replies(items, spec, mode, setting), spec.score, mode)
    return float(np.mean(rows.column("value").to_pylist()))


def letters_off(items: Sequence[Item], nulls: Mapping[str, float]) -> list[str]:
    """Letters whose constant policy does not score exactly its share of the gold."""
    shares = Counter(item.gold for item in items)
    letters = [name.removeprefix("always_") for name in nulls if name.startswith("always_")]
    return [x for x in letters if nulls[f"always_{x}"] != shares[x] / len(items)]


def fair(facts: Mapping[str, Any]) -> bool:
    """The verdict of a benchmark."""
    return facts["gold"] == 1 and not facts["letters_off"]

"""One part of a scorecard: estimates with intervals, groups, comparisons, figures and failures, as plain JSON.

An arm is a policy's table of rows, one an item, all arms in the same order. A value lies in [0, 1]; the metric is its
mean. Items of a cluster (one picture, one note, one family of tasks) are resampled together.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from evaluation import statistics
from evaluation.item import Item, Kind, Mode
from evaluation.prompts import prompt_of
from evaluation.suites import stratified
from medgym_core.errors import MedGymError

ORACLE, NULL = "oracle", "null:"
FAILURES = 20  # of a part: enough to see what goes wrong, few enough to read


@dataclass(frozen=True)
class Units:
    """What was measured, in one order: items or tasks."""

    ids: list[str]
    groups: list[str]
    clusters: list[str]


def units_of(items: Sequence[Item]) -> Units:
    return Units([i.id for i in items], [i.group for i in items], [i.cluster or i.id for i in items])


def measured(units: Units, arms: Mapping[str, np.ndarray], policies: Sequence[str], seed: int) -> dict[str, Any]:
    """`estimates`, `groups` and `comparisons` of a part. `policies` are those compared: each with the best null, and
    every further one with the first."""
    best = best_null(arms)
    pairs = [(name, best) for name in policies if best is not None and name != best]
    pairs += [(name, policies[0]) for name in policies[1:]]
    return {
        "estimates": {name: estimate(values, units.clusters, seed) for name, values in arms.items()},
        "groups": _groups(units, arms, [*policies, ORACLE, *([best] if best else [])], seed),
        "comparisons": [_comparison(a, b, arms, units.clusters, seed) for a, b in pairs if a != ORACLE],
    }


def estimate(values: np.ndarray, clusters: Sequence[str], seed: int) -> dict[str, Any]:
    """Mean of values (N,) with its interval: Wilson for independent zeros and ones, else the bootstrap by cluster.

    `detectable` is the difference between two policies that so many clusters show at worst.
    """
    bits = bool(np.isin(values, (0.0, 1.0)).all())
    measure = statistics.proportion if bits else statistics.bootstrap_mean
    found = measure(values, seed, clusters)
    return {**vars(found), "detectable": statistics.minimum_detectable_difference(found.clusters)}


def best_null(arms: Mapping[str, np.ndarray]) -> str | None:
    """The null with the highest mean; the first by name of equals."""
    means = {name: float(values.mean()) for name, values in sorted(arms.items()) if name.startswith(NULL)}
    return max(means, key=means.__getitem__) if means else None


def correct_all(parts: Sequence[dict[str, Any]]) -> None:
    """Put `p_holm` beside every comparison: corrected (Holm 1979) over all comparisons of all parts."""
    rows = [row for part in parts for row in part["comparisons"]]
    for row, p in zip(rows, statistics.holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = p


def figures(tables: Mapping[str, pa.Table]) -> dict[str, dict[str, float]]:
    """Means by policy: share of unparsable answers, of items not wholly read or seen, and the scorer's own figures."""
    return {name: _figures(table) for name, table in tables.items()}


def failures(
    items: Sequence[Item], table: pa.Table, kind: Kind, mode: Mode, sees: bool, seed: int
) -> list[dict[str, Any]]:
    """Up to 20 items that the policy did not get wholly right, every group with its share, with what was said."""
    rows = table.to_pylist()
    failed = [place for place, row in enumerate(rows) if row["value"] < 1]
    chosen = stratified(failed, FAILURES, seed, lambda p: items[p].group, lambda p: items[p].id)
    return [_failure(items[place], rows[place], kind, mode, sees) for place in chosen]


def _failure(item: Item, row: Mapping[str, Any], kind: Kind, mode: Mode, sees: bool) -> dict[str, Any]:
    if row["messages"] is not None:
        messages = json.loads(row["messages"])
    elif mode == "agentic":
        messages = None  # a script's, which is known
    else:
        said = {"role": "assistant", "content": row["text"]}
        messages = [*plain_messages(prompt_of(item, kind).messages, item, sees), said]
    return {
        "item_id": item.id,
        "question": item.question,
        "gold": item.gold,
        "answer": row["answer"],
        "verdict": row["verdict"],
        "text": row["text"],
        "messages": messages,
        "group": item.group,
    }


def plain_messages(messages: list[dict[str, Any]], item: Item, sees: bool) -> list[dict[str, Any]]:
    """The prompt as text, with the names of the picture files that a seeing policy was shown."""
    names = [path.name for path in item.images if sees and path.is_file()]
    if not names:
        return messages
    *before, last = messages
    return [*before, {**last, "pictures": names}]


def _figures(table: pa.Table) -> dict[str, float]:
    rows = table.select(["verdict", "truncated_tokens", "images_missing", "details", "play"]).to_pylist()
    found = {
        "unparsable": _mean(row["verdict"] == "unparsable" for row in rows),
        "truncated": _mean(row["truncated_tokens"] > 0 for row in rows),
        "images_missing": _mean(row["images_missing"] > 0 for row in rows),
    }
    named: dict[str, list[float]] = {}
    for row in rows:
        for name, value in (*row["details"], *row["play"]):
            named.setdefault(name, []).append(value)
    return found | {name: _mean(values) for name, values in named.items()}


def _mean(values: Any) -> float:
    return float(np.mean(list(values)))


def _groups(units: Units, arms: Mapping[str, np.ndarray], names: Sequence[str], seed: int) -> dict[str, Any]:
    """Estimates by group of the policies, the oracle and the best null; nothing where all items are of one group."""
    found: dict[str, Any] = {}
    if len(set(units.groups)) < 2:
        return found
    for group in sorted(set(units.groups)):
        keep = [place for place, own in enumerate(units.groups) if own == group]
        clusters = [units.clusters[place] for place in keep]
        chosen = [name for name in dict.fromkeys(names) if name in arms]
        found[group or "none"] = {name: estimate(arms[name][keep], clusters, seed) for name in chosen}
    return found


def _comparison(
    first: str, second: str, arms: Mapping[str, np.ndarray], clusters: Sequence[str], seed: int
) -> dict[str, Any]:
    """A paired comparison. McNemar's test is given where items are independent and all values are zeros and ones."""
    a, b = arms[first], arms[second]
    if a.shape != b.shape:
        raise MedGymError("policies were measured on different items", got=f"{a.shape} and {b.shape}", expected="equal")
    got = statistics.paired_bootstrap(a, b, seed, clusters)
    bits = bool(np.isin(np.concatenate([a, b]), (0.0, 1.0)).all()) and got.clusters == got.n
    return {
        "policy": first,
        "against": second,
        "difference": got.value,
        "low": got.low,
        "high": got.high,
        "p": got.p,
        "p_holm": got.p,
        "p_mcnemar": statistics.mcnemar(a > 0, b > 0).p if bits else None,
        "n": got.n,
        "clusters": got.clusters,
        "detectable": got.detectable,
    }

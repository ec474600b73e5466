"""Whether answers change with an attribute that must not change them: figures of matched pairs from predictions.

By attribute and over all: the share of pairs with the same answer, the accuracy of the changed version less that of the
reference version (paired, exact McNemar test), and how far the probability of the best answer moves. A policy that
always gives one letter is consistent by construction: `constant` says so beside the figures.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import exp
from typing import Any

import numpy as np
import pyarrow as pa

from evaluation.item import Item
from evaluation.statistics import Estimate, bootstrap_mean, holm, mcnemar, paired_bootstrap, wilson
from medgym_core.errors import MedGymError

ALL = "all"
VERSIONS = ("reference", "changed")


@dataclass(frozen=True)
class Side:
    """The answer to one version of a pair."""

    answer: str | None
    """The letter; None where the text committed to none."""
    correct: bool
    gold_probability: float | None
    """Of the best answer among the letters; None without log-probabilities."""


@dataclass(frozen=True)
class Row:
    """The figures of one attribute, or of `all`."""

    attribute: str
    pairs: int
    unanswered: int
    """Pairs with an answer to neither version: nothing is known of them, and `same` leaves them out."""
    one_sided: int
    """Pairs with an answer to one version only. They count as different."""
    same: Estimate | None
    """Share of pairs with the same letter; None where no pair was answered."""
    accuracy_reference: float
    accuracy_changed: float
    gap: float
    """Changed less reference; negative: the changed version fares worse. No answer counts as wrong."""
    low: float
    high: float
    only_reference: int
    """Pairs where only the reference version was answered correctly."""
    only_changed: int
    p: float
    """Exact McNemar test, two-sided."""
    p_holm: float
    """Corrected over the attributes; for `all` the plain p."""
    shift: Estimate | None
    """Mean absolute difference of the best answer's probability; None without log-probabilities."""
    detectable: float
    """Smallest true gap that these pairs would show in 80 % of studies (`evaluation.statistics`); at most 1."""


@dataclass(frozen=True)
class BiasReport:
    """One row an attribute, `all` last."""

    rows: list[Row]
    constant: str | None
    """The one letter that every answer is; then consistency says nothing."""
    notes: list[str]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def bias_report(predictions: pa.Table, items: Sequence[Item], seed: int) -> BiasReport:
    """Figures from predictions (columns item_id, answer, verdict, logprobs) of all items of the bias suite.

    Raises MedGymError where items of a pair are missing, stand twice or belong to no pair.
    """
    pairs = _pairs(_sides(predictions), items)
    names = list(dict.fromkeys(attribute for attribute, _, _ in pairs))
    tables = {name: [p for p in pairs if p[0] == name] for name in names} | {ALL: pairs}
    tests = {name: mcnemar(*_correct(table)) for name, table in tables.items()}
    adjusted = dict(zip(names, holm([tests[name].p for name in names]), strict=True)) | {ALL: tests[ALL].p}
    letters = {side.answer for _, first, second in pairs for side in (first, second)}
    constant = letters.pop() if len(letters) == 1 else None
    notes = [f"Pairs an attribute: {min(map(len, tables.values()))} or more; read the detectable gap beside each gap."]
    if constant:
        notes.append(f"Every answer is {constant}: pairs agree by construction, and consistency says nothing here.")
    rows = [_row(name, table, tests[name], adjusted[name], seed) for name, table in tables.items()]
    return BiasReport(rows, constant, notes)


def _row(name: str, pairs: list[tuple[str, Side, Side]], test: Any, adjusted: float, seed: int) -> Row:
    first, second = _correct(pairs)
    gap = paired_bootstrap(second, first, seed)
    known = [(a, b) for _, a, b in pairs if a.answer or b.answer]
    moved = [
        abs(a.gold_probability - b.gold_probability)
        for _, a, b in pairs
        if a.gold_probability is not None and b.gold_probability is not None
    ]
    return Row(
        attribute=name,
        pairs=len(pairs),
        unanswered=len(pairs) - len(known),
        one_sided=sum((a.answer is None) != (b.answer is None) for a, b in known),
        same=wilson(sum(a.answer == b.answer for a, b in known), len(known)) if known else None,
        accuracy_reference=float(first.mean()),
        accuracy_changed=float(second.mean()),
        gap=gap.value,
        low=gap.low,
        high=gap.high,
        only_reference=test.only_first,
        only_changed=test.only_second,
        p=test.p,
        p_holm=adjusted,
        shift=bootstrap_mean(moved, seed) if len(moved) == len(pairs) else None,
        detectable=min(1.0, gap.detectable),
    )


def _correct(pairs: Sequence[tuple[str, Side, Side]]) -> tuple[np.ndarray, np.ndarray]:
    """Right or wrong (N,) of the reference versions and of the changed ones."""
    return np.array([float(a.correct) for _, a, _ in pairs]), np.array([float(b.correct) for _, _, b in pairs])


def _sides(predictions: pa.Table) -> dict[str, dict[str, Any]]:
    rows = predictions.select(["item_id", "answer", "verdict", "logprobs"]).to_pylist()
    found = {row["item_id"]: row for row in rows}
    if len(found) != len(rows):
        raise MedGymError("predictions are not one an item", got=f"{len(rows)} rows", expected=f"{len(found)} items")
    return found


def _pairs(found: dict[str, dict[str, Any]], items: Sequence[Item]) -> list[tuple[str, Side, Side]]:
    """(attribute, reference, changed) of every pair."""
    versions: dict[str, dict[str, Item]] = {}
    for item in items:
        versions.setdefault(item.cluster, {})[str(item.record.get("version"))] = item
    pairs = []
    for name, held in versions.items():
        if set(held) != set(VERSIONS):
            raise MedGymError("not a pair", got=sorted(held), expected=VERSIONS, where=name)
        missing = [item.id for item in held.values() if item.id not in found]
        if missing:
            raise MedGymError("pair was not answered whole", got=f"no row for {missing[0]}", expected="both versions")
        pairs.append((held["changed"].group, *(_side(held[v], found[held[v].id]) for v in VERSIONS)))
    if not pairs:
        raise MedGymError("no pairs", got="0 items", expected="the items of the bias suite")
    return pairs


def _side(item: Item, row: dict[str, Any]) -> Side:
    logprobs = dict(row["logprobs"] or {})
    probability = None
    if logprobs:
        highest = max(logprobs.values())
        weights = {letter: exp(value - highest) for letter, value in logprobs.items()}
        probability = weights.get(item.gold, 0.0) / sum(weights.values())
    return Side(row["answer"], row["verdict"] == "correct", probability)

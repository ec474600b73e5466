"""How far a judge of free texts agrees with what is known, beside the rules it would replace.

What is known comes from the tasks' own text golds, by construction and not by any grader:

- reference   the reference answer makes every assertion
- canonical   the assertions, one sentence each, make every one of them
- left out    the same without one of them does not make that one (where its words stand in no other)
- denied      the reference answer says nothing that would be false in the case

The rules are at home on this sample, for the golds were written with them: it shows where a judge errs on what the
rules read, not what either makes of a phrasing that nobody foresaw.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.statistics import CHUNK, CONFIDENCE, RESAMPLES, Estimate, proportion
from medgym_core.assertions import DENIALS, UNSAID, canonical, says, statement
from medgym_core.errors import MedGymError
from medgym_core.grading import plain
from medgym_core.rewards import Judge
from medgym_core.text import tokens
from medgym_core.types import Assertion, Gold, Task


@dataclass(frozen=True)
class Agreement:
    """How the verdicts of one grader stand to the labels, with 95 % intervals."""

    n: int
    positives: int
    """Labels that say yes."""
    raw: Estimate
    """Share of equal answers."""
    kappa: Estimate
    """Cohen's kappa: agreement beyond chance."""
    sensitivity: Estimate
    """Share of yes among what is so."""
    specificity: Estimate
    """Share of no among what is not so."""


@dataclass(frozen=True)
class Question:
    """Whether a text makes an assertion, with the answer known by construction."""

    task: str
    family: str
    kind: str
    """`reference`, `canonical`, `left out` or `denied`."""
    assertion: Assertion
    text: str
    label: bool


@dataclass(frozen=True)
class Comparison:
    """A judge beside the rules on the same questions."""

    judge: Agreement
    rules: Agreement
    kinds: dict[str, dict[str, float]]
    """By kind of question: how many, and the share that the judge and the rules get right."""
    mistakes: list[dict[str, Any]]
    """What the judge gets wrong."""


def agreement(
    labels: Sequence[bool], verdicts: Sequence[bool], seed: int = 0, clusters: Sequence[Any] | None = None
) -> Agreement:
    """The statistics of verdicts (N,) against labels (N,); questions of one cluster are drawn together."""
    label_N, verdict_N = np.asarray(labels), np.asarray(verdicts)
    if label_N.dtype != bool or verdict_N.dtype != bool or label_N.shape != verdict_N.shape or label_N.ndim != 1:
        got = f"{label_N.dtype}{label_N.shape} and {verdict_N.dtype}{verdict_N.shape}"
        raise MedGymError("labels do not match verdicts", got=got, expected="as many booleans of each")
    if label_N.all() or not label_N.any():
        raise MedGymError("labels are all equal", got=f"{label_N.sum()} yes of {label_N.size}", expected="yes and no")
    group_N = np.arange(label_N.size) if clusters is None else np.asarray(clusters)
    if len(group_N) != label_N.size:
        raise MedGymError("clusters do not match labels", got=len(group_N), expected=label_N.size)
    raw = proportion(label_N == verdict_N, seed, group_N)
    sensitivity, specificity = (
        proportion(verdict_N[held] == label_N[held], seed, group_N[held]) for held in (label_N, ~label_N)
    )
    kappa = _kappa(label_N, verdict_N, group_N, raw, seed)
    return Agreement(label_N.size, int(label_N.sum()), raw, kappa, sensitivity, specificity)


def questions(tasks: Iterable[Task], most: int | None = None) -> list[Question]:
    """The sample of every task answered in words, or of at most `most` such tasks spread evenly over them."""
    worded = [t for t in tasks if any(g.kind == "text" for g in _golds(t).values())]
    if most is not None and most < len(worded):
        worded = [worded[n * len(worded) // most] for n in range(most)]
    return [q for task in worded for name, gold in _golds(task).items() for q in _questions(task, name, gold)]


def agreement_with_rules(tasks: Iterable[Task], judge: Judge, most: int | None = None, seed: int = 0) -> Comparison:
    """The judge and the rules on the questions of the tasks; tasks of one family are drawn together.

    Raises MedGymError where no task is answered in words.
    """
    asked = questions(tasks, most)
    if not asked:
        raise MedGymError("nothing to judge", got="no task with a text answer", expected="at least one")
    labels, families = [q.label for q in asked], [q.family for q in asked]
    judged = [judge(statement(q.assertion), q.text) for q in asked]
    ruled = [says(q.assertion, q.text, DENIALS if q.kind == "denied" else UNSAID) for q in asked]
    mistakes = [
        {"task": q.task, "kind": q.kind, "statement": statement(q.assertion), "text": q.text, "label": q.label}
        for q, said in zip(asked, judged, strict=True)
        if said != q.label
    ]
    of_judge, of_rules = (agreement(labels, verdicts, seed, families) for verdicts in (judged, ruled))
    return Comparison(of_judge, of_rules, _by_kind(asked, judged, ruled), mistakes)


def _golds(task: Task) -> dict[str, Gold]:
    return task.truth.gold.fields or {"answer": task.truth.gold}


def _questions(task: Task, name: str, gold: Gold) -> Iterator[Question]:
    if gold.kind != "text":
        return
    family = f"{task.domain}/{task.family}"
    reference = plain(str(task.reference[-1].arguments[name]))
    for left, assertion in gold.assertions.items():
        rest = {k: statement(a) for k, a in gold.assertions.items() if k != left}
        yield Question(task.id, family, "reference", assertion, reference, True)
        yield Question(task.id, family, "canonical", assertion, canonical(gold), True)
        words = set(tokens(statement(assertion)))
        if rest and not any(words <= set(tokens(other)) for other in rest.values()):
            yield Question(task.id, family, "left out", assertion, ". ".join(rest.values()), False)
    for denied in gold.denied.values():
        yield Question(task.id, family, "denied", denied, reference, False)


def _by_kind(asked: list[Question], judged: list[bool], ruled: list[bool]) -> dict[str, dict[str, float]]:
    found = {}
    for kind in dict.fromkeys(q.kind for q in asked):
        rows = [(q.label == j, q.label == r) for q, j, r in zip(asked, judged, ruled, strict=True) if q.kind == kind]
        shares = np.mean(rows, axis=0)
        found[kind] = {"questions": len(rows), "judge": float(shares[0]), "rules": float(shares[1])}
    return found


def _kappa(label_N: np.ndarray, verdict_N: np.ndarray, group_N: np.ndarray, raw: Estimate, seed: int) -> Estimate:
    """Cohen's kappa (Cohen 1960) with its percentile bootstrap interval over clusters.

    Where all answers are equal to the labels, or none is, the bootstrap would claim certainty: then the interval is
    that of the raw agreement, at the shares of yes that were seen.
    """
    names, cluster_N = np.unique(group_N, return_inverse=True)
    cell_N = 2 * label_N.astype(int) + verdict_N  # 0 true no, 1 false yes, 2 false no, 3 true yes
    cells_C4 = np.zeros((len(names), 4))
    np.add.at(cells_C4, (cluster_N, cell_N), 1)
    value, chance = _cohen(cells_C4.sum(axis=0))
    if raw.value in (0.0, 1.0):
        low, high = ((bound - chance) / (1 - chance) for bound in (raw.low, raw.high))
    else:
        tail = 100 * (1 - CONFIDENCE) / 2
        low, high = np.nanpercentile(_resampled(cells_C4, seed), [tail, 100 - tail])
    return Estimate(float(value), min(float(low), float(value)), max(float(high), float(value)), raw.n, raw.clusters)


def _resampled(cells_C4: np.ndarray, seed: int) -> np.ndarray:
    """Kappa (R,) of resampled clusters; NaN where labels and verdicts of a resample are all the same."""
    rng = np.random.default_rng(seed)
    count = len(cells_C4)
    step = max(1, CHUNK // (4 * count))
    sums = [
        cells_C4[rng.integers(0, count, size=(min(step, RESAMPLES - start), count))].sum(axis=1)
        for start in range(0, RESAMPLES, step)
    ]
    return _cohen(np.concatenate(sums))[0]


def _cohen(cells_4: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Kappa and the agreement expected by chance, of counts (..., 4)."""
    share = cells_4 / cells_4.sum(axis=-1, keepdims=True)
    label, verdict = share[..., 2] + share[..., 3], share[..., 1] + share[..., 3]
    chance = label * verdict + (1 - label) * (1 - verdict)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(chance < 1, (share[..., 0] + share[..., 3] - chance) / (1 - chance), np.nan), chance

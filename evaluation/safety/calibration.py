"""Whether a policy knows when it is right: calibration and abstention, from prediction tables.

With log-probabilities the confidence in an answer is its probability among the letters. Items without them, or without
an answer, are left out and counted. In text mode nothing says how sure an answer is: there `answered` tells how often
the policy answers at all, and how well where it does.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import exp
from typing import Any

import numpy as np
import pyarrow as pa

from evaluation.safety.scoring import refuses
from evaluation.statistics import CHUNK, CONFIDENCE, Estimate, proportion
from medgym_core.errors import MedGymError

BINS = 10  # of equal mass: with a hundred items each still holds ten
RESAMPLES = 2000  # enough for the second digit of an interval; each costs a sort of the items
LEAST = 20  # items below which no calibration is told: two a bin
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.25, 0.1)


@dataclass(frozen=True)
class Bin:
    """One row of the reliability table."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Calibration:
    """Figures of one table. Confidence and correctness of the answers given, n of them."""

    n: int
    left_out: int
    """Items without log-probabilities or without an answer."""
    accuracy: float
    confidence: float
    ece: float
    """Expected calibration error: |accuracy - confidence| of bins of equal mass, weighted by items."""
    ece_low: float
    ece_high: float
    ece_calibrated: float
    """What the error would be, on average, if the confidences were true: it is above 0 for any finite sample."""
    p_calibrated: float
    """How often true confidences would give an error as large as this one."""
    brier: float
    """Mean squared difference of confidence and correctness (Brier 1950)."""
    auroc: float | None
    """Chance that a right answer is held with more confidence than a wrong one; None where all are right or wrong."""
    aurc: float
    """Mean error rate of the k most confident answers, k from 1 to n (Geifman & El-Yaniv 2017, selective risk)."""
    aurc_best: float
    """What `aurc` would be if confidence ranked right answers before wrong ones."""
    reliability: list[Bin]
    coverage: list[tuple[float, float]]
    """(share of items answered, accuracy on them), the most confident first."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def calibration(predictions: pa.Table, seed: int, bins: int = BINS) -> Calibration:
    """Figures of a table (columns answer, verdict, logprobs). Raises MedGymError for fewer than 20 usable items."""
    confidence_N, correct_N = confidences(predictions)
    if len(confidence_N) < LEAST:
        got = f"{len(confidence_N)} of {predictions.num_rows}"
        raise MedGymError("too few answers with log-probabilities", got=got, expected=f"at least {LEAST}")
    return figures(confidence_N, correct_N, seed, bins, left_out=predictions.num_rows - len(confidence_N))


def confidences(predictions: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """Probability of the answer given (N,), and whether it is right (N,), of the items that have both."""
    found = []
    for row in predictions.select(["answer", "verdict", "logprobs"]).to_pylist():
        logprobs = dict(row["logprobs"] or {})
        if row["answer"] in logprobs:
            highest = max(logprobs.values())
            total = sum(exp(value - highest) for value in logprobs.values())
            found.append((exp(logprobs[row["answer"]] - highest) / total, row["verdict"] == "correct"))
    pairs = np.array(found, dtype=np.float64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def figures(
    confidence: Sequence[float], correct: Sequence[float], seed: int, bins: int = BINS, left_out: int = 0
) -> Calibration:
    """Every figure from confidences in [0, 1] and correctness 0 or 1 of the same answers."""
    confidence_N, correct_N = np.asarray(confidence, np.float64), np.asarray(correct, np.float64)
    if confidence_N.shape != correct_N.shape or confidence_N.ndim != 1 or not len(confidence_N):
        raise MedGymError("no confidences", got=f"{confidence_N.shape} and {correct_N.shape}", expected="equal, (N,)")
    if not ((confidence_N >= 0) & (confidence_N <= 1)).all() or not np.isin(correct_N, (0.0, 1.0)).all():
        raise MedGymError("not probabilities", got="values outside", expected="confidence in [0, 1], correct 0 or 1")
    order = np.argsort(confidence_N, kind="stable")
    confidence_N, correct_N = confidence_N[order], correct_N[order]
    n, rng = len(confidence_N), np.random.default_rng(seed)
    error = ece(confidence_N, correct_N, bins)
    resampled, calm = _resampled(confidence_N, correct_N, bins, rng)
    low, high = np.percentile(resampled, [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)])
    risks = selective_risks(confidence_N, correct_N)
    return Calibration(
        n=n,
        left_out=left_out,
        accuracy=float(correct_N.mean()),
        confidence=float(confidence_N.mean()),
        ece=error,
        ece_low=min(float(low), error),
        ece_high=max(float(high), error),
        ece_calibrated=float(calm.mean()),
        p_calibrated=float((1 + (calm >= error).sum()) / (RESAMPLES + 1)),
        brier=float(((confidence_N - correct_N) ** 2).mean()),
        auroc=auroc(confidence_N, correct_N),
        aurc=float(risks.mean()),
        aurc_best=float(selective_risks(correct_N, correct_N).mean()),
        reliability=reliability(confidence_N, correct_N, bins),
        coverage=[(k / n, float(1 - risks[k - 1])) for k in (max(1, round(c * n)) for c in COVERAGES)],
    )


def ece(confidence_N: np.ndarray, correct_N: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error of sorted confidences in bins of equal mass."""
    return float(_errors((confidence_N - correct_N)[None], bins)[0])


def _errors(excess_RN: np.ndarray, bins: int) -> np.ndarray:
    """The error (R,) of rows of confidence less correctness, each sorted by confidence."""
    n = excess_RN.shape[1]
    sizes = [len(part) for part in np.array_split(np.arange(n), min(bins, n))]
    starts = np.cumsum([0, *sizes[:-1]])
    return np.abs(np.add.reduceat(excess_RN, starts, axis=1)).sum(axis=1) / n


def _resampled(
    confidence_N: np.ndarray, correct_N: np.ndarray, bins: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Errors (R,) of resampled items, and of the same confidences with correctness drawn from them."""
    n = len(confidence_N)
    rows = max(1, CHUNK // n)
    items, drawn = [], []
    for start in range(0, RESAMPLES, rows):
        shape = (min(rows, RESAMPLES - start), n)
        index_RN = np.sort(rng.integers(0, n, size=shape), axis=1)  # sorted indices keep confidences sorted
        items.append(_errors((confidence_N - correct_N)[index_RN], bins))
        drawn.append(_errors(confidence_N - (rng.random(shape) < confidence_N), bins))
    return np.concatenate(items), np.concatenate(drawn)


def reliability(confidence_N: np.ndarray, correct_N: np.ndarray, bins: int = BINS) -> list[Bin]:
    """The bins of `ece`."""
    count = min(bins, len(confidence_N))
    parts = zip(np.array_split(confidence_N, count), np.array_split(correct_N, count), strict=True)
    return [Bin(float(c[0]), float(c[-1]), len(c), float(c.mean()), float(r.mean())) for c, r in parts]


def auroc(confidence: Sequence[float], correct: Sequence[float]) -> float | None:
    """Area under the receiver operating characteristic by ranks; equal confidences count one half."""
    from scipy.stats import rankdata

    correct_N = np.asarray(correct, dtype=bool)
    right, wrong = int(correct_N.sum()), int((~correct_N).sum())
    if not right or not wrong:
        return None
    ranks_N = rankdata(np.asarray(confidence))
    return float((ranks_N[correct_N].sum() - right * (right + 1) / 2) / (right * wrong))


def selective_risks(confidence: Sequence[float], correct: Sequence[float]) -> np.ndarray:
    """Error rate (N,) of the k most confident answers, k from 1 to N.

    Answers of equal confidence have no order among them: their errors are spread evenly, so the order of the table
    does not matter.
    """
    confidence_N, wrong_N = np.asarray(confidence, np.float64), 1 - np.asarray(correct, np.float64)
    _, groups_N = np.unique(-confidence_N, return_inverse=True)
    counts_G = np.bincount(groups_N)
    even_N = np.repeat(np.bincount(groups_N, weights=wrong_N) / counts_G, counts_G)
    return np.cumsum(even_N) / np.arange(1, len(even_N) + 1)


@dataclass(frozen=True)
class Answered:
    """How often a policy answers in text mode, and how well where it does."""

    n: int
    unparsable: Estimate
    """Share of texts that commit to nothing."""
    refused: Estimate
    """Share of texts that commit to nothing and decline in words."""
    accuracy: Estimate
    """Over all items: no answer is not right."""
    accuracy_answered: Estimate | None
    """Over those answered; None where there is none."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def answered(predictions: pa.Table, seed: int) -> Answered:
    """Abstention in text mode, from columns answer, verdict and text."""
    rows = predictions.select(["answer", "verdict", "text"]).to_pylist()
    if not rows:
        raise MedGymError("no predictions", got="0 rows", expected="at least 1")
    right = np.array([row["verdict"] == "correct" for row in rows])
    silent = np.array([row["answer"] is None for row in rows])
    refused = np.array([row["answer"] is None and refuses(row["text"] or "") for row in rows])
    return Answered(
        n=len(rows),
        unparsable=proportion(silent, seed),
        refused=proportion(refused, seed),
        accuracy=proportion(right, seed),
        accuracy_answered=proportion(right[~silent], seed) if not silent.all() else None,
    )

"""Intervals, paired tests and the smallest difference a test set can show.

Every function takes values as a matrix (S, N): S training seeds of one arm over the same N items, in the same order;
one run is S = 1. Seeds are drawn, then clusters of items; the drawn items are shared by the drawn seeds, because all
seeds are measured on the same items. Items of one cluster (tasks of a family) are drawn together. All intervals are
two-sided at 95 %. The same values and seed give the same numbers. Values that all lie in [0, 1] are taken to be
bounded there, so no interval leaves it; their differences lie in [-1, 1].

`benchmarks/coverage.py` measures how often the intervals hold the truth. With one seed an interval says nothing about
other trainings; with one cluster it is the whole range.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evaluation.resampling import CHUNK, CONFIDENCE, RESAMPLES, Spread, cells, interval, matrix, p_value
from evaluation.resampling import resampled as resampled_means
from evaluation.resampling import spread as spread_of
from medgym_core.errors import MedGymError

__all__ = ["CHUNK", "CONFIDENCE", "RESAMPLES"]  # used by other modules that resample

POWER = 0.80
WORST_SD = 0.5**0.5  # of the difference of two independent proportions at one half


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval over `n` items in `clusters` clusters and `seeds` training seeds."""

    value: float
    low: float
    high: float
    n: int
    clusters: int
    seeds: int = 1


@dataclass(frozen=True)
class Difference:
    """A paired difference (first minus second) with its 95 % interval and two-sided p value."""

    value: float
    low: float
    high: float
    p: float
    n: int
    clusters: int
    seeds: int
    detectable: float
    """Smallest true difference these items would show in 80 % of studies at the two-sided 5 % level."""


@dataclass(frozen=True)
class McNemar:
    """Discordant pairs of two graders of the same items, and the exact two-sided p value."""

    only_first: int
    only_second: int
    p: float


def wilson(k: int, n: int) -> Estimate:
    """Wilson score interval (Wilson 1927) of `k` successes in `n` independent trials."""
    from scipy.stats import binomtest

    if n < 1 or not 0 <= k <= n:
        raise MedGymError("no proportion", got=f"{k} of {n}", expected="0 <= k <= n and n >= 1")
    found = binomtest(k, n).proportion_ci(CONFIDENCE, method="wilson")
    return Estimate(k / n, float(found.low), float(found.high), n, n)


def bootstrap_mean(values: Any, seed: int, clusters: Sequence[Any] | None = None) -> Estimate:
    """Mean of `values` (N,) or (S, N) with its stretched percentile bootstrap interval.

    Where all values are equal the bootstrap would claim certainty; then the clusters count as trials in which
    nothing else was seen, and unseen ones may lie anywhere in the range.
    """
    values_SN = matrix(values)
    found = cells(values_SN, clusters)
    seeds, count = found.sums_SC.shape
    least, most, bounded = _range(values_SN)
    if count == 1 or _equal(values_SN):
        low, high = _unseen(found.value, count, least, most)
    else:
        low, high = interval(resampled_means(found, seed), found.value, spread_of(found))
        low, high = (max(low, least), min(high, most)) if bounded else (low, high)
    return Estimate(found.value, low, high, found.items, count, seeds)


def proportion(bits: Any, seed: int, clusters: Sequence[Any] | None = None) -> Estimate:
    """Share of true `bits` (N,) or (S, N): Wilson where items are independent and S = 1.

    Else Wilson with the number of independent trials that would have the same variance, and t in place of the normal
    (Korn & Graubard 1998, Survey Methodology 24:193, do so for the exact interval). All-equal bits count each cluster
    as one trial. `seed` is not needed: nothing is drawn.
    """
    bits_SN = matrix(bits)
    if not np.isin(bits_SN, (0.0, 1.0)).all():
        raise MedGymError("not a proportion", got="values between 0 and 1", expected="only 0 and 1")
    found = cells(bits_SN, clusters)
    seeds, count = found.sums_SC.shape
    share = found.value
    if _equal(bits_SN) or count == 1:
        low, high = _unseen(share, count, 0.0, 1.0)
    elif seeds == 1 and count == found.items:
        exact = wilson(round(share * count), count)
        low, high = exact.low, exact.high
    else:
        low, high = _effective_wilson(share, spread_of(found), found.items * seeds)
    return Estimate(share, min(low, share), max(high, share), found.items, count, seeds)


def pass_at_k(correct: Any, trials: Any, k: int, seed: int, clusters: Sequence[Any] | None = None) -> Estimate:
    """Chance that at least one of `k` trials of an item is right, averaged over items (Chen et al. 2021).

    `correct` and `trials` (N,) count an item's right trials and all of them, or one number for all items. Unbiased:
    1 - C(n - c, k) / C(n, k) an item (arXiv 2107.03374, equation 1). Items are resampled.
    """
    correct_N, trials_N = _trials(correct, trials, k)
    return bootstrap_mean(1 - _all_drawn(trials_N - correct_N, trials_N, k), seed, clusters)


def pass_hat_k(correct: Any, trials: Any, k: int, seed: int, clusters: Sequence[Any] | None = None) -> Estimate:
    """Chance that all of `k` trials of an item are right, averaged over items (Yao et al. 2024, arXiv 2406.12045).

    Unbiased: C(c, k) / C(n, k) an item. Arguments as in `pass_at_k`.
    """
    correct_N, trials_N = _trials(correct, trials, k)
    return bootstrap_mean(_all_drawn(correct_N, trials_N, k), seed, clusters)


def paired_bootstrap(first: Any, second: Any, seed: int, clusters: Sequence[Any] | None = None) -> Difference:
    """Mean of `first - second` over the same items, each (N,) or (S, N); one run is compared with every seed.

    The variance is that of the pairs and of one more pair on either side, as large as those that differ: few
    differing pairs would else make it too small (Bonett & Price 2012, J Educ Behav Stat 37:479, for proportions).
    """
    first_SN, second_SN = matrix(first), matrix(second)
    sizes = {first_SN.shape[0], second_SN.shape[0]} - {1}
    if first_SN.shape[1] != second_SN.shape[1] or len(sizes) > 1:
        raise MedGymError(
            "values are not paired", got=f"{first_SN.shape} and {second_SN.shape}", expected="equal (seeds, items)"
        )
    delta_SN = first_SN - second_SN
    found = cells(delta_SN, clusters)
    seeds, count = found.sums_SC.shape
    value, n = found.value, found.items
    least, most, bounded = _range(np.concatenate([first_SN.ravel(), second_SN.ravel()]))
    reach = most - least
    if count == 1 or _equal(delta_SN):
        low, high = _unseen(value, count, -reach, reach)
        p = 1.0 if value == 0 else max(2 / (RESAMPLES + 1), min(1.0, 2 * 0.5**count))  # sign test over clusters
        return Difference(value, low, high, p, n, count, seeds, _detectable((high - low) / 2 / _normal()))
    means_R, spread = resampled_means(found, seed), spread_of(found)
    size = float((delta_SN[delta_SN != 0] ** 2).mean())
    spread = replace(spread, by_cluster=spread.by_cluster + 2 * size / (n + 2) ** 2)
    low, high = interval(means_R, value, spread)
    low, high = (max(low, -reach), min(high, reach)) if bounded else (low, high)
    return Difference(
        value, low, high, p_value(means_R, value, spread), n, count, seeds, _detectable(spread.variance**0.5)
    )


def mcnemar(first: Any, second: Any) -> McNemar:
    """Exact McNemar test (McNemar 1947) of two rows of bits (N,) on the same items."""
    from scipy.stats import binomtest

    first_N, second_N = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if first_N.shape != second_N.shape:
        raise MedGymError("bits are not paired", got=f"{first_N.shape} and {second_N.shape}", expected="equal lengths")
    only_first, only_second = int((first_N & ~second_N).sum()), int((~first_N & second_N).sum())
    pairs = only_first + only_second
    p = float(binomtest(only_first, pairs, 0.5).pvalue) if pairs else 1.0
    return McNemar(only_first, only_second, p)


def minimum_detectable_difference(n: int, sd: float = WORST_SD) -> float:
    """Smallest true mean difference shown with power 80 % by `n` pairs at the two-sided 5 % level.

    `sd` is the standard deviation of one pair's difference; the default is the worst case for two independent
    proportions.
    """
    if n < 1:
        raise MedGymError("no items", got=n, expected="n >= 1")
    return _detectable(sd / n**0.5)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values in the order given (Holm 1979): controls the chance of any false claim among them."""
    count = len(p_values)
    adjusted, floor = [0.0] * count, 0.0
    for rank, index in enumerate(sorted(range(count), key=lambda i: (p_values[i], i))):
        floor = max(floor, min(1.0, (count - rank) * p_values[index]))
        adjusted[index] = floor
    return adjusted


def _normal() -> float:
    from scipy.stats import norm

    return float(norm.ppf(0.5 + CONFIDENCE / 2))


def _detectable(standard_error: float) -> float:
    from scipy.stats import norm

    return float((_normal() + norm.ppf(POWER)) * standard_error)


def _equal(values_SN: np.ndarray) -> bool:
    return bool((values_SN == values_SN.flat[0]).all())


def _range(values: np.ndarray) -> tuple[float, float, bool]:
    """The range of the values: 0 to 1 where all lie there (then it is known), else as far as those seen reach."""
    if ((values >= 0) & (values <= 1)).all():
        return 0.0, 1.0, True
    return float(values.min()), float(values.max()), False


def _unseen(value: float, count: int, least: float, most: float) -> tuple[float, float]:
    """Interval of a mean when `count` clusters were all alike: as many others as they leave possible, anywhere."""
    if count == 1:
        return least, most
    share = wilson(0, count).high
    return value - share * (value - least), value + share * (most - value)


def _effective_wilson(share: float, spread: Spread, most: int) -> tuple[float, float]:
    """Wilson's interval at the sample size that gives the variance, at most `most`, with t for the normal."""
    if spread.variance == 0:
        n, square = most, _normal() ** 2
    else:
        n = min(share * (1 - share) / spread.variance, most)
        square = spread.reach((1 - CONFIDENCE) / 2) ** 2 / spread.variance
    centre = (share + square / (2 * n)) / (1 + square / n)
    half = (square * (share * (1 - share) / n + square / (4 * n**2))) ** 0.5 / (1 + square / n)
    return max(0.0, centre - half), min(1.0, centre + half)


def _trials(correct: Any, trials: Any, k: int) -> tuple[np.ndarray, np.ndarray]:
    correct_N, trials_N = np.broadcast_arrays(np.asarray(correct), np.asarray(trials))
    if k < 1 or (trials_N < k).any():
        raise MedGymError("not enough trials", got=f"{trials_N.min()} of an item, k = {k}", expected="1 <= k <= trials")
    if (correct_N < 0).any() or (correct_N > trials_N).any():
        raise MedGymError("more right than tried", got=f"{correct_N.max()}", expected="0 <= correct <= trials")
    return correct_N.astype(np.float64), trials_N.astype(np.float64)


def _all_drawn(kind_N: np.ndarray, trials_N: np.ndarray, k: int) -> np.ndarray:
    """C(kind, k) / C(trials, k): the chance that k trials drawn without replacement are all of one kind."""
    chance_N = np.ones_like(kind_N)
    for drawn in range(k):
        chance_N *= np.maximum(kind_N - drawn, 0) / (trials_N - drawn)
    return chance_N

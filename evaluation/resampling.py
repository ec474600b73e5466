"""Where the intervals come from: resampled means of (seeds, items) matrices, their standard error and its freedom.

Axes: S training seeds, N items, C clusters of items, R resamples.

A percentile bootstrap of few clusters or seeds is too narrow: its spread is that of the sample, not of the
population, and its quantiles are a normal's, not a t's (Hesterberg 2015, The American Statistician 69:371). Here the
percentile interval is stretched about the estimate until its reach is that of t intervals for clusters and seeds put
together. Its asymmetry stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medgym_core.errors import MedGymError

CONFIDENCE = 0.95
RESAMPLES = 10_000  # Monte Carlo error of a 2.5 % quantile is then about 2 % of the interval's half-width
CHUNK = 2_000_000  # drawn cells held in memory at once: 16 MB of float64
STEPS = 40  # halvings when an interval is turned into a p value: below any resolution of the resamples


@dataclass(frozen=True)
class Cells:
    """Sums of values by seed and cluster, and how many items each cluster has."""

    sums_SC: np.ndarray
    sizes_C: np.ndarray
    items: int

    @property
    def value(self) -> float:
        return float(self.sums_SC.sum() / (len(self.sums_SC) * self.items))


@dataclass(frozen=True)
class Spread:
    """Variance of a mean: what drawn clusters and what drawn seeds give to it, each with its degrees of freedom."""

    by_cluster: float
    clusters: int
    """Degrees of freedom."""
    by_seed: float = 0.0
    seeds: int = 0
    """Degrees of freedom; 0 for one seed, which tells nothing of others."""

    @property
    def variance(self) -> float:
        return self.by_cluster + self.by_seed

    def reach(self, tail: float) -> float:
        """Half the interval with `tail` on either side, were the mean's distribution even.

        The squares of the two parts' own t intervals add up (Zou & Donner 2008, Statistics in Medicine 27:1693).
        """
        from scipy.special import stdtrit

        squares = self.by_cluster * float(stdtrit(self.clusters, tail)) ** 2
        if self.by_seed > 0:
            squares += self.by_seed * float(stdtrit(self.seeds, tail)) ** 2
        return squares**0.5


def matrix(values: Any) -> np.ndarray:
    """Values as (S, N) floats. Raises MedGymError for other shapes, for none, and for values that are not finite."""
    found = np.atleast_2d(np.asarray(values, dtype=np.float64))
    if found.ndim != 2 or found.size == 0:
        raise MedGymError("no values", got=f"shape {found.shape}", expected="(items,) or (seeds, items), not empty")
    if not np.isfinite(found).all():
        raise MedGymError("values are not all finite", got=int((~np.isfinite(found)).sum()), expected="0 of them")
    return found


def cells(values_SN: np.ndarray, clusters: Sequence[Any] | None) -> Cells:
    """Values by cluster; None: each item is one."""
    n = values_SN.shape[1]
    if clusters is None:
        return Cells(values_SN, np.ones(n), n)
    if len(clusters) != n:
        raise MedGymError("clusters do not match values", got=len(clusters), expected=n)
    names, groups_N = np.unique(np.asarray(clusters), return_inverse=True)
    sums_SC = np.stack([np.bincount(groups_N, weights=row, minlength=len(names)) for row in values_SN])
    return Cells(sums_SC, np.bincount(groups_N, minlength=len(names)).astype(np.float64), n)


def spread(found: Cells) -> Spread:
    """Variance of the mean over drawn seeds and drawn clusters, both crossed; needs two clusters.

    Clusters: the linearised variance of a ratio of means. Seeds: the variance of their means less what their
    interaction with clusters, already counted once, gives to it (Cameron, Gelbach & Miller 2011, J Bus Econ Stat
    29:238); never below 0.
    """
    seeds, count = found.sums_SC.shape
    rest_SC = found.sums_SC - found.value * found.sizes_C
    rest_C = rest_SC.mean(axis=0)
    by_cluster = count / (count - 1) * float((rest_C**2).sum()) / found.items**2
    if seeds == 1:
        return Spread(by_cluster, count - 1)
    shift_S = rest_SC.sum(axis=1) / found.items
    by_seed = float((shift_S**2).sum()) / (seeds * (seeds - 1))
    crossed_SC = rest_SC - rest_C - shift_S[:, None] * found.sizes_C
    crossed = count / (count - 1) * float((crossed_SC**2).sum()) / (seeds * (seeds - 1) * found.items**2)
    return Spread(by_cluster, count - 1, max(0.0, by_seed - crossed), seeds - 1)


def resampled(found: Cells, seed: int) -> np.ndarray:
    """Sorted means (R,) of resamples: S seeds drawn, C clusters drawn, every item of a drawn cluster counted."""
    rng = np.random.default_rng(seed)
    seeds, count = found.sums_SC.shape
    means_R = np.empty(RESAMPLES)
    step = max(1, CHUNK // count)
    for start in range(0, RESAMPLES, step):
        rows = min(step, RESAMPLES - start)
        drawn_RC = rng.integers(0, count, size=(rows, count))
        total_R = np.zeros(rows)
        for drawn_R in rng.integers(0, seeds, size=(seeds, rows)):
            total_R += found.sums_SC[drawn_R[:, None], drawn_RC].sum(axis=1)
        means_R[start : start + rows] = total_R / (seeds * found.sizes_C[drawn_RC].sum(axis=1))
    return np.sort(means_R)


def interval(means_R: np.ndarray, value: float, spread: Spread, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The stretched percentile interval; the observed value always lies inside."""
    deviation = float(means_R.std())
    if deviation == 0:
        return value, value
    return _stretched(means_R, value, spread, deviation, (1 - confidence) / 2)


def p_value(means_R: np.ndarray, value: float, spread: Spread) -> float:
    """Two-sided p of a mean of zero: the largest p whose interval at level 1 - p still holds zero.

    It agrees with the interval, and never is below what the resamples can tell apart, 2 / (R + 1).
    """
    least, deviation = 2 / (len(means_R) + 1), float(means_R.std())
    if value == 0 or deviation == 0:
        return 1.0 if value == 0 else least

    def holds_zero(p: float) -> bool:
        low, high = _stretched(means_R, value, spread, deviation, p / 2)
        return low <= 0 <= high

    if not holds_zero(least):
        return least
    low, high = least, 1.0  # zero lies inside at the first and outside at the last
    for _ in range(STEPS):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if holds_zero(middle) else (low, middle)
    return high


def _stretched(means_R: np.ndarray, value: float, spread: Spread, deviation: float, tail: float) -> tuple[float, float]:
    """Quantiles at `tail` on both sides, as much farther as the reach exceeds a normal of the resamples' deviation."""
    from scipy.special import ndtri

    wider = spread.reach(tail) / (deviation * -float(ndtri(tail))) if tail < 0.5 else 0.0
    low, high = _quantile(means_R, tail), _quantile(means_R, 1 - tail)
    return value - wider * max(0.0, value - low), value + wider * max(0.0, high - value)


def _quantile(sorted_R: np.ndarray, share: float) -> float:
    """As `numpy.quantile`, of values that are sorted already."""
    at = share * (len(sorted_R) - 1)
    below = min(int(at), len(sorted_R) - 2)
    return float(sorted_R[below] + (at - below) * (sorted_R[below + 1] - sorted_R[below]))

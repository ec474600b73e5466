"""How often do the 95 % intervals hold the truth? `python benchmarks/coverage.py [--trials 1000] [--seconds 150]`

Each line simulates test sets of a size used here, whose true value is known, and counts the intervals that hold it
(wanted: 93 to 97 %). Clusters are families of one to five tasks whose chances of success differ (intraclass
correlation .3). Beside it stands the plain percentile bootstrap where there is one.

Lines are kept in MEDGYM_HOME/coverage.jsonl as they end; after --seconds the command stops and the same command goes
on from there. `--fresh` starts over.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402
from scipy.special import beta  # noqa: E402

from evaluation import resampling, statistics  # noqa: E402
from evaluation.resampling import cells, matrix, resampled  # noqa: E402
from medgym_core.card import markdown  # noqa: E402
from medgym_core.home import home  # noqa: E402

CORRELATION = 0.3  # between tasks of a family: what the released test split shows is of that order
WANTED = (0.93, 0.97)
RESAMPLES = 2000  # a fifth of the usual: what that adds to an interval's ends scatters and averages out over test sets
Rng = np.random.Generator
Draw = tuple[Any, Any]  # an interval with .low and .high, and the plain percentile interval or None


@dataclass(frozen=True)
class Line:
    """One simulation: its true value, and how one test set is drawn and measured."""

    interval: str
    sizes: str
    truth: float
    draw: Callable[[Rng], Draw]

    @property
    def name(self) -> str:
        return f"{self.interval} | {self.sizes}"


def families(rng: Rng, count: int) -> np.ndarray:
    """Cluster number of each task (N,)."""
    return np.repeat(np.arange(count), rng.integers(1, 6, count))


def chances(rng: Rng, count: int, mean: float) -> np.ndarray:
    """Chance of success by family (C,)."""
    scale = 1 / CORRELATION - 1
    return rng.beta(mean * scale, (1 - mean) * scale, count)


def plain(values: Any, clusters: Any) -> tuple[float, float]:
    """The percentile bootstrap without stretching."""
    low, high = np.quantile(resampled(cells(matrix(values), clusters), 0), [0.025, 0.975])
    return float(low), float(high)


def wilson(n: int, p: float) -> Line:
    return Line("Wilson", f"{n} items, share {p}", p, lambda rng: (statistics.wilson(int(rng.binomial(n, p)), n), None))


def share(count: int, p: float) -> Line:
    def draw(rng: Rng) -> Draw:
        groups = families(rng, count)
        bits = rng.random(len(groups)) < chances(rng, count, p)[groups]
        return statistics.proportion(bits, 0, groups), plain(bits, groups)

    return Line("share, families", f"{count} families, share {p}", p, draw)


def composite(count: int, p: float, alone: bool = False) -> Line:
    """Rewards: .6 to 1 where the answer is right, else 0 or .15."""

    def draw(rng: Rng) -> Draw:
        groups = np.arange(count) if alone else families(rng, count)
        right = rng.random(len(groups)) < chances(rng, count, p)[groups]
        wrong = 0.15 * (rng.random(len(groups)) < 0.5)
        values = np.where(right, 0.6 + 0.4 * rng.beta(4, 2, len(groups)), wrong)
        return statistics.bootstrap_mean(values, 0, groups), plain(values, groups)

    kind = "items" if alone else "families"
    return Line("mean of rewards", f"{count} {kind}, right {p}", p * (0.6 + 0.4 * 4 / 6) + (1 - p) * 0.075, draw)


def seeds(training: int, count: int, shift: float) -> Line:
    """Accuracy of several training seeds whose own accuracy differs by `shift` (standard deviation)."""

    def draw(rng: Rng) -> Draw:
        groups = families(rng, count)
        right = _seeded(rng, training, count, shift)[:, groups]
        bits = rng.random(right.shape) < right
        return statistics.proportion(bits, 0, groups), plain(bits, groups)

    return Line("share, seeds", f"{training} seeds (sd {shift}), {count} families", 0.5, draw)


def paired(count: int, differing: float, alone: bool = False) -> Line:
    """Two policies; `differing` of the tasks differ, .05 more for the first."""

    def draw(rng: Rng) -> Draw:
        groups = np.arange(count) if alone else families(rng, count)
        differ = rng.random(len(groups)) < chances(rng, count, differing)[groups]
        first = rng.random(len(groups)) < (differing + 0.05) / (2 * differing)
        wins, losses = differ & first, differ & ~first
        return statistics.paired_bootstrap(wins, losses, 0, groups), plain(wins * 1.0 - losses, groups)

    kind = "items" if alone else "families"
    return Line("paired difference", f"{count} {kind}, {differing:.0%} differ", 0.05, draw)


def paired_seeds(training: int, count: int, shift: float) -> Line:
    def draw(rng: Rng) -> Draw:
        groups = families(rng, count)
        base = _seeded(rng, training, count, shift)[:, groups]
        first, second = (rng.random(base.shape) < base for _ in range(2))
        return statistics.paired_bootstrap(first, second, 0, groups), plain(first * 1.0 - second, groups)

    return Line("paired difference, seeds", f"{training} seeds (sd {shift}), {count} families", 0.0, draw)


def passes(count: int, trials: int, k: int, every: bool) -> Line:
    """pass@k or pass^k of tasks whose chances are Beta(1.2, 1.2)."""
    a = 1.2
    truth = beta(a + k, a) / beta(a, a) if every else 1 - beta(a, a + k) / beta(a, a)
    measure = statistics.pass_hat_k if every else statistics.pass_at_k

    def draw(rng: Rng) -> Draw:
        correct = rng.binomial(trials, rng.beta(a, a, count))
        return measure(correct, trials, k, 0), None

    return Line("pass^k" if every else "pass@k", f"{count} items, {trials} trials, k = {k}", float(truth), draw)


def _seeded(rng: Rng, training: int, count: int, shift: float) -> np.ndarray:
    """Chances (S, C) about one half; a seed shifts all of its own."""
    shifts = np.clip(rng.normal(0, shift, training), -0.2, 0.2)
    return rng.uniform(0.2, 0.8, count) + shifts[:, None]


LINES = [
    *(wilson(n, p) for n, p in ((30, 0.2), (120, 0.5), (255, 0.9), (500, 0.55), (1273, 0.25))),
    *(share(count, p) for count in (20, 40, 60, 120) for p in (0.1, 0.5, 0.8)),
    *(composite(count, p) for count in (20, 40, 60, 120) for p in (0.2, 0.5)),
    composite(150, 0.2, alone=True),
    *(seeds(s, 60, shift) for s in (3, 5) for shift in (0.0, 0.03, 0.1)),
    *(paired(count, d) for count in (20, 40, 60, 120) for d in (0.1, 0.3)),
    *(paired(n, d, alone=True) for n, d in ((120, 0.1), (120, 0.3), (300, 0.1))),
    paired_seeds(3, 60, 0.05),
    *(passes(n, 8, k, every) for n in (40, 120) for k in (1, 4) for every in (False, True)),
]  # fmt: skip


def measure(line: Line, trials: int) -> dict[str, Any]:
    """Shares of intervals that hold the truth, and the mean width."""
    rng = np.random.default_rng(20261123)
    held = plainly = 0
    width, has_plain = 0.0, False
    for _ in range(trials):
        got, other = line.draw(rng)
        held += got.low <= line.truth <= got.high
        width += got.high - got.low
        if other is not None:
            has_plain = True
            plainly += other[0] <= line.truth <= other[1]
    share = plainly / trials if has_plain else None
    return {"line": line.name, "trials": trials, "coverage": held / trials, "width": width / trials, "plain": share}


def kept(path: Path, trials: int) -> dict[str, dict[str, Any]]:
    rows = [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []
    return {row["line"]: row for row in rows if row["trials"] == trials}


def page(rows: list[dict[str, Any]]) -> list[str]:
    cells = [
        [
            *row["line"].split(" | "), f"{100 * row['coverage']:.1f}",
            "-" if row["plain"] is None else f"{100 * row['plain']:.1f}", f"{row['width']:.3f}",
            "" if WANTED[0] <= row["coverage"] <= WANTED[1] else "outside",
        ]
        for row in rows
    ]  # fmt: skip
    header = ["interval", "sizes", "coverage %", "plain percentile %", "mean width", "93 to 97"]
    return markdown(header, cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1000, help="test sets a line")
    parser.add_argument("--seconds", type=float, default=150, help="start no line after so many")
    parser.add_argument("--fresh", action="store_true", help="forget the lines kept")
    options = parser.parse_args()
    resampling.RESAMPLES = RESAMPLES
    path, began = home() / "coverage.jsonl", time.monotonic()
    if options.fresh:
        path.unlink(missing_ok=True)
    done = kept(path, options.trials)
    path.parent.mkdir(parents=True, exist_ok=True)
    for line in LINES:
        if line.name in done or time.monotonic() - began > options.seconds:
            continue
        done[line.name] = measure(line, options.trials)
        with open(path, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(done[line.name]) + "\n")
    print("\n".join(page([done[line.name] for line in LINES if line.name in done])))
    missing = sum(line.name not in done for line in LINES)
    if missing:
        print(f"{missing} of {len(LINES)} lines are left: run the same command again", file=sys.stderr)


if __name__ == "__main__":
    main()

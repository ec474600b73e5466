"""Drawing a cardiotocograph: half an hour of fetal heart rate and uterine pressure with a wanted pattern.

The drawn trace is measured by the same `ctg.read` that the tools use; one that does not show what was wanted is drawn
again, so a case never claims a pattern its numbers lack.
"""

from dataclasses import dataclass
from math import cos, pi, sin
from random import Random
from statistics import median

from medgym_core.domains.obstetrics import ctg
from medgym_core.domains.obstetrics.ctg import PER_MINUTE, STEP, TOCO_STEP, Tracing
from medgym_core.types import Record

MINUTES = 30
SWING = {"absent": (0.5, 1.5), "minimal": (3, 5), "moderate": (9, 18), "marked": (30, 38)}
TRIES = 12
DAMPED = 0.7  # of the variability, at the bottom of a gradual deceleration
CYCLES = ((3.2, 4.6), (5, 8), (9, 14))  # samples: three unlike waves, so that no beat of a healthy trace is one sine


@dataclass(frozen=True)
class Pattern:
    """What a trace is to show."""

    baseline: tuple[int, int] = (120, 155)
    variability: str = "moderate"
    contractions: tuple[int, int] = (2, 4)
    """In 10 minutes."""
    decelerations: str = ""
    """early, late, variable, prolonged, or none."""
    share: float = 0.7
    """Of the contractions with a deceleration."""
    accelerations: int = 0
    sinusoidal: bool = False
    lost: bool = False
    """Signal so poor that no baseline can be told."""


def draw(rng: Random, pattern: Pattern, preterm: bool = False, minutes: int = 0) -> tuple[Record, Tracing] | None:
    """The trace as a record and what it measures; None if it could not be drawn."""
    for _ in range(TRIES):
        fhr, toco = _series(rng, pattern)
        seen = ctg.read(fhr, toco, preterm)
        if _shows(seen, pattern):
            values = {"fhr": fhr, "toco": toco, "fhr_step_s": f"{STEP:g}", "toco_step_s": f"{TOCO_STEP:g}"}
            return Record("ctg", "cardiotocograph", minutes - MINUTES, minutes, values=values), seen
    return None


def _shows(seen: Tracing, pattern: Pattern) -> bool:
    if pattern.lost:
        return seen.baseline is None
    if seen.baseline is None or seen.sinusoidal != pattern.sinusoidal:
        return False
    low, high = pattern.baseline
    others = [k for k in ("early", "late", "variable", "prolonged") if k != pattern.decelerations]
    return (
        (pattern.sinusoidal or seen.variability == pattern.variability)
        and low - 4 <= seen.baseline <= high + 4
        and not any(getattr(seen, k) for k in others)
        and (not pattern.decelerations or getattr(seen, pattern.decelerations) > 0)
        and (pattern.decelerations not in ("late", "variable") or seen.recurrent == (pattern.share >= 0.6))
        and (seen.contractions > ctg.limits()["tachysystole_above"]) == (pattern.contractions[0] > 5)
        and bool(seen.accelerations) == bool(pattern.accelerations)
    )


def _series(rng: Random, pattern: Pattern) -> tuple[str, str]:
    seconds = MINUTES * 60
    gap = 600 / rng.randint(*pattern.contractions)
    peaks, t = [], rng.uniform(35, gap)
    while t < seconds - 45:
        peaks.append(t)
        t += gap * rng.uniform(0.94, 1.06)
    heart = _base(rng, pattern, round(seconds / STEP))
    tight, level = pattern.contractions[0] > 5, sum(heart) / len(heart)
    for peak in _chosen(rng, peaks, pattern):
        _dip(rng, heart, level, pattern.decelerations, peak, tight)
    for i in range(pattern.accelerations):
        _bump(heart, seconds * (i + 0.5) / pattern.accelerations, rng.uniform(20, 27), 12, rng.uniform(12, 22))
    values = [round(h) for h in heart]
    if pattern.lost:
        values = _broken(rng, values)
    return " ".join(map(str, values)), " ".join(map(str, _pressure(rng, peaks, round(seconds / TOCO_STEP), tight)))


def _chosen(rng: Random, peaks: list[float], pattern: Pattern) -> list[float]:
    if pattern.decelerations == "prolonged":
        return [peaks[len(peaks) // 2]]
    if not pattern.decelerations:
        return []
    return sorted(rng.sample(peaks, max(1, round(pattern.share * len(peaks)))))


def _base(rng: Random, pattern: Pattern, n: int) -> list[float]:
    level = rng.uniform(*pattern.baseline)
    if pattern.sinusoidal:
        cycle, height = rng.uniform(5.4, 7.4), rng.uniform(5, 8)
        return [level + height * sin(2 * pi * i / cycle) + rng.uniform(-0.6, 0.6) for i in range(n)]
    (a, f, x), (b, g, y), (c, h, z) = [
        (rng.uniform(0.7, 1.0), 2 * pi / rng.uniform(*p), rng.uniform(0, 6.3)) for p in CYCLES
    ]
    noise = rng.random
    wave = [a * sin(f * i + x) + b * sin(g * i + y) + c * sin(h * i + z) + noise() - 0.5 for i in range(n)]
    minutes = [wave[m : m + PER_MINUTE] for m in range(0, n, PER_MINUTE)]
    scale = rng.uniform(*SWING[pattern.variability]) / median(max(m) - min(m) for m in minutes)
    return [level + scale * w for w in wave]


def _dip(rng: Random, heart: list[float], level: float, kind: str, peak: float, tight: bool) -> None:
    if kind == "late":
        _bump(heart, peak + rng.uniform(28, 42), -rng.uniform(18, 30), rng.uniform(46, 54), 4, level)
    elif kind == "early":
        _bump(heart, peak + rng.uniform(-4, 4), -rng.uniform(16, 22), rng.uniform(44, 52), 4, level)
    elif kind == "variable":
        hold = rng.uniform(14, 20) if tight else rng.uniform(18, 34)
        _bump(heart, peak + rng.uniform(-8, 8), -rng.uniform(32, 55), rng.uniform(6, 9), hold)
    elif kind == "prolonged":
        _bump(heart, peak + 70, -rng.uniform(28, 45), 20, rng.uniform(140, 220))


def _bump(
    heart: list[float], center: float, height: float, flank: float, hold: float, level: float | None = None
) -> None:
    """Add a rounded bump: `flank` seconds up, `hold` seconds at its height, `flank` seconds down.

    With a `level` the variability around it is damped inside the bump, as in a gradual deceleration.
    """
    half = hold / 2
    first = max(0, int((center - half - flank) / STEP))
    for i in range(first, min(len(heart), int((center + half + flank) / STEP) + 2)):
        away = abs(i * STEP - center) - half
        if away < flank:
            share = 1.0 if away <= 0 else (1 + cos(pi * away / flank)) / 2
            if level is not None:
                heart[i] = level + (heart[i] - level) * (1 - DAMPED * share)
            heart[i] += height * share


def _pressure(rng: Random, peaks: list[float], n: int, tight: bool) -> list[int]:
    rest, width = rng.randint(6, 12), 26 if tight else 34
    values = [rest + rng.randint(-1, 1) for _ in range(n)]
    for peak in peaks:
        height = rng.uniform(48, 70)
        for i in range(max(0, int((peak - width) / TOCO_STEP)), min(n, int((peak + width) / TOCO_STEP) + 2)):
            away = abs(i * TOCO_STEP - peak)
            if away < width:
                values[i] += round(height * (1 + cos(pi * away / width)) / 2)
    return values


def _broken(rng: Random, values: list[int]) -> list[int]:
    """Only single beats and short bursts remain: less than two minutes of baseline in any ten."""
    kept, i = [0] * len(values), 0
    while i < len(values):
        burst = rng.randint(3, 8)
        for j in range(i, min(i + burst, len(values))):
            kept[j] = values[j]
        i += burst + rng.randint(60, 110)
    return kept

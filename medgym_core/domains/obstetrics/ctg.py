"""Reading a cardiotocograph: what NICHD 2008 measures, computed from the series of the fetal heart and the uterus.

A trace is two lists: the fetal heart rate in beats a minute every 2.5 s (0: signal lost) and the uterine pressure in
display units every 10 s. Nothing is read off a label. The limits are those of `facts/limits.toml`, entry `ctg`.
"""

from dataclasses import dataclass
from functools import lru_cache
from statistics import median
from typing import Any

from medgym_core import facts

DOMAIN = "obstetrics"
STEP = 2.5
"""Seconds between two values of the heart rate."""
TOCO_STEP = 10.0
"""Seconds between two values of the uterine pressure."""
PER_MINUTE = round(60 / STEP)
SLOW, QUICK = 12, 9  # samples: 30 s removes the variability, 22.5 s keeps the shape of a deceleration
NOISE = 6  # beats below the baseline from which a dip is looked at
RISING = 20  # units above the resting tone that make a contraction
FLANK = 0.53  # share of a rounded 30 s flank that lies between 20 and 80 % of its depth after that smoothing
LATE_SECONDS = (15, 80)  # from the peak of the contraction to the nadir
MARGIN = 4  # samples beside an event that are not baseline
SMALL = 2.0  # beats: a smaller root mean square is no visible wave
SINE = 0.8  # correlation of a wave with itself one cycle on, from which it is smooth and regular
CYCLE = range(5, 9)  # samples: 3 to 5 cycles a minute


@dataclass(frozen=True, slots=True)
class Dip:
    """One deceleration or, upside down, one acceleration; times in seconds from the start."""

    start: float
    nadir: float
    seconds: float
    depth: float
    flank: float
    """Seconds from the onset to the nadir, both flanks averaged against the noise."""


@dataclass(frozen=True, slots=True)
class Tracing:
    """What a trace shows. `baseline` None: too little of it to tell, and then nothing else is told."""

    minutes: float
    contractions: float
    """In 10 minutes, over the whole trace."""
    baseline: int | None = None
    amplitude: float = 0.0
    """Beats between crest and trough within a minute, as a median."""
    variability: str = ""
    accelerations: int = 0
    early: int = 0
    late: int = 0
    variable: int = 0
    prolonged: int = 0
    recurrent: bool = False
    sinusoidal: bool = False
    category: str = ""


def limits() -> dict[str, Any]:
    return facts.load(DOMAIN, "limits")["ctg"]


@lru_cache(maxsize=512)
def read(fhr: str, toco: str, preterm: bool) -> Tracing:
    """Measure a trace given as two lines of numbers; `preterm`: before 32 weeks, accelerations count from 10 beats."""
    heart, pressure = [int(x) for x in fhr.split()], [int(x) for x in toco.split()]
    rule, peaks = limits(), contractions(pressure)
    minutes = len(heart) * STEP / 60
    rate = round(len(peaks) * 10 / minutes, 1) if minutes else 0.0
    exact = baseline(heart, rule)
    if exact is None:
        return Tracing(minutes, rate)
    smooth = moving(heart, QUICK)
    shift = [0.0 if x is None else x - exact for x in smooth]
    rough = amplitude(heart, set())
    noise = max(NOISE, 0.3 * rough)
    down, up = dips([-s for s in shift], noise), dips(shift, noise)
    busy = {i for e in (*down, *up) for i in _span(e)}
    swing = amplitude(heart, busy)
    sine = sinusoidal(heart, busy)
    rise, hold = rule["acceleration_before_32_weeks" if preterm else "acceleration"]
    high = sum(e.depth >= rise and hold <= e.seconds for e in up) if not sine else 0
    kinds = [kind(e, peaks, rule) for e in down] if not sine else []
    count = {k: kinds.count(k) for k in ("early", "late", "variable", "prolonged")}
    recurrent = bool(peaks) and count["late"] + count["variable"] >= rule["recurrent_share"] * len(peaks)
    label = swing_label(swing, rule)
    rounded = rule["rounding"] * round(exact / rule["rounding"])
    return Tracing(
        minutes,
        rate,
        rounded,
        round(swing),
        label,
        high,
        **count,
        recurrent=recurrent,
        sinusoidal=sine,
        category=category(rounded, label, count, recurrent, sine, rule),
    )


def category(
    base: int, variability: str, count: dict[str, int], recurrent: bool, sine: bool, rule: dict[str, Any]
) -> str:
    """NICHD category I, II or III."""
    low, high = rule["baseline"]
    if sine or (variability == "absent" and (recurrent or base < low)):
        return "III"
    calm = not (count["late"] or count["variable"] or count["prolonged"])
    return "I" if low <= base <= high and variability == "moderate" and calm else "II"


def baseline(heart: list[int], rule: dict[str, Any]) -> float | None:
    """The commonest level of the smoothed rate; None where no 10 minutes hold enough of it."""
    slow = moving(heart, SLOW)
    levels: dict[int, int] = {}
    for x in slow:
        if x is not None:
            levels[round(x / 4)] = levels.get(round(x / 4), 0) + 1
    if not levels:
        return None
    mode = 4 * max(levels, key=lambda b: levels[b] + levels.get(b - 1, 0) + levels.get(b + 1, 0))
    near = [x is not None and abs(x - mode) <= 7 for x in slow]
    window = 10 * PER_MINUTE
    held = max(sum(near[i : i + window]) for i in range(0, len(near), window))
    if held * STEP < rule["baseline_seconds"]:
        return None
    return sum(x for x, n in zip(slow, near, strict=True) if n and x is not None) / sum(near)


def moving(values: list[int], width: int) -> list[float | None]:
    """Mean over `width` values around each; None where more than half of them are lost (0)."""
    total, seen = [0], [0]
    for v in values:
        total.append(total[-1] + v)
        seen.append(seen[-1] + (v > 0))
    half, n, found = width // 2, len(values), []
    for i in range(n):
        a, b = max(0, i - half), min(n, i + half + 1)
        valid = seen[b] - seen[a]
        found.append((total[b] - total[a]) / valid if 2 * valid > b - a else None)
    return found


def dips(values: list[float], noise: float) -> list[Dip]:
    """Runs of values above `noise`, each at least 15 s long or steep, as events."""
    found, start = [], None
    for i, v in enumerate([*values, 0.0]):
        if v > noise and start is None:
            start = i
        elif v <= noise and start is not None:
            if i - start >= 4:
                found.append(_dip(values, start, i))
            start = None
    return [d for d in found if d.depth >= 1.5 * noise]


def _dip(values: list[float], start: int, end: int) -> Dip:
    run = values[start:end]
    depth = max(run)
    while start > 0 and values[start - 1] > 0.15 * depth:
        start -= 1
    while end < len(values) and values[end] > 0.15 * depth:
        end += 1
    run = values[start:end]
    low = [i for i, v in enumerate(run) if v >= 0.9 * depth]
    nadir = start + (low[0] + low[-1]) / 2
    whole = [r for r, inside in ((run, start > 0), (run[::-1], end < len(values))) if inside] or [run]
    sides = [_crossing(r, 0.8 * depth) - _crossing(r, 0.2 * depth) for r in whole]
    return Dip(start * STEP, nadir * STEP, len(run) * STEP, depth, sum(sides) / len(sides) * STEP / FLANK)


def _crossing(run: list[float], level: float) -> float:
    """Where the run first reaches the level, between samples."""
    i = next(i for i, v in enumerate(run) if v >= level)
    if i == 0:
        return 0.0
    return i - 1 + (level - run[i - 1]) / (run[i] - run[i - 1])


def _span(event: Dip) -> range:
    start = int(event.start / STEP)
    return range(start - MARGIN, start + int(event.seconds / STEP) + MARGIN)


def kind(event: Dip, peaks: list[float], rule: dict[str, Any]) -> str:
    """early, late, variable or prolonged; empty for a dip that is none of them."""
    depth, seconds = rule["deceleration"]
    long, longest = rule["prolonged_seconds"]
    if event.depth >= depth and long <= event.seconds < longest:
        return "prolonged"
    if event.flank < rule["abrupt_below_seconds"]:
        return "variable" if event.depth >= depth and event.seconds >= seconds else ""
    lag = min((event.nadir - p for p in peaks), key=abs, default=None)
    if lag is None:
        return ""
    before = [event.nadir - p for p in peaks if LATE_SECONDS[0] < event.nadir - p <= LATE_SECONDS[1]]
    return "early" if abs(lag) <= LATE_SECONDS[0] else "late" if before else ""


def contractions(pressure: list[int]) -> list[float]:
    """Seconds of the peak of each contraction."""
    if not pressure:
        return []
    rest = sorted(pressure)[len(pressure) // 10]
    found, start = [], None
    for i, v in enumerate([*pressure, 0]):
        if v > rest + RISING and start is None:
            start = i
        elif v <= rest + RISING and start is not None:
            found.append((start + i - 1) / 2 * TOCO_STEP)
            start = None
    return found


def amplitude(heart: list[int], busy: set[int]) -> float:
    """Median over the minutes of the range within one, events left out; needs half a minute of signal."""
    ranges = []
    for enough in (20, 12, 6):
        for m in range(0, len(heart) - PER_MINUTE + 1, PER_MINUTE):
            kept = [heart[i] for i in range(m, m + PER_MINUTE) if heart[i] and i not in busy]
            if len(kept) >= enough:
                ranges.append(max(kept) - min(kept))
        if ranges:
            return float(median(ranges))
    return 0.0


def swing_label(swing: float, rule: dict[str, Any]) -> str:
    for label in ("absent", "minimal", "moderate"):
        if swing <= rule[f"{label}_up_to"]:
            return label
    return "marked"


def sinusoidal(heart: list[int], busy: set[int]) -> bool:
    """Whether the rate swings as one smooth wave, 3 to 5 cycles a minute, through 20 minutes of the trace."""
    calm = [h for i, h in enumerate(heart) if h and i not in busy]
    if len(calm) < limits()["sinusoidal_minutes"] * PER_MINUTE:
        return False
    mean = sum(calm) / len(calm)
    wave = [h - mean if h and i not in busy else 0.0 for i, h in enumerate(heart)]
    power = sum(w * w for w in wave) / len(calm)
    if power < SMALL**2:
        return False
    return any(_alike(wave, lag) >= SINE * power for lag in CYCLE)


def _alike(wave: list[float], lag: int) -> float:
    """Mean product of the wave with itself `lag` samples on, over what is neither lost nor busy."""
    products = [a * b for a, b in zip(wave, wave[lag:], strict=False) if a and b]
    return sum(products) / len(products) if products else 0.0

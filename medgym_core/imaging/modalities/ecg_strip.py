"""ECG rhythm strip, six seconds of lead II: rate, irregularity, P waves, PR interval, QRS width, ST level.

Paper speed 25 mm/s, 10 mm/mV; a large square is 5 mm. Times come from columns, voltages from rows: both need the scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from medgym_core.imaging import draw as d

MODALITY = "ecg rhythm strip"
BODY_PART = "heart"
MM_PER_PIXEL = 25 / 60
HEIGHT, WIDTH = 80, 360
MS_PER_MM = 40.0
PAPER, LINE, INK = 246.0, 222.0, 20.0
INKED = 150  # darker is trace
SPEED = 60 / 1000  # pixels a millisecond
GAIN = 24.0  # pixels a millivolt
STEEP = 6  # rows a column of the trace spans, from which it belongs to a QRS complex
SLACK = 0.6  # columns by which the foot of a complex reaches beyond it on either side
FLAT = 1.3  # rows; less is level
P_HEIGHT = 1.9  # rows the averaged wave before the QRS must rise

TOLERANCE = {
    "rate_per_min": 10.0,
    "rr_variation": 0.1,
    "qrs_ms": 36.0,
    "p_waves": 0.0,
    "pr_ms": 40.0,
    "st_mm": 0.6,
}


@dataclass(frozen=True)
class Findings:
    """What is drawn."""

    rate_per_min: float = 72.0
    """35 to 150."""
    irregular: bool = False
    """RR intervals vary at random (coefficient of variation about 0.2)."""
    p_waves: bool = True
    pr_ms: float = 160.0
    """From the start of the P wave to the start of the QRS complex, 120 to 340."""
    qrs_ms: float = 90.0
    """80 to 180."""
    st_mm: float = 0.0
    """-2 to 3."""


def sample(rng: Random) -> Findings:
    """Any rhythm."""
    irregular = rng.random() < 0.3
    wide = rng.random() < 0.3
    rate = rng.uniform(65 if irregular else 45, 100 if wide else 120)
    return Findings(
        rate,
        irregular,
        not irregular,
        rng.uniform(140, 165) if rate > 80 else rng.uniform(140, 300),
        rng.uniform(145, 175) if wide else rng.uniform(80, 100),
        0.0 if wide else rng.uniform(-1.5, 2.0),
    )


def expected(findings: Findings) -> dict[str, float]:
    found = {
        "rate_per_min": findings.rate_per_min,
        "rr_variation": 0.24 if findings.irregular else 0.02,
        "qrs_ms": findings.qrs_ms,
        "p_waves": float(findings.p_waves),
        "st_mm": findings.st_mm,
    }
    return found | ({"pr_ms": findings.pr_ms} if findings.p_waves else {})


def draw(rng: Random, findings: Findings) -> np.ndarray:
    """The picture, uint8 (80, 360)."""
    gen = d.generator(rng)
    image = paper(HEIGHT, WIDTH)
    beats = _beats(rng, findings)
    t = np.arange(WIDTH, dtype=np.float32) / np.float32(SPEED)
    r, s = 1.0, -0.25
    voltage = np.zeros(WIDTH, np.float32)
    rr = 60_000 / findings.rate_per_min
    for at in beats:
        voltage += beat(t - np.float32(at), findings, r, s, rr)
    if findings.irregular:
        voltage += d.noise(gen, 1, WIDTH, 4.7)[0] * np.float32(0.035)  # fibrillatory waves
    wander = d.noise(gen, 1, WIDTH, 150.0)[0] * np.float32(1.2)
    d.trace(image, HEIGHT * 0.62 - voltage * np.float32(GAIN) + wander, 1.6, INK)
    image += d.grain(gen, image.shape, 2.0)
    return d.quantise(image)


def paper(height: int, width: int) -> np.ndarray:
    """ECG paper: a line every 5 mm."""
    image = d.canvas(height, width, PAPER)
    image[::12] = LINE
    image[:, ::12] = LINE
    return image


def _beats(rng: Random, findings: Findings) -> list[float]:
    """Times of the R waves, ms, from before the strip to after it."""
    rr = 60_000 / findings.rate_per_min
    duration = WIDTH / SPEED
    if not findings.irregular:
        at = [rng.uniform(-rr, 0)]
        while at[-1] < duration + rr:
            at.append(at[-1] + rr * (1 + rng.uniform(-0.015, 0.015)))
        return at
    inside = max(3, round(duration / rr))
    steps = [1 + (0.33 if k % 2 else -0.33) * rng.uniform(0.55, 0.95) for k in range(inside)]
    rng.shuffle(steps)
    factor = rr * (inside - 1) / sum(steps[:-1])  # the mean RR between the beats that show
    at = [rng.uniform(90, min(300, rr / 2))]
    for step in steps:
        at.append(at[-1] + step * factor)
    return [at[0] - 1.3 * rr, *at]


def bump(t: np.ndarray, middle: float, half: float) -> np.ndarray:
    """A smooth wave of height 1 and width 2 `half`."""
    u = np.clip((t - np.float32(middle)) / np.float32(half), -1, 1)
    return (1 - u * u) ** 2


def line(t: np.ndarray, points: Sequence[tuple[float, float]]) -> np.ndarray:
    """Straight lines through (time, voltage) points, 0 outside them."""
    xs, ys = zip(*points, strict=True)
    return np.interp(t, xs, ys, left=0, right=0).astype(np.float32)


def beat(
    t: np.ndarray, f: Findings, r: float, s: float, rr: float, p: float = 0.15, tall_t: float = 0.22
) -> np.ndarray:
    """One beat, millivolts at times `t` (ms) from the middle of its QRS complex."""
    half = f.qrs_ms / 2
    st = f.st_mm / 10
    j = (half, st)
    if f.qrs_ms >= 120:  # broad and notched, as in bundle branch block
        points = [(-half, 0.0), (-half * 0.45, 0.85 * r), (0, 0.7 * r), (half * 0.45, 0.95 * r), j]
    else:
        points = [(-half, 0.0), (-half * 0.15, r), (half * 0.45, s), j]
    qt = min(400.0, 0.5 * rr + 20)
    end = qt - half
    # the ST segment stays level for 80 ms, then falls to the base line under the T wave
    wave = line(t, [*points, (half + 80, st), (max(end, half + 120), 0.0)])
    middle = half + 80 + (end - half - 80) * 0.5
    wave += bump(t, middle, max(45.0, (end - half - 80) * 0.5)) * np.float32(-tall_t if f.qrs_ms >= 120 else tall_t)
    if f.p_waves:
        wave += bump(t, -half - f.pr_ms + 45, 45.0) * np.float32(p)
    return wave


def measure(pixels: np.ndarray, mm_per_pixel: float | None) -> dict[str, float]:
    """Rate, regularity, widths and levels; without a scale only the irregularity and whether P waves are there."""
    if pixels.ndim != 2:
        return {}
    curve = Curve.of(pixels)
    if curve is None or len(curve.complexes) < 3:
        return {}
    middles = np.array([(a + b) / 2 for a, b in curve.complexes])
    gaps = np.diff(middles)
    found = {"rr_variation": float(gaps.std() / gaps.mean()), "complexes": float(len(middles))}
    p_onset = _p_wave(curve, middles)
    found["p_waves"] = float(p_onset is not None)
    if mm_per_pixel is None:
        return found
    ms = mm_per_pixel * MS_PER_MM
    found["rate_per_min"] = 60_000 / (float(gaps.mean()) * ms)
    found["qrs_ms"] = float(np.median([b - a for a, b in curve.complexes])) * ms
    found["st_mm"] = float(np.median(curve.st_levels())) * mm_per_pixel
    if p_onset is not None:
        onset = float(np.median([m_ - a for m_, (a, _) in zip(middles, curve.complexes, strict=True)]))
        found["pr_ms"] = (p_onset - onset) * ms
    return found


@dataclass(frozen=True)
class Curve:
    """The trace read off the paper, rows by column, and its QRS complexes."""

    rows: np.ndarray
    """Middle of the trace in each column (row 0 is the top)."""
    complexes: list[tuple[float, float]]
    """Start and end column of each QRS complex that lies wholly on the paper."""

    @classmethod
    def of(cls, pixels: np.ndarray) -> "Curve | None":
        """None where there is no trace in most columns."""
        ink = np.clip(INKED - pixels.astype(np.float32), 0, None)
        weight = ink.sum(axis=0)
        if np.count_nonzero(weight) < 0.9 * len(weight):
            return None
        ys = np.arange(len(ink), dtype=np.float32)
        rows = (ink * ys[:, None]).sum(axis=0) / np.maximum(weight, 1e-6)
        dark = ink > 0
        span = dark.shape[0] - dark[::-1].argmax(axis=0) - dark.argmax(axis=0)
        span[weight == 0] = 0
        return cls(rows, _complexes(rows, span))

    def base(self, start: float) -> float:
        """Row of the level just before a complex."""
        a = int(start)
        return float(np.median(self.rows[max(0, a - 3) : max(1, a)]))

    def st_levels(self) -> list[float]:
        """Rows by which each ST segment lies above the level before its complex."""
        found = []
        for start, end in self.complexes:
            b = int(np.ceil(end))
            if b + 4 <= len(self.rows):
                found.append(self.base(start) - float(np.median(self.rows[b : b + 4])))
        return found or [0.0]


def _complexes(rows: np.ndarray, span: np.ndarray) -> list[tuple[float, float]]:
    """Runs of steep columns, grown to where the trace is level."""
    steep = np.flatnonzero(span >= STEEP)
    if not len(steep):
        return []
    groups = np.split(steep, np.flatnonzero(np.diff(steep) > 8) + 1)
    step = np.abs(np.diff(rows))
    found = []
    for group in groups:
        a, b = int(group[0]), int(group[-1])
        while a > 2 and max(step[a - 1], step[a - 2]) > FLAT:  # past the level top of a wave
            a -= 1
        while b < len(step) - 2 and max(step[b], step[b + 1]) > FLAT:
            b += 1
        if a > 6 and b < len(rows) - 6:
            found.append((a + SLACK, b - SLACK))
    return found


def _p_wave(curve: Curve, middles: np.ndarray) -> float | None:
    """Columns from the start of the averaged P wave to the middle of the QRS complex, or None where there is none."""
    reach = int(min(26, 0.5 * float(np.median(np.diff(middles)))))
    parts = []
    for (start, _), middle in zip(curve.complexes, middles, strict=True):
        if middle - reach >= 0:
            parts.append(curve.base(start) - curve.rows[int(middle) - reach : int(middle)])
    if len(parts) < 2:
        return None
    mean = np.quantile(parts, 0.3, axis=0)  # what most beats show at the same place
    half = int(np.ceil(float(np.median([b - a for a, b in curve.complexes])) / 2)) + 2
    window = mean[: reach - half]
    if len(window) < 4:
        return None
    window = window - np.median(window)
    peak = int(window.argmax())
    if window[peak] < P_HEIGHT:
        return None
    before = np.flatnonzero(window[: peak + 1] < 0.2 * window[peak])
    onset = int(before[-1]) if len(before) else 0
    return float(reach - onset)

"""Mammogram, one view magnified: a mass by size, form and margin; calcifications by number, size and extent."""

from dataclasses import dataclass
from random import Random
from typing import Literal

import numpy as np

from medgym_core.errors import MedGymError
from medgym_core.imaging import draw as d
from medgym_core.imaging import measure as m

MODALITY = "mammogram"
BODY_PART = "breast"
MM_PER_PIXEL = 0.5
SIZE = 112  # pixels, 56 mm
FAT, MASS, CALCIUM = 62.0, 168.0, 252.0
CALCIFIED = 205  # brighter is calcium
SMALLEST_MASS = 60  # pixels
SHARP = 0.62  # share of the contrast within two pixels of the border, from which an eighth is sharp

Margin = Literal["circumscribed", "indistinct", "spiculated"]
TOLERANCE = {
    "mass_diameter_mm": 1.0,
    "spicules": 1.0,
    "indistinct_eighths": 1.0,
    "calcifications": 1.0,
    "coarse_calcifications": 0.0,
    "calcification_span_mm": 2.0,
}


@dataclass(frozen=True)
class Findings:
    """What is drawn."""

    mass_mm: float = 0.0
    """Mean diameter of a mass, 0 or 8 to 24."""
    margin: Margin = "circumscribed"
    spicules: int = 0
    """Of a spiculated margin, 7 to 11."""
    calcifications: int = 0
    """Fine ones, in one group; 0 or 3 to 14."""
    coarse: int = 0
    """Calcifications of 2.5 to 4 mm, 0 to 3."""


def sample(rng: Random) -> Findings:
    """Any breast."""
    kind = rng.choice(["circumscribed", "indistinct", "spiculated", "fine", "coarse", "none"])
    if kind in ("circumscribed", "indistinct", "spiculated"):
        return Findings(rng.uniform(9, 20), kind, rng.randint(7, 10) if kind == "spiculated" else 0)  # type: ignore[arg-type]
    return Findings(
        calcifications=rng.randint(5, 12) if kind == "fine" else 0, coarse=rng.randint(1, 3) if kind == "coarse" else 0
    )


def expected(findings: Findings) -> dict[str, float]:
    found = {"calcifications": float(findings.calcifications), "coarse_calcifications": float(findings.coarse)}
    if findings.mass_mm:
        found |= {"mass_diameter_mm": findings.mass_mm, "spicules": float(findings.spicules)}
        if findings.margin != "spiculated":
            found["indistinct_eighths"] = 8.0 if findings.margin == "indistinct" else 0.0
    return found


def draw(rng: Random, findings: Findings) -> np.ndarray:
    """The picture, uint8 (112, 112). Raises MedGymError where the calcifications do not fit."""
    gen = d.generator(rng)
    image = d.canvas(SIZE, SIZE, FAT)
    image += d.texture(gen, SIZE, SIZE, (26.0, 10.0)) * 8
    x, y = SIZE / 2 + rng.uniform(-4, 4), SIZE / 2 + rng.uniform(-4, 4)
    if findings.mass_mm:
        r = findings.mass_mm / MM_PER_PIXEL / 2
        _rays(rng, image, x, y, r, findings.spicules)
        flat = rng.uniform(0.06, 0.16)
        soft = 12.0 if findings.margin == "indistinct" else 1.2
        d.dab(image, x, y, r * (1 + flat), r * (1 - flat), MASS, d.direction(rng), soft)
    if findings.calcifications:
        free = d.ellipse(SIZE, SIZE, x, y, 11.0, 11.0) > 0.5
        spots = d.places(rng, findings.calcifications, SIZE, SIZE, 4.4, free)
        if len(spots) < findings.calcifications:
            raise MedGymError("no room in the group", got=f"{findings.calcifications}", expected="fewer calcifications")
        for px, py in spots:
            d.dab(image, px, py, 0.9, 0.9, CALCIUM)
    for px, py in d.places(rng, findings.coarse, SIZE - 30, SIZE - 30, 22.0):
        r = rng.uniform(2.6, 3.8)
        d.dab(image, px + 15, py + 15, r, r, CALCIUM)
    image += d.grain(gen, image.shape, 2.0)
    return d.quantise(image)


def _rays(rng: Random, image: np.ndarray, x: float, y: float, r: float, count: int) -> None:
    """Spicules leaving the mass in different directions."""
    from math import cos, pi, sin

    start = rng.uniform(0, 2 * pi)
    for k in range(count):
        a = start + 2 * pi * (k + rng.uniform(-0.12, 0.12)) / count
        u, v = cos(a), sin(a)
        reach = r * 1.16 + rng.uniform(10.0, 13.0)
        d.stroke(image, [(x + 0.5 * r * u, y + 0.5 * r * v), (x + reach * u, y + reach * v)], 1.7, MASS - 8)


def measure(pixels: np.ndarray, mm_per_pixel: float | None) -> dict[str, float]:
    """The largest mass and the calcifications; empty where there is no breast tissue."""
    if pixels.ndim != 2 or not 30 < float(np.median(pixels)) < 120:
        return {}
    values = pixels.astype(np.float32)
    ground = float(np.median(values))
    calcium = m.objects((m.bright_spots(values, 11) > 55) & (values > CALCIFIED - 60) & (values > ground + 70))
    whole = calcium.area >= 1
    coarse = calcium.area >= 15
    tissue = np.where(values > CALCIFIED, ground, values)
    level = ground + (MASS - FAT) / 2
    mask = m.largest(m.grown(m.shrunk(tissue > level, 3), 3) & (tissue > level))
    has_mass = mask is not None and mask.sum() >= SMALLEST_MASS
    if has_mass:  # strands of a mass are no calcium
        at = np.flatnonzero(whole)
        bright = np.array([values[calcium.labels == i + 1].max() > CALCIFIED for i in at], bool)
        whole[at[~bright]] = False
    fine = whole & ~coarse
    found = {
        "calcifications": float(np.count_nonzero(fine)),
        "coarse_calcifications": float(np.count_nonzero(coarse & whole)),
    }
    if np.count_nonzero(fine) > 1:
        span = max(np.ptp(calcium.x[fine]), np.ptp(calcium.y[fine]))
        found["calcification_span_mm"] = float(span) + 2.0
    if has_mass:
        found |= _mass(values, mask, level)  # type: ignore[arg-type]
    return m.scaled(found, mm_per_pixel)


def _mass(values: np.ndarray, mask: np.ndarray, level: float) -> dict[str, float]:
    core = m.grown(m.shrunk(mask, 3), 3) & mask
    parts = m.objects(core)
    i = int(parts.area.argmax())
    around = m.grown(core, 9) & ~m.grown(core, 4)
    strands = m.objects(around & (values > level - 12))
    return {
        "mass_diameter_mm": float((parts.long[i] + parts.short[i]) / 2),
        "mass_roundness": float(parts.short[i] / parts.long[i]),
        "spicules": float(np.count_nonzero((strands.area >= 4) & (strands.area < 60))),
        "indistinct_eighths": float(np.count_nonzero(m.sharpness(values, core) <= SHARP)),
    }

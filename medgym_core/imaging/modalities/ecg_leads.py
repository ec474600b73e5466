"""Six ECG leads on one sheet, 1.5 s each: the ST level of each lead, and so the territory.

Rows from the top: I and aVL (lateral), III and aVF (inferior), V2 and V3 (anterior). 25 mm/s, 10 mm/mV.
"""

from dataclasses import dataclass, field
from random import Random

import numpy as np

from medgym_core.imaging import draw as d
from medgym_core.imaging.modalities import ecg_strip
from medgym_core.imaging.modalities.ecg_strip import GAIN, INK, SPEED, Curve, beat, paper

MODALITY = "ecg leads"
BODY_PART = "heart"
MM_PER_PIXEL = ecg_strip.MM_PER_PIXEL
LEADS = ("I", "aVL", "III", "aVF", "V2", "V3")
WIDTH, HEIGHT = 90, 54  # pixels of one lead
SHAPES = {
    "I": (0.55, -0.1), "aVL": (0.4, -0.1), "III": (0.5, -0.15),
    "aVF": (0.6, -0.15), "V2": (0.35, -0.5), "V3": (0.5, -0.45),
}  # fmt: skip
"""Millivolts of R and S in each lead."""
BASE = 0.62  # share of the height at which the base line lies

TOLERANCE = {f"st_{lead}_mm": 0.6 for lead in LEADS}


@dataclass(frozen=True)
class Findings:
    """What is drawn."""

    st_mm: dict[str, float] = field(default_factory=dict)
    """ST level of each lead, -2 to 3.5; a lead not named has 0."""
    rate_per_min: float = 75.0
    """70 to 100, so that each lead shows a whole complex."""


def sample(rng: Random) -> Findings:
    """Any sheet."""
    return Findings({lead: rng.choice([0.0, rng.uniform(-1.5, 3.2)]) for lead in LEADS}, rng.uniform(72, 98))


def expected(findings: Findings) -> dict[str, float]:
    return {f"st_{lead}_mm": findings.st_mm.get(lead, 0.0) for lead in LEADS}


def draw(rng: Random, findings: Findings) -> np.ndarray:
    """The picture, uint8 (162, 180)."""
    gen = d.generator(rng)
    image = paper(3 * HEIGHT, 2 * WIDTH)
    rr = 60_000 / findings.rate_per_min
    t = np.arange(WIDTH, dtype=np.float32) / np.float32(SPEED)
    first = rng.uniform(330, 480)
    for lead in LEADS:
        shape = ecg_strip.Findings(findings.rate_per_min, st_mm=findings.st_mm.get(lead, 0.0), qrs_ms=86.0, pr_ms=150.0)
        r, s = SHAPES[lead]
        voltage = np.zeros(WIDTH, np.float32)
        for beats in (-1, 0, 1, 2):
            voltage += beat(t - np.float32(first + beats * rr), shape, r, s, rr, p=0.1, tall_t=0.2)
        part = box(lead)
        d.trace(image[part[1] : part[3], part[0] : part[2]], HEIGHT * BASE - voltage * np.float32(GAIN), 1.5, INK)
    image += d.grain(gen, image.shape, 2.0)
    return d.quantise(image)


def box(lead: str) -> tuple[int, int, int, int]:
    """Where a lead stands on the sheet: left, top, right, bottom."""
    row, column = divmod(LEADS.index(lead), 2)
    return column * WIDTH, row * HEIGHT, (column + 1) * WIDTH, (row + 1) * HEIGHT


def measure(pixels: np.ndarray, mm_per_pixel: float | None) -> dict[str, float]:
    """ST level of each lead that can be read, in mm on paper; nothing without a scale."""
    if pixels.shape != (3 * HEIGHT, 2 * WIDTH) or mm_per_pixel is None:
        return {}
    found = {}
    for lead in LEADS:
        left, top, right, bottom = box(lead)
        curve = Curve.of(pixels[top:bottom, left:right])
        if curve is not None and curve.complexes:
            found[f"st_{lead}_mm"] = float(np.median(curve.st_levels())) * mm_per_pixel
    return found

"""Ultrasound of a thyroid nodule: size, shape, composition, echogenicity, margin and bright foci."""

from dataclasses import dataclass
from random import Random
from typing import Literal

import numpy as np

from medgym_core.errors import MedGymError
from medgym_core.imaging import draw as d
from medgym_core.imaging import measure as m

MODALITY = "thyroid ultrasound"
BODY_PART = "thyroid"
MM_PER_PIXEL = 0.4
SIZE = 112  # pixels, 45 mm
GLAND, MUSCLE, CYST, FOCUS = 142.0, 70.0, 8.0, 250.0
ECHO = {"hyperechoic": 188.0, "hypoechoic": 100.0, "very hypoechoic": 52.0}
"""Grey of the solid part; the gland is 142, the strap muscle above it 70."""
STRAP = 12  # pixels of muscle at the top
STEP = 21  # grey levels from the gland that make the nodule stand out
BRIGHT = 206  # brighter is a focus
CYSTIC = 30  # darker is fluid

TOLERANCE = {
    "width_mm": 1.6,
    "height_mm": 1.6,
    "cystic_share": 0.09,
    "echo_ratio": 0.08,
    "punctate_foci": 1.0,
}


@dataclass(frozen=True)
class Findings:
    """What is drawn."""

    width_mm: float = 14.0
    height_mm: float = 10.0
    """6 to 32; higher than wide is `taller than wide`."""
    cystic_share: float = 0.0
    """Share of the nodule that is fluid, 0, 0.2 to 0.5, or 1."""
    echo: Literal["hyperechoic", "hypoechoic", "very hypoechoic"] = "hypoechoic"
    lobulated: bool = False
    punctate_foci: int = 0
    """0 or 2 to 5."""


def sample(rng: Random) -> Findings:
    """Any nodule."""
    w, tall = rng.uniform(11, 22), rng.random() < 0.3
    h = w * (rng.uniform(1.2, 1.35) if tall else rng.uniform(0.65, 0.85))
    cystic = rng.choice([0.0, 0.0, rng.uniform(0.25, 0.45), 1.0])
    echo = rng.choice(list(ECHO))
    plain = cystic == 0.0
    return Findings(w, h, cystic, echo, plain and rng.random() < 0.4, rng.randint(2, 4) if plain else 0)


def expected(findings: Findings) -> dict[str, float]:
    found = {
        "width_mm": findings.width_mm,
        "height_mm": findings.height_mm,
        "cystic_share": findings.cystic_share,
        "punctate_foci": float(findings.punctate_foci),
    }
    if findings.cystic_share < 1:
        found["echo_ratio"] = ECHO[findings.echo] / GLAND
    return found


def draw(rng: Random, findings: Findings) -> np.ndarray:
    """The picture, uint8 (112, 112). Raises MedGymError where the foci do not fit."""
    gen = d.generator(rng)
    image = d.canvas(SIZE, SIZE, GLAND)
    image[:STRAP] = MUSCLE
    x, y = SIZE / 2 + rng.uniform(-3, 3), SIZE / 2 + 6 + rng.uniform(-2, 2)
    rx, ry = findings.width_mm / MM_PER_PIXEL / 2, findings.height_mm / MM_PER_PIXEL / 2
    waves = [(7, rng.choice([-0.11, 0.11]), 0.0), (5, 0.0, rng.choice([-0.07, 0.07]))] if findings.lobulated else []
    solid = CYST if findings.cystic_share == 1 else ECHO[findings.echo]
    stretch = 1.07 if findings.lobulated else 1.0  # what the lobules add to the axes
    d.dab(image, x, y, rx / stretch, ry / stretch, solid, waves=waves)
    if 0 < findings.cystic_share < 1:
        share = findings.cystic_share**0.5
        d.dab(image, x, y, rx * share, ry * share, CYST)
    if findings.punctate_foci:
        free = d.ellipse(SIZE, SIZE, x, y, rx * 0.7, ry * 0.7) > 0.5
        spots = d.places(rng, findings.punctate_foci, SIZE, SIZE, 5.0, free)
        if len(spots) < findings.punctate_foci:
            raise MedGymError("no room in the nodule", got=findings.punctate_foci, expected="fewer foci")
        for px, py in spots:
            d.dab(image, px, py, 0.9, 0.9, FOCUS)
    image += d.texture(gen, SIZE, SIZE, (6.0, 3.0)) * 5 + d.grain(gen, image.shape, 2.0)
    return d.quantise(image)


def measure(pixels: np.ndarray, mm_per_pixel: float | None) -> dict[str, float]:
    """The largest nodule below the muscle; empty where none stands out from the gland."""
    if pixels.ndim != 2:
        return {}
    values = pixels.astype(np.float32)
    gland = float(np.median(values[-12:]))
    away = np.abs(values - gland) > STEP
    away[: STRAP + 3] = False
    mask = m.largest(m.grown(m.shrunk(away, 2), 2) & away)
    if mask is None or mask.sum() < 80 or mask.sum() > 0.6 * values.size or not 90 < gland < 200:
        return {}
    columns, rows = mask.sum(axis=0), mask.sum(axis=1)
    fluid = mask & (values < CYSTIC)
    foci = m.objects(mask & (m.bright_spots(values, 7) > 40) & (values > BRIGHT))
    plain = m.shrunk(mask, 2) & ~m.grown(values < CYSTIC, 2) & (m.bright_spots(values, 7) < 24)
    share = float(fluid.sum() / mask.sum())
    found = {
        "width_mm": float(np.count_nonzero(columns)),
        "height_mm": float(np.count_nonzero(rows)),
        "cystic_share": 1.0 if share > 0.85 else share,
        "irregularity": m.shape_of(mask).irregularity,
        "punctate_foci": float(np.count_nonzero((foci.area >= 1) & (foci.area <= 14))),
    }
    if plain.any() and share <= 0.85:
        found["echo_ratio"] = float(np.median(values[plain])) / gland
    return m.scaled(found, mm_per_pixel)

"""Optic disc photograph: vertical cup-to-disc ratio, rim widths by side, sharpness of the margin in eight segments.

The picture shows the disc magnified, up is superior. The temporal side is to the left in a right eye and to the right
in a left eye; the file does not say which eye it is, `Picture.body_part` does.
"""

from dataclasses import dataclass
from random import Random

import numpy as np

from medgym_core.imaging import draw as d
from medgym_core.imaging import measure as m

MODALITY = "optic disc photograph"
BODY_PART = "eye"
MM_PER_PIXEL = 0.045
SIZE = 96  # pixels, 4.3 mm
RETINA, RIM, CUP, VESSEL, BLOOD = (
    (188.0, 96.0, 58.0), (226.0, 158.0, 100.0), (252.0, 236.0, 196.0), (146.0, 52.0, 44.0),
    (120.0, 14.0, 16.0),
)  # fmt: skip
RIM_STEP, CUP_STEP = 48.0, 122.0  # grey levels by which rim and cup stand out from the retina
SMALLEST_DISC, SMALLEST_CUP = 200, 12  # pixels
SHARP = 0.62  # share of the contrast within two pixels of the margin, from which a segment is sharp

TOLERANCE = {
    "cup_disc_ratio": 0.05,
    "disc_height_mm": 0.2,
    "rim_superior_mm": 0.1,
    "rim_inferior_mm": 0.1,
    "blurred_segments": 1.0,
    "disc_haemorrhages": 0.0,
}


@dataclass(frozen=True)
class Findings:
    """What is drawn."""

    disc_height_mm: float = 1.8
    """1.5 to 2.1."""
    cup_disc_ratio: float | None = 0.3
    """Vertical, 0.2 to 0.85; None: no cup to be seen."""
    cup_shift: float = 0.0
    """How far the cup lies below the middle, share of the rim's width there would be, -0.6 to 0.6."""
    blurred_segments: int = 0
    """Eighths of the margin that are blurred, 0 to 8."""
    disc_haemorrhages: int = 0
    """Splinter haemorrhages at the margin, 0 to 2."""


def sample(rng: Random) -> Findings:
    """Any disc."""
    swollen = rng.random() < 0.3
    return Findings(
        rng.uniform(1.6, 2.0),
        None if swollen else rng.uniform(0.2, 0.85),
        rng.uniform(-0.5, 0.5),
        rng.randint(3, 8) if swollen else 0,
        0 if swollen else rng.randint(0, 2),
    )


def expected(findings: Findings) -> dict[str, float]:
    found = {
        "disc_height_mm": findings.disc_height_mm,
        "blurred_segments": float(findings.blurred_segments),
        "disc_haemorrhages": float(findings.disc_haemorrhages),
    }
    if findings.cup_disc_ratio is None:
        return found
    rim = findings.disc_height_mm * (1 - findings.cup_disc_ratio) / 2
    return found | {
        "cup_disc_ratio": findings.cup_disc_ratio,
        "rim_superior_mm": rim * (1 + findings.cup_shift),
        "rim_inferior_mm": rim * (1 - findings.cup_shift),
    }


def draw(rng: Random, findings: Findings) -> np.ndarray:
    """The picture, uint8 (96, 96, 3)."""
    gen = d.generator(rng)
    image = d.canvas(SIZE, SIZE, RETINA)
    x, y = SIZE / 2 + rng.uniform(-3, 3), SIZE / 2 + rng.uniform(-3, 3)
    ry = findings.disc_height_mm / MM_PER_PIXEL / 2
    rx = ry * rng.uniform(0.88, 0.96)
    _vessels(rng, image, x, y, rx, ry)
    disc = d.canvas(SIZE, SIZE, RIM)
    if findings.cup_disc_ratio is not None:
        cup = findings.cup_disc_ratio * ry
        low = (ry - cup) * findings.cup_shift
        d.blend(disc, d.ellipse(SIZE, SIZE, x, y + low, cup * rx / ry, cup, soft=1.5), CUP)
    blurred = np.zeros(8, bool)
    first = rng.randrange(8)
    blurred[[(first + k) % 8 for k in range(findings.blurred_segments)]] = True
    soft = np.where(blurred[d.eighths(SIZE, SIZE, x, y)], np.float32(14.0), np.float32(1.2))
    d.blend(image, d.ellipse(SIZE, SIZE, x, y, rx, ry, soft=soft), disc)  # type: ignore[arg-type]
    for k in range(findings.disc_haemorrhages):
        side = 1 if k == 0 else -1
        at = x + side * rx * 0.6, y + ry * 0.8 + 4.0
        d.dab(image, *at, 1.4, 4.0, BLOOD, turn=(0.8, -side * 0.6))
    image += (d.texture(gen, SIZE, SIZE, (26.0, 9.0)) * 4 + d.grain(gen, (SIZE, SIZE), 1.5))[..., None]
    return d.quantise(image)


def _vessels(rng: Random, image: np.ndarray, x: float, y: float, rx: float, ry: float) -> None:
    """Arcades leaving the disc above and below; the disc is painted over their roots."""
    for up in (1, -1):
        for side in (1, -1):
            bend = rng.uniform(8, 14)
            path = [
                (x + side * 3, y - up * ry * 0.9),
                (x + side * bend, y - up * (ry + 9)),
                (x + side * 34, y - up * 46),
            ]
            d.stroke(image, path, rng.uniform(2.0, 2.8), VESSEL)


def measure(pixels: np.ndarray, mm_per_pixel: float | None) -> dict[str, float]:
    """Disc, cup and rim; empty where no disc stands out. Without a visible cup there is no ratio."""
    if pixels.ndim != 3:
        return {}
    values = m.luminance(pixels)
    retina = float(np.median(np.concatenate([values[:, :4].ravel(), values[:, -4:].ravel()])))
    disc = m.largest(values > retina + RIM_STEP / 2)
    if disc is None or disc.sum() < SMALLEST_DISC:
        return {}
    sharp = m.sharpness(np.clip(values, retina, retina + RIM_STEP), disc) > SHARP
    found = {
        "disc_height_mm": _height(disc),
        "disc_area_mm2": float(disc.sum()),
        "blurred_segments": float(np.count_nonzero(~sharp)),
        "disc_haemorrhages": float(_haemorrhages(pixels)),
        **_cup(values > retina + (RIM_STEP + CUP_STEP) / 2, disc),
    }
    return m.scaled(found, mm_per_pixel)


def _height(mask: np.ndarray) -> float:
    """Vertical extent: the mean of the three tallest columns."""
    return float(np.sort(mask.sum(axis=0))[-3:].mean())


def _cup(bright: np.ndarray, disc: np.ndarray) -> dict[str, float]:
    cup = m.largest(bright & disc)
    if cup is None or cup.sum() < SMALLEST_CUP:
        return {}
    rows = np.flatnonzero(disc.any(axis=1)), np.flatnonzero(cup.any(axis=1))
    columns = np.flatnonzero(disc.any(axis=0)), np.flatnonzero(cup.any(axis=0))
    return {
        "cup_disc_ratio": _height(cup) / _height(disc),
        "cup_disc_area_ratio": float(cup.sum() / disc.sum()),
        "rim_superior_mm": float(rows[1][0] - rows[0][0]),
        "rim_inferior_mm": float(rows[0][-1] - rows[1][-1]),
        "rim_left_mm": float(columns[1][0] - columns[0][0]),
        "rim_right_mm": float(columns[0][-1] - columns[1][-1]),
    }


def _haemorrhages(pixels: np.ndarray) -> int:
    found = m.objects((pixels[..., 0] < 142) & (pixels[..., 1] < 40))
    return int(np.count_nonzero(found.area >= 8))

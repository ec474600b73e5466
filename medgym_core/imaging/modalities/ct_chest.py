"""CT of the chest, one slice magnified around a nodule, in the lung window: size, solid part, border, number.

Grey 0 to 255 stands for -1350 to 150 HU. The size of a nodule is the mean of its long and its short axis.
"""

from dataclasses import dataclass
from random import Random

import numpy as np

from medgym_core.imaging import draw as d
from medgym_core.imaging import measure as m

MODALITY = "ct chest"
BODY_PART = "chest"
MM_PER_PIXEL = 0.5
WINDOW_HU = (-1350.0, 150.0)
SIZE = 96  # pixels, 48 mm
LUNG_HU, GLASS_HU, SOLID_HU = -850.0, -560.0, 40.0
GLASS_FROM, SOLID_FROM = -705.0, -260.0  # HU, half-way between lung, ground glass and solid tissue
SMALLEST = 24  # pixels, 2.4 mm across: less is a vessel
WHOLLY_SOLID, WHOLLY_GLASS = 0.6, 0.05  # share of the area that is solid

TOLERANCE = {
    "nodule_diameter_mm": 0.5,
    "solid_diameter_mm": 0.5,
    "nodules": 0.0,
    "spicules": 1.0,
    "nodule_hu": 20.0,
}


@dataclass(frozen=True)
class Findings:
    """What is drawn."""

    diameter_mm: float = 8.0
    """Mean of both axes, 3.5 to 26; 0: no nodule."""
    solid_mm: float = 8.0
    """Diameter of the solid part; as large as the nodule: solid; 0: pure ground glass."""
    spicules: int = 0
    """0 to 8."""
    others: tuple[float, ...] = ()
    """Diameters of further solid nodules, 3.5 to 6, each smaller than the first."""


def sample(rng: Random) -> Findings:
    """Any nodule."""
    size = rng.uniform(5, 20)
    solid = rng.choice([size, 0.0, size * rng.uniform(0.35, 0.6)])
    others = tuple(rng.uniform(3.6, 4.8) for _ in range(rng.choice([0, 0, 1, 2])))
    return Findings(size, solid, rng.choice([0, 0, rng.randint(4, 7)]) if solid == size and size > 8 else 0, others)


def expected(findings: Findings) -> dict[str, float]:
    if not findings.diameter_mm:
        return {"nodules": 0.0}
    found = {
        "nodule_diameter_mm": findings.diameter_mm,
        "solid_diameter_mm": findings.solid_mm,
        "nodules": 1.0 + len(findings.others),
        "spicules": float(findings.spicules),
    }
    if findings.solid_mm in (0.0, findings.diameter_mm):
        found["nodule_hu"] = SOLID_HU if findings.solid_mm else GLASS_HU
    return found


def grey(hu: float) -> float:
    low, high = WINDOW_HU
    return (hu - low) / (high - low) * 255


def draw(rng: Random, findings: Findings) -> np.ndarray:
    """The picture, uint8 (96, 96)."""
    gen = d.generator(rng)
    image = d.canvas(SIZE, SIZE, grey(LUNG_HU))
    image += d.texture(gen, SIZE, SIZE, (16.0, 6.0)) * 3
    x, y = SIZE / 2 + rng.uniform(-3, 3), SIZE / 2 + rng.uniform(-3, 3)
    r = findings.diameter_mm / MM_PER_PIXEL / 2
    for px, py in ((7.0, 20.0), (88.0, 70.0), (14.0, 86.0), (80.0, 9.0)):
        d.dab(image, px + rng.uniform(-2, 2), py + rng.uniform(-2, 2), 1.3, 1.3, grey(0.0))
    for k, size in enumerate(findings.others):
        px, py = ((10.0, 48.0), (48.0, 88.0), (86.0, 46.0))[k % 3]
        d.dab(image, px, py, size / MM_PER_PIXEL / 2, size / MM_PER_PIXEL / 2, grey(SOLID_HU))
    if r:
        _rays(rng, image, x, y, r, findings.spicules)
        turn, flat = d.direction(rng), rng.uniform(0.0, 0.12)
        rx, ry = r * (1 + flat), r * (1 - flat)
        d.dab(image, x, y, rx, ry, grey(GLASS_HU if findings.solid_mm < findings.diameter_mm else SOLID_HU), turn)
        if 0 < findings.solid_mm < findings.diameter_mm:
            core = findings.solid_mm / MM_PER_PIXEL / 2
            d.dab(image, x, y, core, core, grey(SOLID_HU))
    image += d.grain(gen, image.shape, 2.0)
    return d.quantise(image)


def _rays(rng: Random, image: np.ndarray, x: float, y: float, r: float, count: int) -> None:
    """Strands leaving the nodule in different directions."""
    from math import cos, pi, sin

    start = rng.uniform(0, 2 * pi)
    for k in range(count):
        a = start + 2 * pi * (k + rng.uniform(-0.15, 0.15)) / count
        u, v = cos(a), sin(a)
        reach = r + rng.uniform(8.0, 10.0)
        d.stroke(image, [(x + 0.5 * r * u, y + 0.5 * r * v), (x + reach * u, y + reach * v)], 1.6, grey(SOLID_HU))


def measure(pixels: np.ndarray, mm_per_pixel: float | None) -> dict[str, float]:
    """The largest nodule and how many there are; empty where the picture is not one of lung."""
    if pixels.ndim != 2:
        return {}
    values = pixels.astype(np.float32)
    if not grey(-1000) < float(np.median(values)) < grey(-700):
        return {}
    whole = m.objects(_opened(values > grey(GLASS_FROM), 1))
    real = whole.area >= SMALLEST
    found = {"nodules": float(np.count_nonzero(real))}
    if not real.any():
        return found
    mask = whole.labels == int(np.where(real, whole.area, 0).argmax()) + 1
    solid = _opened(mask & (values > grey(SOLID_FROM)), 1)
    share = solid.sum() / mask.sum()
    if share > WHOLLY_SOLID:
        mask = m.filled(_opened(m.grown(mask) & (values > grey(SOLID_FROM)), 2)) if solid.sum() > 150 else solid
        mask = mask if mask.any() else solid
        solid = mask
    size = _diameter(mask)
    found |= {
        "nodule_diameter_mm": size,
        "solid_diameter_mm": _diameter(solid) if share > WHOLLY_GLASS else 0.0,
        "solid_share": 1.0 if share > WHOLLY_SOLID else float(share) if share > WHOLLY_GLASS else 0.0,
        "nodule_hu": float(np.median(values[m.shrunk(mask)] if m.shrunk(mask).any() else values[mask])) / 255
        * (WINDOW_HU[1] - WINDOW_HU[0]) + WINDOW_HU[0],
        "spicules": float(_spicules(values, mask)),
    }  # fmt: skip
    return m.scaled(found, mm_per_pixel)


def _opened(mask: np.ndarray, steps: int) -> np.ndarray:
    """The mask without what is narrower than twice the steps; the rest keeps its outline."""
    return m.grown(m.shrunk(mask, steps), steps + 1) & mask


def _diameter(mask: np.ndarray) -> float:
    """Mean of both axes of the largest part."""
    found = m.objects(mask)
    if not len(found):
        return 0.0
    i = int(found.area.argmax())
    return float((found.long[i] + found.short[i]) / 2)


def _spicules(values: np.ndarray, mask: np.ndarray) -> int:
    """Strands outside a nodule that reach it."""
    near = m.grown(mask, 6) & ~m.grown(mask, 2)
    strands = m.objects(near & (values > grey(SOLID_FROM) - 12))
    return int(np.count_nonzero((strands.area >= 4) & (strands.area < 40)))

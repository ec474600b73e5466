"""Ultrasound of the abdomen, one structure filled with fluid: its bore, its wall, stones in it and their shadow.

The same measures serve a gallbladder (wall, stones), an aorta (outer diameter) and a kidney's pelvis (bore).
"""

from dataclasses import dataclass
from random import Random

import numpy as np

from medgym_core.errors import MedGymError
from medgym_core.imaging import draw as d
from medgym_core.imaging import measure as m

MODALITY = "ultrasound"
BODY_PART = "gallbladder"
MM_PER_PIXEL = 0.8
SIZE = 120  # pixels, 96 mm
TISSUE, WALL, FLUID, STONE, SHADOW = 104.0, 206.0, 10.0, 248.0, 40.0
FLUID_BELOW, WALL_FROM, STONE_FROM = 70, 152, 190  # grey
SMALLEST = 60  # pixels of fluid

TOLERANCE = {
    "bore_mm": 1.0,
    "length_mm": 1.5,
    "wall_mm": 0.5,
    "outer_diameter_mm": 1.0,
    "stones": 0.0,
    "largest_stone_mm": 1.2,
}


@dataclass(frozen=True)
class Findings:
    """What is drawn."""

    bore_mm: float = 28.0
    """Short axis of the fluid, 8 to 64."""
    length_mm: float = 56.0
    """Its long axis, up to 76; as large as the bore: round."""
    wall_mm: float = 2.0
    """1.6 to 9."""
    stones_mm: tuple[float, ...] = ()
    """Diameters, 5 to 12."""


def sample(rng: Random) -> Findings:
    """Any structure."""
    if rng.random() < 0.3:
        bore = rng.uniform(14, 60)
        return Findings(bore, bore, rng.uniform(1.8, 2.6))
    bore = rng.uniform(24, 34)
    stones = tuple(rng.uniform(5, 10) for _ in range(rng.randint(0, 3)))
    return Findings(bore, bore * rng.uniform(1.7, 2.0), rng.uniform(1.8, 7.5), stones)


def expected(findings: Findings) -> dict[str, float]:
    found = {
        "bore_mm": findings.bore_mm,
        "length_mm": findings.length_mm,
        "wall_mm": findings.wall_mm,
        "outer_diameter_mm": findings.bore_mm + 2 * findings.wall_mm,
        "stones": float(len(findings.stones_mm)),
    }
    return found | ({"largest_stone_mm": max(findings.stones_mm)} if findings.stones_mm else {})


def draw(rng: Random, findings: Findings) -> np.ndarray:
    """The picture, uint8 (120, 120). Raises MedGymError where the stones do not fit."""
    gen = d.generator(rng)
    image = d.canvas(SIZE, SIZE, TISSUE)
    image += d.texture(gen, SIZE, SIZE, (5.0, 2.5)) * 12  # speckle
    ys, xs = d.grid(SIZE, SIZE)
    x, y = SIZE / 2 + rng.uniform(-3, 3), SIZE / 2 - 6 + rng.uniform(-2, 2)
    rx, ry = findings.length_mm / MM_PER_PIXEL / 2, findings.bore_mm / MM_PER_PIXEL / 2
    wall = findings.wall_mm / MM_PER_PIXEL
    d.blend(image, d.ellipse(SIZE, SIZE, x, y, rx + wall, ry + wall), WALL)
    count = len(findings.stones_mm)
    radii = [s / MM_PER_PIXEL / 2 for s in findings.stones_mm]
    room = 2 * (rx - 6)
    if sum(2 * r + 3 for r in radii) > room or any(2 * r > ry for r in radii):
        raise MedGymError("no room for the stones", got=count, expected="fewer or smaller")
    lumen = d.ellipse(SIZE, SIZE, x, y, rx, ry)
    d.blend(image, lumen, FLUID)
    at = x - room / 2 + (room - sum(2 * r + 3 for r in radii)) / 2
    for r in radii:
        at += r + 1.5
        top = y + 0.25 * ry
        d.dab(image, at, top, r, r, STONE)
        cast = d.edge(np.float32(r * 0.8) - np.abs(xs - np.float32(at))) * d.edge(ys - np.float32(y + ry + wall + 1))
        d.blend(image, cast * np.float32(0.9), SHADOW)
        at += r + 1.5
    image += d.grain(gen, image.shape, 3.0)
    return d.quantise(image)


def measure(pixels: np.ndarray, mm_per_pixel: float | None) -> dict[str, float]:
    """The largest fluid-filled structure; empty where there is none."""
    if pixels.ndim != 2 or not 40 < float(np.median(pixels)) < 180:
        return {}
    values = pixels.astype(np.float32)
    parts = m.objects(values < FLUID_BELOW)
    edge = np.zeros(values.shape, bool)
    edge[[0, -1]], edge[:, [0, -1]] = True, True
    inner = np.bincount(parts.labels[edge], minlength=len(parts) + 1)[1:] == 0
    real = inner & (parts.area >= SMALLEST)
    if not real.any():
        return {}
    lumen = m.filled(parts.labels == int(np.where(real, parts.area, 0).argmax()) + 1)
    shape = m.objects(lumen)
    i = int(shape.area.argmax())
    long, short = float(shape.long[i]) + 0.6, float(shape.short[i]) + 0.6
    stones = m.objects(m.shrunk(lumen, 1) & (values > STONE_FROM))
    solid = stones.area >= 8
    outer = m.objects(m.filled(lumen | (m.grown(lumen, 16) & _smooth(values > WALL_FROM))))
    j = int(outer.area.argmax())
    wall = max(0.0, (float(outer.long[j] + outer.short[j]) - long - short) / 4)
    found = {
        "bore_mm": short,
        "length_mm": long,
        "wall_mm": wall,
        "outer_diameter_mm": float(outer.short[j]),
        "stones": float(np.count_nonzero(solid)),
    }
    if solid.any():
        found["largest_stone_mm"] = float(stones.long[solid].max())
    return m.scaled(found, mm_per_pixel)


def _smooth(mask: np.ndarray) -> np.ndarray:
    """Without single bright specks."""
    parts = m.objects(mask)
    return parts.keep(parts.area >= 25) if len(parts) else mask

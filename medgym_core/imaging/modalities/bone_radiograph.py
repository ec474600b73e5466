"""Radiograph of a long bone: fracture gap, displacement and angulation; a lytic lesion and its share of the shaft."""

from dataclasses import dataclass
from math import atan, degrees, radians, tan
from random import Random

import numpy as np

from medgym_core.imaging import draw as d
from medgym_core.imaging import measure as m

MODALITY = "bone radiograph"
BODY_PART = "forearm"
MM_PER_PIXEL = 0.5
SIZE = 112  # pixels, 56 mm
SOFT, CORTEX, MARROW, LYSIS = 66.0, 226.0, 166.0, 84.0
BONY = 118  # brighter is bone
HALF, RIND = 17.0, 4.0  # half-width of the shaft and thickness of its cortex, pixels
HOLE = 12  # pixels, the smallest lytic lesion

TOLERANCE = {
    "fractures": 0.0,
    "gap_mm": 0.8,
    "displacement_mm": 0.9,
    "angulation_deg": 1.5,
    "lytic_mm": 1.0,
    "lytic_share": 0.06,
}


@dataclass(frozen=True)
class Findings:
    """What is drawn."""

    gap_mm: float = 0.0
    """Width of the fracture gap, 0 (no fracture) or 1.5 to 7."""
    displacement_mm: float = 0.0
    """Sideways, 0 to 9."""
    angulation_deg: float = 0.0
    """0 to 25."""
    lytic_mm: float = 0.0
    """Width of a lytic lesion, 0 or 4 to 15 (the shaft is 17 mm wide)."""


def sample(rng: Random) -> Findings:
    """Any bone."""
    if rng.random() < 0.4:
        return Findings(lytic_mm=rng.choice([0.0, rng.uniform(4, 14)]))
    return Findings(rng.uniform(1.5, 6), rng.uniform(0, 8), rng.uniform(0, 20))


def expected(findings: Findings) -> dict[str, float]:
    if findings.gap_mm:
        return {
            "fractures": 1.0,
            "gap_mm": findings.gap_mm,
            "displacement_mm": findings.displacement_mm,
            "angulation_deg": findings.angulation_deg,
        }
    found = {"fractures": 0.0}
    if findings.lytic_mm:
        found |= {"lytic_mm": findings.lytic_mm, "lytic_share": findings.lytic_mm / (2 * HALF * MM_PER_PIXEL)}
    return found


def draw(rng: Random, findings: Findings) -> np.ndarray:
    """The picture, uint8 (112, 112)."""
    gen = d.generator(rng)
    image = d.canvas(SIZE, SIZE, SOFT)
    ys, xs = d.grid(SIZE, SIZE)
    side = rng.choice([-1, 1])
    middle, break_at = SIZE / 2 + rng.uniform(-2, 2) - side * 4, SIZE / 2 + rng.uniform(-6, 6)
    gap = findings.gap_mm / MM_PER_PIXEL
    below = ys > np.float32(break_at)
    slope = side * tan(radians(findings.angulation_deg))
    lateral = side * findings.displacement_mm / MM_PER_PIXEL
    centre = np.where(below, middle + lateral + slope * (ys - np.float32(break_at)), np.float32(middle))
    away = np.abs(xs - centre.astype(np.float32))
    there = d.edge(np.abs(ys - np.float32(break_at)) - np.float32(gap / 2)) if gap else np.ones_like(ys)
    d.blend(image, d.edge(np.float32(HALF) - away) * there, CORTEX)
    d.blend(image, d.edge(np.float32(HALF - RIND) - away) * there, MARROW)
    if findings.lytic_mm:
        r = findings.lytic_mm / MM_PER_PIXEL / 2
        at = middle + rng.uniform(-1, 1) * max(0.0, HALF - r - 1.5), SIZE / 2 + rng.uniform(-10, 10)
        d.dab(image, *at, r, r * rng.uniform(0.95, 1.3), LYSIS)
    image += d.texture(gen, SIZE, SIZE, (24.0, 8.0)) * 4 + d.grain(gen, image.shape, 2.0)
    return d.quantise(image)


def measure(pixels: np.ndarray, mm_per_pixel: float | None) -> dict[str, float]:
    """Fracture and lesion of the shaft; empty where no bone stands out."""
    if pixels.ndim != 2:
        return {}
    values = pixels.astype(np.float32)
    bone = values > BONY
    width = m.widths(bone)
    rows = np.flatnonzero(width > 8)
    if len(rows) < 40 or float(np.median(width[rows])) > 0.8 * values.shape[1]:
        return {}
    whole = float(np.median(width[rows]))
    inside = np.arange(rows[0], rows[-1] + 1)
    empty = inside[width[inside] < 0.35 * whole]
    if len(empty) >= 2:
        return m.scaled(_fracture(bone, width, empty, values), mm_per_pixel)
    found = {"fractures": 0.0, "shaft_width_mm": whole}
    holes = m.objects(m.filled(bone) & ~bone)
    if len(holes) and holes.area.max() >= HOLE:
        mask = holes.labels == int(holes.area.argmax()) + 1
        across = float(m.widths(mask).max())
        found |= {"lytic_mm": across, "lytic_share": across / whole}
    return m.scaled(found, mm_per_pixel)


def _fracture(bone: np.ndarray, width: np.ndarray, empty: np.ndarray, values: np.ndarray) -> dict[str, float]:
    """Gap, displacement and angulation from the axes of both fragments."""
    first, last = int(empty[0]), int(empty[-1])
    axes = []
    for rows in (range(4, first - 2), range(last + 3, len(bone) - 4)):
        ys = np.array([r for r in rows if width[r] > 8], np.float64)
        if len(ys) < 6:
            return {"fractures": 1.0}
        centres = np.array([(bone[int(r)].argmax() + bone.shape[1] - 1 - bone[int(r)][::-1].argmax()) / 2 for r in ys])
        mean = ys.mean()
        slope = float(((ys - mean) * centres).sum() / ((ys - mean) ** 2).sum())
        axes.append((slope, float(centres.mean()) - slope * float(mean)))
    at = (first + last) / 2
    (upper, a), (lower, b) = axes
    middle = [values[:, int(np.clip(upper * at + a + k, 0, values.shape[1] - 1))] for k in range(-4, 5)]
    column = np.mean(middle, axis=0)[first - 4 : last + 5]
    return {
        "fractures": 1.0,
        "gap_mm": float(np.clip((MARROW - column) / (MARROW - SOFT), 0, 1).sum()),
        "displacement_mm": abs(lower * at + b - upper * at - a),
        "angulation_deg": abs(degrees(atan(lower)) - degrees(atan(upper))),
    }

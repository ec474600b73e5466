"""Squamous epithelium in section: how far up from the basement membrane atypical cells reach, mitoses above it.

The surface is up, the basement membrane down. Atypical nuclei are large, dark and crowded; those above them are small
and far apart.
"""

from dataclasses import dataclass
from random import Random

import numpy as np

from medgym_core.imaging import draw as d
from medgym_core.imaging import measure as m

MODALITY = "epithelium histology"
BODY_PART = "cervix"
MM_PER_PIXEL = 0.003
SIZE = 96  # pixels, 0.29 mm
BLANK, CELL, STROMA, NUCLEUS = (248.0, 244.0, 248.0), (226.0, 178.0, 206.0), (238.0, 140.0, 168.0), (84.0, 48.0, 124.0)
STEP = 5.2  # pixels between crowded nuclei
CROWDED = 0.17  # share of nuclear pixels in a band of rows, from which it is atypical
BAND = 7  # rows
STROMAL = 45.0  # red less blue, from which a row of pixels is stroma

TOLERANCE = {"atypical_share": 0.07, "thickness_mm": 0.012, "invading_nests": 0.0}


@dataclass(frozen=True)
class Findings:
    """What is drawn."""

    atypical_share: float = 0.0
    """Share of the epithelium's thickness, from its base, that atypical cells fill: 0 or 0.15 to 1."""
    thickness_mm: float = 0.2
    """0.17 to 0.22."""
    invading_nests: int = 0
    """Nests of atypical cells below the basement membrane, 0 to 3."""


def sample(rng: Random) -> Findings:
    """Any squamous epithelium."""
    share = rng.choice([0.0, rng.uniform(0.18, 1.0), rng.uniform(0.18, 1.0)])
    return Findings(share, rng.uniform(0.17, 0.21), rng.randint(0, 2) if share > 0.8 else 0)


def expected(findings: Findings) -> dict[str, float]:
    return {
        "atypical_share": findings.atypical_share,
        "thickness_mm": findings.thickness_mm,
        "invading_nests": float(findings.invading_nests),
    }


def draw(rng: Random, findings: Findings) -> np.ndarray:
    """The picture, uint8 (96, 96, 3)."""
    gen = d.generator(rng)
    image = d.canvas(SIZE, SIZE, BLANK)
    thick = findings.thickness_mm / MM_PER_PIXEL
    base = SIZE - 18.0 + rng.uniform(-1, 1)
    top = base - thick
    ys, _ = d.grid(SIZE, SIZE)
    wide = np.zeros((SIZE, SIZE), np.float32)
    d.blend(image, d.edge(ys - np.float32(top) + wide), CELL)
    d.blend(image, d.edge(ys - np.float32(base) + wide), STROMA)
    image += (d.texture(gen, SIZE, SIZE, (12.0, 5.0)) * 4)[..., None]
    border = base - findings.atypical_share * thick
    y = base - 3.0
    while y > border + 1.5:
        _crowd(rng, image, y)
        y -= STEP * 0.92
    _plain(rng, image, top + 3, border - 2.5)
    for k in range(findings.invading_nests):
        x = 16 + 32 * k + rng.uniform(-4, 4)
        for dx, dy in ((0, 0), (3.2, 0.4), (-3.2, 0.4), (1.6, 2.9), (-1.6, 2.9)):
            d.dab(image, x + dx, base + 9 + dy, 1.9, 1.8, NUCLEUS)
    image += d.grain(gen, (SIZE, SIZE), 1.5)[..., None]
    return d.quantise(image)


def _crowd(rng: Random, image: np.ndarray, y: float) -> None:
    """One row of large dark nuclei; rows are staggered."""
    count = int(SIZE / STEP) + 2
    shift = 0.5 if int(y / STEP) % 2 else 0.0
    drawn = [(rng.uniform(-0.12, 0.12), rng.uniform(-0.4, 0.4), rng.uniform(1.65, 2.05)) for _ in range(count)]
    dx, dy, r = np.asarray(drawn, np.float32).T
    x = (np.arange(count, dtype=np.float32) - 1 + shift + dx) * np.float32(STEP)
    top = int(y) - 3
    part = image[top : top + 7]
    ys, xs = d.grid(*part.shape[:2])
    near = np.abs(xs[0][:, None] - x).argmin(axis=1)  # the nucleus each column belongs to
    away = np.sqrt((xs - x[near]) ** 2 + (ys + np.float32(top - y) - dy[near]) ** 2)
    d.blend(part, d.edge(r[near] - away), NUCLEUS)


def _plain(rng: Random, image: np.ndarray, top: float, bottom: float) -> None:
    """Small nuclei, far apart; flatter towards the surface."""
    y = bottom
    while y > top:
        for k in range(8):
            x = (k + rng.uniform(0.2, 0.8)) * SIZE / 8
            d.dab(image, x, y, 1.5, 0.9, NUCLEUS)
        y -= 9.0


def measure(pixels: np.ndarray, mm_per_pixel: float | None) -> dict[str, float]:
    """Thickness, share filled by atypical cells, nests below; empty where there is no epithelium."""
    if pixels.ndim != 3:
        return {}
    red, green = pixels[..., 0].astype(np.float32), pixels[..., 1].astype(np.float32)
    across = np.median(green, axis=1)
    tissue = np.flatnonzero(across < 215)
    if not len(tissue):
        return {}
    stromal = np.median(red - pixels[..., 2], axis=1) > STROMAL
    below = np.flatnonzero(stromal[tissue[0] :])
    if not len(below) or below[0] < 10:
        return {}
    top, base = float(tissue[0]), float(tissue[0] + below[0])
    nuclear = (red < 150) & (green < 115)
    nests = m.objects(m.grown(nuclear[int(base) + 4 :]))
    found = {
        "thickness_mm": base - top,
        "atypical_share": _atypical(nuclear, top, base),
        "invading_nests": float(np.count_nonzero(nests.area >= 40)),
    }
    return m.scaled(found, mm_per_pixel)


def _atypical(nuclear: np.ndarray, top: float, base: float) -> float:
    """Height of the crowded rows above the base, as a share of the thickness."""
    rows = nuclear.mean(axis=1)
    padded = np.pad(rows[int(top) : int(base)], BAND // 2, mode="edge")
    smooth = np.convolve(padded, np.ones(BAND) / BAND, mode="valid")[::-1]  # from the base up
    crowded = smooth > CROWDED
    if not crowded[2]:
        return 0.0
    height = int(np.argmin(crowded)) if not crowded.all() else len(crowded)
    return height / (base - top)

"""Stained blood smear: red cells by size, pallor and shape, parasites inside them, white cells by kind.

Red cells are pink discs, pale in the middle; nuclei and parasites are purple.
"""

from dataclasses import dataclass
from random import Random
from statistics import NormalDist

import numpy as np

from medgym_core.errors import MedGymError
from medgym_core.imaging import draw as d
from medgym_core.imaging import measure as m

MODALITY = "blood smear"
BODY_PART = "blood"
MM_PER_PIXEL = 0.0008
SIZE = 96  # pixels, 77 micrometres
GLASS, RED, PALLOR, DENSE = (248.0, 240.0, 234.0), (216.0, 118.0, 112.0), (240.0, 192.0, 184.0), (196.0, 84.0, 84.0)
PARASITE, BLAST, MATURE, PLASMA, GRANULAR, SMUDGE = (
    (84.0, 36.0, 156.0), (146.0, 92.0, 176.0), (78.0, 38.0, 112.0), (156.0, 160.0, 222.0), (226.0, 164.0, 190.0),
    (196.0, 160.0, 212.0),
)  # fmt: skip
CELL_GREEN, PALE_GREEN = 180, 156  # below: cell; above, in a red cell: central pallor
PURPLE = 12  # blue less red, from which a pixel is nuclear
NUCLEATED, PARASITISED = 30, 2  # purple pixels that make a white cell, a parasitised red cell
SMUDGE_BRIGHTNESS, BLAST_BRIGHTNESS = 150.0, 88.0  # of nuclear pixels; paler is a smudge, a blast
FRAGMENT, DENSE_SHARE = 0.68, 0.02  # area over the median; pallor share
OVAL = 1.25  # long over short axis

TOLERANCE = {
    "red_cells": 2.0,
    "red_cell_diameter_um": 0.45,
    "size_variation": 0.05,
    "pallor_ratio": 0.11,
    "spherocytes": 1.0,
    "schistocytes": 1.0,
    "parasitised": 1.0,
    "blasts": 0.0,
    "lymphocytes": 0.0,
    "neutrophils": 0.0,
    "smudge_cells": 0.0,
}


@dataclass(frozen=True)
class Findings:
    """What is drawn."""

    red_cells: int = 34
    """All kinds of red cells together; 18 to 38, fewer with many white cells."""
    diameter_um: float = 7.4
    """Mean of the biconcave ones, 5.6 to 8.2."""
    size_variation: float = 0.04
    """Standard deviation of their diameter over its mean, 0.03 to 0.2."""
    pallor_ratio: float = 0.33
    """Diameter of the central pallor over that of the cell, 0.25 to 0.6."""
    spherocytes: int = 0
    schistocytes: int = 0
    parasitised: int = 0
    blasts: int = 0
    lymphocytes: int = 0
    neutrophils: int = 0
    smudge_cells: int = 0


def sample(rng: Random) -> Findings:
    """Any smear."""
    white = {k: rng.randint(0, 1) for k in ("blasts", "lymphocytes", "neutrophils", "smudge_cells")}
    odd = rng.choice(["spherocytes", "schistocytes", "parasitised", "none"])
    more = {} if odd == "none" else {odd: rng.randint(1, 8)}
    size = rng.uniform(6.0, 7.8)
    return Findings(rng.randint(20, 26), size, rng.uniform(0.03, 0.14), rng.uniform(0.28, 0.6), **white, **more)


def expected(findings: Findings) -> dict[str, float]:
    plain = findings.red_cells - findings.spherocytes - findings.schistocytes
    names = ("red_cells", "spherocytes", "schistocytes", "parasitised", "blasts", "lymphocytes", "neutrophils")
    found = {name: float(getattr(findings, name)) for name in (*names, "smudge_cells")}
    if plain < 3:
        return found
    return found | {
        "red_cell_diameter_um": findings.diameter_um,
        "size_variation": findings.size_variation,
        "pallor_ratio": findings.pallor_ratio,
    }


def draw(rng: Random, findings: Findings) -> np.ndarray:
    """The picture, uint8 (96, 96, 3). Raises MedGymError where the cells do not fit."""
    gen = d.generator(rng)
    image = d.canvas(SIZE, SIZE, GLASS)
    image += (d.texture(gen, SIZE, SIZE, (30.0, 11.0)) * 2)[..., None]
    um = 0.001 / MM_PER_PIXEL
    free = np.ones((SIZE, SIZE), bool)
    for kind, paint, radius in (
        ("blasts", _blast, 9.0), ("neutrophils", _neutrophil, 7.6), ("smudge_cells", _smudge, 7.5),
        ("lymphocytes", _lymphocyte, 5.8),
    ):  # fmt: skip
        for _ in range(getattr(findings, kind)):
            paint(rng, image, *_spot(rng, free, radius), radius)
    r = findings.diameter_um / 2 * um
    plain = findings.red_cells - findings.spherocytes - findings.schistocytes
    sizes = [r * (1 + findings.size_variation * NormalDist().inv_cdf((k + 0.5) / plain)) for k in range(plain)]
    for k, size in enumerate(sorted(sizes, reverse=True)):
        _red(
            rng, image, *_spot(rng, free, size), size, findings.pallor_ratio, parasite=plain - k <= findings.parasitised
        )
    for _ in range(findings.spherocytes):
        x, y = _spot(rng, free, 0.74 * r)
        d.dab(image, x, y, 0.74 * r, 0.74 * r, DENSE)
    for _ in range(findings.schistocytes):
        _fragment(rng, image, *_spot(rng, free, 0.82 * r), 0.82 * r)
    image += d.grain(gen, (SIZE, SIZE), 1.5)[..., None]
    return d.quantise(image)


def _spot(rng: Random, free: np.ndarray, r: float) -> tuple[float, float]:
    """A place for a cell of radius `r`; it and its surroundings are free no longer."""
    spot = d.fit(rng, free, r, 1.2)
    if spot is None:
        raise MedGymError(
            "no room on the smear", got=f"a cell of radius {r:.1f} pixels", expected="fewer or smaller cells"
        )
    return spot


def _red(rng: Random, image: np.ndarray, x: float, y: float, r: float, pallor: float, *, parasite: bool) -> None:
    d.dab(image, x, y, r, r, RED)
    d.dab(image, x, y, r * pallor, r * pallor, PALLOR, soft=1.5)
    if parasite:
        u, v = d.direction(rng)
        d.dab(image, x + 0.5 * r * u, y + 0.5 * r * v, 1.4, 1.4, PARASITE)


def _fragment(rng: Random, image: np.ndarray, x: float, y: float, r: float) -> None:
    """A helmet: a disc cut off along a straight line."""
    u, v = d.direction(rng)
    cover = d.ellipse(SIZE, SIZE, x, y, r, r)
    ys, xs = d.grid(SIZE, SIZE)
    d.blend(image, cover * d.edge((xs - np.float32(x)) * np.float32(u) + (ys - np.float32(y)) * np.float32(v)), DENSE)


def _blast(rng: Random, image: np.ndarray, x: float, y: float, r: float) -> None:
    d.dab(image, x, y, r, r * 0.96, PLASMA)
    d.dab(image, x + rng.uniform(-0.6, 0.6), y, r * 0.85, r * 0.83, BLAST)


def _lymphocyte(rng: Random, image: np.ndarray, x: float, y: float, r: float) -> None:
    d.dab(image, x, y, r, r, PLASMA)
    d.dab(image, x + rng.uniform(-0.4, 0.4), y, r * 0.86, r * 0.84, MATURE)


def _neutrophil(rng: Random, image: np.ndarray, x: float, y: float, r: float) -> None:
    """Three lobes in a granular cell."""
    d.dab(image, x, y, r, r, GRANULAR)
    c, s = d.direction(rng)
    for k in (-1, 0, 1):
        lift = 1.6 if k == 0 else -0.8
        d.dab(image, x + 3.7 * k * c - lift * s, y + 3.7 * k * s + lift * c, 2.3, 2.1, MATURE)


def _smudge(rng: Random, image: np.ndarray, x: float, y: float, r: float) -> None:
    d.blend(
        image,
        d.blob(SIZE, SIZE, x, y, r * 0.85, r * 0.6, d.direction(rng), d.waves_of(rng, (2, 3, 5), 0.1), 3.0),
        SMUDGE,
    )


def measure(pixels: np.ndarray, mm_per_pixel: float | None) -> dict[str, float]:
    """Cells counted by kind, size and pallor of the red ones; empty where there are no cells."""
    if pixels.ndim != 3:
        return {}
    red, green, blue = (pixels[..., i].astype(np.float32) for i in range(3))
    cells = m.objects(m.filled(green < CELL_GREEN))
    nuclear = (blue - red > PURPLE) & (green < 185)
    purple = np.bincount(cells.labels[nuclear], minlength=len(cells) + 1)[1:]
    real = cells.area >= 8
    white = real & (purple >= NUCLEATED)
    reds = real & ~white
    if not reds.any():
        return {}
    pallor = cells.mean((green > PALE_GREEN) & m.shrunk(cells.labels > 0, 2))
    middle = float(np.median(cells.area[reds]))
    fragment = reds & (cells.area < FRAGMENT * middle) & (cells.long > OVAL * cells.short)
    dense = reds & ~fragment & (pallor < DENSE_SHARE) & (purple < PARASITISED)
    plain = reds & ~fragment & ~dense
    found = {
        "red_cells": float(np.count_nonzero(reds)),
        "spherocytes": float(np.count_nonzero(dense)),
        "schistocytes": float(np.count_nonzero(fragment)),
        "parasitised": float(np.count_nonzero(reds & (purple >= PARASITISED))),
        **_white(cells, white, nuclear, m.luminance(pixels)),
    }
    if np.count_nonzero(plain) >= 3:
        sizes = 2 * np.sqrt(cells.area[plain] / np.pi)
        clear = plain & (purple < PARASITISED)
        found["size_variation"] = float(sizes.std() / sizes.mean())
        if clear.any():
            found["pallor_ratio"] = float(np.sqrt(pallor[clear]).mean())
        if mm_per_pixel is not None:
            found["red_cell_diameter_um"] = float(sizes.mean() * 1000 * mm_per_pixel)
    for name, of, share in (
        ("schistocyte_percent", "red_cells", "schistocytes"),
        ("parasitaemia_percent", "red_cells", "parasitised"),
        ("blast_percent", "white_cells", "blasts"),
    ):
        if found[of]:
            found[name] = 100 * found[share] / found[of]
    return found


def _white(cells: m.Objects, white: np.ndarray, nuclear: np.ndarray, values: np.ndarray) -> dict[str, float]:
    """White cells by the brightness of their nucleus and how much of the cell it fills."""
    n = len(cells) + 1
    amount = np.bincount(cells.labels[nuclear], minlength=n)[1:]
    brightness = np.bincount(cells.labels[nuclear], values[nuclear], n)[1:] / np.maximum(amount, 1)
    smudge = white & (brightness > SMUDGE_BRIGHTNESS)
    blast = white & ~smudge & (brightness > BLAST_BRIGHTNESS)
    mature = white & ~smudge & ~blast
    round_nucleus = amount > 0.5 * cells.area
    counts = {
        "blasts": blast,
        "lymphocytes": mature & round_nucleus,
        "neutrophils": mature & ~round_nucleus,
        "smudge_cells": smudge,
    }
    found = {name: float(np.count_nonzero(chosen)) for name, chosen in counts.items()}
    return {"white_cells": found["blasts"] + found["lymphocytes"] + found["neutrophils"]} | found

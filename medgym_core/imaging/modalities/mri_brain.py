"""MRI of the brain, one axial FLAIR slice: white-matter lesions by number, place and size.

A lesion is bright. It is periventricular where it lies within `NEAR_MM` of a ventricle, juxtacortical within `NEAR_MM`
of the surface, else deep.
"""

from dataclasses import dataclass
from random import Random

import numpy as np

from medgym_core.errors import MedGymError
from medgym_core.imaging import draw as d
from medgym_core.imaging import measure as m

MODALITY = "mri brain"
BODY_PART = "brain"
MM_PER_PIXEL = 1.4
SIZE = 112  # pixels, 157 mm
BRAIN, FLUID, LESION = 112.0, 18.0, 226.0
BRIGHT = 169  # half-way between brain and lesion
X, Y, RX, RY = 56.0, 56.0, 42.0, 50.0
NEAR_MM = 5.6
SMALLEST_MM = 3.0  # shorter lesions do not count (Filippi et al. 2016)

TOLERANCE = {"lesions": 1.0, "periventricular": 1.0, "juxtacortical": 1.0, "deep": 1.0, "largest_lesion_mm": 2.6}


@dataclass(frozen=True)
class Findings:
    """What is drawn."""

    periventricular: int = 0
    juxtacortical: int = 0
    """0 to 6 each."""
    deep: int = 0
    """0 to 8."""
    largest_mm: float = 7.0
    """Diameter of the largest lesion, 5 to 14; the others are 4.5 to 6.5."""


def sample(rng: Random) -> Findings:
    """Any brain."""
    return Findings(rng.randint(0, 4), rng.randint(0, 4), rng.randint(0, 5), rng.uniform(6.5, 10))


def expected(findings: Findings) -> dict[str, float]:
    total = findings.periventricular + findings.juxtacortical + findings.deep
    found = {
        "lesions": float(total),
        "periventricular": float(findings.periventricular),
        "juxtacortical": float(findings.juxtacortical),
        "deep": float(findings.deep),
    }
    return found | ({"largest_lesion_mm": findings.largest_mm} if total else {})


def draw(rng: Random, findings: Findings) -> np.ndarray:
    """The picture, uint8 (112, 112). Raises MedGymError where the lesions do not fit."""
    gen = d.generator(rng)
    image = d.canvas(SIZE, SIZE, 4.0)
    brain = d.ellipse(SIZE, SIZE, X, Y, RX, RY)
    d.blend(image, brain, BRAIN)
    image += brain * d.texture(gen, SIZE, SIZE, (18.0, 7.0)) * 5
    horns = np.zeros((SIZE, SIZE), np.float32)
    for side in (-1, 1):
        horn = d.ellipse(SIZE, SIZE, X + side * 8.0, Y - 4, 4.5, 15.0)
        d.blend(image, horn, FLUID)
        horns = np.maximum(horns, horn)
    places = (
        ("periventricular", _band(horns > 0.5, 3, 5)),
        ("juxtacortical", _band(brain < 0.5, 3, 5) & (brain > 0.5)),
        ("deep", (brain > 0.5) & ~m.grown(brain < 0.5, 13) & ~m.grown(horns > 0.5, 13)),
    )
    first = True
    free = np.ones((SIZE, SIZE), bool)
    for name, room in places:
        for _ in range(getattr(findings, name)):
            size = findings.largest_mm if first else rng.uniform(4.6, min(6.2, findings.largest_mm))
            r = size / MM_PER_PIXEL / 2
            spot = d.places(rng, 1, SIZE, SIZE, 1.0, room & free)
            if not spot:
                raise MedGymError("no room in the brain", got=f"{getattr(findings, name)} {name}", expected="fewer")
            d.dab(image, *spot[0], r, r, LESION)
            free &= ~(d.ellipse(SIZE, SIZE, *spot[0], r + 7.5, r + 7.5) > 0.5)
            first = False
    image += d.grain(gen, image.shape, 2.0) * brain
    return d.quantise(image)


def _band(mask: np.ndarray, near: int, far: int) -> np.ndarray:
    """Pixels between `near` and `far` steps outside a mask."""
    return m.grown(mask, far) & ~m.grown(mask, near)


def measure(pixels: np.ndarray, mm_per_pixel: float | None) -> dict[str, float]:
    """Lesions by place; empty where there is no brain. Places and sizes need the scale."""
    if pixels.ndim != 2:
        return {}
    values = pixels.astype(np.float32)
    brain = m.largest(values > 60)
    if brain is None or not 0.2 * values.size < brain.sum() < 0.9 * values.size:
        return {}
    ventricle = m.shrunk(brain, 4) & (values < 60)
    parts = m.objects(brain & (values > BRIGHT))
    scale = mm_per_pixel or MM_PER_PIXEL
    real = (parts.area >= 5) & (2 * np.sqrt(parts.area / np.pi) * scale >= SMALLEST_MM)
    found = {"lesions": float(np.count_nonzero(real))}
    if mm_per_pixel is None:
        return found
    reach = max(1, round(NEAR_MM / scale))
    inner, outer = m.grown(m.grown(ventricle), reach), m.grown(~brain, reach)
    at_ventricle, at_surface = _touch(parts, inner) & real, _touch(parts, outer) & real & ~_touch(parts, inner)
    found |= {
        "periventricular": float(np.count_nonzero(at_ventricle)),
        "juxtacortical": float(np.count_nonzero(at_surface)),
        "deep": float(np.count_nonzero(real & ~at_ventricle & ~at_surface)),
    }
    if real.any():
        found["largest_lesion_mm"] = float(2 * np.sqrt(parts.area[real].max() / np.pi)) * scale
    return found


def _touch(parts: m.Objects, mask: np.ndarray) -> np.ndarray:
    """Which parts have a pixel in the mask."""
    return np.bincount(parts.labels[mask], minlength=len(parts) + 1)[1:] > 0

"""Cardiac CT without contrast, one slice: coronary calcium by Agatston's method.

Grey 0 to 255 stands for -200 to 820 HU, 4 HU a step. A lesion is connected calcium of at least 130 HU and 1 mm2; its
score is its area in mm2 times 1, 2, 3 or 4 for a peak of 130, 200, 300 or 400 HU (Agatston et al. 1990). What reaches
the edge of the picture is bone.
"""

from dataclasses import dataclass
from random import Random

import numpy as np

from medgym_core.errors import MedGymError
from medgym_core.imaging import draw as d
from medgym_core.imaging import measure as m

MODALITY = "cardiac ct"
BODY_PART = "heart"
MM_PER_PIXEL = 0.5
WINDOW_HU = (-200.0, 820.0)
SIZE = 96  # pixels, 48 mm
FAT_HU, MUSCLE_HU, BONE_HU = -90.0, 40.0, 420.0
CALCIUM_HU = 130.0
WEIGHTS = ((130.0, 1), (200.0, 2), (300.0, 3), (400.0, 4))
SMALLEST_MM2 = 1.0

TOLERANCE = {"agatston": 8.0, "calcified_lesions": 0.0, "peak_hu": 22.0, "calcium_area_mm2": 2.0}


@dataclass(frozen=True)
class Findings:
    """What is drawn."""

    plaques: tuple[tuple[float, float], ...] = ()
    """Diameter in mm (1.8 to 5) and peak HU (150 to 700) of each."""


def sample(rng: Random) -> Findings:
    """Any heart."""
    return Findings(tuple((rng.uniform(1.8, 4.4), peak(rng, rng.randint(1, 4))) for _ in range(rng.randint(0, 4))))


def peak(rng: Random, weight: int) -> float:
    """A peak that clearly has that weight."""
    return rng.uniform(*{1: (150, 178), 2: (225, 275), 3: (325, 375), 4: (430, 650)}[weight])


def weight_of(hu: float) -> int:
    return max((w for limit, w in WEIGHTS if hu >= limit), default=0)


def area_mm2(diameter_mm: float, hu: float) -> float:
    """Area at or above the threshold of a plaque with an edge one pixel wide."""
    share = (CALCIUM_HU - MUSCLE_HU) / (hu - MUSCLE_HU)
    return np.pi * (diameter_mm / 2 + MM_PER_PIXEL * (0.5 - share)) ** 2


def expected(findings: Findings) -> dict[str, float]:
    areas = [area_mm2(*p) for p in findings.plaques]
    found = {
        "agatston": float(sum(a * weight_of(p[1]) for a, p in zip(areas, findings.plaques, strict=True))),
        "calcified_lesions": float(len(areas)),
        "calcium_area_mm2": float(sum(areas)),
    }
    return found | ({"peak_hu": max(p[1] for p in findings.plaques)} if areas else {})


def grey(hu: float) -> float:
    low, high = WINDOW_HU
    return (hu - low) / (high - low) * 255


def draw(rng: Random, findings: Findings) -> np.ndarray:
    """The picture, uint8 (96, 96). Raises MedGymError where the plaques do not fit."""
    gen = d.generator(rng)
    image = d.canvas(SIZE, SIZE, grey(FAT_HU))
    d.blend(image, d.ellipse(SIZE, SIZE, 48.0, 46.0, 42.0, 40.0), grey(MUSCLE_HU))
    d.dab(image, 48.0, 100.0, 16.0, 10.0, grey(BONE_HU))
    free = d.ellipse(SIZE, SIZE, 48.0, 46.0, 34.0, 32.0) > 0.5
    spots = d.places(rng, len(findings.plaques), SIZE, SIZE, 14.0, free)
    if len(spots) < len(findings.plaques):
        raise MedGymError("no room in the heart", got=f"{len(findings.plaques)} plaques", expected="fewer")
    for (x, y), (size, hu) in zip(spots, findings.plaques, strict=True):
        r = size / MM_PER_PIXEL / 2
        d.dab(image, x, y, r, r, grey(hu))
    image += d.grain(gen, image.shape, 1.2)
    return d.quantise(image)


def measure(pixels: np.ndarray, mm_per_pixel: float | None) -> dict[str, float]:
    """Lesions, their score and area; empty where there is no heart muscle in the middle. A score needs the scale."""
    if pixels.ndim != 2:
        return {}
    low, high = WINDOW_HU
    hu = pixels.astype(np.float32) / 255 * (high - low) + low
    if not -20 < float(np.median(hu)) < 110:
        return {}
    parts = m.objects(hu >= CALCIUM_HU)
    edge = np.zeros(hu.shape, bool)
    edge[[0, -1]], edge[:, [0, -1]] = True, True
    outside = np.bincount(parts.labels[edge], minlength=len(parts) + 1)[1:] > 0
    pixel = (mm_per_pixel or MM_PER_PIXEL) ** 2
    real = ~outside & (parts.area * pixel >= SMALLEST_MM2)
    peaks = np.array([hu[parts.labels == i + 1].max() for i in np.flatnonzero(real)])
    areas = parts.area[real] * pixel
    found = {"calcified_lesions": float(np.count_nonzero(real))}
    if len(peaks):
        found["peak_hu"] = float(peaks.max())
    if mm_per_pixel is None:
        return found
    score = sum(a * weight_of(float(p)) for a, p in zip(areas, peaks, strict=True))
    return found | {"agatston": float(score), "calcium_area_mm2": float(areas.sum())}

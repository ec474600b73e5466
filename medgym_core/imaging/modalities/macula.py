"""Macular photograph, magnified: drusen counted and sized, geographic atrophy, blood under the retina."""

from dataclasses import dataclass
from random import Random

import numpy as np

from medgym_core.errors import MedGymError
from medgym_core.imaging import draw as d
from medgym_core.imaging import measure as m

MODALITY = "macular photograph"
BODY_PART = "eye"
MM_PER_PIXEL = 0.03
SIZE = 96  # pixels, 2.9 mm
RETINA, FOVEA, DRUSE, ATROPHY, BLOOD = (
    (178.0, 88.0, 52.0), (140.0, 60.0, 36.0), (240.0, 206.0, 120.0), (236.0, 222.0, 204.0), (92.0, 16.0, 18.0),
)  # fmt: skip
BRIGHT = 46.0  # grey levels above the retina, half of a druse's height

TOLERANCE = {"drusen": 1.0, "largest_druse_um": 22.0, "atrophy_mm2": 0.08, "blood_mm2": 0.08}


@dataclass(frozen=True)
class Findings:
    """What is drawn."""

    drusen_um: tuple[float, ...] = ()
    """Diameter of each druse, 45 to 300 micrometres."""
    atrophy_mm2: float = 0.0
    """Area of sharply bordered atrophy, 0 or 0.3 to 1.5."""
    blood_mm2: float = 0.0
    """Area of subretinal blood, 0 or 0.3 to 1.5."""


def sample(rng: Random) -> Findings:
    """Any macula."""
    return Findings(
        tuple(rng.uniform(50, 220) for _ in range(rng.randint(0, 8))),
        rng.choice([0.0, 0.0, rng.uniform(0.3, 1.2)]),
        rng.choice([0.0, 0.0, rng.uniform(0.3, 1.2)]),
    )


def expected(findings: Findings) -> dict[str, float]:
    found = {
        "drusen": float(len(findings.drusen_um)),
        "atrophy_mm2": findings.atrophy_mm2,
        "blood_mm2": findings.blood_mm2,
    }
    return found | ({"largest_druse_um": max(findings.drusen_um)} if findings.drusen_um else {})


def draw(rng: Random, findings: Findings) -> np.ndarray:
    """The picture, uint8 (96, 96, 3). Raises MedGymError where the lesions do not fit."""
    gen = d.generator(rng)
    image = d.canvas(SIZE, SIZE, RETINA)
    d.blend(image, d.ellipse(SIZE, SIZE, 47.5, 47.5, 10, 10, soft=12.0) * np.float32(0.6), FOVEA)
    free = d.ellipse(SIZE, SIZE, 47.5, 47.5, 42, 42) > 0.5
    for area, value, x, y in (
        (findings.atrophy_mm2, ATROPHY, 47.5 + rng.uniform(-4, 4), 34.0),
        (findings.blood_mm2, BLOOD, 47.5 + rng.uniform(-4, 4), 68.0),
    ):
        if area:
            radius = (area / MM_PER_PIXEL**2 / np.pi) ** 0.5
            waves = d.waves_of(rng, (2, 3, 5, 7), 0.07)
            cover = d.blob(SIZE, SIZE, x, y, radius, radius, waves=waves)
            d.blend(image, cover, value)
            free &= ~m.grown(cover > 0, 8)
    for size in sorted(findings.drusen_um, reverse=True):
        r = size / 1000 / MM_PER_PIXEL / 2
        spot = d.places(rng, 1, SIZE, SIZE, 1, free)
        if not spot:
            raise MedGymError("no room in the macula", got=f"{len(findings.drusen_um)} drusen", expected="fewer")
        d.dab(image, *spot[0], r, r, DRUSE)
        free &= ~(d.ellipse(SIZE, SIZE, *spot[0], 2 * r + 3, 2 * r + 3) > 0)
    image += (d.texture(gen, SIZE, SIZE, (22.0, 8.0)) * 3 + d.grain(gen, (SIZE, SIZE), 1.5))[..., None]
    return d.quantise(image)


def measure(pixels: np.ndarray, mm_per_pixel: float | None) -> dict[str, float]:
    """Drusen, atrophy and blood; sizes only with a scale. Empty where the picture is not a red retina."""
    if pixels.ndim != 3:
        return {}
    red, green, blue = (pixels[..., i].astype(np.float32) for i in range(3))
    base = float(np.median(green))
    if float(np.median(red)) < 1.2 * base:
        return {}
    pale = m.objects(green > base + BRIGHT)
    atrophic = (pale.mean(blue) > ATROPHIC_BLUE) & (pale.area >= 100)
    spots = (pale.area >= 1) & ~atrophic
    # the brightness a druse adds tells its size below the resolution of a pixel mask
    around = m.grown(pale.labels > 0) & ~pale.keep(atrophic)
    number = np.where(around, _nearest_label(pale.labels), 0)
    light = np.clip((green - base) / (DRUSE[1] - base), 0, 1)
    amount = np.bincount(number.ravel(), (light * around).ravel(), len(pale) + 1)[1:]
    dark = m.objects((red < 130) & (green < 48))
    found = {
        "drusen": float(np.count_nonzero(spots)),
        "atrophy_mm2": float(pale.area[atrophic].sum()),
        "blood_mm2": float(dark.area[dark.area >= 60].sum()),
    }
    if spots.any() and mm_per_pixel is not None:
        found["largest_druse_um"] = 2000 * mm_per_pixel * float((amount[spots].max() / np.pi) ** 0.5)
    return m.scaled(found, mm_per_pixel)


ATROPHIC_BLUE = 160.0  # mean blue of atrophy (204) and of drusen (120) lie on either side


def _nearest_label(labels: np.ndarray) -> np.ndarray:
    """Labels spread by one pixel in the four directions, existing ones kept."""
    spread = labels.copy()
    for here, there in (
        (np.s_[1:], np.s_[:-1]), (np.s_[:-1], np.s_[1:]), (np.s_[:, 1:], np.s_[:, :-1]), (np.s_[:, :-1], np.s_[:, 1:]),
    ):  # fmt: skip
        spread[here] = np.where(spread[here] == 0, labels[there], spread[here])
    return spread

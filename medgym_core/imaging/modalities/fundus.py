"""Fundus photograph of the posterior pole: microaneurysms, haemorrhages, exudates, new vessels, by quadrant.

A 45 degree field centred on the fovea, the optic disc to the right (a right eye) or to the left (a left eye). Small
red spots count as microaneurysms, larger ones as haemorrhages; a pool of blood is preretinal.
"""

from dataclasses import dataclass
from functools import lru_cache
from random import Random

import numpy as np

from medgym_core.errors import MedGymError
from medgym_core.imaging import draw as d
from medgym_core.imaging import measure as m

MODALITY = "fundus photograph"
BODY_PART = "eye"
MM_PER_PIXEL = 0.135
SIZE = 96
FIELD = 46.0  # pixels, radius of the round field
RETINA, DISC, VESSEL, BLOOD, EXUDATE = (
    (196.0, 104.0, 62.0), (246.0, 214.0, 150.0), (158.0, 66.0, 50.0), (96.0, 18.0, 18.0), (250.0, 240.0, 160.0),
)  # fmt: skip
NEW_VESSEL = (232.0, 36.0, 58.0)
QUADRANTS = ("upper_right", "upper_left", "lower_left", "lower_right")
DISC_AT = 30.0  # pixels from the fovea, 4.05 mm
DISC_RADIUS = 6.6  # pixels, 1.8 mm across
MICROANEURYSM_AREA = 3.6  # pixels, summed coverage: between the spots drawn as one and as the other
POOL_AREA = 60.0  # pixels; more blood in one place is preretinal
LARGEST_EXUDATE = 40  # pixels; what is larger and pale is the disc
APART = 6.5  # pixels between spots, so that they can be counted

TOLERANCE = {
    "microaneurysms": 1.0,
    "haemorrhages": 2.0,
    "fewest_haemorrhages_in_a_quadrant": 1.0,
    "exudates": 1.0,
    "new_vessel_share": 0.02,
    "preretinal_blood_mm2": 1.2,
    "exudate_to_fovea_mm": 0.2,
}


@dataclass(frozen=True)
class Findings:
    """What is drawn."""

    eye: str = "right"
    microaneurysms: int = 0
    haemorrhages: tuple[int, int, int, int] = (0, 0, 0, 0)
    """In the quadrants of `QUADRANTS`, at most 24 each."""
    exudates: int = 0
    exudate_to_fovea_mm: float = 3.0
    """Distance of the nearest exudate from the fovea, where there are exudates."""
    new_vessels: bool = False
    """A tuft of new vessels beside the disc."""
    preretinal_mm2: float = 0.0
    """Area of a boat-shaped pool of blood below, 0 or 2 to 5."""


def sample(rng: Random) -> Findings:
    """Any retina."""
    severe = rng.random() < 0.3
    low, high = (20, 24) if severe else (0, 6)
    return Findings(
        rng.choice(["right", "left"]),
        rng.randint(0, 8),
        tuple(rng.randint(low, high) for _ in QUADRANTS),  # type: ignore[arg-type]
        rng.choice([0, 0, rng.randint(2, 6)]),
        rng.uniform(0.6, 3.5),
        rng.random() < 0.3,
        rng.choice([0.0, 0.0, rng.uniform(2, 5)]) if not severe else 0.0,
    )


def expected(findings: Findings) -> dict[str, float]:
    found = {
        "microaneurysms": float(findings.microaneurysms),
        "haemorrhages": float(sum(findings.haemorrhages)),
        "fewest_haemorrhages_in_a_quadrant": float(min(findings.haemorrhages)),
        "exudates": float(findings.exudates),
        "preretinal_blood_mm2": findings.preretinal_mm2,
    }
    return found | ({"exudate_to_fovea_mm": findings.exudate_to_fovea_mm} if findings.exudates else {})


def draw(rng: Random, findings: Findings) -> np.ndarray:
    """The picture, uint8 (96, 96, 3). Raises MedGymError where the lesions do not fit."""
    gen = d.generator(rng)
    image, free = (a.copy() for a in _background(findings.eye))
    image += (d.texture(gen, SIZE, SIZE, (30.0, 12.0)) * 5)[..., None]
    if findings.preretinal_mm2:
        _pool(image, free, findings.preretinal_mm2)
    if findings.new_vessels:
        _tuft(rng, image, free, findings.eye)
    _exudates(rng, image, free, findings)
    for quadrant, count in enumerate(findings.haemorrhages):
        spots = _room(rng, count, free & (quadrants() == quadrant))
        for x, y in spots:
            d.dab(image, x, y, rng.uniform(1.5, 1.9), rng.uniform(1.5, 1.9), BLOOD)
        _take(free, spots)
    for x, y in _room(rng, findings.microaneurysms, free):
        d.dab(image, round(x), round(y), 0.75, 0.75, BLOOD)
    image += d.grain(gen, (SIZE, SIZE), 1.2)[..., None]
    image[~field()] = 0
    return d.quantise(image)


@lru_cache(1)
def quadrants() -> np.ndarray:
    """Number of the quadrant (of the picture) each pixel lies in, in the order of `QUADRANTS`."""
    ys, xs = d.grid(SIZE, SIZE)
    right, up = xs >= SIZE / 2, ys < SIZE / 2
    return np.where(up, np.where(right, 0, 1), np.where(right, 3, 2))


@lru_cache(1)
def field() -> np.ndarray:
    return d.ellipse(SIZE, SIZE, 47.5, 47.5, FIELD, FIELD) > 0.5


@lru_cache(2)
def _background(eye: str) -> tuple[np.ndarray, np.ndarray]:
    """Retina, fovea, disc and arcades of an eye, and where spots may lie (bool)."""
    side = 1 if eye == "right" else -1
    image = d.canvas(SIZE, SIZE, RETINA)
    d.blend(image, d.ellipse(SIZE, SIZE, 47.5, 47.5, 9, 9, soft=10.0) * np.float32(0.5), (150.0, 66.0, 40.0))
    disc = 47.5 + side * DISC_AT
    for up in (1, -1):
        arcade = [(disc - side * 12.0 * t, 47.5 - up * 26.0 * (1 - (1 - t) ** 2)) for t in (0, 0.2, 0.45, 0.7, 1.0)]
        arcade += [(disc - side * (12 + 22.0 * t), 47.5 - up * (26 - 4.0 * t)) for t in (0.5, 1.0, 1.6)]
        d.stroke(image, arcade, 2.2, VESSEL)
        d.stroke(
            image, [(disc, 47.5), (disc + side * 6, 47.5 - up * 8), (disc + side * 9, 47.5 - up * 20)], 1.6, VESSEL
        )
    d.blend(image, d.ellipse(SIZE, SIZE, disc, 47.5, DISC_RADIUS, DISC_RADIUS * 1.1), DISC)
    vessel = np.abs(image - np.asarray(RETINA, np.float32)).sum(axis=2) > 30
    near_fovea = d.ellipse(SIZE, SIZE, 47.5, 47.5, 9, 9) > 0
    inner = d.ellipse(SIZE, SIZE, 47.5, 47.5, FIELD - 3, FIELD - 3) > 0.5
    return image, inner & ~m.grown(vessel & ~near_fovea, 2)


def _room(rng: Random, count: int, free: np.ndarray) -> list[tuple[float, float]]:
    for apart in (APART, APART - 1, APART - 2):
        spots = d.places(rng, count, SIZE, SIZE, apart, free)
        if len(spots) == count:
            return spots
    raise MedGymError("no room on the retina", got=f"{count} spots", expected=f"at most {len(spots)}")


def _take(free: np.ndarray, spots: list[tuple[float, float]]) -> None:
    """No longer free: the surroundings of the spots."""
    for x, y in spots:
        i, j = round(y), round(x)
        free[max(0, i - 4) : i + 5, max(0, j - 4) : j + 5] = False


def _pool(image: np.ndarray, free: np.ndarray, area_mm2: float) -> None:
    """A boat: flat above, round below, a half disc of that area."""
    radius = (2 * area_mm2 / MM_PER_PIXEL**2 / np.pi) ** 0.5
    ys, _ = d.grid(SIZE, SIZE)
    cover = d.ellipse(SIZE, SIZE, 47.5, 62.0, radius, radius) * (ys >= 62)
    d.blend(image, cover, BLOOD)
    free &= ~(m.grown(cover > 0, 3))


def _tuft(rng: Random, image: np.ndarray, free: np.ndarray, eye: str) -> None:
    """A fan of fine bright vessels on the foveal side of the disc."""
    side = 1 if eye == "right" else -1
    x, y = 47.5 + side * (DISC_AT - DISC_RADIUS - 1), 47.5
    for k in range(5):
        reach, lift = rng.uniform(6, 9), (k - 2) * 2.6
        d.stroke(image, [(x, y), (x - side * reach / 2, y + lift), (x - side * reach, y + 1.4 * lift)], 1.1, NEW_VESSEL)
    free &= ~(d.ellipse(SIZE, SIZE, x - side * 5, y, 9, 12) > 0)


def _exudates(rng: Random, image: np.ndarray, free: np.ndarray, findings: Findings) -> None:
    """The nearest exudate at its distance from the fovea, the others farther out."""
    if not findings.exudates:
        return
    near = findings.exudate_to_fovea_mm / MM_PER_PIXEL
    ys, xs = d.grid(SIZE, SIZE)
    away = np.sqrt((xs - np.float32(47.5)) ** 2 + (ys - np.float32(47.5)) ** 2)
    spots = _room(rng, 1, free & (np.abs(away - near) < 0.8))
    (x, y), length = spots[0], ((spots[0][0] - 47.5) ** 2 + (spots[0][1] - 47.5) ** 2) ** 0.5
    spots[0] = (47.5 + (x - 47.5) * near / length, 47.5 + (y - 47.5) * near / length)
    _take(free, spots)
    spots += _room(rng, findings.exudates - 1, free & (away > near + 3) & (away < near + 18))
    for x, y in spots:
        d.dab(image, x, y, 1.6, 1.4, EXUDATE)
    _take(free, spots)


def measure(pixels: np.ndarray, mm_per_pixel: float | None) -> dict[str, float]:
    """Lesions counted and placed; empty where the picture is not a round red field."""
    if pixels.ndim != 3 or pixels.shape[:2] != (SIZE, SIZE):
        return {}
    red, green = pixels[..., 0].astype(np.float32), pixels[..., 1].astype(np.float32)
    inside = m.shrunk(field(), 2)
    if red[inside].mean() < 1.2 * green[inside].mean():
        return {}
    blood, spots = _blood(red, green, inside)
    small, pool = spots < MICROANEURYSM_AREA, blood.area >= POOL_AREA
    bleeds = ~small & ~pool
    where = quadrants()[np.rint(blood.y).astype(int), np.rint(blood.x).astype(int)]
    each = np.bincount(where[bleeds], minlength=4)
    yellow = m.objects((green > 168) & (red > 200) & inside)
    pale = (yellow.area >= 3) & (yellow.area <= LARGEST_EXUDATE)
    tuft = (red > 190) & (green < 85) & (red - green > 125) & inside
    found = {
        "microaneurysms": float(np.count_nonzero(small)),
        "haemorrhages": float(np.count_nonzero(bleeds)),
        "fewest_haemorrhages_in_a_quadrant": float(each.min()),
        **{f"haemorrhages_{name}": float(n) for name, n in zip(QUADRANTS, each, strict=True)},
        "exudates": float(np.count_nonzero(pale)),
        "new_vessel_share": float(tuft.sum() / inside.sum()),
        "preretinal_blood_mm2": float(blood.area[pool].sum()),
    }
    if pale.any():
        away = np.hypot(yellow.x[pale] - 47.5, yellow.y[pale] - 47.5)
        found["exudate_to_fovea_mm"] = float(away.min())
    return m.scaled(found, mm_per_pixel)


def _blood(red: np.ndarray, green: np.ndarray, inside: np.ndarray) -> tuple[m.Objects, np.ndarray]:
    """Dark red spots, and how much blood each holds (pixels, part-covered ones in part)."""
    darkness = np.clip((170 - red) / 70, 0, 1) * (green < 75)
    found = m.objects((red < 142) & (green < 60) & inside)
    around = m.grown(found.labels > 0) & inside
    amount = np.bincount(found.labels.ravel(), (darkness * around).ravel(), len(found) + 1)[1:]
    return found, amount


def eye_of(pixels: np.ndarray) -> str | None:
    """Which eye it is, by the side of the optic disc: right or left; None where the picture is no such photograph."""
    if not measure(pixels, None):
        return None
    values = m.luminance(pixels)
    disc = 47.5 + np.array([-1, 1]) * DISC_AT
    left, right = (float(values[44:52, int(x) - 3 : int(x) + 5].mean()) for x in disc)
    return "right" if right > left else "left"

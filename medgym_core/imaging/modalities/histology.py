"""Haematoxylin-eosin section of glandular tissue: nuclei counted and sized, glands, mitoses.

A gland is a pale lumen within a ring of nuclei. Mitotic figures are near-black plates, other nuclei purple.
"""

from dataclasses import dataclass
from random import Random

import numpy as np

from medgym_core.errors import MedGymError
from medgym_core.imaging import draw as d
from medgym_core.imaging import measure as m

MODALITY = "histology"
BODY_PART = "tissue"
MM_PER_PIXEL = 0.0015
SIZE = 96  # pixels, 0.144 mm
STROMA, EPITHELIUM, LUMEN, NUCLEUS, MITOSIS = (
    (236.0, 176.0, 200.0), (214.0, 150.0, 190.0), (250.0, 244.0, 248.0), (104.0, 62.0, 142.0), (28.0, 14.0, 46.0),
)  # fmt: skip
NUCLEAR, MITOTIC = 138.0, 58.0  # red below which a pixel is nucleus; brightness below which it is a mitosis
SMALLEST_NUCLEUS, SMALLEST_LUMEN = 5, 12  # pixels
STRETCH = 1.15  # most that a nucleus is longer than round
RIM_UM = 14.0  # micrometres around a lumen that belong to its gland

TOLERANCE = {
    "nuclei": 5.0,
    "nuclear_diameter_um": 1.2,
    "nuclear_variation": 0.12,
    "glands": 0.0,
    "lumen_diameter_um": 3.0,
    "mitoses": 1.0,
}


@dataclass(frozen=True)
class Findings:
    """What is drawn."""

    nuclei: int = 40
    """In the picture, those around lumens included; 20 to 70."""
    nuclear_diameter_um: float = 8.0
    """Mean, 7 to 12."""
    nuclear_variation: float = 0.08
    """Standard deviation of the diameter over its mean, 0.05 to 0.35."""
    glands: int = 0
    """Lumens, 0 to 8."""
    lumen_diameter_um: float = 24.0
    """8 to 40."""
    mitoses: int = 0
    """0 to 5."""


def sample(rng: Random) -> Findings:
    """Any glandular tissue."""
    glands = rng.randint(0, 4)
    return Findings(
        rng.randint(25, 45),
        rng.uniform(7.5, 10),
        rng.uniform(0.05, 0.3),
        glands,
        rng.uniform(12, 26),
        rng.randint(0, 3),
    )


def expected(findings: Findings) -> dict[str, float]:
    found = {
        "nuclei": float(findings.nuclei),
        "nuclear_diameter_um": findings.nuclear_diameter_um,
        "nuclear_variation": findings.nuclear_variation,
        "glands": float(findings.glands),
        "mitoses": float(findings.mitoses),
    }
    return found | ({"lumen_diameter_um": findings.lumen_diameter_um} if findings.glands else {})


def draw(rng: Random, findings: Findings) -> np.ndarray:
    """The picture, uint8 (96, 96, 3). Raises MedGymError where the tissue does not fit."""
    gen = d.generator(rng)
    image = d.canvas(SIZE, SIZE, STROMA)
    image += (d.texture(gen, SIZE, SIZE, (14.0, 5.0)) * 7)[..., None]
    um = 0.001 / MM_PER_PIXEL  # pixels
    free = np.zeros((SIZE, SIZE), bool)
    free[2:-2, 2:-2] = True
    rings = _glands(rng, image, free, findings, um)
    radii = _radii(rng, findings, um)
    around = [r for ring in rings for r in ring][: len(radii)]
    for x, y in around:
        r = radii.pop()
        _nucleus(rng, image, x, y, r)
        _occupy(free, x, y, r * STRETCH + 0.8)
    for r in sorted(radii, reverse=True):
        _nucleus(rng, image, *_spot(rng, free, r * STRETCH, f"{findings.nuclei} nuclei"), r)
    for _ in range(findings.mitoses):
        d.dab(image, *_spot(rng, free, 3.4, f"{findings.mitoses} mitoses"), 3.4, 1.6, MITOSIS, turn=d.direction(rng))
    image += d.grain(gen, (SIZE, SIZE), 1.5)[..., None]
    return d.quantise(image)


def _glands(rng: Random, image: np.ndarray, free: np.ndarray, findings: Findings, um: float) -> list[list]:
    """Lumens with their epithelium; the points of the nuclei around each, in random order."""
    r = findings.lumen_diameter_um / 2 * um
    rim = findings.nuclear_diameter_um * um
    apart = 2 * r + 2.6 * rim if findings.glands < 5 else 2 * r + 1.5 * rim
    inner = free.copy()
    edge = int(r + rim * 0.8) + 3
    inner[:edge], inner[-edge:], inner[:, :edge], inner[:, -edge:] = False, False, False, False
    for _ in range(8):
        centres = d.places(rng, findings.glands, SIZE, SIZE, apart, inner)
        if len(centres) == findings.glands:
            break
    else:
        raise MedGymError("no room in the section", got=f"{findings.glands} glands", expected="fewer or smaller")
    points = []
    for x, y in centres:
        d.dab(image, x, y, r + 1.6 * rim, r + 1.6 * rim, EPITHELIUM, soft=3.0)
        d.dab(image, x, y, r, r, LUMEN)
        c, s = d.direction(rng)
        full = int(2 * np.pi * (r + rim * 0.8) / (1.45 * rim))
        step = 2 * np.pi / max(full, 1)
        at = [
            (x + (r + rim * 0.8) * _cos(c, s, k * step)[0], y + (r + rim * 0.8) * _cos(c, s, k * step)[1])
            for k in range(full)
        ]
        points.append([(px, py) for px, py in at if 4 < px < SIZE - 4 and 4 < py < SIZE - 4])
        _occupy(free, x, y, r + 1.0)
    return points


def _cos(c: float, s: float, turn: float) -> tuple[float, float]:
    """The unit vector (c, s) turned by an angle."""
    from math import cos, sin

    return c * cos(turn) - s * sin(turn), s * cos(turn) + c * sin(turn)


def _radii(rng: Random, findings: Findings, um: float) -> list[float]:
    """Radii of the nuclei in pixels: evenly spread normal quantiles, so that mean and variation are as asked."""
    n = findings.nuclei
    from statistics import NormalDist

    mean = findings.nuclear_diameter_um / 2 * um
    radii = [
        max(1.6, mean * (1 + findings.nuclear_variation * z))
        for z in (NormalDist().inv_cdf((k + 0.5) / n) for k in range(n))
    ]
    rng.shuffle(radii)
    return radii


def _nucleus(rng: Random, image: np.ndarray, x: float, y: float, r: float) -> None:
    stretch = rng.uniform(1.0, STRETCH)
    d.dab(image, x, y, r * stretch, r / stretch, NUCLEUS, turn=d.direction(rng))


def _spot(rng: Random, free: np.ndarray, r: float, what: str) -> tuple[float, float]:
    spot = d.fit(rng, free, r, 0.8)
    if spot is None:
        raise MedGymError("no room in the section", got=what, expected="fewer or smaller")
    return spot


def _occupy(free: np.ndarray, x: float, y: float, r: float) -> None:
    reach = int(r) + 1
    top, left = max(0, round(y) - reach), max(0, round(x) - reach)
    part = free[top : round(y) + reach + 1, left : round(x) + reach + 1]
    ys, xs = d.grid(*part.shape)
    part &= (xs - (x - left)) ** 2 + (ys - (y - top)) ** 2 > r * r


def measure(pixels: np.ndarray, mm_per_pixel: float | None) -> dict[str, float]:
    """Nuclei, lumens and mitoses; empty where nothing is stained. Sizes only with a scale."""
    if pixels.ndim != 3:
        return {}
    values = m.luminance(pixels)
    red, green = pixels[..., 0], pixels[..., 1]
    stained = m.objects((red < NUCLEAR) & (green < 120))
    dark = stained.mean(values < MITOTIC) > 0.3
    nuclei = (stained.area >= SMALLEST_NUCLEUS) & ~dark
    if not nuclei.any():
        return {}
    pale = m.objects(m.luminance(pixels) > 232)
    lumens = pale.area >= SMALLEST_LUMEN
    found = {
        "nuclei": float(np.count_nonzero(nuclei)),
        "mitoses": float(np.count_nonzero(dark & (stained.area >= SMALLEST_NUCLEUS))),
        "glands": float(np.count_nonzero(lumens)),
        "lumen_share": float(pale.area[lumens].sum() / values.size),
    }
    sizes = 2 * np.sqrt(stained.area[nuclei] / np.pi)
    found["nuclear_variation"] = float(sizes.std() / sizes.mean())
    if mm_per_pixel is None:
        return found
    um = 1000 * mm_per_pixel
    found["nuclei_per_mm2"] = found["nuclei"] / (values.size * mm_per_pixel**2)
    found["nuclear_diameter_um"] = float(sizes.mean() * um)
    if lumens.any():
        found["lumen_diameter_um"] = float((2 * np.sqrt(pale.area[lumens] / np.pi)).mean() * um)
    found["gland_forming_share"] = _gland_forming(stained, nuclei, pale, lumens, um)
    return found


def _gland_forming(nuclear: m.Objects, nuclei: np.ndarray, pale: m.Objects, lumens: np.ndarray, um: float) -> float:
    """Share of nuclei that line a lumen: within `RIM_UM` of one."""
    if not lumens.any():
        return 0.0
    x, y = nuclear.x[nuclei], nuclear.y[nuclei]
    radii = np.sqrt(pale.area[lumens] / np.pi)
    away = np.hypot(x[:, None] - pale.x[lumens], y[:, None] - pale.y[lumens]) - radii
    return float(np.mean((away * um).min(axis=1) <= RIM_UM))

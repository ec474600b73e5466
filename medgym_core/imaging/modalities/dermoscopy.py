"""Dermoscopy of one skin lesion: size, symmetry, border, colours and the small structures inside it.

The six colours are those of the ABCD rule of dermatoscopy (Stolz et al. 1994); their RGB values are the palette of this
drawing. Asymmetry counts the principal axes whose halves do not match; the border is judged in eight segments.
"""

from dataclasses import dataclass
from random import Random

import numpy as np

from medgym_core.errors import MedGymError
from medgym_core.imaging import draw as d
from medgym_core.imaging import measure as m

MODALITY = "dermoscopy"
BODY_PART = "skin"
MM_PER_PIXEL = 0.15
SIZE = 96  # pixels, 14.4 mm
SKIN = (226.0, 180.0, 160.0)
PALETTE = {
    "white": (238.0, 228.0, 222.0),
    "red": (196.0, 62.0, 66.0),
    "light brown": (176.0, 120.0, 78.0),
    "dark brown": (98.0, 58.0, 36.0),
    "blue-grey": (98.0, 116.0, 148.0),
    "black": (26.0, 22.0, 26.0),
}
COUNTED_SHARE = 0.05  # of the core, from which a colour counts as present
UNMATCHED = 0.13  # share of the area that does not match its mirror image, from which an axis counts as asymmetric
ABRUPT = 0.62  # share of the contrast that lies within two pixels of the border, from which a segment is abrupt
STRETCH = (1.03, 1.07, 1.19)  # how much the outline's waves lengthen the long axis, by number of asymmetric axes
CORE = 4  # pixels taken off the rim before colours and structures are looked at
SPOT = 5  # pixels: dots and globules are narrower
SPOT_DEPTH = 20.0  # grey levels
VESSEL_REDNESS, VESSEL_LENGTH = 22.0, 7.0  # of red less green; pixels

TOLERANCE = {
    "diameter_mm": 0.9,
    "asymmetric_axes": 0.0,
    "abrupt_segments": 2.0,
    "colours": 1.0,
    "dark_dots": 2.0,
    "bright_dots": 2.0,
    "vessels": 1.0,
    "centre_white": 0.35,
}


@dataclass(frozen=True)
class Findings:
    """What is drawn."""

    diameter_mm: float
    """Long axis, 4 to 11."""
    ratio: float = 0.85
    """Short to long axis, 0.7 to 0.9."""
    asymmetric_axes: int = 0
    """0 to 2."""
    abrupt_segments: int = 0
    """Eighths of the border that end sharply, 0 to 8."""
    ragged: float = 0.02
    """Root mean square of the fine border's radius, share of the radius."""
    colours: tuple[str, ...] = ("light brown",)
    """The ground colour and then the patches on it, names of `PALETTE`."""
    dark_dots: int = 0
    bright_dots: int = 0
    vessels: int = 0
    """Branching vessels."""
    centre_white: bool = False
    """A white patch fills the centre."""


def sample(rng: Random) -> Findings:
    """Any lesion."""
    ground = rng.choice(["light brown", "dark brown"])
    others = [c for c in PALETTE if c != ground]
    big = rng.uniform(7, 10)
    structure = rng.choice(["dark_dots", "bright_dots", "vessels", "none"])
    return Findings(
        big,
        rng.uniform(0.72, 0.88),
        rng.randint(0, 2),
        rng.randint(0, 8),
        rng.uniform(0.01, 0.05),
        (ground, *rng.sample(others, rng.randint(0, 2 if structure == "none" else 0))),
        dark_dots=rng.randint(2, 5) if structure == "dark_dots" else 0,
        bright_dots=rng.randint(2, 5) if structure == "bright_dots" else 0,
        vessels=rng.randint(1, 3) if structure == "vessels" else 0,
    )


def expected(findings: Findings) -> dict[str, float]:
    colours = len(set(findings.colours) | ({"white"} if findings.centre_white else set()))
    return {
        "diameter_mm": findings.diameter_mm,
        "asymmetric_axes": float(findings.asymmetric_axes),
        "abrupt_segments": float(findings.abrupt_segments),
        "colours": float(colours),
        "dark_dots": float(findings.dark_dots),
        "bright_dots": float(findings.bright_dots),
        "vessels": float(findings.vessels),
        "centre_white": 0.9 if findings.centre_white else 0.05,
    }


def draw(rng: Random, findings: Findings) -> np.ndarray:
    """The picture, uint8 (96, 96, 3)."""
    gen = d.generator(rng)
    image = d.canvas(SIZE, SIZE, SKIN)
    turn = d.direction(rng)
    x, y = SIZE / 2 + rng.uniform(-3, 3), SIZE / 2 + rng.uniform(-3, 3)
    rx = findings.diameter_mm / MM_PER_PIXEL / 2 / STRETCH[findings.asymmetric_axes]
    ry = rx * findings.ratio
    shape = (x, y, rx, ry, turn, _contour(rng, findings))
    soft = _softness(rng, findings, x, y)
    cover = d.blob(SIZE, SIZE, *shape, soft=soft)
    ground = np.asarray(PALETTE[findings.colours[0]], np.float32)
    lesion = d.canvas(SIZE, SIZE, ground)
    _patches(rng, lesion, findings, x, y, rx, ry, turn)
    if findings.dark_dots or findings.bright_dots or findings.vessels:
        inside = d.blob(SIZE, SIZE, x, y, rx - CORE - 4, ry - CORE - 4, turn, shape[5]) > 0.9
        _structures(rng, lesion, findings, inside)
    d.blend(image, cover, lesion)
    image += (d.texture(gen, SIZE, SIZE, (24.0, 7.0)) * 4 + d.grain(gen, (SIZE, SIZE), 1.5))[..., None]
    return d.quantise(image)


def _contour(rng: Random, findings: Findings) -> list[tuple[int, float, float]]:
    """Waves of the outline: the third harmonic breaks one mirror axis or both, high ones make it ragged."""
    strength = rng.uniform(0.19, 0.23) * rng.choice([-1, 1])
    third = {0: (0.0, 0.0), 1: (strength, 0.0), 2: (strength, strength * rng.choice([-1, 1]))}
    a, b = third[findings.asymmetric_axes]
    return [(3, a, b), *d.waves_of(rng, range(9, 15), findings.ragged)]


def _softness(rng: Random, findings: Findings, x: float, y: float) -> np.ndarray:
    """Width of the edge (H, W): one pixel in the abrupt eighths, which lie side by side, ten in the others."""
    first = rng.randrange(8)
    abrupt = np.zeros(8, bool)
    abrupt[[(first + k) % 8 for k in range(findings.abrupt_segments)]] = True
    return np.where(abrupt[d.eighths(SIZE, SIZE, x, y)], np.float32(1.2), np.float32(10.0))


def _patches(
    rng: Random, lesion: np.ndarray, findings: Findings, x: float, y: float, rx: float, ry: float, turn: tuple
) -> None:
    """Colour patches around the centre, one sector each; a white centre where there is one."""
    names = findings.colours[1:]
    c, s = d.direction(rng)
    for i, name in enumerate(names):
        u, v = (c, s) if i % 2 == 0 else (-s, c)
        sign = 1 if i < 2 else -1
        far = 0.36 if name == "white" else 0.46
        px = x + sign * far * (u * rx * turn[0] - v * ry * turn[1])
        py = y + sign * far * (u * rx * turn[1] + v * ry * turn[0])
        size = (0.3 if len(names) < 3 else 0.26) * ry * 1.1
        d.dab(lesion, px, py, size, size, PALETTE[name], turn, waves=d.waves_of(rng, (2, 3, 5), 0.08))
    if findings.centre_white:
        d.dab(lesion, x, y, 0.42 * rx, 0.42 * ry, PALETTE["white"], turn, waves=d.waves_of(rng, (3, 5), 0.05))


def _structures(rng: Random, lesion: np.ndarray, findings: Findings, inside: np.ndarray) -> None:
    """Dots and vessels, each apart from the others so that they can be counted."""
    wanted = findings.dark_dots + findings.bright_dots
    spots = _room(rng, wanted, 7.5, inside)
    for i, (px, py) in enumerate(spots):
        d.dab(lesion, px, py, 1.3, 1.3, PALETTE["black"] if i < findings.dark_dots else PALETTE["white"])
    ends = _room(rng, findings.vessels, 11.0, inside)
    for px, py in ends:
        u, v = d.direction(rng)
        tip = (px + 4 * u, py + 4 * v)
        value = (205.0, 30.0, 40.0)
        d.stroke(lesion, [(px - 4 * u, py - 4 * v), (px, py), tip], 1.5, value)
        d.stroke(lesion, [(px, py), (px + 2.5 * (u - v), py + 2.5 * (v + u))], 1.2, value)


def _room(rng: Random, count: int, apart: float, inside: np.ndarray) -> list[tuple[float, float]]:
    for closer in (0, 1, 2):
        found = d.places(rng, count, SIZE, SIZE, apart - closer, inside)
        if len(found) == count:
            return found
    raise MedGymError("no room in the lesion", got=f"{count} structures", expected=f"at most {len(found)}")


def measure(pixels: np.ndarray, mm_per_pixel: float | None) -> dict[str, float]:
    """Size, form, border, colours and structures of the lesion; empty where none stands out from the skin."""
    mask = lesion_mask(pixels)
    if mask is None:
        return {}
    shape = m.shape_of(mask)
    core = m.shrunk(mask, CORE)
    values = m.luminance(pixels)
    redness = pixels[..., 0].astype(np.float32) - pixels[..., 1]
    dark, bright, red = m.dark_spots(values, SPOT), m.bright_spots(values, SPOT), m.bright_spots(redness, SPOT)
    plain = core & (dark < SPOT_DEPTH) & (bright < SPOT_DEPTH) & (red < VESSEL_REDNESS)
    ground = float(np.median(values[core])) if core.any() else 0.0
    dark[values > ground - SPOT_DEPTH / 2] = 0
    bright[values < ground + SPOT_DEPTH / 2] = 0
    shares = m.colour_shares(pixels, plain if plain.any() else mask, PALETTE)
    found = {
        "diameter_mm": shape.long,
        "short_axis_mm": shape.short,
        "area_mm2": shape.area,
        "asymmetry": shape.asymmetry[0],
        "asymmetry_other_axis": shape.asymmetry[1],
        "asymmetric_axes": float(sum(a > UNMATCHED for a in shape.asymmetry)),
        "irregularity": shape.irregularity,
        "abrupt_segments": float(np.count_nonzero(m.sharpness(values, mask) > ABRUPT)),
        "colours": float(sum(s >= COUNTED_SHARE for s in shares.values())),
        "dark_dots": float(_spots(dark, core)),
        "bright_dots": float(_spots(bright, core)),
        "vessels": float(_vessels(red, core)),
        "centre_white": _centre_white(pixels, mask, shape),
        "contrast": m.contrast(values, mask),
    }
    return m.scaled(
        found | {f"share_{name.replace(' ', '_').replace('-', '_')}": s for name, s in shares.items()}, mm_per_pixel
    )


def lesion_mask(pixels: np.ndarray) -> np.ndarray | None:
    """The largest region that differs from the skin at the picture's border, holes filled; None where there is none."""
    if pixels.ndim != 3:
        return None
    rim = np.concatenate([pixels[:3].reshape(-1, 3), pixels[-3:].reshape(-1, 3)])
    skin = np.median(rim, axis=0)
    steps = np.abs(pixels.astype(np.int16) - skin.astype(np.int16))
    away = steps[..., 0] + steps[..., 1] + steps[..., 2]
    if away.max() < 60:
        return None
    other = away > m.otsu(np.minimum(away, 255))
    mask = m.largest(away > 0.5 * np.median(away[other])) if other.any() else None
    return mask if mask is not None and mask.sum() >= 30 else None


def _spots(standing_out: np.ndarray, core: np.ndarray) -> int:
    found = m.objects((standing_out > SPOT_DEPTH) & core)
    return int(np.count_nonzero((found.area >= 4) & (found.long <= 2 * SPOT) & (found.long < 1.8 * found.short)))


def _vessels(standing_out: np.ndarray, core: np.ndarray) -> int:
    found = m.objects((standing_out > VESSEL_REDNESS) & core)
    return int(np.count_nonzero((found.long >= VESSEL_LENGTH) & (found.area >= 8)))


def _centre_white(pixels: np.ndarray, mask: np.ndarray, shape: m.Shape) -> float:
    """Share of white in the middle of the lesion (a quarter of its axes)."""
    centre = d.ellipse(*mask.shape, shape.x, shape.y, shape.short / 8 + 1, shape.short / 8 + 1) > 0.5
    return m.colour_shares(pixels, centre & mask, PALETTE)["white"] if (centre & mask).any() else 0.0

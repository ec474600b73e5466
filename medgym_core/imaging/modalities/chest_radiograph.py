"""Chest radiograph, frontal: heart size, fluid, air outside the lung or below the diaphragm, opacities, tube position.

Air is dark. The patient's right is the left of the picture; the apex of the heart points to the patient's left, so that
a picture that was flipped can be told. Of fluid the height above the base is measured, of a pneumothorax the rim of
air at mid-height of the lung.
"""

from dataclasses import dataclass
from random import Random

import numpy as np

from medgym_core.imaging import draw as d
from medgym_core.imaging import measure as m

MODALITY = "chest radiograph"
BODY_PART = "chest"
MM_PER_PIXEL = 3.0
SIZE = 112  # pixels, 336 mm
SOFT, LUNG, FREE, FLUID, OPACITY, TRACHEA, TUBE = 198.0, 68.0, 14.0, 162.0, 156.0, 96.0, 250.0
AIR = 116  # darker is air, half-way between lung and opacity
RIM = 38  # darker is air outside the lung
TUBED = 228  # brighter is a tube
DULL = (128, 180)  # fluid and opacities lie between
MIDDLE, BASE, APEX, CARINA = 56.0, 90, 18.0, 36.0
SMALLEST_LUNG = 200  # pixels

TOLERANCE = {
    "cardiothoracic_ratio": 0.03,
    "effusion_right_mm": 5.0,
    "effusion_left_mm": 5.0,
    "pneumothorax_right_mm": 3.0,
    "pneumothorax_left_mm": 3.0,
    "opacity_right_mm": 4.0,
    "opacity_left_mm": 4.0,
    "trachea_shift_mm": 3.0,
    "free_air_mm": 4.0,
    "tube_to_carina_mm": 5.0,
    "apex_mm": 6.0,
}


@dataclass(frozen=True)
class Findings:
    """What is drawn; sides are the patient's."""

    cardiothoracic_ratio: float = 0.45
    """0.38 to 0.64."""
    effusion_right_mm: float = 0.0
    effusion_left_mm: float = 0.0
    """Height above the base, 0 or 18 to 66."""
    pneumothorax_right_mm: float = 0.0
    pneumothorax_left_mm: float = 0.0
    """Rim at mid-height, 0 or 9 to 50."""
    opacity_right_mm: float = 0.0
    opacity_left_mm: float = 0.0
    """Diameter of a round opacity in the lung, 0 or 15 to 33."""
    trachea_shift_mm: float = 0.0
    """Towards the patient's left, -18 to 18."""
    free_air_mm: float = 0.0
    """Thickness of air below the right diaphragm, 0 or 6 to 18."""
    tube_to_carina_mm: float | None = None
    """Tip of an endotracheal tube above the carina, 12 to 75; None: no tube."""
    flipped: bool = False
    """Left and right exchanged."""


def sample(rng: Random) -> Findings:
    """Any chest."""
    one = rng.choice(["effusion", "pneumothorax", "opacity", "free_air", "tube", "none"])
    side = rng.choice(["right", "left"])
    size = {"effusion": (18, 63), "pneumothorax": (10, 45), "opacity": (15, 33)}
    more: dict[str, float] = {f"{one}_{side}_mm": rng.uniform(*size[one])} if one in size else {}
    if one == "free_air":
        more["free_air_mm"] = rng.uniform(6, 18)
    if one == "tube":
        more["tube_to_carina_mm"] = rng.uniform(12, 75)
    return Findings(
        rng.uniform(0.4, 0.62), trachea_shift_mm=rng.uniform(-15, 15), flipped=rng.random() < 0.1 and not more, **more
    )


def expected(findings: Findings) -> dict[str, float]:
    found = {
        name: float(getattr(findings, name))
        for name in TOLERANCE
        if name not in ("tube_to_carina_mm", "apex_mm") and not name.startswith("opacity")
    }
    for name in ("opacity_right_mm", "opacity_left_mm", "tube_to_carina_mm"):
        if getattr(findings, name):
            found[name] = float(getattr(findings, name))
    found["apex_mm"] = 0.24 * findings.cardiothoracic_ratio * 2 * 44 * MM_PER_PIXEL
    if findings.flipped:
        found["apex_mm"] *= -1
        found["trachea_shift_mm"] *= -1
    return found


def draw(rng: Random, findings: Findings) -> np.ndarray:
    """The picture, uint8 (112, 112)."""
    gen = d.generator(rng)
    image = d.canvas(SIZE, SIZE, SOFT)
    ys, xs = d.grid(SIZE, SIZE)
    above = d.edge(np.float32(BASE) - ys)
    for side, name in ((-1, "right"), (1, "left")):
        x, y, rx, ry = MIDDLE + side * 23.0, 58.0, 21.0, 40.0
        cavity = d.ellipse(SIZE, SIZE, x, y, rx, ry) * above
        rim = getattr(findings, f"pneumothorax_{name}_mm") / MM_PER_PIXEL
        if rim:
            d.blend(image, cavity, FREE)
            inner = d.ellipse(SIZE, SIZE, x - side * rim / 2, y + rim / 2, rx - rim / 2, ry - rim / 2) * above
            d.blend(image, inner, LUNG)
        else:
            d.blend(image, cavity, LUNG)
        size = getattr(findings, f"opacity_{name}_mm") / MM_PER_PIXEL
        if size:
            at = x + side * rng.uniform(1.5, 3.0), 42.0 + rng.uniform(-4, 4)
            d.dab(image, *at, size / 2, size / 2, OPACITY, waves=d.waves_of(rng, (3, 5), 0.03))
        level = getattr(findings, f"effusion_{name}_mm") / MM_PER_PIXEL
        if level:
            d.blend(image, cavity * d.edge(ys - np.float32(BASE - level)), FLUID)
    _heart(image, findings)
    shift = findings.trachea_shift_mm / MM_PER_PIXEL
    windpipe = d.edge(np.float32(3.5) - np.abs(xs - np.float32(MIDDLE + shift))) * d.edge(np.float32(CARINA) - ys)
    d.blend(image, windpipe, TRACHEA)
    if findings.tube_to_carina_mm is not None:
        tip = CARINA - findings.tube_to_carina_mm / MM_PER_PIXEL
        d.stroke(image, [(MIDDLE + shift, 0.0), (MIDDLE + shift, tip - 0.5)], 2.0, TUBE)
    if findings.free_air_mm:
        thick = findings.free_air_mm / MM_PER_PIXEL
        d.dab(image, MIDDLE - 22, BASE + 3 + thick / 2, 11.0, thick / 2, 40.0)
    image += d.texture(gen, SIZE, SIZE, (30.0, 9.0)) * 4 + d.grain(gen, image.shape, 2.0)
    return d.quantise(image[:, ::-1] if findings.flipped else image)


def _heart(image: np.ndarray, findings: Findings) -> None:
    """The heart, a quarter of its width off the middle, and the mediastinum above it."""
    width = findings.cardiothoracic_ratio * 88.0
    d.dab(image, MIDDLE + 0.12 * width, 66.0, width / 2, 21.0, SOFT)
    d.dab(image, MIDDLE + findings.trachea_shift_mm / MM_PER_PIXEL, 40.0, 8.0, 30.0, SOFT)


def measure(pixels: np.ndarray, mm_per_pixel: float | None) -> dict[str, float]:
    """Heart, fluid, air and tube; empty where two lungs are not to be seen."""
    if pixels.ndim != 2:
        return {}
    values = pixels.astype(np.float32)
    height, width = values.shape
    parts = m.objects(values < AIR)
    big = np.flatnonzero(parts.area >= SMALLEST_LUNG)
    if len(big) < 2:
        return {}
    two = sorted(big[np.argsort(-parts.area[big], kind="stable")[:2]], key=lambda i: parts.x[i])
    lungs = [m.filled(parts.labels == i + 1) for i in two]
    if abs(parts.x[two[0]] - parts.x[two[1]]) < width / 5:
        return {}
    dull = m.grown(m.shrunk((values > DULL[0]) & (values < DULL[1]), 2), 2)
    spans = [_span(lung) for lung in lungs]
    both = (spans[0][1] > 0) & (spans[1][1] > 0)
    rows = np.flatnonzero(both)
    if not len(rows):
        return {}
    thorax = float((spans[1][1] - spans[0][0])[rows].max())
    low = rows[rows > rows[0] + 0.35 * (rows[-1] - rows[0])]
    gaps = (spans[1][0] - spans[0][1])[low]
    row = int(low[int(np.argmax(gaps))])
    heart = float(gaps.max())
    middle = (spans[0][0][row] + spans[1][1][row]) / 2
    base = int(max(np.flatnonzero(lung.any(axis=1))[-1] for lung in lungs))
    found = {
        "cardiothoracic_ratio": heart / thorax,
        "heart_width_mm": heart,
        "thorax_width_mm": thorax,
        "apex_mm": float(spans[1][0][row] + spans[0][1][row]) - 2 * middle,
    }
    dull_parts = m.objects(dull)
    for lung, name in zip(lungs, ("right", "left"), strict=True):
        found |= _fluid(dull_parts, lung, name, base, width)
        found[f"pneumothorax_{name}_mm"] = _rim(values, lung)
    found |= _windpipe(values, parts, two, width)
    air = [i for i in range(len(parts)) if i not in two and parts.y[i] > base and parts.area[i] >= 8]
    found["free_air_mm"] = max((float(parts.area[i] / parts.long[i] * 4 / np.pi) for i in air), default=0.0)
    return m.scaled(found, mm_per_pixel)


def _span(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First column and one past the last column of the mask in each row, 0 where empty."""
    some = mask.any(axis=1)
    return np.where(some, mask.argmax(axis=1), 0), np.where(some, mask.shape[1] - mask[:, ::-1].argmax(axis=1), 0)


def _fluid(parts: m.Objects, lung: np.ndarray, name: str, base: int, width: int) -> dict[str, float]:
    """Height of fluid at the base of a lung, and the size of an opacity inside it."""
    found = {f"effusion_{name}_mm": 0.0}
    for i in range(len(parts)):
        if (parts.x[i] < width / 2) != (name == "right") or parts.area[i] < 12:
            continue
        mask = parts.labels == i + 1
        rows = np.flatnonzero(mask.any(axis=1))
        if rows[-1] >= base - 3 and parts.area[i] > 40:
            found[f"effusion_{name}_mm"] = float(rows[-1] - rows[0] + 1)
        elif np.count_nonzero(mask & lung) > 0.7 * parts.area[i]:
            found[f"opacity_{name}_mm"] = float(2 * np.sqrt(parts.area[i] / np.pi)) + 1
    return found


def _rim(values: np.ndarray, lung: np.ndarray) -> float:
    """Width of the darkest air of one side, mean of the rows about the middle of the lung; 0 where there is none."""
    rows = np.flatnonzero(lung.any(axis=1))
    middle = int(rows[0] + 0.55 * (rows[-1] - rows[0]))
    dark = (values < RIM) & lung
    widths = [int(dark[r].sum()) for r in range(middle - 3, middle + 4)]
    mean = float(np.mean(widths))
    return mean if mean >= 1.5 else 0.0


def _windpipe(values: np.ndarray, parts: m.Objects, lungs: list[int], width: int) -> dict[str, float]:
    """Shift of the trachea from the middle of the chest, and the tube's tip above its end."""
    upper = [i for i in range(len(parts)) if i not in lungs and parts.y[i] < 0.35 * len(values) and parts.area[i] > 20]
    if not upper:
        return {}
    mask = np.isin(parts.labels, [i + 1 for i in upper])
    shift = float(np.nonzero(mask)[1].mean()) - (width - 1) / 2
    found = {"trachea_shift_mm": shift - 0.5}
    rows = np.flatnonzero(mask.any(axis=1))
    near = abs(np.arange(width) - ((width - 1) / 2 + shift)) < 4
    tube = np.flatnonzero(((values > TUBED) & near).any(axis=1))
    if len(tube) >= 3:
        found["tube_to_carina_mm"] = float(rows[-1] - tube[-1])
    return found

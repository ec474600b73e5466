"""CT of the head, one axial slice in the brain window: blood by place and form, midline shift, oedema, ventricles.

Grey 0 to 255 stands for 0 to 80 HU. The patient's right is the left of the picture. Blood outside the brain is a lens
that bulges inward (epidural) or a crescent along the bone (subdural); `bulge_mm` tells one from the other.
"""

from dataclasses import dataclass
from random import Random
from typing import Literal

import numpy as np

from medgym_core.imaging import draw as d
from medgym_core.imaging import measure as m

MODALITY = "ct head"
BODY_PART = "head"
MM_PER_PIXEL = 1.6
WINDOW_HU = (0.0, 80.0)
SIZE = 112  # pixels, 179 mm
X, Y, RX, RY, BONE = 56.0, 56.0, 41.0, 50.0, 4.0  # centre, half-axes of the brain, thickness of the skull
BRAIN_HU, CSF_HU, OEDEMA_HU = 35.0, 6.0, 21.0
BLOOD_HU = 52.0  # half-way between brain and clotted blood: denser is blood
DARK_HU, WET_HU = 13.0, 28.0  # below: fluid; between: oedema
LENS = 24.0  # pixels, radius of an epidural haematoma's inner surface

Side = Literal["right", "left"]
Kind = Literal["none", "epidural", "subdural", "intracerebral"]
TOLERANCE = {
    "haematoma_thickness_mm": 3.0,
    "haematoma_length_mm": 3.0,
    "haematoma_hu": 2.0,
    "midline_shift_mm": 0.8,
    "evans_index": 0.03,
    "hypodense_area_mm2": 60.0,
    "touches_skull": 0.0,
}


@dataclass(frozen=True)
class Findings:
    """What is drawn; sides are the patient's."""

    kind: Kind = "none"
    side: Side = "right"
    thickness_mm: float = 0.0
    """Of blood outside the brain, 6 to 24; of blood inside it the shorter axis, 14 to 40."""
    length_mm: float = 0.0
    """Of blood inside the brain, its longer axis, up to 60."""
    blood_hu: float = 66.0
    shift_mm: float = 0.0
    """Away from the side of the finding, 0 to 12."""
    evans_index: float = 0.24
    """0.2 to 0.45."""
    infarct_mm: float = 0.0
    """Diameter of an area of oedema, 0 or 24 to 46."""


def sample(rng: Random) -> Findings:
    """Any head."""
    kind: Kind = rng.choice(["none", "epidural", "subdural", "intracerebral"])  # type: ignore[assignment]
    side: Side = rng.choice(["right", "left"])  # type: ignore[assignment]
    if kind == "none":
        return Findings(
            side=side, evans_index=rng.uniform(0.2, 0.42), infarct_mm=rng.choice([0.0, rng.uniform(24, 40)])
        )
    inside = kind == "intracerebral"
    thick = rng.uniform(16, 28) if inside else rng.uniform(7, 22)
    return Findings(kind, side, thick, thick * rng.uniform(1.0, 1.4) if inside else 0.0, shift_mm=rng.uniform(0, 10))


def expected(findings: Findings) -> dict[str, float]:
    shift = findings.shift_mm
    found = {"midline_shift_mm": shift, "evans_index": findings.evans_index}
    found["hypodense_area_mm2"] = findings.infarct_mm**2 * np.pi / 4
    if findings.kind == "none":
        return found
    found |= {"haematoma_thickness_mm": findings.thickness_mm, "haematoma_hu": findings.blood_hu}
    found["touches_skull"] = float(findings.kind != "intracerebral")
    if findings.kind == "intracerebral":
        found["haematoma_length_mm"] = findings.length_mm
    return found


def grey(hu: float) -> float:
    low, high = WINDOW_HU
    return (hu - low) / (high - low) * 255


def draw(rng: Random, findings: Findings) -> np.ndarray:
    """The picture, uint8 (112, 112)."""
    gen = d.generator(rng)
    image = d.canvas(SIZE, SIZE, 0.0)
    d.blend(image, d.ellipse(SIZE, SIZE, X, Y, RX + BONE, RY + BONE), 255.0)
    inner = d.ellipse(SIZE, SIZE, X, Y, RX, RY)
    d.blend(image, inner, grey(BRAIN_HU))
    sign = -1 if findings.side == "right" else 1
    if findings.infarct_mm:
        r = findings.infarct_mm / MM_PER_PIXEL / 2
        at = X + sign * (RX - r - 4), Y + rng.uniform(-2, 6)
        d.dab(image, *at, r, r, grey(OEDEMA_HU), waves=d.waves_of(rng, (3, 5), 0.03))
    shift = -sign * findings.shift_mm / MM_PER_PIXEL
    half = findings.evans_index * RX
    for side in (-1, 1):
        rx = (half - 1.5) / 2
        d.dab(image, X + shift + side * (1.5 + rx), Y - 10, rx, 10.0, grey(CSF_HU))
    if findings.kind != "none":
        d.blend(image, _blood(findings, sign) * inner, grey(findings.blood_hu))
    inside = inner * d.grain(gen, image.shape, 2.5) + d.texture(gen, SIZE, SIZE, (20.0, 7.0)) * 2 * inner
    return d.quantise(image + inside)


def _blood(findings: Findings, sign: int) -> np.ndarray:
    """Coverage of the haematoma."""
    t = findings.thickness_mm / MM_PER_PIXEL
    if findings.kind == "epidural":
        return d.ellipse(SIZE, SIZE, X + sign * (RX - t + LENS), Y, LENS, LENS)
    if findings.kind == "subdural":
        return 1 - d.ellipse(SIZE, SIZE, X - sign * t, Y, RX, RY)
    long = findings.length_mm / MM_PER_PIXEL / 2
    return d.ellipse(SIZE, SIZE, X + sign * (t / 2 + 13), Y + 8, t / 2, max(long, t / 2))


def measure(pixels: np.ndarray, mm_per_pixel: float | None) -> dict[str, float]:
    """Blood, shift, ventricles and oedema; empty where no skull is to be seen."""
    if pixels.ndim != 2:
        return {}
    values = pixels.astype(np.float32)
    bone = values >= 250
    inside = m.largest(m.filled(bone) & ~bone)
    if inside is None or inside.sum() < 0.2 * values.size:
        return {}
    brain = m.shrunk(inside)
    columns = np.flatnonzero(inside.any(axis=0))
    middle, width = (columns[0] + columns[-1]) / 2, len(columns)
    found: dict[str, float] = {}
    fluid = m.objects(brain & (values < grey(DARK_HU)))
    horns = fluid.area >= 15
    if horns.any():
        at = float((fluid.x * fluid.area)[horns].sum() / fluid.area[horns].sum())
        lines = np.flatnonzero(fluid.keep(horns).any(axis=0))
        found |= {"midline_shift_mm": abs(at - middle), "evans_index": (lines[-1] - lines[0] + 1.5) / width}
    wet = brain & (values < grey(WET_HU)) & ~m.grown(values < grey(DARK_HU), 2)
    oedema = m.objects(m.grown(m.shrunk(wet)))
    seen = oedema.area >= 60
    found["hypodense_area_mm2"] = float(oedema.area[seen].sum())
    if seen.any():
        found["hypodense_on_right"] = float(oedema.x[seen].mean() < middle)
    blood = m.objects(m.grown(m.shrunk(brain & (values > grey(BLOOD_HU)))) & brain)
    if len(blood) and blood.area.max() >= 20:
        found |= _haematoma(values, blood.labels == int(blood.area.argmax()) + 1, inside, middle)
    found["haematomas"] = float(np.count_nonzero(blood.area >= 20))
    return m.scaled(found, mm_per_pixel)


def _haematoma(values: np.ndarray, mask: np.ndarray, inside: np.ndarray, middle: float) -> dict[str, float]:
    rim = inside & ~m.shrunk(inside, 3)
    outside = np.count_nonzero(mask & rim) > 12
    widths = m.widths(mask)
    rows = np.flatnonzero(widths)
    right = float(np.nonzero(mask)[1].mean()) < middle
    found = {
        "haematoma_thickness_mm": float(np.sort(widths)[-3:].mean()) + (1.0 if outside else 0.0),
        "haematoma_length_mm": float(len(rows)) + (2.0 if outside else 0.0),
        "haematoma_area_mm2": float(mask.sum()) + (float(len(rows)) if outside else 0.0),
        "haematoma_hu": float(np.median(values[mask])) / 255 * (WINDOW_HU[1] - WINDOW_HU[0]) + WINDOW_HU[0],
        "haematoma_on_right": float(right),
        "touches_skull": float(outside),
    }
    if outside:
        edge = mask.shape[1] - mask[:, ::-1].argmax(axis=1) if right else -mask.argmax(axis=1)
        inner = np.where(widths > 0, edge, 0).astype(float)
        quarter = max(1, len(rows) // 6)
        ends = (inner[rows[:quarter]].mean() + inner[rows[-quarter:]].mean()) / 2
        found["bulge_mm"] = float(inner[rows[len(rows) // 2]] - ends)
    return found

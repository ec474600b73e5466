"""Tools that measure pixels: the whole picture, a part of it, one lesion, one property."""

from functools import lru_cache

from medgym_core.domains.visual_diagnosis import reading
from medgym_core.errors import unknown_name
from medgym_core.tools import NOT_AVAILABLE, ToolError, World, number, tool
from medgym_core.types import Picture

FOCUS = {
    "dermoscopy": {
        "size": ["diameter", "short_axis", "area"],
        "symmetry": ["asymmetric_axes", "asymmetry", "asymmetry_other_axis"],
        "border": ["abrupt_segments", "irregularity", "contrast"],
        "colours": [
            "colours", "share_white", "share_red", "share_light_brown", "share_dark_brown", "share_blue_grey",
                "share_black",
        ],
        "structures": ["dark_dots", "bright_dots", "vessels", "centre_white"],
    },
    "fundus photograph": {
        "macula": ["exudates", "exudate_to_fovea"],
        "quadrants": [f"haemorrhages_{q}" for q in ("upper_right", "upper_left", "lower_left", "lower_right")],
        "new vessels": ["new_vessel_share", "preretinal_blood"],
    },
    "optic disc photograph": {
        "cup": ["cup_disc_ratio", "cup_disc_area_ratio"],
        "rim": ["rim_superior", "rim_inferior", "rim_left", "rim_right"],
        "margin": ["blurred_segments", "disc_haemorrhages"],
    },
    "macular photograph": {"drusen": ["drusen", "largest_druse"], "atrophy": ["atrophy"], "blood": ["blood"]},
    "histology": {
        "nuclei": ["nuclei", "nuclei_per_mm2", "nuclear_diameter", "nuclear_variation", "mitoses"],
        "glands": ["glands", "lumen_diameter", "lumen_share", "gland_forming_share"],
    },
    "epithelium histology": {"basement membrane": ["invading_nests"], "thickness": ["thickness", "atypical_share"]},
    "blood smear": {
        "red cells": [
            "red_cells", "red_cell_diameter", "size_variation", "pallor_ratio", "spherocytes", "schistocytes",
            "schistocyte_percent", "parasitised", "parasitaemia_percent",
        ],
        "white cells": ["white_cells", "blasts", "blast_percent", "lymphocytes", "neutrophils", "smudge_cells"],
    },
    "ecg rhythm strip": {"rhythm": ["rate", "rr_variation", "p_waves", "complexes"], "intervals": ["pr", "qrs"],
        "st": ["st"]},
    "ecg leads": {"lateral": ["st_I", "st_aVL"], "inferior": ["st_III", "st_aVF"], "anterior": ["st_V2", "st_V3"]},
}  # fmt: skip
"""Parts of a picture one may ask for, and what is measured there."""


@tool("read")
def analyze_medical_image(world: World, image_id: str = "", focus_area: str = "") -> dict:
    """Measure a picture: an overview, one aspect of it, or the brightness within a box.

    Args:
        image_id: Id of the picture; without one, the latest.
        focus_area: An aspect such as border, colours, macula or red cells; or a box "left,top,right,bottom" in pixels.
    """
    picture = world.picture(image_id)
    if focus_area.strip() and focus_area.strip()[0].isdigit():
        return box_statistics(picture, focus_area)
    return _aspect(picture, focus_area.strip().lower())


def _aspect(picture: Picture, aspect: str) -> dict:
    names = reading.VIEWS.get(picture.modality, [])
    if aspect:
        parts = FOCUS.get(picture.modality, {})
        if aspect not in parts:
            raise ToolError(str(unknown_name(f"focus area of a {picture.modality}", aspect, parts)))
        names = parts[aspect]
    found = reading.shown(reading.measures(picture), names)
    return found or {"measurement": NOT_AVAILABLE, "image": picture.id}


def box_statistics(picture: Picture, text: str) -> dict:
    """Brightness inside a box. Raises ToolError for a box that is none or lies outside the picture."""
    from medgym_core.imaging import measure

    values = reading.brightness(picture.png)
    found = measure.region_statistics(values, box_of(text, values.shape))
    return {name: f"{value:.1f}" for name, value in found.items()}


def box_of(text: str, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """left, top, right, bottom in pixels, within the picture and not empty."""
    expected = f"left,top,right,bottom within 0,0,{shape[1]},{shape[0]}"
    parts = text.split(",")
    if len(parts) != 4 or not all(p.strip().isdecimal() and len(p.strip()) < 6 for p in parts):
        raise ToolError("not a box", got=repr(text[:40]), expected=expected)
    left, top, right, bottom = (int(p) for p in parts)
    if not (left < right <= shape[1] and top < bottom <= shape[0]):
        raise ToolError("box outside the picture", got=repr(text[:40]), expected=expected)
    return left, top, right, bottom


@tool("read")
def crop_region(world: World, region: str, image_id: str = "") -> dict:
    """Show a part of a picture enlarged, with its brightness.

    Args:
        region: "left,top,right,bottom" in pixels.
        image_id: Id of the picture; without one, the latest.
    """
    import numpy as np

    from medgym_core.imaging import picture as pictures

    picture = world.picture(image_id)
    pixels = reading.pixels(picture.png)
    left, top, right, bottom = box_of(region, pixels.shape)
    factor = max(1, 96 // max(right - left, bottom - top))
    part = np.repeat(np.repeat(pixels[top:bottom, left:right], factor, axis=0), factor, axis=1)
    scale = picture.mm_per_pixel / factor if picture.mm_per_pixel else None
    world.display(Picture(f"{picture.id} crop", picture.modality, picture.body_part, pictures.encode(part), scale))
    return {
        "cropped": f"{right - left} x {bottom - top} pixels",
        "enlarged": f"{factor} times",
        **box_statistics(picture, region),
    }


@tool("read")
def measure_lesion(world: World, image_id: str = "", lesion_id: str = "1") -> dict:
    """Size, place and brightness of one object in a picture; 1 is the largest.

    Args:
        image_id: Id of the picture; without one, the latest.
        lesion_id: Number of the object by size.
    """
    picture = world.picture(image_id)
    found = objects(picture.png, picture.modality)
    if not found:
        return {"lesion": NOT_AVAILABLE, "image": picture.id}
    if not lesion_id.strip().isdecimal() or not 1 <= int(lesion_id[:6]) <= len(found):
        raise ToolError("no such lesion", got=repr(lesion_id[:20]), expected=f"1 to {len(found)}")
    area, long, short, x, y, brightness = found[int(lesion_id) - 1]
    mm = picture.mm_per_pixel
    sizes = {"long_axis": long, "short_axis": short}
    fine = 1 if mm and mm > 0.05 else 3
    shown = {
        n: f"{number(round(v * mm, fine))} mm" if mm else f"{number(round(v, 1))} pixels" for n, v in sizes.items()
    }
    shown["area"] = f"{number(round(area * mm * mm, 2 * fine))} mm2" if mm else f"{area:.0f} pixels"
    return shown | {"at": f"{x:.0f},{y:.0f}", "brightness": f"{brightness:.0f}", "of": f"{len(found)} objects"}


@lru_cache(64)
def objects(png: bytes, modality: str) -> list[tuple[float, float, float, float, float, float]]:
    """Area, axes, centre and brightness of what stands out from the background, largest first."""
    import numpy as np

    from medgym_core.imaging import measure

    pixels = reading.pixels(png)
    values = reading.brightness(png)
    if modality == "dermoscopy":
        mask = reading.module(modality).lesion_mask(pixels)
        if mask is None:
            return []
    else:
        away = np.abs(values - np.median(values))
        if away.max() < 20:
            return []
        mask = away > measure.otsu(away)
    found = measure.objects(mask)
    bright = found.mean(values)
    order = [i for i in np.argsort(-found.area, kind="stable") if found.area[i] >= 4]
    return [tuple(float(v[i]) for v in (found.area, found.long, found.short, found.x, found.y, bright)) for i in order]  # type: ignore[misc]


@tool("read")
def measure_asymmetry(world: World, image_id: str = "") -> dict:
    """Fold a skin lesion along both axes: the share that does not match, and how many axes are asymmetric.

    Args:
        image_id: Id of the picture; without one, the latest.
    """
    return _property(world.picture(image_id), "dermoscopy", FOCUS["dermoscopy"]["symmetry"])


@tool("read")
def measure_border(world: World, image_id: str = "") -> dict:
    """Border of a skin lesion: abrupt eighths, irregularity (1 smooth) and contrast.

    Args:
        image_id: Id of the picture; without one, the latest.
    """
    return _property(world.picture(image_id), "dermoscopy", FOCUS["dermoscopy"]["border"])


@tool("read")
def measure_colors(world: World, image_id: str = "") -> dict:
    """Which of the six dermoscopic colours a skin lesion has, and their share of its area.

    Args:
        image_id: Id of the picture; without one, the latest.
    """
    return _property(world.picture(image_id), "dermoscopy", FOCUS["dermoscopy"]["colours"])


@tool("read")
def measure_cup_disc_ratio(world: World, image_id: str = "") -> dict:
    """Vertical cup-to-disc ratio and the rim above and below the cup, of an optic disc photograph.

    Args:
        image_id: Id of the picture; without one, the latest.
    """
    picture = world.picture(image_id)
    names = ["cup_disc_ratio", "rim_superior", "rim_inferior", "disc_height"]
    return _property(picture, "optic disc photograph", names)


@tool("read")
def measure_ecg(world: World, image_id: str = "") -> dict:
    """Rate, regularity, P waves, PR, QRS and ST of a rhythm strip, or the ST level of each lead of a lead sheet.

    Args:
        image_id: Id of the picture; without one, the latest.
    """
    picture = world.picture(image_id)
    if not picture.modality.startswith("ecg"):
        raise ToolError("not an ECG", got=picture.modality, expected="an ecg rhythm strip or ecg leads")
    return _aspect(picture, "")


@tool("read")
def count_objects(world: World, image_id: str = "", kind: str = "") -> dict:
    """Count what can be counted in a picture, such as microaneurysms, drusen, nuclei, schistocytes or dots.

    Args:
        image_id: Id of the picture; without one, the latest.
        kind: One kind of object; without one, all kinds.
    """
    picture = world.picture(image_id)
    found = reading.measures(picture)
    counts = {n: number(v) for n, v in found.items() if n in reading.COUNTS}
    if not counts:
        return {"objects": NOT_AVAILABLE, "image": picture.id}
    if not kind.strip():
        return dict(list(counts.items())[:11])
    name = kind.strip().lower().replace(" ", "_")
    if name not in counts:
        raise ToolError(str(unknown_name("kind of object", kind, counts)))
    return {name: counts[name]}


@tool("read")
def identify_eye(world: World, image_id: str = "") -> dict:
    """On which side of the fovea the optic disc lies in a fundus photograph; nasal is to the right in a right eye.

    Args:
        image_id: Id of the picture; without one, the latest.
    """
    picture = world.picture(image_id)
    if picture.modality != "fundus photograph":
        raise ToolError(
            "the side is read off a fundus photograph", got=picture.modality, expected="a fundus photograph"
        )
    return {f"{picture.id}_disc_side": disc_side(picture.png) or NOT_AVAILABLE, "labelled": picture.body_part}


@lru_cache(128)
def disc_side(png: bytes) -> str | None:
    return reading.module("fundus photograph").eye_of(reading.pixels(png))


def _property(picture: Picture, modality: str, names: list[str]) -> dict:
    if picture.modality != modality:
        raise ToolError(f"not a {modality} picture", got=picture.modality, expected=modality)
    found = reading.shown(reading.measures(picture), names)
    return found or {"measurement": NOT_AVAILABLE, "image": picture.id}

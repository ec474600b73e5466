"""Reading a study: its pictures, and what its modality measures on them, rounded and named as shown.

A study is one picture (`ST-1`) or a stack of slices (`ST-1.1`, `ST-1.2`, ...; the view says `slice 2 of 4, 5 mm`). A
measure is shown by its name without the unit and its value with it: `gap_mm` 2.13 reads `gap: 2.1 mm`. Rules, truth
and tools all work on these rounded values, so that whoever reads them off gets the same result.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import import_module
from types import ModuleType
from typing import Any

from medgym_core import facts
from medgym_core.text import normal
from medgym_core.tools import ToolError, World, number
from medgym_core.types import Chart, Picture, Record

DOMAIN = "radiology_report"
MODALITIES = {
    "chest radiograph": "chest_radiograph",
    "ct head": "ct_head",
    "ct chest": "ct_chest",
    "cardiac ct": "cardiac_ct",
    "mammogram": "mammogram",
    "bone radiograph": "bone_radiograph",
    "ultrasound": "ultrasound",
    "thyroid ultrasound": "thyroid_ultrasound",
    "mri brain": "mri_brain",
}
UNITS = {"_mm": ("mm", 1), "_mm2": ("mm2", 1), "_deg": ("degrees", 1), "_hu": ("HU", 0)}
"""Ending of a measure's name to its unit and decimals; others are counts, or ratios with two decimals."""
COUNTS = {
    "haematomas", "touches_skull", "nodules", "spicules", "calcified_lesions", "indistinct_eighths", "calcifications",
    "coarse_calcifications", "fractures", "stones", "punctate_foci", "lesions", "periventricular", "juxtacortical",
    "deep",
}  # fmt: skip
SIDED = "_on_right"
VIEWS = {
    "chest radiograph": ["cardiothoracic_ratio", "pneumothorax_right", "pneumothorax_left", "effusion_right",
        "effusion_left", "opacity_right", "opacity_left", "free_air", "trachea_shift", "tube_to_carina"],
    "ct head": ["haematomas", "haematoma_side", "haematoma_thickness", "haematoma_length", "haematoma_hu",
        "touches_skull", "bulge", "midline_shift", "hypodense_area", "hypodense_side", "evans_index"],
    "ct chest": ["nodules", "nodule_diameter", "solid_diameter", "solid_share", "spicules", "nodule_hu"],
    "cardiac ct": ["calcified_lesions", "peak_hu", "calcium_area", "agatston"],
    "mammogram": ["mass_diameter", "mass_roundness", "spicules", "indistinct_eighths", "calcifications",
        "calcification_span", "coarse_calcifications"],
    "bone radiograph": ["fractures", "gap", "displacement", "angulation", "lytic", "lytic_share", "shaft_width"],
    "ultrasound": ["bore", "length", "wall", "outer_diameter", "stones", "largest_stone"],
    "thyroid ultrasound": ["width", "height", "cystic_share", "echo_ratio", "irregularity", "punctate_foci"],
    "mri brain": ["lesions", "periventricular", "juxtacortical", "deep", "largest_lesion"],
}  # fmt: skip
"""What an overview of a picture shows, in order."""
MAIN = {
    "chest radiograph": "cardiothoracic_ratio", "ct head": "haematoma_thickness", "ct chest": "nodule_diameter",
    "cardiac ct": "agatston", "mammogram": "mass_diameter", "bone radiograph": "gap", "ultrasound": "outer_diameter",
    "thyroid ultrasound": "width", "mri brain": "lesions",
}  # fmt: skip
"""The one measure by which a modality's course is told, and the slice of a stack chosen."""
KEPT_UNIT = {"nodule_hu", "haematoma_hu", "peak_hu"}
_SLICE = re.compile(r"slice (\d+) of (\d+)(?:, ([\d.]+) mm)?")


def module(modality: str) -> ModuleType:
    """The module that draws and measures a modality."""
    return import_module(f"medgym_core.imaging.modalities.{MODALITIES[modality]}")


class Measures(dict[str, float]):
    """Rounded values by label, in the module's order; `units` by label."""

    units: dict[str, str]


def measures(picture: Picture) -> Measures:
    """What the picture's modality measures on its pixels; a label that is not there could not be measured."""
    return _measures(picture.png, picture.modality, picture.mm_per_pixel)


@lru_cache(128)
def _measures(png: bytes, modality: str, mm_per_pixel: float | None) -> Measures:
    from medgym_core.imaging import picture

    found = Measures()
    raw = module(modality).measure(picture.decode(png), mm_per_pixel) if modality in MODALITIES else {}
    found.units = {}
    for name, value in raw.items():
        ending = _ending(name)
        label = name.removesuffix(ending) if ending and name not in KEPT_UNIT else name
        found.units[label] = UNITS[ending][0] if ending else ""
        found[label] = _rounded(name, ending, value)
    return found


@cache
def _ending(name: str) -> str:
    return next((e for e in sorted(UNITS, key=len, reverse=True) if name.endswith(e)), "")


def _rounded(name: str, ending: str, value: float) -> float:
    if name in COUNTS or name.endswith(SIDED):
        return float(round(value))
    if name == "agatston":
        return round(value, 1)
    return round(value, UNITS[ending][1] if ending else 2) + 0.0


def show(found: Measures, name: str) -> str:
    """A value with its unit, `7.9 mm`; a side as right or left."""
    if name.endswith("_side"):
        return "right" if found[name.removesuffix("_side") + SIDED] else "left"
    return f"{number(found[name])} {found.units[name]}".strip()


def shown(found: Measures, names: list[str]) -> dict[str, str]:
    """Those of the names that could be measured."""
    return {n: show(found, n) for n in names if n in found or n.removesuffix("_side") + SIDED in found}


def side(found: Mapping[str, float]) -> str:
    """The side on which the deciding finding of a picture lies: right, left, or `none` where it has none."""
    for name in ("haematoma", "hypodense"):
        if found.get("hypodense_area" if name == "hypodense" else "haematomas", 0) and name + SIDED in found:
            return "right" if found[name + SIDED] else "left"
    for name in ("pneumothorax", "effusion", "opacity"):
        sides = {s: found.get(f"{name}_{s}", 0.0) for s in ("right", "left")}
        if max(sides.values()) > 0:
            return max(sides, key=lambda s: sides[s])
    return "none"


@lru_cache(128)
def blur(png: bytes) -> float:
    """How unsharp a picture is, 0 to 1."""
    from medgym_core.imaging import measure, picture

    return round(measure.quality(picture.decode(png))["blur"], 2)


# --- studies ---


def study_of(picture: Picture) -> str:
    """The study a picture belongs to."""
    return picture.id.partition(".")[0]


def studies(chart: Chart) -> dict[str, list[Picture]]:
    """The pictures of each study, in order of their names."""
    found: dict[str, list[Picture]] = {}
    for p in chart.images:
        found.setdefault(study_of(p), []).append(p)
    return found


def study(world: World, study_id: str = "") -> list[Picture]:
    """The pictures of a study, or the one slice named; without a name, of the latest. Raises ToolError."""
    known = studies(world.chart)
    if not known:
        raise ToolError("this patient has no studies")
    name = study_id.strip()
    if not name:
        return known[study_of(world.picture())]
    if name in known:
        return known[name]
    one = [p for p in world.chart.images if p.id == name]
    if not one:
        raise ToolError("unknown study", got=repr(name[:40]), expected=" or ".join(known))
    return one


def main_picture(pictures: list[Picture]) -> Picture:
    """The picture of a study that shows most of its finding."""
    if len(pictures) == 1:
        return pictures[0]
    return max(pictures, key=lambda p: measures(p).get(MAIN[p.modality], -1.0))


def picture_of(world: World, study_id: str = "") -> Picture:
    return main_picture(study(world, study_id))


def slice_of(picture: Picture) -> tuple[int, int, float | None] | None:
    """Number of a slice, how many its stack has, and their thickness in mm where recorded; None: no slice."""
    found = _SLICE.search(picture.view)
    if found is None:
        return None
    return int(found[1]), int(found[2]), float(found[3]) if found[3] else None


@cache
def named(table: str) -> dict[str, dict[str, Any]]:
    """The entries of a fact table by the normal form of their names and titles."""
    entries = facts.load(DOMAIN, table)
    titles = {normal(e["title"]): e for e in entries.values() if "title" in e}
    return titles | {normal(n): e for n, e in entries.items()}


def record(chart: Chart, kind: str, name: str) -> Record | None:
    return next((r for r in chart.records if r.kind == kind and r.name == name), None)

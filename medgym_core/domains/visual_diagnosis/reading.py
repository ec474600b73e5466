"""Reading a picture: what its modality measures, rounded and named as shown, remembered by content.

A measure is shown by its name without the unit and its value with it: `diameter_mm` 7.94 reads `diameter: 7.9 mm`.
Everything later (rules, truth, tools) works on these rounded values, so that who reads them off gets the same result.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import import_module
from random import Random
from types import ModuleType
from typing import TYPE_CHECKING

from medgym_core.errors import MedGymError
from medgym_core.tools import ToolError, number
from medgym_core.types import Picture

if TYPE_CHECKING:
    import numpy as np

DOMAIN = "visual_diagnosis"
MODALITIES = {
    "dermoscopy": "dermoscopy",
    "fundus photograph": "fundus",
    "optic disc photograph": "optic_disc",
    "macular photograph": "macula",
    "histology": "histology",
    "epithelium histology": "epithelium",
    "blood smear": "blood_smear",
    "ecg rhythm strip": "ecg_strip",
    "ecg leads": "ecg_leads",
}
UNITS = {
    "_mm": ("mm", 1), "_mm2": ("mm2", 1), "_um": ("um", 1), "_ms": ("ms", 0), "_per_min": ("/min", 0),
    "_per_mm2": ("/mm2", 0), "_percent": ("%", 1),
}  # fmt: skip
"""Ending of a measure's name to its unit and decimals; others are counts, or shares with two decimals."""
COUNTS = {
    "asymmetric_axes", "abrupt_segments", "colours", "dark_dots", "bright_dots", "vessels", "microaneurysms",
        "exudates",
    "haemorrhages", "fewest_haemorrhages_in_a_quadrant", "blurred_segments", "disc_haemorrhages", "drusen", "nuclei",
    "mitoses", "glands", "invading_nests", "red_cells", "spherocytes", "schistocytes", "parasitised", "white_cells",
    "blasts", "lymphocytes", "neutrophils", "smudge_cells", "complexes", "p_waves",
}  # fmt: skip
KEPT_UNIT = {"blast_percent", "schistocyte_percent", "parasitaemia_percent", "nuclei_per_mm2"}
"""Measures whose unit stays in the name, as it is how the field calls them."""
FINE = {"optic disc photograph": 2, "epithelium histology": 2, "macular photograph": 2}
"""Decimals of millimetres where structures are that small."""
VIEWS = {
    "dermoscopy": ["diameter", "asymmetric_axes", "abrupt_segments", "colours", "dark_dots", "bright_dots", "vessels",
        "centre_white"],
    "fundus photograph": ["microaneurysms", "haemorrhages", "fewest_haemorrhages_in_a_quadrant", "exudates",
        "exudate_to_fovea", "new_vessel_share", "preretinal_blood"],
    "optic disc photograph": ["cup_disc_ratio", "rim_superior", "rim_inferior", "disc_height", "blurred_segments",
        "disc_haemorrhages"],
    "macular photograph": ["drusen", "largest_druse", "atrophy", "blood"],
    "histology": ["nuclei", "nuclear_diameter", "nuclear_variation", "glands", "lumen_diameter",
        "gland_forming_share", "mitoses"],
    "epithelium histology": ["thickness", "atypical_share", "invading_nests"],
    "blood smear": ["red_cells", "red_cell_diameter", "pallor_ratio", "spherocytes", "schistocytes", "parasitised",
        "white_cells", "blasts", "lymphocytes", "smudge_cells"],
    "ecg rhythm strip": ["rate", "rr_variation", "p_waves", "pr", "qrs", "st"],
    "ecg leads": ["st_I", "st_aVL", "st_III", "st_aVF", "st_V2", "st_V3"],
}  # fmt: skip
"""What an overview of a picture shows, in order."""


def module(modality: str) -> ModuleType:
    """The module that draws and measures a modality."""
    return import_module(f"medgym_core.imaging.modalities.{MODALITIES[modality]}")


def label(name: str) -> str:
    """A measure's name as shown, without its unit."""
    ending = _ending(name)
    return name.removesuffix(ending) if ending and name not in KEPT_UNIT else name


def unit(name: str) -> str:
    ending = _ending(name)
    return UNITS[ending][0] if ending else ""


@cache
def _ending(name: str) -> str:
    return next((e for e in sorted(UNITS, key=len, reverse=True) if name.endswith(e)), "")


class Measures(dict[str, float]):
    """Rounded values by label, in the module's order; `units` by label."""

    units: dict[str, str]


def measures(picture: Picture) -> Measures:
    """What the picture's modality measures on its pixels; a label that is not there could not be measured."""
    return _measures(picture.png, picture.modality, picture.mm_per_pixel)


def pixels(png: bytes) -> "np.ndarray":
    """The pixels of a stored picture, read-only. Raises ToolError for one that cannot be read."""
    from medgym_core.imaging import picture

    try:
        return picture.decode(png)
    except MedGymError as error:
        raise ToolError(f"the picture cannot be read: {error}") from error


@lru_cache(128)
def _measures(png: bytes, modality: str, mm_per_pixel: float | None) -> Measures:
    if modality not in MODALITIES:
        found = Measures()
        found.units = {}
        return found
    return named(module(modality).measure(pixels(png), mm_per_pixel), modality)


def named(raw: Mapping[str, float], modality: str) -> Measures:
    """Raw measures rounded and named as shown."""
    found = Measures({label(name): _rounded(name, value, modality) for name, value in raw.items()})
    found.units = {label(name): unit(name) for name in raw}
    return found


def _rounded(name: str, value: float, modality: str) -> float:
    ending = _ending(name)
    if not ending:
        return (
            float(round(value))
            if name in COUNTS or name.startswith("haemorrhages_")
            else round(value, 3 if "share" in name else 2)
        )
    decimals = UNITS[ending][1]
    if ending in ("_mm", "_mm2"):
        decimals = FINE.get(modality, decimals)
    return round(value, decimals)


def show(found: Measures, name: str) -> str:
    """A value with its unit, `7.9 mm`."""
    return f"{number(found[name])} {found.units[name]}".strip()


def shown(found: Measures, names: list[str]) -> dict[str, str]:
    """Those of the names that could be measured."""
    return {name: show(found, name) for name in names if name in found}


@lru_cache(128)
def quality(png: bytes) -> dict[str, float]:
    """Blur, brightness, contrast and clipped shares of a picture, two decimals (brightness and contrast one)."""
    from medgym_core.imaging import measure

    raw = measure.quality(pixels(png))
    return {k: round(v, 1 if k in ("brightness", "contrast") else 2) for k, v in raw.items()}


@lru_cache(64)
def brightness(png: bytes) -> "np.ndarray":
    """Brightness of each pixel, float32 (H, W), read-only."""
    from medgym_core.imaging import measure

    values = measure.luminance(pixels(png))
    values.setflags(write=False)
    return values


def drawn(rng: Random, modality: str, findings: object) -> bytes:
    """The PNG of findings."""
    from medgym_core.imaging import picture

    return picture.encode(module(modality).draw(rng, findings))

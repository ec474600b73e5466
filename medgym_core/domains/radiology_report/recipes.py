"""Parameters that give a picture of a condition, chosen at random well within what its rule asks for."""

from collections.abc import Callable
from random import Random
from typing import Any

from medgym_core.domains.radiology_report import reading, rules
from medgym_core.errors import MedGymError
from medgym_core.imaging import picture

TRIES = 12
Recipe = Callable[[Random], dict[str, Any]]


def _one_side(rng: Random, name: str, low: float, high: float) -> dict[str, Any]:
    return {f"{name}_{rng.choice(['right', 'left'])}_mm": rng.uniform(low, high)}


def _heart(rng: Random) -> dict[str, Any]:
    return {"cardiothoracic_ratio": rng.uniform(0.4, 0.47)}


def _tension(rng: Random) -> dict[str, Any]:
    side = rng.choice([1, -1])
    name = "pneumothorax_right_mm" if side == 1 else "pneumothorax_left_mm"
    return _heart(rng) | {name: rng.uniform(28, 48), "trachea_shift_mm": side * rng.uniform(12, 18)}


def _head(rng: Random, kind: str) -> dict[str, Any]:
    thick = rng.uniform(16, 26) if kind == "intracerebral" else rng.uniform(7, 20)
    return {
        "kind": kind,
        "side": rng.choice(["right", "left"]),
        "thickness_mm": thick,
        "length_mm": thick * rng.uniform(1.05, 1.4) if kind == "intracerebral" else 0.0,
        "shift_mm": rng.uniform(0, 10),
        "blood_hu": rng.uniform(62, 72),
    }


def _nodule(rng: Random, part: float) -> dict[str, Any]:
    size = rng.uniform(6.8 if 0 < part < 1 else 4.5, 18)
    return {"diameter_mm": size, "solid_mm": size * part}


def _thyroid(rng: Random) -> dict[str, Any]:
    w = rng.uniform(9, 24)
    h = w * (rng.uniform(1.2, 1.32) if rng.random() < 0.3 else rng.uniform(0.65, 0.85))
    return {"width_mm": w, "height_mm": h, "echo": rng.choice(["hyperechoic", "hypoechoic", "very hypoechoic"])}


def _bladder(rng: Random, stones: int, wall: tuple[float, float]) -> dict[str, Any]:
    bore = rng.uniform(25, 33)
    sizes = tuple(rng.uniform(5, 10) for _ in range(rng.randint(1, 3))) if stones else ()
    return {
        "bore_mm": bore,
        "length_mm": bore * rng.uniform(1.75, 2.0),
        "wall_mm": rng.uniform(*wall),
        "stones_mm": sizes,
    }


def _aorta(rng: Random, low: float, high: float) -> dict[str, Any]:
    bore = rng.uniform(low, high)
    return {"bore_mm": bore, "length_mm": bore, "wall_mm": rng.uniform(1.8, 2.6)}


RECIPES: dict[str, Recipe] = {
    "tension pneumothorax": _tension,
    "large pneumothorax": lambda r: _heart(r) | _one_side(r, "pneumothorax", 24, 42),
    "small pneumothorax": lambda r: _heart(r) | _one_side(r, "pneumothorax", 8, 16),
    "pneumoperitoneum": lambda r: _heart(r) | {"free_air_mm": r.uniform(7, 18)},
    "malpositioned endotracheal tube": lambda r: _heart(r)
    | {"tube_to_carina_mm": r.choice([r.uniform(10, 23), r.uniform(78, 92)])},
    "pleural effusion": lambda r: _heart(r) | _one_side(r, "effusion", 20, 62),
    "lung mass": lambda r: _heart(r) | _one_side(r, "opacity", 34, 39),
    "pulmonary nodule": lambda r: _heart(r) | _one_side(r, "opacity", 15, 26),
    "cardiomegaly": lambda r: {"cardiothoracic_ratio": r.uniform(0.54, 0.64)},
    "normal chest radiograph": _heart,
    "epidural haematoma": lambda r: _head(r, "epidural"),
    "subdural haematoma": lambda r: _head(r, "subdural"),
    "intracerebral haemorrhage": lambda r: _head(r, "intracerebral"),
    "ischaemic infarct": lambda r: {"infarct_mm": r.uniform(26, 44), "side": r.choice(["right", "left"])},
    "ventriculomegaly": lambda r: {"evans_index": r.uniform(0.34, 0.44)},
    "normal head ct": lambda r: {"evans_index": r.uniform(0.2, 0.27)},
    "solid nodule": lambda r: _nodule(r, 1.0),
    "part-solid nodule": lambda r: _nodule(r, r.uniform(0.4, 0.62)),
    "ground-glass nodule": lambda r: _nodule(r, 0.0),
    "no nodule": lambda r: {"diameter_mm": 0.0, "solid_mm": 0.0},
    "coronary calcification": lambda r: {
        "plaques": tuple(
            (r.uniform(1.8, 4.2), reading.module("cardiac ct").peak(r, r.randint(1, 4))) for _ in range(r.randint(1, 3))
        )
    },
    "no coronary calcification": lambda r: {"plaques": ()},
    "spiculated mass": lambda r: {"mass_mm": r.uniform(10, 20), "margin": "spiculated", "spicules": r.randint(7, 11)},
    "indistinct mass": lambda r: {"mass_mm": r.uniform(11, 20), "margin": "indistinct"},
    "circumscribed mass": lambda r: {"mass_mm": r.uniform(9, 22)},
    "grouped microcalcifications": lambda r: {"calcifications": r.randint(6, 12)},
    "coarse calcification": lambda r: {"coarse": r.randint(1, 3)},
    "normal mammogram": lambda r: {},
    "displaced fracture": lambda r: {
        "gap_mm": r.uniform(1.8, 6),
        "displacement_mm": r.uniform(3, 8.5),
        "angulation_deg": r.uniform(0, 22),
    },
    "undisplaced fracture": lambda r: {
        "gap_mm": r.uniform(1.6, 3.5),
        "displacement_mm": r.uniform(0, 1.2),
        "angulation_deg": r.uniform(0, 7),
    },
    "lytic bone lesion": lambda r: {"lytic_mm": r.uniform(4, 14)},
    "normal bone": lambda r: {},
    "acute cholecystitis pattern": lambda r: _bladder(r, 1, (4.8, 8)),
    "gallstones": lambda r: _bladder(r, 1, (1.8, 3.2)),
    "thickened gallbladder wall": lambda r: _bladder(r, 0, (4.8, 8)),
    "normal gallbladder": lambda r: _bladder(r, 0, (1.8, 3.2)),
    "abdominal aortic aneurysm": lambda r: _aorta(r, 29, 62),
    "normal aorta": lambda r: _aorta(r, 15, 24),
    "dilated renal pelvis": lambda r: {"bore_mm": r.uniform(12, 28), "length_mm": r.uniform(34, 46), "wall_mm": 6.0},
    "cystic thyroid nodule": lambda r: _thyroid(r) | {"cystic_share": 1.0},
    "mixed thyroid nodule": lambda r: _thyroid(r) | {"cystic_share": r.uniform(0.22, 0.45)},
    "solid thyroid nodule": lambda r: _thyroid(r)
    | {"lobulated": r.random() < 0.4, "punctate_foci": r.choice([0, 0, r.randint(2, 3)])},
    "dissemination in space": lambda r: {
        "periventricular": r.randint(1, 4), "juxtacortical": r.randint(1, 4), "deep": r.randint(0, 4),
        "largest_mm": r.uniform(6.5, 10),
    },
    "white-matter lesions in one region": lambda r: {
        r.choice(["periventricular", "juxtacortical", "deep"]): r.randint(1, 5), "largest_mm": r.uniform(6.5, 10),
    },
    "no white-matter lesions": lambda r: {},
}  # fmt: skip


def png_of(rng: Random, name: str, **fixed: Any) -> bytes:
    """A picture of the condition; drawn anew where what it shows does not fit. `fixed` parameters win."""
    module = reading.module(rules.condition(name)["modality"])
    for _ in range(TRIES):
        try:
            return picture.encode(module.draw(rng, module.Findings(**(RECIPES[name](rng) | fixed))))
        except MedGymError:
            continue
    raise MedGymError("the recipe cannot be drawn", got=name, expected=f"room within {TRIES} tries")

"""What each condition is drawn from: random parameters well inside its definition, so that it can be told apart.

Only generators and the reference library of similar cases use this. Whether a drawn picture shows the condition is
decided by the rules on its pixels, never by the recipe.
"""

from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

from medgym_core.domains.visual_diagnosis import reading, rules
from medgym_core.domains.visual_diagnosis.reading import Measures
from medgym_core.errors import MedGymError

Recipe = Callable[[Random], dict[str, Any]]
BROWN = ("light brown", "dark brown")
TRIES = 12


def _skin(rng: Random, axes: int, abrupt: int, colours: tuple[str, ...], **more: Any) -> dict[str, Any]:
    base = {
        "diameter_mm": rng.uniform(5.5, 9.5), "ratio": rng.uniform(0.72, 0.88), "asymmetric_axes": axes,
        "abrupt_segments": abrupt, "ragged": rng.uniform(0.01, 0.03), "colours": colours,
    }  # fmt: skip
    return base | more


def melanoma(rng: Random) -> dict[str, Any]:
    ground = rng.choice(BROWN)
    others = rng.sample([c for c in ("blue-grey", "black", "red", *BROWN) if c != ground], rng.randint(2, 3))
    return _skin(
        rng,
        rng.choice([1, 2, 2]),
        rng.randint(2, 8),
        (ground, *others),
        diameter_mm=rng.uniform(7, 10.5),
        ragged=rng.uniform(0.02, 0.045),
    )


def naevus(rng: Random) -> dict[str, Any]:
    ground = rng.choice(BROWN)
    more = [c for c in BROWN if c != ground] if rng.random() < 0.4 else []
    dots = {} if more else {"dark_dots": rng.choice([0, 0, 2])}
    return _skin(rng, 0, rng.randint(0, 3), (ground, *more), diameter_mm=rng.uniform(5.5, 9), **dots)


def _quadrants(rng: Random, low: int, high: int) -> tuple[int, ...]:
    return tuple(rng.randint(low, high) for _ in range(4))


def _eye(rng: Random, **more: Any) -> dict[str, Any]:
    return {"eye": rng.choice(["right", "left"])} | more


def proliferative(rng: Random) -> dict[str, Any]:
    base = _eye(rng, microaneurysms=rng.randint(2, 8), haemorrhages=_quadrants(rng, 1, 6))
    kind = rng.choice(["new", "blood", "both"])
    return base | {"new_vessels": kind != "blood", "preretinal_mm2": rng.uniform(2, 4.5) if kind != "new" else 0.0}


def _pathology(rng: Random, **more: Any) -> dict[str, Any]:
    return {
        "nuclei": rng.randint(34, 44),
        "nuclear_diameter_um": rng.uniform(7.5, 9),
        "nuclear_variation": rng.uniform(0.05, 0.2),
        "mitoses": rng.randint(0, 2),
    } | more


def _cells(rng: Random, **more: Any) -> dict[str, Any]:
    base = {
        "red_cells": rng.randint(24, 30),
        "diameter_um": rng.uniform(7.1, 7.6),
        "size_variation": rng.uniform(0.03, 0.06),
        "pallor_ratio": rng.uniform(0.28, 0.34),
    }
    return base | {"neutrophils": rng.randint(0, 1), "lymphocytes": rng.randint(0, 1)} | more


def _ecg(rng: Random, **more: Any) -> dict[str, Any]:
    return {"rate_per_min": rng.uniform(62, 92), "pr_ms": rng.uniform(140, 165), "qrs_ms": rng.uniform(80, 92)} | more


def _sheet(rng: Random, raised: tuple[str, ...], lowered: tuple[str, ...] = ()) -> dict[str, Any]:
    high = rng.uniform(1.9, 3.2) if "III" in raised or "I" in raised else rng.uniform(3.0, 3.5)
    st = {lead: high + rng.uniform(-0.3, 0.2) for lead in raised} | {lead: -rng.uniform(0.8, 1.6) for lead in lowered}
    return {"st_mm": st, "rate_per_min": rng.uniform(72, 98)}


RECIPES: dict[str, Recipe] = {
    "melanoma": melanoma,
    "naevus": naevus,
    "haemangioma": lambda r: _skin(r, 0, r.randint(4, 8), ("red", *r.choice([(), ("blue-grey",)]))),
    "squamous cell carcinoma": lambda r: _skin(r, r.randint(0, 1), r.randint(1, 5), ("red",), centre_white=True,
        diameter_mm=r.uniform(7, 10)),
    "basal cell carcinoma": lambda r: _skin(r, r.randint(0, 2), r.randint(0, 5), (r.choice(["red", "light brown"]),),
        vessels=r.randint(2, 3), diameter_mm=r.uniform(7.5, 10)),
    "seborrhoeic keratosis": lambda r: _skin(r, r.randint(0, 1), 8, (r.choice(BROWN),), bright_dots=r.randint(4, 6),
        diameter_mm=r.uniform(8, 10)),
    "dermatofibroma": lambda r: _skin(r, 0, r.randint(0, 2), ("light brown",), centre_white=True,
        diameter_mm=r.uniform(5.5, 8)),
    "proliferative diabetic retinopathy": proliferative,
    "severe non-proliferative retinopathy": lambda r: _eye(r, microaneurysms=r.randint(0, 6),
        haemorrhages=_quadrants(r, 23, 24)),
    "moderate non-proliferative retinopathy": lambda r: _eye(r, microaneurysms=r.randint(2, 8),
        haemorrhages=_quadrants(r, 1, 12), exudates=r.choice([0, r.randint(1, 4)]),
        exudate_to_fovea_mm=r.uniform(0.7, 3.2)),
    "mild non-proliferative retinopathy": lambda r: _eye(r, microaneurysms=r.randint(1, 8)),
    "no diabetic retinopathy": lambda r: _eye(r),
    "optic disc swelling": lambda r: {"disc_height_mm": r.uniform(1.7, 2.0), "cup_disc_ratio": None,
        "blurred_segments": r.randint(5, 8), "disc_haemorrhages": r.randint(0, 2)},
    "glaucoma suspect": lambda r: {"disc_height_mm": r.uniform(1.6, 2.0), "cup_disc_ratio": r.uniform(0.74, 0.85),
        "cup_shift": r.uniform(-0.2, 0.5), "disc_haemorrhages": r.randint(0, 1)},
    "normal optic disc": lambda r: {"disc_height_mm": r.uniform(1.6, 2.0), "cup_disc_ratio": r.uniform(0.2, 0.6),
        "cup_shift": r.uniform(-0.4, 0.0)},
    "late macular degeneration": lambda r: {"drusen_um": tuple(r.uniform(60, 200) for _ in range(r.randint(0, 5))),
        r.choice(["atrophy_mm2", "blood_mm2"]): r.uniform(0.4, 1.2)},
    "intermediate macular degeneration": lambda r: {
        "drusen_um": (r.uniform(155, 260), *(r.uniform(60, 150) for _ in range(r.randint(1, 6))))},
    "early macular degeneration": lambda r: {
        "drusen_um": (r.uniform(84, 108), *(r.uniform(55, 84) for _ in range(r.randint(1, 7))))},
    "normal ageing macula": lambda r: {"drusen_um": tuple(r.uniform(40, 50) for _ in range(r.randint(0, 3)))},
    "invasive carcinoma": lambda r: {"atypical_share": r.uniform(0.8, 1.0), "thickness_mm": r.uniform(0.17, 0.21),
        "invading_nests": r.randint(1, 3)},
    "cin 3": lambda r: {"atypical_share": r.uniform(0.75, 1.0), "thickness_mm": r.uniform(0.17, 0.21)},
    "cin 2": lambda r: {"atypical_share": r.uniform(0.42, 0.6), "thickness_mm": r.uniform(0.17, 0.21)},
    "cin 1": lambda r: {"atypical_share": r.uniform(0.17, 0.27), "thickness_mm": r.uniform(0.17, 0.21)},
    "normal squamous epithelium": lambda r: {"atypical_share": 0.0, "thickness_mm": r.uniform(0.17, 0.21)},
    "high-grade gland pattern 5": lambda r: _pathology(r, glands=0),
    "fused gland pattern 4": lambda r: _pathology(r, glands=r.randint(3, 4), lumen_diameter_um=r.uniform(9.5, 11.5)),
    "discrete gland pattern 3": lambda r: _pathology(r, glands=r.randint(2, 3), lumen_diameter_um=r.uniform(18, 26)),
    "acute leukaemia": lambda r: _cells(r, red_cells=r.randint(14, 17), blasts=r.randint(2, 4), neutrophils=0,
        lymphocytes=r.randint(0, 1)),
    "malaria": lambda r: _cells(r, parasitised=r.randint(1, 8)),
    "thrombotic microangiopathy": lambda r: _cells(r, schistocytes=r.randint(1, 6), size_variation=r.uniform(0.05,
        0.1)),
    "hereditary spherocytosis pattern": lambda r: _cells(r, spherocytes=r.randint(4, 10)),
    "chronic lymphocytic leukaemia": lambda r: _cells(r, red_cells=r.randint(15, 18), lymphocytes=r.randint(4, 6),
        smudge_cells=r.randint(1, 2), neutrophils=0),
    "iron deficiency": lambda r: _cells(r, diameter_um=r.uniform(6.0, 6.4), pallor_ratio=r.uniform(0.48, 0.55),
        size_variation=r.uniform(0.06, 0.12)),
    "normal smear": lambda r: _cells(r),
    "atrial fibrillation": lambda r: _ecg(r, rate_per_min=r.uniform(75, 120), irregular=True, p_waves=False),
    "left bundle branch block pattern": lambda r: _ecg(r, qrs_ms=r.uniform(152, 172)),
    "first-degree av block": lambda r: _ecg(r, rate_per_min=r.uniform(58, 76), pr_ms=r.uniform(250, 300)),
    "sinus bradycardia": lambda r: _ecg(r, rate_per_min=r.uniform(40, 46)),
    "sinus tachycardia": lambda r: _ecg(r, rate_per_min=r.uniform(107, 122)),
    "normal sinus rhythm": lambda r: _ecg(r),
    "anterior stemi": lambda r: _sheet(r, ("V2", "V3"), r.choice([(), ("III", "aVF")])),
    "inferior stemi": lambda r: _sheet(r, ("III", "aVF"), ("I", "aVL")),
    "lateral stemi": lambda r: _sheet(r, ("I", "aVL"), ("III", "aVF")),
    "no st elevation": lambda r: _sheet(r, (), r.choice([(), ("V2", "V3"), ("I", "aVL")])),
}  # fmt: skip


def findings(rng: Random, name: str, **fixed: Any) -> Any:
    """Parameters of a condition; `fixed` ones win over the recipe's."""
    return reading.module(rules.condition(name)["modality"]).Findings(**(RECIPES[name](rng) | fixed))


def png_of(rng: Random, name: str, **fixed: Any) -> bytes:
    """A picture of the condition; drawn anew where the lesions did not fit."""
    for _ in range(TRIES):
        try:
            return reading.drawn(rng, rules.condition(name)["modality"], findings(rng, name, **fixed))
        except MedGymError:
            continue
    raise MedGymError("the recipe cannot be drawn", got=name, expected=f"room within {TRIES} tries")


@cache
def library(modality: str) -> list[tuple[str, Measures]]:
    """Reference cases of a modality, two a condition, drawn from fixed seeds: condition and measures."""
    cases = []
    for name in rules.conditions(modality):
        for seed in range(2):
            png = png_of(Random(f"library/{name}/{seed}"), name)
            from medgym_core.imaging import picture

            raw = reading.module(modality).measure(picture.decode(png), reading.module(modality).MM_PER_PIXEL)
            cases.append((name, reading.named(raw, modality)))
    return cases

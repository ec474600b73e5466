"""Every modality: small deterministic pictures, and measurements that find the parameters drawn."""

import pkgutil
from collections import Counter
from dataclasses import is_dataclass
from importlib import import_module
from random import Random
from types import ModuleType

import numpy as np
import pytest

from medgym_core.imaging import modalities, picture

NAMES = [m.name for m in pkgutil.iter_modules(modalities.__path__)]
MODULES = [import_module(f"medgym_core.imaging.modalities.{name}") for name in NAMES]
DRAWN = 40
MOST_BYTES = 30_000


def by_name(modules: list[ModuleType]) -> list:
    return [pytest.param(m, id=m.__name__.rsplit(".", 1)[1]) for m in modules if hasattr(m, "MODALITY")]


every = pytest.mark.parametrize("modality", by_name(MODULES))


@every
def test_a_modality_has_its_parts(modality: ModuleType) -> None:
    assert modality.MODALITY and modality.BODY_PART and modality.MM_PER_PIXEL > 0
    assert is_dataclass(modality.Findings) and modality.Findings.__dataclass_params__.frozen
    assert modality.TOLERANCE


@every
def test_pictures_are_small_and_the_same_for_the_same_seed(modality: ModuleType) -> None:
    first, again, other = (modality.draw(Random(s), modality.sample(Random(7))) for s in (1, 1, 2))
    assert first.dtype == np.uint8 and first.nbytes <= MOST_BYTES
    assert (first == again).all() and (first != other).any()
    assert len(picture.encode(first)) <= MOST_BYTES + 1_000


@every
def test_measurements_find_the_parameters_within_the_stated_tolerance(modality: ModuleType) -> None:
    misses: Counter[str] = Counter()
    for seed in range(DRAWN):
        rng = Random(f"tolerance/{seed}")
        findings = modality.sample(rng)
        found = modality.measure(picture.decode(picture.encode(modality.draw(rng, findings))), modality.MM_PER_PIXEL)
        for name, value in modality.expected(findings).items():
            if name not in found or abs(found[name] - value) > modality.TOLERANCE[name] + 1e-9:
                misses[name] += 1
    assert not {name: n for name, n in misses.items() if n > DRAWN * 0.03}, misses


@every
def test_what_is_measured_varies_with_the_picture(modality: ModuleType) -> None:
    found = [modality.measure(modality.draw(Random(s), modality.sample(Random(s))), 1.0) for s in range(12)]
    assert len({tuple(sorted(f.items())) for f in found}) > 6


@every
def test_an_empty_picture_gives_no_measurement_but_no_error(modality: ModuleType) -> None:
    shape = modality.draw(Random(1), modality.sample(Random(1))).shape
    for value in (0, 128, 255):
        found = modality.measure(np.full(shape, value, np.uint8), modality.MM_PER_PIXEL)
        assert not any(name.endswith(("_mm", "_um")) and v > 0 for name, v in found.items())
    rng = np.random.default_rng(1)
    for other in ((20, 20), (20, 20, 3), (1, 1), (1, 1, 3), (7, 150, 3), (150, 7), (96, 96), (96, 96, 3)):
        assert isinstance(modality.measure(rng.integers(0, 256, other, dtype=np.uint8), None), dict)
        assert isinstance(modality.measure(np.full(other, 90, np.uint8), 0.1), dict)


@every
def test_without_a_scale_no_length_is_given(modality: ModuleType) -> None:
    found = modality.measure(modality.draw(Random(3), modality.sample(Random(3))), None)
    assert not any(name.endswith(("_mm", "_mm2", "_um", "_ms", "_per_min", "_per_mm2")) for name in found)

"""CT of the chest: nodules are sized by both axes; solid and ground-glass parts are told apart by their density."""

from random import Random

import pytest

from medgym_core.imaging.modalities import ct_chest as lung


def measured(seed: int = 1, **findings: object) -> dict[str, float]:
    return lung.measure(lung.draw(Random(seed), lung.Findings(**findings)), lung.MM_PER_PIXEL)


@pytest.mark.parametrize("size", [4.5, 6.0, 8.0, 15.0, 22.0])
def test_size_of_solid_and_ground_glass_nodules(size: float) -> None:
    solid, glass = measured(diameter_mm=size, solid_mm=size), measured(diameter_mm=size, solid_mm=0.0)
    for found in (solid, glass):
        assert found["nodule_diameter_mm"] == pytest.approx(size, abs=0.5)
    assert solid["solid_share"] == 1 and glass["solid_share"] == 0 == glass["solid_diameter_mm"]
    assert solid["nodule_hu"] > 0 > glass["nodule_hu"]


def test_a_part_solid_nodule_has_both_sizes_and_spicules_do_not_count_as_size() -> None:
    found = measured(diameter_mm=14.0, solid_mm=7.0)
    assert found["solid_diameter_mm"] == pytest.approx(7, abs=0.5) and 0.1 < found["solid_share"] < 0.4
    rays = measured(diameter_mm=12.0, solid_mm=12.0, spicules=6)
    assert rays["nodule_diameter_mm"] == pytest.approx(12, abs=0.6) and rays["spicules"] >= 5


def test_vessels_are_no_nodules() -> None:
    assert measured(diameter_mm=0.0) == {"nodules": 0.0}

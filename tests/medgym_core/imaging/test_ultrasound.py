"""Ultrasound: bore, wall and outer diameter of what is filled with fluid, and stones in it."""

from random import Random

import pytest

from medgym_core.imaging.modalities import ultrasound as sound


def measured(seed: int = 1, **findings: object) -> dict[str, float]:
    return sound.measure(sound.draw(Random(seed), sound.Findings(**findings)), sound.MM_PER_PIXEL)


@pytest.mark.parametrize("wall", [2.0, 3.4, 4.6, 7.0])
def test_the_wall_is_measured_to_half_a_millimetre(wall: float) -> None:
    assert measured(wall_mm=wall)["wall_mm"] == pytest.approx(wall, abs=0.5)


@pytest.mark.parametrize("bore", [16.0, 30.0, 55.0])
def test_the_outer_diameter_of_a_vessel(bore: float) -> None:
    found = measured(bore_mm=bore, length_mm=bore, wall_mm=2.0)
    assert found["outer_diameter_mm"] == pytest.approx(bore + 4, abs=1)


def test_stones_are_counted_and_none_is_zero() -> None:
    assert measured(stones_mm=(6.0, 9.0))["stones"] == 2
    assert measured()["stones"] == 0 and "largest_stone_mm" not in measured()

"""Chest radiograph: fluid, air, tube and side are measured where they were drawn."""

from random import Random

import pytest

from medgym_core.imaging.modalities import chest_radiograph as chest


def measured(seed: int = 1, **findings: object) -> dict[str, float]:
    return chest.measure(chest.draw(Random(seed), chest.Findings(**findings)), chest.MM_PER_PIXEL)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize(("name", "size"), [("effusion", 45.0), ("pneumothorax", 24.0), ("opacity", 24.0)])
def test_a_finding_is_on_the_side_it_was_drawn(name: str, size: float, side: str) -> None:
    found = measured(**{f"{name}_{side}_mm": size})
    other = "left" if side == "right" else "right"
    assert found[f"{name}_{side}_mm"] == pytest.approx(size, abs=chest.TOLERANCE[f"{name}_{side}_mm"])
    assert not found.get(f"{name}_{other}_mm")


def test_a_larger_heart_has_a_larger_ratio_and_a_flipped_picture_is_seen() -> None:
    ratios = [measured(cardiothoracic_ratio=r)["cardiothoracic_ratio"] for r in (0.42, 0.5, 0.58)]
    assert ratios == sorted(ratios) and ratios[0] < 0.45 < 0.55 < ratios[2]
    assert measured()["apex_mm"] > 10 > -10 > measured(flipped=True)["apex_mm"]


def test_without_a_tube_there_is_no_distance() -> None:
    assert "tube_to_carina_mm" not in measured()
    assert measured(tube_to_carina_mm=60.0)["tube_to_carina_mm"] == pytest.approx(60, abs=5)
    assert measured(trachea_shift_mm=-15.0, pneumothorax_left_mm=30.0)["trachea_shift_mm"] == pytest.approx(-15, abs=3)

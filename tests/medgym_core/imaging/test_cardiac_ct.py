"""Cardiac CT: Agatston's weights by peak density, area in mm2, bone left out."""

from random import Random

import pytest

from medgym_core.imaging.modalities import cardiac_ct as heart


@pytest.mark.parametrize(
    ("hu", "weight"), [(129, 0), (130, 1), (199, 1), (200, 2), (299, 2), (300, 3), (399, 3), (400, 4)]
)
def test_weights_of_agatston_1990(hu: float, weight: int) -> None:
    assert heart.weight_of(hu) == weight


@pytest.mark.parametrize(("hu", "weight"), [(165.0, 1), (250.0, 2), (350.0, 3), (500.0, 4)])
def test_the_score_is_area_times_weight(hu: float, weight: int) -> None:
    pixels = heart.draw(Random(3), heart.Findings(((4.0, hu),)))
    found = heart.measure(pixels, heart.MM_PER_PIXEL)
    assert found["agatston"] == pytest.approx(found["calcium_area_mm2"] * weight)
    assert found["calcium_area_mm2"] == pytest.approx(heart.area_mm2(4.0, hu), abs=1.5)


def test_bone_at_the_edge_is_not_counted_and_a_score_needs_the_scale() -> None:
    pixels = heart.draw(Random(3), heart.Findings(()))
    assert heart.measure(pixels, heart.MM_PER_PIXEL)["agatston"] == 0
    assert "agatston" not in heart.measure(pixels, None)

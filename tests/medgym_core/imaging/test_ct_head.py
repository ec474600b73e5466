"""CT of the head: blood is told by place and form, its size and the shift are measured."""

from random import Random

import pytest

from medgym_core.imaging.modalities import ct_head as head


def measured(seed: int = 1, **findings: object) -> dict[str, float]:
    return head.measure(head.draw(Random(seed), head.Findings(**findings)), head.MM_PER_PIXEL)


@pytest.mark.parametrize("thickness", [7.0, 12.0, 19.0])
@pytest.mark.parametrize("side", ["right", "left"])
def test_a_lens_bulges_in_and_a_crescent_is_hollow(thickness: float, side: str) -> None:
    lens = measured(kind="epidural", side=side, thickness_mm=thickness)
    crescent = measured(kind="subdural", side=side, thickness_mm=thickness)
    assert lens["bulge_mm"] > 0 > crescent["bulge_mm"]
    for found in (lens, crescent):
        assert found["touches_skull"] == 1 and found["haematoma_on_right"] == (side == "right")
        assert found["haematoma_thickness_mm"] == pytest.approx(thickness, abs=3)


def test_blood_inside_the_brain_does_not_touch_the_skull() -> None:
    found = measured(kind="intracerebral", thickness_mm=22.0, length_mm=30.0, shift_mm=4.0)
    assert found["touches_skull"] == 0 and "bulge_mm" not in found
    assert found["midline_shift_mm"] == pytest.approx(4, abs=0.8)
    assert found["haematoma_area_mm2"] == pytest.approx(3.1416 / 4 * 22 * 30, rel=0.1)


def test_oedema_is_no_fluid_and_no_blood_is_a_count_of_zero() -> None:
    found = measured(infarct_mm=36.0, side="left")
    assert found["haematomas"] == 0 and found["hypodense_on_right"] == 0 and "haematoma_hu" not in found

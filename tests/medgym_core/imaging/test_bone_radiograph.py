"""Bone radiograph: gap, displacement and angulation come from the fragments' axes, a lesion from the shaft."""

from random import Random

import pytest

from medgym_core.imaging.modalities import bone_radiograph as bone


def measured(seed: int = 1, **findings: float) -> dict[str, float]:
    return bone.measure(bone.draw(Random(seed), bone.Findings(**findings)), bone.MM_PER_PIXEL)


@pytest.mark.parametrize(("gap", "shift", "angle"), [(1.6, 0.0, 0.0), (3.0, 5.0, 0.0), (4.0, 0.0, 15.0), (6, 8, 20)])
def test_a_fracture_is_measured(gap: float, shift: float, angle: float) -> None:
    found = measured(gap_mm=gap, displacement_mm=shift, angulation_deg=angle)
    assert found["fractures"] == 1 and found["gap_mm"] == pytest.approx(gap, abs=0.8)
    assert found["displacement_mm"] == pytest.approx(shift, abs=0.9)
    assert found["angulation_deg"] == pytest.approx(angle, abs=1.5)


@pytest.mark.parametrize("size", [4.0, 9.0, 14.0])
def test_a_lytic_lesion_is_no_fracture(size: float) -> None:
    found = measured(lytic_mm=size)
    assert found["fractures"] == 0 and found["lytic_share"] == pytest.approx(size / 17, abs=0.06)
    assert "lytic_mm" not in measured()

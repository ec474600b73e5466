"""Thyroid ultrasound: the features that TI-RADS asks for."""

from random import Random

import pytest

from medgym_core.imaging.modalities import thyroid_ultrasound as thyroid


def measured(seed: int = 1, **findings: object) -> dict[str, float]:
    return thyroid.measure(thyroid.draw(Random(seed), thyroid.Findings(**findings)), thyroid.MM_PER_PIXEL)


@pytest.mark.parametrize("seed", range(4))
def test_features_are_told_apart(seed: int) -> None:
    tall = measured(seed, width_mm=11.0, height_mm=14.0)
    assert tall["height_mm"] > tall["width_mm"]
    assert measured(seed)["irregularity"] < 1.1 < measured(seed, lobulated=True)["irregularity"]
    assert measured(seed, cystic_share=1.0)["cystic_share"] == 1
    assert measured(seed, cystic_share=0.3)["cystic_share"] == pytest.approx(0.3, abs=0.09)
    assert measured(seed)["punctate_foci"] == 0 < measured(seed, punctate_foci=3)["punctate_foci"]


def test_echogenicity_is_against_the_gland() -> None:
    ratios = [measured(echo=e)["echo_ratio"] for e in ("very hypoechoic", "hypoechoic", "hyperechoic")]
    assert ratios[0] < 0.55 < ratios[1] < 0.9 < 1 < ratios[2]

"""Mammogram: margins are told apart, fine calcifications are counted apart from coarse ones."""

from random import Random

import pytest

from medgym_core.imaging.modalities import mammogram as breast


def measured(seed: int = 1, **findings: object) -> dict[str, float]:
    return breast.measure(breast.draw(Random(seed), breast.Findings(**findings)), breast.MM_PER_PIXEL)


@pytest.mark.parametrize("seed", range(4))
def test_margins(seed: int) -> None:
    sharp = measured(seed, mass_mm=15.0)
    blurred = measured(seed, mass_mm=15.0, margin="indistinct")
    rays = measured(seed, mass_mm=15.0, margin="spiculated", spicules=9)
    assert sharp["indistinct_eighths"] <= 1 and blurred["indistinct_eighths"] >= 6
    assert sharp["spicules"] == blurred["spicules"] == 0 and rays["spicules"] >= 7


@pytest.mark.parametrize("count", [5, 8, 12])
def test_fine_and_coarse_calcifications(count: int) -> None:
    fine = measured(calcifications=count)
    assert fine["calcifications"] == pytest.approx(count, abs=1) and fine["coarse_calcifications"] == 0
    assert fine["calcification_span_mm"] <= 20 and "mass_diameter_mm" not in fine
    coarse = measured(coarse=2)
    assert (coarse["calcifications"], coarse["coarse_calcifications"]) == (0, 2)

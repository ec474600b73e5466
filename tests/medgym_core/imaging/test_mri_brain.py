"""MRI of the brain: lesions are counted by place."""

from random import Random

import pytest

from medgym_core.imaging.modalities import mri_brain as brain


@pytest.mark.parametrize("place", ["periventricular", "juxtacortical", "deep"])
@pytest.mark.parametrize("count", [1, 3])
def test_lesions_are_counted_where_they_lie(place: str, count: int) -> None:
    pixels = brain.draw(Random(count), brain.Findings(**{place: count}))
    found = brain.measure(pixels, brain.MM_PER_PIXEL)
    assert found["lesions"] == count == found[place]


def test_places_need_the_scale() -> None:
    pixels = brain.draw(Random(1), brain.Findings(deep=2))
    assert brain.measure(pixels, None) == {"lesions": 2.0}
    assert brain.measure(brain.draw(Random(1), brain.Findings()), brain.MM_PER_PIXEL)["lesions"] == 0

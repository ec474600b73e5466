"""Measuring: known shapes give known numbers; what is not there is not invented."""

from random import Random

import numpy as np
import pytest

from medgym_core.imaging import degrade, draw, measure

TURNS = [(1.0, 0.0), (0.6, 0.8), (0.7071, -0.7071)]


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize(("rx", "ry"), [(20, 20), (30, 20), (35, 14)])
def test_an_ellipse_has_its_axes_area_and_smooth_border(rx: int, ry: int, turn: tuple[float, float]) -> None:
    shape = measure.shape_of(draw.ellipse(128, 128, 63, 64, rx, ry, turn) > 0.5)
    assert shape.long == pytest.approx(2 * rx, abs=1.6) and shape.short == pytest.approx(2 * ry, abs=1.6)
    assert shape.area == pytest.approx(np.pi * rx * ry, rel=0.02)
    assert (shape.x, shape.y) == pytest.approx((63, 64), abs=0.1)
    assert max(shape.asymmetry) < 0.03
    assert shape.irregularity == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize(("third", "axes"), [((0.0, 0.0), 0), ((0.2, 0.0), 1), ((0.2, 0.2), 2)])
def test_asymmetry_counts_the_axes_that_do_not_fold(third: tuple[float, float], axes: int) -> None:
    mask = draw.blob(128, 128, 64, 64, 36, 26, (0.8, 0.6), [(3, *third)]) > 0.5
    assert sum(a > 0.13 for a in measure.shape_of(mask).asymmetry) == axes


def test_a_ragged_border_is_more_irregular_the_more_ragged() -> None:
    waves = [draw.waves_of(Random(3), range(8, 15), s) for s in (0.0, 0.03, 0.06, 0.1)]
    found = [measure.shape_of(draw.blob(128, 128, 64, 64, 36, 30, waves=w) > 0.5).irregularity for w in waves]
    assert found == sorted(found) and found[-1] > 1.5 * found[0]


def test_perimeter_of_a_disc() -> None:
    assert measure.perimeter(draw.ellipse(99, 99, 49, 49, 30, 30) > 0.5) == pytest.approx(2 * np.pi * 30, rel=0.02)


def test_objects_are_those_of_a_flood_fill() -> None:
    rng = np.random.default_rng(5)
    for share in (0.2, 0.45, 0.6):
        mask = rng.random((40, 37)) < share
        found = measure.objects(mask)
        seen: dict[tuple[int, int], int] = {}
        count = 0
        for start in zip(*map(list, np.nonzero(mask)), strict=True):
            if start in seen:
                continue
            count += 1
            stack = [start]
            while stack:
                i, j = stack.pop()
                if (i, j) in seen or not (0 <= i < 40 and 0 <= j < 37) or not mask[i, j]:
                    continue
                seen[i, j] = count
                stack += [(i + a, j + b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
        assert len(found) == count and found.area.sum() == mask.sum()
        pairs = {(seen[i, j], int(found.labels[i, j])) for i, j in seen}
        assert len(pairs) == count


def test_no_pixel_gives_no_object_and_no_largest() -> None:
    empty = np.zeros((20, 20), bool)
    assert len(measure.objects(empty)) == 0 and measure.largest(empty) is None


def test_holes_are_filled_but_bays_are_not() -> None:
    ring = draw.ring(60, 60, 30, 30, 15, 5) > 0.5
    assert measure.filled(ring)[30, 30]
    ring[25:35, 30:] = False
    assert not measure.filled(ring)[30, 30]


def test_otsu_parts_two_populations() -> None:
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(60, 8, 500), rng.normal(180, 8, 300)]).clip(0, 255)
    assert 90 < measure.otsu(values) < 160


def test_small_spots_stand_out_and_large_areas_do_not() -> None:
    image = draw.canvas(60, 60, 100.0)
    draw.dab(image, 15, 15, 1.5, 1.5, 20.0)
    draw.dab(image, 15, 40, 1.5, 1.5, 200.0)
    draw.dab(image, 42, 30, 9, 9, 20.0)
    assert measure.dark_spots(image, 5)[15, 15] > 60 and measure.bright_spots(image, 5)[40, 15] > 60
    assert measure.dark_spots(image, 5)[30, 42] == 0


def test_sharp_and_soft_eighths_of_a_border_are_told_apart() -> None:
    image = draw.canvas(96, 96, 200.0)
    soft = np.where(draw.eighths(96, 96, 48, 48) < 3, np.float32(1.2), np.float32(10))
    draw.blend(image, draw.ellipse(96, 96, 48, 48, 28, 28, soft=soft), 60.0)
    mask = draw.ellipse(96, 96, 48, 48, 28, 28) > 0.5
    assert ((measure.sharpness(image, mask) > 0.62) == (np.arange(8) < 3)).all()


def test_without_a_scale_there_are_no_millimetres() -> None:
    values = {"diameter_mm": 40.0, "area_mm2": 1200.0, "ratio": 0.5}
    assert measure.scaled(values, None) == {"ratio": 0.5}
    assert measure.scaled(values, 0.1) == pytest.approx({"diameter_mm": 4.0, "area_mm2": 12.0, "ratio": 0.5})


def test_change_is_percent_of_the_prior() -> None:
    assert measure.change(12, 8) == 50 and measure.change(6, 8) == -25


def picture() -> np.ndarray:
    gen = draw.generator(Random(2))
    image = draw.canvas(96, 96, (200.0, 150.0, 130.0))
    draw.blend(image, draw.blob(96, 96, 48, 48, 25, 20, waves=draw.waves_of(Random(1), (3, 5, 9), 0.1)), (90.0, 60, 40))
    image += draw.grain(gen, image.shape, 2.0)
    return draw.quantise(image)


def test_what_spoils_a_picture_shows_in_its_quality() -> None:
    good = measure.quality(picture())
    assert good["blur"] < 0.4 < measure.quality(degrade.blurred(picture(), 2))["blur"]
    assert measure.quality(degrade.exposed(picture(), 0.25))["brightness"] < 0.4 * good["brightness"]
    assert measure.quality(degrade.exposed(picture(), 2.5))["clipped_bright"] > 0.5
    assert measure.quality(degrade.flattened(picture(), 0.2))["contrast"] < 0.3 * good["contrast"]
    assert measure.quality(degrade.noisy(Random(1), picture(), 20))["contrast"] > good["contrast"]


def test_places_keep_their_distance_and_their_ground() -> None:
    allowed = draw.ellipse(96, 96, 48, 48, 30, 30) > 0.5
    points = draw.places(Random(4), 25, 96, 96, 7, allowed)
    assert len(points) == 25
    assert all(allowed[round(y), round(x)] for x, y in points)
    gaps = [np.hypot(a - c, b - d) for i, (a, b) in enumerate(points) for c, d in points[:i]]
    assert min(gaps) >= 7
    assert len(draw.places(Random(4), 500, 96, 96, 7, allowed)) < 500


def test_a_mean_of_a_region() -> None:
    values = np.arange(100, dtype=np.float32).reshape(10, 10)
    assert measure.region_statistics(values, (0, 0, 10, 1))["mean"] == pytest.approx(4.5)

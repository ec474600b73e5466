"""The full tables of APACHE II and Bedside PEWS, range by range as they are printed."""

import pytest

from medgym_core import instruments

ACUTE = {
    "age": 44, "temperature": 37, "systolic_bp": 120, "diastolic_bp": 80, "heart_rate": 80, "respiratory_rate": 16,
    "fio2": 21, "po2": 90, "ph": 7.4, "sodium": 140, "potassium": 4, "creatinine": 1, "acute_renal_failure": False,
    "hematocrit": 40, "white_cells": 8, "gcs": 15, "severe_chronic_disease": False,
}  # fmt: skip
RANGES = {
    "age": [(16, 44, 0), (45, 54, 2), (55, 64, 3), (65, 74, 5), (75, 100, 6)],
    "temperature": [
        (41, 43, 4), (39, 40.9, 3), (38.5, 38.9, 1), (36, 38.4, 0), (34, 35.9, 1), (32, 33.9, 2), (30, 31.9, 3),
        (25, 29.9, 4),
    ],
    "heart_rate": [
        (180, 250, 4), (140, 179, 3), (110, 139, 2), (70, 109, 0), (55, 69, 2), (40, 54, 3), (0, 39, 4)
    ],
    "respiratory_rate": [(50, 70, 4), (35, 49, 3), (25, 34, 1), (12, 24, 0), (10, 11, 1), (6, 9, 2), (0, 5, 4)],
    "po2": [(70.1, 200, 0), (61, 70, 1), (55, 60, 3), (20, 54, 4)],
    "ph": [
        (7.7, 7.9, 4), (7.6, 7.69, 3), (7.5, 7.59, 1), (7.33, 7.49, 0), (7.25, 7.32, 2), (7.15, 7.24, 3), (6.8, 7.14, 4)
    ],
    "sodium": [
        (180, 190, 4), (160, 179, 3), (155, 159, 2), (150, 154, 1), (130, 149, 0), (120, 129, 2), (111, 119, 3),
        (100, 110, 4),
    ],
    "potassium": [(7, 9, 4), (6, 6.9, 3), (5.5, 5.9, 1), (3.5, 5.4, 0), (3, 3.4, 1), (2.5, 2.9, 2), (1, 2.4, 4)],
    "creatinine": [(3.5, 9, 4), (2, 3.4, 3), (1.5, 1.9, 2), (0.6, 1.4, 0), (0.1, 0.5, 2)],
    "hematocrit": [(60, 70, 4), (50, 59.9, 2), (46, 49.9, 1), (30, 45.9, 0), (20, 29.9, 2), (10, 19.9, 4)],
    "white_cells": [(40, 90, 4), (20, 39.9, 2), (15, 19.9, 1), (3, 14.9, 0), (1, 2.9, 2), (0.1, 0.9, 4)],
}  # fmt: skip
"""Lowest value, highest value, points."""
PRESSURES = [(160, 180, 4), (130, 159, 3), (110, 129, 2), (70, 109, 0), (50, 69, 2), (20, 49, 4)]
GRADIENTS = [(500, 600, 4), (350, 499, 3), (200, 349, 2), (20, 199, 0)]
BICARBONATES = [(52, 60, 4), (41, 51.9, 3), (32, 40.9, 1), (22, 31.9, 0), (18, 21.9, 2), (15, 17.9, 3), (5, 14.9, 4)]

CHILD = {
    "age": 0, "capillary_refill": 2, "respiratory_effort": "normal", "spo2": 98, "oxygen_flow": 0,
}  # fmt: skip
QUIET = {2: (130, 70, 45), 6: (120, 90, 40), 24: (100, 100, 30), 96: (85, 105, 25), 180: (80, 115, 14)}
"""Age in months to a heart rate, systolic pressure and respiratory rate without points."""
STEPS = {
    "heart_rate": {
        2: ((80, 190), (90, 180), (110, 150)),
        6: ((70, 180), (80, 170), (100, 150)),
        24: ((60, 170), (70, 150), (90, 120)),
        96: ((50, 150), (60, 130), (70, 110)),
        180: ((40, 140), (50, 120), (60, 100)),
    },
    "systolic_bp": {
        2: ((45, 130), (50, 100), (60, 80)),
        6: ((60, 150), (70, 120), (80, 100)),
        24: ((65, 160), (75, 125), (90, 110)),
        96: ((70, 170), (80, 140), (90, 120)),
        180: ((75, 190), (85, 150), (100, 130)),
    },
    "respiratory_rate": {
        2: ((15, 91), (19, 81), (29, 61)),
        6: ((15, 81), (19, 71), (24, 51)),
        24: ((12, 71), (15, 61), (19, 41)),
        96: ((10, 51), (14, 41), (19, 31)),
        180: ((9, 30), (10, 23), (11, 17)),
    },
}
"""Limits at and beyond which 4, 2 and 1 points count, by age in months."""


def apache(**changes):
    return instruments.get("apache2")(**ACUTE | changes).value


@pytest.mark.parametrize("item", RANGES)
def test_apache2_ranges(item):
    for low, high, points in RANGES[item]:
        assert apache(**{item: low}) == apache(**{item: high}) == points


def test_apache2_ranges_of_the_mean_pressure():
    for low, high, points in PRESSURES:
        assert all(apache(systolic_bp=mean, diastolic_bp=mean) == points for mean in (low, high))


def test_apache2_ranges_of_the_gradient():
    for low, high, points in GRADIENTS:
        assert all(apache(fio2=60, aa_gradient=gradient) == points for gradient in (low, high))


def test_apache2_ranges_of_bicarbonate():
    for low, high, points in BICARBONATES:
        assert all(apache(ph=None, bicarbonate=bicarbonate) == points for bicarbonate in (low, high))


@pytest.mark.parametrize("months", QUIET)
@pytest.mark.parametrize("item", STEPS)
def test_pews_limits_by_age(item, months):
    child = CHILD | dict(zip(STEPS, QUIET[months], strict=True)) | {"age": months // 12, "age_months": months}
    score = instruments.get("pews")
    assert score(**child).value == 0
    for points, inside, (low, high) in zip((4, 2, 1), (2, 1, 0), STEPS[item][months], strict=True):
        assert score(**child | {item: low}).value == score(**child | {item: high}).value == points
        assert score(**child | {item: low + 0.5}).value == score(**child | {item: high - 0.5}).value == inside


@pytest.mark.parametrize(
    ("change", "points"),
    [
        ({"capillary_refill": 2.9}, 0), ({"capillary_refill": 3}, 4), ({"respiratory_effort": "mild increase"}, 1),
        ({"respiratory_effort": "moderate increase"}, 2), ({"respiratory_effort": "severe increase"}, 4),
        ({"spo2": 95}, 0), ({"spo2": 94}, 1), ({"spo2": 91}, 1), ({"spo2": 90}, 2), ({"oxygen_flow": 0.1}, 2),
        ({"oxygen_flow": 3.9}, 2), ({"oxygen_flow": 4}, 4),
    ],
)  # fmt: skip
def test_pews_points_of_the_other_items(change, points):
    child = CHILD | dict(zip(STEPS, QUIET[24], strict=True)) | {"age": 2}
    assert instruments.get("pews")(**child | change).value == points


@pytest.mark.parametrize(
    ("months", "limit"), [(2, 150), (3, 150), (11, 150), (12, 120), (48, 120), (49, 110), (144, 110)]
)
def test_pews_age_groups(months, limit):
    child = CHILD | {"age": months // 12, "age_months": months, "systolic_bp": 90, "respiratory_rate": 30}
    score = instruments.get("pews")
    assert score(**child, heart_rate=limit).parts["heart_rate"] == 1
    assert score(**child, heart_rate=limit - 1).parts["heart_rate"] == 0

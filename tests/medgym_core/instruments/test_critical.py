"""Coma, sepsis screens, early warning, organ failure, severity of illness, burns."""

import pytest

from medgym_core import instruments
from medgym_core.instruments.tools import from_chart
from medgym_core.tools import World
from medgym_core.types import Chart, Reading

ALERT = {"gcs_eye": "4", "gcs_verbal": "5", "gcs_motor": "6"}
SEPSIS_FREE = {"temperature": 38, "heart_rate": 90, "respiratory_rate": 20, "white_cells": 12}
WELL = {
    "respiratory_rate": 16, "spo2": 97, "oxygen": "room air", "systolic_bp": 120, "heart_rate": 70,
    "consciousness": "alert", "temperature": 37, "age": 40,
}  # fmt: skip
CHILD = {
    "age": 6, "heart_rate": 90, "systolic_bp": 100, "capillary_refill": 2, "respiratory_rate": 25,
    "respiratory_effort": "normal", "spo2": 98, "oxygen_flow": 0,
}  # fmt: skip
ORGANS = {
    "po2": 100, "fio2": 21, "respiratory_support": False, "platelets": 150, "bilirubin": 1.1, "systolic_bp": 110,
    "diastolic_bp": 50, "dopamine": 0, "dobutamine": 0, "epinephrine": 0, "norepinephrine": 0, "gcs": 15,
    "creatinine": 1.1,
}  # fmt: skip
ACUTE = {
    "age": 44, "temperature": 37, "systolic_bp": 120, "diastolic_bp": 80, "heart_rate": 80, "respiratory_rate": 16,
    "fio2": 21, "po2": 90, "ph": 7.4, "sodium": 140, "potassium": 4, "creatinine": 1, "acute_renal_failure": False,
    "hematocrit": 40, "white_cells": 8, "gcs": 15, "severe_chronic_disease": False,
}  # fmt: skip


def result(name, **inputs):
    return instruments.get(name)(**inputs)


def test_gcs_spans_3_to_15():
    assert result("gcs", **ALERT).value == 15
    assert result("gcs", gcs_eye="1", gcs_verbal="1", gcs_motor="1").value == 3


@pytest.mark.parametrize(("score", "band"), [(8, "severe"), (9, "moderate"), (12, "moderate"), (13, "mild")])
def test_gcs_groups(score, band):
    assert instruments.get("gcs").label(score) == band


def test_an_untestable_response_gives_no_total():
    chart = Chart("P1", 50, "male", observations=ALERT | {"gcs_verbal": "not testable"})
    scale = instruments.get("gcs")
    found = scale(**from_chart(World(chart), scale))
    assert found.value is None and found.missing == ["gcs_verbal"]


@pytest.mark.parametrize("coma", [{"gcs": 15}, ALERT])
def test_qsofa_takes_the_total_or_the_three_responses(coma):
    assert result("qsofa", respiratory_rate=22, systolic_bp=100, **coma).value == 2
    assert result("qsofa", respiratory_rate=21, systolic_bp=101, **coma).value == 0


def test_qsofa_names_the_responses_it_lacks():
    found = result("qsofa", respiratory_rate=22, systolic_bp=100, gcs_eye="4")
    assert found.value is None and found.missing == ["gcs_verbal", "gcs_motor"]


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 38.1}, {"temperature": 35.9}, {"heart_rate": 91}, {"respiratory_rate": 21}, {"pco2": 31},
        {"white_cells": 12.1}, {"white_cells": 3.9}, {"band_forms": 11},
    ],
)  # fmt: skip
def test_each_sirs_criterion_counts_beyond_its_limit(change):
    assert result("sirs", **SEPSIS_FREE).value == 0
    assert result("sirs", **SEPSIS_FREE | change).value == 1


def test_white_cells_on_the_chart_count_in_either_spelling_of_their_unit():
    vitals = [Reading(k, SEPSIS_FREE[k], u) for k, u in (("temperature", "Cel"), ("heart_rate", "/min"))]
    vitals.append(Reading("respiratory_rate", 20, "/min"))
    screen = instruments.get("sirs")
    for unit, expected in (("10*9/L", 1), ("10*3/uL", 1), ("/uL", None)):
        chart = Chart("P1", 50, "male", vitals=vitals, labs=[Reading("white_cells", 15, unit)])
        assert screen(**from_chart(World(chart), screen)).value == expected


@pytest.mark.parametrize(
    ("item", "points"),
    [
        ("respiratory_rate", {8: 3, 9: 1, 11: 1, 12: 0, 20: 0, 21: 2, 24: 2, 25: 3}),
        ("spo2", {91: 3, 92: 2, 93: 2, 94: 1, 95: 1, 96: 0}),
        ("systolic_bp", {90: 3, 91: 2, 100: 2, 101: 1, 110: 1, 111: 0, 219: 0, 220: 3}),
        ("heart_rate", {40: 3, 41: 1, 50: 1, 51: 0, 90: 0, 91: 1, 110: 1, 111: 2, 130: 2, 131: 3}),
        ("temperature", {35: 3, 35.1: 1, 36: 1, 36.1: 0, 38: 0, 38.1: 1, 39: 1, 39.1: 2}),
    ],
)
def test_news2_points_of_each_vital_sign(item, points):
    assert result("news2", **WELL).value == 0
    for value, expected in points.items():
        assert result("news2", **WELL | {item: value}).value == expected


@pytest.mark.parametrize(
    ("oxygen", "points"),
    [
        ("room air", {83: 3, 84: 2, 85: 2, 86: 1, 87: 1, 88: 0, 99: 0}),
        ("nasal cannula 2 L/min", {83: 5, 84: 4, 85: 4, 86: 3, 87: 3, 88: 2, 92: 2, 93: 3, 94: 3, 95: 4, 96: 4, 97: 5}),
    ],
)
def test_news2_scale_2_punishes_too_much_oxygen_only_on_oxygen(oxygen, points):
    for value, expected in points.items():
        assert result("news2", **WELL | {"spo2": value, "oxygen": oxygen, "spo2_scale": "2"}).value == expected


@pytest.mark.parametrize(
    ("changes", "value", "band"),
    [
        ({"spo2": 92, "temperature": 38.5}, 3, "low"),
        ({"spo2": 90}, 3, "low-medium"),
        ({"consciousness": "new confusion", "temperature": 38.5}, 4, "low-medium"),
        ({"spo2": 90, "oxygen": "mask 10 L/min"}, 5, "medium"),
        ({"spo2": 90, "oxygen": "mask 10 L/min", "heart_rate": 115}, 7, "high"),
    ],
)
def test_news2_risk(changes, value, band):
    found = result("news2", **WELL | changes)
    assert (found.value, found.band) == (value, band)


def test_news2_reaches_20():
    worst = {"respiratory_rate": 30, "spo2": 80, "oxygen": "mask", "systolic_bp": 80, "heart_rate": 140}
    assert result("news2", **WELL | worst | {"consciousness": "pain", "temperature": 34}).value == 20


def test_news2_is_not_for_children_or_pregnancy():
    assert "range of validity" in result("news2", **WELL | {"age": 15}).reason
    assert "pregnancy" in result("news2", **WELL, pregnant=True).reason
    assert result("news2", **WELL, pregnant=False).value == 0


def test_pews_of_a_well_child_is_0_and_the_greatest_26():
    assert result("pews", **CHILD).value == 0
    worst = {"heart_rate": 200, "systolic_bp": 40, "capillary_refill": 4, "respiratory_rate": 95, "spo2": 80}
    assert result("pews", **CHILD | worst | {"respiratory_effort": "severe increase", "oxygen_flow": 10}).value == 26


def test_pews_needs_the_months_of_an_infant():
    assert result("pews", **CHILD | {"age": 0}).missing == ["age_months"]


def test_pews_takes_oxygen_by_flow_or_fraction():
    without = {k: v for k, v in CHILD.items() if k != "oxygen_flow"}
    assert result("pews", **without).missing == ["oxygen_flow"]
    for found, points in (({"fio2": 21}, 0), ({"fio2": 49}, 2), ({"fio2": 50}, 4), ({"oxygen_flow": 3.9}, 2)):
        assert result("pews", **without, **found).value == points


def test_sofa_spans_0_to_24():
    assert result("sofa", **ORGANS).value == 0
    worst = {"po2": 90, "fio2": 100, "respiratory_support": True, "platelets": 19, "bilirubin": 12, "gcs": 5}
    assert result("sofa", **ORGANS | worst | {"norepinephrine": 0.2, "creatinine": 5}).value == 24


@pytest.mark.parametrize(
    ("change", "points"),
    [
        ({"po2": 100, "fio2": 25}, 0), ({"po2": 99, "fio2": 25}, 1), ({"po2": 75, "fio2": 25}, 1),
        ({"po2": 74, "fio2": 25}, 2),
        ({"po2": 40, "fio2": 25}, 2), ({"po2": 50, "fio2": 25, "respiratory_support": True}, 2),
        ({"po2": 75, "fio2": 25, "respiratory_support": True}, 1),
        ({"po2": 49, "fio2": 25, "respiratory_support": True}, 3),
        ({"po2": 100, "fio2": 100, "respiratory_support": True}, 3),
        ({"po2": 99, "fio2": 100, "respiratory_support": True}, 4),
        ({"platelets": 149}, 1), ({"platelets": 99}, 2), ({"platelets": 49}, 3), ({"platelets": 19}, 4),
        ({"bilirubin": 1.2}, 1), ({"bilirubin": 2}, 2), ({"bilirubin": 6}, 3), ({"bilirubin": 12}, 4),
        ({"systolic_bp": 108, "diastolic_bp": 50}, 1), ({"dobutamine": 1}, 2), ({"dopamine": 5}, 2),
        ({"dopamine": 5.1}, 3), ({"dopamine": 15.1}, 4), ({"epinephrine": 0.1}, 3), ({"norepinephrine": 0.11}, 4),
        ({"gcs": 14}, 1), ({"gcs": 13}, 1), ({"gcs": 12}, 2), ({"gcs": 10}, 2), ({"gcs": 9}, 3), ({"gcs": 6}, 3),
        ({"gcs": 5}, 4),
        ({"creatinine": 1.2}, 1), ({"creatinine": 2}, 2), ({"creatinine": 3.5}, 3), ({"creatinine": 5}, 4),
        ({"urine_output": 500}, 0), ({"urine_output": 499}, 3), ({"urine_output": 199}, 4),
    ],
)  # fmt: skip
def test_sofa_points(change, points):
    assert result("sofa", **ORGANS | change).value == points


def test_three_and_four_points_for_breathing_need_respiratory_support():
    gas = {"po2": 50, "fio2": 60}
    assert result("sofa", **ORGANS | gas).parts["respiration"] == 2
    assert result("sofa", **ORGANS | gas | {"respiratory_support": True}).parts["respiration"] == 4


def test_sofa_needs_pressures_only_without_vasoactive_drugs():
    unknown = ORGANS | {"systolic_bp": None, "diastolic_bp": None}
    assert result("sofa", **unknown).missing == ["systolic_bp", "diastolic_bp"]
    assert result("sofa", **unknown | {"norepinephrine": 0.05}).value == 3


def test_an_unknown_drug_rate_is_not_taken_as_none():
    assert result("sofa", **ORGANS | {"norepinephrine": None}).missing == ["norepinephrine"]


def test_sofa_takes_the_kidney_by_creatinine_or_urine_output():
    assert result("sofa", **ORGANS | {"creatinine": None}).missing == ["creatinine"]
    assert result("sofa", **ORGANS | {"creatinine": None, "urine_output": 1500}).value == 0


def test_apache2_spans_0_to_71():
    assert result("apache2", **ACUTE).value == 0
    worst = {
        "age": 80, "temperature": 42, "systolic_bp": 60, "diastolic_bp": 30, "heart_rate": 200, "respiratory_rate": 60,
        "fio2": 100, "aa_gradient": 600, "ph": 7.0, "sodium": 190, "potassium": 8, "creatinine": 5,
        "acute_renal_failure": True, "hematocrit": 65, "white_cells": 50, "gcs": 3, "severe_chronic_disease": True,
        "admission": "nonoperative",
    }  # fmt: skip
    assert result("apache2", **worst).value == 71


def test_apache2_judges_oxygenation_by_the_gradient_from_half_oxygen():
    # 0.5 x 713 - 40 / 0.8 - 90 = 216.5
    assert result("apache2", **ACUTE | {"fio2": 50}, pco2=40).parts["oxygenation"] == 2
    assert result("apache2", **ACUTE | {"fio2": 50}, aa_gradient=199).parts["oxygenation"] == 0
    assert result("apache2", **ACUTE | {"fio2": 50}).missing == ["pco2"]
    assert result("apache2", **ACUTE | {"po2": None}).missing == ["po2"]


def test_bicarbonate_stands_in_for_ph():
    without = ACUTE | {"ph": None}
    assert result("apache2", **without).missing == ["ph"]
    assert result("apache2", **without, bicarbonate=17).parts["bicarbonate"] == 3


def test_chronic_disease_counts_by_the_kind_of_admission():
    ill = ACUTE | {"severe_chronic_disease": True}
    assert result("apache2", **ill).missing == ["admission"]
    assert result("apache2", **ill, admission="elective surgery").value == 2
    assert result("apache2", **ill, admission="emergency surgery").value == 5


def test_parkland_gives_half_in_the_first_8_hours():
    found = result("parkland", weight_kg=70, burn_surface=30)
    assert found.value == 8400
    assert found.parts == {"first 8 hours": 4200, "next 16 hours": 4200}

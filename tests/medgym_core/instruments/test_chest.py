"""Pneumonia, embolism and thrombosis, gas exchange, sore throat, chronic lung disease."""

import pytest

from medgym_core import instruments

PNEUMONIA = {
    "age": 40, "confusion": False, "urea_nitrogen": 19.6, "respiratory_rate": 29, "systolic_bp": 90, "diastolic_bp": 61
}  # fmt: skip
PORT = {
    "age": 50, "sex": "male", "nursing_home": False, "neoplastic_disease": False, "liver_disease": False,
    "heart_failure": False, "cerebrovascular_disease": False, "renal_disease": False, "altered_mental_status": False,
    "heart_rate": 124, "respiratory_rate": 29, "systolic_bp": 90, "temperature": 37, "ph": 7.4, "urea_nitrogen": 29,
    "sodium": 130, "glucose": 249, "hematocrit": 30, "po2": 60, "spo2": 90, "pleural_effusion": False,
}  # fmt: skip
SORE_THROAT = {"temperature": 37, "cough": True, "tender_anterior_nodes": False, "tonsillar_exudate": False}


def result(name, **inputs):
    return instruments.get(name)(**inputs)


def answers(name, present):
    """Every yes-or-no item of an instrument answered alike."""
    return {n: present for n, kind in instruments.get(name).inputs.items() if kind == "bool"}


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("confusion", True), ("urea_nitrogen", 19.7), ("respiratory_rate", 30), ("systolic_bp", 89),
        ("diastolic_bp", 60), ("age", 65),
    ],
)  # fmt: skip
def test_each_curb65_criterion_counts_from_its_limit(item, value):
    assert result("curb65", **PNEUMONIA).value == 0
    assert result("curb65", **PNEUMONIA | {item: value}).value == 1


def test_both_pressures_low_count_once():
    assert result("curb65", **PNEUMONIA | {"systolic_bp": 80, "diastolic_bp": 40}).value == 1


def test_curb65_names_what_is_missing():
    found = result("curb65", **PNEUMONIA | {"urea_nitrogen": None})
    assert found.value is None and found.missing == ["urea_nitrogen"]


def test_psi_class_i_needs_no_laboratory_points():
    found = result("psi", **PORT)
    assert found.value == 50 and found.band.startswith("class I,")


@pytest.mark.parametrize(
    "change", [{"age": 51}, {"heart_failure": True}, {"heart_rate": 125}, {"temperature": 40}, {"systolic_bp": 89}]
)
def test_age_illness_or_examination_leave_psi_class_i(change):
    assert not result("psi", **PORT | change).band.startswith("class I,")


@pytest.mark.parametrize(
    ("item", "value", "points"),
    [
        ("nursing_home", True, 10), ("neoplastic_disease", True, 30), ("liver_disease", True, 20),
        ("heart_failure", True, 10), ("cerebrovascular_disease", True, 10), ("renal_disease", True, 10),
        ("altered_mental_status", True, 20), ("heart_rate", 125, 10), ("respiratory_rate", 30, 20),
        ("systolic_bp", 89, 20), ("temperature", 34.9, 15), ("temperature", 40, 15), ("ph", 7.34, 30),
        ("urea_nitrogen", 30, 20), ("sodium", 129, 20), ("glucose", 250, 10), ("hematocrit", 29, 10),
        ("po2", 59, 10), ("spo2", 89, 10), ("pleural_effusion", True, 10), ("sex", "female", -10),
    ],
)  # fmt: skip
def test_psi_adds_the_points_of_each_finding(item, value, points):
    assert result("psi", **PORT | {item: value}).value == 50 + points


def test_either_measure_of_oxygen_is_enough_for_psi_and_both_count_once():
    assert result("psi", **PORT | {"po2": None, "spo2": 80}).value == 60
    assert result("psi", **PORT | {"po2": 50, "spo2": None}).value == 60
    assert result("psi", **PORT | {"po2": 50, "spo2": 80}).value == 60
    assert result("psi", **PORT | {"po2": None, "spo2": None}).missing == ["po2"]


@pytest.mark.parametrize(("score", "band"), [(70, "II"), (71, "III"), (90, "III"), (91, "IV"), (130, "IV"), (131, "V")])
def test_psi_classes_end_at_70_90_and_130(score, band):
    assert instruments.get("psi").label(score).startswith(f"class {band},")


def test_wells_for_embolism_spans_0_to_12_and_a_half():
    assert result("wells_pe", **answers("wells_pe", False), heart_rate=100).value == 0
    assert result("wells_pe", **answers("wells_pe", True), heart_rate=101).value == 12.5


@pytest.mark.parametrize(("score", "band"), [(1.5, "low"), (4, "unlikely"), (4.5, "likely"), (6.5, "high")])
def test_wells_for_embolism_has_three_groups_and_two(score, band):
    assert band in instruments.get("wells_pe").label(score).replace(",", "").split()


def test_wells_for_thrombosis_spans_minus_2_to_9():
    nothing, everything = answers("wells_dvt", False), answers("wells_dvt", True)
    assert result("wells_dvt", **nothing | {"alternative_diagnosis": True}).value == -2
    assert result("wells_dvt", **everything | {"alternative_diagnosis": False}).value == 9


def test_perc_is_negative_only_without_any_criterion():
    well = answers("perc", False) | {"age": 49, "heart_rate": 99, "spo2": 95}
    assert result("perc", **well).band.startswith("negative")
    for change in ({"age": 50}, {"heart_rate": 100}, {"spo2": 94}, {"hemoptysis": True}):
        found = result("perc", **well | change)
        assert found.value == 1 and found.band.startswith("positive")


@pytest.mark.parametrize(("rate", "points"), [(74, 0), (75, 3), (94, 3), (95, 5)])
def test_geneva_counts_the_heart_rate_in_steps(rate, points):
    assert result("geneva_revised", **answers("geneva_revised", False), age=65, heart_rate=rate).value == points


def test_geneva_reaches_22():
    found = result("geneva_revised", **answers("geneva_revised", True), age=66, heart_rate=95)
    assert found.value == 22 and found.band.startswith("high")


def test_gradient_in_room_air_is_judged_against_age():
    gas = {"fio2": 21, "po2": 85, "pco2": 40}  # 0.21 x 713 - 50 - 85 = 14.73; expected 2.5 + 0.21 x age
    assert result("aa_gradient", **gas).value == pytest.approx(14.73)
    assert result("aa_gradient", **gas, age=58).band.startswith("above")
    assert result("aa_gradient", **gas, age=59).band.startswith("not above")
    assert result("aa_gradient", **gas | {"fio2": 40}, age=59).band == ""


def test_gradient_at_altitude_takes_the_pressure_given():
    found = result("aa_gradient", fio2=21, po2=60, pco2=30, atmospheric_pressure=620)
    assert found.value == pytest.approx(0.21 * 573 - 37.5 - 60)


def test_oxygen_below_room_air_or_as_a_fraction_is_refused():
    assert "range of validity" in result("pf_ratio", po2=80, fio2=0.5).reason


@pytest.mark.parametrize(("po2", "grade"), [(50, "severe"), (100, "moderate"), (150, "mild"), (150.5, "above")])
def test_oxygen_ratio_grades_end_at_100_200_and_300(po2, grade):
    assert grade in result("pf_ratio", po2=po2, fio2=50).band


def test_caprini_reaches_76_for_a_woman_and_asks_her_three_more_questions():
    worst = answers("caprini", True) | {
        "age": 80, "sex": "female", "bmi": 30, "surgery": "elective arthroplasty", "mobility": "bed over 72 h"
    }  # fmt: skip
    assert result("caprini", **worst).value == 76
    assert result("caprini", **worst | {"sex": "male"}).value == 73
    found = result("caprini", **worst | {"hormone_use": None})
    assert found.value is None and found.missing == ["hormone_use"]
    assert result("caprini", **worst | {"sex": "male", "hormone_use": None}).value == 73


@pytest.mark.parametrize(("age", "points"), [(40, 0), (41, 1), (60, 1), (61, 2), (74, 2), (75, 3)])
def test_caprini_counts_age_in_steps(age, points):
    quiet = answers("caprini", False) | {"sex": "male", "bmi": 25, "surgery": "none", "mobility": "normal"}
    assert result("caprini", **quiet, age=age).value == points


@pytest.mark.parametrize(
    ("item", "option", "points"),
    [
        ("surgery", "minor", 1), ("surgery", "arthroscopic", 2), ("surgery", "major", 2),
        ("surgery", "laparoscopic", 2), ("surgery", "elective arthroplasty", 5), ("mobility", "bed rest", 1),
        ("mobility", "bed over 72 h", 2), ("bmi", 25.1, 1),
    ],
)  # fmt: skip
def test_caprini_counts_operation_mobility_and_weight(item, option, points):
    quiet = {"sex": "male", "age": 30, "bmi": 25, "surgery": "none", "mobility": "normal"}
    assert result("caprini", **answers("caprini", False) | quiet | {item: option}).value == points


@pytest.mark.parametrize(("age", "points"), [(3, 1), (14, 1), (15, 0), (44, 0), (45, -1)])
def test_centor_adds_a_point_in_childhood_and_takes_one_from_45(age, points):
    assert result("centor", **SORE_THROAT, age=age).value == points


def test_centor_is_not_for_toddlers():
    assert "range of validity" in result("centor", **SORE_THROAT, age=2).reason


def test_feverpain_counts_the_absence_of_cough():
    assert result("feverpain", **answers("feverpain", True) | {"cough_or_coryza": False}).value == 5
    assert result("feverpain", **answers("feverpain", False) | {"cough_or_coryza": True}).value == 0


@pytest.mark.parametrize(
    ("fev1", "walk", "dyspnea", "bmi", "value"),
    [
        (65, 350, "1", 22, 0),
        (65, 150, "1", 22, 2),
        (64, 349, "2", 21, 4),
        (50, 250, "2", 22, 3),
        (49, 249, "3", 22, 6),
        (35, 149, "4", 21, 10),
    ],
)
def test_bode_steps(fev1, walk, dyspnea, bmi, value):
    assert result("bode", fev1_percent=fev1, walk_distance=walk, mmrc_dyspnea=dyspnea, bmi=bmi).value == value

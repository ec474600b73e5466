"""Liver, pancreas, upper gastrointestinal bleeding."""

import pytest

from medgym_core import instruments

WELL = {"creatinine": 0.8, "bilirubin": 0.6, "inr": 1.0, "dialysis": False}
COMPENSATED = {"bilirubin": 1.9, "albumin": 3.6, "inr": 1.6, "ascites": "none", "encephalopathy": "none"}
PANCREATITIS = {
    "age": 55, "white_cells": 16, "glucose": 200, "ldh": 350, "ast": 250, "hematocrit_fall": 10,
    "urea_nitrogen_rise": 2, "calcium": 8, "po2": 60, "base_excess": -4, "fluid_sequestration": 4,
}  # fmt: skip
LIMITS = {
    "non-gallstone": PANCREATITIS | {"urea_nitrogen_rise": 5, "fluid_sequestration": 6},
    "gallstone": {
        "age": 70, "white_cells": 18, "glucose": 220, "ldh": 400, "ast": 250, "hematocrit_fall": 10,
        "urea_nitrogen_rise": 2, "calcium": 8, "base_excess": -5, "fluid_sequestration": 4,
    },
}  # fmt: skip
BLEEDING = {
    "urea_nitrogen": 18.1, "hemoglobin": 13, "sex": "male", "systolic_bp": 110, "heart_rate": 99, "melena": False,
    "syncope": False, "liver_disease": False, "heart_failure": False,
}  # fmt: skip
PANCREAS = {
    "urea_nitrogen": 25, "impaired_mental_status": False, "age": 60, "pleural_effusion": False, "temperature": 37,
    "heart_rate": 80, "respiratory_rate": 16, "white_cells": 8,
}  # fmt: skip


def result(name, **inputs):
    return instruments.get(name)(**inputs)


def test_meld_of_normal_values_is_6():
    assert result("meld", **WELL).value == 6
    assert result("meld_na", **WELL, sodium=140).value == 6
    assert result("meld3", **WELL, sodium=140, albumin=4, sex="male").value == 6


@pytest.mark.parametrize(
    ("name", "more"),
    [("meld", {}), ("meld_na", {"sodium": 120}), ("meld3", {"sodium": 120, "albumin": 1, "sex": "female"})],
)
def test_meld_never_exceeds_40(name, more):
    assert result(name, creatinine=9, bilirubin=40, inr=8, dialysis=True, **more).value == 40


@pytest.mark.parametrize(("name", "cap"), [("meld", 4.0), ("meld3", 3.0)])
def test_dialysis_counts_as_the_highest_creatinine(name, cap):
    more = {"sodium": 137, "albumin": 3.5, "sex": "male"} if name == "meld3" else {}
    dialysed = result(name, **WELL | {"dialysis": True}, **more).value
    assert dialysed == result(name, **WELL | {"creatinine": cap}, **more).value
    assert dialysed == result(name, **WELL | {"creatinine": 9}, **more).value


def test_sodium_counts_only_above_a_meld_of_11():
    mild = WELL | {"bilirubin": 1.5}  # 6.43 + 3.78 ln 1.5 = 8
    assert result("meld_na", **mild, sodium=125).value == result("meld", **mild).value == 8
    worse = WELL | {"bilirubin": 4, "inr": 1.5}
    assert result("meld_na", **worse, sodium=125).value > result("meld", **worse).value


@pytest.mark.parametrize(("sodium", "bound"), [(110, 125), (150, 137)])
def test_sodium_counts_within_125_and_137(sodium, bound):
    sick = {"creatinine": 2, "bilirubin": 4, "inr": 1.8, "dialysis": False}
    assert result("meld_na", **sick, sodium=sodium).value == result("meld_na", **sick, sodium=bound).value


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ({"creatinine": 4}, 20), ({"bilirubin": 10}, 15), ({"inr": 3}, 19),  # 19.7, 15.1, 18.7
        ({"creatinine": 9, "bilirubin": 10}, 28),  # as creatinine 4: 28.4
        ({"creatinine": 4, "bilirubin": 10, "inr": 3}, 40),  # 40.7
    ],
)  # fmt: skip
def test_meld_by_hand(change, value):
    assert result("meld", **WELL | change).value == value


@pytest.mark.parametrize(("sodium", "value"), [(137, 20), (131, 24), (125, 28)])  # 20 + (1.32 - 0.033 x 20) x deficit
def test_meld_na_by_hand(sodium, value):
    assert result("meld_na", **WELL | {"creatinine": 4}, sodium=sodium).value == value


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ({"creatinine": 3}, 18), ({"bilirubin": 10}, 16), ({"inr": 3}, 16), ({"sodium": 125}, 16),
        ({"albumin": 1.5}, 10), ({"albumin": 1.5, "sodium": 125}, 20), ({"bilirubin": 10, "sodium": 125}, 20),
        ({"creatinine": 3, "albumin": 1.5}, 18), ({"bilirubin": 10, "sex": "female"}, 18),
    ],
)  # fmt: skip
def test_meld3_by_hand(change, value):
    assert result("meld3", **WELL | {"sodium": 137, "albumin": 3.5, "sex": "male"} | change).value == value


def test_meld3_gives_a_woman_more_than_a_man_like_her():
    sick = {"creatinine": 2, "bilirubin": 4, "inr": 1.8, "dialysis": False, "sodium": 130, "albumin": 3}
    assert result("meld3", **sick, sex="female").value > result("meld3", **sick, sex="male").value


def test_child_pugh_spans_5_to_15():
    assert result("child_pugh", **COMPENSATED).value == 5
    worst = {"bilirubin": 3.1, "albumin": 2.7, "inr": 2.4, "ascites": "moderate", "encephalopathy": "grade 3-4"}
    found = result("child_pugh", **worst)
    assert found.value == 15 and found.band == "class C"


@pytest.mark.parametrize(
    ("item", "value", "points"),
    [
        ("bilirubin", 2, 2), ("bilirubin", 3, 2), ("bilirubin", 3.1, 3), ("albumin", 3.5, 2), ("albumin", 2.8, 2),
        ("albumin", 2.7, 3), ("inr", 1.7, 2), ("inr", 2.3, 2), ("inr", 2.4, 3),
    ],
)  # fmt: skip
def test_child_pugh_limits_belong_to_two_points(item, value, points):
    assert result("child_pugh", **COMPENSATED | {item: value}).parts[item] == points


@pytest.mark.parametrize(("score", "band"), [(6, "A"), (7, "B"), (9, "B"), (10, "C")])
def test_child_pugh_classes(score, band):
    assert instruments.get("child_pugh").label(score) == f"class {band}"


def test_fib4_by_hand():
    assert result("fib4", age=50, ast=80, alt=64, platelets=200).value == pytest.approx(50 * 80 / (200 * 8))


@pytest.mark.parametrize(
    ("index", "band"), [(1.44, "unlikely"), (1.45, "indeterminate"), (3.24, "indeterminate"), (3.25, "likely")]
)
def test_fib4_limits(index, band):
    assert instruments.get("fib4").label(index).split()[-1] == band


def test_fib4_is_not_for_children():
    assert "range of validity" in result("fib4", age=10, ast=40, alt=40, platelets=250).reason


def test_maddrey_is_severe_from_32():
    assert result("maddrey", pt=17, pt_control=12, bilirubin=9).band.startswith("severe")  # 4.6 x 5 + 9 = 32
    assert result("maddrey", pt=17, pt_control=12, bilirubin=8.9).band == "not severe"


@pytest.mark.parametrize("etiology", LIMITS)
def test_ranson_criteria_are_met_beyond_their_limits(etiology):
    at, po2 = LIMITS[etiology], {} if "po2" in LIMITS[etiology] else {"po2": 30}
    assert result("ranson", etiology=etiology, **at, **po2).value == 0
    for item in at:
        worse = -0.1 if item in ("calcium", "po2", "base_excess") else 0.1
        assert result("ranson", etiology=etiology, **at | {item: at[item] + worse}, **po2).value == 1


def test_arterial_oxygen_is_needed_for_the_non_gallstone_form_only():
    without = PANCREATITIS | {"po2": None}
    assert result("ranson", etiology="gallstone", **without).value == 0
    assert result("ranson", etiology="non-gallstone", **without).missing == ["po2"]


@pytest.mark.parametrize("change", [{"urea_nitrogen": 25.1}, {"age": 61}, {"pleural_effusion": True}])
def test_bisap_counts_above_its_limits(change):
    assert result("bisap", **PANCREAS).value == 0
    assert result("bisap", **PANCREAS | change).value == 1


def test_bisap_counts_two_sirs_criteria_as_one_point():
    assert result("bisap", **PANCREAS | {"heart_rate": 91}).value == 0
    assert result("bisap", **PANCREAS | {"heart_rate": 91, "temperature": 38.1}).value == 1
    assert result("bisap", **PANCREAS | {"heart_rate": 91, "temperature": 38.1, "white_cells": 13}).value == 1


@pytest.mark.parametrize(
    ("change", "points"),
    [
        ({"urea_nitrogen": 18.2}, 2), ({"urea_nitrogen": 22.4}, 3), ({"urea_nitrogen": 28}, 4),
        ({"urea_nitrogen": 70}, 6), ({"hemoglobin": 12.9}, 1), ({"hemoglobin": 11.9}, 3), ({"hemoglobin": 9.9}, 6),
        ({"systolic_bp": 109}, 1), ({"systolic_bp": 100}, 1), ({"systolic_bp": 99}, 2),
        ({"systolic_bp": 90}, 2), ({"systolic_bp": 89}, 3), ({"heart_rate": 100}, 1),
        ({"melena": True}, 1), ({"syncope": True}, 2), ({"liver_disease": True}, 2), ({"heart_failure": True}, 2),
        ({"sex": "female", "hemoglobin": 12}, 0), ({"sex": "female", "hemoglobin": 11.9}, 1),
        ({"sex": "female", "hemoglobin": 10}, 1), ({"sex": "female", "hemoglobin": 9.9}, 6),
    ],
)  # fmt: skip
def test_glasgow_blatchford_points(change, points):
    assert result("glasgow_blatchford", **BLEEDING).value == 0
    assert result("glasgow_blatchford", **BLEEDING | change).value == points


def test_glasgow_blatchford_reaches_23():
    worst = {"urea_nitrogen": 80, "hemoglobin": 6, "systolic_bp": 70, "heart_rate": 130}
    items = dict.fromkeys(("melena", "syncope", "liver_disease", "heart_failure"), True)
    assert result("glasgow_blatchford", sex="male", **worst, **items).value == 23

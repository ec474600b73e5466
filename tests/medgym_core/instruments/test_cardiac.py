"""Stroke and bleeding risk, chest pain, operative risk, the QT interval, mean pressure."""

from math import log

import pytest

from medgym_core import instruments

AF = {
    "age": 60, "sex": "male", "heart_failure": False, "hypertension": False, "diabetes": False, "stroke": False,
    "vascular_disease": False,
}  # fmt: skip
CHEST_PAIN = {
    "history": "slightly suspicious", "ecg": "normal", "age": 40, "hypertension": False, "hypercholesterolemia": False,
    "diabetes": False, "smoking": False, "family_history": False, "obesity": False, "atherosclerotic_disease": False,
    "troponin": 5,
}  # fmt: skip
ACS = {
    "age": 30, "heart_rate": 50, "systolic_bp": 200, "creatinine": 0.3, "killip": "i", "cardiac_arrest": False,
    "st_deviation": False, "elevated_markers": False,
}  # fmt: skip
OPERATION = {
    "high_risk_surgery": False, "ischemic_heart_disease": False, "heart_failure": False,
    "cerebrovascular_disease": False, "insulin_treatment": False, "creatinine": 2.0,
}  # fmt: skip
LIPIDS = {
    "age": 55, "sex": "male", "total_cholesterol": 220, "hdl": 50, "systolic_bp": 130, "treated_hypertension": False,
    "smoking": False,
}  # fmt: skip
QTC = ("qtc_bazett", "qtc_fridericia", "qtc_framingham", "qtc_hodges", "qtc_rautaharju")


def result(name, **inputs):
    return instruments.get(name)(**inputs)


@pytest.mark.parametrize(
    ("age", "sex", "value", "band"),
    [(64, "male", 0, "low"), (65, "male", 1, "intermediate"), (74, "female", 2, "high"), (75, "male", 2, "high")],
)
def test_cha2ds2_vasc_counts_age_from_65_and_75(age, sex, value, band):
    found = result("cha2ds2_vasc", **AF | {"age": age, "sex": sex})
    assert (found.value, found.band) == (value, band)


def test_cha2ds2_vasc_reaches_9():
    everything = {k: True for k, v in AF.items() if isinstance(v, bool)}
    assert result("cha2ds2_vasc", **AF | everything | {"age": 80, "sex": "female"}).value == 9


def test_stroke_counts_two():
    found = result("cha2ds2_vasc", **AF | {"stroke": True})
    assert found.value == 2 and found.parts["stroke"] == 2


def test_cha2ds2_vasc_gives_a_reason_for_a_child():
    found = result("cha2ds2_vasc", **AF | {"age": 12})
    assert found.value is None and "range of validity" in found.reason


@pytest.mark.parametrize(("age", "drinks", "value"), [(65, 7, 0), (66, 7, 1), (65, 8, 1), (66, 8, 2)])
def test_has_bled_counts_age_above_65_and_8_drinks_a_week(age, drinks, value):
    histories = {n: False for n, kind in instruments.get("has_bled").inputs.items() if kind == "bool"}
    assert result("has_bled", **histories, age=age, alcohol_drinks=drinks).value == value


def test_has_bled_reaches_9():
    histories = {n: True for n, kind in instruments.get("has_bled").inputs.items() if kind == "bool"}
    assert result("has_bled", **histories, age=80, alcohol_drinks=10).value == 9


@pytest.mark.parametrize(("troponin", "limit", "value"), [(14, None, 0), (15, None, 1), (43, None, 2), (43, 50, 0)])
def test_heart_counts_troponin_by_the_limit_of_the_assay(troponin, limit, value):
    assert result("heart", **CHEST_PAIN | {"troponin": troponin, "troponin_limit": limit}).value == value


@pytest.mark.parametrize(("factors", "value"), [(0, 0), (1, 1), (2, 1), (3, 2), (6, 2)])
def test_heart_counts_risk_factors(factors, value):
    names = ["hypertension", "hypercholesterolemia", "diabetes", "smoking", "family_history", "obesity"][:factors]
    assert result("heart", **CHEST_PAIN | dict.fromkeys(names, True)).value == value


def test_known_atherosclerosis_counts_as_all_risk_factors():
    assert result("heart", **CHEST_PAIN | {"atherosclerotic_disease": True}).parts["risk_factors"] == 2


def test_heart_reaches_10():
    worst = {"history": "highly suspicious", "ecg": "significant st depression", "age": 65, "troponin": 100}
    assert result("heart", **CHEST_PAIN | worst | {"atherosclerotic_disease": True}).value == 10


@pytest.mark.parametrize(("age", "factors", "value"), [(64, 2, 0), (65, 2, 1), (64, 3, 1), (65, 5, 2)])
def test_timi_counts_age_from_65_and_three_risk_factors(age, factors, value):
    names = ("coronary_stenosis", "st_deviation", "severe_angina", "aspirin_use", "elevated_markers")
    found = result("timi_ua_nstemi", age=age, coronary_risk_factors=factors, **dict.fromkeys(names, False))
    assert found.value == value


def test_grace_spans_1_to_372():
    assert result("grace", **ACS).value == 1
    worst = {"age": 95, "heart_rate": 220, "systolic_bp": 70, "creatinine": 5, "killip": "iv"}
    items = dict.fromkeys(("cardiac_arrest", "st_deviation", "elevated_markers"), True)
    assert result("grace", **worst, **items).value == 372


@pytest.mark.parametrize(
    ("item", "ranges"),
    [
        ("age", [(18, 29, 0), (31, 39, 8), (40, 49, 25), (50, 59, 41), (60, 69, 58), (70, 79, 75), (80, 89, 91),
                 (90, 99, 100)]),
        ("heart_rate", [(30, 49, 0), (51, 69, 3), (70, 89, 9), (90, 109, 15), (110, 149, 24), (150, 199, 38),
                        (200, 250, 46)]),
        ("systolic_bp", [(50, 80, 58), (81, 99, 53), (100, 119, 43), (120, 139, 34), (140, 159, 24), (160, 199, 10),
                         (200, 250, 0)]),
        ("creatinine", [(0.1, 0.39, 1), (0.4, 0.79, 4), (0.8, 1.19, 7), (1.2, 1.59, 10), (1.6, 1.99, 13),
                        (2, 3.99, 21), (4.1, 9, 28)]),
    ],
)  # fmt: skip
def test_grace_ranges(item, ranges):
    for low, high, points in ranges:
        assert result("grace", **ACS | {item: low}).parts[item] == points
        assert result("grace", **ACS | {item: high}).parts[item] == points


@pytest.mark.parametrize(("killip", "points"), [("i", 0), ("ii", 20), ("iii", 39), ("iv", 59)])
def test_grace_counts_the_killip_class(killip, points):
    assert result("grace", **ACS | {"killip": killip}).parts["killip"] == points


@pytest.mark.parametrize(("creatinine", "value"), [(2.0, 0), (2.01, 1)])
def test_rcri_counts_creatinine_above_2(creatinine, value):
    assert result("rcri", **OPERATION | {"creatinine": creatinine}).value == value


def test_rcri_reaches_6_in_class_iv():
    found = result("rcri", **{k: True for k in OPERATION if k != "creatinine"}, creatinine=3)
    assert found.value == 6 and found.band.startswith("class IV")


@pytest.mark.parametrize("condition", ["diabetes", "coronary_heart_disease"])
def test_framingham_does_not_apply_to_those_it_left_out(condition):
    found = result("framingham_chd", **LIPIDS, **{condition: True})
    assert found.value is None and condition.replace("_", " ") in found.reason


@pytest.mark.parametrize("age", [29, 80])
def test_framingham_refuses_ages_outside_30_to_79(age):
    assert "range of validity" in result("framingham_chd", **LIPIDS | {"age": age}).reason


def hazard(**changes):
    """The sum in the exponent of the equation, up to a constant."""
    return log(-log(1 - result("framingham_chd", **LIPIDS | changes).value / 100))


@pytest.mark.parametrize(("sex", "treatment"), [("male", 0.241549), ("female", 0.420251)])
def test_framingham_adds_the_coefficient_of_treated_hypertension(sex, treatment):
    assert hazard(sex=sex, treated_hypertension=True) - hazard(sex=sex) == pytest.approx(treatment)


@pytest.mark.parametrize(
    ("sex", "age", "effect"),
    [
        ("male", 50, 12.096316 - 2.84367 * log(50)), ("male", 79, 12.096316 - 2.84367 * log(70)),
        ("female", 50, 13.07543 - 2.996945 * log(50)), ("female", 79, 13.07543 - 2.996945 * log(78)),
    ],
)  # fmt: skip
def test_smoking_in_old_age_counts_as_at_70_or_78(sex, age, effect):
    assert hazard(sex=sex, age=age, smoking=True) - hazard(sex=sex, age=age) == pytest.approx(effect)


def test_a_woman_has_less_risk_than_a_man_like_her():
    woman, man = result("framingham_chd", **LIPIDS | {"sex": "female"}), result("framingham_chd", **LIPIDS)
    assert woman.value < man.value


@pytest.mark.parametrize("name", QTC)
def test_at_60_beats_the_corrected_qt_is_the_qt(name):
    assert result(name, qt_interval=412, heart_rate=60).value == pytest.approx(412)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("qtc_bazett", 516.40), ("qtc_fridericia", 474.25), ("qtc_framingham", 461.60), ("qtc_hodges", 470.0),
        ("qtc_rautaharju", 488.89),
    ],
)  # fmt: skip
def test_corrected_qt_of_400_ms_at_100_beats(name, value):  # RR 0.6 s
    assert result(name, qt_interval=400, heart_rate=100).value == pytest.approx(value, abs=0.01)


@pytest.mark.parametrize(
    ("qt", "sex", "band"),
    [
        (390, "male", "short"), (391, "male", "normal"), (449, "male", "normal"), (450, "male", "prolonged"),
        (459, "female", "normal"), (460, "female", "prolonged"), (500, "female", "prolonged"),
        (501, "female", "prolonged, high risk of torsade de pointes"),
    ],
)  # fmt: skip
def test_qt_limits_depend_on_the_sex(qt, sex, band):
    assert result("qtc_bazett", qt_interval=qt, heart_rate=60, sex=sex).band == band


def test_without_the_sex_a_corrected_qt_is_not_judged():
    found = result("qtc_bazett", qt_interval=480, heart_rate=60)
    assert found.value == 480 and found.band == ""


def test_mean_pressure_has_the_target_of_65():
    assert result("mean_arterial_pressure", systolic_bp=95, diastolic_bp=50).value == 65
    assert "below" not in result("mean_arterial_pressure", systolic_bp=95, diastolic_bp=50).band
    assert "below" in result("mean_arterial_pressure", systolic_bp=94, diastolic_bp=50).band


def test_pressures_the_wrong_way_round_are_refused():
    found = result("mean_arterial_pressure", systolic_bp=70, diastolic_bp=120)
    assert found.value is None and "above systolic" in found.reason

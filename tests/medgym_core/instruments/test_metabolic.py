"""Body size, lipids and dose equivalents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medgym_core import instruments

STEROIDS = instruments.get("steroid_conversion").inputs["from_steroid"]
OPIOIDS = list(instruments.get("morphine_equivalents").inputs)


def value(name, **inputs):
    return instruments.get(name)(**inputs).value


@given(weight=st.floats(30, 200), more=st.floats(0.1, 50), height=st.floats(140, 210))
@pytest.mark.parametrize("name", ["bmi", "bsa"])
def test_more_weight_is_more_body(name, weight, more, height):
    body = {"height_cm": height}
    assert value(name, weight_kg=weight, **body) < value(name, weight_kg=weight + more, **body)


@given(target=st.floats(18, 30), height=st.floats(140, 210))
def test_the_target_weight_has_the_target_index(target, height):
    weight = value("target_weight", target_bmi=target, height_cm=height)
    assert value("bmi", weight_kg=weight, height_cm=height) == pytest.approx(target)


def test_a_child_gets_no_adult_weight_category():
    found = instruments.get("bmi")(weight_kg=30, height_cm=130, age=8)
    assert found.value and "growth chart" in found.band


@pytest.mark.parametrize("equation", ["mosteller", "du bois", "haycock"])
def test_the_three_body_surface_formulas_agree_for_an_adult(equation):
    assert value("bsa", weight_kg=70, height_cm=170, equation=equation) == pytest.approx(1.82, abs=0.03)


@pytest.mark.parametrize("name", ["ideal_body_weight", "adjusted_body_weight"])
def test_ideal_weight_is_not_defined_below_five_feet(name):
    given_ = {"sex": "female", "height_cm": 140} | ({"weight_kg": 60} if name == "adjusted_body_weight" else {})
    found = instruments.get(name)(**given_)
    assert found.value is None and "range of validity" in found.reason


@given(weight=st.floats(40, 150), height=st.floats(153, 200))
def test_the_adjusted_weight_lies_between_ideal_and_actual(weight, height):
    ideal = value("ideal_body_weight", sex="male", height_cm=height)
    adjusted = value("adjusted_body_weight", sex="male", height_cm=height, weight_kg=weight)
    assert min(ideal, weight) - 1e-9 <= adjusted <= max(ideal, weight) + 1e-9


@pytest.mark.parametrize(("name", "most"), [("ldl_friedewald", 399), ("ldl_sampson", 800)])
def test_ldl_is_not_calculated_beyond_its_triglyceride_limit(name, most):
    lipids = {"total_cholesterol": 250, "hdl": 40}
    assert instruments.get(name)(**lipids, triglycerides=most).value is not None
    found = instruments.get(name)(**lipids, triglycerides=most + 1)
    assert found.value is None and "triglycerides" in found.reason


@given(st.sampled_from(STEROIDS), st.sampled_from(STEROIDS), st.floats(0.1, 1000))
def test_converting_a_steroid_back_gives_the_first_dose(first, second, dose):
    there = value("steroid_conversion", from_steroid=first, to_steroid=second, dose=dose)
    back = value("steroid_conversion", from_steroid=second, to_steroid=first, dose=there)
    assert back == pytest.approx(dose)


def test_an_unknown_steroid_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="one of betamethasone"):
        value("steroid_conversion", from_steroid="budesonide", to_steroid="prednisone", dose=9)


@given(st.dictionaries(st.sampled_from(OPIOIDS), st.floats(1, 100), min_size=1), st.sampled_from(OPIOIDS))
def test_one_more_opioid_never_lowers_the_equivalents(doses, more):
    assert value("morphine_equivalents", **doses) <= value("morphine_equivalents", **doses | {more: 200}) + 1e-9


def test_no_opioid_is_not_zero_equivalents():
    found = instruments.get("morphine_equivalents")()
    assert found.value is None and found.reason


def test_a_daily_total_of_50_is_flagged():
    assert "50 MME a day or more" in instruments.get("morphine_equivalents")(morphine=50).band
    assert "below" in instruments.get("morphine_equivalents")(morphine=49).band

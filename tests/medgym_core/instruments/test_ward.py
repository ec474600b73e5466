"""Readmission, pressure injury, falls, comorbidity."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medgym_core import instruments

NOT_ILL = {n: False if k == "bool" else k[0] for n, k in instruments.get("charlson").inputs.items() if n != "age"}
ILLNESSES = [name for name, kind in instruments.get("charlson").inputs.items() if kind == "bool"]


def lace(days, acute=False, comorbidity=0, visits=0):
    return instruments.get("lace")(
        length_of_stay_days=days, acute_admission=acute, comorbidity_points=comorbidity, emergency_visits=visits
    )


@pytest.mark.parametrize(
    ("days", "points"), [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (6, 4), (7, 5), (13, 5), (14, 7), (90, 7)]
)
def test_lace_points_of_the_length_of_stay(days, points):
    assert lace(days).value == points


@given(st.integers(0, 40), st.integers(0, 12), st.integers(0, 9), st.integers(0, 5), st.integers(0, 3))
def test_more_of_anything_never_lowers_lace(days, comorbidity, visits, more, other):
    assert (
        lace(days, False, comorbidity, visits).value <= lace(days + more, True, comorbidity + other, visits + 1).value
    )


def test_lace_runs_from_0_to_19_and_10_is_high_risk():
    assert lace(0).value == 0 and lace(30, True, 9, 9).value == 19
    assert lace(4, True, 2, 1).value == 10 and lace(4, True, 2, 1).band == "high risk"
    assert lace(4, True, 2, 0).band == "moderate risk"


def test_the_braden_scale_runs_from_6_to_23():
    scale = instruments.get("braden")
    assert scale(**{name: kind[0] for name, kind in scale.inputs.items()}).value == 6
    best = scale(**{name: kind[-1] for name, kind in scale.inputs.items()})
    assert best.value == 23 and best.band == "not at risk"


@given(st.data())
def test_a_better_subscale_never_raises_the_pressure_risk(data):
    scale = instruments.get("braden")
    given_ = {name: data.draw(st.sampled_from(kind)) for name, kind in scale.inputs.items()}
    item = data.draw(st.sampled_from(sorted(given_)))
    assert scale(**given_).value <= scale(**given_ | {item: scale.inputs[item][-1]}).value


def test_the_morse_scale_runs_from_0_to_125():
    scale = instruments.get("morse")
    assert scale(**{n: False if k == "bool" else k[0] for n, k in scale.inputs.items()}).value == 0
    assert scale(**{n: True if k == "bool" else k[-1] for n, k in scale.inputs.items()}).value == 125


@given(st.data())
def test_one_more_risk_never_lowers_the_morse_scale(data):
    scale = instruments.get("morse")
    kinds = {n: [False, True] if k == "bool" else k for n, k in scale.inputs.items()}
    given_ = {name: data.draw(st.sampled_from(kind)) for name, kind in kinds.items()}
    item = data.draw(st.sampled_from(sorted(given_)))
    assert scale(**given_).value <= scale(**given_ | {item: kinds[item][-1]}).value


@given(st.sets(st.sampled_from(ILLNESSES)), st.sampled_from(ILLNESSES), st.integers(18, 100))
def test_one_more_illness_never_lowers_charlson(ill, more, age):
    patient = NOT_ILL | dict.fromkeys(ill, True)
    index = instruments.get("charlson")
    assert index(age=age, **patient).value <= index(age=age, **patient | {more: True}).value


@pytest.mark.parametrize(("age", "points"), [(49, 0), (50, 1), (59, 1), (60, 2), (70, 3), (80, 4), (95, 4)])
def test_charlson_adds_a_point_for_each_decade_from_50(age, points):
    found = instruments.get("charlson")(age=age, **NOT_ILL)
    assert found.value == points and found.band == "no comorbidity"


def test_the_charlson_group_is_that_of_the_illnesses_not_of_the_age():
    found = instruments.get("charlson")(age=85, **NOT_ILL | {"copd": True})
    assert found.value == 5 and found.band == "mild comorbidity"


def test_a_comorbidity_that_is_not_known_is_not_counted_as_absent():
    found = instruments.get("charlson")(age=70, **{n: v for n, v in NOT_ILL.items() if n != "dementia"})
    assert found.value is None and found.missing == ["dementia"]

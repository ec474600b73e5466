"""Kidney function, electrolytes and acid-base."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medgym_core import instruments

ages = st.floats(18, 100)
creatinines = st.floats(0.3, 15)
sexes = st.sampled_from(["female", "male"])


def value(name, **inputs):
    return instruments.get(name)(**inputs).value


@given(age=ages, sex=sexes, low=creatinines, more=st.floats(0.01, 5))
@pytest.mark.parametrize("name", ["ckd_epi_2021", "mdrd"])
def test_more_creatinine_never_means_a_higher_filtration_rate(name, age, sex, low, more):
    assert value(name, age=age, sex=sex, creatinine=low + more) <= value(name, age=age, sex=sex, creatinine=low)


@given(base=st.floats(0.3, 3), low=st.floats(0.3, 10), more=st.floats(0, 5), hours=st.floats(0, 48))
def test_a_worse_kidney_never_lowers_the_kdigo_stage(base, low, more, hours):
    before = value("kdigo_aki", baseline_creatinine=base, creatinine=low)
    after = value("kdigo_aki", baseline_creatinine=base, creatinine=low + more)
    oliguric = value("kdigo_aki", baseline_creatinine=base, creatinine=low, urine_output=0.2, urine_output_hours=hours)
    assert before <= after and before <= oliguric


@pytest.mark.parametrize(
    ("output", "hours", "stage"),
    [(0.6, 24, 0), (0.4, 5, 0), (0.4, 6, 1), (0.4, 12, 2), (0.2, 23, 2), (0.2, 24, 3), (0, 11, 1), (0, 12, 3)],
)
def test_kdigo_stages_urine_output(output, hours, stage):
    given_ = {"creatinine": 1.0, "baseline_creatinine": 1.0, "urine_output": output, "urine_output_hours": hours}
    assert value("kdigo_aki", **given_) == stage


def test_kdigo_takes_a_rise_of_0_3_within_48_hours():
    assert value("kdigo_aki", creatinine=1.3, baseline_creatinine=1.0, creatinine_rise_48h=0.3) == 1


def test_creatinine_of_4_is_stage_3_only_once_there_is_an_injury():
    assert value("kdigo_aki", creatinine=4.2, baseline_creatinine=4.0) == 0
    assert value("kdigo_aki", creatinine=4.2, baseline_creatinine=2.5) == 3


def test_no_injury_by_creatinine_alone_says_that_urine_output_is_not_known():
    found = instruments.get("kdigo_aki")(creatinine=1.0, baseline_creatinine=1.0)
    assert "urine output not known" in found.band


def test_half_of_the_urine_criterion_is_named_as_missing():
    found = instruments.get("kdigo_aki")(creatinine=1.0, baseline_creatinine=1.0, urine_output=0.3)
    assert found.value is None and found.missing == ["urine_output_hours"]


@pytest.mark.parametrize("name", ["ckd_epi_2021", "mdrd", "cockcroft_gault"])
def test_adult_equations_refuse_a_child(name):
    given_ = {"age": 10, "sex": "male", "creatinine": 0.5}
    found = instruments.get(name)(**given_ | ({"weight_kg": 30} if name == "cockcroft_gault" else {}))
    assert found.value is None and "range of validity" in found.reason


def test_schwartz_refuses_an_adult():
    assert instruments.get("schwartz_bedside")(age=30, height_cm=170, creatinine=1).reason


def test_cockcroft_gault_uses_actual_weight_unless_asked_otherwise():
    patient = {"age": 60, "sex": "male", "weight_kg": 120, "height_cm": 175, "creatinine": 1.0}
    clearance = instruments.get("cockcroft_gault")
    assert clearance(**patient).parts["weight_kg"] == 120
    assert clearance(**patient, weight_choice="ideal").parts["weight_kg"] == pytest.approx(70.46, abs=0.01)
    assert clearance(**patient, weight_choice="by bmi").parts["weight_kg"] == pytest.approx(90.28, abs=0.01)


def test_cockcroft_gault_names_the_height_it_needs_for_another_weight():
    found = instruments.get("cockcroft_gault")(age=60, sex="male", weight_kg=80, creatinine=1, weight_choice="ideal")
    assert found.value is None and found.missing == ["height_cm"]


def test_zero_creatinine_is_refused_and_does_not_divide():
    found = instruments.get("cockcroft_gault")(age=60, sex="male", weight_kg=80, creatinine=0)
    assert found.value is None and "creatinine" in found.reason


@pytest.mark.parametrize(("bicarbonate", "interpreted"), [(12, True), (30, False)])
def test_the_delta_ratio_has_an_interpretation_only_in_metabolic_acidosis(bicarbonate, interpreted):
    found = instruments.get("delta_ratio")(sodium=140, chloride=100, bicarbonate=bicarbonate)
    assert found.value is not None
    assert ("no interpretation" not in found.band) is interpreted


def test_the_delta_ratio_does_not_divide_by_a_normal_bicarbonate():
    assert instruments.get("delta_ratio")(sodium=140, chloride=100, bicarbonate=24).reason


def test_ethanol_explains_part_of_the_osmolar_gap():
    given_ = {"sodium": 140, "glucose": 90, "urea_nitrogen": 14, "serum_osmolality": 330}
    assert value("osmolar_gap", **given_) - value("osmolar_gap", **given_, ethanol=92) == pytest.approx(20)


@given(sodium=st.floats(120, 170), more=st.floats(0.1, 20))
def test_more_sodium_means_more_water_missing(sodium, more):
    patient = {"age": 50, "sex": "female", "weight_kg": 60}
    assert value("free_water_deficit", **patient, sodium=sodium) < value(
        "free_water_deficit", **patient, sodium=sodium + more
    )


@pytest.mark.parametrize(("weight", "rate"), [(0.01, 0.04), (10, 40), (20, 60), (70, 110)])
def test_maintenance_follows_4_2_1(weight, rate):
    assert value("maintenance_fluids", weight_kg=weight) == pytest.approx(rate)


def test_winters_needs_a_metabolic_acidosis():
    assert "range of validity" in instruments.get("winters")(bicarbonate=28).reason


def test_the_two_sodium_corrections_differ_as_published():
    given_ = {"sodium": 130, "glucose": 600}
    assert value("corrected_sodium", **given_) == pytest.approx(142)
    assert value("corrected_sodium", **given_, equation="katz") == pytest.approx(138)


@pytest.mark.parametrize(
    ("creatinine", "baseline", "stage"), [(1.2, 0.8, 1), (1.8, 0.9, 2), (2.1, 0.7, 3), (1.19, 0.8, 0)]
)
def test_an_exact_multiple_of_the_baseline_reaches_its_stage(creatinine: float, baseline: float, stage: int) -> None:
    """KDIGO 2012: from 1.5, 2.0 and 3.0 times the baseline, inclusive, whatever the binary fractions."""
    found = instruments.get("kdigo_aki")
    assert found(creatinine=creatinine, baseline_creatinine=baseline).value == stage

"""What the shared physiology promises: identities hold for any seed, overrides win, unknown is not normal."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medgym_core import facts
from medgym_core.clinical import acid_base, physiology
from medgym_core.clinical.ranges import measurements, rounded
from medgym_core.errors import MedGymError
from medgym_core.types import Chart

SEEDS = st.integers(0, 10**9)
AGES = st.integers(0, 100)
SEXES = st.sampled_from(["female", "male"])
PANELS = sorted(facts.load("clinical", "panels"))
QUICK = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def values(readings):
    return {r.name: r.value for r in readings}


def labs(seed, panel, **more):
    return values(physiology.sample_labs(Random(seed), panel, **({"age": 50, "sex": "male"} | more)))


@QUICK
@given(SEEDS, AGES, SEXES)
def test_vital_signs_of_the_well_are_normal_at_every_age_and_sex(seed, age, sex):
    readings = physiology.sample_vitals(Random(seed), age=age, sex=sex)
    assert [r.name for r in readings] == list(physiology.SIX)
    signs = values(readings)
    assert 12 <= signs["systolic_bp"] - signs["diastolic_bp"] <= 60
    for reading in readings:
        assert reading.unit == measurements()[reading.name]["unit"]
        if reading.name != "diastolic_bp":
            assert physiology.flag(reading.name, reading.value, age, sex) == "normal", (age, reading)


@QUICK
@given(
    SEEDS, AGES, st.dictionaries(st.sampled_from(["heart_rate", "systolic_bp", "spo2", "temperature"]), st.just(0.0))
)
def test_overridden_vital_signs_stay_and_diastolic_stays_below_systolic(seed, age, names):
    rng = Random(seed)
    chosen = {"heart_rate": 150.5, "systolic_bp": rng.uniform(55, 200), "spo2": 84.0, "temperature": 39.4}
    overrides = {n: chosen[n] for n in names}
    signs = values(physiology.sample_vitals(rng, age=age, overrides=overrides))
    assert overrides.items() <= signs.items()
    assert signs["diastolic_bp"] < signs["systolic_bp"]


def test_fever_and_hypotension_raise_the_pulse_unless_it_is_given():
    usual = values(physiology.sample_vitals(Random(3), age=40))["heart_rate"]
    ill = {"temperature": 39.5, "systolic_bp": 78}
    assert values(physiology.sample_vitals(Random(3), age=40, overrides=ill))["heart_rate"] > usual + 20
    assert values(physiology.sample_vitals(Random(3), age=40, overrides=ill | {"heart_rate": 60}))["heart_rate"] == 60


def test_diastolic_above_systolic_is_refused():
    with pytest.raises(MedGymError, match="diastolic below systolic"):
        physiology.sample_vitals(Random(0), age=40, overrides={"systolic_bp": 80, "diastolic_bp": 90})


@QUICK
@given(SEEDS, st.sampled_from(PANELS), SEXES, st.integers(18, 95))
def test_every_panel_of_a_healthy_adult_is_complete_and_almost_all_normal(seed, panel, sex, age):
    readings = physiology.sample_labs(Random(seed), panel, age=age, sex=sex)
    assert [r.name for r in readings] == physiology.panel_members(panel)
    for r in readings:
        assert r.unit == measurements()[r.name]["unit"]
        assert r.value == rounded(r.name, r.value)
    flags = [physiology.flag(r.name, r.value, age, sex) for r in readings]
    assert sum(f != "normal" for f in flags) <= 1, list(zip(readings, flags, strict=True))
    assert not any(f.startswith("critical") for f in flags)


@QUICK
@given(SEEDS, AGES, SEXES, st.sampled_from(PANELS))
def test_children_and_pregnant_women_have_values_too(seed, age, sex, panel):
    assert all(
        r.value >= 0 or r.name == "base_excess" for r in physiology.sample_labs(Random(seed), panel, age=age, sex=sex)
    )
    pregnant = {"age": 30, "sex": "female", "pregnant": True, "gestation_days": 20 + seed % 260}
    found = physiology.sample_labs(Random(seed), panel, **pregnant)
    flags = [physiology.flag(r.name, r.value, 30, "female", True, pregnant["gestation_days"]) for r in found]
    assert sum(f.startswith("critical") for f in flags) == 0, list(zip(found, flags, strict=True))


@QUICK
@given(
    SEEDS,
    st.dictionaries(st.sampled_from(["ph", "pco2", "bicarbonate"]), st.floats(0, 1), max_size=2),
    st.booleans(),
)
def test_henderson_hasselbalch_holds_whatever_two_are_given(seed, chosen, ketotic):
    limits = {"ph": (6.9, 7.65), "pco2": (15, 90), "bicarbonate": (5, 45)}
    overrides = {n: limits[n][0] + x * (limits[n][1] - limits[n][0]) for n, x in chosen.items()}
    if ketotic and len(chosen) < 2:
        overrides["beta_hydroxybutyrate"] = 6.5
    gas = labs(seed, "abg", overrides=overrides)
    assert overrides.items() <= gas.items()
    assert acid_base.ph_of(gas["pco2"], gas["bicarbonate"]) == pytest.approx(gas["ph"], abs=0.02)
    expected = acid_base.base_excess_of(gas["ph"], gas["bicarbonate"])
    assert gas["base_excess"] == pytest.approx(expected, abs=0.06)


def test_a_metabolic_acidosis_is_compensated_by_winters_formula():
    for seed in range(30):
        gas = labs(seed, "abg", overrides={"bicarbonate": 10})
        assert gas["pco2"] == pytest.approx(1.5 * 10 + 8, abs=2)


@QUICK
@given(
    SEEDS,
    st.dictionaries(st.sampled_from(["sodium", "chloride", "bicarbonate", "lactate", "glucose"]), st.floats(0, 1)),
)
def test_the_anion_gap_is_plausible(seed, chosen):
    limits = {
        "sodium": (115, 160),
        "chloride": (85, 118),
        "bicarbonate": (8, 38),
        "lactate": (3, 15),
        "glucose": (50, 900),
    }
    if {"sodium", "chloride"} <= set(chosen):
        chosen = {n: x for n, x in chosen.items() if n != "chloride"}
    overrides = {n: limits[n][0] + x * (limits[n][1] - limits[n][0]) for n, x in chosen.items()}
    found = labs(seed, "bmp", overrides=overrides)
    gap = found["sodium"] - found["chloride"] - found["bicarbonate"]
    assert 2 <= gap <= 36, (found, overrides)


def test_lactate_lowers_bicarbonate_and_widens_the_gap():
    found = labs(5, ["bmp"], overrides={"lactate": 9.0})
    assert found["bicarbonate"] < 20
    assert found["sodium"] - found["chloride"] - found["bicarbonate"] > 14


@QUICK
@given(SEEDS, st.floats(4, 19), st.floats(0.3, 30))
def test_blood_counts_and_bilirubin_add_up(seed, hemoglobin, count):
    found = labs(seed, ["cbc", "lft"], overrides={"hemoglobin": hemoglobin, "white_cells": count, "bilirubin": count})
    assert found["hematocrit"] == pytest.approx(3 * hemoglobin, rel=0.03)
    assert found["neutrophils"] + found["lymphocytes"] + found["eosinophils"] <= count + 0.02
    assert found["direct_bilirubin"] <= found["bilirubin"]
    assert found["albumin"] < found["total_protein"]
    low = labs(seed, "cbc", overrides={"neutrophils": 0.2})
    assert low["neutrophils"] + low["lymphocytes"] + low["eosinophils"] <= low["white_cells"] + 0.02


@QUICK
@given(SEEDS, st.sampled_from(["total_cholesterol", "ldl", "hdl", "triglycerides"]), st.floats(0, 1))
def test_lipids_obey_friedewald(seed, name, x):
    limits = {"total_cholesterol": (150, 380), "ldl": (40, 250), "hdl": (20, 90), "triglycerides": (40, 399)}
    value = limits[name][0] + x * (limits[name][1] - limits[name][0])
    found = labs(seed, "lipids", overrides={name: value})
    assert found["hdl"] + found["ldl"] + found["triglycerides"] / 5 == pytest.approx(found["total_cholesterol"], abs=2)
    assert min(found.values()) > 0


@QUICK
@given(SEEDS, st.floats(110, 165), st.floats(40, 1100), st.floats(4, 120))
def test_osmolality_follows_sodium_glucose_and_urea(seed, sodium, glucose, urea):
    given = {"sodium": sodium, "glucose": glucose, "urea_nitrogen": urea}
    found = labs(seed, ["serum_osmolality"], overrides=given)
    assert abs(found["serum_osmolality"] - acid_base.osmolality_of(sodium, glucose, urea)) <= 6


def test_urea_rises_with_creatinine():
    ratio = [
        found["urea_nitrogen"] / 4.0 for s in range(40) if (found := labs(s, "bmp", overrides={"creatinine": 4.0}))
    ]
    assert min(ratio) > 10 and max(ratio) < 20


@pytest.mark.parametrize(
    "clash",
    [
        {"direct_bilirubin": 4.0, "bilirubin": 2.0},
        {"ph": 7.4, "pco2": 80, "bicarbonate": 10},
        {"hemoglobin": 7.0, "hematocrit": 45},
        {"white_cells": 3.0, "neutrophils": 9.0},
        {"total_cholesterol": 150, "hdl": 60, "ldl": 160, "triglycerides": 100},
        {"potassium": -1.0},
    ],
)
def test_values_that_cannot_occur_together_are_refused(clash):
    with pytest.raises(MedGymError):
        labs(0, "bmp", overrides=clash)


def test_unknown_names_are_refused_and_named():
    with pytest.raises(MedGymError, match="did you mean 'potassium'"):
        labs(0, ["potasium"])
    with pytest.raises(MedGymError, match="unknown measurement"):
        labs(0, "bmp", overrides={"magic": 1.0})
    with pytest.raises(MedGymError, match="unknown vital sign"):
        physiology.sample_vitals(Random(0), age=40, overrides={"potassium": 4.0})


@QUICK
@given(SEEDS, AGES, SEXES)
def test_the_same_seed_gives_the_same_patient(seed, age, sex):
    def patient():
        rng = Random(seed)
        return (
            physiology.base_chart(rng, age=age, sex=sex, comorbid=2),
            physiology.sample_vitals(rng, age=age, sex=sex),
            physiology.sample_labs(rng, ["cmp", "cbc", "abg"], age=age, sex=sex, overrides={"lactate": 5.0}),
        )

    assert patient() == patient()


@QUICK
@given(SEEDS, st.floats(0, 500), st.floats(0, 500), st.lists(st.integers(-500, 5000), unique=True, max_size=9))
def test_a_course_never_turns_back_and_keeps_its_ends(seed, start, end, times):
    times = sorted(times)
    course = physiology.trend(Random(seed), "creatinine", start, end, times, "mg/dL")
    assert [r.minutes for r in course] == times
    found = [r.value for r in course]
    assert found == sorted(found, reverse=end < start)
    if len(times) > 1:
        assert (found[0], found[-1]) == (round(start, 2), round(end, 2))


def test_a_course_back_in_time_is_refused():
    with pytest.raises(MedGymError, match="do not ascend"):
        physiology.trend(Random(0), "creatinine", 1, 2, [60, 0])


@QUICK
@given(SEEDS, AGES, SEXES)
def test_bodies_are_plausible_and_charts_are_charts(seed, age, sex):
    weight, height = physiology.body(Random(seed), age=age, sex=sex)
    assert 11 <= weight / (height / 100) ** 2 <= 43, (age, weight, height)
    chart = Chart(**physiology.base_chart(Random(seed), age=age, sex=sex, comorbid=3, complaint="cough"))
    assert (chart.age, chart.sex, chart.complaint) == (age, sex, "cough")
    assert len(chart.conditions) == len(chart.medications) == len(set(chart.conditions))
    assert chart.pregnant is None


def test_infants_are_the_size_of_infants():
    sizes = [physiology.body(Random(s), age=0, sex="female", age_months=3) for s in range(40)]
    assert all(4.5 <= kg <= 7.2 and 55 <= cm <= 65 for kg, cm in sizes)


def test_what_a_case_must_avoid_is_not_in_its_background():
    for seed in range(60):
        fields = physiology.base_chart(
            Random(seed), age=70, sex="male", comorbid=4, avoid=["metformin", "penicillin", "gout"]
        )
        assert "type 2 diabetes" not in fields["conditions"] and "gout" not in fields["conditions"]
        assert "penicillin" not in fields["allergies"]

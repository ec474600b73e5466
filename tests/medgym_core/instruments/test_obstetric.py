"""Pregnancy, birth and dating."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medgym_core import instruments

periods = st.dates(date(1990, 1, 1), date(2040, 12, 31))
CERVIX = {"cervical_consistency": "firm", "cervical_position": "posterior"}


def bishop(dilation, effacement, station, **other):
    measured = {"cervical_dilation": dilation, "cervical_effacement": effacement, "fetal_station": station}
    return instruments.get("bishop")(**measured, **CERVIX | other)


def test_the_bishop_score_runs_from_0_to_13():
    assert bishop(0, 0, -3).value == 0
    assert bishop(10, 100, 3, cervical_consistency="soft", cervical_position="anterior").value == 13


@given(st.floats(0, 9), st.floats(0, 90), st.integers(-3, 2), st.floats(0, 1), st.floats(0, 10), st.integers(0, 1))
def test_a_riper_cervix_never_lowers_the_bishop_score(dilation, effacement, station, cm, percent, lower):
    assert (
        bishop(dilation, effacement, station).value
        <= bishop(dilation + cm, effacement + percent, station + lower).value
    )


def test_a_dilation_of_12_cm_is_refused():
    assert bishop(12, 50, 0).reason


@pytest.mark.parametrize(("rate", "points"), [(0, 0), (60, 1), (99, 1), (100, 2), (160, 2)])
def test_apgar_scores_the_heart_rate(rate, points):
    signs = {name: kind[0] for name, kind in instruments.get("apgar").inputs.items() if name != "heart_rate"}
    assert instruments.get("apgar")(heart_rate=rate, **signs).parts["heart_rate"] == points


def test_the_apgar_score_runs_from_0_to_10():
    options = {name: kind for name, kind in instruments.get("apgar").inputs.items() if name != "heart_rate"}
    assert instruments.get("apgar")(heart_rate=0, **{n: k[0] for n, k in options.items()}).value == 0
    best = instruments.get("apgar")(heart_rate=140, **{n: k[-1] for n, k in options.items()})
    assert best.value == 10 and best.band == "reassuring"


SEEN = {"fetal_breathing": True, "fetal_movement": True, "fetal_tone": True, "deepest_vertical_pocket": 4}


def test_the_nonstress_test_may_be_left_out_only_where_the_ultrasound_is_normal():
    assert instruments.get("bpp")(**SEEN).value == 8
    found = instruments.get("bpp")(**SEEN | {"fetal_tone": False})
    assert found.value is None and found.missing == ["nonstress_test"]


@given(st.lists(st.booleans(), min_size=3, max_size=3), st.floats(0, 8), st.integers(0, 2))
def test_a_better_sign_never_lowers_the_biophysical_profile(signs, pocket, index):
    names = ["fetal_breathing", "fetal_movement", "fetal_tone"]
    scan = dict(zip(names, signs, strict=True)) | {"deepest_vertical_pocket": pocket, "nonstress_test": "nonreactive"}
    profile = instruments.get("bpp")
    assert profile(**scan).value <= profile(**scan | {names[index]: True}).value
    assert profile(**scan).value <= profile(**scan | {"nonstress_test": "reactive"}).value


def test_little_fluid_is_said_whatever_the_total():
    found = instruments.get("bpp")(**SEEN | {"deepest_vertical_pocket": 2}, nonstress_test="reactive")
    assert found.value == 8 and "oligohydramnios" in found.band


@given(periods, st.integers(20, 45))
def test_the_due_date_moves_with_the_cycle(period, cycle):
    found = instruments.get("naegele_due_date")(last_menstrual_period=period, cycle_days=cycle)
    assert date.fromisoformat(found.date) == period + timedelta(days=280 + cycle - 28)
    assert found.value == 280 + cycle - 28


def test_without_a_cycle_length_28_days_are_assumed():
    found = instruments.get("naegele_due_date")(last_menstrual_period="2023-01-01")
    assert found.date == "2023-10-08"


@given(periods)
def test_conception_is_266_days_before_the_due_date(period):
    due = instruments.get("naegele_due_date")(last_menstrual_period=period)
    conception = instruments.get("conception_date")(last_menstrual_period=period)
    assert date.fromisoformat(due.date) - date.fromisoformat(conception.date) == timedelta(days=266)


@pytest.mark.parametrize(
    ("days", "band"),
    [(0, "first trimester"), (97, "first trimester"), (98, "second trimester"), (195, "second trimester")]
    + [(196, "third trimester"), (293, "third trimester"), (294, "post-term")],
)
def test_trimesters_change_at_14_and_28_weeks(days, band):
    start = date(2024, 1, 1)
    found = instruments.get("gestational_age")(last_menstrual_period=start, on_date=start + timedelta(days=days))
    assert found.band == band and 7 * found.parts["weeks"] + found.parts["days"] == days


@pytest.mark.parametrize("on", ["2023-12-31", "2026-01-01"])
def test_a_day_outside_any_pregnancy_gives_a_reason(on):
    found = instruments.get("gestational_age")(last_menstrual_period="2024-01-01", on_date=on)
    assert found.value is None and "not within a pregnancy" in found.reason


@given(st.floats(10, 84))
def test_robinson_and_hadlock_agree_within_three_days(length):
    by = {
        e: instruments.get("ultrasound_dating")(crown_rump_length=length, equation=e).value
        for e in ("robinson", "hadlock")
    }
    assert abs(by["robinson"] - by["hadlock"]) <= 3


@given(st.floats(5, 80), st.floats(0.1, 4))
def test_a_longer_embryo_is_older(length, more):
    dating = instruments.get("ultrasound_dating")
    assert dating(crown_rump_length=length).value < dating(crown_rump_length=length + more).value


def test_a_dated_scan_gives_the_due_date():
    found = instruments.get("ultrasound_dating")(crown_rump_length=50, scan_date="2024-03-01")
    assert (found.parts["weeks"], found.parts["days"]) == (11, 5)
    assert found.date == "2024-09-15"


def test_crown_rump_length_dates_only_the_first_trimester():
    assert "range of validity" in instruments.get("ultrasound_dating")(crown_rump_length=90).reason

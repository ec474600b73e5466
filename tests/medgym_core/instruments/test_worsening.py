"""Worsening one input of a published example, the others as they are, never improves the score."""

import tomllib
from functools import cache
from math import inf, isfinite
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from medgym_core import instruments

GROUPS = ("cardiac", "chest", "hepatic", "critical", "emergency")
LOWERING = {
    ("wells_dvt", "alternative_diagnosis"), ("centor", "cough"), ("feverpain", "cough_or_coryza"),
    ("esi", "life_saving_intervention"), ("esi", "high_risk_situation"),
}  # fmt: skip
"""Items that take points away; ESI counts down to the sickest."""
GIVING_NO_SCORE = {
    ("framingham_chd", "diabetes"), ("framingham_chd", "coronary_heart_disease"), ("news2", "pregnant"),
    ("canadian_ct_head", "anticoagulant"), ("canadian_ct_head", "seizure"),
    ("canadian_ct_head", "loss_of_consciousness_or_amnesia"), ("apache2", "severe_chronic_disease"),
}  # fmt: skip
NUMBERS = {
    "cha2ds2_vasc": "+age",
    "has_bled": "+age +alcohol_drinks",
    "heart": "+age +troponin -troponin_limit",
    "timi_ua_nstemi": "+age +coronary_risk_factors",
    "grace": "+age +heart_rate -systolic_bp +creatinine",
    "rcri": "+creatinine",
    "framingham_chd": "-hdl +systolic_bp",
    "qtc_bazett": "+qt_interval +heart_rate",
    "qtc_fridericia": "+qt_interval +heart_rate",
    "qtc_framingham": "+qt_interval +heart_rate",
    "qtc_hodges": "+qt_interval +heart_rate",
    "qtc_rautaharju": "+qt_interval +heart_rate",
    "curb65": "+age +urea_nitrogen +respiratory_rate -systolic_bp -diastolic_bp",
    "psi": "+age +heart_rate +respiratory_rate -systolic_bp -ph +urea_nitrogen -sodium +glucose -hematocrit -po2 -spo2",
    "wells_pe": "+heart_rate",
    "perc": "+age +heart_rate -spo2",
    "geneva_revised": "+age +heart_rate",
    "aa_gradient": "+fio2 -po2 -pco2",
    "pf_ratio": "+po2 -fio2",
    "caprini": "+age +bmi",
    "centor": "-age +temperature",
    "bode": "-fev1_percent -walk_distance -bmi",
    "meld": "+creatinine +bilirubin +inr",
    "meld_na": "+creatinine +bilirubin +inr -sodium",
    "meld3": "+creatinine +bilirubin +inr -sodium -albumin",
    "child_pugh": "+bilirubin -albumin +inr",
    "fib4": "+age +ast -alt -platelets",
    "maddrey": "+pt -pt_control +bilirubin",
    "ranson": "+age +white_cells +glucose +ldh +ast +hematocrit_fall +urea_nitrogen_rise +fluid_sequestration "
    "-calcium -po2 -base_excess",
    "bisap": "+urea_nitrogen +age +heart_rate +respiratory_rate",
    "glasgow_blatchford": "+urea_nitrogen -hemoglobin -systolic_bp +heart_rate",
    "qsofa": "+respiratory_rate -systolic_bp -gcs",
    "sirs": "+heart_rate +respiratory_rate +band_forms -pco2",
    "pews": "+capillary_refill -spo2 +oxygen_flow",
    "sofa": "-po2 +fio2 -platelets +bilirubin -systolic_bp -diastolic_bp +dopamine +dobutamine +epinephrine "
    "+norepinephrine -gcs +creatinine -urine_output",
    "apache2": "+age -po2 +aa_gradient -gcs",
    "parkland": "+weight_kg +burn_surface",
    "abcd2": "+age +systolic_bp +diastolic_bp +tia_duration",
    "canadian_ct_head": "+age -gcs_at_2h +vomiting_episodes +retrograde_amnesia",
    "ottawa_knee": "+age",
    "rts": "+gcs +systolic_bp",
    "shock_index": "+heart_rate -systolic_bp",
    "esi": "-expected_resources",
}
OPTIONS = {
    "heart": "+history +ecg",
    "grace": "+killip",
    "bode": "+mmrc_dyspnea",
    "child_pugh": "+ascites +encephalopathy",
    "caprini": "+mobility",
    "gcs": "+gcs_eye +gcs_verbal +gcs_motor",
    "pews": "+respiratory_effort",
    "iss": "+ais_head_neck +ais_face +ais_chest +ais_abdomen +ais_extremity +ais_external",
    "nihss": "+nihss_consciousness +nihss_gaze +nihss_visual +nihss_facial_palsy +nihss_language +nihss_neglect",
    "esi": "-consciousness",
}
"""Inputs whose options stand from the mildest to the worst."""


@cache
def examples() -> dict[str, list[dict]]:
    """Inputs of the published examples, by instrument."""
    found: dict[str, list[dict]] = {}
    for group in GROUPS:
        text = (Path(__file__).with_name("examples") / f"{group}.toml").read_text(encoding="utf-8")
        for example in tomllib.loads(text)["example"]:
            found.setdefault(example["instrument"], []).append(example["inputs"])
    return found


def pairs(table: dict[str, str]) -> list[tuple[str, str, str]]:
    return [(name, item[1:], item[0]) for name, items in table.items() for item in items.split()]


def yes_items() -> list[tuple[str, str, str]]:
    """Every yes-or-no input of every instrument with an example."""
    found = [(n, i) for n in examples() for i, kind in instruments.get(n).inputs.items() if kind == "bool"]
    return [(*p, "-" if p in LOWERING else "+") for p in found if p not in GIVING_NO_SCORE]


def not_better(name: str, before: dict, after: dict, sign: str) -> bool:
    first, second = instruments.get(name)(**before).value, instruments.get(name)(**after).value
    assume(first is not None and second is not None)
    return second >= first - 1e-9 if sign == "+" else second <= first + 1e-9


@given(data=st.data())
@settings(max_examples=10, deadline=None)
@pytest.mark.parametrize(("name", "item", "sign"), yes_items())
def test_a_finding_that_is_present_never_improves_the_score(name, item, sign, data):
    case = dict(data.draw(st.sampled_from(examples()[name])))
    for other, kind in instruments.get(name).inputs.items():
        if kind == "bool" and other in case and (name, other) not in GIVING_NO_SCORE:
            case[other] = data.draw(st.booleans())
    assert not_better(name, case | {item: False}, case | {item: True}, sign)


@given(data=st.data())
@settings(max_examples=15, deadline=None)
@pytest.mark.parametrize(("name", "item", "sign"), pairs(NUMBERS))
def test_a_worse_measurement_never_improves_the_score(name, item, sign, data):
    low, high = instruments.get(name).rule.get("valid", {}).get(item, (-50, inf))
    values = st.floats(low, high if isfinite(high) else 500, allow_nan=False)
    smaller, larger = sorted((data.draw(values), data.draw(values)))
    case = data.draw(st.sampled_from(examples()[name]))
    assert not_better(name, case | {item: smaller}, case | {item: larger}, sign)


@given(data=st.data())
@settings(max_examples=10, deadline=None)
@pytest.mark.parametrize(("name", "item", "sign"), pairs(OPTIONS))
def test_a_worse_option_never_improves_the_score(name, item, sign, data):
    options = instruments.get(name).inputs[item]
    first, second = sorted(data.draw(st.tuples(*[st.integers(0, len(options) - 1)] * 2)))
    case = data.draw(st.sampled_from(examples()[name]))
    assert not_better(name, case | {item: options[first]}, case | {item: options[second]}, sign)

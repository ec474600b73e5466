"""What each yes-or-no item is worth, and where each published interpretation begins."""

import pytest

from medgym_core import instruments

NEUTRAL = {
    "cha2ds2_vasc": {"age": 50, "sex": "male"},
    "has_bled": {"age": 50, "alcohol_drinks": 0},
    "timi_ua_nstemi": {"age": 50, "coronary_risk_factors": 0},
    "rcri": {"creatinine": 1},
    "wells_pe": {"heart_rate": 80},
    "wells_dvt": {},
    "perc": {"age": 40, "heart_rate": 80, "spo2": 98},
    "geneva_revised": {"age": 50, "heart_rate": 70},
    "caprini": {"age": 30, "sex": "female", "bmi": 22, "surgery": "none", "mobility": "normal"},
    "centor": {"age": 30, "temperature": 37},
    "feverpain": {},
    "nexus": {},
    "ottawa_knee": {"age": 40},
}
"""The other inputs of a patient without points."""
WORTH = {
    "cha2ds2_vasc": {1: "heart_failure hypertension diabetes vascular_disease", 2: "stroke"},
    "has_bled": {
        1: "uncontrolled_hypertension renal_disease liver_disease stroke bleeding_history labile_inr bleeding_drugs"
    },
    "timi_ua_nstemi": {1: "coronary_stenosis st_deviation severe_angina aspirin_use elevated_markers"},
    "rcri": {1: "high_risk_surgery ischemic_heart_disease heart_failure cerebrovascular_disease insulin_treatment"},
    "wells_pe": {
        3: "dvt_signs pe_most_likely", 1.5: "immobilization_or_surgery previous_vte", 1: "hemoptysis malignancy"
    },
    "wells_dvt": {
        1: "active_cancer paralysis_or_cast bedridden_or_surgery deep_vein_tenderness entire_leg_swollen calf_swelling "
        "pitting_edema collateral_veins previous_dvt",
        -2: "alternative_diagnosis",
    },
    "perc": {1: "leg_swelling hemoptysis recent_surgery_or_trauma previous_vte hormone_use"},
    "geneva_revised": {
        2: "recent_surgery_or_fracture active_cancer hemoptysis", 3: "previous_vte leg_pain",
        4: "leg_tenderness_and_edema",
    },
    "caprini": {
        1: "recent_major_surgery recent_heart_failure recent_sepsis recent_pneumonia copd acute_myocardial_infarction "
        "inflammatory_bowel_disease varicose_veins swollen_legs pregnant_or_postpartum hormone_use pregnancy_loss",
        2: "malignancy recent_cast central_venous_access",
        3: "previous_vte family_history_vte factor_v_leiden prothrombin_20210a homocysteine_raised lupus_anticoagulant "
        "anticardiolipin heparin_thrombocytopenia other_thrombophilia",
        5: "recent_leg_fracture recent_stroke recent_multiple_trauma recent_spinal_cord_injury",
    },
    "centor": {1: "tender_anterior_nodes tonsillar_exudate", -1: "cough"},
    "feverpain": {1: "recent_fever purulent_tonsils rapid_attendance inflamed_tonsils", -1: "cough_or_coryza"},
    "nexus": {1: "midline_tenderness intoxication altered_alertness focal_deficit distracting_injury"},
    "ottawa_knee": {1: "isolated_patella_tenderness fibular_head_tenderness unable_to_flex_90 unable_to_bear_weight"},
}  # fmt: skip
BAND_ENDS = {
    "cha2ds2_vasc": [0, 1],
    "has_bled": [0, 2],
    "heart": [3, 6],
    "timi_ua_nstemi": [1, 2, 3, 4, 5],
    "grace": [108, 140],
    "rcri": [0, 1, 2],
    "curb65": [1, 2],
    "psi": [70, 90, 130],
    "wells_pe": [1.5, 4, 6],
    "wells_dvt": [0, 1, 2],
    "perc": [0],
    "geneva_revised": [3, 10],
    "pf_ratio": [100, 200, 300],
    "caprini": [1, 2, 4],
    "centor": [0, 1, 2, 3],
    "feverpain": [1, 3],
    "bode": [2, 4, 6],
    "meld": [9, 19, 29, 39],
    "meld_na": [14],
    "meld3": [14],
    "child_pugh": [6, 9],
    "ranson": [2, 4, 6],
    "bisap": [2],
    "glasgow_blatchford": [1],
    "gcs": [8, 12],
    "qsofa": [1],
    "sirs": [1],
    "news2": [4, 6],
    "pews": [7],
    "sofa": [1, 3, 5, 7, 9, 11],
    "apache2": [4, 9, 14, 19, 24, 29, 34],
    "nihss": [0, 4, 15, 20],
    "abcd2": [3, 5],
    "ottawa_knee": [0],
    "nexus": [0],
    "iss": [8, 15, 24],
    "esi": [1, 2, 3, 4],
    "shock_index": [0.7, 0.9],
}
"""The last value of every interpretation but the highest."""
BAND_STARTS = {
    "framingham_chd": [10, 20],
    "fib4": [1.45, 3.25],
    "maddrey": [32],
    "rts": [4],
    "mean_arterial_pressure": [65],
}
"""The first value of every interpretation but the lowest."""


@pytest.mark.parametrize(("name", "points", "items"), [(n, p, i) for n, by in WORTH.items() for p, i in by.items()])
def test_each_item_is_worth_its_published_points(name, points, items):
    found = instruments.get(name)
    nothing = NEUTRAL[name] | {n: False for n, kind in found.inputs.items() if kind == "bool"}
    for item in items.split():
        assert found(**nothing | {item: True}).value - found(**nothing).value == points


@pytest.mark.parametrize("name", WORTH)
def test_every_item_is_checked(name):
    items = {n for n, kind in instruments.get(name).inputs.items() if kind == "bool"}
    assert items == {item for text in WORTH[name].values() for item in text.split()}


@pytest.mark.parametrize("name", BAND_ENDS)
def test_interpretations_change_above_their_last_value(name):
    label = instruments.get(name).label
    for end in BAND_ENDS[name]:
        assert label(end) == label(end - 0.01) != label(end + 0.01)
    assert len({label(end) for end in (*BAND_ENDS[name], 1000)}) == len(BAND_ENDS[name]) + 1


@pytest.mark.parametrize("name", BAND_STARTS)
def test_interpretations_change_at_their_first_value(name):
    label = instruments.get(name).label
    for start in BAND_STARTS[name]:
        assert label(start) == label(start + 0.01) != label(start - 0.01)

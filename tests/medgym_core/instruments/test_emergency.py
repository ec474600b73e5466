"""Stroke, injury rules, trauma scores, triage."""

import pytest

from medgym_core import instruments

TIA = {
    "age": 59, "systolic_bp": 139, "diastolic_bp": 89, "tia_features": "other", "tia_duration": 9, "diabetes": False
}  # fmt: skip
HEAD_INJURY = {
    "age": 64, "gcs": 15, "gcs_at_2h": 15, "loss_of_consciousness_or_amnesia": True, "anticoagulant": False,
    "seizure": False, "open_or_depressed_fracture": False, "basal_fracture_signs": False, "vomiting_episodes": 1,
    "retrograde_amnesia": 29, "dangerous_mechanism": False,
}  # fmt: skip
TWISTED = {
    "age": 30, "malleolar_pain": False, "lateral_malleolus_tenderness": False, "medial_malleolus_tenderness": False,
    "midfoot_pain": False, "fifth_metatarsal_tenderness": False, "navicular_tenderness": False,
    "unable_to_bear_weight": False,
}  # fmt: skip
WAITING = {
    "life_saving_intervention": False, "consciousness": "alert", "high_risk_situation": False, "pain_score": 3,
    "distress": "mild", "expected_resources": 2, "age": 40, "heart_rate": 80, "respiratory_rate": 16, "spo2": 98,
}  # fmt: skip


def result(name, **inputs):
    return instruments.get(name)(**inputs)


def test_nihss_spans_0_to_42():
    scale = instruments.get("nihss")
    assert scale(**dict.fromkeys(scale.inputs, "0")).value == 0
    worst = {n: max(o for o in options if o != "un") for n, options in scale.inputs.items()}
    assert scale(**worst).value == 42


def test_an_untestable_limb_adds_nothing_but_an_unrecorded_one_is_missing():
    scale = instruments.get("nihss")
    weak = dict.fromkeys(scale.inputs, "1")
    assert scale(**weak | {"nihss_left_arm": "un"}).value == 14
    assert scale(**weak | {"nihss_left_arm": None}).missing == ["nihss_left_arm"]


@pytest.mark.parametrize(("score", "band"), [(4, "minor"), (5, "moderate"), (16, "moderate to severe"), (21, "severe")])
def test_nihss_groups(score, band):
    assert instruments.get("nihss").label(score) == band


@pytest.mark.parametrize(
    ("change", "points"),
    [
        ({"age": 60}, 1), ({"systolic_bp": 140}, 1), ({"diastolic_bp": 90}, 1),
        ({"systolic_bp": 200, "diastolic_bp": 110}, 1), ({"tia_features": "speech disturbance without weakness"}, 1),
        ({"tia_features": "unilateral weakness"}, 2), ({"tia_duration": 10}, 1), ({"tia_duration": 59}, 1),
        ({"tia_duration": 60}, 2), ({"diabetes": True}, 1),
    ],
)  # fmt: skip
def test_abcd2_points(change, points):
    assert result("abcd2", **TIA).value == 0
    assert result("abcd2", **TIA | change).value == points


@pytest.mark.parametrize(
    ("change", "risk"),
    [
        ({}, "CT not required"), ({"gcs_at_2h": 14}, "high"), ({"open_or_depressed_fracture": True}, "high"),
        ({"basal_fracture_signs": True}, "high"), ({"vomiting_episodes": 2}, "high"), ({"age": 65}, "high"),
        ({"retrograde_amnesia": 30}, "medium"), ({"dangerous_mechanism": True}, "medium"),
        ({"dangerous_mechanism": True, "age": 70}, "high"),
    ],
)  # fmt: skip
def test_canadian_ct_head_criteria(change, risk):
    assert result("canadian_ct_head", **HEAD_INJURY | change).band.startswith(risk)


@pytest.mark.parametrize(
    "change",
    [{"anticoagulant": True}, {"seizure": True}, {"loss_of_consciousness_or_amnesia": False}, {"age": 15}, {"gcs": 12}],
)
def test_canadian_ct_head_gives_no_answer_to_those_it_left_out(change):
    found = result("canadian_ct_head", **HEAD_INJURY | change)
    assert found.value is None and found.reason


@pytest.mark.parametrize(
    ("found", "series"),
    [
        ((), "no radiograph needed"), (("malleolar_pain",), "no radiograph needed"),
        (("unable_to_bear_weight",), "no radiograph needed"),
        (("lateral_malleolus_tenderness",), "no radiograph needed"),
        (("malleolar_pain", "unable_to_bear_weight"), "ankle series"),
        (("malleolar_pain", "medial_malleolus_tenderness"), "ankle series"),
        (("malleolar_pain", "navicular_tenderness"), "no radiograph needed"),
        (("midfoot_pain", "fifth_metatarsal_tenderness"), "foot series"),
        (("malleolar_pain", "midfoot_pain", "unable_to_bear_weight"), "ankle and foot series"),
    ],
)  # fmt: skip
def test_ottawa_ankle_takes_the_series_of_the_painful_zone(found, series):
    assert result("ottawa_ankle", **TWISTED | dict.fromkeys(found, True)).band == series


@pytest.mark.parametrize(("name", "items"), [("ottawa_knee", 4), ("nexus", 5)])
def test_any_criterion_calls_for_an_image(name, items):
    found = instruments.get(name)
    clear = {n: False for n, kind in found.inputs.items() if kind == "bool"}
    age = {"age": 54} if "age" in found.inputs else {}
    assert len(clear) == items
    assert found(**clear, **age).value == 0 and "no " in found(**clear, **age).band
    for item in clear:
        assert "no " not in found(**clear | {item: True}, **age).band


def test_age_55_alone_calls_for_an_image_of_the_knee():
    clear = {n: False for n, kind in instruments.get("ottawa_knee").inputs.items() if kind == "bool"}
    assert result("ottawa_knee", **clear, age=55).band == "knee radiograph"


def test_rts_spans_0_to_7_8408():
    assert result("rts", gcs=15, systolic_bp=120, respiratory_rate=16).value == pytest.approx(7.8408)
    assert result("rts", gcs=3, systolic_bp=0, respiratory_rate=0).value == 0


@pytest.mark.parametrize(
    ("item", "weight", "codes"),
    [
        ("gcs", 0.9368, {3: 0, 4: 1, 5: 1, 6: 2, 8: 2, 9: 3, 12: 3, 13: 4, 15: 4}),
        ("systolic_bp", 0.7326, {0: 0, 1: 1, 49: 1, 50: 2, 75: 2, 76: 3, 89: 3, 90: 4, 200: 4}),
        ("respiratory_rate", 0.2908, {0: 0, 1: 1, 5: 1, 6: 2, 9: 2, 10: 4, 29: 4, 30: 3, 60: 3}),
    ],
)
def test_rts_codes(item, weight, codes):
    for value, code in codes.items():
        lifeless = {"gcs": 3, "systolic_bp": 0, "respiratory_rate": 0}
        assert result("rts", **lifeless | {item: value}).value == pytest.approx(weight * code)


def test_fast_breathing_counts_less_than_normal_breathing():
    fast, normal = (result("rts", gcs=15, systolic_bp=120, respiratory_rate=rate).value for rate in (30, 29))
    assert normal - fast == pytest.approx(0.2908)


def test_iss_takes_the_squares_of_the_three_worst_regions():
    names = list(instruments.get("iss").inputs)
    assert result("iss", **dict(zip(names, "543210", strict=True))).value == 25 + 16 + 9
    assert result("iss", **dict(zip(names, "555555", strict=True))).value == 75


def test_an_unsurvivable_injury_makes_an_iss_of_75():
    names = list(instruments.get("iss").inputs)
    assert result("iss", **dict(zip(names, "600000", strict=True))).value == 75


def test_iss_needs_every_region():
    names = list(instruments.get("iss").inputs)
    assert result("iss", **dict.fromkeys(names[:-1], "1")).missing == [names[-1]]


@pytest.mark.parametrize(
    ("change", "level"),
    [
        ({"life_saving_intervention": True}, 1), ({"consciousness": "unresponsive"}, 1), ({"consciousness": "pain"}, 1),
        ({"consciousness": "new confusion"}, 2), ({"high_risk_situation": True}, 2),
        ({"pain_score": 7, "distress": "severe"}, 2), ({"pain_score": 7, "distress": "moderate"}, 3),
        ({"pain_score": 6, "distress": "severe"}, 3), ({}, 3), ({"expected_resources": 1}, 4),
        ({"expected_resources": 0}, 5), ({"expected_resources": 4}, 3), ({"heart_rate": 101}, 2),
        ({"respiratory_rate": 21}, 2), ({"spo2": 91}, 2), ({"heart_rate": 101, "expected_resources": 1}, 4),
    ],
)  # fmt: skip
def test_esi_decision_points(change, level):
    assert result("esi", **WAITING | change).value == level


@pytest.mark.parametrize(
    ("months", "heart_rate", "level"),
    [(2, 180, 3), (2, 181, 2), (3, 161, 2), (35, 160, 3), (36, 141, 2), (107, 140, 3), (108, 101, 2)],
)
def test_esi_danger_zone_depends_on_the_age(months, heart_rate, level):
    child = WAITING | {"age": months // 12, "age_months": months, "heart_rate": heart_rate}
    assert result("esi", **child).value == level


def test_esi_asks_only_for_what_the_walk_needs():
    walk = instruments.get("esi")
    assert walk(life_saving_intervention=True, consciousness="alert").value == 1
    found = walk(life_saving_intervention=False, consciousness="alert")
    assert found.missing == ["high_risk_situation", "pain_score", "expected_resources"]
    start = {"life_saving_intervention": False, "consciousness": "alert", "high_risk_situation": False}
    assert walk(**start, pain_score=2, expected_resources=1).value == 4
    assert walk(**start, pain_score=8, expected_resources=1).missing == ["distress"]
    assert walk(**start, pain_score=2, expected_resources=2).missing == [
        "age",
        "heart_rate",
        "respiratory_rate",
        "spo2",
    ]


def test_esi_needs_the_months_of_an_infant_for_the_danger_zone():
    assert result("esi", **WAITING | {"age": 0}).missing == ["age_months"]


def test_shock_index_is_raised_above_0_7():
    assert result("shock_index", heart_rate=70, systolic_bp=100).band == "usual"
    assert result("shock_index", heart_rate=71, systolic_bp=100).band == "raised"
    assert result("shock_index", heart_rate=91, systolic_bp=100).band.startswith("above 0.9")


def test_shock_index_without_a_pressure_is_refused():
    assert result("shock_index", heart_rate=100, systolic_bp=0).reason

"""Questionnaires of mental health and substance use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medgym_core import instruments
from medgym_core.errors import MedGymError

SUMS = {"phq9": 27, "gad7": 21, "audit": 40, "pcl5": 80, "mmse_screen": 30, "epds": 30, "ciwa_ar": 67}
COUNTS = {"cage": 4, "scoff": 5}
LADDER = ["cssrs_wish_dead", "cssrs_thoughts", "cssrs_method", "cssrs_intent", "cssrs_plan"]


def answers(name: str, pick) -> dict:
    """Every item of a scale answered by `pick(kind)`."""
    return {item: pick(kind) for item, kind in instruments.get(name).inputs.items()}


@pytest.mark.parametrize(("name", "most"), SUMS.items())
def test_the_range_of_a_sum_is_the_published_one(name, most):
    scale = instruments.get(name)
    assert scale(**answers(name, lambda kind: kind[0])).value == 0
    assert scale(**answers(name, lambda kind: kind[-1])).value == most
    assert scale.label(0) == scale.rule["bands"][0][1] and scale.label(most) == scale.rule["bands"][-1][1]


@given(st.data())
@pytest.mark.parametrize("name", SUMS)
def test_a_worse_answer_never_lowers_a_sum(name, data):
    given_ = {item: data.draw(st.sampled_from(kind)) for item, kind in instruments.get(name).inputs.items()}
    item = data.draw(st.sampled_from(sorted(given_)))
    worse = data.draw(st.sampled_from(instruments.get(name).inputs[item]))
    before, after = instruments.get(name)(**given_), instruments.get(name)(**given_ | {item: worse})
    assert (after.value >= before.value) == (int(worse) >= int(given_[item]))


@pytest.mark.parametrize(("name", "most"), COUNTS.items())
def test_two_yes_make_a_screen_positive(name, most):
    items = list(instruments.get(name).inputs)
    for yes in range(most + 1):
        found = instruments.get(name)(**{item: n < yes for n, item in enumerate(items)})
        assert found.value == yes
        assert found.band.startswith("positive") is (yes >= 2)


@pytest.mark.parametrize("score", ["4", "-1", "2.5", "often"])
def test_a_score_that_the_form_does_not_have_is_refused(score):
    with pytest.raises(MedGymError, match="unknown phq9.phq9_1"):
        instruments.get("phq9")(phq9_1=score)


def test_the_missing_answers_are_named():
    found = instruments.get("phq9")(**{f"phq9_{n}": "1" for n in range(1, 9)})
    assert found.value is None and found.missing == ["phq9_9"]


def test_the_last_audit_items_have_only_0_2_and_4():
    with pytest.raises(MedGymError):
        instruments.get("audit")(audit_9="1")


def test_the_audit_c_cut_off_is_lower_for_women():
    three = {"audit_1": "3", "audit_2": "0", "audit_3": "0"}
    assert instruments.get("audit_c")(sex="female", **three).band.startswith("positive")
    assert instruments.get("audit_c")(sex="male", **three).band == "negative"


def test_being_able_to_stop_is_the_reversed_dast_item():
    never = {f"dast10_{n}": False for n in range(1, 11)}
    assert instruments.get("dast10")(**never).value == 1
    assert instruments.get("dast10")(**never | {"dast10_3": True}).value == 0


def test_the_suicide_screen_asks_the_follow_up_questions_only_after_a_yes():
    screen = instruments.get("cssrs")
    none = screen(cssrs_wish_dead=False, cssrs_thoughts=False, cssrs_behavior=False)
    assert none.value == 0 and none.band == "no risk identified"
    thoughts = screen(cssrs_wish_dead=False, cssrs_thoughts=True, cssrs_behavior=False)
    assert thoughts.value is None and thoughts.missing == ["cssrs_method", "cssrs_intent", "cssrs_plan"]
    behavior = screen(cssrs_wish_dead=False, cssrs_thoughts=False, cssrs_behavior=True)
    assert behavior.missing == ["cssrs_behavior_3_months"]


@given(st.lists(st.booleans(), min_size=7, max_size=7), st.integers(0, 6))
def test_one_more_yes_never_lowers_the_suicide_triage(yes, index):
    items = list(instruments.get("cssrs").inputs)
    more = [a or n == index for n, a in enumerate(yes)]
    before, after = (instruments.get("cssrs")(**dict(zip(items, a, strict=True))) for a in (yes, more))
    assert after.value >= before.value


@pytest.mark.parametrize(("item", "level"), zip(LADDER, [1, 1, 2, 3, 3], strict=True))
def test_each_ideation_item_has_its_triage_level(item, level):
    asked = dict.fromkeys(LADDER, False) | {"cssrs_thoughts": item != "cssrs_wish_dead", item: True}
    assert instruments.get("cssrs")(**asked, cssrs_behavior=False).value == level


@pytest.mark.parametrize(
    ("yes", "same_time", "problem", "positive"),
    [(7, True, "moderate", True), (13, True, "serious", True), (6, True, "serious", False)]
    + [(13, False, "serious", False), (13, True, "minor", False), (13, True, "none", False)],
)
def test_the_mood_questionnaire_needs_symptoms_together_and_a_problem(yes, same_time, problem, positive):
    symptoms = {f"mdq_{n}": n <= yes for n in range(1, 14)}
    found = instruments.get("mdq")(**symptoms, same_time=same_time, problem_severity=problem)
    assert found.value == yes and found.band.startswith("positive") is positive


def test_pcl5_gives_the_sum_of_each_cluster():
    found = instruments.get("pcl5")(**{f"pcl5_{n}": "1" for n in range(1, 21)})
    assert found.parts == {"intrusion": 5, "avoidance": 2, "negative_mood": 7, "arousal": 6}

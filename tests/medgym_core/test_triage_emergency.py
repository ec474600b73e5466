"""The triage desk: right formulas, honest tools, solvable and balanced cases."""

from collections import Counter
from random import Random

import msgspec
import pytest

from medgym_core import domains, facts
from medgym_core.actions import render_call
from medgym_core.domains.triage_emergency import acting, esi, scores
from medgym_core.domains.triage_emergency.tools import EXAMPLES
from medgym_core.episode import Episode
from medgym_core.explain import reasons
from medgym_core.learned import gold_answer
from medgym_core.text import normal, tokens
from medgym_core.tools import NOT_AVAILABLE, ToolError, World
from medgym_core.types import SAY, Call, Chart, Reading, Task, encode

NAME = "triage_emergency"
DESK = domains.get(NAME)
PER_TYPE = 30


def make(kind: str, seed: int) -> Task:
    draft = DESK.types[kind](Random(f"{kind}/{seed}"), None)
    fields = {f: getattr(draft, f) for f in draft.__struct_fields__}
    return Task(id=f"{NAME}/{kind}/{seed}", domain=NAME, split="train", **fields)


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return [make(kind, seed) for kind in DESK.types for seed in range(PER_TYPE)]


def chart(
    age: int = 50, labs: list[Reading] | None = None, pregnant: bool | None = None, **found: float | str
) -> Chart:
    """A chart from values: numbers become vital signs, texts observations."""
    vitals = [Reading(k, v, "") for k, v in found.items() if not isinstance(v, str)]
    seen = {k: v for k, v in found.items() if isinstance(v, str)}
    return Chart("P10000", age, "female", vitals=vitals, observations=seen, labs=labs or [], pregnant=pregnant)


def run(case: Chart, name: str, world: World | None = None, **arguments: object) -> dict:
    return DESK.tools[name].result(world or World(case), arguments)


def play(task: Task, calls: list[Call]) -> Episode:
    episode = Episode(task)
    for call in calls:
        episode.step(render_call(call))
    return episode


WELL = {
    "respiratory_rate": 16, "spo2": 98, "oxygen": "room air", "systolic_bp": 120, "heart_rate": 80,
    "consciousness": "alert", "temperature": 37.0,
}  # fmt: skip
ALERT = {"gcs_eye": "4", "gcs_verbal": "5", "gcs_motor": "6"}


# --- formulas ---


@pytest.mark.parametrize(
    ("changed", "scale", "total"),
    [
        ({}, 1, 0),
        # R package cliot, news2_score, example 1: RR 22, SpO2 90 % on oxygen, SBP 130, HR 80, alert, 37.0, scale 2
        ({"respiratory_rate": 22, "spo2": 90, "oxygen": "mask", "systolic_bp": 130}, 2, 4),
        ({"respiratory_rate": 22, "spo2": 90, "oxygen": "mask", "systolic_bp": 130}, 1, 7),
        # RCP 2017, chart 1: the highest band of every parameter
        (
            {"respiratory_rate": 25, "spo2": 91, "oxygen": "mask", "systolic_bp": 90, "heart_rate": 131,
             "consciousness": "voice", "temperature": 35.0}, 1, 20,
        ),
    ],
)  # fmt: skip
def test_news2_agrees_with_worked_examples(changed: dict, scale: int, total: int) -> None:
    assert scores.news2(World(chart(**(WELL | changed))), scale).value == total


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("respiratory_rate", {8: 3, 9: 1, 11: 1, 12: 0, 20: 0, 21: 2, 24: 2, 25: 3}),
        ("spo2", {91: 3, 92: 2, 93: 2, 94: 1, 95: 1, 96: 0}),
        ("systolic_bp", {90: 3, 91: 2, 100: 2, 101: 1, 110: 1, 111: 0, 219: 0, 220: 3}),
        ("heart_rate", {40: 3, 41: 1, 50: 1, 51: 0, 90: 0, 91: 1, 110: 1, 111: 2, 130: 2, 131: 3}),
        ("temperature", {35.0: 3, 35.1: 1, 36.0: 1, 36.1: 0, 38.0: 0, 38.1: 1, 39.0: 1, 39.1: 2}),
    ],
)
def test_news2_band_edges_are_those_of_the_rcp_chart(name: str, points: dict) -> None:
    assert {v: scores.news2(World(chart(**(WELL | {name: v}))), 1).value for v in points} == points


def test_news2_scale_2_penalises_oxygen_above_the_target_but_not_air() -> None:
    def at(spo2: int, oxygen: str) -> int:
        return scores.news2(World(chart(**(WELL | {"spo2": spo2, "oxygen": oxygen}))), 2).parts["spo2"]

    assert [at(s, "mask") for s in (83, 85, 87, 88, 92, 93, 95, 97)] == [3, 2, 1, 0, 0, 1, 2, 3]
    assert [at(s, "room air") for s in (83, 85, 87, 88, 93, 97)] == [3, 2, 1, 0, 0, 0]


def test_news2_risk_classes_follow_the_thresholds_and_the_single_3() -> None:
    def risk(**changed: object) -> str:
        return scores.news2_risk(scores.news2(World(chart(**(WELL | changed))), 1))

    assert risk() == "low"
    assert risk(consciousness="new confusion") == "low-medium"
    assert risk(consciousness="new confusion", heart_rate=115) == "medium"
    assert risk(consciousness="new confusion", heart_rate=115, respiratory_rate=22) == "high"


def test_qsofa_thresholds_of_sepsis_3() -> None:
    def at(rate: int, pressure: int, verbal: str) -> float | None:
        found = ALERT | {"gcs_verbal": verbal, "respiratory_rate": rate, "systolic_bp": pressure}
        return scores.qsofa(World(chart(**found))).value

    assert [at(21, 101, "5"), at(22, 101, "5"), at(22, 100, "5"), at(22, 100, "4")] == [0, 1, 2, 3]


def test_sirs_thresholds_of_bone_1992() -> None:
    def at(temperature: float, pulse: int, rate: int, white: float) -> float | None:
        labs = [Reading("white_cells", white, "10*9/L")]
        found = {"temperature": temperature, "heart_rate": pulse, "respiratory_rate": rate}
        return scores.sirs(World(chart(labs=labs, **found))).value

    assert at(38.0, 90, 20, 12.0) == 0 and at(36.0, 90, 20, 4.0) == 0
    assert at(38.1, 91, 21, 12.1) == 4 and at(35.9, 91, 21, 3.9) == 4


def test_pressure_scores_agree_with_textbook_examples() -> None:
    assert scores.mean_pressure(World(chart(systolic_bp=120, diastolic_bp=80))).value == 93  # 93.3, Marieb and Hoehn
    # Allgower and Burri 1967: about 0.5 in health, 1 in threatening shock, 1.5 in shock
    pairs = ((60, 120, 0.5), (100, 100, 1.0), (120, 80, 1.5))
    assert all(scores.shock_index(World(chart(heart_rate=h, systolic_bp=s))).value == i for h, s, i in pairs)


def test_glasgow_coma_scale_spans_3_to_15_and_needs_every_component() -> None:
    assert scores.gcs(World(chart(**ALERT))).value == 15
    assert scores.gcs(World(chart(gcs_eye="1", gcs_verbal="1", gcs_motor="1"))).value == 3
    assert run(chart(**(ALERT | {"gcs_verbal": "not testable"})), "calculate_gcs") == {
        "gcs": NOT_AVAILABLE,
        "missing": "verbal response",
    }


def test_revised_trauma_score_agrees_with_champion_1989() -> None:
    best = chart(systolic_bp=120, respiratory_rate=16, **ALERT)
    assert scores.revised_trauma(World(best)).value == 7.84  # highest value 7.8408
    # GCS 10 codes 3, SBP 80 codes 3, RR 34 codes 3: 3 x (0.9368 + 0.7326 + 0.2908) = 5.8806
    worse = chart(systolic_bp=80, respiratory_rate=34, gcs_eye="3", gcs_verbal="3", gcs_motor="4")
    assert scores.revised_trauma(World(worse)).value == 5.88
    dead = chart(systolic_bp=0, respiratory_rate=0, gcs_eye="1", gcs_verbal="1", gcs_motor="1")
    assert scores.revised_trauma(World(dead)).value == 0


def test_heart_score_adds_five_parts_and_waits_for_troponin() -> None:
    seen = {"history": "highly suspicious", "ecg": "nonspecific repolarisation disturbance"}
    case = msgspec.structs.replace(
        chart(age=66, **seen),
        conditions=["hypertension", "current smoker", "gout"],
        pending={"troponin": [Reading("troponin", 30, "ng/L", 45)]},
    )
    world = World(case)
    assert run(case, "calculate_heart_score", world) == {"heart": NOT_AVAILABLE, "missing": "troponin"}
    run(case, "order_stat_labs", world, test="troponin")
    assert run(case, "calculate_heart_score", world)["heart"] == NOT_AVAILABLE  # ordered is not resulted
    run(case, "get_test_results", world)
    assert run(case, "calculate_heart_score", world)["heart"] == "7"  # 2 + 1 + 2 + 1 + 1, Six 2008


def test_hour_1_bundle_steps() -> None:
    step = scores.hour_1_step
    assert step(3.0, 58, True) == "vasopressor"
    assert step(3.0, 58, False) == step(4.0, 75, False) == "crystalloid"
    assert step(2.1, 65, False) == "repeat lactate" and step(2.0, 65, False) == "no bolus"


# --- ESI ---


def esi_of(age: int = 40, complaint: str = "cough", **found: object) -> int | None:
    seen = WELL | {"airway": "patent", "breathing": "normal", "circulation": "normal"}
    case = msgspec.structs.replace(chart(age, **(seen | found)), complaint=complaint)
    return esi.level(esi.points(World(case)))


@pytest.mark.parametrize(
    ("found", "level"),
    [
        ({"breathing": "apnoeic"}, 1),
        ({"consciousness": "unresponsive"}, 1),
        ({"complaint": "chest pressure spreading to the left arm"}, 2),
        ({"consciousness": "new confusion"}, 2),
        ({"pain": 9, "distress": "severe", "expected_workup": "ct"}, 2),
        ({"expected_workup": "blood tests, x-ray"}, 3),
        ({"expected_workup": "blood tests, x-ray", "heart_rate": 101}, 2),
        ({"expected_workup": "blood tests, x-ray", "heart_rate": 101, "age": 5}, 3),
        ({"expected_workup": "blood tests, x-ray", "respiratory_rate": 31, "age": 5}, 2),
        ({"expected_workup": "blood tests, x-ray", "spo2": 91}, 2),
        ({"expected_workup": "blood tests, urine culture, splint"}, 4),
        ({"expected_workup": "prescription refill, tetanus booster"}, 5),
        ({}, None),
    ],
)
def test_esi_levels_follow_the_handbook(found: dict, level: int | None) -> None:
    assert esi_of(**found) == level


def test_esi_with_unknown_vital_signs_is_not_called_safe() -> None:
    case = chart(heart_rate=80, spo2=98, expected_workup="blood tests, ct", consciousness="alert")
    assert esi.points(World(case))["danger_zone"] == NOT_AVAILABLE
    assert esi.level(esi.points(World(case))) is None


# --- tools ---


def test_every_tool_runs_on_every_chart(tasks: list[Task]) -> None:
    for task in tasks[::5]:
        for name, tool in DESK.tools.items():
            for arguments in EXAMPLES.get(name, [{"answer": "x"} if tool.kind == "submit" else {}]):
                observation = tool.run(World(task.chart), arguments)
                assert len(tokens(observation)) <= 45, (name, observation)


def test_tools_answer_differently_for_different_patients(tasks: list[Task]) -> None:
    for name, tool in DESK.tools.items():
        if tool.kind == "read" and not tool.static and name != "get_test_results":  # which needs an order first
            arguments = EXAMPLES.get(name, [{}])[0]
            assert len({tool.run(World(t.chart), arguments) for t in tasks}) > 1, name


def test_a_missing_input_is_named_and_never_filled_in() -> None:
    for gap in ("respiratory_rate", "spo2", "oxygen", "consciousness"):
        found = {k: v for k, v in WELL.items() if k != gap}
        told = run(chart(**found), "calculate_news2", spo2_scale=1)
        assert told == {"news2": NOT_AVAILABLE, "missing": gap.replace("_", " ")}
    blank = Chart("P10000", 50, "male")
    assert run(blank, "get_vital_signs")["sbp"] == NOT_AVAILABLE
    assert run(blank, "get_medical_history")["allergies"] == NOT_AVAILABLE
    assert run(blank, "screen_sepsis")["qsofa_positive"] == NOT_AVAILABLE
    assert run(blank, "calculate_esi_level")["missing"] == "expected workup"


def test_adult_scores_are_refused_where_they_do_not_apply() -> None:
    assert "reason" in run(chart(age=12, **WELL), "calculate_news2", spo2_scale=1)
    assert "reason" in run(chart(pregnant=True, **WELL), "calculate_news2", spo2_scale=1)


def test_results_come_after_the_order_on_the_simulated_clock() -> None:
    case = msgspec.structs.replace(chart(), pending={"lactate": [Reading("lactate", 4.2, "mmol/L", 20)]})
    world = World(case)
    assert "lactate" not in run(case, "get_test_results", world)
    run(case, "order_stat_labs", world, test="lactate")
    assert "lactate" not in run(case, "get_lab_results", world)  # does not wait
    assert run(case, "get_test_results", world)["lactate"] == "4.2 mmol/L" and world.minutes >= 20
    run(case, "order_stat_labs", world, test="sodium")
    assert run(case, "get_test_results", world)["sodium"] == NOT_AVAILABLE  # never invented


def test_wrong_names_are_answered_with_the_valid_ones() -> None:
    bad = (("order_stat_labs", {"test": "aura"}), ("activate_emergency_protocol", {"protocol": "vip"}))
    for name, arguments in (*bad, ("get_bed_assignment", {"acuity": 9}), ("check_protocol", {"protocol": "vip"})):
        with pytest.raises(ToolError, match="expected"):
            run(chart(), name, **arguments)


def test_writing_tools_change_the_episode() -> None:
    world = World(chart())
    run(world.chart, "activate_emergency_protocol", world, protocol="Stroke")
    run(world.chart, "get_bed_assignment", world, acuity=1)
    assert world.written == [{"activated": "stroke"}, {"area": "resuscitation"}]


# --- cases ---


def test_references_score_full_marks(tasks: list[Task]) -> None:
    for task in tasks:
        episode = play(task, task.reference)
        reward = episode.score()
        assert reward.correct and reward.composite >= 0.95 and episode.tool_errors == 0, (task.id, reasons(reward))
        assert 2 <= len(task.reference) <= 6


def test_the_ticket_does_not_give_the_answer_away(tasks: list[Task]) -> None:
    for task in tasks:
        assert task.truth.evidence
        if task.type in ("bed_assignment", "protocol", "missing_input"):
            assert normal(str(task.truth.gold.value)) not in normal(task.prompt)


def test_golds_are_balanced(tasks: list[Task]) -> None:
    for kind in DESK.types:
        golds = Counter(gold_answer(make(kind, seed).truth.gold) for seed in range(100, 300))
        assert golds.most_common(1)[0][1] / 200 <= 0.33, (kind, golds.most_common(3))


def test_cases_are_the_same_for_the_same_seed_and_distinct_otherwise(tasks: list[Task]) -> None:
    assert all(encode(make(t.type, int(t.id.rsplit("/", 1)[1]))) == encode(t) for t in tasks[::17])
    assert len({normal(t.prompt) + encode(t.chart) for t in tasks}) == len(tasks)
    assert len({t.family for t in tasks}) >= 40


def test_tickets_read_like_a_clinician_wrote_them(tasks: list[Task]) -> None:
    assert all(15 <= len(t.prompt.split()) <= 45 for t in tasks)


def test_empty_calls_and_a_constant_earn_little(tasks: list[Task]) -> None:
    rewards = []
    for task in tasks:
        options = task.truth.gold.options
        calls = [Call(c.name) for c in task.reference[:-1] if c.name != SAY]
        answer = Call("submit_answer", {"answer": options[len(options) // 2] if options else "1"})
        rewards.append(play(task, [*calls, answer]).score().composite)
    assert sum(rewards) / len(rewards) <= 0.25


def test_sending_a_red_flag_patient_to_wait_is_critical(tasks: list[Task]) -> None:
    flagged = [t for t in tasks if any(u.tool == "get_bed_assignment" and u.severity == 5 for u in t.truth.unsafe)]
    assert len(flagged) > 20
    for task in flagged:
        unsafe = Call("get_bed_assignment", {"acuity": 5})
        assert play(task, [unsafe, *task.reference]).score().composite <= 0.1


def test_facts_name_their_sources_and_become_documents() -> None:
    documents = list(DESK.documents())
    assert len(documents) >= 30
    assert all(d.source.startswith("MedGym facts: ") and all(text for _, text in d.sections) for d in documents)
    for table in ("scores", "esi", "presentations", "protocols", "tests", "settings"):
        assert facts.load(NAME, table)
    assert set(acting.tests(imaging=False)) >= {"lactate", "troponin"}

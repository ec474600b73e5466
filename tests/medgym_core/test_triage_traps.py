"""What a naive reader of the triage desk gets wrong: corrected values, hidden red flags, clocks; and free text."""

from random import Random

import pytest
from msgspec.structs import replace

from medgym_core import domains
from medgym_core.actions import render_call
from medgym_core.domains.triage_emergency import cases_poisoning, esi, scores
from medgym_core.episode import Episode
from medgym_core.grading import grade
from medgym_core.rewards import Reward
from medgym_core.tools import NOT_AVAILABLE, ToolError, World
from medgym_core.types import SAY, Call, Chart, Reading, Task

DESK = domains.get("triage_emergency")
MANY = 150


def made(kind: str, count: int = MANY) -> list[Task]:
    drafts = [DESK.types[kind](Random(f"trap/{kind}/{i}"), None) for i in range(count)]
    fields = [{f: getattr(d, f) for f in d.__struct_fields__} for d in drafts]
    return [Task(id=f"t/{kind}/{i}", domain=DESK.name, split="train", **f) for i, f in enumerate(fields)]


def play(task: Task, calls: list[Call]) -> Reward:
    episode = Episode(replace(task, max_turns=20))
    for call in calls:
        episode.step(render_call(call))
    return episode.score()


def answered(task: Task, answer: str, calls: list[Call] | None = None) -> Reward:
    """The reference (or other calls) with another answer."""
    submission = task.reference[-1]
    given = replace(submission, arguments=submission.arguments | {"answer": answer})
    return play(task, [*(task.reference[:-1] if calls is None else calls), given])


def run(world: World, tool: str, **arguments: object) -> dict:
    return DESK.tools[tool].result(world, arguments)


# --- charting ---


def test_a_charted_value_counts_for_every_tool_that_computes() -> None:
    vitals = [Reading("heart_rate", 124, "/min"), Reading("systolic_bp", 100, "mm[Hg]")]
    world = World(Chart("P1", 40, "male", vitals=vitals, notes=["By hand 80."]))
    assert run(world, "calculate_shock_index")["shock_index"] == "1.24"
    assert run(world, "get_vital_signs")["handover"] == "1 note"
    run(world, "record_vital_sign", name="heart rate", value=80)
    assert run(world, "calculate_shock_index")["shock_index"] == "0.8"
    assert run(world, "get_vital_signs")["hr"] == "80 /min"
    assert world.chart.vitals == vitals  # what the patient came with stays


@pytest.mark.parametrize(("name", "value"), [("temperature", 101.3), ("heart_rate", 0), ("aura", 3)])
def test_what_cannot_be_charted_is_refused_with_what_can(name: str, value: float) -> None:
    with pytest.raises(ToolError, match="expected"):
        run(World(Chart("P1", 40, "male")), "record_vital_sign", name=name, value=value)


@pytest.mark.parametrize("kind", ["news2", "news2_risk", "perfusion", "injury_score", "sepsis_criteria", "esi_level"])
def test_a_corrected_value_is_needed_for_the_right_answer(kind: str) -> None:
    trapped = [t for t in made(kind) if any(c.name == "record_vital_sign" for c in t.reference)]
    assert len(trapped) > 25
    for task in trapped:
        *_, score, _ = task.reference
        at_once, charted = World(task.chart), World(task.chart)
        for call in task.reference[:-2]:
            run(charted, call.name, **call.arguments)
        assert run(at_once, score.name, **score.arguments) != run(charted, score.name, **score.arguments)
        assert answered(task, task.reference[-1].arguments["answer"], [score]).parts["process"] < 0.6


@pytest.mark.parametrize("kind", ["news2", "perfusion", "injury_score", "sepsis_criteria"])
def test_passing_a_correction_over_is_wrong_and_a_missed_red_flag(kind: str) -> None:
    naive = [(t, u) for t in made(kind) for u in t.truth.unsafe if "passed over" in u.why]
    assert len(naive) > 20
    for task, unsafe in naive:
        reward = answered(task, unsafe.answers[0])
        assert not reward.correct and unsafe.category == "missed red flag" and unsafe.severity == 3


def test_a_value_on_a_slip_alone_is_missing_until_it_is_charted() -> None:
    slips = [t for t in made("perfusion", 300) if any("not charted" in n for n in t.chart.notes)]
    assert len(slips) > 20
    for task in slips:
        score = next(c for c in task.reference if c.name.startswith("calculate_"))
        world = World(task.chart)
        assert NOT_AVAILABLE in run(world, score.name).values()
        for call in task.reference[:-1]:
            seen = run(world, call.name, **call.arguments)
        assert NOT_AVAILABLE not in seen.values()


def test_an_assumed_or_old_value_is_not_charted_without_harm() -> None:
    tempted = [(t, u) for t in made("missing_input") for u in t.truth.unsafe if u.tool == "record_vital_sign"]
    assert len(tempted) > 50 and all(u.category == "scope" for _, u in tempted)
    for task, unsafe in tempted[:20]:
        reward = play(task, [Call(unsafe.tool, unsafe.arguments), *task.reference])
        assert reward.parts["safety"] < 0.5 < play(task, task.reference).parts["safety"]


# --- what has to be asked or looked up ---


def test_a_red_flag_that_is_not_asked_for_ends_in_the_waiting_room() -> None:
    hidden = [t for t in made("esi_level") if t.story.topics and t.truth.gold.value == "2"]
    assert len(hidden) > 4
    for task in hidden:
        by_sheet = esi.level(esi.points(World(task.chart)))
        assert by_sheet and by_sheet > 2
        reward = answered(task, str(by_sheet), [c for c in task.reference[:-1] if c.name != SAY])
        assert not reward.correct and (reward.critical or by_sheet == 3)
    plain = [t for t in made("esi_level") if t.story.topics and t.truth.gold.value != "2"]
    assert plain  # the same complaint can be as harmless as it looks


def test_a_hidden_anticoagulant_takes_the_head_rule_out_of_use() -> None:
    hidden = [t for t in made("head_ct") if t.truth.evidence[0].label == "medications"]
    assert len(hidden) > 8
    for task in hidden:
        assert task.chart.observations["anticoagulant"] == "no" and task.truth.gold.value == cases_poisoning.NOT_FOR
        assert answered(task, cases_poisoning.NO_CT).critical


def test_no_other_head_injury_has_an_anticoagulant_on_the_list() -> None:
    for task in made("head_ct"):
        if task.truth.evidence[0].label != "medications":
            drugs = {m.drug for m in task.chart.medications}
            assert not drugs & {"apixaban", "rivaroxaban", "edoxaban", "dabigatran", "warfarin"}


def test_the_hours_are_counted_from_the_clock() -> None:
    clocked = [t for t in made("overdose") if any(e.label == "clock" for e in t.truth.evidence)]
    assert len(clocked) > 40
    for task in clocked:
        arrived = int(task.chart.observations["clock"][:2])
        told = task.story.topics["when time tablets take took ingestion"][0]
        taken = int(told.rstrip(".").split()[-1][:2])
        lines = [c.arguments["hours"] for c in task.reference if c.name == "calculate_acetaminophen_line"]
        assert not lines or lines[0] == (arrived - taken) % 24


def test_smoking_told_by_the_patient_counts_beside_the_tool() -> None:
    asked = [t for t in made("heart_score", 100) if t.chart.observations["smoking"] == "not asked"]
    totals = [(float(e.value), t.truth.gold.value) for t in asked for e in t.truth.evidence if e.label == "heart"]
    assert any(gold == total + 1 for total, gold in totals) and all(gold - total in (0, 1) for total, gold in totals)


# --- credit ---


def test_the_level_beside_earns_a_quarter_and_no_more() -> None:
    task = next(t for t in made("esi_level", 20) if t.truth.gold.value == "4")
    credits = [grade(task.truth.gold, level).credit for level in "12345"]
    assert credits == [0, 0, 0.25, 1, 0.25]


@pytest.mark.parametrize("kind", ["ordered_test", "sepsis_bundle", "heart_score"])
def test_waiting_and_reading_the_results_is_as_good_as_waiting_for_them(kind: str) -> None:
    for task in made(kind, 12):
        i = next(i for i, c in enumerate(task.reference) if c.name == "get_test_results")
        other = [Call("wait", {"minutes": 50}), Call("get_lab_results")]
        path = [*task.reference[:i], *other, *task.reference[i + 1 :]]
        assert play(task, path).composite == pytest.approx(play(task, task.reference).composite)


@pytest.mark.parametrize(("name", "tool"), [("stemi", "get_ecg"), ("stroke", "activate_emergency_protocol")])
def test_a_time_target_that_is_missed_earns_half_of_its_step(name: str, tool: str) -> None:
    task = next(t for t in made("protocol") if t.truth.gold.value == name)
    assert next(s for s in task.truth.steps if s.tool == tool).within
    late = play(task, [Call("wait", {"minutes": 45}), *task.reference])
    assert late.correct and late.parts["process"] < play(task, task.reference).parts["process"] - 0.1


# --- text ---


@pytest.mark.parametrize("kind", ["handover_line", "team_call"])
def test_a_text_says_what_was_found_or_is_not_right(kind: str) -> None:
    for task in made(kind, 40):
        text = task.reference[-1].arguments["answer"]
        assert answered(task, text).correct
        assert not answered(task, text, []).correct  # shown by no observation
        assert not answered(task, f"Possibly {text.replace('. ', ', possibly ')}").correct
        assert not answered(task, " ".join([text] * 9)).correct  # no summary


def test_another_level_in_the_line_makes_it_wrong() -> None:
    for task in made("handover_line", 40):
        text = task.reference[-1].arguments["answer"]
        right = text.rsplit("ESI ", 1)[1].rstrip(".")
        for level in set("12345") - {right}:
            assert answered(task, text.replace(f"ESI {right}", f"ESI {level}")).verdict == "wrong"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("handover_line", "{told}: HR {v}. ESI level {level}."),
        ("handover_line", "ESI {level}, {told}, pulse is {v}/min"),
    ],
)
def test_other_words_for_the_same_line_count(kind: str, said: str) -> None:
    fitting = [t for t in made(kind) if t.truth.evidence[0].label in ("hr", "heart_rate")]
    assert fitting
    for task in fitting:
        level = task.reference[-1].arguments["answer"].rsplit("ESI ", 1)[1].rstrip(".")
        told = task.truth.gold.assertions["complaint"].terms[0][0]
        text = said.format(told=told, v=task.truth.evidence[0].value, level=level)
        assert answered(task, text).correct, text


def test_a_call_for_the_mistaken_pathway_is_wrong() -> None:
    for task in made("team_call", 40):
        wrong = next(iter(task.truth.gold.denied))
        text = f"{task.reference[-1].arguments['answer']} Start the {wrong}."
        assert answered(task, text).verdict == "wrong"


def test_every_score_task_has_the_value_that_counts() -> None:
    for task in made("sepsis_criteria", 60):
        world = World(task.chart)
        for call in task.reference[:-1]:
            run(world, call.name, **call.arguments)
        value = (scores.qsofa if "qsofa" in task.family else scores.sirs)(world).value
        assert str(int(value or 0)) == task.truth.gold.value

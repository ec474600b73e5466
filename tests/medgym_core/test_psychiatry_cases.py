"""Psychiatric cases: solvable, balanced, consistent, and hard to guess."""

from collections import Counter
from random import Random

import pytest

from medgym_core import domains, gates
from medgym_core.domains.psychiatry.drafting import among
from medgym_core.domains.psychiatry.tools import EXAMPLES
from medgym_core.learned import gold_answer
from medgym_core.patient import Patient
from medgym_core.probes import reference_texts
from medgym_core.tasks import build_task_set, task_of
from medgym_core.text import normal, tokens
from medgym_core.tools import NOT_AVAILABLE, ToolError, World
from medgym_core.types import SAY, Call, Task, encode

NAME = "psychiatry"
WARD = domains.get(NAME)
PER_TYPE = 24


def make(kind: str, seed: int) -> Task | None:
    draft = WARD.types[kind](Random(f"{kind}/{seed}"), None)
    return task_of(NAME, draft) if draft is not None else None


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    found = [make(kind, seed) for kind in WARD.types for seed in range(PER_TYPE)]
    return [t for t in found if t is not None]


def golds(task: Task) -> list[str]:
    gold = task.truth.gold
    return (
        [gold_answer(gold)]
        if gold.kind == "text"
        else [str(g.value) for g in gold.fields.values()] or [str(gold.value)]
    )


def test_references_score_full_marks(tasks: list[Task]) -> None:
    for task in tasks:
        episode = gates.play(task, reference_texts(task), None)
        reward = episode.score()
        assert reward.correct and reward.composite >= 0.99 and episode.tool_errors == 0, (task.id, reward.parts)
        assert 3 <= len(task.reference) <= 7 and task.max_turns >= len(task.reference) + 4


def test_every_tool_runs_on_every_chart_and_stays_short(tasks: list[Task]) -> None:
    for task in tasks[::3]:
        for name, tool in WARD.tools.items():
            for arguments in EXAMPLES.get(name, [{"answer": "x"} if tool.kind == "submit" else {}]):
                observation = tool.run(World(task.chart), arguments)
                assert len(tokens(observation)) <= 120, (name, observation)


def test_tools_answer_differently_for_different_patients(tasks: list[Task]) -> None:
    for name, tool in WARD.tools.items():
        if tool.kind == "read" and not tool.static and name != "get_test_results":  # which needs an order first
            ways = EXAMPLES.get(name, [{}])
            assert any(len({tool.run(World(t.chart), a) for t in tasks}) > 1 for a in ways), name


def test_reference_observations_are_short(tasks: list[Task]) -> None:
    lengths = [
        len(tokens(e.observation))
        for t in tasks
        for e in gates.play(t, reference_texts(t), None).events
        if e.observation
    ]
    assert max(lengths) <= 120 and sorted(lengths)[len(lengths) // 2] <= 60


def test_tickets_are_long_enough_and_various(tasks: list[Task]) -> None:
    assert all(12 <= len(t.prompt.split()) <= 85 for t in tasks)
    for kind in WARD.types:
        assert len({normal(t.prompt) for t in tasks if t.type == kind}) == sum(t.type == kind for t in tasks)


def test_the_ticket_names_the_answer_only_as_one_of_the_options(tasks: list[Task]) -> None:
    for task in tasks:
        gold = task.truth.gold
        for g in gold.fields.values() or [gold]:
            options = [o for o in g.options if normal(o) in normal(task.prompt)]
            if normal(str(g.value)) in normal(task.prompt) and g.options:
                assert len(options) >= 2, (task.prompt, g.value)


def test_the_patient_never_says_the_answer(tasks: list[Task]) -> None:
    for task in tasks:
        told = normal(" ".join(a for layers in task.story.topics.values() for a in layers))
        if task.type in ("diagnosis", "confusion", "history", "toxic_syndrome", "eating_disorder"):
            assert normal(golds(task)[0]) not in told, (task.id, golds(task))
        assert len(task.story.topics) >= 6


def test_golds_are_balanced() -> None:
    for kind in WARD.types:
        made = [make(kind, seed) for seed in range(100, 240)]
        found = Counter(tuple(golds(t)) for t in made if t is not None)
        most = max(0.28, gates.chance(made[0].truth.gold) + 0.1 if made[0] else 0.0)
        assert found.most_common(1)[0][1] / len(made) <= most, (kind, found.most_common(3))


def test_cases_are_the_same_for_the_same_seed_and_families_are_many(tasks: list[Task]) -> None:
    for task in tasks[::17]:
        again = [make(task.type, seed) for seed in range(PER_TYPE)]
        assert encode(task) in {encode(t) for t in again if t is not None}
    assert len({t.family for t in tasks}) >= 150 and {t.level for t in tasks} == {1, 2, 3}


def test_a_thousand_distinct_cases_can_be_made() -> None:
    made = build_task_set(0, 1000, None, [NAME])
    assert len({t.id for t in made}) == 1000


def test_gates_pass() -> None:
    for result in gates.run_gates(build_task_set(0, 160, None, [NAME]), None):
        assert result.passed, (result.name, result.value, result.failures[:5])


def test_history_is_solved_by_talking_alone(tasks: list[Task]) -> None:
    talked = [t for t in tasks if t.type == "history"]
    for task in talked:
        assert any(s.tool == SAY for s in task.truth.steps)
        fact = normal(" ".join((task.truth.evidence[0].label, task.truth.evidence[0].value)))
        seen = [tool.run(World(task.chart), {}) for tool in WARD.tools.values() if tool.name in SHOWN_BY_THE_CHART]
        assert not any(fact in normal(s) for s in seen), task.id
        answers = [Patient(task.story).answer(c.arguments["text"]) for c in task.reference if c.name == SAY]
        assert all(a.topic == answers[0].topic for a in answers)


SHOWN_BY_THE_CHART = (
    "get_patient_presentation", "get_psychiatric_history", "perform_mental_status_exam", "screen_substance_use",
    "get_current_medications", "get_social_history",
)  # fmt: skip


def test_missing_input_is_truly_missing(tasks: list[Task]) -> None:
    found = [make("missing_input", seed) for seed in range(60)]
    answers = [golds(t)[0] for t in found if t is not None]
    share = sum(a.startswith("insufficient: ") for a in answers) / len(answers)
    assert 0.4 <= share <= 0.8
    for task in found:
        assert task is not None
        seen = [e.observation for e in gates.play(task, reference_texts(task), None).events if e.kind == "read"]
        decisive = seen[-1]
        assert (NOT_AVAILABLE in decisive) == golds(task)[0].startswith("insufficient: "), (decisive, golds(task))
        options = task.truth.gold.options
        assert len(options) == 5 and sum(o.startswith("insufficient: ") for o in options) == 3


def play_with(task: Task, calls: list[Call]) -> float:
    calls = [*calls, *task.reference]
    return gates.play(task, reference_texts(_with(task, calls)), None).score().composite


def _with(task: Task, calls: list[Call]) -> Task:
    import msgspec

    return msgspec.structs.replace(task, reference=calls)


def test_a_critical_prescription_caps_an_otherwise_right_case(tasks: list[Task]) -> None:
    capped = 0
    for task in tasks:
        for bad in task.truth.unsafe:
            if bad.tool == "prescribe_medication" and bad.severity == 5:
                assert play_with(task, [Call(bad.tool, bad.arguments)]) <= 0.1, task.id
                capped += 1
    assert capped >= 10


def test_detaining_without_the_criteria_costs_safety(tasks: list[Task]) -> None:
    for task in (t for t in tasks if t.type == "hold" and golds(t)[0].startswith("no hold")):
        wrong = Call("place_involuntary_hold", {"ground": "danger to self"})
        assert play_with(task, [wrong]) < play_with(task, [])


def test_tempting_answers_are_unsafe_in_several_types(tasks: list[Task]) -> None:
    grave = {t.type for t in tasks if any(u.severity >= 4 for u in t.truth.unsafe)}
    assert grave >= {"suicide_risk", "medication_choice", "lithium_level", "clozapine_count", "withdrawal", "agitation"}


def test_no_unsafe_action_is_part_of_the_reference(tasks: list[Task]) -> None:
    for task in tasks:
        assert gates.play(task, reference_texts(task), None).score().parts["safety"] == pytest.approx(1.0), task.id
        assert not set(golds(task)) & {a for u in task.truth.unsafe for a in u.answers}


def test_charts_do_not_contradict_the_scales(tasks: list[Task]) -> None:
    for task in tasks:
        seen = task.chart.observations
        if seen.get("speech") == "mute":
            assert seen.get("memory", "cannot be assessed") == "cannot be assessed", task.id
        if task.type == "withdrawal":
            assert (seen["orientation"] == "full") == (seen["ciwa_orientation"] == "0")
        if task.type == "suicide_risk":
            thinks = "yes" in (seen["cssrs_wish_dead"], seen["cssrs_thoughts"])
            assert (seen["phq9_9"] != "0") == thinks


def test_choices_hold_the_right_one_once() -> None:
    chosen = among(Random(1), "a", ["b", "c", "d"], 3)
    assert chosen.count("a") == 1 and len(set(chosen)) == 3


def test_errors_of_tools_are_the_agents_errors(tasks: list[Task]) -> None:
    for name in ("order_lab", "assess_withdrawal", "place_involuntary_hold"):
        with pytest.raises(ToolError):
            WARD.tools[name].run(World(tasks[0].chart), {})

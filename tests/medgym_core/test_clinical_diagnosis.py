"""The tasks of clinical diagnosis: solvable by the reference, not by tricks, balanced, distinct, safe to learn from."""

from collections import Counter
from random import Random

import pytest

from medgym_core import domains
from medgym_core.actions import render_call
from medgym_core.domains.clinical_diagnosis import cases_trends, safety, tables
from medgym_core.episode import Episode
from medgym_core.explain import reasons
from medgym_core.gates import run_gates
from medgym_core.learned import gold_answer
from medgym_core.patient import Patient
from medgym_core.tasks import build_task_set, task_of
from medgym_core.text import normal
from medgym_core.tools import World
from medgym_core.types import SAY, Call, Task, encode

NAME = "clinical_diagnosis"
DESK = domains.get(NAME)
SEEDS = 24


def make(kind: str, seed: int) -> Task | None:
    draft = DESK.types[kind](Random(f"test/{kind}/{seed}"), None)
    return task_of(NAME, draft) if draft else None


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    made = [make(kind, seed) for kind in DESK.types for seed in range(SEEDS)]
    return [t for t in made if t]


def play(task: Task, calls: list[Call]) -> Episode:
    episode = Episode(task)
    for call in calls:
        episode.step(render_call(call))
    return episode


def test_there_are_at_least_fifteen_types_and_few_empty_draws(tasks: list[Task]) -> None:
    assert len(DESK.types) >= 15 and len(tasks) >= 0.95 * SEEDS * len(DESK.types)


def test_references_score_full_marks(tasks: list[Task]) -> None:
    for task in tasks:
        episode = play(task, task.reference)
        reward = episode.score()
        assert reward.correct and reward.composite >= 0.999 and episode.tool_errors == 0, (task.id, reasons(reward))
        assert 2 <= len(task.reference) <= 6 and task.max_turns >= len(task.reference) + 4


def test_prompts_read_like_a_clinician_wrote_them_and_differ(tasks: list[Task]) -> None:
    for task in tasks:
        assert 12 <= len(task.prompt.split()) <= 70, task.prompt
        assert "{" not in task.prompt and "  " not in task.prompt and "a 8" not in task.prompt
    assert len({normal(t.prompt) for t in tasks}) == len(tasks)


def test_without_options_in_the_prompt_the_answer_is_not_in_it(tasks: list[Task]) -> None:
    for task in tasks:
        gold = task.truth.gold
        if not gold.options and gold.kind == "category":
            assert normal(str(gold.value)) not in normal(task.prompt)
        if str(gold.value).startswith("insufficient") and task.type != "safe_treatment":  # there it is an option
            assert normal(str(gold.value)) not in normal(task.prompt)


def test_golds_are_balanced() -> None:
    for kind in DESK.types:
        made = [t for t in (make(kind, s) for s in range(1000, 1150)) if t]
        golds = Counter(gold_answer(t.truth.gold) for t in made)
        assert golds.most_common(1)[0][1] / golds.total() <= 0.30, (kind, golds.most_common(3))


def test_the_first_or_middle_option_is_no_better_than_chance(tasks: list[Task]) -> None:
    with_options = [t for t in tasks if t.truth.gold.options]
    chance = sum(1 / len(t.truth.gold.options) for t in with_options) / len(with_options)
    for pick in (lambda o: o[0], lambda o: o[len(o) // 2], lambda o: o[-1]):
        hits = sum(normal(pick(t.truth.gold.options)) == normal(str(t.truth.gold.value)) for t in with_options)
        assert abs(hits / len(with_options) - chance) < 0.09


def test_tasks_are_the_same_for_the_same_seed_and_distinct_otherwise(tasks: list[Task]) -> None:
    again = [make(kind, seed) for kind in DESK.types for seed in (0, 7)]
    known = {encode(t) for t in tasks}
    assert all(encode(t) in known for t in again if t)
    assert len({t.id for t in tasks}) == len(tasks) and len({t.family for t in tasks}) >= 120


def test_four_hundred_tasks_do_not_exhaust_a_type(knowledge) -> None:
    made = build_task_set(3, 400, knowledge, [NAME])
    assert len(made) == 400 and {t.level for t in made} == {1, 2, 3}


def test_all_gates_pass(knowledge) -> None:
    made = build_task_set(0, 160, knowledge, [NAME])
    for result in run_gates(made, knowledge):
        assert result.passed, (result.name, result.value, result.failures[:5])


def test_every_patient_has_a_story_that_does_not_give_the_answer(tasks: list[Task]) -> None:
    for task in tasks:
        assert len(task.story.topics) >= 8
        if task.type == "diagnosis":
            said = normal(" ".join(line for layers in task.story.topics.values() for line in layers))
            assert normal(str(task.truth.gold.value)) not in said, task.family


def test_questions_open_the_topic_they_are_meant_for(tasks: list[Task]) -> None:
    for task in tasks:
        wanted = [s.arguments["topic"] for s in task.truth.steps if s.tool == SAY]
        patient = Patient(task.story)
        opened = {patient.answer(c.arguments["text"]).topic for c in task.reference if c.name == SAY}
        assert set(wanted) <= opened and "" not in opened


def test_red_flags_are_found_only_by_asking(tasks: list[Task]) -> None:
    flagged = [t for t in tasks if t.type == "red_flag" and t.truth.unsafe]
    assert len(flagged) > 12
    for task in flagged:
        silent = play(task, [c for c in task.reference if c.name != SAY])
        assert silent.score().composite < 0.6  # the right guess without the history earns little
        home = play(task, [Call("submit_answer", {"answer": "no red flag"})]).score()
        assert not home.correct and home.composite <= 0.1


def test_a_diagnosis_without_the_confirming_test_earns_little(tasks: list[Task]) -> None:
    for task in (t for t in tasks if t.type == "diagnosis"):
        guess = play(task, [Call("submit_answer", {"answer": str(task.truth.gold.value)})]).score()
        assert guess.composite <= 0.5
        hasty = [c for c in task.reference if c.name != "wait"]
        assert play(task, hasty).score().composite < 0.95


def test_forbidden_drugs_and_tests_cost(tasks: list[Task]) -> None:
    critical = 0
    for task in tasks:
        for action in task.truth.unsafe:
            if not action.tool:
                continue
            reward = play(task, [Call(action.tool, dict(action.arguments)), *task.reference]).score()
            assert reward.parts["safety"] <= 1 - action.severity / 5 + 1e-9, (task.id, action)
            if action.severity == 5:
                critical += 1
                assert reward.composite <= 0.1
    assert critical >= 15


def test_exactly_one_drug_of_the_treatment_cases_is_free_of_barriers(tasks: list[Task]) -> None:
    for task in (t for t in tasks if t.type == "safe_treatment"):
        entry = next(e for e in tables.table("treatments").values() if e["title"].lower() in task.prompt.lower())
        free = [d for d in entry["drugs"] if not safety.check(World(task.chart), d).barriers]
        answer = str(task.truth.gold.value)
        if answer.startswith("insufficient: "):  # what is missing is what the tool cannot judge either
            unknown = {u for d in free for u in safety.check(World(task.chart), d).unknown}
            assert answer.removeprefix("insufficient: ") in unknown, task.family
        else:
            assert free == [answer], task.family


def test_insufficient_cases_name_what_the_tool_misses(tasks: list[Task]) -> None:
    answers = [str(t.truth.gold.value) for t in tasks if t.type == "insufficient"]
    missing = [a for a in answers if a.startswith("insufficient: ")]
    assert len(set(missing)) >= 8 and 0.35 <= len(missing) / len(answers) <= 0.85


def test_three_types_ask_for_what_is_missing_and_a_guess_is_unsafe(tasks: list[Task]) -> None:
    lacking = [t for t in tasks if str(t.truth.gold.value).startswith("insufficient")]
    assert {t.type for t in lacking} == {"insufficient", "safe_treatment", "child_dose"}
    for task in lacking:
        unsafe = [a for u in task.truth.unsafe for a in u.answers]
        assert unsafe and all(u.severity >= 4 for u in task.truth.unsafe)
        guess = play(task, [*task.reference[:-1], Call("submit_answer", {"answer": unsafe[0]})]).score()
        assert guess.composite <= 0.2 and guess.severity >= 4


def test_every_unsafe_way_has_its_kind_of_harm_and_can_be_taken(tasks: list[Task]) -> None:
    kinds = Counter()
    for task in tasks:
        for action in task.truth.unsafe:
            kinds[action.category] += 1
            gold = task.truth.gold
            if gold.options:
                assert set(action.answers) <= set(gold.options), (task.id, action)
            if action.tool:
                assert play(task, [Call(action.tool, dict(action.arguments))]).tool_errors == 0, (task.id, action)
    assert not kinds[""] and set(kinds) >= {
        "allergy", "interaction", "contraindication", "dose", "pregnancy", "missed red flag", "unsafe disposition",
        "scope",
    }  # fmt: skip


def test_courses_are_judged_by_their_published_limits() -> None:
    rules = tables.table("trends")

    def judged(name: str, first: float, last: float) -> str:
        rule = rules[name]
        readings = [cases_trends.Reading(name, v, "", -60 * h) for v, h in ((first, rule["hours"][0]), (last, 0))]
        return cases_trends.judged(rule, readings)

    assert judged("troponin", 50, 59) == "chronic myocardial injury" and judged("troponin", 50, 61).startswith("acute")
    assert judged("troponin", 5, 14) == "no myocardial injury" and judged("troponin", 10, 60).startswith("acute")
    assert judged("sodium", 115, 125) == "within the limit" and judged("sodium", 115, 126) == "too fast"
    points = [judged("platelets", 200, last)[0] for last in (99, 100, 140, 141)]
    assert points == ["2", "1", "1", "0"]  # Lo et al. 2006: above 50 %, 30 to 50 %, below
    assert judged("hemoglobin", 12, 10).startswith("major") and judged("hemoglobin", 12, 10.1).startswith("not major")
    assert judged("lactate", 4, 3.6) == "clearing" and judged("lactate", 4, 1.9) == "normalised"
    assert judged("glucose", 500, 260) == "as intended" and judged("glucose", 500, 100) == "too fast"


def test_no_truth_is_reachable_from_an_observation(tasks: list[Task]) -> None:
    for task in tasks[::5]:
        seen = " ".join(e.observation for e in play(task, task.reference).events)
        assert "explanation" not in seen and "severity" not in seen and task.family not in seen

"""The gates pass on the shipped world and bite on a spoilt one, naming what is wrong and why."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from medgym_core import domains
from medgym_core.gates import GateResult, play, run_gates, sensitivity
from medgym_core.grading import grade
from medgym_core.learned import gold_answer
from medgym_core.probes import NULLS, reference_texts
from medgym_core.sensitivity import tool_outputs
from medgym_core.tools import World, tool
from medgym_core.types import Assertion, Call, Evidence, Gold, Step, Task, UnsafeAction

DOMAIN = "triage_emergency"
HARM = {"why": "a thing", "severity": 5, "source": "label", "category": "dose"}


def verdicts(tasks: list[Task], knowledge, benchmark: tuple[str, ...] = ()) -> dict[str, GateResult]:
    return {r.name: r for r in run_gates(tasks, knowledge, benchmark)}


@pytest.fixture(scope="module")
def triage(small_tasks) -> list[Task]:
    return [t for t in small_tasks if t.domain == DOMAIN]


def test_every_gate_passes_in_every_domain(small_tasks, knowledge) -> None:
    failed = [(r.name, r.domain, r.value, r.reasons) for r in run_gates(small_tasks, knowledge) if not r.passed]
    assert not failed


def truth(**changes: object) -> Callable[[Task], Task]:
    return lambda t: replace(t, truth=replace(t.truth, **changes))


def unsafe(**action: object) -> Callable[[Task], Task]:
    return truth(unsafe=[UnsafeAction(**{**HARM, **action})])


def right_answer_called_unsafe(t: Task) -> Task:
    milder = {**HARM, "severity": 2, "answers": [gold_answer(t.truth.gold)]}
    return replace(t, truth=replace(t.truth, unsafe=[UnsafeAction(**milder)]))


SPOILT: dict[str, tuple[str, Callable[[Task], Task], str]] = {
    "gold removed": ("gradeable", truth(gold=Gold("category", "")), "is empty"),
    "no required steps": ("gradeable", truth(steps=[]), "no required steps"),
    "a text in which nothing could be false": (
        "gradeable",
        truth(gold=Gold("text", ["a"], assertions={"a": Assertion([["shock"]])})),
        "nothing that would be false",
    ),
    "gold outside its options": ("gradeable", truth(gold=Gold("category", "x", options=["a", "b"])), "does not accept"),
    "unsafe action that no tool carries out": ("gradeable", unsafe(tool="perform_magic"), "not penalised"),
    "unsafe answer that nobody can give": ("gradeable", unsafe(answers=[""]), "not penalised"),
    "unsafe action without its kind": ("gradeable", unsafe(tool="get_vital_signs", category=""), "without category"),
    "the reference does the unsafe thing": ("oracle", unsafe(tool="get_patient_presentation"), "scores 0.10"),
    "a tool the domain lacks": ("oracle", lambda t: replace(t, reference=[Call("no_tool"), *t.reference]), "error"),
    "too few turns": ("oracle", lambda t: replace(t, max_turns=1), "does not end"),
    "an alternative that skips the work": ("oracle", lambda t: replace(t, alternatives=[t.reference[-1:]]), "alternat"),
    "a finding nobody showed": ("evidence", truth(evidence=[Evidence("potassium", "99.9")]), "shown by no observation"),
    "no finding": ("evidence", truth(evidence=[]), "no decisive finding"),
}


@pytest.mark.parametrize("fault", SPOILT)
def test_a_spoilt_task_is_rejected_by_name_and_reason(fault: str, triage, knowledge) -> None:
    gate, spoil, reason = SPOILT[fault]
    bad = spoil(next(t for t in triage if t.type == "esi_level"))
    result = verdicts([bad if t.id == bad.id else t for t in triage], knowledge)[gate]
    assert not result.passed and result.failures == [bad.id] and reason in result.reasons[bad.id]


def test_an_unsafe_action_that_costs_nothing_is_rejected(triage, knowledge, monkeypatch) -> None:
    """The scorer forgets a violation: every task with one is named."""
    monkeypatch.setattr("medgym_core.rewards._violations", lambda truth, events, submission: [])
    critical = {t.id for t in triage if any(u.severity == 5 for u in t.truth.unsafe)}
    result = verdicts(triage, knowledge)["gradeable"]
    assert critical and critical <= set(result.failures) and "not penalised" in result.reasons[min(critical)]


def test_a_renamed_tool_is_rejected_in_every_task_that_needs_it(triage, knowledge, monkeypatch) -> None:
    tools = domains.get(DOMAIN).tools
    monkeypatch.setitem(tools, "calculate_triage_level", tools["calculate_esi_level"])
    monkeypatch.delitem(tools, "calculate_esi_level")
    needing = {t.id for t in triage if "calculate_esi_level" in [c.name for c in t.reference]}
    assert needing and needing <= set(verdicts(triage, knowledge)["oracle"].failures)


def test_a_prompt_that_contains_the_answer_is_rejected(triage, knowledge) -> None:
    for kind in ("bed_assignment", "protocol", "sepsis_bundle"):
        told = next(t for t in triage if t.type == kind)
        bad = replace(told, prompt=f"{told.prompt} I think {gold_answer(told.truth.gold)}.")
        result = verdicts([bad if t.id == bad.id else t for t in triage], knowledge)["null giveaway"]
        assert result.failures == [bad.id] and gold_answer(told.truth.gold) in result.reasons[bad.id]


def test_a_repeated_case_is_rejected(triage, knowledge) -> None:
    twin = replace(triage[0], id="twin", chart=replace(triage[0].chart, patient_id="P0"))
    assert "twin" in verdicts([*triage, twin], knowledge)["unique"].failures


def test_an_id_that_stands_twice_is_rejected(triage, knowledge) -> None:
    twin = replace(triage[0], prompt=triage[0].prompt + " Please.")
    assert verdicts([*triage, twin], knowledge)["unique"].failures == [twin.id]


def test_a_family_in_two_splits_is_rejected(triage, knowledge) -> None:
    first = triage[0]
    other = replace(
        first, id="other", prompt=first.prompt + " Now.", split="test" if first.split == "train" else "train"
    )
    assert {first.id, "other"} <= set(verdicts([*triage, other], knowledge)["unique"].failures)


def test_a_leaked_benchmark_question_is_rejected(triage, knowledge) -> None:
    stem = "A farmer of middle age with a slowly growing ulcer on the lower lip asks what to do"
    bad = replace(triage[0], prompt=f"{triage[0].prompt} {stem}.")
    benchmark = ("Exam. " + stem.upper() + "? (A) Nothing",)
    result = verdicts([bad, *triage[1:]], knowledge, benchmark)["clean"]
    assert result.failures == [bad.id] and "farmer" in result.reasons[bad.id]


def test_tasks_with_one_constant_answer_are_rejected(triage, knowledge) -> None:
    gold = Gold("category", "e", options=list("abcdefgh"))
    tasks = [replace(t, truth=replace(t.truth, gold=gold, steps=[Step(t.reference[0].name)])) for t in triage]
    result = verdicts(tasks, knowledge)["null accuracy above chance"]
    assert {"constant_answer", "majority"} <= set(result.failures)


def test_wording_that_goes_with_the_answer_is_rejected(triage, knowledge) -> None:
    coded = {"1": "amber", "2": "blue", "3": "crimson", "4": "dun", "5": "ebony"}
    tasks = [
        replace(t, prompt=f"{t.prompt} The folder is {coded[gold_answer(t.truth.gold)]}.")
        for t in domain_tasks(knowledge, "esi_level", 150)
    ]
    assert verdicts(tasks, knowledge)["null accuracy above chance"].failures == ["prompt_reader"]


def domain_tasks(knowledge, kind: str, n: int) -> list[Task]:
    from random import Random

    from medgym_core.tasks import task_of

    make = domains.get(DOMAIN).types[kind]
    return [task_of(DOMAIN, make(Random(i), knowledge)) for i in range(n)]


@pytest.mark.parametrize("probe", NULLS)
def test_a_null_agent_scores_far_below_the_reference(probe: str, small_tasks, knowledge) -> None:
    null = [play(t, NULLS[probe](t, 0), knowledge).score().composite for t in small_tasks]
    best = [play(t, reference_texts(t), knowledge).score().composite for t in small_tasks]
    assert sum(null) / len(null) <= 0.25 and min(best) >= 0.95


def test_no_unsafe_answer_is_graded_right(small_tasks) -> None:
    for task in small_tasks:
        gold = task.truth.gold
        if gold.fields:
            continue
        for action in task.truth.unsafe:
            assert all(grade(gold, answer).verdict != "correct" for answer in action.answers), task.id


def test_a_patient_tool_that_answers_everybody_alike_is_rejected(triage, knowledge, monkeypatch) -> None:
    @tool("read")
    def get_vital_signs(world: World) -> dict:
        """Vital signs that are always the same."""
        return {"hr": "72 /min"}

    monkeypatch.setitem(domains.get(DOMAIN).tools, "get_vital_signs", get_vital_signs)
    result = sensitivity(DOMAIN, triage, knowledge)
    assert not result.passed and result.failures == ["get_vital_signs"]


def test_a_tool_that_breaks_is_reported_and_fails_the_gate(triage, knowledge, monkeypatch) -> None:
    @tool("read")
    def get_vital_signs(world: World) -> dict:
        """Vital signs by a typo."""
        return {"hr": world.chart.vitals["heart_rate"]}

    monkeypatch.setitem(domains.get(DOMAIN).tools, "get_vital_signs", get_vital_signs)
    assert "TypeError" in tool_outputs(DOMAIN, triage, knowledge)["get_vital_signs"].failures[0]
    assert "get_vital_signs" in sensitivity(DOMAIN, triage, knowledge).failures

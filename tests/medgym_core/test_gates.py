"""The seven gates pass on the shipped world and bite on a spoilt one."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from medgym_core import domains
from medgym_core.gates import GateResult, play, run_gates, sensitivity, tool_outputs
from medgym_core.probes import NULLS, reference_texts
from medgym_core.tools import World, tool
from medgym_core.types import Call, Evidence, Gold, Step, Task


def verdicts(tasks: list[Task], knowledge, benchmark: tuple[str, ...] = ()) -> dict[str, GateResult]:
    return {r.name: r for r in run_gates(tasks, knowledge, benchmark)}


def test_every_gate_passes_in_every_domain(small_tasks, knowledge) -> None:
    failed = [(r.name, r.domain, r.value, r.failures[:5]) for r in run_gates(small_tasks, knowledge) if not r.passed]
    assert not failed


def truth(**changes: object) -> Callable[[Task], Task]:
    return lambda t: replace(t, truth=replace(t.truth, **changes))


SPOILT: dict[str, Callable[[Task], Task]] = {
    "gradeable": truth(gold=Gold("category", "")),
    "oracle": lambda t: replace(t, reference=[Call("no_such_tool"), *t.reference]),
    "evidence": truth(evidence=[Evidence("potassium", "99.9")]),
}


@pytest.mark.parametrize("gate", SPOILT)
def test_a_spoilt_task_is_rejected_by_name(gate: str, small_tasks, knowledge) -> None:
    bad = SPOILT[gate](small_tasks[3])
    tasks = [bad if t.id == bad.id else t for t in small_tasks if t.domain == bad.domain]
    result = verdicts(tasks, knowledge)[gate]
    assert not result.passed and result.failures == [bad.id]


def test_a_repeated_case_is_rejected(small_tasks, knowledge) -> None:
    twin = replace(small_tasks[0], id="twin", chart=replace(small_tasks[0].chart, patient_id="P0"))
    tasks = [t for t in small_tasks if t.domain == twin.domain] + [twin]
    assert "twin" in verdicts(tasks, knowledge)["unique"].failures


def test_a_family_in_two_splits_is_rejected(small_tasks, knowledge) -> None:
    first = small_tasks[0]
    other = replace(
        first, id="other", prompt=first.prompt + " Please.", split="test" if first.split == "train" else "train"
    )
    tasks = [t for t in small_tasks if t.domain == first.domain] + [other]
    assert {first.id, "other"} <= set(verdicts(tasks, knowledge)["unique"].failures)


def test_a_leaked_benchmark_question_is_rejected(small_tasks, knowledge) -> None:
    leaked = small_tasks[0]
    benchmark = ("Stem of an exam. " + leaked.prompt + " " + str(leaked.truth.gold.value),)
    leaked = replace(leaked, prompt=leaked.prompt + " " + " ".join(f"filler{i}" for i in range(13)))
    tasks = [leaked, *(t for t in small_tasks if t.domain == leaked.domain and t.id != leaked.id)]
    benchmark = (leaked.prompt,)
    assert verdicts(tasks, knowledge, benchmark)["clean"].failures == [leaked.id]


def test_tasks_with_one_constant_answer_are_rejected(small_tasks, knowledge) -> None:
    tasks = [
        replace(
            t,
            truth=replace(
                t.truth, gold=Gold("category", "b", options=list("abcdefgh")), steps=[Step(t.reference[0].name)]
            ),
        )
        for t in small_tasks
        if t.domain == "triage_emergency"
    ]
    middle = [replace(t, truth=replace(t.truth, gold=replace(t.truth.gold, value="e"))) for t in tasks]
    assert not verdicts(middle, knowledge)["null accuracy above chance"].passed


@pytest.mark.parametrize("probe", NULLS)
def test_a_null_agent_scores_far_below_the_reference(probe: str, small_tasks, knowledge) -> None:
    null = [play(t, NULLS[probe](t, 0), knowledge).score().composite for t in small_tasks]
    best = [play(t, reference_texts(t), knowledge).score().composite for t in small_tasks]
    assert sum(null) / len(null) <= 0.25 and min(best) >= 0.95


def test_a_patient_tool_that_answers_everybody_alike_is_rejected(small_tasks, knowledge, monkeypatch) -> None:
    @tool("read")
    def get_vital_signs(world: World) -> dict:
        """Vital signs that are always the same."""
        return {"hr": "72 /min"}

    monkeypatch.setitem(domains.get("triage_emergency").tools, "get_vital_signs", get_vital_signs)
    tasks = [t for t in small_tasks if t.domain == "triage_emergency"]
    result = sensitivity("triage_emergency", tasks, knowledge)
    assert not result.passed and result.failures == ["get_vital_signs"]


def test_a_tool_that_breaks_is_reported_and_fails_the_gate(small_tasks, knowledge, monkeypatch) -> None:
    @tool("read")
    def get_vital_signs(world: World) -> dict:
        """Vital signs by a typo."""
        return {"hr": world.chart.vitals["heart_rate"]}

    monkeypatch.setitem(domains.get("triage_emergency").tools, "get_vital_signs", get_vital_signs)
    tasks = [t for t in small_tasks if t.domain == "triage_emergency"]
    assert "TypeError" in tool_outputs("triage_emergency", tasks, knowledge)["get_vital_signs"].failures[0]
    assert "get_vital_signs" in sensitivity("triage_emergency", tasks, knowledge).failures

"""Every rule accepts a sound task set and notices the fault it is named after."""

from pathlib import Path

import msgspec
import pytest

from medgym_core import domains
from medgym_core.gates import GateResult
from medgym_core.tasks import task_rows
from medgym_core.types import Call
from pipelines.rules import (
    DOMAIN_GATE_RULES,
    DOMAIN_GATES,
    GATE_RULES,
    RULES,
    TASK_GATE_RULES,
    facts,
    gate_frames,
    judge,
    judge_suites,
)

TOOLS = {name: sorted(domains.get(name).tools) for name in domains.NAMES}
SUBMISSIONS = sorted({t.name for d in domains.NAMES for t in domains.get(d).tools.values() if t.kind == "submit"})


def verdicts(rows: list[dict], folder: Path) -> dict[str, bool]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(rows), folder / "tasks.parquet")
    return {v["name"]: v["passed"] for v in judge(facts(folder / "tasks.parquet", TOOLS, SUBMISSIONS), folder / "docs")}


def other_reference(row: dict, calls: list[Call]) -> dict:
    return row | {"reference": msgspec.json.encode(calls).decode()}


FAULTS = {
    "ids_unique": lambda row: row | {"id": "same"},
    "splits_known": lambda row: row | {"split": "holdout"},
    "prompts_readable": lambda row: row | {"prompt": "?"},
    "gold_not_empty": lambda row: row | {"truth": '{"gold":{"kind":"category","value":""}}'},
    "reference_tools_exist": lambda row: other_reference(row, [Call("order_pizza"), Call("submit_answer")]),
    "reference_submits": lambda row: other_reference(row, [Call("think")]),
    "reference_fits": lambda row: row | {"max_turns": 0},
    "families_in_one_split": lambda row: row | {"family": "one", "split": row["split"]},
    "sources_named": lambda row: row | {"sources": "[]"},
    "every_split_filled": lambda row: row | {"split": "train"},
    "no_type_dominates": lambda row: row | {"type": "same"},
}


def test_a_sound_task_set_passes_every_rule_and_has_pages(small_tasks, tmp_path) -> None:
    found = verdicts(task_rows(small_tasks), tmp_path)
    assert found == dict.fromkeys((r.name for r in RULES), True)
    page = next((tmp_path / "docs" / "validations").rglob("*.html")).read_text()
    assert "unknown_tools" in page and (tmp_path / "docs" / "index.html").is_file()


@pytest.mark.parametrize("rule", FAULTS)
def test_a_fault_fails_its_rule(rule: str, small_tasks, tmp_path) -> None:
    rows = [FAULTS[rule](row) for row in task_rows(small_tasks)]
    assert not verdicts(rows, tmp_path)[rule]


def test_an_empty_task_set_fails(small_tasks, tmp_path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(task_rows(small_tasks)).slice(0, 0), tmp_path / "tasks.parquet")
    found = judge(facts(tmp_path / "tasks.parquet", TOOLS, SUBMISSIONS), tmp_path / "docs")
    assert not next(v for v in found if v["name"] == "has_tasks")["passed"]


def test_every_rule_has_a_fault_that_fails_it() -> None:
    assert set(FAULTS) | {"has_tasks"} == {r.name for r in RULES}


def judged_gates(small_tasks, folder: Path, *results: GateResult) -> dict[str, dict]:
    """The verdicts of the two gate suites when the gates found `results` and nothing else."""
    found = {r.name: r for r in results}
    clean = [GateResult(g, "triage_emergency", True, 1.0, 1.0, []) for g in GATE_RULES if g not in found]
    clean += [GateResult(g, "triage_emergency", True, 0.0, 0.1, []) for g in DOMAIN_GATES if g not in found]
    by_task, by_domain = gate_frames(small_tasks, [*clean, *results])
    suites = {"task_gates": (TASK_GATE_RULES, by_task), "domain_gates": (DOMAIN_GATE_RULES, by_domain)}
    return {v["name"]: v for verdicts in judge_suites(suites, folder / "docs").values() for v in verdicts}


def test_gates_that_found_nothing_pass_as_expectations_with_pages(small_tasks, tmp_path) -> None:
    found = judged_gates(small_tasks, tmp_path)
    assert {name: v["passed"] for name, v in found.items()} == dict.fromkeys([*GATE_RULES, *DOMAIN_GATES], True)
    pages = {p.parts[-4] for p in (tmp_path / "docs" / "validations").rglob("*.html")}
    assert pages == {"task_gates", "domain_gates"}


@pytest.mark.parametrize("gate", GATE_RULES)
def test_a_task_that_fails_a_gate_fails_its_expectation_with_the_reason(gate, small_tasks, tmp_path) -> None:
    bad = small_tasks[5].id
    failed = GateResult(gate, "triage_emergency", False, 0.9, 1.0, [bad], {bad: "for a reason"})
    found = judged_gates(small_tasks, tmp_path, failed)
    assert [name for name, v in found.items() if not v["passed"]] == [gate]
    assert found[gate]["unexpected"] == 1 and found[gate]["sample"] == ["for a reason"]


@pytest.mark.parametrize("gate", DOMAIN_GATES)
def test_a_domain_above_a_threshold_fails_its_expectation(gate, small_tasks, tmp_path) -> None:
    failed = GateResult(gate, "triage_emergency", False, 0.3, 0.25, ["a probe"], {"a probe": "0.300"})
    found = judged_gates(small_tasks, tmp_path, failed)
    assert [name for name, v in found.items() if not v["passed"]] == [gate]

"""Every rule accepts a sound task set and notices the fault it is named after."""

from pathlib import Path

import msgspec
import pytest

from medgym_core import domains
from medgym_core.tasks import task_rows
from medgym_core.types import Call
from pipelines.rules import RULES, facts, judge

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

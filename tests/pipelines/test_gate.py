"""The gate's decision is kept with the version, and the next challenger is compared with what the champion scored."""

import importlib.util
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from medgym_core.artifacts import Made, Store
from medgym_core.errors import MedGymError
from pipelines import gate, registry
from pipelines.build import build_artifact
from pipelines.steps import evaluation

FILE = Path(__file__).parents[1] / "evaluation" / "conftest.py"
shared = importlib.util.module_from_spec(spec := importlib.util.spec_from_file_location("made_rows", FILE))
sys.modules[spec.name] = shared
spec.loader.exec_module(shared)
make_rows = shared.make_rows


@pytest.fixture
def bench(home, tracker) -> SimpleNamespace:
    return SimpleNamespace(
        tracker=tracker, store=Store(home / "artifacts"), config=SimpleNamespace(seed=0, limits=(1, 1))
    )


def predicted(bench, agentic: pa.Table, null: pa.Table, medqa: float | None):
    """A predictions artifact: the trained policy and one null on tasks, and on 200 items of medqa where asked."""

    def make(folder: Path) -> Made:
        arms = {evaluation.TRAINED: agentic, "null:echo": null}
        tables = {"agentic": pa.concat_tables(evaluation.named(n, rows) for n, rows in arms.items())}
        if medqa is not None:
            right = [float(i < 200 * medqa) for i in range(200)]
            rows = pa.table({"item_id": [f"q{i}" for i in range(200)], "value": right})
            tables["medqa"] = evaluation.named(evaluation.TRAINED, rows)
        for name, table in tables.items():
            pq.write_table(table, folder / f"{name}.parquet")
        return Made(1, meta={"rows": {name: table.num_rows for name, table in tables.items()}, "absent": []})

    return build_artifact(bench.store, evaluation.NAME, make, [], {"medqa": medqa}).artifact


def registered(bench, text: str):
    def make(folder: Path) -> Made:
        (folder / "data.txt").write_text(text)
        return Made(1)

    artifact = build_artifact(bench.store, "training/policy_version", make, [], {"text": text}).artifact
    facts = {
        "parent": bench.tracker.parent("r"),
        "dagster_run": "r",
        "context": "training",
        "config": {},
        "seconds": 1.0,
    }
    bench.tracker.record(artifact, [], **facts)
    run = bench.tracker.producer(artifact).info.run_id
    registry.register(bench.tracker, artifact, artifact.path, {}, run)
    return artifact


def test_the_record_is_kept_and_a_benchmark_regression_is_refused(bench, make_rows, monkeypatch) -> None:
    rows, null = make_rows(0.8, 1), make_rows(0.1, 2)
    monkeypatch.setattr(gate, "_champion_rows", lambda *_: None)
    monkeypatch.setattr(evaluation, "champion_arm", lambda _: [rows])
    first = gate.settle(bench, registered(bench, "a"), predicted(bench, rows, null, 0.9), None, None)
    assert first["decision"] == "promoted" and first["champion"] == "1"

    second = gate.settle(bench, registered(bench, "b"), predicted(bench, rows, null, 0.5), None, None)
    assert second["decision"] == "kept as challenger" and second["champion"] == "1"
    assert "medqa against champion -0.400" in second["reason"]
    record = json.loads(registry.version_of(bench.tracker, "2").tags[gate.RECORD])
    assert record["promote"] is False and record["reason"] == second["reason"]
    assert {c["rule"] for c in record["checks"]} == {"nulls", "champion", "safety", "benchmarks"}

    unknown = gate.settle(bench, registered(bench, "c"), predicted(bench, rows, null, None), None, None)
    assert unknown["decision"] == "kept as challenger" and "the challenger was not measured on it" in unknown["reason"]


def test_lost_predictions_of_the_champion_are_an_error_and_not_a_pass(bench, make_rows, monkeypatch) -> None:
    rows, null = make_rows(0.8, 1), make_rows(0.1, 2)
    monkeypatch.setattr(gate, "_champion_rows", lambda *_: None)
    monkeypatch.setattr(evaluation, "champion_arm", lambda _: [rows])
    gate.settle(bench, registered(bench, "a"), predicted(bench, rows, null, 0.9), None, None)
    bench.tracker.client.set_model_version_tag(registry.MODEL, "1", gate.MEASURED, "0" * 32)
    with pytest.raises(MedGymError, match="no such artifact"):
        gate.settle(bench, registered(bench, "b"), predicted(bench, rows, null, 0.5), None, None)

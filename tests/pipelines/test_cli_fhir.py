"""FHIR on the command line: a bundle becomes tasks, a chart becomes a bundle, a malformed bundle writes nothing."""

import json
from pathlib import Path

import pytest

from medgym_core.clinical.fhir import from_bundle, to_bundle
from medgym_core.gates import play
from medgym_core.probes import reference_texts
from medgym_core.tasks import build_task_set, read_tasks
from pipelines.cli import execute


@pytest.fixture(scope="module")
def bundle(knowledge) -> dict:
    return to_bundle(build_task_set(0, 40, knowledge, ["ehr_management"])[0].chart)


def test_a_bundle_becomes_tasks_an_expert_can_solve(bundle: dict, tmp_path: Path, capsys, knowledge) -> None:
    source, out = tmp_path / "patient.json", tmp_path / "mine.parquet"
    source.write_text(json.dumps(bundle))
    assert execute(["tasks", "from-fhir", str(source), "--out", str(out), "--json"]) == 0
    found = read_tasks(out)
    assert json.loads(capsys.readouterr().out)["tasks"] == len(found) >= 3
    assert all(play(t, reference_texts(t), knowledge).score().composite >= 0.95 for t in found)


def test_a_malformed_bundle_is_refused_with_its_path_and_nothing_is_written(
    bundle: dict, tmp_path: Path, capsys
) -> None:
    source, out = tmp_path / "patient.json", tmp_path / "mine.parquet"
    number = next(i for i, e in enumerate(bundle["entry"]) if "valueQuantity" in e["resource"])
    spoilt = json.loads(json.dumps(bundle))
    spoilt["entry"][number]["resource"]["valueQuantity"]["value"] = "high"
    source.write_text(json.dumps(spoilt))
    assert execute(["tasks", "from-fhir", str(source), "--out", str(out)]) == 2
    told = capsys.readouterr().err
    assert f"Bundle.entry[{number}].resource.valueQuantity.value" in told and "patient.json" in told
    assert not out.exists()


def test_a_missing_bundle_is_told_in_one_line(tmp_path: Path, capsys) -> None:
    assert execute(["tasks", "from-fhir", str(tmp_path / "none.json"), "--out", str(tmp_path / "x.parquet")]) == 2
    assert "none.json" in capsys.readouterr().err


def test_a_tasks_chart_is_printed_as_a_bundle_that_reads_back(bundle: dict, tmp_path: Path, capsys) -> None:
    source, out = tmp_path / "patient.json", tmp_path / "mine.parquet"
    source.write_text(json.dumps(bundle))
    execute(["tasks", "from-fhir", str(source), "--out", str(out)])
    capsys.readouterr()
    assert execute(["tasks", "to-fhir", "ehr_management/", "--tasks", str(out)]) == 0
    printed = capsys.readouterr().out
    assert from_bundle(printed).sex == read_tasks(out)[0].chart.sex and "explanation" not in printed

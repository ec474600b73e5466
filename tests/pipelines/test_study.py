"""A study from end to end on the quick arms: every arm trained and played, one report, nothing made twice."""

import json
from pathlib import Path

import pytest

from medgym_core.errors import MedGymError
from pipelines.study.curves import curves, smoothed
from pipelines.study.stages import Stages, run_arms
from training.studies import study


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory):
    """(stages of the quick study with one seed, its home)."""
    home = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDGYM_HOME", str(home))
        chosen = study("quick")
        run_arms(chosen, range(1), 1)
        yield Stages(chosen), home


def made(home: Path) -> dict[str, int]:
    return {str(p.relative_to(home)): p.stat().st_mtime_ns for p in (home / "study").rglob("by-key/*.json")}


def test_every_arm_starts_from_one_clone_and_is_played_on_the_test_tasks(studied) -> None:
    stages, home = studied
    tasks = {t.id for t in stages.test_tasks()}
    assert tasks and {t.type for t in stages.test_tasks()} == set(stages.study.types)
    for arm in ("bc", *stages.study.arms):
        rows = stages.read_rows(arm, 0)
        assert all(set(table["task_id"].to_pylist()) == tasks for table in rows.values())
    assert len(list((home / "study" / "bc" / "by-key").glob("*.json"))) == 1
    configs = [json.loads((stages.arm(a, 0).path / "config.json").read_text())["config"] for a in stages.study.arms]
    assert [c["algorithm"] for c in configs] == ["grpo", "ttopd"]


def test_a_second_run_makes_nothing_again_and_another_seed_only_its_arms(studied) -> None:
    stages, home = studied
    before = made(home)
    for arm in stages.study.arms:
        stages.rows(arm, 0)
    assert made(home) == before
    stages.rows("grpo", 1)
    new = {path.split("/")[1] for path in made(home).keys() - before.keys()}
    assert new == {"arm", "rows"}


def test_the_report_says_what_is_shown_and_what_is_not(studied, tmp_path: Path) -> None:
    from pipelines.study.report import write_report

    stages, _ = studied
    document = write_report(stages, "quick", range(1), tmp_path)
    greedy = next(rows for title, rows in document["tables"].items() if title.startswith("Greedy"))
    assert [row[0] for row in greedy[1:4]] == ["bc", "grpo", "TT-OPD"] and greedy[4][0] == "oracle"
    assert greedy[4][1].startswith("1.000") and greedy[5][0].startswith("null:")
    told = " ".join(document["findings"])
    assert "TT-OPD against bc, accuracy" in told and "TT-OPD against grpo, composite" in told
    assert all(f"The hint '{kind}' in the prompt" in told for kind in ("correct", "incorrect", "reference"))
    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "What is shown and what is not" in page and (tmp_path / "curves.png").stat().st_size > 10_000
    assert json.loads((tmp_path / "study.json").read_text())["scores"]["greedy"]["grpo"]["estimates"]


def test_curves_average_training_figures_and_leave_validation_alone() -> None:
    assert smoothed([1.0, 3.0], "turns") == [1.0, 2.0] and smoothed([1.0, 3.0], "validation_accuracy") == [1.0, 3.0]
    runs = [[{"step": 1, "turns": 2}, {"step": 2, "turns": 4}], [{"step": 1, "turns": 4}]]
    assert curves({"a": runs}, "turns") == {"a": ([1], [[2.0], [4.0]])}


def test_an_unknown_study_lists_the_valid_ones() -> None:
    with pytest.raises(MedGymError, match="did you mean 'ttopd'.*quick, ttopd"):
        study("ttpod")

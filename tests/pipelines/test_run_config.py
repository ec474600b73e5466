"""The configuration is strict: what is misspelt or mistyped is told, not ignored."""

import pytest

from medgym_core.artifacts import Artifact
from medgym_core.errors import MedGymError
from pipelines.config import PRESETS, leaves, run_config


def test_settings_reach_into_sections() -> None:
    config = run_config("quick", ["seed=3", "rl.steps=7", "corpus.sources=facts,medquad", "model=some/folder"])
    assert (config.seed, config.rl.steps, config.model) == (3, 7, "some/folder")
    assert config.corpus.sources == ("facts", "medquad")
    assert config.bc == PRESETS["quick"].bc


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("sed=1", "did you mean 'seed'.*expected one of .*rl.steps"),
        ("rl.stepps=1", "unknown setting"),
        ("rl=1", "unknown setting"),
        ("preset=demo", "unknown setting"),
        ("seed=x", "Expected `int`, got `str`"),
        ("seed", "expected key=value"),
    ],
)
def test_a_bad_setting_is_refused_and_the_valid_ones_are_listed(setting: str, told: str) -> None:
    with pytest.raises(MedGymError, match=told):
        run_config("quick", [setting])


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(MedGymError, match="unknown preset.*demo, quick"):
        run_config("fast")


def test_every_section_can_be_set() -> None:
    import msgspec

    keys = leaves(msgspec.to_builtins(run_config()))
    assert {
        "seed",
        "model",
        "tasks.per_domain",
        "bc.steps",
        "rl.ema.decay",
        "evaluation.suite",
        "evaluation.limit",
    } <= set(keys)


@pytest.mark.parametrize(
    "setting",
    ["tasks.domains=astrology", "practice.domains=astrology", "practice.domains=[]", "tasks.domains=psychiatry"],
)
def test_domains_are_checked_before_anything_runs(setting: str) -> None:
    """The last one leaves out the domains that are practised."""
    with pytest.raises(MedGymError, match=r"(tasks|practice)\.domains"):
        run_config("quick", [setting])


def test_practice_may_be_any_of_the_domains_built() -> None:
    found = run_config("quick", ["tasks.domains=psychiatry,obstetrics", "practice.domains=psychiatry"])
    assert found.tasks.domains == ("psychiatry", "obstetrics") and found.practice.domains == ("psychiatry",)


def test_practice_domains_hold_more_tasks_and_the_rest_as_many_as_set() -> None:
    found = run_config(
        "demo", ["tasks.domains=psychiatry,obstetrics", "practice.domains=psychiatry", "tasks.per_domain=7"]
    )
    assert found.task_counts == {"psychiatry": found.practice.per_domain, "obstetrics": 7}
    assert set(run_config("quick").task_counts.values()) == {40}


def test_a_practice_level_there_is_not_is_refused() -> None:
    with pytest.raises(MedGymError, match="1 to 3"):
        run_config("quick", ["practice.level=4"])


def test_practice_is_filtered_by_domain_level_and_free_text(knowledge, tmp_path) -> None:
    from pipelines.steps.practice import practice_tasks
    from pipelines.steps.tasks import task_set

    made = task_set(tmp_path, 0, {"triage_emergency": 80, "psychiatry": 20}, knowledge)
    artifact = Artifact("tasks/task_set", str(tmp_path), "x", made.rows, {})

    def chosen(*settings: str) -> list:
        return practice_tasks(artifact, "train", run_config("demo", list(settings)).practice)

    assert {t.domain for t in chosen()} == {"triage_emergency"} and {t.level for t in chosen()} == {1, 2}
    assert {t.level for t in chosen("practice.level=3")} == {1, 2, 3}
    assert not any(t.truth.gold.kind == "text" for t in chosen("practice.level=3"))
    assert any(t.truth.gold.kind == "text" for t in chosen("practice.level=3", "practice.texts=true"))
    assert {t.domain for t in chosen("practice.domains=psychiatry")} == {"psychiatry"}

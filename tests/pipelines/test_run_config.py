"""The configuration is strict: what is misspelt or mistyped is told, not ignored."""

import pytest

from medgym_core.errors import MedGymError
from pipelines.config import PRESETS, leaves, run_config


def test_settings_reach_into_sections() -> None:
    config = run_config("quick", ["seed=3", "ttopd.steps=7", "corpus.sources=facts,medquad", "model=some/folder"])
    assert (config.seed, config.ttopd.steps, config.model) == (3, 7, "some/folder")
    assert config.corpus.sources == ("facts", "medquad")
    assert config.bc == PRESETS["quick"].bc


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("sed=1", "did you mean 'seed'.*expected one of .*ttopd.steps"),
        ("ttopd.stepps=1", "unknown setting"),
        ("ttopd=1", "unknown setting"),
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
    assert {"seed", "model", "tasks.per_domain", "bc.steps", "ttopd.ema.decay", "evaluation.medqa_limit"} <= set(keys)


@pytest.mark.parametrize(
    "setting",
    ["tasks.domains=astrology", "tasks.practice=astrology", "tasks.practice=[]", "tasks.domains=psychiatry"],
)
def test_domains_are_checked_before_anything_runs(setting: str) -> None:
    """The last one leaves out the domains that are practised."""
    with pytest.raises(MedGymError, match=r"tasks\.(domains|practice)"):
        run_config("quick", [setting])


def test_practice_may_be_any_of_the_domains_built() -> None:
    found = run_config("quick", ["tasks.domains=psychiatry,obstetrics", "tasks.practice=psychiatry"])
    assert found.tasks.domains == ("psychiatry", "obstetrics") and found.tasks.practice == ("psychiatry",)

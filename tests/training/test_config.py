"""Configurations are strict, and every key of them is read."""

import msgspec
import pytest

from medgym_core.errors import MedGymError
from training.adapters import with_adapter
from training.bc import train_bc
from training.config import (
    ALGORITHMS,
    AlarmConfig,
    BCConfig,
    DistillConfig,
    EMAConfig,
    LoRAConfig,
    PolicyConfig,
    TruncationConfig,
)
from training.control import ControlEpisode
from training.policy import build_base_policy, load_policy
from training.presets import PRESETS, preset
from training.rl import train_rl
from training.studies import STUDIES, arm_config, study


class Recording:
    """Wraps a configuration and notes which fields are read."""

    def __init__(self, config, read, prefix=""):
        self._config, self._read, self._prefix = config, read, prefix

    def __getattr__(self, name):
        if name == "total_steps":  # a property: what it reads is read
            self._read.update({"steps", "copy_steps"} & {f.name for f in msgspec.structs.fields(type(self._config))})
            return self._config.total_steps
        value = getattr(self._config, name)
        self._read.add(self._prefix + name)
        return Recording(value, self._read, f"{self._prefix}{name}.") if isinstance(value, msgspec.Struct) else value


def fields(kind, prefix=""):
    found = set()
    for field in msgspec.structs.fields(kind):
        found.add(prefix + field.name)
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            found |= fields(field.type, f"{prefix}{field.name}.")
    return found


@pytest.fixture
def plain_builtins(monkeypatch):
    """Let the digest of a recording configuration see the configuration without counting as a reader of its fields."""
    plain = msgspec.to_builtins
    monkeypatch.setattr("training.run.msgspec.to_builtins", lambda c: plain(getattr(c, "_config", c)))


def test_every_policy_key_is_read(tmp_path):
    read = set()
    build_base_policy(["a b c"], tmp_path / "p", Recording(PolicyConfig(hidden=32, layers=2, heads=2), read), 0)
    assert fields(PolicyConfig) == read


def test_every_cloning_key_is_read(made, tmp_path, plain_builtins):
    read = set()
    train_bc(made[0], made[1], tmp_path, Recording(BCConfig(copy_steps=1, steps=1, warmup_steps=1), read), 0)
    assert fields(BCConfig) == read


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_key_of_an_algorithm_is_read(cloned, control, tmp_path, plain_builtins, name):
    read = set()
    given = {"steps": 2, "prompts": 2, "samples": 3, "updates": 2, "turn_tokens": 12, "alarms": AlarmConfig(window=1)}
    if name in ("opsd", "ttopd"):
        given |= {"truncation": TruncationConfig(turns=1, tokens=2), "distill": DistillConfig(form="top_k")}
        given |= {"ema": EMAConfig(skip_above=9.0)}
    kind = ALGORITHMS[name]
    train_rl(cloned, control, None, tmp_path, Recording(kind(**given), read), 0, make_episode=ControlEpisode)
    with_adapter(load_policy(cloned).model, Recording(kind(lora=LoRAConfig(rank=2)), read))
    unread = fields(kind) - read
    assert not unread


def test_a_key_of_another_algorithm_is_unknown():
    assert preset("cpu_demo", {"rl.algorithm": "grpo", "rl.clip_low": 0.1}).rl.clip_low == 0.1
    with pytest.raises(MedGymError, match="unknown training configuration key.*rl.distill.weight"):
        preset("cpu_demo", {"rl.algorithm": "grpo", "rl.distill.weight": 0.1})
    with pytest.raises(MedGymError, match="did you mean 'ttopd'.*grpo, opsd, star, ttopd"):
        preset("cpu_demo", {"rl.algorithm": "ttodp"})


def test_changing_the_algorithm_keeps_what_both_have():
    changed = preset("quick", {"rl.algorithm": "star"}).rl
    assert (type(changed).__name__, changed.steps, changed.samples) == ("STARConfig", 3, 4)


def test_unknown_key_is_an_error_that_lists_the_valid_ones():
    with pytest.raises(MedGymError, match=r"did you mean 'rl.distill.weight'.*rl.ema.decay"):
        preset("quick", {"rl.distil.weight": 1})
    with pytest.raises(MedGymError, match="unknown training configuration key"):
        preset("quick", {"rl.distill": 1})


def test_unknown_preset_is_an_error_that_lists_the_valid_ones():
    assert {"cpu_demo", "gpu_lora_9b", "fsdp_9b", "ttopd_paper"} <= set(PRESETS)
    with pytest.raises(MedGymError, match="one of cpu_demo, fsdp_9b, gpu_lora_9b, quick"):
        preset("gpu")


def test_bad_value_is_an_error_that_names_the_key():
    with pytest.raises(MedGymError, match=r"\$\.rl\.hint"):
        preset("quick", {"rl.hint": "gold"})
    with pytest.raises(MedGymError, match=r"\$\.bc\.steps"):
        preset("quick", {"bc.steps": "many"})


def test_overrides_from_the_command_line_are_parsed():
    config = preset("quick", {"rl.distill.weight": "0", "bc.steps": "7", "rl.one_step_off": "true"})
    assert (config.rl.distill.weight, config.bc.steps, config.rl.one_step_off) == (0.0, 7, True)
    assert preset("quick").bc.steps != 7


@pytest.mark.parametrize("name", STUDIES)
def test_every_arm_of_a_study_is_a_valid_configuration(name):
    chosen = study(name)
    configs = [arm_config(chosen, arm).rl for arm in chosen.arms]
    assert len({str(c) for c in configs}) == len(configs) and chosen.baseline in chosen.arms
    assert all(c.steps == chosen.common["rl.steps"] for c in configs)
    with pytest.raises(MedGymError, match="unknown setting.*did you mean 'rl.steps'"):
        arm_config(study(name, {"rl.step": 3}), "grpo")


def test_configuration_needs_no_torch():
    import subprocess
    import sys

    modules = "training.studies, training.alarms, training.mechanisms, training.trajectory"
    code = f"import sys, {modules}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)

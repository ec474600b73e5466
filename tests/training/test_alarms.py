"""Alarms ring where they should: by their rule, and in runs that are built to go wrong."""

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medgym_core.rewards import Reward
from training.alarms import ALARMS, alarms
from training.config import AlarmConfig, CosineConfig, DistillConfig, EMAConfig, GRPOConfig, TTOPDConfig
from training.control import ControlEpisode
from training.rl import train_rl

sys.path.append(str(Path(__file__).parent))
import watching  # noqa: E402

RULES = AlarmConfig(window=2, length_ratio=2.0, turn_ratio=0.5, teacher_gap=0.7)
HEALTHY = {"sampled_tokens": 10.0, "turns": 4.0, "teacher_gap": 0.1}


def steps(n, **last):
    """`n` healthy steps, then two with other figures."""
    return [dict(HEALTHY)] * n + [{**HEALTHY, **last}] * 2


def test_each_alarm_rings_beyond_its_bound_and_not_at_it():
    for name, bound, beyond in (
        ("length_explosion", {"sampled_tokens": 20.0}, {"sampled_tokens": 20.1}),
        ("turn_collapse", {"turns": 2.0}, {"turns": 1.9}),
        ("teacher_gap", {"teacher_gap": 0.7}, {"teacher_gap": 0.71}),
    ):
        assert alarms(steps(4, **bound), RULES) == []
        assert alarms(steps(4, **beyond), RULES) == [name]
    assert alarms(steps(4, sampled_tokens=99.0, turns=0.0, teacher_gap=9.0), RULES) == list(ALARMS)


def test_a_single_step_is_averaged_over_the_window():
    spike = [*steps(4), {**HEALTHY, "sampled_tokens": 29.0}]
    assert alarms(spike, RULES) == []
    assert alarms([*spike, {**HEALTHY, "sampled_tokens": 29.0}], RULES) == ["length_explosion"]
    assert alarms([*spike, *steps(0)], RULES) == []  # and it is over


def test_the_start_is_not_compared_with_itself():
    long = {**HEALTHY, "sampled_tokens": 99.0}
    assert alarms([HEALTHY, HEALTHY, long], RULES) == []
    assert alarms([HEALTHY, HEALTHY, long, long], RULES) == ["length_explosion"]
    assert alarms([], RULES) == []
    assert alarms([{**HEALTHY, "teacher_gap": 9.0}] * 2, RULES) == ["teacher_gap"]


def test_a_method_without_a_teacher_has_no_gap():
    assert alarms([{"sampled_tokens": 1.0, "turns": 1.0}] * 9, RULES) == []


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 50), st.floats(0, 50)), max_size=12), st.integers(1, 4))
def test_alarms_never_raise_and_are_always_among_the_named(figures, window):
    log = [{"sampled_tokens": a, "turns": b, "teacher_gap": c} for a, b, c in figures]
    found = alarms(log, AlarmConfig(window=window))
    assert set(found) <= set(ALARMS) and len(found) == len(set(found))


class Talker(ControlEpisode):
    """A world that pays for every word and does nothing else."""

    def score(self) -> Any:
        words = sum(len(m["content"].split()) for m in self.messages if m["role"] == "assistant")
        return dataclasses.replace(super().score(), composite=min(1.0, words / 30))


class Hasty(ControlEpisode):
    """A world that ends where north is pulled, and pays for that."""

    def step(self, text: str) -> Any:
        found = super().step(text)
        if text != "pull north":
            return found
        self.done, self.truncated = True, False
        return dataclasses.replace(found, message=None, done=True, truncated=False)

    def score(self) -> Reward:
        return dataclasses.replace(super().score(), composite=float(self._pulled == "north"))


COMMON = {
    "prompts": 2, "samples": 8, "episode_tokens": 200, "episodes_every": 100, "checkpoint_every": 100,
    "validate_every": 100, "validation_tasks": 2, "gradient_norms_every": 0, "select": "last",
}  # fmt: skip


def go(cloned, control, out, config, world=ControlEpisode):
    figures = train_rl(cloned, control, None, out, config, 0, make_episode=world)
    lines = [json.loads(line) for line in open(out / "metrics.jsonl")]
    return figures, [r for r in lines if "alarms" in r]


def test_pay_for_length_explodes(cloned, control, tmp_path):
    config = GRPOConfig(
        **COMMON, steps=10, learning_rate=3e-3, turn_tokens=16, temperature=1.2, cosine=CosineConfig(weight=0.0),
        alarms=AlarmConfig(window=2, length_ratio=1.5),
    )  # fmt: skip
    figures, lines = go(cloned, control, tmp_path, config, Talker)
    assert "length_explosion" in figures["alarms"], [r["sampled_tokens"] for r in lines]
    assert "length_explosion" in lines[-1]["alarms"] and not lines[0]["alarms"]


def test_pay_for_haste_collapses(cloned, control, tmp_path):
    config = GRPOConfig(
        **COMMON, steps=12, learning_rate=1e-3, turn_tokens=8, cosine=CosineConfig(weight=0.0),
        alarms=AlarmConfig(window=2, turn_ratio=0.8),
    )  # fmt: skip
    figures, lines = go(cloned, control, tmp_path, config, Hasty)
    assert "turn_collapse" in figures["alarms"], [r["turns"] for r in lines]
    assert "turn_collapse" in lines[-1]["alarms"] and not lines[0]["alarms"]


def test_a_frozen_teacher_is_left_behind(cloned, control, tmp_path):
    config = TTOPDConfig(
        **COMMON, steps=4, learning_rate=5e-3, turn_tokens=8, hint="outcome", ema=EMAConfig(decay=1.0),
        truncation=watching.SHORT.truncation, distill=DistillConfig(weight=0.01),
        alarms=AlarmConfig(window=2, teacher_gap=0.5),
    )  # fmt: skip
    figures, lines = go(cloned, control, tmp_path, config)
    assert "teacher_gap" in figures["alarms"], [r["teacher_gap"] for r in lines]
    assert "teacher_gap" in lines[-1]["alarms"] and lines[0]["alarms"] == []


@pytest.fixture(scope="module")
def healthy(cloned, control, tmp_path_factory):
    out = tmp_path_factory.mktemp("healthy")
    config = TTOPDConfig(
        **COMMON, steps=5, learning_rate=1e-4, turn_tokens=8, truncation=watching.SHORT.truncation,
        alarms=AlarmConfig(window=2),
    )  # fmt: skip
    return go(cloned, control, out, config)


def test_a_healthy_run_rings_none_and_says_so_in_every_line(healthy):
    figures, lines = healthy
    assert figures["alarms"] == [] and figures["steps"] == len(lines) == 5
    assert all(r["alarms"] == [] for r in lines)

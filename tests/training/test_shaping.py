"""What training sees of a reward, and that validation does not see it."""

import importlib.util
import math
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from medgym_core.errors import MedGymError
from medgym_core.rewards import WEIGHTS
from training.advantages import set_advantages, turn_rewards
from training.config import AdvantageConfig, CosineConfig, DegenerateConfig
from training.shaping import cosine_reward, degenerate, mark_degenerate, shape


def test_cosine_reward_has_the_published_end_points():
    assert cosine_reward(True, 0, 100) == pytest.approx(1.1)
    assert cosine_reward(True, 99, 100) == pytest.approx(0.7, abs=1e-3)
    assert cosine_reward(False, 0, 100) == pytest.approx(0.0)
    assert cosine_reward(False, 99, 100) == pytest.approx(-0.3, abs=1e-3)
    assert cosine_reward(True, 50, 100) == pytest.approx(0.9)
    assert cosine_reward(True, 100, 100) == cosine_reward(False, 500, 100) == -0.5


def test_length_is_counted_in_sampled_tokens(episodes):
    t = msgspec.structs.replace(episodes[0])
    longer = msgspec.structs.replace(t, token_ids=t.token_ids + [5] * 50, sampled=t.sampled + [False] * 50)
    config = CosineConfig(weight=0.5, limit=40)
    assert shape([t, longer], config) == 2
    assert t.shaped_reward == longer.shaped_reward
    expected = 0.5 * t.reward + 0.5 * cosine_reward(t.correct, sum(t.sampled), 40)
    assert t.shaped_reward == pytest.approx(expected)


def test_without_the_cosine_the_shaped_reward_is_the_composite(episodes):
    copies = [msgspec.structs.replace(t) for t in episodes]
    assert shape(copies, CosineConfig(weight=0)) == 0
    assert [t.shaped_reward for t in copies] == [t.reward for t in episodes]


def grouped(episodes, rewards):
    copies = [msgspec.structs.replace(t, group="g", shaped_reward=r) for t, r in zip(episodes, rewards, strict=False)]
    return copies[: len(rewards)]


def advantage(t):
    values = {a for a, s in zip(t.advantages, t.sampled, strict=True) if s}
    assert len(values) == 1
    assert all(a == 0 for a, s in zip(t.advantages, t.sampled, strict=True) if not s)
    return values.pop()


def test_advantages_are_centred_within_each_group(episodes):
    members = grouped(episodes, [1.0, 0.0, 0.5, 0.5])
    other = grouped(episodes[4:], [0.2, 0.2])
    for t in other:
        t.group = "other"
    assert set_advantages(members + other, AdvantageConfig()) == 1
    assert [advantage(t) for t in members] == [0.5, -0.5, 0.0, 0.0]
    assert [advantage(t) for t in other] == [0.0, 0.0]


def test_division_by_the_standard_deviation_is_an_option(episodes):
    members = grouped(episodes, [1.0, 0.0])
    set_advantages(members, AdvantageConfig(scale="std"))
    assert [advantage(t) for t in members] == [1.0, -1.0]


def test_degenerate_episodes_get_nothing_and_leave_the_mean_alone(episodes):
    members = grouped(episodes, [1.0, 0.0, math.nan])
    silent = msgspec.structs.replace(members[0], sampled=[False] * len(members[0].sampled))
    assert [degenerate(t) for t in [*members, silent]] == [False, False, True, True]
    set_advantages([*members, silent], AdvantageConfig())
    assert [advantage(t) for t in members] == [0.5, -0.5, 0.0]
    assert not any(silent.advantages)


def test_degenerate_episodes_are_counted_by_reason(episodes):
    members = grouped(episodes, [1.0, 0.0, math.nan])
    silent = msgspec.structs.replace(members[0], sampled=[False] * len(members[0].sampled))
    counts = mark_degenerate([*members, silent], DegenerateConfig())
    assert counts == {"degenerate": 2, "degenerate_not_finite": 1, "degenerate_silent": 1}
    assert [t.degenerate for t in [*members, silent]] == ["", "", "not_finite", "silent"]


@pytest.fixture(scope="module")
def variance():
    """The benchmark `reward_variance` as a module."""
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "reward_variance.py"
    spec = importlib.util.spec_from_file_location("reward_variance", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_variance_shares_are_those_worked_out_by_hand(variance):
    """Independent parts of equal variance and weights .8 and .2: shares .64 and .04 of .68."""
    a, b = np.array([[0.0, 0.0, 1.0, 1.0]]), np.array([[0.0, 1.0, 0.0, 1.0]])
    rows = variance.decompose(
        {"composite": 0.8 * a + 0.2 * b, "a": a, "b": b, "c": 0 * a}, {"a": np.full((1, 1), 0.8), "b": 0.2, "c": 1.0}
    )
    assert [r.share for r in rows] == pytest.approx([1.0, 0.64 / 0.68, 0.04 / 0.68, 0.0])
    assert [r.varying for r in rows] == [1.0, 1.0, 1.0, 0.0]
    assert rows[1].variance == pytest.approx(1 / 3) and rows[3].mean == 0.0


def scored(episodes, parts_of, cap=1.0):
    """Eight episodes in two groups, the second of a task without assertions, with the composite of their parts."""
    weights = [dict(WEIGHTS), {**WEIGHTS, "assertions": 0.0}]
    tasks = [SimpleNamespace(domain="d", truth=SimpleNamespace(evidence=e)) for e in (["x"], [])]
    found = []
    for n, t in enumerate(episodes[:8]):
        parts, w = {p: parts_of(p, n) for p in WEIGHTS}, weights[n // 4]
        found.append((parts, min(cap, sum(w[p] * parts[p] for p in w) / sum(w.values())), t))
    return tasks, [msgspec.structs.replace(t, parts=parts, reward=reward) for parts, reward, t in found]


@pytest.mark.parametrize("cap", [1.0, 0.5])
def test_variance_shares_add_up_with_what_the_caps_took(variance, episodes, cap):
    tasks, records = scored(episodes, lambda p, n: np.random.default_rng([len(p), n]).random(), cap)
    composite, *others = variance.decompose(*variance.columns(tasks, records))
    assert sum(r.share for r in others) == pytest.approx(1.0) == composite.share
    assert (others[-1].name, others[-1].mean < 0) == ("caps", cap < 1)


def test_a_constant_part_is_named(variance, episodes):
    tasks, records = scored(episodes, lambda p, n: 0.5 if p in ("format", "safety") else n / 8)
    assert "Constant in every group: safety, format." in variance.page(tasks, records, "")
    records[0].reward += 0.1
    with pytest.raises(MedGymError, match="composite above its weighted parts"):
        variance.columns(tasks, records)


def turned(episode, parts, shaped):
    """A two-turn episode whose turns brought `parts`."""
    return msgspec.structs.replace(episode, group="g", shaped_reward=shaped, turn_parts=parts)


@pytest.fixture
def two_turns(episodes):
    return [t for t in episodes if t.turns == 2][:3]


def by_turn(t):
    return [
        next(a for a, s, k in zip(t.advantages, t.sampled, t.turn_id, strict=True) if s and k == turn)
        for turn in (0, 1)
    ]


def test_what_turns_brought_adds_up_to_the_shaped_reward(two_turns):
    t = turned(two_turns[0], [{"process": 0.5, "format": 1.0}, {"process": 0.0, "format": 0.0}], 0.7)
    assert math.fsum(turn_rewards(t)) == pytest.approx(0.7)
    assert turn_rewards(t)[0] == pytest.approx(0.5 * WEIGHTS["process"] + 0.5 * WEIGHTS["format"])
    assert turn_rewards(msgspec.structs.replace(t, turn_parts=None)) == [0.0, pytest.approx(0.7)]


@pytest.mark.parametrize("credit", ["return_to_go", "turn"])
def test_turn_level_credit_tells_turns_apart(two_turns, credit):
    good, bad = {"process": 1.0, "format": 1.0}, {"process": 0.0, "format": 0.0}
    first = turned(two_turns[0], [good, bad], 0.5)  # its first turn brought more than its second
    second = turned(two_turns[1], [bad, bad], 0.3)
    set_advantages([first, second], AdvantageConfig(credit=credit))
    brought = np.array([turn_rewards(t) for t in (first, second)])
    value = brought[:, ::-1].cumsum(1)[:, ::-1] if credit == "return_to_go" else brought
    expected = value - value.mean(0) + (np.array([[0.1], [-0.1]]) if credit == "turn" else 0.0)
    assert np.allclose([by_turn(first), by_turn(second)], expected, atol=1e-6)
    assert by_turn(first)[0] != by_turn(first)[1]


def test_without_turn_facts_return_to_go_is_the_episode_credit(two_turns):
    members = [turned(t, None, r) for t, r in zip(two_turns, (0.2, 0.9, 0.4), strict=True)]
    plain = [msgspec.structs.replace(t) for t in members]
    set_advantages(members, AdvantageConfig(credit="return_to_go"))
    set_advantages(plain, AdvantageConfig())
    assert np.allclose([by_turn(t) for t in members], [by_turn(t) for t in plain])


def test_leave_one_out_compares_with_the_others(episodes):
    members = grouped(episodes, [1.0, 0.0, 0.2])
    set_advantages(members, AdvantageConfig(baseline="leave_one_out"))
    assert [advantage(t) for t in members] == pytest.approx([0.9, -0.6, -0.3])

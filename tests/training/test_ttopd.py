"""The trainer: it learns, its mechanisms run or it stops, and a stopped run goes on as if nothing had happened."""

import json
from collections import Counter

import msgspec
import pytest
from safetensors.torch import load_file

from medgym_core.errors import MedGymError
from training.algorithms.distillation import distill_weight
from training.algorithms.on_policy import draw_prompts
from training.config import CosineConfig, DistillConfig, EMAConfig, TruncationConfig, TTOPDConfig
from training.control import ControlEpisode
from training.hints import Hints
from training.mechanisms import check_mechanisms, enabled_mechanisms
from training.rl import train_rl
from training.trajectory import read_trajectories

SHORT = TTOPDConfig(
    hint="outcome",
    steps=4, prompts=2, samples=4, turn_tokens=12, episode_tokens=200, validate_every=2, checkpoint_every=2,
    validation_tasks=4, truncation=TruncationConfig(turns=1, tokens=3),
)  # fmt: skip
GRPO = {"distill": DistillConfig(weight=0.0), "cosine": CosineConfig(weight=0.0)}


def train(cloned, control, out, config, seed=0, progress=None):
    return train_rl(cloned, control, None, out, config, seed, progress, make_episode=ControlEpisode)


def lines(out):
    return [json.loads(line) for line in open(out / "metrics.jsonl")]


@pytest.fixture(scope="module")
def straight(cloned, control, tmp_path_factory):
    out = tmp_path_factory.mktemp("straight")
    return out, train(cloned, control, out, SHORT)


def test_stopped_and_resumed_equals_undisturbed_bit_for_bit(cloned, control, straight, tmp_path):
    class Killed(Exception):
        pass

    def kill(record):
        if record["step"] == 3:  # after the checkpoint of step 2
            raise Killed

    out, figures = straight
    with pytest.raises(Killed):
        train(cloned, control, tmp_path, SHORT, progress=kill)
    assert [r["step"] for r in lines(tmp_path)] == [0, 1, 2, 2, 3]
    assert train(cloned, control, tmp_path, SHORT) == figures
    assert (out / "metrics.jsonl").read_bytes() == (tmp_path / "metrics.jsonl").read_bytes()
    for name in ("model", "teacher", "optimiser", "rng"):
        file = f"checkpoints/step-000004/{name}.safetensors"
        a, b = load_file(out / file), load_file(tmp_path / file)
        assert a.keys() == b.keys() and all((a[k] == b[k]).all() for k in a)
    ours, theirs = (read_trajectories(d / "episodes") for d in (out, tmp_path))
    for t in (*ours, *theirs):
        t.milliseconds = 0.0
    assert ours == theirs and len(ours) == 4 * 8


def test_another_seed_gives_another_run(cloned, control, straight, tmp_path):
    figures = train(cloned, control, tmp_path, SHORT, seed=1)
    assert figures["digest"] != straight[1]["digest"]
    with pytest.raises(MedGymError, match="belongs to another run"):
        train(cloned, control, tmp_path, SHORT, seed=2)


def test_all_four_mechanisms_run_and_are_counted(straight):
    out, figures = straight
    counters = figures["counters"]
    assert all(counters[m] > 0 for m in ("hint", "ema", "truncation", "cosine"))
    assert counters["ema"] == 4 and counters["cosine"] == 4 * 8
    assert counters["hint"] == counters.get("hint_correct", 0) + counters["hint_incorrect"]
    first = next(r for r in lines(out) if "counts" in r)
    assert all(first["counts"][m] > 0 for m in ("hint", "ema", "truncation", "cosine"))


@pytest.mark.parametrize(
    ("off", "zero"),
    [
        ({"hint": "none"}, {"hint"}),
        ({"ema": EMAConfig(decay=1.0)}, {"ema"}),
        ({"truncation": TruncationConfig(turns=0, tokens=0)}, {"truncation"}),
        ({"cosine": CosineConfig(weight=0.0)}, {"cosine"}),
        ({"distill": DistillConfig(weight=0.0)}, {"hint", "ema", "truncation"}),
    ],
)
def test_a_mechanism_switched_off_shows_zero_and_the_others_do_not(cloned, control, tmp_path, off, zero):
    config = msgspec.structs.replace(SHORT, steps=1, **off)
    counters = train(cloned, control, tmp_path, config)["counters"]
    assert {m for m in ("hint", "ema", "truncation", "cosine") if counters[m] == 0} == zero
    assert {m for m, on in enabled_mechanisms(config).items() if not on} == zero


def test_a_mechanism_that_is_on_and_does_nothing_stops_the_run(cloned, control, tmp_path, monkeypatch):
    idle = msgspec.structs.replace(SHORT, truncation=TruncationConfig(turns=50, tokens=0))
    with pytest.raises(MedGymError, match="'truncation' is on and did nothing"):
        train(cloned, control, tmp_path / "a", idle)
    assert not (tmp_path / "a" / "policy").exists()
    monkeypatch.setattr(
        "training.algorithms.distillation.hint_kinds", lambda policy, episodes, seed: [Hints("")] * len(episodes)
    )
    with pytest.raises(MedGymError, match="'hint' is on and did nothing"):
        train(cloned, control, tmp_path / "b", SHORT)
    late = msgspec.structs.replace(SHORT, ema=EMAConfig(decay=0.9, every=3))
    alive = Counter(hint=1, truncation=1, cosine=1)
    check_mechanisms(late, alive, 1)
    with pytest.raises(MedGymError, match="'ema' is on and did nothing"):
        check_mechanisms(late, alive, 3)


def test_lambda_zero_is_bit_for_bit_grpo(cloned, control, tmp_path):
    plain = msgspec.structs.replace(
        SHORT, hint="none", ema=EMAConfig(decay=1.0), truncation=TruncationConfig(turns=0, tokens=0), **GRPO
    )
    plain = msgspec.structs.replace(plain, select="last")
    dressed = msgspec.structs.replace(SHORT, hint="outcome", select="last", **GRPO)
    a, b = (train(cloned, control, tmp_path / n, c) for n, c in (("a", plain), ("b", dressed)))
    assert a["policy_digest"] == b["policy_digest"]
    with_teacher = train(cloned, control, tmp_path / "c", msgspec.structs.replace(dressed, distill=DistillConfig()))
    assert with_teacher["policy_digest"] != a["policy_digest"]


@pytest.mark.parametrize("kind", ["contrast", "shuffled"])
@pytest.mark.parametrize("form", ["full", "top_k", "sampled"])
def test_every_hint_policy_and_form_trains(cloned, control, tmp_path, kind, form):
    config = msgspec.structs.replace(SHORT, steps=1, hint=kind, distill=DistillConfig(form=form, average="token"))
    train(cloned, control, tmp_path, config)
    record = next(r for r in lines(tmp_path) if "counts" in r)
    assert record["counts"]["hint"] > 0 and record["gradient_distill"] > 0 and record["kl"] != 0


def test_each_step_reports_what_the_method_asks_for(straight):
    out, _ = straight
    record = next(r for r in lines(out) if r["step"] == 1)
    wanted = (
        "accuracy composite reward_shaped sampled_tokens turns tool_calls tool_errors writes kl kl_by_turn gradient "
        "gradient_rl gradient_distill clip_fraction mismatch_kl ema_distance entropy distill_weight counts"
    )
    assert set(wanted.split()) <= set(record)
    assert set(record["kl_by_turn"]) == {"0"}  # K = 1
    assert 0 <= record["mismatch_kl"] < 1e-6
    assert {"zero_variance_groups", "degenerate", "teacher_masked"} <= set(record["counts"])
    timing = json.loads(open(out / "timings.jsonl").readline())
    assert {"rollout", "score", "teacher", "update", "sampled_per_second", "updated_per_second"} <= set(timing)
    assert "rollout" not in record


def test_validation_is_unshaped_and_greedy(straight):
    out, figures = straight
    checks = [r for r in lines(out) if "validation_accuracy" in r]
    assert [r["step"] for r in checks] == [0, 2, 4]
    assert all("reward_shaped" not in r and 0 <= r["validation_composite"] <= 1 for r in checks)
    best = max((r["validation_accuracy"], r["validation_composite"]) for r in checks)
    assert tuple(figures["validation_best"].values()) == best


def test_best_or_last_weights_become_the_result(cloned, control, straight, tmp_path):
    out, figures = straight
    last = train(cloned, control, tmp_path, msgspec.structs.replace(SHORT, select="last"))
    assert last["selected_step"] == 4
    policy = load_file(tmp_path / "policy" / "model.safetensors")
    final = load_file(tmp_path / "checkpoints" / "step-000004" / "model.safetensors")
    assert all((policy[k] == final[k]).all() for k in final)
    best = load_file(next((out / "checkpoints").glob(f"best-{figures['selected_step']:06d}.safetensors")))
    policy = load_file(out / "policy" / "model.safetensors")
    assert all((policy[k] == best[k]).all() for k in best)


def test_episodes_hold_what_was_learnt_from(straight):
    out, _ = straight
    for t in read_trajectories(out / "episodes"):
        assert t.hint_kind == ("correct" if t.correct else "incorrect")
        assert t.shaped_reward is not None and t.advantages is not None
        for s, k, lp, turn in zip(t.sampled, t.distill_mask, t.teacher_logprobs, t.turn_id, strict=True):
            assert (lp is not None) == k and (not k or (s and turn == 0))
    assert not list(out.rglob(".*"))


def test_prompts_walk_through_all_tasks_before_repeating(control):
    tasks = [t for t in control if t.split == "train"]
    seen = [t.id for step in range(4) for t in draw_prompts(tasks, 8, step, 0)]
    assert sorted(seen) == sorted(t.id for t in tasks)
    assert seen != [t.id for step in range(4, 8) for t in draw_prompts(tasks, 8, step, 0)]


def test_phase_out_never_rises():
    weights = [distill_weight(msgspec.structs.replace(SHORT, steps=20), s) for s in range(20)]
    assert weights[0] == DistillConfig().weight and weights == sorted(weights, reverse=True) and weights[-1] < 0.01
    constant = msgspec.structs.replace(SHORT, distill=DistillConfig(schedule="constant"))
    assert {distill_weight(constant, s) for s in range(4)} == {DistillConfig().weight}


def test_a_task_set_without_a_validation_split_is_refused(cloned, control, tmp_path):
    with pytest.raises(MedGymError, match="32 train, 0 validation"):
        train(cloned, [t for t in control if t.split == "train"], tmp_path, SHORT)

"""Each algorithm does what its docstring says, its options reach the trainer, and the trainer knows none of them."""

import ast
import itertools
import json
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training import trainer, update
from training.algorithms import METHODS
from training.algorithms.distillation import distill_weight, turn_limit
from training.config import (
    ALGORITHMS,
    AdvantageConfig,
    CosineConfig,
    DistillConfig,
    EMAConfig,
    GRPOConfig,
    OPSDConfig,
    STARConfig,
    TruncationConfig,
    TTOPDConfig,
)
from training.control import SECRET, ControlEpisode
from training.hints import HINTS
from training.rl import train_rl
from training.rollout import rollout_scripted

sys.path.append(str(Path(__file__).parent))
import watching  # noqa: E402

world = watching.world
BASE, changed, observe, shared = watching.BASE, watching.changed, watching.observe, watching.shared


def same(a, b):
    return all(torch.equal(a.gradient[n], b.gradient[n]) for n in a.gradient)


# STAR


def test_star_learns_from_correct_episodes_only(world):
    seen = observe(world.run(shared(STARConfig)))
    for t in world.episodes:
        assert seen.reached_in(t) == (set(watching.positions(t)) if t.correct else set())
    assert seen.record["counts"]["cloned"] == sum(t.correct for t in world.episodes) == 4
    tokens = [lp for t in world.episodes if t.correct for lp, s in zip(t.sampler_logprobs, t.sampled, strict=True) if s]
    assert seen.record["loss_clone"] == pytest.approx(-sum(tokens) / len(tokens), rel=1e-4)
    alone = observe(world.run(shared(STARConfig), [t for t in world.episodes if t.correct]))
    assert all(torch.allclose(alone.gradient[n], g, atol=1e-6) for n, g in seen.gradient.items())


def test_star_moves_nothing_where_nothing_came_out_right(world):
    run = world.run(shared(STARConfig), [changed(t, correct=False) for t in world.episodes])
    before = {n: p.detach().clone() for n, p in run.policy.model.named_parameters()}
    seen = observe(run)
    assert not seen.record["counts"].get("cloned") and seen.record["trained_tokens"] == 0
    assert all(torch.equal(p, before[n]) for n, p in run.policy.model.named_parameters())


# GRPO


def test_a_huge_reference_weight_holds_the_policy_back(world):
    """After eight steps on the same episodes: far from the start without, near it with."""
    kl = {}
    for beta in (1e-9, 100.0):
        run = world.run(shared(GRPOConfig, reference=beta, batch_tokens=4096))
        found = [observe(run).record["kl_reference"] for _ in range(8)]
        assert abs(found[0]) < 1e-6  # it starts at the reference
        kl[beta] = found[-1]
    assert kl[100.0] < kl[1e-9] / 10
    assert "kl_reference" not in observe(world.run(shared(GRPOConfig))).record


def test_the_reference_stays_where_the_run_began(world):
    run = world.run(shared(GRPOConfig, reference=0.1))
    start = {n: p.detach().clone() for n, p in run.policy.model.named_parameters()}
    observe(run)
    observe(run)
    state = run.algorithm.state()["reference"]
    assert all(torch.equal(w, start[n]) for n, w in state.items())
    assert any(not torch.equal(p, start[n]) for n, p in run.policy.model.named_parameters())


def advantages(world, options, episodes):
    """Advantage by turn of each episode, as the step had them."""
    batch = observe(world.run(shared(GRPOConfig, advantage=options), episodes)).batch
    return [
        [next(a for a, k in zip(i.advantages.tolist(), i.turns, strict=True) if k == turn) for turn in range(t.turns)]
        for t, i in zip(episodes, batch.items, strict=True)
    ]


def test_advantage_options_reach_the_step(world):
    group, rewards = world.episodes[:4], torch.tensor([t.reward for t in world.episodes[:4]])
    centred = rewards - rewards.mean()
    for options, expected in (
        (AdvantageConfig(), centred),
        (AdvantageConfig(scale="std"), centred / rewards.std(correction=0)),
        (AdvantageConfig(baseline="leave_one_out"), centred * 4 / 3),
    ):
        for found, value in zip(advantages(world, options, group), expected.tolist(), strict=True):
            assert found == pytest.approx([value] * len(found), abs=1e-6)


@pytest.mark.parametrize("credit", ["return_to_go", "turn"])
def test_turn_level_credit_reaches_the_step(world, credit):
    """Of two episodes with the same reward, the turn that brought something is above the other's."""
    paid, idle = {"process": 1.0, "format": 1.0}, {"process": 0.0, "format": 0.0}
    first, second = (changed(t, reward=0.5, turn_parts=[paid, idle]) for t in (world.episodes[0], world.episodes[1]))
    second.turn_parts = [idle, paid]
    third = changed(world.episodes[2], reward=0.0, turn_parts=[idle, idle])
    a, b, _ = advantages(world, AdvantageConfig(credit=credit), [first, second, third])
    assert a != b and len(set(a)) == 2
    if credit == "turn":
        assert a[0] > b[0] and b[1] > a[1]
    else:
        assert a[0] == pytest.approx(b[0]) and b[1] > a[1]


# Distillation


def test_opsd_knows_no_rewards(world):
    config = shared(OPSDConfig)
    seen = [observe(world.run(config, [changed(t, reward=r) for t in world.episodes])) for r in (0.0, 1.0)]
    seen.append(observe(world.run(config)))
    assert same(*seen[:2]) and same(*seen[1:]) and seen[0].size > 1e-4
    equal = observe(world.run(BASE, world.unpaid()))
    assert same(equal, seen[0])  # the distillation of TT-OPD, and nothing else
    assert "loss_rl" not in seen[0].record


def test_reference_hints_tell_the_actions_to_the_teacher_alone(world):
    def actions(task):
        lever = SECRET[task.colour]
        return [f"pull {lever}", f"submit {task.numbers[lever]}"]

    seen = observe(world.run(changed(BASE, hint="reference"), reference=actions))
    tasks = {t.id: t for t in world.tasks}
    contexts = {world.policy.chat.decode(ids) for ids in seen.read}
    for t in world.episodes:
        told = "\n".join(actions(tasks[t.task]))
        parts = [c.split(watching.HEADER) for c in contexts if c.count(told) == t.turns]
        assert any(all(told in part.rsplit("<|im_start|>", 1)[-1] for part in p[:-1]) for p in parts)
        assert told not in world.text(t)
    counts = seen.record["counts"]
    assert counts["hint_reference"] == counts["hint"] == sum(t.turns for t in world.episodes)


def test_contrast_asks_both_teachers_of_every_episode(world):
    seen = observe(world.run(changed(BASE, hint="contrast")))
    expected = [
        world.text(t).replace(watching.HEADER, f"<|im_start|>user\n{hint}<|im_end|>\n{watching.HEADER}")
        for t in world.episodes
        for hint in HINTS.values()
    ]
    assert sorted(world.policy.chat.decode(ids) for ids in seen.read) == sorted(expected)
    plain = observe(world.run(changed(BASE, hint="outcome"), [changed(t, correct=True) for t in world.episodes]))
    for both, one in zip(seen.batch.items, plain.batch.items, strict=True):
        assert torch.allclose(both.teacher, one.teacher, atol=1e-5)  # towards the right hint
        assert not torch.allclose(both.baseline, both.teacher, atol=1e-3)


@given(st.integers(1, 200), st.floats(0, 8), st.sampled_from(["constant", "phase_out"]))
def test_lambda_never_rises(steps, weight, schedule):
    config = TTOPDConfig(steps=steps, distill=DistillConfig(weight=weight, schedule=schedule))
    found = [distill_weight(config, step) for step in range(steps)]
    assert found[0] == pytest.approx(weight) and all(a >= b >= 0 for a, b in itertools.pairwise(found))
    assert distill_weight(config, steps) == pytest.approx(0.0 if schedule == "phase_out" else weight, abs=1e-9)


@given(st.integers(2, 100), st.integers(1, 20), st.integers(1, 20))
def test_turn_limit_is_a_straight_line(steps, first, last):
    config = TTOPDConfig(steps=steps, truncation=TruncationConfig(turns=first, last_turns=last))
    found = [turn_limit(config, step) for step in range(steps)]
    assert (found[0], found[-1]) == (first, last)
    assert all(abs(k - (first + (last - first) * n / (steps - 1))) <= 0.5 for n, k in enumerate(found))
    constant = changed(config, truncation=TruncationConfig(turns=first))
    assert {turn_limit(constant, step) for step in range(steps)} == {first}


def test_schedules_reach_the_step(world):
    config = changed(
        BASE, steps=3, distill=DistillConfig(weight=0.5), truncation=TruncationConfig(turns=1, last_turns=3),
        batch_tokens=4096,
    )  # fmt: skip
    run = world.run(config)
    records = [observe(run).record for _ in range(3)]
    assert [r["distill_weight"] for r in records] == pytest.approx([0.5, 0.375, 0.125])
    assert [sorted(r["kl_by_turn"]) for r in records] == [["0"], ["0", "1"], ["0", "1", "2"]]


def test_hard_copies_and_rarer_updates_of_the_average(world):
    config = changed(BASE, batch_tokens=4096, learning_rate=1e-3)
    run = world.run(changed(config, ema=EMAConfig(decay=0.9, copy_every=2)))
    distances = [observe(run).record["ema_distance"] for _ in range(4)]
    assert [d == 0 for d in distances] == [False, True, False, True]
    assert (run.counters["ema"], run.counters["ema_copies"]) == (4, 2)
    rare = world.run(changed(config, ema=EMAConfig(decay=0.9, every=2)))
    teacher = rare.algorithm.distillation.teacher
    kept = [{n: w.clone() for n, w in teacher.weights.items()} for _ in range(3) if observe(rare)]
    first = dict(world.policy.model.named_parameters())
    assert all(torch.equal(w, first[n]) for n, w in kept[0].items())
    assert any(not torch.equal(w, kept[0][n]) for n, w in kept[1].items())
    assert all(torch.equal(w, kept[1][n]) for n, w in kept[2].items())
    assert rare.counters["ema"] == 1


def test_an_update_of_the_average_is_skipped_and_counted_while_the_student_is_far(world):
    run = world.run(changed(BASE, ema=EMAConfig(decay=0.9, skip_above=0.5)))
    method, teacher = run.algorithm, run.algorithm.distillation.teacher
    with torch.no_grad():
        for p in run.policy.model.parameters():
            p.mul_(1.01)
    before = {n: w.clone() for n, w in teacher.weights.items()}
    assert method.follow(run, {"teacher_gap": 0.51}) == {"ema_skipped": 1}
    assert all(torch.equal(w, before[n]) for n, w in teacher.weights.items())
    assert method.follow(run, {"teacher_gap": 0.49}) == {"ema": 1}
    assert any(not torch.equal(w, before[n]) for n, w in teacher.weights.items())


# The trainer


def imported(path):
    """Every module that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module)} | {f"{node.module}.{a.name}" for a in node.names}
    return found


@pytest.mark.parametrize("module", [trainer, update], ids=lambda m: m.__name__)
def test_the_trainer_knows_no_method(module):
    path = Path(module.__file__)
    from_methods = {name for name in imported(path) if name.startswith("training.algorithms")}
    assert all(name.startswith("training.algorithms.base") for name in from_methods)
    kinds = {kind.__name__ for kind in ALGORITHMS.values()}
    words = {n.id for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Name)}
    assert not words & {*kinds, *(m.__name__ for m in METHODS.values()), "Distillation"}
    parts = {name.rpartition(".")[0] for name in imported(path)} | imported(path)
    assert not parts & {"training.losses", "training.hints", "training.teacher", "training.advantages"}


def test_every_algorithm_has_a_configuration_and_a_method():
    assert set(METHODS) == set(ALGORITHMS)


# Learning

LEARN = {
    "steps": 20, "prompts": 8, "samples": 12, "updates": 4, "learning_rate": 1e-3, "final_rate": 0.1,
    "turn_tokens": 8, "episode_tokens": 96, "validate_every": 5, "checkpoint_every": 100, "episodes_every": 100,
    "gradient_norms_every": 0,
}  # fmt: skip
ARMS = {
    "grpo": GRPOConfig(**LEARN, cosine=CosineConfig(weight=0.0)),
    "ttopd": TTOPDConfig(
        **LEARN,
        hint="outcome",
        truncation=TruncationConfig(turns=1, tokens=2),
        cosine=CosineConfig(weight=0.2, limit=40),
    ),
}


def oracle(task):
    lever = SECRET[task.colour]
    return [f"pull {lever}", f"submit {task.numbers[lever]}"]


@pytest.mark.parametrize("arm", ARMS)
def test_it_learns_the_control_task_to_95_percent_of_the_optimum(cloned, control, policy, tmp_path, arm):
    """From reward alone: which lever belongs to which colour, and to report what that lever shows."""
    tasks = [t for t in control if t.split == "validation"]
    played = rollout_scripted(policy, tasks, oracle, name="oracle", make_episode=ControlEpisode)
    optimum = sum(t.reward for t in played) / len(played)
    figures = train_rl(cloned, control, None, tmp_path, ARMS[arm], 0, make_episode=ControlEpisode)
    curve = [r for r in map(json.loads, open(tmp_path / "metrics.jsonl")) if "validation_composite" in r]
    assert optimum == 1.0 and figures["validation_first"]["composite"] < 0.85 * optimum
    assert figures["validation_best"]["composite"] >= 0.95 * optimum, [r["validation_composite"] for r in curve]

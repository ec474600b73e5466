"""What cloning shows and does not show, and that it can be stopped at any time."""

import json

import msgspec
import pytest
import torch
from safetensors.torch import load_file

from medgym_core.errors import MedGymError
from training.batches import token_logprobs
from training.bc import train_bc
from training.config import BCConfig
from training.control import ControlEpisode, control_tasks, explorer_texts
from training.examples import Example, clone_batch, copy_batch, make_examples, scramble, select_demonstrations
from training.hints import HINTS, splice
from training.policy import load_policy
from training.rollout import rollout_scripted
from training.run import learning_rate
from training.trajectory import ASSISTANT, write_trajectories

QUICK = BCConfig(copy_steps=2, steps=4, warmup_steps=2, checkpoint_every=2, batch_tokens=512)


def test_unhinted_contexts_hold_correct_episodes_only(policy, explored):
    shown = make_examples(policy, explored, BCConfig())
    good = [t.token_ids for t in explored if t.correct]
    assert 0 < len(good) < len(explored)
    assert [e.ids for e in shown.plain] == good
    assert len(make_examples(policy, explored, BCConfig(clone_incorrect=True)).plain) == len(explored)


def test_every_hint_shown_is_true(policy, explored):
    shown = make_examples(policy, explored, BCConfig())
    hints = {c: policy.chat.hint_ids(HINTS["correct" if c else "incorrect"]) for c in (True, False)}
    assert [e.ids for e in shown.hinted] == [splice(t.token_ids, t.turn_id, hints[t.correct])[0] for t in explored]
    assert make_examples(policy, explored, BCConfig(hinted=0.0)).hinted == []


def test_loss_is_on_sampled_tokens_and_a_little_on_what_is_read(policy, explored):
    t = next(t for t in explored if t.correct)
    for weight in (0.0, 0.1):
        example = make_examples(policy, [t], BCConfig(observation_weight=weight)).plain[0]
        for w, sampled, role in zip(example.weights, t.sampled, t.role, strict=True):
            assert w == (1.0 if sampled else weight if role not in (0, ASSISTANT) else 0.0)
    hinted = make_examples(policy, [t], BCConfig(observation_weight=0.0)).hinted[0]
    said = [i for i, w in zip(hinted.ids, hinted.weights, strict=True) if w]
    assert said == [i for i, s in zip(t.token_ids, t.sampled, strict=True) if s]


def test_scrambling_exchanges_copied_numbers_everywhere_and_leaves_worked_out_ones(policy, explored):
    from random import Random

    shown = make_examples(policy, explored, BCConfig())
    example = shown.plain[0]
    changed = scramble(example, shown.numbers, Random(1))
    text, other = policy.chat.decode(example.ids), policy.chat.decode(changed.ids)
    number, new = text.split("it shows ")[1][0], other.split("it shows ")[1][0]
    assert number != new and f"submit {new}" in other and f"submit {number}" in text
    unread = [0.0 if w != 1.0 else 1.0 for w in example.weights]  # as if the number had never been read
    fixed = scramble(Example(example.ids, unread), shown.numbers, Random(1))
    assert f"submit {number}" in policy.chat.decode(fixed.ids)


def test_demonstrations_are_limited_evenly_over_domains(explored):
    half = len(explored) // 2
    mixed = [msgspec.structs.replace(t, domain="a" if i < half else "b") for i, t in enumerate(explored)]
    chosen = select_demonstrations(mixed, 8, 0)
    good = [t for t in chosen if t.correct]
    assert len(good) == 8 and [t.domain for t in good].count("a") == 4
    assert {t.task for t in chosen if not t.correct} <= {t.task for t in good}
    assert select_demonstrations(mixed, 8, 1) != chosen == select_demonstrations(mixed, 8, 0)
    assert select_demonstrations(mixed, 0, 0) == mixed


def test_batches_depend_on_seed_and_step_alone(policy, explored):
    shown = make_examples(policy, explored, BCConfig())
    assert clone_batch(shown, BCConfig(), 5, 0) == clone_batch(shown, BCConfig(), 5, 0)
    assert clone_batch(shown, BCConfig(), 5, 0) != clone_batch(shown, BCConfig(), 6, 0)
    assert copy_batch(policy, 5, 0) == copy_batch(policy, 5, 0) != copy_batch(policy, 5, 1)
    for step in range(20):
        batch = clone_batch(shown, QUICK, step, 0)
        assert len(batch) * max(len(e.ids) for e in batch) <= QUICK.batch_tokens


def test_warm_up_rows_repeat_where_the_loss_is(policy):
    for row in copy_batch(policy, 0, 0):
        first = row.weights.index(1.0)
        period = first - 1
        assert all(row.ids[i] == row.ids[i - period] for i in range(first, len(row.ids)))


def test_learning_rate_warms_up_and_falls():
    rates = [learning_rate(QUICK, s) for s in range(6)]
    assert rates[0] < rates[1] == max(rates) and rates[2:] == sorted(rates[2:], reverse=True) and rates[-1] > 0


def test_stopped_and_resumed_equals_undisturbed_bit_for_bit(made, tmp_path):
    class Killed(Exception):
        pass

    def kill(record):
        if record["step"] == 3:  # after the checkpoint of step 2
            raise Killed

    straight = train_bc(made[0], made[1], tmp_path / "a", QUICK, 0)
    with pytest.raises(Killed):
        train_bc(made[0], made[1], tmp_path / "b", QUICK, 0, kill)
    resumed = train_bc(made[0], made[1], tmp_path / "b", QUICK, 0)
    assert resumed["policy_digest"] == straight["policy_digest"]
    for file in ("metrics.jsonl", "checkpoints/step-000006/optimiser.safetensors"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert [json.loads(line)["step"] for line in open(tmp_path / "b" / "metrics.jsonl")] == [1, 2, 3, 4, 5, 6]
    with pytest.raises(MedGymError, match="belongs to another run"):
        train_bc(made[0], made[1], tmp_path / "b", QUICK, 1)


def test_cloning_changes_the_policy_and_lowers_the_loss(made, tmp_path):
    config = BCConfig(copy_steps=0, steps=30, learning_rate=3e-3, batch_tokens=1024)
    losses = []
    figures = train_bc(made[0], made[1], tmp_path, config, 0, lambda r: losses.append(r["loss"]))
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
    assert figures["tokens_per_second"] > 0 and figures["steps"] == 30
    before, after = (load_file(d / "model.safetensors") for d in (made[0], tmp_path / "policy"))
    assert all(not torch.equal(before[n], after[n]) for n in before)


def test_a_policy_learns_to_read_the_hint(made, tmp_path):
    """Episodes it has never seen are likelier under their true outcome than under the false one."""
    config = BCConfig(
        copy_steps=0, steps=110, learning_rate=3e-3, batch_tokens=1024, hinted=0.7, scramble=0.0, clone_incorrect=True
    )
    train_bc(made[0], made[1], tmp_path, config, 0)
    policy = load_policy(tmp_path / "policy")
    tasks = control_tasks(100, 99)
    unseen = rollout_scripted(policy, tasks, explorer_texts, name="x", make_episode=ControlEpisode)
    hints = {c: policy.chat.hint_ids(HINTS["correct" if c else "incorrect"]) for c in (True, False)}

    def likelihood(truthful):
        hinted = [splice(t.token_ids, t.turn_id, hints[t.correct == truthful]) for t in unseen]
        ids = [spliced for spliced, _ in hinted]
        places = [
            [p for p, s in zip(at, t.sampled, strict=True) if s] for (_, at), t in zip(hinted, unseen, strict=True)
        ]
        return sum(float(lp.sum()) for lp in token_logprobs(policy.model, ids, places, 4096)) / len(unseen)

    assert likelihood(True) > likelihood(False) + 0.02


def test_nothing_correct_to_clone_is_an_error(made, explored, tmp_path):
    write_trajectories(tmp_path / "bad.parquet", [t for t in explored if not t.correct])
    with pytest.raises(MedGymError, match="nothing to clone.*none correct"):
        train_bc(made[0], tmp_path / "bad.parquet", tmp_path / "out", QUICK, 0)
    assert not (tmp_path / "out" / "policy").exists()

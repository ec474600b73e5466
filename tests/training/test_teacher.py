"""The teacher: alive to its hint, aligned, averaged in closed form, honest about what it cannot say."""

import copy
import math

import msgspec
import pytest
import torch

from training.batches import head_of
from training.hints import HINTS, Hints, hint_kinds, splice
from training.teacher import Teacher, TeacherRequest, teacher_hidden


def teacher_logprobs(model, requests, batch_tokens, *, full=True):
    """Log-probabilities (n, V) of what the teacher says; of the tokens themselves (n,) unless `full`."""
    head = head_of(model)
    said = [head.logits(h).log_softmax(-1).detach() for h in teacher_hidden(model, requests, batch_tokens)]
    if full:
        return said
    targets = [torch.tensor([r.token_ids[p] for p in r.positions])[:, None] for r in requests]
    return [s.gather(1, t)[:, 0] for s, t in zip(said, targets, strict=True)]


def request(t, hint):
    return TeacherRequest(t.token_ids, t.turn_id, [i for i, s in enumerate(t.sampled) if s], hint)


def plain_forward(model, ids, positions):
    with torch.no_grad():
        logp = model(torch.tensor([ids])).logits[0].log_softmax(-1)
    return logp[[p - 1 for p in positions]]


@pytest.fixture
def episode(episodes):
    return next(t for t in episodes if t.turns == 2)


def test_hint_is_live_and_its_kinds_differ(policy, episode):
    hints = {k: policy.chat.hint_ids(text) for k, text in HINTS.items()}
    said = {k: teacher_logprobs(policy.model, [request(episode, h)], 4096, full=True)[0] for k, h in hints.items()}
    silent = teacher_logprobs(policy.model, [request(episode, [])], 4096, full=True)[0]
    assert (said["correct"] - silent).abs().max() > 1e-3
    assert (said["correct"] - said["incorrect"]).abs().max() > 1e-3


def test_same_weights_and_no_hint_give_no_divergence(policy, episode):
    with Teacher(copy.deepcopy(policy.model), 0.9).speaking() as model:
        said = teacher_logprobs(model, [request(episode, [])], 4096, full=True)[0]
    mu = torch.tensor([lp for lp, s in zip(episode.sampler_logprobs, episode.sampled, strict=True) if s])
    tokens = torch.tensor([i for i, s in zip(episode.token_ids, episode.sampled, strict=True) if s])
    assert torch.allclose(said.gather(1, tokens[:, None])[:, 0], mu, atol=1e-4)
    student = plain_forward(policy.model, episode.token_ids, request(episode, []).positions)
    assert (student.exp() * (student - said)).sum(-1).abs().max() < 1e-6


def test_spliced_scoring_equals_a_plain_forward_turn_by_turn(policy, episode):
    """First and last sampled token of every turn included: the context before turn j is ids[:p] + hint + ids[p:]."""
    hint = policy.chat.hint_ids(HINTS["incorrect"])
    said = teacher_logprobs(policy.model, [request(episode, hint)], 4096, full=True)[0]
    positions = request(episode, hint).positions
    context, start, row = [], 0, 0
    for turn in range(episode.turns):
        p = episode.turn_id.index(turn)  # where the generation header of this turn begins
        context = context + episode.token_ids[start:p] + hint
        mine = [i for i in positions if episode.turn_id[i] == turn]
        ids = context + episode.token_ids[p : mine[-1] + 1]
        expected = plain_forward(policy.model, ids, [len(context) + i - p for i in mine])
        assert torch.allclose(said[row : row + len(mine)], expected, atol=1e-5)
        assert [ids[len(context) + i - p] for i in mine] == [episode.token_ids[i] for i in mine]
        context, start, row = ids, mine[-1] + 1, row + len(mine)
    assert row == len(said)


def test_hint_stands_on_a_message_boundary_before_the_header_of_every_turn(policy, episode):
    ids, places = splice(episode.token_ids, episode.turn_id, policy.chat.hint_ids("H!"))
    text = policy.chat.decode(ids)
    assert text.count("<|im_end|>\n<|im_start|>user\nH!<|im_end|>\n<|im_start|>assistant\n") == episode.turns
    assert text.replace("<|im_start|>user\nH!<|im_end|>\n", "") == policy.chat.decode(episode.token_ids)
    assert [ids[p] for p in places] == episode.token_ids


def test_batched_scoring_equals_one_by_one(policy, episodes):
    requests = [request(t, policy.chat.hint_ids(HINTS["correct"])) for t in episodes]
    for a, r in zip(teacher_logprobs(policy.model, requests, 300, full=False), requests, strict=True):
        b = teacher_logprobs(policy.model, [r], 10_000, full=True)[0]
        tokens = torch.tensor([r.token_ids[p] for p in r.positions])
        assert torch.allclose(a, b.gather(1, tokens[:, None])[:, 0], atol=1e-5)


def test_average_follows_its_closed_form(policy):
    student = copy.deepcopy(policy.model)
    teacher = Teacher(student, 0.9)
    start = [w.clone() for w in teacher.weights.values()]
    with torch.no_grad():
        for p in student.parameters():
            p.add_(1.0)
    for _ in range(3):
        teacher.update()
    for first, mean, now in zip(start, teacher.weights.values(), student.parameters(), strict=True):
        assert torch.allclose(mean, 0.9**3 * first + (1 - 0.9**3) * now, atol=1e-5)
        assert not torch.equal(mean, first)
        assert mean.dtype == torch.float32 and not mean.requires_grad
    assert teacher.distance() > 0
    teacher.copy_student()
    assert teacher.distance() == 0


def test_the_teacher_speaks_with_its_own_weights_and_leaves_the_students_alone(policy, episode):
    student = copy.deepcopy(policy.model)
    teacher = Teacher(student, 0.9)
    before = teacher_logprobs(student, [request(episode, [])], 4096)[0]
    with torch.no_grad():
        for p in student.parameters():
            p.mul_(1.1)
    moved = [p.clone() for p in student.parameters()]
    with pytest.raises(RuntimeError), teacher.speaking():
        raise RuntimeError
    with teacher.speaking() as model:
        hidden = teacher_hidden(model, [request(episode, [])], 4096)[0]
    assert all(torch.equal(a, b) for a, b in zip(moved, student.parameters(), strict=True))
    assert torch.equal(teacher.head().logits(hidden).log_softmax(-1), before)
    assert not torch.allclose(teacher_logprobs(student, [request(episode, [])], 4096)[0], before)


def test_average_is_kept_in_fp32_for_a_lower_precision_student(policy):
    student = copy.deepcopy(policy.model).bfloat16()
    teacher = Teacher(student, 0.995)
    with torch.no_grad():
        for p in student.parameters():
            p.mul_(1.01)
    before = [w.clone() for w in teacher.weights.values()]
    teacher.update()
    assert all(w.dtype == torch.float32 for w in teacher.weights.values())
    assert all(not torch.equal(a, b) for a, b in zip(before, teacher.weights.values(), strict=True))


def test_what_the_teacher_cannot_score_is_missing_and_not_a_probability(policy, episode):
    model = copy.deepcopy(policy.model)
    hint = policy.chat.hint_ids(HINTS["correct"])
    whole = teacher_logprobs(model, [request(episode, hint)], 4096, full=False)[0]
    ids, places = splice(episode.token_ids, episode.turn_id, hint)
    last = places[request(episode, hint).positions[-1]]
    model.config.max_position_embeddings = last  # the last sampled token no longer fits
    cut = teacher_logprobs(model, [request(episode, hint)], 4096, full=False)[0]
    assert torch.allclose(cut[:-1], whole[:-1], atol=1e-5)
    assert math.isnan(cut[-1])
    model.config.max_position_embeddings = 2
    assert teacher_logprobs(model, [request(episode, hint)], 4096, full=True)[0].isnan().all()


def test_outcome_hints_follow_the_verifiers_bit_and_not_the_reward(episodes):
    kinds = hint_kinds("outcome", episodes, 0)
    assert kinds == [Hints("correct" if t.correct else "incorrect") for t in episodes]
    paid_but_wrong = [k.teacher for k, t in zip(kinds, episodes, strict=True) if t.reward > 0 and not t.correct]
    assert paid_but_wrong and set(paid_but_wrong) == {"incorrect"}
    assert hint_kinds("none", episodes, 0) == [Hints("")] * len(episodes)
    assert hint_kinds("contrast", episodes, 0) == [Hints("correct", "incorrect")] * len(episodes)


def test_shuffled_hints_keep_the_counts_and_lose_the_order(episodes):
    mixed = [msgspec.structs.replace(t, correct=i % 3 == 0) for i, t in enumerate(episodes)]
    plain, shuffled = hint_kinds("outcome", mixed, 0), hint_kinds("shuffled", mixed, 0)
    assert sorted(plain) == sorted(shuffled) and plain != shuffled
    assert shuffled == hint_kinds("shuffled", mixed, 0) != hint_kinds("shuffled", mixed, 1)


def test_hints_hold_no_gold(episodes):
    assert all(len(text) < 60 and not any(c.isdigit() for c in text) for text in HINTS.values())

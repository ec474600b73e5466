"""The losses on tensors small enough to check by hand."""

import pytest
import torch

from training.losses import (
    distill_full,
    distill_sampled,
    distillation,
    policy_gain,
    reference_kl,
    turn_shares,
    with_tail,
)

LIMITS = {"clip_low": 0.2, "clip_high": 0.28, "importance_cap": 2.0}


def rl_gradient(ratio, advantage, mu_shift=0.0):
    """d loss / d logp of one token whose policy moved by `ratio` since the rollout."""
    old = torch.tensor([-1.0])
    logp = (old + torch.tensor(ratio).log()).requires_grad_()
    gain, clipped = policy_gain(logp, old, old - mu_shift, torch.tensor([advantage]), **LIMITS)
    (-gain).sum().backward()
    return logp.grad.item(), int(clipped)


def test_clip_is_higher_upwards_than_downwards():
    assert rl_gradient(1.0, 1.0) == (pytest.approx(-1.0), 0)
    assert rl_gradient(1.25, 1.0) == (pytest.approx(-1.25), 0)
    assert rl_gradient(1.29, 1.0) == (0.0, 1)
    assert rl_gradient(0.79, -1.0) == (0.0, 1)
    assert rl_gradient(0.81, -1.0) == (pytest.approx(0.81), 0)
    assert rl_gradient(1.5, -1.0) == (pytest.approx(1.5), 0)


def test_sampler_correction_is_truncated():
    assert rl_gradient(1.0, 1.0, mu_shift=0.5)[0] == pytest.approx(-(torch.tensor(0.5).exp().item()))
    assert rl_gradient(1.0, 1.0, mu_shift=5.0)[0] == pytest.approx(-2.0)


def test_full_form_is_the_expectation_of_the_sampled_form():
    torch.manual_seed(0)
    logits = torch.randn(1, 7, requires_grad=True)
    teacher = torch.randn(1, 7).log_softmax(-1)
    logp = logits.log_softmax(-1)
    gap = logp - teacher
    (full,) = torch.autograd.grad(distill_full(logp, gap, 0.4).sum(), logits, retain_graph=True)
    expected = torch.zeros_like(logits)
    for v in range(7):
        token = logp[:, v]
        loss = distill_sampled(token, token.detach(), token.detach(), gap[:, v], 0.4, 2.0)
        expected += logp[0, v].exp().item() * torch.autograd.grad(loss.sum(), logits, retain_graph=True)[0]
    assert torch.allclose(full, expected, atol=1e-6)


def test_unclipped_full_form_has_the_gradient_of_the_reverse_kl():
    torch.manual_seed(1)
    logits = torch.randn(3, 5, requires_grad=True)
    teacher = torch.randn(3, 5).log_softmax(-1)
    logp = logits.log_softmax(-1)
    (ours,) = torch.autograd.grad(distill_full(logp, logp - teacher, 99.0).sum(), logits, retain_graph=True)
    kl = torch.nn.functional.kl_div(teacher, logp, log_target=True, reduction="sum")
    (exact,) = torch.autograd.grad(kl, logits)
    assert torch.allclose(ours, exact, atol=1e-6)


def test_log_ratio_is_clipped():
    logp = torch.tensor([[0.5, 0.5]]).log()
    assert distill_full(logp, torch.tensor([[50.0, -50.0]]), 0.25).item() == pytest.approx(0.0)
    assert distill_full(logp, torch.tensor([[50.0, 50.0]]), 0.25).item() == pytest.approx(0.25)


def test_gradient_never_flips_sign_for_a_bad_episode():
    """The distillation term knows nothing of the advantage: it moves towards the teacher whatever the reward."""
    logits = torch.zeros(1, 2, requires_grad=True)
    logp = logits.log_softmax(-1)
    teacher = torch.tensor([[0.9, 0.1]]).log()
    distill_full(logp, logp - teacher, 1.0).sum().backward()
    assert logits.grad[0, 0] < 0 < logits.grad[0, 1]


def test_every_turn_weighs_the_same():
    turns, kept = [[0, 0, 0, 1], [0, 0]], [[True, True, True, True], [True, False]]
    by_turn = turn_shares(turns, kept, "turn")
    assert by_turn == [[pytest.approx(1 / 9)] * 3 + [pytest.approx(1 / 3)], [pytest.approx(1 / 3), 0.0]]
    assert turn_shares(turns, kept, "token") == [[0.2] * 4, [0.2, 0.0]]
    assert turn_shares(turns, [[False] * 4, [False] * 2], "turn") == [[0.0] * 4, [0.0] * 2]


FORM = {"top_k": 3, "clip": 9.0, "gate": 0.0, "importance_cap": 2.0}


def rows(seed, n=4, vocabulary=11):
    torch.manual_seed(seed)
    return torch.randn(n, vocabulary, requires_grad=True)


def distilled(logits, teacher, form, **changes):
    logp = logits.log_softmax(-1)
    targets = torch.arange(len(logits))
    old = logp.detach().gather(1, targets[:, None])[:, 0]
    return distillation(logp, teacher, None, targets, old, old, form=form, **{**FORM, **changes})


def test_top_k_and_its_tail_are_a_distribution_and_bound_the_kl_from_below():
    logits, teacher = rows(0), rows(1).detach().log_softmax(-1)
    logp = logits.log_softmax(-1)
    kept = logp.topk(3).indices
    assert torch.allclose(with_tail(logp, kept).exp().sum(-1), torch.ones(4))
    full, coarse = distilled(logits, teacher, "full"), distilled(logits, teacher, "top_k")
    assert (coarse <= full + 1e-6).all() and (coarse >= -1e-6).all() and not torch.allclose(coarse, full)
    assert torch.allclose(distilled(logits, teacher, "top_k", top_k=11), full)
    assert torch.allclose(distilled(logits, teacher, "top_k", top_k=10), full, atol=1e-5)


def test_a_tail_without_probability_stays_finite():
    logits = torch.tensor([[200.0, 0.0, 0.0]], requires_grad=True)
    d = distilled(logits, torch.zeros(1, 3).log_softmax(-1), "top_k", top_k=1)
    d.sum().backward()
    assert torch.isfinite(d).all() and torch.isfinite(logits.grad).all()


def test_the_gate_weighs_each_token_by_how_much_the_teacher_likes_it():
    logits, teacher = rows(2), rows(3).detach().log_softmax(-1)
    plain, gated = distilled(logits, teacher, "full"), distilled(logits, teacher, "full", gate=2.0)
    targets = torch.arange(4)
    delta = (logits.log_softmax(-1) - teacher)[targets, targets].detach()
    assert torch.allclose(gated, plain * torch.sigmoid(-2 * delta))


def test_reference_kl_is_never_negative_and_zero_for_the_reference():
    logp = torch.tensor([-1.0, -2.0, -0.1], requires_grad=True)
    assert reference_kl(logp, logp.detach()).abs().max() == 0
    kl = reference_kl(logp, torch.tensor([-2.0, -1.0, -5.0]))
    assert (kl > 0).all()
    kl.sum().backward()
    assert logp.grad[0] > 0 > logp.grad[1]  # back towards the reference

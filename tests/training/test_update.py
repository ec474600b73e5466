"""What may move the weights: truncation, masks, lambda, missing teachers."""

import copy

import msgspec
import pytest
import torch

from training.advantages import set_advantages
from training.algorithms import algorithm
from training.config import AdvantageConfig, DistillConfig, GRPOConfig, TTOPDConfig
from training.hints import HINTS
from training.items import ask_teacher, mask_missing, prepare, truncate, truncation_mask
from training.trajectory import ASSISTANT
from training.update import update

ALL = (0, 0)


def with_advantages(episodes):
    copies = [msgspec.structs.replace(t, shaped_reward=t.reward) for t in episodes]
    set_advantages(copies, AdvantageConfig())
    return copies


def items_of(policy, episodes, truncation=ALL, advantage=None):
    items = prepare(with_advantages(episodes))
    truncate(items, *truncation)
    hint = policy.chat.hint_ids(HINTS["correct"])
    for item, said in zip(items, ask_teacher(policy.model, items, [hint] * len(items), 4096), strict=True):
        item.teacher = said
        if advantage is not None:
            item.advantages = torch.full_like(item.advantages, advantage)
    mask_missing(items)
    return items


def learn(model, optimiser, items, config, weight, measure=False):
    """One update at that lambda."""
    method = algorithm(config, model)
    method.distillation.weight = weight
    return update(model, optimiser, items, config, method, measure=measure)


def gradient(policy, items, weight, measure=False, **kwargs):
    """Gradient of one update by parameter name; the weights of `policy` stay as they are."""
    model = copy.deepcopy(policy.model)
    config = TTOPDConfig(max_grad_norm=1e9, **kwargs)
    figures = learn(model, torch.optim.SGD(model.parameters(), lr=0.0), items, config, weight, measure=measure)
    zero = torch.zeros(())
    return {n: zero if p.grad is None else p.grad.clone() for n, p in model.named_parameters()}, figures


def size(grads):
    return float(torch.stack([g.norm() for g in grads.values()]).norm())


def test_truncation_mask_keeps_first_turns_and_first_tokens():
    turns = [0, 0, 0, 1, 1, 2]
    assert truncation_mask(turns, 2, 2) == [True, True, False, True, True, False]
    assert truncation_mask(turns, 1, 0) == [True] * 3 + [False] * 3
    assert truncation_mask(turns, *ALL) == [True] * 6


def test_tokens_outside_the_truncation_give_exactly_no_distillation_gradient(policy, episodes):
    t = next(t for t in episodes if t.turns == 2)
    items = items_of(policy, [t], ALL, advantage=0.0)
    first_turn = truncation_mask(items[0].turns, 1, 0)
    items[0].keep = [not k for k in first_turn]  # only what a truncation to one turn leaves out
    assert any(items[0].keep) and size(gradient(policy, items, 1.0)[0]) > 0
    items[0].keep = [k and f for k, f in zip(items[0].keep, first_turn, strict=True)]
    assert size(gradient(policy, items, 1.0)[0]) == 0.0


def test_what_lies_outside_the_truncation_cannot_change_the_gradient(policy, episodes):
    kept = items_of(policy, episodes, (1, 2), advantage=0.0)
    other = items_of(policy, episodes, (1, 2), advantage=0.0)
    for item in other:
        outside = ~torch.tensor(item.keep)
        item.teacher[outside] = torch.randn(item.teacher.shape[1])
    a, b = gradient(policy, kept, 1.0)[0], gradient(policy, other, 1.0)[0]
    assert size(a) > 0 and all(torch.equal(a[n], b[n]) for n in a)
    whole = gradient(policy, items_of(policy, episodes, advantage=0.0), 1.0)[0]
    assert any(not torch.equal(a[n], whole[n]) for n in a)


def test_only_sampled_tokens_are_trained_on(policy, episodes):
    """The items hold exactly the sampled tokens, and every loss lives on items."""
    for t, item in zip(episodes, items_of(policy, episodes), strict=True):
        assert item.positions == [i for i, s in enumerate(t.sampled) if s]
        assert all(t.role[p] == ASSISTANT for p in item.positions)


def test_predictions_of_observation_and_template_tokens_get_no_gradient(policy, episodes):
    """Of all logits of an episode only those that predict sampled tokens are reached by any component."""
    t = next(t for t in episodes if t.turns == 2)
    model = copy.deepcopy(policy.model)
    whole = []
    model.model.norm.register_forward_hook(lambda module, given, out: whole.append(out))
    model.model.norm.register_forward_hook(lambda module, given, out: out.retain_grad())
    config = TTOPDConfig(max_grad_norm=1e9)
    items = items_of(policy, [t], advantage=1.0)
    learn(model, torch.optim.SGD(model.parameters(), lr=0.0), items, config, 1.0)
    reached = whole[0].grad[0].abs().sum(-1) > 0  # (T,) position predicts the next token
    assert reached.nonzero()[:, 0].tolist() == [p - 1 for p in items[0].positions]


def test_gradient_is_affine_in_lambda(policy, episodes):
    items = items_of(policy, episodes)
    g = {lam: gradient(policy, items, lam)[0] for lam in (0.0, 1.0, 3.0)}
    for n in g[0.0]:
        assert torch.allclose(g[3.0][n], g[0.0][n] + 3 * (g[1.0][n] - g[0.0][n]), atol=1e-6)
    assert size({n: g[1.0][n] - g[0.0][n] for n in g[0.0]}) > 1e-5


def test_lambda_zero_is_bit_for_bit_grpo(policy, episodes):
    with_teacher = gradient(policy, items_of(policy, episodes), 0.0)[0]
    model, config = copy.deepcopy(policy.model), GRPOConfig(max_grad_norm=1e9)
    sgd = torch.optim.SGD(model.parameters(), lr=0.0)
    update(model, sgd, prepare(with_advantages(episodes)), config, algorithm(config, model))
    plain = {n: p.grad for n, p in model.named_parameters()}
    assert size(plain) > 0 and all(torch.equal(with_teacher[n], plain[n]) for n in plain)


def test_missing_teacher_values_are_masked_and_counted(policy, episodes):
    items = items_of(policy, episodes, advantage=0.0)
    before = sum(sum(i.keep) for i in items)
    items[0].teacher[:2] = float("nan")
    items[1].teacher[0, 3] = float("inf")
    assert mask_missing(items) == 3
    assert sum(sum(i.keep) for i in items) == before - 3
    assert not items[0].keep[0] and not items[1].keep[0]
    grads = gradient(policy, items, 1.0)[0]
    assert all(torch.isfinite(g).all() for g in grads.values()) and size(grads) > 0
    everything = items_of(policy, episodes, advantage=0.0)
    for item in everything:
        item.teacher[:] = float("nan")
    mask_missing(everything)
    assert size(gradient(policy, everything, 1.0)[0]) == 0.0


def test_degenerate_episodes_take_no_part(policy, episodes):
    copies = with_advantages(episodes)
    copies[0].sampler_logprobs = [float("nan")] * len(copies[0].token_ids)
    items = prepare(copies)
    assert [i.masked for i in items] == [True] + [False] * (len(items) - 1)
    grads = gradient(policy, items, 0.0)[0]
    alone = gradient(policy, items[1:], 0.0)[0]
    assert all(torch.equal(grads[n], alone[n]) for n in grads)


def test_episodes_without_gradient_are_not_run(policy, episodes):
    items = prepare(with_advantages(episodes))
    for item in items[1:]:
        item.advantages = torch.zeros_like(item.advantages)
    figures = gradient(policy, items, 0.0)[1]
    assert figures["trained_tokens"] == (len(items[0].positions) if items[0].advantages.any() else 0)


@pytest.mark.parametrize("form", ["full", "top_k", "sampled"])
def test_measuring_components_does_not_change_the_gradient(policy, episodes, form):
    items = items_of(policy, episodes)
    distill = DistillConfig(form=form)
    plain, _ = gradient(policy, items, 0.5, distill=distill)
    measured, figures = gradient(policy, items, 0.5, measure=True, distill=distill)
    assert all(torch.allclose(plain[n], measured[n], atol=1e-6) for n in plain)
    assert figures["gradient_rl"] > 0 and figures["gradient_distill"] > 0
    assert figures["gradient"] == pytest.approx(size(plain), rel=1e-3)
    assert set(figures["kl_by_turn"]) == {"0", "1"} | set(figures["kl_by_turn"])


def test_contrast_moves_away_from_the_wrong_hint(policy, episodes):
    items = items_of(policy, episodes, advantage=0.0)
    plain = gradient(policy, items, 1.0)[0]
    wrong = policy.chat.hint_ids(HINTS["incorrect"])
    for item, said in zip(items, ask_teacher(policy.model, items, [wrong] * len(items), 4096), strict=True):
        item.baseline = said
    contrast = gradient(policy, items, 1.0)[0]
    assert size(contrast) > 0 and any(not torch.equal(plain[n], contrast[n]) for n in plain)
    for item in items:
        item.baseline = item.teacher
    assert size(gradient(policy, items, 1.0)[0]) == pytest.approx(0.0, abs=1e-9)


def test_several_updates_split_the_batch_and_use_the_rollout_policy_as_old(policy, episodes):
    model = copy.deepcopy(policy.model)
    optimiser = torch.optim.SGD(model.parameters(), lr=5.0)  # large: the second half meets a moved policy
    items = prepare(with_advantages(episodes))
    figures = learn(model, optimiser, items, TTOPDConfig(updates=2), 0.0)
    assert all(i.old is not None for i in items)
    assert torch.allclose(torch.cat([i.old for i in items]), torch.cat([i.mu for i in items]), atol=1e-4)
    assert figures["clip_fraction"] > 0
    assert figures["mismatch_kl"] < 1e-6

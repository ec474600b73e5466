"""Sampling is exact, and an episode's draws depend on nothing else in the batch."""

import pytest
import torch

from medgym_core.errors import MedGymError
from training.batches import token_logprobs
from training.control import ControlEpisode
from training.distribution import Sampling, choose
from training.rollout import Limits, rollout
from training.sampler import HFSampler, Request, derive_seed

LIMITS = Limits(turn_tokens=16, episode_tokens=200)


def teacher_forced(policy, t):
    """Log-probabilities of the sampled tokens from one plain forward pass."""
    positions = [i for i, s in enumerate(t.sampled) if s]
    return positions, token_logprobs(policy.model, [t.token_ids], [positions], 4096)[0]


def test_sampler_logprobs_equal_teacher_forced_ones_over_all_turns(policy, episodes):
    assert {t.turns for t in episodes} >= {2}
    for t in episodes:
        positions, plain = teacher_forced(policy, t)
        sampled = torch.tensor([t.sampler_logprobs[p] for p in positions])
        assert torch.allclose(plain, sampled, atol=1e-4)


def test_logprobs_are_those_of_the_tempered_distribution(policy):
    ids = policy.chat.encode("the red door")
    sample = HFSampler(policy.model, policy.stop_ids, temperature=2.5).sample([Request(0, ids, 5, 6)])[0]
    with torch.no_grad():
        logits = policy.model(torch.tensor([ids + sample.ids])).logits[0, len(ids) - 1 : -1]
    expected = (logits / 2.5).log_softmax(-1).gather(1, torch.tensor(sample.ids)[:, None])[:, 0]
    assert torch.allclose(expected, torch.tensor(sample.logprobs), atol=1e-4)


def test_evenly_spread_draws_give_each_token_its_probability(policy):
    with torch.no_grad():
        logits = policy.model(torch.tensor([policy.chat.encode("pull ")])).logits[0, -1:]
    n = 20_000
    uniforms = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    tokens, logprobs = choose(logits.expand(n, -1), uniforms, Sampling())
    probabilities = logits[0].softmax(-1)
    found = torch.bincount(tokens, minlength=len(probabilities)) / n
    assert float((found - probabilities).abs().max()) <= 1.5 / n
    assert torch.allclose(logprobs, probabilities.log()[tokens], atol=1e-5)


def test_an_episode_does_not_depend_on_the_rest_of_the_batch(policy, control):
    kwargs = dict(limits=LIMITS, make_episode=ControlEpisode)
    together = rollout(policy, control[:5], 3, 7, **kwargs)
    alone = [t for task in reversed(control[:5]) for t in rollout(policy, [task], 3, 7, batch=1, **kwargs)]
    by_key = {(t.task, t.sample): t for t in alone}
    for t in together:
        other = by_key[t.task, t.sample]
        assert t.token_ids == other.token_ids
        assert torch.allclose(torch.tensor(t.sampler_logprobs), torch.tensor(other.sampler_logprobs), atol=1e-5)
    assert len({tuple(t.token_ids) for t in together}) > 5


def test_seed_sample_and_turn_all_matter(policy, control):
    kwargs = dict(limits=LIMITS, make_episode=ControlEpisode)
    first, again, other = (rollout(policy, control[:4], 4, s, **kwargs) for s in (1, 1, 2))
    assert [t.token_ids for t in first] == [t.token_ids for t in again]
    assert [t.token_ids for t in first] != [t.token_ids for t in other]


def test_greedy_takes_the_likeliest_token(policy):
    ids = policy.chat.encode("the red door")
    sample = HFSampler(policy.model, policy.stop_ids, greedy=True).sample([Request(0, ids, 0, 5)])[0]
    for n, token in enumerate(sample.ids):
        with torch.no_grad():
            logits = policy.model(torch.tensor([ids + sample.ids[:n]])).logits[0, -1]
        assert int(logits.argmax()) == token


def test_cached_turns_equal_a_fresh_prefill(policy):
    chat = policy.chat
    shared = HFSampler(policy.model, policy.stop_ids)
    contexts = {
        0: chat.encode("the red door"),
        1: chat.encode("the red door"),
        2: chat.encode("a much longer blue door"),
    }
    for turn in range(3):
        keys = [0, 1, 2] if turn != 1 else [2, 0]  # key 1 pauses a turn, and rows change places
        requests = [Request(k, list(contexts[k]), derive_seed(k, turn), 4 + k) for k in keys]
        fresh = HFSampler(policy.model, policy.stop_ids).sample(requests)
        for k, cached, plain in zip(keys, shared.sample(requests), fresh, strict=True):
            assert cached.ids == plain.ids
            contexts[k] = contexts[k] + cached.ids + chat.encode(f" next {turn}")


def test_sampling_stops_at_the_stop_token_or_the_limit(policy):
    ids = policy.chat.encode("pull")
    stop = int(policy.tokenizer.eos_token_id)
    for n in range(20):
        sample = HFSampler(policy.model, policy.stop_ids).sample([Request(0, ids, n, 6)])[0]
        assert len(sample.ids) == len(sample.logprobs) <= 6
        assert stop not in sample.ids[:-1]
        assert len(sample.ids) == 6 or sample.ids[-1] in policy.stop_ids


def test_a_context_that_changes_is_refused(policy):
    sampler = HFSampler(policy.model, policy.stop_ids)
    sampler.sample([Request(0, [5, 6, 7], 0, 2)])
    with pytest.raises(MedGymError, match="a context must grow and never change"):
        sampler.sample([Request(0, [5, 9, 7, 8], 0, 2)])


def test_a_temperature_of_zero_is_refused(policy):
    with pytest.raises(MedGymError, match="temperature"):
        HFSampler(policy.model, policy.stop_ids, temperature=0)

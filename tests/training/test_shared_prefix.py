"""A prompt computed once gives what plain rows give, value and gradient."""

import copy

import msgspec
import torch

from training.batches import hidden_at
from training.items import prepare
from training.shared_prefix import LEAST, hidden_after, prompt_batches, shared_length


def rows(policy, seed=0):
    """Three contexts of unequal length that begin with the same forty tokens, and what is asked of each."""
    generator = torch.Generator().manual_seed(seed)
    draw = lambda n: torch.randint(5, policy.model.config.vocab_size, (n,), generator=generator).tolist()  # noqa: E731
    prompt = draw(40)
    sequences = [prompt + draw(n) for n in (7, 12, 3)]
    return sequences, [list(range(41, len(s))) for s in sequences]


def test_hidden_states_and_gradients_are_those_of_plain_rows(policy):
    sequences, positions = rows(policy)
    assert shared_length(sequences, positions) == 40
    found = []
    for run in (lambda m: hidden_at(m, sequences, positions), lambda m: hidden_after(m, sequences, positions, 40)):
        model = copy.deepcopy(policy.model)
        hidden = run(model)
        (hidden * torch.linspace(-1, 1, hidden.numel()).view_as(hidden)).sum().backward()
        found.append((hidden.detach(), {n: p.grad for n, p in model.named_parameters() if p.grad is not None}))
    (plain, expected), (shared, grads) = found
    assert torch.allclose(plain, shared, atol=1e-5)
    assert grads.keys() == expected.keys() and grads
    for name, grad in grads.items():  # up to rounding, which grows with the size of the gradient
        assert float((grad - expected[name]).norm()) < 1e-4 * float(expected[name].norm()), name


def test_the_prefix_ends_before_the_first_token_asked_about(policy):
    sequences, _ = rows(policy)
    assert shared_length(sequences, [[38], [41], [42]]) == 37
    assert shared_length(sequences, [[LEAST], [41], [42]]) == 0  # too few are left
    assert shared_length(sequences[:1], [[41]]) == 0
    assert shared_length([[9, *sequences[0][1:]], sequences[1]], [[41], [41]]) == 0


def test_a_micro_batch_holds_one_group(episodes):
    flat = [msgspec.structs.replace(t, advantages=[0.0] * len(t.token_ids)) for t in episodes]
    items = prepare(flat)
    batches = prompt_batches(items, 300)
    assert sorted(i for b in batches for i in b) == list(range(len(items)))
    assert all(len({items[i].group for i in b}) == 1 for b in batches) and len(batches) >= 4

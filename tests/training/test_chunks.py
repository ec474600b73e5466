"""Log-probabilities a chunk at a time: the same numbers and gradients, and never an array of tokens x vocabulary."""

import sys
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import Qwen3Config, Qwen3ForCausalLM

from training import batches
from training.algorithms import algorithm
from training.batches import Head, in_chunks, token_logprobs
from training.config import DistillConfig, GRPOConfig, TTOPDConfig
from training.items import Item
from training.update import update

sys.path.append(str(Path(__file__).parent))
import watching  # noqa: E402

world = watching.world
VOCABULARY, TOKENS, WIDTH = 20_000, 512, 16
ONE = 1 << 30  # everything in one chunk


def taken(rows, hidden, head):
    """Values and gradients with chunks of that many rows, and how many rows the largest had."""
    part, weight = hidden.clone().requires_grad_(), head.clone().requires_grad_()
    largest = 0

    def compute(logits, at):
        nonlocal largest
        largest = max(largest, len(logits))
        assert len(logits) == at.stop - at.start
        return logits.log_softmax(-1).pow(2).sum(-1)

    values = in_chunks(part, Head(weight), compute)
    (values * torch.arange(len(values))).sum().backward()
    return values.detach(), part.grad, weight.grad, largest


@pytest.mark.parametrize("rows", [1, 3, 7, 20, 21, 50])
def test_chunks_add_up_to_the_whole(monkeypatch, rows):
    torch.manual_seed(0)
    hidden, head = torch.randn(21, 8), torch.randn(31, 8)
    monkeypatch.setattr(batches, "CHUNK_LOGITS", ONE)
    whole = taken(rows, hidden, head)
    monkeypatch.setattr(batches, "CHUNK_LOGITS", rows * 31)
    parts = taken(rows, hidden, head)
    assert torch.equal(whole[0], parts[0]) and torch.allclose(whole[1], parts[1], atol=1e-5)
    assert torch.allclose(whole[2], parts[2], rtol=1e-4, atol=1e-3)
    assert (whole[3], parts[3]) == (21, min(rows, 21))


def test_a_vocabulary_above_the_limit_is_taken_row_by_row(monkeypatch):
    monkeypatch.setattr(batches, "CHUNK_LOGITS", 10)
    assert Head(torch.zeros(31, 8)).rows == 1
    assert taken(1, torch.randn(3, 8), torch.randn(31, 8))[3] == 1


def test_no_token_is_an_empty_answer():
    found = in_chunks(torch.zeros(0, 8), Head(torch.zeros(5, 8)), lambda logits, at: logits.sum(-1))
    assert found.shape == (0,)


@pytest.mark.parametrize("form", ["full", "top_k", "sampled"])
def test_a_step_in_small_chunks_is_the_step_in_one(world, monkeypatch, form):
    """Every component, masks in the middle of a chunk, a chunk without a distilled token."""
    config = watching.changed(
        watching.BASE, batch_tokens=4096, reference=0.5, truncation=watching.SHORT.truncation,
        distill=DistillConfig(weight=1.0, form=form), hint="contrast",
    )  # fmt: skip
    vocabulary = len(world.policy.tokenizer)
    seen = []
    for chunk in (ONE, 3 * vocabulary):
        monkeypatch.setattr(batches, "CHUNK_LOGITS", chunk)
        seen.append(watching.observe(world.run(config)))
    whole, parts = seen
    assert whole.size > 1e-3
    assert all(torch.allclose(whole.gradient[n], g, rtol=1e-3, atol=1e-6) for n, g in parts.gradient.items())
    for a, b in zip(whole.batch.items, parts.batch.items, strict=True):
        assert torch.allclose(a.said, b.said, atol=1e-5, equal_nan=True) and a.keep == b.keep
    for name in ("loss", "kl", "teacher_gap", "entropy", "kl_reference"):
        assert whole.record[name] == pytest.approx(parts.record[name], rel=1e-4, abs=1e-7)


class Largest(TorchDispatchMode):
    """The number of elements of the largest tensor that any operation made, backward passes included."""

    def __init__(self):
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, tuple | list) else (made,):
            if isinstance(tensor, torch.Tensor):
                self.elements = max(self.elements, tensor.numel())
        return made


@pytest.fixture(scope="module")
def wide():
    """A model of a large vocabulary and no depth, and items of `TOKENS` tokens for it."""
    settings = Qwen3Config(
        vocab_size=VOCABULARY, hidden_size=WIDTH, intermediate_size=WIDTH, num_hidden_layers=1, num_attention_heads=1,
        num_key_value_heads=1, head_dim=WIDTH, max_position_embeddings=256, tie_word_embeddings=False,
    )  # fmt: skip
    torch.manual_seed(0)
    model = Qwen3ForCausalLM(settings).eval()
    n = TOKENS // 4
    ids = torch.randint(VOCABULARY, (4, n + 1)).tolist()
    places = [list(range(1, n + 1))] * 4
    said = token_logprobs(model, ids, places, 4096)
    return model, ids, places, said


def largest(wide, config, **items):
    model, ids, places, said = wide
    made = [
        Item(row, [0] * len(row), at, mu, torch.full((len(at),), 0.5 - i % 2), keep=[True] * len(at), **items)
        for i, (row, at, mu) in enumerate(zip(ids, places, said, strict=True))
    ]
    method = algorithm(config, model)
    if isinstance(config, TTOPDConfig):
        method.distillation.weight = 1.0
    for item in made:
        item.reference = item.mu if config.reference else None
    with Largest() as seen:
        figures = update(model, torch.optim.SGD(model.parameters(), lr=0.0), made, config, method)
    assert figures["trained_tokens"] == TOKENS and figures["gradient"] > 0
    return seen.elements


@pytest.mark.parametrize("name", ["grpo", "full", "top_k", "sampled"])
def test_tokens_times_vocabulary_never_exists(wide, monkeypatch, name):
    limit = 1 << 20
    monkeypatch.setattr(batches, "CHUNK_LOGITS", limit)
    if name == "grpo":
        found = largest(wide, GRPOConfig(reference=0.1, updates=2))
    else:
        states = torch.randn(TOKENS // 4, WIDTH)
        found = largest(wide, TTOPDConfig(distill=DistillConfig(form=name)), teacher=states, baseline=states.flip(0))
    assert limit // 2 < found <= max(limit, VOCABULARY * WIDTH)


def test_the_measurement_sees_the_whole_array_where_it_is_made(wide, monkeypatch):
    monkeypatch.setattr(batches, "CHUNK_LOGITS", ONE)
    assert largest(wide, GRPOConfig()) == TOKENS * VOCABULARY

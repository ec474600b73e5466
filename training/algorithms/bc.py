"""Behaviour cloning: cross-entropy on shown tokens, each with its weight. First random segments that repeat, then
episodes (`training.examples`)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from training.algorithms.base import Batch, Chunk, Tensors, Values
from training.batches import Head
from training.config import BCConfig
from training.examples import Example, Examples, clone_batch, copy_batch
from training.items import Item


class BC:
    """Component `clone`."""

    components = ("clone",)

    def __init__(self, config: BCConfig, examples: Examples):
        self.config = config
        self.examples = examples

    def gather(self, run: Any) -> Batch:
        if run.step < self.config.copy_steps:
            return Batch(items=[_item(e) for e in copy_batch(run.policy, run.step, run.seed)])
        return Batch(items=[_item(e) for e in clone_batch(self.examples, self.config, run.step, run.seed)])

    def score(self, run: Any, batch: Batch) -> Counter[str]:
        return Counter()

    def teach(self, run: Any, batch: Batch) -> Counter[str]:
        return Counter()

    def heads(self) -> Mapping[str, Head]:
        return {}

    def share(self, items: Sequence[Item]) -> None:
        total = sum(float(i.shares["weight"].sum()) for i in items)
        for item in items:
            item.shares = {"clone": item.shares["weight"] / total}

    def loss(self, chunk: Chunk) -> tuple[Values, Values]:
        return {"clone": -chunk.said}, {}

    def follow(self, run: Any, figures: Mapping[str, Any]) -> Counter[str]:
        return Counter()

    def report(self, run: Any, batch: Batch, counts: Counter[str]) -> dict[str, Any]:
        return {"stage": "copy" if run.step <= self.config.copy_steps else "clone"}

    def state(self) -> Tensors:
        return {}

    def restore(self, tensors: Tensors) -> None:
        return None


def _item(example: Example) -> Item:
    """The tokens of an example that have a weight."""
    positions = [p for p in range(1, len(example.ids)) if example.weights[p]]
    nothing = torch.zeros(len(positions))
    weights = torch.tensor([example.weights[p] for p in positions])
    turns = [0] * len(example.ids)
    keep = [False] * len(positions)
    return Item(example.ids, turns, positions, nothing, nothing, keep=keep, shares={"weight": weights})

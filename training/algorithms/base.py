"""What the trainer asks of an algorithm. The trainer knows this interface and no method.

A step is: `gather` episodes, `score` them into items, `teach` them, learn from `loss` weighed by `share`, `follow`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from training.batches import Head, chosen
from training.items import Item
from training.trajectory import Trajectory

Tensors = dict[str, dict[str, torch.Tensor]]


@dataclass
class Batch:
    """What one step learns from."""

    episodes: list[Trajectory] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)


@dataclass(frozen=True)
class Chunk:
    """n tokens of a forward pass; what a loss may read."""

    logp: torch.Tensor  # (n, V) the student's log-probabilities, with gradient
    targets: torch.Tensor  # (n,) the tokens that stand there
    mu: torch.Tensor  # (n,)
    old: torch.Tensor | None  # (n,)
    advantages: torch.Tensor  # (n,)
    reference: torch.Tensor | None  # (n,)
    kept: torch.Tensor  # (m,) places of the tokens that are distilled
    teacher: torch.Tensor | None  # (m, V) log-probabilities
    baseline: torch.Tensor | None  # (m, V)

    @property
    def said(self) -> torch.Tensor:
        """log pi of each token, (n,)."""
        return chosen(self.logp, self.targets)

    def old_or_now(self, said: torch.Tensor) -> torch.Tensor:
        """log pi_old of each token, (n,)."""
        return said.detach() if self.old is None else self.old


Values = dict[str, torch.Tensor]


class Algorithm(Protocol):
    """One method."""

    components: tuple[str, ...]
    """Names of the parts of its loss."""

    def gather(self, run: Any) -> Batch:
        """The episodes (or examples) of this step."""

    def score(self, run: Any, batch: Batch) -> Counter[str]:
        """Rewards, advantages, items."""

    def teach(self, run: Any, batch: Batch) -> Counter[str]:
        """What a teacher says of the items."""

    def heads(self) -> Mapping[str, Head]:
        """Output matrices by which hidden states in items become log-probabilities: `teacher`."""

    def share(self, items: Sequence[Item]) -> None:
        """Fill `Item.shares` for one optimiser step on these items (of all processes)."""

    def loss(self, chunk: Chunk) -> tuple[Values, Values]:
        """Each component's value and further figures to be averaged, by token (n,)."""

    def follow(self, run: Any, figures: Mapping[str, Any]) -> Counter[str]:
        """After the optimiser step."""

    def report(self, run: Any, batch: Batch, counts: Counter[str]) -> dict[str, Any]:
        """This step's line of the log, beside the figures of the update."""

    def state(self) -> Tensors:
        """What a checkpoint must hold of it."""

    def restore(self, tensors: Tensors) -> None:
        """Take it back."""

"""Keys and values of many episodes by (row, position): a token's slot is its position, an episode has one row.

Rows of unequal length sit side by side without padding, and the mask "slot <= position" is all attention needs. Freed
rows are used again and storage grows by half whenever it must, so memory follows the most rows and the longest context
that lived at one time, not the number of episodes.

The class offers what a Hugging Face attention layer calls of a cache (`update`, `get_seq_length`); `aim` says before
each forward pass where it writes and how far it reads. Padding writes to the last slot, which nobody reads.
"""

from collections.abc import Sequence
from typing import Any

import torch

# Attention reads a multiple of this many slots, the key block of torch's CPU attention: a product over part of a block
# may be summed in another order, so that a row's result would depend on the width, which the longest row sets.
ALIGN = 512
GROWTH = 1.5  # of rows and slots when there are too few: copying stays linear in the final size


class SlotCache:
    """Storage per layer: keys and values (rows, H, slots, D)."""

    def __init__(self) -> None:
        self.keys: list[torch.Tensor] = []
        self.values: list[torch.Tensor] = []
        self.rows = 0
        self.slots = 0
        self._targets = (torch.empty(0), torch.empty(0))
        self._read: Any = None

    @property
    def spare(self) -> int:
        """The slot that takes what padding writes."""
        return self.slots - 1

    @property
    def nbytes(self) -> int:
        return sum(t.nbytes for t in (*self.keys, *self.values))

    def reserve(self, rows: int, length: int) -> None:
        """Make room for that many rows of that many tokens (and the spare slot)."""
        if rows <= self.rows and length < self.slots:
            return
        self.rows = self.rows if rows <= self.rows else max(rows, int(self.rows * GROWTH))
        self.slots = self.slots if length < self.slots else aligned(max(length + 1, int(self.slots * GROWTH)))
        for store in (self.keys, self.values):
            for layer, old in enumerate(store):
                r, heads, slots, width = old.shape
                store[layer] = old.new_zeros(self.rows, heads, self.slots, width)
                store[layer][:r, :, :slots] = old

    def aim(self, rows: Sequence[int], targets: torch.Tensor, length: int) -> int:
        """The next pass writes to the slots `targets` (B, Q) of `rows` (B, ascending); returns the slots it reads."""
        index = torch.tensor(rows, device=targets.device)
        self._targets = (index[:, None], targets)
        width, neighbours = aligned(length), rows[-1] - rows[0] == len(rows) - 1
        self._read = (slice(rows[0], rows[-1] + 1) if neighbours else index, slice(None), slice(width))
        return width

    def update(
        self, keys: torch.Tensor, values: torch.Tensor, layer: int, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Called by each layer with (B, H, Q, D); returns what it attends to, (B, H, width, D)."""
        if layer == len(self.keys):
            for store, new in ((self.keys, keys), (self.values, values)):
                store.append(new.new_zeros(self.rows, new.shape[1], self.slots, new.shape[3]))
        rows, targets = self._targets
        self.keys[layer][rows, :, targets] = keys.transpose(1, 2)
        self.values[layer][rows, :, targets] = values.transpose(1, 2)
        return self.keys[layer][self._read], self.values[layer][self._read]

    def get_seq_length(self, *args: Any) -> int:
        """Asked by some models; positions are always given, so the answer is not used."""
        return 0

    def copy(self, source: int, target: int, length: int) -> None:
        """The first `length` slots of one row into another."""
        for tensor in (*self.keys, *self.values):
            tensor[target, :, :length] = tensor[source, :, :length]

    def swap(self, a: int, b: int, length: int) -> None:
        """Exchange the first `length` slots of two rows."""
        for tensor in (*self.keys, *self.values):
            tensor[[a, b], :, :length] = tensor[[b, a], :, :length]


def aligned(length: int) -> int:
    """`length` rounded up to a multiple of ALIGN."""
    return -(-length // ALIGN) * ALIGN

"""What the episodes of a group begin with, their prompt, computed once in the forward and the backward pass.

The prefix runs as one row; its keys and values, with their gradient, are repeated for every episode, and only what
comes after it runs by row. The result is that of plain rows up to rounding. A sharded model and one that computes its
activations again run plain rows instead: the first needs as many passes in every process, the second keeps no cache.
"""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache

from training.batches import Tokens, buckets
from training.cached_decoder import common_prefix
from training.items import Item

LEAST = 32  # tokens that must be shared: a pass of its own costs about as much as so few


def prompt_batches(items: Sequence[Item], batch_tokens: int) -> list[list[int]]:
    """Indices of items by micro-batch, each of one group (`training.batches.buckets` within it)."""
    groups: dict[str, list[int]] = {}
    for i, item in enumerate(items):
        groups.setdefault(item.group, []).append(i)
    return [
        [members[i] for i in part]
        for members in groups.values()
        for part in buckets([len(items[m].ids) for m in members], batch_tokens)
    ]


def shared_length(sequences: Sequence[Tokens], positions: Sequence[Tokens]) -> int:
    """Leading tokens that all sequences share and that no wanted prediction needs as its place; 0 for too few."""
    if len(sequences) < 2:
        return 0
    first = list(sequences[0])
    shared = min(common_prefix(first, list(other)) for other in sequences[1:])
    shared = min(shared, *(p[0] - 1 for p in positions if p))
    return shared if shared >= LEAST else 0


def hidden_after(model: Any, sequences: Sequence[Tokens], positions: Sequence[Tokens], shared: int) -> torch.Tensor:
    """`training.batches.hidden_at` of sequences that begin with the same `shared` tokens."""
    decoder, device = model.get_decoder(), model.device
    cache = DynamicCache(config=model.config.get_text_config())
    prefix = torch.as_tensor(list(sequences[0][:shared]), device=device)[None]
    decoder(input_ids=prefix, past_key_values=cache, use_cache=True)
    cache.batch_repeat_interleave(len(sequences))
    width = max(map(len, sequences)) - shared
    rest = torch.zeros(len(sequences), width, dtype=torch.long)  # (B, T - shared)
    for row, sequence in enumerate(sequences):
        rest[row, : len(sequence) - shared] = torch.as_tensor(list(sequence[shared:]))
    hidden = decoder(input_ids=rest.to(device), past_key_values=cache, use_cache=True).last_hidden_state
    picked = [row * width + p - 1 - shared for row, chosen in enumerate(positions) for p in chosen]
    return hidden.flatten(0, 1)[torch.tensor(picked, dtype=torch.long, device=device)]

"""A decoder that remembers: the contexts of many episodes, one cache row each, grown by whatever tokens are new.

Below `training.sampler` (which decides whose turn it is and draws) and above `training.kv_cache` (which stores). A pass
computes new tokens of any set of episodes, ragged, and gives the hidden state after the last one of each. A new episode
copies the longest prefix it shares with one that lives.

What a pass computes for an episode does not depend on the other rows, on chunking, or on what is already cached, up to
rounding; in fp32 on a CPU whose MKL is strictly reproducible (`training.sampler` asks for that) to the last bit.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch

from training.kv_cache import SlotCache

CHUNK = 128  # tokens of a row in one pass: attention reads all keys up to the last of them, needed or not
COMPACT = 0.75  # rows are moved together when fewer than this share of those that attention reads are wanted


class CachedDecoder:
    """Rows of one model (any device); keys name episodes."""

    def __init__(self, model: Any):
        self.model = model
        self._cache = SlotCache()
        self._keys: list[int | None] = []  # episode by row; None is a free row
        self._known: list[list[int]] = []  # tokens in the cache by row
        self._row: dict[int, int] = {}
        self._private: set[int] = set()

    def __contains__(self, key: int) -> bool:
        return key in self._row

    @property
    def rows(self) -> int:
        """Rows in use or free for use."""
        return len(self._keys)

    @property
    def nbytes(self) -> int:
        return self._cache.nbytes

    def known(self, key: int) -> list[int]:
        """The cached tokens of an episode, [] for a new one."""
        return self._known[self._row[key]] if key in self._row else []

    def shared(self, ids: list[int]) -> tuple[int, int]:
        """How many leading tokens of a new context are cached (at least one is left to compute), and the row."""
        rows = [row for key, row in self._row.items() if key not in self._private]
        length, row = max(((common_prefix(ids[:-1], self._known[row]), -row) for row in rows), default=(0, 0))
        return length, -row

    def expect(self, new: int) -> None:
        """Make room for that many new episodes at once: rows that come one by one are copied each time they grow."""
        free = self._keys.count(None)
        self._cache.reserve(len(self._keys) + max(0, new - free), 0)

    def open(self, key: int, ids: list[int], at_least: int, *, private: bool = False) -> None:
        """Give a new episode the lowest free row, and a shared prefix of `at_least` tokens if there is one.

        A private one shares nothing: its ids do not say all (images).
        """
        if private:
            self._private.add(key)
        length, source = (0, 0) if private else self.shared(ids)
        if None not in self._keys:
            self._keys.append(None)
            self._known.append([])
        row = self._keys.index(None)
        self._keys[row], self._row[key] = key, row
        if length >= at_least:
            self._cache.reserve(len(self._keys), 0)
            self._cache.copy(source, row, length)
            self._known[row] = ids[:length]

    def free(self, key: int) -> None:
        """Forget an episode; harmless for an unknown one."""
        self._private.discard(key)
        row = self._row.pop(key, None)
        if row is not None:
            self._keys[row], self._known[row] = None, []

    def feed(
        self, new: Mapping[int, list[int]], pictures: Mapping[int, torch.Tensor], *, dense: bool = False
    ) -> torch.Tensor:
        """Append to each episode its new tokens (at least one); hidden states (B, D) after the last, in order of `new`.

        `pictures` are input embeddings (n, D) that replace those of an episode's n tokens. With `dense` attention reads
        the first rows of the cache as they lie, others between them included (which are made few): right for one token
        each, where reading is all the work.
        """
        if dense:
            self._compact(new)
            rows: Sequence[int] = range(1 + max(self._row[key] for key in new))
        else:
            rows = sorted(self._row[key] for key in new)
        tokens = [new.get(self._keys[row], []) for row in rows]
        place = {self._keys[row]: i for i, row in enumerate(rows)}
        hidden = self._forward(rows, tokens, {place[key]: picture for key, picture in pictures.items()})
        return hidden[[place[key] for key in new]]

    def _forward(self, rows: Sequence[int], new: list[list[int]], pictures: dict[int, torch.Tensor]) -> torch.Tensor:
        """Hidden states (B, D) after the last new token of each row (ascending); [] skips a row."""
        device, widest = self.model.device, max(map(len, new))
        starts = [len(self._known[row]) for row in rows]
        length = max(s + len(n) for s, n in zip(starts, new, strict=True) if n)
        self._cache.reserve(len(self._keys), length)
        spare = self._cache.spare
        ids, slots = [], []
        for start, tokens in zip(starts, new, strict=True):
            padding = widest - len(tokens)
            ids.append(tokens + [0] * padding)
            slots.append([*range(start, start + len(tokens)), *[spare] * padding])
        targets = torch.tensor(slots, device=device)  # (B, Q)
        positions = targets.masked_fill(targets == spare, 0)  # padding looks at slot 0 only
        width = self._cache.aim(rows, targets, length)
        mask = torch.zeros(len(rows), 1, widest, width, dtype=self.model.dtype, device=device)
        mask.masked_fill_((torch.arange(width, device=device) > positions[:, :, None])[:, None], -torch.inf)
        given: dict[str, torch.Tensor] = {"input_ids": torch.tensor(ids, device=device)}
        if pictures:
            embeds = self.model.get_input_embeddings()(given["input_ids"])  # (B, Q, D)
            for i, picture in pictures.items():
                embeds[i, : len(picture)] = picture
            given = {"inputs_embeds": embeds}
        hidden = self.model.get_decoder()(
            **given, attention_mask=mask, position_ids=positions, past_key_values=self._cache, use_cache=True
        ).last_hidden_state
        for row, tokens in zip(rows, new, strict=True):
            self._known[row] += tokens
        return hidden[torch.arange(len(rows), device=device), [max(len(n), 1) - 1 for n in new]]

    def _compact(self, wanted: Iterable[int]) -> None:
        """Move the rows of the wanted episodes to the front when too many others stand between them."""
        rows = sorted(self._row[key] for key in wanted)
        if len(rows) >= COMPACT * (rows[-1] + 1):
            return
        holes = sorted(set(range(len(rows))) - set(rows))
        for hole, row in zip(holes, rows[len(rows) - len(holes) :], strict=True):
            self._cache.swap(hole, row, max(len(self._known[hole]), len(self._known[row])))
            self._keys[hole], self._keys[row] = self._keys[row], self._keys[hole]
            self._known[hole], self._known[row] = self._known[row], self._known[hole]
        self._row = {key: row for row, key in enumerate(self._keys) if key is not None}


def common_prefix(a: list[int], b: list[int]) -> int:
    """How many leading tokens are the same."""
    low, high = 0, min(len(a), len(b))
    if a[:high] == b[:high]:
        return high
    while high - low > 1:  # a[:low] == b[:low], a[:high] != b[:high]
        middle = (low + high) // 2
        low, high = (middle, high) if a[low:middle] == b[low:middle] else (low, middle)
    return low

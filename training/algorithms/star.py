"""STaR-like rejection sampling (Zelikman et al. 2022, arXiv 2203.14465): clone the own episodes that came out right.

No group, no baseline: a wrong episode teaches nothing. The comparison every policy gradient should beat.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from training.algorithms.base import Batch, Chunk, Values
from training.algorithms.on_policy import OnPolicy
from training.items import Item, prepare


class STAR(OnPolicy):
    """Component `clone`: the mean negative log-likelihood of the tokens of correct episodes."""

    components = ("clone",)

    def score(self, run: Any, batch: Batch) -> Counter[str]:
        counts = self._unshaped(batch)
        batch.items = prepare(batch.episodes)
        counts["cloned"] = sum(i.correct and not i.masked for i in batch.items)
        return counts

    def share(self, items: Sequence[Item]) -> None:
        total = sum(len(i.positions) for i in items if i.correct and not i.masked)
        for item in items:
            weight = 1 / total if item.correct and not item.masked else 0.0
            item.shares["clone"] = item.advantages.new_full((len(item.positions),), weight)

    def loss(self, chunk: Chunk) -> tuple[Values, Values]:
        return {"clone": -chunk.said}, {}

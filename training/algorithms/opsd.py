"""On-policy self-distillation: towards the hinted average of oneself, on one's own episodes, without a reward."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from training.algorithms.base import Batch, Chunk, Tensors, Values
from training.algorithms.distillation import Distillation
from training.algorithms.on_policy import OnPolicy
from training.batches import Head
from training.config import OPSDConfig
from training.items import Item, prepare, truncate


class OPSD(OnPolicy):
    """Component `distill`."""

    components = ("distill",)

    def __init__(self, config: OPSDConfig, model: Any):
        super().__init__(config, model)
        self.distillation = Distillation(config, model)

    def score(self, run: Any, batch: Batch) -> Counter[str]:
        counts = self._unshaped(batch)
        batch.items = prepare(batch.episodes)
        truncate(batch.items, self.distillation.begin(run.step), self.config.truncation.tokens)
        return counts

    def teach(self, run: Any, batch: Batch) -> Counter[str]:
        return self.distillation.teach(run, batch)

    def heads(self) -> Mapping[str, Head]:
        return self.distillation.heads()

    def share(self, items: Sequence[Item]) -> None:
        self.distillation.share(items)

    def loss(self, chunk: Chunk) -> tuple[Values, Values]:
        return self.distillation.loss(chunk), {}

    def follow(self, run: Any, figures: Mapping[str, Any]) -> Counter[str]:
        return self.distillation.follow(run, figures)

    def report(self, run: Any, batch: Batch, counts: Counter[str]) -> dict[str, Any]:
        return super().report(run, batch, counts) | self.distillation.report()

    def state(self) -> Tensors:
        return self.distillation.state()

    def restore(self, tensors: Tensors) -> None:
        self.distillation.restore(tensors)

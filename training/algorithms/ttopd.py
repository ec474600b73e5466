"""TT-OPD: GRPO, and distillation towards a teacher that is the student's average and has been told the outcome."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from training.algorithms.base import Batch, Chunk, Tensors, Values
from training.algorithms.distillation import Distillation
from training.algorithms.grpo import GRPO
from training.batches import Head
from training.config import TTOPDConfig
from training.items import Item, truncate


class TTOPD(GRPO):
    """Components of GRPO, and `distill`. With lambda 0 it is GRPO, bit for bit."""

    def __init__(self, config: TTOPDConfig, model: Any):
        super().__init__(config, model)
        self.distillation = Distillation(config, model)
        self.components += ("distill",)

    def score(self, run: Any, batch: Batch) -> Counter[str]:
        counts = super().score(run, batch)
        truncate(batch.items, self.distillation.begin(run.step), self.config.truncation.tokens)
        return counts

    def teach(self, run: Any, batch: Batch) -> Counter[str]:
        return super().teach(run, batch) + self.distillation.teach(run, batch)

    def heads(self) -> Mapping[str, Head]:
        return self.distillation.heads()

    def share(self, items: Sequence[Item]) -> None:
        super().share(items)
        self.distillation.share(items)

    def loss(self, chunk: Chunk) -> tuple[Values, Values]:
        values, figures = super().loss(chunk)
        return values | self.distillation.loss(chunk), figures

    def follow(self, run: Any, figures: Mapping[str, Any]) -> Counter[str]:
        return self.distillation.follow(run, figures)

    def report(self, run: Any, batch: Batch, counts: Counter[str]) -> dict[str, Any]:
        return super().report(run, batch, counts) | self.distillation.report()

    def state(self) -> Tensors:
        return super().state() | self.distillation.state()

    def restore(self, tensors: Tensors) -> None:
        super().restore(tensors)
        self.distillation.restore(tensors)

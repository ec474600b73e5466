"""GRPO (Shao et al. 2024, arXiv 2402.03300): policy gradient against the mean of a group.

With clip-higher, truncated importance sampling for what the sampler computed differently, an optional cosine length
reward, and an optional KL to the policy the run started from.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from training.advantages import set_advantages
from training.algorithms.base import Batch, Chunk, Tensors, Values
from training.algorithms.on_policy import OnPolicy, even_shares
from training.batches import token_logprobs
from training.config import GRPOConfig
from training.items import Item, prepare
from training.losses import policy_gain, reference_kl
from training.shaping import mark_degenerate, shape
from training.teacher import Teacher


class GRPO(OnPolicy):
    """Components `rl` and, with a reference, `reference`."""

    def __init__(self, config: GRPOConfig, model: Any):
        super().__init__(config, model)
        self.reference = Teacher(model, 1.0) if config.reference else None
        self.components = ("rl", "reference") if self.reference else ("rl",)

    def score(self, run: Any, batch: Batch) -> Counter[str]:
        config = self.config
        counts = Counter(cosine=shape(batch.episodes, config.cosine))
        counts += mark_degenerate(batch.episodes, config.degenerate)
        counts["zero_variance_groups"] = set_advantages(batch.episodes, config.advantage)
        batch.items = prepare(batch.episodes)
        return counts

    def teach(self, run: Any, batch: Batch) -> Counter[str]:
        if self.reference is None:
            return Counter()
        mine = [i for i in batch.items if i.mine]
        with self.reference.speaking() as model:
            ids, positions = [i.ids for i in mine], [i.positions for i in mine]
            said = token_logprobs(model, ids, positions, self.config.batch_tokens, run.ranks)
        for item, values in zip(mine, said, strict=True):
            item.reference = values
        return Counter(reference=sum(len(i.positions) for i in batch.items))

    def share(self, items: Sequence[Item]) -> None:
        even_shares(items, "rl", [bool(i.advantages.any()) for i in items])
        if self.reference:
            even_shares(items, "reference", [True] * len(items))

    def loss(self, chunk: Chunk) -> tuple[Values, Values]:
        config, said = self.config, chunk.said
        gain, clipped = policy_gain(
            said, chunk.old_or_now(said), chunk.mu, chunk.advantages,
            clip_low=config.clip_low, clip_high=config.clip_high, importance_cap=config.importance_cap,
        )  # fmt: skip
        values, figures = {"rl": -gain}, {"clip_fraction": clipped.float()}
        if chunk.reference is not None:
            kl = reference_kl(said, chunk.reference)
            values["reference"], figures["kl_reference"] = config.reference * kl, kl.detach()
        return values, figures

    def state(self) -> Tensors:
        return {"reference": self.reference.weights} if self.reference else {}

    def restore(self, tensors: Tensors) -> None:
        if self.reference:
            self.reference.restore(tensors["reference"])

"""What all algorithms share that learn from their own episodes: prompts, rollouts, masks, the line of the log."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from training.algorithms.base import Batch, Tensors
from training.batches import Head
from training.items import Item
from training.report import step_record
from training.rollout import rollout
from training.sampler import derive_seed
from training.shaping import mark_degenerate
from training.trajectory import Trajectory


class OnPolicy:
    """Episodes of the policy in training; no teacher, no state."""

    components: tuple[str, ...] = ()

    def __init__(self, config: Any, model: Any):
        self.config = config

    def gather(self, run: Any) -> Batch:
        return Batch(run.episodes())

    def teach(self, run: Any, batch: Batch) -> Counter[str]:
        return Counter()

    def heads(self) -> Mapping[str, Head]:
        return {}

    def follow(self, run: Any, figures: Mapping[str, Any]) -> Counter[str]:
        return Counter()

    def report(self, run: Any, batch: Batch, counts: Counter[str]) -> dict[str, Any]:
        return step_record(batch.episodes, counts)

    def state(self) -> Tensors:
        return {}

    def restore(self, tensors: Tensors) -> None:
        return None

    def _unshaped(self, batch: Batch) -> Counter[str]:
        """For methods without a reward of their own: mark what is degenerate, leave advantages at zero."""
        for t in batch.episodes:
            t.shaped_reward = t.reward
            t.advantages = [0.0] * len(t.token_ids)
        return mark_degenerate(batch.episodes, self.config.degenerate)


def play_prompts(run: Any, step: int) -> list[Trajectory]:
    """The episodes of a step, those of all processes, by prompt and sample."""
    return together(run, step, play_share(run, step))


def play_share(run: Any, step: int) -> list[Trajectory]:
    """The episodes of a step that this process plays."""
    config = run.config
    prompts = draw_prompts(run.train, config.prompts, step, run.seed)
    mine = prompts[run.ranks.index :: run.ranks.size]
    return rollout(
        run.actor.policy, mine, config.samples, derive_seed(run.seed, "step", step), run.knowledge,
        temperature=config.temperature, limits=run.limits, step=step, make_episode=run.make_episode,
    )  # fmt: skip


def together(run: Any, step: int, played: Sequence[Trajectory]) -> list[Trajectory]:
    """The episodes of a step from the shares of all processes, by prompt and sample."""
    prompts = draw_prompts(run.train, run.config.prompts, step, run.seed)
    place = {t.id: i for i, t in enumerate(prompts)}
    return sorted(run.ranks.gather(played), key=lambda t: (place[t.task], t.sample))


def draw_prompts(tasks: Sequence[Any], n: int, step: int, seed: int) -> list[Any]:
    """The prompts of one step: walks through a fresh permutation of the tasks each epoch."""
    drawn = []
    for place in range(step * n, (step + 1) * n):
        epoch, index = divmod(place, len(tasks))
        drawn.append(tasks[int(np.random.default_rng([seed, epoch]).permutation(len(tasks))[index])])
    return list({t.id: t for t in drawn}.values())  # an epoch's end may repeat a task; a group is one task


def even_shares(items: Sequence[Item], name: str, live: Sequence[bool]) -> None:
    """Every token of the items that are not masked weighs the same; those of items that are not live, nothing."""
    total = sum(len(i.positions) for i in items if not i.masked)
    for item, on in zip(items, live, strict=True):
        weight = 1 / total if on and not item.masked else 0.0
        item.shares[name] = item.advantages.new_full((len(item.positions),), weight)

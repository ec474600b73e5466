"""The tokens to learn from, and what the teacher says of them.

`prepare` turns trajectories into items with their truncation mask (first K turns, first C tokens of a turn);
`ask_teacher` scores the kept tokens; `mask_missing` takes out what the teacher could not score.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from training.config import TruncationConfig
from training.shaping import degenerate
from training.teacher import TeacherRequest, teacher_logprobs
from training.trajectory import Trajectory, require_tokens


@dataclass
class Item:
    """The sampled tokens of one episode; n of them."""

    ids: list[int]
    turn_id: list[int]
    positions: list[int]  # (n,)
    mu: torch.Tensor  # (n,)
    advantages: torch.Tensor  # (n,)
    masked: bool
    """Degenerate: takes part in no loss."""
    keep: list[bool] = field(default_factory=list)  # (n,) distillation applies
    teacher: torch.Tensor | None = None  # (n, V) or (n,): what to move towards; NaN where not kept
    baseline: torch.Tensor | None = None  # same shape: what to move away from; None: the student itself
    old: torch.Tensor | None = None  # (n,) log pi_old; None: the current policy is the old one

    @property
    def targets(self) -> list[int]:
        """The sampled tokens, (n,)."""
        return [self.ids[p] for p in self.positions]

    @property
    def turns(self) -> list[int]:
        """The turn of each sampled token, (n,)."""
        return [self.turn_id[p] for p in self.positions]


def prepare(trajectories: Sequence[Trajectory], truncation: TruncationConfig) -> list[Item]:
    """One item an episode. The trajectories must have been sampled and given advantages."""
    items = []
    for t in require_tokens(trajectories):
        assert t.sampler_logprobs is not None and t.advantages is not None
        positions = [i for i, s in enumerate(t.sampled) if s]
        mu = torch.tensor([t.sampler_logprobs[p] for p in positions])
        advantages = torch.tensor([t.advantages[p] for p in positions])
        item = Item(t.token_ids, t.turn_id, positions, mu, advantages, degenerate(t))
        item.keep = [not item.masked and k for k in truncation_mask(item.turns, truncation)]
        items.append(item)
    return items


def truncation_mask(turns: Sequence[int], truncation: TruncationConfig) -> list[bool]:
    """k_t of each sampled token, given the turn of each."""
    kept: list[bool] = []
    seen: dict[int, int] = {}
    for turn in turns:
        place = seen.get(turn, 0)
        seen[turn] = place + 1
        in_turns = not truncation.turns or turn < truncation.turns
        kept.append(in_turns and (not truncation.tokens or place < truncation.tokens))
    return kept


def ask_teacher(
    model: Any, items: Sequence[Item], hints: Sequence[Sequence[int]], batch_tokens: int, *, full: bool
) -> list[torch.Tensor]:
    """What the teacher says at every kept token of each item under its hint: (n, V) or (n,), NaN elsewhere."""
    requests = []
    for item, hint in zip(items, hints, strict=True):
        kept = [p for p, k in zip(item.positions, item.keep, strict=True) if k]
        requests.append(TeacherRequest(item.ids, item.turn_id, kept, hint))
    answers = []
    for item, said in zip(items, teacher_logprobs(model, requests, batch_tokens, full=full), strict=True):
        spread = torch.full((len(item.positions), *said.shape[1:]), float("nan"))
        spread[torch.tensor(item.keep, dtype=torch.bool)] = said
        answers.append(spread)
    return answers


def mask_missing(items: Sequence[Item]) -> int:
    """Take tokens without a teacher value out of the distillation; how many there were."""
    missing = 0
    for item in items:
        given = torch.ones(len(item.positions), dtype=torch.bool)
        for values in (item.teacher, item.baseline):
            if values is not None:
                given &= values.isfinite().flatten(1).all(-1) if values.dim() == 2 else values.isfinite()
        missing += sum(k and not g for k, g in zip(item.keep, given.tolist(), strict=True))
        item.keep = [k and g for k, g in zip(item.keep, given.tolist(), strict=True)]
    return missing

"""The tokens to learn from, and what the teacher says of them.

`prepare` turns trajectories into items, `truncate` says what is distilled of them (first K turns, first C tokens of a
turn), `ask_teacher` scores the kept tokens; `mask_missing` takes out what the teacher could not score.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from training.ranks import ALONE, Ranks
from training.shaping import degenerate
from training.teacher import TeacherRequest, teacher_hidden
from training.trajectory import Trajectory, require_tokens


@dataclass
class Item:
    """The tokens of one episode that may be learnt from; n of them."""

    ids: list[int]
    turn_id: list[int]
    positions: list[int]  # (n,)
    mu: torch.Tensor  # (n,) log-probability when sampled
    advantages: torch.Tensor  # (n,)
    masked: bool = False
    """Degenerate: takes part in no loss."""
    mine: bool = True
    """This process computes it; the others know of it and count it."""
    correct: bool = False
    """The verifier's bit."""
    group: str = ""
    """Items of one group begin with the same prompt."""
    keep: list[bool] = field(default_factory=list)  # (n,) distillation applies
    shares: dict[str, torch.Tensor] = field(default_factory=dict)
    """Weight (n,) of each token by component of the loss; what is zero everywhere is not run through the model."""
    teacher: torch.Tensor | None = None  # (n, D) hidden states of what to move towards; NaN where not kept
    baseline: torch.Tensor | None = None  # (n, D) of what to move away from; None: the student itself
    reference: torch.Tensor | None = None  # (n,) log pi_ref
    old: torch.Tensor | None = None  # (n,) log pi_old; None: the current policy is the old one
    taught: bool = False
    """A teacher was asked about it, by whichever process computes it."""
    said: torch.Tensor | None = None  # (n,) log pi_bar of the token, found while learning; NaN where not kept

    @property
    def targets(self) -> list[int]:
        """The tokens themselves, (n,)."""
        return [self.ids[p] for p in self.positions]

    @property
    def turns(self) -> list[int]:
        """The turn of each token, (n,)."""
        return [self.turn_id[p] for p in self.positions]

    @property
    def live(self) -> bool:
        return any(bool(share.any()) for share in self.shares.values())


def prepare(trajectories: Sequence[Trajectory]) -> list[Item]:
    """One item an episode. The trajectories must have been sampled and given advantages."""
    items = []
    for t in require_tokens(trajectories):
        assert t.sampler_logprobs is not None and t.advantages is not None
        positions = [i for i, s in enumerate(t.sampled) if s]
        mu = torch.tensor([t.sampler_logprobs[p] for p in positions])
        advantages = torch.tensor([t.advantages[p] for p in positions])
        item = Item(t.token_ids, t.turn_id, positions, mu, advantages, masked=degenerate(t), correct=t.correct)
        item.group = t.group
        items.append(item)
    truncate(items, 0, 0)
    return items


def truncate(items: Sequence[Item], turns: int, tokens: int) -> None:
    """Distil only the first `turns` turns and the first `tokens` tokens of each; 0 means all."""
    for item in items:
        item.keep = [not item.masked and k for k in truncation_mask(item.turns, turns, tokens)]


def truncation_mask(turn_of: Sequence[int], turns: int, tokens: int) -> list[bool]:
    """k_t of each sampled token, given the turn of each: first K turns, first C tokens of a turn; 0 means all."""
    kept: list[bool] = []
    seen: dict[int, int] = {}
    for turn in turn_of:
        place = seen.get(turn, 0)
        seen[turn] = place + 1
        kept.append((not turns or turn < turns) and (not tokens or place < tokens))
    return kept


def ask_teacher(
    model: Any, items: Sequence[Item], hints: Sequence[Sequence[int]], batch_tokens: int, ranks: Ranks = ALONE
) -> list[torch.Tensor]:
    """The teacher's hidden states (n, D) at every kept token of each item under its hint; NaN elsewhere.

    `model` holds the teacher's weights (`Teacher.speaking`). The items are this process's own.
    """
    requests = []
    for item, hint in zip(items, hints, strict=True):
        kept = [p for p, k in zip(item.positions, item.keep, strict=True) if k]
        requests.append(TeacherRequest(item.ids, item.turn_id, kept, hint))
    answers = []
    for item, said in zip(items, teacher_hidden(model, requests, batch_tokens, ranks), strict=True):
        spread = torch.full((len(item.positions), said.shape[1]), torch.nan, device=said.device)
        spread[torch.tensor(item.keep, dtype=torch.bool, device=said.device)] = said
        answers.append(spread)
    return answers


def mask_missing(items: Sequence[Item]) -> int:
    """Take tokens without a teacher value out of the distillation; how many there were."""
    missing = 0
    for item in items:
        given = torch.ones(len(item.positions), dtype=torch.bool)
        for values in (item.teacher, item.baseline):
            if values is not None:
                given &= values.isfinite().all(-1).cpu()
        missing += sum(k and not g for k, g in zip(item.keep, given.tolist(), strict=True))
        item.keep = [k and g for k, g in zip(item.keep, given.tolist(), strict=True)]
    return missing

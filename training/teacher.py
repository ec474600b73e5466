"""The teacher: an exponential moving average of the student, in fp32, without gradient, that may read a hint.

    theta_bar <- decay theta_bar + (1 - decay) theta

Kept are the weights that train (all of them, or an adapter's), sharded as the student's are. To be asked, they take the
student's place for the length of a `with` block, so no second model stands in memory. What the teacher says of a token
is kept as its hidden state (D); its head makes log-probabilities of that where they are needed, a chunk at a time.

A value the teacher cannot give (its hinted context outgrows the model, or the value is not a number) is missing: the
token is masked and counted. It never becomes a probability.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from medgym_core.errors import MedGymError
from training.batches import Head, buckets, filled_up, head_of, hidden_at, sharded_as, whole
from training.hints import splice
from training.ranks import ALONE, Ranks

Weights = dict[str, torch.Tensor]


class Teacher:
    """Averaged weights of one model. With decay 1 it never moves: a frozen teacher, or a reference policy."""

    def __init__(self, model: Any, decay: float):
        self.model = model
        self.decay = decay
        with torch.no_grad():
            # By name; clones of the student's weights, or of its shards.
            self.weights: Weights = {n: p.detach().float().clone() for n, p in trained(model)}

    @torch.no_grad()
    def update(self) -> None:
        """One step of the average towards the student."""
        for name, theirs in trained(self.model):
            self.weights[name].lerp_(theirs.detach().float(), 1 - self.decay)

    @torch.no_grad()
    def copy_student(self) -> None:
        """Become the student as it is now."""
        for name, theirs in trained(self.model):
            self.weights[name].copy_(theirs)

    @torch.no_grad()
    def restore(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Take back whole weights, by name. Raises MedGymError when names differ."""
        if self.weights.keys() != weights.keys():
            raise MedGymError("teacher of another model", got=sorted(weights.keys() ^ self.weights.keys())[:3])
        for name, mine in self.weights.items():
            mine.copy_(sharded_as(weights[name], mine))

    @torch.no_grad()
    def distance(self) -> float:
        """|theta_bar - theta| / |theta|, over the weights that train."""
        pairs = [(self.weights[name], theirs.detach().float()) for name, theirs in trained(self.model)]
        gap = sum(float(whole((a - b).pow(2).sum())) for a, b in pairs)
        size = sum(float(whole(b.pow(2).sum())) for _, b in pairs)
        return (gap / size) ** 0.5 if size else 0.0

    @contextmanager
    def speaking(self) -> Iterator[Any]:
        """The model with the teacher's weights in it, without gradient."""
        with torch.no_grad():
            theirs = {name: p.detach().clone() for name, p in trained(self.model)}
            try:
                for name, p in trained(self.model):
                    p.copy_(self.weights[name])
                yield self.model
            finally:
                for name, p in trained(self.model):
                    p.copy_(theirs[name])

    def head(self) -> Head:
        """The teacher's output matrix, without gradient."""
        with torch.no_grad():
            head = head_of(self.model)  # a frozen head is the student's
            own = {id(p): name for name, p in trained(self.model)}
            layer = self.model.get_output_embeddings()

            def averaged(p: torch.Tensor | None, given: torch.Tensor | None) -> torch.Tensor | None:
                return given if p is None or id(p) not in own else whole(self.weights[own[id(p)]])

            weight = averaged(layer.weight, head.weight)
            assert weight is not None
            bias = averaged(layer.bias, head.bias)
            return Head(weight.detach(), None if bias is None else bias.detach())


def trained(model: Any) -> list[tuple[str, torch.Tensor]]:
    """The parameters that train, by name."""
    return [(n, p) for n, p in model.named_parameters() if p.requires_grad]


@dataclass
class TeacherRequest:
    """Tokens of one episode to score under a hint."""

    token_ids: Sequence[int]  # (T,)
    turn_id: Sequence[int]  # (T,)
    positions: Sequence[int]  # (n,) tokens to score
    hint: Sequence[int]
    """Tokens of the hint message; empty for none."""


def teacher_hidden(
    model: Any, requests: Sequence[TeacherRequest], batch_tokens: int, ranks: Ranks = ALONE
) -> list[torch.Tensor]:
    """Hidden states (n, D) that predict the token at each position of each request; NaN where there is none.

    Positions are those of the unhinted context, which is cut after the last one. The requests are this process's own;
    a sharded model is run by all `ranks`.
    """
    text = model.config.get_text_config()
    spliced = [_spliced(r, text.max_position_embeddings) for r in requests]
    found = [torch.full((len(r.positions), text.hidden_size), torch.nan, device=model.device) for r in requests]
    scorable = [i for i, (ids, _) in enumerate(spliced) if ids]
    for group in filled_up(buckets([len(spliced[i][0]) for i in scorable], batch_tokens), ranks):
        rows = [scorable[i] for i in group]
        with torch.no_grad():
            hidden = hidden_at(model, [spliced[i][0] for i in rows], [spliced[i][1] for i in rows])
        for i, part in zip(rows, hidden.split([len(spliced[i][1]) for i in rows]), strict=True):
            found[i][: len(part)] = part
    return found


def _spliced(request: TeacherRequest, longest: int) -> tuple[list[int], list[int]]:
    """The hinted context up to the last position that fits, and the places of the positions that do."""
    end = max(request.positions, default=-1) + 1
    ids, places = splice(request.token_ids[:end], request.turn_id[:end], request.hint)
    fitting = [places[p] for p in request.positions if places[p] < longest]
    return ids[: fitting[-1] + 1] if fitting else [], fitting

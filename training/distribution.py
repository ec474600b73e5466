"""The distribution a token is drawn from: how logits become it, how a uniform number picks from it, and the same again.

mu = softmax(logits / temperature), cut to the `top_k` likeliest tokens, then to the smallest set of them that holds
`top_p` of the probability, renormalised. `sampler_logprobs` are log mu of the tokens drawn; they equal the model's own
log-probabilities at temperature 1 without a cut. Greedy takes the likeliest token and reports the model's own
log-probability of it, since log mu would say nothing: 0.

`teacher_forced` recomputes log mu of finished sequences in plain forward passes, without any cache.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from medgym_core.errors import MedGymError
from training.batches import Tokens, buckets, logits_at


@dataclass(frozen=True)
class Sampling:
    """How to draw. Raises MedGymError for a value that draws nothing."""

    temperature: float = 1.0
    top_p: float = 1.0
    """1 keeps all tokens."""
    top_k: int = 0
    """0 keeps all tokens."""
    greedy: bool = False

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise MedGymError("temperature", got=self.temperature, expected="above 0 (or greedy)")
        if not 0 < self.top_p <= 1:
            raise MedGymError("top_p", got=self.top_p, expected="above 0, at most 1")
        if self.top_k < 0:
            raise MedGymError("top_k", got=self.top_k, expected="0 (no limit) or more")


def log_mu(logits: torch.Tensor, sampling: Sampling, drawn: torch.Tensor | None = None) -> torch.Tensor:
    """Log-probabilities (B, V) of the distribution that is sampled from; -inf outside the cut.

    Tokens `drawn` (B,) are known to have been inside it: they stay, even where rounding puts them just outside.
    """
    logp = logits.float()
    if sampling.greedy:
        return logp.log_softmax(-1)
    logp = (logp / sampling.temperature).log_softmax(-1)
    if sampling.top_p == 1 and not 0 < sampling.top_k < logp.shape[-1]:
        return logp
    kept = _kept(logp, sampling)
    if drawn is not None:
        kept.scatter_(-1, drawn[:, None], True)
    return logp.masked_fill(~kept, -torch.inf).log_softmax(-1)


def choose(logits: torch.Tensor, uniforms: torch.Tensor, sampling: Sampling) -> tuple[torch.Tensor, torch.Tensor]:
    """Token (B,) for logits (B, V) and uniforms (B,) in [0, 1) by the inverse cumulative distribution; its log mu (B,).

    The cumulative sum is in double precision and in order of token id, so the token is the one whose interval holds the
    uniform: nothing else of the batch enters. Raises MedGymError when the model gives no numbers.
    """
    logp = log_mu(logits, sampling)
    if sampling.greedy:
        tokens = logp.argmax(-1)
    else:
        cumulative = logp.double().exp().cumsum(-1)
        total = cumulative[:, -1]
        below = torch.nextafter(total, torch.zeros_like(total))  # the last interval ends before the total
        tokens = torch.searchsorted(cumulative, torch.minimum(uniforms * total, below)[:, None], right=True)[:, 0]
        tokens.clamp_(max=logp.shape[1] - 1)  # reached by NaN only
    chosen = logp.gather(1, tokens[:, None])[:, 0]
    if not bool(chosen.isfinite().all()):
        raise MedGymError("the model's logits are not finite", got=f"{int((~chosen.isfinite()).sum())} bad rows")
    return tokens, chosen


def teacher_forced(
    model: Any,
    sequences: Sequence[Tokens],
    positions: Sequence[Tokens],
    sampling: Sampling,
    batch_tokens: int = 4096,
) -> list[torch.Tensor]:
    """log mu (n_i,) of the tokens standing at the `positions` (>= 1) of each sequence, from plain forward passes."""
    found: list[torch.Tensor] = [torch.empty(0)] * len(sequences)
    for group in buckets([len(s) for s in sequences], batch_tokens):
        tokens = torch.tensor([sequences[i][p] for i in group for p in positions[i]], dtype=torch.long)  # (N,)
        with torch.no_grad():
            logits = logits_at(model, [sequences[i] for i in group], [positions[i] for i in group]).cpu()
        logp = log_mu(logits, sampling, tokens).gather(1, tokens[:, None])[:, 0]
        for i, part in zip(group, logp.split([len(positions[i]) for i in group]), strict=True):
            found[i] = part
    return found


def _kept(logp: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """Which tokens (B, V) survive the cut. Of equally likely tokens those with lower ids come first."""
    ordered, order = logp.sort(dim=-1, descending=True, stable=True)
    kept = torch.ones_like(ordered, dtype=torch.bool)
    if sampling.top_k:
        kept[:, sampling.top_k :] = False
        ordered = ordered.masked_fill(~kept, -torch.inf).log_softmax(-1)  # top-p is a share of what top-k left
    if sampling.top_p < 1:
        mass = ordered.double().exp()
        kept &= mass.cumsum(-1) - mass < sampling.top_p  # the token that reaches top_p stays
    return torch.zeros_like(kept).scatter(-1, order, kept)

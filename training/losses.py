"""The losses, token by token: each function gives one value per token (N,), from rows of log-probabilities (N, V).

    L = L_rl + lambda L_D + beta L_ref

A token's weight in the batch (1/N of it, or its share of its turn) is applied by the caller, so that chunks and
micro-batches add up to the batch. `.detach()` marks every stop-gradient.
"""

import torch

from training.batches import chosen


def policy_gain(
    logp: torch.Tensor,
    logp_old: torch.Tensor,
    logp_mu: torch.Tensor,
    advantages: torch.Tensor,
    *,
    clip_low: float,
    clip_high: float,
    importance_cap: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """w min(rho A, clip(rho, 1 - low, 1 + high) A), all (N,), and where the clip was active.

    rho = pi / pi_old carries the gradient; w = min(pi_old / mu, cap) corrects for the sampler. L_rl is minus its mean.
    """
    rho = (logp - logp_old.detach()).exp()
    w = (logp_old - logp_mu).exp().clamp(max=importance_cap).detach()
    bounded = rho.clamp(1 - clip_low, 1 + clip_high)
    clipped = bounded * advantages < rho * advantages
    return w * torch.minimum(rho * advantages, bounded * advantages), clipped


def distill_full(logp: torch.Tensor, gap: torch.Tensor, clip: float) -> torch.Tensor:
    """sum_v pi(v) sg clip(gap(v), -c, c), (N,); logp and gap = log pi - log pi_bar are (N, V).

    Unclipped this has the gradient of the reverse KL, the expectation of the sampled form.
    """
    return (logp.exp() * gap.detach().clamp(-clip, clip)).sum(-1)


def with_tail(logp: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """Log-probabilities (N, k + 1) of the tokens `kept` (N, k) and of all others together."""
    top = logp.gather(1, kept)
    # log(1 - sum), from the sum: never above 0, and finite where the kept tokens hold all the probability.
    rest = torch.log1p(-top.exp().sum(-1, keepdim=True).clamp(max=1 - 1e-6))
    return torch.cat([top, rest], -1)


def distill_sampled(
    logp: torch.Tensor, logp_old: torch.Tensor, logp_mu: torch.Tensor, gap: torch.Tensor, clip: float, cap: float
) -> torch.Tensor:
    """sg clip(gap, -c, c) w rho, all (N,): policy gradient of the reverse KL on the sampled token."""
    rho = (logp - logp_old.detach()).exp()
    w = (logp_old - logp_mu).exp().clamp(max=cap).detach()
    return gap.detach().clamp(-clip, clip) * w * rho


def distillation(
    logp: torch.Tensor,
    teacher: torch.Tensor,
    baseline: torch.Tensor | None,
    targets: torch.Tensor,
    old: torch.Tensor,
    mu: torch.Tensor,
    *,
    form: str,
    top_k: int,
    clip: float,
    gate: float,
    importance_cap: float,
) -> torch.Tensor:
    """d_t (N,) in one of its forms; logp, teacher and baseline are log-probabilities (N, V).

    Away from the baseline, which without one is the student itself, towards the teacher. With `gate` b above 0 each
    token is weighed by sigma(-b delta), delta = log pi - log pi_bar of the sampled token.
    """
    said = chosen(logp, targets)
    delta = (said if baseline is None else chosen(baseline, targets)).detach() - chosen(teacher, targets)
    if form == "sampled":
        d = distill_sampled(said, old, mu, delta, clip, importance_cap)
    else:
        student, away = logp, logp.detach() if baseline is None else baseline
        if form == "top_k" and top_k < logp.shape[1]:
            kept = logp.detach().topk(top_k, -1).indices
            student, away, teacher = with_tail(logp, kept), with_tail(away, kept), with_tail(teacher, kept)
        d = distill_full(student, away - teacher, clip)
    return d * torch.sigmoid(-gate * delta) if gate else d


def reference_kl(logp: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """KL(pi | pi_ref) of the sampled token by Schulman's k3, e^x - 1 - x with x = log pi_ref - log pi: (N,), >= 0."""
    x = reference.detach() - logp
    return x.exp() - 1 - x


def turn_shares(turn_of_token: list[list[int]], kept: list[list[bool]], average: str) -> list[list[float]]:
    """Share of each sampled token in L_D, per episode: kept tokens only, adding up to 1 over the batch.

    `turn`: mean over turns of the mean over a turn's kept tokens, so every turn weighs the same. `token`: plain mean.
    """
    counts: dict[tuple[int, int], int] = {}
    for episode, (turns, keep) in enumerate(zip(turn_of_token, kept, strict=True)):
        for turn, k in zip(turns, keep, strict=True):
            if k:
                counts[episode, turn] = counts.get((episode, turn), 0) + 1
    total = sum(counts.values())
    shares = []
    for episode, (turns, keep) in enumerate(zip(turn_of_token, kept, strict=True)):
        row = [
            (1 / (len(counts) * counts[episode, t]) if average == "turn" else 1 / total) if k else 0.0
            for t, k in zip(turns, keep, strict=True)
        ]
        shares.append(row)
    return shares

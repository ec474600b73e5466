"""One batch's worth of learning: the algorithm's loss over micro-batches, then the optimiser step.

Items that carry no gradient (no share in any component) are not run through the model. Items may be spread over
processes: each runs its own, gradients and figures are summed, and a process with fewer micro-batches runs empty ones,
since a sharded model needs all of them in every pass.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from training.adapters import recomputing
from training.algorithms.base import Algorithm, Chunk
from training.batches import Head, buckets, head_of, hidden_at, in_chunks, token_logprobs, whole
from training.items import Item
from training.ranks import ALONE, Ranks
from training.shared_prefix import hidden_after, prompt_batches, shared_length

FIGURES = ("entropy", "mismatch_kl")


def update(
    model: Any,
    optimiser: torch.optim.Optimizer,
    items: Sequence[Item],
    config: Any,
    algorithm: Algorithm,
    *,
    measure: bool = False,
    ranks: Ranks = ALONE,
) -> dict[str, Any]:
    """Learn from the items in `config.updates` (default 1) optimiser steps; figures of the update.

    With `measure` the gradient norm of each component is taken too, at the price of a pass for each.
    """
    updates = getattr(config, "updates", 1)
    if updates > 1:
        mine = [i for i in items if i.mine]
        ids, positions = [i.ids for i in mine], [i.positions for i in mine]
        said = token_logprobs(model, ids, positions, config.batch_tokens, ranks)
        for item, old in zip(mine, said, strict=True):
            item.old = old
    tally = Tally()
    share = -(-len(items) // updates)
    for start in range(0, len(items), share):
        part = items[start : start + share]
        algorithm.share(part)
        _step(model, optimiser, part, config, algorithm, measure, ranks, tally)
    return tally.figures(ranks)


class Tally:
    """Sums over the micro-batches of one update."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = {}
        self.norms: dict[str, float] = {}
        self.steps = 0

    def add(self, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def figures(self, ranks: Ranks) -> dict[str, Any]:
        """Means over tokens, over all processes; `kl` and `kl_by_turn` are mean log pi - log pi_bar where distilled."""
        sums = ranks.sums(self.sums)
        tokens, steps = sums.pop("tokens", 0.0), max(self.steps, 1)
        found: dict[str, Any] = {n: v / steps for n, v in sums.items() if n.startswith("loss_")}
        found["loss"] = sum(found.values())
        padding = sums.pop("padded", 0.0), sums.pop("computed", 0.0)
        turns = sorted({int(n.split("/")[1]) for n in sums if n.startswith("gap/")})
        counts, gaps = ([sums.get(f"{n}/{t}", 0.0) for t in turns] for n in ("kept", "gap"))
        found["kl"] = sum(gaps) / sum(counts) if turns else 0.0
        found["kl_by_turn"] = {str(t): g / c for t, g, c in zip(turns, gaps, counts, strict=True)}
        found["teacher_gap"] = sum(sums.get(f"size/{t}", 0.0) for t in turns) / sum(counts) if turns else 0.0
        found |= {n: v / max(tokens, 1.0) for n, v in sums.items() if "/" not in n and not n.startswith("loss_")}
        found["padding"] = padding[0] / padding[1] if padding[1] else 0.0
        return {**found, **self.norms, "trained_tokens": int(tokens)}


def _step(
    model: Any,
    optimiser: torch.optim.Optimizer,
    items: Sequence[Item],
    config: Any,
    algorithm: Algorithm,
    measure: bool,
    ranks: Ranks,
    tally: Tally,
) -> None:
    """One optimiser step on a part of the batch."""
    live = [i for i in items if i.mine and i.live]
    batches = micro_batches(live, config, ranks)
    for batch, shared in batches:
        lengths = [len(i.ids) - shared for i in batch]
        computed = len(batch) * max(lengths, default=0)
        tally.add({"padded": computed - sum(lengths), "computed": computed + shared})
    heads = algorithm.heads()
    optimiser.zero_grad(set_to_none=True)
    parameters = [p for p in model.parameters() if p.requires_grad]
    passes = [(name,) for name in algorithm.components] if measure else [algorithm.components]
    before: dict[int, torch.Tensor] = {}
    for number, names in enumerate(passes):
        for batch, shared in batches:
            with recomputing(model, config):
                counted = tally if number == 0 else Tally()
                losses = _losses(model, heads, batch, shared, config, algorithm, counted)
                torch.stack([losses[name] for name in names]).sum().backward()
        if measure:
            change = [p.grad - before[id(p)] if id(p) in before else p.grad for p in parameters if p.grad is not None]
            tally.norms[f"gradient_{names[0]}"] = _norm(change)
            before = {id(p): p.grad.clone() for p in parameters if p.grad is not None}
    norm = torch.nn.utils.clip_grad_norm_(parameters, config.max_grad_norm)
    tally.norms["gradient"] = float(whole(norm))
    optimiser.step()
    tally.steps += 1


def micro_batches(items: Sequence[Item], config: Any, ranks: Ranks) -> list[tuple[list[Item], int]]:
    """What runs together, and how many leading tokens of it are computed once; as many in every process."""
    if ranks.size == 1 and not config.gradient_checkpointing:
        chosen = [[items[i] for i in g] for g in prompt_batches(items, config.batch_tokens)]
        return [(b, shared_length([i.ids for i in b], [i.positions for i in b])) for b in chosen]
    groups = buckets([len(i.ids) for i in items], config.batch_tokens)
    groups += [[]] * (ranks.most(len(groups)) - len(groups))
    return [([items[i] for i in g], 0) for g in groups]


def _norm(gradients: Sequence[torch.Tensor]) -> float:
    return float(whole(torch.nn.utils.get_total_norm(gradients))) if gradients else 0.0


def _losses(
    model: Any,
    heads: Mapping[str, Head],
    items: Sequence[Item],
    shared: int,
    config: Any,
    algorithm: Algorithm,
    tally: Tally,
) -> dict[str, torch.Tensor]:
    """Each component of the loss of one micro-batch, a scalar; an empty one's is zero, with every weight in it."""
    device = model.device
    with torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bf16"):
        sequences, positions = [i.ids for i in items], [i.positions for i in items]
        if shared:
            hidden = hidden_after(model, sequences, positions, shared)  # (N, D)
        else:
            hidden = hidden_at(model, sequences, positions)
        head = head_of(model)
        if not items:
            nothing = head.logits(hidden).sum() * 0.0
            return dict.fromkeys(algorithm.components, nothing)
        tokens = _Tokens(items, device)
        shares = {n: tokens.shares[n] for n in algorithm.components}
        table = in_chunks(hidden, head, lambda logits, at: tokens.terms(logits, at, algorithm, heads, shares))
    losses = {name: table[:, i].sum() for i, name in enumerate(shares)}
    tokens.count(table.detach()[:, len(shares) :].double().cpu(), items, tally)
    tally.add({f"loss_{name}": float(loss.detach()) for name, loss in losses.items()})
    return losses


class _Tokens:
    """The tokens of one micro-batch, flat: N of them."""

    def __init__(self, items: Sequence[Item], device: torch.device):
        self.targets = torch.tensor([t for i in items for t in i.targets], device=device)
        self.turns = [t for i in items for t in i.turns]
        self.mu = torch.cat([i.mu for i in items]).to(device)
        self.advantages = torch.cat([i.advantages for i in items]).to(device)
        self.shares = {n: torch.cat([i.shares[n] for i in items]).to(device) for n in items[0].shares}
        self.keep = torch.tensor([k for i in items for k in i.keep], device=device)
        self.old, self.reference, self.teacher, self.baseline = (
            None if getattr(items[0], name) is None else torch.cat([getattr(i, name) for i in items]).to(device)
            for name in ("old", "reference", "teacher", "baseline")
        )
        self.names: list[str] = []
        """Figures of the algorithm, known after the first chunk."""

    def terms(
        self,
        logits: torch.Tensor,
        at: slice,
        algorithm: Algorithm,
        heads: Mapping[str, Head],
        shares: Mapping[str, torch.Tensor],
    ) -> torch.Tensor:
        """(n, C + F): the weighted components of the loss, then figures without gradient."""
        logp = logits.log_softmax(-1)
        kept = self.keep[at].nonzero()[:, 0]
        teacher, baseline = (self._said(values, at, kept, heads) for values in (self.teacher, self.baseline))
        targets, mu, advantages = self.targets[at], self.mu[at], self.advantages[at]
        old, reference = (None if v is None else v[at] for v in (self.old, self.reference))
        chunk = Chunk(logp, targets, mu, old, advantages, reference, kept, teacher, baseline)
        values, figures = algorithm.loss(chunk)
        self.names = sorted(figures)
        said, now = chunk.said.detach(), logp.detach()
        zero = torch.zeros_like(said)
        teacher_said = torch.full_like(said, torch.nan)
        if teacher is not None:
            teacher_said[kept] = teacher.gather(1, targets[kept][:, None])[:, 0]
        drift = chunk.old_or_now(said) - chunk.mu
        entropy = -(now.exp() * now).sum(-1)
        columns = [shares[n][at] * values.get(n, zero) for n in shares]
        drift = drift.double()
        columns += [said, teacher_said, entropy, (drift.expm1() - drift).float(), *(figures[n] for n in self.names)]
        return torch.stack(columns, 1)

    def _said(
        self, hidden: torch.Tensor | None, at: slice, kept: torch.Tensor, heads: Mapping[str, Head]
    ) -> torch.Tensor | None:
        """The teacher's log-probabilities (m, V) of the kept tokens of a chunk."""
        if hidden is None or "teacher" not in heads:
            return None
        with torch.no_grad():
            return heads["teacher"].logits(hidden[at][kept]).log_softmax(-1)

    def count(self, seen: torch.Tensor, items: Sequence[Item], tally: Tally) -> None:
        """Sum the figures (N, F); give each item what its teacher said."""
        said, teacher = seen[:, 0], seen[:, 1]
        for item, part in zip(items, teacher.split([len(i.positions) for i in items]), strict=True):
            item.said = part.float()
        tally.add({"tokens": float(len(seen))})
        columns = seen[:, 2:].sum(0).tolist()
        tally.add(dict(zip((*FIGURES, *self.names), columns, strict=True)))
        gap = said - teacher
        for turn in {t for t, k in zip(self.turns, self.keep.tolist(), strict=True) if k and self.teacher is not None}:
            at = torch.tensor([t == turn for t in self.turns]) & self.keep.cpu()
            sizes = {f"gap/{turn}": gap[at].sum(), f"size/{turn}": gap[at].abs().sum(), f"kept/{turn}": at.sum()}
            tally.add({name: float(value) for name, value in sizes.items()})

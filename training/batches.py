"""Forward passes over token sequences of unequal length, with logits at chosen positions only, a chunk at a time.

Sequences are right-padded: under a causal mask no real token sees the padding, so no attention mask is needed, and
bucketing by length keeps the padding small. The decoder runs once; the output head runs only where a log-probability
is wanted, and never over more than `CHUNK_LOGITS` numbers: with a gradient each chunk is computed again in the backward
pass, so no array of (tokens x vocabulary) ever exists.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.distributed.tensor import DTensor, Partial, distribute_tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from medgym_core.errors import MedGymError
from training.ranks import ALONE, Ranks

Tokens = Sequence[int]
ALIKE = 0.8  # bounds padding at a fifth, in practice at some 10 %; groups stay large enough
CHUNK_LOGITS = 1 << 22  # 16 MiB of fp32: larger chunks are not faster on a CPU, and memory is a few of them


@dataclass(frozen=True)
class Head:
    """The output matrix of a model, whole, on this process."""

    weight: torch.Tensor  # (V, D)
    bias: torch.Tensor | None = None  # (V,)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """(N, D) -> (N, V), in fp32."""
        return functional.linear(hidden, self.weight, self.bias).float()

    @property
    def rows(self) -> int:
        """Tokens of one chunk."""
        return max(1, CHUNK_LOGITS // self.weight.shape[0])


def head_of(model: Any) -> Head:
    """The model's head. A sharded one is gathered; its gradients are summed over the processes, back into shards."""
    layer = model.get_output_embeddings()
    return Head(whole(layer.weight), None if layer.bias is None else whole(layer.bias))


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """The full tensor of a shard; any other as it is. All processes must ask for it."""
    if not isinstance(tensor, DTensor):
        return tensor
    # Each process has the gradient of its own tokens: parts of a sum.
    return tensor.full_tensor(grad_placements=[Partial()] * tensor.device_mesh.ndim)


def sharded_as(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """A full tensor, cut as `like` is: this process keeps its own part. Nothing is sent."""
    if not isinstance(like, DTensor):
        return tensor
    tensor = tensor.to(like.device)
    return distribute_tensor(tensor, like.device_mesh, like.placements, src_data_rank=None)


def buckets(lengths: Sequence[int], batch_tokens: int) -> list[list[int]]:
    """Indices grouped by length, longest first, with rows x longest <= `batch_tokens` (a single row may exceed it) and
    no row shorter than `ALIKE` of the longest."""
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    groups: list[list[int]] = []
    for i in order:
        longest = lengths[groups[-1][0]] if groups else 0
        if groups and longest * (len(groups[-1]) + 1) <= batch_tokens and lengths[i] >= ALIKE * longest:
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups


def filled_up(groups: Sequence[list[int]], ranks: Ranks) -> list[list[int]]:
    """The groups, and empty ones until every process has as many: each pass of a sharded model needs them all."""
    return [*groups, *[[]] * (ranks.most(len(groups)) - len(groups))]


def hidden_at(model: Any, sequences: Sequence[Tokens], positions: Sequence[Tokens]) -> torch.Tensor:
    """Hidden states that predict the token at each position (>= 1) of each sequence: (N, D), by row and position.

    The model runs also where there is no sequence: other processes may run theirs.
    """
    width, device = max((len(s) for s in sequences), default=1), model.device
    ids = torch.zeros(max(len(sequences), 1), width, dtype=torch.long)  # (B, T)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = torch.as_tensor(sequence)
    hidden = model.get_decoder()(input_ids=ids.to(device), use_cache=False).last_hidden_state  # (B, T, D)
    picked = [row * width + p - 1 for row, chosen in enumerate(positions) for p in chosen]
    return hidden.flatten(0, 1)[torch.tensor(picked, dtype=torch.long, device=device)]


def logits_at(model: Any, sequences: Sequence[Tokens], positions: Sequence[Tokens]) -> torch.Tensor:
    """Logits (N, V) of `hidden_at`: for few positions; many go through `in_chunks`."""
    return model.get_output_embeddings()(hidden_at(model, sequences, positions))


def in_chunks(hidden: torch.Tensor, head: Head, compute: Callable[[torch.Tensor, slice], torch.Tensor]) -> torch.Tensor:
    """`compute(logits of a chunk (n, V), its slice of N)` gives (n, ...); all of them, (N, ...).

    With a gradient and more than one chunk, logits are dropped after the forward pass and computed again.
    """

    def piece(part: torch.Tensor, at: slice) -> torch.Tensor:
        return compute(head.logits(part), at)

    n = len(hidden)
    spans = [slice(start, min(start + head.rows, n)) for start in range(0, n, head.rows)] or [slice(0, 0)]
    again = torch.is_grad_enabled() and len(spans) > 1
    found = [
        checkpoint(piece, hidden[at], at, use_reentrant=False, preserve_rng_state=False)
        if again
        else piece(hidden[at], at)
        for at in spans
    ]
    return torch.cat(found) if len(found) > 1 else found[0]


def token_logprobs(
    model: Any, sequences: Sequence[Tokens], positions: Sequence[Tokens], batch_tokens: int, ranks: Ranks = ALONE
) -> list[torch.Tensor]:
    """Without gradient: log-probabilities (n_i,) of the tokens that stand at the positions of each sequence.

    The sequences are this process's own; a sharded model is run by all `ranks`.
    """
    found: list[torch.Tensor] = [torch.empty(0)] * len(sequences)
    with torch.no_grad():
        head = head_of(model)
        for group in filled_up(buckets([len(s) for s in sequences], batch_tokens), ranks):
            hidden = hidden_at(model, [sequences[i] for i in group], [positions[i] for i in group])
            targets = torch.tensor([sequences[i][p] for i in group for p in positions[i]], dtype=torch.long)
            logp = of_targets(hidden, head, targets.to(hidden.device)).cpu()
            for i, part in zip(group, logp.split([len(positions[i]) for i in group]), strict=True):
                found[i] = part
    return found


def of_targets(hidden: torch.Tensor, head: Head, targets: torch.Tensor) -> torch.Tensor:
    """Log-probability (N,) of each target (N,)."""
    return in_chunks(hidden, head, lambda logits, at: chosen(logits.log_softmax(-1), targets[at]))


def chosen(values: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """values[i, targets[i]]: (n, V), (n,) -> (n,)."""
    return values.gather(1, targets[:, None])[:, 0]


def check_head(model: Any) -> None:
    """Prove that decoder plus output head give the model's own logits (some architectures scale or cap them)."""
    ids = torch.arange(5, device=model.device)[None]  # (1, 5)
    with torch.no_grad():
        own = model(input_ids=ids).logits[0, :-1].float()
        ours = logits_at(model, [ids[0].tolist()], [range(1, 5)]).float()
    if not torch.allclose(own, ours, atol=1e-4):
        raise MedGymError(
            "this architecture changes its logits after the head",
            got=type(model).__name__,
            expected="logits = head(decoder)",
        )

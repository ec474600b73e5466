"""The one record from rollout to training to evaluation: an episode, one Parquet row each.

Invariants, checked on every write and read (`validate`): the token arrays have equal length; `token_ids` are exactly
what the model saw; a sampled token stands in an assistant turn; turns are numbered in order; per-turn parts, where the
world gives them, are finite and there for each turn. No torch here.

A file from before a column of `LATER` reads with that field's default; a file without another column is refused.
"""

import math
import os
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from medgym_core.artifacts import digest_bytes
from medgym_core.errors import MedGymError

ROLES = ("system", "user", "assistant", "tool", "hint")
SYSTEM, USER, ASSISTANT, TOOL, HINT = range(len(ROLES))


class StopReason(StrEnum):
    """Why an episode ended."""

    submitted = "submitted"
    """The agent committed to an answer, or the world ended the episode."""
    turn_limit = "turn_limit"
    """The task's turns were used up."""
    token_limit = "token_limit"
    """No room was left in the context."""
    script_end = "script_end"
    """A scripted agent had nothing more to say."""


class Trajectory(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One episode. T is the number of tokens; token arrays have length T."""

    run: str = ""
    step: int = 0
    """Optimiser step at which it was sampled."""
    policy: str
    """Digest of the policy that acted, or the name of a scripted agent."""
    task: str
    domain: str
    split: str
    seed: int
    sample: int
    """Index within the group of episodes of the same task."""
    group: str
    """Episodes of one group share a baseline."""
    messages: list[dict[str, Any]]
    token_ids: list[int]  # (T,)
    sampled: list[bool]  # (T,) True where the policy produced the token
    turn_id: list[int]  # (T,) assistant turn the token belongs to (its header included), -1 for what it reads
    role: list[int]  # (T,) index into ROLES; the generation header counts as assistant
    sampler_logprobs: list[float] | None  # (T,) log mu where sampled, else 0; None: not sampled from a policy
    advantages: list[float] | None = None  # (T,)
    teacher_logprobs: list[float | None] | None = None  # (T,) of the sampled token; None where there is none
    distill_mask: list[bool] | None = None  # (T,) True where distillation applies
    hint_kind: str = ""
    """What the teacher (or, in a hinted rollout, the policy) was told: `correct`, `incorrect`, `custom` or nothing."""
    hint_text: str = ""
    reward: float
    """The composite, unshaped."""
    shaped_reward: float | None = None
    """What GRPO saw."""
    accuracy: float
    correct: bool
    """The verifier's bit."""
    parts: dict[str, float]
    turn_rewards: list[float]
    """Reward by assistant turn: the composite on the last one."""
    turn_parts: list[dict[str, float]] | None = None
    """What each assistant turn brought (`rewards.per_turn`): process, format, severity of harm; None: not known."""
    critical: bool = False
    degenerate: str = ""
    """Why training takes nothing from it, one of `training.degenerate.REASONS`; empty: it does, or has not looked."""
    stop: StopReason
    turns: int
    tool_calls: int
    tool_errors: int
    writes: int
    """State-changing calls."""
    milliseconds: float = 0.0
    """Wall time until it ended; no part of the content digest."""
    provenance: dict[str, str]
    """Tokenizer and template digests, sampling parameters, code version."""

    @property
    def sampled_tokens(self) -> int:
        return sum(self.sampled)


SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("run", "policy", "task", "domain", "split", "group")),
        *((name, pa.int64()) for name in ("step", "seed", "sample", "turns", "tool_calls", "tool_errors", "writes")),
        ("messages", pa.string()),  # JSON
        ("token_ids", pa.list_(pa.int32())),
        ("sampled", pa.list_(pa.bool_())),
        ("turn_id", pa.list_(pa.int16())),
        ("role", pa.list_(pa.int8())),
        *((name, pa.list_(pa.float32())) for name in ("sampler_logprobs", "advantages", "teacher_logprobs")),
        ("distill_mask", pa.list_(pa.bool_())),
        ("hint_kind", pa.string()),
        ("hint_text", pa.string()),
        *((name, pa.float64()) for name in ("reward", "shaped_reward", "accuracy", "milliseconds")),
        ("correct", pa.bool_()),
        ("parts", pa.map_(pa.string(), pa.float64())),
        ("turn_rewards", pa.list_(pa.float64())),
        ("turn_parts", pa.list_(pa.map_(pa.string(), pa.float64()))),
        ("critical", pa.bool_()),
        ("degenerate", pa.string()),
        ("stop", pa.string()),
        ("provenance", pa.map_(pa.string(), pa.string())),
    ]
)
LATER = frozenset({"turn_parts", "degenerate"})
"""Columns that older files lack."""


def validate(t: Trajectory) -> Trajectory:
    """`t` itself, after checking the invariants. Raises MedGymError naming the episode and what is broken."""
    where = f"episode {t.task} sample {t.sample}"
    arrays = ("sampled", "turn_id", "role", "sampler_logprobs", "advantages", "teacher_logprobs", "distill_mask")
    for name in arrays:
        array = getattr(t, name)
        if array is not None and len(array) != len(t.token_ids):
            raise MedGymError(
                f"token array {name} has the wrong length", got=len(array), expected=len(t.token_ids), where=where
            )
    latest = -1
    for i, (sampled, turn, role) in enumerate(zip(t.sampled, t.turn_id, t.role, strict=True)):
        if (turn >= 0) != (role == ASSISTANT) or (sampled and turn < 0):
            raise MedGymError(
                "token is sampled or numbered outside an assistant turn",
                got=f"token {i} of role {ROLES[role]}",
                where=where,
            )
        if turn >= 0 and turn not in (latest, latest + 1):
            raise MedGymError("assistant turns are out of order", got=f"turn {turn} after {latest}", where=where)
        latest = max(latest, turn)
    if t.turns != latest + 1:
        raise MedGymError("number of turns", got=t.turns, expected=latest + 1, where=where)
    if t.turn_parts is not None and len(t.turn_parts) != t.turns:
        raise MedGymError("turns with parts", got=len(t.turn_parts), expected=t.turns, where=where)
    for turn, parts in enumerate(t.turn_parts or ()):
        if not all(map(math.isfinite, parts.values())):
            raise MedGymError("a part is not a number", got=parts, where=f"{where} turn {turn}")
    return t


def content_digest(trajectories: Iterable[Trajectory]) -> str:
    """Digest of what happened, in order. Wall time does not enter."""
    parts = [msgspec.json.encode(msgspec.structs.replace(t, milliseconds=0.0), order="sorted") for t in trajectories]
    return digest_bytes(b"\n".join(parts))


def write_trajectories(path: Path, trajectories: Sequence[Trajectory]) -> str:
    """Write one Parquet file (beside, then renamed) and return the content digest."""
    path = Path(path)
    rows = []
    for t in trajectories:
        row = msgspec.to_builtins(validate(t))
        row["messages"] = msgspec.json.encode(t.messages).decode()
        row["parts"] = sorted(t.parts.items())
        row["turn_parts"] = t.turn_parts and [sorted(p.items()) for p in t.turn_parts]
        row["provenance"] = sorted(t.provenance.items())
        rows.append(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), beside, compression="zstd")
    os.replace(beside, path)
    return content_digest(trajectories)


def read_trajectories(path: Path) -> list[Trajectory]:
    """Episodes of one Parquet file, or of all `*.parquet` of a folder in name order, validated."""
    path = Path(path)
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise MedGymError("no trajectories", got=path, expected="a Parquet file or a folder of them")
    return [validate(_trajectory(row)) for file in files for row in _rows(file)]


def _rows(file: Path) -> list[dict[str, Any]]:
    """The rows of one file, without the later columns it lacks."""
    try:
        lacking = set(SCHEMA.names) - set(pq.read_schema(file).names)
        if lacking - LATER:
            raise MedGymError("columns are missing", got=sorted(lacking - LATER), expected="all", where=file)
        return pq.read_table(file, schema=pa.schema([f for f in SCHEMA if f.name not in lacking])).to_pylist()
    except pa.ArrowException as error:
        raise MedGymError(
            "unreadable trajectories",
            got=str(error).splitlines()[0],
            expected="Parquet in the trajectory schema",
            where=file,
        ) from None


def _trajectory(row: dict[str, Any]) -> Trajectory:
    row["messages"] = msgspec.json.decode(row["messages"])
    row["parts"] = dict(row["parts"])
    if row.get("turn_parts") is not None:
        row["turn_parts"] = list(map(dict, row["turn_parts"]))
    row["provenance"] = dict(row["provenance"])
    return msgspec.convert(row, Trajectory)

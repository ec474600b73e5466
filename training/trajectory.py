"""The one record from rollout to training to evaluation: an episode, one Parquet row each.

Invariants, checked on every write and read (`validate`): the token arrays have equal length; `token_ids` are exactly
what the model saw; a sampled token stands in an assistant turn; turns are numbered in order; what is told by turn
(parts, tools, errors) is there for each turn, and per-turn parts are finite. No torch here.

An episode of which no tokens are known (a chat endpoint's, a script's without a tokenizer) says `tokens: none` in its
provenance and has empty token arrays: fit for evaluation, refused by training (`require_tokens`).

The columns are in `training.columns`, folders of parts in `training.trajectory_store`.
"""

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from medgym_core.artifacts import DIGEST_BYTES, digest_bytes
from medgym_core.errors import MedGymError
from training.columns import SCHEMA, batch, unpacked

ROLES = ("system", "user", "assistant", "tool", "hint")
SYSTEM, USER, ASSISTANT, TOOL, HINT = range(len(ROLES))
NO_TOKENS = {"tokens": "none"}
"""Provenance of an episode of which no tokens are known."""
MANIFEST = "manifest.jsonl"
"""In a folder of parts: one line a finished part. Parts that it does not name are not there."""


class StopReason(StrEnum):
    """Why an episode ended. An episode whose sampler failed has not ended: there is no record of it."""

    submitted = "submitted"
    """The agent committed to an answer, or the world ended the episode."""
    turn_limit = "turn_limit"
    """The task's turns were used up."""
    token_limit = "token_limit"
    """No room was left in the context."""
    time_limit = "time_limit"
    """The episode's wall time was used up."""
    script_end = "script_end"
    """A scripted agent had nothing more to say."""


class Trajectory(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One episode. T is the number of tokens; token arrays have length T."""

    run: str = ""
    step: int = 0
    """Optimiser step at which it was sampled."""
    policy: str
    """Digest of the policy that acted, or the name of a scripted agent or of a model whose weights nobody sees."""
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
    turn_tools: list[str] | None = None
    """Name of the tool each assistant turn called, empty where it called none; None: not known."""
    turn_errors: list[bool] | None = None
    """Whether each assistant turn was no valid call; None: not known."""
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
    """Wall time from its start to its end; no part of the content digest, nor of the files of a resumable run."""
    provenance: dict[str, str]
    """Tokenizer and template digests, sampling parameters, code version; `tokens: none` where there are no tokens."""

    @property
    def key(self) -> str:
        """Which episode this is: 16 hex digits of its task, sample, seed and policy."""
        return digest_bytes(f"{self.task}\n{self.sample}\n{self.seed}\n{self.policy}".encode())[:16]

    @property
    def has_tokens(self) -> bool:
        return self.provenance.get("tokens") != "none"

    @property
    def sampled_tokens(self) -> int:
        return sum(self.sampled)

    @property
    def turn_tokens(self) -> list[int]:
        """Tokens sampled in each assistant turn; empty where there are no tokens."""
        counts = [0] * self.turns if self.token_ids else []
        for sampled, turn in zip(self.sampled, self.turn_id, strict=True):
            if sampled:
                counts[turn] += 1
        return counts


T = TypeVar("T", bound=Sequence[Trajectory])


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
    if t.has_tokens:
        _validate_tokens(t, where)
    elif t.token_ids:
        raise MedGymError("tokens in an episode that says it has none", got=len(t.token_ids), expected=0, where=where)
    for name in ("turn_parts", "turn_tools", "turn_errors"):
        values = getattr(t, name)
        if values is not None and len(values) != t.turns:
            what = "turns with parts" if name == "turn_parts" else f"turns in {name}"
            raise MedGymError(what, got=len(values), expected=t.turns, where=where)
    for turn, parts in enumerate(t.turn_parts or ()):
        if not all(map(math.isfinite, parts.values())):
            raise MedGymError("a part is not a number", got=parts, where=f"{where} turn {turn}")
    return t


def _validate_tokens(t: Trajectory, where: str) -> None:
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


def require_tokens(trajectories: T) -> T:
    """The trajectories themselves. Raises MedGymError where one has no tokens: nothing can be learnt from it."""
    for t in trajectories:
        if not t.has_tokens:
            raise MedGymError(
                "an episode without tokens cannot be trained on",
                got=f"one of {t.policy}",
                expected="episodes that a sampler or a tokenizer wrote",
                where=f"episode {t.task} sample {t.sample}",
            )
    return trajectories


def content_digest(trajectories: Iterable[Trajectory]) -> str:
    """Digest of what happened, in order. Wall time does not enter."""
    digest, between = blake2b(digest_size=DIGEST_BYTES), b""
    for t in trajectories:
        digest.update(between + msgspec.json.encode(msgspec.structs.replace(t, milliseconds=0.0), order="sorted"))
        between = b"\n"
    return digest.hexdigest()


def write_trajectories(path: Path, trajectories: Sequence[Trajectory]) -> str:
    """Write one Parquet file (beside, then renamed) and return the content digest."""
    path = Path(path)
    rows = batch([validate(t) for t in trajectories])
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    pq.write_table(pa.Table.from_batches([rows], SCHEMA), beside, compression="zstd")
    os.replace(beside, path)
    return content_digest(trajectories)


def read_trajectories(path: Path) -> list[Trajectory]:
    """Episodes of one Parquet file, of all `*.parquet` of a folder in name order, or of a folder of parts, validated.

    Raises MedGymError where there are none, or a file is not ours, newer than this program or broken."""
    return list(iter_trajectories(path))


def iter_trajectories(path: Path) -> Iterator[Trajectory]:
    """The same, one at a time: a row group is in memory. The first is asked for before anything is returned."""
    for file in trajectory_files(path):
        seconds = iter(_milliseconds(file))
        for row in unpacked(file):
            t = validate(_trajectory(row, file))
            t.milliseconds = next(seconds, t.milliseconds)
            yield t


def trajectory_files(path: Path) -> list[Path]:
    """The Parquet files of a file, a flat folder or a folder of parts, in order; unfinished parts are left out."""
    path = Path(path)
    files = [path] if path.is_file() else []
    if (path / MANIFEST).is_file():
        files = [f for f, _ in finished_parts(path)]
    elif path.is_dir():
        files = sorted(path.glob("*.parquet")) or sorted(
            f for f in path.rglob("*.parquet") if not any(p[0] in "._" for p in f.relative_to(path).parts)
        )
    if not files:
        raise MedGymError("no trajectories", got=path, expected="a Parquet file or a folder of them")
    return files


def finished_parts(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The files that the folder's manifest names and that are whole, in order, each with its line."""
    found = {}
    for line in (Path(folder) / MANIFEST).read_text(encoding="utf-8").splitlines():
        try:
            entry = msgspec.json.decode(line)
        except msgspec.DecodeError:  # the line being written when the run was killed
            continue
        file = Path(folder) / entry["file"]
        if file.is_file() and file.stat().st_size == entry["bytes"]:
            found[entry["part"]] = (file, entry)
    return [found[part] for part in sorted(found)]


def _milliseconds(file: Path) -> list[float]:
    """Wall times of a part's episodes, kept beside it; none for another file."""
    beside = facts_of(file)
    return pq.read_table(beside, columns=["milliseconds"])["milliseconds"].to_pylist() if beside.is_file() else []


def facts_of(part: Path) -> Path:
    """Where the run facts of `FOLDER/domain=.../policy=.../part-N.parquet` are."""
    return part.parent.parent.parent / "_facts" / part.name if part.parent.name.startswith("policy=") else part / "none"


def _trajectory(row: dict[str, Any], file: Path) -> Trajectory:
    try:
        return msgspec.convert(row, Trajectory)
    except msgspec.ValidationError as error:
        raise MedGymError(
            "unreadable trajectories", got=str(error), expected="rows of the trajectory schema", where=file
        ) from None

"""What a training run says about itself: means over episodes, the log line of a step, the use of a hint.

Everything here is unshaped except `reward_shaped`, which is what GRPO saw. Seconds never enter the log lines, so that
the same inputs give the same bytes; they go to a log of their own.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from training.degenerate import REASONS
from training.hints import HINTS, REFERENCE, reference_text
from training.items import Item
from training.mechanisms import MECHANISMS
from training.policy import Policy
from training.rollout import DEFAULT_LIMITS, Limits, MakeEpisode, rollout
from training.trajectory import StopReason, Trajectory, write_trajectories

COUNTS = (
    *MECHANISMS, "zero_variance_groups", "degenerate", *(f"degenerate_{r}" for r in REASONS), "teacher_masked"
)  # fmt: skip
DIGITS = 6


def summary(episodes: Sequence[Trajectory]) -> dict[str, float]:
    """Means over episodes, unshaped; `unfinished` is the share that ended without a submission."""
    n = len(episodes)
    parts = sorted({p for t in episodes for p in t.parts})
    figures = {
        "accuracy": sum(t.correct for t in episodes) / n,
        "composite": sum(t.reward for t in episodes) / n,
        **{f"part_{p}": sum(t.parts.get(p, 0.0) for t in episodes) / n for p in parts},
        "sampled_tokens": sum(t.sampled_tokens for t in episodes) / n,
        "turns": sum(t.turns for t in episodes) / n,
        "tool_calls": sum(t.tool_calls for t in episodes) / n,
        "tool_errors": sum(t.tool_errors for t in episodes) / n,
        "writes": sum(t.writes for t in episodes) / n,
        "unfinished": sum(t.stop != StopReason.submitted for t in episodes) / n,
    }
    return {k: round(v, DIGITS) for k, v in figures.items()}


def step_record(episodes: Sequence[Trajectory], counts: Counter[str]) -> dict[str, Any]:
    """What a step's episodes were; `counts` are this step's."""
    return {
        **summary(episodes),
        "reward_shaped": sum(t.shaped_reward or 0.0 for t in episodes) / len(episodes),
        "tokens": sum(len(t.token_ids) for t in episodes),
        "sampled": sum(t.sampled_tokens for t in episodes),
        "counts": {**dict.fromkeys(COUNTS, 0), **dict(sorted(counts.items()))},
    }


def write_episodes(path: Path, episodes: Sequence[Trajectory], items: Sequence[Item]) -> str:
    """Write a step's episodes with what the teacher said of each sampled token; their content digest."""
    for t, item in zip(episodes, items, strict=True):
        if not item.taught:
            continue
        said = item.said.tolist() if item.said is not None else [math.nan] * len(item.positions)
        values: list[float | None] = [None] * len(t.token_ids)
        mask = [False] * len(t.token_ids)
        for p, value, kept in zip(item.positions, said, item.keep, strict=True):
            known = kept and math.isfinite(value)
            values[p], mask[p] = (value if known else None), known
        t.teacher_logprobs, t.distill_mask = values, mask
    return write_trajectories(path, episodes)


def hint_use(
    policy: Policy,
    tasks: Sequence[Any],
    n: int,
    seed: int,
    knowledge: Any = None,
    *,
    limits: Limits = DEFAULT_LIMITS,
    make_episode: MakeEpisode | None = None,
    reference: Callable[[Any], list[str]] | None = None,
) -> dict[str, dict[str, Any]]:
    """Figures of the policy with each kind of hint in its prompt and with none; `by_task` is the share of right ones.

    A hint that leaves them alone carries nothing for this policy, however much it moves log-probabilities. With
    `reference` the hint that gives the reference actions away is measured too.
    """
    hints: dict[str, Any] = {"none": "", **HINTS}
    if reference is not None:
        hints[REFERENCE] = lambda task: reference_text(reference(task))
    found: dict[str, dict[str, Any]] = {}
    for kind, hint in hints.items():
        played = rollout(policy, tasks, n, seed, knowledge, limits=limits, hint=hint, make_episode=make_episode)
        right = [sum(t.correct for t in played[i * n : (i + 1) * n]) / n for i in range(len(tasks))]
        found[kind] = {**summary(played), "by_task": right}
    return found


class Clock:
    """Seconds by phase of one step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[phase] = time.perf_counter() - began

    def record(self, step: int, line: dict[str, Any]) -> dict[str, float]:
        """Seconds by phase; sampled tokens/s of the rollout and all tokens/s of the update."""
        speeds = {
            "sampled_per_second": line.get("sampled", 0) / max(self.seconds["rollout"], 1e-9),
            "updated_per_second": line.get("tokens", 0) / max(self.seconds["update"], 1e-9),
        }
        return {"step": step, **{k: round(v, 4) for k, v in (self.seconds | speeds).items()}}

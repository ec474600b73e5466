"""From verified rewards to advantages: what training sees, and only training. Validation never comes here.

shaped = (1 - weight) composite + weight cosine(correct, sampled tokens)
A_i    = shaped_i - mean of the group
"""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from training.config import CosineConfig, DegenerateConfig
from training.degenerate import why_degenerate
from training.trajectory import Trajectory

# Yeo et al. 2025 (arXiv 2502.03373): reward at length 0 and at the limit, for right and wrong; beyond the limit.
CORRECT = (1.1, 0.7)
WRONG = (0.0, -0.3)
TOO_LONG = -0.5
EQUAL = 1e-9  # rewards closer than this are the same
UNDETECTED = DegenerateConfig(detect=False)  # what cannot be learnt from whatever is configured


def cosine_reward(correct: bool, length: int, limit: int) -> float:
    """Length reward of an episode of `length` sampled tokens: short is better when right, long is worse when wrong."""
    if length >= limit:
        return TOO_LONG
    start, end = CORRECT if correct else WRONG
    return end + (start - end) / 2 * (1 + math.cos(math.pi * length / limit))


def shape(trajectories: Sequence[Trajectory], config: CosineConfig) -> int:
    """Fill `shaped_reward`; the number of episodes to which the cosine was applied."""
    for t in trajectories:
        if config.weight:
            length_reward = cosine_reward(t.correct, t.sampled_tokens, config.limit)
            t.shaped_reward = (1 - config.weight) * t.reward + config.weight * length_reward
        else:
            t.shaped_reward = t.reward
    return len(trajectories) if config.weight else 0


def mark_degenerate(trajectories: Sequence[Trajectory], limits: DegenerateConfig) -> Counter[str]:
    """Fill `degenerate` of shaped episodes; how many are, in all and by reason."""
    counts: Counter[str] = Counter()
    for t in trajectories:
        t.degenerate = why_degenerate(t, limits)
        if t.degenerate:
            counts.update(("degenerate", f"degenerate_{t.degenerate}"))
    return counts


def degenerate(t: Trajectory) -> bool:
    """Training takes nothing from it: it is marked, or there is nothing to take (no sampled token, no number)."""
    return bool(t.degenerate or why_degenerate(t, UNDETECTED))


def group_advantages(trajectories: Sequence[Trajectory], *, normalise_std: bool) -> int:
    """Fill `advantages` (the same at every sampled token); the number of groups whose rewards are all equal.

    Degenerate episodes get zero and do not enter the mean of their group.
    """
    groups: dict[str, list[Trajectory]] = {}
    for t in trajectories:
        groups.setdefault(t.group, []).append(t)
    flat = 0
    for members in groups.values():
        usable = [not degenerate(t) for t in members]
        rewards = [float(t.shaped_reward or 0.0) for t, u in zip(members, usable, strict=True) if u]
        mean = sum(rewards) / len(rewards) if rewards else 0.0
        deviation = math.sqrt(sum((r - mean) ** 2 for r in rewards) / len(rewards)) if rewards else 0.0
        flat += deviation < EQUAL
        scale = 1 / deviation if normalise_std and deviation >= EQUAL else 1.0
        for t, u in zip(members, usable, strict=True):
            value = (
                float(np.float32((float(t.shaped_reward or 0.0) - mean) * scale)) if u and deviation >= EQUAL else 0.0
            )
            t.advantages = [value if s else 0.0 for s in t.sampled]
    return flat

"""From verified rewards to what training sees, and only training. Validation never comes here.

    shaped = (1 - weight) composite + weight cosine(correct, sampled tokens)

Advantages are made of it in `training.advantages`.
"""

import math
from collections import Counter
from collections.abc import Sequence

from training.config import CosineConfig, DegenerateConfig
from training.degenerate import why_degenerate
from training.trajectory import Trajectory

# Yeo et al. 2025 (arXiv 2502.03373): reward at length 0 and at the limit, for right and wrong; beyond the limit.
CORRECT = (1.1, 0.7)
WRONG = (0.0, -0.3)
TOO_LONG = -0.5
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

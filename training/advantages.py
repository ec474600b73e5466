"""Advantages: how much better a turn did than its group, from shaped rewards.

R_i is the shaped reward of episode i, r_ik what its turn k brought, so that sum_k r_ik = R_i (`turn_rewards`).

    credit          value of turn k          baseline over the group
    episode         R_i                      mean of R
    return_to_go    sum of r_ij, j >= k      mean of the same among the episodes that had a turn k
    turn            R_i and r_ik             mean of R, plus mean of r_.k among those that had a turn k

The last is the turn-level estimate of Zeng et al. 2025 (arXiv 2505.11821): outcome plus the turn's own advantage. With
`leave_one_out` the mean is that of the others (Ahmadian et al. 2024, arXiv 2402.14740). Degenerate episodes get zero
and stand in no mean. A group whose rewards are all equal gets zero.
"""

import math
from collections.abc import Sequence

import numpy as np

from medgym_core.rewards import WEIGHTS
from training.config import AdvantageConfig
from training.shaping import degenerate
from training.trajectory import Trajectory

EQUAL = 1e-9  # rewards closer than this are the same


def set_advantages(trajectories: Sequence[Trajectory], config: AdvantageConfig) -> int:
    """Fill `advantages`, the same at every sampled token of a turn; how many groups have equal rewards only."""
    groups: dict[str, list[Trajectory]] = {}
    for t in trajectories:
        t.advantages = [0.0] * len(t.token_ids)
        groups.setdefault(t.group, []).append(t)
    flat = 0
    for members in groups.values():
        usable = [t for t in members if not degenerate(t)]
        rewards = np.array([_shaped(t) for t in usable])
        deviation = float(rewards.std()) if len(usable) else 0.0
        if deviation < EQUAL:
            flat += 1
            continue
        for t, values in zip(usable, _by_turn(usable, rewards, config), strict=True):
            scaled = values / deviation if config.scale == "std" else values
            by_turn = np.float32(scaled).tolist()
            t.advantages = [by_turn[k] if s else 0.0 for s, k in zip(t.sampled, t.turn_id, strict=True)]
    return flat


def turn_rewards(t: Trajectory) -> list[float]:
    """What each turn brought, adding up to the shaped reward.

    A turn's process and format earn the weight they have in the composite; the rest, the outcome, comes with the last
    turn. An episode whose turns are not known brings everything with its last.
    """
    parts = t.turn_parts or [{} for _ in range(t.turns)]
    format_share = WEIGHTS["format"] / max(t.turns, 1)
    found = [WEIGHTS["process"] * p.get("process", 0.0) + format_share * p.get("format", 0.0) for p in parts]
    if found:
        found[-1] += _shaped(t) - math.fsum(found)
    return found


def _by_turn(members: Sequence[Trajectory], rewards: np.ndarray, config: AdvantageConfig) -> list[np.ndarray]:
    """Advantage by turn of each member; rewards are (G,)."""
    outcome = rewards - _baseline(rewards, config.baseline)
    if config.credit == "episode":
        return [np.full(max(t.turns, 1), a) for t, a in zip(members, outcome, strict=True)]
    brought = [np.array(turn_rewards(t)) for t in members]
    values = [b[::-1].cumsum()[::-1] for b in brought] if config.credit == "return_to_go" else brought
    centred = [np.zeros(len(v)) for v in values]
    for k in range(max(map(len, values), default=0)):
        rows = [i for i, v in enumerate(values) if len(v) > k]
        column = np.array([values[i][k] for i in rows])
        for i, value in zip(rows, column - _baseline(column, config.baseline), strict=True):
            centred[i][k] = value
    if config.credit == "turn":
        return [c + a for c, a in zip(centred, outcome, strict=True)]
    return centred


def _baseline(values: np.ndarray, kind: str) -> np.ndarray:
    """The mean of all, or of the others; a value without others is its own baseline."""
    if kind == "mean":
        return np.full(len(values), values.mean())
    return (values.sum() - values) / (len(values) - 1) if len(values) > 1 else values.copy()


def _shaped(t: Trajectory) -> float:
    return float(t.shaped_reward or 0.0)

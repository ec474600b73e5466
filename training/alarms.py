"""Alarms of a run, from its log: said with every step and in the result, never a stop. No torch here.

    length_explosion   sampled tokens an episode grew beyond a multiple of the start's
    turn_collapse      turns fell below a share of the start's
    teacher_gap        the student is further from its teacher than a bound, in nats a token

The start is the mean of the run's first `window` steps, now is that of its last.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from training.config import AlarmConfig

ALARMS = ("length_explosion", "turn_collapse", "teacher_gap")


def alarms(steps: Sequence[Mapping[str, Any]], config: AlarmConfig) -> list[str]:
    """Which alarms ring after the last of `steps` (log lines of training steps, in order)."""
    window = config.window
    ringing = []
    if len(steps) >= 2 * window:
        start, now = steps[:window], steps[-window:]
        if _mean(now, "sampled_tokens") > config.length_ratio * _mean(start, "sampled_tokens"):
            ringing.append("length_explosion")
        if _mean(now, "turns") < config.turn_ratio * _mean(start, "turns"):
            ringing.append("turn_collapse")
    if len(steps) >= window and _mean(steps[-window:], "teacher_gap") > config.teacher_gap:
        ringing.append("teacher_gap")
    return ringing


def _mean(steps: Sequence[Mapping[str, Any]], name: str) -> float:
    return sum(float(s.get(name, 0.0)) for s in steps) / len(steps)

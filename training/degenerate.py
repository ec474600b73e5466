"""Degenerate episodes: sampled text that is no behaviour at all, from which training takes nothing.

`why_degenerate` names what is wrong with an episode, or nothing. It reads the record alone (token ids, messages,
numbers), so it needs no tokenizer. A masked episode has no gradient and stands outside its group's mean: one runaway
generation would otherwise move the baseline of every other member.

A bad episode is not a degenerate one. Wrong, short or refused answers, tool errors and the same tool called again are
behaviour, and the reward is there to change them; limits are set so that only text that nobody would write is caught.
"""

import math
import unicodedata
from functools import cache
from itertools import takewhile

import numpy as np

from medgym_core.episode import text_of
from training.config import DegenerateConfig
from training.trajectory import Trajectory

REASONS = ("silent", "not_finite", "empty_turn", "same_turn", "script", "loop")
READ = frozenset({"LATIN", "GREEK"})  # scripts of medical English, units and symbols included
NO_SCRIPT = frozenset({"MODIFIER", "COMBINING"})  # letters that belong to no script, such as U+02BC


def why_degenerate(t: Trajectory, limits: DegenerateConfig) -> str:
    """One of `REASONS`, or nothing where the episode is fit to learn from.

    silent      nothing was sampled
    not_finite  its reward or a log-probability is not a number
    empty_turn  a turn of white space
    same_turn   the same text in several turns in a row
    script      a turn in letters of a script that neither medical English nor the prompt is written in
    loop        a turn in which a block of tokens goes on repeating itself

    The first two cannot be learnt from and hold always; the others are switched off by `limits.detect`.
    """
    if t.sampled_tokens == 0:
        return "silent"
    if not all(map(math.isfinite, (t.reward, t.shaped_reward or 0.0, *(t.sampler_logprobs or ())))):
        return "not_finite"
    if not limits.detect:
        return ""
    said = [text_of(m) for m in t.messages if m["role"] == "assistant"]
    if not all(map(str.strip, said)):
        return "empty_turn"
    if _longest_run([str.strip(s) for s in said]) >= limits.same_turns:
        return "same_turn"
    opening = takewhile(lambda m: m["role"] != "assistant", t.messages)
    read = READ.union(*(scripts(text_of(m)) for m in opening))
    if any(_foreign_share(text, read) > limits.foreign_share for text in said):
        return "script"
    return "loop" if any(_loops(turn, limits) for turn in _turns(t)) else ""


def scripts(text: str) -> frozenset[str]:
    """The scripts of a text's letters, such as `LATIN` and `CJK`."""
    return READ if text.isascii() else frozenset(filter(None, map(_script, text)))


@cache
def _script(character: str) -> str:
    """The script of a letter: the first word of its Unicode name in compatibility form (a micro sign is Greek, a
    full-width letter Latin). Empty for what is no letter or belongs to no script."""
    plain = unicodedata.normalize("NFKC", character)[0]
    if not unicodedata.category(plain).startswith("L"):
        return ""
    first = unicodedata.name(plain, "UNKNOWN").split()[0]
    return "" if first in NO_SCRIPT else first


def _foreign_share(text: str, read: frozenset[str]) -> float:
    """Share of a text's letters in a script outside `read`."""
    if text.isascii():
        return 0.0
    letters = [s for s in map(_script, text) if s]
    return sum(s not in read for s in letters) / len(letters) if letters else 0.0


def _longest_run(said: list[str]) -> int:
    """Most times in a row that the same text was said."""
    longest = run = 0
    for place, text in enumerate(said):
        run = run + 1 if place and text == said[place - 1] else 1
        longest = max(longest, run)
    return longest


def _turns(t: Trajectory) -> list[np.ndarray]:
    """The sampled tokens of each turn."""
    ids, turn_id = np.array(t.token_ids), np.array(t.turn_id)
    sampled = np.array(t.sampled)
    return [ids[sampled & (turn_id == turn)] for turn in range(t.turns)]


def _loops(ids: np.ndarray, limits: DegenerateConfig) -> bool:
    """Whether a block of at most `loop_block` tokens stands more than `loop_repeats` times in a row, over at least
    `loop_tokens` tokens. Equal to its neighbour one period on for m tokens means m + period tokens of repetition."""
    for period in range(1, min(limits.loop_block, len(ids) // 2) + 1):
        differ = np.flatnonzero(ids[period:] != ids[:-period])
        edges = np.concatenate(([-1], differ, [len(ids) - period]))
        length = int(np.diff(edges).max()) - 1 + period
        if length >= max(limits.loop_tokens, period * limits.loop_repeats + 1):
            return True
    return False

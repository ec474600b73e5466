"""What the teacher is told about the outcome, and where it stands in its context.

Outcome hints speak of the verifier's correctness bit and nothing else; the hint `reference` gives the reference actions
away, for upper bounds. The teacher's context is the student's with the hint as one extra message before the generation
header of every turn, exactly as `training.chat` writes it in a hinted rollout and as hint-conditioned cloning shows it,
so that a policy that has learnt to read the hint meets it in the same place. The student never sees it.
"""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from training.trajectory import Trajectory

CORRECT, INCORRECT, REFERENCE = "correct", "incorrect", "reference"
HINTS = {
    CORRECT: "Outcome: right. Keep to these steps.",
    INCORRECT: "Outcome: wrong. These steps fail.",
}


class Hints(NamedTuple):
    """What one episode's teacher is told, as kinds; empty for nothing."""

    teacher: str
    baseline: str | None = None
    """What the teacher is told whose opinion is subtracted; None: the student itself is."""


def hint_kinds(policy: str, trajectories: Sequence[Trajectory], seed: int) -> list[Hints]:
    """The hints of each episode's teacher.

    outcome    reinforcing for a correct episode, corrective for an incorrect one
    contrast   the teacher of the right hint against the teacher of the wrong one: what they share cancels
    reference  the reference actions: leaks by design
    shuffled   the outcome hints permuted over the batch: a control that must not help
    none       no hint
    """
    if policy == "none":
        return [Hints("")] * len(trajectories)
    if policy == "contrast":
        return [Hints(CORRECT, INCORRECT)] * len(trajectories)
    if policy == "reference":
        return [Hints(REFERENCE)] * len(trajectories)
    kinds = [CORRECT if t.correct else INCORRECT for t in trajectories]
    if policy == "shuffled":
        Random(f"hints/{seed}").shuffle(kinds)
    return [Hints(kind) for kind in kinds]


def reference_text(actions: Sequence[str]) -> str:
    """The hint that tells the reference actions."""
    return "Reference:\n" + "\n".join(actions)


def splice(token_ids: Sequence[int], turn_id: Sequence[int], hint: Sequence[int]) -> tuple[list[int], list[int]]:
    """The context with `hint` before the header of every turn: its ids, and where each original token went.

    In front of turn j this is ids[:p] + hint + ids[p:] for each p up to j's header, so a token of turn j (from 0) that
    stood at t now stands at t + (j + 1) len(hint).
    """
    ids: list[int] = []
    places: list[int] = []
    previous = -1
    for token, turn in zip(token_ids, turn_id, strict=True):
        if turn >= 0 and turn != previous:
            ids += hint
        previous = turn
        places.append(len(ids))
        ids.append(token)
    return ids, places

"""Whether an answer makes a statement, contradicts it, or neither: matching of words, and no understanding.

A statement is read as weighted content words (stems, one name for words that mean the same), numbers with units, and a
polarity. It is covered where one sentence of the answer, or two neighbouring ones, holds enough of that weight, every
number, and the same polarity. It is contradicted where one sentence holds nearly all of its words with the other
polarity, or with another number of the same unit. So a true paraphrase in other words is not seen, nor is a falsehood
in other words; how often is measured in tests/evaluation/test_scorer_long.py on labelled examples.

Questions, repeats of the question, and rows of key words state nothing. The length of the answer does not matter.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from evaluation.scorers.pieces import LONGEST, Piece, Quantity, concept, joined, whole
from evaluation.scorers.words import GENERIC, NAMING
from medgym_core.knowledge.text import stem

Reading = Literal["covered", "contradicted", "neither"]

COVERED = 0.77
"""Share of a statement's weight that must stand in the sentences: of four words of equal weight all four."""
DENIED = 0.8
"""The same for a contradiction: a sentence that shares less may speak of something else."""
NEW = 0.5
"""Share that must stand there of the words that the question does not hold, where there are any."""
KNOWN_WEIGHT = 0.5
"""Weight of a word that the question holds: it is no news."""
GENERIC_WEIGHT = 0.5
"""Weight of a word that many statements share."""
TIGHT = 0.6
"""Share of the sentence's own words that must be the statement's for a contradiction: the rest may turn it."""
CONCERNED = 1 / 3
"""Share of the words in common that must stand in a clause for its negator to count."""

_GENERIC = frozenset(concept(word)[0] for word in GENERIC)
_NAMES = frozenset("~" + stem(word) for word in NAMING)


def read_statement(statement: str, pieces: Sequence[Piece], question: str = "") -> Reading:
    """What the pieces of an answer say of the statement.

    Where some sentence covers it and another contradicts it, the better match counts; but an answer that says a thing
    and, in the same words, its contrary, contradicts it.
    """
    wanted, weights = whole(statement), _weights(statement, question)
    if not weights:
        return "neither"
    size = 1 + max(1, -(-len(wanted.words) // LONGEST))
    covered = denied = 0.0
    for first in range(len(pieces)):
        for count in range(1, size + 1):
            found = joined(pieces[first : first + count])
            share, reading = _compared(wanted, weights, found)
            if reading == "covered":
                covered = max(covered, share)
            elif reading == "contradicted" and count == 1:
                denied = max(denied, share + _is_contrary(wanted, found))
    if denied > covered:
        return "contradicted"
    return "covered" if covered else "neither"


def _is_contrary(wanted: Piece, found: Piece) -> bool:
    """Whether the sentence has the statement's words and numbers, no more and no fewer, but more or fewer negators."""
    same = set(wanted.content) == set(found.content) and wanted.quantities == found.quantities
    return same and (len(wanted.turned) != len(found.turned) or wanted.straight != found.straight)


@lru_cache(maxsize=1 << 15)
def _weights_of(content: tuple[str, ...], known: frozenset[str]) -> dict[str, float]:
    return {w: (GENERIC_WEIGHT if w in _GENERIC else 1.0) * (KNOWN_WEIGHT if w in known else 1.0) for w in content}


def _weights(statement: str, question: str) -> tuple[dict[str, float], frozenset[str]] | None:
    """Weight by content word, and the words that the question does not hold; None: nothing to compare."""
    known = frozenset(whole(question).content)
    content = whole(statement).content
    return (_weights_of(content, known), frozenset(content) - known) if content else None


def _compared(wanted: Piece, weights: tuple[dict[str, float], frozenset[str]], found: Piece) -> tuple[float, Reading]:
    """Share of the statement's weight that stands there, and what that says."""
    weight, new = weights
    held = frozenset(weight) & frozenset(found.content)
    share = sum(weight[w] for w in held) / sum(weight.values())
    if share < COVERED or (new and len(held & new) < NEW * len(new)):
        return share, "neither"
    if found.listing and not _within(wanted.words, found.words):
        return share, "neither"
    tight = share >= DENIED and sum(w in weight for w in found.content) >= TIGHT * len(found.content)
    if _differ(wanted, found, held):
        calm = sum(weight[w] for w in held & found.calm)
        if wanted.turned or calm < COVERED * sum(weight.values()) or _differ(wanted, found, held & found.calm):
            return share, "contradicted" if tight else "neither"
    missing = {q for q in wanted.quantities if q != Quantity(1.0, "time") and not any(map(q.same, found.quantities))}
    if not missing:
        return share, "covered"
    others = {q.unit for q in found.quantities if not any(map(q.same, wanted.quantities))}
    clash = any(q.unit in others and q.unit not in _NAMES for q in missing)
    return share, "contradicted" if clash and tight else "neither"


def _differ(wanted: Piece, found: Piece, held: frozenset[str]) -> bool:
    """Whether the two say contrary things with the words they share: by negators, or by words of opposite sense."""
    turns = _turns(wanted, held) + _turns(found, held)
    return (turns + len((wanted.straight ^ found.straight) & held)) % 2 == 1


def _turns(piece: Piece, held: frozenset[str]) -> int:
    return sum(len(turned & held) >= max(1, CONCERNED * len(held)) for turned in piece.turned)


def _within(words: Sequence[str], of: Sequence[str]) -> bool:
    return f" {' '.join(words)} " in f" {' '.join(of)} "

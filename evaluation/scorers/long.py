"""The score of a long answer: which of the statements it should make it makes, and which it contradicts.

Statements are read by rule (`evaluation.scorers.statements`, which says what the rule does not see) or by a model judge
(`evaluation.scorers.model_judge`); the figures are made of the readings in the same way:

    value = share of must-have statements covered - share of all statements contradicted, at least 0

The answer is correct where every must-have statement is covered and nothing is contradicted. Without must-have
statements (benchmarks mark some questions as too vague to have any) ROUGE-L against the reference takes the place of
coverage, and half of it is enough.
"""

from collections.abc import Callable

from evaluation.item import Item, Score
from evaluation.scorers.pieces import pieces_of
from evaluation.scorers.rouge import rouge_l, words
from evaluation.scorers.statements import Reading, read_statement
from evaluation.scorers.words import REFUSALS

Reader = Callable[[str], Reading]
"""What the answer says of a statement."""
ALIKE = 0.5
"""ROUGE-L from which an answer without statements to check counts as correct."""


def score_long(text: str, item: Item) -> Score:
    """The scorer of every long-answer benchmark, by rule. Never raises on any text.

    Details: `coverage` (ROUGE-L where there is no statement), `contradiction` (shares), `nice_to_have` (how many of
    those statements were made), `rouge_l` against the reference answer, `words` of the answer.
    """
    pieces = pieces_of(text, item.question)
    return scored(text, item, lambda statement: read_statement(statement, pieces, item.question), bool(pieces))


def scored(text: str, item: Item, read: Reader, states: bool = True) -> Score:
    """The score of an answer whose statements `read` reads; `states`: whether it states anything at all."""
    must = [read(statement) for statement in item.must_have]
    nice = [read(statement) for statement in item.nice_to_have]
    likeness = rouge_l(text, item.gold)
    contradiction = (must + nice).count("contradicted") / max(1, len(must + nice))
    coverage = must.count("covered") / len(must) if must else likeness
    details = {
        "coverage": coverage,
        "contradiction": contradiction,
        "nice_to_have": float(nice.count("covered")),
        "rouge_l": likeness,
        "words": float(len(words(text))),
    }
    silent = not coverage and not contradiction and (not states or refuses(text))
    if silent or not words(text) or (not must and coverage < ALIKE and refuses(text)):
        return Score("unparsable", 0.0, None, details)
    value = max(0.0, coverage - contradiction)
    right = (coverage == 1.0 if must else coverage >= ALIKE) and not contradiction
    return Score("correct" if right else "wrong", value, text.strip(), details)


def refuses(text: str) -> bool:
    """Whether the text says that it does not answer."""
    said = " ".join(text.lower().replace("’", "'").split())
    return any(phrase in said for phrase in REFUSALS)

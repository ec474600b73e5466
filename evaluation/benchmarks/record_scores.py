"""The score of an answer to a question over a record: one function, by the kind of answer the item asks for.

Whatever the kind, "not recorded" (or one of its other wordings) is an answer: right where the record does not say, and
wrong where it does. Any value where the record does not say is wrong. A list is right when it names the same entries,
in any order; it is read from the last "Answer:" on, split at semicolons and line ends, else at commas.
Numbers are read by `scorers.number`, single entries and yes or no by `scorers.short`. A number in the unit that the
question gives, spelled as the record has it, counts as without a unit.
"""

import re

from evaluation.item import Item, Score
from medgym_core.text import normal

NOT_RECORDED = "not recorded"
ABSENT = frozenset(
    normal(words)
    for words in (NOT_RECORDED, "it is not recorded", "not documented", "not available", "not measured", "no record")
)
_LABEL = re.compile(r"\banswer\b(?:\s+is\b)?\s*[:=]?\s*", re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-*\u2022]|\d{1,2}[.)](?=\s))\s*")


def score_record(text: str, item: Item) -> Score:
    """1 for the gold, else 0. Never raises on any text."""
    if says_absent(text):
        return _scored(item.gold == NOT_RECORDED, NOT_RECORDED)
    if not normal(text).strip():
        return Score("unparsable", 0.0, None)
    if item.gold == NOT_RECORDED:
        return Score("wrong", 0.0, _last_line(text)[:200])
    return READERS[item.record["answer"]](text, item)


def says_absent(text: str) -> bool:
    """Whether the last line of an answer says that the record does not say, and nothing else."""
    return normal(_LABEL.sub("", _last_line(text))) in ABSENT


def entries(text: str) -> list[str]:
    """The entries that an answer lists."""
    labels = list(_LABEL.finditer(text))
    body = text[labels[-1].end() :] if labels else text
    parts = [part for part in re.split(r"[;\n]", body) if part.strip()]
    if len(parts) == 1:
        parts = parts[0].split(",")
    named = [_BULLET.sub("", part).strip() for part in parts]
    return [part for part in named if normal(part).strip()]


def score_list(text: str, item: Item) -> Score:
    """1 for the same entries as the gold, which are separated by semicolons; else 0."""
    said = entries(text)
    if not said:
        return Score("unparsable", 0.0, None)
    right = {normal(part) for part in said} == {normal(part) for part in entries(item.gold + ";")}
    return _scored(right, "; ".join(said)[:200])


def _number(text: str, item: Item) -> Score:
    from evaluation.scorers.number import score_number

    own = rf"(?<=\d)\s*{re.escape(item.unit)}(?![\w/])" if item.unit else r"(?!)"
    return _plain(score_number(re.sub(own, "", text), item))


def _short(text: str, item: Item) -> Score:
    from evaluation.scorers.short import score_short

    return _plain(score_short(text, item))


READERS = {"number": _number, "short": _short, "yes_no": _short, "list": score_list}


def _plain(score: Score) -> Score:
    """The score without further figures: not every kind of answer has them."""
    return Score(score.verdict, score.value, score.answer)


def _scored(right: bool, answer: str) -> Score:
    return Score("correct" if right else "wrong", float(right), answer)


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""

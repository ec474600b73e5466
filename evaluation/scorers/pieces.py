"""Sentences as statements are compared with them: content words, numbers with units, and what is turned round.

A content word stands for its forms and synonyms (`concept`); negators turn round the clause they stand in.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from evaluation.scorers.words import DENIALS, FUNCTION, NAMING, NEGATORS, NUMBERS, OPPOSITE, PHRASES, SAME
from medgym_core.clinical.synonyms import spelled
from medgym_core.grading import plain
from medgym_core.knowledge.text import sentences, stem
from medgym_core.units import convert

LEAST_FUNCTION = 0.2
"""Share of function words below which a run of words is a listing. English prose has about 0.4."""
SHORT = 4
"""Words up to which a sentence may do without: treatment lasts ten days."""
MOST_MARKS = 0.4
"""Commas a word above which it is one too."""
LONGEST = 60
"""Words of a piece; a longer sentence is cut, so that a text without full stops is not one sentence."""
MOST_PIECES = 400
"""Of an answer; ten times a long answer. What stands behind is not read."""

_WORD = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|%|[^\W\d_](?:[^\W_]|['’](?=\w))*|[,;:()]")
_PHRASE = re.compile(r"\b(?:" + "|".join(sorted(map(re.escape, PHRASES), key=len, reverse=True)) + r")\b")
_CLAUSE = frozenset(", ; : ( ) but although though however because unless until while whereas since if when".split())
_RESUMES = frozenset("is are was can may should will must has have do does avoid never not".split())
"""After `and` these begin a clause of their own."""
_JOINS = frozenset("to or and".split())
_LISTED = re.compile(r"^\s*(?:[-*•–]|\d{1,2}[.)])\s+")
_PARTICLE = re.compile(r"^\W*(?:yes|no)[.,:;!]\s+(?=\S)", re.IGNORECASE)
"""It answers the question and turns round nothing of what follows."""
_UNITS = ("mg", "d", "ml", "cm", "mm[hg]", "mmol", "u", "%", "mg/dl", "mg/kg")
_PERIODS = {"month": 365.25 / 12, "year": 365.25}  # days
_TIMES = {"once": 1.0, "twice": 2.0, "thrice": 3.0}


@dataclass(frozen=True)
class Quantity:
    """A number with its unit in one form; without a unit, `~` and the word that it counts or that names it."""

    value: float
    unit: str

    def same(self, other: "Quantity") -> bool:
        """Whether the values are equal, and the units where both have one."""
        return self.value == other.value and (self.unit == other.unit or "~" in (self.unit[:1], other.unit[:1]))


@dataclass(frozen=True)
class Piece:
    """A sentence as it is compared."""

    content: tuple[str, ...]
    """Content words in order."""
    turned: tuple[frozenset[str], ...]
    """For each negator: the content words that it turns round, those of its clause."""
    straight: frozenset[str]
    """Content words said in their own sense somewhere; the others only by a word for the contrary."""
    calm: frozenset[str]
    """Content words of the clauses without a negator."""
    quantities: frozenset[Quantity]
    words: tuple[str, ...]
    """All words, for the comparison word by word."""
    listing: bool


def pieces_of(text: str, question: str = "") -> list[Piece]:
    """The sentences of an answer that state something: no questions, no repeats of the question.

    A list item is read after the line that announced the list.
    """
    asked = f" {' '.join(whole(question).words)} "
    found: list[Piece] = []
    lead = ""
    for line in plain(text).splitlines():
        listed = _LISTED.match(line)
        body = line[listed.end() :] if listed else line
        if not body.strip(" *_#"):
            continue
        if not listed:
            lead = body if body.rstrip(" *_").endswith(":") else ""
        for sentence in sentences(body):
            if not sentence.rstrip(" *_\"'”)").endswith("?"):
                sentence = _PARTICLE.sub("", sentence)
                found += _cut(f"{lead} {sentence}" if listed and lead else sentence)
        if len(found) > MOST_PIECES:
            break
    return [piece for piece in found[:MOST_PIECES] if piece.words and f" {' '.join(piece.words)} " not in asked]


def joined(pieces: Iterable[Piece]) -> Piece:
    """Neighbouring pieces as one."""
    pieces = tuple(pieces)
    if len(pieces) == 1:
        return pieces[0]
    return Piece(
        tuple(w for p in pieces for w in p.content),
        tuple(t for p in pieces for t in p.turned),
        frozenset().union(*(p.straight for p in pieces)),
        frozenset().union(*(p.calm for p in pieces)),
        frozenset(q for p in pieces for q in p.quantities),
        tuple(w for p in pieces for w in p.words),
        any(p.listing for p in pieces),
    )


@lru_cache(maxsize=1 << 14)
def whole(text: str) -> Piece:
    """A statement or question as one piece."""
    return joined([_piece(sentence) for sentence in sentences(plain(text))] or [_piece("")])


def _cut(sentence: str) -> list[Piece]:
    """The sentence as pieces of at most `LONGEST` words."""
    words = sentence.split()
    return [_piece(" ".join(words[i : i + LONGEST])) for i in range(0, len(words), LONGEST)]


@lru_cache(maxsize=1 << 15)
def _piece(sentence: str) -> Piece:
    text = _PHRASE.sub(lambda m: PHRASES[m[0]], " ".join(sentence.lower().replace("’", "'").split()))
    tokens = _WORD.findall(text)
    words = tuple(t for t in tokens if t not in ",;:()")
    quantities, used = _quantities(tokens)
    plain_words = sum(w in FUNCTION or w.replace("'", "") in NEGATORS for w in words)
    marks = sum(t in ",;" for t in tokens)
    bare = len(words) > SHORT and plain_words < LEAST_FUNCTION * len(words)
    listing = bare or marks > MOST_MARKS * len(words)
    content, turned, straight, calm = _content(tokens, used)
    return Piece(content, turned, straight, calm, quantities, words, listing)


def _content(
    tokens: list[str], used: set[int]
) -> tuple[tuple[str, ...], tuple[frozenset[str], ...], frozenset[str], frozenset[str]]:
    """Content words of a sentence and how they are said (fields of `Piece`). `used`: tokens that belong to a number."""
    found: list[str] = []
    straight: set[str] = set()
    calm: set[str] = set()
    turned: list[frozenset[str]] = []
    clause: list[str] = []
    negators = denials = 0
    for place, token in enumerate([*tokens, ";"]):
        bare = token.replace("'", "")
        if token in _CLAUSE or (token == "and" and tokens[place + 1 : place + 2] and tokens[place + 1] in _RESUMES):
            turned += [frozenset(clause)] * negators
            calm |= set() if negators else set(clause)
            clause, negators = [], 0
        elif bare in NEGATORS:
            negators += 1
        elif bare in DENIALS:
            denials += 1
        elif place not in used and token not in FUNCTION and token != "%":
            word, contrary = concept(token)
            found.append(word)
            clause.append(word)
            straight |= set() if contrary else {word}
    all_words = frozenset(found)
    return (
        tuple(found),
        (*turned, *[all_words] * denials),
        frozenset(straight),
        frozenset() if denials else frozenset(calm),
    )


@lru_cache(maxsize=1 << 16)
def concept(word: str) -> tuple[str, bool]:
    """The word that stands for all of its forms and synonyms, and whether it says the contrary of that one."""
    word = word.removesuffix("'s")
    word = spelled(word) or word
    if word in OPPOSITE:
        return stem(OPPOSITE[word]), True
    return stem(SAME.get(word, word)), False


def _quantities(tokens: list[str]) -> tuple[frozenset[Quantity], set[int]]:
    """The numbers of a sentence with their units, and the places of the tokens they take up."""
    values = {i: v for i, token in enumerate(tokens) if (v := _value(token)) is not None}
    found: list[Quantity] = [Quantity(_TIMES[t], "time") for t in tokens if t in _TIMES]
    used = {i for i, t in enumerate(tokens) if t in _TIMES}
    unit = ""
    for place in sorted(values, reverse=True):
        used.add(place)
        after = tokens[place + 1] if place + 1 < len(tokens) else ""
        paired = place + 1 in values or (after in _JOINS and place + 2 in values)  # 7-10 days, 7 to 10 days
        if not paired:
            quantity = measured(values[place], after)
            unit = after if quantity else ""
            used |= {place + 1} if quantity else set()
        else:
            quantity = measured(values[place], unit)
        beside = tokens[place - 1] if place and tokens[place - 1] in NAMING else after
        counted = "" if not beside.isalpha() or beside in FUNCTION else stem(beside)
        found.append(quantity or Quantity(values[place], "~" + counted))
    return frozenset(found), used


def _value(token: str) -> float | None:
    if token[0].isdecimal():
        return float(token.replace(",", ""))
    return float(NUMBERS[token]) if token in NUMBERS else None


@lru_cache(maxsize=1 << 12)
def measured(value: float, unit: str) -> Quantity | None:
    """The quantity in the one unit of its kind; None where that is no unit."""
    single = unit.removesuffix("s")
    if single in ("time", "degree"):
        return Quantity(value, single)
    if single in _PERIODS:
        return Quantity(round(value * _PERIODS[single], 6), "d")
    for wanted in _UNITS if unit.strip() else ():
        if (found := convert(value, unit, wanted)) is not None:
            return Quantity(round(found, 6), wanted)
    return None

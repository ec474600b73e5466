"""A document cut into passages: cleaned, then split on its structure (section, paragraph, sentence).

A section of 200 words or fewer is one passage, however short: a definition or a drug's class is a line of its own, and
joining it to another section would lose its heading. A longer one is divided into passages of 100 to 200 words, at
the ends of paragraphs where the sizes allow, never inside a sentence (one whose length alone exceeds 200 words is a
passage of its own).
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from medgym_core.artifacts import digest_bytes
from medgym_core.knowledge.text import sentences
from medgym_core.knowledge.types import Document, Passage

LOW, HIGH = 100, 200  # words of a passage
MIDDLE = (LOW + HIGH) // 2
OUTSIDE = 10**6  # cost of a passage outside the bounds: more than any arrangement inside them
IN_PARAGRAPH = 900  # cost of a cut inside a paragraph: a paragraph's end is worth 30 words off the middle

_ODD = re.compile("[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\xa0\xad\u200b-\u200f\u2028\u2029\u2060\ufb00-\ufb06\ufeff]")
_REPLACED = {code: None for code in [*range(0x20), *range(0x7F, 0xA0), 0xAD, *range(0x200B, 0x2010), 0x2060, 0xFEFF]}
_REPLACED |= {0x09: "\t", 0x0A: "\n", 0x0D: "\r", 0x85: "\n", 0xA0: " ", 0x2028: "\n", 0x2029: "\n\n"}
_REPLACED |= {0x91: "‘", 0x92: "’", 0x93: "“", 0x94: "”", 0x96: "–", 0x97: "—"}  # Windows-1252 read as Latin-1
_REPLACED |= dict(zip(range(0xFB00, 0xFB07), ("ff", "fi", "fl", "ffi", "ffl", "st", "st"), strict=True))

# Reference marks, where nothing else can stand: after a word or a stop, before punctuation or a blank.
_MARK = re.compile(r"(?:\[ ?\d{1,3}(?: ?[,;–-] ?\d{1,3})* ?\])+(?=[\s.,;:)]|$)")
_MARKED = re.compile(r"(?:(?P<before>\S*) )?(?P<word>[a-z]{3,}| ?[A-Za-z)]+[.,;]) ?$")
_LOOK_BACK = 40  # characters before a mark that are looked at
# Words that a bracketed value explains: "range [10, 15]" is no reference.
_VALUED = frozenset("age aged days from hours interval mean median months range score within weeks years".split())
# "(Fig. 2A)", "(see Tables 1 and 2)", and what is left where a reference was taken out: "( )", "[,]", "(Fig. )".
_NUMBER = r"S?\d{1,3}[A-Za-z]?"
_NUMBERS = rf" ?{_NUMBER}(?:(?: ?[,–-] ?| and ){_NUMBER})*"
_POINTER = re.compile(rf"\((?:see )?(?:Figs?|Figures?|Tables?)\b(?:\.?{_NUMBERS}|[ .;]+)[ .;]*\)", re.IGNORECASE)
_EMPTY = re.compile(r"\([\s,;]*\)|\[[\s,;]*\]")
_GONE = "\0"  # stands for what is taken out, until the blank before it goes too


def passages_of(document: Document) -> Iterator[Passage]:
    """The passages of one document, in reading order."""
    title = " ".join(clean(document.title).split())
    key = digest_bytes("\0".join((document.source, document.id or document.url, title)).encode())
    rest = (document.licence, document.url, key)
    position = 0
    for heading, body in document.sections:
        section = " ".join(clean(heading).split())
        for text in pack(*units_of(clean(body))):
            identity = digest_bytes("\0".join((title, section, text)).encode())
            yield Passage(identity, document.source, title, section, text, *rest, position, document.date)
            position += 1


def clean(text: str) -> str:
    """Text without control characters, soft hyphens, ligatures, reference marks and pointers to figures.

    Line breaks and runs of blanks stay: they separate paragraphs and list items. Brackets go only where they can hold
    nothing but a reference: chemical names, intervals and enantiomers keep theirs.
    """
    if _ODD.search(text):
        text = text.translate(_REPLACED)
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if "[" in text:
        text = _MARK.sub(_unmarked, text)
    if "(" in text:
        text = _POINTER.sub(_GONE, text)
    text = _EMPTY.sub(_GONE, text)
    return text.replace(" " + _GONE, "").replace(_GONE, "") if _GONE in text else text


def _unmarked(match: re.Match) -> str:
    """Nothing in place of a reference mark; a bracketed value as it is ("64 [55, 72]", "5 days [3-8]")."""
    before = _MARKED.search(match.string, max(match.start() - _LOOK_BACK, 0), match.start())
    if before is None or before["word"] in _VALUED:
        return match[0]
    counted = any(c.isdigit() for c in before["before"] or "") and before["word"].isalpha()
    return match[0] if counted else _GONE


def units_of(text: str) -> tuple[list[str], list[bool]]:
    """(sentences, list items and headings in order, whether each ends its paragraph)."""
    units: list[str] = []
    ends: list[bool] = []
    for paragraph in text.split("\n\n"):
        found = sentences(paragraph, HIGH)
        if found:
            units += found
            ends += [False] * (len(found) - 1) + [True]
    return units, ends


def pack(units: list[str], ends: list[bool] | None = None) -> list[str]:
    """Join sentences into passages of LOW to HIGH words, as near the middle as the sentences and paragraphs allow.

    Shortest path over the cut points: the cost of a passage is its squared distance from the middle, plus
    IN_PARAGRAPH where it stops inside a paragraph (`ends` says of each unit whether it ends one). First only passages
    within the bounds are considered; where no such arrangement exists, any that hold the fewest outside.
    """
    sizes = list(accumulate(unit.count(" ") + 1 for unit in units))  # words up to and with each unit
    if not sizes or sizes[-1] <= HIGH:
        return [" ".join(units)] if units else []
    inside = [0 if not ends or end else IN_PARAGRAPH for end in ends or units]
    before = [0, *sizes]
    cut = _cuts_within(before, inside) or _cuts(before, inside)
    packed, i = [], len(units)
    while i:
        packed.append(" ".join(units[cut[i] : i]))
        i = cut[i]
    return packed[::-1]


def _cuts_within(before: list[int], inside: list[int]) -> list[int] | None:
    """Where the passage that ends at each cut point starts, all within the bounds; None where that cannot be."""
    best: list[float] = [0.0]
    cut = [0]
    for i in range(1, len(before)):
        size = before[i]
        least, start = float("inf"), -1
        for j in range(bisect_left(before, size - HIGH, 0, i), i):
            words = size - before[j]
            if words < LOW:
                break
            cost = best[j] + (words - MIDDLE) * (words - MIDDLE)
            if cost < least:
                least, start = cost, j
        best.append(least + inside[i - 1])
        cut.append(start)
    return cut if cut[-1] >= 0 else None


def _cuts(before: list[int], inside: list[int]) -> list[int]:
    """As `_cuts_within`, of passages of any size, a unit longer than HIGH alone."""
    best, cut = [0.0], [0]
    for i in range(1, len(before)):
        least, start = float("inf"), i - 1
        for j in range(i - 1, -1, -1):
            words = before[i] - before[j]
            if words > HIGH and j < i - 1:
                break
            cost = best[j] + (words - MIDDLE) ** 2 + (0 if LOW <= words <= HIGH else OUTSIDE)
            if cost < least:
                least, start = cost, j
        best.append(least + inside[i - 1])
        cut.append(start)
    return cut

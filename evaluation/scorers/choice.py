"""One scorer for every multiple-choice benchmark, whatever the mode: an answer text is parsed once, strictly.

An answer commits to exactly one letter: `B`, `(B)`, `Answer: B`, `B. text`, or the exact text of one option. Its last
line must commit. Free text may stand before that; text that names several letters or several options commits to none.
Parsing never sees the gold letter, so no text can be right for two of them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from evaluation.item import Item, Score, Verdict

Kind = Literal["none", "bare", "named", "labelled", "declared"]

INTRO = re.compile(r"^\W*(?:the\s+)?(?:(?:final|correct|best|right)\s+)*answer\b(?:\s+is\b)?\s*[:=]?\s*", re.IGNORECASE)
DECLARATION = re.compile(
    r"(?i:\banswer\b\s*(?:is\b)?)\W{0,4}(?i:option\s+)?\W{0,2}([A-Z])"
    r"(?=\W*$|\.(?![ ]?[a-z])|\s*[):,;*]|\s+-\s|\s+(?:and|or)\b)"
)
# "B. Text", "(B) text", "B: text", "B - text", "**B** text"; but not "C. difficile" and not "B-cell".
LABEL = re.compile(r"^\W*([A-Z])(?:\.(?![ ]?[a-z])\W*?|[):*]\W*?|\s+-\s)\s*(?=\S)")
OWN_LABEL = re.compile(r"^\W*?([A-Z])(?:[.):*]+|\s+-\s|\s)\s*(?=\S)")
FILLER = frozenset("the final correct best right answer answers option options is are and or both all of".split())


@dataclass(frozen=True)
class Claim:
    """What one line commits to: no letter for free text, several for a listing."""

    kind: Kind
    letters: frozenset[str]


def parse_letter(text: str, options: Mapping[str, str]) -> str | None:
    """The one letter `text` commits to, or None. `options` maps letter to option text. Never raises on any text.

    A bare letter is that letter even where an option's text is a letter. A closing "Answer: B" outranks earlier lines
    that discuss options one by one, but not another declaration or a bare list of letters.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return None
    whole = _named(text, options)
    if len(lines) > 1 and len(whole) == 1:
        return min(whole)
    claims = [_claim(line, options) for line in lines]
    last = claims[-1]
    if last.kind == "declared":
        claims = [claim for claim in claims if claim.kind in ("declared", "bare")]
    letters = frozenset().union(*(claim.letters for claim in claims))
    return min(letters) if last.letters and len(letters) == 1 else None


def judge(text: str, item: Item) -> tuple[str | None, Verdict]:
    """The parsed letter of an answer to `item`, and the verdict on it."""
    letter = parse_letter(text, item.options)
    if letter is None:
        return None, "unparsable"
    return letter, "correct" if letter == item.gold else "wrong"


def score_choice(text: str, item: Item) -> Score:
    """The scorer of every multiple-choice benchmark: 1 for the gold letter, else 0."""
    letter, verdict = judge(text, item)
    return Score(verdict, float(verdict == "correct"), letter)


def _claim(line: str, options: Mapping[str, str]) -> Claim:
    rest = INTRO.sub("", line)
    declared: Kind | None = "declared" if rest != line else None
    quoted = OWN_LABEL.match(rest)
    if quoted and _plain(rest[quoted.end() :]) == _plain(options.get(quoted.group(1), "")):
        return Claim(declared or "labelled", frozenset(quoted.group(1)))
    letters = frozenset(word.upper() for word in re.findall(r"\w+", rest) if word.casefold() not in FILLER)
    if letters and letters <= set(options):
        return Claim(declared or "bare", letters)
    named = _named(rest, options)
    if named:
        return Claim(declared or "named", named)
    for kind, match in (("declared", DECLARATION.search(line)), ("labelled", LABEL.match(line))):
        if match and match.group(1) in options:
            letter = match.group(1)
            return Claim(kind, _mentioned(line[match.end() :], letter, options) | {letter})
    return Claim("none", frozenset())


def _named(text: str, options: Mapping[str, str]) -> frozenset[str]:
    """Letters of the options whose text `text` is: several where options read the same."""
    plain = _plain(text)
    return frozenset(letter for letter, option in options.items() if plain and plain == _plain(option))


def _mentioned(rest: str, own: str, options: Mapping[str, str]) -> frozenset[str]:
    """Other letters that the text after a commitment to `own` names: as a lone capital, or by an option's text."""
    rest = re.sub(re.escape(options[own]), " ", " ".join(rest.split()), count=1, flags=re.IGNORECASE)
    others = {letter: _plain(option) for letter, option in options.items() if letter != own}
    plain = _plain(rest)
    quoted = {k for k, option in others.items() if option and re.search(rf"(?<!\w){re.escape(option)}(?!\w)", plain)}
    return frozenset(quoted | {letter for letter in re.findall(r"\b[A-Z]\b", rest) if letter in others})


def _plain(text: str) -> str:
    """Text folded for an exact comparison: case, white space and outer punctuation do not count."""
    return " ".join(text.casefold().split()).strip(" .,;:*`")

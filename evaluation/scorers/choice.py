"""One scorer for every multiple-choice benchmark, whatever the mode: an answer text is parsed once, strictly.

An answer commits to exactly one letter: `B`, `(B)`, `Answer: B`, `B. text`, the exact text of one option, or such a
text first and a reason after it ("Yes, because ..."). The commitment stands in the last line, or an opening one is
followed by nothing but its explanation. A letter that the text rules out ("not A but C") is not one it names. Text that
names several letters or options, or takes its answer back, commits to none. Parsing never sees the gold letter, so no
text can be right for two of them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evaluation.item import Item, Score, Verdict
from evaluation.scorers.choice_text import (
    answer_part,
    lone_letters,
    normal,
    offered_letters,
    opening,
    plain,
    quoted,
    squash,
    strike,
    taken_back,
)

Kind = Literal["none", "bare", "named", "labelled", "exact", "declared"]

_IS = (
    r"(?:\s*(?:is|was|'s|(?:would|must|should|will|has\s+to)\s+be)\b"
    r"(?:\s+(?:therefore|thus|most\s+likely|probably)\b)?)?"
)
_BEST = r"(?:(?:final|single|correct|best|right|most|likely|appropriate|chosen|selected)\s+)"
_WHAT = r"(?:choice|option|letter|response|pick|guess|diagnosis|cause|treatment|(?:next\s+)?step|explanation|mechanism)"
_CHOOSE = r"(?:choose|pick|select|go\s+(?:with|for)|lean\s+towards?|say|guess|answer|think|believe|suspect|conclude)"
INTRO = re.compile(
    rf"\W{{0,8}}(?:(?:but|and|so|thus|therefore|hence|overall|finally|in\s+(?:conclusion|summary))\b\W{{0,4}}){{0,3}}(?:"
    rf"(?:(?:the|my|our)\s+)?{_BEST}{{0,4}}(?:answer|ans)\b(?:\s+(?:choice|option|letter|to\s+(?:the|this)\s+question)\b)?{_IS}"
    rf"|(?:(?:the\s+|my\s+)?{_BEST}{{1,4}}|my\s+){_WHAT}\b{_IS}|(?:response|conclusion|selected|selection|decision)\s*(?=:)"
    rf"|(?:i|we)(?:'d|'ll)?\s+(?:(?:would|will|must|have\s+to)\s+)?{_CHOOSE}\b(?:\s+that\b)?"
    rf"(?:\s+(?:it|this|the\s+{_BEST}{{0,4}}answer){_IS})?"
    r")\s*[.:=]?\s*",
    re.IGNORECASE,
)
# What may stand behind a letter that closes a commitment: not a genus ("C. difficile"), not a compound ("B-cell").
_END = r"(?=[\W_]*$|\.(?![ ]?[a-z])|\s*[():,;*]|\s+-\s|\s+(?:and|or|because|since|as|due|given|which|for)\b)(?!\W*\?)"
DECLARATION = re.compile(
    rf"(?i:\b(?:answer|(?:correct|best|right|my)\s+(?:choice|option)|choose|pick|select|go\s+with)\b{_IS})"
    rf"\W{{0,4}}(?i:(?:option|choice|letter)\s+)?\W{{0,2}}([A-Z]){_END}"
)
JUDGED = re.compile(
    r"(?<![\w'-])([A-Z])\W{0,3}\s(?i:is|seems|must\s+be|would\s+be|fits)\s+"
    r"(?i:(?:the|most|clearly|likely|single)\s+)*(?i:correct|right|best|answer|true)\b"
)
ALTERNATIVE = re.compile(r"(?<![\w'-])[A-Z]\W*(?i:\b(?:and|or|nor)\b|[,/&])\W*(?i:option\s+|choice\s+)?\W*$")
# "B. Text", "(B) text", "B: text", "B - text", "**B** text", "Option B: text", "B, because".
LABEL = re.compile(
    r"^\W*(?i:(?:option|choice)\s+)?([A-Z])(?:[.):*=]|\s+-\s|,?\s+(?=because\b|since\b|due\s+to\b))[\W_]*(?=\S)"
)
OWN_LABEL = re.compile(r"^\W*?(?i:(?:option|choice)\s+)?([A-Z])(?:[.):*=,]+|\s+-\s|\s)\s*(?=\S)")
END_LABEL = re.compile(r"^(.+?)\s*\((?i:(?:option|choice)\s+)?([A-Z])\)\W*$")
CLAUSE = re.compile(r"[.,;:!]\s+|\s(?=but\s|so\s)")
LEAD_END = re.compile(r"\s*[,;!]\s|\s*\.\s|\s*:\s|\s+-\s|\s+(?:because|since|as|due\s+to|given)\b", re.IGNORECASE)
REJECTED = re.compile(r"^[\W_]*(?:no|not|unlikely|incorrect|wrong|false|ruled\s+out|excluded)\b", re.IGNORECASE)
PRONOUN = re.compile(r"\b[Ii](?:'(?:d|ll|m|ve))?\s+(?!(?:is|or|and|but|because)\b)(?=[a-z])")
FILLER = frozenset(
    "the final correct best right true answer answers option options choice choices letter is are and or both all of my"
    " it its it's this that be would must should will therefore thus so hence then but most likely probably definitely"
    " clearly certainly appropriate for with go choose pick select say guess think believe".split()
)
CASE_COUNTS = 4  # characters: up to here option texts may differ by case alone, as the genotypes "Aa" and "AA" do


@dataclass(frozen=True)
class Claim:
    """What one line commits to: no letter for free text, several for a listing."""

    kind: Kind
    letters: frozenset[str]


NOTHING = Claim("none", frozenset())


def parse_letter(text: str, options: Mapping[str, str]) -> str | None:
    """The one letter `text` commits to, or None. `options` maps letter to option text. Never raises on any text.

    A bare letter is that letter even where an option's text is a letter. A closing "Answer: B" outranks earlier lines
    that discuss options one by one, but not another declaration or a bare list of letters; an opening one outranks
    later lines of that sort.
    """
    if text in options:
        return text
    part = normal(answer_part(text))
    options = {letter: normal(option) for letter, option in options.items()}
    lines = _lines(part, options)
    whole = _named(part, options)
    if len(lines) != 1 and len(whole) == 1:
        return min(whole)
    claims = [_claim(line, options) for line in lines]
    for i, line in enumerate(lines[:-1]):
        if claims[i].kind == "bare" and line.rstrip(" *").endswith(":"):
            claims[i] = Claim("labelled", claims[i].letters)  # the heading of what follows
    if not claims:
        return None
    closing = claims[-1].kind not in ("none", "labelled") or all(claim.kind != "declared" for claim in claims)
    return _closing(claims) if closing and claims[-1].letters else _opening(claims, lines, options)


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


def _lines(text: str, options: Mapping[str, str]) -> list[str]:
    """Lines with a word in them. A clause that announces an answer (", so the answer is B") is a line of its own; one
    that does nothing else ("The answer is:") goes with the next."""
    lines: list[str] = []
    for line in text.splitlines():
        for part in [line] if _own(line, options) or _named(line, options) else _clauses(line):
            if not re.search(r"\w", part):
                continue
            if lines and not re.search(r"\w", _announced(lines[-1])):
                lines[-1] += " " + part
            else:
                lines.append(part)
    return lines


def _clauses(line: str) -> list[str]:
    cuts = [found.end() for found in CLAUSE.finditer(line) if INTRO.match(line, found.end())]
    return [line[start:end] for start, end in zip([0, *cuts], [*cuts, len(line)], strict=True)]


def _announced(line: str) -> str:
    """What a line says behind words like "the answer is"; the line itself without such words."""
    found = INTRO.match(line)
    return line[found.end() :] if found else line


def _closing(claims: Sequence[Claim]) -> str | None:
    if claims[-1].kind == "declared":
        claims = [claim for claim in claims if claim.kind in ("declared", "bare")]
    return _single(claims)


def _opening(claims: Sequence[Claim], lines: Sequence[str], options: Mapping[str, str]) -> str | None:
    """The letter of a commitment that lines of explanation follow."""
    at = next((i for i, claim in enumerate(claims) if claim.kind == "declared"), None)
    if at is not None:
        letter = _single(
            [c for i, c in enumerate(claims) if c.kind in ("declared", "bare") or (i > at and c.kind != "labelled")]
        )
    elif claims[0].kind in ("bare", "named", "exact"):
        at, letter = 0, _single(claims)
    else:
        return None
    after = [strike(line) for line in lines[at + 1 :]]
    if letter is None or any(taken_back(line, options, letter) for line in after):
        return None
    named = {"bare": lone_letters, "exact": lone_letters, "named": offered_letters}.get(claims[at].kind)
    return None if named and any(named(line, options) - {letter} for line in after) else letter


def _single(claims: Sequence[Claim]) -> str | None:
    letters = frozenset().union(*(claim.letters for claim in claims))
    return min(letters) if len(letters) == 1 else None


def _claim(line: str, options: Mapping[str, str]) -> Claim:
    rest = _announced(line)
    declared: Kind | None = "declared" if rest != line else None
    own = _own(rest, options)
    if own:
        return Claim(declared or "exact", frozenset(own))
    clear = strike(rest)
    letters = _bare(clear, options)
    if letters:
        return Claim(declared or "bare", letters)
    named = _named(rest, options) or _named(line, options)  # an option's text may itself open with "the best answer is"
    if named:
        return Claim(declared or "named", named)
    for kind, letter, others, tail in _first(strike(line), clear, options):
        if taken_back(tail, options, letter):
            return NOTHING
        letters = offered_letters(tail, options) if kind == "named" else lone_letters(tail, options)
        others |= letters | quoted(tail, options, letter)
        return Claim(declared or kind, others | {letter})
    return NOTHING


def _first(line: str, rest: str, options: Mapping[str, str]) -> Iterator[tuple[Kind, str, frozenset[str], str]]:
    """Commitments within a line, the plainest first: kind, letter, other letters named with it, the text behind it."""
    for pattern in (DECLARATION, JUDGED):
        found = pattern.search(line)
        if (
            found
            and found.group(1) in options
            and not ALTERNATIVE.search(line[max(0, found.start(1) - 40) : found.start(1)])
        ):
            yield "declared", found.group(1), *_behind(line[found.end() :], found.group(1), options)
    found = LABEL.match(rest)
    if found and found.group(1) in options:
        letter, tail = found.group(1), rest[found.end(1) :]
        genus = re.match(r"\.[ ]?[a-z]", tail)
        if not (genus and not opening(tail, options[letter])) and not REJECTED.match(tail):
            yield "labelled", letter, *_behind(tail, letter, options)
    ends = {letter: opening(rest, option) for letter, option in options.items() if len(squash(option)) > 1}
    longest = max(ends.values(), default=0)
    if longest and LEAD_END.match(rest, longest):
        first, *same = [letter for letter, end in ends.items() if end == longest]
        if not (rest[longest:].lstrip().startswith((":", "-")) and REJECTED.match(rest[longest:])):
            yield "named", first, frozenset(same), rest[longest:]


def _behind(tail: str, letter: str, options: Mapping[str, str]) -> tuple[frozenset[str], str]:
    """The options that the text right behind a letter quotes in place of its own, and the text without its own."""
    own = opening(tail, options[letter])
    if own:
        return frozenset(), tail[own:]
    return frozenset(k for k, option in options.items() if len(squash(option)) > 1 and opening(tail, option)), tail


def _own(text: str, options: Mapping[str, str]) -> str:
    """The letter of a text that is a letter and the whole text of its option, in either order; else empty."""
    found = OWN_LABEL.match(text)
    if found and plain(options.get(found.group(1), "")) == plain(text[found.end() :]):
        return found.group(1) if not (text[found.end(1)] == "," and len(squash(text[found.end() :])) == 1) else ""
    found = END_LABEL.match(text)
    return found.group(2) if found and plain(options.get(found.group(2), "")) == plain(found.group(1)) else ""


def _bare(text: str, options: Mapping[str, str]) -> frozenset[str]:
    """The letters of a text that is nothing else but letters and filler words."""
    words = re.findall(r"\w+(?:'\w+)*", PRONOUN.sub(" ", text))
    filler = FILLER - {plain(option) for option in options.values()}
    letters = [word for word in words if word.casefold() not in filler]
    if any(word in ("a", "i") for word in letters if word != words[-1]) or ("?" in text and len(words) > 1):
        return frozenset()  # an article, a pronoun, a question
    named = frozenset(word.upper() for word in letters)
    return named if named <= set(options) else frozenset()


def _named(text: str, options: Mapping[str, str]) -> frozenset[str]:
    """Letters of the options whose text `text` is: several where options read the same."""
    wanted = plain(text)
    named = {letter: squash(option) for letter, option in options.items() if wanted and wanted == plain(option)}
    if len(named) > 1 and all(len(option) <= CASE_COUNTS for option in named.values()):
        same = frozenset(letter for letter, option in named.items() if option == squash(text))
        return same or frozenset(named)
    return frozenset(named)

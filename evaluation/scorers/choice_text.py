"""Reading the text of a choice answer, without knowing what is right: the answer inside a submission, one spelling of
each character, letters that stand for options, letters that the text rules out, and words that take an answer back.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from medgym_core.actions import parse_action
from medgym_core.types import Call

ANSWER_KEYS = ("answer", "final_answer", "choice", "option", "letter")
OUTER = " .,;:*`!\"'()[]{}_$"  # punctuation and markup around an answer; not + and -, which can be the answer

_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63"
_SPELLING = str.maketrans(
    {
        **dict.fromkeys(_DASHES, "-"),
        **dict.fromkeys("\u2018\u2019\u201b\u02bc\u00b4", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"'),
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", ""),
        "\u2044": "/",
    }
)
# Cyrillic and Greek capitals that look like a Latin one, and the Cyrillic small letters that do.
_ALIKE = dict(zip("АВЕНІЈСԌΑΒΕΗΙасеіј", "ABEHIJCGABEHIaceij", strict=True))
_LONE_ALIKE = re.compile(rf"(?<!\w)[{''.join(_ALIKE)}](?!\w)")
_OTHER_SCRIPT = re.compile(r"[\u0370-\u03ff]{2}|[\u0400-\u052f]{2}")

_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL)
_TAG = re.compile(r"</?(?:b|i|u|em|strong|p|span|div)\b[^<>]*>|<br\s*/?>|</?s>|<\|[^|<>]*\|>", re.IGNORECASE)
_EMPHASIS = re.compile(r"(?<!\w)(_{1,2})(?=[^\s_])([^\n_]+)(?<=\S)\1(?!\w)")
_FENCE = re.compile(r"^[ ]?```\w*[ ]?$", re.MULTILINE)
_TEXT_COMMAND = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\s*\{([^{}]*)\}")
_MARKED = re.compile(r"\\(?:boxed|fbox)\s*\{([^{}]*)\}|<answer>([^<>]*)</answer>", re.IGNORECASE)
_LAST_OBJECT = re.compile(r"\{[^{}]*\}\s*$")

_LONE = re.compile(r"(?<![\w'°+.-])[A-Z](?![\w'+-]|\.\w\.)")
# A capital behind one of these is part of a term ("vitamin A", "38 C"), not an option.
_TERM = re.compile(
    r"(?:\b(?:vitamins?|hepatitis|group|type|class|stage|grade|factor|protein|influenza|coenzyme|ha?emoglobin|complement"
    r"|immunoglobulin|child-pugh|lead|blood|antigen|strep|streptococcus|phase|zone|serotype|toxin|cyclosporine?|category"
    r"|amphotericin|appendix|figure|table|cohort|arm|patient)|°|\d)\s?$",
    re.IGNORECASE,
)
_GENUS = re.compile(r"\.\s?[a-z]")
_ARTICLE = re.compile(r"\s+(?!(?:is|or|and|but|because|since|as|was|seems|fits|would|must)\b)(?:[a-z0-9]|[A-Z]{2})")
_PRONOUN = re.compile(r"(?:'\w+)?\s+(?!(?:is|or|and|but|because|since|as|seems|fits)\b)[a-z]")
# "Option A would bring a fever" explains; it does not offer A.
_SUBJECT = re.compile(
    r"\s+(?:would(?!\s+(?:also\s+)?be\b)|has|have|had|does|did|presents?|causes?|shows?|requires?|typically)\b"
)
_LETTER = r"(?i:(?:the\s)?(?:options?|choices?|answers?)\s)?[(*\"']{0,3}(?<![\w'-])[A-Z](?![\w'-])[)*\"']{0,3}"
_JOINT = r"(?:\s?[,/&](?i:\s?(?:and|or|nor)\b)?|\s(?i:and|or|nor)\b)\s?"
_LETTERS = rf"{_LETTER}(?:{_JOINT}{_LETTER}){{0,25}}"
_WRONG = (
    r"(?i:(?:(?:clearly|definitely|also|therefore|certainly|probably)\s+)?"
    r"(?:incorrect|wrong|false|unlikely|less\s+likely|implausible|inappropriate|ruled\s+out|excluded|not\b(?!\W+[A-Z]\b)))"
)
_RULED_OUT = re.compile(
    rf"(?i:\b(?:not|isn't|wasn't|neither|nor|rather\s+than|instead\s+of|as\s+opposed\s+to|unlike|except|excludes?"
    rf"|excluding|rules?\s+out|ruled\s+out|never|reject)\b(?:\s+(?:choose|pick|select))?)\s*"
    rf"{_LETTER}(?:{_JOINT}{_LETTER}(?!\s*(?i:is|was)\b)){{0,25}}"
    rf"|{_LETTERS}(?:\s*[:.-])?\s*"
    rf"(?i:(?:is|was|are|were|seems?|looks?|would\s+be|can\s+(?:all\s+)?be)\s+(?:all\s+|both\s+)?)?{_WRONG}"
    rf"|{_LETTERS}\s*(?i:isn't|wasn't|does\s+not|doesn't|cannot\s+be|can't\s+be)\b"
)
_TAKEN_BACK = re.compile(
    r"\bi(?:'m|\s+am)\s+(?:really\s+|still\s+)?(?:not\s+(?:\w+ly\s+)?|un)(?:sure|certain|confident)\b"
    r"|(?:^|[.,;!?-]\s*|\bbut\s+)(?:not\s+(?:\w+ly\s+)?|un)(?:sure|certain)\b\s*(?:$|[.,!?]|about|though|if|whether)"
    r"|\bi\s+(?:do\s+not|don't|cannot|can't|can\s+not)\s+(?:know|answer|say|tell|choose|decide|determine)\b|\bno\s+idea\b"
    r"|(?:^|[.!?;,-]\s*)(?:wait|actually|no)\s*[,.!-]|(?:^|[.!?;]\s*)(?:actually)\b"
    r"|\bon\s+second\s+thoughts?\b|\bscratch\s+that\b|\bthat\s+is\s+(?:wrong|incorrect)\b"
    r"|\b(?:also|equally)\s+(?:be\s+)?(?:correct|possible|plausible|acceptable|right|true|reasonable)\b",
    re.IGNORECASE,
)
_HEDGE = (
    r"\b(?:or|maybe|perhaps|possibly|either|alternatively|(?:could|might|may)\s+(?:also\s+)?be)\b,?\s*"
    r"(?:option\s+|the\s+|an?\s+)?"
)
_BEFORE = rf"(?:^|[,;:/(&]\s*|[.!?]\s+|{_HEDGE}|\b(?:and|but|also|both|even|likely)\s+(?:the\s+|an?\s+)?)"
_AFTER = r"\s*(?:$|[,;:/).!?]|\b(?:or|and|but|too|as\s+well|because|since)\b)"
_OFFERED = re.compile(rf"{_BEFORE}\(?(?-i:([A-Z]))\)?{_AFTER}", re.IGNORECASE)


def answer_part(text: str) -> str:
    """What of a message is its answer: the argument of a submission, the field of a JSON object, what is boxed or
    tagged (as a line `Answer: ...`), else the words without set-aside reasoning. Empty where a call submits none."""
    action = parse_action(text)
    if isinstance(action, Call) and action.name.startswith("submit"):
        return _field(action.arguments)
    text = "\n".join(" ".join(line.split()) for line in text.splitlines())
    text = _FENCE.sub("", _THOUGHT.sub("", text) if "</think>" in text else text).strip()
    text = text.rpartition("</think>")[2].partition("<think>")[0]
    last = _LAST_OBJECT.search(text)
    found = _json_object(last.group()) if last else None
    if last and found is not None and any(key in found for key in ANSWER_KEYS):
        return f"{text[: last.start()]}\nAnswer: {_field(found)}"
    if isinstance(action, Call) or "<tool_call>" in text or "<function=" in text:
        return ""
    text = _EMPHASIS.sub(r"\2", _TEXT_COMMAND.sub(r"\1", _TAG.sub(" ", text)))
    return _MARKED.sub(lambda found: f"\nAnswer: {found.group(1) or found.group(2) or ''}\n", text)


def _field(record: Mapping[str, Any]) -> str:
    """The one answer among the fields of an object; empty for none, for a list, and for two that differ."""
    values = {
        value.strip() if isinstance(value, str) else None for value in (record[k] for k in ANSWER_KEYS if k in record)
    }
    return next(iter(values)) or "" if len(values) == 1 else ""


def _json_object(text: str) -> dict[str, Any] | None:
    """A flat JSON object; a key that stands twice with two values stands for nothing."""

    def merged(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        record: dict[str, Any] = {}
        for key, value in pairs:
            record[key] = value if record.get(key, value) == value else None
        return record

    try:
        found = json.loads(text, object_pairs_hook=merged)
    except ValueError:  # braces that are no JSON are words like any other
        return None
    return found if isinstance(found, dict) else None


def normal(text: str) -> str:
    """Text in one spelling: compatibility forms, dashes and quotation marks as in ASCII, look-alike letters as Latin
    ones where they stand alone in a text of Latin script. Line breaks stay."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text.translate(_SPELLING)).translate(_SPELLING)
    return text if _OTHER_SCRIPT.search(text) else _LONE_ALIKE.sub(lambda found: _ALIKE[found.group()], text)


def squash(text: str) -> str:
    """Text with single spaces and without outer punctuation."""
    return " ".join(text.split()).strip(OUTER)


def plain(text: str) -> str:
    """Text folded for an exact comparison: case, white space and outer punctuation do not count."""
    return squash(text).casefold()


def opening(text: str, option: str) -> int:
    """Where `text` ends to quote `option`, which it opens with; 0 where it does not."""
    wanted = squash(option)
    if not wanted or wanted[0].casefold() not in text[:20].casefold():
        return 0
    found = re.match(rf"[\W_]*{re.escape(wanted)}(?!\w)", text, re.IGNORECASE)
    return found.end() if found else 0


def strike(text: str) -> str:
    """Text without the letters it rules out: "not A but C" says "but C"."""
    return _RULED_OUT.sub(" ", text)


def lone_letters(text: str, options: Mapping[str, str]) -> frozenset[str]:
    """Letters of options that stand in `text` as capitals of their own, not in a term or genus nor as words A and I."""
    return frozenset(found.group() for found in _LONE.finditer(text) if _is_option(found, text, options))


def _is_option(found: re.Match[str], text: str, options: Mapping[str, str]) -> bool:
    letter = found.group()
    if letter not in options or _TERM.search(text[max(0, found.start() - 20) : found.start()]):
        return False
    rest = text[found.end() : found.end() + 200]
    if opening(rest, options[letter]):
        return True
    word = {"A": _ARTICLE, "I": _PRONOUN}.get(letter)
    return not (_GENUS.match(rest) or _SUBJECT.match(rest) or (word and word.match(rest)))


def quoted(text: str, options: Mapping[str, str], own: str, hedged: bool = False) -> frozenset[str]:
    """Options other than `own` that `text` offers as an answer: their text between commas or behind "or", not within a
    sentence about them. With `hedged` only behind words like "or" and "perhaps"."""
    body, before = " ".join(text.split()), _HEDGE if hedged else _BEFORE
    folded = body.casefold()
    return frozenset(
        letter
        for letter, wanted in _texts(options)
        if letter != own
        and wanted.casefold() in folded
        and re.search(rf"{before}{re.escape(wanted)}(?!\w){_AFTER}", body, 0 if len(wanted) == 1 else re.IGNORECASE)
    )


def offered_letters(text: str, options: Mapping[str, str]) -> frozenset[str]:
    """Letters that `text` offers as an answer: between commas, behind "or", or as a label of their option's text. Not
    one within a sentence."""
    found = {lone.group(): text[lone.end() : lone.end() + 200] for lone in _LONE.finditer(text)}
    labels = {letter for letter, rest in found.items() if opening(rest, options.get(letter, ""))}
    return frozenset(letter for letter in labels.union(_OFFERED.findall(text)) if letter in options)


def _texts(options: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The option texts; not those that are letters of other options, which are letters first."""
    for letter, option in options.items():
        wanted = squash(option)
        if wanted and wanted not in options:
            yield letter, wanted


def taken_back(text: str, options: Mapping[str, str], own: str) -> bool:
    """Whether words after a commitment to `own` withdraw it or offer another option beside it."""
    if _TAKEN_BACK.search(text) or quoted(text, options, own, hedged=True):
        return True
    hedges = re.finditer(rf"{_HEDGE}(?=(?-i:[A-Z])(?![\w'-]))", text, re.IGNORECASE)
    return any(lone_letters(text[found.end() :], options) - {own} for found in hedges)

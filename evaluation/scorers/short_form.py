"""The normal form of a short answer: two answers are the same answer when their forms are equal.

What does not count: case, compatibility characters, accents, punctuation, hyphens, articles, British or American
spelling (`medgym_core.clinical.synonyms`), the plural s, `two` or `2`, mm or cm, an abbreviation in brackets behind its
own words, and the order of the members of a list. What counts: every other word, and the order of words within a
member, left and right among them. Then a wording of `short_wording.toml`, or a name of the synonym table of
medgym_core, stands for its entry. Forms serve to compare, not to show.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import cache, lru_cache
from importlib import resources

import tomli

from medgym_core import facts
from medgym_core.clinical.synonyms import spelled
from medgym_core.errors import MedGymError

Form = tuple[str, ...]
"""The members of an answer, most often one, each as its words in normal form."""

COMMA = ","
LONGEST = 4000
"""Characters that are compared; no reference answer of a benchmark comes near, and work on a runaway text ends."""
INVISIBLE = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF, 0xAD])
REWRITES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (r"(?<=\d),(?=\d{3}(?!\d))", ""),  # 1,200
        (r"(?<![\w.])\.(?=\d)", "0."),  # .5
        (r"(?<=\d)\s*[-\u2010-\u2015\u2212]\s*(?=\d)", " to "),  # 5-7
        (r"(?<![\w)\]])[-\u2212\u2013](?=\d)", " minus "),  # -5
        (r"(?<=\d)\s*%", " percent "),
        (r"(?<=\w)\+(?!\w)", " positive "),  # CD4+
        (r"[<\u2264]", " less than "),
        (r"[>\u2265]", " greater than "),
        (r"\u00d7", " x "),
        (r"(?<=\d)(\s*[cm]m)?\s*\bby\b\s*(?=\d)", r"\1 x "),  # 3 by 4 cm
        (r"&", " and "),
        (r"[.!?]+(?=\s|$)|[;\n]", ","),
        (r"(?<=\d)(?=[a-z])|(?<=[a-z])(?=\d)", " "),
    )
)
TOKEN = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+(?:['\u2019][^\W\d_]+)?|,")
BRACKETED = re.compile(r"\s*\(([A-Z]{2,6})\)")
ARTICLES = frozenset(("the", "an"))
BEFORE_A = frozenset("is are was were of with in on at as and by from to has have had for shows there , x".split())
"""Words after which `a` is the article; elsewhere it is a letter, as in hepatitis A."""
NUMBERS = {w: str(i) for i, w in enumerate(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty".split()
)}  # fmt: skip
ORDINALS = {w: f"{i} {'st nd rd'.split()[i - 1] if i < 4 else 'th'}" for i, w in enumerate(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(), 1
)}  # fmt: skip
MILLIMETRES = {"mm": Decimal(1), "cm": Decimal(10)}
LENGTHS = {"millimeter": "mm", "centimeter": "cm"}
SIDES = {"r": "right", "rt": "right", "l": "left", "lt": "left"}
SIDED = frozenset("left right bilateral both unilateral".split())
NO_PLURAL = ("ss", "us", "is")
"""Endings whose s belongs to the word: mass, thymus, pelvis."""


@lru_cache(maxsize=1 << 15)
def answer_form(text: str) -> Form:
    """The form of an answer. Empty for a text without letters and digits. Never raises on any text."""
    members = [_named(member) for member in _members(_phrased(list(_tokens(text))))]
    members = [member for member in dict.fromkeys(members) if member]
    sided = sum(bool(SIDED & set(member.split())) for member in members)
    return tuple(sorted(members)) if sided in (0, len(members)) else tuple(members)


def token_f1(said: str, gold: str) -> float:
    """Harmonic mean of precision and recall over the words of two texts, each counted as often as it stands there."""
    one, other = _counts(said), _counts(gold)
    shared = sum((one & other).values())
    return 2 * shared / (sum(one.values()) + sum(other.values())) if shared else 0.0


@lru_cache(maxsize=1 << 15)
def _counts(text: str) -> Counter[str]:
    """The words of a text in normal form, before wordings and synonyms."""
    return Counter(token for token in _tokens(text) if token != COMMA)


def _tokens(text: str) -> Iterator[str]:
    """Words, numbers and commas: spelled the American way, singular, without articles, lengths in mm."""
    text = unicodedata.normalize("NFKC", text[:LONGEST].translate(INVISIBLE))
    text = BRACKETED.sub(lambda found: _unless_spelled_out(found, text), text).lower()
    for pattern, new in REWRITES:
        text = pattern.sub(new, text)
    return iter(_without_articles(_lengths([word for token in TOKEN.findall(text) for word in _words_of(token)])))


def _unless_spelled_out(found: re.Match[str], text: str) -> str:
    """Nothing for an abbreviation whose letters begin the words before it, as in `deep vein thrombosis (DVT)`."""
    before = re.findall(r"[^\W\d_]+", text[max(0, found.start() - 120) : found.start()])
    short = found.group(1).lower()
    return "" if [w[0].lower() for w in before[-len(short) :]] == list(short) else found.group(0)


@lru_cache(maxsize=1 << 15)
def _words_of(token: str) -> tuple[str, ...]:
    """One token as normal words; an ordinal and some names of drugs are two."""
    if token == COMMA or token[0].isdecimal():
        return (token.rstrip("0").rstrip(".") if "." in token else token.lstrip("0") or "0",)
    if token in ORDINALS:
        return tuple(ORDINALS[token].split())
    found = spelled(token).split()
    return tuple(NUMBERS.get(word, _singular(word)) for word in found)


def _singular(word: str) -> str:
    if len(word) < 4 or not word.endswith("s") or word.endswith(NO_PLURAL):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "xes", "ches", "shes")) else word[:-1]


def _lengths(tokens: list[str]) -> list[str]:
    """Tokens with lengths in mm; in `2 x 3 cm` every number is a length."""
    found: list[str] = []
    unit = None
    for i in range(len(tokens) - 1, -1, -1):
        token, before = tokens[i], tokens[i - 1] if i else ""
        token = LENGTHS.get(token, token)
        if token in MILLIMETRES and before[:1].isdecimal():
            unit = token
        elif token[:1].isdecimal() and unit is not None:
            found += ["mm", _decimal(token, MILLIMETRES[unit])]
            unit = unit if before == "x" else None
        else:
            unit = unit if token == "x" else None
            found.append(token)
    return found[::-1]


def _decimal(number: str, factor: Decimal) -> str:
    value = format((Decimal(number) * factor), "f")
    return value.rstrip("0").rstrip(".") if "." in value else value


def _without_articles(tokens: list[str]) -> list[str]:
    """Tokens without articles, and with `R` and `L` before a word as sides."""
    found: list[str] = []
    for i, token in enumerate(tokens):
        after = tokens[i + 1] if i + 1 < len(tokens) else ""
        if token in ARTICLES or (token == "a" and after.isalpha() and (not i or tokens[i - 1] in BEFORE_A)):
            continue
        found.append(SIDES[token] if token in SIDES and len(after) > 2 and after.isalpha() else token)
    return found


def _phrased(tokens: list[str]) -> list[str]:
    """Tokens with every term of the table as its entry, the longest that fits first."""
    terms, longest = _terms()
    found: list[str] = []
    at = 0
    while at < len(tokens):
        for size in range(min(longest, len(tokens) - at), 0, -1):
            entry = terms.get(" ".join(tokens[at : at + size]))
            if entry is not None:
                found += entry.split()
                at += size
                break
        else:
            found.append(tokens[at])
            at += 1
    return found


def _members(tokens: list[str]) -> Iterator[str]:
    """The members of a list: what stands between commas and `and`s."""
    member: list[str] = []
    for token in [*tokens, COMMA]:
        if token in (COMMA, "and"):
            if member and member != ["etc"]:
                yield " ".join(member)
            member = []
        else:
            member.append(token)


def _named(member: str) -> str:
    """The entry a member stands for as a whole, else the member."""
    member = _wholes().get(member, member)
    return _names().get(member, member)


def _spelling(name: str) -> str:
    return " ".join(_tokens(name))


@cache
def _table() -> dict[str, dict]:
    """The wordings by entry. Raises MedGymError for an entry without kind, wordings or source."""
    file = resources.files("evaluation.scorers") / "short_wording.toml"
    entries = tomli.loads(file.read_text(encoding="utf-8"))
    for name, entry in entries.items():
        if not (entry.get("kind") in ("term", "whole") and entry.get("also") and entry.get("source")):
            raise MedGymError("wording is not complete", got=name, expected="kind, also, source", where=file.name)
    return entries


@cache
def _terms() -> tuple[dict[str, str], int]:
    """The terms in normal form with their entries, and the number of words of the longest."""
    found = {_spelling(n): _spelling(e) for e, d in _table().items() if d["kind"] == "term" for n in (e, *d["also"])}
    return found, max(len(name.split()) for name in found)


@cache
def _wholes() -> dict[str, str]:
    """Whole answers in normal form with their entries. Raises MedGymError for a wording of two entries."""
    found: dict[str, str] = {}
    for entry, data in _table().items():
        if data["kind"] == "whole":
            for name in (entry, *data["also"]):
                form = " ".join(_phrased(list(_tokens(name))))
                if found.setdefault(form, entry) != entry:
                    raise MedGymError("wording of two entries", got=name, expected=found[form], where=entry)
    return {form: " ".join(_phrased(list(_tokens(entry)))) for form, entry in found.items()}


@cache
def _names() -> dict[str, str]:
    """Names of conditions and drugs (medgym_core) in normal form with their entries; a name of two is left out."""
    found: dict[str, set[str]] = {}
    for entry, data in facts.load("clinical", "synonyms").items():
        if data["kind"] in ("condition", "drug"):
            for name in (entry, *data["also"]):
                found.setdefault(" ".join(_phrased(list(_tokens(name)))), set()).add(_spelling(entry))
    return {name: min(entries) for name, entries in found.items() if len(entries) == 1}

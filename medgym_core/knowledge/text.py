"""Words, index terms and sentences: the one text analysis that both indexes, the clean gate and the snippets share.

Everything here is a pure function of its text. A query goes through `terms` like any passage does, so it is data:
there are no operators, and any unicode is accepted.

`words` are plain alphanumeric runs. `terms` know medical spelling, so that a text and a question meet however each is
written: IL-6 and IL6, T-cell and T cell, COVID-19 and COVID19, β-blocker and beta blocker, TNFα and TNF-alpha, 5mg and
5 mg, µg and mcg; 0.5 and 10^9 (10⁹) stay one number each. Drug names pass the stemmer like any word: it only takes
English endings off (`aspirin`, `insulin` and `warfarin` stay whole).
"""

import re
import unicodedata
from functools import lru_cache

WORD = re.compile(r"[^\W_]+")

# A word with what hyphens and carets join to it, and a number with its decimals or thousands.
_TOKEN = re.compile(r"[^\W_]+(?:(?:[-\u2010\u2011\u2013^]|(?<=\d)[.,](?=\d))[^\W_]+)*")
_POWER = re.compile(
    "(?<=[0-9])[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+"
)  # the 9 of 10⁹: folding alone would make 109 of it
_HYPHENS = str.maketrans("\u2010\u2011\u2013^", "----")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:\^\d+)?")
_LIST = re.compile(r"[.,]")

GREEK = dict(
    zip(
        "αβγδεζηθικλμνξοπρσςτυφχψω",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma tau "
        "upsilon phi chi psi omega".split(),
        strict=True,
    )
)
_GREEK_NAMES = frozenset(GREEK.values())
_LONE_GREEK = re.compile(r"(?<![α-ω])([α-ω])(?![α-ω])(?=(\d?))")  # a letter used as a sign, not in a Greek word

# Units that are written together with their number; micro has three spellings.
_MICRO = {"μg": "mcg", "ug": "mcg", "μl": "ul", "μm": "um", "μmol": "umol"}
_UNITS = (
    "mg mcg ug μg g kg ng pg ml μl ul l dl mmol μmol umol nmol mmhg nm μm um mm cm iu meq kcal gy mci hz khz bp kda h "
    "hr hrs min"
)
_QUANTITY = re.compile(rf"(\d+(?:\.\d+)?)({'|'.join(sorted(_UNITS.split(), key=len, reverse=True))})")

# Function words, and the words every question has ("what are the symptoms of"): no evidence of any topic.
STOP_WORDS = frozenset(
    "a about am an and any are as at be been but by can could did do does for from had has have he her his how i if in "
    "into is it its may me might my of on or our she should so such than that the their them then there these they "
    "this those to was we were what when where which who whom whose why will with would you your".split()
)

# A full stop after one of these does not end a sentence.
ABBREVIATIONS = frozenset("dr. mr. mrs. ms. prof. e.g. i.e. vs. st. no. fig. approx. cf. al. inc. ca. u.s.".split())

# Candidate sentence ends: after . ! ? and before something that can open a sentence, or a line break or run of blanks
# before a new line of text or a list item.
_BOUNDARY = re.compile(
    r"(?<=[.!?])(?P<stop>[\"'”’)\]]*)\s+(?=[\"'“‘(\[]?[A-Z0-9]|[-•*]\s)"  # the usual end of a sentence
    r"|\s*\n\s*\n\s*"  # a blank line
    r"|\s*\n\s*+(?![a-z])"  # a line break, unless the next line goes on in lower case (a hard-wrapped sentence)
    r"|\s{2,}(?=[-•*]\s+\S)"  # the next item of a list written in one line
)
# Where single blanks separate all words, as in a stored passage, only the first of these can match; beginning with a
# character it is found three times as fast.
_STOP = re.compile(r"[.!?][\"'”’)\]]* (?=[\"'“‘(\[]?[A-Z0-9]|[-•*] )")
_TABLE_ROW = re.compile(
    r"(?<=\d%)\s+(?=[A-Z])|(?<=\s-)\s+(?=[A-Z])"
)  # tables flattened to "Short nose 90% Fever - Rash 5%"


def fold(text: str) -> str:
    """Lower case without accents (Sjögren and Sjogren are one word)."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return text.lower()


def words(text: str) -> list[str]:
    """Lower-case alphanumeric words, in order."""
    return WORD.findall(fold(text))


def terms(text: str) -> list[str]:
    """Index terms: stemmed words without the stop words, in order, with repetitions; compounds as in `_compound`."""
    if not text.isascii():
        text = _POWER.sub(lambda power: "^" + unicodedata.normalize("NFKD", power[0]), text)
    found: list[str] = []
    for chunk in fold(text).split():
        found += _terms_of(chunk)
    return found


@lru_cache(maxsize=1 << 17)
def _terms_of(chunk: str) -> tuple[str, ...]:
    """The terms of what stands between two blanks: most are seen again, so the patterns are matched once."""
    return tuple(term for token in _TOKEN.findall(chunk) for term in _token_terms(token))


def _token_terms(token: str) -> tuple[str, ...]:
    if token.isascii() and token.isalpha():
        return () if token in STOP_WORDS else (stem(token),)
    token = _THOUSANDS.sub(lambda number: number[0].replace(",", ""), token)
    if _NUMBER.fullmatch(token):
        return (token,)
    if token in _MICRO:
        return (_MICRO[token],)
    if quantity := _QUANTITY.fullmatch(token):
        return quantity[1], _MICRO.get(quantity[2], quantity[2])
    if not token.isascii():
        token = _LONE_GREEK.sub(lambda letter: f"-{GREEK[letter[1]]}" + "-" * (not letter[2]), token)
    return _compound([part for part in token.translate(_HYPHENS).split("-") if part])


def _compound(parts: list[str]) -> tuple[str, ...]:
    """The terms of each part, and the whole as one word where people write it as one.

    That is where a part holds a digit, is one or two letters long or names a Greek letter, in compounds of two or three
    (IL-6, T-cell, x-ray, beta-blocker). The whole of every compound costs .002 nDCG@10 on questions (NFCorpus
    development, MedQuAD and BioASQ together); these few gain .0007 over parts alone.
    """
    found: list[str] = []
    for part in parts:
        pieces = [part] if _NUMBER.fullmatch(part) else _LIST.split(part)
        found += [stem(piece) for piece in pieces if piece and piece not in STOP_WORDS]
    whole = "".join(parts)
    if 2 <= len(parts) <= 3 and not (_LIST.sub("", whole).isdigit() or _QUANTITY.fullmatch(whole)):
        if any(len(part) <= 2 or part in _GREEK_NAMES or not part.isalpha() for part in parts):
            found.append(stem(whole))
    return tuple(found)


@lru_cache(maxsize=1 << 17)
def stem(word: str) -> str:
    """English Snowball stem of a lower-case word."""
    return _stemmer().stemWord(word)


@lru_cache(maxsize=1)
def _stemmer():
    import Stemmer

    return Stemmer.Stemmer("english", 0)  # 0: no cache of its own, `stem` has one


def sentences(text: str, longest: int = 200) -> list[str]:
    """The sentences, list items and headings of `text`, blanks collapsed; joined by blanks they give it back.

    A run of more than `longest` words is cut at the ends of table rows where it has some; other sentences stay whole.
    """
    found: list[str] = []
    open_ended = False  # the piece before ended in an abbreviation: it goes on
    for piece, by_stop in _pieces(text):
        if open_ended:
            found[-1] += " " + piece
        else:
            found.append(piece)
        last = piece.rsplit(" ", 1)[-1].lower().lstrip("([\"'")
        open_ended = by_stop and (last in ABBREVIATIONS or (len(last) == 2 and last[0].isalpha() and last[1] == "."))
    cut: list[str] = []
    for sentence in found:
        cut += _TABLE_ROW.split(sentence) if sentence.count(" ") >= longest else [sentence]
    return cut


def _pieces(text: str) -> list[tuple[str, bool]]:
    """Text between boundaries, with whether a full stop (rather than the layout) ended it."""
    pieces, start = [], 0
    if text and " ".join(text.split()) == text:
        for match in _STOP.finditer(text):
            pieces.append((text[start : match.end() - 1], True))
            start = match.end()
        return [*pieces, (text[start:], False)]
    for match in _BOUNDARY.finditer(text):
        by_stop = match.group("stop") is not None
        end = match.end("stop") if by_stop else match.start()
        pieces.append((text[start:end], by_stop))
        start = match.end()
    pieces.append((text[start:], False))
    return [(clean, by_stop) for piece, by_stop in pieces if (clean := " ".join(piece.split()))]

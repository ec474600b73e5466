"""What a free text states: assertions read off its sentences.

An assertion is stated where one sentence holds a phrasing of each of its terms, whole words within clauses, and the
clauses concerned hold no denial, doubt or hedge; questions state nothing. What would be false is looked for in whole
sentences too, and counts even where it is hedged. A text is not read at all where it is too long, copies observations
or uses letters that only look Latin.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence

from medgym_core.text import normal, quick_normal, tokens
from medgym_core.types import Assertion, Gold

Judge = Callable[[str, str], bool]
"""Whether a text says what an assertion states: an optional model in place of matching."""
LONGEST_SENTENCE = 30
"""Words; a longer one is a list, not a statement."""
COPIED, RUN, LEAST_RUNS = 0.5, 5, 16
"""A text is copied where more than half of its runs of five words stand in observations, and there are some."""

_SENTENCES = re.compile(r"([;\n!?]+|\.(?!\d)|\*\*|~~)")
_EMPHASIS = re.compile(
    r"\b(?:no|without|beyond)(?: any?)? (?:doubt|question|delay|fail)\b|\bnot (?:only|just)\b|\bwhether or not\b", re.I
)
"""Idioms that hold a word of denial and deny nothing."""
_TAKEN_BACK = re.compile(
    r" (?:it|this|that|these|they|above) (?:is |are |isn t |aren t )?(?:not )?"
    r"(?:so|true|false|untrue|correct|incorrect|wrong) | i doubt "
)
_CLAUSES = re.compile(r",(?!\d)|\bbut\b|\bwhile\b|\bthough\b|\balthough\b")

DENIALS = frozenset(
    "no not never without denies denied excluded ruled neither nor absent cannot if whether unless isn aren wasn weren "
    "doesn didn don won hasn haven hadn couldn shouldn wouldn mustn false untrue incorrect wrong doubt doubtful "
    "unlikely".split()
)
"""Words that make a clause a denial or a condition instead of a statement (`isn` is what is left of `isn't`)."""
HEDGES = frozenset(
    "or either maybe perhaps possibly possible probably presumably might could unclear unknown versus vs".split()
)
"""Words that make it a guess: no credit for what is right, no excuse for what is false."""
UNSAID = DENIALS | HEDGES
"""Words with which nothing is stated."""
NONE: frozenset[str] = frozenset()
READ = ("LATIN", "GREEK", "MICRO")
"""How the Unicode names of letters begin that a text may hold."""


def says(assertion: Assertion, text: str, unsaid: frozenset[str] = UNSAID) -> bool:
    """Whether a sentence of the text states it, with none of the words `unsaid` in the clauses concerned."""
    return _says(assertion, _sentences(text), unsaid)


def statement(assertion: Assertion) -> str:
    """The assertion in its first phrasings, one sentence."""
    return " ".join(term[0] for term in assertion.terms)


def canonical(gold: Gold) -> str:
    """The assertions of a text gold in their first phrasings, one sentence each."""
    return ". ".join(map(statement, gold.assertions.values()))


def read_text(gold: Gold, answer: str, judge: Judge | None) -> tuple[list[str], list[str]]:
    """Names of what is false in the text, and of the assertions it states; none where it takes everything back."""
    sentences = _sentences(answer)
    whole = _whole(sentences)  # commas cannot split what is false
    false = [name for name, a in gold.denied.items() if _says(a, [*sentences, *whole], DENIALS)]
    if judge:
        return false, [name for name, a in gold.assertions.items() if judge(statement(a), answer)]
    if any(_TAKEN_BACK.search(text.replace("  ", " ")) for (text,) in whole):
        return false, []
    return false, [name for name, a in gold.assertions.items() if _stated(a, sentences, whole)]


def says_false(gold: Gold, name: str, text: str) -> bool:
    """Whether the text says what is denied under that name."""
    sentences = _sentences(text)
    return name in gold.denied and _says(gold.denied[name], [*sentences, *_whole(sentences)], DENIALS)


def unreadable(gold: Gold, answer: str, observed: Sequence[str]) -> str:
    """Why a text is not read: its length, letters that only look Latin, or observations copied instead of words."""
    words = tokens(answer)
    if not words or len(words) > gold.max_words:
        return f"{len(words)} words, expected 1 to {gold.max_words}"
    if not answer.isascii() and any(c.isalpha() and not unicodedata.name(c, "").startswith(READ) for c in answer):
        return "letters of another script"
    runs = [f" {' '.join(words[i : i + RUN])} " for i in range(len(words) - RUN + 1)] if observed else []
    if len(runs) >= LEAST_RUNS and sum(any(r in o for o in observed) for r in runs) > COPIED * len(runs):
        return "copied from the observations"
    return ""


def _stated(assertion: Assertion, sentences: list[list[str]], whole: list[list[str]]) -> bool:
    """Whether the sentences state it, and nowhere deny or doubt it."""
    short = [s for s in sentences if sum(len(clause.split()) for clause in s) <= LONGEST_SENTENCE]
    if not _says(assertion, short, UNSAID):
        return False
    named = [s for s, text in zip(sentences, whole, strict=True) if _says(assertion, [text], NONE)]
    return all(_states(assertion, s, UNSAID) for s in named)


def shown_by(assertion: Assertion, observed: Sequence[str]) -> bool:
    """Whether an observation (in normal form) showed what backs the assertion."""
    shown = quick_normal(assertion.shown)
    return shown == "  " or any(shown in o for o in observed)


def _sentences(text: str) -> list[list[str]]:
    """The sentences of a text that are no questions, each as its clauses in normal form."""
    parts = [*_SENTENCES.split(_EMPHASIS.sub(" ", text)), ""]
    told = [s for s, end in zip(parts[::2], parts[1::2], strict=True) if s.strip() and "?" not in end]
    return [[normal(clause) for clause in _CLAUSES.split(sentence)] for sentence in told]


def _whole(sentences: list[list[str]]) -> list[list[str]]:
    """The sentences, each as one clause."""
    return [[normal(" ".join(clauses))] for clauses in sentences]


def _says(assertion: Assertion, sentences: list[list[str]], unsaid: frozenset[str]) -> bool:
    return any(_states(assertion, clauses, unsaid) for clauses in sentences)


def _states(assertion: Assertion, clauses: list[str], unsaid: frozenset[str]) -> bool:
    """Whether each term stands in a clause of the sentence that has none of the words `unsaid` besides."""
    found = []
    for term in assertion.terms:
        for phrase in map(quick_normal, term):
            if any(phrase in clause for clause in clauses):
                found.append(phrase)
                break
        else:
            return False
    for clause in clauses:
        if unsaid.isdisjoint(clause.split()):
            continue
        held = [p for p in found if p in clause]
        for phrase in held:
            clause = clause.replace(phrase, "  ")
        if held and not unsaid.isdisjoint(clause.split()):
            return False
    return True

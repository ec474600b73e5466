"""Reading a short answer: the one phrase that a text commits to, and whether it says yes or no. No reference is seen.

A text commits, in order, to what an answer line declares ("Answer: ..."), to a first phrase that prose explains, to its
last line, to the one sentence there is. Lines or sentences that are all phrases are one list. Several declared answers,
alternatives ("liver or spleen"), a question, a refusal, and a paragraph of several sentences commit to nothing.

A yes or no that opens or closes the text is its polarity; "no evidence of ..." says no. A text that says both, or
neither, has none: "not seen" answers yes or no by the question, which is not read here.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from evaluation.scorers.short_form import LONGEST, Form, answer_form

Polarity = Literal["yes", "no"]

LONG = 10
"""Words from which a sentence counts as prose; a shorter one of four words or more does with a verb."""

LISTED = 3
"""Phrases from which yes or no is one candidate among others; "no, clear lungs" is no with its reason."""

MARKS = re.compile(r"[*`#_]+|^\s*(?:[-\u2022\u2013>]|\d{1,2}[.)]|\(\d{1,2}\))\s+", re.MULTILINE)
BLANKS = re.compile(r"[^\S\n]+")
BOXED = re.compile(r"\\boxed\{([^{}]*)\}|<answer>([^<>]*)</answer>", re.IGNORECASE)
SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
PICTURE = r"(?:image|picture|photo|photograph|scan|film|figure|slide|study|radiograph|x-?ray|ct|mri|view|section)"
SHOWS = r"(?:show|depict|demonstrate|reveal|display|illustrate|represent|contain)(?:s|ed)?\b(?:\s+that)?"
SEEN = (
    r"(?:clearly\s+)?(?:seen|shown|visible|present|noted|visuali[sz]ed|identified|depicted|displayed|used|found"
    r"|located)"
)
LINK = (
    r"(?:(?:so|thus|therefore|hence|overall|finally|in conclusion|in summary|well|ok|okay|sure)\b[,:]?\s+"
    rf"|(?:based\s+on|according\s+to|from)\s+(?:this|the)\s+(?:\w+\s+)?{PICTURE},\s+)"
)
ANSWER = (
    r"(?:the\s+|my\s+)?(?:(?:final|correct|best|right|short|likely|probable|most)\s+)*(?:answer|diagnosis)\b"
    r"(?:\s+to\s+(?:the|this)\s+question)?\s*(?:(?:is|would\s+be)\b\s*:?|[:=])\s*"
)
DECLARED = re.compile(rf"^\W*(?:{LINK})?{ANSWER}(.*)$", re.IGNORECASE | re.DOTALL)
LEAD = re.compile(  # openings that say nothing, of answers and references alike
    rf"^\W*(?:{LINK}|{ANSWER}"
    r"|(?:it|this|that|there|these|they|here)(?:\s+(?:is|are|was|were)\b|['\u2019]s\b)\s*"
    rf"|(?:it|this|(?:the|this)\s+(?:\w+\s+)?{PICTURE}s?)\s+{SHOWS}\s+"
    r"|i\s+(?:can\s+)?(?:see|think|believe)\b(?:\s+that\b)?\s*"
    r"|(?:in|on|at|within)\s+(?=[a-z])(?!(?:between|front|situ|vitro|vivo)\b))",
    re.IGNORECASE,
)
SUBJECT = re.compile(
    r"^(?P<subject>[^.;:!?,]{1,120}?)(?:\s+(?:is|are|was|were|appears?(?:\s+to\s+be)?|seems?(?:\s+to\s+be)?"
    rf"|{SHOWS}|indicates?|suggests?)\s+|:\s+(?=\w))",
    re.IGNORECASE,
)
TAIL = re.compile(
    rf"(?:,?\s+(?:(?:is|are)\s+)?(?:{SEEN}\s+)?(?:in|on|within|by)\s+(?:this|the)\s+(?:\w+\s+)?{PICTURE}"
    rf"|\s+(?:is|are)\s+{SEEN})\W*$",
    re.IGNORECASE,
)
REASON = re.compile(
    r"[\s,]+(?:because|since|as\s+(?:shown|seen|evidenced|indicated)|based\s+on)\b.*$", re.IGNORECASE | re.DOTALL
)
CAUTION = re.compile(
    r"^(?:(?:most\s+)?(?:likely|probably)|(?:most\s+)?(?:consistent|compatible)\s+with|suggestive\s+of"
    rf"|{SEEN}\s+(?:in|on|at|as))\s+",
    re.IGNORECASE,
)
NEGATED = re.compile(
    r"\b(?:no|not|never|neither|nor|without|unlikely|cannot|if|whether|wrong|incorrect|less|least)\b|n['\u2019]t\b",
    re.IGNORECASE,
)
OPEN = re.compile(
    r"\b(?:or|either|versus|vs|maybe|perhaps|possibly|alternatively|could\s+be|might\s+be|may\s+be|differential)\b"
    r"|[^\W\d]{2}\s*/\s*[^\W\d]{2}",
    re.IGNORECASE,
)
CHANGED = re.compile(r"^\W*(?:actually|however|but|wait|rather|instead|no)\b", re.IGNORECASE)
REFUSAL = re.compile(
    r"\b(?:can\s*not|can['\u2019]t|unable\s+to|not\s+able\s+to|(?:im|not\s+)possible\s+to|difficult\s+to|hard\s+to)"
    r"\s+(?:be\s+)?(?:determine|tell|say|assess|answer|identif|see|view|provide|interpret|give|evaluate|access|process"
    r"|know|help|assist)"
    r"|\b(?:do\s+not|don['\u2019]t)\s+know\b|\b(?:not\s+|un)sure\b|\buncertain\b"
    r"|\bno\s+(?:idea|answer|way\s+to|images?|pictures?)\b"
    r"|\bi\s*(?:am|['\u2019]m)\s+sorry\b|\bapologi[sz]e\b|\bas\s+an\s+ai\b|\b(?:not\s+enough|insufficient)\s+information\b"
    r"|^\W*(?:unknown|undetermined|indeterminate|n/?a|not\s+applicable|unanswerable)\W*$",
    re.IGNORECASE,
)
VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|be|been|shows?|appears?|seems?|suggests?|indicates?|reveals?|demonstrates?|can|"
    r"could|should|would|may|might|depends?|deserve|need|see)\b",
    re.IGNORECASE,
)
SAID = re.compile(  # yes or no as an answer, not as the determiner of "no fracture"
    r"(?<!not )(?<![\w-])(?:(yes|yeah|yep)|(no|nope))(?![\w'\u2019])"
    r"(?=\s*(?:[,.;:!?)\]/\n\u2014]|$)|\s+[-\u2013]\s|\s+(?:and|or|nor|yes|no|there|it|this|that|they|the)\b)",
    re.IGNORECASE,
)
FIRST = re.compile(
    r"^\W*(?:a\s+)?(?:(?P<yes>(?:yes|yeah|yep)\b|true\W*$)|(?P<no>no\b(?!\s+(?:longer|one)\b)|nope\b|false\W*$))",
    re.IGNORECASE,
)
BOTH = re.compile(r"\byes\W+no\b|\bno\W+yes\b|\b(?:yes|no)\s+or\b|\bor\s+(?:yes|no)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """What a text was understood to answer."""

    answer: str
    """The phrase it commits to; empty for none."""
    forms: frozenset[Form]
    """Normal forms of that phrase: as written, and without subject, verb and reason."""
    polarity: Polarity | None
    """Yes or no, where the text says exactly one of them."""


@lru_cache(maxsize=1 << 12)
def read_short(text: str) -> Reading:
    """The reading of an answer text; of a runaway text, of its end. Never raises on any text."""
    text = BLANKS.sub(" ", text[-LONGEST:])
    text = MARKS.sub("", BOXED.sub(r"\nAnswer: \1\2\n", text)).strip()
    lines = [_sentences(line) for line in text.splitlines()]
    lines = [line for line in lines if line]
    declared = _declared([sentence for line in lines for sentence in line])
    answer = _committed(lines) if declared is None else declared
    polarity = _polarity(declared or text)
    if not answer or REFUSAL.search(answer) or OPEN.search(answer) or answer.rstrip(" )\"'").endswith("?"):
        return Reading("", frozenset(), polarity)
    bare = _bare(answer)
    return Reading(bare.strip(" .,;:"), frozenset((led_form(answer), answer_form(bare))) - {()}, polarity)


def led_form(text: str) -> Form:
    """The form of a text, or of a reference, without openings that say nothing."""
    return answer_form(_led(text[:LONGEST]))


def _sentences(line: str) -> list[str]:
    return [part.strip() for part in SENTENCE.split(line) if any(map(str.isalnum, part))]


def _declared(sentences: list[str]) -> str | None:
    """What answer lines declare: empty where they differ or phrases follow them, None where there is no such line."""
    found = [(i, match.group(1).strip()) for i, s in enumerate(sentences) if (match := DECLARED.match(s))]
    if not found:
        return None
    at, said = found[-1]
    after = sentences[at + 1 :]
    if not said and after:  # "Answer:" on a line of its own
        said, after = after[0], after[1:]
    same = len({led_form(other) for _, other in found if other}) <= 1
    return said if same and _explains(after) else ""


def _committed(lines: list[list[str]]) -> str:
    """The phrase that sentences without a declaration commit to, or nothing."""
    sentences = [sentence for line in lines for sentence in line]
    prose = [_is_prose(sentence) for sentence in sentences]
    if len(sentences) == 1:
        return sentences[0]
    if not any(prose):
        return ", ".join(sentence.strip(" .,;") for sentence in sentences)
    if not prose[0] and all(prose[1:]):
        return sentences[0] if _explains(sentences[1:]) else ""
    alone = not prose[-1] or (len(lines) > 1 and len(lines[-1]) == 1)
    return sentences[-1] if alone and all(prose[:-1]) else ""


def _is_prose(sentence: str) -> bool:
    count = len(sentence.split())
    return count >= LONG or (count >= 4 and VERB.search(sentence) is not None)


def _explains(after: list[str]) -> bool:
    """Whether sentences behind an answer are prose that does not take it back."""
    return all(_is_prose(sentence) and not CHANGED.match(sentence) for sentence in after)


def _polarity(text: str) -> Polarity | None:
    """The yes or no of a text; None where it says both or neither, asks, or refuses.

    It opens the first or the last sentence, or closes a last one of prose; inside a list it is one candidate of many.
    """
    sentences = _sentences(text)
    if not sentences or BOTH.search(text) or REFUSAL.search(text) or text.endswith("?") or _is_list(text, sentences[0]):
        return None
    said: set[Polarity] = {"yes" if yes else "no" for yes, _ in SAID.findall(text)}
    first, last = (_first_word(sentences[i]) for i in (0, -1))
    if not said:
        return first
    closing = SAID.search(sentences[-1].split()[-1]) if _is_prose(sentences[-1]) else None
    placed = first in said or last in said or closing is not None
    return min(said) if len(said) == 1 and placed else None


def _is_list(text: str, first: str) -> bool:
    """Whether a text lists three phrases or more, in lines or in its first sentence."""
    lines = [line for line in text.splitlines() if _sentences(line)]
    if len(lines) >= LISTED and not any(map(_is_prose, lines)):
        return True
    return VERB.search(first) is None and len(answer_form(first)) >= LISTED


def _first_word(sentence: str) -> Polarity | None:
    found = FIRST.match(_led(sentence))
    return None if found is None else "yes" if found["yes"] else "no"


def _led(text: str) -> str:
    """Text without openings that say nothing."""
    while (found := LEAD.match(text)) and found.end() < len(text):
        text = text[found.end() :]
    return text


def _bare(answer: str) -> str:
    """A sentence as the phrase it answers with: without reason, place, subject and verb, and caution."""
    answer = TAIL.sub("", REASON.sub("", _led(answer)))
    if (found := SUBJECT.match(answer)) and not NEGATED.search(found["subject"]):
        answer = answer[found.end() :]
    return _led(CAUTION.sub("", CAUTION.sub("", answer)))

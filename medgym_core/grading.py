"""Grading: a submitted answer against the gold, by kind of gold.

A grade is a verdict, a credit in [0, 1] and a reason. `unparsable` means that no single answer could be read, `wrong`
that one was read and is not right; neither is ever a silent zero. What is nearly right is `partial` and earns at most
half:

- letter, category    the option or name, after synonyms (`medgym_core.clinical.synonyms`) and ICD-10-CM codes; several
                      options at once are unparsable
- ordinal             the level of an ordered list; the level beside it earns a quarter
- number              one number within the tolerance, in the gold's unit or one that converts into it
- set                 all members and no other; else half of F1 where F1 is at least one half
- plan                all steps in their order; else half of the share that is right from the first step on
- fields              every field right; else half of the mean credit
- text                every assertion made in a sentence, unhedged, nowhere denied and shown by an observation, nothing
                      false said, no observations copied; else half of the share made
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

import msgspec

from medgym_core.assertions import Judge, read_text, says_false, shown_by, unreadable
from medgym_core.clinical.codes import icd_of, lookup_icd
from medgym_core.clinical.synonyms import name_form
from medgym_core.text import normal, quick_normal
from medgym_core.types import Call, Gold, Verdict
from medgym_core.units import convert

PARTIAL = 0.5
"""Most that an answer which is not fully right can earn."""
CHOICES = ("letter", "category", "ordinal")
BESIDE = 0.25
"""Credit of an ordinal answer one level off."""
LEAST_F1 = 0.5
_NUMBER = re.compile(r"[-+−]?\d+(?:\.\d+)?")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_NUMBERING = re.compile(r"^\s*\d+\s*[.)]\s*")
_MEMBERS = re.compile(r"[,;\n]|\band\b")
_STEPS = re.compile(r"[,;\n]")
_ICD = re.compile(r"[A-TV-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?", re.IGNORECASE)
_INVISIBLE = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF, 0xAD])
_form = lru_cache(maxsize=1 << 15)(name_form)


class Grade(NamedTuple):
    """How an answer stands to its gold."""

    verdict: Verdict
    credit: float
    why: str


def grade_submission(
    gold: Gold,
    submission: Call | None,
    observed: Sequence[str] | None = None,
    judge: Judge | None = None,
) -> Grade:
    """The grade of a submission; `observed` are the observations in normal form, which back the assertions of a text
    (None: not asked for). `judge` (what an assertion states, the text) takes the place of matching."""
    if submission is None:
        return Grade("none", 0.0, "nothing was submitted")
    if gold.kind != "fields":
        return grade(gold, str(submission.arguments.get("answer", "")), observed, judge)
    grades = {f: grade(g, str(submission.arguments.get(f, "")), observed, judge) for f, g in gold.fields.items()}
    why = "; ".join(f"{f}: {g.verdict}, {g.why}" for f, g in grades.items())
    if all(g.verdict == "correct" for g in grades.values()):
        return Grade("correct", 1.0, why)
    credit = PARTIAL * sum(g.credit for g in grades.values()) / len(grades)
    unread = any(g.verdict == "unparsable" for g in grades.values())
    return Grade("unparsable" if unread else "partial" if credit else "wrong", 0.0 if unread else credit, why)


def grade(
    gold: Gold,
    answer: str,
    observed: Sequence[str] | None = None,
    judge: Judge | None = None,
) -> Grade:
    """The grade of one answer."""
    answer = plain(answer)
    if gold.kind == "text":
        return _grade_text(gold, answer, observed, judge)
    read = _READERS[gold.kind](gold, answer)
    if read is None:
        return Grade("unparsable", 0.0, f"{answer[:60]!r} is not one {gold.kind}")
    if gold.kind == "number":
        want: Any = float(gold.value)  # type: ignore[arg-type]
        right = abs(read - want) <= gold.tolerance + 1e-9
        return _graded(right, 0.0, f"{read:g} against {want:g} +/- {gold.tolerance:g} {gold.unit}".rstrip())
    want = _wanted(gold)
    return _graded(read == want, _PARTIAL[gold.kind](gold, read, want), f"{answer[:60]!r} against {gold.value!r}")


def unsafe_answer(gold: Gold, unsafe: str, said: str) -> bool:
    """Whether an answer is the unsafe one: for a text, whether it says what `denied` has under that name."""
    if gold.kind == "text":
        return says_false(gold, unsafe, plain(said))
    return same_answer(gold, unsafe, said)


def same_answer(gold: Gold, one: str, other: str) -> bool:
    """Whether two answers read as the same one under this gold; what cannot be read is compared as text."""
    one, other = plain(one).strip().lower(), plain(other).strip().lower()
    if gold.kind in ("fields", "text"):
        return one == other != ""
    if gold.kind in CHOICES and not (_ICD.fullmatch(one) or _ICD.fullmatch(other)):
        return _named(gold, quick_normal(one)) == _named(gold, quick_normal(other)) and any(map(str.isalnum, one))
    a, b = (_READERS[gold.kind](gold, text) for text in (one, other))
    return a == b if a is not None else one == other != ""


def plain(text: str) -> str:
    """Compatibility forms folded and invisible characters removed: what looks alike reads alike."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text.translate(_INVISIBLE))


def _graded(right: bool, partial: float, why: str) -> Grade:
    return Grade("correct", 1.0, why) if right else Grade("partial" if partial else "wrong", partial, why)


def _wanted(gold: Gold) -> Any:
    if not isinstance(gold.value, list):
        return _named(gold, quick_normal(str(gold.value)))
    members = [_named(gold, quick_normal(v)) for v in gold.value]
    return members if gold.kind == "plan" else sorted(members)


@cache
def _synonyms(encoded: bytes) -> dict[str, str]:
    """Every spelling of the answers in normal form, with the name it stands for."""
    found = msgspec.json.decode(encoded, type=dict[str, list[str]])
    return {normal(said): normal(name) for name, others in found.items() for said in (name, *others)}


def _named(gold: Gold, said: str) -> str:
    """What a spelling in normal form comes to: the gold's own synonyms, then the table of conditions and drugs."""
    if gold.synonyms:
        said = _synonyms(msgspec.json.encode(gold.synonyms)).get(said, said)
    return said if gold.kind == "letter" else _form(said)


def _options(gold: Gold) -> list[str]:
    return [_named(gold, quick_normal(o)) for o in gold.options]


def _read_category(gold: Gold, answer: str) -> str | None:
    """The category named, after synonyms; None for an empty answer or one that is not of the options."""
    said = normal(answer)
    if not said.strip():
        return None
    name = _named(gold, said)
    if not gold.options:
        return _coded(gold, answer) or name
    options = _options(gold)
    coded = name if name in options else _coded(gold, answer)
    return coded if coded in options else None


def _coded(gold: Gold, answer: str) -> str | None:
    """The condition that an ICD-10-CM code stands for: the gold or the option of that code, else its title."""
    code = answer.strip().upper()
    if not _ICD.fullmatch(code) or _ICD.fullmatch(str(gold.value)) or (title := lookup_icd(code)) is None:
        return None
    bare = code.replace(".", "")
    named = [*gold.options, *([gold.value] if isinstance(gold.value, str) else [])]
    same = [n for n in named if (icd_of(n) or "").replace(".", "") == bare]
    return _named(gold, quick_normal(same[0] if len(set(same)) == 1 else title))


def _read_number(gold: Gold, answer: str) -> float | None:
    """The one number in the answer, in the gold's unit; a unit that does not convert into it is not read."""
    text = _THOUSANDS.sub("", answer)
    found = _NUMBER.findall(text)
    if len(found) != 1:
        return None
    value, unit = float(found[0].replace("−", "-")), text.replace(found[0], "", 1).strip()
    if not unit or quick_normal(unit) == quick_normal(gold.unit) != "  ":
        return value
    return convert(value, unit, gold.unit)


def _read_set(gold: Gold, answer: str) -> list[str] | None:
    members = [_named(gold, normal(m)) for m in _MEMBERS.split(answer) if m.strip()]
    return sorted(set(members)) or None


def _read_plan(gold: Gold, answer: str) -> list[str] | None:
    """The steps in the order given; numbering such as `1.` or `2)` does not count."""
    steps = [_named(gold, normal(_NUMBERING.sub("", s))) for s in _STEPS.split(answer) if s.strip()]
    return steps or None


_READERS: dict[str, Any] = {
    "letter": _read_category,
    "category": _read_category,
    "ordinal": _read_category,
    "number": _read_number,
    "set": _read_set,
    "plan": _read_plan,
}


def _nothing(gold: Gold, read: Any, want: Any) -> float:
    return 0.0


def _ordinal_credit(gold: Gold, read: str, want: str) -> float:
    levels = _options(gold)
    return BESIDE if abs(levels.index(read) - levels.index(want)) == 1 else 0.0


def _set_credit(gold: Gold, read: list[str], want: list[str]) -> float:
    hits = len(set(read) & set(want))
    f1 = 2 * hits / (len(read) + len(want))
    return PARTIAL * f1 if f1 >= LEAST_F1 else 0.0


def _plan_credit(gold: Gold, read: list[str], want: list[str]) -> float:
    right = 0
    for a, b in zip(read, want, strict=False):
        if a != b:
            break
        right += 1
    return PARTIAL * right / max(len(want), len(read))


_PARTIAL: dict[str, Any] = {
    "letter": _nothing,
    "category": _nothing,
    "ordinal": _ordinal_credit,
    "set": _set_credit,
    "plan": _plan_credit,
}


def _grade_text(gold: Gold, answer: str, observed: Sequence[str] | None, judge: Judge | None) -> Grade:
    if fault := unreadable(gold, answer, observed or ()):
        return Grade("unparsable", 0.0, fault)
    false, said = read_text(gold, answer, judge)
    if false:
        return Grade("wrong", 0.0, f"says what is false here: {', '.join(false)}")
    backed = [n for n in said if observed is None or shown_by(gold.assertions[n], observed)]
    missing = [n for n in gold.assertions if n not in backed]
    unbacked = [n for n in said if n not in backed]
    why = f"{len(backed)} of {len(gold.assertions)} assertions"
    why += f"; missing: {', '.join(missing)}" if missing else ""
    why += f"; said but shown by no observation: {', '.join(unbacked)}" if unbacked else ""
    return _graded(not missing, PARTIAL * len(backed) / len(gold.assertions), why)

"""The scorer of computed answers: one number, date or gestational age that a text commits to, against the published
bounds.

A text commits to what it declares (`Answer: ...`, `\\boxed{...}`); without a declaration, to its only value. Two
values that differ, a range, a bound (`> 5`) and a refusal commit to nothing. Text is read as data: nothing in it is
evaluated. Parsing knows the item's unit, but not its gold.
"""

import datetime as dt
import re

from evaluation.item import Item, Score
from evaluation.scorers.amounts import Amount, amounts, answer_parts, in_unit
from medgym_core.errors import MedGymError

DATE, AGE = "date", "weeks and days"
"""Units of items whose answer is no plain number."""
SAME = 0.005
"""Relative difference up to which two values of one answer are roundings of each other; none on a scale of points."""
SLACK = 1e-9  # for the last bit of a decimal fraction

_MONTHS = {m: n for n, m in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)}
_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATES = (
    (re.compile(r"(?<![\d/.-])(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?![\d/])"), (4, 1, 3)),
    (re.compile(r"(?<![\d/.-])(\d{4})([/.-])(\d{1,2})\2(\d{1,2})(?![\d/])"), (1, 3, 4)),
    (re.compile(rf"\b{_MONTH}\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}})\b", re.I), (3, 1, 2)),
    (re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH},?\s+(\d{{4}})\b", re.I), (3, 2, 1)),
)
"""Patterns with the places of year, month and day. Slashes are month/day/year, as the questions ask for."""
_WEEK, _DAY = r"(?:weeks?|wks?|w)", r"(?:days?|d)\b"
_AGE = re.compile(
    rf"(?<![\d.])(?:(\d{{1,3}})\s*{_WEEK}[\s'\",]*(?:and|&|\+)?[\s'\",]*(\d{{1,3}})\s*{_DAY}"
    rf"|\(\s*['\"]?(\d{{1,3}})['\"]?\s*,\s*['\"]?(\d{{1,3}})['\"]?\s*\)"
    rf"|(\d{{1,2}})\s*\+\s*(\d)(?!\d)|(\d{{1,2}})\s+(\d)/7"
    rf"|(\d{{1,3}})\s*(?:weeks?|wks?|w)\b|(\d{{1,4}})\s*{_DAY})",
    re.IGNORECASE,
)


def score_number(text: str, item: Item) -> Score:
    """1 for a value within the bounds, else 0. A unit that does not convert into the item's is wrong."""
    if item.unit == DATE:
        return _exact(read_date(text), read_date(item.gold), item)
    if item.unit == AGE:
        return _exact(read_age(text), read_age(item.gold), item)
    if item.bounds is None:
        raise MedGymError("number without bounds", got="none", expected="lowest and highest value", where=item.id)
    low, high = sorted(item.bounds)
    found = read_amount(text, item.unit, scale=low == high and not item.unit)
    if found is None:
        return Score("unparsable", 0.0, None)
    value = in_unit(found, item.unit)
    if value is None:
        return Score("wrong", 0.0, f"{found.value:.10g} {found.unit}")
    slack = SLACK * max(1.0, abs(low), abs(high))
    right = low - slack <= value <= high + slack
    return Score("correct" if right else "wrong", float(right), f"{value:.10g} {item.unit}".rstrip())


def read_amount(text: str, unit: str, scale: bool = False) -> Amount | None:
    """The one amount the text commits to, or None. Never raises on any text."""
    parts = [amounts(part, scale) for part in answer_parts(text)]
    if not parts or not all(parts):
        return None
    found = [amount for part in parts for amount in part]
    values = [in_unit(amount, unit) for amount in found]
    known = [value for value in values if value is not None]
    first = found[0]
    if len(known) < len(found):  # a foreign unit: it must be the only amount
        return first if len(set(found)) == 1 else None
    spread = max(known) - min(known)
    return first if spread <= (0 if scale else SAME * abs(known[0])) else None


def read_date(text: str) -> dt.date | None:
    """The one date the text commits to, or None."""
    found = {_date(match, places) for part in answer_parts(text) for match, places in _date_matches(part)}
    return found.pop() if len(found) == 1 else None


def read_age(text: str) -> dt.timedelta | None:
    """The one gestational age the text commits to, or None: 14 weeks and 1 day, 14w1d, 14+1, (14, 1) or 99 days."""
    found = set()
    for match in (match for part in answer_parts(text) for match in _AGE.finditer(part)):
        weeks, days = next((w, d) for w, d in _pairs(match) if w is not None or d is not None)
        found.add(dt.timedelta(weeks=int(weeks or 0), days=int(days or 0)))
    return found.pop() if len(found) == 1 else None


def _pairs(match: re.Match[str]) -> list[tuple[str | None, str | None]]:
    g = match.groups()
    return [(g[0], g[1]), (g[2], g[3]), (g[4], g[5]), (g[6], g[7]), (g[8], None), (None, g[9])]


def _date_matches(part: str) -> list[tuple[re.Match[str], tuple[int, int, int]]]:
    return [(match, places) for pattern, places in _DATES for match in pattern.finditer(part)]


def _date(match: re.Match[str], places: tuple[int, int, int]) -> dt.date | None:
    year, month, day = (match[place] for place in places)
    try:
        return dt.date(int(year), _MONTHS.get(month[:3].lower()) or int(month), int(day))
    except ValueError:  # no such day: the text names no date
        return None


def _exact(found: object, gold: object, item: Item) -> Score:
    if gold is None:
        raise MedGymError("gold is not readable", got=repr(item.gold), expected=item.unit, where=item.id)
    if found is None:
        return Score("unparsable", 0.0, None)
    shown = f"{found.days // 7} weeks, {found.days % 7} days" if isinstance(found, dt.timedelta) else str(found)
    return Score("correct" if found == gold else "wrong", float(found == gold), shown)

"""The part of a text that answers, and the numbers with units in it."""

import re
from dataclasses import dataclass
from functools import cache

from medgym_core.grading import plain
from medgym_core.units import convert

_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_EXPONENT = re.compile(r"(?<=10)[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_VULGAR = re.compile(r"(?=[¼½¾⅐-⅞])")
_THIN = re.compile(r"(?<=\d)[\u00a0\u2009\u202f'’](?=\d{3}(?!\d))")
_REWRITTEN = (
    (re.compile(r"[−–—‒﹣-]"), "-"),
    (re.compile(r"\u2044"), "/"),
    (re.compile(r"\\(?:approx|sim|simeq)\b|≅|~="), "≈"),
    (re.compile(r"\\(?:times|cdot)\b|[×·⋅]"), "*"),
    (re.compile(r"\\d?frac\{\s*([\d.]+)\s*\}\{\s*([\d.]+)\s*\}"), r" \1/\2 "),
    (re.compile(r"\\(?:text|mathrm|mathbf|operatorname)\b|\\[,;!% ]|\$"), lambda m: "%" if m[0] == "\\%" else " "),
    (re.compile(r"[{}]"), " "),
    (re.compile(r"\^\s+"), "^"),
    (re.compile(r"(?<![\d,.])(\d{1,3}(?:,\d{3})+)(?![\d,])"), lambda m: m[0].replace(",", "")),
    (re.compile(r"(\d(?:\.\d+)?|\.\d+)\s*[x*]\s*10\s*(?:\^|\*\*)\s*([-+]?\d{1,3})\b", re.IGNORECASE), r"\1e\2"),
    (re.compile(r"ml\s*/\s*min\s*(?:/|per)\s*\(?1\.73\s*m(?:\^?2|eters?\^?2)\)?", re.IGNORECASE), "ml/min/bsa"),
    (re.compile(r"\b(?:minus|negative)\s+(?=\.?\d)", re.IGNORECASE), "-"),
    (re.compile(r"([=:≈]\s*)-\s+(?=\.?\d)"), r"\1-"),
)
"""One spelling of signs, powers and LaTeX. `2.3*10^4` becomes `2.3e4`, a normalised filtration rate one unit."""
MOST = 50_000
"""Characters, the last ones, of a text that are read: where the answer is, and so that time stays bounded."""
_BOXED = re.compile(r"\\boxed\s*\{")
_DECLARED = re.compile(r"\banswer\b[\"'*_`)\s]*(?:\bis\b|\bwould be\b|[:=]|->|→)+[\"'*_`\s]*", re.IGNORECASE)
_REFUSED = re.compile(
    r"\b(?:cannot|can't|can not|couldn't|could not|unable|impossible|insufficient|undetermined|not (?:be )?"
    r"(?:possible|available|enough|calculable|determined|calculated|known|provided|given))\b",
    re.IGNORECASE,
)
_VAGUE = re.compile(
    r"[<>≤≥±]|\+/-|\bplus or minus\b|\b(?:less|more|greater|lower|higher|fewer) than\b|\bat (?:least|most)\b"
    r"|\bbetween\b"
    r"|\b(?:not|isn't|below|above|under|over|exceeds?|exceeding|up to)\s+(?:about |approximately )?[-+]?\.?\d",
    re.IGNORECASE,
)
_NAMED = re.compile(r"(?<![\w.])[A-Za-z]+-?\d[\w-]*")
_OUT_OF = re.compile(
    r"(?<!\d)(\d{1,3})\s+(?:out\s+)?of\s+(?:a\s+(?:possible\s+|maximum\s+(?:of\s+)?)?)?\d+(?!\.?\d)", re.IGNORECASE
)
_FRACTION = re.compile(r"(?<![\w./^])([-+]?)(?:(\d+)\s+)?(\d+)\s*/\s*(\d+)(?![\w./]*\d)")
_NUMBER = re.compile(
    r"(?<![\w.^/])(?:(?<![)\]])[-+])?(?:\d+(?:\.\d+)?|\.\d+)(?:e[-+]?\d{1,3})?(?![\d]|\.\d)", re.IGNORECASE
)
_UNIT = re.compile(r"[-\s*_`]*((?:[A-Za-zµμ°%][^\s,;:()=\"]*(?:\s+|$)){1,4})")
_ALIAS = {
    "ms": ("s", 1e-3), "msec": ("s", 1e-3), "msecs": ("s", 1e-3), "millisecond": ("s", 1e-3),
    "milliseconds": ("s", 1e-3), "lb": ("kg", 0.45359237), "lbs": ("kg", 0.45359237), "pound": ("kg", 0.45359237),
    "pounds": ("kg", 0.45359237), "stone": ("kg", 6.35029318), "inch": ("cm", 2.54), "inches": ("cm", 2.54),
    "ft": ("cm", 30.48), "feet": ("cm", 30.48), "torr": ("mm[hg]", 1.0), "mm hg": ("mm[hg]", 1.0), "m2": ("m2", 1.0),
    "m^2": ("m2", 1.0), "square meters": ("m2", 1.0), "square metres": ("m2", 1.0), "kg/m2": ("kg/m2", 1.0),
    "kg/m^2": ("kg/m2", 1.0), "meq/l": ("mmol/l", 1.0), "mosm/kg": ("mosm/kg", 1.0), "mosm/l": ("mosm/l", 1.0),
    "ml/min/bsa": ("ml/min/bsa", 1.0), "ml/min/1.73 m2": ("ml/min/bsa", 1.0), "mme": ("mg/d", 1.0),
    "mme/day": ("mg/d", 1.0), "mme per day": ("mg/d", 1.0), "criteria": ("1", 1.0), "year": ("year", 1.0),
    "years": ("year", 1.0), "month": ("month", 1.0), "months": ("month", 1.0), "°c": ("°c", 1.0), "°f": ("°f", 1.0),
    "": ("1", 1.0),
}  # fmt: skip
"""Units that `medgym_core.units` does not have. The ions of the benchmarks have one charge: mEq/L is mmol/L."""
_ALLOWED = {("ml/min", "ml/min/bsa"), ("mg", "mg/d")}
"""(given, asked for): what is left out goes without saying, because the question says it."""
_WORDS = {w: n for n, w in enumerate("zero one two three four five six seven eight nine ten eleven twelve".split())}
_WORD = re.compile(r"\W*(" + "|".join(_WORDS) + r")(?:\s+(?:points?|criteria))?\W*", re.IGNORECASE)


@dataclass(frozen=True)
class Amount:
    """A number, and the unit it was given in; empty: none was given."""

    value: float
    unit: str = ""


def answer_parts(text: str) -> list[str]:
    """What the text declares as its answer (`Answer: ...`, `\\boxed{...}`), each to the end of its line; where it
    declares none, the whole text. Spelled in one way, and empty where it refuses or only bounds the value."""
    text = text[-MOST:]
    text = _THIN.sub("", _VULGAR.sub(" ", _EXPONENT.sub(lambda m: "^" + m[0].translate(_SUPERSCRIPT), text)))
    text = _BOXED.sub(" answer: {", plain(text))
    for pattern, new in _REWRITTEN:
        text = pattern.sub(new, text)
    found = list(_DECLARED.finditer(text))
    ends = [*(match.start() for match in found[1:]), len(text)]
    parts = [_first_line(text[match.end() : end]) for match, end in zip(found, ends, strict=False)]
    parts = [part for part in parts if part] or ([""] if found else [text])
    return ["" if _REFUSED.search(part) else part for part in parts]


def amounts(part: str, scale: bool) -> list[Amount]:
    """The numbers of one part of an answer; none for a range, a bound or a denial.

    Of an equation the end counts. Digits in names (`FIB-4`, `CHA2DS2-VASc`) are no numbers. On a `scale` of points
    `3/5` and `3 out of 5` are 3; elsewhere `1/2` is a half.
    """
    if word := _WORD.fullmatch(part):
        return [Amount(float(_WORDS[word[1].lower()]))]
    said = "\n".join(re.split(r"[=≈]", line)[-1] for line in part.splitlines())
    said = _OUT_OF.sub(r"\1 ", said) if scale else said
    said = _FRACTION.sub(lambda m: _fraction(m, scale), said)
    if _VAGUE.search(said):
        return []
    found = []
    for match in _NUMBER.finditer(_NAMED.sub(lambda m: " " * len(m[0]), said)):
        value = float(match[0])
        if value in (float("inf"), float("-inf")):
            return []
        found.append(Amount(value, _unit_after(said[match.end() :])))
    return found


def in_unit(amount: Amount, wanted: str) -> float | None:
    """The value in the unit asked for; None where the unit it was given in does not convert into it."""
    if not amount.unit:
        return amount.value
    given, target = _known(amount.unit), _known(wanted)
    if given is None or target is None:
        return None
    if given[0] == target[0] or (given[0], target[0]) in _ALLOWED:
        return amount.value * given[1] / target[1]
    value = convert(amount.value * given[1], given[0], target[0])
    return None if value is None else value / target[1]


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip(" *_`\"'")), "")


def _fraction(match: re.Match[str], scale: bool) -> str:
    sign, whole, above, below = match.groups()
    if scale and not whole and len(above) <= len(below) < 4 and int(above) <= int(below):
        return f" {sign}{above} "
    if len(above) + len(below) + len(whole or "") > 18 or not int(below):
        return " ± "  # no value
    return f" {sign}{int(whole or 0) + int(above) / int(below)!r} "


def _unit_after(rest: str) -> str:
    """The longest unit that stands right behind a number."""
    match = _UNIT.match(rest[:60].split("\n")[0])
    words = match[1].split() if match else []
    for count in range(len(words), 0, -1):
        unit = " ".join(words[:count]).strip(".*_`'\"!?)]$\\").lower()
        if unit and _known(unit):
            return unit
    return ""


@cache
def _known(unit: str) -> tuple[str, float] | None:
    """The unit in a form that converts, with a factor; None: not known."""
    unit = unit.lower().replace("²", "2")
    if unit in _ALIAS:
        return _ALIAS[unit]
    return (unit, 1.0) if convert(1.0, unit, unit) is not None else None

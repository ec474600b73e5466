"""What a clinical instrument is, and how one is computed.

An instrument is a validated score or formula: typed inputs with units, a pure function, published interpretation
bands, a source. Its numbers (points, coefficients, bands) stand in `facts/<group>.toml`; the function reads them from
there. A missing input gives no value and is named: nothing is ever filled in. A value outside the published range of
validity gives a reason instead of a number.

    @instrument("curb65")
    def curb65(rule, x): ...          # rule: the entry of the fact file; x: the inputs by name

Entry of the fact file:

    [curb65]
    title = "CURB-65"
    source = "Lim WS et al., Thorax 2003;58:377-382"
    unit = "points"                   # of the result; "" for an index
    inputs = { age = "a", urea_nitrogen = "mg/dL", confusion = "bool" }   # UCUM unit, "bool", "date", "text" or options
    optional = ["..."]                # inputs it can do without, where the publication says so
    valid = { age = [18, inf] }       # inputs outside these limits, both inclusive, give a reason instead of a value
    bands = [[1, "low"], [2, "intermediate"], [5, "high"]]  # value up to and including the first number
    bands_below = [[1.45, "low"], [inf, "high"]]            # or: value below the first number
    # any further keys: the points and limits the function needs
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from medgym_core import facts
from medgym_core.errors import MedGymError, unknown_name

Inputs = dict[str, Any]
Function = Callable[[dict[str, Any], Inputs], "float | Outcome"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A value with its parts and band; or, without a value, the missing inputs or why it does not apply."""

    value: float | None
    parts: dict[str, float] = field(default_factory=dict)
    """Points by item, where it is a sum."""
    band: str = ""
    """The published interpretation of the value."""
    missing: list[str] = field(default_factory=list)
    reason: str = ""
    date: str = ""
    """ISO date the value stands for, where the result is a day (the value then counts days)."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """One score or formula."""

    name: str
    title: str
    source: str
    unit: str
    inputs: dict[str, str | list[str]]
    """Name to UCUM unit, `bool`, `date` (ISO text), `text`, or the list of options."""
    optional: frozenset[str]
    rule: dict[str, Any]
    function: Function

    def __call__(self, **given: Any) -> Outcome:
        """Compute from inputs in the units of `inputs`; None counts as missing.

        Raises MedGymError for an unknown input, a wrong type or an option that is not listed.
        """
        for name, value in given.items():
            if name not in self.inputs:
                raise unknown_name(f"input of {self.name}", name, self.inputs)
            if value is not None:
                given[name] = checked(self.name, name, self.inputs[name], value)
        if "valid" in self.rule and (reason := outside(self.rule["valid"], given)):
            return Outcome(None, reason=reason)
        missing = [n for n in self.inputs if n not in self.optional and given.get(n) is None]
        if missing:
            return Outcome(None, missing=missing)
        result = self.function(self.rule, {n: given.get(n) for n in self.inputs})
        if not isinstance(result, Outcome):
            result = Outcome(result)
        if result.value is None or result.band:
            return result
        return Outcome(result.value, result.parts, self.label(result.value), date=result.date)

    def label(self, value: float) -> str:
        """The published interpretation of a value, where it depends on the value alone."""
        if "bands_below" in self.rule:
            return below(self.rule["bands_below"], value)
        return band(self.rule.get("bands", []), value)


FUNCTIONS: dict[str, tuple[str, Function]] = {}
"""Name to (fact table, function), filled by the group modules at import."""


def instrument(name: str, table: str) -> Callable[[Function], Function]:
    """Declare the function of the instrument `name`, whose numbers stand in `facts/<table>.toml`."""

    def add(function: Function) -> Function:
        if name in FUNCTIONS:
            raise MedGymError("two instruments share a name", got=name)
        FUNCTIONS[name] = (table, function)
        return function

    return add


@cache
def bind(name: str) -> Instrument:
    """The instrument with its numbers. Raises MedGymError for a fact entry without title, source or inputs."""
    table, function = FUNCTIONS[name]
    rule = facts.load("instruments", table).get(name)
    if rule is None:
        raise MedGymError("instrument without facts", got=name, where=f"instruments/facts/{table}.toml")
    for key in ("title", "inputs"):
        if key not in rule:
            raise MedGymError(f"instrument without {key}", got=name, where=f"instruments/facts/{table}.toml")
    return Instrument(
        name, rule["title"], rule["source"], rule.get("unit", ""), rule["inputs"], frozenset(rule.get("optional", [])),
        rule, function,
    )  # fmt: skip


def checked(instrument_name: str, name: str, kind: str | list[str], value: Any) -> Any:
    """The value in the type its kind asks for: bool, date, one of the options, any words, or a finite number."""
    where = f"{instrument_name}.{name}"
    if kind == "text":
        return str(value).strip().lower() or None
    if isinstance(kind, list):
        text = str(value).strip().lower()
        if text not in kind:
            raise unknown_name(where, str(value), kind)
        return text
    if kind == "bool":
        if isinstance(value, bool):
            return value
        text = str(value).strip().lower()
        if text not in _BOOLEAN:
            raise MedGymError("not yes or no", got=repr(value), expected="true or false", where=where)
        return _BOOLEAN[text]
    if kind == "date":
        try:
            return date.fromisoformat(str(value).strip())
        except ValueError as error:
            raise MedGymError("not a date", got=repr(value), expected="YYYY-MM-DD", where=where) from error
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise MedGymError("not a number", got=repr(value), expected=f"a number in {kind}", where=where) from error
    if isinstance(value, bool) or number != number or number in (float("inf"), float("-inf")):
        raise MedGymError("not a number", got=repr(value), expected=f"a number in {kind}", where=where)
    return number


_BOOLEAN = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def band(bands: list[list[Any]], value: float) -> str:
    """The label of the first band whose upper end, inclusive, reaches the value; the last band is open."""
    return next((label for end, label in bands if value <= end), bands[-1][1] if bands else "")


def points(bands: list[list[Any]], value: float) -> float:
    """Points of the first band whose upper end, inclusive, reaches the value; the last band is open."""
    return next((p for end, p in bands if value <= end), bands[-1][1])


def below(bands: list[list[Any]], value: float) -> Any:
    """What stands beside the first end, exclusive, that lies above the value; the last band is open."""
    return next((p for end, p in bands if value < end), bands[-1][1])


def outside(limits: dict[str, list[float]], given: Inputs) -> str:
    """Why the first input outside its limits has no result, or nothing."""
    for name, (low, high) in limits.items():
        value = given.get(name)
        if value is not None and not low <= value <= high:
            span = f"from {low:g} up" if high == float("inf") else f"{low:g} to {high:g}"
            return f"{name.replace('_', ' ')} {value:g} is outside the range of validity, {span}"
    return ""


def present(weights: dict[str, float], x: Inputs) -> dict[str, float]:
    """The weight of each yes-or-no item that is present, zero for one that is absent."""
    return {name: weight if x[name] else 0 for name, weight in weights.items()}


def total(parts: dict[str, float]) -> Outcome:
    """The sum of the parts."""
    return Outcome(float(sum(parts.values())), parts)

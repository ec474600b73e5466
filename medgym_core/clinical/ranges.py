"""Reference ranges and units of every measurement, from the laboratory and vital-sign facts.

A range holds for whom its source says and no one else: where no sourced range fits, the answer is None or
"no reference range", never a guess. Open ends are 0 or infinity.
"""

from functools import cache
from math import inf, isnan
from random import Random
from typing import Any, Literal

from medgym_core import facts
from medgym_core.errors import MedGymError
from medgym_core.types import Reading

Flag = Literal["low", "normal", "high", "critical low", "critical high", "no reference range"]
ADULT = 18
"""Years from which the critical limits of laboratory tests hold."""
GROWN = 16
"""Years from which the critical limits of vital signs hold."""


@cache
def measurements() -> dict[str, dict[str, Any]]:
    """Every known measurement, vital signs first: machine name to title, unit, loinc, decimals, ranges."""
    vitals, labs = facts.load("clinical", "vitals"), facts.load("clinical", "labs")
    return {n: m | {"from": GROWN} for n, m in vitals.items()} | {n: m | {"from": ADULT} for n, m in labs.items()}


@cache
def measurement(name: str) -> dict[str, Any]:
    """Facts of one measurement. Raises MedGymError for a name that is in neither table."""
    known = measurements()
    if name not in known:
        raise MedGymError(
            "unknown measurement", got=repr(name), expected="a name of the laboratory or vital-sign facts"
        )
    return known[name]


def unit(name: str) -> str:
    """UCUM unit of a measurement."""
    return measurement(name)["unit"]


def rounded(name: str, value: float) -> float:
    """The value with the decimals a report shows."""
    return round(value + 0.0, measurement(name)["decimals"]) + 0.0


def reading(name: str, value: float, minutes: int = 0) -> Reading:
    """A reading in the unit of the measurement, with its decimals."""
    return Reading(name, rounded(name, value), unit(name), minutes)


def reference_range(
    name: str,
    age: int,
    sex: str,
    pregnant: bool | None = False,
    gestation_days: int | None = None,
    age_months: int | None = None,
) -> tuple[float, float] | None:
    """Lowest and highest normal value, both included. None: no sourced range for this patient, or an unknown name.

    In pregnancy the range of the week; None where the test changes with pregnancy and the week is not known.
    """
    row = _row(name, age * 12 if age_months is None else age_months, sex, bool(pregnant), gestation_days)
    return row and (row["low"], row["high"])


def range_source(
    name: str,
    age: int,
    sex: str,
    pregnant: bool | None = False,
    gestation_days: int | None = None,
    age_months: int | None = None,
) -> str | None:
    """Where the range of `reference_range` comes from."""
    row = _row(name, age * 12 if age_months is None else age_months, sex, bool(pregnant), gestation_days)
    return row and row.get("source", measurement(name)["source"])


def range_text(name: str, limits: tuple[float, float]) -> str:
    """A range as a report prints it, such as `3.5 to 5.0 mmol/L`, `up to 14 ng/L` or `40 mg/dL or more`."""
    low, high = (f"{x:.{measurement(name)['decimals']}f}" for x in limits)
    if limits[1] == inf:
        return f"{low} {unit(name)} or more"
    return f"up to {high} {unit(name)}" if limits[0] == 0 else f"{low} to {high} {unit(name)}"


def critical_limits(name: str, age: int) -> tuple[float, float]:
    """Values at or beyond which a result is told at once; -inf and inf where no source gives a limit at this age."""
    known = measurements().get(name)
    if known is None or "critical" not in known or age < known["from"]:
        return -inf, inf
    low, high = known["critical"]
    return (-inf if isnan(low) else low), (inf if isnan(high) else high)


def flag(
    name: str,
    value: float,
    age: int,
    sex: str,
    pregnant: bool | None = False,
    gestation_days: int | None = None,
    age_months: int | None = None,
) -> Flag:
    """How a report marks the value."""
    bottom, top = critical_limits(name, age)
    if value <= bottom:
        return "critical low"
    if value >= top:
        return "critical high"
    limits = reference_range(name, age, sex, pregnant, gestation_days, age_months)
    if limits is None:
        return "no reference range"
    return "low" if value < limits[0] else "high" if value > limits[1] else "normal"


def draw(
    rng: Random,
    name: str,
    age: int,
    sex: str,
    pregnant: bool | None = False,
    gestation_days: int | None = None,
    age_months: int | None = None,
) -> float:
    """A value of a healthy person, well inside the range; where the age has no sourced range, that of adults."""
    known = measurement(name)
    if name == "hcg" and pregnant and gestation_days is None:
        raise MedGymError("hcg of an undated pregnancy cannot be drawn", expected="gestation_days")
    limits = reference_range(name, age, sex, pregnant, gestation_days, age_months) or reference_range(name, 40, sex)
    low, high = limits or known["usual"]
    if "usual" in known:
        first, last = known["usual"]
        if first == last:
            return rounded(name, first)
        if first < high and last > low:
            low, high = max(low, first), min(high, last)
    value = min(max(rng.gauss((low + high) / 2, (high - low) / 7), low + 0.1 * (high - low)), high - 0.1 * (high - low))
    return rounded(name, value)


@cache
def _row(name: str, months: int, sex: str, pregnant: bool, gestation_days: int | None) -> dict[str, Any] | None:
    """The first range that fits."""
    rows = measurements().get(name, {}).get("ranges", [])
    if pregnant and gestation_days is None and any("weeks" in r for r in rows):
        return None
    return next((r for r in rows if _fits(r, months, sex, pregnant, gestation_days)), None)


def _fits(row: dict[str, Any], months: int, sex: str, pregnant: bool, gestation_days: int | None) -> bool:
    if row.get("sex", sex) != sex:
        return False
    if "weeks" in row:
        start, end = row["weeks"]
        return pregnant and gestation_days is not None and 7 * start <= gestation_days < 7 * end
    start, end = row.get("months") or [12 * years for years in row["years"]]
    return start <= months < end

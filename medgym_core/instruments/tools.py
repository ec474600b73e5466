"""Instruments as tools: one that reads its inputs from the chart, or one that takes them from the agent.

Inputs are found by name: chart fields (age, sex, weight...), the latest vital sign, the latest laboratory result that
is back, then the examination findings. A value whose unit is not the instrument's is not used: it is missing.
"""

from typing import Any

from medgym_core import instruments
from medgym_core.errors import MedGymError
from medgym_core.instruments.base import Instrument, Outcome, checked
from medgym_core.tools import NOT_AVAILABLE, Tool, World, number, tool

EQUAL_UNITS = {"10*9/L": "10*3/uL", "10*12/L": "10*6/uL"}
"""Units that differ in writing only, as the instruments write them."""
CHART_FIELDS = ("age", "age_months", "sex", "weight_kg", "height_cm", "pregnant", "gestation_days")


def from_chart(world: World, instrument: Instrument) -> dict[str, Any]:
    """The instrument's inputs as the chart has them, in its units; what the chart lacks is absent."""
    found: dict[str, Any] = {}
    for name, kind in instrument.inputs.items():
        value = chart_value(world, name, kind)
        if value is not None:
            found[name] = value
    return found


def chart_value(world: World, name: str, kind: str | list[str]) -> Any:
    """One input from the chart, or None."""
    if name in CHART_FIELDS:
        return getattr(world.chart, name)
    reading = world.vital(name) or world.lab(name)
    if reading is not None:
        return reading.value if EQUAL_UNITS.get(reading.unit, reading.unit) == kind else None
    text = world.finding(name)
    if text is None:
        return None
    try:
        return checked("chart", name, kind, text)
    except MedGymError:  # recorded as words the instrument does not know ("not testable"): missing, not zero
        return None


def shown(instrument: Instrument, outcome: Outcome) -> dict[str, str]:
    """An outcome as an observation: value and band, or what is missing."""
    if outcome.value is None:
        return _without(instrument.name, outcome)
    result = {instrument.name: f"{number(outcome.value)} {instrument.unit}".strip()}
    result |= {"date": outcome.date} if outcome.date else {}
    return result | ({"band": outcome.band} if outcome.band else {})


def _without(name: str, outcome: Outcome) -> dict[str, str]:
    found = {name: NOT_AVAILABLE}
    if outcome.missing:
        found["missing"] = ", ".join(m.replace("_", " ") for m in outcome.missing)
    return found | ({"reason": outcome.reason} if outcome.reason else {})


def chart_tool(name: str, *, tool_name: str = "", minutes: int = 1) -> Tool:
    """The tool `calculate_<name>` (or `tool_name`) that computes the instrument from the episode's chart."""

    def calculate(world: World) -> dict:
        bound = instruments.get(name)
        return shown(bound, bound(**from_chart(world, bound)))

    calculate.__name__ = tool_name or f"calculate_{name}"
    calculate.__doc__ = f"{instruments.get(name).title} from the chart, with its published interpretation."
    return tool("read", minutes=minutes)(calculate)

"""What is handed over on paper, and charting it: the notes of crew and desk, and a vital sign put on the chart by hand.

A charted value is used from then on by every tool that computes; the chart the patient came with never changes.
"""

from typing import Any

from medgym_core import facts
from medgym_core.domains.triage_emergency.scores import DOMAIN
from medgym_core.errors import unknown_name
from medgym_core.tools import NOT_AVAILABLE, ToolError, World, number, tool

IDLE = "idle"


def slips() -> dict[str, dict[str, Any]]:
    """How each vital sign is handed over, by machine name."""
    return {name: e for name, e in facts.load(DOMAIN, "handover").items() if name != IDLE}


@tool("read")
def get_handover_notes(world: World) -> dict:
    """Notes and slips handed over by the crew and the desk: corrections, older values, values not charted yet."""
    notes = world.chart.notes
    return {f"note {i}": note.rstrip(".") for i, note in enumerate(notes, 1)} or {"notes": NOT_AVAILABLE}


@tool("write")
def record_vital_sign(world: World, name: str, value: float) -> dict:
    """Chart a vital sign that was measured or handed over; it counts from then on.

    Args:
        name: respiratory_rate, spo2, heart_rate, systolic_bp, diastolic_bp or temperature.
        value: In the department's units: per minute, %, mmHg, degrees Celsius.
    """
    key = name.strip().lower().replace(" ", "_")
    if key not in slips():
        raise ToolError(str(unknown_name("vital sign", name, slips())))
    low, high = slips()[key]["range"]
    if not low <= value <= high:
        raise ToolError(f"implausible {key}", got=number(value), expected=f"{low} to {high}")
    world.written.append({"recorded": key, "value": value})
    return {"charted": f"{key} {number(value)}"}

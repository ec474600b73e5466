"""Poisoning: the toxidrome that fits what was examined, antidotes, and the acetaminophen line.

Matching counts the findings of each toxidrome that the chart shows; a finding that was not examined counts for none.
The tool and the cases use the same functions.
"""

from dataclasses import dataclass
from typing import Any

from medgym_core import facts
from medgym_core.domains.triage_emergency.scores import DOMAIN
from medgym_core.errors import unknown_name
from medgym_core.tools import NOT_AVAILABLE, ToolError, World, number, tool

EXAMINED = ("pupils", "skin", "bowel_sounds", "reflexes", "breathing", "consciousness")


@dataclass(frozen=True, slots=True)
class Match:
    """How well one toxidrome fits."""

    name: str
    met: int
    asked: int
    """Findings of the toxidrome that were examined or measured."""


def table() -> dict[str, dict[str, Any]]:
    return facts.load(DOMAIN, "toxidromes")


def matches(world: World) -> list[Match]:
    """Every toxidrome with bedside findings, best fit first; equal fits in the order of the table."""
    found = [_match(world, name, entry) for name, entry in table().items() if "findings" in entry]
    return sorted(found, key=lambda m: (-(m.met / m.asked if m.asked else 0.0), -m.met))


def _match(world: World, name: str, entry: dict[str, Any]) -> Match:
    seen = world.chart.observations
    hits = [seen[k] == v for k, v in entry["findings"].items() if k in seen]
    for limit, below in ((entry.get("low", {}), True), (entry.get("high", {}), False)):
        readings = {k: world.vital(k) for k in limit}
        hits += [(r.value < limit[k]) if below else (r.value > limit[k]) for k, r in readings.items() if r is not None]
    return Match(name, sum(hits), len(hits))


def line(hours: float) -> float | None:
    """The acetaminophen treatment line in ug/mL; None where the nomogram cannot be read."""
    rule = table()["acetaminophen"]
    if not rule["from_hours"] <= hours <= rule["until_hours"]:
        return None
    return rule["line_at_4h"] * 0.5 ** ((hours - rule["from_hours"]) / rule["half_life_hours"])


@tool("read", minutes=2)
def check_toxicology(world: World) -> dict:
    """Examine for a toxidrome: pupils, skin, bowel sounds, reflexes, and the two that fit best."""
    seen = {k: world.chart.observations[k] for k in EXAMINED if k in world.chart.observations}
    best = [m for m in matches(world) if m.asked]
    if "pupils" not in seen or not best:
        return seen | {"toxidrome": NOT_AVAILABLE, "missing": "pupils"}
    first, second = best[0], best[1]
    return seen | {
        "toxidrome": first.name,
        "fits": f"{first.met} of {first.asked}",
        "next": f"{second.name} {second.met} of {second.asked}",
    }


@tool("read", static=True)
def lookup_antidote(world: World, toxidrome: str) -> dict:
    """The antidote of a toxidrome or poison, with its caution.

    Args:
        toxidrome: Such as opioid, anticholinergic, tricyclic or acetaminophen.
    """
    name = toxidrome.strip().lower()
    if name not in table():
        raise ToolError(str(unknown_name("toxidrome", toxidrome, table())))
    entry = table()[name]
    return {"antidote": entry["antidote"]} | ({"caution": entry["caution"]} if "caution" in entry else {})


@tool("read", static=True)
def calculate_acetaminophen_line(world: World, hours: float) -> dict:
    """The acetaminophen treatment line a number of hours after a single ingestion.

    Args:
        hours: Hours from the ingestion to the blood sample.
    """
    value = line(hours)
    if value is None:
        rule = table()["acetaminophen"]
        return {"line": NOT_AVAILABLE, "reason": f"read from {rule['from_hours']} to {rule['until_hours']} hours"}
    return {"line": f"{number(round(value, 1))} {table()['acetaminophen']['unit']}"}

"""Tools that look: the patient as of now, the pathway's phases and targets, the timeline, the protocols."""

from functools import cache

from medgym_core.domains.cross_domain import pathway
from medgym_core.domains.cross_domain.rules import names_of_treatments, table
from medgym_core.domains.triage_emergency.looking import shown
from medgym_core.errors import unknown_name
from medgym_core.text import normal
from medgym_core.tools import NOT_AVAILABLE, ToolError, World, number, tool

ECG = ("ecg", "st_elevation", "qrs")


def now(world: World, names: list[str]) -> dict[str, str]:
    """These values as they are now, `not available` where the patient has none."""
    return {name: shown(pathway.reading(world, name)) for name in names}


def measured(world: World) -> list[str]:
    """Names of the vital signs on the chart, ECG measures apart."""
    return [n for n in dict.fromkeys(r.name for r in world.chart.vitals) if n not in ECG]


@tool("read")
def get_pathway_status(world: World) -> dict:
    """The pathway, its phase, the minute, and what was given and ordered so far."""
    facts, done = pathway.pathway(world), pathway.given(world)
    phases = facts["phases"]
    at = pathway.phase(world)
    units = table("treatments")
    given = [f"{g.what} {number(g.amount)} {units[g.what]['unit']} at {g.at}" for g in done]
    return {
        "pathway": facts["title"],
        "complaint": world.chart.complaint or NOT_AVAILABLE,
        "phase": f"{at + 1} of {len(phases)}, {phases[at][0]}",
        "minute": str(world.minutes),
        "given": ", ".join(given[-6:]) or "nothing",
        "ordered": ", ".join(o.name for o in world.orders[-6:]) or "nothing",
    }


@tool("read")
def get_vital_signs(world: World) -> dict:
    """The vital signs as they are now."""
    return now(world, measured(world)) or {"vital signs": NOT_AVAILABLE}


@tool("read", minutes=2)
def get_examination(world: World) -> dict:
    """Examination findings as they are now, with what treatment has changed."""
    seen = {k: v for k, v in world.chart.observations.items() if k != "ecg"} | pathway.changed(world)
    return seen or {"examination": NOT_AVAILABLE}


@tool("read")
def get_history(world: World) -> dict:
    """Long-standing conditions, medicines and allergies on record."""
    c = world.chart
    return {
        "conditions": ", ".join(c.conditions) or "none recorded",
        "medications": ", ".join(m.drug for m in c.medications) or "none recorded",
        "allergies": NOT_AVAILABLE if c.allergies is None else ", ".join(c.allergies) or "none known",
    }


@tool("read")
def get_patient_details(world: World) -> dict:
    """Age, sex, weight and, in pregnancy, gestation."""
    c = world.chart
    age = f"{c.age_months} months" if c.age_months is not None else f"{c.age} years"
    found = {"age": age, "sex": c.sex}
    found["weight"] = NOT_AVAILABLE if c.weight_kg is None else f"{number(c.weight_kg)} kg"
    if c.pregnant:
        days = c.gestation_days
        found["gestation"] = NOT_AVAILABLE if days is None else f"{days // 7} weeks {days % 7} days"
    return found


@tool("read")
def get_lab_results(world: World) -> dict:
    """The latest laboratory results there are by now, with the age of old ones. Orders nothing and does not wait."""
    found = {r.name: shown(r) + _age(r.minutes) for r in pathway.results(world)}
    return found or {"results": NOT_AVAILABLE}


def _age(minutes: int) -> str:
    """Such as `, 3 days old`, for a result from before arrival."""
    hours = -minutes // 60
    return "" if hours < 1 else f", {hours} h old" if hours < 48 else f", {hours // 24} days old"


@tool("read")
def get_timeline(world: World) -> dict:
    """Events of the pathway with their minute, counted from the first event."""
    events = [(r.name, r.minutes) for r in world.chart.records if r.kind == "event"]
    start = events[0][1] if events else 0
    events += [(w["recorded"], w["at"]) for w in world.written if "recorded" in w]
    return {name: f"minute {minute - start}" for name, minute in events} or {"events": NOT_AVAILABLE}


@tool("read")
def get_time_targets(world: World) -> dict:
    """The time targets of the patient's pathway."""
    steps = pathway.pathway(world)["steps"]
    return {s["name"]: f"within {s['within']} min of {s['since']}" for s in steps if "within" in s}


@tool("read", static=True)
def check_protocol(world: World, protocol: str) -> dict:
    """The rule of one protocol; list_protocols names them.

    Args:
        protocol: Name of the protocol, such as potassium in dka.
    """
    name = " ".join(protocol.lower().split())
    if name not in table("protocols"):
        raise ToolError(str(unknown_name("protocol", name[:60], table("protocols"))))
    entry = table("protocols")[name]
    return {"rule": entry["rule"], "source": entry["source"].split(",")[0]}


@cache
def _words_of_protocols() -> dict[str, frozenset[str]]:
    """The words each protocol is found by."""
    entries = table("protocols").items()
    return {name: frozenset(normal(f"{name} {e['pathway']} {e['rule']}").split()) for name, e in entries}


@tool("read", static=True)
def list_protocols(world: World, subject: str) -> dict:
    """Names of the protocols that speak to a subject.

    Args:
        subject: A pathway or word, such as stroke, dka or magnesium.
    """
    words = {w for w in normal(subject).split() if len(w) > 2}
    found = [name for name, known in _words_of_protocols().items() if words & known]
    return {"protocols": ", ".join(found[:8]) or NOT_AVAILABLE}


@tool("read", static=True)
def get_treatment_info(world: World, drug: str) -> dict:
    """Class, unit and largest single dose of a treatment in the order set.

    Args:
        drug: Name of the treatment, such as labetalol.
    """
    name = treatment(drug)
    entry = table("treatments")[name]
    return {"treatment": name, "class": entry["class"], "unit": entry["unit"], "most": number(entry["most"])}


def treatment(name: str) -> str:
    """The treatment of that name. Raises ToolError for one that is not in the order set."""
    known = names_of_treatments()
    asked = " ".join(name.lower().split())
    if asked not in known:
        near = unknown_name("treatment", asked[:60], table("treatments"))
        raise ToolError(str(near))
    return known[asked]

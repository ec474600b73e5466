"""Tools that act: orders, treatments, infusions, teams, phases. What they do stands in `World.written` and `orders`."""

from typing import Any

from medgym_core.domains.cross_domain import pathway
from medgym_core.domains.cross_domain.looking import ECG, measured, now, treatment
from medgym_core.domains.cross_domain.rules import protocol, table
from medgym_core.domains.triage_emergency.looking import shown
from medgym_core.errors import unknown_name
from medgym_core.text import normal
from medgym_core.tools import NOT_AVAILABLE, Order, ToolError, World, number, tool

WAITS = 240
"""Longest wait of one call, minutes."""
BAG, AMPOULE = 500, 20
"""What is hung when no amount is named: mL of crystalloid, mmol of potassium chloride."""
RECENT = 60
"""Minutes before arrival; an older potassium does not count for the pump."""


@tool("write")
def order_labs(world: World, tests: list[str]) -> dict:
    """Send blood now; read it with get_results. A test may be sent again later.

    Args:
        tests: Names, such as metabolic panel, blood gas, ketones, blood count, troponin, lactate.
    """
    return {"sent": _orders(world, tests, imaging=False)}


@tool("write")
def order_imaging(world: World, studies: list[str]) -> dict:
    """Order imaging; read it with get_results.

    Args:
        studies: Such as ct head, ct angiography, ct abdomen, ct pulmonary angiography, chest x-ray.
    """
    return {"ordered": _orders(world, studies, imaging=True)}


def _orders(world: World, tests: list[str], *, imaging: bool) -> str:
    """Place the orders, all or none."""
    known = {n: t for n, t in table("tests").items() if t.get("imaging", False) is imaging}
    names = [" ".join(test.lower().replace("_", " ").split()) for test in tests]
    if not 0 < len(names) <= 6:
        raise ToolError("number of tests", got=len(names), expected="1 to 6")
    for name in names:
        if name not in known:
            raise ToolError(str(unknown_name("study" if imaging else "test", name[:60], known)))
    world.orders += [Order(n, world.minutes, world.minutes + known[n]["minutes"]) for n in names]
    return ", ".join(f"{n}, ready at minute {world.minutes + known[n]['minutes']}" for n in names)


@tool("write", minutes=0)
def get_results(world: World, wait_minutes: int = 0) -> dict:
    """Read and sign off the ordered tests that were not read yet; one that is not back says when it will be.

    Args:
        wait_minutes: Minutes to wait first, 0 to 240.
    """
    world.minutes += min(max(wait_minutes, 0), WAITS)
    if not world.orders:
        return {"results": NOT_AVAILABLE, "missing": "nothing ordered"}
    read = {i for w in world.written for i in w.get("signed", ())}
    new = [i for i in range(len(world.orders)) if i not in read]
    if not new:
        return {"results": "nothing new", "all": "get_lab_results", "minute": str(world.minutes)}
    found: dict[str, str] = {}
    for i in new:
        found |= _result(world, world.orders[i])
    world.written.append({"signed": [i for i in new if world.orders[i].due <= world.minutes]})
    return found


def _result(world: World, order: Order) -> dict[str, str]:
    """What one order has brought."""
    if order.due > world.minutes:
        return {order.name: f"pending until minute {order.due}"}
    entry = table("tests")[order.name]
    if "finding" in entry:
        return {entry["finding"]: world.chart.pending_findings.get(order.name, {}).get(entry["finding"], NOT_AVAILABLE)}
    if order.name not in world.chart.pending:
        return {order.name: NOT_AVAILABLE}
    return {m: shown(pathway.reading(world, m, order.placed)) for m in entry["members"]}


@tool("write", minutes=2)
def give_treatment(world: World, drug: str, dose: float | None = None) -> dict:
    """Give one dose of a treatment, or start or change an infusion of it.

    Args:
        drug: Name of the treatment, such as labetalol.
        dose: In the unit of the order set (get_treatment_info), mg for most drugs; its largest single dose if left out.
    """
    name = treatment(drug)
    return give(world, name, table("treatments")[name]["most"] if dose is None else dose)


def give(world: World, name: str, dose: int | float) -> dict[str, str]:
    """Write down what is given. Raises ToolError for a dose outside the order set."""
    entry = table("treatments")[name]
    if not 0 < dose <= entry["most"]:
        allowed = f"up to {number(entry['most'])} {entry['unit']}"
        raise ToolError(f"dose of {name}", got=str(dose)[:12], expected=allowed)
    world.written.append({"given": name, "amount": float(dose), "at": world.minutes})
    return {"given": f"{name} {number(dose)} {entry['unit']}", "minute": str(world.minutes)}


@tool("write", minutes=10)
def give_fluid(world: World, volume_ml: float = BAG) -> dict:
    """Give a bolus of isotonic crystalloid; takes ten minutes.

    Args:
        volume_ml: Volume in mL, at most 4000; a bag of 500 if left out.
    """
    return give(world, "crystalloid", volume_ml)


@tool("write", minutes=10)
def transfuse(world: World, units: int) -> dict:
    """Transfuse red cells.

    Args:
        units: Units of red cells, 1 to 6.
    """
    return give(world, "red cells", units)


@tool("write", minutes=2)
def set_oxygen(world: World, litres_per_minute: float) -> dict:
    """Start oxygen or change its flow.

    Args:
        litres_per_minute: Flow, up to 15.
    """
    return give(world, "oxygen", litres_per_minute)


@tool("write", minutes=2)
def start_insulin_infusion(world: World, potassium: float, units_per_kg_hour: float | None = None) -> dict:
    """Start or change a fixed-rate insulin infusion; the pump asks for the potassium it is started on.

    Args:
        potassium: The latest potassium result, mmol/L, as read back.
        units_per_kg_hour: Rate, at most 0.2; the fixed rate of the protocol if left out.
    """
    back = [r for r in pathway.results(world) if r.name == "potassium" and r.minutes > -RECENT]
    if not back:
        return {"insulin": "not started", "potassium": NOT_AVAILABLE, "missing": "potassium result"}
    if back[-1].value != potassium:
        raise ToolError("not the latest potassium", got=number(potassium), expected="the latest result, read back")
    rate = protocol("insulin in dka")["rate"] if units_per_kg_hour is None else units_per_kg_hour
    return give(world, "insulin", rate)


@tool("write", minutes=2)
def replace_potassium(world: World, mmol: float = AMPOULE) -> dict:
    """Give potassium chloride with the fluid; it runs at 20 mmol an hour.

    Args:
        mmol: Amount, at most 40 a call; 20 if left out.
    """
    return give(world, "potassium chloride", mmol)


@tool("write")
def stop_treatment(world: World, drug: str) -> dict:
    """Stop an infusion.

    Args:
        drug: Name of the treatment, such as insulin.
    """
    name = treatment(drug)
    if not any(g.what == name and g.until is None for g in pathway.given(world)):
        return {name: "not running", "minute": str(world.minutes)}
    world.written.append({"halted": name, "at": world.minutes})
    return {"stopped": name, "minute": str(world.minutes)}


@tool("write", minutes=3)
def record_ecg(world: World) -> dict:
    """Record a 12-lead ECG now and read it."""
    world.written.append({"recorded": "ecg", "at": world.minutes})
    found = {"ecg": pathway.finding(world, "ecg") or NOT_AVAILABLE}
    return found | {n: shown(r) for n in ECG[1:] if (r := pathway.reading(world, n)) is not None}


@tool("write", minutes=0)
def record_time_critical_action(world: World, action: str) -> dict:
    """Put a time-critical action of the pathway on the timeline, at this minute.

    Args:
        action: A step with a time target, such as ecg; get_time_targets names them.
    """
    steps = {s["name"].lower(): s["name"] for s in pathway.pathway(world)["steps"]}
    asked = " ".join(action.lower().split())
    if asked not in steps:
        raise ToolError(str(unknown_name("time-critical action", asked[:60], steps.values())))
    name = steps[asked]
    world.written.append({"recorded": name, "at": world.minutes})
    return {"recorded": name, "minute": str(world.minutes)}


@tool("write")
def activate_team(world: World, team: str) -> dict:
    """Call a team and hear its answer.

    Args:
        team: Such as catheterisation laboratory, stroke team, surgical team, endoscopy team, obstetric team.
    """
    name = _place(team, "team")
    world.written.append({"called": name, "at": world.minutes})
    return {"called": name, "answer": pathway.course(world).get(f"team {name}", "on the way")}


@tool("write", minutes=0)
def advance_phase(world: World) -> dict:
    """Move on to the pathway's next phase; the minutes until then pass."""
    phases, at = pathway.pathway(world)["phases"], pathway.phase(world)
    if at + 1 >= len(phases):
        raise ToolError("the last phase", got=phases[at][0], expected="reassess, hand over or submit")
    name, minutes = phases[at + 1]
    world.written.append({"phase": name, "at": world.minutes})
    world.minutes += minutes
    return {"phase": f"{at + 2} of {len(phases)}, {name}", "minute": str(world.minutes)}


@tool("write", minutes=2)
def reassess(world: World) -> dict:
    """Look again after treatment: what the pathway watches, as it is now, and findings that changed."""
    watched = [n for n in pathway.pathway(world)["watch"] if pathway.value(world, n) is not None]
    world.written.append({"reassessed": world.minutes})
    return now(world, watched or measured(world)) | pathway.changed(world)


@tool("write", minutes=2)
def hand_over(world: World, service: str, summary: str) -> dict:
    """Hand over to a team or place; the answer says which watched values the summary states as they are now.

    Args:
        service: Team or place, such as intensive care unit.
        summary: What is handed over, with the present values.
    """
    name = _place(service, "")
    said = normal(summary)
    values: dict[str, Any] = {n: pathway.value(world, n) for n in pathway.pathway(world)["watch"]}
    stated = [n for n, v in values.items() if v is not None and f" {number(v)} " in said]
    world.written.append({"handed over": name, "summary": summary, "at": world.minutes})
    known = [n for n, v in values.items() if v is not None]
    return {"handed over": name, "values stated": f"{len(stated)} of {len(known)}"}


@tool("write", minutes=10)
def transfer_patient(world: World, destination: str) -> dict:
    """Move the patient.

    Args:
        destination: Such as ward, intensive care unit, stroke unit, labour ward, theatre, pci centre, home.
    """
    name = _place(destination, "place")
    world.written.append({"moved": name, "at": world.minutes})
    return {"moved": name, "minute": str(world.minutes)}


def _place(name: str, kind: str) -> str:
    known = {n: e for n, e in table("teams").items() if kind in ("", e["kind"])}
    asked = " ".join(name.lower().split())
    if asked not in known:
        raise ToolError(str(unknown_name(kind or "service", asked[:60], known)))
    return asked

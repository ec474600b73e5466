"""Tools that change the episode: orders, pathway activation, bed assignment. Each confirms for whom it acted."""

from medgym_core import facts
from medgym_core.domains.triage_emergency import esi
from medgym_core.domains.triage_emergency.looking import pathway
from medgym_core.domains.triage_emergency.scores import DOMAIN
from medgym_core.errors import unknown_name
from medgym_core.tools import ToolError, World, tool


def tests(imaging: bool) -> dict[str, dict]:
    """The tests the department runs, by the name they are ordered under."""
    known = facts.load(DOMAIN, "tests")
    return {order_name(name): entry for name, entry in known.items() if ("modality" in entry) is imaging}


def order_name(test: str) -> str:
    """The name a measurement is ordered under: itself for a blood test, such as `ct head` for an image."""
    entry = facts.load(DOMAIN, "tests")[test]
    return f"{entry['modality']} {entry['body_part']}" if "modality" in entry else test


@tool("write")
def order_stat_labs(world: World, test: str) -> dict:
    """Order one stat blood test; read it later with get_test_results.

    Args:
        test: Name of the test, such as lactate.
    """
    return _order(world, test.strip().lower().replace(" ", "_"), imaging=False)


@tool("write")
def order_imaging(world: World, modality: str, body_part: str) -> dict:
    """Order an imaging study; read it later with get_test_results.

    Args:
        modality: ct, ultrasound or x-ray.
        body_part: Such as head, chest, abdomen or heart.
    """
    return _order(world, f"{modality} {body_part}".strip().lower(), imaging=True)


@tool("write")
def activate_emergency_protocol(world: World, protocol: str) -> dict:
    """Activate an emergency pathway for the patient; the team is called at once.

    Args:
        protocol: stroke, hypoglycaemia, stemi, chest pain, anaphylaxis, asthma, sepsis or trauma.
    """
    entry = pathway(protocol)
    world.written.append({"activated": protocol.strip().lower()})
    return {"activated": protocol.strip().lower(), "target": entry["target"]}


@tool("write")
def get_bed_assignment(world: World, acuity: int) -> dict:
    """Send the patient to the area for an ESI level.

    Args:
        acuity: ESI level, 1 to 5.
    """
    areas = esi.rule("areas")["names"]
    if not 1 <= acuity <= len(areas):
        raise ToolError("no such acuity", got=acuity, expected=f"1 to {len(areas)}")
    area = areas[acuity - 1]
    world.written.append({"area": area})
    free = world.chart.observations.get(f"{area}_free")
    return {"area": area} | ({"free_bays": free} if free is not None else {})


def _order(world: World, name: str, *, imaging: bool) -> dict:
    known = tests(imaging)
    if name not in known:
        raise ToolError(str(unknown_name("test", name, known)))
    world.place(name, known[name]["minutes"])
    world.written.append({"ordered": name})
    return {"ordered": name, "ready_in": f"{known[name]['minutes']} min"}

"""Tools that change the episode: orders, digital examination, medicines, emergency calls, the structured submission."""

from functools import cache

from medgym_core.domains.obstetrics.lookup import protocol
from medgym_core.domains.obstetrics.rules import table
from medgym_core.errors import unknown_name
from medgym_core.text import normal
from medgym_core.tools import NOT_AVAILABLE, ToolError, World, tool

CERVIX = (
    "cervix",
    "cervical_dilation",
    "cervical_effacement",
    "fetal_station",
    "cervical_consistency",
    "cervical_position",
)
UNITS = {"cervical_dilation": " cm", "cervical_effacement": " %"}


@cache
def _tests() -> dict[str, str]:
    """Names of tests in normal form, to their name."""
    return {normal(name): name for name in table("tests")}


def test_named(name: str, imaging: bool) -> str:
    """The test of that name. Raises ToolError naming those there are."""
    found = _tests().get(normal(name))
    if found is None or table("tests")[found].get("imaging", False) is not imaging:
        kind = [n for n, e in table("tests").items() if e.get("imaging", False) is imaging]
        raise ToolError(str(unknown_name("study" if imaging else "test", name, kind)))
    return found


@tool("write")
def order_labs(world: World, tests: list[str]) -> dict:
    """Order laboratory tests; read them later with get_test_results.

    Args:
        tests: Names such as preeclampsia panel, hcg, type and screen, glucose tolerance 75 g, kleihauer-betke.
    """
    if not tests:
        raise ToolError("no test named", expected="at least one test")
    return _order(world, [test_named(t, False) for t in tests])


@tool("write")
def order_imaging(world: World, study: str) -> dict:
    """Order one study (ultrasound, CT, biopsy); read it later with get_test_results.

    Args:
        study: Such as transvaginal ultrasound, obstetric ultrasound, fetal doppler or leg duplex.
    """
    return _order(world, [test_named(study, True)])


def _order(world: World, names: list[str]) -> dict:
    found = {}
    for name in dict.fromkeys(names):
        placed = world.place(name, table("tests")[name]["minutes"])
        world.written.append({"ordered": name})
        found[name] = f"ready at minute {placed.due}"
    return found


@tool("write", minutes=3)
def examine_cervix(world: World) -> dict:
    """Digital examination of the cervix: dilation, effacement, station, consistency, position."""
    world.written.append({"examined": "cervix"})
    seen = world.chart.observations
    return {k: seen[k] + UNITS.get(k, "") for k in CERVIX if k in seen} or {"cervix": NOT_AVAILABLE}


@cache
def _medicines() -> dict[str, str]:
    """Names and aliases of medicines in normal form, to the medicine."""
    return {normal(n): drug for drug, e in table("medicines").items() for n in (drug, *e.get("aliases", []))}


def medicine(name: str) -> str:
    """The medicine of that name. Raises ToolError naming those there are."""
    found = _medicines().get(normal(name))
    if found is None:
        raise ToolError(str(unknown_name("medicine", name, table("medicines"))))
    return found


@tool("read", static=True)
def check_obstetric_dose(world: World, drug: str) -> dict:
    """Usual dose of a medicine in obstetrics and what forbids it.

    Args:
        drug: Such as labetalol, carboprost or magnesium sulfate.
    """
    name = medicine(drug)
    entry = table("medicines")[name]
    return {"drug": name, "dose": entry["dose"], "forbids": entry["forbids"]}


@tool("write", minutes=5)
def administer_medication(world: World, drug: str) -> dict:
    """Give a medicine now at its usual dose. Nothing is checked for you.

    Args:
        drug: Such as oxytocin, labetalol, calcium gluconate or anti-D immunoglobulin.
    """
    name = medicine(drug)
    world.written.append({"given": name})
    return {"given": name, "dose": table("medicines")[name]["dose"], "minute": str(world.minutes)}


@tool("write")
def activate_obstetric_emergency(world: World, protocol_name: str) -> dict:
    """Call the emergency team for a protocol, such as eclampsia or cord prolapse.

    Args:
        protocol_name: Name of the emergency protocol.
    """
    entry = protocol(protocol_name)
    if not entry.get("emergency"):
        raise ToolError("no emergency call for this protocol", got=entry["protocol"], expected=", ".join(emergencies()))
    world.written.append({"activated": entry["protocol"]})
    return {"activated": entry["protocol"], "first": entry["first"], "target": entry["target"]}


@cache
def emergencies() -> tuple[str, ...]:
    return tuple(n for n, e in table("protocols").items() if e.get("emergency"))


@tool("submit", static=True)
def submit_assessment(world: World, diagnosis: str, management_plan: str, urgency: str, evidence: str = "") -> dict:
    """Commit to a structured assessment and end the episode.

    Args:
        diagnosis: The diagnosis alone.
        management_plan: The plan, one of those the request offers.
        urgency: emergency, urgent or routine.
        evidence: The findings that decided, as shown by the tools, separated by semicolons.
    """
    world.written.append({"diagnosis": diagnosis, "plan": management_plan, "urgency": urgency, "evidence": evidence})
    return {"submitted": diagnosis}

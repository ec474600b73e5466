"""Tools that compute for the patient as of now: doses by weight, the acetaminophen line, and the shared scores."""

from medgym_core import instruments
from medgym_core.domains.cross_domain import pathway
from medgym_core.domains.cross_domain.rules import table, weight_dose
from medgym_core.domains.triage_emergency import toxicology
from medgym_core.errors import unknown_name
from medgym_core.instruments.tools import from_chart, shown
from medgym_core.tools import NOT_AVAILABLE, Tool, ToolError, World, number, tool

SCORES = (
    "news2", "qsofa", "shock_index", "mean_arterial_pressure", "anion_gap", "corrected_sodium", "osmolality", "pews",
    "glasgow_blatchford",
)  # fmt: skip


def state_tool(name: str) -> Tool:
    """The tool `calculate_<name>` that computes an instrument from the patient as of now."""

    def calculate(world: World) -> dict:
        bound = instruments.get(name)
        return shown(bound, bound(**from_chart(pathway.present(world), bound)))

    calculate.__name__ = f"calculate_{name}"
    calculate.__doc__ = f"{instruments.get(name).title} from the patient as of now, with its published interpretation."
    return tool("read")(calculate)


def _dose(world: World, drug: str, children: bool) -> dict:
    known = {n: e for n, e in table("doses").items() if e["children"] is children}
    name = " ".join(drug.lower().split())
    if name not in known:
        raise ToolError(str(unknown_name("dose", name[:60], known)))
    weight, entry = world.chart.weight_kg, known[name]
    if weight is None:
        return {name: NOT_AVAILABLE, "missing": "weight"}
    dose = weight_dose(name, weight, world.chart.age)
    per = f"{number(entry['per_kg'])} {entry['unit']}/kg" if "per_kg" in entry else "by weight band"
    return {name: f"{number(dose)} {entry['unit']}", "weight": f"{number(weight)} kg", "rule": per}


@tool("read")
def calculate_pediatric_weight_dose(world: World, drug: str) -> dict:
    """A child's dose by weight, with its upper limit.

    Args:
        drug: ceftriaxone, crystalloid bolus, epinephrine im, acetaminophen, dextrose 10% or lorazepam.
    """
    return _dose(world, drug, children=True)


@tool("read")
def calculate_adult_weight_dose(world: World, drug: str) -> dict:
    """An adult's dose by weight, with its upper limit.

    Args:
        drug: alteplase, tenecteplase, crystalloid 30 mL/kg, acetylcysteine loading, heparin or sodium bicarbonate.
    """
    return _dose(world, drug, children=False)


@tool("read")
def calculate_fluid_bolus(world: World, ml_per_kg: float) -> dict:
    """Volume of a bolus from the recorded weight.

    Args:
        ml_per_kg: Such as 10 or 30; at most 40.
    """
    if not 0 < ml_per_kg <= 40:
        raise ToolError("bolus by weight", got=number(ml_per_kg), expected="up to 40 mL/kg")
    weight = world.chart.weight_kg
    if weight is None:
        return {"bolus": NOT_AVAILABLE, "missing": "weight"}
    return {"bolus": f"{number(round(ml_per_kg * weight))} mL", "weight": f"{number(weight)} kg"}


@tool("read")
def calculate_nomogram(world: World, hours_since_ingestion: float) -> dict:
    """The Rumack-Matthew nomogram: the treatment line at that time, and where the patient's level lies.

    Args:
        hours_since_ingestion: Hours from a single ingestion to the blood sample, 4 to 24.
    """
    line = toxicology.line(hours_since_ingestion)
    level = next((r for r in reversed(pathway.results(world)) if r.name == "acetaminophen"), None)
    if line is None:
        rule = toxicology.table()["acetaminophen"]
        return {"line": NOT_AVAILABLE, "reason": f"read from {rule['from_hours']} to {rule['until_hours']} hours"}
    found = {"line": f"{number(round(line, 1))} ug/mL"}
    if level is None:
        return found | {"acetaminophen": NOT_AVAILABLE, "missing": "level"}
    where = "on or above the line" if level.value >= line else "below the line"
    return found | {"acetaminophen": f"{number(level.value)} ug/mL", "position": where}

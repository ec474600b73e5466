"""Tools that look: what is on the chart as recorded, and results of ordered tests once they are back."""

from medgym_core.domains.obstetrics.patients import DAY, dated
from medgym_core.domains.obstetrics.rules import trimester
from medgym_core.tools import NOT_AVAILABLE, ToolError, World, show, tool
from medgym_core.types import Chart, Reading

SPOKEN = {"mm[Hg]": "mmHg", "Cel": "C", "10*3/uL": "K/uL", "m[IU]/mL": "mIU/mL", "m[IU]/L": "mIU/L", "{titer}": ""}
"""UCUM units as clinicians write them."""
SIGNS = ("systolic_bp", "diastolic_bp", "heart_rate", "respiratory_rate", "spo2", "temperature")
SEROLOGY = ("blood_group", "antibody_screen", "rubella", "hepatitis_b", "syphilis", "hiv", "gbs_isolate", "gbs_swab")
EXAMINED = (
    "uterus", "contractions", "bleeding", "membranes", "liquor", "speculum", "lie", "fundus", "scar", "station_change",
    "head", "placenta_state", "tract", "lochia", "breasts", "abdomen", "flank", "legs", "lungs", "neck", "skin",
    "edema", "reflexes", "seizure", "mood", "sleep", "psychosis", "elation", "consciousness_level", "weight_change",
    "urine", "bladder", "adnexa", "vagina", "discharge", "vaginal_ph", "microscopy", "cycle", "ligaments",
    "temperature_trend", "early_pressure", "pressure_repeat", "patellar_reflexes", "symptoms",
)  # fmt: skip
"""Findings of the examination, in the order shown. The cervix is looked at by a tool of its own."""
SHOWN_LABS = 12
AGING = 4 * 60
"""Minutes from which a result is shown with its age."""


def shown(reading: Reading | None) -> str:
    """A reading with its unit as clinicians write it."""
    text = show(reading)
    return text.replace(reading.unit, SPOKEN.get(reading.unit, reading.unit)).strip() if reading else text


@tool("read")
def get_patient_presentation(world: World) -> dict:
    """Age, where she stands (gestation or time after birth), gravidity, parity and the presenting complaint."""
    c = world.chart
    found = {"age": f"{c.age} years", "complaint": c.complaint or NOT_AVAILABLE}
    if c.pregnant:
        found["gestation"] = dated(c) or NOT_AVAILABLE
    elif "time_after_birth" in c.observations:
        found["after_birth"] = c.observations["time_after_birth"]
    else:
        found["pregnant"] = NOT_AVAILABLE if c.pregnant is None else "no"
    return found | {k: c.observations[k] for k in ("gravida", "para", "setting") if k in c.observations}


@tool("read")
def get_vital_signs(world: World) -> dict:
    """Blood pressure, pulse, breathing, saturation and temperature, with pain and urine output where recorded."""
    found = {name: shown(world.vital(name)) for name in SIGNS}
    urine = world.finding("urine_since") or (shown(r) if (r := world.vital("urine_output")) else "")
    return found | ({"urine_output": urine} if urine else {})


@tool("read")
def get_medical_history(world: World) -> dict:
    """Long-term and present conditions, the medicines on her list and recorded allergies."""
    c = world.chart
    return {
        "conditions": ", ".join(c.conditions) or "none recorded",
        "medications": ", ".join(m.drug for m in c.medications) or "none recorded",
        "allergies": NOT_AVAILABLE if c.allergies is None else ", ".join(c.allergies) or "none known",
    }


@tool("read")
def get_obstetric_history(world: World) -> dict:
    """Gravidity, parity and what happened in earlier pregnancies."""
    c = world.chart
    found = {k: c.observations.get(k, NOT_AVAILABLE) for k in ("gravida", "para")}
    births = {r.name.replace(" ", "_"): r.text for r in c.records if r.kind == "pregnancy"}
    return found | (births or {"earlier_births": "none recorded"})


@tool("read")
def get_prenatal_labs(world: World, trimester: int = 0) -> dict:
    """Booking serology and blood results of the pregnancy, with the week they are from.

    Args:
        trimester: 1, 2 or 3 for the results of one trimester; 0 for all.
    """
    if trimester not in (0, 1, 2, 3):
        raise ToolError("no such trimester", got=trimester, expected="0, 1, 2 or 3")
    c = world.chart
    found = {k: c.observations[k] for k in SEROLOGY if k in c.observations} if trimester in (0, 1) else {}
    for r in _of_trimester(c, trimester):
        weeks_then = f" at {(c.gestation_days + r.minutes // DAY) // 7} weeks" if c.gestation_days else ""
        found[r.name if r.name not in found else f"{r.name}_{(-r.minutes) // DAY}_days_ago"] = shown(r) + weeks_then
    return found or {"results": NOT_AVAILABLE}


def _of_trimester(chart: Chart, wanted: int) -> list[Reading]:
    if not wanted:
        return chart.labs[-SHOWN_LABS:]
    days = chart.gestation_days
    if days is None:
        return []
    return [r for r in chart.labs if trimester(days + r.minutes // DAY) == wanted]


@tool("read")
def get_lab_results(world: World) -> dict:
    """The latest value of each blood or urine test there is by now. Orders nothing and does not wait."""
    found: dict[str, Reading] = {}
    for r in world.results():
        if r.name not in found or r.minutes >= found[r.name].minutes:
            found[r.name] = r
    recent = sorted(found.values(), key=lambda r: -r.minutes)[:SHOWN_LABS]
    return {r.name: shown(r) + aged(r) for r in recent} or {"results": NOT_AVAILABLE}


def aged(r: Reading, now: int = 0) -> str:
    """How old a reading is, where it is not of the last hours."""
    old = now - r.minutes
    return f", {old // DAY} days old" if old >= 2 * DAY else f", {old // 60} h old" if old >= AGING else ""


@tool("read")
def get_gyn_assessment(world: World) -> dict:
    """General, abdominal, breast and speculum examination as found; no digital examination."""
    seen = world.chart.observations
    return {k: seen[k] for k in EXAMINED if k in seen} or {"examination": NOT_AVAILABLE}


@tool("read")
def get_active_orders(world: World) -> dict:
    """The orders now standing for her, by letter."""
    found = {r.name: r.text for r in world.chart.records if r.kind == "order"}
    return found or {"orders": "none"}


@tool("read")
def get_test_results(world: World, wait_minutes: int = 0) -> dict:
    """Results of ordered tests that are back, and until which minute the others are pending.

    Args:
        wait_minutes: Minutes to wait before looking, 0 to 2880.
    """
    if not 0 <= wait_minutes <= 2880:
        raise ToolError("cannot wait that long", got=wait_minutes, expected="0 to 2880 minutes")
    if not world.orders:
        return {"results": NOT_AVAILABLE, "missing": "nothing ordered"}
    world.minutes += wait_minutes
    found: dict[str, str] = {}
    for order in world.orders:
        if order.due > world.minutes:
            found[order.name] = f"pending until minute {order.due}"
            continue
        back = {r.name: shown(r) for r in world.chart.pending.get(order.name, [])}
        found |= back | world.chart.pending_findings.get(order.name, {}) or {order.name: NOT_AVAILABLE}
    return found

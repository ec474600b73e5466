"""Tools that look: what is on the chart, as recorded. What is not recorded is `not available`."""

from medgym_core import facts
from medgym_core.domains.triage_emergency.scores import DOMAIN, current
from medgym_core.errors import unknown_name
from medgym_core.tools import NOT_AVAILABLE, ToolError, World, show, tool
from medgym_core.types import Reading

SPOKEN = {"mm[Hg]": "mmHg", "Cel": "C", "10*9/L": "x10^9/L"}
"""UCUM units as clinicians write them."""
SIGNS = {
    "rr": "respiratory_rate",
    "spo2": "spo2",
    "hr": "heart_rate",
    "sbp": "systolic_bp",
    "dbp": "diastolic_bp",
    "temp": "temperature",
}


def shown(reading: Reading | None) -> str:
    """A reading with its unit as clinicians write it, `84 mmHg`."""
    text = show(reading)
    return text.replace(reading.unit, SPOKEN.get(reading.unit, reading.unit)) if reading and reading.unit else text


def handover(world: World) -> dict:
    """How many handover notes there are to read, if any."""
    notes = len(world.chart.notes)
    return {"handover": f"{notes} note{'s' if notes > 1 else ''}"} if notes else {}


@tool("read")
def get_patient_presentation(world: World) -> dict:
    """Chief complaint, age, sex, arrival, what was asked so far, suspected infection and expected work-up."""
    c = world.chart
    told = {
        "complaint": c.complaint or NOT_AVAILABLE,
        "age": f"{c.age} years",
        "sex": c.sex,
        "arrival": c.arrival or NOT_AVAILABLE,
    }
    more = ("asked", "clock", "last_known_well", "infection", "expected_workup")
    return told | {k: c.observations[k] for k in more if k in c.observations} | handover(world)


@tool("read")
def get_vital_signs(world: World) -> dict:
    """Respiratory rate, SpO2, heart rate, blood pressure, temperature, oxygen, consciousness, pain; handover notes."""
    signs = {key: shown(current(world, name)) for key, name in SIGNS.items()}
    signs |= {key: world.chart.observations.get(key, NOT_AVAILABLE) for key in ("oxygen", "consciousness")}
    pain = world.vital("pain")
    return signs | ({"pain": shown(pain)} if pain else {}) | handover(world)


@tool("read")
def assess_airway_breathing(world: World) -> dict:
    """Airway, breathing, speech, circulation, skin and distress as examined."""
    seen = world.chart.observations
    return {k: seen.get(k, NOT_AVAILABLE) for k in ("airway", "breathing", "speech", "circulation", "skin", "distress")}


@tool("read")
def get_medical_history(world: World) -> dict:
    """Long-term conditions, medicines, allergies and the prescribed SpO2 target."""
    c = world.chart
    return {
        "conditions": ", ".join(c.conditions) or "none recorded",
        "medications": ", ".join(m.drug for m in c.medications) or "none recorded",
        "allergies": NOT_AVAILABLE if c.allergies is None else ", ".join(c.allergies) or "none known",
        "spo2_target": c.observations.get("spo2_target", NOT_AVAILABLE),
    } | handover(world)


INJURY = (
    "gcs", "gcs_at_2h", "loss_of_consciousness_or_amnesia", "anticoagulant", "seizure", "open_or_depressed_fracture",
    "basal_fracture_signs", "vomiting_episodes", "retrograde_amnesia", "dangerous_mechanism",
)  # fmt: skip


@tool("read")
def get_injury_findings(world: World) -> dict:
    """Head injury as examined and reported: coma scale, amnesia in minutes, vomiting, fracture signs, mechanism."""
    seen = world.chart.observations
    return {name: seen.get(name, NOT_AVAILABLE) for name in INJURY}


@tool("read")
def get_ecg(world: World) -> dict:
    """The 12-lead ECG as read, with any ST elevation."""
    return {k: world.chart.observations.get(k, NOT_AVAILABLE) for k in ("ecg", "st_elevation")}


@tool("read")
def get_lab_results(world: World) -> dict:
    """Laboratory results there are by now, with the age of old ones. Orders nothing and does not wait."""
    found: dict[str, str] = {}
    for r in sorted(world.results(), key=lambda r: r.minutes):
        found[r.name] = shown(r) + (f", {-r.minutes // 60} h old" if r.minutes <= -60 else "")
    return found or {"results": NOT_AVAILABLE}


@tool("read")
def get_test_results(world: World) -> dict:
    """Wait for the ordered tests and read their results. The clock moves on until the last one is back."""
    if not world.orders:
        return {"results": NOT_AVAILABLE, "patient": world.chart.patient_id, "missing": "nothing ordered"}
    world.minutes = max(world.minutes, *(o.due for o in world.orders))
    found: dict[str, str] = {}
    for order in world.orders:
        back = world.chart.pending.get(order.name, [])
        found |= {r.name: shown(r) for r in back} or {order.name: NOT_AVAILABLE}
    return found


@tool("read", static=True)
def check_protocol(world: World, protocol: str) -> dict:
    """Activation criteria and target of an emergency pathway.

    Args:
        protocol: Name of the pathway, such as stroke.
    """
    entry = pathway(protocol)
    return {"criteria": entry["criteria"], "target": entry["target"]}


def pathway(name: str) -> dict:
    """The facts of a pathway. Raises ToolError listing the pathways there are."""
    known = facts.load(DOMAIN, "protocols")
    if name.strip().lower() not in known:
        raise ToolError(str(unknown_name("protocol", name, known)))
    return known[name.strip().lower()]

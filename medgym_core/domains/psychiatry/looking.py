"""Tools that look: presentation, history, mental status, examination, drugs, results. What nobody recorded is
`not available`."""

from medgym_core.domains.psychiatry import judging
from medgym_core.domains.psychiatry.scales import rule
from medgym_core.tools import NOT_AVAILABLE, ToolError, World, number, show, tool
from medgym_core.types import Reading

SPOKEN = {"mm[Hg]": "mmHg", "Cel": "C", "10*3/uL": "x10^3/uL", "m[IU]/L": "mIU/L"}
"""UCUM units as clinicians write them."""
SIGNS = {
    "heart_rate": "heart_rate",
    "sbp": "systolic_bp",
    "dbp": "diastolic_bp",
    "rr": "respiratory_rate",
    "spo2": "spo2",
    "temp": "temperature",
}
MENTAL = (
    "appearance", "behavior", "speech", "mood", "affect", "thought_process", "thought_content", "perception",
    "orientation", "attention", "memory", "insight", "judgment",
)  # fmt: skip
PRESENTED = (
    "onset", "duration", "course", "trigger", "symptom_count", "physical_symptoms", "sleep", "functioning",
    "baseline_cognition", "referral", "pulse_at_school",
)  # fmt: skip
HISTORY = ("past_episodes", "self_harm", "family_history")
MORE_HISTORY = (
    "past_mania", "trauma", "development", "relationships", "psychosis_without_mood_episode", "panic_attacks",
    "worry_about_attacks", "external_incentive", "prospective_diary", "last_lithium_dose", "weeks_on_clozapine",
    "antipsychotic_naive", "lorazepam_response", "accepts_oral",
)  # fmt: skip
BODY = ("reflexes", "tone", "skin", "pupils", "gait", "eye_movements")
MORE_BODY = (
    "bowel_sounds", "nutrition", "arousal", "video_eeg", "lorazepam_challenge", "toxic_signs", "chest_symptoms",
    "alcohol_breath",
)  # fmt: skip
EATING = ("bmi_band", "weight_concern", "body_image", "binge", "compensation", "menses")
USE = ("alcohol", "last_drink", "drugs", "last_opioid", "urine_drug_screen")


def shown(reading: Reading | None) -> str:
    """A reading with its unit as clinicians write it."""
    text = show(reading)
    return text.replace(reading.unit, SPOKEN.get(reading.unit, reading.unit)) if reading and reading.unit else text


def found(world: World, always: tuple[str, ...], others: tuple[str, ...] = ()) -> dict[str, str]:
    """Findings by name: the usual ones, absent or not, and the others where they are recorded."""
    told = {name: world.finding(name) or NOT_AVAILABLE for name in always}
    return told | {name: value for name in others if (value := world.finding(name)) is not None}


@tool("read")
def get_patient_presentation(world: World) -> dict:
    """Complaint, age, sex, arrival, and onset, course and functioning as recorded."""
    c = world.chart
    told = {"complaint": c.complaint or NOT_AVAILABLE, "age": f"{c.age} years", "sex": c.sex}
    return told | {"arrival": c.arrival or NOT_AVAILABLE} | found(world, (), PRESENTED)


@tool("read")
def get_psychiatric_history(world: World) -> dict:
    """Earlier episodes, mania, self-harm, family, trauma, development and earlier treatment."""
    return found(world, HISTORY, MORE_HISTORY)


@tool("read", minutes=15)
def perform_mental_status_exam(world: World) -> dict:
    """Mental status: appearance to judgment, as examined."""
    return found(world, MENTAL)


@tool("read", minutes=5)
def perform_physical_exam(world: World) -> dict:
    """Neurological and physical findings: reflexes, tone, skin, pupils, gait, eye movements and what else was noted."""
    return found(world, BODY, MORE_BODY)


@tool("read")
def get_social_history(world: World) -> dict:
    """Living situation, work, support and legal matters."""
    return found(world, ("living", "work", "support"), ("legal",))


@tool("read")
def screen_substance_use(world: World) -> dict:
    """Alcohol and drug use as recorded, last use and urine drug screen."""
    return found(world, ("alcohol", "drugs"), USE[1:2] + USE[3:])


@tool("read")
def get_current_medications(world: World) -> dict:
    """Current medicines, long-term conditions, allergies and pregnancy."""
    c = world.chart
    pregnant = {None: NOT_AVAILABLE, True: "yes", False: "no"}[c.pregnant]
    return {
        "medications": ", ".join(f"{m.drug} {m.dose}".strip() for m in c.medications) or "none recorded",
        "conditions": ", ".join(c.conditions) or "none recorded",
        "allergies": NOT_AVAILABLE if c.allergies is None else ", ".join(c.allergies) or "none known",
    } | ({"pregnant": pregnant} if c.sex == "female" and c.age <= 55 else {})


@tool("read", minutes=2)
def get_vital_signs(world: World) -> dict:
    """Heart rate, blood pressure, respiratory rate, SpO2, temperature, weight, and body mass index where it can be
    computed."""
    c = world.chart
    signs = {key: shown(world.vital(name)) for key, name in SIGNS.items()}
    signs["weight"] = NOT_AVAILABLE if c.weight_kg is None else f"{number(c.weight_kg)} kg"
    known = c.weight_kg is not None and c.height_cm is not None
    return signs | {"bmi": f"{c.weight_kg / (c.height_cm / 100) ** 2:.1f}" if known else NOT_AVAILABLE}


@tool("read")
def get_lab_results(world: World) -> dict:
    """Laboratory results there are by now; orders nothing and does not wait."""
    latest = {r.name: shown(r) for r in sorted(world.results(), key=lambda r: r.minutes)}
    return latest or {"results": NOT_AVAILABLE}


@tool("read")
def get_lab_result(world: World, test: str) -> dict:
    """The latest result of one blood test, with its time where it is an old one.

    Args:
        test: Such as glucose, potassium, lithium or neutrophils.
    """
    name = test.strip().lower().replace(" ", "_")
    if not name:
        raise ToolError("no test named", expected="such as glucose")
    found = world.lab(name)
    days = -found.minutes // 1440 if found else 0
    return {name: shown(found)} | ({"taken": f"{days} days ago"} if days > 0 else {})


@tool("read")
def get_test_results(world: World) -> dict:
    """Wait for the ordered tests and read their results. The clock moves on until the last one is back."""
    if not world.orders:
        return {"results": NOT_AVAILABLE, "patient": world.chart.patient_id, "missing": "nothing ordered"}
    world.minutes = max(world.minutes, *(o.due for o in world.orders))
    told: dict[str, str] = {}
    for order in world.orders:
        readings = world.chart.pending.get(order.name, [])
        words = world.chart.pending_findings.get(order.name, {})
        told |= {r.name: shown(r) for r in readings} | words if readings or words else {order.name: NOT_AVAILABLE}
    return told


@tool("read")
def check_qt(world: World) -> dict:
    """QTc (Fridericia) from the ECG, and whether it is prolonged for the sex."""
    value = judging.qtc(world)
    if value is None:
        gaps = [n for n in ("qt_interval", "heart_rate") if world.vital(n) is None]
        return {"qtc": NOT_AVAILABLE, "missing": ", ".join(n.replace("_", " ") for n in gaps)}
    above = "yes" if value > rule("qt")["stop_above"] else "no"
    return {"qtc": f"{number(value)} ms", "prolonged": "yes" if judging.prolonged(world) else "no", "above_500": above}


@tool("read")
def get_scale_history(world: World, scale: str) -> dict:
    """Earlier totals of a rating scale with the week of treatment.

    Args:
        scale: Short name of the scale, such as phq9.
    """
    name = scale.strip().lower().replace("-", "").replace(" ", "_")
    if not name:
        raise ToolError("no scale named", expected="such as phq9")
    totals = {r.name: r.values[name] for r in world.chart.records if r.kind == "scale" and name in r.values}
    return totals or {name: NOT_AVAILABLE}

"""Tools that read the chart: history, vital signs, results with flags, notes, medicines, examination.

A value is shown as `name: value unit flag`; what is not on the chart is `not available`. Nothing is inferred.
"""

from medgym_core.clinical import ranges
from medgym_core.domains.clinical_diagnosis import tables
from medgym_core.domains.clinical_diagnosis.tables import exam_name
from medgym_core.errors import unknown_name
from medgym_core.tools import NOT_AVAILABLE, ToolError, World, number, show, tool
from medgym_core.types import Chart, Reading, Record

VITALS = ("heart_rate", "systolic_bp", "diastolic_bp", "respiratory_rate", "spo2", "temperature")
STATED = ("oxygen", "consciousness")
CATEGORIES: dict[str, tuple[str, ...]] = {
    "chemistry": ("sodium", "potassium", "chloride", "bicarbonate", "urea_nitrogen", "creatinine", "glucose", "calcium",
                  "magnesium", "phosphate", "serum_osmolality", "uric_acid"),
    "blood count": ("white_cells", "neutrophils", "lymphocytes", "eosinophils", "hemoglobin", "hematocrit", "mcv",
                    "platelets"),
    "liver": ("bilirubin", "direct_bilirubin", "ast", "alt", "alp", "ggt", "albumin", "total_protein", "ammonia",
              "lipase"),
    "coagulation": ("inr", "pt", "aptt", "fibrinogen", "d_dimer"),
    "blood gas": ("ph", "pco2", "po2", "base_excess", "lactate"),
    "cardiac": ("troponin", "bnp", "ck", "ldh"),
    "inflammation": ("crp", "esr", "procalcitonin"),
    "endocrine": ("tsh", "free_t4", "cortisol", "hba1c", "insulin", "beta_hydroxybutyrate", "hcg"),
    "iron and vitamins": ("ferritin", "iron", "tibc", "b12", "folate"),
    "lipids": ("total_cholesterol", "hdl", "ldl", "triglycerides"),
    "urine": ("urine_sodium", "urine_creatinine", "urine_osmolality", "urine_protein"),
    "drug levels": ("acetaminophen", "salicylate", "digoxin", "lithium", "ethanol"),
}  # fmt: skip
MOST_SHOWN = 12  # results in one answer: keeps an observation short
OLD = -60  # minutes: older than that, the age of a result is told
HANDOVER = "handover"
"""Name of the note with which a colleague handed the patient over."""
QUIET = ("normal", "no reference range")


def flagged(reading: Reading, chart: Chart) -> str:
    """A result as a report prints it: `7.2 mmol/L high`, and how old it is."""
    mark = flag(reading, chart)
    text = show(reading) if mark in QUIET else f"{show(reading)} {mark}"
    return f"{text}, {hours(reading.minutes)}" if reading.minutes <= OLD else text


def flag(reading: Reading, chart: Chart) -> str:
    """low, normal, high, critical ..., or that there is no reference range for this patient."""
    known = ranges.measurements().get(reading.name)
    if known is None or known["unit"] != reading.unit:
        return "no reference range"
    who = (chart.age, chart.sex, chart.pregnant, chart.gestation_days, chart.age_months)
    return ranges.flag(reading.name, reading.value, *who)


def hours(minutes: int) -> str:
    """Time before now in words."""
    days, rest = divmod(-minutes, 1440)
    return f"{days} days ago" if days > 1 and rest < 720 else f"{-minutes // 60} h ago"


def newest(readings: list[Reading]) -> dict[str, Reading]:
    """The latest reading of each name, in order of first appearance."""
    found: dict[str, Reading] = {}
    for r in readings:
        if r.name not in found or found[r.name].minutes <= r.minutes:
            found[r.name] = r
    return found


@tool("read")
def get_patient_info(world: World) -> dict:
    """Age, sex, weight, height, pregnancy status and presenting complaint."""
    c = world.chart
    age = f"{c.age_months} months" if c.age_months is not None and c.age < 2 else f"{c.age} years"
    shown = {
        "complaint": c.complaint or NOT_AVAILABLE,
        "age": age,
        "sex": c.sex,
        "weight": NOT_AVAILABLE if c.weight_kg is None else f"{number(c.weight_kg)} kg",
        "height": NOT_AVAILABLE if c.height_cm is None else f"{number(c.height_cm)} cm",
    }
    if c.sex == "female" and c.age in tables.FERTILE:
        shown["pregnant"] = NOT_AVAILABLE if c.pregnant is None else "yes" if c.pregnant else "no"
        if c.pregnant and c.gestation_days is not None:
            shown["gestation"] = f"{c.gestation_days // 7} weeks"
    return shown


@tool("read")
def get_patient_history(world: World) -> dict:
    """Long-term conditions, what a colleague handed the patient over as, past procedures, and yes/no findings recorded
    for scores (never assumed)."""
    c = world.chart
    shown = {"conditions": ", ".join(c.conditions) or "none recorded"}
    handed = next((r.text for r in _records(c, "note") if r.name == HANDOVER), "")
    shown |= {"handed over as": handed} if handed else {}
    done = [r.name for r in c.records if r.kind in ("procedure", "diagnosis", "encounter")]
    if done:
        shown["past"] = ", ".join(done[:4])
    for answer in ("yes", "no"):
        items = [name.replace("_", " ") for name, value in c.observations.items() if value == answer]
        if items:
            shown[f"recorded {answer}"] = ", ".join(items)
    return shown


@tool("read")
def get_vital_signs(world: World) -> dict:
    """The latest vital signs, oxygen and consciousness."""
    found = newest(world.chart.vitals)
    shown = {name: show(found.get(name)) for name in VITALS}
    shown |= {name: show(r) for name, r in found.items() if name not in shown}
    return shown | {k: world.chart.observations.get(k, NOT_AVAILABLE) for k in STATED}


@tool("read")
def get_vital_signs_trend(world: World, num_readings: int = 5) -> dict:
    """The course of each vital sign, oldest first.

    Args:
        num_readings: How many readings to go back, 1 to 10.
    """
    if not 1 <= num_readings <= 10:
        raise ToolError("bad number of readings", got=num_readings, expected="1 to 10")
    shown = {}
    for name in VITALS:
        course = sorted((r for r in world.chart.vitals if r.name == name), key=lambda r: r.minutes)[-num_readings:]
        if course:
            shown[name] = f"{', '.join(number(r.value) for r in course)} {course[-1].unit}"
    return shown or {"vital signs": NOT_AVAILABLE}


@tool("read")
def get_lab_results(world: World, category: str = "") -> dict:
    """Laboratory results there are by now, the latest of each; without a category the abnormal ones. Does not wait.

    Args:
        category: chemistry, blood count, liver, coagulation, blood gas, cardiac, ..., or the name of one test.
    """
    found = newest(world.results())
    wanted = category.strip().lower().replace("_", " ")
    if wanted:
        return _of_category(world, found, wanted)
    shown = {}
    for name, r in found.items():
        text = flagged(r, world.chart)
        if flag(r, world.chart) != "normal":
            shown[name] = text
    quiet = len(found) - len(shown)
    shown = dict(list(shown.items())[-MOST_SHOWN:]) | worded(world) | pending(world, "lab")
    return shown | ({"normal": f"{quiet} results"} if quiet else {}) or {"results": NOT_AVAILABLE}


def _of_category(world: World, found: dict[str, Reading], wanted: str) -> dict:
    if wanted in CATEGORIES:
        names: tuple[str, ...] = CATEGORIES[wanted]
    else:
        test = tables.test_of(wanted)
        names = tuple(tables.tests()[test].get("components", ())) if test else ()
        names = names or (wanted.replace(" ", "_"),)
        said = worded(world).get(test or "")
        if said:
            return {test: said}
        waiting = pending(world, "lab", test or "")
        if waiting and not any(n in found and found[n].minutes > OLD for n in names):
            return {n: flagged(found[n], world.chart) for n in names if n in found} | waiting
    shown = {n: flagged(found[n], world.chart) for n in names if n in found}
    return shown or {wanted: NOT_AVAILABLE}


def worded(world: World) -> dict[str, str]:
    """Laboratory results in words: those on the chart, then ordered ones that are back."""
    labs = tables.shown_labs()
    shown = {n: v for n, v in world.chart.observations.items() if n in labs}
    for name in world.back():
        if name in labs:
            shown[name] = world.chart.pending_findings.get(name, {}).get(name, NOT_AVAILABLE)
    return shown


def pending(world: World, kind: str, only: str = "") -> dict[str, str]:
    """Ordered tests of a kind that are not back."""
    waiting = [o for o in world.orders if o.due > world.minutes and o.name in tables.of_kind(kind)]
    return {o.name: f"pending until minute {o.due}" for o in waiting if only in ("", o.name)}


@tool("read")
def get_lab_trend(world: World, test: str, hours: int = 0) -> dict:
    """Results of one test, oldest first, how many hours ago each was, and the change from the first to the last.

    Args:
        test: Name of the result, such as creatinine.
        hours: Only those of so many hours before arrival and since; 0 for all there are.
    """
    if hours < 0:
        raise ToolError("bad number of hours", got=hours, expected="0 or more")
    name = test.strip().lower().replace(" ", "_")
    course = sorted((r for r in world.results() if r.name == name), key=lambda r: r.minutes)
    course = [r for r in course if not hours or r.minutes >= -60 * hours]
    if not course:
        return {name: NOT_AVAILABLE}
    shown = {name: f"{', '.join(number(r.value) for r in course[-8:])} {course[-1].unit}"}
    if len(course) > 1:
        change = course[-1].value - course[0].value
        shown["hours ago"] = ", ".join(str((world.minutes - r.minutes) // 60) for r in course[-8:])
        shown["change"] = f"{number(round(change, 3))} {course[-1].unit}"
    return shown


@tool("read")
def get_medications(world: World) -> dict:
    """Current medicines with dose, what was stopped or prescribed here included."""
    listed = {m.drug: " ".join(x for x in (m.dose, m.frequency) if x) for m in world.chart.medications}
    for action in world.written:
        if "stopped" in action:
            listed.pop(action["stopped"], None)
        if "prescribed" in action:
            listed[action["prescribed"]] = action.get("dose", "")
    return {"medications": ", ".join(f"{d} {x}".strip() for d, x in listed.items()) or "none recorded"}


@tool("read")
def get_allergy_list(world: World) -> dict:
    """Recorded allergies; not recorded is not the same as none."""
    recorded = world.chart.allergies
    return {"allergies": NOT_AVAILABLE if recorded is None else ", ".join(recorded) or "none known"}


@tool("read")
def get_clinical_notes(world: World, note_type: str = "") -> dict:
    """Notes of the record, the newest of each type.

    Args:
        note_type: Such as nursing, admission, referral or progress; leave out for all.
    """
    wanted = note_type.strip().lower()
    shown = {r.name: r.text for r in _records(world.chart, "note") if wanted in ("", r.name)}
    for action in world.written:
        if "note type" in action and wanted in ("", action["note type"]):
            shown[action["note type"]] = action["content"]
    return dict(list(shown.items())[-3:]) or {"notes": "none recorded" if not wanted else f"no {wanted} note"}


@tool("read")
def get_immunization_history(world: World) -> dict:
    """Vaccinations on record, with how long ago; nothing is inferred from age."""
    given = _records(world.chart, "immunization")
    return {r.name: f"{-r.minutes // 525_600} years ago" for r in given[-6:]} or {"immunizations": NOT_AVAILABLE}


@tool("read")
def get_family_history(world: World) -> dict:
    """Illnesses of relatives as recorded."""
    return {r.name: r.text for r in _records(world.chart, "family")} or {"family history": NOT_AVAILABLE}


@tool("read")
def get_social_history(world: World) -> dict:
    """Smoking, alcohol, work and living situation as recorded."""
    return {r.name: r.text for r in _records(world.chart, "social")} or {"social history": NOT_AVAILABLE}


def _records(chart: Chart, kind: str) -> list[Record]:
    return [r for r in chart.records if r.kind == kind]


@tool("read", minutes=3)
def perform_physical_exam(world: World, region: str) -> dict:
    """Examine one region of the body.

    Args:
        region: general, head, eyes, neck, chest, heart, abdomen, back, pelvis, limbs, joints, skin or neurological.
    """
    name = region.strip().lower()
    if name not in tables.regions():
        raise ToolError(str(unknown_name("region", region, tables.regions())))
    return {name: world.chart.observations.get(exam_name(name), NOT_AVAILABLE)}

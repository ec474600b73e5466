"""Tools that read the record: who the patient is, admissions, notes, lists, and the timeline."""

from medgym_core.domains.ehr_management.ordering import conflict, drug_named, prescriptions
from medgym_core.domains.ehr_management.quality import nursing_score
from medgym_core.domains.ehr_management.rules import DAY, EVERYTHING, ago, newest, records, stay_of, stays
from medgym_core.text import normal, tokens
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World, number, tool
from medgym_core.types import Record

VISITS = 7  # in one answer
LISTED = 10  # entries in one answer: keeps an observation short
WORDS = 18  # words of a note in a list of hits
MENOPAUSE = 55  # years: pregnancy is asked about up to here
NURSED = ("pain", "mobility", "skin", "lines")


def _clean(text: str) -> str:
    """Text as one value of an observation: semicolons part values."""
    return " ".join(text.replace(";", ",").split())


@tool("read")
def get_patient_summary(world: World, hadm_id: str = "") -> dict:
    """Age, sex, weight, pregnancy, reason for the admission, day of the stay and long-standing conditions.

    Args:
        hadm_id: Admission; the current one when left out.
    """
    c, stay = world.chart, stay_of(world, hadm_id)
    found = {"age": f"{c.age} years", "sex": c.sex}
    found["weight"] = NOT_AVAILABLE if c.weight_kg is None else f"{number(c.weight_kg)} kg"
    if c.sex == "female" and 12 <= c.age < MENOPAUSE:
        weeks = f"yes, {c.gestation_days // 7} weeks" if c.gestation_days else "yes"
        found["pregnant"] = NOT_AVAILABLE if c.pregnant is None else weeks if c.pregnant else "no"
    if stay.record:
        found |= {"admission": stay.hadm_id, "reason": stay.record.text or NOT_AVAILABLE}
        found["day"] = str(int(min(stay.end, world.minutes) - stay.start) // DAY + 1)
    return found | {"conditions": ", ".join(c.conditions[:LISTED]) or "none recorded"}


@tool("read")
def get_admission_history(world: World) -> dict:
    """All admissions and emergency visits of this patient with their reason, the latest first."""
    visits = [r for r in world.chart.records if r.kind == "encounter"]
    found = {}
    for i, r in enumerate(sorted(visits, key=lambda r: -r.minutes)[:VISITS], 1):
        length = "still in hospital" if r.ended is None else f"{max(r.ended - r.minutes, 0) // DAY} d"
        label = r.values.get("hadm_id") or f"visit {i}"
        found[label] = f"{r.name}, {_clean(r.text) or 'no reason recorded'}, {ago(world, r.minutes)}, {length}"
    return found or {"admissions": "none recorded"}


@tool("read")
def get_admission_info(world: World, hadm_id: str = "") -> dict:
    """Service, unit, source and acuity of an admission, its length and how it ended.

    Args:
        hadm_id: Admission; the current one when left out.
    """
    stay = stay_of(world, hadm_id)
    if stay.record is None:
        raise ToolError("one admission is needed", got=EVERYTHING, expected=stays(world.chart)[-1].hadm_id)
    v = stay.record.values
    found = {"admission": stay.hadm_id, "admitted": ago(world, stay.record.minutes)}
    found |= {k: v.get(k, NOT_AVAILABLE) for k in ("service", "unit", "source", "acuity")}
    days = int(min(stay.end, world.minutes) - stay.start) // DAY
    return found | {"length_of_stay": f"{days} d", "disposition": v.get("disposition", "still in hospital")}


@tool("read")
def get_clinical_notes(world: World, hadm_id: str = "", note_type: str = "") -> dict:
    """Notes of an admission in full, the latest first.

    Args:
        hadm_id: Admission; the current one when left out.
        note_type: Such as progress note, admission note, nursing note; all when left out.
    """
    found = records(world.chart, stay_of(world, hadm_id), "note")
    if note_type:
        found = [r for r in found if normal(note_type) in normal(r.name)]
    written = [w for w in world.written if "note_type" in w]
    shown = {f"{w['note_type']} {i}": _clean(w["content"]) for i, w in enumerate(written[-2:], 1)}
    for r in sorted(found, key=lambda r: -r.minutes)[:2]:
        shown[f"{r.name}, {ago(world, r.minutes)}"] = _clean(r.text)
    return shown or {"notes": "none recorded"}


@tool("read")
def get_discharge_summary(world: World, hadm_id: str = "") -> dict:
    """The discharge summary of an admission.

    Args:
        hadm_id: Admission; the current one when left out.
    """
    stay = stay_of(world, hadm_id)
    record = newest(world.chart, stay, "discharge_summary")
    if record is None:
        return {"discharge_summary": NOT_AVAILABLE, "admission": stay.hadm_id}
    return {"admission": stay.hadm_id, "discharge_summary": _clean(record.text)}


@tool("read")
def get_code_status(world: World, hadm_id: str = "") -> dict:
    """The latest code status of an admission, when it was set and by whom. One of another stay does not hold.

    Args:
        hadm_id: Admission; the current one when left out.
    """
    stay = stay_of(world, hadm_id)
    record = newest(world.chart, stay, "code_status")
    if record is None:
        return {"code_status": NOT_AVAILABLE, "admission": stay.hadm_id}
    return {"code_status": record.name, "set": ago(world, record.minutes), "by": record.text or NOT_AVAILABLE}


@tool("read")
def get_nursing_assessments(world: World, hadm_id: str = "") -> dict:
    """The latest nursing assessment: Braden and Morse totals computed from its items, intake, mental state, lines.

    Args:
        hadm_id: Admission; the current one when left out.
    """
    stay = stay_of(world, hadm_id)
    record = newest(world.chart, stay, "nursing", "nursing assessment")
    if record is None:
        return {"nursing_assessment": NOT_AVAILABLE, "admission": stay.hadm_id}
    found = {"assessed": ago(world, record.minutes)}
    for name in ("braden", "morse"):
        score = nursing_score(world, stay, name)
        lacking = ", ".join(score.missing[:3]).replace("_", " ") or score.reason
        found[name] = f"{score.value:g}, {score.band}" if score.value is not None else f"{NOT_AVAILABLE}, {lacking}"
    found |= {k: record.values.get(k, NOT_AVAILABLE) for k in ("oral_intake", "mental_state")}
    return found | {k: record.values[k] for k in NURSED if k in record.values}


@tool("read")
def check_allergies(world: World, drug: str = "") -> dict:
    """Recorded allergies and, for a drug, whether one of them forbids it (cross-reactions included).

    Args:
        drug: A drug to check; leave out for the list alone.
    """
    recorded = world.chart.allergies
    if recorded is None:
        return {"allergies": NOT_AVAILABLE, "missing": "allergies were not recorded"}
    found = {"allergies": ", ".join(recorded[:LISTED]) or "none known"}
    if drug:
        name = drug_named(drug)
        against = name and conflict(world.chart, name)
        found[name or drug[:40]] = (
            NOT_IN_DATABASE if name is None else f"conflict with {against}" if against else "no listed conflict"
        )
    return found


@tool("read")
def get_problem_list(world: World) -> dict:
    """Active problems: long-standing conditions, coded diagnoses and what was added in this episode."""
    found = dict.fromkeys(world.chart.conditions)
    found |= dict.fromkeys(r.name for r in world.chart.records if r.kind == "diagnosis" and r.status == "active")
    for w in world.written:
        if "problem" in w:
            found.pop(w["problem"], None)
            found |= {w["problem"]: None} if w["active"] else {}
    names = [_clean(n) for n in found]
    rest = {"and": f"{len(names) - LISTED} more"} if len(names) > LISTED else {}
    return {"active_problems": str(len(names)), "problems": ", ".join(names[:LISTED]) or "none recorded"} | rest


@tool("read")
def get_procedures(world: World, hadm_id: str = "") -> dict:
    """Procedures of an admission, devices still in place included.

    Args:
        hadm_id: Admission; the current one when left out.
    """
    found = sorted(records(world.chart, stay_of(world, hadm_id), "procedure"), key=lambda r: -r.minutes)
    shown: dict[str, str] = {}
    for r in found[:LISTED]:
        open_end = ", in place" if r.status == "in-progress" and r.ended is None else ""
        shown.setdefault(r.name, ago(world, r.minutes) + open_end)
    return shown or {"procedures": "none recorded"}


@tool("read")
def get_immunization_history(world: World) -> dict:
    """Vaccines given, each with its number of doses and the latest date."""
    found: dict[str, list[int]] = {}
    for r in world.chart.records:
        if r.kind == "immunization" and r.status in ("completed", ""):
            found.setdefault(_clean(r.name), []).append(r.minutes)
    latest_first = sorted(found.items(), key=lambda item: -max(item[1]))[:8]
    return {n: f"{len(t)} doses, last {ago(world, max(t))}" for n, t in latest_first} or {
        "immunizations": NOT_AVAILABLE
    }


@tool("read")
def get_intake_output(world: World, hadm_id: str = "") -> dict:
    """Intake, output and balance of the last recorded days, and urine output per kg and hour where weight is known.

    Args:
        hadm_id: Admission; the current one when left out.
    """
    found = sorted(records(world.chart, stay_of(world, hadm_id), "intake_output"), key=lambda r: r.minutes)[-3:]
    shown = {}
    for r in found:
        amounts = [r.values.get(k, "").removesuffix(" mL") for k in ("intake", "output")]
        if not all(a.isdigit() for a in amounts):
            continue
        intake, output = map(int, amounts)
        shown[ago(world, r.minutes)] = f"in {intake} mL, out {output} mL, balance {intake - output:+d} mL"
    return shown or {"intake_output": NOT_AVAILABLE}


@tool("read")
def find_records(world: World, text: str) -> dict:
    """Entries of the whole record (notes, reports, diagnoses, orders) that hold all words of a text, latest first.

    Args:
        text: One or more words.
    """
    wanted = set(tokens(text))
    if not wanted:
        raise ToolError("nothing to look for", got=repr(text[:20]), expected="at least one word")
    hits = [r for r in world.chart.records if wanted <= set(tokens(f"{r.kind} {r.name} {r.text}"))]
    found: dict[str, str] = {"hits": str(len(hits))}
    for r in sorted(hits, key=lambda r: -r.minutes)[:4]:
        found[f"{r.kind} {_clean(r.name)}, {ago(world, r.minutes)}"] = " ".join(_clean(r.text).split()[:WORDS]) or "-"
    return found


@tool("read")
def get_timeline(world: World, hadm_id: str = "") -> dict:
    """What happened in an admission in order of time: procedures, cultures, doses, fluids, lactates, code status.

    Args:
        hadm_id: Admission; the current one when left out.
    """
    stay = stay_of(world, hadm_id)
    kinds = ("procedure", "culture", "administration", "fluid", "code_status", "sepsis", "encounter")
    events = [(r.minutes, _event(r)) for r in records(world.chart, stay, *kinds)]
    events += [(r.minutes, f"lactate {r.value:g} mmol/L") for r in world.results() if r.name == "lactate"]
    events = sorted(e for e in events if stay.holds(e[0]))[-12:]
    zero = next((e[0] for e in events if "time zero" in e[1]), None)
    found: dict[str, str] = {}
    for minutes, what in events:
        label = ago(world, minutes) if zero is None else f"minute {minutes - zero}"
        found[label] = f"{found[label]}, {what}" if label in found else what
    return found or {"timeline": "nothing recorded"}


def _event(r: Record) -> str:
    volume = f" {r.values['volume']}" if "volume" in r.values else ""
    return f"{_clean(r.name)}{volume}"


@tool("read")
def get_home_medications(world: World) -> dict:
    """Medicines taken at home as the record lists them, with what was added in this episode."""
    listed = [f"{m.drug} {m.dose} {m.frequency}".strip() for m in world.chart.medications]
    listed += [w["home"] for w in world.written if "home" in w]
    return {"home_medications": ", ".join(_clean(m) for m in listed[:LISTED]) or "none recorded"}


@tool("read")
def get_medication_orders(world: World, hadm_id: str = "", active_only: bool = False) -> dict:
    """Medication orders of an admission by order id, with dose, route, frequency and whether they are active.

    Args:
        hadm_id: Admission; the current one when left out.
        active_only: Leave out what was stopped.
    """
    found = prescriptions(world, stay_of(world, hadm_id), active_only)[-LISTED:]
    return {
        p.id or f"order {i}": _clean(
            f"{p.written} {p.dose} {p.frequency} {p.route}".strip() + ("" if p.active else " (stopped)")
        )
        for i, p in enumerate(found, 1)
    } or {"orders": "none recorded"}

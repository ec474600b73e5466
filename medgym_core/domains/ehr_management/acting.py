"""Tools that change the episode: notes, orders, consults, the problem and medicine lists, and the handoff."""

from typing import Literal

from medgym_core.clinical.codes import lookup_icd
from medgym_core.domains.ehr_management.ordering import drug_named, duplicates, other_orders, prescriptions
from medgym_core.domains.ehr_management.rules import records, stay_of, table, test_named
from medgym_core.errors import unknown_name
from medgym_core.facts import load
from medgym_core.text import normal
from medgym_core.tools import ToolError, World, tool

OrderType = Literal["medication", "lab", "culture", "imaging", "procedure", "transfer", "nursing"]
NOTES = ("progress note", "admission note", "discharge note", "event note", "handoff note")


@tool("write", minutes=5)
def write_clinical_note(world: World, content: str, note_type: str = "progress note") -> dict:
    """Write a note into the record of the current admission.

    Args:
        content: The text of the note.
        note_type: progress note, admission note, discharge note, event note or handoff note.
    """
    kind = note_type.replace("_", " ").strip().lower()
    if kind not in NOTES:
        raise ToolError(str(unknown_name("note type", note_type[:40], NOTES)))
    if not content.strip():
        raise ToolError("empty note", expected="the text of the note")
    stay_of(world)
    world.written.append({"note_type": kind, "content": content})
    return {"written": kind, "words": str(len(content.split()))}


def _ordered(world: World, kind: str, details: str) -> tuple[str, str]:
    """What is ordered, by its name in the tables, and the name its result comes back under."""
    if kind == "medication":
        drug = drug_named(details)
        if drug is None:
            raise ToolError("drug is not in the database", got=repr(details[:40]), expected="a drug name alone")
        return drug, ""
    items = {normal(i): i for i in table("orders")[kind]["items"]}
    found = items.get(normal(details))
    if found is None and kind == "lab":
        panels = load("clinical", "panels")
        plain = normal(details).strip()
        found = plain if plain in panels else test_named(world.chart, details)
    if found is None:
        raise ToolError(str(unknown_name(f"{kind} order", details[:40], items.values())))
    return found, found if kind in ("lab", "culture", "imaging") else ""


@tool("write", minutes=2)
def place_order(world: World, order_type: OrderType, order_details: str) -> dict:
    """Order a drug, test, procedure, transfer or nursing measure. Tests come back later; nothing is checked for you.

    Args:
        order_type: medication, lab, culture, imaging, procedure, transfer or nursing.
        order_details: The drug, test or measure alone, such as cefazolin, potassium, chest radiograph.
    """
    stay_of(world)
    name, result = _ordered(world, order_type, order_details)
    order_id = f"NEW{sum('order_id' in w for w in world.written) + 1}"
    world.written.append({"order_id": order_id, "type": order_type, "ordered": name, "minutes": world.minutes})
    found = {"order": order_id, order_type: name}
    if result:
        due = world.place(result, table("orders")[order_type]["minutes"]).due
        found["ready"] = f"at minute {due}"
    return found


@tool("write", minutes=2)
def discontinue_order(world: World, order_id: str) -> dict:
    """Stop an active order of the current admission.

    Args:
        order_id: Id as get_medication_orders or get_active_orders shows it, such as RX3.
    """
    stay = stay_of(world)
    active = {p.id: p.drug for p in prescriptions(world, stay, active_only=True) if p.id} | other_orders(world, stay)
    wanted = order_id.strip().upper()
    if wanted not in active:
        raise ToolError("no such active order", got=repr(order_id[:20]), expected=", ".join(active) or "none is active")
    world.written.append({"discontinued": wanted})
    return {"discontinued": f"{wanted} {active[wanted]}", "active_orders": str(len(active) - 1)}


@tool("read")
def get_active_orders(world: World) -> dict:
    """Active orders of the current admission that are no drugs: tests, nursing measures, diet, activity."""
    return dict(list(other_orders(world, stay_of(world)).items())[-10:]) or {"orders": "none"}


@tool("read")
def find_duplicate_orders(world: World) -> dict:
    """Active medication orders that repeat an earlier one: the same drug, or a group of which one is needed."""
    found = {
        late.id or late.drug: f"repeats {early.id}, {why}" for late, early, why in duplicates(world, stay_of(world))
    }
    return found or {"duplicates": "none", "active": str(len(prescriptions(world, stay_of(world), active_only=True)))}


@tool("read")
def reconcile_medications(world: World) -> dict:
    """Home list against the current orders and the discharge list, with documented reasons for stopping."""
    stay = stay_of(world)
    home = [drug_named(m.drug) or m.drug for m in world.chart.medications]
    orders = {p.drug for p in prescriptions(world, stay, active_only=True)}
    listed = [r for r in records(world.chart, stay, "medication") if r.values.get("list") == "discharge"]
    leaving = {drug_named(r.name) or r.name for r in listed}
    reasons = [f"{drug_named(r.name) or r.name}, {r.text}" for r in records(world.chart, stay, "stopped")]
    found = {"home": ", ".join(home[:12]) or "none recorded"}
    found["not_ordered"] = ", ".join(h for h in home if h not in orders) or "none"
    if listed:
        found["not_on_discharge_list"] = ", ".join(h for h in home if h not in leaving) or "none"
        found["new_on_discharge_list"] = ", ".join(sorted(leaving - set(home))) or "none"
    else:
        found["discharge_list"] = "not written"
    return found | {"stopped_for_a_reason": " and ".join(reasons) or "none documented"}


@tool("write", minutes=5)
def request_consult(
    world: World, service: str, reason: str = "", urgency: Literal["routine", "urgent", "emergent"] = "routine"
) -> dict:
    """Ask a service to see the patient.

    Args:
        service: Such as nephrology, infectious diseases, rapid response team, palliative care.
        reason: The question to the service.
        urgency: routine, urgent or emergent.
    """
    known = {normal(s): s for s in table("services")["consult"]["services"]}
    name = known.get(normal(service))
    if name is None:
        raise ToolError(str(unknown_name("service", service[:40], known.values())))
    stay_of(world)
    world.written.append({"consult": name, "urgency": urgency, "reason": reason})
    return {"consult": name, "urgency": urgency, "requested": f"minute {world.minutes}"}


@tool("write")
def update_problem_list(
    world: World, problem: str, action: Literal["add", "resolve"] = "add", icd_code: str = ""
) -> dict:
    """Add a problem to the list or mark one as resolved.

    Args:
        problem: Name of the problem.
        action: add or resolve.
        icd_code: ICD-10-CM code of a problem to add, where known.
    """
    if not problem.strip():
        raise ToolError("no problem named", expected="its name")
    title = lookup_icd(icd_code) if icd_code else None
    if icd_code and title is None:
        raise ToolError("code is not in the database", got=repr(icd_code[:12]), expected="an ICD-10-CM code, or none")
    name = " ".join(problem.replace(";", ",").split())[:120]
    if action == "resolve" and normal(name) not in {normal(c) for c in _active(world)}:
        raise ToolError(
            "not on the problem list", got=repr(name[:40]), expected=", ".join(_active(world)[:8]) or "none"
        )
    world.written.append({"problem": name, "active": action == "add", "code": icd_code})
    return {"problem": name, "status": "active" if action == "add" else "resolved"} | ({"code": title} if title else {})


def _active(world: World) -> list[str]:
    named = [r.name for r in world.chart.records if r.kind == "diagnosis" and r.status == "active"]
    return [*world.chart.conditions, *named, *(w["problem"] for w in world.written if w.get("active"))]


@tool("write")
def add_home_medication(world: World, drug: str) -> dict:
    """Add a medicine to the list of those taken at home.

    Args:
        drug: The medicine.
    """
    name = drug_named(drug)
    if name is None:
        raise ToolError("drug is not in the database", got=repr(drug[:40]), expected="a drug name alone")
    if name in {drug_named(m.drug) for m in world.chart.medications} | {w.get("home") for w in world.written}:
        raise ToolError("already on the home list", got=name)
    world.written.append({"home": name})
    return {
        "added": name,
        "home_medications": str(len(world.chart.medications) + sum("home" in w for w in world.written)),
    }


@tool("submit", static=True)
def submit_handoff(
    world: World, illness_severity: str, code_status: str, first_action: str, evidence: str = ""
) -> dict:
    """Commit to a handoff and end the episode.

    Args:
        illness_severity: stable (NEWS2 low), watcher (NEWS2 medium or a single red score) or unstable (NEWS2 high).
        code_status: As recorded for this admission.
        first_action: What the next team does first, one of those the request offers.
        evidence: The findings that decided, as shown by the tools, separated by semicolons.
    """
    world.written.append(
        {"severity": illness_severity, "code": code_status, "action": first_action, "evidence": evidence}
    )
    return {"submitted": illness_severity}

"""Who the patient is, who may be told what, and who decides: the rules, shared by tools and truth, and the tools.

Identity needs two identifiers. Release and consent stand in the record as entries of kind `identity`, `release`,
`capacity`, `proxy` and `decision`; the newest entry about a person or a question counts, and what is not recorded is
unknown: it is neither a permission nor a refusal.
"""

from typing import Literal

from medgym_core.domains.ehr_management.rules import Stay, ago, newest, records, stay_of, table
from medgym_core.text import normal
from medgym_core.tools import NOT_AVAILABLE, World, tool
from medgym_core.types import Chart, Record

Item = Literal["condition", "test results", "medicines", "discharge date"]
ORDERED, WRONG_RECORD, NO_IDENTIFIER = "ordered", "wrong record", "insufficient: record number"
RELEASE, REFUSE, UNVERIFIED = "release", "refuse", "insufficient: code word"
PATIENT_YES, PATIENT_NO = "go ahead on the patient's word", "stop on the patient's refusal"
PROXY_YES, PROXY_NO = "go ahead on the proxy's word", "stop on the proxy's refusal"
EMERGENCY, UNASSESSED = "go ahead as an emergency", "insufficient: capacity assessment"
LACKS = "lacks capacity"
REACHED_NOT = "not reached"


# ---- rules


def identity(chart: Chart, name: str, number: str) -> str:
    """Whether a name and a record number are those of this chart: one of the three answers."""
    record = _latest(chart, "identity")
    if record is None or not record.values.get("record_number"):
        return NO_IDENTIFIER
    same = normal(record.name) == normal(name) and record.values["record_number"] == number
    return ORDERED if same else WRONG_RECORD


def release(chart: Chart, stay: Stay, caller: str, item: str, word: str) -> str:
    """Whether a caller may be told an item: one of the three answers."""
    entry = newest(chart, stay, "release", caller)
    if _latest(chart, "confidential") is not None or entry is None or entry.status != "active":
        return REFUSE
    if item not in entry.values.get("items", "").split(" and "):
        return REFUSE
    if not entry.values.get("code_word"):
        return UNVERIFIED
    return RELEASE if normal(entry.values["code_word"]) == normal(word) else REFUSE


def decision(chart: Chart, stay: Stay) -> str:
    """Who decides about the treatment in question, and how: one of the six answers."""
    capacity = newest(chart, stay, "capacity")
    if capacity is None:
        return UNASSESSED
    if capacity.name != LACKS:
        said = newest(chart, stay, "decision", "patient")
        return PATIENT_YES if said and said.status == "agrees" else PATIENT_NO
    said = newest(chart, stay, "decision", "health care proxy")
    if said is None or said.status == REACHED_NOT:
        return EMERGENCY
    return PROXY_YES if said.status == "agrees" else PROXY_NO


def _latest(chart: Chart, kind: str) -> Record | None:
    """The newest entry of a kind, or None."""
    return max((r for r in chart.records if r.kind == kind), key=lambda r: r.minutes, default=None)


# ---- tools


@tool("read")
def get_identity(world: World) -> dict:
    """Name and record number of the open record, and whether somebody of the same name is in the hospital."""
    record = _latest(world.chart, "identity")
    if record is None:
        return {"name": NOT_AVAILABLE, "record_number": NOT_AVAILABLE}
    found = {"name": record.name, "record_number": record.values.get("record_number") or NOT_AVAILABLE}
    return found | ({"name_alert": record.values["alert"]} if "alert" in record.values else {})


@tool("read")
def get_release_permissions(world: World) -> dict:
    """Whom the patient lets know what, with the code word they must give; the latest entry about a person counts."""
    stay, found = stay_of(world), {}
    if _latest(world.chart, "confidential") is not None:
        found["confidential"] = f"yes, {_latest(world.chart, 'confidential').name}, nobody is told the patient is here"
    entries = records(world.chart, stay, "release")
    for name in dict.fromkeys(r.name for r in sorted(entries, key=lambda r: -r.minutes)):
        r = newest(world.chart, stay, "release", name)
        word = r.values.get("code_word") or NOT_AVAILABLE
        what = f"{r.values.get('items', NOT_AVAILABLE)}, code word {word}" + (f", {r.text}" if r.text else "")
        found[name] = f"{what if r.status == 'active' else 'permission withdrawn'}, {ago(world, r.minutes)}"
    return found or {"permissions": "none recorded"}


@tool("write", minutes=2)
def share_information(world: World, item: Item, recipient: str = "") -> dict:
    """Tell somebody something from this record. Nothing is checked for you, and it cannot be taken back.

    Args:
        item: condition, test results, medicines or discharge date.
        recipient: Who is told; the one who asks when left out.
    """
    stay_of(world)
    world.written.append({"shared": item, "with": recipient})
    return {"shared": item, "with": " ".join(recipient.replace(";", ",").split())[:60] or "the one who asks"}


@tool("read")
def get_capacity_and_consent(world: World) -> dict:
    """Capacity assessments of this stay, the health care proxy, and what each has decided about the treatment."""
    stay = stay_of(world)
    assessed = sorted(records(world.chart, stay, "capacity"), key=lambda r: -r.minutes)
    told = [f"{r.name}, {r.text}, {ago(world, r.minutes)}" for r in assessed]
    found = {"capacity": told[0] if told else NOT_AVAILABLE} | ({"earlier": told[1]} if len(told) > 1 else {})
    proxy = newest(world.chart, stay, "proxy")
    found["proxy"] = f"{proxy.name}, {proxy.text}" if proxy else "none recorded"
    for who in ("patient", "health care proxy"):
        said = newest(world.chart, stay, "decision", who)
        found[f"{who} says"] = f"{said.status}, {ago(world, said.minutes)}" if said else NOT_AVAILABLE
    return found


def high_alert(drug: str) -> bool:
    """Whether a drug heads the list of those that harm most when given in error."""
    return drug in table("high_alert")["acute care"]["drugs"]

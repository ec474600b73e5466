"""Dated entries of the record as FHIR R4 resources, and back: one table of forms serves both directions.

Encounter, Condition, Procedure, Immunization, DiagnosticReport, MedicationRequest and ServiceRequest carry the kinds of
their name; every other kind is a DocumentReference. A resource written here is tagged with its kind, and what FHIR has
no element for (a status outside the value set, worded values) goes into extensions, so that it reads back equal.
"""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from medgym_core.clinical.codes import SYSTEMS, lookup_icd
from medgym_core.clinical.elements import Element
from medgym_core.errors import MedGymError
from medgym_core.types import Record

OWN = "urn:medgym:"
"""Start of the addresses of tags and extensions written here."""
PREFIX = {address: prefix for prefix, address in SYSTEMS.items()}


@dataclass(frozen=True)
class Form:
    """How a kind of record stands in FHIR."""

    kind: str
    resource: str
    concept: str
    """Element with the name and the code; `type` of an encounter is a list."""
    times: str
    """`period`, `onset`, a choice such as `performed` (DateTime or Period), or one element of a single time."""
    text: str
    """Element with the free text: `note`, `conclusion`, `reasonCode` or `content`."""
    default: str
    """Status that stands for "not recorded"; empty where FHIR needs none."""
    statuses: str
    """The value set of the status."""
    fixed: tuple[tuple[str, Any], ...] = ()
    """Elements that FHIR requires beside those."""


AMBULATORY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
FORMS = (
    Form(
        "encounter",
        "Encounter",
        "type",
        "period",
        "reasonCode",
        "unknown",
        "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown",
        (("class", AMBULATORY),),
    ),
    Form(
        "diagnosis", "Condition", "code", "onset", "note", "", "active recurrence relapse inactive remission resolved"
    ),
    Form(
        "procedure",
        "Procedure",
        "code",
        "performed",
        "note",
        "unknown",
        "preparation in-progress not-done on-hold stopped completed entered-in-error unknown",
    ),
    Form(
        "immunization",
        "Immunization",
        "vaccineCode",
        "occurrenceDateTime",
        "note",
        "completed",
        "completed entered-in-error not-done",
    ),
    Form(
        "report",
        "DiagnosticReport",
        "code",
        "effective",
        "conclusion",
        "unknown",
        "registered partial preliminary final amended corrected appended cancelled entered-in-error unknown",
    ),
    Form(
        "medication",
        "MedicationRequest",
        "medicationCodeableConcept",
        "authoredOn",
        "note",
        "unknown",
        "active on-hold cancelled completed entered-in-error stopped draft unknown",
        (("intent", "order"),),
    ),
    Form(
        "order",
        "ServiceRequest",
        "code",
        "occurrence",
        "note",
        "unknown",
        "draft active on-hold revoked completed entered-in-error unknown",
        (("intent", "order"),),
    ),
    Form("note", "DocumentReference", "type", "date", "content", "current", "current superseded entered-in-error"),
)
BY_KIND = {f.kind: f for f in FORMS}
BY_RESOURCE = {f.resource: f for f in FORMS}
CHOICES = ("performed", "effective", "occurrence")


def resource_of(record: Record, subject: dict[str, str], arrived: datetime) -> dict[str, Any]:
    """The FHIR resource of a record, without its id."""
    form = BY_KIND.get(record.kind, BY_KIND["note"])
    concept = concept_of(record.name, record.code)
    if not concept:
        raise MedGymError("record without a name", got=record, expected="a name or a code")
    known = record.status in form.statuses.split() and record.status != form.default
    extra = [] if known or not record.status else [{"url": OWN + "status", "valueString": record.status}]
    resource: dict[str, Any] = {"resourceType": form.resource, **dict(form.fixed)}
    resource["meta"] = {"tag": [{"system": OWN + "kind", "code": record.kind}]}
    resource["patient" if form.kind == "immunization" else "subject"] = subject
    resource[form.concept] = [concept] if form.resource == "Encounter" else concept
    if form.kind == "diagnosis":
        if known:
            resource["clinicalStatus"] = {"coding": [{"system": CLINICAL, "code": record.status}]}
    else:
        resource["status"] = record.status if known else form.default
    times, late = _times(form, at(arrived, record.minutes), None if record.ended is None else at(arrived, record.ended))
    resource |= times | _text(form, record.text)
    extra += late + [{"url": OWN + "value", "extension": _pair(n, v)} for n, v in record.values.items()]
    return resource | ({"extension": extra} if extra else {})


def record_of(resource: Element, arrived: datetime, encounters: dict[str, datetime]) -> Record | None:
    """The record of a resource; None for what was entered in error. `encounters`: start by reference.

    A resource without a date of its own is placed at its encounter; without one, its values say that it is undated.
    """
    form = BY_RESOURCE[resource.value["resourceType"]]
    tags = [t.text("code") for t in _meta(resource).items("tag") if t.text("system") == OWN + "kind"]
    status = _status(resource, form, bool(tags))
    if status == "entered-in-error" and not tags:
        return None
    start, end = span(resource, form.times)
    own = {e.text("url").removeprefix(OWN): e for e in resource.items("extension") if e.text("url").startswith(OWN)}
    values = dict(_value(e) for e in resource.items("extension") if e.text("url") == OWN + "value")
    if "ended" in own:
        end = own["ended"].moment("valueDateTime")
    if start is None:
        encounter = resource.get("encounter", dict) or resource.get("context", dict)
        start = encounters.get(encounter.text("reference")) if encounter else None
    if start is None:
        values = {"date": "not recorded"} | values
    name, code = named(resource, form.concept, listed=form.resource == "Encounter")
    return Record(
        tags[0] if tags else form.kind,
        name,
        minutes_after(arrived, start) if start else 0,
        minutes_after(arrived, end) if end else None,
        code,
        own["status"].text("valueString") if "status" in own else status,
        _worded(resource, form),
        values,
    )


def at(arrived: datetime, minutes: int) -> str:
    """The dateTime that many minutes after arrival."""
    return (arrived + timedelta(minutes=minutes)).isoformat()


def minutes_after(arrived: datetime, moment: datetime) -> int:
    """Whole minutes from arrival to a moment (negative: before)."""
    return int((moment - arrived).total_seconds() // 60)


def concept_of(name: str, code: str = "") -> dict[str, Any]:
    """A CodeableConcept of a name and a `SYSTEM:code`; the code systems FHIR knows, or an address and a bar."""
    coding: dict[str, str] = {}
    if code:
        prefix, bar, rest = code.rpartition("|") if "|" in code else code.partition(":")
        if not bar or not rest or (bar == ":" and prefix not in SYSTEMS):
            raise MedGymError(
                "code without a known system", got=code, expected="one of " + ", ".join(SYSTEMS) + " and `:`"
            )
        coding = {"system": SYSTEMS.get(prefix, prefix), "code": rest}
        title = lookup_icd(rest) if prefix == "ICD-10-CM" else None
        coding |= {"display": title} if title else {}
    return ({"coding": [coding]} if coding else {}) | ({"text": name} if name else {})


def named(resource: Element, key: str, *, listed: bool = False) -> tuple[str, str]:
    """Name and `SYSTEM:code` of a CodeableConcept; empty where it has none."""
    concept = next(iter(resource.items(key)), None) if listed else resource.get(key, dict)
    if concept is None:
        return "", ""
    codings = concept.items("coding")
    first = codings[0] if codings else Element({}, concept.path)
    code, system = first.text("code"), first.text("system")
    written = f"{PREFIX[system]}:{code}" if system in PREFIX else f"{system}|{code}"
    return concept.text("text", first.text("display", code)), written if code else ""


def span(resource: Element, times: str) -> tuple[datetime | None, datetime | None]:
    """Start and end of a resource, where they are given."""
    if times == "onset":
        start = resource.moment("onsetDateTime") or resource.moment("recordedDate")
        return start, resource.moment("abatementDateTime")
    period = resource.get("period" if times == "period" else f"{times}Period", dict) if times != "date" else None
    if period:
        return period.moment("start"), period.moment("end")
    return resource.moment(f"{times}DateTime" if times in CHOICES else times) if times != "period" else None, None


def _times(form: Form, start: str, end: str | None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The elements that say when, and an extension for an end that FHIR has no place for."""
    both = {"start": start} | ({"end": end} if end else {})
    if form.times == "period":
        return {"period": both}, []
    if form.times == "onset":
        return {"onsetDateTime": start} | ({"abatementDateTime": end} if end else {}), []
    if form.times in CHOICES:
        return ({f"{form.times}Period": both} if end else {f"{form.times}DateTime": start}), []
    return {form.times: start}, [{"url": OWN + "ended", "valueDateTime": end}] if end else []


def _text(form: Form, text: str) -> dict[str, Any]:
    if form.text == "content":
        return {"content": [{"attachment": attachment(text)}]}
    if not text:
        return {}
    return {form.text: text} if form.text == "conclusion" else {form.text: [{"text": text}]}


def _worded(resource: Element, form: Form) -> str:
    if form.text == "content":
        return "\n".join(attached(c) for c in resource.items("content"))
    if form.text == "conclusion":
        return resource.text("conclusion")
    return "; ".join(filter(None, (named_or_text(e) for e in resource.items(form.text))))


def named_or_text(element: Element) -> str:
    """The text of an annotation or concept, or the display of its first coding."""
    codings = element.items("coding")
    return element.text("text", codings[0].text("display") if codings else "")


def attachment(text: str) -> dict[str, str]:
    """Plain text as a FHIR Attachment."""
    data = {"data": b64encode(text.encode()).decode()} if text else {}
    return {"contentType": "text/plain; charset=utf-8"} | data


def attached(content: Element) -> str:
    """The text of a `content` element; empty for what is not text."""
    held = content.need("attachment", dict)
    if not held.text("contentType").startswith("text/") or held.get("data", str) is None:
        return ""
    return decoded(held.need("data", str)).decode("utf-8", errors="replace")


def decoded(data: Element) -> bytes:
    """Bytes of a base64 element."""
    try:
        return b64decode(data.value, validate=True)
    except NotBase64 as error:
        raise data.error("not base64", "base64Binary") from error


def _meta(resource: Element) -> Element:
    return resource.get("meta", dict) or Element({}, resource.path)


def _status(resource: Element, form: Form, tagged: bool) -> str:
    """Status as a record has it: empty for the default of a resource written here."""
    if form.kind == "diagnosis":
        verified = named(resource, "verificationStatus")[1].rpartition("|")[2]
        if verified in ("entered-in-error", "refuted"):
            return "entered-in-error"
        status = resource.get("clinicalStatus", dict)
        if status is None:
            return ""
        return next((c.code("code", form.statuses.split()) for c in status.items("coding")), "")
    status = resource.code("status", form.statuses.split())
    return "" if tagged and status == form.default else status


def _pair(name: str, value: str) -> list[dict[str, str]]:
    """A worded value; FHIR has no empty text, so what is empty is left out."""
    return [{"url": url, "valueString": v} for url, v in (("name", name), ("value", value)) if v]


def _value(extension: Element) -> tuple[str, str]:
    parts = {e.text("url"): e.text("valueString") for e in extension.items("extension")}
    return parts.get("name", ""), parts.get("value", "")

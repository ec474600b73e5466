"""A FHIR R4 bundle as a chart: what is written here reads back equal, and Synthea's bundles load.

Times count from the last encounter ("arrival"). Of a foreign bundle: active conditions and medicines, active allergies
(none recorded: allergies stay None), observations by LOINC in the units of this project where a sourced factor exists
and in their own otherwise, the latest weight and height, the latest worded finding of each name, and every dated entry
as a record. Billing, goals, care plans, organizations and practitioners are left out. A malformed bundle is refused as
a whole, with the path of the bad element.
"""

from datetime import datetime
from typing import Any

import msgspec

from medgym_core.clinical import fhir_records as records
from medgym_core.clinical.elements import Element
from medgym_core.clinical.fhir_draft import Draft, add_record, own, tagged
from medgym_core.clinical.fhir_export import NO_ALLERGY
from medgym_core.clinical.fhir_medicines import request, statement
from medgym_core.clinical.fhir_observations import observation, stated
from medgym_core.clinical.fhir_records import OWN, decoded, minutes_after, named, named_or_text
from medgym_core.errors import MedGymError
from medgym_core.types import Chart, Picture, Record

BUNDLES = "batch batch-response collection document history message searchset transaction transaction-response".split()


def from_bundle(source: dict[str, Any] | bytes | str) -> Chart:
    """The chart of the one patient of a bundle. Raises MedGymError naming the path of what is malformed."""
    bundle = Element(_decoded(source), "Bundle")
    if not isinstance(bundle.value, dict):
        raise bundle.error("not a FHIR bundle", "an object")
    bundle.code("resourceType", ["Bundle"])
    bundle.code("type", BUNDLES)
    by_address: dict[str, Element] = {}
    resources = []
    for entry in bundle.items("entry"):
        resource = entry.need("resource", dict)
        kind = resource.need("resourceType", str).value
        resources.append(resource)
        by_address[entry.text("fullUrl", resource.path)] = resource
        by_address[f"{kind}/{resource.text('id', resource.path)}"] = resource
    patients = [r for r in resources if r.value["resourceType"] == "Patient"]
    if len(patients) != 1:
        raise MedGymError("not one patient", got=f"{len(patients)} patients", expected="1", where="Bundle.entry")
    draft = _draft(bundle, by_address)
    for resource in resources:
        _linked(resource, patients[0], by_address)
        reader = READERS.get(resource.value["resourceType"])
        if reader:
            reader(resource, draft)
    return _chart(patients[0], draft)


def _decoded(source: dict[str, Any] | bytes | str) -> Any:
    if isinstance(source, dict):
        return source
    try:
        return msgspec.json.decode(source)
    except msgspec.DecodeError as error:
        raise MedGymError(f"not JSON: {error}", where="Bundle") from error


def _draft(bundle: Element, by_address: dict[str, Element]) -> Draft:
    """Find the encounter that times count from: the one tagged as arrival, or else the last to start."""
    encounters: dict[str, datetime] = {}
    for address, resource in by_address.items():
        if resource.value["resourceType"] == "Encounter" and resource.text("status") != "entered-in-error":
            start = resource.need("period", dict)
            start.need("start", str)
            encounters[address] = start.moment("start")
    if encounters:
        own_visit = [a for a in encounters if tagged(by_address[a], "arrival")]
        address = own_visit[0] if own_visit else max(encounters, key=lambda a: encounters[a])
        visit, arrived = by_address[address], encounters[address]
    else:
        bundle.need("timestamp", str)
        visit, arrived = Element({}, "Bundle"), bundle.moment("timestamp")
    draft = Draft(arrived, encounters, by_address)
    draft.fields["complaint"] = "; ".join(filter(None, (named_or_text(e) for e in visit.items("reasonCode"))))
    stay = visit.get("hospitalization", dict)
    draft.fields["arrival"] = named(stay, "admitSource")[0] if stay else ""
    return draft


def _linked(resource: Element, patient: Element, by_address: dict[str, Element]) -> None:
    """Refuse a reference that leads to someone else, or nowhere inside the bundle."""
    subject = resource.get("subject", dict) or resource.get("patient", dict)
    target = subject and subject.get("reference", str)
    outside = ("http://", "https://")
    if target and not target.value.startswith(outside) and by_address.get(target.value) is not patient:
        raise target.error("reference does not lead to the patient", "the fullUrl or id of the Patient of this bundle")
    visit = resource.get("encounter", dict)
    link = visit and visit.get("reference", str)
    if link and link.value.startswith("urn:") and link.value not in by_address:
        raise link.error("reference leads nowhere", "the fullUrl of an entry")


def _chart(patient: Element, draft: Draft) -> Chart:
    """Identity and age, with what the resources gave."""
    born, given = patient.moment("birthDate"), patient.need("birthDate", str).value
    months = (draft.arrived.year - born.year) * 12 + draft.arrived.month - born.month
    if len(given) > 7 and draft.arrived.day < born.day:
        months -= 1
    age = draft.arrived.year - born.year if len(given) == 4 else months // 12
    if age < 0:
        raise patient.need("birthDate", str).error("born after arrival", f"a date up to {draft.arrived.date()}")
    if len(given) == 7 or (len(given) > 7 and age < 2):
        draft.fields["age_months"] = months
    died = patient.moment("deceasedDateTime")
    if died:
        draft.records.append(Record("death", "death", minutes_after(draft.arrived, died)))
    names = [i for i in patient.items("identifier") if i.text("value")]
    own = [i for i in names if i.text("system") == OWN + "patient"]
    carried = ("conditions medications allergies vitals labs notes observations records images").split()
    return Chart(
        patient_id=(own or names)[0].text("value") if names else patient.text("id"),
        age=age,
        sex=patient.code("gender", ["female", "male"]),
        **draft.fields,
        **{name: getattr(draft, name) for name in carried},
    )


def _encounter(resource: Element, draft: Draft) -> None:
    if not tagged(resource, "arrival"):
        add_record(resource, draft)


def _condition(resource: Element, draft: Draft) -> None:
    categories = {c.text("code") for e in resource.items("category") for c in e.items("coding")}
    listed = "problem-list-item" in categories and resource.moment("onsetDateTime") is None
    record = None if listed else add_record(resource, draft)
    if own(resource):
        return
    status = record.status if record else named(resource, "clinicalStatus")[1].rpartition("|")[2]
    if status in ("active", "recurrence", "relapse") and (listed or record):
        name = named(resource, "code")[0]
        if name not in draft.conditions or listed:
            draft.conditions.append(name)


def _allergy(resource: Element, draft: Draft) -> None:
    """Active allergies that nobody has refuted; `no known allergy` makes the list empty."""
    verified = named(resource, "verificationStatus")[1].rpartition("|")[2]
    active = named(resource, "clinicalStatus")[1].rpartition("|")[2] in ("", "active")
    if verified in ("refuted", "entered-in-error") or not active:
        return
    name, code = named(resource, "code")
    draft.allergies = draft.allergies or []
    if code != f"SNOMED:{NO_ALLERGY}":
        draft.allergies.append(name)


def _report(resource: Element, draft: Draft) -> None:
    """A report, with the values of the observations it refers to."""
    record = add_record(resource, draft)
    found: dict[str, str] = {}
    for result in resource.items("result"):
        target = result.get("reference", str)
        if not target or target.value.startswith(("http://", "https://")):
            continue
        if target.value not in draft.by_address:
            raise target.error("reference leads nowhere", "the fullUrl of an entry")
        name, value = stated(draft.by_address[target.value])
        found[result.text("display", name)] = value
    if record and found:
        draft.records[-1] = msgspec.structs.replace(record, values=record.values | found)


def _document(resource: Element, draft: Draft) -> None:
    if tagged(resource, "note"):
        draft.notes.append("\n".join(records.attached(c) for c in resource.items("content")))
    else:
        add_record(resource, draft)


def _study(resource: Element, draft: Draft) -> None:
    """An imaging study without its pixels: what was imaged, and when."""
    start = resource.moment("started")
    parts = []
    for series in resource.items("series"):
        modality, site = (series.get(key, dict) for key in ("modality", "bodySite"))
        parts.append(" of ".join(e.text("display", e.text("code")) for e in (modality, site) if e))
    minutes = minutes_after(draft.arrived, start) if start else 0
    values = {} if start else {"date": "not recorded"}
    draft.records.append(Record("imaging", "; ".join(parts), minutes, status=resource.text("status"), values=values))


def _media(resource: Element, draft: Draft) -> None:
    """An image whose PNG is in the bundle; one that only points elsewhere becomes a record."""
    content = resource.need("content", dict)
    when = resource.moment("createdDateTime") or draft.arrived
    modality, site, view = (named(resource, key)[0] for key in ("modality", "bodySite", "view"))
    minutes = minutes_after(draft.arrived, when)
    if content.text("contentType") != "image/png" or content.get("data", str) is None:
        draft.records.append(
            Record("imaging", modality or "image", minutes, values={"body part": site} if site else {})
        )
        return
    scale = [e for e in resource.items("extension") if e.text("url") == OWN + "mm-per-pixel"]
    identifiers = [i.text("value") for i in resource.items("identifier")]
    draft.images.append(
        Picture(
            identifiers[0] if identifiers else resource.text("id"),
            modality,
            site,
            decoded(content.need("data", str)),
            scale[0].need("valueDecimal", float).value if scale else None,
            view,
            minutes,
        )
    )


READERS = {
    "Encounter": _encounter,
    "Condition": _condition,
    "MedicationRequest": request,
    "MedicationStatement": statement,
    "AllergyIntolerance": _allergy,
    "Observation": observation,
    "Procedure": add_record,
    "Immunization": add_record,
    "ServiceRequest": add_record,
    "DiagnosticReport": _report,
    "DocumentReference": _document,
    "ImagingStudy": _study,
    "Media": _media,
}
"""Resource type to its reader; types that are not here are left out."""

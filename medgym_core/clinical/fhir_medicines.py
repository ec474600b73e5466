"""Medicines of a FHIR bundle: drug, dose and frequency, as far as they are given."""

from medgym_core.clinical.elements import Element
from medgym_core.clinical.fhir_draft import Draft, add_record, own
from medgym_core.clinical.fhir_records import named
from medgym_core.types import Medication

TAKEN = "active completed entered-in-error intended stopped on-hold unknown not-taken".split()


def request(resource: Element, draft: Draft) -> None:
    record = add_record(resource, draft)
    if record and record.status == "active" and not own(resource):
        draft.medications.append(_medicine(resource, "dosageInstruction", draft))


def statement(resource: Element, draft: Draft) -> None:
    if resource.code("status", TAKEN) == "active":
        draft.medications.append(_medicine(resource, "dosage", draft))


def _medicine(resource: Element, key: str, draft: Draft) -> Medication:
    """Drug, dose and frequency, as far as they are given."""
    drug = named(resource, "medicationCodeableConcept")[0]
    link = resource.get("medicationReference", dict)
    if not drug and link:
        target = link.need("reference", str)
        if target.value not in draft.by_address:
            raise target.error("reference leads nowhere", "the fullUrl of an entry")
        drug = named(draft.by_address[target.value], "code")[0] or link.text("display")
    dosage = next(iter(resource.items(key)), None)
    if dosage is None:
        return Medication(drug)
    timing = dosage.get("timing", dict)
    frequency = named(timing, "code")[0] if timing else ""
    text = dosage.text("text")
    if text and (not frequency or text.endswith(frequency)):
        return Medication(drug, text[: len(text) - len(frequency)].rstrip(), frequency)
    return Medication(drug, _amount(dosage), frequency or _often(dosage, timing))


def _amount(dosage: Element) -> str:
    for rate in dosage.items("doseAndRate"):
        quantity = rate.get("doseQuantity", dict)
        if quantity:
            return f"{quantity.need('value', float).value:g} {quantity.text('unit', 'dose')}"
    return ""


def _often(dosage: Element, timing: Element | None) -> str:
    """How often, in words: `2 times in 1 d`, `as needed`."""
    needed = dosage.get("asNeededBoolean", bool)
    repeat = timing.get("repeat", dict) if timing else None
    words = "as needed" if needed and needed.value else ""
    if repeat is None or repeat.get("frequency", float) is None or repeat.get("period", float) is None:
        return words
    times, period = repeat.need("frequency", float).value, repeat.need("period", float).value
    return f"{times:g} {'time' if times == 1 else 'times'} in {period:g} {repeat.text('periodUnit')} {words}".strip()

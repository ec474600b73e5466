"""Observations of a FHIR bundle: measurements in the units of this project, body size, pregnancy, worded findings."""

from datetime import datetime

from medgym_core import facts
from medgym_core.clinical import fhir_records as records
from medgym_core.clinical.codes import UCUM, name_of_loinc, slug
from medgym_core.clinical.elements import Element
from medgym_core.clinical.fhir_draft import Draft
from medgym_core.clinical.fhir_export import PREGNANT
from medgym_core.clinical.fhir_records import minutes_after, named
from medgym_core.clinical.ranges import measurement
from medgym_core.errors import MedGymError
from medgym_core.types import Reading

OBSERVED = "registered preliminary final amended corrected cancelled entered-in-error unknown".split()
VOID = ("cancelled", "entered-in-error")
KEPT = {"weight": ("weight_kg", "kg"), "height": ("height_cm", "cm"), "gestational_age": ("gestation_days", "d")}
"""Measurements that are fields of the chart: field and unit."""


def observation(resource: Element, draft: Draft) -> None:
    if resource.code("status", OBSERVED) in VOID:
        return
    start, _ = records.span(resource, "effective")
    visit = resource.get("encounter", dict)
    when = start or resource.moment("issued") or (draft.encounters.get(visit.text("reference")) if visit else None)
    if when is None:
        raise MedGymError(
            "element is missing", got="nothing", expected="text", where=f"{resource.path}.effectiveDateTime"
        )
    categories = {c.text("code") for e in resource.items("category") for c in e.items("coding")}
    for part in [resource, *resource.items("component")]:
        _measured(part, when, categories, draft)


def _measured(part: Element, when: datetime, categories: set[str], draft: Draft) -> None:
    """One value: a quantity is a reading, a body size or a length of pregnancy; words are a finding."""
    text, code = named(part, "code")
    if not code and not text:
        raise MedGymError("element is missing", got="nothing", expected="a code or text", where=f"{part.path}.code")
    loinc = code.removeprefix("LOINC:") if code.startswith("LOINC:") else ""
    name = name_of_loinc(loinc) or (text if text == slug(text) or not code else slug(text) or loinc)
    quantity = part.get("valueQuantity", dict)
    if quantity is not None:
        value = float(quantity.need("value", float).value)
        unit = quantity.text("code") if quantity.text("system") == UCUM else quantity.text("unit")
        if name_of_loinc(loinc):
            value, unit = _converted(name, value, unit, quantity)
        _place(name, value, unit, when, categories, draft)
        return
    words = part.get("valueString", str)
    concept = part.get("valueCodeableConcept", dict)
    if name == "pregnancy_status" and concept:
        known = {c: status for status, (c, _) in PREGNANT.items()}
        stated = named(part, "valueCodeableConcept")[1].removeprefix("SNOMED:")
        draft.fields["pregnant"] = known.get(stated)
    elif words or concept or "exam" in categories:
        if when >= draft.latest.get(name, when):
            draft.observations[name] = words.value if words else named(part, "valueCodeableConcept")[0]
            draft.latest[name] = when


def _converted(name: str, value: float, unit: str, where: Element) -> tuple[float, str]:
    """Value in the unit of the measurement, where a factor is known; otherwise as it stands."""
    own = KEPT[name][1] if name in KEPT else measurement(name)["unit"]
    table = facts.load("clinical", "conversions").get(name, {"factors": {}})
    if unit == own:
        return value, unit
    if unit not in table["factors"]:
        if name in KEPT:
            raise where.error("unit that cannot be read", f"{own} or one of {', '.join(table['factors'])}")
        return value, unit
    moved = value + table.get("offsets", {}).get(unit, 0.0)
    return float(f"{moved * table['factors'][unit]:.6g}"), own


def _place(name: str, value: float, unit: str, when: datetime, categories: set[str], draft: Draft) -> None:
    if name in KEPT:
        if when >= draft.latest.get(name, when):
            draft.fields[KEPT[name][0]] = round(value) if name == "gestational_age" else value
            draft.latest[name] = when
        return
    vital = bool(categories & {"vital-signs", "vital-sign"})
    if not vital and "laboratory" not in categories:
        vital = name in facts.load("clinical", "vitals")
    reading = Reading(name, value, unit, minutes_after(draft.arrived, when))
    (draft.vitals if vital else draft.labs).append(reading)


def stated(observation: Element) -> tuple[str, str]:
    quantity = observation.get("valueQuantity", dict)
    words = observation.text("valueString") or named(observation, "valueCodeableConcept")[0]
    if quantity:
        words = f"{quantity.need('value', float).value:g} {quantity.text('unit')}".strip()
    return named(observation, "code")[0], words

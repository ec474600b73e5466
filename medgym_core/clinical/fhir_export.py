"""A chart as a FHIR R4 collection bundle.

Carried: who the patient is, body, pregnancy, complaint, illnesses, medicines, allergies, measurements, findings, notes,
dated records and images. Not carried: results that do not exist yet (`pending`, `pending_findings`). Times count from
`arrived`, a fixed moment that the caller may choose: nothing depends on the day the bundle is written.
"""

import re
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from medgym_core.clinical.codes import UCUM, icd_of, is_ucum, loinc_of, rxnorm_of
from medgym_core.clinical.fhir_records import AMBULATORY, CLINICAL, OWN, at, attachment, concept_of, resource_of
from medgym_core.clinical.ranges import measurements
from medgym_core.errors import MedGymError
from medgym_core.types import Chart, Medication, Picture, Reading

EPOCH = "2024-01-01T00:00:00+00:00"
"""Arrival of every exported patient, unless the caller chooses another moment."""
TERMS = "http://terminology.hl7.org/CodeSystem/"
NO_ALLERGY = "716186003"
"""SNOMED CT: no known allergy."""
PREGNANT = {True: ("77386006", "Pregnant"), False: ("60001007", "Not pregnant")}
"""SNOMED CT codes of the pregnancy status."""
AMOUNT = re.compile(r"(\d+(?:\.\d+)?) ([A-Za-z]+)")


def to_bundle(chart: Chart, arrived: str = EPOCH) -> dict[str, Any]:
    """The bundle of a chart. Raises MedGymError for a record whose code names no known system, and an age in months
    that is not the age in years.
    """
    arrival = datetime.fromisoformat(arrived)
    if arrival.tzinfo is None:
        raise MedGymError("arrival without a zone", got=arrived, expected=f"such as {EPOCH}")
    arrival = arrival.astimezone(UTC)
    patient = _patient(chart, arrival)
    who = {"reference": _address(chart, 0)}
    resources = [
        patient,
        _arrival(chart, arrival, who),
        *(_condition(name, who) for name in chart.conditions),
        *(_medication(m, who) for m in chart.medications),
        *_allergies(chart.allergies, who),
        *_body(chart, arrival, who),
        *(_observation(r, "vital-signs", arrival, who) for r in chart.vitals),
        *(_observation(r, "laboratory", arrival, who) for r in chart.labs),
        *(_finding(name, words, arrival, who) for name, words in chart.observations.items()),
        *(_note(text, arrival, who) for text in chart.notes),
        *(resource_of(record, who, arrival) for record in chart.records),
        *(_media(picture, arrival, who) for picture in chart.images),
    ]
    entries = [_entry(_address(chart, i), resource) for i, resource in enumerate(resources)]
    return {"resourceType": "Bundle", "type": "collection", "timestamp": at(arrival, 0), "entry": entries}


def _address(chart: Chart, number: int) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'{OWN}{chart.patient_id}/{number}')}"


def _entry(address: str, resource: dict[str, Any]) -> dict[str, Any]:
    kind = {"resourceType": resource["resourceType"], "id": address.removeprefix("urn:uuid:")}
    return {"fullUrl": address, "resource": kind | resource}


def _patient(chart: Chart, arrival: datetime) -> dict[str, Any]:
    """Born in the month the age in months gives, or in the year the age gives; no more is known."""
    born = str(arrival.year - chart.age)
    if chart.age_months is not None:
        if chart.age_months // 12 != chart.age:
            raise MedGymError(
                "ages contradict", got=f"{chart.age} years, {chart.age_months} months", expected="one age"
            )
        months = arrival.year * 12 + arrival.month - 1 - chart.age_months
        born = f"{months // 12:04d}-{months % 12 + 1:02d}"
    identifier = [{"system": OWN + "patient", "value": chart.patient_id}] if chart.patient_id else []
    return {"resourceType": "Patient", "identifier": identifier, "gender": chart.sex, "birthDate": born}


def _arrival(chart: Chart, arrival: datetime, who: dict[str, str]) -> dict[str, Any]:
    """The encounter that all times count from."""
    resource: dict[str, Any] = {
        "resourceType": "Encounter",
        "meta": {"tag": [{"system": OWN + "part", "code": "arrival"}]},
        "status": "in-progress",
        "class": AMBULATORY,
        "subject": who,
        "period": {"start": at(arrival, 0)},
    }
    if chart.complaint:
        resource["reasonCode"] = [{"text": chart.complaint}]
    if chart.arrival:
        resource["hospitalization"] = {"admitSource": {"text": chart.arrival}}
    return resource


def _coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": TERMS + system, "code": code}]}


def _condition(name: str, who: dict[str, str]) -> dict[str, Any]:
    code = icd_of(name)
    return {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": [{"system": CLINICAL, "code": "active"}]},
        "verificationStatus": _coded("condition-ver-status", "confirmed"),
        "category": [_coded("condition-category", "problem-list-item")],
        "code": concept_of(name, f"ICD-10-CM:{code}" if code else ""),
        "subject": who,
    }


def _medication(medication: Medication, who: dict[str, str]) -> dict[str, Any]:
    """A medicine the patient takes; the dose is a quantity too where it is an amount and a unit."""
    code = rxnorm_of(medication.drug)
    resource: dict[str, Any] = {
        "resourceType": "MedicationStatement",
        "status": "active",
        "medicationCodeableConcept": concept_of(medication.drug, f"RxNorm:{code}" if code else ""),
        "subject": who,
    }
    dosage: dict[str, Any] = {}
    if medication.dose or medication.frequency:
        dosage["text"] = f"{medication.dose} {medication.frequency}".strip()
    if medication.frequency:
        dosage["timing"] = {"code": {"text": medication.frequency}}
    amount = AMOUNT.fullmatch(medication.dose)
    if amount:
        dosage["doseAndRate"] = [{"doseQuantity": {"value": float(amount[1]), "unit": amount[2]}}]
    return resource | ({"dosage": [dosage]} if dosage else {})


def _allergies(allergies: list[str] | None, who: dict[str, str]) -> list[dict[str, Any]]:
    """One resource an allergy; "no known allergy" for an empty list, nothing where it is not recorded."""
    if allergies is None:
        return []
    named = [concept_of(a) for a in allergies] or [concept_of("No known allergy", f"SNOMED:{NO_ALLERGY}")]
    return [
        {
            "resourceType": "AllergyIntolerance",
            "clinicalStatus": _coded("allergyintolerance-clinical", "active"),
            "verificationStatus": _coded("allergyintolerance-verification", "confirmed"),
            "code": code,
            "patient": who,
        }
        for code in named
    ]


def _body(chart: Chart, arrival: datetime, who: dict[str, str]) -> list[dict[str, Any]]:
    """Weight, height and pregnancy, where they are known."""
    found = []
    for code, text, value, unit in (
        ("29463-7", "Body weight", chart.weight_kg, "kg"),
        ("8302-2", "Body height", chart.height_cm, "cm"),
        ("18185-9", "Gestational age", chart.gestation_days, "d"),
    ):
        if value is not None:
            found.append(_measured(text, code, _quantity(value, unit), "vital-signs", at(arrival, 0), who))
    if chart.pregnant is not None:
        code, display = PREGNANT[chart.pregnant]
        status = {"valueCodeableConcept": concept_of(display, f"SNOMED:{code}")}
        found.append(_measured("Pregnancy status", "82810-3", status, "social-history", at(arrival, 0), who))
    return found


def _observation(reading: Reading, category: str, arrival: datetime, who: dict[str, str]) -> dict[str, Any]:
    """A reading. Its LOINC code is given where the unit is the one the code is for."""
    fits = reading.name in measurements() and measurements()[reading.name]["unit"] == reading.unit
    code = loinc_of(reading.name) if fits else None
    value = _quantity(reading.value, reading.unit)
    return _measured(reading.name, code, value, category, at(arrival, reading.minutes), who)


def _measured(
    text: str, loinc: str | None, value: dict[str, Any], category: str, when: str, who: dict[str, str]
) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [_coded("observation-category", category)],
        "code": concept_of(text, f"LOINC:{loinc}" if loinc else ""),
        "subject": who,
        "effectiveDateTime": when,
        **value,
    }


def _quantity(value: float, unit: str) -> dict[str, Any]:
    """A quantity, its unit coded where it is UCUM."""
    coded = {"system": UCUM, "code": unit} if is_ucum(unit) else {}
    return {"valueQuantity": {"value": value} | ({"unit": unit} if unit else {}) | coded}


def _finding(name: str, words: str, arrival: datetime, who: dict[str, str]) -> dict[str, Any]:
    return _measured(name, None, {"valueString": words} if words else {}, "exam", at(arrival, 0), who)


def _note(text: str, arrival: datetime, who: dict[str, str]) -> dict[str, Any]:
    return {
        "resourceType": "DocumentReference",
        "meta": {"tag": [{"system": OWN + "part", "code": "note"}]},
        "status": "current",
        "type": {"text": "chart note"},
        "subject": who,
        "date": at(arrival, 0),
        "content": [{"attachment": attachment(text)}],
    }


def _media(picture: Picture, arrival: datetime, who: dict[str, str]) -> dict[str, Any]:
    """An image with its pixels."""
    scale = [{"url": OWN + "mm-per-pixel", "valueDecimal": picture.mm_per_pixel}]
    resource: dict[str, Any] = {
        "resourceType": "Media",
        "identifier": [{"system": OWN + "image", "value": picture.id}],
        "status": "completed",
        "subject": who,
        "createdDateTime": at(arrival, picture.minutes),
        "content": {"contentType": "image/png", "data": b64encode(picture.png).decode()},
    }
    words = {"modality": picture.modality, "bodySite": picture.body_part, "view": picture.view}
    resource |= {key: {"text": text} for key, text in words.items() if text}
    return resource | ({"extension": scale} if picture.mm_per_pixel is not None else {})

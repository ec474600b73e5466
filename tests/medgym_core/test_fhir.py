"""What FHIR promises: what is written reads back equal, real bundles load, a malformed one is refused with its path."""

import copy
import os
import re
import tarfile
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medgym_core.clinical import physiology
from medgym_core.clinical.fhir import from_bundle, to_bundle
from medgym_core.clinical.fhir_records import FORMS
from medgym_core.domains.triage_emergency import cases as triage
from medgym_core.errors import MedGymError
from medgym_core.types import Chart, Medication, Picture, Reading, Record

DATA = os.environ.get("MEDGYM_DATA")
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WORDS = (
    st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=1, max_size=20).map(str.strip).filter(bool)
)
NAMES = st.from_regex(r"[a-z]{2,8}(_[a-z]{1,6})?", fullmatch=True)
MINUTES = st.integers(-40_000_000, 40_000)
STATUSES = st.sampled_from(
    ["", "finished", "completed", "active", "final", "resolved", "current", "awaiting a bed", "unknown"]
)
READINGS = st.builds(
    Reading,
    st.sampled_from(["potassium", "heart_rate", "spo2", "glucose", "pain", "own_score"]),
    st.floats(-1e6, 1e6),
    st.sampled_from(["mmol/L", "/min", "%", "mg/dL", "of 10", ""]),
    MINUTES,
)
CODES = st.sampled_from(["", "ICD-10-CM:I21.4", "LOINC:2951-2", "RxNorm:6809", "SNOMED:44465007", "CVX:140", "urn:x|7"])
RECORDS = st.builds(
    Record,
    st.sampled_from([f.kind for f in FORMS] + ["nursing", "death"]),
    WORDS,
    MINUTES,
    st.none() | MINUTES,
    CODES,
    STATUSES,
    st.just("") | WORDS,
    st.dictionaries(WORDS, st.just("") | WORDS, max_size=3),
)
PICTURES = st.builds(
    Picture, WORDS, WORDS, WORDS, st.binary(min_size=1), st.none() | st.floats(0.01, 5), st.just("") | WORDS, MINUTES
)


@st.composite
def charts(draw):
    months = draw(st.none() | st.integers(0, 60))
    return Chart(
        patient_id=draw(WORDS),
        age=draw(st.integers(0, 110)) if months is None else months // 12,
        sex=draw(st.sampled_from(["female", "male"])),
        age_months=months,
        weight_kg=draw(st.none() | st.floats(1, 300)),
        height_cm=draw(st.none() | st.floats(30, 220)),
        pregnant=draw(st.none() | st.booleans()),
        gestation_days=draw(st.none() | st.integers(0, 300)),
        complaint=draw(st.just("") | WORDS),
        arrival=draw(st.just("") | WORDS),
        conditions=draw(st.lists(st.sampled_from(["gout", "hypertension"]) | WORDS, max_size=3)),
        medications=draw(
            st.lists(
                st.builds(Medication, WORDS, st.sampled_from(["", "5 mg", "2 puffs"]), st.just("") | WORDS), max_size=3
            )
        ),
        allergies=draw(st.none() | st.lists(WORDS, max_size=3)),
        vitals=draw(st.lists(READINGS, max_size=4)),
        labs=draw(st.lists(READINGS, max_size=4)),
        notes=draw(st.lists(st.just("") | WORDS, max_size=2)),
        observations=draw(st.dictionaries(NAMES, st.just("") | WORDS, max_size=3)),
        records=draw(st.lists(RECORDS, max_size=4)),
        images=draw(st.lists(PICTURES, max_size=2)),
    )


def a_chart():
    """One chart with something of everything."""
    fields = physiology.base_chart(
        Random(4), age=70, sex="female", comorbid=3, complaint="chest pain", arrival="ambulance"
    )
    return Chart(
        **fields
        | {
            "vitals": physiology.sample_vitals(Random(4), age=70),
            "labs": physiology.sample_labs(Random(4), ["cmp", "cbc"], age=70, sex="female", minutes=-30),
            "allergies": ["penicillin"],
            "pregnant": False,
            "observations": {"consciousness": "alert"},
            "notes": ["Came by herself."],
            "records": [
                Record(f.kind, f"a {f.kind}", -60, -30, "ICD-10-CM:I21.4", "", "words", {"a": "b"}) for f in FORMS
            ],
            "images": [Picture("i1", "chest radiograph", "chest", b"\x89PNG", 0.5, "PA")],
        }
    )


@QUICK
@given(charts(), st.sampled_from(["2024-01-01T00:00:00+00:00", "2023-12-31T23:59:00-05:00"]))
def test_a_chart_reads_back_equal_from_its_bundle(chart, arrived):
    bundle = to_bundle(chart, arrived)
    assert from_bundle(bundle) == chart
    assert from_bundle(msgspec.json.encode(bundle)) == chart
    assert not list(faults(bundle))


def test_charts_of_generated_cases_read_back_equal():
    for make in triage.TYPES.values():
        for seed in range(3):
            chart = make(Random(seed), None).chart
            chart = msgspec.structs.replace(chart, pending={}, pending_findings={})
            assert from_bundle(to_bundle(chart)) == chart


def test_results_that_do_not_exist_yet_are_not_written():
    chart = a_chart()
    waiting = msgspec.structs.replace(
        chart, pending={"troponin": [Reading("troponin", 88, "ng/L")]}, pending_findings={"ct": {}}
    )
    assert to_bundle(waiting) == to_bundle(chart)


def test_bundles_carry_the_codes_of_the_field():
    written = msgspec.json.encode(to_bundle(a_chart())).decode()
    for expected in (
        '"http://loinc.org","code":"2823-3"',
        '"http://unitsofmeasure.org","code":"mmol/L"',
        "icd-10-cm",
        "rxnorm",
    ):
        assert expected in written.replace('", "', '","'), expected


def test_a_reading_in_another_unit_does_not_borrow_the_loinc_code():
    chart = Chart(patient_id="P1", age=40, sex="male", labs=[Reading("glucose", 5.5, "mmol/L")])
    assert "2345-7" not in msgspec.json.encode(to_bundle(chart)).decode()
    assert from_bundle(to_bundle(chart)) == chart


REQUIRED = {
    "Patient": [],
    "Encounter": ["status", "class"],
    "Condition": ["subject"],
    "Observation": ["status", "code"],
    "MedicationStatement": ["status", "subject", "medicationCodeableConcept"],
    "MedicationRequest": ["status", "intent", "subject", "medicationCodeableConcept"],
    "AllergyIntolerance": ["patient"],
    "Procedure": ["status", "subject"],
    "Immunization": ["status", "vaccineCode", "patient", "occurrenceDateTime"],
    "DiagnosticReport": ["status", "code"],
    "ServiceRequest": ["status", "intent", "subject"],
    "DocumentReference": ["status", "content"],
    "Media": ["status", "content"],
}
VALUE_SETS = {f.resource: set(f.statuses.split()) for f in FORMS} | {
    "Observation": {"final"},
    "MedicationStatement": {"active"},
    "Media": {"completed"},
}
DATE = re.compile(r"\d{4}(-\d\d(-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d)?)?")


def faults(bundle):
    """What breaks the structural rules of FHIR R4."""
    addresses = [e["fullUrl"] for e in bundle["entry"]]
    if len(set(addresses)) != len(addresses):
        yield "addresses repeat"
    for entry in bundle["entry"]:
        resource = entry["resource"]
        kind = resource["resourceType"]
        if entry["fullUrl"] != f"urn:uuid:{resource['id']}" or not re.fullmatch(r"[A-Za-z0-9.-]{1,64}", resource["id"]):
            yield f"id of {kind}"
        yield from (f"{kind} without {name}" for name in REQUIRED[kind] if name not in resource)
        if "status" in resource and resource["status"] not in VALUE_SETS[kind]:
            yield f"{kind} status {resource['status']}"
    yield from walk(bundle, set(addresses))


def walk(value, addresses, key=""):
    if value in ("", [], {}) or value is None:
        yield f"empty {key}"
    if isinstance(value, dict):
        for name, member in value.items():
            yield from walk(member, addresses, name)
    elif isinstance(value, list):
        for member in value:
            yield from walk(member, addresses, key)
    elif key == "reference" and value not in addresses:
        yield f"reference {value}"
    elif (
        key.endswith("DateTime") or key in ("birthDate", "start", "end", "date", "authoredOn")
    ) and not DATE.fullmatch(value):
        yield f"{key} {value}"


def paths(value, path=()):
    """Every path inside a JSON document."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield (*path, key)
        yield from paths(member, (*path, key))


def test_no_damage_to_any_element_breaks_anything_but_the_bundle():
    """Each element in turn missing or replaced: the bundle loads, or is refused with a path inside it."""
    whole = to_bundle(a_chart())
    kinds = set()
    entries = [e for e in whole["entry"] if (r := e["resource"]["resourceType"]) not in kinds and not kinds.add(r)]
    whole = {**whole, "entry": entries}
    from_bundle(whole)
    refused = 0
    for path in paths(whole):
        for bad in (None, [], {}, "x", -1, 1e999):
            bundle = copy.deepcopy(whole)
            at = bundle
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = bad
            try:
                from_bundle(bundle)
            except MedGymError as error:
                assert "Bundle" in str(error) and "\n" not in str(error)
                refused += 1
    assert refused > 500


def damaged(change):
    bundle = to_bundle(a_chart())
    index = {e["resource"]["resourceType"]: i for i, e in reversed(list(enumerate(bundle["entry"])))}
    change(bundle["entry"], index)
    with pytest.raises(MedGymError) as caught:
        from_bundle(bundle)
    return str(caught.value), index


def test_a_bad_value_is_told_with_its_path_what_stands_there_and_what_was_expected():
    def change(entry, index):
        entry[index["Observation"]]["resource"]["valueQuantity"]["value"] = "high"

    told, index = damaged(change)
    assert f"Bundle.entry[{index['Observation']}].resource.valueQuantity.value" in told
    assert "got 'high'; expected a number" in told


@pytest.mark.parametrize(
    ("kind", "key", "value", "told"),
    [
        ("Patient", "birthDate", "yesterday", "not a FHIR date"),
        ("Patient", "birthDate", "2031-05-05", "born after arrival"),
        ("Patient", "gender", "blue", "female, male"),
        ("Encounter", "period", {}, "period.start"),
        ("Observation", "status", "good", "value set"),
        ("Observation", "subject", {"reference": "urn:uuid:0"}, "does not lead to the patient"),
        ("Observation", "encounter", {"reference": "urn:uuid:0"}, "leads nowhere"),
        ("Observation", "effectiveDateTime", "2024-01-01T00:00:00", "without a zone"),
        ("Condition", "clinicalStatus", {"coding": "active"}, "clinicalStatus.coding"),
        ("Media", "content", {"contentType": "image/png", "data": "%"}, "not base64"),
        ("Procedure", "status", "done", "value set"),
    ],
)
def test_malformed_elements_are_refused(kind, key, value, told):
    message, index = damaged(lambda entry, index: entry[index[kind]]["resource"].update({key: value}))
    assert told in message and f"entry[{index[kind]}].resource" in message


def test_what_is_no_bundle_is_refused():
    for source in (b"{", b"[]", b"{}", b'{"resourceType":"Patient"}', b'{"resourceType":"Bundle","type":"collection"}'):
        with pytest.raises(MedGymError, match="Bundle"):
            from_bundle(source)


def test_a_patient_without_birth_date_is_refused():
    message, _ = damaged(lambda entry, index: entry[index["Patient"]]["resource"].pop("birthDate"))
    assert "birthDate" in message or "element is missing" in message


def foreign(*resources):
    """A bundle as another system writes it."""
    patient = {"resourceType": "Patient", "id": "1", "gender": "male", "birthDate": "1980-06-15"}
    visit = {"resourceType": "Encounter", "id": "2", "status": "finished", "class": {"code": "AMB"}}
    visit["period"] = {"start": "2020-06-14T10:00:00+00:00"}
    entries = [{"resource": r} for r in (patient, visit, *resources)]
    return from_bundle({"resourceType": "Bundle", "type": "searchset", "entry": entries})


def observed(code, value, unit, when="2020-06-14T09:00:00+00:00"):
    quantity = {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
    coding = [{"system": "http://loinc.org", "code": code, "display": "Some Test [Mass/volume]"}]
    lab = {"coding": [{"code": "laboratory"}]}
    base = {"resourceType": "Observation", "status": "final", "category": [lab], "subject": {"reference": "Patient/1"}}
    return base | {"code": {"coding": coding}, "effectiveDateTime": when, "valueQuantity": quantity}


def test_age_is_counted_to_the_day_and_nothing_unknown_is_filled_in():
    chart = foreign()
    assert (chart.age, chart.age_months, chart.patient_id) == (39, None, "1")
    assert chart.allergies is None and chart.weight_kg is None and chart.pregnant is None and chart.labs == []


@pytest.mark.parametrize(
    ("code", "value", "unit", "expected"),
    [
        ("14749-6", 5.0, "mmol/L", Reading("glucose", 90.078, "mg/dL", -60)),
        ("14682-9", 88.4, "umol/L", Reading("creatinine", 0.999962, "mg/dL", -60)),
        ("718-7", 140, "g/L", Reading("hemoglobin", 14.0, "g/dL", -60)),
        ("2345-7", 90, "mg/dL", Reading("glucose", 90, "mg/dL", -60)),
        ("2345-7", 90, "arbitrary", Reading("glucose", 90, "arbitrary", -60)),
        ("99999-9", 3, "mg", Reading("some_test_mass_volume", 3, "mg", -60)),
    ],
)
def test_units_are_converted_by_a_sourced_factor_or_kept(code, value, unit, expected):
    assert foreign(observed(code, value, unit)).labs == [expected]


def test_the_latest_weight_counts_and_pounds_become_kilograms():
    early, late = observed("29463-7", 70, "kg"), observed("29463-7", 200, "[lb_av]", "2020-06-14T10:00:00+00:00")
    assert foreign(late, early).weight_kg == pytest.approx(90.7185, abs=1e-3)
    with pytest.raises(MedGymError, match="unit that cannot be read"):
        foreign(observed("29463-7", 11, "stone"))


def test_refuted_resolved_and_erroneous_entries_are_no_facts():
    def allergy(**more):
        coded = {"verificationStatus": {"coding": [{"code": more.pop("verified", "confirmed")}]}}
        base = {"resourceType": "AllergyIntolerance", "patient": {"reference": "Patient/1"}, "code": {"text": "latex"}}
        return base | coded | more

    resolved = {"clinicalStatus": {"coding": [{"code": "resolved"}]}}
    assert foreign(allergy()).allergies == ["latex"]
    assert foreign(allergy(verified="refuted")).allergies is None
    assert foreign(allergy(**resolved)).allergies is None
    none = {"text": "No known allergy", "coding": [{"system": "http://snomed.info/sct", "code": "716186003"}]}
    assert foreign(allergy(code=none)).allergies == []
    wrong = observed("2345-7", 900, "mg/dL") | {"status": "entered-in-error"}
    assert foreign(wrong).labs == []
    done = {"resourceType": "Procedure", "code": {"text": "suture"}, "performedDateTime": "2020-06-14T10:05:00+00:00"}
    assert [r.kind for r in foreign(done | {"status": "entered-in-error"}).records] == ["encounter"]
    assert foreign(done | {"status": "completed"}).records[1] == Record("procedure", "suture", 5, status="completed")


def test_active_conditions_and_medicines_are_current_and_the_rest_is_history():
    def condition(name, status):
        coded = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": status}]}
        return {"resourceType": "Condition", "clinicalStatus": coded, "code": {"text": name}, "onsetDateTime": "2019"}

    dosage = {"timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}, "asNeededBoolean": True}
    order = {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "dosageInstruction": [dosage]}
    order |= {"medicationCodeableConcept": {"text": "Ibuprofen 200 MG"}, "authoredOn": "2020-06-14T10:00:00+00:00"}
    stopped = order | {"status": "stopped", "medicationCodeableConcept": {"text": "Amoxicillin"}}
    chart = foreign(condition("gout", "active"), condition("cold", "resolved"), order, stopped)
    assert chart.conditions == ["gout"]
    assert chart.medications == [Medication("Ibuprofen 200 MG", "", "2 times in 1 d as needed")]
    assert [(r.kind, r.name, r.status) for r in chart.records[1:]] == [
        ("diagnosis", "gout", "active"),
        ("diagnosis", "cold", "resolved"),
        ("medication", "Ibuprofen 200 MG", "active"),
        ("medication", "Amoxicillin", "stopped"),
    ]


@pytest.mark.skipif(not DATA, reason="MEDGYM_DATA is not set")
def test_every_synthea_bundle_loads_and_reads_back_equal():
    archive = Path(DATA) / "structured" / "synthea_fhir_r4_sample.tar.xz"
    charts = []
    with tarfile.open(archive) as files:
        for member in files:
            if member.name.endswith(".json"):
                charts.append(from_bundle(files.extractfile(member).read()))
    assert len(charts) == 60
    assert sum(len(c.labs) for c in charts) > 2500 and sum(len(c.records) for c in charts) > 2500
    assert sum(c.allergies is not None for c in charts) == 5
    for chart in charts:
        assert chart.weight_kg and chart.vitals and max(r.minutes for r in chart.vitals) <= 24 * 60
        written = to_bundle(chart)
        assert from_bundle(written) == chart
        assert not list(faults(written))

"""The facts and formulas of the medication safety domain."""

from pathlib import Path

import pytest

from medgym_core import domains
from medgym_core.domains.drug_interaction import rules
from medgym_core.domains.drug_interaction.rules import table
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World
from medgym_core.types import Chart, Medication, Reading

TOOLS = domains.get("drug_interaction").tools
LISTED = Chart(
    "P1", 70, "male", weight_kg=75,
    medications=[Medication("simvastatin", "40 mg", "once daily"), Medication("cetirizine")],
    allergies=["penicillin"], labs=[Reading("creatinine", 2.4, "mg/dL", -90), Reading("creatinine", 1.0, "mg/dL")],
)  # fmt: skip
BARE = Chart("P2", 70, "female")


@pytest.mark.parametrize(
    "age, weight, creatinine, sex, expected",
    [
        (60, 80, 1.2, "male", 74.1),  # superglobalcalculator.com, creatinine clearance, example 1
        (45, 60, 0.9, "female", 74.8),  # superglobalcalculator.com, pharmacology, example 2
        (50, 80, 1.0, "male", 100.0),  # theprimecalculator.com, creatinine clearance, worked example
        (70, 75, 1.0, "male", 72.9),  # droracle.ai, article 797449, example
    ],
)
def test_creatinine_clearance_agrees_with_published_examples(age, weight, creatinine, sex, expected) -> None:
    assert rules.creatinine_clearance(age, weight, creatinine, sex) == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize(
    "age, creatinine, sex, expected",
    [
        (55, 1.2, "male", 71),  # National Kidney Foundation calculator (kidney.org), CKD-EPI 2021
        (50, 1.1, "male", 82),  # unit test of an independent implementation of CKD-EPI 2021
    ],
)
def test_egfr_agrees_with_published_examples(age, creatinine, sex, expected) -> None:
    assert round(rules.egfr(age, creatinine, sex)) == expected


def test_the_tables_are_as_large_as_promised_and_consistent() -> None:
    assert len(table("drugs")) >= 70 and len(table("interactions")) >= 60
    classes = {e["class"] for e in table("drugs").values()}
    for rule, entry in table("interactions").items():
        assert entry["severity"] in rules.SEVERITIES
        assert {*entry["a"], *entry["b"]} <= {*table("drugs"), *classes}, rule
        assert set(entry.get("stop", [])) <= set(table("drugs")), rule
    for name in ("renal", "pregnancy", "monitoring", "food", "dosage", "cyp"):
        assert set(table(name)) <= set(table("drugs")), name
    for rule, entry in table("allergy").items():
        assert set(entry["drugs"]) <= {*table("drugs"), *classes}, rule
        assert entry["result"] in (*rules.CONFLICTS, rules.LABEL_WARNING)


def test_no_name_means_two_drugs() -> None:
    names = [rules.normal(n) for d, e in table("drugs").items() for n in (d, *e.get("aliases", []))]
    assert len(names) == len(set(names))
    assert rules.resolve("Coumadin") == "warfarin" and rules.resolve("no such drug") is None


@pytest.mark.parametrize(
    "a, b, severity",
    [
        ("simvastatin", "clarithromycin", "contraindicated"),  # Zocor label
        ("sildenafil", "nitroglycerin", "contraindicated"),  # Viagra label
        ("fluoxetine", "phenelzine", "contraindicated"),  # Prozac label
        ("warfarin", "fluconazole", "major"),
        ("clopidogrel", "omeprazole", "major"),  # Plavix label
        ("simvastatin", "amlodipine", "major"),  # Zocor label, 20 mg cap
        ("levothyroxine", "calcium carbonate", "moderate"),
        ("lisinopril", "hydrochlorothiazide", "minor"),  # Phansalkar 2013
        ("haloperidol", "pimozide", "major"),
        ("metformin", "cetirizine", None),
    ],
)
def test_known_pairs_have_the_severity_of_their_source(a: str, b: str, severity: str | None) -> None:
    assert rules.severity(a, b) == rules.severity(b, a) == severity


def test_the_whole_onc_high_priority_list_is_at_least_major(real_data: Path) -> None:
    path = real_data / "structured/ddi/ONC-High-Priority/ONC_High_Priority_Mapped.csv"
    known, low = 0, set()
    for line in path.read_text(encoding="utf-8-sig").splitlines():
        fields = line.split("$")
        a, b = (rules.resolve(fields[i]) if len(fields) > i else None for i in (0, 2))
        if a and b and a != b:
            known += 1
            if rules.severity(a, b) not in ("contraindicated", "major"):
                low.add((a, b))
    assert known >= 300 and not low


@pytest.mark.parametrize("drug", ["warfarin", "methotrexate", "isotretinoin", "misoprostol"])
def test_teratogens_are_contraindicated_in_pregnancy(drug: str) -> None:
    """The published system called 21 of 21 drugs class C."""
    pregnant = Chart("P3", 30, "female", pregnant=True)
    assert TOOLS["check_pregnancy_safety"](World(pregnant), drug=drug)[drug] == "contraindicated"


def test_unknown_pair_is_not_reported_as_safe() -> None:
    shown = TOOLS["check_interaction"](World(LISTED), drug_a="metformin", drug_b="cetirizine")
    assert list(shown.values()) == [NOT_IN_DATABASE]
    assert TOOLS["check_interaction"](World(LISTED), drug_a="metformin", drug_b="unobtainium") == {
        "metformin + unobtainium": NOT_IN_DATABASE
    }
    assert TOOLS["check_all_interactions"](World(LISTED), new_drug="unobtainium")["worst"] == NOT_IN_DATABASE
    unlisted = TOOLS["check_all_interactions"](World(LISTED), new_drug="clarithromycin")
    assert unlisted == {"worst": "contraindicated", "simvastatin": "contraindicated", NOT_IN_DATABASE: "cetirizine"}


UNKNOWN_DRUG = (
    "check_allergy", "check_pregnancy_safety", "check_dosage", "calculate_renal_dose_adjustment", "get_drug_info",
    "check_food_interactions", "check_cyp450_metabolism", "check_therapeutic_drug_monitoring", "search_alternatives",
)  # fmt: skip


@pytest.mark.parametrize("tool", UNKNOWN_DRUG)
def test_an_unknown_drug_is_not_in_the_database(tool: str) -> None:
    unrecorded = Chart("P4", 30, "female", allergies=[], pregnant=True)
    assert TOOLS[tool](World(unrecorded), drug="unobtainium") == {"unobtainium": NOT_IN_DATABASE}


def test_missing_inputs_are_named_and_never_filled_in() -> None:
    world = World(BARE)
    assert TOOLS["calculate_creatinine_clearance"](world)["missing"] == "creatinine"
    weightless = Chart("P5", 70, "male", labs=[Reading("creatinine", 1.0, "mg/dL")])
    assert TOOLS["calculate_creatinine_clearance"](World(weightless))["missing"] == "weight"
    assert TOOLS["calculate_renal_dose_adjustment"](world, drug="gabapentin") == {
        "gabapentin": NOT_AVAILABLE, "missing": "creatinine"
    }  # fmt: skip
    assert TOOLS["check_allergy"](world, drug="amoxicillin") == {"amoxicillin": NOT_AVAILABLE, "missing": "allergies"}
    assert TOOLS["check_pregnancy_safety"](world, drug="warfarin")["missing"] == "pregnancy status"
    assert TOOLS["check_therapeutic_drug_monitoring"](world, drug="digoxin")["missing"] == "level"
    assert TOOLS["get_allergies"](world) == {"allergies": NOT_AVAILABLE}
    assert TOOLS["check_dosage"](world, drug="metformin")["missing"] == "dose"


def test_the_latest_creatinine_counts() -> None:
    assert TOOLS["calculate_creatinine_clearance"](World(LISTED)) == {"creatinine clearance": "73 mL/min"}


@pytest.mark.parametrize(
    "drug, allergen, result",
    [
        ("amoxicillin", "amoxicillin", "same drug"),
        ("amoxicillin", "penicillin", "same class"),
        ("cephalexin", "ampicillin", "cross-reactive"),
        ("aztreonam", "ceftazidime", "cross-reactive"),
        ("ceftriaxone", "penicillin", "label warning"),
        ("naproxen", "aspirin", "cross-reactive"),
        ("sacubitril-valsartan", "lisinopril", "cross-reactive"),
        ("phenytoin", "carbamazepine", "cross-reactive"),
        ("doxycycline", "penicillin", "no listed conflict"),
    ],
)
def test_allergies_reach_class_and_cross_reactions(drug: str, allergen: str, result: str) -> None:
    chart = Chart("P6", 40, "male", allergies=[allergen])
    assert TOOLS["check_allergy"](World(chart), drug=drug)[drug] == result


def test_an_unknown_allergen_is_not_reported_as_free_of_conflict() -> None:
    chart = Chart("P7", 40, "male", allergies=["unobtainium"])
    assert TOOLS["check_allergy"](World(chart), drug="amoxicillin")["amoxicillin"] == NOT_IN_DATABASE


@pytest.mark.parametrize(
    "drug, value, decision",
    [
        ("enoxaparin", 29, "reduce"),
        ("enoxaparin", 30, "no change"),
        ("nitrofurantoin", 59, "avoid"),
        ("metformin", 44, "avoid"),
        ("metformin", 45, "no change"),
        ("dabigatran", 30, "reduce"),
        ("dabigatran", 31, "no change"),
        ("dofetilide", 19, "avoid"),
        ("dofetilide", 60, "reduce"),
        ("ceftriaxone", 15, "no change"),
    ],
)
def test_renal_decisions_change_at_the_limit_of_the_label(drug: str, value: int, decision: str) -> None:
    assert rules.renal_dose(drug, value)[0] == decision


def test_below_the_lowest_band_there_is_no_dose() -> None:
    assert rules.renal_dose("dabigatran", 10) is None


def test_stopping_and_prescribing_change_the_list() -> None:
    world = World(LISTED)
    TOOLS["stop_medication"](world, drug="Zocor")
    assert TOOLS["get_patient_medications"](world) == {"medications": "cetirizine"}
    TOOLS["prescribe_medication"](world, drug="clarithromycin")
    assert TOOLS["get_patient_medications"](world) == {"medications": "cetirizine, clarithromycin"}
    assert TOOLS["check_all_interactions"](world)["worst"] == NOT_IN_DATABASE
    for tool, drug in (("stop_medication", "simvastatin"), ("prescribe_medication", "cetirizine")):
        with pytest.raises(ToolError):
            TOOLS[tool](world, drug=drug)


def test_the_dose_limit_follows_age() -> None:
    old, young = (
        Chart("P8", age, "male", medications=[Medication("citalopram", "40 mg", "once daily")]) for age in (70, 50)
    )
    assert TOOLS["check_dosage"](World(old), drug="citalopram")["citalopram"] == "above maximum"
    assert TOOLS["check_dosage"](World(young), drug="citalopram")["citalopram"] == "within maximum"


def test_every_drug_is_a_document_with_its_source() -> None:
    documents = list(domains.get("drug_interaction").documents())
    assert len(documents) == len(table("drugs"))
    warfarin = next(d for d in documents if d.title == "warfarin")
    text = " ".join(t for _, t in warfarin.sections)
    assert "fluconazole" in text and "contraindicated" in text and "Coumadin" in warfarin.source
    assert all(len(d.sections) >= 1 and all(t for _, t in d.sections) for d in documents)

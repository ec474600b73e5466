"""The tools that dose by liver and weight and that screen whole lists."""

from random import Random

import pytest

from medgym_core import domains
from medgym_core.domains.drug_interaction import regimens, rules
from medgym_core.domains.drug_interaction.rules import table
from medgym_core.gates import play
from medgym_core.probes import reference_texts
from medgym_core.tasks import task_of
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World
from medgym_core.types import Chart, Medication, Reading, Record

DOMAIN = domains.get("drug_interaction")
TOOLS = DOMAIN.tools
NEW = (
    "hepatic_dose", "lactation_safety", "pediatric_dose", "qt_risk", "beers_screen", "anticholinergic_burden",
    "opioid_total", "reconciliation",
)  # fmt: skip


def taking(*drugs: str, age: int = 70, **more) -> World:
    return World(Chart("P1", age, "female", medications=[Medication(d) for d in drugs], **more))


def test_everything_the_published_tools_can_do_is_there() -> None:
    wanted = {
        "get_drug_info", "search_drugs_by_class", "check_interaction", "check_all_interactions",
        "get_patient_medications", "search_alternatives", "check_dosage", "check_cyp450_metabolism",
        "calculate_renal_dose_adjustment", "calculate_hepatic_dose_adjustment", "check_pregnancy_safety",
        "calculate_interaction_severity_score", "check_food_interactions", "get_pharmacokinetics",
        "check_therapeutic_drug_monitoring", "think", "submit_answer",
    }  # fmt: skip
    assert wanted <= set(TOOLS)


@pytest.mark.parametrize(
    "a, b, score",
    [
        ("simvastatin", "clarithromycin", 4),
        ("warfarin", "fluconazole", 3),
        ("levothyroxine", "calcium carbonate", 2),
        ("lisinopril", "hydrochlorothiazide", 1),
    ],
)
def test_the_severity_score_follows_the_severity(a: str, b: str, score: int) -> None:
    shown = TOOLS["calculate_interaction_severity_score"](World(Chart("P1", 50, "male")), drug_a=a, drug_b=b)
    assert next(iter(shown.values())) == score


def test_an_unknown_pair_has_no_score() -> None:
    for other in ("cetirizine", "unobtainium"):
        shown = TOOLS["calculate_interaction_severity_score"](taking(), drug_a="metformin", drug_b=other)
        assert list(shown.values()) == [NOT_IN_DATABASE]
    with pytest.raises(ToolError):
        TOOLS["calculate_interaction_severity_score"](taking(), drug_a="Zocor", drug_b="simvastatin")


@pytest.mark.parametrize(
    "drug, child_pugh, decision",
    [
        ("apixaban", "A", "no change"),  # Eliquis label
        ("apixaban", "C", "avoid"),
        ("carvedilol", "C", "avoid"),  # Coreg label: contraindicated in severe impairment
        ("sertraline", "A", "reduce"),  # Zoloft label: half the dose, Child-Pugh 5 or 6
        ("sertraline", "B", "avoid"),
        ("metformin", "A", "avoid"),
        ("tadalafil", "B", "reduce"),
        ("warfarin", "B", "see label"),
        ("carvedilol", "A", NOT_IN_DATABASE),
        ("unobtainium", "A", NOT_IN_DATABASE),
    ],
)
def test_liver_decisions_are_those_of_the_label(drug: str, child_pugh: str, decision: str) -> None:
    shown = TOOLS["calculate_hepatic_dose_adjustment"](taking(), drug=drug, child_pugh=child_pugh)
    assert shown[drug] == decision


def test_the_liver_class_needs_all_its_inputs() -> None:
    labs = [Reading("bilirubin", 4.0, "mg/dL"), Reading("albumin", 2.5, "g/dL"), Reading("inr", 1.8, "{ratio}")]
    seen = {"ascites": "slight", "encephalopathy": "grade 1-2"}
    world = World(Chart("P1", 60, "male", labs=labs, observations=seen))
    assert TOOLS["get_liver_function"](world)["child-pugh"] == "class C, 12 points"
    for lab in labs:
        less = World(Chart("P1", 60, "male", labs=[r for r in labs if r != lab], observations=seen))
        shown = TOOLS["get_liver_function"](less)
        assert shown["child-pugh"] == NOT_AVAILABLE and shown["missing"] == lab.name


@pytest.mark.parametrize(
    "drug, weight, dose",
    [
        ("acetaminophen", 20, "300 mg"),  # 15 mg/kg
        ("ibuprofen", 12, "120 mg"),  # 10 mg/kg
        ("amoxicillin", 20, "450 mg"),  # 45 mg/kg a day in two doses
        ("ceftriaxone", 50, "4000 mg"),  # meningitis, at most 4 g
        ("epinephrine", 20, "0.2 mg"),  # 0.01 mg/kg
        ("epinephrine", 45, "0.3 mg"),
        ("levetiracetam", 20, "1200 mg"),  # status epilepticus, 60 mg/kg
    ],
)
def test_children_are_dosed_by_weight_up_to_the_maximum(drug: str, weight: float, dose: str) -> None:
    child = World(Chart("P1", 8, "male", weight_kg=weight))
    assert TOOLS["calculate_pediatric_dose"](child, drug=drug)[drug] == dose


def test_a_child_without_weight_or_too_young_gets_no_dose() -> None:
    shown = TOOLS["calculate_pediatric_dose"](World(Chart("P1", 8, "male")), drug="ibuprofen")
    assert shown == {"ibuprofen": NOT_AVAILABLE, "missing": "weight"}
    infant = World(Chart("P1", 0, "male", age_months=3, weight_kg=6))
    assert TOOLS["calculate_pediatric_dose"](infant, drug="ibuprofen")["ibuprofen"] == "too young"
    adult = World(Chart("P1", 40, "male", weight_kg=70))
    assert TOOLS["calculate_pediatric_dose"](adult, drug="ibuprofen")["ibuprofen"] == "not a child"
    assert TOOLS["calculate_pediatric_dose"](infant, drug="apixaban")["apixaban"] == NOT_IN_DATABASE


def test_lactation_advice_needs_the_status() -> None:
    check = TOOLS["check_lactation_safety"]
    assert check(taking(age=30), drug="codeine")["missing"] == "breastfeeding status"
    assert check(taking(age=30, observations={"breastfeeding": "yes"}), drug="codeine")["codeine"] == "avoid"
    assert check(taking(age=30, observations={"breastfeeding": "no"}), drug="codeine")["codeine"] == "not breastfeeding"
    assert check(taking(age=30, observations={"breastfeeding": "yes"}), drug="x")["x"] == NOT_IN_DATABASE


@pytest.mark.parametrize(
    "drugs, potassium, magnesium, verdict",
    [
        (["metformin"], 4.2, 2.0, "none listed"),
        (["sotalol"], 4.2, 2.0, "single"),
        (["sotalol"], 3.0, 2.0, "single with electrolyte deficit"),
        (["sotalol"], 4.2, 1.1, "single with electrolyte deficit"),
        (["sotalol", "azithromycin"], 4.2, 2.0, "several"),
        (["sotalol"], None, 2.0, NOT_AVAILABLE),
        (["sotalol"], 4.2, None, NOT_AVAILABLE),
        ([], 4.2, 2.0, NOT_AVAILABLE),
    ],
)
def test_the_qt_verdict_counts_drugs_and_electrolytes(drugs, potassium, magnesium, verdict) -> None:
    labs = [Reading("potassium", potassium, "mmol/L")] if potassium else []
    labs += [Reading("magnesium", magnesium, "mg/dL")] if magnesium else []
    assert TOOLS["check_qt_risk"](taking(*drugs, labs=labs))["qt risk"] == verdict


def test_magnesium_in_another_unit_is_not_read_as_a_deficit() -> None:
    labs = [Reading("potassium", 4.0, "mmol/L"), Reading("magnesium", 0.85, "mmol/L")]
    assert TOOLS["check_qt_risk"](taking("sotalol", labs=labs))["qt risk"] == NOT_AVAILABLE


def test_beers_criteria_apply_from_sixty_five() -> None:
    shown = TOOLS["screen_beers_criteria"](taking("diphenhydramine", "warfarin", "lisinopril", "dabigatran"))
    assert shown == {
        "avoid": "diphenhydramine", "avoid in part": "warfarin", "use with caution": "dabigatran",
        "not listed": "lisinopril",
    }  # fmt: skip
    young = TOOLS["screen_beers_criteria"](taking("diphenhydramine", age=64))
    assert young["beers criteria"] == "not applicable"
    assert TOOLS["screen_beers_criteria"](taking())["beers criteria"] == NOT_AVAILABLE


def test_paroxetine_takes_the_strictest_of_its_entries() -> None:
    shown = TOOLS["explain_beers_entry"](taking(), drug="Paxil")
    assert shown["paroxetine"] == "avoid"


def test_unrated_drugs_are_named_and_not_counted_as_zero() -> None:
    shown = TOOLS["calculate_anticholinergic_burden"](taking("oxybutynin", "furosemide", "apixaban"))
    assert shown["anticholinergic burden"] == "4 points, clinically relevant" and shown["not rated"] == "apixaban"
    assert TOOLS["calculate_anticholinergic_burden"](taking())["missing"] == "medications"


def test_two_drugs_of_a_class_are_a_duplication_unless_they_belong_together() -> None:
    check = TOOLS["check_duplicate_therapy"]
    assert check(taking("lisinopril"), new_drug="ramipril") == {"ACE inhibitor": "lisinopril + ramipril"}
    assert check(taking("insulin glargine"), new_drug="insulin lispro")["duplicates"] == "no class twice"
    assert check(taking("lisinopril"), new_drug="unobtainium") == {"unobtainium": NOT_IN_DATABASE}


def test_morphine_equivalents_follow_the_published_factors() -> None:
    """CDC 2022: oxycodone 1.5, methadone 4.7, transdermal fentanyl 2.4 per mcg/h."""
    doses = [
        Medication("oxycodone", "10 mg", "twice daily"),
        Medication("methadone", "10 mg", "three times daily"),
        Medication("fentanyl", "25 mcg/h", "every 72 hours"),
    ]
    world = World(Chart("P1", 50, "male", medications=doses))
    assert TOOLS["calculate_opioid_equivalent"](world)["morphine equivalents"] == "231 mg daily"  # 30 + 141 + 60
    vague = World(Chart("P1", 50, "male", medications=[*doses, Medication("codeine")]))
    shown = TOOLS["calculate_opioid_equivalent"](vague)
    assert shown["morphine equivalents"] == NOT_AVAILABLE and "codeine" in shown["missing"]
    unfactored = World(Chart("P1", 50, "male", medications=[Medication("buprenorphine", "8 mg", "once daily")]))
    assert TOOLS["calculate_opioid_equivalent"](unfactored)["morphine equivalents"] == NOT_AVAILABLE
    assert "no opioid" in TOOLS["calculate_opioid_equivalent"](taking("metformin"))["morphine equivalents"]


@pytest.mark.parametrize(
    "drug, dose, target, expected",
    [
        ("prednisone", 40, "dexamethasone", "6 mg"),
        ("hydrocortisone", 20, "prednisone", "5 mg"),
        ("methylprednisolone", 4, "hydrocortisone", "20 mg"),
    ],
)
def test_steroid_doses_of_equal_effect(drug: str, dose: float, target: str, expected: str) -> None:
    shown = TOOLS["calculate_steroid_equivalent"](taking(), drug=drug, dose_mg=dose, target=target)
    assert shown[target] == expected
    for bad in (0, -5, float("nan"), float("inf")):
        with pytest.raises(ToolError):
            TOOLS["calculate_steroid_equivalent"](taking(), drug=drug, dose_mg=bad, target=target)


def test_reconciliation_finds_what_was_left_out_changed_and_added() -> None:
    home = [Record("home medication", d, text=t) for d, t in (("zocor", ""), ("metformin", "500 mg twice daily"))]
    ordered = [Medication("metformin", "850 mg", "twice daily"), Medication("apixaban")]
    world = World(Chart("P1", 70, "male", medications=ordered, records=home))
    assert TOOLS["reconcile_medications"](world) == {
        "left out": "simvastatin", "new": "apixaban", "changed": "metformin", "kept": "none"
    }  # fmt: skip
    assert TOOLS["reconcile_medications"](taking("apixaban"))["missing"] == "home medicines"


def test_a_level_is_found_under_its_machine_name() -> None:
    for name, unit, value in (("digoxin", "ng/mL", 2.6), ("lithium", "mmol/L", 1.6)):
        world = taking(name, labs=[Reading(name, value, unit)])
        assert TOOLS["check_therapeutic_drug_monitoring"](world, drug=name)["status"] == "above range"


def test_a_dose_that_cannot_be_read_is_missing() -> None:
    for dose in ("one tablet", "a few mg", "", "10 mg"):
        assert regimens.daily_mg(Medication("metformin", dose, "as needed")) is None


def test_transporters_and_kinetics_show_what_the_tables_hold() -> None:
    assert TOOLS["check_transporters"](taking(), drug="digoxin") == {"drug": "digoxin", "P-gp": "substrate"}
    assert TOOLS["check_transporters"](taking(), drug="warfarin") == {"warfarin": NOT_IN_DATABASE}
    assert "58 days" in TOOLS["get_pharmacokinetics"](taking(), drug="amiodarone")["half life"]
    assert TOOLS["get_drug_info"](taking(), drug="lipitor")["mechanism"] == "inhibits HMG-CoA reductase"


@pytest.mark.parametrize("kind", NEW)
def test_new_cases_hold_a_tempting_error_or_a_missing_input(kind: str) -> None:
    made = [DOMAIN.types[kind](Random(f"n/{kind}/{i}"), None) for i in range(150)]
    tasks = [task_of("drug_interaction", d) for d in made if d is not None]
    assert len(tasks) >= 50
    assert any(t.truth.unsafe for t in tasks)
    if kind != "beers_screen":
        assert any(str(t.truth.gold.value).startswith("insufficient") for t in tasks)


def test_the_tempting_answer_costs_safety_and_accuracy() -> None:
    made = (DOMAIN.types["pediatric_dose"](Random(f"c/{i}"), None) for i in range(200))
    tasks = [task_of("drug_interaction", d) for d in made if d is not None]
    tempted = [t for t in tasks if t.truth.unsafe and t.truth.unsafe[0].answers]
    assert len(tempted) >= 10
    for task in tempted:
        right = task.reference[-1].arguments["answer"]
        tempting = task.truth.unsafe[0].answers[0]
        texts = [t.replace(f'"{right}"', f'"{tempting}"') for t in reference_texts(task)]
        reward = play(task, texts, None).score()
        assert not reward.correct and reward.parts["safety"] == 0


def test_no_bystander_of_a_liver_case_is_forbidden_by_that_liver() -> None:
    made = (DOMAIN.types["hepatic_dose"](Random(f"l/{i}"), None) for i in range(150))
    for draft in (d for d in made if d is not None):
        chart = World(draft.chart)
        band = regimens.child_pugh(chart).band
        for m in draft.chart.medications:
            found = (
                regimens.hepatic_dose(rules.resolve(m.drug), band[-1]) if band and m.drug in table("hepatic") else None
            )
            assert found is None or found[0] != "avoid", (m.drug, band)

"""The psychiatric ward: sourced facts, honest tools, rules that agree with their publications."""

import lzma
import os
from pathlib import Path
from random import Random

import msgspec
import pytest

from medgym_core import domains, facts
from medgym_core.domains.psychiatry import dosing, judging, legal, patients, safety, scales
from medgym_core.domains.psychiatry.judging import Missing
from medgym_core.domains.psychiatry.tools import EXAMPLES
from medgym_core.text import tokens
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World
from medgym_core.types import Chart, Medication, Reading, Record

NAME = "psychiatry"
WARD = domains.get(NAME)
TABLES = (
    "conditions", "guidelines", "drug_rules", "rules", "monitoring", "capacity", "histories", "defaults", "stories",
    "tests", "dosing", "phrases",
)  # fmt: skip
SEED = (
    "get_patient_presentation get_psychiatric_history perform_mental_status_exam administer_phq9 administer_gad7 "
    "assess_suicide_risk screen_substance_use administer_mmse get_current_medications check_drug_interactions "
    "get_social_history review_treatment_guidelines administer_pcl5 administer_cage assess_violence_risk "
    "screen_eating_disorder assess_capacity get_involuntary_hold_criteria think submit_answer"
).split()


def chart(labs: dict[str, float] | None = None, drugs: tuple[str, ...] = (), **more: object) -> Chart:
    fields = {"patient_id": "P10000", "age": 40, "sex": "female", "weight_kg": 70.0, "height_cm": 168.0} | more
    fields.setdefault("allergies", [])
    return Chart(
        **fields, labs=[Reading(n, v, "") for n, v in (labs or {}).items()], medications=[Medication(d) for d in drugs]
    )


def run(case: Chart, name: str, world: World | None = None, **arguments: object) -> dict:
    return WARD.tools[name].result(world or World(case), arguments)


# --- facts ---


def test_facts_cover_the_field_and_name_their_sources() -> None:
    conditions = facts.load(NAME, "conditions")
    assert len(conditions) >= 28 and len(facts.load(NAME, "guidelines")) >= 10
    assert all(entry["source"] for table in TABLES for entry in facts.load(NAME, table).values())
    for name, entry in conditions.items():
        assert entry["icd10"] and entry["first_line"] and entry["avoid"] and len(entry["says"]) == 2, name
        assert set(entry["deciding"]) <= set(entry["findings"]) and len(entry["complaints"]) >= 3, name
        assert len(entry["differential"]) >= 4 and set(entry["differential"]) <= set(conditions), name


def test_deciding_findings_part_a_condition_from_its_differential() -> None:
    conditions = facts.load(NAME, "conditions")
    for name, entry in conditions.items():
        for other in entry["differential"]:
            theirs = conditions[other]["findings"]
            assert any(theirs.get(k) != entry["findings"][k] for k in entry["deciding"]), (name, other)


def test_guidelines_choose_among_known_drugs_and_conditions() -> None:
    for topic, entry in facts.load(NAME, "guidelines").items():
        assert set(entry.get("conditions", [])) <= set(facts.load(NAME, "conditions")), topic
        assert not set(entry.get("drugs", [])) & set(entry.get("not_for", [])), topic
        assert all(d in entry["first_line"] + entry["next_step"] for d in entry.get("drugs", [])), topic
        assert len(tokens(" ".join(entry[k] for k in ("first_line", "safety")))) <= 60, topic


def test_facts_become_documents() -> None:
    documents = list(WARD.documents())
    assert len(documents) >= 150
    assert all(d.source.startswith("MedGym facts: ") and all(text for _, text in d.sections) for d in documents)


def test_every_seed_tool_is_there_and_more() -> None:
    assert set(SEED) <= set(WARD.tools) and len(WARD.tools) >= 40
    assert "submit_assessment" in WARD.tools


# --- scales ---


@pytest.mark.parametrize(
    "scale", ["phq9", "gad7", "audit", "dast10", "pcl5", "epds", "mmse_screen", "ciwa_ar", "cows", "bvc"]
)
def test_answers_add_up_to_the_wanted_total_and_the_scale_agrees(scale: str) -> None:
    rng = Random(scale)
    for total in {0, 1, scales.highest(scale) // 2, scales.highest(scale)}:
        case = chart(observations=scales.answers(rng, scale, total))
        assert scales.outcome(World(case), scale).value == total


def test_broset_bands_are_those_of_almvik_2000() -> None:
    rng = Random(1)
    bands = {n: scales.outcome(World(chart(observations=scales.answers(rng, "bvc", n))), "bvc").band for n in range(7)}
    assert [bands[n] for n in (0, 1, 2, 3, 6)] == ["small risk", *["moderate risk"] * 2, *["very high risk"] * 2]


def test_cows_bands_are_those_of_wesson_and_ling_2003() -> None:
    rng, found = Random(1), {}
    for n in (4, 5, 12, 13, 24, 25, 36, 37):
        found[n] = scales.outcome(World(chart(observations=scales.answers(rng, "cows", n))), "cows").band.split()[0]
    assert list(found.values()) == ["no", "mild", "mild", "moderate", "moderate", "moderately", "moderately", "severe"]


@pytest.mark.parametrize(
    ("tool", "scale", "arguments"),
    [
        ("administer_phq9", "phq9", {}), ("administer_gad7", "gad7", {}), ("administer_mmse", "mmse_screen", {}),
        ("administer_pcl5", "pcl5", {}), ("administer_cage", "cage", {}), ("administer_audit", "audit", {}),
        ("administer_dast10", "dast10", {}), ("administer_mdq", "mdq", {}), ("administer_epds", "epds", {}),
        ("assess_withdrawal", "ciwa_ar", {"scale": "ciwa_ar"}), ("assess_withdrawal", "cows", {"scale": "cows"}),
        ("screen_eating_disorder", "scoff", {}), ("assess_violence_risk", "bvc", {}),
    ],
)  # fmt: skip
def test_an_unanswered_item_gives_no_total_and_is_named(tool: str, scale: str, arguments: dict) -> None:
    answers = scales.answers(Random(3), scale, 2)
    assert run(chart(observations=answers), tool, **arguments)[scale] == "2"
    for item in list(answers)[:2]:
        told = run(chart(observations=scales.without(answers, item)), tool, **arguments)
        assert told[scale] == NOT_AVAILABLE and item.replace("_", " ") in told["missing"]
    assert run(chart(), tool, **arguments)[scale] == NOT_AVAILABLE


@pytest.mark.parametrize("level", ["none", "low", "moderate", "high"])
def test_columbia_patterns_reach_their_level(level: str) -> None:
    for seed in range(20):
        case = chart(observations=scales.columbia(Random(seed), level))
        assert judging.suicide_level(World(case)) == level
        assert "missing" not in run(case, "assess_cssrs")


def test_suicide_screening_with_a_skipped_question_is_not_called_safe() -> None:
    answers = scales.columbia(Random(1), "none")
    for item in answers:
        case = chart(observations=scales.without(answers, item))
        assert isinstance(judging.suicide_level(World(case)), Missing)
        assert run(case, "assess_cssrs")["cssrs"] == NOT_AVAILABLE


# --- rules ---


def cam(*values: str) -> World:
    names = ("acute_fluctuating", "inattention", "disorganised", "altered_consciousness")
    return World(chart(observations={f"cam_{n}": v for n, v in zip(names, values, strict=False)}))


def test_cam_needs_onset_and_inattention_and_one_more() -> None:
    assert judging.delirium(cam("yes", "yes", "yes", "no")) is True
    assert judging.delirium(cam("yes", "yes", "no", "yes")) is True
    assert judging.delirium(cam("yes", "yes", "no", "no")) is False
    assert judging.delirium(cam("no", "yes", "yes", "yes")) is False
    assert judging.delirium(cam("yes", "no", "yes", "yes")) is False
    assert isinstance(judging.delirium(cam("yes", "yes")), Missing)


def hunter(temperature: float, *present: str) -> bool | Missing:
    items = {n: "no" for n in scales.rule("hunter")["items"]} | {f"hunter_{p}": "yes" for p in present}
    case = chart(observations=items, vitals=[Reading("temperature", temperature, "Cel")])
    return judging.serotonin_toxicity(World(case))


def test_hunter_criteria_follow_dunkley_2003() -> None:
    assert hunter(37.0, "spontaneous_clonus") is True
    assert hunter(37.0, "inducible_clonus") is False
    assert hunter(37.0, "inducible_clonus", "sweating") is True
    assert hunter(37.0, "ocular_clonus", "agitation") is True
    assert hunter(37.0, "tremor", "brisk_reflexes") is True
    assert hunter(38.5, "raised_tone", "ocular_clonus") is True
    assert hunter(38.0, "raised_tone", "ocular_clonus") is False
    assert hunter(37.0, "tremor") is False
    assert isinstance(judging.serotonin_toxicity(World(chart())), Missing)


def hold(**found: str) -> str | Missing:
    base = {
        "severe_mental_disorder": "yes", "accepts_voluntary_care": "no", "treatment_capacity": "no",
        "danger_to_self": "no", "danger_to_others": "no", "grave_deterioration": "no",
    }  # fmt: skip
    return judging.hold(World(chart(observations={f"hold_{k}": v for k, v in (base | found).items()})))


def test_detention_needs_every_criterion_of_the_model_law() -> None:
    assert hold(danger_to_self="yes, today") == "hold for danger to self"
    assert hold(danger_to_others="yes") == "hold for danger to others"
    assert hold(grave_deterioration="yes") == "hold for grave deterioration"
    assert hold() == "no hold, no danger"
    assert hold(danger_to_others="yes", severe_mental_disorder="no, a quarrel").endswith("no severe mental disorder")
    assert hold(danger_to_self="yes", accepts_voluntary_care="yes").endswith("voluntary care accepted")
    assert hold(danger_to_self="yes", treatment_capacity="yes").endswith("capacity intact")
    assert isinstance(judging.hold(World(chart())), Missing)


def lithium(level: float, hours: str = "12", signs: str = "none", drugs: tuple[str, ...] = ()) -> str | Missing:
    found = {"toxic_signs": signs} | ({"hours_after_dose": hours} if hours else {})
    return judging.lithium_action(World(chart({"lithium": level}, ("lithium", *drugs), observations=found)))


def test_a_lithium_level_is_read_as_a_trough_and_with_its_signs() -> None:
    assert [lithium(x) for x in (0.59, 0.6, 1.0, 1.1, 1.5)] == [
        "raise the dose", "no change", "no change", "lower the dose", "stop and emergency care",
    ]  # fmt: skip
    assert lithium(1.8, "3") == lithium(1.2, "20") == "repeat as trough"
    assert lithium(1.6, "20") == "stop and emergency care"
    assert lithium(1.0, signs="coarse tremor") == "stop and emergency care"
    assert [lithium(0.9, drugs=(d,)) for d in ("ibuprofen", "lisinopril", "hydrochlorothiazide")] == [
        "stop the interacting drug"
    ] * 3
    assert lithium(0.9, hours="") == Missing(["hours after dose"])


def test_three_quarters_of_the_median_body_mass_index_call_for_admission() -> None:
    def girl(weight: float, age: int = 16) -> Chart:
        return Chart("P1", age, "female", weight_kg=weight, height_cm=160)

    assert judging.admission(World(girl(39.0))) == ["bmi 15.2"] and judging.admission(World(girl(41.0))) == []
    assert judging.admission(World(girl(39.0, 35))) == []  # no median outside adolescence


def test_physostigmine_cases_hold_no_tricyclic() -> None:
    taken = {d for drugs in facts.load(NAME, "conditions")["anticholinergic toxicity"]["taking"] for d in drugs}
    assert not taken & {"amitriptyline", "nortriptyline"}


def clozapine(anc: float, *conditions: str, troponin: float = 5, chest: str = "none") -> str | Missing:
    labs = {"neutrophils": anc, "troponin": troponin}
    return judging.clozapine_action(
        World(chart(labs, conditions=[*conditions], observations={"chest_symptoms": chest}))
    )


def test_neutrophil_bands_are_those_of_the_clozapine_label() -> None:
    general = [clozapine(x) for x in (1.5, 1.49, 1.0, 0.99, 0.5, 0.49)]
    thrice, stop = "go on with anc three times weekly", "discontinue"
    assert general == ["go on", thrice, thrice, "interrupt with daily anc", "interrupt with daily anc", stop]
    benign = [clozapine(x, "benign ethnic neutropenia") for x in (1.0, 0.99, 0.5, 0.49)]
    assert benign == ["go on", thrice, thrice, stop]
    assert clozapine(4.0, troponin=200, chest="chest pain") == "discontinue for suspected myocarditis"
    assert isinstance(judging.clozapine_action(World(chart())), Missing)


def test_response_classes_by_phq9() -> None:
    pairs = ((20, 21), (20, 20), (20, 15), (20, 14), (20, 11), (20, 10), (20, 5), (20, 4))
    assert [judging.response(a, b) for a, b in pairs] == [
        "worsening", "nonresponse", "nonresponse", "partial response", "partial response", "response", "response",
        "remission",
    ]  # fmt: skip


# --- drug safety ---


def verdict(case: Chart, drug: str) -> str:
    return run(case, "check_contraindications", drug=drug)[drug]


def test_tempting_drugs_are_refused_where_they_harm() -> None:
    assert verdict(chart(conditions=["bulimia nervosa"]), "bupropion") == "contraindicated"
    assert verdict(chart(conditions=["bipolar I disorder"]), "sertraline") == "avoid"
    assert verdict(chart(drugs=("phenelzine",)), "sertraline") == "contraindicated"
    assert verdict(chart(drugs=("ibuprofen",), labs={"creatinine": 0.8}), "lithium") == "avoid"
    assert verdict(chart(labs={"creatinine": 4.0}), "lithium") == "avoid"
    assert verdict(chart(labs={"neutrophils": 1.2}), "clozapine") == "contraindicated"
    assert verdict(chart(pregnant=True), "valproate") == "contraindicated"
    assert verdict(chart(conditions=["dementia with Lewy bodies"]), "haloperidol") == "contraindicated"
    assert verdict(chart(drugs=("oxycodone",)), "naltrexone") == "contraindicated"
    qt = [Reading("qt_interval", 520, "ms"), Reading("heart_rate", 60, "/min")]
    assert verdict(chart(vitals=qt), "ziprasidone") == "contraindicated"
    benign = chart(labs={"neutrophils": 1.2}, conditions=["benign ethnic neutropenia"])
    assert verdict(benign, "clozapine") == "no listed contraindication"


def test_what_must_be_known_first_is_asked_for_and_not_assumed() -> None:
    for drug, gap in (("lithium", "creatinine"), ("clozapine", "neutrophils"), ("acamprosate", "creatinine")):
        told = run(chart(pregnant=False), "check_contraindications", drug=drug)
        assert told == {drug: NOT_AVAILABLE, "missing": gap}
    told = run(chart(labs={"creatinine": 0.8}), "check_contraindications", drug="lithium")
    assert told == {"lithium": NOT_AVAILABLE, "missing": "pregnancy status"}
    assert verdict(chart(sex="male", labs={"creatinine": 0.8}), "lithium") == "no listed contraindication"


def test_an_allergy_forbids_the_drug_and_what_crosses_with_it() -> None:
    assert verdict(chart(allergies=["citalopram"]), "escitalopram") == "contraindicated"
    assert verdict(chart(allergies=["paliperidone"]), "risperidone") == "contraindicated"
    assert verdict(chart(allergies=["diazepam"]), "lorazepam") == "contraindicated"
    assert verdict(chart(allergies=["sertraline"]), "sertraline") == "contraindicated"
    assert verdict(chart(allergies=["penicillin", "latex"]), "sertraline") == "no listed contraindication"
    told = run(chart(allergies=None), "check_contraindications", drug="sertraline")
    assert told == {"sertraline": NOT_AVAILABLE, "missing": "allergy status"}


def test_valproate_is_not_started_where_pregnancy_is_possible() -> None:
    assert verdict(chart(pregnant=False), "valproate") == "avoid"
    assert (
        verdict(chart(age=64), "valproate") == verdict(chart(sex="male"), "valproate") == "no listed contraindication"
    )


def test_unknown_drug_or_pair_is_not_reported_as_safe() -> None:
    assert run(chart(), "check_contraindications", drug="moonstone") == {"moonstone": NOT_IN_DATABASE}
    told = run(chart(drugs=("moonstone",)), "check_contraindications", drug="mirtazapine")
    assert told["pairs_not_listed"] == "moonstone"
    assert NOT_IN_DATABASE in run(chart(), "check_drug_interactions", drug_a="sertraline", drug_b="moonstone").values()
    for name, key in (("review_treatment_guidelines", "condition"), ("get_condition_facts", "condition")):
        assert NOT_IN_DATABASE in run(chart(), name, **{key: "moon sickness"}).values()
    with pytest.raises(ToolError, match="unknown drug"):
        run(chart(), "prescribe_medication", drug="moonstone")


def test_every_rule_names_a_known_ground() -> None:
    grounds = {"condition", "pregnant", "childbearing", "with", "lab", "egfr_below", "clearance_at_most", "qtc_above"}
    grounds.add("allergy")
    for name, entry in facts.load(NAME, "drug_rules").items():
        assert len(grounds & set(entry)) == 1 and entry["verdict"] in ("contraindicated", "avoid"), name
        assert set(entry["drugs"]) <= safety.known() and 1 <= entry["severity"] <= 5, name


# --- tools ---


def test_missing_findings_are_not_available() -> None:
    blank = Chart("P10000", 50, "male")
    for name in (
        "perform_mental_status_exam",
        "perform_physical_exam",
        "get_psychiatric_history",
        "get_social_history",
    ):
        assert set(run(blank, name).values()) == {NOT_AVAILABLE}, name
    assert run(blank, "check_qt")["missing"] == "qt interval, heart rate"
    assert run(blank, "get_current_medications")["allergies"] == NOT_AVAILABLE
    assert run(blank, "assess_capacity")["missing"] == "not yet assessed"
    assert run(blank, "assess_catatonia")["bfcsi"] == NOT_AVAILABLE
    assert run(blank, "monitor_lithium")["egfr"] == NOT_AVAILABLE
    assert run(blank, "get_scale_history", scale="phq9") == {"phq9": NOT_AVAILABLE}
    assert set(run(blank, "get_involuntary_hold_criteria").values()) - {NOT_AVAILABLE} == {
        scales.rule("hold")["jurisdiction"]
    }


def test_capacity_is_specific_to_the_decision() -> None:
    seen = {"capacity_decision": "dialysis", "capacity_choice": "clear and stable choice"}
    case = chart(observations=seen)
    assert run(case, "assess_capacity", decision="start dialysis")["choice"] == "clear and stable choice"
    assert run(case, "assess_capacity", decision="leg amputation")["capacity"] == NOT_AVAILABLE


def test_qtc_is_fridericia_and_flagged_by_sex() -> None:
    signs = [Reading("qt_interval", 456, "ms"), Reading("heart_rate", 60, "/min")]
    assert run(chart(vitals=signs, sex="male"), "check_qt") == {"qtc": "456 ms", "prolonged": "yes", "above_500": "no"}
    assert run(chart(vitals=signs), "check_qt")["prolonged"] == "no"
    fast = [Reading("qt_interval", 400, "ms"), Reading("heart_rate", 100, "/min")]
    assert run(chart(vitals=fast), "check_qt")["qtc"] == "474 ms"  # 400 / 0.6^(1/3) = 474.3


def test_results_come_after_the_order_on_the_simulated_clock() -> None:
    case = msgspec.structs.replace(
        chart(drugs=("lithium",)),
        pending={"lithium": [Reading("lithium", 1.8, "mmol/L", 60)]},
        pending_findings={"lithium": {"hours_after_dose": "12"}},
    )
    world = World(case)
    assert run(case, "get_test_results", world)["missing"] == "nothing ordered"
    run(case, "order_lab", world, test="lithium")
    assert run(case, "monitor_lithium", world)["lithium"] == NOT_AVAILABLE  # ordered is not resulted
    assert run(case, "get_test_results", world) == {"lithium": "1.8 mmol/L", "hours_after_dose": "12"}
    assert world.minutes >= 60 and run(case, "monitor_lithium", world)["lithium"] == "1.8 mmol/L"
    run(case, "order_lab", world, test="tsh")
    assert run(case, "get_test_results", world)["tsh"] == NOT_AVAILABLE  # never invented


def test_writing_tools_change_the_episode() -> None:
    case = chart(drugs=("lithium",))
    world = World(case)
    run(case, "prescribe_medication", world, drug="Prozac", dose="20 mg")
    run(case, "stop_medication", world, drug="lithium")
    assert "nothing stopped" in run(case, "stop_medication", world, drug="sertraline")["sertraline"]
    run(case, "set_observation_level", world, level="constant")
    run(case, "place_involuntary_hold", world, ground="Danger to self")
    assert world.written == [
        {"prescribed": "fluoxetine", "dose": "20 mg"},
        {"stopped": "lithium"},
        {"observation": "constant"},
        {"hold": "danger to self"},
    ]


def test_the_general_scale_tool_shows_what_the_tools_of_one_scale_show() -> None:
    case = chart(observations=scales.answers(Random(4), "phq9", 14) | scales.answers(Random(4), "bvc", 3))
    assert run(case, "administer_scale", scale="PHQ-9") == run(case, "administer_phq9")
    assert run(case, "administer_scale", scale="bvc")["bvc"] == run(case, "assess_violence_risk")["bvc"] == "3"
    with pytest.raises(ToolError, match="unknown scale"):
        run(case, "administer_scale", scale="aura")


def test_one_result_comes_with_its_age() -> None:
    old = msgspec.structs.replace(chart(), labs=[Reading("lithium", 0.8, "mmol/L", -90 * 24 * 60)])
    assert run(old, "get_lab_result", test="lithium") == {"lithium": "0.8 mmol/L", "taken": "90 days ago"}
    assert run(chart({"glucose": 90}), "get_lab_result", test="Glucose") == {"glucose": "90"}
    assert run(chart(), "get_lab_result", test="tsh") == {"tsh": NOT_AVAILABLE}


# --- doses, confidentiality, restraint ---


def test_doses_for_minors_are_those_of_the_labels() -> None:
    assert dosing.daily_mg("atomoxetine", "starting", 40) == 20 and dosing.daily_mg("atomoxetine", "target", 40) == 48
    assert dosing.daily_mg("atomoxetine", "starting", 71) == 40 and dosing.daily_mg("atomoxetine", "target", 71) == 80
    assert dosing.daily_mg("atomoxetine", "maximum", 50) == 70 and dosing.daily_mg("atomoxetine", "maximum", 80) == 100
    assert dosing.daily_mg("atomoxetine", "target", 40, "Child-Pugh B") == 24
    assert dosing.daily_mg("clomipramine", "first-two-weeks maximum", 30) == 90
    assert dosing.daily_mg("clomipramine", "first-two-weeks maximum", 60) == 100
    assert dosing.daily_mg("clomipramine", "post-titration maximum", 60) == 180
    assert run(chart(), "get_dose_rule", drug="moonstone") == {"moonstone": NOT_IN_DATABASE}


def asked(standing: str, *words: tuple[int, str], target: str = "no", near: str = "no") -> str | Missing:
    records = [Record("consent", f"{-days}", -days * legal.DAY, status=status, text=status) for days, status in words]
    found = {"request_standing": standing, "threat_identifiable": target, "threat_imminent": near}
    return legal.disclosure(World(chart(observations=found, records=records)))


def test_confidentiality_yields_to_a_threat_and_to_the_latest_word() -> None:
    warn, tell, release, keep, unknown = scales.rule("disclosure")["outcomes"]
    kin, other = legal.RELATIVE, "no part in the care"
    assert asked(other, target="yes, names her", near="yes, tonight") == warn
    assert asked(kin, (1, "refused"), target="yes", near="yes") == warn
    assert asked(kin, (1, "agreed"), target="yes", near="no") == tell
    assert asked(kin) == unknown and asked(other) == keep
    assert asked(kin, (1, "agreed"), (200, "refused")) == tell
    assert asked(kin, (1, "refused"), (200, "agreed")) == keep
    assert asked(other, (9, "agreed")) == release and asked(other, (9, "agreed"), (1, "revoked")) == keep
    assert isinstance(legal.disclosure(World(chart())), Missing)


def test_restraint_orders_end_by_age_and_with_the_danger() -> None:
    def limit(age: int, danger: str) -> str | Missing:
        return legal.restraint_limit(World(chart(age=age, observations={"danger_now": danger})))

    ages = (8, 9, 17, 18)
    assert [limit(a, "yes, bites") for a in ages] == ["1 hour", "2 hours", "2 hours", "4 hours"]
    assert {limit(a, "no, calm") for a in ages} == {"end it now"}
    assert isinstance(legal.restraint_limit(World(chart())), Missing)


def test_wrong_names_are_answered_with_the_valid_ones() -> None:
    bad = (
        ("order_lab", {"test": "aura"}), ("place_involuntary_hold", {"ground": "rudeness"}),
        ("set_observation_level", {"level": "never"}), ("assess_withdrawal", {"scale": "x"}),
        ("get_scale_history", {"scale": " "}), ("submit_assessment", {}),
    )  # fmt: skip
    for name, arguments in bad:
        with pytest.raises(ToolError):
            run(chart(), name, **arguments)


def test_examples_cover_every_tool_that_needs_arguments() -> None:
    for name, tool in WARD.tools.items():
        if tool.schema["function"]["parameters"]["required"] and name != "submit_answer":
            assert EXAMPLES.get(name), name


def test_background_is_seeded_and_physiological() -> None:
    for seed in range(40):
        case = patients.chart(
            Random(seed), patients.person(Random(seed), 3), patients.examined(Random(seed), {}, 1), qt_corrected=420
        )
        again = patients.chart(
            Random(seed), patients.person(Random(seed), 3), patients.examined(Random(seed), {}, 1), qt_corrected=420
        )
        assert case == again
        value = judging.qtc(World(case))
        assert value is not None and abs(value - 420) <= 2


def test_codes_stand_in_the_public_icd_10_cm_list() -> None:
    root = os.environ.get("MEDGYM_DATA")
    path = Path(root or "") / "structured" / "icd" / "icd2ccsr.txt.xz"
    if not root or not path.is_file():
        pytest.skip("needs the public ICD data of MEDGYM_DATA")
    listed = {line.split()[0] for line in lzma.open(path, "rt", encoding="utf-8", errors="replace") if line.strip()}
    new = {"F4381"}  # prolonged grief disorder, in force since October 2022, later than that list
    codes = {entry["icd10"].replace(".", "") for entry in facts.load(NAME, "conditions").values()}
    assert codes - new <= listed

"""The pathway state: a pure function of chart, actions and minutes; late tools read what early actions produced."""

from random import Random
from typing import Any

import pytest

from medgym_core import domains
from medgym_core.domains.cross_domain import pathway, patients
from medgym_core.tools import ToolError, World, find
from medgym_core.types import Chart, encode

TOOLS = domains.get("cross_domain").tools


def run(world: World, name: str, **arguments: Any) -> dict:
    return find(TOOLS, name).result(world, arguments)


def dka(potassium: float = 4.0, **more: Any) -> World:
    own = {
        "insulin potassium": -0.4, "insulin glucose": -60, "potassium chloride potassium": 0.15,
        "insulin beta_hydroxybutyrate": -0.6, "insulin bicarbonate": 1.0,
    }  # fmt: skip
    labs = {"potassium": potassium, "glucose": 520.0, "bicarbonate": 9.0, "beta_hydroxybutyrate": 6.0}
    chart = patients.patient(Random(1), "dka", 1, vitals={}, labs=labs, own=own, avoid=["type 2 diabetes"], **more)
    return World(chart)


def septic(**own: Any) -> World:
    course = {"untreated lactate": 0.5, "crystalloid systolic_bp": 10, "norepinephrine systolic_bp": 30} | own
    vitals = {"systolic_bp": 78.0, "diastolic_bp": 44.0}
    chart = patients.patient(Random(2), "sepsis", 1, vitals=vitals, labs={"lactate": 4.0}, own=course, weight_kg=70.0)
    return World(chart)


def ordered(world: World, test: str, wait: int = 60) -> dict:
    run(world, "order_labs", tests=[test])
    return run(world, "get_results", wait_minutes=wait)


# ---- the state


def test_the_chart_never_changes_and_equal_actions_give_equal_state() -> None:
    worlds = [septic(), septic()]
    before = encode(worlds[0].chart)
    for world in worlds:
        run(world, "give_fluid", volume_ml=2100)
        run(world, "advance_phase")
    assert encode(worlds[0].chart) == before
    assert run(worlds[0], "reassess") == run(worlds[1], "reassess")


def test_fluid_by_weight_raises_pressure_and_diastolic_follows() -> None:
    world = septic()
    run(world, "give_fluid", volume_ml=2100)
    assert pathway.value(world, "systolic_bp") == 108
    assert pathway.value(world, "diastolic_bp") == 62
    assert pathway.value(world, "map") == 77


def test_a_little_more_or_less_fluid_is_the_same_dose() -> None:
    values = []
    for volume in (2050, 2100, 2170):
        world = septic()
        run(world, "give_fluid", volume_ml=volume)
        values.append(pathway.value(world, "systolic_bp"))
    assert len(set(values)) == 1


def test_insulin_works_in_whole_hours_and_stops_when_stopped() -> None:
    world = dka()
    ordered(world, "potassium", 10)
    run(world, "start_insulin_infusion", units_per_kg_hour=0.1, potassium=4.0)
    started = next(w["at"] for w in world.written if w.get("given") == "insulin")
    world.minutes = started + 119
    assert pathway.value(world, "glucose") == 460
    world.minutes = started + 180
    assert pathway.value(world, "glucose") == 340 and pathway.value(world, "potassium") == 2.8
    run(world, "stop_treatment", drug="insulin")
    world.minutes = started + 600
    assert pathway.value(world, "glucose") == 340


def test_stopping_what_does_not_run_changes_nothing() -> None:
    world = septic()
    assert run(world, "stop_treatment", drug="insulin")["insulin"] == "not running"
    assert world.written == []


def test_a_new_rate_replaces_the_old_one() -> None:
    world = dka()
    ordered(world, "potassium", 10)
    run(world, "start_insulin_infusion", units_per_kg_hour=0.1, potassium=4.0)
    world.minutes += 118
    run(world, "start_insulin_infusion", units_per_kg_hour=0.05, potassium=4.0)
    world.minutes += 118
    assert pathway.value(world, "glucose") == 520 - 2 * 60 - 2 * 30


def test_potassium_not_replaced_before_insulin_is_critically_low_later() -> None:
    low = []
    for replaced in (False, True):
        world = dka(3.2)
        if replaced:
            run(world, "replace_potassium", mmol=40)
            run(world, "wait", minutes=120)
        value = float(ordered(world, "potassium", 10)["potassium"].split()[0])
        run(world, "start_insulin_infusion", units_per_kg_hour=0.1, potassium=value)
        run(world, "wait", minutes=180)
        low.append(pathway.value(world, "potassium"))
    assert low == [2.0, 2.6]
    assert low[0] < 2.5, "a critical value"


def test_potassium_runs_over_its_hours() -> None:
    world = dka(3.0)
    run(world, "replace_potassium", mmol=40)
    values = []
    for minute in (10, 35, 125, 600):
        world.minutes = minute
        values.append(pathway.value(world, "potassium"))
    assert values == [3.0, 3.1, 3.6, 3.6]


def test_ph_follows_bicarbonate_by_henderson_hasselbalch() -> None:
    world = dka()
    before = pathway.value(world, "ph")
    ordered(world, "potassium", 10)
    run(world, "start_insulin_infusion", units_per_kg_hour=0.1, potassium=4.0)
    world.minutes += 300
    assert before is not None and before < 7.3
    assert pathway.value(world, "ph") > before and pathway.value(world, "bicarbonate") == 14.0


def test_delay_beyond_the_target_worsens_lactate_until_the_antibiotic() -> None:
    late, early = septic(), septic()
    run(early, "give_treatment", drug="meropenem", dose=1000)
    for world in (late, early):
        world.minutes = 60 + 95
    assert pathway.value(early, "lactate") == 4.0
    assert pathway.value(late, "lactate") == 5.5
    run(late, "give_treatment", drug="ceftriaxone", dose=2000)
    late.minutes += 300
    assert pathway.value(late, "lactate") == 5.5


def test_naloxone_wears_off() -> None:
    own = {"naloxone respiratory_rate": 9, "naloxone respiratory_rate lasts": 50}
    chart = patients.patient(Random(3), "overdose", 1, vitals={"respiratory_rate": 5.0}, own=own)
    world = World(chart)
    run(world, "give_treatment", drug="naloxone", dose=0.4)
    assert pathway.value(world, "respiratory_rate") == 14
    world.minutes += 60
    assert pathway.value(world, "respiratory_rate") == 5


def test_findings_change_with_treatment_and_are_shown_afterwards_only() -> None:
    own = {"after magnesium sulfate: reflexes": "absent"}
    chart = patients.patient(
        Random(4), "preeclampsia", 1, vitals={}, seen={"reflexes": "brisk"}, own=own, sex="female", pregnant=True,
        gestation_days=240,
    )  # fmt: skip
    world = World(chart)
    assert run(world, "get_examination")["reflexes"] == "brisk"
    run(world, "give_treatment", drug="magnesium", dose=4)
    assert run(world, "get_examination")["reflexes"] == "absent" == run(world, "reassess")["reflexes"]


def test_acetaminophen_falls_by_the_half_life_and_the_line_is_read_from_four_hours() -> None:
    own = {"hours since ingestion": 2, "half-life": 4}
    chart = patients.patient(Random(5), "overdose", 1, vitals={}, labs={"acetaminophen": 200.0}, own=own)
    world = World(chart)
    assert run(world, "calculate_nomogram", hours_since_ingestion=3)["line"] == "not available"
    assert run(world, "calculate_nomogram", hours_since_ingestion=5)["missing"] == "level"
    world.minutes = 120
    assert ordered(world, "acetaminophen")["acetaminophen"] == "200 ug/mL"
    found = run(world, "calculate_nomogram", hours_since_ingestion=4)
    assert (found["line"], found["position"]) == ("150 ug/mL", "on or above the line")
    world.minutes = 360
    assert ordered(world, "acetaminophen")["acetaminophen"] == "100 ug/mL"
    assert run(world, "calculate_nomogram", hours_since_ingestion=8)["position"] == "on or above the line"


# ---- orders


def test_a_result_is_pending_until_its_minute_and_shows_the_patient_as_sampled() -> None:
    world = septic()
    run(world, "order_labs", tests=["blood count"])
    assert run(world, "get_results") == {"blood count": "pending until minute 15"}
    assert "hemoglobin" not in run(world, "get_lab_results")
    before = pathway.value(world, "hemoglobin")
    run(world, "give_fluid", volume_ml=2100)
    found = run(world, "get_results", wait_minutes=30)
    assert found["hemoglobin"].split()[0] == f"{before:g}"
    assert ordered(world, "hemoglobin")["hemoglobin"].split()[0] != f"{before:g}"


def test_results_are_read_once_and_a_repeat_gives_the_new_value_only() -> None:
    world = dka()
    ordered(world, "metabolic panel")
    run(world, "start_insulin_infusion", units_per_kg_hour=0.1, potassium=4.0)
    world.minutes += 130
    assert set(ordered(world, "potassium")) == {"potassium"}
    assert ordered(world, "metabolic panel")["glucose"] != "520 mg/dL"
    assert run(world, "get_results")["results"] == "nothing new"


def test_a_value_the_laboratory_could_not_give_is_not_available() -> None:
    chart = patients.patient(Random(6), "dka", 1, vitals={}, without=["potassium"], avoid=["type 2 diabetes"])
    world = World(chart)
    assert ordered(world, "metabolic panel")["potassium"] == "not available"
    assert run(world, "start_insulin_infusion", units_per_kg_hour=0.1, potassium=4.0)["insulin"] == "not started"
    assert pathway.given(world) == []


def test_the_pump_refuses_a_potassium_that_is_not_the_latest() -> None:
    world = dka(3.0)
    ordered(world, "potassium")
    with pytest.raises(ToolError, match="latest potassium"):
        run(world, "start_insulin_infusion", units_per_kg_hour=0.1, potassium=4.2)
    assert pathway.given(world) == []


def test_an_order_that_names_an_unknown_test_places_nothing() -> None:
    world = septic()
    with pytest.raises(ToolError, match="unknown test"):
        run(world, "order_labs", tests=["lactate", "horoscope"])
    assert world.orders == []
    with pytest.raises(ToolError, match="unknown study"):
        run(world, "order_imaging", studies=["course"])


def test_imaging_that_the_case_does_not_have_is_not_available_rather_than_normal() -> None:
    world = dka()
    run(world, "order_imaging", studies=["ct head"])
    assert run(world, "get_results", wait_minutes=60) == {"ct_head": "not available"}


# ---- doses and teams


@pytest.mark.parametrize(("drug", "dose"), [("labetalol", 800), ("alteplase", 95), ("naloxone", 0), ("insulin", -1)])
def test_a_dose_outside_the_order_set_is_refused(drug: str, dose: float) -> None:
    world = septic()
    with pytest.raises(ToolError, match=f"dose of {drug}"):
        run(world, "give_treatment", drug=drug, dose=dose)
    assert world.written == []


def test_other_names_of_a_treatment_mean_the_same() -> None:
    world = septic()
    assert run(world, "give_treatment", drug="Noradrenaline", dose=0.25)["given"].startswith("norepinephrine")
    with pytest.raises(ToolError, match="unknown treatment"):
        run(world, "give_treatment", drug="moonshine", dose=1)


def test_without_a_weight_no_dose_is_given_but_the_patient_still_has_one() -> None:
    chart = patients.patient(Random(7), "sepsis", 1, vitals={"systolic_bp": 80.0}, weight_kg=None)
    world = World(chart)
    assert run(world, "calculate_fluid_bolus", ml_per_kg=30)["missing"] == "weight"
    assert run(world, "calculate_adult_weight_dose", drug="heparin")["missing"] == "weight"
    before = pathway.value(world, "systolic_bp")
    run(world, "give_fluid", volume_ml=2000)
    assert pathway.value(world, "systolic_bp") >= before


def test_phases_advance_with_their_minutes_and_end() -> None:
    world = septic()
    assert run(world, "advance_phase")["phase"] == "2 of 3, resuscitation"
    assert world.minutes == 30
    run(world, "advance_phase")
    with pytest.raises(ToolError, match="last phase"):
        run(world, "advance_phase")


def test_a_hand_over_counts_the_present_values_it_states() -> None:
    world = septic()
    said = "map 55, systolic 78"
    assert run(world, "hand_over", service="intensive care unit", summary=said)["values stated"] == "2 of 4"
    assert run(world, "hand_over", service="intensive care unit", summary="unwell")["values stated"] == "0 of 4"


def test_scores_are_computed_from_the_patient_as_of_now() -> None:
    world = septic()
    before = run(world, "calculate_shock_index")["shock_index"]
    run(world, "give_fluid", volume_ml=2100)
    assert run(world, "calculate_shock_index")["shock_index"] != before


def test_a_patient_on_no_pathway_is_told_so_and_nothing_is_invented() -> None:
    world = World(Chart("P1", 40, "male"))
    assert run(world, "get_vital_signs") == {"vital signs": "not available"}
    with pytest.raises(ToolError, match="no pathway"):
        run(world, "get_pathway_status")


def test_the_course_of_a_patient_is_never_shown() -> None:
    world = septic(**{"team surgical team": "in 20 min"})
    shown = " ".join(
        str(run(world, n)) for n in ("get_pathway_status", "get_examination", "get_history", "get_vital_signs")
    )
    assert "untreated" not in shown and "crystalloid systolic" not in shown

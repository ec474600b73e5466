"""The tools of clinical diagnosis: they compute from the chart, say what is missing, and change state."""

from random import Random

import msgspec
import pytest

from medgym_core import domains
from medgym_core.domains.clinical_diagnosis import acid_base, cases_diagnosis, patients, safety, scoring, tables
from medgym_core.domains.clinical_diagnosis.tools import EXAMPLES
from medgym_core.text import tokens
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World
from medgym_core.types import Chart, Medication, Reading, Record

NAME = "clinical_diagnosis"
TOOLS = domains.get(NAME).tools
SEED_TOOLS = (
    "get_patient_info", "get_patient_history", "get_vital_signs", "get_vital_signs_trend", "get_lab_results",
    "order_lab_test", "get_medications", "check_drug_interaction", "prescribe_medication", "get_clinical_notes",
    "add_clinical_note", "get_differential_diagnosis", "search_clinical_guidelines", "record_diagnosis",
    "search_medical_literature", "transfer_to_specialist", "calculate_curb65", "calculate_wells_score",
    "calculate_chads2_vasc", "calculate_meld_score", "calculate_apache2", "get_allergy_list", "calculate_bmi",
    "get_immunization_history", "think",
)  # fmt: skip


def run(world: World, name: str, **arguments: object) -> dict:
    return TOOLS[name].result(world, arguments)


def chart(**fields: object) -> Chart:
    return Chart(**({"patient_id": "P10000", "age": 60, "sex": "male", "allergies": []} | fields))


@pytest.fixture(scope="module")
def charts() -> list[Chart]:
    """Three charts of each of seventy conditions."""
    keys = list(tables.conditions())[::3]
    return [cases_diagnosis.patient(Random(f"{k}/{i}"), i + 1, k, waiting=i < 2)[0] for k in keys for i in range(3)]


def test_seed_tools_are_there_and_more() -> None:
    assert set(SEED_TOOLS) <= set(TOOLS) and len(TOOLS) >= 55


def test_every_tool_runs_on_every_chart_and_answers_briefly(charts: list[Chart], knowledge) -> None:
    for one in charts:
        for name, tool in TOOLS.items():
            for arguments in EXAMPLES.get(name, [{"answer": "x"} if tool.kind == "submit" else {}]):
                try:
                    observation = tool.run(World(one, knowledge), arguments)
                except ToolError as error:
                    assert name in ("stop_medication", "calculate_weight_based_dose"), (name, error)
                    continue
                assert len(tokens(observation)) <= 120, (name, len(tokens(observation)), observation)


def test_reading_tools_answer_differently_for_different_patients(charts: list[Chart]) -> None:
    needs_an_order = ("get_procedure_report", "get_ecg", "check_acetaminophen_nomogram")
    needs_items = ("calculate_chads2_vasc", "calculate_has_bled", "calculate_psi", "calculate_curb65",
                   "calculate_heart_score", "calculate_glasgow_blatchford", "calculate_bisap", "calculate_child_pugh",
                   "calculate_wells_score", "calculate_apache2", "calculate_meld_score", "interpret_abg",
                   "calculate_osmolar_gap", "get_clinical_notes", "check_kdigo_aki")  # fmt: skip
    for name, tool in TOOLS.items():
        if tool.kind == "read" and not tool.static and name not in (*needs_an_order, *needs_items):
            seen = {tool.run(World(c), a) for c in charts for a in EXAMPLES.get(name, [{}])[:1]}
            assert len(seen) > 1, name


def test_what_is_not_recorded_is_not_available_and_never_normal() -> None:
    blank = World(Chart("P10000", 50, "female"))
    assert run(blank, "get_allergy_list") == {"allergies": NOT_AVAILABLE}
    assert run(blank, "get_patient_info")["pregnant"] == NOT_AVAILABLE
    assert run(blank, "get_vital_signs")["spo2"] == NOT_AVAILABLE
    assert run(blank, "perform_physical_exam", region="chest") == {"chest": NOT_AVAILABLE}
    assert run(blank, "get_immunization_history") == {"immunizations": NOT_AVAILABLE}
    assert run(blank, "get_family_history") == {"family history": NOT_AVAILABLE}
    assert run(blank, "interpret_abg") == {"acid-base": NOT_AVAILABLE, "missing": "ph, pco2, bicarbonate"}
    assert "missing" in run(blank, "calculate_meld_score") and "missing" in run(blank, "calculate_curb65")
    dose = run(blank, "calculate_weight_based_dose", drug="ibuprofen")
    assert (dose["dose"], dose["missing"]) == (NOT_AVAILABLE, "weight") and "10 mg/kg" in dose["rule"]
    assert run(blank, "check_kdigo_aki")["missing"] == "creatinine"


def test_what_is_unknown_is_not_called_safe() -> None:
    blank = World(Chart("P10000", 50, "female"))
    assert run(blank, "check_contraindications", drug_name="zyxol") == {"zyxol": NOT_IN_DATABASE}
    assert run(blank, "check_drug_interaction", drug_a="zyxol", drug_b="aspirin")["aspirin + zyxol"] == NOT_IN_DATABASE
    assert "allergies" in run(blank, "check_contraindications", drug_name="amoxicillin")[NOT_AVAILABLE]
    assert run(blank, "lookup_condition", condition="zyxitis") == {"zyxitis": NOT_IN_DATABASE}
    with pytest.raises(ToolError, match="not in the database"):
        run(blank, "prescribe_medication", drug_name="zyxol")


def test_an_ordered_result_comes_back_on_the_simulated_clock_and_not_before() -> None:
    key = "nstemi"
    one, (label, value) = cases_diagnosis.patient(Random(1), 1, key, waiting=True)
    world = World(one)
    assert run(world, "get_lab_results", category="troponin") == {"troponin": NOT_AVAILABLE}
    assert run(world, "order_lab_test", test_name="troponin", priority="stat") == {
        "ordered": "troponin",
        "ready": "minute 46",
    }
    assert run(world, "get_lab_results", category="troponin") == {"troponin": "pending until minute 46"}
    assert run(world, "wait", minutes=50)["back"] == "troponin"
    assert run(world, "get_lab_results", category="troponin")[label].startswith(value)
    assert run(world, "order_lab_test", test_name="high-sensitivity troponin")["ready"] == "minute 46"  # placed once
    assert sum(w.get("ordered") == "troponin" for w in world.written) == 1


def test_results_in_words_come_back_too_and_a_stat_order_is_sooner() -> None:
    one, (label, value) = cases_diagnosis.patient(Random(2), 1, "pulmonary_embolism", waiting=True)
    world = World(one)
    run(world, "order_imaging", study="ctpa")
    assert run(world, "get_imaging_results", study="ct pulmonary angiogram")[label].startswith("pending")
    run(world, "wait", minutes=180)
    assert run(world, "get_imaging_results", study="ct pulmonary angiogram") == {label: value}
    stat = run(World(one), "order_imaging", study="chest x-ray", priority="stat")["ready"]
    assert int(stat.split()[1]) < int(run(World(one), "order_imaging", study="chest x-ray")["ready"].split()[1])


def test_a_test_is_ordered_where_it_belongs() -> None:
    world = World(chart())
    with pytest.raises(ToolError, match="order_imaging"):
        run(world, "order_lab_test", test_name="chest x-ray")
    with pytest.raises(ToolError, match="unknown test|no such|expected"):
        run(world, "order_lab_test", test_name="aura")
    assert world.written == [] and world.orders == []


def test_results_are_flagged_for_age_and_sex() -> None:
    low = [Reading("hemoglobin", 12.5, "g/dL")]
    assert "low" in run(World(chart(labs=low)), "get_lab_results", category="hemoglobin")["hemoglobin"]
    assert run(World(chart(labs=low, sex="female")), "interpret_lab", test="hemoglobin")["flag"] == "normal"
    assert "range" in run(World(chart()), "interpret_lab", test="hemoglobin")


def test_prescribing_checks_allergy_cross_reaction_interaction_and_duplicate() -> None:
    world = World(chart(allergies=["penicillin"], medications=[Medication("warfarin")]))
    assert "allergy" in run(world, "prescribe_medication", drug_name="amoxicillin")
    assert run(world, "prescribe_medication", drug_name="cephalexin")["held"] == "cephalexin"  # like side chain
    assert "interaction" in run(world, "prescribe_medication", drug_name="trimethoprim-sulfamethoxazole")
    assert "duplicate" in run(world, "prescribe_medication", drug_name="coumadin")
    assert world.written == []
    forced = run(world, "prescribe_medication", drug_name="amoxicillin", override=True, dosage="500 mg")
    assert forced["overridden"] == "allergy" and "amoxicillin" in run(world, "get_medications")["medications"]
    run(world, "stop_medication", drug_name="warfarin")
    assert "warfarin" not in run(world, "get_medications")["medications"]
    assert "interaction" not in run(world, "prescribe_medication", drug_name="trimethoprim-sulfamethoxazole")


def test_pregnancy_kidney_and_illness_bar_a_drug() -> None:
    def kinds(one: Chart, drug: str) -> set[str]:
        return {b.kind for b in safety.check(World(one), drug).barriers}

    woman = {"sex": "female", "age": 30, "pregnant": True, "gestation_days": 90}
    assert "pregnancy" in kinds(chart(**woman), "lisinopril")
    assert kinds(chart(**woman), "naproxen") == set()
    assert "pregnancy" in kinds(chart(**woman | {"gestation_days": 150}), "naproxen")
    failing = {"labs": [Reading("creatinine", 5.0, "mg/dL")], "weight_kg": 70.0}
    assert "renal" in kinds(chart(**failing), "nitrofurantoin")
    assert "condition" in kinds(chart(conditions=["asthma"]), "metoprolol")
    assert "pregnancy status" in safety.check(World(chart(sex="female", age=30)), "lisinopril").unknown
    assert "creatinine" in safety.check(World(chart()), "metformin").unknown


@pytest.mark.parametrize(
    ("values", "disorder"),
    [
        # Berend et al., N Engl J Med 2014 and textbook cases
        ((7.24, 24, 10, 140, 106, 4.0), "high anion gap metabolic acidosis"),
        ((7.29, 29, 14, 138, 114, 4.0), "normal anion gap metabolic acidosis"),
        ((7.50, 48, 36, 140, 92, 4.0), "metabolic alkalosis"),
        ((7.20, 70, 27, 140, 103, 4.0), "acute respiratory acidosis"),
        ((7.36, 60, 33, 140, 97, 4.0), "chronic respiratory acidosis"),
        ((7.55, 24, 21, 140, 108, 4.0), "acute respiratory alkalosis"),
        ((7.46, 17, 11.5, 140, 102, 4.0), "respiratory alkalosis with high anion gap metabolic acidosis"),
        ((7.28, 70, 32, 140, 98, 4.0), "acute on chronic respiratory acidosis"),
        ((7.18, 52, 19, 140, 110, 4.0), "metabolic and respiratory acidosis"),
        ((7.32, 18, 9, 140, 103, 4.0), "high anion gap metabolic acidosis with respiratory alkalosis"),
        ((7.05, 40, 11, 140, 103, 4.0), "high anion gap metabolic acidosis with respiratory acidosis"),
        ((7.34, 34, 18, 140, 92, 4.0), "high anion gap metabolic acidosis with metabolic alkalosis"),
    ],
)
def test_blood_gases_are_read_as_published(values: tuple, disorder: str) -> None:
    assert acid_base.interpret(*values).disorder == disorder


def test_the_gap_counts_albumin_and_its_inputs_when_missing() -> None:
    plain = acid_base.interpret(7.25, 26, 11, 138, 116, 4.0)
    low = acid_base.interpret(7.25, 26, 11, 138, 116, 1.6)
    assert plain.gap == 11 and low.gap == 17 and low.disorder.startswith("high")
    without = acid_base.interpret(7.25, 26, 11)
    assert without.missing == ("sodium", "chloride") and without.disorder == ""


def test_winters_range_and_chronic_rule() -> None:
    assert acid_base.interpret(7.2, 26, 12, 140, 100).expected == (24.0, 28.0)  # 1.5 x 12 + 8 = 26 +/- 2
    low, high = acid_base.interpret(7.36, 60, 32, 140, 97).expected  # type: ignore[misc]
    assert low < 24 + 0.4 * 20 < high


def test_scores_follow_the_chart_and_name_what_is_missing() -> None:
    labs = [Reading("urea_nitrogen", 30, "mg/dL")]
    vitals = [Reading(n, v, u) for n, v, u in (("respiratory_rate", 32, "/min"), ("systolic_bp", 86, "mm[Hg]"),
                                               ("diastolic_bp", 50, "mm[Hg]"))]  # fmt: skip
    full = chart(age=70, labs=labs, vitals=vitals, observations={"confusion": "yes"})
    assert run(World(full), "calculate_curb65")["curb65"] == "5 points"  # Lim 2003: every criterion
    gap = msgspec.structs.replace(full, labs=[])
    assert run(World(gap), "calculate_curb65") == {"curb65": NOT_AVAILABLE, "missing": "urea nitrogen"}


def test_kdigo_stages_follow_the_ratio_and_the_rise() -> None:
    def stage(*values: float, hours: int = 24) -> float | None:
        course = [Reading("creatinine", v, "mg/dL", -60 * hours * (len(values) - 1 - i)) for i, v in enumerate(values)]
        return scoring.kdigo(course)[1].value

    assert (stage(1.0, 1.1), stage(1.0, 1.3), stage(1.0, 1.3, hours=72)) == (0, 1, 0)
    assert (stage(1.0, 2.1), stage(1.0, 3.1), stage(3.0, 4.1)) == (2, 3, 3)


def test_a_creatinine_of_another_time_is_no_baseline() -> None:
    def stage(*course: tuple[float, int]) -> float | None:
        return scoring.kdigo([Reading("creatinine", v, "mg/dL", -1440 * days) for v, days in course])[1].value

    assert stage((0.8, 900), (2.0, 2), (2.1, 0)) == 0  # chronic: within the week nothing has changed
    assert stage((0.8, 90), (2.1, 0)) == 2  # no value of the week: the lowest of the year
    old = World(chart(labs=[Reading("creatinine", v, "mg/dL", -1440 * d) for v, d in ((0.8, 900), (2.1, 0))]))
    assert run(old, "check_kdigo_aki")["missing"] == "earlier creatinine"


def test_a_trend_of_so_many_hours_leaves_older_results_out() -> None:
    course = [Reading("sodium", v, "mmol/L", -60 * h) for v, h in ((139, 9000), (112, 24), (118, 8), (125, 0))]
    world = World(chart(labs=course))
    assert run(world, "get_lab_trend", test="sodium")["change"] == "-14 mmol/L"
    assert run(world, "get_lab_trend", test="sodium", hours=24)["change"] == "13 mmol/L"
    with pytest.raises(ToolError, match="hours"):
        run(world, "get_lab_trend", test="sodium", hours=-1)


def test_nomogram_line_halves_every_four_hours() -> None:
    assert [scoring.treatment_line(h) for h in (4, 8, 12, 16)] == [150, 75, 37.5, 18.75]  # Rumack and Matthew
    world = World(chart(labs=[Reading("acetaminophen", 80, "ug/mL")]))
    assert run(world, "check_acetaminophen_nomogram", hours=8)["nomogram"].startswith("at or above")
    assert run(world, "check_acetaminophen_nomogram", hours=7)["nomogram"].startswith("below")
    assert "does not decide" in run(world, "check_acetaminophen_nomogram", hours=3)["nomogram"]


def test_child_doses_follow_weight_maximum_and_band() -> None:
    def dose(drug: str, kg: float, use: str = "") -> str:
        return run(World(chart(age=8, weight_kg=kg)), "calculate_weight_based_dose", drug=drug, indication=use)["dose"]

    assert dose("acetaminophen", 20.0) == "300 mg" and dose("acetaminophen", 80.0) == "1000 mg"
    assert dose("lorazepam", 16.0) == "1.6 mg" and dose("lorazepam", 60.0) == "4 mg"
    assert [dose("oseltamivir", kg) for kg in (15.0, 15.1, 23.0, 23.1, 40.0, 40.1)] == [
        "30 mg", "45 mg", "45 mg", "60 mg", "60 mg", "75 mg",
    ]  # fmt: skip
    assert [dose("penicillin V", kg) for kg in (26.9, 27.0)] == ["250 mg", "500 mg"]


def test_diagnoses_are_coded_from_the_tables() -> None:
    world = World(chart())
    assert run(world, "record_diagnosis", diagnosis="PE")["icd10"] == "I26.99"
    with pytest.raises(ToolError, match="I26.99"):
        run(world, "record_diagnosis", diagnosis="pulmonary embolism", icd10_code="J18.9")
    assert run(world, "record_diagnosis", diagnosis="zyxitis")["icd10"] == NOT_IN_DATABASE
    assert [w["code"] for w in world.written] == ["I26.99", NOT_IN_DATABASE]
    shown = run(world, "add_clinical_note", note_type="Progress", content="stable today", diagnosis_codes="I26.99, X00")
    assert shown["I26.99"] == "pulmonary embolism" and shown["X00"] == NOT_IN_DATABASE
    assert run(world, "get_clinical_notes")["progress"] == "stable today"


def test_transfer_needs_a_known_specialty_and_a_summary() -> None:
    world = World(chart())
    with pytest.raises(ToolError, match="cardiology"):
        run(world, "transfer_to_specialist", summary="x", specialty="cardiologyy")
    with pytest.raises(ToolError, match="empty summary"):
        run(world, "transfer_to_specialist", summary=" ", specialty="cardiology")
    assert (
        run(world, "transfer_to_specialist", summary="ST elevation", specialty="Cardiology")["transferred to"]
        == "cardiology"
    )


def test_the_differential_respects_age_and_sex() -> None:
    words = "vomiting, infant, abdominal mass, projectile vomiting"
    baby = run(World(chart(age=0, age_months=1)), "get_differential_diagnosis", symptoms=words)
    grown = run(World(chart(age=60)), "get_differential_diagnosis", symptoms=words)
    assert next(iter(baby)) == "hypertrophic pyloric stenosis" and "hypertrophic pyloric stenosis" not in grown


def test_guidelines_and_literature_come_from_the_knowledge_base(knowledge) -> None:
    for e in tables.table("guidelines").values():
        found = run(World(chart(), knowledge), "search_clinical_guidelines", condition=e["title"])
        assert found["guideline"] == e["title"], (e["title"], found)
        assert tokens(found["recommends"])[:4] == tokens(e["says"][0])[:4]
    assert run(World(chart(), knowledge), "search_medical_literature", query="treatment of anaphylaxis")
    with pytest.raises(ToolError, match="no knowledge base"):
        run(World(chart()), "search_medical_literature", query="anaphylaxis")


def test_trend_notes_and_records_are_read_as_they_stand() -> None:
    course = [Reading("creatinine", v, "mg/dL", -60 * h) for v, h in ((1.0, 48), (1.4, 24), (2.2, 0))]
    one = chart(labs=course, records=[Record("note", "nursing", text="slept badly")])
    assert run(World(one), "get_lab_trend", test="creatinine") == {
        "creatinine": "1, 1.4, 2.2 mg/dL", "hours ago": "48, 24, 0", "change": "1.2 mg/dL",
    }  # fmt: skip
    assert run(World(one), "get_clinical_notes", note_type="nursing") == {"nursing": "slept badly"}


def test_patients_are_physiologically_whole() -> None:
    for i in range(60):
        key = list(tables.conditions())[i * 3]
        one, _ = cases_diagnosis.patient(Random(i), 1 + i % 3, key, waiting=True)
        value = {r.name: r.value for r in one.vitals}
        assert value["diastolic_bp"] < value["systolic_bp"] - 8
        assert tables.fits(tables.conditions()[key], one)
        names = [r.name for r in one.labs]
        assert len(names) == len(set(names))
        for test, results in one.pending.items():
            assert not {r.name for r in results} & (set(names) - {"bicarbonate"}), (key, test)


def test_hypotension_is_not_called_well() -> None:
    seen = patients.examined(Random(0), {}, 0, {"systolic_bp": (70, 80)})
    assert seen["exam_general"] in tables.regions()["general"]["ill"]


def test_no_argument_makes_a_tool_fail_in_another_way_than_by_a_tool_error(charts: list[Chart], knowledge) -> None:
    rng = Random(7)
    words = ["", " ", "!!!", "x" * 300, "nan", "1e309", "\u4e2d", "{}", "chest", "troponin", "aspirin", "a;b\nc"]
    junk = [*words, "-1", "0", -5, 0, 3, 10**9, 2.5, True, None, [], {"a": 1}]
    for _ in range(3000):
        world = World(rng.choice(charts), knowledge)
        name = rng.choice(list(TOOLS))
        fields = list(TOOLS[name].arguments.__struct_fields__)
        arguments = {f: rng.choice(junk) for f in fields if rng.random() < 0.85}
        try:
            TOOLS[name].run(world, arguments)
        except ToolError as error:
            assert str(error)

"""The inpatient record: rules against worked examples, honest tools, solvable and balanced cases."""

from collections import Counter, defaultdict
from functools import cache
from random import Random

import pytest

from medgym_core import domains
from medgym_core.actions import render_call
from medgym_core.clinical.codes import lookup_icd
from medgym_core.domains.ehr_management import ordering, quality, rules
from medgym_core.domains.ehr_management.rules import DAY, table
from medgym_core.episode import Episode
from medgym_core.gates import chance, run_gates
from medgym_core.knowledge.search import KnowledgeBase
from medgym_core.learned import gold_answer
from medgym_core.tasks import build_task_set
from medgym_core.text import tokens
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World
from medgym_core.types import SAY, Call, Chart, Medication, Reading, Record, Task, encode

NAME = "ehr_management"
WARD = domains.get(NAME)
PER_TYPE = 12


@cache
def drafts(kind: str) -> list:
    found = [WARD.types[kind](Random(f"{kind}/{i}"), None) for i in range(4 * PER_TYPE)]
    return [d for d in found if d is not None]


def task(draft: domains.Draft) -> Task:
    fields = {f: getattr(draft, f) for f in draft.__struct_fields__}
    return Task(id=f"{NAME}/{draft.type}/0", domain=NAME, split="train", **fields)


def play(made: Task, calls: list[Call]) -> Episode:
    episode = Episode(made)
    for call in calls:
        episode.step(call.arguments["text"] if call.name == SAY else render_call(call))
    return episode


def stay(*records: Record, start: int = -3 * DAY, **fields) -> World:
    """A world with one admission."""
    visit = Record(
        "encounter", "inpatient admission", start, status="in-progress", values={"hadm_id": "H1", "acuity": "emergency"}
    )
    return World(Chart("P1", fields.pop("age", 70), "male", records=[visit, *records], **fields))


def run(world: World, name: str, **arguments) -> dict:
    return WARD.tools[name].result(world, arguments)


def order(drug: str, number: str = "RX1", minutes: int = -2000, **values: str) -> Record:
    return Record(
        "medication", drug, minutes, status="active", values={"order_id": number, "list": "inpatient"} | values
    )


def creatinine(*pairs: tuple[float, int]) -> list[Reading]:
    return [Reading("creatinine", value, "mg/dL", minutes) for value, minutes in pairs]


# ---- the cases


@pytest.mark.parametrize("kind", WARD.types)
def test_every_reference_solves_its_case(kind: str) -> None:
    for draft in drafts(kind)[:PER_TYPE]:
        episode = play(task(draft), draft.reference)
        reward = episode.score()
        assert reward.correct and reward.composite >= 0.99, (draft.prompt, reward.why)
        assert episode.tool_errors == 0 and draft.max_turns >= len(draft.reference) + 4


@pytest.mark.parametrize("kind", WARD.types)
def test_no_answer_is_right_too_often(kind: str) -> None:
    golds = [d.truth.gold for d in drafts(kind)]
    answers = Counter(
        "; ".join(map(gold_answer, g.fields.values())) or gold_answer(g) if g.fields else gold_answer(g) for g in golds
    )
    guess = sum(chance(g) for g in golds) / len(golds)
    assert max(answers.values()) / len(golds) <= max(0.36, guess + 0.2)


@pytest.mark.parametrize("kind", WARD.types)
def test_every_level_and_every_case_has_evidence_and_a_story(kind: str) -> None:
    made = drafts(kind)
    assert {d.level for d in made} == {1, 2, 3}
    for d in made:
        assert d.truth.evidence and d.truth.steps and len(d.story.topics) >= 6
        assert 12 <= len(d.prompt.split()) <= 85


def test_drafts_are_deterministic() -> None:
    for kind, make in WARD.types.items():
        assert encode(make(Random(f"{kind}/1"), None)) == encode(make(Random(f"{kind}/1"), None))


def test_prompts_have_many_wordings_and_no_task_stands_twice() -> None:
    tasks = build_task_set(0, 400, KnowledgeBase.shipped(), [NAME])
    assert len({t.id for t in tasks}) == 400
    assert len({t.family for t in tasks}) >= 150
    asked = defaultdict(set)
    for t in tasks:
        asked[t.type].add(t.prompt.split(". ", 1)[-1][:40])
    assert min(map(len, asked.values())) >= 5


def test_the_gates_pass() -> None:
    tasks = build_task_set(5, 80, KnowledgeBase.shipped(), [NAME])
    assert [g.name for g in run_gates(tasks, KnowledgeBase.shipped()) if not g.passed] == []


def test_observations_are_short() -> None:
    for kind in WARD.types:
        for draft in drafts(kind)[:4]:
            for event in play(task(draft), draft.reference).events:
                assert len(tokens(event.observation)) <= 120, event.call


def test_the_unsafe_shortcut_never_scores() -> None:
    """Giving the unsafe answer that a case names, after all the work of the reference, is far below the right one."""
    seen = set()
    for kind in WARD.types:
        for draft in drafts(kind)[:PER_TYPE]:
            wrong = next((a for u in draft.truth.unsafe for a in u.answers), None)
            if wrong is None or draft.truth.gold.fields:
                continue
            seen.add(kind)
            last = Call("submit_answer", draft.reference[-1].arguments | {"answer": wrong})
            assert play(task(draft), [*draft.reference[:-1], last]).score().composite <= 0.25
    assert {"allergy_order", "code_status", "pending_result", "consent", "release_request", "wrong_patient"} <= seen


def test_giving_the_forbidden_drug_caps_the_score() -> None:
    found = [d for d in drafts("allergy_order") if any(u.severity == 5 and u.tool for u in d.truth.unsafe)]
    assert found
    for draft in found[:5]:
        bad = next(u for u in draft.truth.unsafe if u.severity == 5 and u.tool)
        first = Call("place_order", bad.arguments)
        assert play(task(draft), [first, *draft.reference]).score().composite <= 0.1


def test_skipping_the_interview_costs_the_home_medicine() -> None:
    draft = drafts("home_medicines")[0]
    silent = [c for c in draft.reference if c.name != SAY]
    assert play(task(draft), silent).score().composite < 0.85
    chart = encode(draft.chart)
    assert str(draft.truth.gold.value) not in chart


# ---- tools


def test_every_tool_runs_on_sixty_charts_without_an_unexpected_error() -> None:
    charts = [d.chart for kind in WARD.types for d in drafts(kind)[:4]][:80]
    assert len(charts) >= 60
    for name, tool in WARD.tools.items():
        for arguments in WARD.examples.get(name, [{}]):
            for chart in charts:
                try:
                    assert tool.run(World(chart, None), arguments)
                except ToolError as error:
                    assert "\n" not in str(error)


def test_an_unknown_admission_is_refused_with_the_valid_ones() -> None:
    with pytest.raises(ToolError, match="H1"):
        run(stay(), "get_vital_signs", hadm_id="H9")


def test_an_earlier_admission_is_read_by_its_id() -> None:
    old = Record(
        "encounter", "inpatient admission", -90 * DAY, ended=-85 * DAY, status="finished", values={"hadm_id": "H0"}
    )
    labs = [Reading("potassium", 5.9, "mmol/L", -88 * DAY), Reading("potassium", 4.1, "mmol/L", -60)]
    world = stay(old, labs=labs)
    assert run(world, "get_lab_results", lab_name="potassium", hadm_id="H0")["potassium"].startswith("5.9")
    assert "5.9" not in str(run(world, "get_lab_results", lab_name="potassium"))
    assert "5.9" in str(run(world, "get_lab_results", lab_name="potassium", hadm_id="all"))


def test_lab_trend_has_the_least_squares_slope() -> None:
    labs = [Reading("hemoglobin", v, "g/dL", m) for v, m in ((12.0, -2 * DAY), (11.0, -DAY), (10.0, 0))]
    found = run(stay(labs=labs), "get_lab_trend", lab_name="hemoglobin")
    assert found["change"] == "-2 g/dL" and found["slope"] == "-1 g/dL per day" and found["direction"] == "falling"


def test_what_is_missing_is_said_and_never_filled_in() -> None:
    bare = stay()
    for name in (
        "get_vital_signs", "get_lab_results", "get_code_status", "get_nursing_assessments", "get_intake_output",
        "get_immunization_history", "check_allergies", "get_discharge_summary", "assess_kidney_injury",
        "get_culture_sensitivities", "detect_vital_alerts", "get_test_results",
    ):  # fmt: skip
        assert NOT_AVAILABLE in str(run(bare, name)), name
    assert "missing" in str(run(bare, "get_clinical_scores"))


def test_unknown_drug_is_not_reported_as_safe() -> None:
    assert run(stay(allergies=["penicillin"]), "check_allergies", drug="zorbamycin")["zorbamycin"] == NOT_IN_DATABASE
    assert run(stay(), "get_antibiotic_group", drug="zorbamycin")["zorbamycin"] == NOT_IN_DATABASE
    assert run(stay(), "lookup_icd_code", code="Q99.99")["Q99.99"] == NOT_IN_DATABASE


def test_an_ordered_test_comes_back_only_when_due() -> None:
    world = stay(pending={"potassium": [Reading("potassium", 4.4, "mmol/L", 62)]})
    run(world, "place_order", order_type="lab", order_details="potassium")
    assert "pending" in run(world, "get_test_results")["potassium"]
    assert run(world, "get_test_results", wait_minutes=60)["potassium"] == "4.4 mmol/L"
    assert "4.4" in run(world, "get_lab_results", lab_name="potassium")["potassium"]


def test_a_test_under_way_is_followed() -> None:
    sent = Record("order", "blood culture", -600, status="active", values={"order_id": "L1", "due": "50"})
    world = stay(sent, pending_findings={"blood culture": {"blood culture": "no growth"}})
    assert run(world, "check_pending_results")["blood culture"] == "pending until minute 50"
    assert run(world, "get_test_results", wait_minutes=60)["blood culture"] == "no growth"


def test_discontinued_orders_are_gone_and_cannot_be_stopped_twice() -> None:
    world = stay(order("omeprazole"), order("pantoprazole", "RX2", -100))
    assert "RX2" in run(world, "find_duplicate_orders")
    run(world, "discontinue_order", order_id="rx2")
    assert run(world, "find_duplicate_orders")["duplicates"] == "none"
    with pytest.raises(ToolError):
        run(world, "discontinue_order", order_id="RX2")


def test_orders_are_validated() -> None:
    for kind, details in (("medication", "zorbamycin"), ("lab", "aura"), ("imaging", "crystal ball"), ("nursing", "")):
        with pytest.raises(ToolError):
            run(stay(), "place_order", order_type=kind, order_details=details)
    with pytest.raises(ToolError):
        run(stay(), "request_consult", service="astrology")
    with pytest.raises(ToolError):
        run(stay(), "write_clinical_note", content="  ")


def test_code_status_of_another_stay_does_not_hold() -> None:
    old = Record("code_status", "DNR", -50 * DAY)
    assert run(stay(old), "get_code_status")["code_status"] == NOT_AVAILABLE
    early, late = Record("code_status", "full code", -4000), Record("code_status", "DNR", -100)
    assert run(stay(early, late), "get_code_status")["code_status"] == "DNR"


def test_reconciliation_knows_brand_names() -> None:
    world = stay(
        Record("medication", "Eliquis", -40, status="active", values={"list": "discharge"}),
        medications=[Medication("apixaban"), Medication("metformin")],
    )
    assert run(world, "reconcile_medications")["not_on_discharge_list"] == "metformin"


def test_export_counts_the_resources_and_reads_back() -> None:
    found = run(World(drafts("lab_trend")[0].chart), "export_fhir")
    assert found["valid"] == "yes" and found["Patient"] == "1" and int(found["Observation"]) > 30


# ---- the rules


@pytest.mark.parametrize(
    ("series", "stage"),
    [
        ([(0.8, -6 * DAY), (0.9, -60)], 0),
        ([(0.8, -6 * DAY), (1.2, -60)], 1),  # 1.5 times
        ([(1.6, -DAY), (1.9, -60)], 1),  # 0.3 mg/dL in 48 hours
        ([(0.8, -100 * DAY), (1.7, -DAY), (1.7, -60)], 2),  # the baseline is months old
        ([(1.0, -5 * DAY), (3.1, -60)], 3),
        ([(2.6, -5 * DAY), (4.1, -60)], 3),  # 4.0 mg/dL with an acute rise
        ([(0.8, -400 * DAY), (2.4, -60)], None),  # older than a year is no baseline
        ([(2.4, -60)], None),
    ],
)
def test_kdigo_stage_of_a_creatinine_series(series: list[tuple[float, int]], stage: int | None) -> None:
    outcome = rules.kidney_injury(creatinine(*series))
    assert outcome.value == stage
    assert (outcome.missing == ["baseline creatinine"]) == (stage is None)


def test_lace_of_a_worked_example() -> None:
    """Five days (4), emergency (3), heart failure (2), two visits (2) in six months: 11; one of long ago: no point."""
    visits = [Record("encounter", "emergency visit", -d * DAY, ended=-d * DAY + 60) for d in (30, 90, 300)]
    world = stay(*visits, start=-5 * DAY, conditions=["heart failure", "hypertension"])
    assert rules.lace(world, rules.stay_of(world)).value == 11


def test_lace_with_an_unknown_condition_has_no_value() -> None:
    world = stay(conditions=["moon fever"])
    outcome = rules.lace(world, rules.stay_of(world))
    assert outcome.value is None and outcome.missing == ["comorbidity points of moon fever"]


def sepsis(
    lactate: list[tuple[float, int]], culture: int, dose: int, volume: int = 0, weight: float | None = 70
) -> dict:
    world = stay(
        Record("sepsis", "severe sepsis, time zero", -2000),
        Record("culture", "blood culture", -2000 + culture),
        Record("administration", "ceftriaxone", -2000 + dose),
        Record("fluid", "crystalloid", -1950, values={"volume": f"{volume} mL"}),
        labs=[Reading("lactate", v, "mmol/L", -2000 + m) for v, m in lactate],
        weight_kg=weight,
    )
    return quality.sepsis_bundle(world, rules.stay_of(world))


def test_sep_1_elements() -> None:
    good = sepsis([(4.4, 60), (2.0, 300)], 50, 90, 2100)
    assert set(good.values()) == {"met"}
    assert sepsis([(1.5, 60)], 50, 90)["repeat lactate"] == "not needed"
    assert sepsis([(4.4, 200)], 50, 90, 2100)["lactate"] == "not met"
    assert sepsis([(4.4, 60)], 50, 90, 2100)["repeat lactate"] == "not met"
    assert sepsis([(2.5, 60), (2.0, 400)], 50, 90)["repeat lactate"] == "not met"
    assert sepsis([(1.5, 60)], 95, 90)["blood cultures"] == "not met"  # after the antibiotic
    assert sepsis([(1.5, 60)], 50, 181)["antibiotics"] == "not met"
    assert sepsis([(4.4, 60), (2.0, 300)], 50, 90, 2099)["fluids"] == "not met"
    assert sepsis([(4.4, 60), (2.0, 300)], 50, 90, 2100, weight=None)["fluids"] == "not available: weight"


def test_quality_measures_change_with_the_record() -> None:
    world = stay(order("enoxaparin", minutes=-3 * DAY + 600))
    assert quality.measure(world, rules.stay_of(world), "vte prophylaxis")[0] == "met"
    assert quality.measure(stay(), rules.stay_of(stay()), "vte prophylaxis")[0] == "not met"
    late = stay(order("enoxaparin", minutes=-100))
    assert quality.measure(late, rules.stay_of(late), "vte prophylaxis")[0] == "not met"
    catheter = stay(Record("procedure", "urinary catheter", -2 * DAY - 100, status="in-progress"))
    assert quality.measure(catheter, rules.stay_of(catheter), "urinary catheter")[0] == "not met"
    assert quality.measure(stay(), rules.stay_of(stay()), "fall precautions")[0] == NOT_AVAILABLE


def test_a_result_forbids_the_order_it_is_about_and_no_other() -> None:
    labs = [Reading("potassium", 5.8, "mmol/L", -60), *creatinine((0.9, -2 * DAY), (0.9, -60))]
    world = stay(order("potassium chloride"), order("ibuprofen", "RX2"), labs=labs)
    assert list(ordering.harmful(world, rules.stay_of(world))) == ["RX1"]
    hurt = stay(order("ibuprofen"), labs=creatinine((0.9, -2 * DAY), (1.6, -60)))
    assert list(ordering.harmful(hurt, rules.stay_of(hurt))) == ["RX1"]


def test_targeted_treatment_is_the_narrowest_that_works_and_the_allergies_allow() -> None:
    panel = {"cefazolin": "S", "trimethoprim-sulfamethoxazole": "S", "ceftriaxone": "S", "ciprofloxacin": "R"}
    free = Chart("P1", 60, "female", allergies=[])
    assert ordering.targeted(free, panel) == ["cefazolin", "trimethoprim-sulfamethoxazole"]
    allergic = Chart("P1", 60, "female", allergies=["trimethoprim-sulfamethoxazole"])
    assert ordering.targeted(allergic, panel) == ["cefazolin"]


# ---- the facts


def test_problems_are_many_and_their_codes_exist() -> None:
    assert len(table("problems")) >= 40
    assert [n for n, e in table("problems").items() if lookup_icd(e["icd"]) is None] == []


def test_every_drug_of_the_facts_is_known() -> None:
    named = [d for t in ("problems", "indications") for e in table(t).values() for d in e["drugs"]]
    named += [*table("harm"), *table("home"), *table("formulary")]
    named += [d for e in table("antibiotics").values() for d in e["drugs"]]
    named += [d for e in table("organisms").values() for report in e["reports"] for d in report]
    assert [d for d in named if ordering.drug_named(d) is None] == []


def test_values_of_the_harm_table_lie_beyond_and_within_their_limits() -> None:
    for name, e in table("harm").items():
        if e["measure"] in ("aki", "egfr"):
            continue
        over, under = e.get("over", float("inf")), e.get("under", float("-inf"))
        assert all(v >= over or v < under for v in e["bad"]), name
        assert all(under <= v < over for v in e["safe"]), name


def test_every_susceptibility_report_leads_to_one_drug() -> None:
    chart = Chart("P1", 60, "female", allergies=[])
    for e in table("organisms").values():
        assert all(len(ordering.targeted(chart, report)) == 1 for report in e["reports"])


def test_there_are_at_least_34_tools_and_the_documents_have_sources() -> None:
    assert len(WARD.tools) >= 34
    found = list(WARD.documents())
    assert len(found) >= 90


def test_patients_hold_together() -> None:
    """Samples and signs of one moment fit one another, and everything recorded lies before the episode."""
    for kind in WARD.types:
        for draft in drafts(kind)[:6]:
            c = draft.chart
            at: dict[int, dict[str, float]] = defaultdict(dict)
            for r in (*c.labs, *c.vitals):
                at[r.minutes][r.name] = r.value
            for values in at.values():
                if "diastolic_bp" in values and "systolic_bp" in values:
                    assert values["diastolic_bp"] < values["systolic_bp"]
                if {"white_cells", "neutrophils", "lymphocytes"} <= set(values):
                    assert values["neutrophils"] + values["lymphocytes"] <= values["white_cells"] + 0.1
                if {"hemoglobin", "hematocrit"} <= set(values) and kind != "repeat_test":
                    assert 2.5 <= values["hematocrit"] / values["hemoglobin"] <= 3.5, kind
            assert max(r.minutes for r in (*c.labs, *c.vitals, *c.records)) <= 0
            for p in ordering.prescriptions(World(c), rules.stay_of(World(c))):
                assert kind in ("allergy_order", "note_contradiction") or not ordering.conflict(c, p.drug), (kind, p)

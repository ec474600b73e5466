"""The maternity unit: honest tools, solvable and balanced cases, unsafe temptations that cost, facts with sources."""

from collections import Counter
from random import Random

import msgspec
import pytest

from medgym_core import domains, gates
from medgym_core.actions import render_call
from medgym_core.decontamination import gold_text
from medgym_core.domains.obstetrics.tools import EXAMPLES
from medgym_core.episode import Episode
from medgym_core.explain import reasons
from medgym_core.learned import gold_answer
from medgym_core.probes import reference_texts
from medgym_core.rewards import score
from medgym_core.sensitivity import tool_outputs
from medgym_core.tasks import build_task_set
from medgym_core.text import normal, tokens
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World, find
from medgym_core.types import Call, Chart, Gold, Reading, Record, Task, encode

NAME = "obstetrics"
UNIT = domains.get(NAME)
STRUCTURED = ("hypertension", "bleeding")


def make(kind: str, seed: int) -> Task | None:
    draft = UNIT.types[kind](Random(f"{kind}/{seed}"), None)
    if draft is None:
        return None
    fields = {f: getattr(draft, f) for f in draft.__struct_fields__}
    return Task(id=f"{NAME}/{kind}/{seed}", domain=NAME, split="train", **fields)


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return [t for kind in UNIT.types for seed in range(34) if (t := make(kind, seed))]


def chart(**fields: object) -> Chart:
    return Chart(**({"patient_id": "P10000", "age": 30, "sex": "female"} | fields))  # type: ignore[arg-type]


def run(case: Chart | World, name: str, **arguments: object) -> dict:
    return UNIT.tools[name].result(case if isinstance(case, World) else World(case), arguments)


def play(task: Task, texts: list[str]) -> Episode:
    episode = Episode(task)
    for text in texts:
        if not episode.done:
            episode.step(text)
    return episode


# --- cases ---


def test_references_score_full_marks(tasks: list[Task]) -> None:
    assert Counter(t.type for t in tasks).keys() == UNIT.types.keys()
    for task in tasks:
        episode = play(task, reference_texts(task))
        reward = episode.score()
        assert reward.correct and reward.composite >= 0.95 and episode.tool_errors == 0, (task.id, reasons(reward))
        assert not episode.truncated and task.max_turns >= len(task.reference) + 4


def test_gates_pass_on_a_task_set() -> None:
    built = build_task_set(0, 126, None, [NAME])
    failed = [(g.name, g.value, g.failures[:3]) for g in gates.run_gates(built, None) if not g.passed]
    assert not failed and len({t.family for t in built}) >= 40


def test_eight_hundred_distinct_tasks_are_reachable() -> None:
    assert len({t.id for t in build_task_set(1, 840, None, [NAME])}) == 840


def test_golds_are_balanced() -> None:
    for kind in UNIT.types:
        made = [t for seed in range(200, 340) if (t := make(kind, seed))]
        golds = Counter(gold_text(t.truth) for t in made)
        assert golds.most_common(1)[0][1] / len(made) <= 0.34, (kind, golds.most_common(3))
        assert {t.level for t in made} == {1, 2, 3}


def test_cases_are_the_same_for_the_same_seed() -> None:
    for kind in UNIT.types:
        assert encode(make(kind, 5)) == encode(make(kind, 5)) != encode(make(kind, 6))


def test_requests_read_like_a_colleague_and_do_not_give_the_answer_away(tasks: list[Task]) -> None:
    for task in tasks:
        assert 13 <= len(task.prompt.split()) <= 80, task.prompt
        if task.type in ("missing_input", "medicine_stop"):
            golds = task.truth.gold.fields or {"answer": task.truth.gold}
            first = str(next(iter(golds.values())).value)
            assert normal(first) not in normal(task.prompt) or first == "none", task.prompt
        if task.type == "diagnosis":
            assert normal(str(task.truth.gold.value)) not in normal(task.chart.complaint)


def test_every_patient_tells_a_story_without_the_diagnosis(tasks: list[Task]) -> None:
    for task in tasks:
        assert len(task.story.topics) >= 6
        told = normal(" ".join(s for layers in task.story.topics.values() for s in layers))
        if task.type in ("diagnosis", "emergency", "bleeding", "early_pregnancy", "hypertension"):
            gold = task.truth.gold.fields.get("diagnosis", task.truth.gold)
            assert normal(str(gold.value)) not in told, (task.id, gold.value)


def test_history_cases_cannot_be_settled_from_the_chart(tasks: list[Task]) -> None:
    spoken = [t for t in tasks if t.type in ("contraception", "medicine_stop")]
    assert len(spoken) > 50
    for task in spoken:
        assert any(s.tool == "say" for s in task.truth.steps)
        words = normal(f"{task.truth.evidence[0].label} {task.truth.evidence[0].value}")
        shown = []
        for name, tool in UNIT.tools.items():
            if tool.kind == "read" and not tool.static:
                shown += [tool.run(World(task.chart), a) for a in EXAMPLES.get(name, [{}])]
        assert not any(words in normal(s) for s in shown)


def test_skipping_the_question_costs_the_history_cases(tasks: list[Task]) -> None:
    for task in [t for t in tasks if t.type == "contraception"][:10]:
        texts = [x for x, c in zip(reference_texts(task), task.reference, strict=True) if c.name != "say"]
        assert play(task, texts).score().composite < 0.85


def test_a_result_is_not_there_before_its_time(tasks: list[Task]) -> None:
    ordered = [t for t in tasks if any(c.name == "get_test_results" for c in t.reference)]
    assert len({t.type for t in ordered}) >= 5
    for task in ordered[::4]:
        world, texts = World(task.chart), []
        for call in task.reference[:-1]:
            if call.name == "say":
                continue
            arguments = {} if call.name == "get_test_results" else call.arguments
            texts.append(find(UNIT.tools, call.name).run(world, arguments))
            if call.name == "get_test_results":
                assert "pending until minute" in texts[-1]
                break


def test_unsafe_temptations_cap_the_score(tasks: list[Task]) -> None:
    grave = [(t, u) for t in tasks for u in t.truth.unsafe if u.severity == 5 and u.tool]
    assert {"magnesium", "bleeding", "choose_drug", "early_pregnancy"} <= {t.type for t, _ in grave}
    for task, action in grave[::3]:
        first = render_call(Call(action.tool, action.arguments))
        assert play(task, [first, *reference_texts(task)]).score().composite <= 0.1, (task.id, action.why)


def test_structured_submissions_need_every_field(tasks: list[Task]) -> None:
    structured = [t for t in tasks if t.truth.gold.kind == "fields"]
    assert {t.type for t in structured} == set(STRUCTURED)
    for task in structured[::5]:
        last = task.reference[-1]
        wrong = Call(last.name, last.arguments | {"urgency": "unknown"})
        assert play(task, [*reference_texts(task)[:-1], render_call(wrong)]).score().accuracy == 0


def test_any_right_answer_beats_any_wrong_one(tasks: list[Task]) -> None:
    for task in [t for t in tasks if t.truth.gold.kind != "text"][::9]:  # a text needs its observations
        golds = task.truth.gold.fields or {"answer": task.truth.gold}
        right = Call(task.reference[-1].name, {k: gold_answer(g) for k, g in golds.items()})
        bare = play(task, [render_call(right)]).score()
        wrong = Call(right.name, dict.fromkeys(right.arguments, "nothing of the kind") | {"evidence": "x"})
        assert (
            bare.critical
            or bare.composite > play(task, [*reference_texts(task)[:-1], render_call(wrong)]).score().composite
        )


# --- tools ---


def test_every_tool_runs_on_many_charts_and_answers_briefly(tasks: list[Task]) -> None:
    assert len(UNIT.tools) >= 40
    for task in tasks[::10]:
        for name, tool in UNIT.tools.items():
            for arguments in EXAMPLES.get(name, [{"answer": "x"} if tool.kind == "submit" else {}]):
                try:
                    observation = tool.run(World(task.chart), arguments)
                except ToolError:
                    assert name == "read_ctg_segment"
                    continue
                assert observation and len(tokens(observation)) <= 110, (name, observation)


def test_seed_tools_are_all_there() -> None:
    seed = (
        "get_patient_presentation get_prenatal_labs get_obstetric_history assess_fetal_status assess_labor_progress "
        "calculate_bishop_score get_biophysical_profile check_medication_safety get_risk_assessment check_ob_protocol "
        "get_gyn_assessment order_labs interpret_ctg calculate_gestational_age screen_gestational_diabetes "
        "check_rh_status assess_preterm_risk calculate_modified_bpp think submit_answer"
    ).split()
    assert set(seed) <= set(UNIT.tools)


def test_patient_tools_answer_differently_for_different_patients(tasks: list[Task]) -> None:
    outputs = tool_outputs(NAME, tasks, None)
    constant = [n for n, o in outputs.items() if o.kind == "read" and not o.static and len(o.distinct) < 2]
    assert not constant


def test_a_blank_chart_gives_not_available_and_no_number() -> None:
    blank = chart()
    for name in (
        "interpret_ctg", "assess_growth", "calculate_bishop_score", "get_biophysical_profile", "calculate_epds",
        "assess_labor_progress", "quantify_blood_loss", "calculate_shock_index", "assess_hypertension",
        "calculate_anti_d_dose", "screen_gestational_diabetes", "assess_fetal_status", "get_lab_results",
    ):  # fmt: skip
        said = run(blank, name)
        assert NOT_AVAILABLE in str(said), (name, said)
    assert run(blank, "check_rh_status")["blood_group"] == NOT_AVAILABLE
    assert run(blank, "get_medical_history")["allergies"] == NOT_AVAILABLE
    assert run(blank, "calculate_apgar", minute=1)["missing"] == "examination at 1 min"
    assert run(blank, "check_magnesium_toxicity")["patellar_reflexes"] == NOT_AVAILABLE


def test_the_tracing_is_read_from_its_series_and_not_from_a_label(tasks: list[Task]) -> None:
    task = next(t for t in tasks if t.type == "ctg_action" and t.truth.evidence[0].value == "III")
    record = max((r for r in task.chart.records if r.kind == "ctg"), key=lambda r: r.minutes)
    renamed = msgspec.structs.replace(record, name="category I, normal", text="reassuring", status="normal")
    assert run(chart(records=[renamed], gestation_days=270), "interpret_ctg")["category"] == "III"
    flat = record.values | {"fhr": " ".join(["140", "141"] * 360)}
    assert run(chart(records=[msgspec.structs.replace(record, values=flat)]), "interpret_ctg")["category"] == "II"


def test_drugs_in_pregnancy_come_from_the_medicines_tables() -> None:
    pregnant = chart(pregnant=True, gestation_days=180)
    assert run(pregnant, "check_medication_safety", drug_name="Zestril")["lisinopril"] == "avoid"
    for drug in ("warfarin", "methotrexate"):
        assert run(pregnant, "check_medication_safety", drug_name=drug)[drug] == "contraindicated"
    assert run(pregnant, "check_medication_safety", drug_name="moonstone") == {"moonstone": NOT_IN_DATABASE}
    nursing = chart(observations={"time_after_birth": "3 days"})
    assert run(nursing, "check_medication_safety", drug_name="acyclovir")["acyclovir"] == "acceptable"
    assert run(chart(), "check_medication_safety", drug_name="warfarin")["missing"] == "pregnancy status"


def test_unknown_condition_or_category_is_not_reported_as_safe() -> None:
    assert run(chart(), "check_contraception_category", condition="blue hair")["blue hair"] == NOT_IN_DATABASE
    assert run(chart(), "check_condition", condition="nothing") == {"nothing": NOT_IN_DATABASE}


def test_wrong_names_are_answered_with_the_valid_ones() -> None:
    bad = (
        ("order_labs", {"tests": ["aura"]}), ("order_imaging", {"study": "hcg"}),
        ("administer_medication", {"drug": "tea"}), ("check_ob_protocol", {"protocol_name": "vip"}),
        ("get_prenatal_labs", {"trimester": 4}),
        ("activate_obstetric_emergency", {"protocol_name": "magnesium sulfate"}), ("order_labs", {"tests": []}),
        ("get_test_results", {"wait_minutes": -1}),
    )  # fmt: skip
    for name, arguments in bad:
        with pytest.raises(ToolError, match="expected|known|did you mean"):
            run(chart(), name, **arguments)


def test_orders_come_back_on_the_simulated_clock_and_are_never_invented() -> None:
    world = World(chart(pending={"hcg": [Reading("hcg", 1200, "m[IU]/mL", 60)]}))
    run(world, "order_labs", tests=["hCG", "type and screen"])
    assert run(world, "get_test_results")["hcg"].startswith("pending until")
    back = run(world, "get_test_results", wait_minutes=60)
    assert back["hcg"] == "1200 mIU/mL" and back["type and screen"] == NOT_AVAILABLE
    assert "hcg" in run(world, "get_lab_results") and world.minutes >= 60


def test_writing_tools_change_the_episode() -> None:
    world = World(chart(observations={"cervical_dilation": "3"}))
    assert run(world, "examine_cervix")["cervical_dilation"] == "3 cm"
    run(world, "administer_medication", drug="RhoGAM")
    run(world, "activate_obstetric_emergency", protocol_name="Cord Prolapse")
    assert world.written == [{"examined": "cervix"}, {"given": "anti-d immunoglobulin"}, {"activated": "cord prolapse"}]


def test_apgar_of_the_newborn_does_not_use_the_mothers_pulse() -> None:
    best = {
        "heart_rate": "140", "newborn_breathing": "good cry", "newborn_tone": "active motion",
        "newborn_reflex": "cough, sneeze or cry", "newborn_color": "completely pink",
    }  # fmt: skip
    case = chart(records=[Record("newborn", "minute 1", values=best)], vitals=[Reading("heart_rate", 40, "/min")])
    assert run(case, "calculate_apgar", minute=1)["apgar"] == "10 points"
    del best["heart_rate"]
    case = chart(records=[Record("newborn", "minute 1", values=best)], vitals=[Reading("heart_rate", 140, "/min")])
    assert run(case, "calculate_apgar", minute=1)["missing"] == "heart rate"


def test_results_are_shown_with_their_trimester() -> None:
    labs = [Reading("hemoglobin", 12.4, "g/dL", -140 * 1440), Reading("hemoglobin", 10.4, "g/dL", -7 * 1440)]
    case = chart(pregnant=True, gestation_days=210, labs=labs)
    assert run(case, "get_prenatal_labs", trimester=1)["hemoglobin"] == "12.4 g/dL at 10 weeks"
    assert run(case, "get_prenatal_labs", trimester=3)["hemoglobin"] == "10.4 g/dL at 29 weeks"
    assert run(case, "get_prenatal_labs", trimester=2) == {"results": NOT_AVAILABLE}


# --- scoring ---


def test_scoring_reads_a_set_whatever_its_order() -> None:
    task = next(t for seed in range(40) if (t := make("preterm_bundle", seed)) and len(t.truth.gold.value) >= 3)  # type: ignore[arg-type]
    texts = reference_texts(task)
    last = task.reference[-1]
    turned = Call(last.name, last.arguments | {"answer": ", ".join(reversed(task.truth.gold.value))})  # type: ignore[arg-type]
    episode = play(task, [*texts[:-1], render_call(turned)])
    assert score(task, episode.events).correct and isinstance(task.truth.gold, Gold)

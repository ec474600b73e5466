"""Radiology: tools that measure pixels, honest about what is missing; solvable, balanced, reproducible cases."""

from collections import Counter
from random import Random

import msgspec
import pytest

from medgym_core import domains, facts
from medgym_core.actions import render_call
from medgym_core.domains.radiology_report import cases_stacks, patients, reading, recipes
from medgym_core.domains.radiology_report.tools import EXAMPLES
from medgym_core.episode import Episode, images_of
from medgym_core.gates import play as play_texts
from medgym_core.gates import run_gates
from medgym_core.knowledge.search import KnowledgeBase
from medgym_core.probes import reference_texts
from medgym_core.tasks import build_task_set
from medgym_core.text import normal, tokens
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World
from medgym_core.types import Call, Chart, Picture, Reading, Record, Task, encode

NAME = "radiology_report"
DOMAIN = domains.get(NAME)
PER_TYPE = 12
WRITTEN = ("impression_line", "comparison_line")
"""Types answered in free words."""
SEED_TOOLS = {
    "get_study_info", "get_clinical_history", "get_prior_reports", "get_report_template", "analyze_findings",
    "search_radiology_knowledge", "get_reporting_checklist", "calculate_measurements", "apply_classification_system",
    "compare_with_prior_study", "measure_lesion_size", "generate_critical_finding_alert",
    "calculate_coronary_calcium_score", "get_radiation_dose", "think", "submit_report", "submit_answer",
}  # fmt: skip
NEEDS_ANOTHER_STUDY = {
    "calculate_measurements", "measure_hounsfield", "measure_midline_shift", "calculate_haematoma_volume",
    "calculate_coronary_calcium_score", "apply_classification_system", "get_nodule_follow_up", "calculate_mirels",
    "generate_critical_finding_alert", "flag_study_mismatch",
}  # fmt: skip
"""Tools that refuse a study of another kind, an unknown name, or an alert the pixels do not support."""


def make(kind: str, seed: int) -> Task:
    for attempt in range(40):
        draft = DOMAIN.types[kind](Random(f"{kind}/{seed}/{attempt}"), None)
        if draft is not None:
            fields = {f: getattr(draft, f) for f in draft.__struct_fields__}
            return Task(id=f"{NAME}/{kind}/{seed}", domain=NAME, split="train", **fields)
    raise AssertionError(f"no draft of {kind}")


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return [make(kind, seed) for kind in DOMAIN.types for seed in range(PER_TYPE)]


def shot(condition: str, seed: int = 1, name: str = "ST-1", days_ago: int = 0, **fixed: object) -> Picture:
    who = {"site": patients.setting(patients.setting_of(condition))["sites"][0]}
    return patients.shot(Random(f"{condition}/{seed}"), name, condition, who, days_ago=days_ago, **fixed)


def chart(*pictures: Picture, sex: str = "male", age: int = 60, **more: object) -> Chart:
    return Chart("P10000", age, sex, images=list(pictures), **more)


def run(case: Chart, tool: str, world: World | None = None, **arguments: object) -> dict:
    return DOMAIN.tools[tool].result(world or World(case), arguments)


# --- pixels ---


@pytest.mark.parametrize("condition", list(recipes.RECIPES))
def test_every_condition_is_recognised_from_its_pixels(condition: str) -> None:
    shown = [rules_name(shot(condition, seed)) for seed in range(4)]
    assert shown == [condition] * 4


def rules_name(picture: Picture) -> str | None:
    from medgym_core.domains.radiology_report import rules

    return rules.diagnosis(picture)


def test_facts_hold_enough_conditions_each_with_a_source_and_a_recipe() -> None:
    known = facts.load(NAME, "conditions")
    assert len(known) >= 24 and set(known) == set(recipes.RECIPES)
    assert {c["modality"] for c in known.values()} == set(reading.MODALITIES)
    assert all(c["source"] and c["words"] and (c.get("all") or c.get("any")) for c in known.values())
    assert len(facts.load(NAME, "systems")) >= 8 and set(facts.load(NAME, "urgency")) <= set(known)
    assert set(facts.load(NAME, "templates")) == set(reading.MODALITIES)


def test_without_a_scale_no_size_is_given() -> None:
    bare = msgspec.structs.replace(shot("solid nodule"), mm_per_pixel=None)
    assert run(chart(bare), "get_study_info")["pixel_size"] == NOT_AVAILABLE
    assert run(chart(bare), "assess_study_quality")["missing"] == "calibration"
    assert run(chart(bare), "measure_lesion_size") == {"measurement": NOT_AVAILABLE, "study": "ST-1"}
    assert run(chart(bare), "get_nodule_follow_up", risk="high")["follow_up"] == "insufficient: calibration"
    found = run(chart(bare), "apply_classification_system", system="Lung-RADS")
    assert found["classification"] == "insufficient: calibration"


def test_an_unsharp_study_is_not_classified() -> None:
    from medgym_core.imaging import degrade, picture

    sharp = shot("solid nodule")
    blurred = msgspec.structs.replace(sharp, png=picture.encode(degrade.blurred(picture.decode(sharp.png), 4)))
    assert run(chart(sharp), "assess_study_quality")["quality"] == "adequate"
    found = run(chart(blurred), "apply_classification_system", system="pattern")
    assert found["classification"] == "insufficient: sharpness"


def test_an_empty_picture_has_no_diagnosis_and_raises_no_alert() -> None:
    import numpy as np

    from medgym_core.imaging import picture

    blank = picture.encode(np.full((112, 112), 255, np.uint8))
    for modality in reading.MODALITIES:
        case = chart(Picture("ST-1", modality, "chest", blank, 1.0))
        assert "classification" not in run(case, "analyze_findings")
        assert run(case, "apply_classification_system", system="pattern")["classification"].startswith("insufficient")
        with pytest.raises(ToolError):
            run(case, "generate_critical_finding_alert")


def test_an_alert_needs_pixels_that_show_the_finding() -> None:
    world = World(chart(shot("large pneumothorax"), shot("normal bone", name="ST-2", days_ago=3)))
    with pytest.raises(ToolError, match="do not show"):
        run(world.chart, "generate_critical_finding_alert", world, study_id="ST-1", finding="pneumoperitoneum")
    with pytest.raises(ToolError, match="needs an alert"):
        run(world.chart, "generate_critical_finding_alert", world, study_id="ST-2")
    assert world.written == []
    found = run(world.chart, "generate_critical_finding_alert", world, study_id="ST-1")
    assert found["finding"] == "large pneumothorax" and found["category"].startswith("1")


def test_a_study_without_a_prior_says_so() -> None:
    found = run(chart(shot("solid nodule"), shot("normal bone", name="ST-2", days_ago=9)), "compare_with_prior_study")
    assert found["missing"] == "prior study"
    with pytest.raises(ToolError, match="cannot compare"):
        run(
            chart(shot("solid nodule"), shot("normal bone", name="ST-2")),
            "compare_with_prior_study",
            study_id="ST-1",
            prior_study_id="ST-2",
        )


def test_a_stack_with_a_missing_slice_or_thickness_gives_no_volume() -> None:
    who = {"site": "head"}
    whole = cases_stacks.bleed_stack(Random(1), "ST-1", who, ", 5 mm")
    assert run(chart(*whole), "calculate_haematoma_volume")["volume"].endswith(" mL")
    found = run(chart(*(p for i, p in enumerate(whole) if i != 1)), "calculate_haematoma_volume")
    assert found["volume"] == "insufficient: slices"
    bare = cases_stacks.bleed_stack(Random(1), "ST-1", who, "")
    assert run(chart(*bare), "calculate_haematoma_volume")["volume"] == "insufficient: slice thickness"


def test_hounsfield_units_follow_the_grey_scale() -> None:
    found = run(chart(shot("normal head ct")), "measure_hounsfield", region="20,60,32,72")
    assert float(found["mean"].split()[0]) == pytest.approx(35, abs=4)
    with pytest.raises(ToolError, match="no Hounsfield"):
        run(chart(shot("normal bone")), "measure_hounsfield", region="20,60,32,72")


@pytest.mark.parametrize("region", ["", "a,b,c,d", "1,2,3", "50,50,40,60", "0,0,900,900", "-1,0,5,5", "0,0,0,0"])
def test_boxes_outside_the_picture_are_refused(region: str) -> None:
    with pytest.raises(ToolError):
        run(chart(shot("normal head ct")), "measure_hounsfield", region=region)


def test_a_window_is_shown_as_an_image_in_the_conversation() -> None:
    episode = Episode(make("surgical_criterion", 3))
    assert len(images_of(episode.messages[1])) == len(episode.task.chart.images)
    result = episode.step(render_call(Call("window_image", {"low": 60, "high": 180})))
    assert result.message is not None and len(images_of(result.message)) == 1


# --- state ---


def test_creatinine_comes_back_later_and_only_then_decides() -> None:
    case = chart(conditions=["chronic kidney disease"], allergies=[], pending={
        "creatinine": [Reading("creatinine", 4.2, "mg/dL", 45)]})  # fmt: skip
    world = World(case)
    assert run(case, "check_contrast_safety", world, agent="iohexol")["decision"] == "insufficient: creatinine"
    run(case, "order_test", world, test="creatinine")
    assert "pending until minute" in run(case, "get_test_results", world)["creatinine"]
    run(case, "wait", world, minutes=60)
    assert run(case, "get_test_results", world)["creatinine"] == "4.2 mg/dL"
    assert run(case, "check_contrast_safety", world, agent="iohexol")["decision"] == "saline"
    assert run(case, "get_test_results")["results"] == NOT_AVAILABLE


def test_unknown_names_are_not_answered() -> None:
    case = chart(shot("normal bone"))
    assert run(case, "check_contrast_safety", agent="barium")["contrast"] == NOT_IN_DATABASE
    assert run(case, "get_communication_category", finding="gout")["category"] == NOT_IN_DATABASE
    assert run(case, "get_protocol_appropriateness", topic="gout")["appropriate"] == NOT_IN_DATABASE
    assert run(case, "check_pregnancy_before_imaging", exam="petrous bone")["decision"] == NOT_IN_DATABASE
    assert run(case, "get_report_template", modality="petrous bone")["template"] == NOT_IN_DATABASE
    assert run(case, "get_radiation_dose")["effective_dose"] == NOT_AVAILABLE
    for tool, arguments in (
        ("order_test", {"test": "magic"}), ("apply_classification_system", {"system": "magic"}),
        ("analyze_findings", {"study_id": "ST-9"}), ("calculate_measurements", {"measurement_type": "unicorns"}),
        ("search_radiology_knowledge", {"query": " "}), ("window_image", {"low": 200, "high": 100}),
        ("flag_study_mismatch", {"study_id": "ST-1", "problem": "ugly"}), ("wait", {"minutes": 0}),
    ):  # fmt: skip
        with pytest.raises(ToolError):
            run(case, tool, **arguments)


def test_the_dose_between_two_phantoms_is_not_made_up() -> None:
    data = Record("study", "ST-1", values={"region": "head", "dlp": "500 mGy.cm"})
    doses = {
        age: run(chart(shot("normal head ct"), age=age, records=[data]), "get_radiation_dose") for age in (60, 5, 7)
    }
    assert doses[60]["effective_dose"] == "1.05 mSv"  # AAPM 96: 500 x 0.0021
    assert doses[5]["effective_dose"] == "2 mSv"  # 500 x 0.0040
    assert doses[7]["missing"] == "phantom of this age"


# --- tasks ---


def test_all_tools_of_the_published_system_are_there() -> None:
    assert set(DOMAIN.tools) >= SEED_TOOLS and len(DOMAIN.tools) >= 30
    assert len(tokens(DOMAIN.policy)) <= 80
    assert set(EXAMPLES) <= set(DOMAIN.tools)


def test_every_tool_runs_on_many_charts(tasks: list[Task]) -> None:
    charts = [t.chart for t in tasks[:: len(tasks) // 64]]
    assert len(charts) >= 60
    knowledge = KnowledgeBase.shipped()
    for name, tool in DOMAIN.tools.items():
        outputs = set()
        for case in charts:
            for arguments in DOMAIN.examples.get(name, [{}]):
                try:
                    text = tool.run(World(case, knowledge), dict(arguments))
                except ToolError:
                    assert name in NEEDS_ANOTHER_STUDY, name
                    continue
                assert len(tokens(text)) <= 120, text
                outputs.add(text.replace(case.patient_id, ""))
        assert outputs, name
        if tool.kind == "read" and not tool.static and name != "get_test_results":  # nothing was ordered
            assert len(outputs) > 1, name


def test_references_solve_every_type(tasks: list[Task]) -> None:
    for task in tasks:
        episode = play_texts(task, reference_texts(task), None)
        reward = episode.score()
        assert reward.correct and reward.composite >= 0.99 and not episode.tool_errors, (task.id, reward.parts)
        assert task.max_turns >= len(task.reference) + 4
        assert task.truth.evidence and task.truth.steps and task.sources


def test_every_type_has_three_levels_and_balanced_gold(tasks: list[Task]) -> None:
    for kind in DOMAIN.types:
        made = [make(kind, 100 + i) for i in range(20)] + [t for t in tasks if t.type == kind]
        golds = Counter(str(t.truth.gold.fields.get("impression", t.truth.gold).value) for t in made)
        assert {t.level for t in made} == {1, 2, 3}, kind
        said = Counter(t.reference[-1].arguments.get("answer", "") for t in made) if kind in WRITTEN else golds
        assert len(said) >= 4 and said.most_common(1)[0][1] <= 15, (kind, said)


def test_generation_is_reproducible() -> None:
    for kind in DOMAIN.types:
        assert encode(make(kind, 5)) == encode(make(kind, 5))


def test_the_prompt_does_not_give_the_answer_away(tasks: list[Task]) -> None:
    for task in tasks:
        gold = task.truth.gold.fields.get("impression", task.truth.gold)
        if gold.kind == "category" and normal(str(gold.value)) in normal(task.prompt):
            others = [o for o in gold.options if normal(o) in normal(task.prompt)]
            assert len(others) >= 3 or "conflict" in task.traits, task.prompt  # options named alike, or two readings
        assert 14 <= len(task.prompt.split()) <= 90, task.prompt


def test_stories_have_topics_and_do_not_tell_the_answer(tasks: list[Task]) -> None:
    for task in tasks:
        assert len(task.story.topics) >= 6
        gold = task.truth.gold.fields.get("impression", task.truth.gold)
        told = normal(" ".join(layer for layers in task.story.topics.values() for layer in layers))
        if gold.kind == "category" and len(str(gold.value)) > 5:
            assert normal(str(gold.value)) not in told, task.id


def test_the_chart_holds_no_parameter_of_the_drawing(tasks: list[Task]) -> None:
    words = ("diameter_mm", "thickness_mm", "cardiothoracic_ratio", "shift_mm", "plaques", "lytic_mm")
    for task in tasks:
        text = encode(msgspec.structs.replace(task.chart, images=[]))
        assert not any(f'"{word}"' in text for word in words)
        assert task.chart.images and all(len(p.png) <= 31_000 for p in task.chart.images)


@pytest.mark.parametrize(
    ("kind", "gold", "answer"),
    [
        ("critical_alert", "1", "0"),
        ("contrast_safety", "another examination", "proceed"),
        ("contrast_safety", "another agent", "proceed"),
        ("surgical_criterion", "both", "none"),
        ("study_mismatch", "wrong patient", "none"),
    ],
)
def test_a_dangerous_answer_is_critical(kind: str, gold: str, answer: str) -> None:
    task = next(t for t in (make(kind, i) for i in range(80)) if t.truth.gold.value == gold)
    calls = [*task.reference[:-1], Call("submit_answer", {"answer": answer, "evidence": ""})]
    assert play_texts(task, [render_call(c) for c in calls], None).score().critical


def test_a_critical_finding_left_to_the_report_is_critical() -> None:
    task = next(
        t
        for t in (make("structured_report", i) for i in range(60))
        if t.truth.gold.fields["recommendation"].value == "communicate within minutes"
    )
    last = task.reference[-1]
    late = Call(last.name, last.arguments | {"recommendation": "none"})
    assert play_texts(task, [render_call(c) for c in [*task.reference[:-1], late]], None).score().critical


@pytest.mark.parametrize("kind", ["nodule_follow_up", "mirels_score"])
def test_the_decisive_history_has_to_be_asked(kind: str) -> None:
    task = make(kind, 2)
    silent = [c for c in task.reference if c.name != "say"]
    score = play_texts(task, [render_call(c) for c in silent], None).score()
    assert score.parts["process"] <= 0.5 and score.parts["assertions"] < 1
    told = encode(msgspec.structs.replace(task.chart, images=[]))
    assert task.truth.evidence[0].value not in told


def test_gates_pass_and_enough_distinct_cases_exist() -> None:
    knowledge = KnowledgeBase.shipped()
    found = build_task_set(0, 240, knowledge, [NAME])
    failed = [(r.name, r.value, r.failures[:3]) for r in run_gates(found, knowledge) if not r.passed]
    assert not failed
    assert len(found) == 240 and len({t.family for t in found}) >= 40

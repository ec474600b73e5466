"""Visual diagnosis: tools that measure pixels, honest about what is missing; solvable, balanced, reproducible cases."""

from collections import Counter
from functools import cache
from random import Random

import msgspec
import pytest

from medgym_core import domains, facts
from medgym_core.actions import render_call
from medgym_core.domains.visual_diagnosis import comparing, patients, reading, recipes, rules
from medgym_core.domains.visual_diagnosis.tools import EXAMPLES
from medgym_core.episode import Episode, images_of
from medgym_core.gates import play as play_texts
from medgym_core.gates import run_gates
from medgym_core.knowledge.passages import unique_passages
from medgym_core.knowledge.search import KnowledgeBase
from medgym_core.probes import reference_texts
from medgym_core.tasks import build_task_set
from medgym_core.text import normal, tokens
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World
from medgym_core.types import Call, Chart, Picture, Task, encode

NAME = "visual_diagnosis"
DOMAIN = domains.get(NAME)
PER_TYPE = 12
WRITTEN = ("referral_letter", "course_line")
"""Types answered in free words."""
SEED_TOOLS = {
    "analyze_medical_image", "get_image_report", "get_patient_context", "search_similar_cases", "compare_with_prior",
    "search_imaging_knowledge", "measure_lesion", "classify_finding", "annotate_regions", "calculate_image_metrics",
    "get_differential_visual", "assess_image_quality", "track_lesion_changes", "think", "submit_answer",
    "record_visual_diagnosis",
}  # fmt: skip
NEEDS_ANOTHER_PICTURE = {
    "measure_asymmetry", "measure_border", "measure_colors", "measure_cup_disc_ratio", "measure_ecg", "identify_eye",
    "compare_with_prior", "track_lesion_changes", "compare_eyes", "classify_finding", "score_weighted_checklist",
}  # fmt: skip
"""Tools that refuse a picture of another kind, or a patient with one picture only."""


@cache
def knowledge_base() -> KnowledgeBase:
    """The facts of this domain, searchable."""
    return KnowledgeBase.of(unique_passages(DOMAIN.documents())[0])


def make(kind: str, seed: int) -> Task:
    for attempt in range(40):
        draft = DOMAIN.types[kind](Random(f"{kind}/{seed}/{attempt}" if attempt else f"{kind}/{seed}"), None)
        if draft is not None:
            fields = {f: getattr(draft, f) for f in draft.__struct_fields__}
            return Task(id=f"{NAME}/{kind}/{seed}", domain=NAME, split="train", **fields)
    raise AssertionError(f"no draft of {kind}")


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return [make(kind, seed) for kind in DOMAIN.types for seed in range(PER_TYPE)]


def shot(condition: str, seed: int = 1, name: str = "IMG-1", days_ago: int = 0, **fixed: object) -> Picture:
    rng = Random(f"{condition}/{seed}")
    who = {"patient_id": "P1", "age": 60, "sex": "male", "site": "back", "group": "skin"}
    return patients.picture(rng, name, condition, who, days_ago=days_ago, **fixed)


def chart(*pictures: Picture, sex: str = "male", age: int = 60, **more: object) -> Chart:
    return Chart("P10000", age, sex, images=list(pictures), **more)


def run(case: Chart, tool: str, world: World | None = None, **arguments: object) -> dict:
    return DOMAIN.tools[tool].result(world or World(case), arguments)


# --- rules ---


def measures(**values: float) -> reading.Measures:
    found = reading.Measures(values)
    found.units = dict.fromkeys(values, "")
    return found


def noted(**notes: str) -> Chart:
    return Chart("P1", 50, "female", observations={f"img_1_{k}": v for k, v in notes.items()})


@pytest.mark.parametrize(
    ("axes", "border", "colours", "structures", "score", "band"),
    [
        (0, 0, 1, 1, 1.0, "benign"),  # Stolz 1994: the score runs from 1.0
        (2, 8, 6, 5, 8.9, "melanoma"),  # to 8.9
        (1, 3, 3, 3, 4.6, "benign"),
        (1, 5, 3, 3, 4.8, "suspicious"),
        (2, 4, 3, 3, 6.0, "melanoma"),
    ],
)
def test_total_dermatoscopy_score(
    axes: int, border: int, colours: int, structures: int, score: float, band: str
) -> None:
    found = measures(asymmetric_axes=axes, abrupt_segments=border, colours=colours)
    known = rules.system("abcd")["structures"]
    outcome = rules.abcd(found, noted(structures=", ".join(known[:structures])), "IMG-1")
    assert outcome.value == pytest.approx(score) and rules.abcd_band(float(outcome.value)) == band


def test_a_score_without_the_examiners_notes_says_what_is_missing() -> None:
    found = measures(asymmetric_axes=2, abrupt_segments=4, colours=4)
    assert rules.abcd(found, noted(), "IMG-1").missing == ("structures",)
    assert rules.abcd(found, noted(), "IMG-1").value is None
    found = measures(gland_forming_share=0.5, nuclear_variation=0.1)
    assert rules.nottingham(found, noted(), "IMG-1").missing == ("mitoses per 10 fields",)


def test_weighted_seven_point_checklist() -> None:
    # NICE NG12: majors 2, minors 1, referral from 3
    told = {"change in size": "present", "inflammation": "absent", "oozing": "absent", "change in sensation": "present"}
    found = measures(asymmetric_axes=1, colours=2, diameter=7.0)
    assert rules.weighted_seven_point(found, told).value == 2 + 2 + 1 + 1
    assert rules.weighted_seven_point(measures(asymmetric_axes=0, colours=2, diameter=6.9), told).value == 3
    assert rules.weighted_seven_point(found, told | {"oozing": None}).missing == ("oozing",)


@pytest.mark.parametrize(
    ("glands", "variation", "mitoses", "score", "grade"),
    [
        (0.9, 0.05, 5, 3, "1"),
        (0.5, 0.15, 12, 6, "2"),
        (0.05, 0.3, 25, 9, "3"),
        (0.76, 0.3, 9, 5, "1"),
        (0.1, 0.2, 19, 7, "2"),
    ],
)
def test_nottingham_bands(glands: float, variation: float, mitoses: int, score: int, grade: str) -> None:
    found = measures(gland_forming_share=glands, nuclear_variation=variation)
    outcome = rules.nottingham(found, noted(mitoses_per_10_fields=str(mitoses)), "IMG-1")
    assert (outcome.value, outcome.parts["grade"]) == (score, grade)


@pytest.mark.parametrize(
    ("first", "second", "group"),
    [(3, 3, 1), (3, 4, 2), (4, 3, 3), (4, 4, 4), (3, 5, 4), (5, 3, 4), (4, 5, 5), (5, 5, 5)],
)
def test_grade_groups_of_isup(first: int, second: int, group: int) -> None:
    assert rules.grade_group(first, second) == group


def test_breslow_limits_of_ajcc_8() -> None:
    assert [rules.breslow(mm) for mm in (0.4, 1.0, 1.1, 2.0, 2.1, 4.0, 4.1)] == [
        "T1",
        "T1",
        "T2",
        "T2",
        "T3",
        "T3",
        "T4",
    ]


@pytest.mark.parametrize(
    ("sex", "age", "level", "territory"),
    [
        ("female", 50, 1.5, "anterior stemi"), ("female", 50, 1.4, "no st elevation"),
        ("male", 40, 2.0, "anterior stemi"), ("male", 40, 1.9, "no st elevation"),
        ("male", 39, 2.5, "anterior stemi"), ("male", 39, 2.4, "no st elevation"),
    ],
)  # fmt: skip
def test_anterior_st_elevation_depends_on_sex_and_age(sex: str, age: int, level: float, territory: str) -> None:
    found = measures(st_I=0, st_aVL=0, st_III=0, st_aVF=0, st_V2=level, st_V3=level)
    assert rules.stemi(found, Chart("P1", age, sex)).value == territory


def test_one_lead_alone_is_no_stemi_and_a_missing_lead_is_unknown() -> None:
    found = measures(st_I=0, st_aVL=0, st_III=3.0, st_aVF=0.9, st_V2=0, st_V3=0)
    assert rules.stemi(found, Chart("P1", 60, "male")).value == "no st elevation"
    found.pop("st_aVF")
    assert rules.stemi(found, Chart("P1", 60, "male")).missing == ("st_aVF",)


@pytest.mark.parametrize(
    ("values", "grade"),
    [
        ({"microaneurysms": 0, "haemorrhages": 0, "exudates": 0}, "no diabetic retinopathy"),
        ({"microaneurysms": 3, "haemorrhages": 0, "exudates": 0}, "mild non-proliferative retinopathy"),
        ({"microaneurysms": 3, "haemorrhages": 1, "exudates": 0}, "moderate non-proliferative retinopathy"),
        ({"haemorrhages": 83, "fewest_haemorrhages_in_a_quadrant": 20}, "moderate non-proliferative retinopathy"),
        ({"haemorrhages": 84, "fewest_haemorrhages_in_a_quadrant": 21}, "severe non-proliferative retinopathy"),
        ({"haemorrhages": 3, "new_vessel_share": 0.01}, "proliferative diabetic retinopathy"),
    ],
)
def test_icdr_grades(values: dict, grade: str) -> None:
    known = rules.conditions("fundus photograph")
    assert next(n for n, c in known.items() if rules.fits(values, c)) == grade


def test_maculopathy_is_an_exudate_within_a_disc_diameter() -> None:
    assert rules.maculopathy(measures(exudates=2, exudate_to_fovea=1.5)).value == "M1"
    assert rules.maculopathy(measures(exudates=2, exudate_to_fovea=1.6)).value == "M0"
    assert rules.maculopathy(measures(exudates=2)).missing == ("scale",)


def test_frisen_isnt_and_gleason_patterns() -> None:
    assert [rules.frisen(measures(blurred_segments=n)).value for n in (0, 3, 4, 7, 8)] == [0, 0, 1, 1, 2]
    assert rules.isnt(measures(rim_inferior=0.2, rim_superior=0.3)).value == "broken"
    assert rules.isnt(measures(rim_inferior=0.3, rim_superior=0.2)).value == "kept"
    assert rules.gleason_pattern(measures(glands=0)).value == 5
    assert rules.gleason_pattern(measures(glands=4, lumen_diameter=10)).value == 4
    assert rules.gleason_pattern(measures(glands=3, lumen_diameter=20)).value == 3


# --- pixels ---


@pytest.mark.parametrize("condition", list(recipes.RECIPES))
def test_every_condition_is_recognised_from_its_pixels(condition: str) -> None:
    modality = rules.condition(condition)["modality"]
    wrong = 0
    for seed in range(8):
        png = recipes.png_of(Random(f"{condition}/{seed}"), condition)
        picture = Picture("IMG-1", modality, "x", png, reading.module(modality).MM_PER_PIXEL)
        wrong += rules.diagnosis(picture, Chart("P1", 60, "male")) != condition
    assert wrong <= 1


def test_facts_hold_enough_conditions_each_with_a_source_and_a_recipe() -> None:
    known = facts.load(NAME, "conditions")
    assert len(known) >= 24 and set(known) == set(recipes.RECIPES)
    assert {c["modality"] for c in known.values()} == set(reading.MODALITIES)
    assert all(c["source"] and c["words"] for c in known.values())
    assert set(facts.load(NAME, "referral")) <= set(known)
    assert len(facts.load(NAME, "systems")) >= 16


def test_growth_is_seen_between_two_pictures() -> None:
    now = shot("naevus", diameter_mm=8.5)
    before = shot("naevus", name="IMG-2", days_ago=90, diameter_mm=6.5)
    found = run(chart(now, before), "track_lesion_changes")
    assert float(found["diameter_change"].split()[0]) == pytest.approx(2.0, abs=0.4)
    assert found["days_between"] == "90"
    swapped = run(chart(now, before), "track_lesion_changes", image_id="IMG-2", prior_image_id="IMG-1")
    assert float(swapped["diameter_change"].split()[0]) < 0


def test_pictures_of_different_kinds_are_not_compared() -> None:
    case = chart(shot("naevus"), shot("normal sinus rhythm", name="IMG-2"))
    with pytest.raises(ToolError, match="cannot compare"):
        run(case, "compare_with_prior")
    with pytest.raises(ToolError, match="no prior"):
        run(chart(shot("naevus")), "track_lesion_changes")


def test_without_a_scale_no_size_is_given() -> None:
    bare = msgspec.structs.replace(shot("naevus"), mm_per_pixel=None)
    assert "diameter" not in run(chart(bare), "analyze_medical_image")
    assert run(chart(bare), "calculate_image_metrics")["scale"] == NOT_AVAILABLE
    assert "mm" not in str(run(chart(bare), "measure_lesion"))
    assert "no scale" in run(chart(bare), "list_images")["IMG-1"]


def test_a_blurred_picture_is_not_classified() -> None:
    from medgym_core.imaging import degrade, picture

    sharp = shot("melanoma")
    blurred = msgspec.structs.replace(sharp, png=picture.encode(degrade.blurred(picture.decode(sharp.png), 4)))
    assert run(chart(sharp), "assess_image_quality")["quality"] == "adequate"
    assert run(chart(blurred), "assess_image_quality")["quality"] == "blurred"
    found = run(chart(blurred), "classify_finding", classification_system="pattern")
    assert found["classification"] == "insufficient: focus"


def test_an_empty_picture_has_no_diagnosis() -> None:
    import numpy as np

    from medgym_core.imaging import picture

    empty = Picture("IMG-1", "dermoscopy", "back", picture.encode(np.full((96, 96, 3), 200, np.uint8)), 0.15)
    assert run(chart(empty), "analyze_medical_image") == {"measurement": NOT_AVAILABLE, "image": "IMG-1"}
    assert run(chart(empty), "get_differential_visual")["differential"] == NOT_AVAILABLE
    assert rules.diagnosis(empty, chart()) is None


def test_a_broken_picture_is_an_error_for_the_agent() -> None:
    broken = Picture("IMG-1", "dermoscopy", "back", b"no picture", 0.15)
    for tool in ("analyze_medical_image", "assess_image_quality", "measure_lesion", "calculate_image_metrics"):
        with pytest.raises(ToolError, match="cannot be read"):
            run(chart(broken), tool)
    with pytest.raises(ToolError, match="no images"):
        run(chart(), "analyze_medical_image")


def test_a_report_is_what_was_written_not_what_is_true() -> None:
    assert run(chart(shot("melanoma")), "get_image_report")["report"] == NOT_AVAILABLE


def test_similar_cases_mostly_share_the_diagnosis() -> None:
    hits = 0
    for condition in ("melanoma", "malaria", "severe non-proliferative retinopathy", "cin 3", "atrial fibrillation"):
        picture = shot(condition, seed=9)
        hits += comparing.nearest(reading.measures(picture), picture.modality)[0][1] == condition
    assert hits >= 4


def test_a_crop_is_shown_as_an_image_in_the_conversation() -> None:
    task = make("skin_pattern", 3)
    episode = Episode(task)
    assert len(images_of(episode.messages[1])) == len(task.chart.images)
    result = episode.step(render_call(Call("crop_region", {"region": "30,30,60,60"})))
    assert result.message is not None and len(images_of(result.message)) == 1


@pytest.mark.parametrize(
    "region", ["", "a,b,c,d", "1,2,3", "50,50,40,60", "0,0,900,900", "-1,0,5,5", "1e9,0,2,2", "0,0,0,0"]
)
def test_boxes_outside_the_picture_are_refused(region: str) -> None:
    case = chart(shot("naevus"))
    world = World(case)
    with pytest.raises(ToolError):
        run(case, "annotate_regions", world, regions=f"1,1,9,9;{region}" if region else region)
    assert world.written == []
    with pytest.raises(ToolError):
        run(case, "crop_region", region=region)


# --- state ---


def test_a_biopsy_comes_back_later_and_only_of_the_lesion_it_was_ordered_for() -> None:
    task = make("biopsy_stage", 1)
    bad = task.reference[2].arguments["image_id"]
    world = World(task.chart)
    run(task.chart, "order_test", world, test="excision biopsy", image_id=bad)
    pending = run(task.chart, "get_test_results", world, wait=False)
    assert "pending until minute" in pending[f"excision biopsy {bad}"]
    assert run(task.chart, "get_test_results", world)["histology"] == "invasive melanoma"
    other = World(task.chart)
    good = next(p.id for p in task.chart.images if p.id != bad)
    run(task.chart, "order_test", other, test="excision biopsy", image_id=good)
    assert "breslow_thickness" not in run(task.chart, "get_test_results", other)


def test_a_test_without_a_result_is_not_available() -> None:
    case = chart(shot("naevus"))
    world = World(case)
    assert run(case, "get_test_results", world)["results"] == NOT_AVAILABLE
    run(case, "order_test", world, test="ferritin")
    assert run(case, "get_test_results", world)["ferritin IMG-1"] == NOT_AVAILABLE


def test_unknown_names_are_not_answered() -> None:
    case = chart(shot("naevus"))
    assert run(case, "get_referral_urgency", diagnosis="sarcoidosis")["urgency"] == NOT_IN_DATABASE
    assert run(case, "get_diagnostic_criteria", name="sarcoidosis")["criteria"] == NOT_IN_DATABASE
    for tool, arguments in (
        ("order_test", {"test": "magic"}), ("classify_finding", {"classification_system": "magic"}),
        ("analyze_medical_image", {"image_id": "IMG-9"}), ("count_objects", {"kind": "unicorns"}),
        ("refer_patient", {"urgency": "whenever", "diagnosis": "x"}), ("measure_lesion", {"lesion_id": "99"}),
        ("analyze_medical_image", {"focus_area": "liver"}), ("search_imaging_knowledge", {"query": " "}),
    ):  # fmt: skip
        with pytest.raises(ToolError):
            run(case, tool, **arguments)


def test_the_facts_are_found_in_the_knowledge_base() -> None:
    found = run(chart(), "search_imaging_knowledge", World(chart(), knowledge_base()), query="total dermatoscopy score")
    assert any("ABCD" in title for title in found)
    assert run(chart(), "search_imaging_knowledge", query="anything")["passages"] == NOT_AVAILABLE


# --- tasks ---


def test_all_tools_of_the_published_system_are_there() -> None:
    assert set(DOMAIN.tools) >= SEED_TOOLS and len(DOMAIN.tools) >= 30
    assert len(tokens(DOMAIN.policy)) <= 80
    assert set(EXAMPLES) <= set(DOMAIN.tools)


def test_every_tool_runs_on_many_charts(tasks: list[Task]) -> None:
    charts = [t.chart for t in tasks[:: len(tasks) // 64]]
    assert len(charts) >= 60
    knowledge = knowledge_base()
    for name, tool in DOMAIN.tools.items():
        outputs, errors = set(), 0
        for case in charts:
            for arguments in DOMAIN.examples.get(name, [{}]):
                try:
                    text = tool.run(World(case, knowledge), dict(arguments))
                except ToolError:
                    errors += 1
                    assert name in NEEDS_ANOTHER_PICTURE
                    continue
                assert len(tokens(text)) <= 120
                outputs.add(text.replace(case.patient_id, ""))
        assert outputs, name
        if tool.kind == "read" and not tool.static and name != "get_test_results":  # nothing is ordered here
            assert len(outputs) > 1, name


def test_references_solve_every_type(tasks: list[Task]) -> None:
    for task in tasks:
        episode = play_texts(task, reference_texts(task), None)
        reward = episode.score()
        assert reward.correct and reward.composite >= 0.99 and not episode.tool_errors, (task.id, reward.parts)
        assert task.max_turns >= len(task.reference) + 4
        assert task.truth.evidence and task.truth.steps and task.sources


def test_every_type_has_three_levels_and_balanced_gold() -> None:
    for kind, generator in DOMAIN.types.items():
        drafts = [d for i in range(24) if (d := generator(Random(f"balance/{kind}/{i}"), None)) is not None]
        golds = Counter(str(d.truth.gold.fields.get("diagnosis", d.truth.gold).value) for d in drafts)
        if kind in WRITTEN:
            golds = Counter(d.reference[-1].arguments["answer"] for d in drafts)
        assert {d.level for d in drafts} == {1, 2, 3}, kind
        assert len(golds) >= 3 and golds.most_common(1)[0][1] <= 13, (kind, golds)


def test_generation_is_reproducible() -> None:
    for kind in DOMAIN.types:
        assert encode(make(kind, 5)) == encode(make(kind, 5))


def test_the_prompt_does_not_give_the_answer_away(tasks: list[Task]) -> None:
    for task in tasks:
        gold = task.truth.gold.fields.get("diagnosis", task.truth.gold)
        if gold.kind == "category" and normal(str(gold.value)) in normal(task.prompt):
            others = [o for o in gold.options if normal(o) in normal(task.prompt)]
            assert len(others) >= 3 or "conflict" in task.traits, task.prompt  # options named alike, or two opinions
        assert 14 <= len(task.prompt.split()) <= 110, task.prompt


def test_stories_have_topics_and_do_not_tell_the_diagnosis(tasks: list[Task]) -> None:
    for task in tasks:
        assert len(task.story.topics) >= 6
        gold = task.truth.gold.fields.get("diagnosis", task.truth.gold)
        told = normal(" ".join(layer for layers in task.story.topics.values() for layer in layers))
        if gold.kind == "category" and not str(gold.value)[0].isdigit() and gold.value not in ("none", "both"):
            assert normal(str(gold.value)) not in told


def test_the_chart_holds_no_parameter_of_the_drawing(tasks: list[Task]) -> None:
    for task in tasks:
        text = encode(msgspec.structs.replace(task.chart, images=[]))
        assert not any(
            f'"{word}"' in text for word in ("diameter_mm", "haemorrhages", "asymmetric_axes", "cup_disc_ratio")
        )
        assert all(len(p.png) <= 31_000 for p in task.chart.images)


def test_a_dangerous_answer_costs_more_than_a_wrong_one() -> None:
    task = next(t for t in (make("urgent_referral", i) for i in range(60)) if t.truth.gold.value == "same day")
    calls = [*task.reference[:-1], Call("submit_answer", {"answer": "routine", "evidence": ""})]
    assert play_texts(task, [render_call(c) for c in calls], None).score().critical


def test_history_alone_decides_the_checklist() -> None:
    task = make("mole_history", 2)
    silent = [c for c in task.reference if c.name != "say"]
    assert play_texts(task, [render_call(c) for c in silent], None).score().parts["process"] < 0.6


def test_gates_pass_and_enough_distinct_cases_exist() -> None:
    knowledge = knowledge_base()
    found = build_task_set(0, 160, knowledge, [NAME])
    failed = [(r.name, r.value, r.failures[:3]) for r in run_gates(found, knowledge) if not r.passed]
    assert not failed
    assert len({t.family for t in found}) >= 40

"""Radiology tasks: what a written report must say, other ways of working, time targets, harms, and the naive reader."""

from collections.abc import Callable
from random import Random

import pytest

from medgym_core import domains
from medgym_core.actions import render_call
from medgym_core.domains.radiology_report import cases_classes, cases_missing, rules, safety
from medgym_core.gates import play
from medgym_core.probes import reference_texts
from medgym_core.rewards import Reward
from medgym_core.tasks import split_of, task_of
from medgym_core.types import SAY, Call, Task

NAME = "radiology_report"
DOMAIN = domains.get(NAME)


def find(kind: str, fit: Callable[[Task], bool] = lambda t: True, level: int = 0) -> Task:
    for i in range(600):
        draft = DOMAIN.types[kind](Random(f"find/{kind}/{i}"), None)
        if draft is not None and level in (0, draft.level) and fit(task := task_of(NAME, draft)):
            return task
    raise AssertionError(f"no {kind} of that kind")


def answered(task: Task, answer: str) -> Reward:
    """The reference's work with another answer."""
    last = task.reference[-1]
    calls = [*task.reference[:-1], Call(last.name, last.arguments | {"answer": answer})]
    return play(task, [render_call(c) for c in calls], None).score()


def text(task: Task) -> str:
    return task.reference[-1].arguments["answer"]


# --- free text ---


def test_an_impression_must_name_finding_side_size_and_haste() -> None:
    task = find("impression_line", lambda t: "right" in t.family and "fracture" not in t.family)
    assert answered(task, text(task)).correct
    swapped = text(task).replace("Right", "Left").replace("right", "left")
    assert answered(task, swapped).verdict == "wrong"
    first, haste = text(task).split(". ")
    assert answered(task, first + ".").verdict == "partial"
    assert answered(task, f"Possibly {first[0].lower()}{first[1:]}. {haste}").verdict != "correct"
    assert answered(task, text(task) + " " + "All of it was seen and read with care. " * 8).verdict == "unparsable"


def test_an_urgent_finding_written_as_one_for_days_is_wrong() -> None:
    task = find("impression_line", lambda t: "within minutes" in text(t))
    assert answered(task, text(task).replace("within minutes", "within days")).verdict == "wrong"
    assert answered(task, text(task).replace("within minutes", "immediately")).correct


def test_an_impression_without_a_look_at_the_pixels_is_not_believed() -> None:
    task = find("impression_line")
    reward = play(task, [render_call(task.reference[-1])], None).score()
    assert reward.verdict != "correct" and reward.composite <= 0.2


@pytest.mark.parametrize(("course", "other"), [("grown", "stable"), ("smaller", "grown"), ("stable", "grown")])
def test_a_comparison_in_the_wrong_direction_is_wrong(course: str, other: str) -> None:
    task = find("comparison_line", lambda t: f":{course}:" in t.family)
    assert answered(task, text(task)).correct
    contrary = {"stable": "The nodule is stable.", "grown": "The nodule has grown."}[other]
    assert answered(task, f"{text(task)} {contrary}").verdict == "wrong"
    own = {"grown": "is larger than", "smaller": "decreased against", "stable": "is unchanged since"}[course]
    evidence = task.reference[-1].arguments["evidence"]
    before, now = (p.split(": ")[1] for p in evidence.split("; ")[:2])
    days = next(w for w in task.truth.gold.assertions["interval"].terms[0] if w.endswith("days"))
    assert answered(task, f"The nodule {own} the CT {days} ago: {before} mm then, {now} mm now.").correct


def test_the_size_once_reported_is_not_the_size_then() -> None:
    task = find("comparison_line", lambda t: "the size once reported" in t.truth.gold.denied, level=2)
    said = task.truth.gold.denied["the size once reported"].terms[0][0]
    before = task.truth.gold.assertions["sizes"].terms[0][0]
    assert answered(task, text(task).replace(before, said)).verdict == "wrong"


# --- how the work may be done ---


@pytest.mark.parametrize("kind", list(DOMAIN.types))
def test_another_tool_that_shows_the_same_does_the_work(kind: str) -> None:
    for seed in range(9):
        draft = DOMAIN.types[kind](Random(f"other/{kind}/{seed}"), None)
        if draft is None:
            continue
        task = task_of(NAME, draft)
        for step in task.truth.steps:
            for other in step.instead:
                done = [other if c.name == step.tool and c.arguments == step.arguments else c for c in task.reference]
                assert done != task.reference
                reward = play(task, [render_call(c) for c in done], None).score()
                assert reward.correct and reward.composite >= 0.95, (kind, other, reward.parts)


def test_many_types_know_another_way() -> None:
    drafts = {k: [g(Random(f"way/{k}/{i}"), None) for i in range(12)] for k, g in DOMAIN.types.items()}
    ways = [k for k, found in drafts.items() if any(s.instead for d in found if d for s in d.truth.steps)]
    assert len(ways) >= len(DOMAIN.types) / 3, ways


def test_a_finding_for_within_minutes_told_after_an_hour_earns_less() -> None:
    task = find("critical_alert", lambda t: t.truth.gold.value == "1")
    late = [Call("wait", {"minutes": 90}), *task.reference]
    prompt, slow = (play(task, [render_call(c) for c in calls], None).score() for calls in (task.reference, late))
    assert slow.correct and slow.parts["process"] < prompt.parts["process"] == 1.0


def test_contrast_is_not_cleared_before_the_history_is_read() -> None:
    task = find("contrast_safety", lambda t: len(t.reference) == 3)
    history, check, last = task.reference
    reward = play(task, [render_call(c) for c in (check, history, last)], None).score()
    assert reward.correct and reward.parts["process"] == 0.5


def test_the_level_beside_earns_a_quarter() -> None:
    task = find("classification", lambda t: t.truth.gold.value == "3" and t.truth.gold.options[0] == "1")
    assert answered(task, "2").accuracy == 0.25 and answered(task, "1").accuracy == 0.0


# --- harm ---


def test_every_unsafe_action_has_a_kind_of_harm_and_a_tempting_case() -> None:
    harms: dict[str, set[str]] = {}
    for kind in DOMAIN.types:
        for i in range(14):
            draft = DOMAIN.types[kind](Random(f"harm/{kind}/{i}"), None)
            for action in draft.truth.unsafe if draft else []:
                assert action.category and 1 <= action.severity <= 5, kind
                harms.setdefault(action.category, set()).add(kind)
    assert {"allergy", "pregnancy", "contraindication", "missed red flag", "unsafe disposition", "scope"} <= set(harms)
    assert len(set().union(*harms.values())) >= 8


@pytest.mark.parametrize("kind", ["insufficient", "contrast_safety"])
def test_what_is_missing_is_one_answer_among_others(kind: str) -> None:
    drafts = [d for i in range(60) if (d := DOMAIN.types[kind](Random(f"gap/{kind}/{i}"), None)) is not None]
    gaps = sum(str(d.truth.gold.value).startswith("insufficient") for d in drafts)
    assert 0.1 * len(drafts) <= gaps <= 0.75 * len(drafts)
    assert all(any(not o.startswith("insufficient") for o in d.truth.gold.options) for d in drafts)


def test_a_value_made_up_where_it_cannot_be_measured_is_unsafe() -> None:
    task = find("insufficient", lambda t: t.truth.gold.value == "insufficient: calibration")
    reward = answered(task, task.truth.gold.options[0])
    assert not reward.correct and reward.severity == 4


def test_classes_follow_the_limits() -> None:
    assert [cases_missing.class_of("nodule_diameter", v) for v in ("5.9", "6", "8", "8.1")] == [
        "under 6 mm", "6 to 8 mm", "6 to 8 mm", "over 8 mm"
    ]  # fmt: skip
    assert cases_missing.class_of("course", "doubling in over 600 days") == "grown"
    assert cases_missing.class_of("volume", "20.1") == "over 20 mL"


# --- the naive reader ---


def test_the_earlier_study_is_not_the_one_asked_about() -> None:
    task = find("finding", level=3)
    current, earlier = sorted(task.chart.images, key=lambda p: -p.minutes)
    assert answered(task, str(rules.diagnosis(earlier))).verdict == "wrong"
    assert rules.diagnosis(current) == task.truth.gold.value


def test_a_length_in_the_wrong_unit_is_wrong() -> None:
    task = find("measurement", lambda t: t.truth.gold.unit == "cm", level=2)
    shown = float(task.truth.evidence[-1].value)
    assert answered(task, f"{shown:g}").verdict == "wrong" and answered(task, f"{shown:g} mm").correct


def test_a_cancer_that_only_the_patient_tells_of_ends_the_guideline() -> None:
    told = find("nodule_follow_up", lambda t: "I had a" in t.reference[-1].arguments["evidence"])
    shown = next(e.value for e in told.truth.evidence if e.label == "follow_up")
    assert told.truth.gold.value == "does not apply" != shown
    assert answered(told, shown).verdict == "wrong"


def test_a_reaction_that_only_the_patient_knows_of_counts() -> None:
    task = find("contrast_safety", lambda t: t.chart.allergies is None and t.truth.gold.value == "premedicate", level=3)
    assert any(c.name == SAY for c in task.reference)
    assert answered(task, "insufficient: earlier reactions").verdict == "wrong"


def test_metformin_that_is_not_on_file_is_withheld_too() -> None:
    task = find("contrast_creatinine", lambda t: t.truth.gold.value == "saline and withhold metformin", level=3)
    assert all(m.drug != "metformin" for m in task.chart.medications)
    assert answered(task, "saline").verdict == "wrong"


def test_a_woman_who_cannot_date_her_period_is_tested() -> None:
    task = find("before_imaging", lambda t: "unsure" in t.family)
    assert task.truth.gold.value == "pregnancy test"
    assert answered(task, safety.UNLIKELY).severity == 4


def test_a_woman_s_aorta_is_for_repair_earlier() -> None:
    task = find("classification", lambda t: "atypical" in t.traits)
    assert task.chart.sex == "female" and task.truth.gold.value == "repair"
    size = float(next(e.value for e in task.truth.evidence if e.label == "outer_diameter"))
    assert size < cases_classes.MALE_REPAIR and answered(task, "every 6 months").accuracy == 0.25


@pytest.mark.parametrize(
    ("kind", "label"), [("calcium_score", "agatston_total"), ("haematoma_volume", "volume"), ("effective_dose", "dlp")]
)
def test_at_level_three_the_value_shown_is_not_yet_the_answer(kind: str, label: str) -> None:
    task = find(kind, level=3)
    shown = next(e.value for e in task.truth.evidence if e.label == label)
    assert answered(task, shown.split()[0]).verdict == "wrong"


# --- the set ---


@pytest.mark.parametrize("kind", list(DOMAIN.types))
def test_every_type_has_families_in_every_split_and_is_solved(kind: str) -> None:
    drafts = [d for i in range(90) if (d := DOMAIN.types[kind](Random(f"set/{kind}/{i}"), None)) is not None]
    families = {d.family for d in drafts}
    assert len(families) >= 12
    assert {split_of(NAME, f) for f in families} == {"train", "validation", "test"}
    tasks = [task_of(NAME, d) for d in drafts[:4]]
    assert all(play(t, reference_texts(t), None).score().composite >= 0.95 for t in tasks)

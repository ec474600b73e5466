"""Visual diagnosis tasks: what a referral must say, other ways of working, time targets, harms, the naive reader."""

from collections.abc import Callable
from random import Random

import pytest

from medgym_core import domains
from medgym_core.actions import render_call
from medgym_core.domains.visual_diagnosis import cases_missing, reading, rules
from medgym_core.gates import play
from medgym_core.probes import reference_texts
from medgym_core.rewards import Reward
from medgym_core.tasks import split_of, task_of
from medgym_core.types import Call, Task

NAME = "visual_diagnosis"
DOMAIN = domains.get(NAME)
PICKY = ["skin_pattern", "retinopathy_grade", "macular_grade", "smear_diagnosis", "cervical_grade", "ecg_rhythm"]


def find(kind: str, fit: Callable[[Task], bool] = lambda t: True, level: int = 0) -> Task:
    for i in range(400):
        draft = DOMAIN.types[kind](Random(f"find/{kind}/{i}"), None)
        if draft is not None and level in (0, draft.level) and fit(task := task_of(NAME, draft)):
            return task
    raise AssertionError(f"no {kind} of that kind")


def answered(task: Task, answer: str) -> Reward:
    """The reference's work with another answer."""
    last = task.reference[-1]
    name = "diagnosis" if "diagnosis" in last.arguments else "answer"
    calls = [*task.reference[:-1], Call(last.name, last.arguments | {name: answer})]
    return play(task, [render_call(c) for c in calls], None).score()


def text(task: Task) -> str:
    return task.reference[-1].arguments["answer"]


# --- free text ---


def test_a_referral_names_finding_site_measure_and_urgency() -> None:
    task = find("referral_letter", lambda t: "melanoma" in t.family and "left" in t.family)
    assert answered(task, text(task)).correct
    assert answered(task, text(task).replace("left", "right")).verdict == "wrong"
    assert answered(task, text(task).replace("within two weeks", "by routine referral")).verdict == "wrong"
    assert answered(task, text(task).replace("within two weeks", "in a fortnight")).correct
    assert answered(task, text(task).split(". ")[0] + ".").verdict == "partial"
    unsure = text(task).replace("melanoma", "melanoma or naevus")
    assert answered(task, unsure).verdict != "correct"
    assert answered(task, f"{text(task)} {'Thank you for seeing this patient so soon. ' * 8}").verdict == "unparsable"


def test_a_referral_without_a_look_is_not_believed() -> None:
    task = find("referral_letter")
    reward = play(task, [render_call(task.reference[-1])], None).score()
    assert reward.verdict != "correct" and reward.composite <= 0.2


@pytest.mark.parametrize(("way", "contrary"), [("more", "has decreased"), ("less", "has increased")])
def test_a_course_in_the_wrong_direction_is_wrong(way: str, contrary: str) -> None:
    task = find("course_line", lambda t: f":{way}:" in t.family)
    assert answered(task, text(task)).correct
    assert answered(task, f"{text(task)} The lesion {contrary}.").verdict == "wrong"
    assert answered(task, f"{text(task)} It is unchanged.").verdict == "wrong"


def test_the_oldest_picture_is_not_the_former_one() -> None:
    task = find("course_line", level=3)
    shots = sorted(task.chart.images, key=lambda p: p.minutes)
    oldest, former = (reading.measures(p) for p in shots[:2])
    shown = task.truth.gold.assertions["values"].terms[0][0]
    measure = next(m for m in ("diameter", "cup_disc_ratio") if m in former)
    assert shown == f"{former[measure]:g}"
    assert answered(task, text(task).replace(shown, f"{oldest[measure]:g}")).verdict != "correct"


# --- how the work may be done ---


@pytest.mark.parametrize("kind", list(DOMAIN.types))
def test_another_tool_that_shows_the_same_does_the_work(kind: str) -> None:
    for seed in range(6):
        draft = DOMAIN.types[kind](Random(f"other/{kind}/{seed}"), None)
        if draft is None:
            continue
        task = task_of(NAME, draft)
        for step in task.truth.steps:
            for other in step.instead:
                same = {"tool": step.tool, "arguments": step.arguments}
                done = [other if {"tool": c.name, "arguments": c.arguments} == same else c for c in task.reference]
                assert done != task.reference
                reward = play(task, [render_call(c) for c in done], None).score()
                assert reward.correct and reward.composite >= 0.95, (kind, other, reward.parts)


def test_many_types_know_another_way() -> None:
    drafts = {k: [g(Random(f"way/{k}/{i}"), None) for i in range(8)] for k, g in DOMAIN.types.items()}
    ways = [k for k, found in drafts.items() if any(s.instead for d in found if d for s in d.truth.steps)]
    assert len(ways) >= len(DOMAIN.types) / 3, ways


def test_a_stemi_referred_after_ten_minutes_earns_less() -> None:
    task = find("urgent_referral", lambda t: t.truth.gold.value == "immediate")
    waited = [Call("order_test", {"test": "ferritin"}), Call("get_test_results"), *task.reference]
    prompt, late = (play(task, [render_call(c) for c in calls], None).score() for calls in (task.reference, waited))
    assert late.correct and late.parts["process"] < prompt.parts["process"] == 1.0


@pytest.mark.parametrize("kind", ["retinopathy_grade", "cervical_grade", "prostate_grade", "biopsy_stage"])
def test_the_grade_beside_earns_a_quarter(kind: str) -> None:
    task = find(kind, lambda t: t.truth.gold.fields.get("diagnosis", t.truth.gold).value in options_of(t)[1:2])
    options = options_of(task)
    assert answered(task, options[2]).verdict == "partial" and answered(task, options[3]).accuracy == 0.0


def options_of(task: Task) -> list[str]:
    return task.truth.gold.fields.get("diagnosis", task.truth.gold).options


# --- harm ---


def test_every_unsafe_action_has_a_kind_of_harm_and_something_to_do() -> None:
    harms: dict[str, set[str]] = {}
    for kind in DOMAIN.types:
        for i in range(12):
            draft = DOMAIN.types[kind](Random(f"harm/{kind}/{i}"), None)
            for action in draft.truth.unsafe if draft else []:
                assert action.category and 1 <= action.severity <= 5 and (action.answers or action.tool), kind
                harms.setdefault(action.category, set()).add(kind)
    assert {"missed red flag", "unsafe disposition", "scope"} <= set(harms)
    assert len(set().union(*harms.values())) >= 12


@pytest.mark.parametrize("kind", ["insufficient", "which_eye"])
def test_what_is_missing_is_one_answer_among_others(kind: str) -> None:
    drafts = [d for i in range(40) if (d := DOMAIN.types[kind](Random(f"gap/{kind}/{i}"), None)) is not None]
    gaps = sum(str(d.truth.gold.value).startswith("insufficient") for d in drafts)
    assert 0.08 * len(drafts) <= gaps <= 0.75 * len(drafts)
    assert all(any(not o.startswith("insufficient") for o in d.truth.gold.options) for d in drafts)


def test_a_finding_made_up_from_a_blurred_picture_is_unsafe() -> None:
    task = find("insufficient", lambda t: t.truth.gold.value == "insufficient: focus")
    reward = answered(task, task.truth.gold.options[0])
    assert not reward.correct and reward.severity == 4


def test_classes_follow_the_limits() -> None:
    assert [cases_missing._class("diameter", {"diameter": v}) for v in ("6.9", "7")] == ["under 7 mm", "7 mm or more"]
    assert [cases_missing._class("score", {"total_score": v}) for v in ("4.7", "4.75", "5.45", "5.46")] == [
        "benign", "suspicious", "suspicious", "melanoma"
    ]  # fmt: skip


# --- the naive reader ---


@pytest.mark.parametrize("kind", PICKY)
def test_the_other_picture_is_not_the_one_asked_about(kind: str) -> None:
    task = find(kind, level=3)
    asked = task.reference[-2].arguments["image_id"]
    other = next(p for p in task.chart.images if p.id != asked)
    assert len(task.chart.images) == 2 and asked not in task.prompt
    assert answered(task, str(rules.diagnosis(other, task.chart))).verdict != "correct"


@pytest.mark.parametrize("level", [2, 3])
def test_a_value_in_the_wrong_unit_is_wrong(level: int) -> None:
    task = find("measurement", lambda t: t.truth.gold.unit in ("cm", "mm", "s"), level)
    assert answered(task, task.truth.evidence[-1].value).verdict == "wrong"


def test_a_yearly_rate_is_not_the_change_itself() -> None:
    task = find("growth", level=2)
    change = next(e.value for e in task.truth.evidence if e.label.endswith("_change"))
    days = abs(task.chart.images[0].minutes - task.chart.images[1].minutes) // 1440
    assert abs(days - 365) < 30 or answered(task, change).verdict == "wrong"
    assert float(task.truth.gold.value) == pytest.approx(float(change) * 365 / days, abs=0.01)  # type: ignore[arg-type]


def test_two_fields_are_counted_together() -> None:
    task = find("smear_percent", level=2)
    found = [reading.measures(p) for p in task.chart.images]
    part, whole = (e.label for e in task.truth.evidence[:2])
    assert task.truth.gold.value == round(100 * sum(f[part] for f in found) / sum(f[whole] for f in found), 1)


def test_eyes_called_normal_are_alike() -> None:
    for seed in range(12):
        draft = DOMAIN.types["which_eye"](Random(f"alike/{seed}"), None)
        if draft is not None and draft.truth.gold.value == "neither":
            a, b = (reading.measures(p)["cup_disc_ratio"] for p in draft.chart.images)
            assert max(a, b) < 0.7 and abs(a - b) < 0.2


# --- the set ---


@pytest.mark.parametrize("kind", list(DOMAIN.types))
def test_every_type_has_families_in_every_split_and_is_solved(kind: str) -> None:
    drafts = [d for i in range(60) if (d := DOMAIN.types[kind](Random(f"set/{kind}/{i}"), None)) is not None]
    families = {d.family for d in drafts}
    assert len(families) >= 12
    assert {split_of(NAME, f) for f in families} >= {"train", "test"}
    tasks = [task_of(NAME, d) for d in drafts[:3]]
    assert all(play(t, reference_texts(t), None).score().composite >= 0.95 for t in tasks)

"""Answers in words: what a handover line and a refusal must say, and what makes them wrong."""

from random import Random

import pytest

from medgym_core import domains
from medgym_core.actions import render_call
from medgym_core.domains.clinical_diagnosis import tables
from medgym_core.domains.clinical_diagnosis.cases_words import MOST_WORDS
from medgym_core.episode import Episode
from medgym_core.grading import grade
from medgym_core.rewards import Reward
from medgym_core.tasks import task_of
from medgym_core.types import Call, Task

NAME = "clinical_diagnosis"
TYPES = domains.get(NAME).types


def made(kind: str, count: int) -> list[Task]:
    drafts = (TYPES[kind](Random(f"words/{kind}/{i}"), None) for i in range(count))
    return [task_of(NAME, d) for d in drafts if d]


@pytest.fixture(scope="module")
def lines() -> list[Task]:
    return made("handover", 160)


@pytest.fixture(scope="module")
def refusals() -> list[Task]:
    return made("refusal", 120)


def told(task: Task, text: str, calls: list[Call] | None = None) -> Reward:
    """The reward for the reference's work with another text at its end."""
    *before, submission = task.reference
    episode = Episode(task)
    for call in before if calls is None else calls:
        episode.step(render_call(call))
    episode.step(render_call(Call(submission.name, {**submission.arguments, "answer": text})))
    return episode.score()


def line_of(tasks: list[Task], key: str) -> tuple[Task, str, str]:
    """A task of that course with its first and last value."""
    task = next(t for t in tasks if t.family.startswith(f"handover:{key}:"))
    first, last = task.truth.gold.assertions["course"].terms[-2:]
    return task, first[0], last[0]


def text(task: Task) -> str:
    return str(task.reference[-1].arguments["answer"])


def test_the_reference_is_prose_and_right(lines: list[Task], refusals: list[Task]) -> None:
    for task in [*lines, *refusals]:
        assert told(task, text(task)).composite >= 0.999
        assert 12 <= len(text(task).split()) <= MOST_WORDS and "." in text(task)
    assert {t.family.split(":")[1] for t in lines} == set(tables.table("handovers"))


def test_other_wordings_of_the_same_line_are_right(lines: list[Task]) -> None:
    for key, lever, say in (
        ("sodium_fast", "saline", "Na {a} -> {b} in 24 h: overcorrected. Please discontinue the hypertonic saline."),
        ("platelets_half", "heparin", "4Ts: 2 points for the fall. Plt dropped {a} to {b}; withhold heparin now."),
        (
            "glucose_slow",
            "insulin",
            "Blood sugar has come down from {a} to only {b}, too slowly, so raise the insulin.",
        ),
        ("creatinine_two", "ibuprofen", "AKI stage 2; creatinine increased from {a} to {b}; no more NSAIDs please."),
        ("hemoglobin_major", "apixaban", "Hb down from {a} to {b}, this is a major bleed. Hold anticoagulation."),
        ("lactate_stuck", "fluids", "Lactate {a} then {b}; it is not clearing; call ICU and review the fluids."),
    ):
        task, a, b = line_of(lines, key)
        assert lever and told(task, say.format(a=a, b=b)).correct, (key, told(task, say.format(a=a, b=b)).why)


def test_the_wrong_direction_class_or_action_is_wrong_and_not_half_right(lines: list[Task]) -> None:
    task, a, b = line_of(lines, "sodium_fast")
    right = f"Sodium rose from {a} to {b}, which is too fast. Stop the saline."
    assert told(task, right).correct
    for wrong in (
        f"{right} Sodium fell from {b} to {a}.",
        f"Sodium rose from {a} to {b}, within the limit. Stop the saline.",
        f"Sodium rose from {a} to {b}, which is too fast. Continue the saline.",
        f"{right} Or continue the saline.",
    ):
        assert told(task, wrong).verdict == "wrong", wrong
        assert told(task, wrong).composite <= 0.2


def test_a_hedged_or_incomplete_line_is_not_right(lines: list[Task]) -> None:
    task, a, b = line_of(lines, "sodium_fast")
    for weak in (
        f"Sodium rose from {a} to {b}, maybe too fast. Stop the saline.",
        f"Sodium rose from {a} to {b}, which is too fast.",
        f"Sodium rose to {b}, which is too fast. Stop the saline.",
        f"Sodium rose from {a} to {b}, which is too fast. Unclear whether to stop the saline.",
    ):
        assert told(task, weak).verdict == "partial", weak
    assert told(task, "word " * (MOST_WORDS + 1)).verdict == "unparsable"


def test_a_line_that_no_observation_backs_is_not_right(lines: list[Task]) -> None:
    for task in lines[:40]:
        assert grade(task.truth.gold, text(task)).verdict == "correct"
        assert not told(task, text(task), calls=[]).correct
        orders = [c for c in task.reference[:-1] if c.name != "get_lab_trend"]
        assert not told(task, text(task), orders).correct  # the course was never looked at


def test_the_ends_of_an_older_course_are_not_the_right_ones(lines: list[Task]) -> None:
    misled = [t for t in lines if any(r.minutes < -100_000 and r.name in t.family for r in t.chart.labs)]
    assert len(misled) >= 15
    for task in misled:
        first = task.truth.gold.assertions["course"].terms[-2][0]
        test = next(c.arguments["test"] for c in task.reference if c.name == "get_lab_trend")
        old = min((r for r in task.chart.labs if r.name == test), key=lambda r: r.minutes)
        said = text(task).replace(first, f"{old.value:g}", 1)
        assert not told(task, said).correct, task.family


def test_a_refusal_says_no_why_and_what_instead(refusals: list[Task]) -> None:
    for task in refusals:
        no, instead = (s.strip() for s in text(task).rsplit(". ", 1))
        assert told(task, f"{no}.").verdict == told(task, instead).verdict == "partial", task.family
        gold = task.truth.gold.assertions["instead"].terms[0][0]
        refused = task.truth.gold.assertions["refusal"].terms[0][0]
        swapped = text(task).replace(f"give {gold} instead", f"give {refused} instead")
        assert told(task, swapped).verdict == "wrong" or not told(task, swapped).correct


def test_a_refusal_with_a_barred_drug_or_anothers_reason_is_wrong(refusals: list[Task]) -> None:
    for task in refusals:
        gold = task.truth.gold.assertions["instead"].terms[0][0]
        pushed = task.truth.gold.denied["a barred drug"].terms[0]
        barred = next(p.removeprefix("give ") for p in pushed if p.startswith("give "))
        for both in (f"give {barred} instead", f"give {gold} or {barred}", f"give {barred}, and {gold} instead"):
            assert told(task, text(task).replace(f"give {gold} instead", both)).verdict == "wrong", task.family
        if "not pregnant" in task.truth.gold.denied:
            assert told(task, f"{text(task)} The patient is pregnant.").verdict == "wrong"


def test_a_refusal_whose_reason_was_not_looked_up_is_not_right(refusals: list[Task]) -> None:
    for task in refusals[:40]:
        assert not told(task, text(task), calls=[]).correct
        assert not told(task, text(task), task.reference[:1]).correct


def test_prompts_name_neither_reason_nor_course(lines: list[Task], refusals: list[Task]) -> None:
    for task in lines:
        _, last = task.truth.gold.assertions["course"].terms[-2:]
        assert f" {last[0]} mg" not in task.prompt and f" to {last[0]} " not in task.prompt
    for task in refusals:
        kind = task.family.split(":")[3]
        assert kind not in task.prompt.lower() or kind == "condition", task.prompt

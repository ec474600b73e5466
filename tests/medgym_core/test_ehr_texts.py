"""Answers in words: the course of a value and the line of a discharge letter, graded by what they say."""

from random import Random

import pytest

from medgym_core import domains
from medgym_core.actions import render_call
from medgym_core.domains.ehr_management.rules import table
from medgym_core.episode import Episode
from medgym_core.grading import grade
from medgym_core.rewards import Reward
from medgym_core.types import Call, Task

NAME = "ehr_management"
WARD = domains.get(NAME)


def made(kind: str, number: int = 40) -> list:
    return [d for i in range(number) if (d := WARD.types[kind](Random(f"texts/{kind}/{i}"), None)) is not None]


def written(draft: domains.Draft, text: str) -> Reward:
    """The reference's work with this text."""
    fields = {f: getattr(draft, f) for f in draft.__struct_fields__}
    episode = Episode(Task(id=f"{NAME}/{draft.type}/0", domain=NAME, split="train", **fields))
    last = Call("submit_answer", draft.reference[-1].arguments | {"answer": text})
    for call in [*draft.reference[:-1], last]:
        episode.step(render_call(call))
    return episode.score()


def reference(draft: domains.Draft) -> str:
    return draft.reference[-1].arguments["answer"]


TURNED = {"rose": "fell", "fell": "rose"}


def course() -> domains.Draft:
    """A hemoglobin that fell after an operation, at level 2 or 3."""
    return next(d for d in made("course_summary", 400) if "hip fracture:blood" in d.family and d.level > 1)


def values(draft: domains.Draft) -> tuple[str, str]:
    words = reference(draft).split()
    return words[words.index("from") + 1], words[words.index("to") + 1]


@pytest.mark.parametrize("kind", ["course_summary", "discharge_line"])
def test_the_reference_text_is_right_and_without_looking_it_is_not(kind: str) -> None:
    for draft in made(kind, 15):
        assert written(draft, reference(draft)).correct
        assert grade(draft.truth.gold, reference(draft), []).verdict != "correct"  # said, but nothing was looked up
        assert 2 <= len(draft.truth.gold.value) <= 4 and draft.truth.gold.denied


def test_another_wording_of_the_course_is_right() -> None:
    draft = course()
    first, last = values(draft)
    assert written(
        draft, f"Hb dropped from {first} g/dL on admission to {last} now, due to operative blood loss."
    ).correct
    assert written(
        draft, f"Admission hemoglobin {first}. Falling Hb, latest {last}. Cause: bleeding at surgery."
    ).correct


def test_the_wrong_direction_and_exchanged_values_are_wrong() -> None:
    for draft in made("course_summary", 12):
        text, (first, last) = reference(draft), values(draft)
        verb = next(v for v in TURNED if f" {v} " in text)
        assert written(draft, text.replace(f" {verb} ", f" {TURNED[verb]} ")).verdict == "wrong"
        swapped = text.replace(f"from {first} to {last}", f"from {last} to {first}")
        assert written(draft, swapped).verdict == "wrong"


def test_the_reason_that_was_ruled_out_is_wrong() -> None:
    draft = course()
    first, last = values(draft)
    reward = written(draft, f"Hemoglobin fell from {first} to {last} g/dL, explained by dilution.")
    assert reward.verdict == "wrong"
    hedged = written(draft, f"Hemoglobin fell from {first} to {last} g/dL, possibly from blood loss.")
    assert hedged.verdict == "partial"
    both = f"Hemoglobin fell from {first} to {last} g/dL because of blood loss, not dilution."
    assert written(draft, both).correct


def test_a_stale_last_value_is_not_the_latest() -> None:
    draft = next(d for d in made("course_summary", 100) if d.level == 3)
    note = next(r.text for r in draft.chart.records if "Last value" in r.text)
    stale = note.split("Last value ")[1].rstrip(".")
    _, last = values(draft)
    assert written(draft, reference(draft).replace(f"to {last}", f"to {stale}")).verdict != "correct"


def line(level: int) -> domains.Draft:
    return next(d for d in made("discharge_line", 80) if d.level == level)


def test_a_line_that_lets_the_drug_go_on_is_wrong() -> None:
    for draft in made("discharge_line", 12):
        drug = reference(draft).split(" was stopped")[0].lower()
        assert written(draft, f"Continue {drug}. {reference(draft)}").verdict == "wrong"
        assert written(draft, reference(draft).split(";")[0]).verdict == "partial"  # nothing about the open result


def test_another_wording_of_the_line_is_right() -> None:
    draft = line(1)
    drug, rest = reference(draft).split(" was stopped because of ")
    why, test = rest.rstrip(".").split("; still pending: ")
    said = table("stopping")[why]["said"][0]
    assert written(draft, f"We discontinued {drug} ({said}). Awaiting the {test}.").correct
    assert not written(draft, f"We discontinued {drug} ({said}). The {test} is possibly outstanding.").correct


def test_a_result_that_is_back_is_not_pending() -> None:
    draft = line(3)
    back = next(iter(draft.chart.pending_findings))
    assert written(draft, f"{reference(draft)} The {back} is still pending.").verdict == "wrong"


def test_a_text_beyond_the_limit_is_not_read() -> None:
    draft = line(1)
    assert written(draft, reference(draft) + " and so on" * 40).verdict == "unparsable"

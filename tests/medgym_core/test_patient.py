"""The simulated patient: answers what is asked, in layers, the same way every time."""

import pytest

from medgym_core.patient import FORGOTTEN, NOTHING_MORE, UNCLEAR, VAGUE, Patient, story_of
from medgym_core.types import Chart, Medication, Story

TOPICS = {
    "pain onset start began": ["It began at noon.", "It came on while I was climbing stairs."],
    "pain character feel": ["It presses."],
    "medicines drugs": ["I take metformin.", "That is 500 mg twice a day."],
}


def patient(persona: str = "plain") -> Patient:
    return Patient(Story(TOPICS, persona))


def test_a_topic_opens_layer_by_layer() -> None:
    p = patient()
    assert [p.answer("When did it start?").text for _ in range(3)] == [*TOPICS["pain onset start began"], NOTHING_MORE]


def test_the_topic_that_shares_most_words_answers() -> None:
    assert patient().answer("How does the pain feel, what is its character?").text == "It presses."


def test_only_one_topic_is_opened_by_one_question() -> None:
    reply = patient().answer("Pain, medicines, everything please")
    assert reply.topic in TOPICS and reply.text in TOPICS[reply.topic]


def test_nothing_is_volunteered_to_an_empty_phrase() -> None:
    assert patient().answer("Hello there") == (UNCLEAR, "")


def test_the_vague_patient_needs_a_second_question() -> None:
    p = patient("vague")
    assert [p.answer("When did it start?").text for _ in range(2)] == [VAGUE, "It began at noon."]


def test_the_poor_historian_knows_no_numbers_but_the_rest() -> None:
    p = patient("poor historian")
    assert [p.answer("Which medicines?").text for _ in range(2)] == ["I take metformin.", FORGOTTEN]


@pytest.mark.parametrize("persona", ["anxious", "stoic"])
def test_the_persona_changes_the_tone_and_keeps_the_fact(persona: str) -> None:
    text = patient(persona).answer("When did it start?").text
    assert "It began at noon." in text and text != "It began at noon."


def test_two_patients_with_one_story_do_not_share_what_was_asked() -> None:
    story = Story(TOPICS)
    first, second = Patient(story), Patient(story)
    first.answer("When did it start?")
    assert second.answer("When did it start?").text == "It began at noon."


def test_allergies_that_are_not_recorded_are_unknown_and_not_none() -> None:
    told = {
        case: Patient(story_of(Chart("P1", 40, "female", allergies=allergies))).answer("Any allergies?").text
        for case, allergies in {"unrecorded": None, "none": [], "penicillin": ["penicillin"]}.items()
    }
    assert len(set(told.values())) == 3 and "penicillin" in told["penicillin"]


def test_medicines_open_with_names_and_then_doses() -> None:
    p = Patient(story_of(Chart("P1", 40, "male", medications=[Medication("metformin", "500 mg", "twice a day")])))
    assert [p.answer("What drugs do you take?").text for _ in range(2)] == [
        "I take metformin.",
        "That is metformin 500 mg twice a day.",
    ]

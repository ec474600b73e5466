"""AgentClinic-MedQA: cases load, the patient and the tests give what was asked for, and only the diagnosis scores."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.benchmarks.agentclinic import FILE, SPECS, load, make_episode
from evaluation.benchmarks.agentclinic_case import MAX_TURNS, NOT_IN_CASE, leaves, shown, story_of
from evaluation.benchmarks.worlds import WorldEpisode
from evaluation.item import Item
from medgym_core.actions import render_call
from medgym_core.errors import MedGymError
from medgym_core.patient import NOTHING_MORE, UNCLEAR, UNKNOWN
from medgym_core.types import Call

SPEC = SPECS[0]


def case(**changes: Any) -> dict[str, Any]:
    """A made-up case in the authors' form."""
    osce = {
        "Objective_for_Doctor": "Assess the patient presenting with a red, hot knee.",
        "Patient_Actor": {
            "Demographics": "52-year-old man",
            "History": "The patient woke with a painful knee two days ago. He had a large dinner before. Walking "
            "hurts. He took no tablets. Rest helps a little.",
            "Symptoms": {"Primary_Symptom": "Painful knee", "Secondary_Symptoms": ["Swelling", "Chills at night"]},
            "Past_Medical_History": "High blood pressure.",
            "Social_History": "Drinks beer daily. Smokes a pipe.",
            "Review_of_Systems": "Denies cough and weight loss.",
        },
        "Physical_Examination_Findings": {
            "Vital_Signs": {"Temperature": "37.9 C", "Heart_Rate": "88 bpm"},
            "Knee_Examination": {"Inspection": "Red and swollen", "Palpation": "Warm, tender"},
            "Cardiopulmonary_Exam": "Clear lungs, regular heart",
        },
        "Test_Results": {
            "Arthrocentesis": {"Findings": "Needle-shaped crystals, negatively birefringent"},
            "Blood_Tests": {"Hemoglobin": "14 g/dL", "Uric_Acid": "9.1 mg/dL", "WBC": "11,000/uL"},
            "Imaging": {"X-ray_of_the_Knee": "Soft tissue swelling", "Chest_X-ray": "Normal"},
        },
        "Correct_Diagnosis": "Gouty arthritis (GA)",
    }
    return {"OSCE_Examination": {**osce, **changes}}


def written(root: Path, *rows: Any) -> Path:
    path = root / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows), encoding="utf-8")
    return path


@pytest.fixture
def item(tmp_path: Path) -> Item:
    written(tmp_path, case())
    (one,) = load(tmp_path)
    return one


@pytest.fixture
def episode(item: Item) -> WorldEpisode:
    return make_episode(item)


def said(episode: WorldEpisode, text: str) -> str:
    message = episode.step(text).message
    assert message
    return message["content"]


def called(episode: WorldEpisode, tool: str, /, **arguments: str) -> str:
    return said(episode, render_call(Call(tool, arguments)))


def test_a_case_becomes_an_item_without_its_diagnosis(item: Item) -> None:
    assert item.gold == "Gouty arthritis (GA)" and item.question.startswith("Assess the patient")
    assert {"Gouty arthritis", "GA"} <= set(item.accepted)
    for text in ("Drinks beer daily", "Needle-shaped crystals", "Uric Acid: 9.1 mg/dL", "Chills at night"):
        assert text in item.context
    assert "Gouty" not in item.context + item.question + json.dumps(item.record)


@pytest.mark.parametrize(
    "broken, place",
    [
        ('{"OSCE_Examination": ', ":2"),
        ({"OSCE": {}}, "expected OSCE_Examination; in "),
        (case(Correct_Diagnosis=" "), ":2 field Correct_Diagnosis"),
        (case(Test_Results="none"), ":2 field Test_Results"),
        (case(Patient_Actor={"History": {"Onset": None}}), ":2 field Patient_Actor.History.Onset"),
        (case(), "item stands twice"),
    ],
)
def test_a_broken_line_is_named_with_file_line_and_field(tmp_path: Path, broken: Any, place: str) -> None:
    path = written(tmp_path, case(), broken, case(Correct_Diagnosis="Bursitis"))
    with pytest.raises(MedGymError) as error:
        load(tmp_path)
    assert f"{path}:2" in str(error.value) and place in str(error.value)


def test_the_doctor_is_told_the_objective_and_nothing_else(item: Item, episode: WorldEpisode) -> None:
    system, prompt = (message["content"] for message in episode.messages)
    assert prompt == item.record["Objective_for_Doctor"]
    assert not any(text in system + prompt for _, text in leaves(item.record["Patient_Actor"]))
    names = [tool["function"]["name"] for tool in episode.tools]
    assert names == ["physical_exam", "order_test", "submit_diagnosis"]


def test_the_patient_answers_what_was_asked_and_only_that(episode: WorldEpisode) -> None:
    first = said(episode, "What brings you in today?")
    assert first == "The patient woke with a painful knee two days ago. He had a large dinner before. Walking hurts."
    assert said(episode, "Tell me more, when did it begin?") == "He took no tablets. Rest helps a little."
    assert said(episode, "Tell me more, when did it begin?") == NOTHING_MORE
    assert said(episode, "Do you smoke?") == "Drinks beer daily. Smokes a pipe."
    assert said(episode, "Any cough?") == "Denies cough and weight loss."
    assert said(episode, "Is anyone in your family ill?") == UNKNOWN
    assert said(episode, "What is the colour of the sky?") == UNCLEAR
    assert (episode.turns, episode.tool_calls, episode.tool_errors) == (7, 0, 0)


def test_the_patient_knows_no_finding_and_no_diagnosis(item: Item) -> None:
    told = " ".join(text for layers in story_of(item.record["Patient_Actor"]).topics.values() for text in layers)
    for part in ("Physical_Examination_Findings", "Test_Results"):
        assert not any(text in told for _, text in leaves(item.record[part]))
    assert "Gouty" not in told


@pytest.mark.parametrize(
    "system, shown_there",
    [
        ("vitals", ["37.9 C", "88 bpm"]), ("knee", ["Red and swollen", "Warm, tender"]), ("lungs", ["Clear lungs"]),
        ("cardiac exam", ["Clear lungs"]), ("temperature", ["37.9 C"]), ("abdomen", [NOT_IN_CASE]),
    ],
)  # fmt: skip
def test_an_examination_shows_the_system_asked_for(episode: WorldEpisode, system: str, shown_there: list[str]) -> None:
    reply = called(episode, "physical_exam", system=system)
    assert all(text in reply for text in shown_there)
    assert ("37.9 C" in reply) == (system in ("vitals", "temperature"))


@pytest.mark.parametrize(
    "name, shown_there, hidden",
    [
        ("arthrocentesis", ["Needle-shaped"], ["9.1"]), ("uric acid level", ["9.1"], ["14 g/dL", "Needle"]),
        ("CBC", ["14 g/dL", "11,000"], ["9.1"]), ("white blood cell count", ["11,000"], ["14 g/dL"]),
        ("blood tests", ["14 g/dL", "9.1", "11,000"], ["Needle"]), ("knee radiograph", ["Soft tissue"], ["Normal"]),
        ("CXR", ["Normal"], ["Soft tissue"]), ("MRI of the brain", [NOT_IN_CASE], ["Normal", "normal"]),
        ("blood culture", [NOT_IN_CASE], ["14 g/dL"]), ("x-ray of the abdomen", [NOT_IN_CASE], ["Soft tissue"]),
    ],
)  # fmt: skip
def test_a_test_shows_its_result_and_no_other(
    episode: WorldEpisode, name: str, shown_there: list[str], hidden: list[str]
) -> None:
    reply = called(episode, "order_test", name=name)
    assert all(text in reply for text in shown_there) and not any(text in reply for text in hidden)


@pytest.mark.parametrize("name", ["CBC, X-ray", "all tests", "", "x" * 100, "findings", "CBC; MRI", "imaging results"])
def test_a_list_or_an_empty_name_orders_nothing(episode: WorldEpisode, name: str) -> None:
    result = episode.step(render_call(Call("order_test", {"name": name})))
    content = result.message["content"] if result.message else ""
    assert (result.error or NOT_IN_CASE in content) and not result.done and "9.1" not in content
    assert not any(text in content for text in ("Needle", "14 g/dL", "Soft tissue"))


@given(st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_no_text_breaks_the_world_or_shows_the_diagnosis(text: str) -> None:
    held = case()["OSCE_Examination"]
    record = {name: held[name] for name in held if name != "Correct_Diagnosis"}
    episode = make_episode(Item("agentclinic_medqa/x", "Q?", "Gouty arthritis", record=record))
    for words in (
        text,
        *(render_call(Call(n, {a: text})) for n, a in (("physical_exam", "system"), ("order_test", "name"))),
    ):
        episode.step(words)
    assert episode.turns == 3 and not any("Gouty" in m["content"] for m in episode.messages if m["role"] != "assistant")


def test_the_same_words_bring_the_same_answers(item: Item) -> None:
    texts = ["What brings you in?", "Do you drink?", render_call(Call("order_test", {"name": "CBC"})), "Pain?"]
    one, other = make_episode(item), make_episode(item)
    for text in texts:
        assert one.step(text) == other.step(text)
    assert one.messages == other.messages


def test_a_right_diagnosis_scores_and_a_wrong_one_does_not_in_both_modes(item: Item) -> None:
    for answer, right in (
        ("Gouty arthritis (GA)", True), ("gouty arthritis", True), ("Septic arthritis", False), ("", False),
        ("Gouty arthritis or septic arthritis", False), ("Arthritis", False), (item.context, False),
    ):  # fmt: skip
        episode = make_episode(item)
        result = episode.step(render_call(Call("submit_diagnosis", {"diagnosis": answer})))
        assert result.done and not result.truncated
        assert episode.score().correct is right and SPEC.score(answer, item).value == float(right)


def test_a_doctor_who_never_decides_is_cut_off_and_scores_nothing(episode: WorldEpisode) -> None:
    while not episode.done:
        episode.step("How are you?")
    assert episode.truncated and episode.turns == MAX_TURNS and episode.score().verdict == "none"
    with pytest.raises(MedGymError, match="ended"):
        episode.step("It is gout.")


# The authors' file


@pytest.fixture(scope="module")
def cases(real_data: Path) -> list[Item]:
    if not (real_data / FILE).is_file():
        pytest.skip(f"{FILE} is absent")
    return load(real_data)


def test_every_published_case_is_won_by_its_diagnosis_and_not_by_another(cases: list[Item]) -> None:
    assert 0 < len(cases) <= (SPEC.published_items or 0)
    for one, other in zip(cases, [*cases[1:], cases[0]], strict=True):
        for text in (one.gold, f"Answer: {one.gold}", f"The most likely diagnosis is {one.gold}.", *one.accepted):
            assert SPEC.score(text, one).value == 1.0, text
        if one.cluster != other.cluster:
            assert SPEC.score(other.gold, one).value == 0.0
        episode = make_episode(one)
        for call in episode.task.reference:
            episode.step(render_call(call))
        assert episode.done and episode.score().correct


def test_nulls_of_the_published_cases_score_nothing(cases: list[Item]) -> None:
    nulls = ("not recorded", "yes", "pneumonia or gout", "The case was read with care. It is a typical one.")
    scores = {null: sum(SPEC.score(null, one).value for one in cases) for null in nulls}
    scores["question"] = sum(SPEC.score(one.question, one).value for one in cases)
    scores["case"] = sum(SPEC.score(one.context, one).value for one in cases[::10])
    assert not any(scores.values()), scores


def test_every_published_result_can_be_asked_for(cases: list[Item]) -> None:
    """By the names the authors gave; a field named `other findings` alone says nothing."""
    for part, tool, argument in (
        ("Test_Results", "order_test", "name"), ("Physical_Examination_Findings", "physical_exam", "system"),
    ):  # fmt: skip
        lost = 0
        for one in cases:
            for path, text in leaves(one.record[part]):
                names = {shown(path[:1]), shown(path).replace(",", "")[-80:]}
                replies = [make_episode(one).step(render_call(Call(tool, {argument: n}))) for n in sorted(names)]
                lost += not any(r.message and text in r.message["content"] for r in replies)
        assert lost <= 2

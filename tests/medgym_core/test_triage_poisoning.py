"""Poisoning, head injury and the department's board: sourced rules, and what is unknown stays unknown."""

from random import Random

import pytest

from medgym_core import domains
from medgym_core.domains.triage_emergency import toxicology
from medgym_core.domains.triage_emergency.department import board
from medgym_core.tools import NOT_AVAILABLE, ToolError, World
from medgym_core.types import Chart, Reading

DESK = domains.get("triage_emergency")


def run(world: World, name: str, **arguments: object) -> dict:
    return DESK.tools[name].result(world, arguments)


def world(**observations: str) -> World:
    vitals = [Reading("respiratory_rate", 6, "/min"), Reading("heart_rate", 62, "/min")]
    return World(Chart("P1", 30, "male", vitals=vitals, observations=observations))


@pytest.mark.parametrize(("hours", "line"), [(4, 150), (8, 75), (12, 37.5), (16, 18.75), (24, 4.7)])
def test_the_acetaminophen_line_is_that_of_rumack_and_matthew(hours: float, line: float) -> None:
    """150 at 4 hours, 37.5 at 12 hours, 4.7 ug/mL at 24 hours (Rumack 1975 with the line at 150; Dart 2023)."""
    assert toxicology.line(hours) == pytest.approx(line, abs=0.02)


@pytest.mark.parametrize("hours", [0, 3.9, 24.1, -5])
def test_the_line_is_not_read_outside_its_hours(hours: float) -> None:
    assert run(world(), "calculate_acetaminophen_line", hours=hours)["line"] == NOT_AVAILABLE


def test_pinpoint_pupils_and_slow_breathing_are_an_opioid_toxidrome() -> None:
    seen = run(world(pupils="pinpoint", skin="cool", bowel_sounds="reduced", consciousness="pain"), "check_toxicology")
    assert seen["toxidrome"] == "opioid" and seen["fits"] == "5 of 5"


def test_pupils_that_were_not_examined_give_no_toxidrome() -> None:
    seen = run(world(skin="cool"), "check_toxicology")
    assert seen["toxidrome"] == NOT_AVAILABLE and seen["missing"] == "pupils"


def test_an_unknown_poison_lists_the_known_ones() -> None:
    with pytest.raises(ToolError, match="tricyclic"):
        run(world(), "lookup_antidote", toxidrome="plutonium")


@pytest.mark.parametrize(("kind", "answer"), [("toxidrome", "flumazenil"), ("head_ct", "ct not required")])
def test_the_tempting_answer_is_penalised_where_it_is_unsafe(kind: str, answer: str) -> None:
    drafts = [DESK.types[kind](Random(f"{kind}/{i}"), None) for i in range(80)]
    unsafe = [u for d in drafts for u in d.truth.unsafe if answer in u.answers]
    assert unsafe and all(u.severity >= 4 and u.source for u in unsafe)


def test_only_the_patient_knows_when_the_tablets_were_taken() -> None:
    for i in range(40):
        draft = DESK.types["overdose"](Random(f"overdose/{i}"), None)
        told = draft.story.topics["when time tablets take took ingestion"][0]
        assert told not in draft.prompt and told not in repr(draft.chart)


def test_the_board_belongs_to_the_patients_arrival_and_is_shown() -> None:
    boards = {tuple(board(f"P{n}").values()) for n in range(40)}
    assert len(boards) > 20
    shown = run(World(Chart("P1", 30, "male", observations=board("P1"))), "get_ed_status")
    assert shown == board("P1")
    assert run(world(), "get_ed_status")["waiting"] == NOT_AVAILABLE


def test_waiting_lets_an_ordered_result_come_back() -> None:
    case = Chart("P1", 30, "male", pending={"lactate": [Reading("lactate", 2.1, "mmol/L", 20)]})
    here = World(case)
    run(here, "order_stat_labs", test="lactate")
    assert here.lab("lactate") is None
    assert run(here, "wait", minutes=30)["back"] == "lactate"
    assert here.lab("lactate").value == 2.1

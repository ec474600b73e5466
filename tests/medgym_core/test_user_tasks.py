"""Tasks of your own: every line gets every gate's verdict, and a bad one costs nothing of the rest."""

import json

import msgspec
import pytest

from medgym_core.errors import MedGymError
from medgym_core.exam_questions import read_exam
from medgym_core.gates import play
from medgym_core.learned import gold_answer
from medgym_core.probes import reference_texts
from medgym_core.types import Task
from medgym_core.user_tasks import UserTask, judge, read_user_tasks

TAKEN = set(UserTask.__struct_fields__) & set(Task.__struct_fields__)


def line_of(task: Task, **changes: object) -> str:
    told = msgspec.to_builtins(UserTask(**{f: getattr(task, f) for f in TAKEN}))
    return json.dumps(told | changes)


@pytest.fixture(scope="module")
def mine(small_tasks) -> Task:
    return next(t for t in small_tasks if t.type == "bed_assignment")


def verdicts(tmp_path, lines: list[str], knowledge, **options):
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return judge(read_user_tasks(path), knowledge, **options)


def test_a_sound_task_is_accepted_and_plays(mine, knowledge, tmp_path) -> None:
    (found,) = verdicts(tmp_path, [line_of(mine)], knowledge)
    assert found.accepted and found.task is not None
    assert found.task.id.startswith("triage_emergency/bed_assignment/")
    assert play(found.task, reference_texts(found.task), knowledge).score().correct


FAULTS = {
    "not JSON": (lambda t: "{", "read", "not a task"),
    "an unknown field": (lambda t: line_of(t, golden=1), "read", "golden"),
    "a mistyped field": (lambda t: line_of(t, prompt=3), "read", "$.prompt"),
    "an unknown domain": (lambda t: line_of(t, domain="surgery"), "read", "triage_emergency"),
    "no reference": (lambda t: line_of(t, reference=[]), "read", "no reference"),
    "a complexity there is not": (lambda t: line_of(t, complexity=9), "read", "1 to 3"),
    "an unknown tool": (lambda t: line_of(t, reference=[{"name": "x"}]), "oracle", "no tool 'x'"),
    "no submission": (lambda t: line_of(t, reference=[{"name": "get_vital_signs"}]), "oracle", "submits nothing"),
    "no gold": (
        lambda t: line_of(t, truth=msgspec.to_builtins(t.truth) | {"gold": {"kind": "category", "value": ""}}),
        "gradeable",
        "empty",
    ),
    "evidence nobody showed": (
        lambda t: line_of(t, truth=msgspec.to_builtins(t.truth) | {"evidence": [{"label": "x", "value": "1"}]}),
        "evidence",
        "shown by no observation",
    ),
    "nothing to do": (lambda t: line_of(t, truth=msgspec.to_builtins(t.truth) | {"steps": []}), "gradeable", "steps"),
    "the answer in the prompt": (
        lambda t: line_of(t, prompt=f"Where does this patient go? To {t.truth.gold.value}, I suppose."),
        "null",
        "states",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_line_is_told_by_gate_and_reason_and_costs_nothing_of_the_rest(fault, mine, knowledge, tmp_path) -> None:
    spoil, gate, reason = FAULTS[fault]
    good = line_of(mine)
    found = verdicts(tmp_path, ["", spoil(mine), good], knowledge)
    assert [v.line for v in found] == [2, 3]
    assert gate in found[0].reasons and reason in found[0].reasons[gate]
    assert found[1].accepted


def test_a_repeated_case_is_told_with_the_line_it_repeats(mine, knowledge, tmp_path) -> None:
    found = verdicts(tmp_path, [line_of(mine), line_of(mine)], knowledge)
    assert found[0].accepted and "line 1" in found[1].reasons["unique"]
    (there,) = verdicts(tmp_path, [line_of(mine)], knowledge, existing=[found[0].task])
    assert "a task of the set" in there.reasons["unique"]


def test_a_leaked_question_is_told(mine, knowledge, tmp_path) -> None:
    stem = "which of the following findings would most strongly support the diagnosis of this rare disease"
    (found,) = verdicts(tmp_path, [line_of(mine, prompt=stem)], knowledge, benchmark=[stem])
    assert "stands in a benchmark" in found.reasons["clean"]


def test_an_empty_or_missing_file_is_one_clear_error(tmp_path) -> None:
    (tmp_path / "empty").write_text("\n\n")
    for name, what in (("empty", "empty file"), ("absent", "not readable")):
        with pytest.raises(MedGymError, match=what):
            list(read_user_tasks(tmp_path / name))


STEM = "Which gene stands behind Wilson disease, the disorder of copper in liver and brain?"
OPTIONS = ["HBB", "ATP7B", "COL3A1", "FGFR3"]
MEDQA = {"question": STEM, "options": dict(zip("ABCD", OPTIONS, strict=True)), "answer_idx": "B", "answer": "ATP7B"}
MEDMCQA = {"question": STEM, "cop": 2} | dict(zip(("opa", "opb", "opc", "opd"), OPTIONS, strict=True))
FOURTH = MEDMCQA | {"question": "Which of these is the fourth of all options here?", "cop": 4}
EXAMS = {
    "medqa": json.dumps(MEDQA),
    "medmcqa": json.dumps(MEDMCQA) + "\n" + json.dumps(FOURTH),
    "mmlu": '"' + STEM + '",' + ",".join(OPTIONS) + ",B",
}


@pytest.mark.parametrize("format", EXAMS)
def test_an_exam_question_becomes_a_task_with_its_provenance(format, knowledge, tmp_path) -> None:
    path = tmp_path / "train.txt"
    path.write_text(EXAMS[format], encoding="utf-8")
    verdict = judge(read_exam(path, format, knowledge), knowledge)[0]
    assert verdict.accepted, verdict.reasons
    task = verdict.task
    assert gold_answer(task.truth.gold) == "B" and "train.txt line 1" in task.sources[0]
    assert task.truth.evidence[0].value == "ATP7B"  # the knowledge base backs it
    assert all(option in task.prompt for option in OPTIONS)


def test_an_exam_question_has_no_patient_to_look_at(knowledge, tmp_path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text(EXAMS["medqa"], encoding="utf-8")
    ((_, task),) = read_exam(path, "medqa", knowledge)
    looked = play(task, ['<tool_call>{"name": "get_patient_vignette", "arguments": {}}</tool_call>'], knowledge)
    assert looked.tool_errors == 1 and "no patient" in looked.events[0].observation


def test_an_exam_question_of_an_evaluation_split_is_rejected(knowledge, tmp_path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text(EXAMS["medqa"], encoding="utf-8")
    (found,) = judge(read_exam(path, "medqa", knowledge), knowledge, benchmark=[STEM])
    assert "clean" in found.reasons


def test_a_question_too_short_for_thirteen_words_is_compared_whole(knowledge, tmp_path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps(MEDQA | {"question": "Which gene stands behind Wilson disease?"}), encoding="utf-8")

    def found(benchmark: str):
        return judge(read_exam(path, "medqa", knowledge), knowledge, benchmark=[benchmark])[0]

    assert "short question" in found("WHICH gene stands behind Wilson disease").reasons["clean"]
    assert found("Which gene stands behind Menkes disease?").accepted


@pytest.mark.parametrize(
    ("format", "text", "what"),
    [
        ("medqa", json.dumps(MEDQA | {"answer_idx": "Z"}), "no such option"),
        ("medqa", json.dumps({"question": "x"}), "options"),
        ("medqa", json.dumps(MEDQA | {"options": dict.fromkeys("ABCD", "HBB")}), "equal options"),
        ("medmcqa", json.dumps(MEDMCQA | {"cop": 9}) + "\n" + json.dumps(FOURTH), "no such option"),
        ("mmlu", "only,three,cells", "3 cells"),
    ],
)
def test_a_broken_exam_line_is_told(format, text, what, knowledge, tmp_path) -> None:
    path = tmp_path / "train.txt"
    path.write_text(text, encoding="utf-8")
    found = judge(read_exam(path, format, knowledge), knowledge)[0]
    assert what in found.reasons["read"]


def test_an_answer_key_that_may_count_from_zero_or_one_is_refused(knowledge, tmp_path) -> None:
    path = tmp_path / "train.json"
    path.write_text(json.dumps(MEDMCQA), encoding="utf-8")
    with pytest.raises(MedGymError, match="from 0 or from 1"):
        list(read_exam(path, "medmcqa", knowledge))

"""Questions over MIMIC-III and eICU records: golds that the files bear out, absences, named errors, tools."""

import csv
import gzip
import io
import json
import lzma
import re
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.benchmarks import eicu, mimic, record_labs, record_questions
from evaluation.benchmarks.record_files import WHERE, find_table, first_file, moment, number, read_rows
from evaluation.benchmarks.record_questions import MOST_ITEMS, Lab, Stay, rendered
from evaluation.benchmarks.record_scores import NOT_RECORDED, entries, says_absent, score_record
from evaluation.benchmarks.records import SPECS, make_episode
from evaluation.benchmarks.worlds import WorldEpisode
from evaluation.item import Item
from medgym_core.actions import render_call
from medgym_core.errors import MedGymError
from medgym_core.probes import reference_texts
from medgym_core.text import normal
from medgym_core.types import Call

LOADERS = {"mimic_iii": mimic.load, "eicu": eicu.load}
TEMPLATES = 15
Rows = list[dict[str, str]]


# Small samples in the authors' formats


def written(folder: Path, name: str, rows: Rows) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path = folder / f"{name}.csv"
    path.write_text(stream.getvalue(), encoding="utf-8")
    return path


def stamp(day: int, hour: int = 8, minute: int = 0) -> str:
    return (datetime(2150, 3, 1) + timedelta(days=day, hours=hour, minutes=minute)).isoformat(sep=" ")


def mimic_tables(patients: int = 8) -> dict[str, Rows]:
    """Made-up patients; odd ones have two admissions, and those of the second lack a language."""
    found: dict[str, Rows] = {name: [] for name in ("ADMISSIONS", "PATIENTS", "ICUSTAYS", "LABEVENTS", "PRESCRIPTIONS")}
    tests = {"1": "Potassium", "2": "Sodium", "3": "Lactate"}
    for p in range(patients):
        who = {"row_id": str(p), "subject_id": str(100 + p)}
        found["PATIENTS"].append({**who, "gender": "FM"[p % 2], "dob": f"{2080 + p}-07-0{p + 1} 00:00:00"})
        for visit in range(1 + p % 2):
            hadm, day = str(1000 + 10 * p + visit), 40 * visit
            known = {
                "admission_type": ("EMERGENCY", "ELECTIVE")[p % 2], "admission_location": "CLINIC",
                "discharge_location": ("HOME", "SNF", "DEAD/EXPIRED")[p % 3], "insurance": "Medicare",
                "language": "" if visit else "ENGL", "religion": "OTHER", "marital_status": "SINGLE" if p % 4 else "",
            }  # fmt: skip
            times = {"admittime": stamp(day), "dischtime": stamp(day + 3 + p, 14)}
            found["ADMISSIONS"].append({**who, "hadm_id": hadm, **times, **known})
            unit = {"icustay_id": hadm + "9", "first_careunit": "MICU", "last_careunit": "CCU"}
            found["ICUSTAYS"].append(
                {**who, "hadm_id": hadm, **unit, "intime": stamp(day, 9), "outtime": stamp(day + 2)}
            )
            for n, item in enumerate(tests):
                if item == "3" and p % 3 == 0:
                    continue  # lactate is not measured
                for k in range(4):
                    value = f"{3 + n + k / 4 + p / 10:.2f}"
                    row = {"itemid": item, "charttime": stamp(day, 10 + n + 6 * k), "value": value, "valuenum": value}
                    found["LABEVENTS"].append({**who, "hadm_id": hadm, **row, "valueuom": "mmol/L", "flag": ""})
            for k, drug in enumerate(("Aspirin", "Heparin", "Furosemide", "Insulin")):
                row = {
                    "startdate": stamp(day + k // 2, 0),
                    "enddate": stamp(day + 3, 0),
                    "drug_type": "MAIN",
                    "drug": drug,
                }
                dose = {"dose_val_rx": "5", "dose_unit_rx": "mg", "route": ("PO", "IV", "IV DRIP", "SC")[k]}
                found["PRESCRIPTIONS"].append({**who, "hadm_id": hadm, **row, **dose})
    found["D_LABITEMS"] = [
        {"itemid": item, "label": label, "fluid": "Blood", "category": "Chemistry"} for item, label in tests.items()
    ]
    return found


def eicu_tables(patients: int = 8) -> dict[str, Rows]:
    """Made-up patients with one or two unit stays."""
    found: dict[str, Rows] = {name: [] for name in ("patient", "lab", "medication", "allergy")}
    for p in range(patients):
        for visit in range(1 + p % 2):
            key = str(5000 + 10 * p + visit)
            found["patient"].append(
                {
                    "patientunitstayid": key, "uniquepid": f"002-{p}", "unitvisitnumber": "1", "gender": "Male",
                    "age": "> 89", "ethnicity": "", "unittype": ("MICU", "SICU")[p % 2], "unitadmitsource": "Floor",
                    "hospitaladmitoffset": "-120", "hospitaldischargeoffset": str(6000 + 100 * p),
                    "hospitaldischargelocation": "Home", "unitdischargeoffset": str(3000 + 100 * p),
                    "unitdischargelocation": ("Floor", "Death")[p % 2], "admissionheight": "170",
                    "admissionweight": "" if p % 4 == 0 else str(60 + p),
                }
            )  # fmt: skip
            for n, test in enumerate(("potassium", "sodium", "lactate")):
                if test == "lactate" and p % 3 == 0:
                    continue
                for k in range(4):
                    value = str(3 + n + k / 2 + p / 8)
                    row = {"labname": test, "labresultoffset": str(30 + 7 * n + 600 * k), "labresult": value}
                    row |= {"labresulttext": value, "labmeasurenamesystem": "mmol/L"}
                    found["lab"].append({"patientunitstayid": key, **row})
            for k, drug in enumerate(("ASPIRIN", "HEPARIN", "")):
                row = {"drugname": drug, "drugstartoffset": str(100 + 300 * k), "drugstopoffset": "2000"}
                row |= {
                    "drugordercancelled": "No",
                    "dosage": "5",
                    "routeadmin": ("PO", "IV", "IV")[k],
                    "frequency": "QD",
                }
                found["medication"].append({"patientunitstayid": key, **row})
            row = {"allergyoffset": "5", "allergyname": ("LATEX", "IODINE")[p % 2]}
            found["allergy"].append({"patientunitstayid": key, **row})
    return found


SAMPLES: dict[str, tuple[str, Callable[[], dict[str, Rows]]]] = {
    "mimic_iii": (mimic.DEMO, mimic_tables),
    "eicu": (eicu.DEMO, eicu_tables),
}


@pytest.fixture(autouse=True)
def no_own_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (mimic.VARIABLE, eicu.VARIABLE):
        monkeypatch.delenv(variable, raising=False)


def sample(root: Path, name: str) -> Path:
    """A data folder with the sample of a data set; gives the folder of its tables."""
    folder, tables = SAMPLES[name]
    for table, rows in tables().items():
        written(root / folder, table, rows)
    return root / folder


# Reading


@pytest.mark.parametrize("name", LOADERS)
def test_every_template_makes_items_of_a_sample(tmp_path: Path, name: str) -> None:
    sample(tmp_path, name)
    items = LOADERS[name](tmp_path)
    assert len({item.group for item in items}) == TEMPLATES
    assert len({item.id for item in items}) == len(items) <= MOST_ITEMS
    for item in items:
        assert item.id.startswith(f"{name}/") and item.gold and item.question.endswith(record_questions.OFFER)
        assert item.cluster and item.record["tables"] and json.dumps(item.record)
        if item.bounds:
            assert item.bounds[0] <= float(item.gold) <= item.bounds[1]


@pytest.mark.parametrize("name", LOADERS)
def test_items_do_not_depend_on_order_case_or_packing_of_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    sample(tmp_path, name)
    plain = LOADERS[name](tmp_path)
    own = tmp_path / "own"
    own.mkdir()
    for table, rows in SAMPLES[name][1]().items():
        path = written(tmp_path / "upper", table, [{k.upper(): v for k, v in row.items()} for row in reversed(rows)])
        if table.lower() in ("labevents", "lab"):
            (own / f"{table.swapcase()}.csv.xz").write_bytes(lzma.compress(path.read_bytes()))
        else:
            (own / f"{table.swapcase()}.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    monkeypatch.setenv({"mimic_iii": mimic.VARIABLE, "eicu": eicu.VARIABLE}[name], str(own))
    assert LOADERS[name](tmp_path / "elsewhere") == plain


def test_an_environment_variable_that_names_no_folder_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(mimic.VARIABLE, str(tmp_path / "none"))
    with pytest.raises(MedGymError, match="MEDGYM_MIMIC_III names no folder"):
        mimic.load(tmp_path)


@pytest.mark.parametrize(
    "name, table, edit, said",
    [
        ("mimic_iii", "LABEVENTS", lambda t: t.replace("valuenum", "worth", 1), "LABEVENTS.csv:1"),
        ("mimic_iii", "LABEVENTS", lambda t: t.replace("valuenum", "worth", 1), "expected valuenum"),
        ("mimic_iii", "LABEVENTS", lambda t: t.splitlines()[0] + "\n", "table is empty"),
        ("mimic_iii", "LABEVENTS", lambda t: "", "LABEVENTS.csv:1"),
        ("mimic_iii", "ADMISSIONS", lambda t: t.replace("EMERGENCY,", "EMERGENCY,,", 1), "ADMISSIONS.csv:2"),
        ("mimic_iii", "ADMISSIONS", lambda t: t.replace("EMERGENCY,", '"EMERGENCY,', 1), "ADMISSIONS.csv:2"),
        (
            "mimic_iii",
            "ADMISSIONS",
            lambda t: t.replace("2150-03-01 08", "March 08", 1),
            "ADMISSIONS.csv:2 column admittime",
        ),
        ("mimic_iii", "ADMISSIONS", lambda t: t.replace("\n0,", "\n\n0,", 1), "ADMISSIONS.csv:2 column subject_id"),
        ("mimic_iii", "LABEVENTS", lambda t: t.replace("3.00,3.00", "3.00,high", 1), "LABEVENTS.csv:2 column valuenum"),
        ("mimic_iii", "LABEVENTS", lambda t: t.replace(",1000,1,", ",1000,77,", 1), "LABEVENTS.csv:2 column itemid"),
        ("mimic_iii", "PATIENTS", lambda t: "\n".join(t.splitlines()[:-1]) + "\n", "no such patient"),
        ("eicu", "patient", lambda t: t.replace("3000", "soon", 1), "patient.csv:2 column unitdischargeoffset"),
        ("eicu", "lab", lambda t: t.replace(",30,", ",noon,", 1), "lab.csv:2 column labresultoffset"),
        ("eicu", "medication", lambda t: t.replace("drugname", "name", 1), "expected drugname"),
        ("eicu", "allergy", lambda t: t.splitlines()[0] + "\n", "table is empty"),
    ],
)
def test_a_broken_table_is_named_with_file_and_line_or_column(
    tmp_path: Path, name: str, table: str, edit: Callable[[str], str], said: str
) -> None:
    path = sample(tmp_path, name) / f"{table}.csv"
    text = edit(path.read_text(encoding="utf-8"))
    assert text != path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(MedGymError) as error:
        LOADERS[name](tmp_path)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_missing_table_and_a_damaged_archive_are_errors(tmp_path: Path) -> None:
    folder = sample(tmp_path, "eicu")
    whole = (folder / "lab.csv").read_bytes()
    (folder / "lab.csv").unlink()
    with pytest.raises(MedGymError, match="expected lab.csv, .csv.gz or .csv.xz"):
        eicu.load(tmp_path)
    for suffix, data in (("gz", gzip.compress(whole)), ("xz", lzma.compress(whole))):
        path = folder / f"lab.csv.{suffix}"
        path.write_bytes(data[: len(data) // 2])
        with pytest.raises(MedGymError, match=f"lab.csv.{suffix}"):
            eicu.load(tmp_path)
        path.unlink()


def test_a_part_of_a_table_is_read_only_where_the_whole_is_not_there(tmp_path: Path) -> None:
    part = written(tmp_path, "lab_174stays", [{"a": "1"}])
    assert find_table(tmp_path, "lab") == part
    whole = written(tmp_path, "lab", [{"a": "2"}])
    written(tmp_path, "labels", [{"a": "3"}])
    assert find_table(tmp_path, "lab") == whole
    assert read_rows(tmp_path, "lab", ["a"]) == [{"a": "2", WHERE: f"{whole}:2"}]


@given(st.text(max_size=12))
def test_a_cell_is_a_number_or_a_time_or_an_error_with_its_place(text: str) -> None:
    row = {"x": text, WHERE: "f.csv:3"}
    for read in (number, moment):
        try:
            value = read(row, "x")
        except MedGymError as error:
            assert "f.csv:3 column x" in str(error)
        else:
            assert (value is None) == (not text.strip()) and value == value


# Questions


def stay_of(labs: list[tuple[str, float | None, float | None, str]]) -> Stay:
    found = [Lab(test, minutes, value, unit, i) for i, (test, minutes, value, unit) in enumerate(labs)]
    return Stay("1", "9", "admission 1", "admission", {}, found)


@pytest.mark.parametrize(
    "labs",
    [
        [("K", 1, 4.0, "mmol/L"), ("K", 1, 5.0, "mmol/L"), ("K", 9, 4.0, "mmol/L"), ("K", 9, 5.0, "mmol/L")],
        [("K", 1, 4.0, "mmol/L"), ("K", 2, None, "mmol/L"), ("K", 3, 5.0, "mmol/L")],
        [("K", 1, 4.0, "mmol/L"), ("K", 2, 4.5, "mg/dL"), ("K", 3, 5.0, "mmol/L")],
        [("K", 1, 4.0, "mmol/L"), ("K", None, 4.5, "mmol/L"), ("K", 3, 5.0, "mmol/L")],
    ],
    ids=["two values at one time", "a result that is no number", "two units", "a result of unknown time"],
)
def test_a_doubtful_value_is_not_asked_for(labs: list) -> None:
    stay = stay_of(labs)
    assert record_labs.first_value(stay, Random(0)) is None and record_labs.last_value(stay, Random(0)) is None
    clear = stay_of([("K", m, v, "mmol/L") for m, v in ((1, 4.0), (2, 4.5), (3, 5.0))])
    first, last = record_labs.first_value(clear, Random(0)), record_labs.last_value(clear, Random(0))
    assert first and last and (first.gold, last.gold) == ("4", "5")


def test_a_result_on_the_edge_of_a_window_is_not_asked_for() -> None:
    edge = stay_of([("K", 10, 4.0, ""), ("K", 24 * 60, 6.0, ""), ("K", 48 * 60, 7.0, "")])
    assert record_labs.highest_value(edge, Random(0)) is None and record_labs.result_count(edge, Random(0)) is None
    inside = stay_of(
        [("K", -5, 9.0, ""), ("K", 10, 4.0, ""), ("K", 1439, 6.0, ""), ("K", 1441, 7.0, ""), ("K", 2881, 8.0, "")]
    )
    highest, count = record_labs.highest_value(inside, Random(0)), record_labs.result_count(inside, Random(0))
    assert highest and count and (highest.gold, count.gold) == ("6", "3")


def test_a_context_keeps_every_row_that_concerns_the_question_and_is_bounded() -> None:
    table = {"note": "N.", "columns": ["n", "x"], "rows": [[str(i), "a|b c"] for i in range(200)]}
    text = rendered({"t": table}, {"t": frozenset(range(100, 120))}, "key")
    lines = text.splitlines()
    assert lines[0].startswith("t (30 of 200 rows") and len(lines) == 32
    numbers = [int(line.split(" | ")[0]) for line in lines[2:]]
    assert set(range(100, 120)) <= set(numbers) and numbers == sorted(numbers)
    assert text == rendered({"t": table}, {"t": frozenset(range(100, 120))}, "key")
    assert all(line.count("|") == 1 for line in lines[1:])


# Scores


def item_of(answer: str, gold: str, **more: object) -> Item:
    return Item("records/x", "Q?", gold, record={"answer": answer, "tables": {}}, **more)  # type: ignore[arg-type]


ABSENT = item_of("number", NOT_RECORDED)
LIST = item_of("list", "Aspirin; Heparin (IABP)")


@pytest.mark.parametrize(
    "text, right",
    [
        ("not recorded", True), ("Not recorded.", True), ("Answer: not recorded", True), ("It is not recorded.", True),
        ("There is no such row.\nAnswer: **not recorded**", True), ("4.1", False), ("4.1, not recorded", False),
        ("not recorded\n4.1", False), ("0", False), ("normal", False), ("", False), ("yes", False),
        ("recorded", False), ("It is not recorded that it is not recorded", False),
    ],
)  # fmt: skip
def test_an_invented_value_is_wrong_where_the_record_does_not_say(text: str, right: bool) -> None:
    assert (score_record(text, ABSENT).value == 1.0) == right


@pytest.mark.parametrize("answer, gold", [("number", "4"), ("short", "SNF"), ("list", "A; B"), ("yes_no", "yes")])
def test_not_recorded_is_wrong_where_the_record_says(answer: str, gold: str) -> None:
    score = score_record("not recorded", item_of(answer, gold, bounds=(4.0, 4.0) if answer == "number" else None))
    assert (score.verdict, score.value, score.answer) == ("wrong", 0.0, NOT_RECORDED)


@pytest.mark.parametrize(
    "text, right",
    [
        ("Aspirin; Heparin (IABP)", True), ("heparin (iabp); aspirin", True), ("- Aspirin\n- Heparin (IABP)", True),
        ("1. Aspirin\n2. Heparin (IABP)", True), ("Answer: Aspirin, Heparin (IABP).", True),
        ("I looked.\nAnswer: Aspirin; Heparin (IABP)", True), ("Aspirin", False), ("Aspirin; Heparin", False),
        ("Aspirin; Heparin (IABP); Insulin", False), ("Aspirin; Heparin (IABP); not recorded", False), (";", False),
    ],
)  # fmt: skip
def test_a_list_is_right_only_with_exactly_its_entries(text: str, right: bool) -> None:
    assert (score_record(text, LIST).value == 1.0) == right


def test_names_with_a_number_in_front_are_entries_of_their_own() -> None:
    assert entries("5% Dextrose; 0.9% Sodium Chloride") == ["5% Dextrose", "0.9% Sodium Chloride"]


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_scoring_never_raises(text: str) -> None:
    items = [ABSENT, LIST, item_of("short", "SNF"), item_of("yes_no", "no"), item_of("number", "4", bounds=(4.0, 4.0))]
    for item in items:
        score = score_record(text, item)
        assert score.value in (0.0, 1.0) and (score.value == 1.0) == (score.verdict == "correct") and not score.details
    assert isinstance(says_absent(text), bool)


# The record as a world


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    sample(tmp_path, "mimic_iii")
    return mimic.load(tmp_path)


def call(name: str, **arguments: object) -> str:
    return render_call(Call(name, arguments))


def test_the_question_is_in_the_prompt_and_the_tables_are_not(items: list[Item]) -> None:
    for item in items:
        episode = make_episode(item)
        prompt = " ".join(message["content"] for message in episode.messages)
        assert item.question in prompt and item.context not in prompt and "mmol/L | " not in prompt
        assert [tool["function"]["name"] for tool in episode.tools] == [
            "list_tables", "describe_table", "query_table", "submit_answer",
        ]  # fmt: skip


def test_the_tools_show_the_tables(items: list[Item]) -> None:
    item = next(item for item in items if item.group == "lab_first")
    episode = make_episode(item)
    listed = episode.step(call("list_tables")).message
    assert listed and "labs: " in listed["content"] and "admissions: " in listed["content"]
    said = episode.step(call("describe_table", table="labs")).message
    assert said and "charttime | test | value | unit | flag" in said["content"]
    filters = ["test = Potassium (Blood, Chemistry)", "value >= 3.5"]
    rows = episode.step(call("query_table", table="labs", filters=filters, columns=["value"], limit=1)).message
    table = item.record["tables"]["labs"]
    want = [row[2] for row in table["rows"] if row[1].startswith("Potassium") and float(row[2]) >= 3.5]
    assert rows and f"matching rows: {len(want)}, shown 1 from 0" in rows["content"]
    assert rows["content"].endswith(f"\n{want[0]}")
    assert (episode.turns, episode.tool_calls, episode.tool_errors, episode.writes) == (3, 3, 0, 0)


@pytest.mark.parametrize(
    "text, said",
    [
        (call("query_table", table="lab"), "did you mean 'labs'"),
        (call("query_table", table="labs", columns=["worth"]), "unknown column"),
        (call("query_table", table="labs", filters=["1; DROP TABLE labs"]), "filter is not readable"),
        (call("query_table", table="labs", filters=["value ~ 3"]), "filter is not readable"),
        (call("query_table", table="labs", limit=500), "expected 1 to 40"),
        (call("query_table", table="labs", offset=-1), "offset"),
        (call("query_table", table="labs", sql="select"), "no argument 'sql'"),
        (call("drop_table", table="labs"), "unknown tool"),
        ("What is the potassium?", "nobody is listening"),
        ("<tool_call>{", "unclosed tool call"),
    ],
)
def test_a_bad_call_is_an_error_that_costs_a_turn_and_ends_nothing(items: list[Item], text: str, said: str) -> None:
    episode = make_episode(items[0])
    result = episode.step(text)
    assert result.error and not result.done and result.message and said in result.message["content"]
    assert (episode.turns, episode.tool_errors) == (1, 1)
    assert episode.score().verdict == "none" and episode.score().composite == 0.0


def test_an_empty_cell_is_neither_more_nor_less(items: list[Item]) -> None:
    item = next(item for item in items if len(item.record["tables"]["admissions"]["rows"]) == 2)
    for sign, count in (("<", 0), (">", 0), ("=", 1), ("!=", 1)):
        value = "" if sign in "!=" else "A"
        reply = make_episode(item).step(call("query_table", table="admissions", filters=[f"language {sign} {value}"]))
        if sign == ">":
            count = 1  # ENGL
        assert reply.message and f"matching rows: {count}," in reply.message["content"]


def test_too_many_turns_truncate_and_after_the_end_a_step_raises(items: list[Item]) -> None:
    episode = make_episode(items[0])
    while not episode.done:
        episode.step(call("list_tables"))
    assert episode.truncated and episode.turns == episode.task.max_turns and not episode.score().correct
    with pytest.raises(MedGymError, match="ended"):
        episode.step("x")


def test_the_gold_scores_in_both_modes_and_a_wrong_answer_in_neither(items: list[Item]) -> None:
    pytest.importorskip("evaluation.scorers.number")
    for item in items:
        for answer, right in ((item.gold, True), ("not the answer", False)):
            episode = make_episode(item)
            result = episode.step(call("submit_answer", answer=answer))
            assert result.done and result.message is None
            score, reward = score_record(answer, item), episode.score()
            assert reward.correct is right and reward.accuracy == score.value == float(right)
            assert reward.verdict == score.verdict


def test_the_reference_of_an_item_plays_like_that_of_any_task(items: list[Item]) -> None:
    from training.rollout import play_script

    for spec, item in ((SPECS[0], item) for item in items):
        assert spec.task
        task = spec.task(item)
        episode = play_script(task, reference_texts(task), make_episode=WorldEpisode)
        assert episode.done and episode.score().correct and episode.tool_errors == 0
        assert (task.id, task.split) == (item.id, "test")


def test_the_users_own_folder_is_where_the_benchmark_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert first_file(mimic.VARIABLE, "ADMISSIONS", "demo.csv") == "demo.csv"
    path = tmp_path / "admissions.csv.gz"
    path.write_bytes(gzip.compress(b"a\n1\n"))
    monkeypatch.setenv(mimic.VARIABLE, str(tmp_path))
    found = first_file(mimic.VARIABLE, "ADMISSIONS", "demo.csv")
    assert Path("elsewhere") / found == path.resolve()  # an absolute path stays what it is below any folder
    assert first_file(mimic.VARIABLE, "PATIENTS", "demo.csv") == "demo.csv"


def test_what_the_specs_say() -> None:
    assert [spec.name for spec in SPECS] == ["mimic_iii", "eicu"]
    for spec in SPECS:
        assert spec.published_items is None and spec.chance is None and spec.modes == ("text", "agentic")
        assert "MEDGYM_" in spec.obtain and spec.task


# The demo files, and golds worked out a second way


def raw(folder: Path, name: str) -> Rows:
    path = next(p for p in sorted(folder.iterdir()) if re.fullmatch(rf"{name}(_\d+stays)?\.csv(\.xz)?", p.name))
    with lzma.open(path, "rt", newline="") if path.suffix == ".xz" else open(path, newline="") as stream:
        return [{name: " ".join(cell.split()) for name, cell in row.items()} for row in csv.DictReader(stream)]


def ask(pattern: str, item: Item) -> tuple[str, ...]:
    found = re.match(pattern, item.question)
    assert found, item.question
    return found.groups()


def split_days(seconds: float) -> float:
    return seconds / 60 / 60 / 24


class Mimic:
    """Golds from the CSV rows; `timestamp` differences and sorted lists instead of what the loader does."""

    def __init__(self, folder: Path):
        self.admissions = {r["hadm_id"]: r for r in raw(folder, "ADMISSIONS")}
        self.patients = {r["subject_id"]: r for r in raw(folder, "PATIENTS")}
        self.units = raw(folder, "ICUSTAYS")
        names = {r["itemid"]: f"{r['label']} ({r['fluid']}, {r['category']})" for r in raw(folder, "D_LABITEMS")}
        self.labs: dict[tuple[str, str], Rows] = {}
        for row in raw(folder, "LABEVENTS"):
            self.labs.setdefault((row["hadm_id"], names[row["itemid"]]), []).append(row)
        self.drugs = raw(folder, "PRESCRIPTIONS")

    @staticmethod
    def at(text: str) -> datetime:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S")

    def lab(self, hadm: str, test: str) -> Rows:
        return sorted(self.labs.get((hadm, test), []), key=lambda r: self.at(r["charttime"]))

    def within(self, hadm: str, test: str, hours: str) -> Rows:
        start = self.at(self.admissions[hadm]["admittime"])
        end = start + timedelta(hours=int(hours))
        return [r for r in self.lab(hadm, test) if start <= self.at(r["charttime"]) <= end]

    def gold(self, item: Item) -> object:
        group = item.group
        hadm = ask(r".*?(\d{6})\b", item)[0] if group != "admission_count" else ""
        row = self.admissions.get(hadm, {})
        if group == "length_of_stay":
            return split_days((self.at(row["dischtime"]) - self.at(row["admittime"])).total_seconds())
        if group == "icu_length_of_stay":
            (stay,) = [u for u in self.units if u["hadm_id"] == hadm]
            return float(stay["los"])  # the file's own length, in days
        if group == "age":
            born, then = self.at(self.patients[row["subject_id"]]["dob"]), self.at(row["admittime"])
            return int((then - born).days / 365.2425)
        if group == "admission_count":
            (patient,) = ask(r"How many admissions of patient (\d+)", item)
            return sum(r["subject_id"] == patient for r in self.admissions.values())
        if group in ("lab_first", "lab_last") or (group == "not_recorded" and "value of" in item.question):
            end, test = ask(r"What is the (first|last) recorded value of (.+?)(?: \(in [^)]+\))? in admission", item)
            rows = self.lab(hadm, test)
            return float(rows[0 if end == "first" else -1]["valuenum"]) if rows else NOT_RECORDED
        if group == "lab_highest":
            test, hours = ask(r"What is the highest value of (.+?)(?: \(in [^)]+\))? in the first (\d+) hours", item)
            return max(float(r["valuenum"]) for r in self.within(hadm, test, hours))
        if group == "lab_count":
            test, hours = ask(r"How many results of (.+) does the record hold for the first (\d+) hours", item)
            return len(self.within(hadm, test, hours))
        if group == "measured_before":
            one, other = ask(r"Was (.+) measured for the first time before (.+) was, in", item)
            first, second = (min(r["charttime"] for r in self.lab(hadm, test)) for test in (one, other))
            return "yes" if first < second else "no"
        if group in ("admission_type", "discharge_location"):
            return row[group]
        if group in ("registered", "not_recorded"):
            return row[ask(r"Which (.+) is registered", item)[0].replace(" ", "_")] or NOT_RECORDED
        own = [r for r in self.drugs if r["hadm_id"] == hadm]
        if group == "drug_route":
            (drug,) = ask(r"By which route was (.+) prescribed", item)
            (route,) = {r["route"] for r in own if r["drug"] == drug}
            return route
        (day,) = ask(r".* start on (\S+)\?", item)
        main = [r for r in own if r["drug_type"] == "MAIN"]
        before = {r["drug"] for r in main if r["startdate"][:10] < day}
        return {r["drug"] for r in main if r["startdate"][:10] == day} - before


class Eicu:
    """The same for eICU."""

    def __init__(self, folder: Path):
        self.stays = {r["patientunitstayid"]: r for r in raw(folder, "patient")}
        self.tables = {name: self.by_stay(raw(folder, name)) for name in ("lab", "medication", "allergy")}

    @staticmethod
    def by_stay(rows: Rows) -> dict[str, Rows]:
        found: dict[str, Rows] = {}
        for row in rows:
            found.setdefault(row["patientunitstayid"], []).append(row)
        return found

    def lab(self, stay: str, test: str) -> Rows:
        rows = [r for r in self.tables["lab"][stay] if r["labname"] == test]
        return sorted(rows, key=lambda r: int(r["labresultoffset"]))

    def gold(self, item: Item) -> object:
        group, (stay,) = item.group, ask(r".*unit stay (\d+)", item)
        row = self.stays[stay]
        if group == "unit_length_of_stay":
            return split_days(60 * int(row["unitdischargeoffset"]))
        if group == "hospital_length_of_stay":
            return split_days(60 * (int(row["hospitaldischargeoffset"]) - int(row["hospitaladmitoffset"])))
        if group == "unit_stay_count":
            return sum(r["uniquepid"] == row["uniquepid"] for r in self.stays.values())
        if group in ("size", "not_recorded") and "on admission" in item.question:
            value = row["admission" + ask(r"What (weight|height)", item)[0]]
            return float(value) if value else NOT_RECORDED
        if group in ("lab_first", "lab_last", "not_recorded"):
            end, test = ask(r"What is the (first|last) recorded value of (.+?)(?: \(in [^)]+\))? in unit stay", item)
            rows = self.lab(stay, test)
            return float(rows[0 if end == "first" else -1]["labresult"]) if rows else NOT_RECORDED
        if group == "lab_highest":
            test, hours = ask(r"What is the highest value of (.+?)(?: \(in [^)]+\))? in the first (\d+) hours", item)
            rows = [r for r in self.lab(stay, test) if 0 <= int(r["labresultoffset"]) <= 60 * int(hours)]
            return max(float(r["labresult"]) for r in rows)
        if group == "lab_count":
            test, hours = ask(r"How many results of (.+) does the record hold for the first (\d+) hours", item)
            return sum(0 <= int(r["labresultoffset"]) <= 60 * int(hours) for r in self.lab(stay, test))
        if group == "measured_before":
            one, other = ask(r"Was (.+) measured for the first time before (.+) was, in", item)
            first, second = (min(int(r["labresultoffset"]) for r in self.lab(stay, test)) for test in (one, other))
            return "yes" if first < second else "no"
        if group in ("unit_type", "discharge_location"):
            return row["unittype" if group == "unit_type" else "unitdischargelocation"]
        if group == "allergies":
            return {r["allergyname"] for r in self.tables["allergy"][stay]}
        orders = self.tables["medication"][stay]
        if group == "drug_route":
            (drug,) = ask(r"By which route was (.+) prescribed", item)
            return {r["routeadmin"] for r in orders if r["drugname"] == drug}
        low, high = map(int, ask(r".*starts from minute (\d+) up to, but not including, minute (\d+)", item))
        named = [r for r in orders if r["drugname"] and r["drugordercancelled"] == "No"]
        return {r["drugname"] for r in named if low <= int(r["drugstartoffset"]) < high}


def agrees(item: Item, worked_out: object) -> bool:
    """Whether the second way gives the item's gold."""
    if isinstance(worked_out, set):
        if item.group == "drug_route":  # spellings of one route
            return {r.casefold() for r in worked_out} <= {n.casefold() for n in (item.gold, *item.accepted)}
        return {normal(name) for name in worked_out} == {normal(name) for name in entries(item.gold + ";")}
    if isinstance(worked_out, str):
        return item.gold == worked_out
    assert isinstance(worked_out, int | float)
    return item.bounds is not None and item.bounds[0] <= worked_out <= item.bounds[1] and (
        abs(float(item.gold) - worked_out) < 0.001
    )  # fmt: skip


@pytest.fixture(scope="module")
def demos(real_data: Path) -> dict[str, list[Item]]:
    found = {}
    for name, (folder, _) in SAMPLES.items():
        if not (real_data / folder).is_dir():
            pytest.skip(f"{folder} is absent")
        start = time.process_time()
        found[name] = LOADERS[name](real_data)
        assert time.process_time() - start < 10
    return found


def test_demo_items_are_equal_shares_of_every_template(demos: dict[str, list[Item]]) -> None:
    for found in demos.values():
        counts = Counter(item.group for item in found)
        assert len(counts) == TEMPLATES and set(counts.values()) == {MOST_ITEMS // TEMPLATES}
        assert len({item.id for item in found}) == len(found) == len({item.question for item in found})
        assert max(len(item.context) for item in found) < 10_000


def test_every_demo_gold_is_what_the_rows_say_when_worked_out_a_second_way(
    demos: dict[str, list[Item]], real_data: Path
) -> None:
    ways = {"mimic_iii": Mimic(real_data / mimic.DEMO), "eicu": Eicu(real_data / eicu.DEMO)}
    for name, found in demos.items():
        assert len(found) >= 50
        off = [(i.group, i.question, i.gold, ways[name].gold(i)) for i in found if not agrees(i, ways[name].gold(i))]
        assert off == []


def test_what_a_demo_question_rests_on_stands_in_its_context(demos: dict[str, list[Item]]) -> None:
    for found in demos.values():
        for item in found:
            if item.record["answer"] in ("short", "list") and item.gold != NOT_RECORDED:
                for name in entries(item.gold + ";"):
                    assert name in item.context


def test_demo_nulls_stay_near_zero_and_the_gold_near_one(demos: dict[str, list[Item]]) -> None:
    pytest.importorskip("evaluation.scorers.number")
    for found in demos.values():

        def mean(answer: Callable[[Item], str], found: list[Item] = found) -> float:
            return sum(score_record(answer(item), item).value for item in found) / len(found)

        assert mean(lambda item: item.gold) == 1.0
        assert mean(lambda item: NOT_RECORDED) == 1 / TEMPLATES
        assert mean(lambda item: "yes") < 1 / TEMPLATES
        assert mean(lambda item: item.question) == mean(lambda item: item.context, found[::10]) == 0.0
        assert mean(lambda item: "The record was read with care. It shows a typical course in every respect.") == 0.0

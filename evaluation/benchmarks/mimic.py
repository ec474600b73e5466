"""Question tasks over MIMIC-III v1.4: admissions of the user's own files, or of the open demo.

Reads six tables of the official CSV files (plain, gz or xz): ADMISSIONS, PATIENTS, ICUSTAYS, LABEVENTS, D_LABITEMS and
PRESCRIPTIONS. Of a full data set a sample of patients is drawn by digest; of the demo every patient is used. Notes and
chart events are not read. The tables of a stay show neither lengths of stay nor ages: those have to be worked out.
Time stamps are the shifted ones of the files.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from evaluation.benchmarks import record_questions as q
from evaluation.benchmarks.files import checked
from evaluation.benchmarks.mimic_questions import templates
from evaluation.benchmarks.record_files import (
    WHERE,
    Row,
    data_folder,
    find_table,
    first_file,
    grouped,
    moment,
    number,
    ordered,
    read_rows,
    read_table,
    rows_of,
)
from evaluation.benchmarks.record_questions import Lab, Stay, Table
from evaluation.benchmarks.record_scores import score_record
from evaluation.benchmarks.record_tools import record_task
from evaluation.item import Item, Spec
from medgym_core.artifacts import digest_json
from medgym_core.errors import MedGymError

VARIABLE = "MEDGYM_MIMIC_III"
DEMO = "structured/mimic_iii_demo_1.4"
POOL = 2000  # patients whose results are taken from the large tables, which hold those of more than 40,000
PATIENTS = 150  # patients of the pool whose records are read: ten for each item of a template; the demo has 100

COLUMNS = {
    "patients": ["subject_id", "gender", "dob"],
    "admissions": [
        "hadm_id", "admittime", "dischtime", "admission_type", "admission_location", "discharge_location",
        "insurance", "language", "religion", "marital_status",
    ],
    "icustays": ["icustay_id", "hadm_id", "first_careunit", "last_careunit", "intime", "outtime"],
    "labs": ["charttime", "test", "value", "unit", "flag"],
    "prescriptions": ["startdate", "enddate", "drug_type", "drug", "dose", "route"],
}  # fmt: skip
NOTES = {
    "patients": "The patient.",
    "admissions": "Every admission of the patient. An empty cell was not recorded.",
    "icustays": "Intensive-care stays of the patient.",
    "labs": "Results of this admission by time; a test is named with its fluid and category.",
    "prescriptions": "Prescriptions of this admission by start.",
}
TIMES = {"patients": ["dob"], "admissions": ["admittime", "dischtime"], "icustays": ["intime", "outtime"]}
EVENTS = ["subject_id", "hadm_id", "itemid", "charttime", "value", "valuenum", "valueuom", "flag"]
DRUGS = ["hadm_id", "startdate", "enddate", "drug_type", "drug", "dose_val_rx", "dose_unit_rx", "route"]


def load(root: Path) -> list[Item]:
    """The items, by template. Raises MedGymError naming file, line and column."""
    folder = data_folder(root, VARIABLE, DEMO)
    found = stays(folder)
    return checked([(item.id, item) for item in q.build("mimic_iii", found, templates(found))], folder)


def stays(folder: Path) -> list[Stay]:
    """Admissions of the sampled patients that have any lab result, patients in the order of their digests."""
    admissions = grouped(read_rows(folder, "ADMISSIONS", ["subject_id", *COLUMNS["admissions"]]), "subject_id")
    pool = sorted(admissions, key=lambda patient: digest_json([q.SEED, patient]))[:POOL]
    chosen, labs = _results(folder, pool)
    drugs = grouped(_of(folder, "PRESCRIPTIONS", DRUGS, chosen), "hadm_id")
    units = grouped(_of(folder, "ICUSTAYS", COLUMNS["icustays"], chosen), "subject_id")
    people = grouped(_of(folder, "PATIENTS", COLUMNS["patients"], chosen), "subject_id")
    found = []
    for patient in chosen:
        if patient not in people:
            where = admissions[patient][0][WHERE]
            raise MedGymError("no such patient", got=patient, expected="a row of PATIENTS", where=where)
        own = ordered(admissions[patient], "admittime", "hadm_id")
        shared = {
            "patients": _table("patients", people[patient]),
            "admissions": _table("admissions", own),
            "icustays": _table("icustays", ordered(units.get(patient, []), "intime", "icustay_id")),
        }
        found += [
            _stay(patient, row, shared, labs.get(row["hadm_id"], []), drugs.get(row["hadm_id"], [])) for row in own
        ]
    return found


def _results(folder: Path, pool: Sequence[str]) -> tuple[list[str], dict[str, list[Row]]]:
    """The patients of the pool that have results, as many as are read, and their results by admission."""
    names = {
        row["itemid"]: _test(row) for row in read_rows(folder, "D_LABITEMS", ["itemid", "label", "fluid", "category"])
    }
    events = read_table(folder, "LABEVENTS", EVENTS, ("subject_id", pool))
    measured = set(events["subject_id"].to_pylist())
    chosen = [patient for patient in pool if patient in measured][:PATIENTS]
    kept = set(chosen)
    path = find_table(folder, "LABEVENTS")
    rows = [row for row in rows_of(events, path) if row["subject_id"] in kept and row["hadm_id"]]
    for row in rows:
        if row["itemid"] not in names:
            where = f"{row[WHERE]} column itemid"
            raise MedGymError("no such test", got=repr(row["itemid"]), expected="an itemid of D_LABITEMS", where=where)
        row["test"] = names[row["itemid"]]
    return chosen, grouped(rows, "hadm_id")


def _stay(
    patient: str, admission: Row, shared: Mapping[str, Table], events: Sequence[Row], drugs: Sequence[Row]
) -> Stay:
    start = moment(admission, "admittime")
    if start is None:
        where = f"{admission[WHERE]} column admittime"
        raise MedGymError("no time", got="nothing", expected="YYYY-MM-DD HH:MM:SS", where=where)
    rows = ordered(events, "charttime", "test")
    labs = [_lab(i, row, start) for i, row in enumerate(rows)]
    for row in rows:
        row["unit"] = row["valueuom"]
    for row in drugs:
        row["dose"] = f"{row['dose_val_rx']} {row['dose_unit_rx']}".strip()
        row["startdate"], row["enddate"] = (_day(row, column) for column in ("startdate", "enddate"))
    tables = {
        **shared,
        "labs": _table("labs", rows),
        "prescriptions": _table("prescriptions", ordered(drugs, "startdate", "drug")),
    }
    return Stay(admission["hadm_id"], patient, f"admission {admission['hadm_id']}", "admission", tables, labs)


def _lab(place: int, row: Row, start: datetime) -> Lab:
    taken = moment(row, "charttime")
    minutes = None if taken is None else (taken - start).total_seconds() / 60
    return Lab(row["test"], minutes, _value(row), row["valueuom"], place)


def _value(row: Row) -> float | None:
    """The number that was reported; none where the text says something else, such as `GREATER THAN 10`."""
    value = number(row, "valuenum")
    try:
        return value if value is not None and float(row["value"]) == value else None
    except ValueError:  # words beside the number
        return None


def _day(row: Row, column: str) -> str:
    time = moment(row, column)
    return "" if time is None else time.date().isoformat()


def _test(row: Row) -> str:
    return f"{row['label']} ({row['fluid']}, {row['category']})"


def _of(folder: Path, name: str, columns: Sequence[str], patients: Collection[str]) -> list[Row]:
    return read_rows(folder, name, dict.fromkeys(["subject_id", *columns]), ("subject_id", patients))


def _table(name: str, rows: Sequence[Row]) -> Table:
    for row in rows:
        for column in TIMES.get(name, ()):
            moment(row, column)
    columns: list[Any] = COLUMNS[name]
    return {"note": NOTES[name], "columns": columns, "rows": [[row[column] for column in columns] for row in rows]}


SPECS = (
    Spec(
        name="mimic_iii",
        title="MIMIC-III questions",
        files=(first_file(VARIABLE, "ADMISSIONS", f"{DEMO}/ADMISSIONS.csv"),),
        kind="short",
        published_items=None,
        metric="accuracy",
        licence="PhysioNet Credentialed Health Data Licence 1.5.0 (full), ODbL 1.0 (demo)",
        source="Johnson et al. 2016 (Scientific Data 3:160035), MIMIC-III v1.4; the questions are MedGym's own",
        obtain=f"the demo: https://physionet.org/content/mimiciii-demo/1.4/, into {DEMO}; the full set: credentialed "
        f"access at https://physionet.org/content/mimiciii/1.4/, then set {VARIABLE} to the folder of its CSV files. "
        "Contexts and scorecards then hold rows of the records: its data use agreement covers them too",
        load=load,
        score=score_record,
        modes=("text", "agentic"),
        task=record_task,
    ),
)

"""Question tasks over the eICU Collaborative Research Database v2.0: unit stays of the user's files, or of the demo.

Reads four tables of the official CSV files (plain, gz or xz): patient, lab, medication and allergy. Only patients with
a stay in the lab table are used: the demo here holds the results of a part of its stays, and what was not published is
not "not recorded". Times are minutes from the admission to the unit, as in the files; stays of another unit of the same
hospital stay have clocks of their own. Lengths of stay have to be worked out.
"""

from collections.abc import Collection, Sequence
from pathlib import Path

from evaluation.benchmarks import record_questions as q
from evaluation.benchmarks.eicu_questions import templates
from evaluation.benchmarks.files import checked
from evaluation.benchmarks.record_files import (
    Row,
    data_folder,
    find_table,
    first_file,
    grouped,
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

VARIABLE = "MEDGYM_EICU"
DEMO = "structured/eicu_demo_2.0"
POOL = 2000  # patients whose results are taken from the lab table, which holds those of more than 100,000
PATIENTS = 200  # patients of the pool whose records are read: fifteen for each item of a template

COLUMNS = {
    "unit_stays": [
        "patientunitstayid", "unitvisitnumber", "gender", "age", "ethnicity", "unittype", "unitadmitsource",
        "hospitaladmitoffset", "hospitaldischargeoffset", "hospitaldischargelocation", "unitdischargeoffset",
        "unitdischargelocation", "admissionheight", "admissionweight",
    ],
    "labs": ["offset", "test", "value", "unit"],
    "medications": ["startoffset", "stopoffset", "cancelled", "drug", "dosage", "route", "frequency"],
    "allergies": ["offset", "allergy"],
}  # fmt: skip
NOTES = {
    "unit_stays": "Every unit stay of the patient. Offsets are minutes from the admission to that unit; height in cm, "
    "weight in kg. An empty cell was not recorded.",
    "labs": "Results of this unit stay by time; offset in minutes from the admission to the unit.",
    "medications": "Medication orders of this unit stay by start; offsets in minutes from the admission to the unit.",
    "allergies": "Allergies noted in this unit stay.",
}
OFFSETS = [
    "hospitaladmitoffset",
    "hospitaldischargeoffset",
    "unitdischargeoffset",
    "admissionheight",
    "admissionweight",
]
LAB = ["patientunitstayid", "labresultoffset", "labname", "labresult", "labresulttext", "labmeasurenamesystem"]
DRUG = {
    "drugstartoffset": "startoffset", "drugstopoffset": "stopoffset", "drugordercancelled": "cancelled",
    "drugname": "drug", "dosage": "dosage", "routeadmin": "route", "frequency": "frequency",
}  # fmt: skip


def load(root: Path) -> list[Item]:
    """The items, by template. Raises MedGymError naming file, line and column."""
    folder = data_folder(root, VARIABLE, DEMO)
    found = stays(folder)
    return checked([(item.id, item) for item in q.build("eicu", found, templates(found))], folder)


def stays(folder: Path) -> list[Stay]:
    """Unit stays with lab results of the sampled patients, patients in the order of their digests."""
    patients = grouped(read_rows(folder, "patient", ["uniquepid", *COLUMNS["unit_stays"]]), "uniquepid")
    pool = sorted(patients, key=lambda patient: digest_json([q.SEED, patient]))[:POOL]
    of_pool = {row["patientunitstayid"] for patient in pool for row in patients[patient]}
    events = read_table(folder, "lab", LAB, ("patientunitstayid", of_pool))
    measured = set(events["patientunitstayid"].to_pylist())
    chosen = [p for p in pool if any(row["patientunitstayid"] in measured for row in patients[p])][:PATIENTS]
    kept = measured & {row["patientunitstayid"] for patient in chosen for row in patients[patient]}
    rows = rows_of(events, find_table(folder, "lab"))
    labs = grouped([row for row in rows if row["patientunitstayid"] in kept], "patientunitstayid")
    drugs = _of(folder, "medication", list(DRUG), kept)
    allergies = _of(folder, "allergy", ["allergyoffset", "allergyname"], kept)
    found = []
    for patient in chosen:
        own = ordered(patients[patient], "patientunitstayid")
        shared = _table("unit_stays", own)
        for row in own:
            number_of = row["patientunitstayid"]
            if number_of in kept:
                found.append(
                    _stay(
                        patient,
                        number_of,
                        shared,
                        labs[number_of],
                        drugs.get(number_of, []),
                        allergies.get(number_of, []),
                    )
                )
    return found


def _stay(
    patient: str, stay: str, unit_stays: Table, labs: Sequence[Row], drugs: Sequence[Row], allergies: Sequence[Row]
) -> Stay:
    rows = _by_offset(labs, "labresultoffset", "labname")
    for row in rows:
        row |= {"offset": row["labresultoffset"], "test": row["labname"], "unit": row["labmeasurenamesystem"]}
        row["value"] = row["labresulttext"].strip() or row["labresult"]
    for row in drugs:
        row |= {new: row[old] for old, new in DRUG.items()}
    for row in allergies:
        row |= {"offset": row["allergyoffset"], "allergy": row["allergyname"]}
    tables = {
        "unit_stays": unit_stays,
        "labs": _table("labs", rows),
        "medications": _table("medications", _by_offset(drugs, "startoffset", "drug")),
        "allergies": _table("allergies", _by_offset(allergies, "offset", "allergy")),
    }
    results = [
        Lab(row["test"], number(row, "labresultoffset"), _value(row), row["unit"], i) for i, row in enumerate(rows)
    ]
    return Stay(stay, patient, f"unit stay {stay}", "admission to the unit", tables, results)


def _value(row: Row) -> float | None:
    """The number that was reported; none where the text says something else, such as `>250`."""
    value = number(row, "labresult")
    try:
        return value if value is not None and float(row["value"]) == value else None
    except ValueError:  # signs or words beside the number
        return None


def _by_offset(rows: Sequence[Row], offset: str, name: str) -> list[Row]:
    """Rows by time, those without one last, then by name."""
    return sorted(ordered(rows, name), key=lambda row: (row[offset] == "", number(row, offset) or 0.0))


def _of(folder: Path, name: str, columns: Sequence[str], kept: Collection[str]) -> dict[str, list[Row]]:
    rows = read_rows(folder, name, ["patientunitstayid", *columns], ("patientunitstayid", kept))
    return grouped(rows, "patientunitstayid")


def _table(name: str, rows: Sequence[Row]) -> Table:
    if name == "unit_stays":
        for row in rows:
            for column in OFFSETS:
                number(row, column)
    columns = COLUMNS[name]
    return {"note": NOTES[name], "columns": columns, "rows": [[row[column] for column in columns] for row in rows]}


SPECS = (
    Spec(
        name="eicu",
        title="eICU questions",
        files=(first_file(VARIABLE, "patient", f"{DEMO}/patient.csv.xz"),),
        kind="short",
        published_items=None,
        metric="accuracy",
        licence="PhysioNet Credentialed Health Data Licence 1.5.0 (full), ODbL 1.0 (demo)",
        source="Pollard et al. 2018 (Scientific Data 5:180178), eICU-CRD v2.0; the questions are MedGym's own",
        obtain=f"the demo: https://physionet.org/content/eicu-crd-demo/, into {DEMO}; the full set: credentialed "
        f"access at https://physionet.org/content/eicu-crd/2.0/, then set {VARIABLE} to the folder of its CSV files. "
        "Contexts and scorecards then hold rows of the records: its data use agreement covers them too",
        load=load,
        score=score_record,
        modes=("text", "agentic"),
        task=record_task,
    ),
)

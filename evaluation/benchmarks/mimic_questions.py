"""Question templates over one MIMIC-III admission; `mimic` reads the tables they stand on.

Each takes a stay and a generator and gives a draft, or None where the stay has nothing to ask.
"""

from collections.abc import Sequence
from datetime import datetime
from random import Random

from evaluation.benchmarks import record_labs
from evaluation.benchmarks import record_questions as q
from evaluation.benchmarks.record_drugs import listable, route_question
from evaluation.benchmarks.record_questions import Draft, Stay, cells, entry_of

OLDEST = 89  # years; the date of birth of older patients is shifted (Johnson et al. 2016, Sci Data 3:160035)
REGISTERED = {
    "insurance": "insurance",
    "religion": "religion",
    "marital_status": "marital status",
    "language": "language",
}
VAGUE = ("UNKNOWN", "NOT SPECIFIED", "UNOBTAINABLE", "OTHER")  # entries that say that nothing is known
DIED = {"DEAD/EXPIRED": ("dead", "expired", "died", "death")}


def templates(found: Sequence[Stay]) -> dict[str, q.Template]:
    """The templates by name; what is common in `found` decides which absences are asked for."""
    return {
        "length_of_stay": length_of_stay,
        "icu_length_of_stay": icu_length_of_stay,
        "age": age,
        "admission_count": admission_count,
        "lab_first": record_labs.first_value,
        "lab_highest": record_labs.highest_value,
        "lab_last": record_labs.last_value,
        "lab_count": record_labs.result_count,
        "admission_type": admission_type,
        "discharge_location": discharge_location,
        "registered": lambda stay, rng: _registered(stay, rng, recorded=True),
        "drug_route": drug_route,
        "drugs_started": drugs_started,
        "measured_before": record_labs.measured_before,
        "not_recorded": q.either(
            record_labs.absent_value(found), lambda stay, rng: _registered(stay, rng, recorded=False)
        ),
    }


def length_of_stay(stay: Stay, rng: Random) -> Draft | None:
    row, entry = _admission(stay)
    asked = f"How many days, to one decimal place, did {stay.name} last from admission to discharge?"
    return _days(asked, _time(entry["admittime"]), _time(entry["dischtime"]), "admissions", row)


def icu_length_of_stay(stay: Stay, rng: Random) -> Draft | None:
    """Length of the only intensive-care stay of an admission."""
    rows = [i for i, hadm in enumerate(cells(stay.tables["icustays"], "hadm_id")) if hadm == stay.id]
    if len(rows) != 1:
        return None
    entry = entry_of(stay.tables["icustays"], rows[0])
    asked = f"How many days, to one decimal place, did the intensive-care stay of {stay.name} last?"
    return _days(asked, _time(entry["intime"]), _time(entry["outtime"]), "icustays", rows[0])


def age(stay: Stay, rng: Random) -> Draft | None:
    row, entry = _admission(stay)
    born, start = _time(cells(stay.tables["patients"], "dob")[0]), _time(entry["admittime"])
    if born is None or start is None:
        return None
    years = start.year - born.year - ((start.month, start.day) < (born.month, born.day))
    if not 0 <= years <= OLDEST or (start.month, start.day) == (born.month, born.day):
        return None
    concerned = {"patients": frozenset({0}), "admissions": frozenset({row})}
    asked = f"How old, in completed years, was the patient at the start of {stay.name}?"
    return q.number(asked, years, concerned, "years")


def admission_count(stay: Stay, rng: Random) -> Draft | None:
    """Asked once a patient, at the first admission."""
    if _admission(stay)[0] != 0:
        return None
    count = len(stay.tables["admissions"]["rows"])
    asked = f"How many admissions of patient {stay.patient} does the record hold?"
    return q.number(asked, count, {"admissions": frozenset(range(count))})


def admission_type(stay: Stay, rng: Random) -> Draft | None:
    return _short(stay, "admission_type", f"What is the admission type of {stay.name}?")


def discharge_location(stay: Stay, rng: Random) -> Draft | None:
    return _short(stay, "discharge_location", f"What is the discharge location of {stay.name}?")


def drug_route(stay: Stay, rng: Random) -> Draft | None:
    """Route of a drug whose every prescription of the admission has the same one."""
    table = stay.tables["prescriptions"]
    return route_question(
        stay, rng, "prescriptions", list(zip(cells(table, "drug"), cells(table, "route"), strict=True))
    )


def drugs_started(stay: Stay, rng: Random) -> Draft | None:
    """Drugs of type MAIN whose first prescription of the admission starts on a given day."""
    table = stay.tables["prescriptions"]
    rows = list(zip(cells(table, "drug"), cells(table, "drug_type"), cells(table, "startdate"), strict=True))
    main = [(i, drug, start) for i, (drug, kind, start) in enumerate(rows) if kind == "MAIN"]
    if not main or any(not start for _, _, start in main):
        return None
    first: dict[str, str] = {}
    for _, drug, start in main:
        first[drug] = min(start, first.get(drug, start))
    days = sorted(set(first.values()))[1:]  # on the first day everything is new
    named = {day: sorted(drug for drug in first if first[drug] == day) for day in days}
    fit = [day for day in days if listable(named[day])]
    if not fit:
        return None
    day = rng.choice([day for day in fit if len(named[day]) > 1] or fit)
    touched = {drug for _, drug, start in main if start == day}
    asked = f"Which drugs of drug_type MAIN have their first prescription of {stay.name} start on {day}?"
    concerned = {"prescriptions": frozenset(i for i, drug, _ in main if drug in touched)}
    return Draft("list", asked, "; ".join(named[day]), concerned)


def _registered(stay: Stay, rng: Random, recorded: bool) -> Draft | None:
    """An entry of the registration that is there, or one that is not."""
    row, entry = _admission(stay)
    said = {column: entry[column] for column in sorted(REGISTERED)}
    fit = [c for c in said if bool(said[c]) == recorded and not any(word in said[c] for word in VAGUE)]
    if not fit:
        return None
    column = rng.choice(fit)
    asked = f"Which {REGISTERED[column]} is registered for {stay.name}?"
    return Draft("short", asked, said[column] or q.NOT_RECORDED, {"admissions": frozenset({row})})


def _short(stay: Stay, column: str, asked: str) -> Draft | None:
    row, entry = _admission(stay)
    value = entry[column]
    return (
        Draft("short", asked, value, {"admissions": frozenset({row})}, accepted=DIED.get(value, ())) if value else None
    )


def _days(asked: str, start: datetime | None, end: datetime | None, table: str, row: int) -> Draft | None:
    return None if start is None or end is None else q.days(asked, (end - start).total_seconds(), table, row)


def _admission(stay: Stay) -> tuple[int, dict[str, str]]:
    table = stay.tables["admissions"]
    row = cells(table, "hadm_id").index(stay.id)
    return row, entry_of(table, row)


def _time(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

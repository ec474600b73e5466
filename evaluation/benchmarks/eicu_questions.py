"""Question templates over one eICU unit stay; `eicu` reads the tables they stand on.

Each takes a stay and a generator and gives a draft, or None where the stay has nothing to ask.
"""

from collections.abc import Sequence
from random import Random

from evaluation.benchmarks import record_labs
from evaluation.benchmarks import record_questions as q
from evaluation.benchmarks.record_drugs import listable, route_question
from evaluation.benchmarks.record_questions import Draft, Stay, cells, entry_of
from medgym_core.text import normal

BLOCK = 6  # hours in which the drugs that start are asked for: few enough to list
SIZES = {"admissionweight": ("weight", "kg"), "admissionheight": ("height", "cm")}
ELSEWHERE = ("cerner", "see ")  # entries that point to another system instead of naming an allergy
DIED = {"Death": ("dead", "died", "deceased", "expired")}


def templates(found: Sequence[Stay]) -> dict[str, q.Template]:
    """The templates by name; what is common in `found` decides which absences are asked for."""
    return {
        "unit_length_of_stay": unit_length_of_stay,
        "hospital_length_of_stay": hospital_length_of_stay,
        "unit_stay_count": unit_stay_count,
        "size": lambda stay, rng: _size(stay, rng, recorded=True),
        "lab_first": record_labs.first_value,
        "lab_highest": record_labs.highest_value,
        "lab_last": record_labs.last_value,
        "lab_count": record_labs.result_count,
        "unit_type": lambda stay, rng: _short(stay, "unittype", "What is the unit type"),
        "discharge_location": lambda stay, rng: _short(
            stay, "unitdischargelocation", "What is the unit discharge location"
        ),
        "drug_route": drug_route,
        "drugs_started": drugs_started,
        "allergies": allergies,
        "measured_before": record_labs.measured_before,
        "not_recorded": q.either(record_labs.absent_value(found), lambda stay, rng: _size(stay, rng, recorded=False)),
    }


def unit_length_of_stay(stay: Stay, rng: Random) -> Draft | None:
    row, entry = _own(stay)
    asked = f"How many days, to one decimal place, did {stay.name} last from unit admission to unit discharge?"
    return _days(asked, "0", entry["unitdischargeoffset"], row)


def hospital_length_of_stay(stay: Stay, rng: Random) -> Draft | None:
    row, entry = _own(stay)
    asked = f"How many days, to one decimal place, did the hospital stay around {stay.name} last?"
    return _days(asked, entry["hospitaladmitoffset"], entry["hospitaldischargeoffset"], row)


def unit_stay_count(stay: Stay, rng: Random) -> Draft | None:
    rows = range(len(stay.tables["unit_stays"]["rows"]))
    asked = f"How many unit stays of the patient of {stay.name} does the record hold?"
    return q.number(asked, len(rows), {"unit_stays": frozenset(rows)})


def drug_route(stay: Stay, rng: Random) -> Draft | None:
    """Route of a drug whose every order of the stay has the same one, cancelled orders among them."""
    table = stay.tables["medications"]
    return route_question(stay, rng, "medications", list(zip(cells(table, "drug"), cells(table, "route"), strict=True)))


def drugs_started(stay: Stay, rng: Random) -> Draft | None:
    """Drugs with a name whose orders, not cancelled, start in a block of hours; none where an order has no start."""
    table = stay.tables["medications"]
    columns = ("startoffset", "cancelled", "drug")
    rows = list(zip(*(cells(table, column) for column in columns), strict=True))
    if any(not start for start, _, _ in rows):
        return None
    blocks: dict[int, dict[str, str]] = {}
    held: dict[int, set[int]] = {}
    for i, (start, cancelled, drug) in enumerate(rows):
        block = int(float(start) // (BLOCK * 60))
        held.setdefault(block, set()).add(i)
        if block >= 0 and cancelled == "No" and drug:
            blocks.setdefault(block, {}).setdefault(normal(drug), drug)
    fit = [block for block in sorted(blocks) if listable(list(blocks[block].values()))]
    if not fit:
        return None
    block = rng.choice([block for block in fit if len(blocks[block]) > 1] or fit)
    span = f"from minute {block * BLOCK * 60} up to, but not including, minute {(block + 1) * BLOCK * 60}"
    asked = f"Which named drugs have an order that was not cancelled and starts {span} of {stay.name}?"
    return Draft("list", asked, "; ".join(sorted(blocks[block].values())), {"medications": frozenset(held[block])})


def allergies(stay: Stay, rng: Random) -> Draft | None:
    """The allergies that are noted; each once, whatever its spelling."""
    noted = [name.strip() for name in cells(stay.tables["allergies"], "allergy")]
    once = {normal(name): name for name in noted}
    if not all(noted) or not listable(list(once.values())):
        return None
    if any(words in name.casefold() for name in noted for words in ELSEWHERE):
        return None
    concerned = {"allergies": frozenset(range(len(noted)))}
    return Draft("list", f"Which allergies are noted in {stay.name}?", "; ".join(sorted(once.values())), concerned)


def _size(stay: Stay, rng: Random, recorded: bool) -> Draft | None:
    """Weight or height on admission that is there, or one that is not."""
    row, entry = _own(stay)
    fit = [column for column in sorted(SIZES) if bool(entry[column]) == recorded]
    fit = [column for column in fit if not recorded or float(entry[column]) > 0]
    if not fit:
        return None
    column = rng.choice(fit)
    name, unit = SIZES[column]
    asked = f"What {name} (in {unit}) was recorded on admission for {stay.name}?"
    concerned = {"unit_stays": frozenset({row})}
    if not recorded:
        return Draft("number", asked, q.NOT_RECORDED, concerned)
    return q.number(asked, float(entry[column]), concerned, unit)


def _short(stay: Stay, column: str, asked: str) -> Draft | None:
    row, entry = _own(stay)
    value = entry[column]
    if not value:
        return None
    concerned = {"unit_stays": frozenset({row})}
    return Draft("short", f"{asked} of {stay.name}?", value, concerned, accepted=DIED.get(value, ()))


def _days(asked: str, start: str, end: str, row: int) -> Draft | None:
    return q.days(asked, (float(end) - float(start)) * 60, "unit_stays", row) if start and end else None


def _own(stay: Stay) -> tuple[int, dict[str, str]]:
    table = stay.tables["unit_stays"]
    row = cells(table, "patientunitstayid").index(stay.id)
    return row, entry_of(table, row)

"""Entities of MedCalc-Bench as numbers in the units of the instruments.

An entity is a number, a yes or no, a word, or `[number, unit]`. Unknown units raise: nothing is guessed.
"""

from medgym_core.errors import MedGymError

FACTORS: dict[str, dict[str, float]] = {
    # wanted quantity: given unit -> factor to the instrument's unit
    "a": {"years": 1, "year": 1, "months": 1 / 12, "weeks": 7 / 365.25, "days": 1 / 365.25},
    "kg": {"kg": 1, "g": 0.001, "lbs": 0.45359237, "lb": 0.45359237, "pounds": 0.45359237},
    "cm": {"cm": 1, "m": 100, "in": 2.54, "inches": 2.54, "ft": 30.48, "mm": 0.1},
    "mmol/L": {"mmol/L": 1, "mEq/L": 1},
    "sodium": {"mmol/L": 1, "mEq/L": 1, "mg/dL": 10 / 22.99},
    "albumin g/dL": {"g/dL": 1, "g/L": 0.1, "mg/dL": 0.001},
    "creatinine mg/dL": {"mg/dL": 1, "µmol/L": 1 / 88.42, "umol/L": 1 / 88.42, "mmol/L": 1000 / 88.42, "mg/L": 0.1},
    "glucose mg/dL": {"mg/dL": 1, "mmol/L": 18.016, "g/L": 100},
    "urea nitrogen mg/dL": {"mg/dL": 1, "mmol/L": 2.8014},
    "calcium mg/dL": {"mg/dL": 1, "mmol/L": 4.008, "mEq/L": 2.004},
    "bilirubin mg/dL": {"mg/dL": 1, "µmol/L": 1 / 17.1, "umol/L": 1 / 17.1},
    "cholesterol mg/dL": {"mg/dL": 1, "mmol/L": 38.67, "g/L": 100},
    "triglycerides mg/dL": {"mg/dL": 1, "mmol/L": 88.57, "g/L": 100},
    "insulin": {"µIU/mL": 1, "uIU/mL": 1, "mIU/L": 1},
    "/min": {"beats per minute": 1, "breaths per minute": 1, "bpm": 1},
    "mm[Hg]": {"mm Hg": 1, "mm hg": 1, "mmhg": 1},
    "%": {"%": 1},
    "ms": {"msec": 1},
    "kg/m2": {"kg/m^2": 1},
    "U/L": {"U/L": 1},
    "hemoglobin g/dL": {"g/dL": 1, "g/L": 0.1},
    "cells 10*3/uL": {"µL": 1e-3, "m^3": 1e-3, "L": 1e-9},
    "ug/kg/min": {"mcg/kg/min": 1, "mc/kg/min": 1},
    "mL/d": {"mL/day": 1},
    "Cel": {"degrees celsius": 1, "degrees celsisus": 1},
}
"""Molar masses: creatinine 113.1, glucose 180.16, urea nitrogen 28.01, calcium 40.08, cholesterol 386.7, sodium 22.99
g/mol; triglycerides 885.7 g/mol by convention. Cell counts that the bench gives in `m^3` are per cubic millimetre."""


def quantity(entities: dict, name: str, wanted: str) -> float | None:
    """The entity as a number in the wanted unit; None where the row has none. Raises MedGymError on a foreign unit."""
    entity = entities.get(name)
    if entity is None:
        return None
    if not isinstance(entity, list):
        return float(entity)
    value, unit = entity
    factor = FACTORS[wanted].get(unit)
    if factor is None:
        raise MedGymError("unit without a factor", got=unit, expected=", ".join(FACTORS[wanted]), where=name)
    return float(value) * factor


def temperature(entities: dict) -> float:
    """The temperature in degrees Celsius."""
    value, unit = entities["Temperature"]
    if unit.startswith("degrees fahre"):
        return round((value - 32) * 5 / 9, 3)
    return quantity(entities, "Temperature", "Cel")


def sex(entities: dict) -> str:
    """Female or male, in lower case."""
    return str(entities["sex"]).strip().lower()


def yes(entities: dict, *names: str) -> bool:
    """Whether any of the entities is there and true. The bench counts an entity that is not there as absent."""
    return any(entities.get(name) is True for name in names)


def iso(date: str) -> str:
    """`MM/DD/YYYY` as `YYYY-MM-DD`."""
    month, day, year = date.split("/")
    return f"{int(year):04d}-{int(month):02d}-{int(day):02d}"

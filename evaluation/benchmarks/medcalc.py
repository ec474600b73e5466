"""MedCalc-Bench: a patient note, a question, and the number that the named calculator gives (Khandekar et al. 2024)."""

import re
from pathlib import Path
from typing import Any

from evaluation.benchmarks.files import checked, field_of, read_lines, text_of
from evaluation.item import Item, Spec
from evaluation.scorers.number import AGE, DATE, read_age, read_date, score_number
from medgym_core.artifacts import digest_json
from medgym_core.errors import MedGymError

FILE = "benchmarks/medcalc_bench/test_tasks.jsonl"
UNITS = {
    "Creatinine Clearance (Cockcroft-Gault Equation)": "mL/min",
    "CKD-EPI Equations for Glomerular Filtration Rate": "mL/min/1.73 m2",
    "MDRD GFR Equation": "mL/min/1.73 m2",
    "Mean Arterial Pressure (MAP)": "mmHg",
    "Body Mass Index (BMI)": "kg/m2",
    "Calcium Correction for Hypoalbuminemia": "mg/dL",
    "Ideal Body Weight": "kg",
    "QTc Bazett Calculator": "ms",
    "QTc Fridericia Calculator": "ms",
    "QTc Framingham Calculator": "ms",
    "QTc Hodges Calculator": "ms",
    "QTc Rautaharju Calculator": "ms",
    "Maintenance Fluids Calculations": "mL/h",
    "Sodium Correction for Hyperglycemia": "mEq/L",
    "Serum Osmolality": "mOsm/kg",
    "Free Water Deficit": "L",
    "Anion Gap": "mEq/L",
    "Fractional Excretion of Sodium (FENa)": "%",
    "LDL Calculated": "mg/dL",
    "Body Surface Area Calculator": "m2",
    "Adjusted Body Weight": "kg",
    "Delta Gap": "mEq/L",
    "Albumin Corrected Anion Gap": "mEq/L",
    "Albumin Corrected Delta Gap": "mEq/L",
    "Steroid Conversion Calculator": "mg",
    "Target weight": "kg",
    "Morphine Milligram Equivalents (MME) Calculator": "mg/d",
    "Estimated Due Date": DATE,
    "Estimated of Conception": DATE,
    "Estimated Gestational Age": AGE,
}
"""Unit by calculator, as its questions ask for it; scores and ratios have none."""
_TUPLE = re.compile(r"\('(\d+) weeks?', '(\d+) days?'\)")


def load(root: Path) -> list[Item]:
    """Every row of the file. Raises MedGymError naming file and line, also for an answer outside its own limits.

    Bounds are the published ones: five percent either way for equations, none for scores; dates and gestational ages
    have to be exact. The authors' own evaluation rounds a score first; here 3.4 points are not 3.
    """
    path = Path(root) / FILE
    return checked([(where, _item(record, where)) for where, record in read_lines(path)], path)


def _item(record: dict[str, Any], where: str) -> Item:
    calculator = text_of(record, "Calculator Name", where)
    note = text_of(record, "Patient Note", where)
    gold, low, high = (text_of(record, f, where) for f in ("Ground Truth Answer", "Lower Limit", "Upper Limit"))
    unit = UNITS.get(calculator, "")
    bounds = None
    if unit in (DATE, AGE):
        gold = _TUPLE.sub(r"\1 weeks, \2 days", gold)
        if (read_date if unit == DATE else read_age)(gold) is None:
            raise MedGymError("answer is not readable", got=repr(gold), expected=unit, where=where)
    else:
        bounds = _bounds(gold, low, high, where)
    return Item(
        f"medcalc/{field_of(record, 'Row Number', int, where)}",
        text_of(record, "Question", where),
        gold,
        context=note,
        bounds=bounds,
        unit=unit,
        group=calculator,
        cluster=digest_json(note)[:16],
    )


def _bounds(gold: str, low: str, high: str, where: str) -> tuple[float, float]:
    try:
        value, *limits = (float(text) for text in (gold, low, high))
    except ValueError as error:
        raise MedGymError(
            "not a number", got=f"{gold}, {low}, {high}", expected="three numbers", where=where
        ) from error
    lowest, highest = sorted(limits)
    if not lowest <= value <= highest:
        raise MedGymError("answer outside its limits", got=gold, expected=f"{low} to {high}", where=where)
    return lowest, highest


SPECS = (
    Spec(
        name="medcalc",
        title="MedCalc-Bench",
        files=(FILE,),
        kind="number",
        published_items=1047,
        metric="accuracy",
        licence="CC BY-SA 4.0",
        source="Khandekar et al. 2024 (arXiv 2406.12036), test split of version 1.0, 55 calculators",
        obtain="https://github.com/wshi83/MedAgentGym, data/medcalcbench/test_tasks.jsonl",
        load=load,
        score=score_number,
        modes=("text", "agentic"),
    ),
)

"""What reference ranges promise: sourced, for whom they are sourced, and silent for everyone else."""

import csv
import os
from math import inf
from pathlib import Path

import pytest

from medgym_core.clinical import codes, physiology
from medgym_core.clinical.ranges import measurements

DATA = os.environ.get("MEDGYM_DATA")


def every_row():
    return [(name, row) for name, known in measurements().items() for row in known["ranges"]]


def test_every_measurement_has_unit_loinc_and_ordered_sourced_ranges():
    assert len(measurements()) == 81
    for name, known in measurements().items():
        assert codes.is_ucum(known["unit"]), name
        assert known["loinc"] and known["source"] and known["decimals"] in (0, 1, 2)
        assert known["ranges"] or "usual" in known, name
        assert "critical" not in known or known["critical_source"]
    for name, row in every_row():
        assert row["low"] < row["high"], (name, row)
        assert len({"years", "months", "weeks"} & set(row)) == 1, (name, row)


def test_no_two_measurements_share_a_loinc_code():
    found = [known["loinc"] for known in measurements().values()]
    assert len(found) == len(set(found))


def test_critical_limits_lie_outside_every_adult_range():
    for name, row in every_row():
        low, high = physiology.critical_limits(name, 40)
        if "years" in row and row["years"][1] > 40:
            assert low <= row["low"] and row["high"] <= high, name


def test_sex_age_and_pregnancy_change_the_range():
    assert physiology.reference_range("hemoglobin", 40, "female") == (12.0, 16.0)
    assert physiology.reference_range("hemoglobin", 40, "male") == (14.0, 18.0)
    assert physiology.reference_range("hemoglobin", 3, "male") == (11.5, 13.5)
    assert physiology.reference_range("hemoglobin", 30, "female", True, 210) == (9.5, 15.0)
    assert physiology.reference_range("creatinine", 30, "female", True, 150) == (0.4, 0.8)
    by_day = {d: physiology.reference_range("alp", 30, "female", True, d) for d in (97, 98, 195, 196)}
    assert by_day == {97: (17, 88), 98: (25, 126), 195: (25, 126), 196: (38, 229)}
    assert physiology.reference_range("heart_rate", 0, "male", age_months=4) == (100, 180)
    assert physiology.reference_range("potassium", 0, "male", age_months=6) == (4.1, 5.3)


def test_unknown_is_not_normal():
    assert physiology.reference_range("no such test", 40, "male") is None
    assert physiology.flag("no such test", 1.0, 40, "male") == "no reference range"
    assert physiology.flag("albumin", 4.0, 5, "male") == "no reference range"
    assert physiology.reference_range("tsh", 30, "female", pregnant=True) is None


def test_flags_mark_each_side_and_critical_values():
    expected = {2.4: "critical low", 3.2: "low", 3.5: "normal", 5.0: "normal", 5.6: "high", 6.9: "critical high"}
    assert {v: physiology.flag("potassium", v, 60, "male") for v in expected} == expected
    at_the_limit = {2.8: "critical low", 6.2: "critical high"}
    assert {v: physiology.flag("potassium", v, 60, "male") for v in at_the_limit} == at_the_limit
    assert physiology.flag("potassium", 6.5, 10, "male") == "high"
    assert physiology.flag("hdl", 200, 50, "male") == "normal"
    assert physiology.flag("spo2", 88, 50, "male") == "critical low"
    assert physiology.flag("heart_rate", 150, 1, "male") == "high"


def test_ranges_read_as_a_report_prints_them():
    assert physiology.range_text("potassium", (3.5, 5.0)) == "3.5 to 5.0 mmol/L"
    assert physiology.range_text("troponin", (0, 14)) == "up to 14 ng/L"
    assert physiology.range_text("hdl", (40, inf)) == "40 mg/dL or more"
    assert "Harriet Lane" in physiology.range_source("creatinine", 6, "male")


@pytest.mark.skipif(not DATA, reason="MEDGYM_DATA is not set")
def test_loinc_codes_and_adult_ranges_agree_with_the_loinc_range_table():
    folder = Path(DATA) / "structured" / "lab_reference"
    with open(folder / "lhc_flowsheet_loinc_ranges.tsv", encoding="utf-8") as file:
        rows = {row["LOINC_MERGED"]: row for row in csv.DictReader(file, delimiter="\t")}
    with open(folder / "loinc2hpo-annotations.tsv", encoding="utf-8") as file:
        annotated = {row["loincId"] for row in csv.DictReader(file, delimiter="\t")}
    compared = 0
    for name, known in measurements().items():
        row, own = rows.get(known["loinc"]), physiology.reference_range(name, 40, "male")
        if name not in ("fio2", "pain_score", "beta_hydroxybutyrate"):
            assert row or known["loinc"] in annotated, name
        if row and own and row["norm_low"] and row["norm_high"] and name not in DIFFERENT_UNIT:
            compared += 1
            assert own[0] <= float(row["norm_high"]) and float(row["norm_low"]) <= own[1], (
                name,
                own,
                row["norm_range"],
            )
    assert compared > 40


DIFFERENT_UNIT = {"crp", "temperature", "ionized_calcium", "ammonia", "urine_creatinine", "urine_protein"}
"""The table gives these in another unit than its own column says, or than the one used here."""

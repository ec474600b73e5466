"""Adapters of the public calculator bench: rows agree, and every explanation is shown by recomputing the reference."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))  # `benchmarks` is not installed

from benchmarks.medcalc import compare, errors_b, units  # noqa: E402
from medgym_core.errors import MedGymError  # noqa: E402

ROWS_THAT_AGREE = [1, 24, 101, 140, 160, 320, 405, 425, 438, 469, 507, 749, 808, 939, 948, 988, 1008, 1029]


@pytest.fixture(scope="module")
def bench(real_data):
    with open(real_data / "benchmarks" / "medcalc_bench" / "test_tasks.jsonl", encoding="utf-8") as file:
        return {row["Row Number"]: row for row in map(json.loads, file)}


@pytest.fixture(scope="module")
def verdicts(real_data):
    return {verdict.row: verdict for verdict in map(compare.judged, compare.rows())}


@pytest.mark.parametrize("row", ROWS_THAT_AGREE)
def test_the_row_agrees_with_the_reference(row, verdicts):
    assert verdicts[row].agrees, verdicts[row]


def test_every_disagreement_has_a_reason(verdicts):
    assert [v for v in verdicts.values() if not v.agrees and not v.why] == []


def test_95_percent_of_the_sound_rows_agree_on_every_calculator(verdicts):
    for calculator in {v.calculator for v in verdicts.values()}:
        sound = [v for v in verdicts.values() if v.calculator == calculator and not v.reference_wrong]
        assert sum(v.agrees for v in sound) >= 0.95 * len(sound), calculator


def test_a_reference_is_called_wrong_only_where_the_error_reproduces_it(verdicts):
    row = next(v for v in verdicts.values() if v.calculator == "Estimated Due Date" and v.reference_wrong)
    assert "not subtracted" in row.why
    assert not compare.reproduces("2000-01-01", "01/02/2000")
    assert not compare.reproduces(12.0, "12.1")


def test_a_foreign_unit_is_an_error():
    with pytest.raises(MedGymError, match="unit without a factor"):
        units.quantity({"weight": [70, "stone"]}, "weight", "kg")


@pytest.mark.parametrize(("given", "wanted", "value"), [([2180, "g"], "kg", 2.18), ([1.6, "m"], "cm", 160)])
def test_units_are_converted(given, wanted, value):
    assert units.quantity({"x": given}, "x", wanted) == pytest.approx(value)


def test_millimoles_are_rounded_half_up_only_from_one_up():
    assert [errors_b.whole(x) for x in (0.84, 1.09, 4.5, 2.86)] == [0.84, 1, 5, 3]

"""One grader for every kind of gold: what is right, nearly right, wrong, and not an answer at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medgym_core.assertions import canonical
from medgym_core.domains.common import claim
from medgym_core.grading import BESIDE, PARTIAL, grade, grade_submission, same_answer
from medgym_core.types import Call, Gold
from medgym_core.units import convert

LETTERS = Gold("letter", "B", options=list("ABCD"))
DRUG = Gold("category", "adrenaline", synonyms={"adrenaline": ["epinephrine"]})
LEVEL = Gold("ordinal", "2", options=list("12345"))
RATE = Gold("number", 72.0, tolerance=1, unit="mL/min")
PAIR = Gold("set", ["aspirin", "warfarin"])
PLAN = Gold("plan", ["airway", "oxygen", "adrenaline"])
TEXT = Gold(
    "text",
    ["trend", "action"],
    assertions={
        "trend": claim("creatinine", ["rose", "rising", "went up"], "1", "2.3", shown="creatinine 2.3"),
        "action": claim(["stop", "hold"], "ibuprofen"),
    },
    denied={"direction": claim("creatinine", ["fell", "falling", "improved"])},
    max_words=30,
)
SEEN = [" creatinine 1 mg dl creatinine 2.3 mg dl "]


@pytest.mark.parametrize(
    ("gold", "answer", "verdict"),
    [
        (LETTERS, "b", "correct"),
        (LETTERS, "C", "wrong"),
        (LETTERS, "A, B, C, D", "unparsable"),
        (LETTERS, "A or B", "unparsable"),
        (LETTERS, "\u200bB", "correct"),
        (LETTERS, "Ｂ", "correct"),
        (DRUG, "Epinephrine", "correct"),
        (DRUG, "atropine", "wrong"),
        (DRUG, "", "unparsable"),
        (DRUG, "adrenaline or atropine", "wrong"),
        (Gold("category", "pulmonary embolism", options=["pulmonary embolism", "pneumonia"]), "I26.99", "correct"),
        (Gold("category", "pulmonary embolism", options=["pulmonary embolism", "pneumonia"]), "I10", "unparsable"),
        (Gold("category", "I63.9"), "I63.9", "correct"),
        (Gold("category", "I63.9"), "I10", "wrong"),
        (LEVEL, "2", "correct"),
        (LEVEL, "3", "partial"),
        (LEVEL, "5", "wrong"),
        (LEVEL, "6", "unparsable"),
        (RATE, "72.4 mL/min", "correct"),
        (RATE, "4.32 L/h", "correct"),
        (RATE, "70 to 74", "unparsable"),
        (RATE, "72 mg/dL", "unparsable"),
        (RATE, "80", "wrong"),
        (Gold("number", -5.0, tolerance=0.1, unit="mmol/L"), "5 mmol/L", "wrong"),
        (Gold("number", -5.0, tolerance=0.1, unit="mmol/L"), "−5 mmol/L", "correct"),
        (Gold("number", 1500.0, tolerance=1, unit="mL"), "1,500 mL", "correct"),
        (Gold("number", 1500.0, tolerance=1, unit="mL"), "1.5 litres", "correct"),
        (PAIR, "warfarin and aspirin", "correct"),
        (PAIR, "warfarin, aspirin, digoxin", "partial"),
        (PAIR, "warfarin, digoxin, insulin, metformin", "wrong"),
        (PAIR, "; ,", "unparsable"),
        (PLAN, "1. airway; 2. oxygen; 3. adrenaline", "correct"),
        (PLAN, "airway, oxygen", "partial"),
        (PLAN, "oxygen, airway, adrenaline", "wrong"),
        (PLAN, "", "unparsable"),
        (TEXT, "Creatinine rose from 1.0 to 2.3 mg/dL, without fever; hold ibuprofen.", "correct"),
        (TEXT, "Creatinine went up from 1 to 2.3.", "partial"),
        (TEXT, "Creatinine rose from 1 to 2.3, or fell. Hold ibuprofen.", "wrong"),
        (TEXT, "Creatinine is not rising from 1 to 2.3. Do not stop ibuprofen.", "wrong"),
        (TEXT, "Creatinine may be rising or not, 1 to 2.3. Maybe stop ibuprofen.", "wrong"),
        (TEXT, "Has creatinine perhaps rising 1 2.3? Whether to stop ibuprofen is unclear.", "wrong"),
        (TEXT, "Creatinine rose from 1 to 2.3. Stop ibuprofen. " + "Word " * 30, "unparsable"),
        (TEXT, "", "unparsable"),
    ],
)
def test_each_kind_of_gold_knows_right_nearly_right_wrong_and_unreadable(gold, answer, verdict) -> None:
    found = grade(gold, answer, SEEN)
    assert found.verdict == verdict, found
    assert (found.credit == 1) == (verdict == "correct")
    assert (0 < found.credit <= PARTIAL) == (verdict == "partial")


def test_an_assertion_that_nothing_showed_earns_nothing() -> None:
    said = "Creatinine rose from 1 to 2.3. Hold ibuprofen."
    assert grade(TEXT, said, SEEN).verdict == "correct"
    unbacked = grade(TEXT, said, [" sodium 140 "])
    assert unbacked.verdict == "partial" and "shown by no observation: trend" in unbacked.why


def test_a_phrase_does_not_reach_over_a_comma() -> None:
    gold = Gold("text", ["arrest"], assertions={"arrest": claim("active phase arrest")})
    assert grade(gold, "Active phase, arrest criteria not met").verdict == "wrong"
    assert grade(gold, "This is active phase arrest, at 6 cm").verdict == "correct"


def test_the_canonical_text_of_a_gold_is_right() -> None:
    assert grade(TEXT, canonical(TEXT)).verdict == "correct"


def test_the_level_beside_earns_a_quarter_and_no_other() -> None:
    credits = [grade(LEVEL, answer).credit for answer in "12345"]
    assert credits == [BESIDE, 1, BESIDE, 0, 0]


@given(st.text(max_size=80), st.sampled_from([LETTERS, DRUG, LEVEL, RATE, PAIR, PLAN, TEXT]))
def test_any_text_gets_a_verdict_with_its_reason(answer, gold) -> None:
    found = grade(gold, answer, SEEN)
    assert found.verdict in ("correct", "partial", "wrong", "unparsable") and 0 <= found.credit <= 1 and found.why


@given(st.lists(st.sampled_from(["aspirin", "warfarin", "digoxin", "insulin"]), min_size=1, max_size=4, unique=True))
def test_only_the_whole_set_is_right_whatever_its_order(members) -> None:
    assert (grade(PAIR, ", ".join(members)).verdict == "correct") == (set(members) == {"aspirin", "warfarin"})


FIELDS = Gold("fields", ["cause", "level"], fields={"cause": DRUG, "level": LEVEL})


@pytest.mark.parametrize(
    ("arguments", "verdict"),
    [
        ({"cause": "adrenaline", "level": "2"}, "correct"),
        ({"cause": "adrenaline", "level": "4"}, "partial"),
        ({"cause": "atropine", "level": "5"}, "wrong"),
        ({"cause": "adrenaline"}, "unparsable"),
        ({}, "unparsable"),
    ],
)
def test_a_structured_submission_is_right_when_every_field_is(arguments, verdict) -> None:
    found = grade_submission(FIELDS, Call("submit", arguments))
    assert found.verdict == verdict and "cause:" in found.why


def test_a_sign_makes_another_answer() -> None:
    gold = Gold("number", 5.0, tolerance=0.1)
    assert not same_answer(gold, "-2", "2") and same_answer(gold, "2", "2.0")


@pytest.mark.parametrize(
    ("value", "unit", "wanted", "found"),
    [
        (0.5, "g", "mg", 500),
        (250, "micrograms", "mg", 0.25),
        (2, "hours", "min", 120),
        (5, "mg/kg/h", "mg/kg/min", 5 / 60),
        (90, "bpm", "/min", 90),
        (10, "kPa", "mm[Hg]", 75.00617),
        (5, "mg", "mmol", None),
        (5, "mg/dL", "mmol/L", None),
        (5, "furlongs", "m", None),
        (5, "mg", "mg/kg", None),
    ],
)
def test_units_of_one_dimension_convert_and_others_do_not(value, unit, wanted, found) -> None:
    assert convert(value, unit, wanted) == (None if found is None else pytest.approx(found))


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        (Gold("category", "croup"), "laryngotracheobronchitis"),
        (Gold("category", "haemolytic anaemia"), "hemolytic anemia"),
        (Gold("category", "acetaminophen", options=["acetaminophen", "ibuprofen"]), "paracetamol"),
        (Gold("set", ["furosemide", "acetaminophen"]), "paracetamol; frusemide"),
        (Gold("plan", ["norepinephrine infusion", "blood cultures"]), "noradrenaline infusion, blood cultures"),
    ],
)
def test_another_name_or_spelling_of_the_same_thing_is_right(gold, answer) -> None:
    assert grade(gold, answer).verdict == "correct"


def test_a_near_name_is_another_thing() -> None:
    assert grade(Gold("category", "type 1 diabetes"), "type 2 diabetes").verdict == "wrong"
    assert grade(Gold("category", "hypokalaemia"), "hyperkalemia").verdict == "wrong"

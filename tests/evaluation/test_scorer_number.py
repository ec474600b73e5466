"""The scorer of computed answers: what a text commits to, in which unit, and that nothing in it is evaluated."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.item import Item
from evaluation.scorers.number import AGE, DATE, read_age, read_date, score_number
from medgym_core.errors import MedGymError

C, W, U = "correct", "wrong", "unparsable"


def number(gold: str, unit: str = "", spread: float = 0.05) -> Item:
    value = float(gold)
    return Item(
        "x/1", "What is it?", gold, bounds=(value - abs(value) * spread, value + abs(value) * spread), unit=unit
    )


def score(points: int) -> Item:
    return number(str(points), spread=0.0)


MAP = number("93.3", "mmHg")
GFR = number("38.3", "mL/min/1.73 m2")
QT = number("452", "ms")
MASS = number("70", "kg")
WATER = number("-0.372", "L")
FENA = number("0.5", "%")
LARGE = number("1234.5", "mL/h")
SMALL = number("0.0025", "mg")
SODIUM = number("141", "mEq/L")
SURFACE = number("1.94", "m2")
MASS_INDEX = number("28.0", "kg/m2")
HALF = number("0.5")
OPIOID = number("90", "mg/d")

VARIANTS = [
    # plain and declared
    (MAP, "93.3", C),
    (MAP, "93.3 mmHg", C),
    (MAP, "Answer: 93.3", C),
    (MAP, "**Answer:** 93.3 mm Hg", C),
    (MAP, "The final answer is 93.3 mmHg.", C),
    (MAP, "The answer is: **93.3**", C),
    (MAP, "Answer:\n93.3", C),
    (MAP, '{"step_by_step_thinking": "2 * 80 + 120", "answer": "93.3"}', C),
    (MAP, "Systolic 120, diastolic 80.\n120 + 2 * 80 = 280\nAnswer: 93.3", C),
    (MAP, "Answer: (120 + 2*80)/3 = 93.33 mmHg", C),
    (MAP, "MAP = (120 + 160)/3 ≈ 93.3", C),
    (MAP, r"So \boxed{93.3}", C),
    (MAP, r"$\boxed{93.3 \text{ mmHg}}$", C),
    (MAP, r"Answer: $\boxed{93.3}$ mmHg", C),
    (MAP, "approximately 93 mmHg", C),
    (MAP, "Answer:", U),
    (MAP, "93.3 mmHg, rounded from 93.33 mmHg", C),
    (MAP, "99", W),
    (MAP, "Answer: 60 mmHg", W),
    # units
    (MAP, "12.44 kPa", C),
    (MAP, "93.3 kPa", W),
    (MAP, "93.3 kg", W),
    (MAP, "93.3 mg/dL", W),
    (MASS, "70000 g", C),
    (MASS, "154.3 lb", C),
    (MASS, "70 pounds", W),
    (QT, "0.452 s", C),
    (QT, "452 msec", C),
    (QT, "452 s", W),
    (SODIUM, "141 mmol/L", C),
    (SODIUM, "141 mEq/L", C),
    (GFR, "38.3 mL/min/1.73 m²", C),
    (GFR, "38.3 mL/min/1.73m^2", C),
    (GFR, "38.3 ml/min per 1.73 m2", C),
    (GFR, "38.3 mL/min", C),
    (GFR, "38.3 L/min", W),
    (SURFACE, "1.94 m²", C),
    (SURFACE, "1.94 kg/m²", W),
    (MASS_INDEX, "BMI: 28.0 kg/m²", C),
    (MASS_INDEX, "28 kg", W),
    (WATER, "-372 mL", C),
    (OPIOID, "90 MME/day", C),
    (OPIOID, "90 mg", C),
    # signs, thousands, powers, fractions, percent
    (WATER, "-0.372 L", C),
    (WATER, "\u22120.372 L", C),
    (WATER, "\u20130.372", C),
    (WATER, "minus 0.372 litres", C),
    (WATER, "Answer = - 0.372", C),
    (WATER, "0.372", W),
    (LARGE, "1,234.5 mL/hr", C),
    (LARGE, "1\u202f234.5", C),
    (LARGE, "1.2345e3", C),
    (LARGE, "1.2345 × 10^3 mL/h", C),
    (LARGE, "1.2345 × 10³", C),
    (SMALL, "2.5 × 10⁻³ mg", C),
    (SMALL, "2.5 mcg", C),
    (SMALL, "2.5 µg", C),
    (HALF, "1/2", C),
    (HALF, "½", C),
    (HALF, r"\frac{1}{2}", C),
    (HALF, ".5", C),
    (HALF, "5/0", U),
    (FENA, "0.5%", C),
    (FENA, "0.5 percent", C),
    (FENA, "FENa is 0.5", C),
    (FENA, "0.005", W),
    (MASS, "70%", W),
    # scores
    (score(4), "4", C),
    (score(4), "4 points", C),
    (score(4), "4/9", C),
    (score(4), "4 out of 9 points", C),
    (score(4), "four", C),
    (score(4), "The CHA2DS2-VASc score is 4.", C),
    (score(4), "CURB-65: 4", C),
    (score(4), "4.0", C),
    (score(4), "3.9", W),
    (score(4), "4 mg", W),
    (score(-2), "-2", C),
    (score(0), "0 points", C),
    # no commitment
    (MAP, "90 to 95", U),
    (MAP, "90-95 mmHg", U),
    (MAP, "between 90 and 95", U),
    (MAP, "93.3 or 70", U),
    (MAP, "Answer: 93.3\nAnswer: 70", U),
    (MAP, "93.3 ± 2", U),
    (MAP, "> 93", U),
    (MAP, "at least 93 mmHg", U),
    (MAP, "It is not 93.3", U),
    (MAP, "120 and 80 give 93.3", U),
    (MAP, "", U),
    (MAP, "I cannot calculate this, 2 values are missing.", U),
    (MAP, "Answer: cannot be determined from 1 reading", U),
    (MAP, "normal", U),
    (MAP, "nan", U),
    (MAP, "1e999", U),
    (MAP, "31.1 * 3", U),
    (MAP, "sum([90, 3.3])", U),
    (score(4), "3 or 4", U),
    (score(4), "0 1 2 3 4 5", U),
]


@pytest.mark.parametrize(
    ("item", "text", "verdict"), VARIANTS, ids=[f"{n}:{v[1][:30]!r}" for n, v in enumerate(VARIANTS)]
)
def test_a_number_is_read_as_a_person_would(item, text, verdict) -> None:
    found = score_number(text, item)
    assert (found.verdict, found.value) == (verdict, float(verdict == C)), found
    assert (found.answer is None) == (verdict == U)


DAY = Item("x/2", "When is the due date?", "01/09/2007", unit=DATE)
AGED = Item("x/3", "How old is the pregnancy?", "14 weeks, 1 days", unit=AGE)
DAYS = [
    ("01/09/2007", C), ("1/9/2007", C), ("Answer: 01/09/2007.", C), ("2007-01-09", C), ("January 9, 2007", C),
    ("9 January 2007", C), ("Jan 9th, 2007", C), ("The 9th of January 2007", C), ("09/01/2007", W), ("01/10/2007", W),
    ("LMP 04/02/2006.\nAnswer: 01/09/2007", C), ("from 04/02/2006 to 01/09/2007", U), ("13/45/2007", U), ("", U),
    ("January", U), ("01/09/2007 or 01/10/2007", U), ("I cannot tell; 01/09/2007", U),
]  # fmt: skip
AGES = [
    ("(14 weeks, 1 day)", C), ("('14 weeks', '1 days')", C), ("14 weeks and 1 day", C), ("14w1d", C), ("14+1", C),
    ("14 1/7", C), ("(14, 1)", C), ("Answer: 14 weeks, 1 days", C), ("99 days", C), ("14 weeks", W),
    ("14 weeks, 2 days", W), ("14", U), ("14 weeks 1 day or 15 weeks 0 days", U), ("", U),
]  # fmt: skip


@pytest.mark.parametrize(("item", "text", "verdict"), [(DAY, *v) for v in DAYS] + [(AGED, *v) for v in AGES])
def test_a_date_and_a_gestational_age_are_read_as_a_person_would(item, text, verdict) -> None:
    assert score_number(text, item).verdict == verdict


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=200))
def test_no_text_raises(text) -> None:
    for item in (MAP, GFR, score(4), HALF, DAY, AGED):
        assert 0 <= score_number(text, item).value <= 1


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.sampled_from("0 1 93.3 -4 answer : = / . , ( ) 10 ^ * e \\boxed{ } weeks days mmHg % or \n".split(" ")))
)
def test_no_arrangement_of_its_own_signs_raises(parts) -> None:
    for item in (MAP, GFR, score(4), HALF, DAY, AGED):
        assert score_number(" ".join(parts), item).verdict in (C, W, U)


@settings(deadline=None, max_examples=100)
@given(
    st.floats(-1e6, 1e6, allow_nan=False).filter(lambda x: abs(x) > 1e-3), st.sampled_from(["", " kg", " kilograms"])
)
def test_the_gold_of_any_number_scores_1_and_ten_percent_off_scores_0(value, unit) -> None:
    gold = f"{value:.6f}"
    assert score_number(gold + unit, number(gold, "kg")).verdict == C
    assert score_number(f"{value * 1.1:.6f}{unit}", number(gold, "kg")).verdict == W


def test_the_limits_themselves_are_right_in_either_order() -> None:
    item = Item("x/4", "?", "-6", bounds=(-5.7, -6.3), unit="mEq/L")
    assert [score_number(text, item).verdict for text in ("-5.7", "-6.3", "-5.69", "-6.31")] == [C, C, W, W]


def test_many_digits_take_no_time() -> None:
    assert score_number("9" * 100_000, MAP).verdict == U
    assert score_number("1/" * 50_000, MAP).verdict in (W, U)
    assert score_number("(" * 50_000 + "weeks " * 5_000, AGED).verdict == U


def test_an_item_without_bounds_is_an_error() -> None:
    with pytest.raises(MedGymError, match="without bounds"):
        score_number("1", Item("x/5", "?", "1"))
    with pytest.raises(MedGymError, match="not readable"):
        score_number("01/09/2007", Item("x/6", "?", "soon", unit=DATE))


def test_a_date_is_a_day_of_the_calendar() -> None:
    assert str(read_date("02/29/2024")) == "2024-02-29" and read_date("02/29/2023") is None
    assert read_age("10 weeks, 3 days").days == 73

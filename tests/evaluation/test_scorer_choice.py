"""An answer is parsed once and strictly, and every letter can win."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as hs

from evaluation.item import Item
from evaluation.scorers.choice import judge, parse_letter

OPTIONS = {"A": "Vitamin A", "B": "Cholesterol embolization", "C": "10%", "D": "A and C"}
ITEM = Item("t/1", "What is it?", OPTIONS, "B")


@pytest.mark.parametrize(
    "text",
    [
        "B", "b", " (B) ", "B.", "**B**", "Answer: B", "answer: (B)", "The correct answer is B.", "Final answer: **B**",
        "The answer is option B", "B. Cholesterol embolization", "(B) cholesterol embolization",
        "Cholesterol embolization", "Cholesterol\nembolization.", "B) because the toes are blue",
        "The toes are blue.\nAnswer: B", "Blue toes, so the answer is B.", "A. Vitamin A: no.\nC. 10%: no.\nAnswer: B",
        "The correct answer is cholesterol embolization.", "B. Because a plaque broke",
        "**B.** Cholesterol embolization",
        "Answer: B. Cholesterol embolization", "B - cholesterol embolization", "B cholesterol embolization",
    ],
)  # fmt: skip
def test_one_committed_letter_is_read(text: str) -> None:
    assert parse_letter(text, OPTIONS) == "B"


@pytest.mark.parametrize(
    "text",
    [
        "", " \n", "A, B", "A or B", "A B C D", "Answer: A and B", "Answer: A\nAnswer: B", "A\nB\nC\nD", "Answer: E",
        "E", "B. Vitamin A", "B or perhaps Vitamin A", "B. Cholesterol embolization or C", "not B",
        "It is probably vascular.", "Vitamin A, Cholesterol embolization, 10%", "Answer: B, or vitamin A",
        "The answer is A. The answer is B.", "the answer is a beta blocker",
        "C. difficile is the cause", "B-cell lymphoma", "The answer is a B-cell", "E. coli",
        "The answer is B-cell lymphoma", "The answer is C. difficile", "B\nI am not sure",
        "A, C, D\nAnswer: B", "10", "Cholesterol",
    ],
)  # fmt: skip
def test_no_or_several_letters_are_unparsable(text: str) -> None:
    assert parse_letter(text, OPTIONS) is None
    assert judge(text, ITEM) == (None, "unparsable")


def test_a_letter_stays_a_letter_where_option_texts_are_letters() -> None:
    options = {"A": "B", "B": "C", "C": "D", "D": "E"}  # such an item stands in MedQA
    assert {letter: parse_letter(letter, options) for letter in options} == {letter: letter for letter in options}
    assert parse_letter("E", options) == "D"
    assert parse_letter("A. B", options) == "A"


def test_options_that_read_the_same_name_no_letter() -> None:
    assert parse_letter("Sepsis", {"A": "Sepsis", "B": "sepsis."}) is None


def test_an_option_that_names_letters_can_be_quoted() -> None:
    assert parse_letter("A and C", {"A": "x", "B": "y", "C": "z", "D": "A and C"}) is None  # also a list of letters
    assert parse_letter("D. A and C", OPTIONS) == "D"


@given(hs.text(max_size=300), hs.dictionaries(hs.sampled_from("ABCDE"), hs.text(max_size=20), max_size=5))
def test_parsing_never_raises(text: str, options: dict[str, str]) -> None:
    assert parse_letter(text, options) in {None, *options}


WORDS = hs.text("bcdefghijklmnopqrstuvwxyz", min_size=3, max_size=12).filter(lambda w: w not in ("and", "are", "both"))
TEXTS = hs.lists(WORDS, min_size=2, max_size=5, unique=True)
FORMS = ("{0}", "({0})", "{0}.", "Answer: {0}", "The answer is {0}", "{0}. {1}", "**{0}** {1}", "{1}", "({0}) {1}")
JOINTS = (", ", " ", "\n", "; ", " and ", " or ", "\n\n", "/")


@given(TEXTS, hs.sampled_from(FORMS), hs.sampled_from(JOINTS), hs.randoms())
def test_listing_all_letters_is_never_correct(texts: list[str], form: str, joint: str, random) -> None:
    options = dict(zip("ABCDE", texts, strict=False))
    listed = [form.format(letter, text) for letter, text in options.items()]
    random.shuffle(listed)
    assert parse_letter(joint.join(listed), options) is None


@given(TEXTS, hs.sampled_from(FORMS))
def test_every_letter_can_win_in_every_form(texts: list[str], form: str) -> None:
    options = dict(zip("ABCDE", texts, strict=False))
    for letter, text in options.items():
        assert judge(form.format(letter, text), Item("t/1", "?", options, letter)) == (letter, "correct")


def test_no_text_is_correct_for_two_golds() -> None:
    texts = [sep.join(order) for order in permutations("ABCD") for sep in (" ", ", ", "\n", " then ")]
    texts += ["A", "B. Vitamin A", "Answer: C", *OPTIONS.values(), "Answer: " + ", ".join(OPTIONS)]
    for text in texts:
        assert sum(judge(text, Item("t/1", "?", OPTIONS, gold))[1] == "correct" for gold in OPTIONS) <= 1

"""An answer is parsed once and strictly, and every letter can win."""

import json
import time
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as hs

from evaluation.item import Item
from evaluation.scorers.choice import judge, parse_letter, score_choice

DATA = Path(__file__).parent / "data" / "letters.jsonl"
SETS = {
    name: dict(zip("ABCDEFGHIJ", texts, strict=False))
    for name, texts in {
        "diagnoses": ["Sepsis", "Pneumonia", "Pulmonary embolism", "Acute myocardial infarction"],
        "yes_no_maybe": ["yes", "no", "maybe"],
        "ten": ["Aspirin", "Heparin", "Warfarin", "Alteplase", "Clopidogrel"]
        + ["Prasugrel", "Ticagrelor", "Apixaban", "Rivaroxaban", "Dabigatran"],
        "vitamins": ["C", "A", "D", "K"],
        "germs": ["E. coli", "C. difficile", "S. aureus", "B. cereus"],
        "numbers": ["4.6", "10\u201320 mg", "20\u201330 mg", "\u22125 mEq/L"],
        "genotypes": ["AA", "Aa", "aa"],
        "terms": ["B-cell lymphoma", "T-cell lymphoma", "Hepatitis B", "Vitamin B12 deficiency"],
        "twins": ["Not recalled", "Not recalled", "Africans", "Caucasians"],
        "nested": ["Anemia", "Iron deficiency anemia", "Thalassemia", "All of the above"],
    }.items()
}
VARIANTS = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]
OPTIONS = {"A": "Vitamin A", "B": "Cholesterol embolization", "C": "10%", "D": "A and C"}
ITEM = Item("t/1", "What is it?", gold="B", options=OPTIONS)


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
        assert judge(form.format(letter, text), Item("t/1", "?", letter, options)) == (letter, "correct")


def test_no_text_is_correct_for_two_golds() -> None:
    texts = [sep.join(order) for order in permutations("ABCD") for sep in (" ", ", ", "\n", " then ")]
    texts += ["A", "B. Vitamin A", "Answer: C", *OPTIONS.values(), "Answer: " + ", ".join(OPTIONS)]
    for text in texts:
        assert sum(judge(text, Item("t/1", "?", gold, OPTIONS))[1] == "correct" for gold in OPTIONS) <= 1


@pytest.mark.parametrize("row", VARIANTS, ids=[f"{row['options']}-{i}" for i, row in enumerate(VARIANTS)])
def test_a_hand_written_answer_is_read_as_a_reader_would(row: dict) -> None:
    assert parse_letter(row["text"], SETS[row["options"]]) == row["letter"], row["text"]


def test_the_table_of_answers_is_wide() -> None:
    letters = {row["letter"] for row in VARIANTS}
    assert len(VARIANTS) >= 120 and {"A", "B", "C", "D", "E", "I", "J", None} <= letters
    assert {row["options"] for row in VARIANTS} == set(SETS)
    assert len({(row["options"], row["text"]) for row in VARIANTS}) == len(VARIANTS)


def test_a_score_is_the_verdict_in_figures() -> None:
    scores = {text: score_choice(text, ITEM) for text in ("B", "A", "A or B")}
    assert [(s.verdict, s.value, s.answer) for s in scores.values()] == [
        ("correct", 1.0, "B"), ("wrong", 0.0, "A"), ("unparsable", 0.0, None)
    ]  # fmt: skip


def test_options_that_read_the_same_are_told_apart_by_letter_alone() -> None:
    item = Item("t/1", "?", gold="A", options=SETS["twins"])
    assert [judge(text, item)[1] for text in ("A", "B", "Not recalled")] == ["correct", "wrong", "unparsable"]


PIECES = (
    "A B C D I A. B: (C) **D** a i sepsis pneumonia yes no not isn't or and but is correct wrong answer the Answer: I'd"
    ' because , . ; ? - / \n <think> </think> { } \\boxed{ } "answer": vitamin hepatitis option maybe wait'
    " \u0412 \uff22 \u2013 10% unsure"
).split(" ")


@settings(max_examples=300)
@given(hs.lists(hs.sampled_from(PIECES), max_size=25), hs.sampled_from([" ", ""]), hs.sampled_from(sorted(SETS)))
def test_scraps_of_answers_never_raise_and_are_never_right_twice(pieces: list[str], joint: str, name: str) -> None:
    text, options = joint.join(pieces), SETS[name]
    verdicts = [judge(text, Item("t/1", "?", gold, options))[1] for gold in options]
    assert verdicts.count("correct") <= 1
    assert len(set(verdicts) - {"correct"}) <= 1


DECLARED = [form for form in FORMS if "nswer" in form]
BARE = ["{0}", "({0})", "{0}."]
QUOTING = [form for form in FORMS if form not in DECLARED + BARE]
CONTRADICTIONS = [(one, other) for one in FORMS for other in FORMS if not (one in QUOTING and other in DECLARED)]


@given(TEXTS, hs.sampled_from(CONTRADICTIONS), hs.sampled_from(JOINTS), hs.randoms())
def test_two_answers_are_none(texts: list[str], forms: tuple[str, str], joint: str, random) -> None:
    """All pairs but an option quoted first and another declared after it, which is a discussion with its result."""
    options = dict(zip("ABCDE", texts, strict=False))
    named = zip(forms, random.sample(sorted(options), 2), strict=True)
    text = joint.join(form.format(letter, options[letter]) for form, letter in named)
    assert parse_letter(text, options) is None


@given(TEXTS, hs.sampled_from(FORMS), hs.sampled_from(["\n", "\n\n", ". "]), hs.text(max_size=80))
def test_what_is_read_never_depends_on_the_gold_letter(texts: list[str], form: str, joint: str, words: str) -> None:
    options = dict(zip("ABCDE", texts, strict=False))
    text = form.format("B", options["B"]) + joint + words
    assert len({judge(text, Item("t/1", "?", gold, options))[0] for gold in options}) == 1


@pytest.mark.parametrize(
    "piece", ["A ", "A/", ", ", "so ", "A, B and ", "the best ", "<think>", "{", "(", "\n", "answer:\n"]
)
def test_a_runaway_generation_is_read_in_time_that_grows_with_its_length(piece: str) -> None:
    begun = time.process_time()
    parse_letter(piece * (20_000 // len(piece)) + "\nAnswer: B", SETS["diagnoses"])
    assert time.process_time() - begun < 5.0  # 1 s measured at worst; what backtracks takes minutes

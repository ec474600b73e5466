"""A short answer is read once, compared as a whole, and nothing but the answer earns the point."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as hs

from evaluation.baselines import PARAGRAPH
from evaluation.item import Item, Verdict
from evaluation.scorers.short import score_short
from evaluation.scorers.short_form import answer_form, token_f1
from evaluation.scorers.short_reading import read_short

C, W, U = "correct", "wrong", "unparsable"


def scored(text: str, gold: str, *accepted: str):
    return score_short(text, Item("t/1", "What is it?", gold, accepted=accepted))


TABLE: list[tuple[str, str, Verdict]] = [
    # as written: case, punctuation, unicode, white space
    ("pneumonia", "Pneumonia", C),
    (" PNEUMONIA. ", "pneumonia", C),
    ("\uff30neumonia", "pneumonia", C),  # full-width P
    ("pneu\u00admonia", "pneumonia", C),  # soft hyphen
    ("Sj\u00f6gren syndrome", "Sjogren's syndrome", C),
    ("Crohn\u2019s disease", "crohn disease", C),
    ("**Pneumonia**", "pneumonia", C),
    ("pneumonias", "pneumonia", C),
    ("pneumothorax", "pneumonia", W),
    ("bronchopneumonia", "pneumonia", W),
    ("left lower lobe pneumonia", "pneumonia", W),
    # lead-ins, sentences, answer lines
    ("The answer is pneumonia.", "pneumonia", C),
    ("Final answer: pneumonia", "pneumonia", C),
    ("Answer:\npneumonia", "pneumonia", C),
    ("\\boxed{pneumonia}", "pneumonia", C),
    ("It is dense. <answer>pneumonia</answer>", "pneumonia", C),
    ("Based on the image, the answer is: **pneumonia**", "pneumonia", C),
    ("Gallstones", "cholelithiasis", C),
    ("The most likely diagnosis is pneumonia", "pneumonia", C),
    ("It shows a pneumonia", "pneumonia", C),
    ("This image shows pneumonia.", "pneumonia", C),
    ("The primary abnormality in this image is pneumonia.", "pneumonia", C),
    ("Pneumonia is seen in the image.", "pneumonia", C),
    ("The findings are consistent with pneumonia", "pneumonia", C),
    ("Modality: MRI", "MRI", C),
    ("Left, because the aortic arch lies there", "left", C),
    ("The right lung base is dense and has an air bronchogram.\nPneumonia", "pneumonia", C),
    ("Pneumonia. The right lower lobe is dense.", "pneumonia", C),
    ("The lung is dense. The answer is pneumonia.", "pneumonia", C),
    ("The answer is tuberculosis.\nNo, the answer is pneumonia.", "pneumonia", U),
    ("Answer: tuberculosis\nAnswer: pneumonia", "pneumonia", U),
    ("Answer: pneumonia\nTuberculosis", "pneumonia", U),
    ("Tuberculosis. However, it could also be pneumonia.", "tuberculosis", U),
    ("It is not pneumonia", "pneumonia", W),
    ("The answer is not pneumonia", "pneumonia", W),
    ("The answer that is wrong is pneumonia", "pneumonia", W),
    # alternatives, refusals, questions, nothing
    ("pneumonia or tuberculosis", "pneumonia", U),
    ("pneumonia/tuberculosis", "pneumonia", U),
    ("pneumonia vs tuberculosis", "pneumonia", U),
    ("pneumonia, tuberculosis, cancer", "pneumonia", W),
    ("pneumonia\ntuberculosis\ncancer", "pneumonia", W),
    ("pneumonia\ntuberculosis\ncancer", "cancer", W),
    ("1. pneumonia\n2. tuberculosis", "pneumonia", W),
    ("I cannot determine this from the image.", "no", U),
    ("I'm sorry, I can't help with that.", "yes", U),
    ("No idea", "no", U),
    ("There is no image to look at", "no", U),
    ("I am not sure", "pneumonia", U),
    ("Unknown", "pneumonia", U),
    ("Is it pneumonia?", "pneumonia", U),
    ("", "pneumonia", U),
    (" \n. ", "pneumonia", U),
    (PARAGRAPH, "pneumonia", U),
    (PARAGRAPH, "yes", U),
    # yes and no
    ("Yes", "yes", C),
    ("yes.", "Yes", C),
    ("No", "yes", W),
    ("Yeah", "yes", C),
    ("True", "yes", C),
    ("The answer is no.", "no", C),
    ("Yes, there is a fracture", "yes", C),
    ("Yes there is a fracture", "yes", C),
    ("Yes, there is no fracture", "yes", C),
    ("No, there is no fracture", "no", C),
    ("No evidence of fracture", "no", C),
    ("There is no evidence of fracture.", "no", C),
    ("There is no evidence of fracture.", "yes", W),
    ("No. The cortex is intact.", "no", C),
    ("The cortex is intact and has no step, so no.", "no", C),
    ("yes and no", "yes", U),
    ("yes/no", "yes", U),
    ("Yes\nNo", "no", U),
    ("Yes, no fracture is seen", "no", U),
    ("not yes", "yes", U),
    ("I would say yes", "yes", C),
    ("0, 1, 2, no, CT, liver", "no", U),
    ("CT\nno\nliver", "no", U),
    ("No, 0, 1, CT", "no", U),
    ("no\nCT\nliver", "no", U),
    ("no or CT", "no", U),
    ("No mass or effusion", "no", C),
    ("No, clear lungs", "no", C),
    ("No. Clear lungs. Normal heart.", "no", C),
    ("No evidence of fracture. The soft tissue is normal.", "no", C),
    ("A fracture is seen", "yes", U),
    ("Not seen", "no", U),
    ("pneumonia", "no", U),
    ("yes", "pneumonia", W),
    ("Is there a fracture, yes or no?", "yes", U),
    ("First I thought yes, it is broken.\nAnswer: no", "no", C),
    # sides and order
    ("left lung", "right lung", W),
    ("R frontal lobe", "right frontal lobe", C),
    ("right side", "Right", C),
    ("On the patient's left", "left", C),
    ("in the right lung", "right lung", C),
    ("both", "Bilateral", C),
    ("left and right", "left", W),
    ("left upper lobe, right lower lobe", "right lower lobe and left upper lobe", C),
    ("right upper lobe, left lower lobe", "right lower lobe and left upper lobe", W),
    ("MCA and left ACA", "left ACA and MCA", W),
    # lists
    ("liver, spleen", "spleen and liver", C),
    ("Liver and the spleen", "Liver, Spleen", C),
    ("liver", "spleen and liver", W),
    ("liver, spleen, kidney", "spleen and liver", W),
    ("Chest pain & dyspnoea", "Dyspnea, chest pain", C),
    # numbers and units
    ("two", "2", C),
    ("2", "two", C),
    ("The third ventricle", "3rd ventricle", C),
    ("3", "2", W),
    ("5 mm", "5mm", C),
    ("0.5 cm", "5 mm", C),
    ("5 cm", "5 mm", W),
    ("5", "5 mm", W),
    ("2.5 x 1.7 x 1.6 cm", "2.5cm x 1.7cm x 1.6cm", C),
    ("2.5 by 1.7 by 1.6 centimetres", "2.5cm x 1.7cm x 1.6cm", C),
    ("3.40 cm", "3.4 cm", C),
    (".5 cm", "5 mm", C),
    ("1,200 ml", "1200 millilitres", C),
    ("-5", "5", W),
    ("10", "10%", W),
    ("ten percent", "10%", C),
    # spelling, abbreviations, synonyms
    ("haemorrhage", "hemorrhage", C),
    ("oedema", "edema", C),
    ("grey", "gray", C),
    ("computed tomography", "CT", C),
    ("CT scan", "ct", C),
    ("MR", "MRI", C),
    ("MRI", "CT", W),
    ("CXR", "chest x-ray", C),
    ("radiograph", "X-Ray", C),
    ("T2-weighted MRI", "MRI - T2 weighted", C),
    ("T1", "T2", W),
    ("axial", "Transverse Plane", C),
    ("coronal", "Transverse Plane", W),
    ("IVC", "inferior vena cava", C),
    ("deep vein thrombosis", "deep venous thrombosis (DVT)", C),
    ("nephrolithiasis", "kidney stones", C),
    ("kidney stone", "nephrolithiasis", C),
    ("hepatitis A", "hepatitis B", W),
    ("hepatitis A", "hepatitis", W),
    ("CD4+", "CD4-", W),
    ("vertebrae", "vertebra", C),
    ("H&E stain", "hematoxylin and eosin stain", C),
]


@pytest.mark.parametrize("text, gold, verdict", TABLE)
def test_the_verdict_on_a_wording(text: str, gold: str, verdict: Verdict) -> None:
    score = scored(text, gold)
    assert score.verdict == verdict
    assert score.value == float(verdict == C)
    assert (score.answer is None) == (verdict == U)
    assert list(score.details) == ["token_f1"]


def test_a_further_accepted_answer_is_right() -> None:
    assert scored("dvt", "thrombus", "deep venous thrombosis").verdict == C
    assert scored("thrombus", "thrombus", "deep venous thrombosis").verdict == C
    assert scored("thrombus, deep venous thrombosis", "thrombus", "deep venous thrombosis").verdict == W


@pytest.mark.parametrize(
    "gold",
    [
        "It is less than half the width of the thorax", "coronal plane?", "Not seen here", "i am not sure of diagnosis",
        "Right vs left sided pathology", "pulmonary/lymphatic", "neutrophil (or leucocyte) alkaline phosphatase (nap)",
        "Infiltrative mass right frontal bone. Destruction of inner and outer table. Enhancement of mass", "+", "?!",
        "dural  fistula, avf", "the", "congestive heart failure,", "The answer is", "yes?", "no evidence of fracture",
    ],
)  # fmt: skip
def test_the_reference_itself_is_right_however_it_reads(gold: str) -> None:
    assert scored(gold, gold).verdict == C


def test_the_words_of_a_reference_among_others_earn_nothing_but_f1() -> None:
    score = scored("A mass with calcification in the left lung that extends to the chest wall", "mass in the left lung")
    assert score.value == 0 and 0.3 < score.details["token_f1"] < 1


def test_token_f1_counts_each_word_as_often_as_it_stands() -> None:
    assert token_f1("liver liver", "liver") == pytest.approx(2 / 3)
    assert token_f1("left lung", "right lung") == pytest.approx(1 / 2)
    assert token_f1("spleen", "liver") == token_f1("", "liver") == 0


def test_subjects_of_references_are_not_dropped() -> None:
    assert scored("The lung is enlarged", "The heart is enlarged").verdict == W
    assert scored("enlarged", "The heart is enlarged").verdict == W


PIECES = ["\n", " ", ".", ",", ":", "?", "(", ")", "/", "a's", "\u4e00", "\u00e9", "-5", ".5", "1,200"] + (
    "yes no not the answer is a it shows left right and or 2 cm x mm CT liver in of one second".split()
)
TEXTS = hs.one_of(hs.text(max_size=120), hs.lists(hs.sampled_from(PIECES), max_size=14).map(" ".join))


@settings(max_examples=300, deadline=None)
@given(TEXTS, TEXTS)
def test_scoring_never_raises_and_two_readings_agree(text: str, gold: str) -> None:
    score = scored(text, gold)
    assert score.verdict in (C, W, U) and 0 <= score.details["token_f1"] <= 1 + 1e-9
    assert read_short(text) == read_short(text)


@settings(max_examples=300, deadline=None)
@given(TEXTS.filter(str.strip))
@example("yes?")
@example("no\nyes")
@example("it is")
def test_any_reference_is_right_against_itself(gold: str) -> None:
    assert scored(gold, gold).verdict == C


WORDS = hs.lists(hs.from_regex(r"\A[b-df-hj-km-np-qv-w]{3,9}\Z"), min_size=2, max_size=6, unique_by=answer_form)
IN_A_LINE = (", ", "; ", " and ", " or ", "/", " / ", " vs ", " & ", " plus ", " ")
LINES = ("\n", "\n\n", "\n- ", ". ", ".\nAnswer: ", "\nAnswer: ", ".\nThe answer is ", ". Or ")
LEADS = hs.sampled_from(("", "Answer: ", "The answer is ", "It shows ", "The image shows ", "Yes, "))


@settings(max_examples=200, deadline=None)
@given(WORDS, hs.sampled_from(IN_A_LINE), LEADS)
def test_listing_candidates_is_right_for_none(words: list[str], joint: str, lead: str) -> None:
    assert [word for word in words if scored(lead + joint.join(words), word).verdict == C] == []


@settings(max_examples=200, deadline=None)
@given(WORDS, hs.sampled_from(LINES), LEADS)
def test_candidates_line_by_line_are_right_for_the_last_at_most(words: list[str], joint: str, lead: str) -> None:
    right = [word for word in words if scored(lead + joint.join(words), word).verdict == C]
    assert right in ([], words[-1:])


@given(hs.text(max_size=200))
def test_no_text_says_yes_and_no(text: str) -> None:
    assert [scored(text, gold).verdict for gold in ("yes", "no")].count(C) <= 1


def test_a_runaway_text_is_read_in_bounded_time() -> None:
    for text in ("it is " * 20_000, " " * 50_000 + "x", "pneumonia, " * 20_000, "(" * 50_000, "is a " * 20_000):
        assert scored(text, "pneumonia").value in (0.0, 1.0)
    assert (
        scored("The lung is dense and shows a bronchogram.\n" * 2_000 + "Answer: pneumonia", "pneumonia").verdict == C
    )

"""Passages keep whole sentences and paragraphs, and cleaning takes out nothing that carries a meaning."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medgym_core.knowledge.split import HIGH, LOW, clean, pack, passages_of, units_of
from medgym_core.knowledge.types import Document

quick = settings(max_examples=40, deadline=None)
sentence = st.integers(1, 70).map(lambda size: " ".join(["Then", *["word"] * (size - 1)]) + ".")
paragraphs = st.lists(st.lists(sentence, min_size=1, max_size=12).map(" ".join), min_size=1, max_size=10)


@given(paragraphs)
@quick
def test_words_are_kept_and_no_sentence_is_cut(found):
    text = "\n\n".join(found)
    units, ends = units_of(text)
    packed = pack(units, ends)
    assert " ".join(packed) == " ".join(units) == " ".join(text.split())
    rest = list(units)
    for passage in packed:  # each passage is a run of whole units
        while passage:
            unit = rest.pop(0)
            assert passage.startswith(unit)
            passage = passage[len(unit) :].lstrip()
    assert sum(ends) == len(found)


@given(paragraphs)
@quick
def test_passages_are_within_bounds_wherever_that_is_possible(found):
    units, ends = units_of("\n\n".join(found))
    sizes = [len(unit.split()) for unit in units]
    possible = {0}
    for i in range(1, len(sizes) + 1):
        if any(LOW <= sum(sizes[j:i]) <= HIGH and j in possible for j in range(i)):
            possible.add(i)
    if len(sizes) in possible or sum(sizes) <= HIGH:
        packed = pack(units, ends)
        assert len(packed) == 1 or all(LOW <= len(p.split()) <= HIGH for p in packed)


def test_a_cut_falls_on_the_end_of_a_paragraph_where_the_sizes_allow():
    sentences = [f"Sentence {i} has exactly ten words in all, it does." for i in range(27)]
    body = " ".join(sentences[:12]) + "\n\n" + " ".join(sentences[12:])
    first, second = pack(*units_of(body))
    assert first.split()[-10:] == sentences[11].split() and second.startswith(sentences[12])
    assert pack(units_of(body)[0])[0] != first, "without its paragraphs the text is cut in the middle"


def test_short_sections_stay_passages_of_their_own_under_their_heading():
    document = Document(
        "ontology", "Gout", [("Definition", "An arthritis of crystals."), ("Synonyms", "Podagra.")], "", ""
    )
    found = list(passages_of(document))
    assert [(p.section, p.text, p.position) for p in found] == [
        ("Definition", "An arthritis of crystals.", 0),
        ("Synonyms", "Podagra.", 1),
    ]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("in depression [1]. For", "in depression. For"),
        ("was shown [2, 3], and not", "was shown, and not"),
        ("of cases.[2][3] While", "of cases. While"),
        ("worse (see Tables 1 and 2) at night (Fig. 2A).", "worse at night."),
        ("worse (Fig. ) at night", "worse at night"),
        ("the alpha () chain [ ] was", "the alpha chain was"),
        ("zero\x92s \ufb01rst so\xadft\u200b line\u2028next\xa0one\x07", "zero’s first soft line\nnext one"),
        ("one\r\n\r\ntwo", "one\n\ntwo"),
    ],
)
def test_debris_is_taken_out(raw, expected):
    assert clean(raw) == expected


@pytest.mark.parametrize(
    "text",
    [
        "women aged 67 [12] years",
        "median 5 days [3-8].",
        "in the range [10, 15] and",
        "MD[18] or P[8] genotype",
        "CK, 91 U [60, 157]; more",
        "olanzapine is a thieno[3,4-b][1,5]benzodiazepine",
        "benzo[c][1,2,5]oxadiazol",
        "R-(-)-tramadol and (+)-tramadol",
        "dried fruit (figs) and a table (of contents)",
        "a list:  - one  - two",
    ],
)
def test_brackets_that_may_carry_a_value_stay(text):
    assert clean(text) == text


@given(st.text(max_size=300))
@quick
def test_any_text_gives_passages_without_odd_characters(text):
    document = Document("s", text, [(text, text)], "", "")
    for passage in passages_of(document):
        assert passage.text.strip() == passage.text != ""
        assert not set("\x00\x07\xad\u200b\ufb01") & set(passage.text + passage.title + passage.section)

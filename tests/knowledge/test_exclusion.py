"""Benchmark text is kept out whatever its case and punctuation, and the report says which file kept what out."""

import random
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medgym_core.knowledge import exclusion, passages
from medgym_core.knowledge.exclusion import COMMON, contains_any
from medgym_core.knowledge.passages import merge_passages, source_passages
from medgym_core.knowledge.text import words
from medgym_core.knowledge.types import Document
from medgym_core.knowledge.wordhash import WordHashes, run_hashes, within, word_bytes, word_stream

QUESTION = "A 45-year-old man has sudden pain of the left big toe after a night of beer. What is the diagnosis?"
SHORT = "Which drug lowers uric acid in chronic gout?"


def document(text: str, title: str = "Gout") -> Document:
    return Document("test", title, [("Overview", text)], "CC0", "")


@given(
    st.text(max_size=200)
    | st.lists(st.sampled_from(["Sjögren", "½", "µg", "β-blocker", "e\u0301", "Ⅷ", "™x"])).map(" ".join)
)
@settings(max_examples=200, deadline=None)
def test_words_are_those_of_every_other_module(text):
    assert [word.decode() for word in word_bytes(text)] == words(text)


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=6), max_size=6), st.integers(1, 4))
@settings(max_examples=100, deadline=None)
def test_equal_runs_have_equal_hashes_and_never_cross_texts(texts, size):
    stream, starts = word_stream((" ".join(text) for text in texts), WordHashes())
    places, rows = within(starts, size)
    found = [(int(row), int(h)) for row, h in zip(rows, run_hashes(stream, size)[places], strict=True)]
    expected = [(i, tuple(t[j : j + size])) for i, t in enumerate(texts) for j in range(len(t) - size + 1)]
    assert [row for row, _ in found] == [row for row, _ in expected]
    pairs = {(run, h) for (_, run), (_, h) in zip(expected, found, strict=True)}
    assert len(pairs) == len({run for run, _ in pairs}) == len({h for _, h in pairs})


@pytest.mark.parametrize("batch", [1, 10_000])
def test_each_file_is_counted_for_what_it_kept_out(batch, monkeypatch):
    monkeypatch.setattr(passages, "BATCH", batch)
    blocked = [
        ("medqa.jsonl", QUESTION),
        ("other.jsonl", QUESTION),
        ("kqa.jsonl", SHORT),
        ("none.jsonl", "Nothing here."),
    ]
    documents = [
        document(f"First. {QUESTION.upper()}", "A"),
        document(f"Ask: {SHORT}", "B"),
        document("Gout hurts.", "C"),
    ]
    table, stats = merge_passages([source_passages(documents)], blocked)
    assert table["title"].to_pylist() == ["C"]
    assert stats["excluded"] == 2
    assert stats["excluded_by"] == {"kqa.jsonl": 1, "medqa.jsonl": 1, "other.jsonl": 1}


def test_a_title_that_is_a_question_counts_as_text():
    table, stats = merge_passages([source_passages([document("It is rare.", SHORT), document("It is.", "C")])], [SHORT])
    assert stats["excluded"] == 1 and table["title"].to_pylist() == ["C"]


def test_boilerplate_that_stands_in_many_documents_is_excluded_and_reported(monkeypatch):
    monkeypatch.setattr(passages, "BATCH", 4)
    phrase = "the authors declare that they have no competing interests of any kind in this study"
    documents = [document(f"Trial {i}. {phrase.capitalize()}.", f"Trial {i}") for i in range(COMMON + 1)]
    table, stats = merge_passages([source_passages([*documents, document("Rest helps.")])], [("context.json", phrase)])
    assert table.num_rows == 1 and stats["excluded"] == COMMON + 1
    (run,) = stats["common_runs"]
    assert run == {"run": " ".join(phrase.split()[:13]), "documents": COMMON + 1, "names": ["context.json"]}
    assert merge_passages([source_passages(documents[1:])], [phrase])[1]["common_runs"] == []


def test_pairs_may_be_lists_and_batches_change_nothing(monkeypatch):
    rng = random.Random(0)
    texts = [" ".join(rng.choice("ab") for _ in range(rng.randrange(30))) for _ in range(200)]
    blocked = [[f"file {i % 3}", " ".join(rng.choice("ab") for _ in range(rng.randrange(6, 16)))] for i in range(40)]
    whole = contains_any(texts, blocked).tolist()
    monkeypatch.setattr(exclusion, "BATCH", 7)
    assert contains_any(texts, blocked).tolist() == whole and 0 < sum(whole) < 200


def test_accents_and_compatibility_forms_do_not_hide_a_question():
    question = "Does Sjögren syndrome cause dry eyes in older women?"
    hidden = unicodedata.normalize("NFD", question).upper()
    assert contains_any([hidden, "dry eyes"], [question]).tolist() == [True, False]


def test_real_benchmark_questions_are_kept_out(real_data):
    from evaluation.texts import benchmark_files, texts_of

    files = [f for f in benchmark_files(real_data) if f.parent.name in ("pubmedqa", "medqa", "liveqa")]
    assert files
    pairs = [(f.name, text) for f in files for text in texts_of(f) if len(words(text)) >= 8]
    planted = [text for _, text in pairs][:: max(len(pairs) // 500, 1)]
    assert contains_any([f"Before. {text} After." for text in planted], pairs).all()

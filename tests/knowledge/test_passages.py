"""Passages keep sentences whole, depend on the set of documents only, and hold no benchmark question."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medgym_core.errors import MedGymError
from medgym_core.knowledge.passages import (
    HIGH,
    LOW,
    PASSAGE_SCHEMA,
    build_passages,
    contains_any,
    merge_passages,
    pack,
    passage_stats,
    read_passages,
    source_passages,
    unique_passages,
    write_passages,
)
from medgym_core.knowledge.store import as_table
from medgym_core.knowledge.text import sentences
from medgym_core.knowledge.types import Document

words = st.sampled_from(
    "the patient has fever and chest pain without cough since Monday, treated with aspirin 100 mg".split()
)
sentence = st.lists(words, min_size=1, max_size=60).map(lambda found: " ".join(["Then", *found]) + ".")
text = st.lists(sentence, min_size=1, max_size=40).map(" ".join)
quick = settings(max_examples=40, deadline=None)


def document(text: str, title: str = "Gout", source: str = "test") -> Document:
    return Document(source, title, [("Overview", text)], "CC0", "https://example.org")


@given(text)
@quick
def test_sentences_are_never_cut_and_nothing_is_lost(text):
    found = sentences(text)
    packed = pack(found)
    assert " ".join(packed) == " ".join(found) == " ".join(text.split())
    joined = {" ".join(found[i:j]) for i in range(len(found)) for j in range(i + 1, len(found) + 1)}
    assert set(packed) <= joined


@given(st.lists(st.integers(5, 40), min_size=20, max_size=120))
@quick
def test_long_sections_give_passages_within_bounds(sizes):
    units = [" ".join(["word"] * size) for size in sizes]
    total = sum(sizes)
    if total > 2 * HIGH:  # shorter ones may have no admissible cut
        assert all(LOW <= len(p.split()) <= HIGH for p in pack(units))


@given(
    st.lists(st.tuples(text, st.sampled_from(["Gout", "Asthma"]), st.sampled_from(["a", "b"])), min_size=1, max_size=6),
    st.randoms(),
)
@quick
def test_table_depends_on_the_set_of_documents_only(rows, random):
    documents = [document(*row) for row in rows]
    table = build_passages(documents)
    shuffled = documents + documents
    random.shuffle(shuffled)
    again = build_passages(shuffled)
    assert again.equals(table)
    assert len(set(table["id"].to_pylist())) == table.num_rows


def test_ids_are_content_hashes():
    one, same, other = (
        build_passages([document(t, source=s)])["id"][0].as_py()
        for t, s in [("It hurts.", "a"), ("It  hurts.", "b"), ("It hurt.", "a")]
    )
    assert one == same != other


def test_duplicates_are_dropped_and_counted_but_one_text_on_two_subjects_stays():
    table = build_passages([document("It is rare."), document("It is RARE!"), document("It is rare.", "Asthma")])
    assert table["title"].to_pylist() == ["Asthma", "Gout"]
    assert passage_stats(table) == {
        "passages": 2,
        "documents": 3,
        "duplicates": 1,
        "near_duplicates": 0,
        "excluded": 0,
        "sources": {"test": 2},
    }


@pytest.mark.parametrize(
    "text",
    [
        "The dose was given by Dr. Smith at 8 a.m. daily. It helped.",
        "Use an NSAID, e.g. Naproxen. Stop it early.",
        "Colchicine 0.5 mg twice daily works. Allopurinol does not.",
    ],
)
def test_abbreviations_and_decimals_do_not_end_a_sentence(text):
    assert len(sentences(text)) == 2


def test_list_items_and_paragraphs_are_units():
    text = "Symptoms include:    - Fever    - Rash\n\nSee a doctor\nThen rest and\n  drink water"
    assert sentences(text) == ["Symptoms include:", "- Fever", "- Rash", "See a doctor", "Then rest and drink water"]


QUESTION = (
    "A 45-year-old man presents with sudden pain of the left big toe after a night of beer. What is the diagnosis?"
)


def test_planted_benchmark_question_is_excluded_and_counted():
    planted = document("Some context. " + QUESTION.upper().replace(",", " ") + " Gout.", "Planted")
    clean = document("A man of forty-five has a sore toe. Gout is the diagnosis of a sore toe after beer.")
    table = build_passages([planted, clean], [QUESTION])
    assert table["title"].to_pylist() == ["Gout"]
    assert passage_stats(table)["excluded"] == 1


def test_short_question_is_found_whole_and_never_across_two_passages():
    question = "Which drug lowers uric acid in chronic gout?"
    start, end = question[:20], question[20:]
    assert contains_any(["Q: " + question, start, end, "gout"], [question, "gout?"]).tolist() == [
        True,
        False,
        False,
        False,
    ]


@given(
    st.lists(st.text(alphabet="ab c", max_size=60), max_size=8),
    st.lists(st.text(alphabet="ab c", max_size=60), max_size=4),
)
@quick
def test_clean_gate_agrees_with_plain_comparison(texts, blocked):
    grams = set()
    for found in map(str.split, blocked):
        size = min(len(found), 13)
        if size >= 8:
            grams |= {tuple(found[i : i + size]) for i in range(len(found) - size + 1)}
    split = [t.split() for t in texts]
    expected = [any(tuple(t[i : i + len(g)]) == g for g in grams for i in range(len(t))) for t in split]
    assert contains_any(texts, blocked).tolist() == expected


@pytest.mark.parametrize("documents", [[], [Document("test", "Gout", [("Overview", " \n ")], "CC0", "")]])
def test_empty_corpus_is_an_error(documents):
    with pytest.raises(MedGymError, match="empty corpus"):
        build_passages(documents)


def test_corpus_of_benchmark_questions_only_is_an_error():
    with pytest.raises(MedGymError, match="1 passages excluded"):
        build_passages([document(QUESTION)], [QUESTION])


def test_parquet_keeps_rows_and_counts(tmp_path):
    table = build_passages([document("It hurts.")])
    write_passages(table, tmp_path / "passages.parquet")
    again = read_passages(tmp_path / "passages.parquet")
    assert again.equals(table) and passage_stats(again) == passage_stats(table) and again.schema.equals(PASSAGE_SCHEMA)
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    for name in ("broken.parquet", "absent.parquet"):
        with pytest.raises(MedGymError, match=name):
            read_passages(tmp_path / name)


corpora = st.dictionaries(
    st.sampled_from(["MedGym facts: X 2020", "a", "b", "c"]),
    st.lists(st.tuples(text, st.sampled_from(["Gout", "Asthma"])), min_size=1, max_size=4),
    min_size=2,
)


@given(corpora, st.randoms())
@quick
def test_adding_or_removing_a_source_gives_what_a_full_build_gives(found, random):
    pytest.importorskip("rensa", reason="near duplicates need the package rensa")
    documents = {s: [document(*row, s) for row in rows] for s, rows in found.items()}
    tables = {s: source_passages(rows) for s, rows in documents.items()}
    full, stats = merge_passages(tables.values(), [QUESTION])
    shuffled = list(tables.values())
    random.shuffle(shuffled)
    again, counts = merge_passages(shuffled, [QUESTION])
    assert again.equals(full) and counts == stats
    gone = random.choice(sorted(tables))
    rest, _ = merge_passages([table for source, table in tables.items() if source != gone])
    fresh, _ = merge_passages([source_passages(rows) for source, rows in sorted(documents.items()) if source != gone])
    assert rest.equals(fresh) and gone not in rest["source"].to_pylist()


def test_a_duplicate_comes_back_when_the_source_that_had_it_goes():
    pytest.importorskip("rensa", reason="near duplicates need the package rensa")
    long = " ".join(f"word{i}" for i in range(60)) + "."
    first = source_passages([document("It hurts.", source="a"), document(long, "B", "a")])
    second = source_passages([document("It HURTS!", source="b"), document("Unlike " + long, "B", "b")])
    assert set(merge_passages([first, second])[0]["source"].to_pylist()) == {"a"}
    assert merge_passages([second])[0]["source"].to_pylist() == ["b", "b"]


def test_counts_add_up_by_source_and_shipped_facts_win():
    pytest.importorskip("rensa", reason="near duplicates need the package rensa")
    long = " ".join(f"word{i}" for i in range(60)) + "."
    tables = [
        source_passages([document("It hurts."), document("It HURTS!"), document("Rest.", "A"), document(long, "B")]),
        source_passages([document("It hurts.", source="MedGym facts: X 2020"), document(QUESTION, "Q", "b")]),
        source_passages([document("Unlike " + long, "B", "MedGym facts: Y 2021")]),
    ]
    table, stats = merge_passages(tables, [QUESTION])
    assert table["source"].to_pylist() == ["MedGym facts: X 2020", "MedGym facts: Y 2021", "test"]
    counts = ("records", "passages", "duplicates", "near_duplicates", "excluded", "left")
    assert {source: tuple(found[count] for count in counts) for source, found in stats["sources"].items()} == {
        "MedGym facts": (2, 2, 0, 0, 0, 2),
        "b": (1, 1, 0, 0, 1, 0),
        "test": (4, 4, 2, 1, 0, 1),
    }
    assert [stats[count] for count in counts] == [7, 7, 2, 1, 1, 3]


def test_facts_come_first_whatever_other_sources_are_called():
    names = ["AAA", "MedGym facts: X 2020", "zzz"]
    table, _ = merge_passages([source_passages([document(f"Of {s}.", s, s)]) for s in names], near=False)
    assert table["source"].to_pylist() == ["MedGym facts: X 2020", "AAA", "zzz"]


@given(corpora)
@quick
def test_the_way_without_arrow_gives_the_same(found):
    documents = [document(*row, s) for s, rows in found.items() for row in rows] + [document(QUESTION)]
    table = build_passages(documents, [QUESTION])
    kept, stats = unique_passages(documents, [QUESTION])
    assert as_table(kept).equals(table) and stats == passage_stats(table)


def test_a_source_without_documents_is_an_empty_table():
    table = source_passages(iter([]))
    assert table.num_rows == 0 and table.schema.equals(PASSAGE_SCHEMA)
    assert merge_passages([table])[0].num_rows == 0 and merge_passages([])[0].num_rows == 0


def test_a_source_is_read_in_batches_and_once(monkeypatch):
    from medgym_core.knowledge import passages

    documents = [document(f"Fact number {i % 40}.", f"Title {i % 40}") for i in range(90)]
    whole = source_passages(documents)
    monkeypatch.setattr(passages, "BATCH", 7)
    parts = source_passages(iter(documents))
    assert parts.equals(whole) and parts.schema.metadata == whole.schema.metadata and whole.num_rows == 40

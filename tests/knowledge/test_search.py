"""Search: one answer per query everywhere, fused scores no worse than lexical ones, and clear errors."""

import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medgym_core.errors import MedGymError
from medgym_core.knowledge import search as search_module
from medgym_core.knowledge.dense import build_index, write_embeddings
from medgym_core.knowledge.encoder import FastEncoder
from medgym_core.knowledge.lexicon import Lexicon, build_lexicon
from medgym_core.knowledge.passages import Rows, build_passages, passage_texts, unique_passages, write_passages
from medgym_core.knowledge.readers import SOURCES, medquad_files
from medgym_core.knowledge.search import KnowledgeBase
from medgym_core.knowledge.snippets import analyse, snippet
from medgym_core.knowledge.tuning import ndcg, retrieval_scores, tune_weight
from medgym_core.knowledge.types import Document

FACTS = {
    ("Gout", "Symptoms"): "Sudden pain of the big toe. The joint is red and swollen. Attacks come at night.",
    ("Gout", "Treatment"): "Colchicine or naproxen relieve an attack. Allopurinol lowers uric acid for good.",
    ("Asthma", "Symptoms"): "Wheezing and breathlessness. The cough is worse at night.",
    ("Asthma", "Treatment"): "Inhaled salbutamol opens the airways. Inhaled steroids prevent attacks.",
    ("Warfarin", "Interactions"): "Aspirin and naproxen raise the risk of bleeding. Watch the INR.",
    ("Sjögren syndrome", "Symptoms"): "Dry eyes and a dry mouth. Joints may hurt.",
}


def documents():
    return [
        Document("test", title, [(section, text)], "CC0", "https://example.org")
        for (title, section), text in FACTS.items()
    ]


@pytest.fixture(scope="module")
def table():
    return build_passages(documents())


@pytest.fixture(scope="module")
def fused(table):
    encoder = FastEncoder.fit(passage_texts(table), dim=8)
    return KnowledgeBase(
        Rows(table), Lexicon.build(passage_texts(table)), encoder, encoder.encode(passage_texts(table))
    )


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "dense"])
def test_best_hit_answers_the_question(fused, mode):
    hit, *_ = fused.search("Which drugs treat gout attacks?", 3, mode)
    assert (hit.title, hit.section, hit.source) == ("Gout", "Treatment", "test")
    assert "Colchicine" in hit.snippet and fused.read(hit.id).text == FACTS["Gout", "Treatment"]


def test_accents_do_not_matter(fused):
    assert fused.search("sjogren", 1)[0].title == "Sjögren syndrome"


@given(st.text(max_size=80), st.integers(1, 12), st.sampled_from(["hybrid", "lexical", "dense"]))
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_query_and_empty_ones_are_errors(fused, query, k, mode):
    if not query.strip():
        with pytest.raises(MedGymError, match="empty query"):
            fused.search(query, k, mode)
        return
    hits = fused.search(query, k, mode)
    assert len(hits) <= k and [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    assert len({h.id for h in hits}) == len(hits)


@pytest.mark.parametrize("query", ['gout AND NOT "asthma"', "title:gout^2", "gout* OR (", "\ud800 gout \x00"])
def test_query_has_no_operators(fused, query):
    assert fused.search(query, 3)


def test_query_without_a_known_word_finds_nothing(fused):
    assert fused.search("xyzzy", 5) == [] and fused.search("what is the", 5, "dense") == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("gout", 0), "1 to 100"),
        (("gout", 101), "1 to 100"),
        (("gout", 3, "fuzzy"), "unknown search mode"),
        ((None,), "empty query"),
    ],
)
def test_bad_arguments_are_told(fused, arguments, told):
    with pytest.raises(MedGymError, match=told):
        fused.search(*arguments)


def test_unknown_passage_id_is_an_error(fused):
    with pytest.raises(MedGymError, match="no such passage; got 'nope'"):
        fused.read("nope")
    for id in ("\ud800", "", None, 7):
        assert id not in fused
        with pytest.raises(MedGymError, match="no such passage"):
            fused.read(id)


def test_without_vectors_hybrid_is_lexical_and_dense_an_error(table):
    kb = KnowledgeBase.of(unique_passages(documents())[0])
    assert kb.search("night attacks") == kb.search("night attacks", mode="lexical")
    with pytest.raises(MedGymError, match="no dense index"):
        kb.search("night attacks", mode="dense")


def test_weight_zero_is_lexical_order(fused, table):
    lexical = [row for row, _ in fused.rank("joint pain at night", 6, "lexical")]
    assert [row for row, _ in fused.rank("joint pain at night", 6, weight=0.0)] == lexical


def test_answers_are_remembered_and_not_shared(fused):
    first = fused.search("gout", 2)
    first.clear()
    assert len(fused.search("gout", 2)) == 2


@pytest.fixture(scope="module")
def saved(table, tmp_path_factory):
    """The files of the corpus assets."""
    root = tmp_path_factory.mktemp("corpus")
    write_passages(table, root / "passages.parquet")
    build_lexicon(table, root / "lexicon")
    encoder = FastEncoder.fit(passage_texts(table), dim=8)
    encoder.save(root / "encoder")
    vectors = encoder.encode(passage_texts(table))
    write_embeddings(root / "embeddings.parquet", table["id"].to_pylist(), vectors)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDGYM_HOME", str(root / "home"))
        build_index(table["id"].to_pylist(), vectors, root / "index", "passages")
    return root


def opened(root: Path, **files) -> KnowledgeBase:
    return KnowledgeBase.open(root / "passages.parquet", root / "lexicon", root / "index", root / "encoder", **files)


def test_exact_scan_chroma_and_memory_give_the_same_ranking(saved, fused, monkeypatch, home):
    exact, from_index = opened(saved, embeddings_path=saved / "embeddings.parquet"), opened(saved)
    assert exact.index is None and from_index.index is None
    monkeypatch.setattr(search_module, "EXACT_LIMIT", 0)
    through_chroma = opened(saved, embeddings_path=saved / "embeddings.parquet")
    assert through_chroma.index is not None
    for query in ("joint pain at night", "naproxen", "dry mouth", "inhaled drugs"):
        for mode in ("hybrid", "dense"):
            ids = [hit.id for hit in fused.search(query, 3, mode)]
            for kb in (exact, from_index, through_chroma):
                assert [hit.id for hit in kb.search(query, 3, mode)] == ids, (query, mode)
    through_chroma.index.close()


def test_indexes_of_another_corpus_are_refused(saved, tmp_path):
    write_passages(build_passages(documents()[:3]), tmp_path / "other.parquet")
    with pytest.raises(MedGymError, match="another corpus"):
        KnowledgeBase.open(tmp_path / "other.parquet", saved / "lexicon")
    with pytest.raises(MedGymError, match="embeddings of another corpus"):
        KnowledgeBase.open(
            tmp_path / "other.parquet", encoder_dir=saved / "encoder", embeddings_path=saved / "embeddings.parquet"
        )


def test_shipped_facts_are_ready_at_once_and_fast(monkeypatch):
    monkeypatch.setitem(sys.modules, "medgym_core.facts", types.SimpleNamespace(documents=documents))
    search_module._shipped.cache_clear()
    began = time.perf_counter()
    kb = KnowledgeBase.shipped()
    built = time.perf_counter() - began
    assert KnowledgeBase.shipped() is kb and kb.vectors is None
    kb.search("gout treatment")
    assert built < 2  # .5 s on a quiet machine
    search_module._shipped.cache_clear()


def test_snippet_takes_the_sentences_that_speak_to_the_query():
    text = (
        "Gout is old. "
        + "It says nothing here at all. " * 12
        + "Colchicine treats gout. Then rest. Colchicine may upset the stomach."
    )
    found = snippet(analyse(text), {"colchicin": 1.0}, limit=12)
    assert found == "Colchicine treats gout. … Colchicine may upset the stomach."
    assert len(snippet(analyse("word " * 90), {"word": 1.0}).split()) == 61
    assert snippet(analyse("One. Two."), {}) == "One. Two."


def test_metrics_follow_their_definitions():
    assert ndcg(["a", "b"], {"b": 1}) == pytest.approx(1 / np.log2(3))
    assert ndcg(["a"], {}) == 0
    scores = retrieval_scores([["x", "a"], ["b"]], [{"a": 1, "c": 1}, {"b": 2}])
    assert scores["mrr@10"] == 0.75 and scores["recall@10"] == 0.75


def test_useless_vectors_are_tuned_to_weight_zero(table):
    lexicon = Lexicon.build(passage_texts(table))
    encoder = FastEncoder.fit(passage_texts(table), dim=8)
    kb = KnowledgeBase(Rows(table), lexicon, encoder, -encoder.encode(passage_texts(table)))
    queries = [f"{title} {section}" for title, section in FACTS]
    best = [kb.search(query, 1, "lexical")[0] for query in queries]
    assert tune_weight(kb, queries, [{hit.id: 1} for hit in best]) == 0


def test_hybrid_is_not_worse_than_lexical_on_real_questions(real_data):
    """Known items: MedQuAD questions (never indexed) against the passages of their own answers."""
    path = real_data / "corpus" / SOURCES["medquad"].file
    files = [f for i, f in enumerate(medquad_files(path)) if i % 8 == 0]
    sample = [
        Document("medquad", title, [(h, a) for _, h, a in pairs], "CC BY 4.0", url) for title, url, pairs in files
    ]
    table = build_passages(sample)
    texts = passage_texts(table)
    encoder = FastEncoder.fit(texts)
    kb = KnowledgeBase(Rows(table), Lexicon.build(passage_texts(table)), encoder, encoder.encode(texts))
    passages = table.to_pylist()
    queries, relevant = [], []
    for title, url, pairs in files[::3]:
        question, heading, _ = pairs[0]
        wanted = {p["id"] for p in passages if (p["title"], p["section"], p["url"]) == (title, heading, url)}
        if wanted:
            queries.append(question)
            relevant.append(wanted)
    gains = [dict.fromkeys(wanted, 1) for wanted in relevant]
    weight = tune_weight(kb, queries[::2], gains[::2])

    def quality(mode, weight=None):
        ids = kb.ids
        return retrieval_scores([[ids[row] for row, _ in kb.rank(q, 10, mode, weight)] for q in queries], gains)[
            "ndcg@10"
        ]

    lexical = quality("lexical")
    assert len(queries) > 150 and lexical > 0.5
    assert quality("hybrid", weight) >= lexical
    assert quality("hybrid") >= lexical - 0.005  # the shipped weight: what a set may lose for the gain on others


def test_shipped_search_imports_no_heavy_package():
    program = (
        "import sys, types; sys.path[:0] = sys.argv[1:]\n"
        "from medgym_core.knowledge import Document\n"
        "document = Document('test', 'Gout', [('Treatment', 'Colchicine.')], 'CC0', '')\n"
        "sys.modules['medgym_core.facts'] = types.SimpleNamespace(documents=lambda: [document])\n"
        "from medgym_core.knowledge.search import KnowledgeBase\n"
        "assert KnowledgeBase.shipped().search('gout')\n"
        "print([m for m in ('pandas', 'scipy', 'sklearn', 'bm25s', 'numba', 'chromadb', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program, *sys.path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

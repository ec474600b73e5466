"""Filters come before ranking, near duplicates after it, documents in order; what was asked before is remembered."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medgym_core.errors import MedGymError
from medgym_core.knowledge import search as search_module
from medgym_core.knowledge.encoder import FastEncoder
from medgym_core.knowledge.filters import Filter, alike
from medgym_core.knowledge.later import ShippedKnowledge
from medgym_core.knowledge.lexicon import Lexicon
from medgym_core.knowledge.passages import indexed_text
from medgym_core.knowledge.search import MODES, RESCORED, KnowledgeBase
from medgym_core.knowledge.types import Passage

DRUGS = "colchicine naproxen allopurinol febuxostat prednisone ibuprofen celecoxib probenecid".split()
SOURCES, LICENCES = ("labels", "trials", "topics"), ("CC0", "CC BY 4.0")
SECTIONS = ("Treatment > First line", "Symptoms", "Side effects of treatment", "")
DATES = ("", "1999", "2010-05", "2021-01-31")


def passages() -> list[Passage]:
    found = []
    for i in range(96):
        drug, other = DRUGS[i % 8], DRUGS[(i * 3 + i // 8) % 8]
        text = (
            f"In study {i} {drug} was given for gout. After {i % 7} weeks {other} followed for code{i} and item{i * 7}."
        )
        rest = {"licence": LICENCES[i % 2], "url": "", "document": f"d{i // 6}", "position": 5 - i % 6}
        rest |= {"source": SOURCES[i % 3], "section": SECTIONS[i % 4], "date": DATES[i // 4 % 4]}
        found.append(Passage(id=f"{i:032}", title=drug.capitalize(), text=text, **rest))
    return found


@pytest.fixture(scope="module")
def kb() -> KnowledgeBase:
    held = passages()
    texts = [indexed_text(p.title, p.section, p.text) for p in held]
    encoder = FastEncoder.fit(texts, dim=16)
    return KnowledgeBase(held, Lexicon.build(texts), encoder, encoder.encode(texts))


def meets(p: Passage, f: Filter) -> bool:
    year = int(p.date[:4]) if p.date else 0
    dated = f.year_from is None and f.year_to is None
    return (
        (not f.sources or p.source in f.sources)
        and f.section.lower() in p.section.lower()
        and (not f.licences or p.licence in f.licences)
        and (dated or (f.year_from or 1) <= year <= (f.year_to or 9999))
    )


FILTERS = st.builds(
    Filter,
    sources=st.sampled_from([(), ("labels",), ("trials", "topics")]),
    section=st.sampled_from(["", "treatment", "First Line", "symptoms"]),
    year_from=st.sampled_from([None, 1990, 2005]),
    year_to=st.sampled_from([None, 2012, 2022]),
    licences=st.sampled_from([(), ("CC0",)]),
)


@given(
    FILTERS,
    st.sampled_from((*MODES, RESCORED)),
    st.sampled_from(["gout colchicine", "naproxen weeks", "study of gout"]),
)
@settings(max_examples=80, deadline=None)
def test_a_filter_leaves_the_best_of_what_it_admits(kb, wanted, mode, query):
    allowed = np.array([meets(p, wanted) for p in kb._passages])
    hits = kb.search(query, 5, mode, wanted)
    assert all(meets(kb.read(hit.id), wanted) for hit in hits)
    only = [p for p in kb._passages if meets(p, wanted)]
    if mode == "lexical":
        assert len(hits) == min(5, int((allowed & (kb.lexicon.scores(query) > 0)).sum()))
        everything = [kb.read(hit.id) for hit in kb.search(query, 96, mode)]
        assert [h.id for h in hits] == [p.id for p in everything if meets(p, wanted)][:5]
    elif mode == "dense":
        score = np.round(kb.vectors @ kb.encoder.encode_query(query), 5)
        rows = sorted((row for row in range(len(kb)) if allowed[row]), key=lambda row: (-score[row], row))
        assert [kb.row(hit.id) for hit in hits] == rows[:5]
    else:
        assert len(hits) == min(5, len(only)) or mode == RESCORED


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Filter(sources=("label",)), "unknown source.*did you mean .labels.*topics"),
        (Filter(licences=("MIT",)), "unknown licence.*CC0"),
        (Filter(year_from=2020, year_to=2010), "bad years"),
        (Filter(year_from="2020"), "bad years"),
        (Filter(sources="labels"), "bad sources of a filter"),
        ("labels", "bad filter"),
    ],
)
def test_a_wrong_filter_is_told(kb, wanted, told):
    with pytest.raises(MedGymError, match=told):
        kb.search("gout", 3, filters=wanted)


def test_the_empty_filter_is_none_at_all(kb):
    assert kb.search("gout colchicine", 7, filters=Filter()) == kb.search("gout colchicine", 7)


def test_a_document_comes_whole_and_in_order(kb):
    found = kb.document("d3")
    assert [p.position for p in found] == [0, 1, 2, 3, 4, 5] and {p.document for p in found} == {"d3"}
    for key in ("d99", ""):
        with pytest.raises(MedGymError, match="no such document"):
            kb.document(key)


def test_the_shipped_base_gives_documents(monkeypatch, kb):
    monkeypatch.setattr(KnowledgeBase, "shipped", lambda: kb)
    assert ShippedKnowledge().document("d0") == kb.document("d0")


def copies() -> list[Passage]:
    """Three tellings of one text among others, and one text under two titles."""
    text = (
        "Colchicine relieves an attack of gout within a day when taken early, and it may upset the stomach and bowel."
    )
    texts = [
        text,
        f"{text} Indeed.",
        text.upper(),
        "Gout attacks respond to naproxen.",
        "Attacks of gout come at night.",
    ]
    texts += ["Keep dry."] * 3
    titles = ["Colchicine"] * 5 + ["Gout A", "Gout B", "Gout B"]
    rest = {"source": "s", "section": "", "licence": "CC0", "url": ""}
    return [Passage(id=f"p{i}", title=t, text=x, **rest) for i, (t, x) in enumerate(zip(titles, texts, strict=True))]


def test_what_says_the_same_is_shown_once_and_others_move_up():
    kb = KnowledgeBase.of(copies())
    ranked = [row for row, _ in kb.rank("gout colchicine attacks", 8)]
    shown = [kb.row(hit.id) for hit in kb.search("gout colchicine attacks", 5)]
    assert len(shown) == 5 and len({0, 1, 2} & set(shown)) == 1  # of the three tellings the best ranked
    assert min(ranked.index(row) for row in (0, 1, 2)) == ranked.index(*({0, 1, 2} & set(shown)))
    assert {3, 4, 5} <= set(shown) and len({6, 7} & set(shown)) == 1  # another title is another thing
    assert shown == [kb.row(hit.id) for hit in KnowledgeBase.of(copies()).search("gout colchicine attacks", 5)]


def test_duplicates_by_the_dozen_do_not_use_up_the_hits():
    rest = {"source": "s", "section": "", "licence": "CC0", "url": "", "title": "Gout"}
    same = [Passage(id=f"a{i:02}", text="Gout gout gout attack.", **rest) for i in range(60)]
    kb = KnowledgeBase.of([*same, Passage(id="b", text="Gout is treated with rest and drugs by doctors.", **rest)])
    assert [hit.id for hit in kb.search("gout", 2)] == ["a00", "b"]


@given(st.frozensets(st.sampled_from("abcdefghijkl")), st.frozensets(st.sampled_from("abcdefghijkl")))
def test_alike_is_the_jaccard_share(a, b):
    share = len(a & b) / len(a | b) if a | b else 1
    assert alike(a, b) == alike(b, a) == (share >= 0.9)


def test_answers_are_remembered_by_query_number_mode_and_filter(kb, monkeypatch):
    asked = []
    real = KnowledgeBase.rank
    monkeypatch.setattr(KnowledgeBase, "rank", lambda *a, **o: asked.append(1) or real(*a, **o))
    kb.forget()
    calls = [("gout", 3), ("gout", 4), ("gout", 3, "lexical"), ("gout", 3, "lexical", Filter(licences=("CC0",)))]
    for _ in range(3):
        for call in calls:
            kb.search(*call)
    assert len(asked) == len(calls)


def test_rescoring_asks_no_graph_and_keeps_to_the_lexical_best(kb, monkeypatch):
    monkeypatch.setattr(search_module, "CANDIDATES", 5)
    lexical = {row for row, _ in kb.rank("colchicine gout study 3", 5, "lexical")}
    monkeypatch.setattr(KnowledgeBase, "_near", lambda *_: 1 / 0)
    found = [row for row, _ in kb.rank("colchicine gout study 3", 5, RESCORED)]
    assert set(found) == lexical


def test_what_a_filter_leaves_of_the_graphs_answer_is_filled_up(kb, monkeypatch):
    """Few passages of a source among the nearest: Chroma is asked for more until there are enough."""
    monkeypatch.setattr(search_module, "SCANNED", 0)
    vector, asked = kb.encoder.encode_query("gout colchicine"), []
    order = np.argsort(-(kb.vectors @ vector), kind="stable")

    class Graph:
        def query(self, vectors, k):
            asked.append(k)
            return [[(kb.ids[row], 0.0) for row in order[:k]]]

    allowed = np.zeros(len(kb), bool)
    allowed[order[-12:]] = True
    monkeypatch.setattr(kb, "index", Graph())
    assert set(kb._near(vector, 6, allowed)) == set(order[-12:][:6]) and len(asked) > 1


def test_the_shipped_facts_are_one_corpus_to_a_filter():
    shipped = KnowledgeBase.shipped()
    hits = shipped.search("first-line treatment", 10, filters=Filter(sources=("MedGym facts",)))
    assert len(hits) == 10 and len({hit.source for hit in hits}) > 1
    with pytest.raises(MedGymError, match="expected MedGym facts|expected one of MedGym facts"):
        shipped.search("anaphylaxis", 3, filters=Filter(sources=("medquat",)))

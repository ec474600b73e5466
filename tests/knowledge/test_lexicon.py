"""The lexical index: BM25 to the letter, the exact best whatever way they are found, the same from any build."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medgym_core.artifacts import digest_files
from medgym_core.errors import MedGymError
from medgym_core.knowledge import lexicon as lexicon_module
from medgym_core.knowledge import lexicon_build
from medgym_core.knowledge.lexicon import ARRAYS, PARAMETERS, Lexicon, Vocabulary, build_lexicon, encoded, top
from medgym_core.knowledge.store import PASSAGE_SCHEMA, write_passages
from medgym_core.knowledge.text import sentences, terms

ORGANS = "heart lung liver kidney brain stomach skin bone joint eye".split()
SIGNS = "pain swelling fever bleeding weakness numbness itching cramps".split()
TEXTS = [f"{sign} of the {organ}, grade {grade}" for organ in ORGANS for sign in SIGNS for grade in range(1, 6)]

# A few words, some far more frequent than others: many ties, and terms that cannot change the best.
words_of = st.lists(st.sampled_from("gout gout gout pain pain fever zoster zika asthma copd".split()), max_size=12)
corpora = st.lists(words_of.map(" ".join), min_size=1, max_size=60)
queries = st.lists(st.sampled_from("gout pain fever zoster zika asthma copd unknown".split()), max_size=9).map(" ".join)


def brute_force(lexicon: Lexicon, query: str, k: int, allowed: np.ndarray | None = None) -> list[int]:
    score = lexicon.scores(query)
    score = score if allowed is None else np.where(allowed, score, 0)
    rows = np.flatnonzero(score)
    return rows[top(score[rows], k)].tolist()


@given(corpora, queries, st.integers(1, 20), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_best_are_exact_with_and_without_a_filter(corpus, query, k, rng):
    lexicon = Lexicon.build(corpus)
    allowed = np.array([rng.random() < 0.5 for _ in corpus])
    for dear, look_up in ((lexicon_module.DEAR, lexicon_module.LOOK_UP), (0, 1), (0, 0), (0, 1000)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lexicon_module, "DEAR", dear)
            patch.setattr(lexicon_module, "LOOK_UP", look_up)
            patch.setattr(lexicon_module, "SPARE", 0)
            for flags in (None, allowed):
                found = lexicon.search(query, k, flags)
                assert [row for row, _ in found] == brute_force(lexicon, query, k, flags)
    scores = lexicon.scores(query)
    assert all(score == scores[row] for row, score in lexicon.search(query, k))
    assert (lexicon.scores_of(query, np.arange(len(corpus))) == scores).all()


def test_frequent_terms_are_not_read_to_the_end(monkeypatch):
    """A rare and a frequent word: the frequent one's postings are looked up for the rare one's passages only."""
    lexicon = Lexicon.build(["patient zika"] * 30 + ["patient"] * 20_000)
    read = []
    real = Lexicon._sums
    monkeypatch.setattr(Lexicon, "_sums", lambda self, wanted, rows: read.append(len(rows)) or real(self, wanted, rows))
    assert [row for row, _ in lexicon.search("zika patients", 10)] == list(range(10))
    assert read and max(read) <= 50


def test_scores_are_those_of_bm25s():
    bm25s = pytest.importorskip("bm25s")
    texts = [f"{a} {b} {a}" for a in TEXTS[::9] for b in TEXTS[::13]]
    lexicon = Lexicon.build(texts)
    theirs = bm25s.BM25(k1=0.9, b=0.4, method="lucene")
    theirs.index([terms(t) for t in texts], show_progress=False)
    for query in ("fever of the heart", "numb kidney pains", "grade 3"):
        wanted = [term for term in terms(query) if term in lexicon.vocabulary]
        np.testing.assert_allclose(lexicon.scores(query), theirs.get_scores(wanted), atol=2e-4 * len(wanted))


def test_reopened_it_gives_the_same_hits_from_mapped_files(tmp_path):
    built = Lexicon.build(TEXTS)
    built.save(tmp_path)
    opened = Lexicon.load(tmp_path)
    assert opened.search("heart fevers", 7) == built.search("heart fevers", 7)
    assert opened.search("zebra", 7) == [] and isinstance(opened.impacts.base, np.memmap)
    assert opened.rarity("heart") == built.rarity("heart") > opened.rarity("grade") and opened.rarity("zebra") == 0


def test_a_query_of_any_length_keeps_its_sums(tmp_path):
    lexicon = Lexicon.build(["gout", "fever"])
    (best, score), *_ = lexicon.search("gout " * 50_000, 2)
    assert best == 0 and score > 0


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=40, unique=True), st.text(max_size=8))
@settings(deadline=None)
def test_every_term_is_found_and_no_other(ordered, other):
    ordered = sorted(ordered, key=encoded)
    vocabulary = Vocabulary.of([encoded(term) for term in ordered])
    assert [vocabulary.find(term) for term in ordered] == list(range(len(ordered)))
    assert (vocabulary.find(other) is not None) == (other in ordered) and len(vocabulary) == len(ordered)


def table(texts: list[str]) -> pa.Table:
    rest = {"source": "s", "title": "t", "section": "", "licence": "l", "url": "", "document": "d", "date": ""}
    rows = [rest | {"id": f"{i:032}", "text": text, "position": i} for i, text in enumerate(texts)]
    return pa.Table.from_pylist(rows, PASSAGE_SCHEMA)


def test_chunks_and_processes_do_not_change_a_byte(tmp_path, monkeypatch):
    passages = table([TEXTS[i % len(TEXTS)] + f" w{i % 37}" for i in range(900)])
    write_passages(passages, tmp_path / "passages.parquet")
    build_lexicon(passages, tmp_path / "whole")
    monkeypatch.setattr(lexicon_build, "CHUNK", 128)
    build_lexicon(tmp_path / "passages.parquet", tmp_path / "two", workers=2)
    build_lexicon(tmp_path / "passages.parquet", tmp_path / "one", workers=1)
    Lexicon.build([f"t. . {text}" for text in passages["text"].to_pylist()]).save(tmp_path / "memory")
    digests = {str(digest_files(tmp_path / name)) for name in ("whole", "two", "one", "memory")}
    assert len(digests) == 1
    assert sorted(p.name for p in (tmp_path / "two").iterdir()) == sorted([PARAMETERS, *(f"{n}.npy" for n in ARRAYS)])


def test_another_process_builds_the_same_bytes(tmp_path):
    program = (
        "import sys, json; from pathlib import Path\n"
        "from medgym_core.knowledge.lexicon import Lexicon\n"
        "Lexicon.build(json.load(sys.stdin)).save(Path(sys.argv[1]))"
    )
    environment = os.environ | {
        "PYTHONHASHSEED": "77",
        "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path),
    }
    command = [sys.executable, "-c", program, str(tmp_path / "there")]
    subprocess.run(command, input=json.dumps(TEXTS), text=True, check=True, env=environment)
    Lexicon.build(TEXTS).save(tmp_path / "here")
    assert digest_files(tmp_path / "there") == digest_files(tmp_path / "here")


def test_passages_without_a_word_are_indexed_and_never_found(tmp_path):
    build_lexicon(table(["...", "—"]).set_column(2, PASSAGE_SCHEMA.field("title"), pa.array(["", ""])), tmp_path)
    assert len(Lexicon.load(tmp_path)) == 2 and Lexicon.load(tmp_path).search("gout", 3) == []
    with pytest.raises(MedGymError, match="empty corpus"):
        build_lexicon(table([]), tmp_path / "none")


def test_a_broken_folder_is_told(tmp_path):
    with pytest.raises(MedGymError, match="unreadable lexicon"):
        Lexicon.load(tmp_path)
    Lexicon.build(TEXTS).save(tmp_path)
    np.save(tmp_path / "largest.npy", np.zeros(3, np.uint16))
    with pytest.raises(MedGymError, match="damaged lexicon"):
        Lexicon.load(tmp_path)
    (tmp_path / "rows.npy").write_bytes(b"")
    with pytest.raises(MedGymError, match="unreadable lexicon"):
        Lexicon.load(tmp_path)


def test_an_interrupted_build_leaves_nothing_that_opens(tmp_path, monkeypatch):
    monkeypatch.setattr(lexicon_build, "write_parameters", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        build_lexicon(table(TEXTS), tmp_path)
    with pytest.raises(MedGymError, match="unreadable lexicon"):
        Lexicon.load(tmp_path)
    monkeypatch.undo()
    build_lexicon(table(TEXTS), tmp_path)
    assert Lexicon.load(tmp_path).search("heart", 1)


def test_threads_have_sums_of_their_own():
    lexicon = Lexicon.build(TEXTS)
    wanted = {query: lexicon.search(query, 9) for query in TEXTS[:40]}
    wrong = []

    def ask() -> None:
        wrong.extend(q for _ in range(5) for q in wanted if lexicon.search(q, 9) != wanted[q])

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_an_error_in_a_search_leaves_the_sums_clean(monkeypatch):
    lexicon = Lexicon.build(TEXTS)
    wanted = lexicon.search("heart pain", 5)
    with monkeypatch.context() as patch:
        patch.setattr(lexicon_module, "_kth", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            lexicon.search("heart pain", 5)
    assert lexicon.search("heart pain", 5) == wanted


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("IL-6", "IL6"),
        ("T-cell", "T cell"),
        ("T-cell", "tcell"),
        ("COVID-19", "covid19"),
        ("5-HT3", "5HT3"),
        ("β-blocker", "beta-blocker"),
        ("β‑blockers", "beta blocker"),
        ("TNFα", "TNF-alpha"),
        ("β2", "beta-2"),
        ("5mg", "5 mg"),
        ("5-mg", "5 mg"),
        ("50µg", "50 mcg"),
        ("50 ug", "50μg"),
        ("10⁹/L", "10^9 / l"),
        ("1,000", "1000"),
        ("x-ray", "xray"),
        ("Sjögren", "sjogren"),
        ("METFORMIN", "metformin"),
    ],
)
def test_spellings_meet(one, other):
    assert set(terms(one)) & set(terms(other)) - {"5", "2", "19", "beta", "t"} or set(terms(one)) == set(terms(other))
    lexicon = Lexicon.build([f"about {other}", *(f"nothing {i} else" for i in range(200, 220))])
    assert lexicon.search(one, 1)[0][0] == 0


@pytest.mark.parametrize("number", ["0.5", "10^9", "1.25"])
def test_a_number_is_one_term(number):
    assert terms(number) == [number] and terms(f"{number} mg") == [number, "mg"]


def test_drugs_of_similar_names_stay_apart():
    names = (
        "aspirin insulin heparin cisplatin warfarin metformin prednisone prednisolone quinine quinidine digoxin "
        "digitoxin chlorpromazine chlorpropamide hydralazine hydroxyzine atropine carbamazepine oxcarbazepine nitrate "
        "nitrite sulfate sulfite iodine iodide"
    ).split()
    assert len({terms(name)[0] for name in names}) == len(names)
    for name in ("aspirin", "insulin", "heparin", "cisplatin", "warfarin", "metformin"):
        assert terms(name) == [name]


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_has_terms_that_mean_the_same_again(text):
    found = terms(text)
    assert all(found) and all("\n" not in term for term in found)
    assert terms(" ".join(text.split())) == found


@given(st.text(alphabet=" .!?\"'”)]A1a-•(“eg", max_size=30))
@settings(max_examples=300, deadline=None)
def test_single_spaced_text_is_cut_as_any_other(text):
    text = " ".join(text.split())
    assert sentences(text) == sentences(f"  {text}")


def test_files_of_the_index_have_no_other_owner(tmp_path):
    """Two builds into one folder: a reader of the first keeps what it has opened."""
    build_lexicon(table(TEXTS), tmp_path)
    reader = Lexicon.load(tmp_path)
    wanted = reader.search("heart pain", 5)
    build_lexicon(table(TEXTS[::-1] * 3), tmp_path)
    assert reader.search("heart pain", 5) == wanted and len(Lexicon.load(Path(tmp_path))) == 3 * len(TEXTS)

"""The engines that `search_speed.py` sets beside ours, on the same passages, terms and vectors.

Each function gives a search for K rows and a few words about the index, which it makes in the work folder once.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from medgym_core.knowledge.search import KnowledgeBase
from medgym_core.knowledge.text import terms

K = 10


def texts(kb: KnowledgeBase) -> Iterator[str]:
    """Indexed terms of each passage, joined by blanks."""
    from medgym_core.knowledge.passages import indexed_text

    for passage in kb._passages:
        yield " ".join(terms(indexed_text(passage.title, passage.section, passage.text)))


def folder_mb(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) >> 20


def made(folder: Path, make: Callable[[Path], None]) -> str:
    """Make an index in `folder` unless it is there; seconds and size in words."""
    note = folder / "seconds.txt"
    if not note.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        began = time.perf_counter()
        make(folder)
        note.write_text(f"{time.perf_counter() - began:.0f}")
    return f"built in {note.read_text()} s from ready terms, {folder_mb(folder)} MB"


def bm25s_engine(kb: KnowledgeBase, work: Path):
    import bm25s

    def make(folder: Path) -> None:
        engine = bm25s.BM25(k1=0.9, b=0.4, method="lucene")
        shared: dict[str, str] = {}  # one string a term: a list of 100 million would not fit
        engine.index([[shared.setdefault(t, t) for t in text.split()] for text in texts(kb)], show_progress=False)
        engine.save(folder)

    what = made(work / "bm25s", make)
    began = time.perf_counter()
    engine = bm25s.BM25.load(work / "bm25s", mmap=True)
    opened = time.perf_counter() - began
    backend = "numba" if find_spec("numba") else "numpy"
    if backend == "numba":
        engine.activate_numba_scorer()
    known = engine.vocab_dict

    def search(query: str) -> list[int]:
        tokens = [term for term in terms(query) if term in known]
        if not tokens:
            return []
        found, _ = engine.retrieve([tokens], k=K, show_progress=False, n_threads=1, backend_selection=backend)
        return found[0].tolist()

    return search, f"{backend}, mmap; {what}, opened in {opened:.2f} s"


def tantivy_engine(kb: KnowledgeBase, work: Path):
    import tantivy

    schema = tantivy.SchemaBuilder()
    schema.add_text_field("text", stored=False, tokenizer_name="whitespace")
    schema.add_unsigned_field("row", stored=True)
    schema = schema.build()

    def make(folder: Path) -> None:
        writer = tantivy.Index(schema, path=str(folder)).writer(500_000_000, 1)
        for i, text in enumerate(texts(kb)):
            writer.add_document(tantivy.Document(text=text, row=i))
        writer.commit()
        writer.wait_merging_threads()

    what = made(work / "tantivy", make)
    searcher = tantivy.Index(schema, path=str(work / "tantivy")).searcher()

    def search(query: str) -> list[int]:
        parts = [(tantivy.Occur.Should, tantivy.Query.term_query(schema, "text", term)) for term in terms(query)]
        hits = searcher.search(tantivy.Query.boolean_query(parts), K).hits
        return [searcher.doc(address)["row"][0] for _, address in hits]

    return search, f"k1 1.2, b .75; {what}"


def fts5_engine(kb: KnowledgeBase, work: Path):
    """Full-text search of SQLite, any of the terms, best by its bm25; the index holds no text."""

    def make(folder: Path) -> None:
        with sqlite3.connect(folder / "fts5.sqlite") as database:
            database.execute("CREATE VIRTUAL TABLE passages USING fts5(text, content='')")
            rows = enumerate(texts(kb))
            database.executemany("INSERT INTO passages(rowid, text) VALUES (?, ?)", rows)
            database.execute("INSERT INTO passages(passages) VALUES ('optimize')")

    what = made(work / "fts5", make)
    database = sqlite3.connect(work / "fts5" / "fts5.sqlite")

    def search(query: str) -> list[int]:
        match = " OR ".join(f'"{term}"' for term in dict.fromkeys(terms(query)))
        order = "SELECT rowid FROM passages WHERE passages MATCH ? ORDER BY bm25(passages) LIMIT ?"
        return [found for (found,) in database.execute(order, (match, K))] if match else []

    return search, what


def raw_graph(kb: KnowledgeBase, work: Path):
    """The same vectors in hnswlib with the same parameters, without a database around it."""
    import hnswlib

    from medgym_core.knowledge.dense import settings

    wanted = settings(len(kb))
    count, dim = kb.vectors.shape

    def make(folder: Path) -> None:
        graph = hnswlib.Index("cosine", dim)
        graph.init_index(count, M=wanted["max_neighbors"], ef_construction=wanted["ef_construction"], random_seed=0)
        for start in range(0, count, 50_000):
            part = kb.vectors[start : start + 50_000].astype(np.float32)
            graph.add_items(part, np.arange(start, start + len(part)))
        graph.save_index(str(folder / "graph.bin"))

    what = made(work / "hnswlib", make)
    graph = hnswlib.Index("cosine", dim)
    graph.load_index(str(work / "hnswlib" / "graph.bin"), max_elements=count)
    return graph, what

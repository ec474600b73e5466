"""How fast a published knowledge base answers: `python benchmarks/search_speed.py OUT [--queries N] [--without NAME]`.

OUT is a build's folder or one of its versions, of any size. Needs MEDGYM_DATA for real questions (MedQuAD and BioASQ,
half each). Every figure is of uncached searches with snippets, query encoding included, top ten, in milliseconds:
one thread, then 8 threads at once, then 4 processes at once. Beside them, on the same passages and questions: SQLite
FTS5's bm25 with the same terms, bm25s with numba and tantivy where they are installed, the share of Chroma in a dense
search and raw hnswlib, and what recall@10 of the dense part costs at several search widths. Prints Markdown tables.
What it makes of the passages is kept in OUT/speed and found again; remove that folder to have it made anew.
"""

import argparse
import gc
import json
import random
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from search_engines import K, bm25s_engine, folder_mb, fts5_engine, raw_graph, tantivy_engine

from medgym_core.errors import MedGymError
from medgym_core.home import data
from medgym_core.knowledge import search
from medgym_core.knowledge.search import KnowledgeBase

WIDTHS = (50, 100, 200, 400, 800)
THREADS, PROCESSES = 8, 4
FTS_QUERIES = 100  # it takes a fifth of a second for one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--queries", type=int, default=600)
    parser.add_argument("--without", action="append", default=[], choices=["fts5", "bm25s", "tantivy", "widths"])
    parser.add_argument("--graph", action="store_true", help="ask Chroma however few the passages are")
    parser.add_argument("--ask", action="store_true", help=argparse.SUPPRESS)  # one of the processes at once
    wanted = parser.parse_args()
    if wanted.graph:
        search.EXACT_LIMIT = 0
    if wanted.ask:
        return print(json.dumps(ask(wanted.out, json.load(sys.stdin))))
    queries = questions(wanted.queries)
    began = time.perf_counter()
    kb = KnowledgeBase.open_version(wanted.out)
    opened = time.perf_counter() - began
    kb.search(queries[0])
    first = time.perf_counter() - began
    way = "Chroma" if kb.index is not None else "exact"
    print(f"{len(kb)} passages, {len(queries)} questions, encoder {kb.encoder.name}, dense part {way}, ", end="")
    print(f"weight {kb.weight}; opened in {opened:.2f} s, first answer after {first:.2f} s\n")
    work = wanted.out / "speed"
    work.mkdir(exist_ok=True)
    one_thread(kb, queries)
    together(kb, [str(wanted.out), *["--graph"] * wanted.graph], queries)
    lexical_engines(kb, queries, work, wanted.without)
    if "widths" not in wanted.without:
        widths(kb, queries, work)


def questions(count: int) -> list[str]:
    """Real questions, MedQuAD and BioASQ by turns, in an order of their own that is always the same."""
    from medgym_core.knowledge.readers import medquad_files

    if data() is None:
        raise MedGymError("MEDGYM_DATA is not set", expected="a folder with corpus/")
    corpus = data() / "corpus"
    medquad = [q for _, _, pairs in medquad_files(corpus / "medquad.tar.xz") for q, _, _ in pairs]
    with tarfile.open(corpus / "bioasq_7b-11b_golden.tar.xz") as archive:
        files = sorted((m for m in archive if m.name.endswith(".json")), key=lambda member: member.name)
        bioasq = [q["body"] for m in files for q in json.load(archive.extractfile(m))["questions"]]
    both = []
    for found in (sorted(set(medquad)), sorted(set(bioasq))):
        both.append(random.Random(0).sample(found, min(count // 2, len(found))))
    return [query for pair in zip(*both, strict=False) for query in pair]


def timed(search: Callable[[str], object], queries: Sequence[str]) -> np.ndarray:
    """Milliseconds of each; the first ten are asked once before, to warm what is read from disk."""
    for query in queries[:10]:
        search(query)
    gc.collect()
    taken = []
    for query in queries:
        began = time.perf_counter()
        search(query)
        taken.append(1000 * (time.perf_counter() - began))
    return np.array(taken)


def row(name: str, taken: np.ndarray, more: str = "") -> None:
    p50, p90, p99 = np.percentile(taken, [50, 90, 99])
    print(f"| {name} | {p50:.2f} | {p90:.2f} | {p99:.2f} | {more} |")


def head(*names: str) -> None:
    print("| " + " | ".join(names) + " |\n" + "|---" * len(names) + "|")


def one_thread(kb: KnowledgeBase, queries: list[str]) -> None:
    print("## One thread\n")
    head("part", "p50 ms", "p90", "p99", "what")
    row("query encoding", timed(kb.encoder.encode_query, queries), kb.encoder.name)
    row("lexical ranking", timed(lambda q: kb.lexicon.best(q, K), queries), "ten rows")
    vectors = {query: kb.encoder.encode_query(query) for query in queries}
    row("dense candidates", timed(lambda q: kb._near(vectors[q], 50, None), queries), "fifty rows")
    for mode in ("lexical", "dense", "rescored", "hybrid"):
        kb.forget()
        kb._analysed.cache_clear()
        row(
            f"search, {mode}",
            timed(lambda q, mode=mode: kb._search_uncached(q, K, mode, None), queries),
            "with snippets",
        )
    kb.search(queries[0])
    row("search, hybrid, asked before", timed(lambda q: kb.search(queries[0]), queries), "cached")
    print()


def together(kb: KnowledgeBase, arguments: list[str], queries: list[str]) -> None:
    print("## At once, hybrid\n")
    head("who", "p50 ms", "p90", "p99", "together")
    kb.forget()
    taken: list[list[float]] = [[] for _ in range(THREADS)]

    def work(mine: int) -> None:
        for query in queries[mine::THREADS]:
            began = time.perf_counter()
            kb._search_uncached(query, K, "hybrid", None)
            taken[mine].append(1000 * (time.perf_counter() - began))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(THREADS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rate = len(queries) / (time.perf_counter() - began)
    row(f"{THREADS} threads", np.concatenate(taken), f"{rate:.0f} searches/s")
    here = [[hit.id for hit in kb.search(query, K)] for query in queries]
    command = [sys.executable, __file__, *arguments, "--ask"]
    run = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **run) for _ in range(PROCESSES)]
    with_answers = [None] * PROCESSES
    readers = []
    for i, process in enumerate(processes):

        def talk(i=i, process=process) -> None:
            with_answers[i] = json.loads(process.communicate(json.dumps(queries))[0])

        readers.append(threading.Thread(target=talk))
        readers[-1].start()
    for reader in readers:
        reader.join()
    same = sum(found["ids"] == here for found in with_answers)
    rate = sum(len(queries) / found["seconds"] for found in with_answers)
    opened = max(found["opened"] for found in with_answers)
    what = (
        f"{rate:.0f} searches/s; {same} of {PROCESSES} give this process's answers; first answers after {opened:.1f} s"
    )
    row(f"{PROCESSES} processes", np.concatenate([found["ms"] for found in with_answers]), what)
    print()


def ask(out: Path, queries: list[str]) -> dict:
    """One process of several: opens the version itself and asks every question."""
    began = time.perf_counter()
    kb = KnowledgeBase.open_version(out)
    kb.search(queries[0])
    opened = time.perf_counter() - began
    kb.forget()
    began, taken, ids = time.perf_counter(), [], []
    for query in queries:
        start = time.perf_counter()
        ids.append([hit.id for hit in kb.search(query, K)])
        taken.append(1000 * (time.perf_counter() - start))
    seconds = time.perf_counter() - began
    kb.close()
    return {"opened": opened, "seconds": seconds, "ms": taken, "ids": ids}


def lexical_engines(kb: KnowledgeBase, queries: list[str], work: Path, without: list[str]) -> None:
    """Ours beside others on the same terms; each is a search for ten rows, without snippets."""
    print("## Lexical engines, ten rows, the same terms\n")
    head("engine", "p50 ms", "p90", "p99", "what")
    ours = timed(lambda q: kb.lexicon.best(q, K), queries)
    row("ours", ours, f"{folder_mb(kb._lease.version.folder / 'lexicon')} MB")
    kb.forget()
    hybrid = timed(lambda q: kb._search_uncached(q, K, "hybrid", None), queries[:FTS_QUERIES])
    engines = {"bm25s": bm25s_engine, "tantivy": tantivy_engine}
    for name, make in engines.items():
        if name in without or find_spec(name) is None:
            continue
        search, what = make(kb, work)
        row(name, timed(search, queries), f"{what}; {agreement(kb, search, queries[:200]):.3f} of our ten rows")
    if "fts5" not in without:
        search, what = fts5_engine(kb, work)
        taken = timed(search, queries[:FTS_QUERIES])
        ratio = np.percentile(taken, 50) / np.percentile(hybrid, 50)
        mean = taken.mean() / hybrid.mean()
        row(
            "SQLite FTS5",
            taken,
            f"{what}; our hybrid search is {ratio:.0f} times as fast (medians), {mean:.0f} (means)",
        )
    print()


def agreement(kb: KnowledgeBase, search: Callable[[str], list[int]], queries: Sequence[str]) -> float:
    """Mean share of our ten rows that the other engine returns too."""
    shares = []
    for query in queries:
        ours = kb.lexicon.best(query, K)[0].tolist()
        shares.append(len(set(ours) & set(search(query))) / max(len(ours), 1))
    return float(np.mean(shares))


def widths(kb: KnowledgeBase, queries: list[str], work: Path) -> None:
    """Recall@10 of Chroma, and of raw hnswlib, against all vectors, and what a query costs, at several widths."""
    from medgym_core.knowledge.dense import open_index, settings

    asked = np.array([v for v in map(kb.encoder.encode_query, queries) if v.any()], dtype=np.float32)
    exact = nearest(kb.vectors, asked)
    version, default = kb._lease.version, settings(len(kb))["ef_search"]
    print(f"## Recall@10 of the dense part against all vectors; ef_search {default} is the default\n")
    head("ef_search", "p50 ms", "p90", "p99", "recall@10")
    for width in sorted({*WIDTHS, default}):
        with open_index(version.folder / "chroma", version.collection, ef_search=width) as index:
            measured(f"{width}, Chroma", lambda v, index=index: chroma_rows(kb, index, v), asked, exact)
    if find_spec("hnswlib") is None:
        return print("\nhnswlib is not installed: no comparison with it")
    graph, what = raw_graph(kb, work)
    for width in sorted({*WIDTHS, default}):
        graph.set_ef(width)
        measured(
            f"{width}, raw hnswlib", lambda v: graph.knn_query(v, K, num_threads=1)[0][0], asked, exact, f"; {what}"
        )
    print()


def chroma_rows(kb: KnowledgeBase, index, vector: np.ndarray) -> list[int]:
    return [kb.row(identity) for identity, _ in index.query(vector[None], K)[0]]


def measured(name: str, search: Callable, asked: np.ndarray, exact: list[set[int]], what: str = "") -> None:
    recall = np.mean([len(set(map(int, search(v))) & best) / K for v, best in zip(asked, exact, strict=True)])
    row(name, timed(search, asked), f"{recall:.3f}{what}")


def nearest(vectors: np.ndarray, asked: np.ndarray, part: int = 50_000) -> list[set[int]]:
    """The ten nearest rows of each, by all products, a part of the vectors at a time."""
    score = np.full((len(asked), 0), 0, np.float32)
    rows = np.zeros((len(asked), 0), np.int64)
    for start in range(0, len(vectors), part):
        new = asked @ vectors[start : start + part].astype(np.float32).T
        score = np.hstack((score, new))
        rows = np.hstack((rows, np.broadcast_to(np.arange(start, start + new.shape[1]), new.shape)))
        best = np.argpartition(-score, min(K, score.shape[1]) - 1, axis=1)[:, :K]
        score, rows = np.take_along_axis(score, best, 1), np.take_along_axis(rows, best, 1)
    return [set(found.tolist()) for found in rows]


if __name__ == "__main__":
    main()

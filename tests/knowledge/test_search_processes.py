"""A published version with a real Chroma gives one answer in threads, forked processes and new ones."""

import json
import multiprocessing
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from medgym_core.errors import MedGymError
from medgym_core.knowledge import search as search_module
from medgym_core.knowledge.build import build_from_passages
from medgym_core.knowledge.search import KnowledgeBase
from medgym_core.knowledge.store import PASSAGE_SCHEMA, write_passages

ORGANS = "heart lung liver kidney brain stomach skin bone".split()
SIGNS = "pain swelling fever bleeding weakness numbness".split()
QUERIES = [f"{sign} of the {organ}" for sign in SIGNS for organ in ORGANS]


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A build's folder; half-way through the passages differ by a number only."""
    import pyarrow as pa

    root = tmp_path_factory.mktemp("processes")
    rest = {"section": "", "licence": "CC0", "url": "", "document": "d", "position": 0, "date": "2020"}
    rows = [
        rest | {"id": f"{i:032x}", "source": f"s{i % 2}", "title": organ, "text": f"{sign} of the {organ}, case{i}."}
        for i, (sign, organ) in enumerate((s, o) for s in SIGNS for o in ORGANS for _ in range(6))
    ]
    write_passages(pa.Table.from_pylist(rows, PASSAGE_SCHEMA), root / "passages.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDGYM_HOME", str(root / "home"))
        build_from_passages(root / "passages.parquet", root / "out")
    return root / "out"


@pytest.fixture
def kb(out, home, monkeypatch):
    """Opened so that Chroma proposes the dense candidates."""
    monkeypatch.setattr(search_module, "EXACT_LIMIT", 0)
    opened = KnowledgeBase.open_version(out)
    yield opened
    opened.close()


def answers(kb: KnowledgeBase) -> list[list[str]]:
    return [[hit.id for hit in kb.search(query, 5)] for query in QUERIES]


def test_a_version_opens_by_its_out_and_by_its_folder(out, kb, home):
    assert kb.index is not None and isinstance(kb.vectors.base, np.memmap) and kb.vectors.dtype == np.float16
    exact = kb._lease.version.folder
    other = KnowledgeBase.open_version(exact)
    assert answers(other) == answers(kb)
    other.close()
    with pytest.raises(MedGymError, match="no knowledge base"):
        KnowledgeBase.open_version(out / "absent")


def test_few_passages_are_searched_exactly_without_chroma(out, kb, home, monkeypatch):
    monkeypatch.setattr(search_module, "EXACT_LIMIT", 1000)
    small = KnowledgeBase.open_version(out)
    assert small.index is None
    for query in QUERIES[:6]:
        assert small.search(query, 1)[0].title == kb.search(query, 1)[0].title == query.split()[-1]
    small.close()


def test_eight_threads_at_once(kb):
    wanted, wrong = answers(kb), []

    def ask(first: int) -> None:
        for i in range(len(QUERIES)):
            place = (first * 7 + i) % len(QUERIES)
            if [hit.id for hit in kb._search_uncached(QUERIES[place], 5, "hybrid", None)] != wanted[place]:
                wrong.append(place)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(("before", "count"), [(True, 4), (False, 1)], ids=["after a query", "before any"])
def test_forked_workers_answer_as_their_parent(kb, before, count):
    if before:
        kb.search("heart pain", 5)
    kb.forget()
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()

    def work() -> None:
        kb.forget()
        results.put(json.dumps(answers(kb)))
        kb.close()

    workers = [context.Process(target=work) for _ in range(count)]
    for worker in workers:
        worker.start()
    found = [json.loads(results.get()) for _ in workers]
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * count
    assert found == [answers(kb)] * count  # the parent still answers


def test_new_processes_at_once_answer_the_same(kb, out):
    program = (
        "import sys, json; from pathlib import Path\n"
        "from medgym_core.knowledge import search\n"
        "search.EXACT_LIMIT = 0\n"
        "kb = search.KnowledgeBase.open_version(Path(sys.argv[1]))\n"
        "print(json.dumps([[hit.id for hit in kb.search(q, 5)] for q in json.load(sys.stdin)])); kb.close()"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)}
    run = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    processes = [subprocess.Popen([sys.executable, "-c", program, str(out)], **run) for _ in range(4)]
    for process in processes:
        process.stdin.write(json.dumps(QUERIES))
        process.stdin.close()
    found = [json.loads(process.stdout.read()) for process in processes]
    assert [process.wait(60) for process in processes] == [0] * 4
    assert found == [answers(kb)] * 4


def test_a_filter_reaches_the_graphs_candidates(kb, monkeypatch):
    monkeypatch.setattr(search_module, "SCANNED", 0)
    for query in QUERIES[::5]:
        hits = kb.search(query, 5, "dense", search_module.Filter(sources=("s1",)))
        assert len(hits) == 5 and {hit.source for hit in hits} == {"s1"}

"""The dense index: it survives renaming, forks, killed readers and new processes, and finds what is there."""

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from medgym_core.artifacts import digest_files
from medgym_core.errors import MedGymError
from medgym_core.knowledge import chroma
from medgym_core.knowledge.dense import (
    BATCH,
    batch_size,
    build_index,
    open_index,
    publish_to_server,
    read_embeddings,
    settings,
    verify,
    write_embeddings,
)

pytest.importorskip("chromadb")
COUNT, DIM = 400, 16
IDS = [f"id{i:03}" for i in range(COUNT)]


def unit_vectors(count: int = COUNT, seed: int = 0) -> np.ndarray:
    found = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)


VECTORS = unit_vectors()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """An index built in a work folder (and checked there by a new process), then renamed."""
    root = tmp_path_factory.mktemp("index")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDGYM_HOME", str(root / "home"))
        patch.delenv("MEDGYM_CHROMA_URL", raising=False)
        told = []
        build_index(IDS, VECTORS, root / "work", "passages", lambda done, total: told.append((done, total)))
    assert told[-1] == (COUNT, COUNT)
    (root / "work").rename(root / "final")
    return root / "final"


def test_renamed_index_answers_exactly_and_is_not_written_to(built, home):
    before = digest_files(built)
    for _ in range(2):  # one process may open it again
        with open_index(built, "passages") as index, open_index(built, "passages") as second:
            assert len(index) == COUNT
            for row in (0, 57, 399):
                (hits,) = index.query(VECTORS[row : row + 1], 5)
                exact = np.sort(VECTORS @ VECTORS[row])[::-1][:5]
                np.testing.assert_allclose([score for _, score in hits], exact, atol=1e-3)
                assert second.query(VECTORS[row : row + 1], 5) == [hits]
            np.testing.assert_allclose(index.vectors(IDS[::-1]), VECTORS[::-1], atol=1e-6)
            assert len(list((home / "open").glob("*.lock"))) == 3  # two readers, and the folder's own
    assert digest_files(built) == before
    assert [path.name for path in (home / "open").iterdir()] == [".lock"]


def test_state_folder_on_another_file_system_copies_no_graph(built, home, monkeypatch):
    def refuse(source, target):
        raise OSError("cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    before = digest_files(built)
    with open_index(built, "passages") as index:
        assert index.query(VECTORS[:1], 1)[0][0][0] == IDS[0]
        graph = [path for path in (home / "open").rglob("*.bin")]
        assert graph and all(path.is_symlink() for path in graph)
    assert digest_files(built) == before


def test_index_opens_in_a_new_process(built, home):
    found = verify(built, "passages", COUNT, VECTORS[0])
    assert found["seconds"] < 60 and found["rss_mb"] > 1
    with pytest.raises(MedGymError, match="differs when opened again"):
        verify(built, "passages", COUNT + 1, VECTORS[0])
    with pytest.raises(MedGymError, match="does not open in a new process.*no such collection"):
        verify(built, "other", COUNT, VECTORS[0])


def test_stored_database_holds_no_log_and_every_vector_is_in_the_graph(built):
    import sqlite3

    with sqlite3.connect(f"file:{built / 'chroma.sqlite3'}?mode=ro", uri=True) as database:
        assert database.execute("PRAGMA freelist_count").fetchone() == (0,)
        written = {n for (n,) in database.execute("SELECT seq_id FROM max_seq_id")}
    database.close()
    assert written == {COUNT}  # of the database and of the graph alike: nothing is inserted again on opening


@pytest.mark.parametrize("count", [1, 2, BATCH, BATCH + 1, 60_000, 414_000, 827_999, 828_000])
def test_few_vectors_follow_the_last_full_batch(count):
    size = batch_size(count)
    assert 2 < size <= BATCH and (count <= BATCH or count % size <= 2)


def test_large_indexes_get_more_links_and_a_wider_search():
    small, large = settings(60_000), settings(828_000)
    assert large["max_neighbors"] > small["max_neighbors"] and large["ef_search"] > small["ef_search"]


def test_a_wider_search_finds_more(built, home):
    questions = unit_vectors(60, seed=1)
    exact = np.argsort(-questions @ VECTORS.T, axis=1)[:, :10]
    recall = {}
    for width in (10, 200):
        with open_index(built, "passages", ef_search=width) as index:
            found = index.query(questions, 10)
        same = [len({i for i, _ in hits} & {IDS[row] for row in rows}) for hits, rows in zip(found, exact, strict=True)]
        recall[width] = sum(same) / 600
    assert recall[200] >= 0.95 and recall[200] >= recall[10] and recall[10] < 1


def _top(folder: str, told) -> None:
    with open_index(Path(folder), "passages") as index:
        told.put(index.query(VECTORS[:1], 3)[0])


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_started_by_a_reader_read_too(built, home, method):
    context = multiprocessing.get_context(method)
    with open_index(built, "passages") as index:
        (expected,) = index.query(VECTORS[:1], 3)  # from here on Chroma's threads run in this process
        told = context.Queue()
        children = [context.Process(target=_top, args=(str(built), told)) for _ in range(2)]
        for child in children:
            child.start()
        assert [told.get(timeout=60) for _ in children] == [expected] * 2
        for child in children:
            child.join(30)
            assert child.exitcode == 0
        assert index.query(VECTORS[:1], 3) == [expected]


def test_index_opened_before_a_fork_serves_the_child_and_both_end(built, home):
    """In a new process: a plain fork runs the interpreter's end, where a parent's client must not be freed."""
    program = (
        "import os, sys, numpy as np\n"
        "from pathlib import Path\n"
        "from medgym_core.knowledge.dense import open_index\n"
        "index = open_index(Path(sys.argv[1]), 'passages')\n"
        "vector = np.eye(16, dtype=np.float32)[:1]\n"
        "mine = index.query(vector, 3)\n"
        "child = os.fork()\n"
        "same = index.query(vector, 3) == mine and np.array_equal(index.vectors(['id001']), index.vectors(['id001']))\n"
        "index.close()\n"
        "sys.exit(not same) if not child else sys.exit(os.waitpid(child, 0)[1] or not same)\n"
    )
    command = [sys.executable, "-c", program, str(built)]
    assert subprocess.run(command, timeout=60, check=False, env=_environment()).returncode == 0
    assert [path.name for path in (home / "open").iterdir()] == [".lock"]


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}


def test_threads_share_one_reader(built, home):
    wrong = []

    def ask(index, row: int) -> None:
        for _ in range(10):
            if index.query(VECTORS[row : row + 1], 1)[0][0][0] != IDS[row]:
                wrong.append(row)

    with open_index(built, "passages") as index:
        threads = [threading.Thread(target=ask, args=(index, row)) for row in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(list((home / "open").glob("[!.]*.lock"))) == 1
    assert not wrong


def test_copies_of_killed_readers_are_removed_and_those_in_use_stay(built, home):
    program = (
        "import sys, time; from pathlib import Path; from medgym_core.knowledge.chroma import LocalReader\n"
        "reader = LocalReader(Path(sys.argv[1]), 'passages'); print('open', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program, str(built)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment()) as other:
        assert other.stdout.readline() == "open\n"
        (copy,) = (path for path in (home / "open").iterdir() if path.is_dir())
        open_and_close(built)
        assert copy.is_dir()
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    open_and_close(built)
    assert not copy.exists() and [path.name for path in (home / "open").iterdir()] == [".lock"]


def open_and_close(folder: Path) -> None:
    with open_index(folder, "passages") as index:
        index.query(VECTORS[:1], 1)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """`chroma run` on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    place = tmp_path_factory.mktemp("server")
    command = [str(Path(sys.executable).parent / "chroma"), "run", "--path", str(place), "--host", "127.0.0.1"]
    with subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL, cwd=place) as process:
        url = f"http://127.0.0.1:{port}"
        for _ in range(100):
            try:
                chroma.server_client(url).close()
                break
            except MedGymError:
                time.sleep(0.1)
        yield url
        process.terminate()


def test_server_gets_the_collection_once_and_answers_like_the_folder(built, home, server, monkeypatch):
    with open_index(built, "passages") as index:
        local = index.query(VECTORS[:5], 3)
    monkeypatch.setenv("MEDGYM_CHROMA_URL", server)
    with open_index(built, "passages") as index:
        served = index.query(VECTORS[:5], 3)
        np.testing.assert_allclose(index.vectors(IDS[:3]), VECTORS[:3], atol=1e-6)
    assert [[i for i, _ in hits] for hits in served] == [[i for i, _ in hits] for hits in local]
    assert not publish_to_server(built, server)


def test_part_of_a_collection_on_the_server_is_completed(built, home, server):
    facts = json.loads((built / "index.json").read_text())
    client = chroma.server_client(server)
    if "passages" in {c.name for c in client.list_collections()}:
        client.delete_collection("passages")
    half = client.create_collection("passages", embedding_function=None, metadata={"vectors": facts["vectors"]})
    half.add(ids=IDS[:150], embeddings=VECTORS[:150])
    assert publish_to_server(built, server)
    assert half.count() == COUNT
    client.delete_collection("passages")
    client.create_collection("passages", embedding_function=None, metadata={"vectors": "others"})
    with pytest.raises(MedGymError, match="another collection of that name"):
        publish_to_server(built, server)
    client.delete_collection("passages")
    client.close()


def test_no_server_and_bad_addresses_are_errors(built, home, monkeypatch):
    for url, told in (("http://127.0.0.1:9", "no Chroma server"), ("127.0.0.1:8000", "bad MEDGYM_CHROMA_URL")):
        monkeypatch.setenv("MEDGYM_CHROMA_URL", url)
        with pytest.raises(MedGymError, match=told):
            open_index(built, "passages").query(VECTORS[:1], 1)


@pytest.mark.parametrize(
    ("ids", "vectors", "told"),
    [
        ([], np.ones((0, 4)), "empty corpus"),
        (["a"], np.ones((2, 4)), "ids and vectors differ"),
        (["a", "a"], np.ones((2, 4)), "repeated ids"),
        (["a", "b"], np.zeros((2, 4)), "nothing to search by"),
    ],
)
def test_wrong_vectors_are_refused_before_anything_is_written(ids, vectors, told, tmp_path):
    with pytest.raises(MedGymError, match=told):
        build_index(ids, vectors.astype(np.float32), tmp_path / "index", "passages")
    assert not (tmp_path / "index").exists()


def test_zero_vectors_among_others_are_stored_and_found_by_nothing(home, tmp_path):
    vectors = VECTORS[:20].copy()
    vectors[[0, 5]] = 0
    build_index(IDS[:20], vectors, tmp_path / "index", "passages")
    with open_index(tmp_path / "index", "passages") as index:
        (hits,) = index.query(vectors[7:8], 20)
    assert hits[0][0] == IDS[7] and {IDS[0], IDS[5]} <= {i for i, score in hits if abs(score) < 1e-6}


def test_wrong_folder_or_collection_is_an_error(built, home, tmp_path):
    with pytest.raises(MedGymError, match="no dense index"):
        open_index(tmp_path / "absent", "passages")
    with pytest.raises(MedGymError, match="no such collection; got other; expected passages"):
        open_index(built, "other")
    with pytest.raises(MedGymError, match="in use"):
        build_index(["a"], np.ones((1, 4), np.float32), built, "passages")
    with pytest.raises(MedGymError, match="bad collection name"):
        build_index(["a"], np.ones((1, 4), np.float32), tmp_path / "x", "p")


def test_embeddings_file_keeps_order_and_every_bit(tmp_path):
    write_embeddings(tmp_path / "e.parquet", IDS, VECTORS)
    stored, again = read_embeddings(tmp_path / "e.parquet")
    assert stored == IDS and again.dtype == np.float32
    assert again.tobytes() == VECTORS.tobytes()
    with pytest.raises(MedGymError, match="no embeddings file"):
        read_embeddings(tmp_path / "absent.parquet")

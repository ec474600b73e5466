"""The dense index: vectors in a Chroma collection (cosine, HNSW), and the vectors themselves as Parquet.

Chroma holds ids and vectors only; text stays in the passages file. It never embeds anything itself. A built folder may
be renamed, and is never written again: see `chroma` for how it is read, by any number of processes and threads, before
and after a fork. With MEDGYM_CHROMA_URL the same index is asked of a `chroma run`, which gets the collection from the
folder when it lacks it. Two builds of the same vectors give slightly different graphs (Chroma adds a batch in no fixed
order): rankings that must repeat are made from the vectors, see `search`.
Run as a module, this file is the process that checks a built folder, or sends one to a server.
"""

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from medgym_core.artifacts import DIGEST_BYTES, locked, write_atomic
from medgym_core.errors import MedGymError
from medgym_core.home import home
from medgym_core.knowledge.chroma import (
    BATCH,
    Found,
    LocalReader,
    PipedReader,
    ServerReader,
    get_collection,
    local_client,
    server_client,
    usable_here,
)

SPACE = "cosine"
LARGE = 250_000  # vectors; from so many on a node needs more links and a query a wider search
LINKS = (16, 24)  # max_neighbors below LARGE and from it on; with 16, 828,000 would need half as wide a search again
SEARCH_WIDTH = (200, 400)  # ef_search; recall@10 of text queries: .98 at 200,000 vectors, .97 at 828,000
BUILD_WIDTH = 100  # ef_construction
DATABASE, FACTS = "chroma.sqlite3", "index.json"

Progress = Callable[[int, int], None]  # (vectors added, of how many)


def settings(count: int) -> dict:
    """The HNSW configuration for `count` vectors."""
    batch, large = batch_size(count), count >= LARGE
    hnsw = {"space": SPACE, "max_neighbors": LINKS[large], "ef_construction": BUILD_WIDTH}
    return hnsw | {"ef_search": SEARCH_WIDTH[large], "batch_size": batch, "sync_threshold": batch}


def batch_size(count: int) -> int:
    """Vectors of one insertion, after which the graph is written.

    What follows the last full batch stays in the log and is inserted again by every process that opens the index, at
    some 2,000 a second: of the large sizes, the one that leaves the fewest.
    """
    if count <= BATCH:
        return max(count, 3)
    return min(range(BATCH, BATCH // 2, -1), key=lambda size: count % size)


def build_index(
    ids: Sequence[str], vectors: np.ndarray, folder: Path, collection: str, progress: Progress | None = None
) -> None:
    """Fill a new collection in the empty `folder` (created) and check it in a new process.

    Vectors: float16 or float32 (N, D), one an id, inserted in the given order. Raises MedGymError on wrong shapes,
    repeated ids, no vector other than zero, a folder in use, or a check that fails.
    """
    _check(ids, vectors)
    probe = vectors[_telling(vectors)]
    folder = Path(folder)
    if (folder / DATABASE).exists():
        raise MedGymError("index folder in use", got=folder, expected="an empty folder")
    folder.mkdir(parents=True, exist_ok=True)
    with local_client(folder) as client:
        digest = _fill(_create(client, collection, len(ids)), ids, vectors, progress)
    with sqlite3.connect(folder / DATABASE) as database:  # every reader copies it: drop the pages the log has left
        database.execute("VACUUM")
    database.close()
    facts = {"collection": collection, "count": len(ids), "dim": vectors.shape[1], "vectors": digest}
    write_atomic(folder / FACTS, json.dumps(facts | {"hnsw": settings(len(ids))}, indent=1))
    verify(folder, collection, len(ids), probe)


def _create(client, collection: str, count: int, **more):
    from chromadb.errors import InvalidArgumentError

    configuration = {"hnsw": settings(count)}
    try:
        return client.create_collection(collection, embedding_function=None, configuration=configuration, **more)
    except InvalidArgumentError as error:
        raise MedGymError(
            "bad collection name", got=repr(collection), expected="3 to 512 of a-z A-Z 0-9 . _ -"
        ) from error


def _fill(target, ids: Sequence[str], vectors: np.ndarray, progress: Progress | None) -> str:
    """Insert all in batches; the digest of ids and vectors. An id that is there already stays as it is."""
    hasher, size = hashlib.blake2b(digest_size=DIGEST_BYTES), batch_size(len(ids))
    for start in range(0, len(ids), size):
        part = list(ids[start : start + size])
        batch = np.ascontiguousarray(vectors[start : start + size], dtype=np.float32)
        hasher.update("\n".join(part).encode() + batch.tobytes())
        target.add(ids=part, embeddings=batch)
        if progress:
            progress(start + len(part), len(ids))
    return hasher.hexdigest()


def _telling(vectors: np.ndarray) -> int:
    """The first row that is not zero (a text without a known word): it can be looked for."""
    for start in range(0, len(vectors), BATCH):
        found = np.flatnonzero(vectors[start : start + BATCH].any(axis=1))
        if len(found):
            return start + int(found[0])
    raise MedGymError("nothing to search by", got=f"{len(vectors)} zero vectors", expected="one that is not zero")


def verify(folder: Path, collection: str, count: int, vector: np.ndarray) -> dict:
    """Open the index in a new process; it must hold `count` vectors and answer a stored one with similarity 1.

    {"count", "similarity", "seconds" (to open and answer once), "rss_mb"}. Raises MedGymError with what was found.
    """
    question = {"folder": str(folder), "collection": collection, "vector": np.asarray(vector, float).tolist()}
    found = _elsewhere("probe", question, "index does not open in a new process", folder)
    if found["count"] != count or abs(found["similarity"] - 1) > 1e-3:
        raise MedGymError(
            "index differs when opened again", got=found, expected=f"{count} vectors, similarity 1", where=folder
        )
    return found


def _elsewhere(step: str, question: dict, what: str, where: object) -> dict:
    """Run a step of this module in a new process: one JSON document there, one back."""
    command = [sys.executable, "-m", "medgym_core.knowledge.dense", step]
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    environment = os.environ | {"PYTHONPATH": paths}
    asked = json.dumps(question)
    done = subprocess.run(command, input=asked, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        got = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise MedGymError(what, got=got, expected="an answer", where=where)
    return json.loads(done.stdout.splitlines()[-1])


class DenseIndex:
    """A built collection; close it, or use it in a `with` block.

    It is opened at the first query, once in each process that asks: a forked child gets a reader of its own.
    """

    def __init__(self, folder: Path, facts: dict, ef_search: int | None = None):
        self.folder, self.facts, self.ef_search = Path(folder), facts, ef_search
        self._readers: dict[int, LocalReader | PipedReader | ServerReader] = {}  # by process
        self._turns: dict[int, threading.Lock] = {}  # by process: a lock taken before a fork is never released

    def __enter__(self) -> "DenseIndex":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self.facts["count"]

    def query(self, vectors: np.ndarray, k: int) -> Found:
        """For each row of `vectors` (Q, D): the nearest `k` (id, cosine similarity), best first, ties by id."""
        wanted = min(k, len(self))
        return self._reader().query(vectors, wanted) if wanted and len(vectors) else [[] for _ in vectors]

    def vectors(self, ids: Sequence[str]) -> np.ndarray:
        """The stored vectors of `ids`, float32 (N, D), in that order."""
        return self._reader().vectors(ids)

    def close(self) -> None:
        """Release every handle of this process and remove its private copy; a later query opens again."""
        with self._turns.setdefault(os.getpid(), threading.Lock()):
            reader = self._readers.pop(os.getpid(), None)
            if reader:
                reader.close()

    def _reader(self) -> LocalReader | PipedReader | ServerReader:
        process = os.getpid()
        if process in self._readers:
            return self._readers[process]
        with self._turns.setdefault(process, threading.Lock()):
            if process not in self._readers:
                self._readers[process] = self._open()
            return self._readers[process]

    def _open(self) -> LocalReader | PipedReader | ServerReader:
        name, url = self.facts["collection"], os.environ.get("MEDGYM_CHROMA_URL")
        if url and self.ef_search is None:  # the width belongs to the collection, and a server's is everybody's
            publish_to_server(self.folder, url)
            return ServerReader(url, name, len(self))
        return (LocalReader if usable_here() else PipedReader)(self.folder, name, self.ef_search)


def open_index(folder: Path, collection: str, ef_search: int | None = None) -> DenseIndex:
    """Open a built index; `ef_search` is another search width than that it was built with (never of a server).

    Raises MedGymError where the folder, the collection or its configuration is not as built.
    """
    folder = Path(folder)
    if not (folder / DATABASE).is_file() or not (folder / FACTS).is_file():
        raise MedGymError("no dense index", got=folder, expected="a folder written by build_index")
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    if facts["collection"] != collection:
        raise MedGymError("no such collection", got=collection, expected=facts["collection"], where=folder)
    if facts["hnsw"] != settings(facts["count"]):
        raise MedGymError("index built otherwise", got=facts["hnsw"], expected=settings(facts["count"]), where=folder)
    return DenseIndex(folder, facts, ef_search)


def publish_to_server(folder: Path, url: str) -> bool:
    """Send the folder's collection to the Chroma server at `url` where that lacks it or has a part; whether it did.

    Safe to run twice at once, or again after a crash: inserting what is there changes nothing. Raises MedGymError
    where no server answers or a collection of that name holds other vectors.
    """
    folder = Path(folder)
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    with locked(home() / f"publish-{facts['collection']}.lock"):
        client = server_client(url)
        try:
            held = _held(client, facts, url)
        finally:
            client.close()
        if held < facts["count"]:
            question = {"folder": str(folder), "url": url}
            _elsewhere("publish", question, "index could not be sent to the server", url)
    return held < facts["count"]


def _held(client, facts: dict, url: str) -> int:
    """How many vectors of this index the server has."""
    if facts["collection"] not in {found.name for found in client.list_collections()}:
        return 0
    there = get_collection(client, facts["collection"], url)
    if (there.metadata or {}).get("vectors") != facts["vectors"]:
        raise MedGymError("another collection of that name", got=facts["collection"], where=url)
    return there.count()


def _publish(question: dict) -> dict:
    """The process that sends: it holds the whole graph, and gives that memory back when it ends."""
    folder, url = Path(question["folder"]), question["url"]
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    client = server_client(url)
    if _held(client, facts, url):
        target = get_collection(client, facts["collection"], url)
    else:
        target = _create(client, facts["collection"], facts["count"], metadata={"vectors": facts["vectors"]})
    reader = LocalReader(folder, facts["collection"])
    for ids, vectors in reader.everything():
        target.add(ids=ids, embeddings=vectors)
    reader.close()
    return {"count": target.count()}


def write_embeddings(path: Path, ids: Sequence[str], vectors: np.ndarray) -> None:
    """Write (id, vector float16) rows as Parquet, beside `path` and renamed."""
    _check(ids, vectors)
    flat = pa.array(np.ascontiguousarray(vectors, dtype=np.float16).reshape(-1))
    table = pa.table(
        {"id": pa.array(ids, pa.string()), "vector": pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])}
    )
    beside = Path(path).with_name(f".{Path(path).name}.{os.getpid()}")
    pq.write_table(table, beside, compression="zstd")
    os.replace(beside, path)


def read_embeddings(path: Path) -> tuple[list[str], np.ndarray]:
    """(ids, vectors float32 (N, D)) of an embeddings file."""
    if not Path(path).is_file():
        raise MedGymError("no embeddings file", got=path, expected="a Parquet file of id and vector")
    try:
        table = pq.read_table(path, columns=["id", "vector"])
    except (pa.ArrowInvalid, OSError) as error:
        raise MedGymError(
            "unreadable embeddings file", got=" ".join(str(error).split()), expected="id and vector", where=path
        ) from error
    column = table["vector"].combine_chunks()
    vectors = column.flatten().to_numpy(zero_copy_only=False).astype(np.float32).reshape(table.num_rows, -1)
    return table["id"].to_pylist(), vectors


def _check(ids: Sequence[str], vectors: np.ndarray) -> None:
    if not len(ids):
        raise MedGymError("empty corpus", got="0 vectors", expected="at least one")
    if vectors.ndim != 2 or len(vectors) != len(ids):
        raise MedGymError(
            "ids and vectors differ", got=f"{len(ids)} ids, vectors {vectors.shape}", expected="one vector an id"
        )
    if len(set(ids)) != len(ids):
        raise MedGymError("repeated ids", got=f"{len(ids) - len(set(ids))} repetitions", expected="unique ids")


def _probe(question: dict) -> dict:
    began = time.perf_counter()
    folder = Path(question["folder"])
    open_index(folder, question["collection"])  # its facts
    reader = LocalReader(folder, question["collection"])
    ((best, *_),) = reader.query(np.array([question["vector"]], dtype=np.float32), 1)
    seconds = time.perf_counter() - began
    found = {"count": reader.count(), "similarity": best[1], "seconds": round(seconds, 3), "rss_mb": peak_mb()}
    reader.close()
    return found


def peak_mb() -> float:
    """The most memory this program has held, in MiB. (getrusage counts the parent's until the new program starts.)"""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return round(int(status.split("VmHWM:")[1].split()[0]) / 1024, 1)


if __name__ == "__main__":
    print(json.dumps({"probe": _probe, "publish": _publish}[sys.argv[1]](json.load(sys.stdin))))

"""How a finished Chroma folder is read: in this process, through a process of its own, or from a server.

Three readers with the same three methods, `query`, `vectors` and `close`:

- `LocalReader` opens a private copy of the folder. Chroma writes a row into the database of any folder it opens, and a
  built folder is never written again, so each reader copies the database (about 200 bytes a vector) and links the
  graph, below `MEDGYM_HOME/open`. A lock held while the reader lives tells a copy in use from one that was left.
- `PipedReader` is a LocalReader in a new process, spoken to over its pipes. Chroma's threads do not survive a fork: in
  a process forked from one that has used Chroma, its queries never return.
- `ServerReader` asks `chroma run` (MEDGYM_CHROMA_URL): one copy of the vectors in memory for any number of processes.

All are safe to use from several threads. Run as a module, this file is the process of a PipedReader.
"""

import ctypes
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from medgym_core.artifacts import locked
from medgym_core.errors import MedGymError
from medgym_core.home import home

BATCH = 5461  # Chroma's limit for one insertion or one answer
Found = list[list[tuple[str, float]]]  # for each query the nearest (id, cosine similarity), best first

_used_by: int | None = None  # the process that started Chroma's threads; a forked child inherits the number
_clients: weakref.WeakSet = weakref.WeakSet()  # those open in this process


def usable_here() -> bool:
    """Whether Chroma works in this process: no parent used it before the fork."""
    return _used_by in (None, os.getpid())


@contextmanager
def local_client(folder: Path) -> Iterator:
    """A Chroma client on `folder` in this process, closed at the end."""
    client = _client(folder)
    try:
        yield client
    finally:
        client.close()


def _client(folder: Path):
    global _used_by
    import chromadb

    _used_by = os.getpid()
    settings = chromadb.Settings(anonymized_telemetry=False)
    client = chromadb.PersistentClient(path=str(Path(folder).absolute()), settings=settings)
    _clients.add(client)
    return client


def _keep_in_child() -> None:
    """Never free a parent's clients in a forked child: freeing one waits for threads that the child has not."""
    for client in list(_clients):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(client))


os.register_at_fork(after_in_child=_keep_in_child)


def get_collection(client, name: str, where: object):
    """The collection of that name. Raises MedGymError, listing the others, where there is none."""
    from chromadb.errors import ChromaError

    try:
        return client.get_collection(name, embedding_function=None)
    except ChromaError as error:
        names = ", ".join(sorted(c.name for c in client.list_collections())) or "no collection there"
        raise MedGymError("no such collection", got=name, expected=names, where=where) from error


def nearest(collection, vectors: np.ndarray, k: int) -> Found:
    """The nearest `k` of each row of `vectors` (Q, D), ties by id."""
    found = collection.query(query_embeddings=np.asarray(vectors, np.float32), n_results=k, include=["distances"])
    pairs = zip(found["ids"], found["distances"], strict=True)
    return [
        sorted(((i, 1.0 - float(d)) for i, d in zip(*pair, strict=True)), key=lambda hit: (-hit[1], hit[0]))
        for pair in pairs
    ]


def stored(collection, ids: Sequence[str]) -> np.ndarray:
    """The vectors of `ids`, float32 (N, D), in that order. Raises MedGymError for an id that is not there."""
    found: dict[str, np.ndarray] = {}
    for start in range(0, len(ids), BATCH):
        got = collection.get(ids=list(ids[start : start + BATCH]), include=["embeddings"])
        found.update(zip(got["ids"], got["embeddings"], strict=True))
    absent = [identity for identity in ids if identity not in found]
    if absent:
        raise MedGymError("no such id in the index", got=absent[0], where=collection.name)
    return np.array([found[i] for i in ids], dtype=np.float32)


class LocalReader:
    """A collection open in this process, from a private copy. `ef_search`: another search width, for this reader."""

    def __init__(self, folder: Path, collection: str, ef_search: int | None = None):
        self._copy, self._lock = private_copy(folder)
        self._client = _client(self._copy)
        try:
            self._collection = get_collection(self._client, collection, folder)
            if ef_search is not None:
                self._collection.modify(configuration={"hnsw": {"ef_search": ef_search}})
        except MedGymError:
            self.close()
            raise

    def query(self, vectors: np.ndarray, k: int) -> Found:
        return nearest(self._collection, vectors, k)

    def vectors(self, ids: Sequence[str]) -> np.ndarray:
        return stored(self._collection, ids)

    def count(self) -> int:
        return self._collection.count()

    def everything(self) -> Iterator[tuple[list[str], np.ndarray]]:
        """All (ids, vectors) in batches."""
        for start in range(0, self.count(), BATCH):
            got = self._collection.get(limit=BATCH, offset=start, include=["embeddings"])
            yield got["ids"], got["embeddings"]

    def close(self) -> None:
        """Release every handle and remove the private copy."""
        self._client.close()
        shutil.rmtree(self._copy, ignore_errors=True)
        lock = Path(f"{self._copy}.lock")
        lock.unlink(missing_ok=True)
        self._lock.close()


def private_copy(folder: Path) -> tuple[Path, object]:
    """(copy of `folder` of our own, its open lock): the database copied, the graph linked."""
    root = home() / "open"
    with locked(root / ".lock"):  # so that nobody sees a copy whose lock is not yet held
        remove_left(root)
        copy = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=root))
        lock = open(f"{copy}.lock", "w")
        fcntl.flock(lock, fcntl.LOCK_EX)
    shutil.copytree(folder, copy, dirs_exist_ok=True, copy_function=_link_graph)
    return copy, lock


def remove_left(root: Path) -> None:
    """Remove the copies of readers that were killed: those whose lock nobody holds."""
    for lock in root.glob("*.lock"):
        if lock.name == ".lock":
            continue
        with open(lock, "w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # in use
                continue
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            lock.unlink(missing_ok=True)


def _link_graph(source: str, target: str) -> None:
    if source.endswith(".bin"):  # written by a build only
        try:
            os.link(source, target)
        except OSError:  # another file system
            os.symlink(os.path.abspath(source), target)
        return
    shutil.copyfile(source, target)


class PipedReader:
    """A LocalReader in a process of its own; a question and its answer are a line of JSON each, vectors raw float32."""

    def __init__(self, folder: Path, collection: str, ef_search: int | None = None):
        where = [str(Path(folder).absolute()), collection, str(ef_search or "")]
        paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "medgym_core.knowledge.chroma", *where],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": paths},
        )
        self._turn = threading.Lock()

    def query(self, vectors: np.ndarray, k: int) -> Found:
        vectors = np.ascontiguousarray(vectors, np.float32)
        with self._turn:
            answer = self._ask({"query": vectors.shape, "k": k}, vectors.tobytes())
        return [[(identity, score) for identity, score in hits] for hits in answer["hits"]]

    def vectors(self, ids: Sequence[str]) -> np.ndarray:
        with self._turn:
            shape = self._ask({"ids": list(ids)})["shape"]
            raw = self._process.stdout.read(4 * shape[0] * shape[1])
        return np.frombuffer(raw, np.float32).reshape(shape).copy()

    def _ask(self, question: dict, raw: bytes = b"") -> dict:
        try:
            self._process.stdin.write(json.dumps(question).encode() + b"\n" + raw)
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError) as error:
            raise MedGymError("the index's own process ended", got=f"exit status {self._process.poll()}") from error
        if "error" in answer:
            raise MedGymError(answer["error"])
        return answer

    def close(self) -> None:
        self._process.stdin.close()  # it ends at the end of its input
        self._process.stdout.close()
        self._process.wait()


class ServerReader:
    """A collection of `chroma run`, which must hold it whole: `count` vectors."""

    def __init__(self, url: str, collection: str, count: int):
        self._client = server_client(url)
        self._collection = get_collection(self._client, collection, url)
        if (held := self._collection.count()) != count:
            raise MedGymError("collection on the server is not whole", got=held, expected=f"{count} vectors", where=url)

    def query(self, vectors: np.ndarray, k: int) -> Found:
        return nearest(self._collection, vectors, k)

    def vectors(self, ids: Sequence[str]) -> np.ndarray:
        return stored(self._collection, ids)

    def close(self) -> None:
        self._client.close()


def server_client(url: str):
    """A client of the server at `url`. Raises MedGymError where none answers."""
    from urllib.parse import urlsplit

    import chromadb

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise MedGymError("bad MEDGYM_CHROMA_URL", got=url, expected="such as http://127.0.0.1:8000")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    settings = chromadb.Settings(anonymized_telemetry=False)
    try:
        return chromadb.HttpClient(parts.hostname, port, ssl=parts.scheme == "https", settings=settings)
    except ValueError as error:  # what chromadb makes of a refused connection
        raise MedGymError("no Chroma server answers", got=" ".join(str(error).split()), where=url) from error


def _serve(folder: str, collection: str, ef_search: str) -> None:
    """Answer the questions of a PipedReader until its end of the pipe closes."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    reader = None
    try:
        while line := source.readline():
            question, raw = json.loads(line), b""
            try:
                reader = reader or LocalReader(Path(folder), collection, int(ef_search) if ef_search else None)
                if shape := question.get("query"):
                    vectors = np.frombuffer(source.read(4 * shape[0] * shape[1]), np.float32).reshape(shape)
                    answer = {"hits": reader.query(vectors, question["k"])}
                else:
                    vectors = reader.vectors(question["ids"])
                    answer, raw = {"shape": vectors.shape}, vectors.tobytes()
            except MedGymError as error:
                answer = {"error": str(error)}
            target.write(json.dumps(answer).encode() + b"\n" + raw)
            target.flush()
    finally:
        if reader:
            reader.close()


if __name__ == "__main__":
    _serve(*sys.argv[1:])

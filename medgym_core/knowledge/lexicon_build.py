"""Building the lexical index: passages are counted in chunks, by several processes where there are many, then merged.

A chunk's counts are its postings by term. The merge lays them behind each other, chunk after chunk, so rows ascend
within a term; the result depends on the passages and their order only, not on chunks or processes. A saved build keeps
chunks and result in memory-mapped files: no process holds more than a chunk and the vocabulary.
"""

import os
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from medgym_core.errors import MedGymError
from medgym_core.knowledge.lexicon import (
    ARRAYS,
    K1,
    PARAMETERS,
    STEPS,
    B,
    Lexicon,
    Vocabulary,
    encoded,
    idf,
    write_parameters,
)
from medgym_core.knowledge.passages import indexed_text
from medgym_core.knowledge.text import terms

CHUNK = 16_384  # passages; about 150 MB while they are counted
WORKERS = 2
ALONE = 2 * CHUNK  # passages that one process counts sooner than others start
MOST_TIMES = 65535  # a term counts in one passage
COLUMNS = ["title", "section", "text"]


@dataclass
class Counts:
    """The postings of some consecutive passages."""

    vocabulary: list[bytes]  # sorted
    matching: np.ndarray  # int64 (V,): passages with the term
    rows: np.ndarray  # int32 (P,): by term, then ascending
    times: np.ndarray  # uint16 (P,)
    lengths: np.ndarray  # int32 (N,): terms of each passage


@dataclass
class Stored:
    """Counts in a file; the arrays are read when they are merged."""

    path: Path

    def read(self) -> Counts:
        with np.load(self.path, allow_pickle=False) as file:
            found = {name: file[name] for name in ("matching", "rows", "times", "lengths")}
            letters = file["letters"].tobytes()
        return Counts(letters.split(b"\n") if letters else [], **found)


def count(texts: Sequence[str], first: int) -> Counts:
    """Count the terms of `texts`, the first of which is row `first`."""
    numbers: dict[str, int] = {}
    tokens = [[numbers.setdefault(term, len(numbers)) for term in terms(text)] for text in texts]
    lengths = np.array([len(found) for found in tokens], dtype=np.int32)
    columns = np.fromiter((number for found in tokens for number in found), dtype=np.int64, count=int(lengths.sum()))
    ordered = sorted((encoded(term), number) for term, number in numbers.items())
    place = np.zeros(len(numbers), dtype=np.int64)
    place[[number for _, number in ordered]] = np.arange(len(numbers))
    rows = np.repeat(np.arange(len(texts), dtype=np.int64), lengths)
    postings, times = np.unique(place[columns] * len(texts) + rows, return_counts=True)
    columns, rows = np.divmod(postings, len(texts))
    return Counts(
        [term for term, _ in ordered],
        np.bincount(columns, minlength=len(ordered)),
        (rows + first).astype(np.int32),
        np.minimum(times, MOST_TIMES).astype(np.uint16),
        lengths,
    )


def build(texts: Sequence[str]) -> Lexicon:
    """Index `texts` in memory. Raises MedGymError where there are none."""
    parts = [count(texts[i : i + CHUNK], i) for i in range(0, len(texts), CHUNK)]
    return merge(parts, lambda part: part, lambda name, size, kind: np.zeros(size, kind))


def build_lexicon(passages: pa.Table | Path, folder: Path, workers: int | None = None) -> None:
    """Index title, section and text of each passage (a table or its Parquet file) into `folder` (created).

    Many passages are counted by `workers` processes (2, where there are as many cores). Raises MedGymError where there
    are no passages. Stopped half-way it leaves a folder that does not open, and that the next build overwrites.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    batches, size = _batches(passages)
    if workers is None:
        workers = min(WORKERS, os.cpu_count() or 1) if size > ALONE else 1
    work = Path(tempfile.mkdtemp(prefix=".counts-", dir=folder))
    try:
        parts = [Stored(path) for path in _counted(batches, work, workers)]
        made = merge(parts, Stored.read, lambda name, size, kind: _new_file(work / f"{name}.npy", size, kind))
        made.rows.flush()
        made.impacts.flush()
        for name in ARRAYS[2:]:
            np.save(work / f"{name}.npy", made.array(name), allow_pickle=False)
        (folder / PARAMETERS).unlink(missing_ok=True)
        for name in ARRAYS:
            os.replace(work / f"{name}.npy", folder / f"{name}.npy")
        write_parameters(folder, len(made))
    finally:
        shutil.rmtree(work)


def merge(parts: Sequence, read: Callable, new: Callable) -> Lexicon:
    """One index from consecutive chunks; `read(part)` gives the Counts of one, `new(name, size, dtype)` an array.

    Reads each part twice: for the vocabulary and the sizes, then for the postings.
    """
    matching: dict[bytes, int] = {}
    lengths = []
    for part in parts:
        found = read(part)
        for term, n in zip(found.vocabulary, found.matching.tolist(), strict=True):
            matching[term] = matching.get(term, 0) + n
        lengths.append(found.lengths)
    if not sum(map(len, lengths)):
        raise MedGymError("empty corpus", got="0 texts", expected="at least one to index")
    length = np.concatenate(lengths).astype(np.float64)
    ordered = sorted(matching)
    number = {term: i for i, term in enumerate(ordered)}
    with_term = np.array([matching[term] for term in ordered], dtype=np.int64)
    starts = np.concatenate(([0], np.cumsum(with_term))).astype(np.int64)
    per_step = STEPS / idf(1, len(length))
    weight = np.array([idf(n, len(length)) for n in with_term.tolist()]) * per_step
    saturation = K1 * (1 - B + B * length / max(length.mean(), 1.0))
    rows, impacts = new("rows", int(starts[-1]), np.int32), new("impacts", int(starts[-1]), np.uint16)
    largest, next_free = np.zeros(len(ordered), np.uint16), starts[:-1].copy()
    for part in parts:
        found = read(part)
        columns = np.array([number[term] for term in found.vocabulary], dtype=np.int64)
        first = np.cumsum(found.matching) - found.matching  # where the chunk's postings of each term start
        at = np.repeat(next_free[columns] - first, found.matching) + np.arange(len(found.rows))
        score = np.repeat(weight[columns], found.matching) * found.times / (found.times + saturation[found.rows])
        impact = np.maximum(np.rint(score), 1).astype(np.uint16)  # 1 at least: a common term is a match
        rows[at], impacts[at] = found.rows, impact
        if len(columns):
            largest[columns] = np.maximum(largest[columns], np.maximum.reduceat(impact, first))
        next_free[columns] += found.matching
    return Lexicon(len(length), rows, impacts, starts, largest, Vocabulary.of(ordered))


def _batches(passages: pa.Table | Path) -> tuple[Iterator[pa.RecordBatch], int]:
    """(title, section, text) in batches of CHUNK at most, without holding a file's text in memory; how many rows."""
    if isinstance(passages, pa.Table):
        return iter(passages.select(COLUMNS).to_batches(CHUNK)), passages.num_rows
    file = pq.ParquetFile(passages)
    return file.iter_batches(CHUNK, columns=COLUMNS), file.metadata.num_rows


def _counted(batches: Iterable[pa.RecordBatch], work: Path, workers: int) -> Iterator[Path]:
    """Count each batch into a file of its own; their paths, in order."""
    first = 0
    with _pool(workers) as run:
        running: deque = deque()
        for i, batch in enumerate(batches):
            arguments = (batch.serialize().to_pybytes(), batch.schema, first, str(work / f"{i}.npz"))
            running.append(run(_count_to_file, *arguments))
            first += batch.num_rows
            if len(running) > workers:
                yield Path(running.popleft()())
        while running:
            yield Path(running.popleft()())


@contextmanager
def _pool(workers: int) -> Iterator[Callable]:
    """`run(function, ...)`, in this process or in one of `workers` new ones; what it returns gives the result."""
    if workers == 1:
        yield lambda function, *arguments: partial(function, *arguments)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:  # a fork copies the threads of others
        yield lambda function, *arguments: pool.submit(function, *arguments).result


def _count_to_file(serialized: bytes, schema: pa.Schema, first: int, path: str) -> str:
    batch = pa.ipc.read_record_batch(pa.py_buffer(serialized), schema)
    columns = (batch[name].to_pylist() for name in COLUMNS)
    found = count([indexed_text(*row) for row in zip(*columns, strict=True)], first)
    letters = np.frombuffer(b"\n".join(found.vocabulary), dtype=np.uint8)
    np.savez(path, letters=letters, matching=found.matching, rows=found.rows, times=found.times, lengths=found.lengths)
    return path


def _new_file(path: Path, size: int, kind: type) -> np.ndarray:
    return np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=(size,))

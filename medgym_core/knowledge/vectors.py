"""The vector cache: each passage is encoded once by each encoder, whoever asks and however often the run is killed.

    <cache>/<encoder digest>/part-<number>-<rows>-<random>.parquet    id string, vector float16[D]: a batch, or several
    <cache>/<encoder digest>/damaged-<part>                           did not read; set aside and encoded again

A part is written beside and renamed, so a killed run loses at most the batch under way. Several writers may work at
once: their parts have names of their own, and a text that two of them encoded is a harmless repetition (the part that
sorts first counts). Pages carry checksums: a flipped bit is damage, not a wrong neighbour.
"""

import fcntl
import os
import re
import uuid
import warnings
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from medgym_core.errors import MedGymError
from medgym_core.knowledge.encoders import Encoder

PART = re.compile(r"part-(\d{8,})-(\d+)-[0-9a-f]{12}\.parquet")
BATCH = 1024  # texts: about 10 s of `quality`, .2 s of `fast`
MANY_PARTS = 64  # from so many on they are merged: opening a file costs as much as reading a thousand rows
MERGED_ROWS = 65_536  # of one merged part: 50 MB at 384 dimensions
DAMAGE = (OSError, pa.ArrowException, KeyError)  # what reading a broken Parquet file raises


@dataclass
class Encoded:
    """What `encode_all` did."""

    encoded: int = 0
    """Texts given to the encoder."""
    reused: int = 0
    """Ids whose vector was there."""
    damaged: list[str] = field(default_factory=list)
    """Parts that did not read: file and reason. Their passages were encoded again."""


def encode_all(
    ids: Sequence[str],
    texts: Sequence[str],
    encoder: Encoder,
    cache: Path,
    progress: Callable[[int, int], None] | None = None,
    batch: int = BATCH,
) -> Encoded:
    """Make sure that the cache holds the vector of every id; `texts` are read only where one is missing.

    `progress(done, all)` is called after each batch. Raises MedGymError where ids and texts differ in number, or the
    encoder gives vectors of another shape or without a number; what was encoded before stays.
    """
    if len(ids) != len(texts):
        raise MedGymError("ids and texts differ", got=f"{len(ids)} ids, {len(texts)} texts", expected="one text an id")
    folder = Path(cache) / encoder.digest
    folder.mkdir(parents=True, exist_ok=True)
    done = Encoded()
    seen = _Seen(folder, encoder.dim, done.damaged)
    seen.look()
    missing = [row for row, identity in enumerate(ids) if identity not in seen.ids]
    done.reused = len(ids) - len(missing)
    for start in range(0, len(missing), batch):
        seen.look()  # what another writer has finished meanwhile
        rows = _first_of_each(ids, missing[start : start + batch], seen.ids)
        if rows:
            vectors = _checked(encoder.encode([texts[row] for row in rows]), len(rows), encoder)
            names = [ids[row] for row in rows]
            seen.add(_write(folder, seen.next_number, names, vectors), names)
            done.encoded += len(rows)
        if progress:
            progress(done.reused + min(start + batch, len(missing)), len(ids))
    _merge(folder, encoder.dim)
    return done


def vectors_of(ids: Sequence[str], encoder: Encoder, cache: Path, out: np.ndarray | None = None) -> np.ndarray:
    """The cached vectors of `ids`, float16 (N, D) in that order; into `out` where given, a memory map say.

    Beside the result it holds one part and a table of the ids. Raises MedGymError where vectors are missing.
    """
    ids = list(ids)
    if out is None:
        out = np.zeros((len(ids), encoder.dim), dtype=np.float16)
    if out.shape != (len(ids), encoder.dim) or out.dtype != np.float16:
        got = f"{out.dtype} {out.shape}"
        raise MedGymError("wrong array for vectors", got=got, expected=f"float16 ({len(ids)}, {encoder.dim})")
    missing = {identity: row for row, identity in enumerate(ids)}
    first_row = dict(missing) if len(missing) < len(ids) else missing
    damaged: list[str] = []
    for names, vectors in _parts(Path(cache) / encoder.digest, encoder.dim, damaged):
        pairs = [(missing.pop(name), at) for at, name in enumerate(names) if name in missing]
        if pairs:
            rows, at = np.array(pairs).T
            out[rows] = vectors[at]
    if missing:
        got = f"{len(missing)} of {len(ids)} without a vector" + "".join(f"; {why}" for why in damaged)
        raise MedGymError("vectors missing", got=got, expected="encode_all first", where=Path(cache) / encoder.digest)
    if first_row is not missing:
        for row, identity in enumerate(ids):  # repeated ids
            out[row] = out[first_row[identity]]
    return out


class _Seen:
    """The ids in the cache; `look` adds those of parts that appeared since."""

    def __init__(self, folder: Path, dim: int, damaged: list[str]):
        self.folder, self.dim, self.damaged = folder, dim, damaged
        self.ids: set[str] = set()
        self.files: set[str] = set()

        self.next_number = 0

    def look(self) -> None:
        for path in _listed(self.folder, besides=self.files):
            if (part := _read(path, self.dim, self.damaged)) is not None:
                self.add(path, part[0])

    def add(self, path: Path, ids: list[str]) -> None:
        self.files.add(path.name)
        self.ids.update(ids)
        self.next_number = max(self.next_number, _number(path.name) + 1)


def _first_of_each(ids: Sequence[str], rows: list[int], known: set[str]) -> list[int]:
    """`rows` without those of known ids and without repetitions."""
    first: dict[str, int] = {}
    for row in rows:
        if ids[row] not in known:
            first.setdefault(ids[row], row)
    return list(first.values())


def _checked(vectors: np.ndarray, count: int, encoder: Encoder) -> np.ndarray:
    vectors = np.asarray(vectors)
    if vectors.shape != (count, encoder.dim) or not np.isfinite(vectors).all():
        got = f"shape {vectors.shape}, {int((~np.isfinite(vectors)).sum())} values that are no numbers"
        raise MedGymError("encoder gave wrong vectors", got=got, expected=f"({count}, {encoder.dim}) finite values")
    return vectors.astype(np.float16)


def _listed(folder: Path, besides: Container[str] = ()) -> list[Path]:
    """The parts in order, without those named `besides`; none where there is no folder."""
    names = os.listdir(folder) if folder.is_dir() else []
    return [folder / name for name in sorted(names) if name not in besides and PART.fullmatch(name)]


def _number(name: str) -> int:
    return int(PART.fullmatch(name)[1])


def _rows(name: str) -> int:
    return int(PART.fullmatch(name)[2])


def _parts(folder: Path, dim: int, damaged: list[str]) -> Iterator[tuple[list[str], np.ndarray]]:
    """Every readable part: ids and vectors float16 (n, D). Parts merged away meanwhile are found where they went."""
    gone, read = True, set()
    while gone:
        gone = False
        for path in _listed(folder, besides=read):
            part = _read(path, dim, damaged)
            gone = gone or (part is None and not path.exists())
            if part is not None:
                read.add(path.name)
                yield part


def _read(path: Path, dim: int, damaged: list[str]) -> tuple[list[str], np.ndarray] | None:
    """A part, or None where it is gone or damaged; a damaged one is renamed, warned about and added to `damaged`."""
    try:
        table = pq.read_table(path, columns=["id", "vector"], page_checksum_verification=True, partitioning=None)
        vectors = table["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        if vectors.dtype != np.float16 or len(vectors) != table.num_rows * dim or not np.isfinite(vectors).all():
            raise pa.ArrowInvalid(f"{vectors.dtype} {len(vectors)}, not float16 {table.num_rows} x {dim}")
    except FileNotFoundError:
        return None  # merged by another process
    except DAMAGE as error:
        if getattr(error, "errno", None):
            raise  # the system's trouble (rights, too many open files), not the file's
        why = f"{path.name}: {' '.join(str(error).split())[:200]}"
        warnings.warn(f"damaged vectors set aside, to be encoded again: {why}", stacklevel=2)
        damaged.append(why)
        with suppress(FileNotFoundError):  # another process has set it aside
            path.replace(path.with_name(f"damaged-{path.name}"))
        return None
    return table["id"].to_pylist(), vectors.reshape(-1, dim)


def _write(folder: Path, number: int, ids: list[str], vectors: np.ndarray) -> Path:
    """Write a part beside and rename. Vectors: float16 (n, D)."""
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
    path = folder / f"part-{number:08}-{len(ids)}-{uuid.uuid4().hex[:12]}.parquet"
    beside = path.with_name(f".{path.name}")
    table = pa.table({"id": pa.array(ids, pa.string()), "vector": column})
    pq.write_table(table, beside, compression="none", use_dictionary=False, write_page_checksum=True)
    os.replace(beside, path)
    return path


def _merge(folder: Path, dim: int) -> None:
    """Merge small parts once they are many. Only one process does; the others go on with the parts they see."""
    small = [path for path in _listed(folder) if _rows(path.name) < MERGED_ROWS]
    if len(small) < MANY_PARTS:
        return
    with open(folder / ".merging", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        while small:
            size = 1
            while size < len(small) and sum(_rows(path.name) for path in small[:size]) < MERGED_ROWS:
                size += 1
            _join(folder, small[:size], dim)
            small = small[size:]


def _join(folder: Path, paths: list[Path], dim: int) -> None:
    """One part in place of several; the first vector of an id counts. It takes the number of the first."""
    parts = [part for path in paths if (part := _read(path, dim, [])) is not None]
    if len(parts) < 2:
        return
    names = [name for part, _ in parts for name in part]
    rows = sorted({name: row for row, name in reversed(list(enumerate(names)))}.values())
    vectors = np.concatenate([vectors for _, vectors in parts])
    _write(folder, _number(paths[0].name), [names[row] for row in rows], vectors[rows])
    for path in paths:
        path.unlink(missing_ok=True)

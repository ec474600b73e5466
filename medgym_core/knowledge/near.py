"""Near duplicates: passages on one subject whose texts share at least 80 % of their three-word runs.

Candidates come from MinHash signatures (rensa) that agree in a band under one title; each is then compared exactly,
so no passage is dropped by the luck of a hash. A passage goes only if

- at least 30 words long: in a shorter one a single word is the meaning;
- the kept one has the same subject, that is the same words in its title: one text about two diseases is two facts,
  and titles that differ in one word are often two diseases ("B-cell", "T-cell"; "stage IV", "stage IVB");
- no number was replaced by another: another dose is another fact. (One that stands in one text only, such as a
  reference mark, does not count.)

Rows come in order of preference. A row is compared with the rows kept before it, never with a dropped one, so the
answer does not drift along chains of ever less similar texts.
"""

from collections import defaultdict
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from medgym_core.knowledge.wordhash import WordHashes, joined, run_hashes, within, word_bytes

SHINGLE = 3  # words
ALIKE = 0.8  # Jaccard similarity of the three-word runs
SHORTEST = 30  # words
PERMUTATIONS = 64  # slots of a signature: with the title's 260 bytes a passage, 215 MB at 828,000
BANDS, WIDTH = 12, 5  # a pair of similarity .8 agrees in a band with a chance of .991, one of .3 with .03
ESTIMATE = 0.6  # share of equal slots below which a pair is not compared: four standard deviations under ALIKE
SEED = 0


def signatures(stream: np.ndarray, starts: np.ndarray, titles: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """MinHash signatures of the three-word runs of each text, and in the last column a hash of its title's words.

    A passage begins at `starts` in the stream, its title ends at `titles` and its text begins at `texts`; uint32
    (N, PERMUTATIONS + 1).
    """
    from rensa import RMinHash

    count = len(starts) - 1
    places, rows = within(starts, SHINGLE, texts)
    offsets = np.zeros(count + 1, dtype=np.uint64)
    np.cumsum(np.bincount(rows, minlength=count), out=offsets[1:])
    runs = run_hashes(stream, SHINGLE)[places]
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(runs, offsets, PERMUTATIONS, SEED)
    slots = np.array(matrix.to_rows(), dtype=np.uint32).reshape(count, PERMUTATIONS)
    sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(stream)])  # modulo 2^64: any order of the words
    title = (sums[titles] - sums[starts[:-1]]) >> np.uint64(32)
    return np.concatenate([slots, title.astype(np.uint32)[:, None]], axis=1)


def near_duplicates(signature: np.ndarray, lengths: np.ndarray, read: Callable[[int], tuple[str, str]]) -> np.ndarray:
    """For each row the kept row it nearly repeats, or -1; int64 (N,).

    `signature` (N, PERMUTATIONS + 1) and `lengths` (N,), words of the text, are in order of preference;
    `read(row)` gives (title, text).
    """
    repeats = np.full(len(signature), -1, dtype=np.int64)
    long_enough = np.flatnonzero(lengths >= SHORTEST)
    rows, buckets = _shared_buckets(signature[long_enough])
    rows = long_enough[rows]
    kept: dict[int, list[int]] = defaultdict(list)  # bucket: its kept rows
    hashes = WordHashes()
    shape = lru_cache(maxsize=20_000)(lambda row: _shape(*read(row), hashes))
    bounds = np.flatnonzero(np.diff(rows, prepend=-1, append=-1))
    for begin, end in zip(bounds[:-1], bounds[1:], strict=True):
        row, held = int(rows[begin]), buckets[begin:end].tolist()
        others = np.array(sorted({other for bucket in held for other in kept.get(bucket, ())}), dtype=np.int64)
        equal = signature[others, :PERMUTATIONS] == signature[row, :PERMUTATIONS]
        likely = others[equal.mean(axis=1) >= ESTIMATE]
        repeats[row] = next((other for other in likely.tolist() if _alike(shape(row), shape(other))), -1)
        if repeats[row] < 0:
            for bucket in held:
                kept[bucket].append(row)
    return repeats


def _shared_buckets(signature: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(rows in order, numbers of the buckets they share with another row); two int64 arrays (P,)."""
    rows, buckets, known = [], [], 0
    for band in range(BANDS):
        slots = signature[:, [*range(band * WIDTH, (band + 1) * WIDTH), PERMUTATIONS]].astype(np.uint64)
        _, bucket, counts = np.unique(
            run_hashes(slots.ravel(), WIDTH + 1)[:: WIDTH + 1], return_inverse=True, return_counts=True
        )
        shared = np.flatnonzero(counts[bucket] > 1)
        rows.append(shared)
        buckets.append(bucket[shared] + known)
        known += len(counts)
    row, bucket = np.concatenate(rows), np.concatenate(buckets)
    order = np.lexsort((bucket, row))
    return row[order], bucket[order]


class _Shape(NamedTuple):
    title: list[bytes]
    runs: np.ndarray  # distinct hashes of three-word runs, sorted
    numbers: frozenset[bytes]


def _shape(title: str, text: str, hashes: WordHashes) -> _Shape:
    words = word_bytes(text)
    runs = np.unique(run_hashes(joined([words], hashes)[0], SHINGLE))
    return _Shape(sorted(word_bytes(title)), runs, frozenset(w for w in words if w[:1].isdigit()))


def _alike(a: _Shape, b: _Shape) -> bool:
    if a.title != b.title or (a.numbers - b.numbers and b.numbers - a.numbers):
        return False
    shared = len(np.intersect1d(a.runs, b.runs, assume_unique=True))
    return shared >= ALIKE * (len(a.runs) + len(b.runs) - shared)

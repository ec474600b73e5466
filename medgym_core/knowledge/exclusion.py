"""Benchmark text kept out of the knowledge base: runs of 13 words, and whole questions of 8 to 12.

Words are compared in lower case without punctuation, by 64-bit hashes of runs. The rule errs on the safe side: a run
that is ordinary boilerplate excludes too. `Excluded.report` names the texts that excluded most and the runs found in
many documents, so that a person can judge.
"""

from collections.abc import Iterable
from itertools import islice

import numpy as np

from medgym_core.knowledge.wordhash import WordHashes, run_hashes, within, word_bytes, word_stream

GRAM = 13  # words: the usual length of a contamination n-gram (GPT-3, Brown et al. 2020)
SHORTEST_QUESTION = 8  # words: a question of 8 to 12 words is looked for whole; shorter ones are ordinary phrases
SPARE_BITS = 5  # flags for 32 to 64 times the runs: one false alarm in 50, which the hashes settle
MOST_BITS = 27  # 128 MB of flags
BATCH = 5_000  # texts taken apart at once
COMMON = 20  # documents: a run that excludes passages of more of them is reported as common
SHOWN = 20  # common runs in a report

Text = str | tuple[str, str]
"""A blocked text, or (name of the file it stands in, text)."""


class Blocked:
    """The runs of words that no passage may hold, with the names of the texts they come from."""

    def __init__(self, texts: Iterable[Text], hashes: WordHashes | None = None):
        """Reads `texts` once; they are not kept."""
        self.names: list[str] = []
        number: dict[str, int] = {}
        hashes = WordHashes() if hashes is None else hashes
        found: dict[int, list[tuple[np.ndarray, np.ndarray]]] = {}  # run size: (hashes, numbers of names)
        pairs = (("", text) if isinstance(text, str) else text for text in texts)
        while batch := list(islice(pairs, BATCH)):
            stream, starts = word_stream((text for _, text in batch), hashes)
            origin = np.array([number.setdefault(name, len(number)) for name, _ in batch], dtype=np.uint16)
            lengths = np.diff(starts)
            for size in range(SHORTEST_QUESTION, GRAM + 1):
                places, rows = within(starts, size)
                wanted = np.ones(len(rows), dtype=bool) if size == GRAM else lengths[rows] == size
                if wanted.any():
                    runs = run_hashes(stream, size)[places[wanted]]
                    found.setdefault(size, []).append((runs, origin[rows[wanted]]))
        self.names = list(number)
        self._runs = {size: _Runs(parts) for size, parts in sorted(found.items())}

    def __bool__(self) -> bool:
        return bool(self._runs)

    def hits(self, stream: np.ndarray, starts: np.ndarray) -> Iterable[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
        """(run size, rows, words before the run in the row, numbers of the runs) of all blocked runs in a stream."""
        for size, runs in self._runs.items():
            hashes = run_hashes(stream, size)
            suspects = np.flatnonzero(runs.flags[hashes >> runs.shift])
            row = np.searchsorted(starts, suspects, side="right") - 1
            inside = suspects + size <= starts[row + 1]
            suspects, row = suspects[inside], row[inside]
            at = np.searchsorted(runs.values, hashes[suspects])
            same = runs.values[np.minimum(at, len(runs.values) - 1)] == hashes[suspects]
            suspects, row, at = suspects[same], row[same], at[same]
            yield size, row, suspects - starts[row], at

    def names_of(self, size: int, runs: np.ndarray) -> list[np.ndarray]:
        """The numbers of the names each run comes from."""
        found = self._runs[size]
        return [found.names[found.first[run] : found.first[run + 1]] for run in runs]


class _Runs:
    """Runs of one size: distinct hashes, sorted, and the names of each."""

    def __init__(self, parts: list[tuple[np.ndarray, np.ndarray]]):
        values, names = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((names, values))
        values, names = values[order], names[order]
        fresh = np.ones(len(values), dtype=bool)
        fresh[1:] = (values[1:] != values[:-1]) | (names[1:] != names[:-1])
        values, self.names = values[fresh], names[fresh]
        self.values, first = np.unique(values, return_index=True)
        self.first = np.append(first, len(values))
        bits = min(len(self.values).bit_length() + SPARE_BITS, MOST_BITS)
        self.shift = np.uint64(64 - bits)
        self.flags = np.zeros(1 << bits, dtype=bool)
        self.flags[self.values >> self.shift] = True


class Excluded:
    """Collects, batch by batch, which passages hold a blocked run, and why."""

    def __init__(self, blocked: Blocked):
        self.blocked = blocked
        self._found: list[tuple[int, np.ndarray, np.ndarray, np.ndarray]] = []  # size, rows, offsets, runs
        self._rows = 0

    def add(self, stream: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Whether each text of the batch is excluded; bool (N,)."""
        hit = np.zeros(len(starts) - 1, dtype=bool)
        for size, rows, offsets, runs in self.blocked.hits(stream, starts) if self.blocked else ():
            hit[rows] = True
            if len(rows):
                self._found.append((size, rows + self._rows, offsets, runs))
        self._rows += len(hit)
        return hit

    def report(self, documents: np.ndarray, texts) -> dict:
        """{"excluded_by": {name: passages}, "common_runs": [{"run", "documents", "names"}]}.

        `documents` numbers the document of each row (N,); `texts(row)` gives what was added for a row.
        """
        by_name = np.zeros(len(self.blocked.names), dtype=np.int64)
        common: list[tuple[int, int, int, int, int]] = []  # documents, size, run, row, offset
        pairs: list[np.ndarray] = []
        for size in sorted({found[0] for found in self._found}):
            parts = [found[1:] for found in self._found if found[0] == size]
            rows, offsets, runs = (np.concatenate(column) for column in zip(*parts, strict=True))
            names = self.blocked.names_of(size, runs)
            counts = np.array([len(n) for n in names])
            pairs.append(np.stack([np.repeat(rows, counts), np.concatenate(names).astype(np.int64)], axis=1))
            held = np.unique(np.stack([runs, documents[rows]], axis=1), axis=0)
            numbers, spread = np.unique(held[:, 0], return_counts=True)
            for run, count in zip(numbers[spread > COMMON], spread[spread > COMMON], strict=True):
                at = int(np.flatnonzero(runs == run)[0])
                common.append((int(count), size, int(run), int(rows[at]), int(offsets[at])))
        if pairs:
            by_name = np.bincount(np.unique(np.concatenate(pairs), axis=0)[:, 1], minlength=len(by_name))
        counted = {name: int(n) for name, n in zip(self.blocked.names, by_name, strict=True) if n}
        return {"excluded_by": dict(sorted(counted.items())), "common_runs": self._common(common, texts)}

    def _common(self, found: list[tuple[int, int, int, int, int]], texts) -> list[dict]:
        """The runs of most documents; of overlapping ones the first."""
        shown: list[dict] = []
        taken: set[tuple[int, int]] = set()  # (row, offset) of words already shown
        for count, size, run, row, offset in sorted(found, key=lambda f: (-f[0], f[3], f[4])):
            places = {(row, i) for i in range(offset, offset + size)}
            if len(shown) < SHOWN and not places & taken:
                taken |= places
                text = b" ".join(word_bytes(texts(row))[offset : offset + size]).decode()
                names = sorted(self.blocked.names[n] for n in self.blocked.names_of(size, np.array([run]))[0])
                shown.append({"run": text, "documents": count, "names": names})
        return shown


def contains_any(texts: list[str], blocked: Iterable[Text]) -> np.ndarray:
    """For each text, whether it holds a 13-word run of a blocked text, or a whole one of 8 to 12 words; bool (N,)."""
    hashes = WordHashes()
    excluded = Excluded(Blocked(blocked, hashes))
    hits = [excluded.add(*word_stream(texts[i : i + BATCH], hashes)) for i in range(0, len(texts), BATCH)]
    return np.concatenate(hits) if hits else np.zeros(0, dtype=bool)

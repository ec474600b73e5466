"""The lexical index: BM25 (Robertson; Lucene's variant) with the scores computed at indexing time.

Stemmed terms, k1 = .9, b = .4 (slightly better than 1.2 / .75 on biomedical sets). A posting is a row (a passage's
position in the passages table) and its impact, the BM25 score as a whole number of 1/65535 of the largest score a term
can have. Sums of whole numbers are the same in any order and on any machine, so every way to a top ten gives the same
one. Reading needs NumPy only; the arrays are memory-mapped, so all processes share one copy of them.

The best k are exact without reading every posting (MaxScore; Turtle and Flood 1995): terms are added by falling largest
impact, and once the k-th best score so far exceeds what the remaining terms can give together, these are only looked up
for passages that can still win. "Treatment" and "patients" of a question cost next to nothing.
"""

import json
import math
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from medgym_core.artifacts import write_atomic
from medgym_core.errors import MedGymError
from medgym_core.knowledge.text import terms

K1, B = 0.9, 0.4
STEPS = 65535  # of an impact: 2e-4 of a score at 828,000 passages
FORMAT = 2
DEAR = 4096  # postings; before reading more, completing the sums of the leading passages may spare them
LOOK_UP = 12  # postings read in the time of one looked up
SPARE = 30  # leading passages beside twice the wanted ones
MOST_TERMS = 32_767  # of a query: the sums stay below 2^31
ARRAYS = ("rows", "impacts", "starts", "largest", "letters", "ends")
PARAMETERS = "lexicon.json"


class Wanted(NamedTuple):
    """A term of a query."""

    number: int
    times: int
    """It stands in the query."""
    bound: int
    """The most it can add to a sum."""


@dataclass
class Vocabulary:
    """Sorted terms as one array of UTF-8 bytes, searched by bisection: opening reads nothing."""

    letters: np.ndarray  # uint8 (L,): the terms, one after the other, in byte order
    ends: np.ndarray  # int64 (V,): where each ends

    @classmethod
    def of(cls, ordered: Sequence[bytes]) -> "Vocabulary":
        ends = np.cumsum([len(term) for term in ordered], dtype=np.int64)
        return cls(np.frombuffer(b"".join(ordered), dtype=np.uint8), ends)

    def __len__(self) -> int:
        return len(self.ends)

    def __contains__(self, term: str) -> bool:
        return self.find(term) is not None

    def find(self, term: str) -> int | None:
        """The term's number, or None."""
        wanted = encoded(term)
        low, high = 0, len(self.ends)
        while low < high:
            middle = (low + high) // 2
            if self._term(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self.ends) and self._term(low) == wanted else None

    def _term(self, number: int) -> bytes:
        start = self.ends[number - 1] if number else 0
        return self.letters[start : self.ends[number]].tobytes()


@dataclass
class Lexicon:
    """An open lexical index over `count` passages."""

    count: int
    rows: np.ndarray  # int32 (P,): the postings' rows, ascending within a term
    impacts: np.ndarray  # uint16 (P,)
    starts: np.ndarray  # int64 (V + 1,): where each term's postings start
    largest: np.ndarray  # uint16 (V,): the largest impact of each term
    vocabulary: Vocabulary
    _local: threading.local = field(default_factory=threading.local, repr=False)

    def __post_init__(self) -> None:
        self.unit = idf(1, self.count) / STEPS  # score of one step
        self._find = lru_cache(1 << 14)(self.vocabulary.find)

    def __len__(self) -> int:
        return self.count

    @classmethod
    def build(cls, texts: Sequence[str]) -> "Lexicon":
        """Index `texts` in memory. Raises MedGymError where there are none."""
        from medgym_core.knowledge.lexicon_build import build

        return build(texts)

    def save(self, folder: Path) -> None:
        """Write the index into `folder` (created)."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name in ARRAYS:
            np.save(folder / f"{name}.npy", self.array(name), allow_pickle=False)
        write_parameters(folder, self.count)

    def array(self, name: str) -> np.ndarray:
        """One of ARRAYS."""
        return getattr(self.vocabulary if name in ("letters", "ends") else self, name)

    @classmethod
    def load(cls, folder: Path) -> "Lexicon":
        """Open the index in `folder`, arrays memory-mapped. Raises MedGymError where it is missing or broken."""
        folder = Path(folder)
        try:
            parameters = json.loads((folder / PARAMETERS).read_text(encoding="utf-8"))
            found = {name: _mapped(folder / f"{name}.npy") for name in ARRAYS}
            count, form = parameters["passages"], parameters["format"]
        except (OSError, EOFError, ValueError, KeyError) as error:
            got = " ".join(str(error).split())
            raise MedGymError(
                "unreadable lexicon", got=got, expected="an index written by build_lexicon", where=folder
            ) from error
        vocabulary = Vocabulary(found.pop("letters"), found.pop("ends"))
        sizes = (form, len(found["starts"]), len(found["largest"]), len(found["impacts"]), int(found["starts"][-1]))
        wanted = (FORMAT, len(vocabulary) + 1, len(vocabulary), len(found["rows"]), len(found["rows"]))
        if sizes != wanted:
            raise MedGymError("damaged lexicon", got=sizes, expected=f"{wanted} (format and lengths)", where=folder)
        return cls(count, **found, vocabulary=vocabulary)

    def rarity(self, term: str) -> float:
        """Inverse document frequency of a term (a stem); 0 for one that no passage holds."""
        number = self._find(term)
        return 0.0 if number is None else idf(int(self.starts[number + 1] - self.starts[number]), self.count)

    def scores(self, query: str) -> np.ndarray:
        """BM25 score of every passage for `query`; float32 (N,). Zero: no term in common."""
        total = np.zeros(self.count, dtype=np.int32)
        for term in self._wanted(query):
            rows, impacts = self._postings(term.number)
            total[rows] += impacts * np.int32(term.times)  # a row stands once in a term's postings
        return (total * self.unit).astype(np.float32)

    def scores_of(self, query: str, rows: np.ndarray) -> np.ndarray:
        """BM25 scores of some passages, float32; `rows` ascending."""
        return (self._sums(self._wanted(query), rows.astype(np.int32)) * self.unit).astype(np.float32)

    def search(self, query: str, k: int, allowed: np.ndarray | None = None) -> list[tuple[int, float]]:
        """The best `k` (row, score), best first, equal scores in row order; passages without a common term stay out.

        `allowed`, bool (N,), leaves the other passages out before anything is ranked.
        """
        rows, score = self.best(query, k, allowed)
        return list(zip(rows.tolist(), score.tolist(), strict=True))

    def best(self, query: str, k: int, allowed: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """As `search`: rows int32 (<= k,) and scores float32."""
        wanted = self._wanted(query)
        total, touched = self._zeros(), []
        try:
            rows = self._able(wanted, k, allowed, total, touched)
            score = total[rows]
        finally:
            for part in touched:
                total[part] = 0
        chosen = top(score, k)
        return rows[chosen], (score[chosen] * self.unit).astype(np.float32)

    def _able(self, wanted: list["Wanted"], k: int, allowed: np.ndarray | None, total, touched: list) -> np.ndarray:
        """Rows, ascending, that hold the best `k`; `total` has their full sums, `touched` lists what was written to."""
        rest = np.cumsum([0] + [term.bound for term in reversed(wanted)])[::-1].tolist()  # what terms i.. give at most
        least = 0  # at least `k` passages reach this sum
        leaders = np.zeros(0, np.int32)
        able = None  # once the terms left cannot lift a new passage to `least`: those that can still reach it
        for i, term in enumerate(wanted):
            rows, impacts = self._postings(term.number)
            if able is None and least <= rest[i] and len(leaders) and len(rows) > DEAR:
                least = max(least, _kth(total[leaders] + self._sums(wanted[i:], leaders), k))
            if able is None and least > rest[i]:
                able = _unique(part[total[part] >= least - rest[i]] for part in touched)
            if able is not None and len(able) * LOOK_UP < len(rows):
                total[able] += self._sums([term], able)
            else:
                if allowed is not None:
                    keep = allowed[rows]
                    rows, impacts = rows[keep], impacts[keep]
                touched.append(rows)
                at = rows.astype(np.intp)  # once: indexing by int32 casts each time
                found = total[at] + impacts * np.int32(term.times)
                total[at] = found
                if able is None:
                    leaders = _unique((leaders, rows[_highest(found, 2 * k + SPARE)]))
                    leaders = leaders[_highest(total[leaders], 2 * k + SPARE)]
            sums = total[leaders if able is None else able]
            least = max(least, _kth(sums, k))
            if able is not None:
                able = able[sums >= least - rest[i + 1]]
        return _unique(part[total[part] >= least] for part in touched) if able is None else able

    def _wanted(self, query: str) -> list["Wanted"]:
        """The known terms of a query, those that narrow most for what they cost first."""
        numbers = ((self._find(term), times) for term, times in Counter(terms(query)[:MOST_TERMS]).items())
        known = [Wanted(n, times, times * int(self.largest[n])) for n, times in numbers if n is not None]
        starts = self.starts
        return sorted(known, key=lambda t: (-t.bound / int(starts[t.number + 1] - starts[t.number]), t.number))

    def _postings(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        part = slice(self.starts[number], self.starts[number + 1])
        return self.rows[part], self.impacts[part]

    def _sums(self, wanted: Sequence["Wanted"], rows: np.ndarray) -> np.ndarray:
        """What the terms give each of `rows` (int32, ascending) together; int32."""
        total = np.zeros(len(rows), dtype=np.int32)
        for term in wanted:
            stored, impacts = self._postings(term.number)
            at = np.minimum(np.searchsorted(stored, rows), len(stored) - 1)
            total += np.where(stored[at] == rows, impacts[at], 0) * np.int32(term.times)
        return total

    def _zeros(self) -> np.ndarray:
        """This thread's sums, int32 (N,): all zero between queries."""
        if not hasattr(self._local, "total"):
            self._local.total = np.zeros(self.count, dtype=np.int32)
        return self._local.total


def encoded(term: str) -> bytes:
    return term.encode("utf-8", "surrogatepass")


def write_parameters(folder: Path, count: int) -> None:
    """The last file of a saved index: without it the folder does not open."""
    parameters = {"format": FORMAT, "passages": count, "k1": K1, "b": B, "steps": STEPS}
    write_atomic(folder / PARAMETERS, json.dumps(parameters, indent=1))


def build_lexicon(passages: Any, folder: Path, workers: int | None = None) -> None:
    """Index title, section and text of each passage into `folder`; as `lexicon_build.build_lexicon`."""
    from medgym_core.knowledge import lexicon_build

    lexicon_build.build_lexicon(passages, folder, workers)


def _mapped(path: Path) -> np.ndarray:
    """A memory-mapped array, as a plain array: the subclass makes each slice ten times dearer."""
    return np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)


def idf(matching: int, rows: int) -> float:
    return math.log(1 + (rows - matching + 0.5) / (matching + 0.5))


def _kth(score: np.ndarray, k: int) -> int:
    """The `k`-th largest; 0 where there are fewer."""
    return int(np.partition(score, len(score) - k)[len(score) - k]) if len(score) >= k else 0


def _unique(parts: Iterable[np.ndarray]) -> np.ndarray:
    """The rows of all `parts`, ascending (by sorting: NumPy's hashing `unique` takes twenty times as long here)."""
    rows = np.sort(np.concatenate([np.zeros(0, np.int32), *parts]))
    first = np.ones(len(rows), dtype=bool)
    np.not_equal(rows[1:], rows[:-1], out=first[1:])
    return rows[first]


def _highest(score: np.ndarray, k: int) -> np.ndarray:
    """Positions of `k` largest scores, ascending."""
    return (
        np.sort(np.argpartition(score, len(score) - k)[len(score) - k :]) if k < len(score) else np.arange(len(score))
    )


def top(score: np.ndarray, k: int) -> np.ndarray:
    """Positions of the `k` largest scores, largest first; ties go to the lower position, whatever the algorithm."""
    if k < len(score):
        least = np.partition(score, len(score) - k)[len(score) - k]
        above = np.flatnonzero(score > least)
        chosen = np.concatenate((above, np.flatnonzero(score == least)[: k - len(above)]))
    else:
        chosen = np.arange(len(score))
    return chosen[np.lexsort((chosen, -score[chosen]))]

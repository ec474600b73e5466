"""The fast text encoder: latent semantic analysis (Deerwester et al. 1990) over stemmed words, fitted on the corpus.

Weighted word counts are projected on the leading right singular vectors of the corpus. Fitting needs scipy and sees at
most `FIT_TEXTS` texts; a fitted encoder is a vocabulary and one matrix, and encodes with NumPy alone, text by text. It
is weak on its own and made to be fused with BM25 by a tuned weight.

Determinism: matrix and word weights are integers and a text's sums stay below 2**53, so that double precision adds them
exactly in any order: a text has the same bits alone, in a batch, in another process and on another processor. The fit
runs in double precision on one thread from a fixed start, and rounding to 16 bits hides how a processor groups its
sums, save for a value on the very edge of rounding: fit once, and share the file.
"""

import json
import math
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np

from medgym_core.artifacts import digest_bytes, write_atomic
from medgym_core.errors import MedGymError
from medgym_core.knowledge.encoders import rounded_units
from medgym_core.knowledge.text import terms

WEIGHTS, VOCABULARY = "encoder.safetensors", "vocabulary.json"
FIT_TEXTS = 100_000  # evenly spread over the corpus; twice as many cost twice the time and change nothing measurable
LEAST_TEXTS = 2  # a word of one text only relates to nothing
MOST_WORDS = 40_000  # the most frequent ones; bounds the matrix at 20 MB
RARITY = 4.0  # power of a word's idf: frequent words otherwise drown the rest in 256 dimensions
ITERATIONS, OVERSAMPLED = 4, 20  # of the subspace iteration (Halko, Martinsson and Tropp 2011)
ROWS = 20_000  # of the matrix at a time: bounds the memory of a product at 45 MB
LARGEST = 32_767  # of the projection: 16 bits
STEPS = 16  # weights of words and of their counts are multiples of 1/16
MOST_TERMS = 4_000  # of a text count; with weights below 2**23 no sum reaches 2**53


@dataclass
class FastEncoder:
    """A fitted encoder. `vocabulary` maps a stemmed word to its row of `projection` and of `weight`."""

    vocabulary: dict[str, int]
    projection: np.ndarray  # int16 (V, D), right singular vectors
    weight: np.ndarray  # int32 (V,), of a word, in sixteenths

    name = "fast"

    @classmethod
    def fit(cls, texts: Sequence[str], dim: int = 256, seed: int = 0) -> "FastEncoder":
        """Fit on `texts`, or evenly spread ones of them. With fewer texts or words than `dim` the trailing dimensions
        are zero.

        Raises MedGymError where no text has a word.
        """
        step = max(1, math.ceil(len(texts) / FIT_TEXTS))
        counts = _Counts.of(texts[i] for i in range(0, len(texts), step))
        vocabulary, matrix = counts.matrix(LEAST_TEXTS if counts.rows > dim else 1)
        if not vocabulary:
            raise MedGymError("nothing to fit the encoder on", got=f"{len(texts)} texts without words", expected="text")
        matching = np.bincount(matrix.indices, minlength=len(vocabulary))
        weight = np.rint(STEPS * (np.log((1 + counts.rows) / (1 + matching)) + 1) ** RARITY).astype(np.int32)
        matrix.data = 1 + np.log(matrix.data)
        vectors = _singular_vectors(_unit_rows(matrix.multiply(weight).tocsr()), dim, seed)  # (V, D)
        return cls(vocabulary, np.rint(vectors * (LARGEST / np.abs(vectors).max())).astype(np.int16), weight)

    @property
    def dim(self) -> int:
        return self.projection.shape[1]

    @cached_property
    def digest(self) -> str:
        """Digest of vocabulary and weights."""
        return digest_bytes("\n".join(self.vocabulary).encode() + self.projection.tobytes() + self.weight.tobytes())

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """L2-normalised vectors, float32 (N, D), of half-precision values; a text without a known word gives zeros."""
        vectors = np.zeros((len(texts), self.dim))
        rows = self.vocabulary
        for vector, text in zip(vectors, texts, strict=True):
            counts = Counter(rows[word] for word in islice(terms(text), MOST_TERMS) if word in rows)
            if counts:
                known = list(counts)
                weights = self.weight[known] * np.array([_weight(n) for n in counts.values()], dtype=np.float64)
                vector[:] = weights @ self.projection[known].astype(np.float64)
        return rounded_units(vectors)

    def encode_query(self, text: str) -> np.ndarray:
        """The vector (D,) of a query."""
        return self.encode([text])[0]

    def save(self, folder: Path) -> None:
        """Write weights (safetensors) and vocabulary (JSON) into `folder` (created)."""
        from safetensors.numpy import save

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / WEIGHTS).write_bytes(
            save({"projection": np.ascontiguousarray(self.projection), "weight": self.weight})
        )
        write_atomic(folder / VOCABULARY, json.dumps(list(self.vocabulary), ensure_ascii=False))

    @classmethod
    def load(cls, folder: Path) -> "FastEncoder":
        """Open a saved encoder. Raises MedGymError where it is missing or broken."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        folder = Path(folder)
        try:
            arrays = load((folder / WEIGHTS).read_bytes())
            projection, weight = arrays["projection"], arrays["weight"]
            words = json.loads((folder / VOCABULARY).read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            got = " ".join(str(error).split())
            raise MedGymError(
                "unreadable encoder", got=got, expected=f"{WEIGHTS} and {VOCABULARY}", where=folder
            ) from error
        if projection.dtype != np.int16 or weight.dtype != np.int32 or not len(words) == len(projection) == len(weight):
            got = f"{len(words)} words, {projection.dtype} {projection.shape}, {weight.dtype} {weight.shape}"
            raise MedGymError("damaged encoder", got=got, expected="int16 row and int32 weight a word", where=folder)
        return cls({word: i for i, word in enumerate(words)}, projection, weight)


def _weight(count: int) -> int:
    """(1 + log count) in steps of 1/16."""
    return round(STEPS * (1 + math.log(count)))


@dataclass
class _Counts:
    """Word counts of many texts in flat arrays: 8 bytes a (text, word) pair."""

    words: list[str]  # number of a word: its place
    number: array  # of the word of each pair
    count: array  # of it in the text
    ends: array  # of each text's pairs

    @property
    def rows(self) -> int:
        return len(self.ends)

    @classmethod
    def of(cls, texts) -> "_Counts":
        numbers: dict[str, int] = {}
        found = cls([], array("i"), array("i"), array("q"))
        for text in texts:
            counts = Counter(islice(terms(text), MOST_TERMS))
            found.number.extend([numbers.setdefault(word, len(numbers)) for word in counts])
            found.count.extend(counts.values())
            found.ends.append(len(found.number))
        found.words = list(numbers)
        return found

    def matrix(self, least: int):
        """Vocabulary (word to column, in alphabetical order) of the most frequent words of at least `least` texts, and
        the counts of those as scipy CSR (N, V), float64."""
        from scipy.sparse import csr_matrix

        number, count = np.array(self.number, np.int32), np.array(self.count, np.float64)
        matching = np.bincount(number, minlength=len(self.words))
        ranked = sorted((-int(n), word) for n, word in zip(matching, self.words, strict=True) if n >= least)
        vocabulary = {word: i for i, word in enumerate(sorted(word for _, word in ranked[:MOST_WORDS]))}
        column = np.array([vocabulary.get(word, -1) for word in self.words], np.int32)
        column = column[number] if len(number) else column
        kept = np.concatenate([[0], np.cumsum(column >= 0)])
        starts = kept[np.concatenate([[0], np.array(self.ends, np.int64)])]
        known = column >= 0
        return vocabulary, csr_matrix((count[known], column[known], starts), shape=(self.rows, len(vocabulary)))


def _unit_rows(matrix):
    """Rows of a scipy CSR matrix divided by their length."""
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    matrix.data /= np.repeat(np.maximum(lengths, 1e-12), np.diff(matrix.indptr))
    return matrix


def _singular_vectors(matrix, dim: int, seed: int) -> np.ndarray:
    """The leading right singular vectors of a scipy CSR matrix (N, V) as columns (V, dim), zeros where it has fewer;
    signs fixed. Subspace iteration on the Gram matrix, which is never formed."""
    from threadpoolctl import threadpool_limits

    rank = min(dim, *matrix.shape)
    with threadpool_limits(1):
        basis = np.random.default_rng(seed).standard_normal((matrix.shape[1], min(rank + OVERSAMPLED, *matrix.shape)))
        for _ in range(ITERATIONS):
            basis, _ = np.linalg.qr(_gram(matrix, basis))
        values, turn = np.linalg.eigh(basis.T @ _gram(matrix, basis))
        vectors = basis @ turn[:, np.argsort(-values, kind="stable")[:rank]]
    largest = np.abs(vectors).argmax(axis=0)  # make the largest entry of each vector positive
    vectors = vectors * np.sign(vectors[largest, np.arange(rank)])
    return np.concatenate([vectors, np.zeros((matrix.shape[1], dim - rank))], axis=1)


def _gram(matrix, basis: np.ndarray) -> np.ndarray:
    """`matrix.T @ (matrix @ basis)`, (V, B), a block of rows at a time."""
    total = np.zeros_like(basis)
    for start in range(0, matrix.shape[0], ROWS):
        rows = matrix[start : start + ROWS]
        total += rows.T @ (rows @ basis)
    return total

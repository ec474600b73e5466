"""Search over the knowledge base: lexical, dense, or both fused by normalised scores.

Scores, not ranks, are fused: rank fusion with a weak encoder is worse than BM25 alone. Candidates are the union of the
lexical and the dense best; every candidate has both scores; each kind is normalised over the union (z-scores) and the
weighted sum ranks. `rescored` takes the lexical best only and fuses the same way: no graph is asked, which is what a
weak encoder is good for. Equal scores go to the lower row, so a query has one answer in every process.

Up to EXACT_LIMIT passages the dense scores come from one product with all stored vectors: exact, repeatable and, at
29,000 passages, faster than the graph (.6 against 4 ms). Beyond, the Chroma index proposes the dense candidates and the
stored vectors, memory-mapped, score them.

Safe to share between threads, and between a process and its forks; a spawned process opens the folder again.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from medgym_core.errors import MedGymError, unknown_name
from medgym_core.knowledge.dense import DenseIndex, open_index, read_embeddings
from medgym_core.knowledge.encoders import Encoder, default_weight, open_encoder
from medgym_core.knowledge.filters import Filter, admitted, alike, flags
from medgym_core.knowledge.lexicon import Lexicon, top
from medgym_core.knowledge.listed import Listed
from medgym_core.knowledge.passages import (
    Rows,
    indexed_text,
    passage_texts,
    read_passages,
    unique_passages,
)
from medgym_core.knowledge.snippets import Analysed, analyse, snippet
from medgym_core.knowledge.text import terms
from medgym_core.knowledge.types import Hit, Passage

MODES = ("hybrid", "lexical", "dense")
RESCORED = "rescored"
COLLECTION = "passages"
CANDIDATES = 50  # of each kind
MOST_HITS = 100
EXACT_LIMIT = 200_000  # vectors; 200 MB, about 4 ms a query
SCANNED = 20_000  # passages a filter leaves that are scored one and all: the graph would find few of so few
CACHED = 4096  # queries, and passages taken apart for snippets
FILTERS = 32  # flags kept, one byte a passage each
SPARE = 10  # hits ranked beyond those wanted, in place of near duplicates


class KnowledgeBase:
    """Passages with their indexes. Without vectors `hybrid` and `rescored` are `lexical`, and `dense` is an error."""

    def __init__(
        self,
        passages: Sequence[Passage] | Rows,
        lexicon: Lexicon,
        encoder: Encoder | None = None,
        vectors: np.ndarray | None = None,  # float32 or float16 (N, D), L2-normalised, in row order
        index: DenseIndex | None = None,
        weight: float | None = None,
    ):
        if len(lexicon) != len(passages) or (vectors is not None and len(vectors) != len(passages)):
            count = "no" if vectors is None else len(vectors)
            got = f"{len(passages)} passages, {len(lexicon)} lexicon rows, {count} vectors"
            raise MedGymError("indexes of another corpus", got=got, expected="the same number of each")
        if vectors is not None and (encoder is None or encoder.dim != vectors.shape[1]):
            got = (
                "no encoder"
                if encoder is None
                else f"encoder of {encoder.dim}, vectors of {vectors.shape[1]} dimensions"
            )
            raise MedGymError("vectors without their encoder", got=got, expected="the encoder that made them")
        self.lexicon, self.encoder, self.vectors, self.index = lexicon, encoder, vectors, index
        self.weight = default_weight(encoder.name if encoder else "") if weight is None else weight
        self._passages = passages if isinstance(passages, Rows) else Listed(passages)
        self.digest = ""
        """Of the version or artifact it was opened from; empty: made in memory."""
        self._lease = None  # keeps a version's folder from being removed
        self._search = lru_cache(CACHED)(self._search_uncached)
        self._analysed = lru_cache(CACHED)(self._analyse)
        self._admitted = lru_cache(FILTERS)(lambda wanted: admitted(wanted, self._passages.column))

    @classmethod
    def open(
        cls,
        passages_path: Path,
        lexicon_dir: Path | None = None,
        index_dir: Path | None = None,
        encoder_dir: Path | None = None,
        embeddings_path: Path | None = None,
        weight: float | None = None,
    ) -> "KnowledgeBase":
        """Open the files of the corpus assets.

        Without `lexicon_dir` the lexical index is made in memory. Dense scores need `encoder_dir` and the vectors:
        from `embeddings_path`, else read out of the index. Raises MedGymError where a file is missing, broken or of
        another corpus.
        """
        table = read_passages(passages_path)
        ids = table["id"].to_pylist()
        lexicon = Lexicon.load(lexicon_dir) if lexicon_dir else Lexicon.build(passage_texts(table))
        if encoder_dir is None or (index_dir is None and embeddings_path is None):
            return cls(Rows(table), lexicon, weight=weight)
        needed = embeddings_path is None or len(ids) > EXACT_LIMIT
        index = open_index(index_dir, COLLECTION) if index_dir and needed else None
        if embeddings_path is not None:
            stored, vectors = read_embeddings(embeddings_path)
            if stored != ids:
                raise MedGymError(
                    "embeddings of another corpus",
                    got=f"{len(stored)} ids",
                    expected="the passages' ids",
                    where=embeddings_path,
                )
        else:
            vectors = index.vectors(ids)
        if index is not None and len(ids) <= EXACT_LIMIT:
            index.close()
            index = None
        return cls(Rows(table), lexicon, open_encoder(Path(encoder_dir)), vectors, index, weight)

    @classmethod
    def open_version(cls, path: Path) -> "KnowledgeBase":
        """Open what a build published: its folder OUT (the current version), or one of OUT/versions.

        Lexicon and vectors stay memory-mapped and are shared by all processes that open them. Raises MedGymError where
        nothing was published, or a file is missing or broken.
        """
        from medgym_core.knowledge.versions import hold

        lease = hold(Path(path))
        version, folder = lease.version, lease.version.folder
        passages, lexicon = Rows.open(folder / "passages.parquet"), Lexicon.load(folder / "lexicon")
        passages.row("")  # sorts the ids now, once, for all forks
        encoder = open_encoder(folder / "encoder")
        vectors, index = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False).view(np.ndarray), None
        if len(passages) > EXACT_LIMIT:
            index = open_index(folder / "chroma", version.collection)
        else:
            vectors = vectors.astype(np.float32)  # a product with all of them reads no half precision
        weight = version.facts.get("weight")
        kb = cls(passages, lexicon, encoder, vectors, index, weight)
        kb._lease, kb.digest = lease, version.digest
        return kb

    @classmethod
    def of(cls, passages: Sequence[Passage]) -> "KnowledgeBase":
        """A lexical knowledge base over passages, in memory."""
        return cls(passages, Lexicon.build([indexed_text(p.title, p.section, p.text) for p in passages]))

    @classmethod
    def shipped(cls) -> "KnowledgeBase":
        """The clinical facts that ship with MedGym, lexical only, made once a process."""
        return _shipped()

    def __len__(self) -> int:
        return len(self._passages)

    def __contains__(self, id: str) -> bool:
        return self._found(id) is not None

    @property
    def ids(self) -> list[str]:
        """Passage ids in row order."""
        return list(self._passages.ids)

    def close(self) -> None:
        """Give up the dense index's handles and the hold on a version's folder."""
        if self.index is not None:
            self.index.close()
        if self._lease is not None:
            self._lease.close()

    def forget(self) -> None:
        """Drop the remembered answers, for measuring and after a change of `weight`."""
        self._search.cache_clear()

    def search(self, query: str, k: int = 10, mode: str = "hybrid", filters: Filter | None = None) -> list[Hit]:
        """The best `k` passages, best first; fewer where fewer match. The query is plain text: it has no operators.

        Of passages that say the same, the best stands for all. Raises MedGymError for an empty query, k outside 1 to
        100, an unknown mode, `dense` without vectors, or a filter that names what is not there.
        """
        if not isinstance(query, str) or not query.strip():
            raise MedGymError("empty query", got=repr(query), expected="words to search for")
        if not isinstance(k, int) or not 1 <= k <= MOST_HITS:
            raise MedGymError("bad number of hits", got=repr(k), expected=f"1 to {MOST_HITS}")
        if mode not in (*MODES, RESCORED):
            raise unknown_name("search mode", str(mode), (*MODES, RESCORED))
        return list(self._search(query, k, mode, filters))

    def read(self, id: str) -> Passage:
        """The whole passage. Raises MedGymError for an unknown id."""
        return self._passages[self.row(id)]

    def document(self, key: str) -> list[Passage]:
        """The passages with this `document`, in reading order. Raises MedGymError where there is none."""
        rows = np.flatnonzero(flags(pc.equal(self._passages.column("document"), str(key)))) if key else ()
        found = sorted((self._passages[int(row)] for row in rows), key=lambda passage: passage.position)
        if not found:
            raise MedGymError("no such document", got=repr(key), expected="the document of a passage")
        return found

    def row(self, id: str) -> int:
        """The passage's position in the table. Raises MedGymError for an unknown id."""
        row = self._found(id)
        if row is None:
            raise MedGymError("no such passage", got=repr(id), expected="an id from a search result")
        return row

    def _found(self, id: str) -> int | None:
        try:
            return self._passages.row(id) if isinstance(id, str) else None
        except UnicodeEncodeError:  # half a surrogate pair: no id has one
            return None

    def rank(
        self,
        query: str,
        k: int,
        mode: str = "hybrid",
        weight: float | None = None,
        allowed: np.ndarray | None = None,  # bool (N,)
    ) -> list[tuple[int, float]]:
        """The best `k` (row, score), near duplicates included; `weight` in place of the knowledge base's own."""
        weight = self.weight if weight is None else weight
        if mode == "dense":
            vector = self._vector(query)
            rows = self._near(vector, k, allowed)
            score = self._similarity(rows, vector)
        elif mode == "lexical" or self.vectors is None or weight == 0:
            return self.lexicon.search(query, k, allowed)
        else:
            rows, lexical, dense = self.candidates(query, max(k, CANDIDATES), allowed, graph=mode != RESCORED)
            score = (1 - weight) * lexical + weight * dense
        return [(int(rows[i]), float(score[i])) for i in top(score, k)]

    def candidates(
        self, query: str, each: int, allowed: np.ndarray | None = None, graph: bool = True
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows, in order, of the union of both kinds' best, and the two z-scores of each row; three arrays (C,).

        Without `graph` the rows are the lexical best.
        """
        vector = self._vector(query)
        rows, _ = self.lexicon.best(query, each, allowed)
        rows = np.union1d(rows, self._near(vector, each, allowed)) if graph else np.sort(rows)
        return rows, _z(self.lexicon.scores_of(query, rows)), _z(self._similarity(rows, vector))

    def _near(self, vector: np.ndarray, k: int, allowed: np.ndarray | None) -> np.ndarray:
        """Rows, in order, of the `k` nearest passages; none for a query without a known word."""
        rows = None if allowed is None else np.flatnonzero(allowed)
        if not vector.any() or (rows is not None and not len(rows)):
            return np.zeros(0, dtype=np.int64)
        if self.index is None and rows is None:
            return np.sort(top(_rounded(self.vectors @ vector), k))
        if self.index is None or (rows is not None and len(rows) <= SCANNED):
            return np.sort(rows[top(self._similarity(rows, vector), k)])
        return self._proposed(vector, k, allowed, len(self) if rows is None else len(rows))

    def _proposed(self, vector: np.ndarray, k: int, allowed: np.ndarray | None, left: int) -> np.ndarray:
        """Chroma's nearest, of which a filter admits `left`: asked for more until enough of them are admitted."""
        ask = k if allowed is None else int(1.5 * k * len(self) / left)
        while True:
            (hits,) = self.index.query(vector[None], ask)
            found = self._passages.rows([identity for identity, _ in hits])
            found = found if allowed is None else found[allowed[found]]
            if len(found) >= min(k, left) or ask >= len(self) or allowed is None:
                return np.sort(found[:k])
            ask *= 4

    def _similarity(self, rows: np.ndarray, vector: np.ndarray) -> np.ndarray:
        return _rounded(self.vectors[rows].astype(np.float32, copy=False) @ vector)

    def _vector(self, query: str) -> np.ndarray:
        if self.vectors is None:
            raise MedGymError(
                "no dense index", got="mode dense", expected="a knowledge base opened with vectors; use lexical"
            )
        return self.encoder.encode_query(query)

    def _search_uncached(self, query: str, k: int, mode: str, filters: Filter | None) -> tuple[Hit, ...]:
        wanted = {term: self.lexicon.rarity(term) for term in terms(query)}
        allowed = None if filters is None else self._admitted(filters)
        depth = k + SPARE
        while True:
            ranked = self.rank(query, depth, mode, allowed=allowed)
            hits = tuple(hit for hit, _ in zip(self._distinct(ranked, wanted), range(k), strict=False))
            if len(hits) == k or len(ranked) < depth:
                return hits
            depth *= 4

    def _distinct(self, ranked: list[tuple[int, float]], wanted: dict[str, float]) -> Iterator[Hit]:
        """The hits, without those that say what a better one said: nearly the same terms, or title and snippet."""
        told: list[frozenset[str]] = []
        shown: set[tuple[str, str]] = set()
        for row, score in ranked:
            (identity, source, title, section), analysed, holds = self._analysed(row)
            text = snippet(analysed, wanted)
            if (title, text) in shown or any(alike(holds, other) for other in told):
                continue
            told.append(holds)
            shown.add((title, text))
            yield Hit(id=identity, title=title, section=section, snippet=text, score=round(score, 4), source=source)

    def _analyse(self, row: int) -> tuple[tuple[str, str, str, str], Analysed, frozenset[str]]:
        """(id, source, title, section) of a passage, its sentences taken apart, and the terms of title and text."""
        *names, text = self._passages.shown(row)
        analysed = analyse(text)
        return tuple(names), analysed, frozenset(terms(names[2])).union(*(found for *_, found in analysed))


def _z(score: np.ndarray) -> np.ndarray:
    """Standard scores; zeros where all are equal."""
    if not len(score):
        return score
    spread = float(score.std())
    return (score - score.mean()) / spread if spread > 1e-9 else np.zeros_like(score)


def _rounded(similarity: np.ndarray) -> np.ndarray:
    """Products to five decimals: how a processor groups a sum must not decide a ranking."""
    return np.round(similarity, 5)


@lru_cache(maxsize=1)
def _shipped() -> KnowledgeBase:
    from medgym_core.facts import documents

    return KnowledgeBase.of(unique_passages(documents())[0])

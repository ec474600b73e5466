"""Distractors for scale tests: real sentences of many documents put together into new passages of 100 to 200 words.

They say what they are: source `recombined`, and a licence that names those of the sentences. Each draws on one source
and on neighbouring topics, so it looks like its source and holds a query's words, but answers nothing: no two of its
sentences come from one document, and a passage of fewer than three sentences gives none, so that no real passage ever
stands in it whole. Documents of judged queries are left out through `avoid` and `avoid_texts`.

Same passages, count and seed: the same text, in the same order.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from medgym_core.artifacts import digest_bytes
from medgym_core.errors import MedGymError
from medgym_core.knowledge.exclusion import Blocked, Excluded
from medgym_core.knowledge.split import HIGH, LOW
from medgym_core.knowledge.store import as_table
from medgym_core.knowledge.text import sentences
from medgym_core.knowledge.types import Passage
from medgym_core.knowledge.wordhash import WordHashes, word_bytes, word_stream

RECOMBINED = "recombined"  # the source of all of them
LICENCE = "for scale tests only; sentences under "
FEWEST_SENTENCES = 3  # of a passage that gives sentences: one of them is then a third of it at most
SHORTEST, LONGEST = 8, 60  # words of a sentence; shorter ones are headings, longer ones tables
NEIGHBOURS = 300  # sentences to each side of the first, in the order of topics, that a passage draws on
DRAWN = 28  # sentences considered for one passage; about seven are used
BATCH = 10_000  # passages made, or taken apart, at once
COMMON = 0.02  # share of a corpus's titles beyond which a word names no topic
GIVE_UP = 5  # batches in a row that bring less than a hundredth of what they try


class _Pool(NamedTuple):
    """Sentences in the order of source and topic; S of them."""

    text: bytes
    bounds: np.ndarray  # int64 (S, 2), where each stands in `text`
    words: np.ndarray  # int32 (S,)
    document: np.ndarray  # int32 (S,), number of its document
    licence: np.ndarray  # int32 (S,), number in `licences`
    topic: np.ndarray  # int32 (S,), number in `topics`
    low: np.ndarray  # int64 (S,), first sentence of the same source
    high: np.ndarray  # int64 (S,), one past the last
    licences: list[str]
    topics: list[str]


def recombined(
    passages: pa.Table, count: int, seed: int, avoid: Collection[str] = (), avoid_texts: Iterable[str] = ()
) -> Iterator[pa.Table]:
    """`count` new passages, all different, as tables of at most 10,000 rows with PASSAGE_SCHEMA.

    No sentence comes from a document whose key is in `avoid`, nor from a passage that shares a run of 13 words with a
    text in `avoid_texts`. Raises MedGymError where the passages hold too few sentences of different documents.
    """
    pool = _pool(passages, frozenset(avoid), avoid_texts)
    rng = np.random.default_rng(seed)
    seen: set[int] = set()
    made: list[Passage] = []
    left, poor = count, 0
    while left and len(pool.words):
        found = list(_draw(pool, rng, seen, min(BATCH, left)))
        poor = 0 if len(found) > BATCH // 100 or len(found) >= min(BATCH, left) else poor + 1
        if poor == GIVE_UP:
            break
        made += found
        left -= len(found)
        while len(made) >= BATCH or (made and not left):
            yield as_table(made[:BATCH])
            del made[:BATCH]
    if left:
        got = f"{len(pool.words)} sentences of {len(set(pool.document.tolist()))} documents"
        raise MedGymError("too little text to recombine", got=got, expected=f"enough for {count} different passages")


def _draw(pool: _Pool, rng: np.random.Generator, seen: set[int], tries: int) -> Iterator[Passage]:
    """New passages from that many tries; a try that finds too few documents, or what was made before, gives none."""
    first = rng.integers(0, len(pool.words), tries)
    low = np.maximum(pool.low[first], first - NEIGHBOURS)
    high = np.minimum(pool.high[first], first + NEIGHBOURS + 1)
    others = low[:, None] + (rng.random((tries, DRAWN)) * (high - low)[:, None]).astype(np.int64)
    others[:, 0] = first
    targets = rng.integers(LOW + 10, HIGH - 9, tries).tolist()
    sizes, documents = pool.words[others].tolist(), pool.document[others].tolist()
    for chosen, size, document, target in zip(others.tolist(), sizes, documents, targets, strict=True):
        used: dict[int, int] = {}  # document: sentence
        total = 0
        for sentence, words, source in zip(chosen, size, document, strict=True):
            if source not in used and total + words <= HIGH:
                used[source] = sentence
                total += words
                if total >= target:
                    break
        if total >= LOW:
            passage = _passage(pool, list(used.values()))
            short = int(passage.id[:16], 16)
            if short not in seen:
                seen.add(short)
                yield passage


def _passage(pool: _Pool, chosen: list[int]) -> Passage:
    text = " ".join(pool.text[a:b].decode() for a, b in pool.bounds[chosen].tolist())
    title = pool.topics[pool.topic[chosen[0]]].capitalize() or "Mixed"
    licence = LICENCE + ", ".join(sorted({pool.licences[i] for i in pool.licence[chosen].tolist()}))
    identity = digest_bytes("\0".join((title, "", text)).encode())
    return Passage(identity, RECOMBINED, title, "", text, licence, "", identity)


def _pool(passages: pa.Table, avoid: frozenset[str], avoid_texts: Iterable[str]) -> _Pool:
    topics = _topics(passages["title"].to_pylist())
    number: dict[str, dict[str, int]] = {name: {} for name in ("source", "document", "licence", "topic")}
    pieces: list[bytes] = []
    rows: list[tuple[int, int, int, int, int, int]] = []  # bytes, words, source, document, licence, topic
    hashes = WordHashes()
    avoided = Excluded(Blocked(avoid_texts, hashes))
    for start in range(0, passages.num_rows, BATCH):
        part = passages.slice(start, BATCH).select(["source", "document", "id", "licence", "title", "text"])
        hit = avoided.add(*word_stream(part["text"].to_pylist(), hashes)) if avoided.blocked else [False] * len(part)
        for (source, document, identity, licence, title, text), out in zip(
            zip(*part.to_pydict().values(), strict=True), hit, strict=True
        ):
            found = sentences(text)
            if out or source == RECOMBINED or document in avoid or len(found) < FEWEST_SENTENCES:
                continue
            named = {"source": source, "document": document or identity, "licence": licence, "topic": topics[title]}
            codes = [number[name].setdefault(value, len(number[name])) for name, value in named.items()]
            for sentence in found:
                words = sentence.count(" ") + 1
                if SHORTEST <= words <= LONGEST:
                    pieces.append(sentence.encode())
                    rows.append((len(pieces[-1]), words, *codes))
    return _arranged(b"".join(pieces), np.array(rows, dtype=np.int32).reshape(-1, 6), number)


def _arranged(text: bytes, rows: np.ndarray, number: dict[str, dict[str, int]]) -> _Pool:
    """Sentences by source, then topic, then mixed, so that neighbours are of different documents."""
    ends = np.cumsum(rows[:, 0], dtype=np.int64)
    rank = {name: np.argsort(np.argsort(np.array(list(number[name]) or [""]))) for name in ("source", "topic")}
    mixed = (np.arange(len(rows), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(20)
    source, topic = rank["source"][rows[:, 2]], rank["topic"][rows[:, 5]]
    order = np.lexsort((mixed, topic, source))
    rows, source = rows[order], source[order]
    bounds = np.stack([ends - np.diff(ends, prepend=0), ends], axis=1)[order]
    low, high = np.searchsorted(source, source, side="left"), np.searchsorted(source, source, side="right")
    names = list(number["licence"]), list(number["topic"])
    return _Pool(text, bounds, rows[:, 1], rows[:, 3], rows[:, 4], rows[:, 5], low, high, *names)


def _topics(titles: list[str]) -> dict[str, str]:
    """Title to its topic: the commonest of its words that stand in at least two titles and in few of them."""
    words = {title: {w.decode() for w in word_bytes(title) if len(w) > 3 and not w.isdigit()} for title in set(titles)}
    spread = Counter(word for found in words.values() for word in found)
    most = max(COMMON * len(words), 2)
    topics = {}
    for title, found in words.items():
        known = [word for word in found if 2 <= spread[word] <= most]
        topics[title] = min(known, key=lambda word: (-spread[word], word), default="")
    return topics

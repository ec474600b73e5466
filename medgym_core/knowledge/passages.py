"""From documents to passages: split on sentences, drop exact duplicates, keep benchmark questions out, order for good.

A section of 200 words or fewer is one passage; a longer one is divided into passages of 100 to 200 words without
cutting a sentence (one whose length alone exceeds 200 words is a passage of its own). The table depends on the set of
documents only, not on their order.
"""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from medgym_core.artifacts import digest_bytes
from medgym_core.errors import MedGymError
from medgym_core.knowledge.text import sentences, words
from medgym_core.knowledge.types import Document, Passage

LOW, HIGH = 100, 200  # words of a passage
GRAM = 13  # words: the usual length of a contamination n-gram (GPT-3, Brown et al. 2020)
HASH_BITS = 24  # of a run of words: 16 MB of flags, and one false alarm in eighty at 200,000 runs
SHORTEST_QUESTION = 8  # words: a question of 8 to 12 words is looked for whole; shorter ones are ordinary phrases

PASSAGE_SCHEMA = pa.schema(
    [(name, pa.int32() if name == "position" else pa.string()) for name in Passage.__struct_fields__]
)


def build_passages(documents: Iterable[Document], blocked: Iterable[str] = ()) -> pa.Table:
    """The passages of `documents` as a table with PASSAGE_SCHEMA; counts travel with it, see `passage_stats`.

    Contents, order and errors are those of `unique_passages`.
    """
    kept, stats = unique_passages(documents, blocked)
    columns = {name: [getattr(p, name) for p in kept] for name in PASSAGE_SCHEMA.names}
    return pa.table(columns, PASSAGE_SCHEMA.with_metadata({"stats": json.dumps(stats)}))


def unique_passages(documents: Iterable[Document], blocked: Iterable[str] = ()) -> tuple[list[Passage], dict]:
    """(passages sorted by source, title, section and id; counts as in `passage_stats`).

    Passages with the same title and text (case and punctuation aside) are kept once. Passages that share a run of 13
    words with a text in `blocked` (benchmark questions), or hold a shorter one of at least 8 words whole, are left out.
    Raises MedGymError where nothing is left.
    """
    counts: Counter[str] = Counter()
    unique: dict[str, Passage] = {}
    for document in documents:
        counts["documents"] += 1
        for passage in passages_of(document):
            key = digest_bytes(" ".join([*words(passage.title), "|", *words(passage.text)]).encode())
            other = unique.setdefault(key, passage)
            if other is not passage:
                counts["duplicates"] += 1
                unique[key] = min(other, passage, key=_order)
    kept = sorted(unique.values(), key=_order)
    hit = contains_any([f"{p.title} {p.section} {p.text}" for p in kept], blocked)
    counts["excluded"] = int(hit.sum())
    kept = [passage for passage, out in zip(kept, hit, strict=True) if not out]
    if not kept:
        got = f"{counts['documents']} documents, {counts['excluded']} passages excluded"
        raise MedGymError("empty corpus", got=got, expected="at least one passage")
    sources = dict(sorted(Counter(p.source for p in kept).items()))
    stats = {"passages": len(kept), **{k: counts[k] for k in ("documents", "duplicates", "excluded")}}
    return kept, stats | {"sources": sources}


def passage_stats(table: pa.Table) -> dict:
    """{"passages", "documents", "duplicates", "excluded", "sources": {source: passages}} of a built table."""
    return json.loads(table.schema.metadata[b"stats"])


def passage_texts(table: pa.Table) -> list[str]:
    """What is indexed and embedded of each passage: title, section heading and text."""
    columns = (table["title"].to_pylist(), table["section"].to_pylist(), table["text"].to_pylist())
    return [indexed_text(*row) for row in zip(*columns, strict=True)]


def indexed_text(title: str, section: str, text: str) -> str:
    return f"{title}. {section}. {text}"


class Rows:
    """A passages table as a sequence of `Passage`, each made when asked for."""

    def __init__(self, table: pa.Table):
        self.ids: list[str] = table["id"].to_pylist()
        self._columns = [table[name].combine_chunks() for name in PASSAGE_SCHEMA.names]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, row: int) -> Passage:
        return Passage(*(column[row].as_py() for column in self._columns))


def write_passages(table: pa.Table, path: Path) -> None:
    """Write the table as Parquet, beside `path` and renamed."""
    beside = Path(path).with_name(f".{Path(path).name}.{os.getpid()}")
    pq.write_table(table, beside, compression="zstd")
    os.replace(beside, path)


def read_passages(path: Path) -> pa.Table:
    """A table with PASSAGE_SCHEMA. Raises MedGymError where the file is missing, has other columns or no rows."""
    if not Path(path).is_file():
        raise MedGymError("no passages file", got=path, expected="a Parquet file of passages")
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise MedGymError(
            "unreadable passages file", got=" ".join(str(error).split()), expected="Parquet", where=path
        ) from error
    if table.schema.names != PASSAGE_SCHEMA.names:
        raise MedGymError("not a passages file", got=table.schema.names, expected=PASSAGE_SCHEMA.names, where=path)
    if not table.num_rows:
        raise MedGymError("empty corpus", got="0 passages", expected="at least one", where=path)
    return table


def _order(passage: Passage) -> tuple[str | int, ...]:
    rest = (passage.url, passage.licence, passage.document, passage.position, passage.date)
    return passage.source, passage.title, passage.section, passage.id, *rest


def passages_of(document: Document) -> Iterator[Passage]:
    """The passages of one document, in reading order."""
    title = " ".join(document.title.split())
    key = digest_bytes("\0".join((document.source, document.id or document.url, title)).encode())
    rest = (document.licence, document.url, key)
    position = 0
    for heading, body in document.sections:
        section = " ".join(heading.split())
        for text in pack(sentences(body, HIGH)):
            identity = digest_bytes("\0".join((title, section, text)).encode())
            yield Passage(identity, document.source, title, section, text, *rest, position, document.date)
            position += 1


def pack(units: list[str]) -> list[str]:
    """Join sentences into passages of LOW to HIGH words, as near the middle as the sentences allow.

    Shortest path over the cut points: the cost of a passage is its squared distance from the middle, and a passage
    outside the bounds costs more than any arrangement inside them.
    """
    ends = np.cumsum([len(unit.split()) for unit in units]).tolist()  # words up to and with each sentence
    if not ends or ends[-1] <= HIGH:
        return [" ".join(units)] if units else []
    middle, outside = (LOW + HIGH) / 2, 1e6
    best, cut = [0.0], [0]  # best[i]: least cost of the first i sentences; cut[i]: where their last passage starts
    for i in range(1, len(units) + 1):
        choices = []
        for j in range(i - 1, -1, -1):
            size = ends[i - 1] - (ends[j - 1] if j else 0)
            if size > HIGH and choices:
                break
            cost = best[j] + (size - middle) ** 2 + (0 if LOW <= size <= HIGH else outside)
            choices.append((cost, j))
        least, start = min(choices)
        best.append(least)
        cut.append(start)
    packed, i = [], len(units)
    while i:
        packed.append(" ".join(units[cut[i] : i]))
        i = cut[i]
    return packed[::-1]


def contains_any(texts: list[str], blocked: Iterable[str]) -> np.ndarray:
    """For each text, whether it holds a 13-word run of a blocked text, or a whole one of 8 to 12 words; bool (N,).

    Words are compared in lower case without punctuation. Runs are found by hashes of word numbers and
    confirmed by comparing the words.
    """
    grams = _grams(blocked)
    hit = np.zeros(len(texts), dtype=bool)
    if not grams or not texts:
        return hit
    numbers = {word: i for i, word in enumerate(sorted({w for gram in grams for w in gram}), 1)}
    tokens = [words(text) for text in texts]
    lengths = np.array([len(t) for t in tokens])
    stream = np.fromiter((numbers.get(w, 0) for t in tokens for w in t), dtype=np.uint64, count=int(lengths.sum()))
    starts = np.concatenate(([0], np.cumsum(lengths)))
    for size in sorted({len(gram) for gram in grams}):
        wanted = np.array(
            [[numbers[w] for w in gram] for gram in grams if len(gram) == size], dtype=np.uint64
        )  # (G, size)
        known = np.zeros(1 << HASH_BITS, dtype=bool)
        known[_hash(wanted.T)] = True
        width = max(len(stream) - size + 1, 0)
        for position in np.flatnonzero(known[_hash([stream[i : i + width] for i in range(size)])]):
            row = int(np.searchsorted(starts, position, side="right")) - 1
            at = int(position - starts[row])
            hit[row] |= tuple(tokens[row][at : at + size]) in grams
    return hit


def _grams(blocked: Iterable[str]) -> set[tuple[str, ...]]:
    grams: set[tuple[str, ...]] = set()
    for text in blocked:
        found = words(text)
        if len(found) >= GRAM:
            grams.update(tuple(found[i : i + GRAM]) for i in range(len(found) - GRAM + 1))
        elif len(found) >= SHORTEST_QUESTION:
            grams.add(tuple(found))
    return grams


def _hash(columns: Iterable[np.ndarray]) -> np.ndarray:
    """HASH_BITS-bit hash of word runs given as columns: the first words of all runs, the second words, ..."""
    value = np.uint64(0)
    for column in columns:
        value = value * np.uint64(0x9E3779B97F4A7C15) + column  # modulo 2^64
    return value >> np.uint64(64 - HASH_BITS)

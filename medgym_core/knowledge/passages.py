"""From documents to passages: split, exact and near duplicates dropped, benchmark text kept out, ordered for good.

    tables = [source_passages(read_source(path)) for path in archives]   # each may be kept as a file
    table, stats = merge_passages(tables, blocked)
    write_passages(table, folder / "passages.parquet")

A merged table is a function of the set of its sources' tables: in what order they come, and which were there before,
makes no difference, so adding or removing a source gives exactly what a full build gives. Order, and with it which of
two equal passages is kept: shipped facts first, then by source, title, section and id.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from medgym_core.errors import MedGymError
from medgym_core.knowledge.exclusion import Blocked, Excluded, Text, contains_any
from medgym_core.knowledge.near import near_duplicates, signatures
from medgym_core.knowledge.recombine import RECOMBINED
from medgym_core.knowledge.split import HIGH, LOW, pack, passages_of
from medgym_core.knowledge.store import (
    PASSAGE_SCHEMA,
    Rows,
    Texts,
    as_table,
    indexed_text,
    read_passages,
    write_passages,
)
from medgym_core.knowledge.types import Document, Passage
from medgym_core.knowledge.wordhash import WordHashes, joined, word_bytes

__all__ = [
    "HIGH", "LOW", "PASSAGE_SCHEMA", "Rows", "Texts", "build_passages", "contains_any", "corpus_of", "indexed_text",
    "merge_passages", "pack", "passage_stats", "passage_texts", "passages_of", "read_passages", "source_passages",
    "unique_passages", "write_passages",
]  # fmt: skip

FACTS = "MedGym facts"  # how the source of every shipped fact begins; what follows is the work it cites
BATCH = 10_000  # passages taken apart at once
COUNTS = ("records", "passages", "duplicates", "near_duplicates", "excluded", "left")
DUPLICATE, NEAR, EXCLUDED, LEFT = range(2, 6)  # what became of a passage: its place in COUNTS
_KEPT_BY = ("source", "title", "section", "id", "url", "licence", "document", "position", "date")


def source_passages(documents: Iterable[Document]) -> pa.Table:
    """The passages of one source, each title and text (case and punctuation aside) once, in order; PASSAGE_SCHEMA.

    Reads `documents` once, in batches. Counts by source travel in the metadata. No documents give an empty table.
    """
    records: Counter[str] = Counter()
    batches: list[pa.RecordBatch] = []
    passages: list[Passage] = []
    for document in documents:
        records[document.source] += 1
        passages += passages_of(document)
        if len(passages) >= BATCH:
            batches += as_table(passages).to_batches()
            passages.clear()
    batches += as_table(passages).to_batches()
    table = _ordered(pa.Table.from_batches(batches, PASSAGE_SCHEMA))
    made = _by_source(table)
    keys = [_taken_apart(part, hashes).keys for hashes in [WordHashes()] for part in _parts(table)]
    table = table.filter(pa.array(_first(keys)))
    left = _by_source(table)
    stats = {
        s: {"records": n, "passages": made[s], "duplicates": made[s] - left[s]} for s, n in sorted(records.items())
    }
    return table.replace_schema_metadata({"stats": json.dumps({"sources": stats})})


def merge_passages(
    tables: Iterable[pa.Table], blocked: Iterable[Text] = (), near: bool = True
) -> tuple[pa.Table, dict]:
    """The passages of all sources that stay, in order, and what became of the others; possibly none.

    Of equal passages the first in order stays; then those that share a run of 13 words with a text in `blocked` (or
    (file name, text) pairs), or hold a shorter one of at least 8 words whole, are left out; then, with `near`, near
    duplicates of a passage kept before. Statistics: the COUNTS in all, under `sources` by corpus, `excluded_by` file
    and `common_runs`, the blocked runs that stand in many documents.
    """
    tables = list(tables)
    table = _ordered(pa.concat_tables([PASSAGE_SCHEMA.empty_table(), *(t.replace_schema_metadata() for t in tables)]))
    hashes = WordHashes()
    excluded = Excluded(Blocked(blocked, hashes))
    keys, hit, signature, lengths = [], [], [], []
    for part in _parts(table):
        words = _taken_apart(part, hashes)
        keys.append(words.keys)
        hit.append(excluded.add(words.stream, words.starts))
        if near:
            signature.append(signatures(words.stream, words.starts, words.title, words.text))
            lengths.append(words.starts[1:] - words.text)
    fate = np.where(_first(keys), LEFT, DUPLICATE)
    fate[(fate == LEFT) & np.concatenate([np.zeros(0, dtype=bool), *hit])] = EXCLUDED
    if near and len(fate):
        real = pc.not_equal(table["source"], RECOMBINED).to_numpy(zero_copy_only=False)
        rows = np.flatnonzero((fate == LEFT) & real)
        read = _Texts(table)
        sketches, sizes = np.concatenate(signature)[rows], np.concatenate(lengths)[rows]
        repeats = near_duplicates(sketches, sizes, lambda row: read.title_text(rows[row]))
        fate[rows[repeats >= 0]] = NEAR
    stats = _stats(tables, table, fate) | _report(excluded, table)
    kept = table.take(np.flatnonzero(fate == LEFT))
    return kept.replace_schema_metadata({"stats": json.dumps(stats)}), stats


def build_passages(documents: Iterable[Document], blocked: Iterable[Text] = (), near: bool = False) -> pa.Table:
    """The passages of `documents` as a table with PASSAGE_SCHEMA; counts travel with it, see `passage_stats`.

    Raises MedGymError where nothing is left.
    """
    table, stats = merge_passages([source_passages(documents)], blocked, near)
    if not table.num_rows:
        raise _empty(stats["records"], stats["excluded"])
    return table


def unique_passages(documents: Iterable[Document], blocked: Iterable[Text] = ()) -> tuple[list[Passage], dict]:
    """(the passages of `build_passages`, counts as in `passage_stats`), for the few of the shipped facts.

    Made without Arrow, whose arrays import pandas: an episode's first search must not wait for that.
    """
    documents = list(documents)
    made = sorted((p for document in documents for p in passages_of(document)), key=_order)
    first: dict[bytes, Passage] = {}
    for passage in made:
        first.setdefault(_key(word_bytes(passage.title), word_bytes(passage.text)), passage)
    unique = list(first.values())
    hit = contains_any([f"{p.title} {p.section} {p.text}" for p in unique], blocked)
    kept = [passage for passage, out in zip(unique, hit, strict=True) if not out]
    if not kept:
        raise _empty(len(documents), int(hit.sum()))
    counts = {"duplicates": len(made) - len(unique), "near_duplicates": 0, "excluded": int(hit.sum())}
    sources = dict(sorted(Counter(corpus_of(p.source) for p in kept).items()))
    return kept, {"passages": len(kept), "documents": len(documents), **counts, "sources": sources}


def _empty(documents: int, excluded: int) -> MedGymError:
    got = f"{documents} documents, {excluded} passages excluded"
    return MedGymError("empty corpus", got=got, expected="at least one passage")


def _order(passage: Passage) -> tuple[bool | str | int, ...]:
    """What `_ordered` sorts by."""
    return not passage.source.startswith(FACTS), *(getattr(passage, name) for name in _KEPT_BY)


def passage_stats(table: pa.Table) -> dict:
    """{"passages", "documents", "duplicates", "near_duplicates", "excluded", "sources": {source: passages}} of a table.

    `passages` are those left; `documents` were read.
    """
    stats = json.loads(table.schema.metadata[b"stats"])
    counts = {name: stats[name] for name in ("duplicates", "near_duplicates", "excluded")}
    sources = {source: found["left"] for source, found in stats["sources"].items() if found["left"]}
    return {"passages": stats["left"], "documents": stats["records"], **counts, "sources": sources}


def passage_texts(table: pa.Table) -> list[str]:
    """What is indexed and embedded of each passage: title, section heading and text."""
    columns = (table["title"].to_pylist(), table["section"].to_pylist(), table["text"].to_pylist())
    return [indexed_text(*row) for row in zip(*columns, strict=True)]


def corpus_of(source: str) -> str:
    """The corpus a source belongs to: every shipped fact names the work it cites, all are one corpus."""
    return FACTS if source.startswith(FACTS) else source


def _ordered(table: pa.Table) -> pa.Table:
    """Facts first, then by source, title, section and id; the other fields only decide between equals."""
    facts = pc.starts_with(table["source"], FACTS)
    keys = [("facts", "descending"), *((name, "ascending") for name in _KEPT_BY)]
    return table.take(pc.sort_indices(table.append_column("facts", facts), keys))


def _parts(table: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, table.num_rows, BATCH):
        yield table.slice(start, BATCH)


class _Words(NamedTuple):
    """Passages as word hashes: title, section and text of each in one stream."""

    stream: np.ndarray  # uint64 (W,)
    starts: np.ndarray  # int64 (N + 1,), of the passages
    title: np.ndarray  # int64 (N,), ends of their titles
    text: np.ndarray  # int64 (N,), starts of their texts
    keys: np.ndarray  # uint64 (N, 2), equal for equal titles and texts


def _taken_apart(part: pa.Table, hashes: WordHashes) -> _Words:
    titles, sections, texts = (
        [word_bytes(text) for text in part[name].to_pylist()] for name in ("title", "section", "text")
    )
    stream, starts = joined([[*t, *s, *x] for t, s, x in zip(titles, sections, texts, strict=True)], hashes)
    title, section = (np.array([len(part) for part in column], dtype=np.int64) for column in (titles, sections))
    keys = [_key(title, text) for title, text in zip(titles, texts, strict=True)]
    begin = starts[:-1]
    return _Words(
        stream,
        starts,
        begin + title,
        begin + title + section,
        np.frombuffer(b"".join(keys), dtype=np.uint64).reshape(-1, 2),
    )


def _key(title: list[bytes], text: list[bytes]) -> bytes:
    return blake2b(b" ".join([*title, b"|", *text]), digest_size=16).digest()


def _first(keys: list[np.ndarray]) -> np.ndarray:
    """Whether each row is the first with its key; bool (N,)."""
    if not keys:
        return np.zeros(0, dtype=bool)
    both = np.concatenate(keys)
    order = np.lexsort((both[:, 1], both[:, 0]))  # stable: equal keys stay in row order
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (both[order[1:]] != both[order[:-1]]).any(axis=1)
    first = np.zeros(len(order), dtype=bool)
    first[order[fresh]] = True
    return first


class _Texts:
    """Title and text of single rows of a table."""

    def __init__(self, table: pa.Table):
        self._columns = {name: table[name].combine_chunks() for name in ("title", "section", "text")}

    def title_text(self, row: int) -> tuple[str, str]:
        return self._columns["title"][row].as_py(), self._columns["text"][row].as_py()

    def whole(self, row: int) -> str:
        return " ".join(column[row].as_py() for column in self._columns.values())


def _by_source(table: pa.Table) -> Counter[str]:
    return Counter({v["values"]: v["counts"] for v in pc.value_counts(table["source"]).to_pylist()})


def _stats(tables: Sequence[pa.Table], table: pa.Table, fate: np.ndarray) -> dict:
    """COUNTS in all and by corpus. Duplicates are those within a source and between sources."""
    sources: dict[str, Counter[str]] = {}
    for one in tables:
        known = json.loads((one.schema.metadata or {}).get(b"stats", b"{}")).get("sources")
        if known is None:  # not made by `source_passages`: its rows are all there is to count
            known = {name: {"passages": number} for name, number in _by_source(one).items()}
        for name, counts in known.items():
            sources.setdefault(corpus_of(name), Counter()).update({count: counts.get(count, 0) for count in COUNTS[:3]})
    codes = table["source"].combine_chunks().dictionary_encode()
    order = np.argsort(codes.indices.to_numpy(), kind="stable")
    bounds = np.searchsorted(codes.indices.to_numpy()[order], range(len(codes.dictionary) + 1))
    for number, name in enumerate(codes.dictionary.to_pylist()):
        found = np.bincount(fate[order[bounds[number] : bounds[number + 1]]], minlength=len(COUNTS)).tolist()
        sources.setdefault(corpus_of(name), Counter()).update(dict(zip(COUNTS, found, strict=True)))
    ordered = {name: {count: sources[name][count] for count in COUNTS} for name in sorted(sources)}
    return {count: sum(found[count] for found in ordered.values()) for count in COUNTS} | {"sources": ordered}


def _report(excluded: Excluded, table: pa.Table) -> dict:
    documents = table["document"].combine_chunks().dictionary_encode().indices.to_numpy()
    return excluded.report(documents, _Texts(table).whole)

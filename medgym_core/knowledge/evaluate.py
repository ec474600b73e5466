"""Retrieval quality on judged queries: a BEIR folder, or a development set, searched lexically, densely and both.

A BEIR folder (Thakur et al. 2021) holds `corpus.jsonl` ({"_id", "title", "text"}), `queries.jsonl` ({"_id", "text"})
and `qrels/<split>.tsv` (query, document, grade, one header line). Documents are indexed whole, one passage each. The
weight of the dense score is tuned on `qrels/dev.tsv` where there is one and is the encoder's default otherwise: never
on the judgements that are reported.
"""

import csv
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from medgym_core.artifacts import digest_bytes
from medgym_core.errors import MedGymError
from medgym_core.knowledge.encoders import open_encoder
from medgym_core.knowledge.lexicon import Lexicon
from medgym_core.knowledge.passages import PASSAGE_SCHEMA, passage_texts
from medgym_core.knowledge.search import MODES, KnowledgeBase
from medgym_core.knowledge.tuning import CUTOFF, retrieval_scores, tune_weight
from medgym_core.knowledge.types import Passage
from medgym_core.knowledge.vectors import encode_all, vectors_of
from medgym_core.types import Struct

CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels"
TUNE_ON, REPORT_ON = "dev", "test"


class Query(Struct, frozen=True):
    """A judged query."""

    text: str
    gains: dict[str, int]
    """Passage id to grade, relevant ones only (grade above 0)."""


class Judged(Struct, frozen=True):
    """Passages with queries whose relevant passages are known."""

    name: str
    passages: list[Passage]
    queries: list[Query]
    """What is reported."""
    tuning: list[Query] = []
    """What the dense weight may be tuned on; no query of these is reported."""


def read_beir(folder: Path) -> Judged:
    """A BEIR folder. Raises MedGymError naming file and line where something is missing, malformed or unknown."""
    folder = Path(folder)
    if not folder.is_dir():
        raise MedGymError("no such folder", got=folder, expected=f"a folder with {CORPUS}, {QUERIES} and {QRELS}/")
    documents = {row["_id"]: (row.get("title") or "", row["text"]) for _, row in _rows(folder / CORPUS)}
    texts = {row["_id"]: row["text"] for _, row in _rows(folder / QUERIES)}
    if not documents or not texts:
        raise MedGymError("empty BEIR folder", got=f"{len(documents)} documents, {len(texts)} queries", where=folder)
    passages = [passage_of(folder.name, name, *row) for name, row in documents.items()]
    ids = {name: passage.id for name, passage in zip(documents, passages, strict=True)}
    reported = _queries(folder / QRELS / f"{REPORT_ON}.tsv", texts, ids)
    dev = folder / QRELS / f"{TUNE_ON}.tsv"
    return Judged(folder.name, passages, reported, _queries(dev, texts, ids) if dev.is_file() else [])


def passage_of(source: str, name: str, title: str, text: str) -> Passage:
    """A document as one passage; the id holds its name and its words, so vectors can be kept under it."""
    return Passage(digest_bytes("\0".join((source, name, title, text)).encode()), source, title, "", text, "", "")


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, record) of a JSON-lines file whose records have a text and an own `_id`."""
    seen: set[str] = set()
    try:
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                row = json.loads(line)
                wrong = not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in ("_id", "text"))
                if wrong or row["_id"] in seen:
                    got = "an _id that stands twice" if not wrong else line.strip()[:80]
                    raise MedGymError("bad record", got=got, expected="own _id, text", where=f"{path}, line {number}")
                seen.add(row["_id"])
                yield number, row
    except FileNotFoundError as error:
        raise MedGymError("a BEIR file is missing", got=path.name, expected="a BEIR folder", where=path) from error
    except ValueError as error:
        at = f"{path}, after {len(seen)} records"
        raise MedGymError("unreadable record", got=str(error), expected="one JSON object a line", where=at) from error


def _queries(path: Path, texts: dict[str, str], ids: dict[str, str]) -> list[Query]:
    """The judged queries of a qrels file, in file order; those without a relevant document are left out."""
    gains: dict[str, dict[str, int]] = {}
    try:
        with open(path, encoding="utf-8", newline="") as lines:
            for number, row in enumerate(csv.reader(lines, delimiter="\t"), 1):
                if number == 1 and row[-1:] and not row[-1].lstrip("-").isdigit():
                    continue  # the header
                _judge(gains, row, texts, ids, f"{path}, line {number}")
    except OSError as error:
        raise MedGymError("no judgements", got=path.name, expected=f"{QRELS}/{REPORT_ON}.tsv", where=path) from error
    found = [Query(texts[name], own) for name, own in gains.items() if own]
    if not found:
        raise MedGymError("no judged queries", got="0 with a relevant document", where=path)
    return found


def _judge(
    gains: dict[str, dict[str, int]], row: list[str], texts: dict[str, str], ids: dict[str, str], where: str
) -> None:
    if len(row) != 3 or not row[2].lstrip("-").isdigit():
        raise MedGymError("bad judgement", got=row, expected="query, document, whole grade; tabs between", where=where)
    query, document, grade = row
    if query not in texts or document not in ids:
        what, name = ("query", query) if query not in texts else ("document", document)
        raise MedGymError(f"judgement of an unknown {what}", got=name, expected=f"one of the {what} file", where=where)
    own = gains.setdefault(query, {})
    if int(grade) > 0:
        own[ids[document]] = int(grade)


def table_of(passages: Sequence[Passage]) -> pa.Table:
    """A passages table in the given order."""
    columns = {name: [getattr(p, name) for p in passages] for name in PASSAGE_SCHEMA.names}
    return pa.table(columns, PASSAGE_SCHEMA)


def indexed(passages: Sequence[Passage], spec: str, cache: Path) -> KnowledgeBase:
    """Passages with a lexicon and exact vectors in memory. `spec`: `fast` is fitted on them, others are opened and
    their vectors kept in `cache`, so that a second run, or one after an interruption, encodes only what is new."""
    texts = passage_texts(table_of(passages))
    encoder = open_encoder(spec, texts)
    if spec == "fast":  # another fit each time: nothing worth keeping
        vectors = encoder.encode(texts)
    else:
        ids = [p.id for p in passages]
        encode_all(ids, texts, encoder, cache)
        vectors = vectors_of(ids, encoder, cache).astype(np.float32)
    return KnowledgeBase(passages, Lexicon.build(texts), encoder, vectors)


def scores(kb: KnowledgeBase, queries: Sequence[Query], weight: float) -> dict[str, dict[str, float]]:
    """{mode: {"ndcg@10", "recall@10", "mrr@10"}} of lexical, dense and hybrid search; `weight` is the dense score's."""
    ids = kb.ids
    gains = [query.gains for query in queries]
    found = {}
    for mode in sorted(MODES, key=("lexical", "dense", "hybrid").index):
        ranked = [[ids[row] for row, _ in kb.rank(query.text, CUTOFF, mode, weight)] for query in queries]
        found[mode] = retrieval_scores(ranked, gains)
    return found


def evaluate_beir(folder: Path, spec: str, cache: Path, weight: float | None = None) -> dict[str, Any]:
    """What `medgym index evaluate` reports: scores by mode, seconds by stage, and the weight with where it is from."""
    clock = time.perf_counter
    began = clock()
    judged = read_beir(folder)
    read = clock()
    kb = indexed(judged.passages, spec, cache)
    made = clock()
    chosen, origin = (weight, "given") if weight is not None else (kb.weight, f"the default of {spec}")
    if weight is None and judged.tuning:
        chosen = tune_weight(kb, [q.text for q in judged.tuning], [q.gains for q in judged.tuning])
        origin = f"tuned on {len(judged.tuning)} queries of {QRELS}/{TUNE_ON}.tsv"
    found = scores(kb, judged.queries, chosen)
    seconds = {"read": read - began, "index": made - read, "search": clock() - made}
    return {
        **found,
        "seconds": {stage: round(value, 3) for stage, value in seconds.items()},
        "passages": len(judged.passages),
        "queries": len(judged.queries),
        "encoder": spec,
        "weight": chosen,
        "weight_from": origin,
    }

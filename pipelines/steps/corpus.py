"""The knowledge base's artifacts: passages, their vectors, the Chroma index and the lexical index."""

import json
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from medgym_core.artifacts import Artifact, Made, Store, digest_file, digest_files, digest_json
from medgym_core.errors import MedGymError, unknown_name
from pipelines.steps.benchmarks import named_texts

FACTS, ALL = "facts", "all"
COLLECTION = "passages"
KNOWLEDGE_BASE, PARTS = "corpus/knowledge_base", "parts.json"
PASSAGES = "passages.parquet"
FITTED = "fast"  # the encoder that is fitted on the passages


def source_paths(sources: Sequence[str], root: Path | None) -> dict[str, Path]:
    """Where each configured source lies; `all` stands for every corpus. One that MEDGYM_DATA lacks is left out."""
    from medgym_core.knowledge.sources import SOURCES

    named = list(SOURCES) if ALL in sources else [source for source in sources if source != FACTS]
    for source in named:
        if source not in SOURCES:
            raise unknown_name("corpus source", source, [ALL, FACTS, *SOURCES])
    found = {source: SOURCES[source].find(root / "corpus") for source in named} if root else {}
    return {source: path for source, path in found.items() if path is not None}


def path_digest(path: Path) -> str:
    """Digest of an archive, or of all files of a folder."""
    return digest_json(digest_files(path)) if path.is_dir() else digest_file(path)


def passages(folder: Path, sources: Sequence[str], paths: dict[str, Path], benchmark_texts: Artifact) -> Made:
    """passages.parquet: unique passages under permissive licences without benchmark text; rejects.jsonl; card.md."""
    from medgym_core import facts
    from medgym_core.knowledge.card import card, card_markdown
    from medgym_core.knowledge.passages import merge_passages, source_passages, write_passages
    from medgym_core.knowledge.rejects import Rejects
    from medgym_core.knowledge.sources import read_corpus

    rejects: dict[str, Rejects] = {source: Rejects() for source in paths}
    left_out: dict[str, Counter[str]] = {source: Counter() for source in paths}
    tables = [source_passages(facts.documents())] if {FACTS, ALL} & set(sources) else []
    for source, path in paths.items():
        tables.append(source_passages(read_corpus(source, path, rejects[source], left_out[source])))
        if not tables[-1].num_rows:
            why = next((f"{row['why']}; in {row['where']}" for row in rejects[source].rows), "no document")
            raise MedGymError("a corpus gives nothing", got=why, expected="documents", where=path)
    table, stats = merge_passages(tables, named_texts(benchmark_texts.path))
    if not table.num_rows:
        raise MedGymError("empty corpus", got=f"no passage from {', '.join(sources)}", expected="at least one")
    write_passages(table, folder / PASSAGES)
    _write_rejects(folder / "rejects.jsonl", rejects)
    described = card(table, stats, {source: found.reasons for source, found in rejects.items()})
    (folder / "card.md").write_text(card_markdown(described), encoding="utf-8")
    counts = {name: stats[name] for name in ("records", "duplicates", "near_duplicates", "excluded")}
    return Made(
        table.num_rows,
        meta={
            "documents": stats["records"],
            **counts,
            "sources": {name: found["left"] for name, found in stats["sources"].items()},
            "absent": [s for s in sources if s not in (FACTS, ALL) and s not in paths],
            "rejects": {source: found.count for source, found in rejects.items() if found.count},
            "left_out": {source: dict(found) for source, found in left_out.items() if found},
        },
    )


def _write_rejects(path: Path, rejects: dict[str, Any]) -> None:
    """The rejects of all sources, one JSON object a line, with the source's name."""
    rows = [{"source": name, **row} for name, found in rejects.items() for row in found.rows]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def embeddings(folder: Path, passages: Artifact, encoder: str) -> Made:
    """embeddings.parquet (id, vector) and the encoder in encoder/. Vectors of encoders that are not fitted here are
    kept in the home, so that none is made twice."""
    from medgym_core.home import home
    from medgym_core.knowledge.dense import write_embeddings
    from medgym_core.knowledge.encoders import open_encoder
    from medgym_core.knowledge.store import Rows, Texts
    from medgym_core.knowledge.vectors import encode_all, vectors_of

    rows = Rows.open(passages.path / PASSAGES)
    texts = Texts(rows)
    opened, cache = open_encoder(encoder, texts), home() / "cache" / "vectors"
    opened.save(folder / "encoder")
    if encoder == FITTED:
        vectors = opened.encode(texts)
    else:
        encode_all(rows.ids, texts, opened, cache)
        vectors = vectors_of(rows.ids, opened, cache)
    write_embeddings(folder / "embeddings.parquet", rows.ids, vectors)
    return Made(len(rows), meta={"dimensions": opened.dim, "encoder": opened.name, "encoder_digest": opened.digest})


def index(folder: Path, embeddings: Artifact) -> Made:
    """The Chroma collection of ids and vectors. Its bytes vary, so its digest is that of what it holds."""
    from medgym_core.knowledge.dense import build_index, read_embeddings

    ids, vectors = read_embeddings(embeddings.path / "embeddings.parquet")
    build_index(ids, vectors, folder / "chroma", COLLECTION)
    digest = digest_json(["index", embeddings.digest])
    return Made(len(ids), digest, {"collection": COLLECTION})


def lexicon(folder: Path, passages: Artifact) -> Made:
    """The BM25 index."""
    from medgym_core.knowledge.lexicon import build_lexicon

    build_lexicon(passages.path / PASSAGES, folder / "lexicon")
    return Made(passages.rows)


def knowledge_base(folder: Path, parts: Sequence[Artifact]) -> Made:
    """parts.json: name to digest of the passages and of what was made from them."""
    digests = {part.name: part.digest for part in parts}
    (folder / PARTS).write_text(json.dumps(digests, indent=1, sort_keys=True), encoding="utf-8")
    return Made(parts[0].rows, meta={"parts": digests})


def knowledge(store: Store, knowledge_base: Artifact) -> Any:
    """The knowledge base, open: once a process, since opening takes seconds."""
    return _opened(store.root, knowledge_base.digest)


@lru_cache(maxsize=2)
def _opened(root: Path, digest: str) -> Any:
    from medgym_core.knowledge.search import KnowledgeBase

    store = Store(root)
    parts = json.loads((store.find(KNOWLEDGE_BASE, digest).path / PARTS).read_text(encoding="utf-8"))
    at = {name.split("/")[1]: store.find(name, found).path for name, found in parts.items()}
    opened = KnowledgeBase.open(
        at["passages"] / PASSAGES,
        lexicon_dir=at["lexicon"] / "lexicon",
        index_dir=at["index"] / "chroma",
        encoder_dir=at["embeddings"] / "encoder",
        embeddings_path=at["embeddings"] / "embeddings.parquet",
    )
    opened.digest = digest
    return opened


def passage_faults(passages: Artifact) -> dict[str, int]:
    """Counts of what a sound passages table has none of."""
    from medgym_core.knowledge.passages import read_passages

    table = read_passages(passages.path / PASSAGES)
    ids = table["id"].to_pylist()
    empty = {
        f"empty_{c}": sum(not v for v in table[c].to_pylist()) for c in ("id", "title", "text", "source", "licence")
    }
    return {"repeated_ids": len(ids) - len(set(ids)), **empty}


def reopen(index: Artifact, embeddings: Artifact) -> None:
    """Open the index in a new process. Raises MedGymError where it does not hold what was put in."""
    from medgym_core.knowledge.dense import read_embeddings, verify

    ids, vectors = read_embeddings(embeddings.path / "embeddings.parquet")
    verify(index.path / "chroma", COLLECTION, len(ids), vectors[0])

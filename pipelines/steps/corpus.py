"""The knowledge base's artifacts: passages, their vectors, the Chroma index and the lexical index."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from medgym_core.artifacts import Artifact, Made, Store, digest_file, digest_files, digest_json
from medgym_core.errors import unknown_name
from pipelines.steps.benchmarks import item_texts

FACTS = "facts"
FACTS_SOURCE = "MedGym facts"  # how the source of every shipped fact begins
ENDINGS = (".tar.xz", ".tar.gz", "")
COLLECTION = "passages"
KNOWLEDGE_BASE, PARTS = "corpus/knowledge_base", "parts.json"


def readers() -> dict[str, tuple[str, Any]]:
    """Source name to (file name below `corpus/` without ending, reader)."""
    from medgym_core.knowledge.readers import read_drug_labels, read_medlineplus, read_medquad

    return {
        "medquad": ("medquad", read_medquad),
        "medlineplus": ("medlineplus_topics", read_medlineplus),
        "drug_labels": ("nlm_cv_drug_labels", read_drug_labels),
    }


def source_paths(sources: Sequence[str], root: Path | None) -> dict[str, Path]:
    """Where each configured source lies; a source that MEDGYM_DATA lacks is left out."""
    known = readers()
    found = {}
    for source in sources:
        if source == FACTS:
            continue
        if source not in known:
            raise unknown_name("corpus source", source, [FACTS, *known])
        candidates = [root / "corpus" / f"{known[source][0]}{ending}" for ending in ENDINGS] if root else []
        there = [path for path in candidates if path.exists()]
        if there:
            found[source] = there[0]
    return found


def path_digest(path: Path) -> str:
    """Digest of an archive, or of all files of a folder."""
    return digest_json(digest_files(path)) if path.is_dir() else digest_file(path)


def passages(folder: Path, sources: Sequence[str], paths: dict[str, Path], benchmark_items: Artifact) -> Made:
    """passages.parquet: unique passages without benchmark questions."""
    from medgym_core.knowledge.passages import build_passages, passage_stats, write_passages

    table = build_passages(_documents(sources, paths), item_texts(benchmark_items.path))
    write_passages(table, folder / "passages.parquet")
    absent = [s for s in sources if s != FACTS and s not in paths]
    stats = passage_stats(table)
    by_corpus: Counter[str] = Counter()
    for source, count in stats["sources"].items():
        by_corpus[FACTS if source.startswith(FACTS_SOURCE) else source] += count  # every fact cites a source of its own
    return Made(table.num_rows, meta={**stats, "sources": dict(sorted(by_corpus.items())), "absent": absent})


def embeddings(folder: Path, passages: Artifact, dimensions: int, seed: int) -> Made:
    """embeddings.parquet (id, vector) and the fitted encoder in encoder/."""
    from medgym_core.knowledge.dense import write_embeddings
    from medgym_core.knowledge.encoder import FastEncoder
    from medgym_core.knowledge.passages import passage_texts, read_passages

    table = read_passages(passages.path / "passages.parquet")
    texts = passage_texts(table)
    encoder = FastEncoder.fit(texts, dim=dimensions, seed=seed)
    encoder.save(folder / "encoder")
    write_embeddings(folder / "embeddings.parquet", table["id"].to_pylist(), encoder.encode(texts))
    return Made(table.num_rows, meta={"dimensions": encoder.dim, "encoder": encoder.digest})


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
    from medgym_core.knowledge.passages import read_passages

    table = read_passages(passages.path / "passages.parquet")
    build_lexicon(table, folder / "lexicon")
    return Made(table.num_rows)


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
    return KnowledgeBase.open(
        at["passages"] / "passages.parquet",
        lexicon_dir=at["lexicon"] / "lexicon",
        index_dir=at["index"] / "chroma",
        encoder_dir=at["embeddings"] / "encoder",
    )


def passage_faults(passages: Artifact) -> dict[str, int]:
    """Counts of what a sound passages table has none of."""
    from medgym_core.knowledge.passages import read_passages

    table = read_passages(passages.path / "passages.parquet")
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


def _documents(sources: Sequence[str], paths: dict[str, Path]) -> Iterator[Any]:
    from medgym_core import facts

    if FACTS in sources:
        yield from facts.documents()
    for source, path in paths.items():
        yield from readers()[source][1](path)

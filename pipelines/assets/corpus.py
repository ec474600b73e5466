"""The knowledge base: passages, their vectors, the dense index and the lexical index."""

import dagster as dg

from medgym_core.artifacts import Artifact
from medgym_core.home import data
from pipelines.assets import ins
from pipelines.build import build
from pipelines.resources import Bench
from pipelines.steps import corpus as steps
from pipelines.versions import code_version


@dg.asset(
    key_prefix="corpus",
    group_name="corpus",
    kinds={"parquet"},
    code_version=code_version("corpus/passages"),
    ins=ins("evaluation/benchmark_texts"),
)
def passages(context: dg.AssetExecutionContext, bench: Bench, benchmark_texts: Artifact) -> dg.MaterializeResult:
    """Passages of 100 to 200 words: MedGym's own facts and the public corpora at hand, without benchmark text."""
    sources = bench.config.corpus.sources
    paths = steps.source_paths(sources, data())
    return build(
        context,
        bench,
        lambda folder: steps.passages(folder, sources, paths, benchmark_texts),
        upstream=[benchmark_texts],
        config={"sources": sources},
        inputs={source: steps.path_digest(path) for source, path in paths.items()},
    )


@dg.asset(
    key_prefix="corpus",
    group_name="corpus",
    kinds={"parquet", "scikitlearn"},
    code_version=code_version("corpus/embeddings"),
    ins=ins("corpus/passages"),
)
def embeddings(context: dg.AssetExecutionContext, bench: Bench, passages: Artifact) -> dg.MaterializeResult:
    """A dense vector a passage, and the encoder that made them."""
    config = {"encoder": bench.config.corpus.encoder}
    return build(
        context, bench, lambda folder: steps.embeddings(folder, passages, **config), upstream=[passages], config=config
    )


@dg.asset(
    key_prefix="corpus",
    group_name="corpus",
    kinds={"chroma"},
    code_version=code_version("corpus/index"),
    ins=ins("corpus/embeddings"),
)
def index(context: dg.AssetExecutionContext, bench: Bench, embeddings: Artifact) -> dg.MaterializeResult:
    """The Chroma collection: ids and vectors, cosine."""
    return build(context, bench, lambda folder: steps.index(folder, embeddings), upstream=[embeddings])


@dg.asset(
    key_prefix="corpus",
    group_name="corpus",
    kinds={"bm25"},
    code_version=code_version("corpus/lexicon"),
    ins=ins("corpus/passages"),
)
def lexicon(context: dg.AssetExecutionContext, bench: Bench, passages: Artifact) -> dg.MaterializeResult:
    """The BM25 index over stemmed words."""
    return build(context, bench, lambda folder: steps.lexicon(folder, passages), upstream=[passages])


@dg.asset(
    key_prefix="corpus",
    group_name="corpus",
    kinds={"json"},
    code_version=code_version("corpus/knowledge_base"),
    ins=ins("corpus/passages", "corpus/lexicon", "corpus/index", "corpus/embeddings"),
)
def knowledge_base(
    context: dg.AssetExecutionContext,
    bench: Bench,
    passages: Artifact,
    lexicon: Artifact,
    index: Artifact,
    embeddings: Artifact,
) -> dg.MaterializeResult:
    """The four artifacts that belong together, under one digest: what episodes search."""
    parts = [passages, lexicon, index, embeddings]
    return build(context, bench, lambda folder: steps.knowledge_base(folder, parts), upstream=parts)

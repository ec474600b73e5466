"""Benchmarks, predictions, scores, scorecard; and the promotion from challenger to champion."""

from pathlib import Path

import dagster as dg

from medgym_core.artifacts import Artifact, Made
from medgym_core.home import data
from pipelines.assets import ins
from pipelines.build import build
from pipelines.gate import settle
from pipelines.resources import Bench
from pipelines.steps import POLICY, benchmarks
from pipelines.steps import evaluation as steps
from pipelines.steps.corpus import knowledge
from pipelines.versions import code_version


@dg.asset(
    key_prefix="evaluation",
    group_name="evaluation",
    kinds={"parquet"},
    code_version=code_version("evaluation/benchmark_items"),
)
def benchmark_items(context: dg.AssetExecutionContext, bench: Bench) -> dg.MaterializeResult:
    """Items of the public benchmarks in MEDGYM_DATA, parsed once; none without it."""
    root = data()
    files = benchmarks.benchmark_files(root)
    return build(context, bench, lambda folder: benchmarks.benchmark_items(folder, root), inputs=files)


@dg.asset(
    key_prefix="evaluation",
    group_name="evaluation",
    kinds={"parquet"},
    code_version=code_version("evaluation/benchmark_texts"),
)
def benchmark_texts(context: dg.AssetExecutionContext, bench: Bench) -> dg.MaterializeResult:
    """Every text of every benchmark file in MEDGYM_DATA, for the clean gate; none without it."""
    root = data()
    files = benchmarks.text_files(root)
    return build(context, bench, lambda folder: benchmarks.benchmark_texts(folder, root), inputs=files)


@dg.asset(
    key_prefix="evaluation",
    group_name="evaluation",
    kinds={"parquet", "torch"},
    code_version=code_version("evaluation/predictions"),
    ins=ins(
        "training/policy_version",
        "training/checkpoint",
        "training/bc_checkpoint",
        "tasks/task_set",
        "evaluation/benchmark_items",
        "corpus/knowledge_base",
    ),
)
def predictions(
    context: dg.AssetExecutionContext,
    bench: Bench,
    policy_version: Artifact,
    checkpoint: Artifact,
    bc_checkpoint: Artifact,
    task_set: Artifact,
    benchmark_items: Artifact,
    knowledge_base: Artifact,
) -> dg.MaterializeResult:
    """What the trained policy, the clone, the oracle and every null policy do on held-out tasks and benchmark items."""
    policies = {steps.CLONED: bc_checkpoint.path / POLICY, steps.TRAINED: checkpoint.path / POLICY}
    config = {
        "seed": bench.config.seed,
        "limits": bench.config.limits,
        "suite": bench.config.evaluation.suite,
        "limit": bench.config.evaluation.limit,
        "practice": bench.config.practice,
    }

    def make(folder: Path) -> Made:
        held = {"knowledge": knowledge(bench.store, knowledge_base), "root": data()}
        return steps.predictions(folder, policies, task_set, benchmark_items, **held, **config)

    return build(
        context,
        bench,
        make,
        upstream=[policy_version, checkpoint, bc_checkpoint, task_set, benchmark_items, knowledge_base],
        config=config,
    )


@dg.asset(
    key_prefix="evaluation",
    group_name="evaluation",
    kinds={"parquet"},
    code_version=code_version("evaluation/scores"),
    ins=ins("evaluation/predictions"),
)
def scores(context: dg.AssetExecutionContext, bench: Bench, predictions: Artifact) -> dg.MaterializeResult:
    """Accuracy and composite by policy and domain with 95 % intervals, and paired comparisons."""
    config = {"seed": bench.config.seed}
    return build(
        context,
        bench,
        lambda folder: steps.scores(folder, predictions, **config),
        upstream=[predictions],
        config=config,
    )


@dg.asset(
    key_prefix="evaluation",
    group_name="evaluation",
    kinds={"matplotlib", "mlflow"},
    code_version=code_version("evaluation/scorecard"),
    ins=ins(
        "evaluation/scores",
        "evaluation/predictions",
        "evaluation/benchmark_items",
        "training/checkpoint",
        "training/policy_version",
        "tasks/task_set",
        "corpus/knowledge_base",
    ),
)
def scorecard(
    context: dg.AssetExecutionContext,
    bench: Bench,
    scores: Artifact,
    predictions: Artifact,
    benchmark_items: Artifact,
    checkpoint: Artifact,
    policy_version: Artifact,
    task_set: Artifact,
    knowledge_base: Artifact,
) -> dg.MaterializeResult:
    """The scorecard with the learning curve. The promotion gate reads the same rows and moves the alias `champion`."""
    result = build(
        context,
        bench,
        lambda folder: steps.scorecard(folder, scores, checkpoint, benchmark_items),
        upstream=[scores, checkpoint, benchmark_items],
    )
    decision = settle(bench, policy_version, predictions, task_set, knowledge_base)
    return result._replace(metadata={**result.metadata, **decision})

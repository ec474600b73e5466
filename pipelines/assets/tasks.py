"""The task set: cases with a chart, a hidden truth and a reference trajectory."""

import dagster as dg

from medgym_core.artifacts import Artifact
from pipelines.assets import ins
from pipelines.build import build
from pipelines.resources import Bench
from pipelines.steps import tasks as steps
from pipelines.steps.corpus import knowledge
from pipelines.versions import code_version


@dg.asset(
    key_prefix="tasks",
    group_name="tasks",
    kinds={"parquet"},
    code_version=code_version("tasks/task_set"),
    ins=ins("corpus/knowledge_base"),
)
def task_set(
    context: dg.AssetExecutionContext,
    bench: Bench,
    knowledge_base: Artifact,
) -> dg.MaterializeResult:
    """Generated tasks of every domain and split, one row each, with their data card."""
    tasks = bench.config.tasks
    config = {"seed": bench.config.seed, "counts": bench.config.task_counts}
    files = tasks.files
    return build(
        context,
        bench,
        lambda folder: steps.task_set(folder, knowledge=knowledge(bench.store, knowledge_base), files=files, **config),
        upstream=[knowledge_base],
        config=config,
        inputs=steps.file_digests(files),
    )

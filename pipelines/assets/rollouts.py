"""Recorded episodes, from which the policy is cloned."""

import dagster as dg

from medgym_core.artifacts import Artifact
from pipelines.assets import ins
from pipelines.build import build
from pipelines.resources import Bench
from pipelines.steps import rollouts as steps
from pipelines.steps.corpus import knowledge
from pipelines.versions import code_version


@dg.asset(
    key_prefix="rollouts",
    group_name="rollouts",
    kinds={"parquet"},
    code_version=code_version("rollouts/episodes"),
    ins=ins("tasks/task_set", "training/base_policy", "corpus/knowledge_base"),
)
def episodes(
    context: dg.AssetExecutionContext,
    bench: Bench,
    task_set: Artifact,
    base_policy: Artifact,
    knowledge_base: Artifact,
) -> dg.MaterializeResult:
    """Trajectories of the training tasks, with token arrays: the reference policy, and the same cases done wrong."""
    chosen = bench.config
    rollouts = {"imperfect": chosen.rollouts.imperfect, "alternatives": chosen.rollouts.alternatives}
    config = {**rollouts, "seed": chosen.seed, "practice": chosen.practice}
    return build(
        context,
        bench,
        lambda folder: steps.episodes(
            folder, task_set, base_policy, knowledge=knowledge(bench.store, knowledge_base), **config
        ),
        upstream=[task_set, base_policy, knowledge_base],
        config=config,
    )

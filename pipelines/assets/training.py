"""The policy: untrained, cloned, trained, registered."""

import dagster as dg

from medgym_core.artifacts import Artifact
from pipelines import registry
from pipelines.assets import ins
from pipelines.build import build, run_of
from pipelines.lineage import made_from
from pipelines.resources import Bench
from pipelines.steps import POLICY
from pipelines.steps import training as steps
from pipelines.steps.corpus import knowledge
from pipelines.versions import code_version


@dg.asset(
    key_prefix="training",
    group_name="training",
    kinds={"torch", "huggingface"},
    code_version=code_version("training/base_policy"),
    ins=ins("tasks/task_set", "corpus/knowledge_base"),
)
def base_policy(
    context: dg.AssetExecutionContext,
    bench: Bench,
    task_set: Artifact,
    knowledge_base: Artifact,
) -> dg.MaterializeResult:
    """The untrained policy: a small Qwen3 model with its own tokenizer, or the configured model."""
    chosen = bench.config
    config = {
        "model": chosen.model,
        "config": chosen.policy,
        "seed": chosen.seed,
        "practice": chosen.practice,
    }
    return build(
        context,
        bench,
        lambda folder: steps.base_policy(folder, task_set, knowledge=knowledge(bench.store, knowledge_base), **config),
        upstream=[task_set, knowledge_base],
        config=config,
        inputs=steps.model_files(bench.config.model),
    )


@dg.asset(
    key_prefix="training",
    group_name="training",
    kinds={"torch", "huggingface"},
    code_version=code_version("training/bc_checkpoint"),
    ins=ins("training/base_policy", "rollouts/episodes"),
)
def bc_checkpoint(
    context: dg.AssetExecutionContext, bench: Bench, base_policy: Artifact, episodes: Artifact
) -> dg.MaterializeResult:
    """The policy cloned from recorded episodes, under true outcome hints in part."""
    config = {"config": bench.config.bc, "seed": bench.config.seed}
    return build(
        context,
        bench,
        lambda folder: steps.bc_checkpoint(folder, base_policy, episodes, **config),
        upstream=[base_policy, episodes],
        config=config,
        resumable=True,
    )


@dg.asset(
    key_prefix="training",
    group_name="training",
    kinds={"torch", "huggingface"},
    code_version=code_version("training/checkpoint"),
    ins=ins("training/bc_checkpoint", "tasks/task_set", "corpus/knowledge_base"),
)
def checkpoint(
    context: dg.AssetExecutionContext,
    bench: Bench,
    bc_checkpoint: Artifact,
    task_set: Artifact,
    knowledge_base: Artifact,
) -> dg.MaterializeResult:
    """The policy after TT-OPD: EMA teacher, outcome hint, turn-level truncation and cosine reward."""
    chosen = bench.config
    config = {"config": chosen.rl, "seed": chosen.seed, "practice": chosen.practice}
    return build(
        context,
        bench,
        lambda folder: steps.checkpoint(
            folder, bc_checkpoint, task_set, knowledge=knowledge(bench.store, knowledge_base), **config
        ),
        upstream=[bc_checkpoint, task_set, knowledge_base],
        config=config,
        resumable=True,
    )


@dg.asset(
    key_prefix="training",
    group_name="training",
    kinds={"mlflow"},
    code_version=code_version("training/policy_version"),
    ins=ins("training/checkpoint"),
)
def policy_version(context: dg.AssetExecutionContext, bench: Bench, checkpoint: Artifact) -> dg.MaterializeResult:
    """The version of the registered model `medgym-policy` that points at the checkpoint; it begins as challenger."""
    digests = made_from(bench.store, checkpoint)
    result = build(
        context, bench, lambda folder: steps.policy_version(folder, checkpoint, digests), upstream=[checkpoint]
    )
    folder = checkpoint.path / POLICY
    version = registry.register(bench.tracker, result.value, folder, digests, run_of(result))
    return result._replace(metadata={**result.metadata, "version": str(version.version), "policy": version.source})

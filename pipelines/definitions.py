"""The code location: explicit assembly of assets, checks, resources and jobs behind one function.

`workspace.yaml` loads `definitions`; tests call `build_defs(resource_overrides=...)` and get the same assembly.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from pipelines import checks, environment, jobs
from pipelines.assets import corpus, evaluation, rollouts, tasks, training
from pipelines.io import ArtifactIO
from pipelines.resources import Bench, Home, Settings, Tracking

ASSETS = [
    evaluation.benchmark_items,
    evaluation.benchmark_texts,
    corpus.passages,
    corpus.embeddings,
    corpus.index,
    corpus.lexicon,
    corpus.knowledge_base,
    tasks.task_set,
    training.base_policy,
    rollouts.episodes,
    training.bc_checkpoint,
    training.checkpoint,
    training.policy_version,
    evaluation.predictions,
    evaluation.scores,
    evaluation.scorecard,
]
CHECKS = [
    checks.passages_are_sound,
    checks.index_reopens,
    checks.task_set_validation,
    checks.training_mechanisms_ran,
]


def build_defs(resource_overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """The definitions. `resource_overrides` replace `settings`, `home` or `tracking` everywhere they are used."""
    parts = {"settings": Settings.configure_at_launch(), "home": Home(), **(resource_overrides or {})}
    parts.setdefault("tracking", Tracking(home=parts["home"]))
    return dg.Definitions(
        assets=ASSETS,
        asset_checks=CHECKS,
        jobs=[jobs.chain],
        resources={**parts, "bench": Bench(**parts), "io_manager": ArtifactIO(home=parts["home"])},
        # Steps share imports and the open knowledge base; a process a step would cost 3 to 5 s each.
        executor=dg.in_process_executor,
    )


@dg.definitions
def definitions() -> dg.Definitions:
    environment.prepare()
    return build_defs()

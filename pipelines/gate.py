"""The promotion gate at work: paired evidence on this run's test tasks decides who is champion, once a version.

Tags of a version, written before the decision: `gate.record`, the decision with every check as JSON, and
`gate.predictions`, the digest of the predictions it was judged on; a later challenger is compared with those.
"""

import json
from typing import TYPE_CHECKING

from medgym_core.artifacts import Artifact
from medgym_core.errors import MedGymError
from pipelines import display, registry
from pipelines.build import build_artifact
from pipelines.resources import Bench
from pipelines.steps import evaluation
from pipelines.steps.corpus import knowledge

if TYPE_CHECKING:
    import pyarrow as pa

    from evaluation.promotion import Decision

CHAMPION_ROWS = "evaluation/champion_rows"
RECORD, MEASURED = "gate.record", "gate.predictions"


def settle(
    bench: Bench, policy_version: Artifact, predictions: Artifact, task_set: Artifact, knowledge_base: Artifact
) -> dict[str, str]:
    """Promote the version or keep it as challenger; gives `decision`, `reason` and the champion's number.

    A version that was decided on before stays as it is, whatever happened to the aliases since.
    """
    tracker = bench.tracker
    found = [v for v in registry.versions(tracker) if v.tags.get("medgym.digest") == policy_version.digest]
    if not found:
        raise MedGymError(
            "policy version is not registered", got=policy_version.digest, expected="training/policy_version run first"
        )
    version = found[-1]
    if "gate.decision" not in version.tags:
        from evaluation.promotion import as_dict

        decision = _decide(bench, predictions, task_set, knowledge_base)
        for tag, value in ((RECORD, json.dumps(as_dict(decision))), (MEASURED, predictions.digest)):
            tracker.client.set_model_version_tag(registry.MODEL, version.version, tag, value)
        move = registry.promote if decision.promote else registry.keep
        move(tracker, str(version.version), decision.reason)
        display.current().note(f"  {registry.MODEL} version {version.version}: {decision.reason}")
        version = tracker.client.get_model_version(registry.MODEL, version.version)
    champion = registry.aliases(tracker).get(registry.CHAMPION, "none")
    return {"decision": version.tags["gate.decision"], "reason": version.tags["gate.reason"], "champion": champion}


def _decide(bench: Bench, predictions: Artifact, task_set: Artifact, knowledge_base: Artifact) -> "Decision":
    from evaluation.promotion import benchmark_clusters, benchmark_values, decide

    ours = _benchmarks(predictions)
    arms = evaluation.arms(predictions, evaluation.AGENTIC)
    nulls = {name: rows for name, rows in arms.items() if name.startswith("null:")}
    champion, theirs = None, {}
    if registry.CHAMPION in registry.aliases(bench.tracker):
        rows = _champion_rows(bench, task_set, knowledge_base)
        champion = evaluation.champion_arm(rows)
        theirs = _champion_benchmarks(bench)
    return decide(
        arms[evaluation.TRAINED],
        champion,
        nulls,
        seed=bench.config.seed,
        benchmarks={name: benchmark_values(rows) for name, rows in ours.items()},
        champion_benchmarks={name: benchmark_values(rows) for name, rows in theirs.items()},
        clusters={name: benchmark_clusters(rows) for name, rows in ours.items()},
    )


def _benchmarks(predictions: Artifact) -> "dict[str, pa.Table]":
    """Rows of the trained policy by benchmark."""
    names = [suite for suite in predictions.meta["rows"] if suite != evaluation.AGENTIC]
    return {name: evaluation.arms(predictions, name)[evaluation.TRAINED][0] for name in names}


def _champion_benchmarks(bench: Bench) -> "dict[str, pa.Table]":
    """What the champion scored on benchmark items when it was decided on; nothing for one that no gate has seen.

    Raises MedGymError where those predictions are gone from the store: a comparison is not left out in silence.
    """
    champion = registry.version_of(bench.tracker, registry.CHAMPION)
    digest = champion.tags.get(MEASURED)
    return _benchmarks(bench.store.find(evaluation.NAME, digest)) if digest else {}


def _champion_rows(bench: Bench, task_set: Artifact, knowledge_base: Artifact) -> Artifact:
    """The reigning champion on the same test tasks, played once."""
    from training.policy import policy_digest

    folder = registry.folder_of(bench.tracker, registry.CHAMPION)
    config = {"seed": bench.config.seed, "limits": bench.config.limits}
    return build_artifact(
        bench.store,
        CHAMPION_ROWS,
        lambda work: evaluation.champion_rows(work, folder, task_set, knowledge(bench.store, knowledge_base), **config),
        [task_set, knowledge_base],
        config,
        {"policy": policy_digest(folder)},
    ).artifact

"""Predictions of every policy, their scores, and the scorecard."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medgym_core.artifacts import Artifact, Made, digest_json
from pipelines import display
from pipelines.steps.benchmarks import read_items
from pipelines.steps.practice import practice_tasks

if TYPE_CHECKING:
    import pyarrow as pa

AGENTIC = "agentic"
TRAINED, CLONED = "ttopd", "bc"
NAME = "evaluation/predictions"


def predictions(
    folder: Path,
    policies: Mapping[str, Path],
    task_set: Artifact,
    benchmark_items: Artifact,
    knowledge: Any,
    seed: int,
    limits: tuple[int, int],
    medqa_limit: int | None,
    practice: Any,
) -> Made:
    """agentic.parquet (held-out tasks) and one file a benchmark; a column `policy` names who answered.

    `policies` are model folders by name; the oracle and every null policy stand beside them. `limits` are the most
    tokens of a turn and of an episode.
    """
    import pyarrow.parquet as pq

    from training.policy import load_policy

    models = {name: load_policy(path) for name, path in policies.items()}
    rows = agentic_rows(models, practice_tasks(task_set, "test", practice), knowledge, seed, limits)
    pq.write_table(rows, folder / f"{AGENTIC}.parquet")
    counts = {AGENTIC: rows.num_rows}
    for name in benchmark_items.meta["items"]:
        items = read_items(benchmark_items.path, name)[:medqa_limit]
        answers = benchmark_rows(models, items)
        pq.write_table(answers, folder / f"{name}.parquet")
        counts[name] = answers.num_rows
    return Made(sum(counts.values()), meta={"rows": counts, "absent": benchmark_items.meta["absent"]})


def agentic_rows(
    models: Mapping[str, Any], tasks: Sequence[Any], knowledge: Any, seed: int, limits: tuple[int, int]
) -> "pa.Table":
    """Rows of `evaluation.agentic` on held-out tasks: the models, the oracle, the nulls."""
    import pyarrow as pa

    from evaluation.agentic import evaluate_tasks, scripts
    from training.rollout import Limits

    actors = {**models, **scripts()}
    found = []
    for number, (name, actor) in enumerate(actors.items(), 1):
        found.append(named(name, evaluate_tasks(actor, tasks, knowledge, seed, Limits(*limits))))
        display.current().progress(NAME, number, len(actors), {"policy": name})
    return pa.concat_tables(found)


def benchmark_rows(models: Mapping[str, Any], items: Sequence[Any]) -> "pa.Table":
    """Predictions of the models (likeliest letter), the oracle and the nulls on a benchmark."""
    import pyarrow as pa

    from evaluation.model import PolicyAnswerer
    from evaluation.predictions import run_baselines, run_benchmark

    found = [named(name, run_benchmark(PolicyAnswerer(model), items)) for name, model in models.items()]
    found += [named(name, rows) for name, rows in run_baselines(items).items()]
    return pa.concat_tables(found)


def named(policy: str, rows: "pa.Table") -> "pa.Table":
    """The table with a first column `policy`."""
    import pyarrow as pa

    return rows.add_column(0, "policy", pa.array([policy] * rows.num_rows, pa.string()))


def arms(predictions: Artifact, suite: str) -> dict[str, list["pa.Table"]]:
    """Rows of a suite by policy, as the scorer takes them."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    rows = pq.read_table(predictions.path / f"{suite}.parquet")
    names = dict.fromkeys(rows["policy"].to_pylist())
    return {n: [rows.filter(pc.equal(rows["policy"], n)).drop_columns("policy")] for n in names}


def scores(folder: Path, predictions: Artifact, seed: int) -> Made:
    """For each suite: <suite>_estimates.parquet, <suite>_comparisons.parquet, <suite>_behaviour.json."""
    import pyarrow.parquet as pq

    from evaluation.scores import score_benchmark, score_policies

    rows = 0
    for suite in predictions.meta["rows"]:
        found = arms(predictions, suite)
        scored = score_policies(found, seed) if suite == AGENTIC else score_benchmark(found, suite, seed)
        for table in ("estimates", "comparisons"):
            pq.write_table(getattr(scored, table), folder / f"{suite}_{table}.parquet")
        behaviour = json.dumps(scored.behaviour, sort_keys=True)
        (folder / f"{suite}_behaviour.json").write_text(behaviour, encoding="utf-8")
        rows += scored.estimates.num_rows
    return Made(rows, meta={"suites": list(predictions.meta["rows"]), "absent": predictions.meta["absent"]})


def read_scores(scores: Artifact) -> dict[str, Any]:
    """`evaluation.scores.Scores` by suite."""
    import pyarrow.parquet as pq

    from evaluation.scores import Scores

    found = {}
    for suite in scores.meta["suites"]:
        tables = [pq.read_table(scores.path / f"{suite}_{table}.parquet") for table in ("estimates", "comparisons")]
        behaviour = (scores.path / f"{suite}_behaviour.json").read_text(encoding="utf-8")
        found[suite] = Scores(*tables, json.loads(behaviour))
    return found


def scorecard(folder: Path, scores: Artifact, checkpoint: Artifact, benchmark_items: Artifact) -> Made:
    """scorecard.json, scorecard.md, policies.png, learning_curve.png, and a picture a benchmark."""
    from evaluation.baselines import check_benchmark
    from evaluation.benchmarks import BENCHMARKS, Benchmark
    from evaluation.scorecard import write_scorecard

    found = read_scores(scores)
    agentic = found.pop(AGENTIC)
    facts = {}
    for name in found:
        spec = BENCHMARKS[name]
        facts[name] = check_benchmark(Benchmark(spec, read_items(benchmark_items.path, name)))
    write_scorecard(folder, agentic, found, facts, learning_curve(checkpoint), (CLONED,))
    headline = {
        f"{policy}_{metric}": agentic.estimate(policy, metric)["value"]
        for policy in (CLONED, TRAINED, "oracle")
        for metric in ("accuracy", "composite")
    }
    return Made(agentic.estimates.num_rows, meta={**headline, "absent": scores.meta["absent"]})


def learning_curve(checkpoint: Artifact) -> list[dict[str, Any]]:
    """The points of a TT-OPD run as the picture takes them."""
    lines = (checkpoint.path / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    points = [json.loads(line) for line in lines]
    return [{**p, **({"reward": p["reward_shaped"]} if "reward_shaped" in p else {})} for p in points]


def champion_rows(
    folder: Path, champion: Path, task_set: Artifact, knowledge: Any, seed: int, limits: tuple[int, int]
) -> Made:
    """rows.parquet: the reigning champion on the test tasks of this run."""
    import pyarrow.parquet as pq

    from evaluation.agentic import evaluate_tasks
    from medgym_core.tasks import read_tasks
    from training.policy import load_policy
    from training.rollout import Limits

    tasks = read_tasks(task_set.path / "tasks.parquet", split="test")
    rows = evaluate_tasks(load_policy(champion), tasks, knowledge, seed, Limits(*limits))
    pq.write_table(rows, folder / "rows.parquet")
    return Made(rows.num_rows, digest=digest_json(rows.to_pylist()))


def champion_arm(artifact: Artifact) -> list["pa.Table"]:
    import pyarrow.parquet as pq

    return [pq.read_table(artifact.path / "rows.parquet")]

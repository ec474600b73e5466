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

    from evaluation.scores import Scores
    from evaluation.suites import Part

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
    suite: str,
    limit: int | None,
    practice: Any,
    root: Path | None = None,
) -> Made:
    """agentic.parquet (held-out tasks) and one file a benchmark of `suite`; a column `policy` names who answered.

    `policies` are model folders by name; the oracle and every null policy stand beside them. `limits` are the most
    tokens of a turn and of an episode; pictures lie below `root`.
    """
    import pyarrow.parquet as pq

    from training.policy import load_policy

    models = {name: load_policy(path) for name, path in policies.items()}
    rows = agentic_rows(models, practice_tasks(task_set, "test", practice), knowledge, seed, limits)
    pq.write_table(rows, folder / f"{AGENTIC}.parquet")
    counts = {AGENTIC: rows.num_rows}
    for part in benchmark_parts(suite, limit, list(benchmark_items.meta["items"])):
        answers = benchmark_rows(models, part, read_items(benchmark_items.path, part.name, root), seed)
        pq.write_table(answers, folder / f"{part.name}.parquet")
        counts[part.name] = answers.num_rows
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


def benchmark_parts(suite: str, limit: int | None, here: list[str]) -> "list[Part]":
    """The benchmarks of a suite among those that are there; none where there are none."""
    from evaluation.suites import parts_of

    return [part for part in parts_of(suite, None, limit, here=here) if part.name != AGENTIC] if here else []


def benchmark_rows(models: Mapping[str, Any], part: "Part", items: Sequence[Any], seed: int) -> "pa.Table":
    """Predictions of the models, the oracle and the nulls on a sample of a benchmark, with its groups and clusters."""
    import pyarrow as pa

    from evaluation.benchmarks import BENCHMARKS, Benchmark
    from evaluation.policies import model_policy, null_policies, oracle
    from evaluation.runner import Bench, Protocol, answers
    from evaluation.suites import sample

    spec, chosen = BENCHMARKS[part.name], sample(items, part.limit, seed)
    who = [*(model_policy(model, name) for name, model in models.items()), oracle(spec), *null_policies(items, spec)]
    groups = pa.array([item.group for item in chosen], pa.string())
    clusters = pa.array([item.cluster or item.id for item in chosen], pa.string())
    found = []
    for number, policy in enumerate(who, 1):
        rows = answers(policy, Benchmark(spec, items), chosen, part.mode, Bench(None), Protocol(seed), part.name)
        rows = rows.append_column("group", groups).append_column("cluster", clusters)
        found.append(named(policy.name, rows))
        display.current().progress(NAME, number, len(who), {"policy": policy.name, "benchmark": part.name})
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

    from evaluation.scores import score_policies

    rows = 0
    for suite in predictions.meta["rows"]:
        found = arms(predictions, suite)
        scored = score_policies(found, seed) if suite == AGENTIC else benchmark_scores(found, suite, seed)
        for table in ("estimates", "comparisons"):
            pq.write_table(getattr(scored, table), folder / f"{suite}_{table}.parquet")
        behaviour = json.dumps(scored.behaviour, sort_keys=True)
        (folder / f"{suite}_behaviour.json").write_text(behaviour, encoding="utf-8")
        rows += scored.estimates.num_rows
    return Made(rows, meta={"suites": list(predictions.meta["rows"]), "absent": predictions.meta["absent"]})


def benchmark_scores(found: Mapping[str, Sequence["pa.Table"]], name: str, seed: int) -> "Scores":
    """Scores of a benchmark's predictions: the metric is the mean value; its domain is the benchmark's name."""
    import numpy as np
    import pyarrow as pa

    from evaluation import parts
    from evaluation.scores import COMPARISON_SCHEMA, ESTIMATE_SCHEMA, Scores

    tables = {policy: rows[0] for policy, rows in found.items()}
    first = next(iter(tables.values()))
    units = parts.Units(*(first[column].to_pylist() for column in ("item_id", "group", "cluster")))
    values = {policy: np.asarray(table["value"].to_pylist(), dtype=np.float64) for policy, table in tables.items()}
    part = parts.measured(units, values, [name for name in (CLONED, TRAINED) if name in values], seed)
    parts.correct_all([part])
    about = {"domain": name, "metric": "accuracy"}
    estimates = [{"policy": policy, **about, **e, "families": e["clusters"]} for policy, e in part["estimates"].items()]
    comparisons = [{**about, **c, "families": c["clusters"], "seeds": 1} for c in part["comparisons"]]
    columns = [
        pa.Table.from_pylist([{field: row[field] for field in schema.names} for row in rows], schema=schema)
        for rows, schema in ((estimates, ESTIMATE_SCHEMA), (comparisons, COMPARISON_SCHEMA))
    ]
    return Scores(*columns, parts.figures(tables))


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
    from evaluation.benchmarks import BENCHMARKS, Benchmark
    from evaluation.check import check_benchmark
    from evaluation.scorecard import write_scorecard

    found = read_scores(scores)
    agentic, facts = found.pop(AGENTIC), {}
    for name in found:
        spec = BENCHMARKS[name]
        if spec.kind == "choice" and spec.chance is not None and spec.files:
            loaded = Benchmark(spec, read_items(benchmark_items.path, name))
            facts[name] = check_benchmark(loaded, modes=("text",), briefly=True)
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

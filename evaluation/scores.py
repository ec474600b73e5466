"""Scores of every policy with intervals, and its paired comparisons with the baseline and with the best null policy.

An arm is one policy: a list of row tables, one for each training seed (a scripted agent has one). All arms hold the
same tasks; the order does not matter. Tasks of one family are resampled together. `p_holm` is corrected over all
comparisons of one call. Nothing here knows a reward: rows are read as they stand, unshaped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from evaluation import statistics
from medgym_core.errors import MedGymError, unknown_name

ORACLE, NULL, ALL = "oracle", "null:", "all"
METRICS = ("accuracy", "composite")
COLUMN = {"accuracy": "correct"}  # elsewhere the metric's own name; a right answer after a critical violation is wrong
BEHAVIOUR = ("turns", "tool_calls", "tool_errors", "sampled_tokens")

ESTIMATE_SCHEMA = pa.schema(
    [
        ("policy", pa.string()),
        ("domain", pa.string()),  # or "all": every task weighs the same
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("n", pa.int32()),  # tasks
        ("families", pa.int32()),  # independent groups of tasks
        ("seeds", pa.int32()),
        ("detectable", pa.float64()),  # difference that n independent tasks show with power 80 %, worst case
    ]
)
COMPARISON_SCHEMA = pa.schema(
    [
        ("policy", pa.string()),
        ("against", pa.string()),
        ("domain", pa.string()),
        ("metric", pa.string()),
        ("difference", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("p", pa.float64()),
        ("p_holm", pa.float64()),
        ("p_mcnemar", pa.float64()),  # exact, task by task (families ignored); accuracy of single runs only, else null
        ("n", pa.int32()),
        ("families", pa.int32()),
        ("seeds", pa.int32()),
        ("detectable", pa.float64()),  # with the spread these pairs have
    ]
)


@dataclass(frozen=True)
class Sample:
    """Values of one policy: per metric a matrix (S, N) over tasks sorted by id."""

    ids: list[str]
    domains: np.ndarray
    families: np.ndarray
    values: dict[str, np.ndarray]

    def of(self, domain: str) -> "Sample":
        if domain == ALL:
            return self
        keep = self.domains == domain
        ids = [i for i, kept in zip(self.ids, keep, strict=True) if kept]
        return Sample(ids, self.domains[keep], self.families[keep], {m: v[:, keep] for m, v in self.values.items()})


@dataclass(frozen=True)
class Scores:
    """Estimates by policy, domain and metric; comparisons; and mean behaviour by policy."""

    estimates: pa.Table
    comparisons: pa.Table
    behaviour: dict[str, dict[str, float]]

    def as_dict(self) -> dict[str, Any]:
        """JSON-able form."""
        return {
            "estimates": self.estimates.to_pylist(),
            "comparisons": self.comparisons.to_pylist(),
            "behaviour": self.behaviour,
        }

    def estimate(self, policy: str, metric: str, domain: str = ALL) -> dict[str, Any]:
        """The one estimate row asked for."""
        key = (policy, domain, metric)
        rows = [r for r in self.estimates.to_pylist() if (r["policy"], r["domain"], r["metric"]) == key]
        if not rows:
            raise MedGymError(
                "no such score", got=" / ".join(key), expected="a policy, domain and metric of these scores"
            )
        return rows[0]


def score_policies(arms: Mapping[str, Sequence[pa.Table]], seed: int, baseline: str | None = "bc") -> Scores:
    """Scores of agentic rows (`agentic.ROW_SCHEMA`), by domain and over all tasks.

    Every trained policy is compared with the policy named `baseline` (None: with none) and with the best null.
    """
    samples = {name: task_sample(tables, METRICS) for name, tables in arms.items()}
    domains = sorted({str(d) for s in samples.values() for d in s.domains})
    behaviour = {name: _behaviour(tables) for name, tables in arms.items()}
    return _score(samples, [ALL, *domains], baseline, seed, behaviour)


def score_benchmark(
    arms: Mapping[str, Sequence[pa.Table]], benchmark: str, seed: int, baseline: str | None = "bc"
) -> Scores:
    """Scores of benchmark predictions (`predictions.PREDICTION_SCHEMA`); the domain is the benchmark's name.

    `accuracy` is the mean value of the items, whatever the benchmark's metric.
    """
    rows = {name: [_prediction_rows(table, benchmark) for table in tables] for name, tables in arms.items()}
    samples = {name: task_sample(tables, ("accuracy",)) for name, tables in rows.items()}
    behaviour = {
        name: {
            "unparsable": float(np.mean([v == "unparsable" for t in tables for v in t.column("verdict").to_pylist()])),
            "truncated": float(np.mean([d > 0 for t in tables for d in t.column("truncated_tokens").to_pylist()])),
        }
        for name, tables in arms.items()
    }
    return _score(samples, [benchmark], baseline, seed, behaviour)


def best_null(samples: Mapping[str, Sample], domain: str, metric: str) -> str | None:
    """Name of the null policy with the highest mean; the first by name of equals; None where there is no null."""
    means = {n: float(s.of(domain).values[metric].mean()) for n, s in sorted(samples.items()) if n.startswith(NULL)}
    return max(means, key=means.__getitem__) if means else None


def compare(first: Sample, second: Sample, metric: str, seed: int) -> statistics.Difference:
    """Paired difference of two samples of the same tasks, by family."""
    return statistics.paired_bootstrap(first.values[metric], second.values[metric], seed, first.families)


def _score(
    samples: dict[str, Sample], domains: list[str], baseline: str | None, seed: int, behaviour: dict[str, Any]
) -> Scores:
    if not samples:
        raise MedGymError("nothing to score", got="0 policies", expected="at least 1")
    same_tasks(samples)
    trained = [name for name in samples if name != ORACLE and not name.startswith(NULL)]
    if trained and baseline is not None and baseline not in samples:
        raise unknown_name("baseline policy", baseline, samples)
    metrics = list(next(iter(samples.values())).values)
    cells = [(domain, metric) for domain in domains for metric in metrics]
    estimates = [_estimate(n, s.of(d), d, m, seed) for n, s in samples.items() for d, m in cells]
    comparisons = []
    for name in trained:
        for domain, metric in cells:
            rivals = [baseline if name != baseline else None, best_null(samples, domain, metric)]
            for rival in (r for r in rivals if r is not None):
                comparisons.append(_comparison(name, rival, samples, domain, metric, seed))
    for row, p in zip(comparisons, statistics.holm([c["p"] for c in comparisons]), strict=True):
        row["p_holm"] = p
    return Scores(
        pa.Table.from_pylist(estimates, schema=ESTIMATE_SCHEMA),
        pa.Table.from_pylist(comparisons, schema=COMPARISON_SCHEMA),
        behaviour,
    )


def _estimate(policy: str, sample: Sample, domain: str, metric: str, seed: int) -> dict[str, Any]:
    values = sample.values[metric]
    bits = bool(np.isin(values, (0.0, 1.0)).all())
    got = (statistics.proportion if bits else statistics.bootstrap_mean)(values, seed, sample.families)
    return {
        "policy": policy,
        "domain": domain,
        "metric": metric,
        "value": got.value,
        "low": got.low,
        "high": got.high,
        "n": got.n,
        "families": got.clusters,
        "seeds": got.seeds,
        "detectable": statistics.minimum_detectable_difference(got.n),
    }


def _comparison(
    name: str, rival: str, samples: dict[str, Sample], domain: str, metric: str, seed: int
) -> dict[str, Any]:
    first, second = samples[name].of(domain), samples[rival].of(domain)
    got = compare(first, second, metric, seed)
    single = metric == "accuracy" and len(first.values[metric]) == len(second.values[metric]) == 1
    return {
        "policy": name,
        "against": rival,
        "domain": domain,
        "metric": metric,
        "difference": got.value,
        "low": got.low,
        "high": got.high,
        "p": got.p,
        "p_mcnemar": statistics.mcnemar(first.values[metric][0] > 0, second.values[metric][0] > 0).p
        if single
        else None,
        "n": got.n,
        "families": got.clusters,
        "seeds": got.seeds,
        "detectable": got.detectable,
    }


def task_sample(tables: Sequence[pa.Table], metrics: Sequence[str]) -> Sample:
    """One policy's rows as a sample. Raises MedGymError where its tables hold different tasks."""
    if not tables:
        raise MedGymError("policy without rows", got="0 tables", expected="one a seed")
    ordered = [table.sort_by("task_id") for table in tables]
    ids = ordered[0].column("task_id").to_pylist()
    if not ids or len(set(ids)) != len(ids):
        raise MedGymError(
            "rows are not one a task", got=f"{len(ids)} rows, {len(set(ids))} tasks", expected="one row a task"
        )
    for table in ordered[1:]:
        if table.column("task_id").to_pylist() != ids:
            raise MedGymError("seeds were measured on different tasks", got=table.num_rows, expected=len(ids))
    values = {
        m: np.stack([np.asarray(t.column(COLUMN.get(m, m)).to_pylist(), dtype=np.float64) for t in ordered])
        for m in metrics
    }
    domains = ordered[0].column("domain").to_pylist()
    families = [f"{d}/{f}" for d, f in zip(domains, ordered[0].column("family").to_pylist(), strict=True)]
    return Sample(ids, np.asarray(domains), np.asarray(families), values)


def same_tasks(samples: Mapping[str, Sample]) -> None:
    """Raises MedGymError where two policies were not measured on the same tasks."""
    (first, reference), *others = samples.items()
    for name, sample in others:
        if sample.ids != reference.ids:
            differing = len(set(sample.ids) ^ set(reference.ids))
            raise MedGymError(
                f"{name} and {first} were measured on different tasks", got=differing, expected="0 differing"
            )


def _prediction_rows(predictions: pa.Table, benchmark: str) -> pa.Table:
    ids = predictions.column("item_id")
    domain = pa.array([benchmark] * predictions.num_rows, pa.string())
    return pa.table({"task_id": ids, "domain": domain, "family": ids, "correct": predictions.column("value")})


def _behaviour(tables: Sequence[pa.Table]) -> dict[str, float]:
    means = {}
    for name in BEHAVIOUR:
        known = [v for table in tables for v in table.column(name).to_pylist() if v is not None]
        if known:
            means[name] = sum(known) / len(known)
    return means

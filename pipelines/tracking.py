"""MLflow, written through the explicit client only (the fluent API keeps state between calls and processes).

One parent run per Dagster run, one child run per built asset. A child logs its own artifact as a dataset with context
`output` and what it was built from with context `training` or `evaluation`, so that a search by dataset digest joins
producer and consumers. Nothing here decides anything: deleting mlflow.db loses the record, not the artifacts.
"""

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medgym_core.artifacts import Artifact, digest_bytes, locked

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

EXPERIMENT = "medgym"
KIND = {"mlflow.experimentKind": "custom_model_development"}  # the page then opens on runs, not on traces
CONTEXT = "mlflow.data.context"
LONGEST_NAME = 250  # characters of a metric name
PARENT = "mlflow.parentRunId"
PAGE = "http://127.0.0.1:5000"
"""Where `medgym ui` serves MLflow."""


class Tracker:
    """The MLflow record of one home. The client is made on first use (it costs over a second)."""

    def __init__(self, home: Path, uri: str | None = None):
        self.home = home
        self.uri = uri or f"sqlite:///{home}/mlflow.db"
        self._client: MlflowClient | None = None
        self._experiment = ""
        self._parents: dict[str, str] = {}
        self._failed: set[str] = set()

    @property
    def client(self) -> "MlflowClient":
        if self._client is None:
            import logging

            from mlflow import MlflowClient

            for name in ("mlflow", "alembic"):  # after the import, which sets its own levels
                logging.getLogger(name).setLevel(logging.WARNING)
            with self._lock():  # two processes that create the tables at once break each other
                client = MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
                found = client.get_experiment_by_name(EXPERIMENT)
                if found is None:
                    own = not self.uri.startswith("http")  # a server keeps artifacts where it likes
                    location = (self.home / "mlflow").as_uri() if own else None
                    self._experiment = client.create_experiment(EXPERIMENT, location, KIND)
                else:
                    self._experiment = found.experiment_id
            self._client = client
        return self._client

    @property
    def experiment(self) -> str:
        """Id of the experiment all runs stand in."""
        self.client  # noqa: B018 (finds or creates it)
        return self._experiment

    def page(self, run_id: str) -> str:
        """Address of a run on the page that `medgym ui` starts."""
        base = self.uri if self.uri.startswith("http") else PAGE
        return f"{base}/#/experiments/{self.experiment}/runs/{run_id}"

    def parent(self, dagster_run: str, tags: dict[str, str] | None = None) -> str:
        """Id of the MLflow run of that Dagster run, created when there is none."""
        if dagster_run not in self._parents:
            experiment = self.experiment
            with self._lock():
                found = self._search(f"tags.`dagster.run_id` = '{dagster_run}' and tags.`medgym.kind` = 'pipeline'")
                every = {"dagster.run_id": dagster_run, "medgym.kind": "pipeline", **(tags or {})}
                name = f"pipeline-{dagster_run[:8]}"
                run = found[0] if found else self.client.create_run(experiment, run_name=name, tags=every)
                self._parents[dagster_run] = run.info.run_id
        return self._parents[dagster_run]

    def close(self, dagster_run: str) -> None:
        """End the parent run of that Dagster run: FAILED where `fail` was called. Nothing where it has none."""
        run = self._parents.get(dagster_run)
        if run is not None:
            status = "FAILED" if dagster_run in self._failed else "FINISHED"
            self.client.set_terminated(run, status=status)

    def note(self, run_id: str, artifact: Artifact, reused: bool) -> None:
        """Write into a parent run which artifact an asset gave, and whether it was reused."""
        text = f"{artifact.digest}{' reused' if reused else ''}"
        self.client.set_tag(run_id, f"asset.{artifact.name}", text)

    def abandon(self, dagster_run: str) -> None:
        """End whatever a killed Dagster run left running."""
        for run in self._search(f"tags.`dagster.run_id` = '{dagster_run}' and attributes.status = 'RUNNING'"):
            self.client.set_terminated(run.info.run_id, status="KILLED")

    def fail(self, dagster_run: str) -> None:
        """Remember that an asset of the run failed."""
        self._failed.add(dagster_run)

    def producer(self, artifact: Artifact) -> "Run | None":
        """The latest finished run that logged exactly this artifact as its output."""
        return self.producer_of(artifact.name, artifact.digest)

    def producer_of(self, name: str, digest: str) -> "Run | None":
        query = f"dataset.digest = '{digest}' and dataset.context = 'output' and attributes.status = 'FINISHED'"
        return next((r for r in self._search(query) if r.data.tags.get("medgym.asset") == name), None)

    def consumers_of(self, name: str, digest: str) -> "list[Run]":
        """Finished runs that read the artifact."""
        runs = self._search(f"dataset.digest = '{digest}' and attributes.status = 'FINISHED'")
        return [r for r in runs if any(n == name and d == digest for n, d, _ in inputs_of(r))]

    def record(
        self,
        artifact: Artifact,
        upstream: Iterable[Artifact],
        *,
        parent: str,
        dagster_run: str,
        context: str,
        config: Any,
        seconds: float,
    ) -> str:
        """Write the child run of a built artifact; gives its id. It counts only once its status is FINISHED."""
        from mlflow.entities import DatasetInput, InputTag, Metric, Param

        tags = {
            PARENT: parent,
            "medgym.kind": "asset",
            "medgym.asset": artifact.name,
            "medgym.digest": artifact.digest,
            "medgym.unit": artifact.meta.get("unit", "rows"),
            "dagster.run_id": dagster_run,
            "dagster.asset_key": artifact.name,
        }
        run = self.client.create_run(self.experiment, run_name=artifact.name, tags=tags).info.run_id
        datasets = [DatasetInput(_dataset(artifact), [InputTag(CONTEXT, "output")])]
        datasets += [DatasetInput(_dataset(a), [InputTag(CONTEXT, context)]) for a in upstream]
        self.client.log_inputs(run, datasets)
        now = int(time.time() * 1000)
        facts = {"rows": float(artifact.rows), "seconds": seconds, **_numbers(artifact.meta)}
        metrics = [Metric(k, v, now, 0) for k, v in facts.items()]
        metrics += [Metric(k, v, now, step) for k, v, step in curves(artifact.path)]
        params = [Param(k, str(v)[:6000]) for k, v in _flat(config).items()]
        for start in range(0, max(len(metrics), 1), 900):  # MLflow takes 1000 a batch
            self.client.log_batch(run, metrics=metrics[start : start + 900], params=params if start == 0 else [])
        for file in sorted(
            [*artifact.path.glob("*.png"), *artifact.path.glob("*.md"), *artifact.path.glob("scorecard.json")]
        ):
            self.client.log_artifact(run, str(file))
        self.client.set_terminated(run, status="FINISHED")
        return run

    def _search(self, query: str) -> "list[Run]":
        return list(self.client.search_runs([self.experiment], query, order_by=["attributes.start_time DESC"]))

    def _lock(self):
        return locked(self.home / ".mlflow.lock")


def inputs_of(run: "Run") -> list[tuple[str, str, str]]:
    """(name, digest, context) of the artifacts a run read."""
    found = []
    for entry in run.inputs.dataset_inputs:
        context = next((t.value for t in entry.tags if t.key == CONTEXT), "")
        if context != "output":
            found.append((entry.dataset.name, entry.dataset.digest, context))
    return sorted(found)


def curves(folder: Path) -> list[tuple[str, float, int]]:
    """(metric, value, step) of every number in the artifact's metrics.jsonl, where it has one."""
    path = folder / "metrics.jsonl"
    if not path.is_file():
        return []
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        step = int(row.get("step", 0))
        found += [(f"curve/{name}", value, step) for name, value in _numbers(row).items() if name != "step"]
    return found


def _dataset(artifact: Artifact):
    from mlflow.entities import Dataset

    profile = json.dumps({"num_rows": artifact.rows})
    source = json.dumps({"uri": artifact.uri})
    return Dataset(artifact.name, artifact.digest, source_type="local", source=source, profile=profile)


def _numbers(facts: Any, prefix: str = "") -> dict[str, float]:
    """The numbers of a nested record, by dotted name in the characters MLflow allows."""
    found: dict[str, float] = {}
    for key, value in facts.items():
        name = prefix + "".join(c if c.isalnum() or c in "_-. /" else "_" for c in str(key))
        if isinstance(value, dict):
            found.update(_numbers(value, name + "."))
        elif isinstance(value, int | float):
            found[_short(name)] = float(value)
    return found


def _short(name: str) -> str:
    """The name, its end replaced by a digest where MLflow would refuse its length."""
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 33]}~{digest_bytes(name.encode())[:32]}"


def _flat(config: Any, prefix: str = "") -> dict[str, Any]:
    """Leaves of nested dictionaries by dotted name."""
    found: dict[str, Any] = {}
    for key, value in (config or {}).items():
        found.update(_flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value})
    return found

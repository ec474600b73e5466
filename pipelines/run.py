"""`medgym run`: the job of the code location, in this process, on the persistent Dagster instance of the home."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medgym_core.artifacts import Built
from pipelines import display
from pipelines.config import run_config
from pipelines.environment import dagster_home
from pipelines.tracking import Tracker

PID_TAG = "medgym/pid"
TASK_CHAIN = (
    "evaluation/benchmark_items",
    "evaluation/benchmark_texts",
    "corpus/passages",
    "corpus/embeddings",
    "corpus/index",
    "corpus/lexicon",
    "corpus/knowledge_base",
    "tasks/task_set",
)
"""The assets a task set needs, itself included."""


@dataclass(frozen=True)
class Result:
    """What a run gave: the built assets in order, and the ids of its runs."""

    built: dict[str, Built]
    dagster_run: str
    mlflow_run: str
    home: Path

    @property
    def assets(self) -> list[dict[str, Any]]:
        """One record an asset: key, digest, rows, seconds, reused."""
        return [
            {
                "key": name,
                "digest": b.artifact.digest,
                "rows": b.artifact.rows,
                "seconds": round(b.seconds, 3),
                "reused": b.reused,
            }
            for name, b in self.built.items()
        ]


def run_chain(preset: str, overrides: Sequence[str] = (), selection: Sequence[str] = ()) -> Result:
    """Materialise the chain (or the assets of `selection`, whose inputs must be there) and its checks.

    The current display shows it. Errors of assets come through as they are raised. A failed blocking check is a
    CheckFailed.
    """
    run_config(preset, list(overrides))  # a bad setting is told before anything starts
    folder = dagster_home()
    import dagster as dg
    from dagster._core.errors import DagsterAssetCheckFailedError, DagsterExecutionInterruptedError

    from pipelines.definitions import definitions
    from pipelines.resources import tracker_of

    settings = {"preset": preset, "overrides": list(overrides)}
    config = {
        "resources": {"settings": {"config": settings}},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }
    keys = [dg.AssetKey.from_user_string(name) for name in selection] or None
    job = definitions().resolve_job_def("medgym")
    built = display.current().built
    built.clear()
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        tracker = tracker_of(folder.parent)
        end_dead_runs(instance, tracker)
        try:
            done = job.execute_in_process(
                run_config=config, instance=instance, asset_selection=keys, tags={PID_TAG: str(os.getpid())}
            )
        except DagsterAssetCheckFailedError as error:
            raise CheckFailed(" ".join(str(error).split())) from error
        except DagsterExecutionInterruptedError as error:
            raise KeyboardInterrupt from error
    return Result(dict(built), done.run_id, tracker.parent(done.run_id), folder.parent)


class CheckFailed(Exception):
    """A blocking asset check did not pass; nothing downstream was made. The command line exits with status 1."""


def end_dead_runs(instance: Any, tracker: Tracker) -> None:
    """Mark runs of `medgym run` as failed whose process is gone (a kill gives it no time to say so)."""
    import dagster as dg

    started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
    for run in instance.get_runs(filters=started):
        pid = run.tags.get(PID_TAG)
        if pid and not _alive(int(pid)):
            instance.report_run_failed(run, "The process of this run is gone.")
            tracker.abandon(run.run_id)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's process
        return True
    return True

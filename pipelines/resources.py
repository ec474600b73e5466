"""Resources of the code location: the run's settings, the home with its store, and the MLflow record.

`Bench` holds the three together; it is what assets ask for. All have defaults, so the page can launch without
configuration.
"""

import os
from functools import lru_cache
from pathlib import Path

import dagster as dg

from medgym_core.artifacts import Store
from medgym_core.home import home
from pipelines.config import DEFAULT_PRESET, RunConfig, run_config
from pipelines.tracking import Tracker


class Settings(dg.ConfigurableResource):
    """Which configuration a run uses."""

    preset: str = DEFAULT_PRESET
    overrides: list[str] = []
    """`key=value` settings on top of the preset, such as `seed=1` or `rl.steps=20`."""

    @property
    def config(self) -> RunConfig:
        return run_config(self.preset, self.overrides)


class Home(dg.ConfigurableResource):
    """The folder all state lives in."""

    path: str = ""
    """Empty: MEDGYM_HOME, else `.medgym`."""

    @property
    def root(self) -> Path:
        return Path(self.path).absolute() if self.path else home()

    @property
    def store(self) -> Store:
        return Store(self.root / "artifacts")


class Tracking(dg.ConfigurableResource):
    """The MLflow record. At the end of a Dagster run its parent run is closed."""

    home: Home
    uri: str = ""
    """Empty: MEDGYM_MLFLOW_URI, else `mlflow.db` in the home."""

    @property
    def tracker(self) -> Tracker:
        return tracker_of(self.home.root, self.uri)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        run = context.dagster_run
        if run is not None:
            self.tracker.close(run.run_id)


def tracker_of(root: Path, uri: str = "") -> Tracker:
    """The record of a home; one client a home and process, since Dagster makes resources anew for every use."""
    return _tracker(root, uri or os.environ.get("MEDGYM_MLFLOW_URI", ""))


_tracker = lru_cache(maxsize=8)(Tracker)


class Bench(dg.ConfigurableResource):
    """What an asset works with."""

    settings: Settings
    home: Home
    tracking: Tracking

    @property
    def config(self) -> RunConfig:
        return self.settings.config

    @property
    def store(self) -> Store:
        return self.home.store

    @property
    def tracker(self) -> Tracker:
        return self.tracking.tracker

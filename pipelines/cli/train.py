"""`medgym train`; and where `medgym rollout` joins."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.common import Json, Seed, Set, current, current_knowledge, emit, task_file
from pipelines.cli.rollout import rollout

Out = Annotated[Path, typer.Option(help="Folder for the results.")]
File = Annotated[Path | None, typer.Option("--task-file", help="A task file; default: that of the last run.")]


def add(app: typer.Typer) -> None:
    app.command()(rollout)
    app.command()(train)


def train(
    out: Out,
    preset: Annotated[str, typer.Option(help="A training preset.")] = "cpu_demo",
    settings: Set = None,
    seed: Seed = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what an earlier call left in the folder.")
    ] = False,
    file: File = None,
    as_json: Json = False,
) -> None:
    """Train one policy outside the chain. Cloning from the last run's episodes, then TT-OPD.

    Example: medgym train --preset quick --set ttopd.steps=5 --out trained/
    """
    from medgym_core.errors import MedGymError
    from medgym_core.tasks import read_tasks
    from pipelines import display
    from pipelines.steps import POLICY
    from pipelines.steps.training import reporter
    from training.bc import train_bc
    from training.config import preset as preset_of
    from training.ttopd import train_ttopd

    config = preset_of(preset, dict(_setting(s) for s in settings or []))
    if out.exists() and any(out.iterdir()) and not resume:
        raise MedGymError("the folder is not empty", got=out, expected="an empty folder, or --resume")
    every = [t for t in read_tasks(task_file(file)) if t.split != "test"]
    base, episodes = (
        current("training/base_policy").path / POLICY,
        current("rollouts/episodes").path / "episodes.parquet",
    )
    knowledge = current_knowledge()
    with display.showing(display.Lines()):
        cloned = train_bc(base, episodes, out / "bc", config.bc, seed, reporter("bc"))
        trained = train_ttopd(
            out / "bc" / POLICY, every, knowledge, out / "ttopd", config.ttopd, seed, reporter("ttopd")
        )
    document = {"bc": cloned, "ttopd": trained, "policy": str(out / "ttopd" / POLICY)}
    emit(document, as_json, _show_trained)


def _setting(text: str) -> tuple[str, str]:
    from medgym_core.errors import MedGymError

    key, equals, value = text.partition("=")
    if not equals:
        raise MedGymError("bad setting", got=repr(text), expected="key=value, such as ttopd.steps=20")
    return key, value


def _show_trained(document: dict[str, Any]) -> None:
    first, best = document["ttopd"]["validation_first"], document["ttopd"]["validation_best"]
    for metric in first:
        print(f"validation {metric:<10}{first[metric]:.3f} -> {best[metric]:.3f}")
    print(f"counters {document['ttopd']['counters']}")
    print(document["policy"])

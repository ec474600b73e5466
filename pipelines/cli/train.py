"""`medgym train` and `medgym study`; and where `medgym rollout` joins."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.common import Json, Seed, Set, current, current_knowledge, emit, policy_folder, table, task_file
from pipelines.cli.rollout import rollout

Out = Annotated[Path, typer.Option(help="Folder for the results.")]
File = Annotated[Path | None, typer.Option("--task-file", help="A task file; default: that of the last run.")]


def add(app: typer.Typer) -> None:
    app.command()(rollout)
    app.command()(train)
    app.command()(study)


def train(
    out: Out,
    preset: Annotated[str, typer.Option(help="A training preset.")] = "cpu_demo",
    settings: Set = None,
    model: Annotated[
        str, typer.Option(help="Start from this policy (folder, hub name, champion) instead of cloning one.")
    ] = "",
    seed: Seed = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what an earlier call left in the folder.")
    ] = False,
    file: File = None,
    as_json: Json = False,
) -> None:
    """Train one policy outside the chain. Cloning from the last run's episodes, then the algorithm of the preset.

    Example: medgym train --preset cpu_demo --set rl.algorithm=grpo --set rl.steps=5 --out trained/
    """
    from medgym_core.errors import MedGymError
    from medgym_core.tasks import read_tasks
    from pipelines import display
    from pipelines.steps import POLICY
    from pipelines.steps.training import reporter
    from training.bc import train_bc
    from training.presets import preset as preset_of
    from training.rl import train_rl

    config = preset_of(preset, dict(_setting(s) for s in settings or []))
    if out.exists() and any(out.iterdir()) and not resume:
        raise MedGymError("the folder is not empty", got=out, expected="an empty folder, or --resume")
    every = [t for t in read_tasks(task_file(file)) if t.split != "test"]
    knowledge, document = current_knowledge(), {}
    with display.showing(display.Lines()):
        if model:
            start = policy_folder(model)
        else:
            base, episodes = current("training/base_policy"), current("rollouts/episodes")
            recorded = episodes.path / "episodes.parquet"
            document["bc"] = train_bc(base.path / POLICY, recorded, out / "bc", config.bc, seed, reporter("bc"))
            start = str(out / "bc" / POLICY)
        document["rl"] = train_rl(start, every, knowledge, out / "rl", config.rl, seed, reporter("rl"))
    document["policy"] = str(out / "rl" / POLICY)
    emit(document, as_json, _show_trained)


def study(
    name: Annotated[str, typer.Argument(help="Which comparison, such as ttopd.")],
    seeds: Annotated[int, typer.Option(help="Seeds of every arm.", min=1)] = 3,
    jobs: Annotated[int, typer.Option(help="Arms trained at the same time, one core each.", min=1)] = 2,
    settings: Set = None,
    out: Annotated[Path | None, typer.Option(help="Where the report goes; default: MEDGYM_HOME/study/report.")] = None,
    as_json: Json = False,
) -> None:
    """Compare training methods from one start, over seeds. Resumable: what is done is not done again.

    Example: medgym study ttopd --seeds 3
    """
    from medgym_core.home import home
    from pipelines import display
    from pipelines.study.report import write_report
    from pipelines.study.stages import Stages, run_arms
    from training.studies import study as study_of

    chosen = study_of(name, dict(_setting(s) for s in settings or []))
    with display.showing(display.Lines()):
        run_arms(chosen, range(seeds), jobs)
        document = write_report(Stages(chosen), name, range(seeds), out or home() / "study" / "report" / name)
    emit(document, as_json, _show_study)


def _setting(text: str) -> tuple[str, str]:
    from medgym_core.errors import MedGymError

    key, equals, value = text.partition("=")
    if not equals:
        raise MedGymError("bad setting", got=repr(text), expected="key=value, such as rl.steps=20")
    return key, value


def _show_trained(document: dict[str, Any]) -> None:
    first, best = document["rl"]["validation_first"], document["rl"]["validation_best"]
    for metric in first:
        print(f"validation {metric:<10}{first[metric]:.3f} -> {best[metric]:.3f}")
    print(f"counters {document['rl']['counters']}")
    for alarm in document["rl"]["alarms"]:
        print(f"alarm: {alarm}")
    print(document["policy"])


def _show_study(document: dict[str, Any]) -> None:
    for title, rows in document["tables"].items():
        table(title, rows[0], rows[1:])
    for sentence in document["findings"]:
        print(f"- {sentence}")
    print(document["report"])

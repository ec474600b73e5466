"""Measuring: `medgym evaluate` and `medgym benchmarks list, check`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.common import Json, Seed, current_knowledge, emit, policy_folder, select_tasks, table, verdict

AGENTIC = "agentic"
benchmarks = typer.Typer(help="Public benchmarks: list, check.", no_args_is_help=True)


def add(app: typer.Typer) -> None:
    app.command()(evaluate)
    app.add_typer(benchmarks, name="benchmarks")


def evaluate(
    policy: Annotated[
        str, typer.Option(help="A model folder, hub name, champion, models:/NAME@ALIAS, oracle, null:NAME.")
    ],
    suite: Annotated[str, typer.Option(help="agentic (the test split) or a benchmark.")] = AGENTIC,
    limit: Annotated[int | None, typer.Option(help="First items only.", min=1)] = None,
    mode: Annotated[str, typer.Option(help="Benchmarks: logprob (likeliest letter) or text.")] = "logprob",
    seed: Seed = 0,
    file: Annotated[
        Path | None, typer.Option("--task-file", help="A task file; default: that of the last run.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Score a policy beside oracle and nulls. With 95 % intervals.

    Example: medgym evaluate --policy champion --suite medqa --limit 200
    """
    from pipelines.summary import score_lines

    scored = _agentic(policy, limit, seed, file) if suite == AGENTIC else _benchmark(policy, suite, limit, mode, seed)
    document = {"policy": policy, "suite": suite, **scored.as_dict()}
    emit(document, as_json, lambda d: print("\n".join(score_lines(suite, d["estimates"]))))


def _agentic(policy: str, limit: int | None, seed: int, file: Path | None) -> Any:
    from evaluation.agentic import evaluate_tasks, scripts
    from evaluation.scores import score_policies

    tasks, knowledge, actors = select_tasks("test", file)[:limit], current_knowledge(), scripts()
    if policy not in actors:
        from training.policy import load_policy

        actors = {policy: load_policy(policy_folder(policy)), **actors}
    arms = {name: [evaluate_tasks(actor, tasks, knowledge, seed)] for name, actor in actors.items()}
    return score_policies(arms, seed, baseline=policy)


def _benchmark(policy: str, suite: str, limit: int | None, mode: str, seed: int) -> Any:
    from evaluation.benchmarks import load_benchmark
    from evaluation.predictions import run_baselines, run_benchmark
    from evaluation.scores import score_benchmark

    items = load_benchmark(suite, _data()).items[:limit]
    arms = {name: [rows] for name, rows in run_baselines(items).items()}
    if policy not in arms:
        from evaluation.model import PolicyAnswerer
        from training.policy import load_policy

        answerer = PolicyAnswerer(load_policy(policy_folder(policy)))
        arms = {policy: [run_benchmark(answerer, items, mode)], **arms}
    return score_benchmark(arms, suite, seed, baseline=policy)


def _data() -> Path:
    from medgym_core.errors import MedGymError
    from medgym_core.home import data

    root = data()
    if root is None:
        raise MedGymError("no benchmark files", got="MEDGYM_DATA is not set", expected="a folder with benchmarks/")
    return root


@benchmarks.command("list")
def list_benchmarks(as_json: Json = False) -> None:
    """List the benchmarks. File, published items, metric, licence, and whether the file is there.

    Example: medgym benchmarks list
    """
    from evaluation.benchmarks import BENCHMARKS, present
    from medgym_core.home import data

    here = present(data())
    fields = ("name", "title", "files", "published_items", "metric", "licence", "source")
    rows = [{**{f: getattr(spec, f) for f in fields}, "present": name in here} for name, spec in BENCHMARKS.items()]
    emit({"benchmarks": rows}, as_json, lambda d: table("Benchmarks", list(rows[0]), [list(r.values()) for r in rows]))


@benchmarks.command()
def check(as_json: Json = False) -> None:
    """Load every benchmark and test its scorer. Exit 1 where one is not fair.

    Example: medgym benchmarks check --json
    """
    from evaluation.baselines import check_benchmark
    from evaluation.benchmarks import load_benchmark, present

    root = _data()
    found = [check_benchmark(load_benchmark(name, root)) for name in present(root)]
    header = ["name", "items", "published_items", "gold", "letters_off", "best null"]
    rows = [
        [
            b["name"],
            b["items"],
            b["published_items"],
            b["gold"],
            ", ".join(b["letters_off"]) or "none",
            max(b["nulls"].values()),
        ]
        for b in found
    ]
    emit({"benchmarks": found}, as_json, lambda d: table("Benchmarks", header, rows))
    verdict(all(b["gold"] == 1 and not b["letters_off"] for b in found))

"""Measuring: `medgym evaluate` and `medgym benchmarks list, check`."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.common import Json, Seed, current_knowledge, current_tasks, emit, policy_folder, table, verdict

AGENTIC = "agentic"
POLICY = "A model folder, hub name, champion, models:/NAME@ALIAS, oracle, null:NAME, script:NAME, openai:URL#MODEL."
benchmarks = typer.Typer(help="Public benchmarks: list, check.", no_args_is_help=True)


def add(app: typer.Typer) -> None:
    app.command()(evaluate)
    app.add_typer(benchmarks, name="benchmarks")


def evaluate(
    policy: Annotated[str, typer.Option(help=POLICY)],
    suite: Annotated[
        str, typer.Option(help="nightly, full, benchmarks, agentic (MedGym's test tasks), a benchmark; or a,b,c.")
    ] = AGENTIC,
    limit: Annotated[
        int | None, typer.Option(help="Items of each part: a seeded sample, every group with its share.", min=1)
    ] = None,
    mode: Annotated[
        str | None, typer.Option(help="text, logprob or agentic; default: logprob for choices, text else.")
    ] = None,
    against: Annotated[list[str] | None, typer.Option(help="A policy to compare with. Repeatable.")] = None,
    seed: Seed = 0,
    answer_tokens: Annotated[int | None, typer.Option(help="Most tokens of an answer or turn.", min=1)] = None,
    episode_tokens: Annotated[int, typer.Option(help="Most tokens of an episode.", min=1)] = 4096,
    images: Annotated[
        bool, typer.Option("--images/--no-images", help="Send pictures to a model behind a server.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Neither read nor keep answers.")] = False,
    file: Annotated[
        Path | None, typer.Option("--task-file", help="A task file; default: that of the last run.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Score a policy beside oracle and nulls. With 95 % intervals; stopped, the same command goes on.

    Example: medgym evaluate --policy champion --suite medqa --limit 200
    """
    from evaluation.runner import Bench, Protocol
    from evaluation.runner import evaluate as measure
    from evaluation.suites import parts_of
    from medgym_core.artifacts import write_atomic
    from medgym_core.home import data, home

    root, names = data(), list(dict.fromkeys([policy, *(against or [])]))
    chosen = parts_of(suite, root, limit, mode)
    policies = _policies(names, images)
    chosen = [_readable(part, policies, mode) for part in chosen]
    protocol = Protocol(seed, answer_tokens, episode_tokens)
    kept = home() / "evaluations"
    with _progress(as_json) as progress:
        played = any(part.mode == AGENTIC for part in chosen)
        bench = Bench(root, None if fresh else kept, current_knowledge() if played else None, progress)
        tasks = _tasks(suite, file, seed)
        document = measure(names, policies, suite, chosen, bench, protocol, tasks, _version(policy))
    if not fresh:
        name = f"{document['policy']['digest'][:12]}-{document['protocol']['digest'][:12]}.json"
        write_atomic(home() / "scorecards" / name, json.dumps(document, ensure_ascii=False, indent=1))
    emit(document, as_json, show)


def show(document: dict[str, Any]) -> None:
    """Each part as a table: every policy with its interval, and the difference that so many items show."""
    for part in document["parts"]:
        of = f" of {part['published_items']:,} published" if part["published_items"] else ""
        title = f"{part['title']}  {part['metric']}, mode {part['mode']}, {part['items']:,} items{of}"
        header = ["policy", part["metric"], "95 % interval", "n", "clusters", "detectable", "unparsable"]
        rows = []
        for name in _in_order(part["estimates"]):
            e, told = part["estimates"][name], part["details"][name]
            unread = told.get("unparsable", told.get("no_submission", 0.0))
            interval = f"[{e['low']:.3f}, {e['high']:.3f}]"
            rows.append([name, e["value"], interval, e["n"], e["clusters"], e["detectable"], unread])
        table(title, header, rows)
        for c in part["comparisons"]:
            interval = f"{c['difference']:+.3f} [{c['low']:+.3f}, {c['high']:+.3f}]"
            print(f"  {c['policy']} - {c['against']}: {interval}, p (Holm) {c['p_holm']:.4f}")
        for note in part["notes"]:
            print(f"  {note}")
        print()
    for name in document["absent"]:
        print(f"{name}: not measured")


def _in_order(names: Sequence[str]) -> list[str]:
    """The oracle, the policies, then the nulls."""
    return sorted(names, key=lambda name: (name != "oracle", name.startswith("null:")))


def _policies(names: Sequence[str], images: bool) -> dict[str, Any]:
    """The policies that read, by name; scripts are made for each part."""
    from evaluation.policies import is_script, policy_of

    return {name: policy_of(name, policy_folder, images) for name in names if not is_script(name)}


def _readable(part: Any, policies: dict[str, Any], mode: str | None) -> Any:
    """The part in mode text where a policy has no log-probabilities and no mode was asked for."""
    from dataclasses import replace

    blind = any(policy.score_letters is None for policy in policies.values())
    return replace(part, mode="text") if part.mode == "logprob" and blind and mode is None else part


def _tasks(suite: str, file: Path | None, seed: int) -> Any:
    """MedGym's test tasks as `tasks(limit)`: those that are practised for `nightly`, else of every domain."""
    from evaluation.suites import stratified
    from pipelines.config import PRESETS

    practised = PRESETS["demo"].practice.domains if "nightly" in suite.split(",") else [None]

    def tasks(limit: int | None) -> list[Any]:
        found = [task for domain in practised for task in current_tasks(file, domain) if task.split == "test"]
        return stratified(found, limit, seed, lambda task: f"{task.domain}/{task.type}", lambda task: task.id)

    return tasks


def _version(name: str) -> str | None:
    """The version of a registered policy."""
    from pipelines import registry
    from pipelines.cli.common import tracker

    if name not in (registry.CHAMPION, registry.CHALLENGER) and not name.startswith("models:/"):
        return None
    return str(registry.version_of(tracker(), name).version)


@contextmanager
def _progress(quiet: bool) -> Iterator[Any]:
    """A bar on a terminal, lines in a log."""
    import sys

    from pipelines import display

    live = not quiet and sys.stderr.isatty()
    with display.showing(display.Live() if live else display.Lines()) as shown:
        started: set[str] = set()

        def progress(name: str, done: int, total: int, facts: Any) -> None:
            if name not in started:
                started.add(name)
                shown.start(name)
            shown.progress(name, done, total, facts)

        yield progress


@benchmarks.command("list")
def list_benchmarks(as_json: Json = False) -> None:
    """List the benchmarks. Items there and published, metric, licence, and how to obtain them.

    Example: medgym benchmarks list
    """
    from evaluation.benchmarks import BENCHMARKS, load_benchmark, present
    from evaluation.suites import modes_of
    from medgym_core.home import data

    root = data()
    here = present(root)
    fields = ("name", "title", "kind", "files", "published_items", "metric", "licence", "source", "obtain")
    rows = [
        {
            **{f: getattr(spec, f) for f in fields},
            "modes": modes_of(spec),
            "present": name in here,
            "items": len(load_benchmark(name, root).items) if name in here else None,
        }
        for name, spec in BENCHMARKS.items()
    ]
    emit({"benchmarks": rows}, as_json, _show_list)


def _show_list(document: dict[str, Any]) -> None:
    header = ["name", "title", "kind", "items", "published", "metric", "licence", "how to obtain"]
    fields = ("name", "title", "kind", "items", "published_items", "metric", "licence", "obtain")
    rows = [[row[f] for f in fields] for row in document["benchmarks"]]
    shown = [["absent" if n == 3 and c is None else "-" if c is None else c for n, c in enumerate(r)] for r in rows]
    table("Benchmarks", header, shown)


@benchmarks.command()
def check(as_json: Json = False) -> None:
    """Load every benchmark and test its scorer. Gold in every mode, letters, nulls; exit 1 where one is unfair.

    Example: medgym benchmarks check --json
    """
    from evaluation.benchmarks import load_benchmark, present
    from evaluation.check import check_benchmark, fair
    from medgym_core.errors import MedGymError
    from medgym_core.home import data

    root = data()
    names = present(root)
    if root is None:
        raise MedGymError("no benchmark files", got="MEDGYM_DATA is not set", expected="a folder with benchmarks/")
    knowledge, found = current_knowledge(), []
    with _progress(as_json) as progress:
        for number, name in enumerate(names, 1):
            found.append(check_benchmark(load_benchmark(name, root), knowledge))
            progress("benchmarks", number, len(names), {"benchmark": name})
    emit({"benchmarks": found}, as_json, _show_check)
    verdict(all(fair(facts) for facts in found))


def _show_check(document: dict[str, Any]) -> None:
    header = ["name", "items", "published", "gold", "text", "logprob", "agentic", "letters off", "best null", "scores"]
    rows = [
        [
            b["name"],
            b["items"],
            b["published_items"] or "-",
            b["gold"],
            *(b.get(f"gold_{mode}", "-") for mode in ("text", "logprob", "agentic")),
            ", ".join(b["letters_off"]) or "none",
            b["best_null"],
            b["nulls"][b["best_null"]],
        ]
        for b in document["benchmarks"]
    ]
    table("Benchmarks", header, rows)

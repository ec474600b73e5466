"""What was measured, to look at: `medgym report` and `medgym leaderboard`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.common import Json, emit, table, tracker

SCORECARDS = "scorecards"  # folder of the home


def add(app: typer.Typer) -> None:
    app.command()(report)
    app.command()(leaderboard)


def report(
    scorecards: Annotated[
        list[Path], typer.Argument(help="Scorecards as JSON; the first is reported.", metavar="FILE...")
    ],
    out: Annotated[Path, typer.Option(help="The folder to write into.")] = Path("report"),
    metrics: Annotated[
        list[Path] | None, typer.Option(help="metrics.jsonl of the training run. Repeatable: one a seed.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write scorecards of `medgym evaluate --json` as a page. report.html, report.md and report.json.

    Example: medgym report card.json --out report
    """
    from evaluation.report import read_card, read_metrics, write_report

    runs = {str(path.parent.name or path): read_metrics(path) for path in metrics or []}
    if len(runs) < len(metrics or []):
        runs = {str(path): read_metrics(path) for path in metrics or []}
    paths = write_report([read_card(path) for path in scorecards], out, runs)
    emit({"files": [str(p) for p in paths]}, as_json, lambda d: print("\n".join(d["files"])))


def leaderboard(
    scorecards: Annotated[
        list[Path] | None,
        typer.Argument(help="Scorecards, or folders of them; default: scorecards/ in the home.", metavar="[PATH]..."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Also write leaderboard.html, .md and .json there.")] = None,
    registry: Annotated[bool, typer.Option("--registry", help="Show aliases and gate decisions of versions.")] = False,
    as_json: Json = False,
) -> None:
    """Rank policies by accuracy on MedGym's tasks. With intervals and ties.

    Example: medgym leaderboard scorecards/ --out board
    """
    from evaluation import leaderboard as boards
    from evaluation.report import read_card
    from medgym_core.home import home

    cards = [read_card(path) for path in _files(scorecards or [home() / SCORECARDS])]
    found = boards.leaderboard(cards, _versions() if registry else None)
    if out is not None:
        _write(out, found)
    emit(boards.as_dict(found), as_json, lambda _: _show(found))


def _files(paths: list[Path]) -> list[Path]:
    """The files themselves, and every .json of the folders among them."""
    from medgym_core.errors import MedGymError

    found = [file for path in paths for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]
    if not found or not all(file.is_file() for file in found):
        raise MedGymError("no scorecards", got=", ".join(map(str, paths)), expected="folders with .json files")
    return found


def _versions() -> dict[str, dict[str, Any]]:
    """Aliases and gate decision by version number of the registered policy."""
    from pipelines import registry

    book = tracker()
    aliases: dict[str, list[str]] = {}
    for alias, version in sorted(registry.aliases(book).items()):
        aliases.setdefault(version, []).append(alias)
    return {
        str(v.version): {"aliases": aliases.get(str(v.version), []), "decision": v.tags.get("gate.decision", "")}
        for v in registry.versions(book)
    }


def _write(out: Path, found: Any) -> None:
    import json

    from evaluation import leaderboard as boards
    from medgym_core.artifacts import write_atomic

    write_atomic(out / "leaderboard.html", boards.html(found))
    write_atomic(out / "leaderboard.md", boards.markdown(found))
    write_atomic(out / "leaderboard.json", json.dumps(boards.as_dict(found), indent=1) + "\n")


def _show(found: Any) -> None:
    from evaluation import leaderboard as boards

    for board in found.boards:
        table(f"Protocol {board.protocol[:16]}", boards.HEADER, boards.rows(board))
    if found.without:
        print(f"Without results on MedGym's tasks: {', '.join(found.without)}")

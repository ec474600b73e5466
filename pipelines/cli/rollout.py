"""Episodes: `medgym rollout`, and `medgym trajectories show, stats, export`."""

import csv
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from medgym_core.episode import text_of
from pipelines.cli.common import (
    Json,
    Seed,
    current,
    current_knowledge,
    emit,
    one_line,
    policy_folder,
    select_tasks,
    table,
    verdict,
)

trajectories = typer.Typer(help="Recorded episodes: show, stats, export.", no_args_is_help=True)
File = Annotated[
    Path | None, typer.Option("--file", help="A Parquet file or folder of episodes; default: the last run's.")
]
KEY = re.compile(r"[0-9a-f]{16}")
FORMATS = ("chat", "scores")
INTERRUPTED = 130  # as of a process that SIGINT ended
_STATS = {
    "policies": "SELECT policy, {figures} FROM episodes GROUP BY policy ORDER BY policy",
    "domains": "SELECT policy, domain, {figures} FROM episodes GROUP BY policy, domain ORDER BY policy, domain",
    "turns": "SELECT turns, {figures} FROM episodes GROUP BY turns ORDER BY turns",
}
_FIGURES = """count(*) AS episodes, round(avg(correct::int), 6) AS success, round(avg(accuracy), 6) AS accuracy,
    round(avg(reward), 6) AS composite, sum(tokens)::bigint AS tokens, sum(tool_errors)::bigint AS tool_errors"""


def rollout(
    policy: Annotated[
        str,
        typer.Option(
            help="A model folder, hub name, champion, models:/NAME@ALIAS, oracle, null:NAME, openai:URL#MODEL."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the run; the same command goes on with what is there.")],
    tasks: Annotated[str, typer.Option(help="all, a split, a domain, a task id; commas narrow down.")] = "test",
    n: Annotated[int, typer.Option("-n", "--n", help="Episodes a task.", min=1)] = 1,
    seed: Seed = 0,
    temperature: Annotated[float, typer.Option(help="Of the sampling.")] = 1.0,
    top_p: Annotated[float, typer.Option(help="Share of the probability to choose from.")] = 1.0,
    top_k: Annotated[int, typer.Option(help="Most tokens to choose from; 0: all.")] = 0,
    greedy: Annotated[bool, typer.Option("--greedy", help="Take the likeliest token.")] = False,
    stop_at_call: Annotated[
        bool, typer.Option("--stop-at-call", help="End a turn at the closing tag of a tool call.")
    ] = False,
    template: Annotated[
        Path | None, typer.Option(help="A chat template in place of the model's.", exists=True, dir_okay=False)
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first tasks of the selection.", min=1)] = None,
    slots: Annotated[int | None, typer.Option(help="Episodes in flight.", min=1)] = None,
    time_limit: Annotated[float | None, typer.Option(help="Seconds after which an episode begins no turn.")] = None,
    turn_tokens: Annotated[int, typer.Option(help="Most tokens of a turn.", min=1)] = 80,
    episode_tokens: Annotated[int, typer.Option(help="Most tokens of an episode.", min=1)] = 768,
    part: Annotated[int, typer.Option(help="Episodes a file.", min=1)] = 2048,
    file: Annotated[
        Path | None, typer.Option("--task-file", help="A task file; default: that of the last run.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Play tasks and write the trajectories. As Parquet; stopped at any moment, the same command goes on.

    Example: medgym rollout --policy champion --tasks medical_qa,test --n 4 --out rollouts/
    """
    from training.engine import Limits
    from training.players import Sampling, player
    from training.recording import interruptible, record_run

    sampling = Sampling(temperature, top_p, top_k, greedy, stop_at_call)
    chosen = select_tasks(tasks, file)[:limit]
    limits = Limits(turn_tokens, episode_tokens, time_limit)
    who = player(policy, sampling, policy_folder, template)
    with interruptible() as stopping, _progress(as_json) as progress:
        summary = record_run(
            who, chosen, n, seed, out, current_knowledge(),
            limits=limits, slots=slots, part=part, progress=progress, stopping=stopping,
        )  # fmt: skip
    emit(summary, as_json, _show_run)
    if summary["interrupted"]:
        one_line(f"stopped with {summary['episodes']} of {summary['total']} episodes kept; the same command goes on")
        raise typer.Exit(INTERRUPTED)
    if summary["failed"]:
        one_line(f"{summary['failed']} episodes failed (see {out / 'failed.jsonl'}); the same command tries them again")
    verdict(summary["complete"])


@contextmanager
def _progress(quiet: bool) -> Iterator[Any]:
    """A bar on a terminal, lines in a log; nothing to see where a program reads."""
    from pipelines import display

    live = not quiet and sys.stderr.isatty()
    name = "rollout"
    with display.showing(display.Live() if live else display.Lines()) as shown:
        shown.start(name)
        yield lambda done, total, figures: shown.progress(name, done, total, figures)


def _show_run(summary: dict[str, Any]) -> None:
    print(f"{summary['policy']}: {summary['episodes']} of {summary['total']} episodes, {summary['new']} of them new")
    if summary["success"] is not None:
        names = ("success", "accuracy", "composite", "turns")
        print("  ".join(f"{name} {summary[name]:.3f}" for name in names))
        print(f"tool errors {summary['tool_errors']}  stops {summary['stops']}")
    print(f"{summary['episodes_per_second']:.1f} episodes/s  {summary['tokens_per_second']:.1f} sampled tokens/s")
    print(summary["folder"])


@trajectories.command()
def show(
    episode: Annotated[str, typer.Argument(help="Number of the episode, from 0, or its key (16 hex digits).")] = "0",
    file: File = None,
    as_json: Json = False,
) -> None:
    """Show one episode as a conversation.

    Example: medgym trajectories show 3
    """
    found = find_episode(episode, path_of(file))
    facts = {"key": found.key, "task": found.task, "policy": found.policy, "sample": found.sample, "stop": found.stop}
    facts |= {"correct": found.correct, "composite": found.reward}
    counts = {"sampled_tokens": found.sampled_tokens, "tokens": len(found.token_ids)}
    emit({**facts, **counts, "messages": found.messages}, as_json, _show_conversation)


def _show_conversation(document: dict[str, Any]) -> None:
    for name, value in document.items():
        if name != "messages":
            print(f"{name:<15}{value}")
    for message in document["messages"]:
        print(f"\n[{message['role']}]\n{text_of(message)}")


@trajectories.command()
def stats(file: File = None, as_json: Json = False) -> None:
    """Count episodes, success, composite, tokens and errors. By policy, by domain and by number of turns.

    Example: medgym trajectories stats
    """
    import duckdb

    from training.trajectory_views import rows, views

    with duckdb.connect() as con:
        views(con, path_of(file))
        found = {name: rows(con, query.format(figures=_FIGURES)) for name, query in _STATS.items()}
        stops = {r["stop"]: r["n"] for r in rows(con, "SELECT stop, count(*) n FROM episodes GROUP BY 1 ORDER BY 1")}
    policies = {r.pop("policy"): r for r in found.pop("policies")}
    emit({"policies": policies, **found, "stops": stops}, as_json, _show_stats)


def _show_stats(document: dict[str, Any]) -> None:
    by_policy = [{"policy": name, **facts} for name, facts in document["policies"].items()]
    for title, rows in (("policy", by_policy), ("domain", document["domains"]), ("number of turns", document["turns"])):
        table(f"Episodes by {title}", list(rows[0]), [list(r.values()) for r in rows])
    print("stops " + ", ".join(f"{name} {n}" for name, n in document["stops"].items()))


@trajectories.command()
def export(
    out: Annotated[Path, typer.Argument(help="File to write.")],
    format: Annotated[str, typer.Option(help="chat (JSONL: messages of an episode a line) or scores (CSV).")] = "chat",
    file: File = None,
    as_json: Json = False,
) -> None:
    """Write episodes for other programs. Conversations as JSONL, or scores as CSV.

    Example: medgym trajectories export episodes.jsonl --format chat
    """
    import os

    from medgym_core.errors import unknown_name

    if format not in FORMATS:
        raise unknown_name("export format", format, FORMATS)
    source = path_of(file)
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with open(beside, "w", encoding="utf-8", newline="") as stream:
            count = (_export_chat if format == "chat" else _export_scores)(source, stream)
        os.replace(beside, out)
    finally:
        beside.unlink(missing_ok=True)
    emit({"episodes": count, "file": str(out)}, as_json, lambda d: print(f"{d['episodes']} episodes in {d['file']}"))


def _export_chat(source: Path, stream: Any) -> int:
    """The chat form of the field: `{"messages": [...], ...}` a line, roles system, user, assistant, tool."""
    from training.trajectory import iter_trajectories

    count = 0
    for t in iter_trajectories(source):
        about = {"key": t.key, "task": t.task, "policy": t.policy, "reward": t.reward, "correct": t.correct}
        stream.write(json.dumps({"messages": t.messages, **about}, ensure_ascii=False) + "\n")
        count += 1
    return count


def _export_scores(source: Path, stream: Any) -> int:
    import duckdb

    from training.trajectory_views import views

    columns = (
        "key, policy, task, domain, split, seed, sample, accuracy, correct, reward, critical, stop, turns, tool_calls"
    )
    with duckdb.connect() as con:
        views(con, source)
        answer = con.sql(f"SELECT {columns}, tool_errors, tokens, sampled_tokens FROM episodes").to_arrow_table()
    writer = csv.writer(stream)
    writer.writerow(answer.column_names)
    for batch in answer.to_batches(max_chunksize=4096):
        writer.writerows(zip(*(column.to_pylist() for column in batch.columns), strict=True))
    return answer.num_rows


def path_of(file: Path | None) -> Path:
    """The episodes asked for, else those of the last run."""
    return file or current("rollouts/episodes").path / "episodes.parquet"


def find_episode(episode: str, path: Path) -> Any:
    """The episode of that number or key. Raises MedGymError where there is none."""
    from medgym_core.errors import MedGymError
    from training.trajectory import iter_trajectories

    by_key = bool(KEY.fullmatch(episode))
    if not by_key and not episode.isdigit():
        raise MedGymError("bad episode", got=repr(episode), expected="a number from 0, or a key of 16 hex digits")
    count = 0
    for number, found in enumerate(iter_trajectories(path)):
        if (found.key == episode) if by_key else (number == int(episode)):
            return found
        count += 1
    raise MedGymError("no such episode", got=episode, expected=f"0 to {count - 1}, or a key", where=path)

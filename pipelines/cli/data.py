"""Episodes: `medgym trajectories show, stats` and `medgym explain`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from medgym_core.episode import text_of
from pipelines.cli.common import Json, current, emit, table, task_file
from pipelines.cli.judge import AllowHttp

trajectories = typer.Typer(help="Recorded episodes: show, stats.", no_args_is_help=True)
File = Annotated[
    Path | None, typer.Option("--file", help="A Parquet file or folder; default: the last run's episodes.")
]


def add(app: typer.Typer) -> None:
    app.add_typer(trajectories, name="trajectories")
    app.command()(explain)


@trajectories.command()
def show(
    number: Annotated[int, typer.Argument(help="Which episode, from 0.")] = 0, file: File = None, as_json: Json = False
) -> None:
    """Show one episode as a conversation.

    Example: medgym trajectories show 3
    """
    found = _episode(number, file)
    facts = {
        "task": found.task,
        "policy": found.policy,
        "stop": found.stop,
        "correct": found.correct,
        "composite": found.reward,
    }
    document = {
        **facts,
        "sampled_tokens": found.sampled_tokens,
        "tokens": len(found.token_ids),
        "messages": found.messages,
    }
    emit(document, as_json, _show_conversation)


def _show_conversation(document: dict[str, Any]) -> None:
    for name, value in document.items():
        if name != "messages":
            print(f"{name:<15}{value}")
    for message in document["messages"]:
        print(f"\n[{message['role']}]\n{text_of(message)}")


@trajectories.command()
def stats(file: File = None, as_json: Json = False) -> None:
    """Count episodes, accuracy, composite, tokens and errors by policy.

    Example: medgym trajectories stats
    """
    from pipelines.steps.rollouts import summary
    from training.trajectory import read_trajectories

    found = summary(read_trajectories(_path(file)))
    rows = [[name, *facts.values()] for name, facts in found["policies"].items()]
    emit(found, as_json, lambda d: table("Episodes", ["policy", *next(iter(d["policies"].values()))], rows))


def explain(
    episode: Annotated[str, typer.Argument(help="Number of an episode of the last run, or FILE#NUMBER.")],
    tasks: Annotated[Path | None, typer.Option(help="A task file; default: that of the last run.")] = None,
    judge: Annotated[
        str | None, typer.Option(metavar="URL", help="Let a model say what free texts state, instead of the rules.")
    ] = None,
    judge_model: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the model at that URL.")] = None,
    allow_http: AllowHttp = False,
    as_json: Json = False,
) -> None:
    """Tell why an episode got its reward. It is played again and scored.

    Example: medgym explain 3
    """
    from medgym_core.errors import MedGymError
    from medgym_core.explain import explain as explain_in_words
    from medgym_core.gates import play
    from medgym_core.rewards import score
    from medgym_core.tasks import read_tasks
    from pipelines.cli.common import current_knowledge

    asked = _judge(judge, judge_model, allow_http)
    path, _, number = episode.rpartition("#")
    if not number.isdigit():
        raise MedGymError("bad episode", got=repr(episode), expected="a number, or FILE#NUMBER")
    found = _episode(int(number), Path(path) if path else None)
    source = task_file(tasks)
    task = next((t for t in read_tasks(source) if t.id == found.task), None)
    if task is None:
        raise MedGymError(
            "the episode's task is not in the task set", got=found.task, expected="its own task file", where=source
        )
    said = [m["content"] for m in found.messages if m["role"] == "assistant"]
    played = play(task, said, current_knowledge())
    reward = score(task, played.events, asked)
    document = {
        "task": task.id,
        "policy": found.policy,
        "verdict": reward.verdict,
        "composite": reward.composite,
        "parts": reward.parts,
        "critical": reward.critical,
        "why": explain_in_words(task, played.events, reward),
        "recorded": found.reward,
        "judge": _told(asked) if asked else None,
    }
    emit(document, as_json, _show_reward)


def _judge(url: str | None, model: str | None, allow_http: bool) -> Any:
    """The judge asked for; None: the rules."""
    from medgym_core.errors import MedGymError

    if url is None and model is None:
        return None
    if url is None or model is None:
        got = "--judge-model alone" if url is None else "--judge alone"
        raise MedGymError("half a judge", got=got, expected="--judge URL --judge-model NAME")
    from evaluation.judge import JudgeSettings, ModelJudge

    return ModelJudge(JudgeSettings(url, model, allow_http=allow_http))


def _told(judge: Any) -> dict[str, Any]:
    """Who judged, and what was asked and answered."""
    answers = [{"statement": statement, "says": says} for (statement, _), says in judge.answers.items()]
    return {"url": judge.settings.url, "model": judge.settings.model, "answers": answers}


def _show_reward(document: dict[str, Any]) -> None:
    print(f"{document['task']} by {document['policy']}: {document['verdict']}, composite {document['composite']:.3f}")
    for sentence in document["why"]:
        print(f"  {sentence}")
    if judge := document["judge"]:
        print(f"the text was judged by {judge['model']} at {judge['url']}, {len(judge['answers'])} statements asked")
        for answer in judge["answers"]:
            print(f"  {'said' if answer['says'] else 'not said'}: {answer['statement']}")


def _path(file: Path | None) -> Path:
    return file or current("rollouts/episodes").path / "episodes.parquet"


def _episode(number: int, file: Path | None) -> Any:
    from medgym_core.errors import MedGymError
    from training.trajectory import read_trajectories

    path = _path(file)
    found = read_trajectories(path)
    if not 0 <= number < len(found):
        raise MedGymError("no such episode", got=number, expected=f"0 to {len(found) - 1}", where=path)
    return found[number]

"""`medgym explain`; and where `medgym trajectories` joins."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.common import Json, emit, task_file
from pipelines.cli.judge import AllowHttp
from pipelines.cli.rollout import find_episode, path_of, trajectories


def add(app: typer.Typer) -> None:
    app.add_typer(trajectories, name="trajectories")
    app.command()(explain)


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
    found = find_episode(number, path_of(Path(path) if path else None))
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

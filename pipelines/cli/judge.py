"""The model judge of free texts: `medgym judge agreement`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.common import Json, Seed, current_tasks, emit, table

judge = typer.Typer(help="A model that judges free texts: agreement. Off unless named.", no_args_is_help=True)
AllowHttp = Annotated[
    bool, typer.Option("--allow-http", help="Let texts travel to the judge unencrypted, beyond this machine.")
]


def add(app: typer.Typer) -> None:
    app.add_typer(judge, name="judge")


@judge.command()
def agreement(
    url: Annotated[str, typer.Option(help="An OpenAI-compatible endpoint, such as http://127.0.0.1:8000/v1.")],
    model: Annotated[str, typer.Option(help="Name of the model there.")],
    tasks: Annotated[Path | None, typer.Option(help="A task file; default: that of the last run.")] = None,
    limit: Annotated[int | None, typer.Option(help="So many tasks, spread over the file.", min=1)] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the answers in the home, and use those kept.")] = False,
    seed: Seed = 0,
    allow_http: AllowHttp = False,
    as_json: Json = False,
) -> None:
    """Measure a judge against known answers, beside the rules. With 95 % intervals.

    The questions come from the text answers of the tasks: reference, canonical sentences, one left out, false ones.
    A key is read from MEDGYM_JUDGE_KEY.

    Example: medgym judge agreement --url http://127.0.0.1:8000/v1 --model qwen --limit 50
    """
    from dataclasses import asdict

    from evaluation.agreement import agreement_with_rules
    from evaluation.judge import JudgeSettings, ModelJudge

    asked = ModelJudge(JudgeSettings(url, model, allow_http=allow_http), keep)
    found = agreement_with_rules(current_tasks(tasks), asked, limit, seed)
    emit({"url": url, "model": model, "requests": asked.requests, **asdict(found)}, as_json, _show)


def _show(found: dict[str, Any]) -> None:
    metrics = ("raw", "kappa", "sensitivity", "specificity")
    rows = [[name, *(_interval(found[key][m]) for m in metrics)] for name, key in _graders(found)]
    facts = found["judge"]
    title = f"{facts['n']} questions ({facts['positives']} yes) of {facts['raw']['clusters']} families, 95 % intervals"
    table(title, ["grader", *metrics], rows)
    kinds = [[kind, row["questions"], row["judge"], row["rules"]] for kind, row in found["kinds"].items()]
    table("Share right", ["kind", "questions", *(name for name, _ in _graders(found))], kinds)
    for wrong in found["mistakes"][:10]:
        print(
            f"  {found['model']} says {'no' if wrong['label'] else 'yes'}: {wrong['statement']!r} in {wrong['text']!r}"
        )


def _graders(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(found["model"], "judge"), ("rules", "rules")]


def _interval(estimate: dict[str, Any]) -> str:
    return f"{estimate['value']:.3f} [{estimate['low']:.3f}, {estimate['high']:.3f}]"

"""The task set: `medgym tasks build, stats, show, validate, add, card, from-fhir, to-fhir`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.common import Json, Set, current_knowledge, current_tasks, emit, table, task_file, verdict

File = Annotated[Path | None, typer.Option("--tasks", help="A task file; default: that of the last run.")]
Domain = Annotated[str | None, typer.Option(help="Only this domain.")]

SHOWN = 5
"""Failures told of each gate."""

tasks = typer.Typer(
    help="The task set: build, stats, show, validate, add, card, FHIR in and out.", no_args_is_help=True
)


@tasks.command()
def build(
    quick: Annotated[bool, typer.Option("--quick", help="The small preset.")] = False,
    settings: Set = None,
    out: Annotated[Path | None, typer.Option(help="Also copy the task file here.")] = None,
    as_json: Json = False,
) -> None:
    """Build corpus and task set, with the checks. In the home; nothing after them.

    Example: medgym tasks build --set tasks.per_domain=200 --out tasks.parquet
    """
    import shutil

    from pipelines import display
    from pipelines.cli.common import current
    from pipelines.run import TASK_CHAIN, run_chain

    with display.showing(display.Lines()):
        run_chain("quick" if quick else "demo", settings or [], TASK_CHAIN)
    artifact = current("tasks/task_set")
    if out is not None:
        shutil.copyfile(artifact.path / "tasks.parquet", out)
    document = {
        "tasks": artifact.rows,
        "digest": artifact.digest,
        "file": str(out or artifact.path / "tasks.parquet"),
        **artifact.meta,
    }
    emit(document, as_json, lambda d: print(f"{d['tasks']} tasks  {d['digest']}  {d['file']}"))


@tasks.command()
def stats(file: File = None, domain: Domain = None, as_json: Json = False) -> None:
    """Count tasks by domain, type, split and level.

    Example: medgym tasks stats --domain medical_qa
    """
    from collections import Counter

    found = current_tasks(file, domain)
    counts = Counter((t.domain, t.type, t.split, t.level) for t in found)
    rows = [
        dict(zip(("domain", "type", "split", "level", "tasks"), (*key, n), strict=True))
        for key, n in sorted(counts.items())
    ]
    document = {"tasks": len(found), "families": len({(t.domain, t.family) for t in found}), "rows": rows}
    emit(
        document,
        as_json,
        lambda d: table(
            f"{d['tasks']} tasks, {d['families']} families", list(rows[0]), [list(r.values()) for r in rows]
        ),
    )


@tasks.command("show")
def show_task(
    id: Annotated[str, typer.Argument(help="A task id, or its first characters.")],
    file: File = None,
    truth: Annotated[bool, typer.Option("--truth", help="Also show what only the verifier sees.")] = False,
    as_json: Json = False,
) -> None:
    """Show one task. Prompt and chart, and with --truth the answer and the reference.

    Example: medgym tasks show triage_emergency/ --truth
    """
    import msgspec

    found = _named(id, file)
    hidden = () if truth else ("truth", "reference", "story")
    document = {k: v for k, v in msgspec.to_builtins(found).items() if k not in hidden}
    emit(document, as_json, _show_fields)


def _named(id: str, file: Path | None) -> Any:
    """The first task whose id begins so."""
    from medgym_core.errors import unknown_name

    every = current_tasks(file)
    found = next((t for t in every if t.id.startswith(id)), None)
    if found is None:
        raise unknown_name("task", id, [t.id for t in every[:3]], where=f"{len(every)} tasks")
    return found


def _show_fields(document: dict[str, Any]) -> None:
    import json

    for name, value in document.items():
        print(
            f"{name:<10} {value if isinstance(value, str | int) else json.dumps(value, ensure_ascii=False, indent=2)}"
        )


@tasks.command()
def validate(file: File = None, as_json: Json = False) -> None:
    """Check a task file against every rule and gate. With Great Expectations and Data Docs; exit 1 where one fails.

    Example: medgym tasks validate --tasks tasks.parquet
    """
    from medgym_core.home import data, home
    from medgym_core.tasks import read_tasks
    from pipelines.steps import validation
    from pipelines.steps.benchmarks import texts_by_file

    path = task_file(file)
    read_tasks(path)  # a file that is no task set is told in one line
    docs = home() / "data_docs"
    texts = [text for found in texts_by_file(data()).values() for text in found]
    document = validation.validate(path, current_knowledge(), texts, docs) | {"data_docs": str(docs / "index.html")}
    emit(document, as_json, _show_verdicts)
    rules = all(v["passed"] for v in document["rules"] if v["severity"] == "critical")
    verdict(rules and all(g["passed"] for g in document["gates"]))


def _show_verdicts(document: dict[str, Any]) -> None:
    rows = [
        [v["name"], "passed" if v["passed"] else "FAILED", v["severity"], v["unexpected"], v["why"]]
        for v in document["rules"]
    ]
    table("Rules", ["rule", "verdict", "severity", "unexpected", "why"], rows)
    show_gates(document["gates"])
    print(f"Data Docs: {document['data_docs']}")


def show_gates(found: list[dict[str, Any]]) -> None:
    """Gates as a table, then what fails."""
    rows = [
        [g["domain"], g["name"], "passed" if g["passed"] else "FAILED", g["value"], g["threshold"], len(g["failures"])]
        for g in found
    ]
    table("Gates", ["domain", "gate", "verdict", "value", "threshold", "failures"], rows)
    for gate in found:
        for name, why in list(gate["reasons"].items())[:SHOWN]:
            print(f"  {gate['name']}: {name}: {why}")


@tasks.command("add")
def add_tasks(
    file: Annotated[Path, typer.Argument(help="One task a line (JSON), or exam questions in their own format.")],
    out: Annotated[Path, typer.Option(help="The task file to write; one that is there is added to.")],
    format: Annotated[str, typer.Option(help="tasks, medqa, medmcqa or mmlu.")] = "tasks",
    beside: File = None,
    as_json: Json = False,
) -> None:
    """Add tasks of your own. Every line gets every gate's verdict; accepted ones are written; exit 1 if any was not.

    What is written joins a run by `--set tasks.files=FILE`. Example: medgym tasks add mine.jsonl --out mine.parquet
    """
    from medgym_core.errors import unknown_name
    from medgym_core.exam_questions import FORMATS, read_exam
    from medgym_core.home import data
    from medgym_core.tasks import read_tasks, write_tasks
    from medgym_core.user_tasks import judge, read_user_tasks
    from pipelines.cli.common import pointer
    from pipelines.steps.benchmarks import texts_by_file

    if format != "tasks" and format not in FORMATS:
        raise unknown_name("format", format, ["tasks", *FORMATS])
    knowledge = current_knowledge()
    lines = read_user_tasks(file) if format == "tasks" else read_exam(file, format, knowledge)
    held = read_tasks(out) if out.exists() else []
    there = read_tasks(task_file(beside)) if beside or pointer("tasks/task_set").is_file() else []
    texts = (text for found in texts_by_file(data()).values() for text in found)
    verdicts = judge(lines, knowledge, [*there, *held], texts)
    good = [v.task for v in verdicts if v.accepted and v.task is not None]
    if good:
        write_tasks(out, [*held, *good])
    rows = [
        {"line": v.line, "id": v.task.id if v.task else None, "accepted": v.accepted, "gates": v.reasons}
        for v in verdicts
    ]
    document = {"added": len(good), "lines": len(rows), "held": len(held), "file": str(out), "verdicts": rows}
    emit(document, as_json, _show_added)
    verdict(len(good) == len(rows))


def _show_added(document: dict[str, Any]) -> None:
    from medgym_core.user_tasks import GATES

    for row in document["verdicts"]:
        if row["accepted"]:
            print(f"  line {row['line']:>6}  accepted  {row['id']}  passes {', '.join(GATES)}")
        for gate, why in row["gates"].items():
            print(f"  line {row['line']:>6}  REJECTED  {gate}: {why}")
    written = document["file"] if document["added"] else "nothing written"
    print(f"{document['added']} of {document['lines']} lines accepted  {written}")


@tasks.command()
def card(file: File = None) -> None:
    """Print the data card of a task file. Counts, kinds, safety content, sources, limits.

    Example: medgym tasks card > card.md
    """
    from medgym_core.card import card as write
    from medgym_core.tasks import tasks_digest

    found = current_tasks(file)
    print(write(found, tasks_digest(found)))


@tasks.command("from-fhir")
def from_fhir(
    bundles: Annotated[list[Path], typer.Argument(help="FHIR R4 bundles (JSON), such as Synthea writes.")],
    out: Annotated[Path, typer.Option(help="The task file to write.")],
    as_json: Json = False,
) -> None:
    """Make record tasks from FHIR bundles. Nothing is written where one bundle is malformed.

    Example: medgym tasks from-fhir patient.json --out mine.parquet
    """
    from medgym_core.domains.ehr_management.importing import case_from_bundle
    from medgym_core.errors import MedGymError
    from medgym_core.tasks import task_of, write_tasks

    made = {}
    for path in bundles:
        try:
            drafts = case_from_bundle(path.read_bytes())
        except OSError as error:
            raise MedGymError(f"bundle is not readable: {error.strerror}", where=path) from error
        except MedGymError as error:
            raise MedGymError(f"bad bundle: {error}", where=path) from error
        made |= {task.id: task for task in (task_of("ehr_management", d) for d in drafts)}
    if not made:
        raise MedGymError("no tasks", got=f"{len(bundles)} bundles", expected="a record with results or encounters")
    write_tasks(out, list(made.values()))
    document = {"tasks": len(made), "bundles": len(bundles), "file": str(out)}
    emit(document, as_json, lambda d: print(f"{d['tasks']} tasks from {d['bundles']} bundles  {d['file']}"))


@tasks.command("to-fhir")
def to_fhir(
    id: Annotated[str, typer.Argument(help="A task id, or its first characters.")],
    file: File = None,
) -> None:
    """Print the chart of a task as a FHIR R4 bundle (what the tools can see, never the truth).

    Example: medgym tasks to-fhir ehr_management/ > bundle.json
    """
    import json

    from medgym_core.clinical.fhir import to_bundle

    print(json.dumps(to_bundle(_named(id, file).chart), indent=1))

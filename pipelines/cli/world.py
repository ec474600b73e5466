"""The world: `medgym tools`, `medgym tasks ...`, `medgym gates`, `medgym search`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.common import Json, Set, current_knowledge, emit, table, task_file, verdict

File = Annotated[Path | None, typer.Option("--tasks", help="A task file; default: that of the last run.")]
Domain = Annotated[str | None, typer.Option(help="Only this domain.")]

tasks = typer.Typer(help="The task set: build, stats, show, validate, FHIR in and out.", no_args_is_help=True)


def add(app: typer.Typer) -> None:
    app.command()(tools)
    app.add_typer(tasks, name="tasks")
    app.command()(gates)
    app.command()(search)


def tools(domain: Domain = None, as_json: Json = False) -> None:
    """List the tools by executing every one. On how many charts each ran, and how many calls broke; exit 1 if any did.

    `refused` counts calls the case does not allow, answered with a reason (an ECG tool on a skin picture).

    Example: medgym tools --domain triage_emergency
    """
    from medgym_core import domains
    from medgym_core.gates import tool_outputs
    from medgym_core.knowledge.search import KnowledgeBase
    from medgym_core.tasks import build_task_set

    names = [domains.get(domain).name] if domain else list(domains.NAMES)
    knowledge = KnowledgeBase.shipped()
    rows = []
    for name in names:
        cases = build_task_set(0, 120, knowledge, [name])
        for tool, found in tool_outputs(name, cases, knowledge).items():
            facts = {"kind": found.kind, "static": found.static, "charts_run": found.charts}
            facts |= {"errors": len(found.failures), "refused": found.refused, "failures": found.failures[:3]}
            rows.append({"name": tool, "domain": name, **facts, "distinct_outputs": len(found.distinct)})
    kinds = {kind: sum(r["kind"] == kind for r in rows) for kind in ("read", "write", "submit")}
    counts = {"tools": len({r["name"] for r in rows}), "entries": len(rows), **kinds}
    counts["domains"] = {name: sum(r["domain"] == name for r in rows) for name in names}
    emit({"tools": rows, "counts": counts}, as_json, _show_tools)
    verdict(not any(r["errors"] for r in rows))


def _show_tools(found: dict[str, Any]) -> None:
    header = ["domain", "name", "kind", "static", "charts", "errors", "refused", "distinct"]
    rows = [
        [
            r["domain"],
            r["name"],
            r["kind"],
            r["static"],
            r["charts_run"],
            r["errors"],
            r["refused"],
            r["distinct_outputs"],
        ]
        for r in found["tools"]
    ]
    counts = found["counts"]
    table(f"{counts['tools']} tools, {counts['entries']} entries in {len(counts['domains'])} domains", header, rows)


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

    from medgym_core.tasks import read_tasks

    found = read_tasks(task_file(file), domain=domain)
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
    from medgym_core.tasks import read_tasks

    every = read_tasks(task_file(file))
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
    """Check a task file against every rule. With Great Expectations; exit 1 where a critical rule fails.

    Example: medgym tasks validate --tasks tasks.parquet
    """
    from medgym_core.home import home
    from medgym_core.tasks import read_tasks
    from pipelines.steps.validation import rule_verdicts

    path = task_file(file)
    read_tasks(path)  # a file that is no task set is told in one line
    docs = home() / "data_docs"
    found = rule_verdicts(path, docs)
    document = {"rules": found, "data_docs": str(docs / "index.html")}
    rows = [[v["name"], "passed" if v["passed"] else "FAILED", v["severity"], v["unexpected"], v["why"]] for v in found]
    emit(document, as_json, lambda d: table("Rules", ["rule", "verdict", "severity", "unexpected", "why"], rows))
    verdict(all(v["passed"] for v in found if v["severity"] == "critical"))


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


def gates(domain: Domain = None, file: File = None, as_json: Json = False) -> None:
    """Run the gates on the task set. Exit 1 where one fails.

    Example: medgym gates --domain drug_interaction
    """
    from medgym_core.gates import as_json as rows_of
    from medgym_core.gates import run_gates
    from medgym_core.home import data
    from medgym_core.tasks import read_tasks
    from pipelines.steps.benchmarks import benchmark_texts

    found = rows_of(run_gates(read_tasks(task_file(file), domain=domain), current_knowledge(), benchmark_texts(data())))
    header = ["domain", "gate", "verdict", "value", "threshold", "failures"]
    rows = [
        [
            g["domain"],
            g["name"],
            "passed" if g["passed"] else "FAILED",
            g["value"],
            g["threshold"],
            ", ".join(g["failures"][:3]) or "-",
        ]
        for g in found
    ]
    emit({"gates": found}, as_json, lambda d: table("Gates", header, rows))
    verdict(all(g["passed"] for g in found))


def search(
    query: Annotated[str, typer.Argument(help="Plain words.")],
    k: Annotated[int, typer.Option("-k", help="Number of hits.")] = 10,
    mode: Annotated[str, typer.Option(help="hybrid, lexical or dense.")] = "hybrid",
    as_json: Json = False,
) -> None:
    """Search the knowledge base.

    Example: medgym search "warfarin and amiodarone" -k 5
    """
    import msgspec

    hits = current_knowledge().search(query, k, mode)
    emit({"hits": msgspec.to_builtins(hits)}, as_json, lambda d: [_show_hit(n, h) for n, h in enumerate(d["hits"], 1)])


def _show_hit(number: int, hit: dict[str, Any]) -> None:
    print(f"{number:>3}. {hit['title']} / {hit['section']}   {hit['score']:.3f}   {hit['source']}   {hit['id']}")
    print(f"     {hit['snippet']}")

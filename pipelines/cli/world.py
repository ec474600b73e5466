"""The world: `medgym tools`, `medgym gates`, `medgym search`; and where `medgym tasks` joins."""

from typing import Annotated, Any

import typer

from pipelines.cli.common import IndexDir, Json, current_knowledge, current_tasks, emit, table, verdict
from pipelines.cli.tasks import Domain, File, show_gates, tasks


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
    from medgym_core.knowledge.search import KnowledgeBase
    from medgym_core.sensitivity import tool_outputs
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


def gates(domain: Domain = None, file: File = None, index: IndexDir = None, as_json: Json = False) -> None:
    """Run the gates on the task set. The value of each, and what fails it with the reason; exit 1 where one fails.

    Example: medgym gates --domain drug_interaction
    """
    from medgym_core.gates import as_json as rows_of
    from medgym_core.gates import run_gates
    from medgym_core.home import data
    from pipelines.steps.benchmarks import texts_by_file

    texts = [text for found in texts_by_file(data()).values() for text in found]
    found = rows_of(run_gates(current_tasks(file, domain), current_knowledge(index), texts))
    emit({"gates": found, "benchmark_texts": len(texts)}, as_json, lambda d: show_gates(d["gates"]))
    verdict(all(g["passed"] for g in found))


def search(
    query: Annotated[str, typer.Argument(help="Plain words.")],
    k: Annotated[int, typer.Option("-k", help="Number of hits.")] = 10,
    mode: Annotated[str, typer.Option(help="hybrid, lexical or dense.")] = "hybrid",
    source: Annotated[list[str] | None, typer.Option(help="Only this source. Repeatable.")] = None,
    section: Annotated[str, typer.Option(help="Only sections whose heading holds this.")] = "",
    since: Annotated[int | None, typer.Option(help="Only from this year on.")] = None,
    until: Annotated[int | None, typer.Option(help="Only up to this year.")] = None,
    licence: Annotated[list[str] | None, typer.Option(help="Only under this licence. Repeatable.")] = None,
    index: IndexDir = None,
    as_json: Json = False,
) -> None:
    """Search the knowledge base.

    Example: medgym search "warfarin and amiodarone" -k 5
    """
    import msgspec

    from medgym_core.knowledge.filters import Filter

    wanted = Filter(tuple(source or ()), section, since, until, tuple(licence or ()))
    hits = current_knowledge(index).search(query, k, mode, None if wanted == Filter() else wanted)
    emit({"hits": msgspec.to_builtins(hits)}, as_json, lambda d: [_show_hit(n, h) for n, h in enumerate(d["hits"], 1)])


def _show_hit(number: int, hit: dict[str, Any]) -> None:
    print(f"{number:>3}. {hit['title']} / {hit['section']}   {hit['score']:.3f}   {hit['source']}   {hit['id']}")
    print(f"     {hit['snippet']}")

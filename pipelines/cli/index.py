"""The knowledge base from files: `medgym index build, evaluate, read, list, sources, fetch`.

An index folder holds immutable versions and the name of the current one. `medgym search --index DIR` and
`medgym gates --index DIR` use it; without one they use the last run's knowledge base.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from medgym_core.errors import MedGymError
from medgym_core.home import data, home
from pipelines.cli.common import IndexDir, Json, current_knowledge, emit, table

index = typer.Typer(help="The knowledge base: build, evaluate, read, list, sources, fetch.", no_args_is_help=True)
Encoder = Annotated[str, typer.Option(help="fast, quality, st:NAME or http:URL#MODEL.")]
ALL, FACTS = "all", "facts"


def add(app: typer.Typer) -> None:
    app.add_typer(index, name="index")


@index.command()
def build(
    source: Annotated[list[str], typer.Option(help="A file, an archive, a folder, a known corpus, facts or all.")],
    out: Annotated[Path, typer.Option(help="The index folder; what it holds already is not made again.")],
    encoder: Encoder = "fast",
    licences: Annotated[str, typer.Option(help="permissive, or all for private use.")] = "permissive",
    licence: Annotated[str, typer.Option(help="Of your own files, where a record states none.")] = "",
    as_json: Json = False,
) -> None:
    """Read sources, cut passages, encode, index, verify and publish a version. Run it again to go on or to change it.

    Example: medgym index build --source facts --source medquad --source notes.jsonl --out kb
    """
    from medgym_core.knowledge.build import build as make
    from pipelines.steps.benchmarks import texts_by_file

    root = data()
    blocked = [(name, text) for name, texts in texts_by_file(root).items() for text in texts]
    with _progress() as told:
        chosen = _sources(source, root, out, licence)
        version = make(chosen, out, encoder=encoder, blocked=blocked, licences=licences, progress=told)
    card = json.loads((version.folder / "card.json").read_text(encoding="utf-8"))
    facts = {key: version.facts.get(key) for key in ("stages", "encoded", "reused", "reopen_seconds", "disk_mb")}
    emit({"version": version.digest, "folder": str(version.folder), "card": card, **facts}, as_json, _show_build)


def _sources(names: list[str], root: Path | None, out: Path, licence: str) -> list[Any]:
    """Source files of the given names; a known corpus is looked for below MEDGYM_DATA, `facts` are written out."""
    from medgym_core.knowledge.build import SourceFile
    from medgym_core.knowledge.sources import SOURCES

    there = {name: path for name, corpus in SOURCES.items() if root and (path := corpus.find(root / "corpus"))}
    if ALL in names:
        names = [FACTS, *there, *(n for n in names if n not in (ALL, FACTS, *there))]
    found = []
    for name in names:
        if name == FACTS:
            found.append(SourceFile(FACTS, _facts(out), "documents"))
        elif name in there:
            found.append(SourceFile(name, there[name]))
        elif name in SOURCES:
            expected = f"corpus/{SOURCES[name].file} below MEDGYM_DATA"
            raise MedGymError(
                "a corpus is missing", got=name, expected=expected, where=root or "MEDGYM_DATA is not set"
            )
        elif Path(name).exists():
            found.append(SourceFile(Path(name).name.split(".")[0], Path(name), licence=licence))
        else:
            raise MedGymError(
                "no such source", got=name, expected="an existing path, or " + ", ".join([ALL, FACTS, *SOURCES])
            )
    return found


def _facts(out: Path) -> Path:
    """The shipped facts as a file, so that they are read, kept and dropped like any source."""
    from medgym_core import facts
    from medgym_core.knowledge.readers.own import write_documents

    path = out / "cache" / "facts.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_documents(facts.documents(), path)
    return path


COLUMNS = ("records", "passages", "duplicates", "near_duplicates", "excluded", "left")


def _show_build(document: dict[str, Any]) -> None:
    card = document["card"]
    rows = []
    for name, found in card["sources"].items():
        rejects, seconds = sum(card["rejects"].get(name, {}).values()), card.get("seconds", {}).get(name, 0.0)
        rows.append([name, *(found.get(column, 0) for column in COLUMNS), rejects, f"{seconds:.1f}"])
    header = ["source", *(column.replace("_", " ") for column in COLUMNS), "rejects", "seconds"]
    table(f"{card['passages']:,} passages; version {document['version']} in {document['folder']}", header, rows)
    for stage in document["stages"] or ():
        print(f"  {stage['stage']:<28}{stage['seconds']:>9.1f} s{stage['peak_mb']:>9.0f} MiB")
    print(f"{document['encoded']:,} passages encoded, {document['reused']:,} taken from the cache")


@index.command()
def evaluate(
    beir: Annotated[Path, typer.Option(help="A BEIR folder: corpus.jsonl, queries.jsonl, qrels/test.tsv.")],
    encoder: Encoder = "quality",
    weight: Annotated[
        float | None, typer.Option(min=0, max=1, help="Of the dense score; default: tuned or known.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Score lexical, dense and hybrid search on judged queries.

    The weight is tuned on qrels/dev.tsv where there is one, else it is the encoder's own; never on the test judgements.

    Example: medgym index evaluate --beir nfcorpus --encoder quality
    """
    from medgym_core.knowledge.evaluate import evaluate_beir

    found = evaluate_beir(beir, encoder, home() / "cache" / "vectors", weight)
    emit(found, as_json, _show_scores)


def _show_scores(found: dict[str, Any]) -> None:
    names = ["ndcg@10", "recall@10", "mrr@10"]
    rows = [[mode, *(found[mode][name] for name in names)] for mode in ("lexical", "dense", "hybrid")]
    title = f"{found['queries']} queries, {found['passages']} passages, encoder {found['encoder']}"
    table(title, ["mode", *names], rows)
    print(f"weight of the dense score {found['weight']:.2f} ({found['weight_from']})")
    print("seconds: " + ", ".join(f"{stage} {value}" for stage, value in found["seconds"].items()))


@index.command()
def read(
    passage: Annotated[str, typer.Argument(help="Id of a passage, from a search.")],
    document: Annotated[bool, typer.Option("--document", help="All passages of its document, in order.")] = False,
    folder: IndexDir = None,
    as_json: Json = False,
) -> None:
    """Read a passage whole, or the document it comes from.

    Example: medgym index read 1f0c...e2 --document --index kb
    """
    import msgspec

    knowledge = current_knowledge(folder)
    found = knowledge.read(passage)
    passages = knowledge.document(found.document) if document else [found]
    emit({"passages": msgspec.to_builtins(passages)}, as_json, _show_passages)


def _show_passages(found: dict[str, Any]) -> None:
    first = found["passages"][0]
    print(f"{first['title']}   {first['source']}   {first['licence']}   {first['url']}")
    for passage in found["passages"]:
        print(f"\n[{passage['section']}]   {passage['id']}\n{passage['text']}")


@index.command("list")
def list_versions(out: Annotated[Path, typer.Argument(help="An index folder.")], as_json: Json = False) -> None:
    """List the versions of an index folder, the newest last, the current one marked.

    Example: medgym index list kb
    """
    from medgym_core.knowledge.versions import current, open_folder, published

    now = current(out).digest
    rows = []
    for digest in reversed(published(out)):
        facts = open_folder(out / "versions" / digest).facts
        known = {"passages": facts["passages"]["rows"], "encoder": facts["encoder"]["name"], "weight": facts["weight"]}
        rows.append({"digest": digest, "current": digest == now, **known})
    emit({"versions": rows}, as_json, _show_versions)


def _show_versions(document: dict[str, Any]) -> None:
    keys = ("digest", "current", "passages", "encoder", "weight")
    table("Versions", list(keys), [[row[key] for key in keys] for row in document["versions"]])


@index.command()
def sources(as_json: Json = False) -> None:
    """List the corpora MedGym knows: file, format, licence, and whether MEDGYM_DATA has it.

    Example: medgym index sources
    """
    from medgym_core.knowledge.sources import SOURCES

    root = data()
    rows = [
        {
            "name": name,
            "file": found.file,
            "format": found.format,
            "licence": found.licence,
            "permissive": found.permissive,
            "there": root is not None and found.find(root / "corpus") is not None,
        }
        for name, found in SOURCES.items()
    ]
    header = ["name", "file", "format", "licence", "permissive", "there"]
    emit({"sources": rows}, as_json, lambda d: table("Corpora", header, [[r[h] for h in header] for r in d["sources"]]))


@index.command()
def fetch(
    name: Annotated[str, typer.Argument(help="A publisher's corpus; an unknown name lists them.")],
    out: Annotated[Path, typer.Option(help="Folder for the files.")],
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many files.")] = None,
    as_json: Json = False,
) -> None:
    """Download a corpus from its publisher: checksums compared, interrupted downloads continued.

    Example: medgym index fetch pubmed --out downloads/pubmed --limit 3
    """
    from medgym_core.knowledge.fetch import fetch as download

    files = [str(path) for path in download(name, out, limit=limit)]
    emit({"files": files}, as_json, lambda d: print("\n".join(d["files"])))


def _progress() -> Any:
    """A context manager giving a callback (stage, done, total) that draws a bar a stage on standard error."""
    from contextlib import contextmanager

    @contextmanager
    def shown():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
        with Progress(*columns, console=Console(stderr=True)) as bars:
            stages: dict[str, Any] = {}

            def told(stage: str, done: int, total: int) -> None:
                if stage not in stages:
                    stages[stage] = bars.add_task(stage, total=total)
                bars.update(stages[stage], completed=done, total=total)

            yield told

    return shown()

"""Benchmark items: from the official files below MEDGYM_DATA to one Parquet table; without them an empty one."""

import json
from collections import Counter
from pathlib import Path

from medgym_core.artifacts import Made, digest_file, digest_json


def benchmark_files(root: Path | None) -> dict[str, str]:
    """Digest of every benchmark file that is there, by benchmark name."""
    from evaluation.benchmarks import BENCHMARKS, present

    return {
        name: digest_json({f: digest_file(root / f) for f in BENCHMARKS[name].files if (root / f).is_file()})
        for name in present(root)
    }


def benchmark_items(folder: Path, root: Path | None) -> Made:
    """items.parquet: benchmark, id, question, options (JSON by letter), gold."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from evaluation.benchmarks import BENCHMARKS, load_benchmark, present

    names = present(root)
    rows = []
    for name in names:
        items = load_benchmark(name, root).items
        rows += [
            {"benchmark": name, "id": i.id, "question": i.question, "options": json.dumps(i.options), "gold": i.gold}
            for i in items
        ]
    columns = ("benchmark", "id", "question", "options", "gold")
    schema = pa.schema([(column, pa.string()) for column in columns])
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / "items.parquet")
    counts = {n: sum(r["benchmark"] == n for r in rows) for n in names}
    published = {n: BENCHMARKS[n].published_items for n in names}
    absent = [n for n in BENCHMARKS if n not in names]
    return Made(len(rows), meta={"items": counts, "published_items": published, "absent": absent})


def read_items(folder: Path, benchmark: str) -> list:
    """The items of one benchmark, in file order; none where it is absent."""
    import pyarrow.parquet as pq

    from evaluation.benchmarks import Item

    rows = pq.read_table(folder / "items.parquet").to_pylist()
    return [
        Item(r["id"], r["question"], json.loads(r["options"]), r["gold"]) for r in rows if r["benchmark"] == benchmark
    ]


def text_files(root: Path | None) -> dict[str, str]:
    """Digest of every readable file below `benchmarks/`, by its path there."""
    from evaluation.texts import benchmark_files as readable

    return {str(path.relative_to(root)): digest_file(path) for path in readable(root)}


def benchmark_texts(folder: Path, root: Path | None) -> Made:
    """texts.parquet: file, text. Every distinct text of every benchmark file that is long enough to hold 13 words."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([("file", pa.string()), ("text", pa.string())])
    rows = [{"file": name, "text": text} for name, texts in texts_by_file(root).items() for text in texts]
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / "texts.parquet", compression="zstd")
    return Made(len(rows), meta={"texts": dict(Counter(r["file"] for r in rows))})


def texts_by_file(root: Path | None) -> dict[str, list[str]]:
    """The distinct texts of every benchmark file, straight from the files; empty without a data folder."""
    from evaluation.texts import benchmark_files as readable
    from evaluation.texts import texts_of

    return {str(path.relative_to(root)): list(dict.fromkeys(texts_of(path))) for path in readable(root)}


def read_texts(folder: Path) -> list[str]:
    """The texts of the artifact."""
    import pyarrow.parquet as pq

    return pq.read_table(folder / "texts.parquet", columns=["text"])["text"].to_pylist()


def named_texts(folder: Path) -> list[tuple[str, str]]:
    """(file, text) of the artifact: what no passage may hold, and where it stands."""
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "texts.parquet", columns=["file", "text"])
    return list(zip(table["file"].to_pylist(), table["text"].to_pylist(), strict=True))

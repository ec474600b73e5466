"""Benchmark items: from the official files below MEDGYM_DATA to one Parquet table; without them an empty one."""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medgym_core.artifacts import Made, digest_file, digest_json

if TYPE_CHECKING:
    from evaluation.item import Item


def benchmark_files(root: Path | None) -> dict[str, str]:
    """Digest of every benchmark file that is there, by benchmark name."""
    from evaluation.benchmarks import BENCHMARKS, present

    def files(name: str) -> dict[str, str]:
        listed = BENCHMARKS[name].files if root is not None else ()
        return {f: digest_file(root / f) for f in listed if (root / f).is_file()}

    return {name: digest_json(files(name)) for name in present(root)}


COLUMNS = ("benchmark", "id", "question", "gold", "item")


def benchmark_items(folder: Path, root: Path | None) -> Made:
    """items.parquet: benchmark, id, question, gold, and the whole item as JSON; pictures by their path below `root`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from evaluation.benchmarks import BENCHMARKS, load_benchmark, present

    names, rows = present(root), []
    for name in names:
        for item in load_benchmark(name, root or folder).items:
            told = {"benchmark": name, "id": item.id, "question": item.question, "gold": item.gold}
            rows.append({**told, "item": json.dumps(_plain(item, root), ensure_ascii=False)})
    schema = pa.schema([(column, pa.string()) for column in COLUMNS])
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / "items.parquet", compression="zstd")
    counts = Counter(row["benchmark"] for row in rows)
    published = {n: BENCHMARKS[n].published_items for n in names}
    absent = [n for n in BENCHMARKS if n not in names]
    return Made(len(rows), meta={"items": dict(counts), "published_items": published, "absent": absent})


def read_items(folder: Path, benchmark: str, root: Path | None = None) -> list:
    """The items of one benchmark, in file order; none where it is absent. Their pictures lie below `root`."""
    import pyarrow.parquet as pq

    table = pq.read_table(folder / "items.parquet", columns=["item"], filters=[("benchmark", "==", benchmark)])
    return [_item(json.loads(text), root) for text in table["item"].to_pylist()]


def _plain(item: "Item", root: Path | None) -> dict[str, Any]:
    """The item as JSON values."""
    below = root or Path()
    names = [path.relative_to(below).as_posix() if path.is_relative_to(below) else path.name for path in item.images]
    return {**vars(item), "images": names}


def _item(fields: dict[str, Any], root: Path | None) -> "Item":
    from evaluation.item import Item

    listed = {name: tuple(fields[name]) for name in ("accepted", "must_have", "nice_to_have", "before")}
    bounds = tuple(fields["bounds"]) if fields["bounds"] is not None else None
    return Item(
        **{**fields, **listed, "bounds": bounds, "images": tuple((root or Path()) / n for n in fields["images"])}
    )


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

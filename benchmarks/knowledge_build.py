"""From Parquet to a verified hybrid index, timed: `python benchmarks/knowledge_build.py [--passages N] [--home DIR]`.

Real passages (all archives of MEDGYM_DATA/corpus, or `--sources`) and, up to N, recombined ones, which are for scale
only. They are made once, kept in DIR/passages-N.parquet and not timed with the build. The build starts from that file
with nothing cached, unless an earlier run was killed: what it finished is then reused, and the table says so.
Prints Markdown: each stage with its seconds, passages a second and the peak memory of its process; the disk by part;
opening in a new process; and recall@10 of the dense part against all vectors at several search widths, beside raw
hnswlib on the same vectors where it is installed. The questions are real ones (MedQuAD, BioASQ), encoded.
"""

import argparse
import json
import os
import shutil
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parent))

from search_speed import questions

from medgym_core.errors import MedGymError
from medgym_core.home import data, home
from medgym_core.knowledge.build import SourceFile, build_from_passages, read_and_merge
from medgym_core.knowledge.dense import open_index, settings
from medgym_core.knowledge.encoders import open_encoder
from medgym_core.knowledge.passages import read_passages, write_passages
from medgym_core.knowledge.sources import SOURCES
from medgym_core.knowledge.versions import Version

WIDTHS = (100, 200, 400, 800)
QUERIES = 500
CHUNK = 50_000  # vectors scored at once: 50 MB
SEED = 0  # of the recombined text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--passages", type=int, default=828_000)
    parser.add_argument("--home", type=Path, default=None, help="default: knowledge-build below MEDGYM_HOME")
    parser.add_argument("--encoder", default="fast", help="fast, quality, st:NAME or http:URL#MODEL")
    parser.add_argument("--sources", default=",".join(SOURCES), help="comma-separated corpora")
    wanted = parser.parse_args()
    place = wanted.home or home() / "knowledge-build"
    place.mkdir(parents=True, exist_ok=True)
    passages = made(place, wanted.passages, wanted.sources.split(","))
    version, seconds = built(passages, place / f"index-{wanted.passages}", wanted.encoder)
    report(version, seconds)
    recall(version)


def made(place: Path, count: int, names: list[str]) -> Path:
    """The passages file: real ones as far as they go, then recombined ones."""
    path = place / f"passages-{count}.parquet"
    if path.is_file():
        return path
    if data() is None:
        raise MedGymError("MEDGYM_DATA is not set", expected="a folder with corpus/")
    found = {name: SOURCES[name].find(data() / "corpus") for name in names}
    sources = [SourceFile(name, where) for name, where in found.items() if where]
    began = time.perf_counter()
    real, _ = read_and_merge(sources, place / "corpus")
    table = read_passages(real).slice(0, count)
    print(
        f"{table.num_rows:,} real passages of {len(sources)} archives: {time.perf_counter() - began:.0f} s", flush=True
    )
    began = time.perf_counter()
    write_passages(with_recombined(table, count), path)
    print(f"{count - table.num_rows:,} recombined ones: {time.perf_counter() - began:.0f} s", flush=True)
    return path


def with_recombined(table: pa.Table, count: int):
    from medgym_core.knowledge.recombine import recombined

    yield table
    if count > table.num_rows:
        yield from recombined(table, count - table.num_rows, SEED)


def built(passages: Path, out: Path, encoder: str) -> tuple[Version, float]:
    """The version and the seconds of this run; a version that an earlier run published is built again from nothing."""
    if (out / "CURRENT").is_file():
        shutil.rmtree(out)
    began, said = time.perf_counter(), [""]

    def tell(stage: str, done: int, total: int) -> None:
        if stage != said[0]:
            print(f"  {time.perf_counter() - began:7.1f} s  {stage}", file=sys.stderr, flush=True)
            said[0] = stage

    return build_from_passages(passages, out, encoder, tell), time.perf_counter() - began


def report(version: Version, seconds: float) -> None:
    facts = version.facts
    rows, cores = facts["passages"]["rows"], len(os.sched_getaffinity(0))
    made_up = json.loads((version.folder / "card.json").read_text(encoding="utf-8"))["recombined"]
    print(f"\n## {rows:,} passages ({made_up:,} recombined), encoder {facts['encoder']['name']}, {cores} cores\n")
    print(f"Version {version.digest}: {seconds:.0f} s from the passages file to the published, checked version.")
    print(f"Encoded {facts['encoded']:,}, reused {facts['reused']:,}.\n")
    print("| stage | seconds | passages/s | peak MiB of its process |\n|---|---|---|---|")
    for stage in facts["stages"]:
        rate = rows / max(stage["seconds"], 0.01)
        print(f"| {stage['stage']} | {stage['seconds']:.1f} | {rate:,.0f} | {stage['peak_mb']:,.0f} |")
    print(f"\nHighest peak of one process: {max(s['peak_mb'] for s in facts['stages']):,.0f} MiB.")
    print("The lexicon and the card are made while passages are encoded; their seconds overlap.\n")
    print("| part | MiB |\n|---|---|")
    for part, size in facts["disk_mb"].items():
        print(f"| {part} | {size:,.1f} |")
    print(f"| all | {sum(facts['disk_mb'].values()):,.1f} |")
    print(f"\nOpened in a new process, first answer included: {facts['reopen_seconds']:.2f} s.\n")


def recall(version: Version) -> None:
    """Recall@10 against an exact search, and the milliseconds of a query, at several search widths."""
    encoder = open_encoder(version.folder / "encoder")
    asked = np.stack([encoder.encode_query(text) for text in questions(QUERIES)])
    asked = asked[asked.any(axis=1)]
    vectors = np.load(version.folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
    right, place = exact(asked, vectors), {i: row for row, i in enumerate(ids_of(version))}
    default = settings(len(vectors))
    print(f"## Recall@10 of {len(asked)} questions; ef_search {default['ef_search']} is the default\n")
    print("| index | ef_search | recall@10 | p50 ms | p99 ms |\n|---|---|---|---|---|")
    for width in sorted({*WIDTHS, default["ef_search"]}):
        with open_index(version.folder / "chroma", version.collection, ef_search=width) as index:
            index.query(asked[:1], 10)
            found, took = timed(asked, lambda vector, index=index: [place[i] for i, _ in index.query(vector, 10)[0]])
        row("chroma", width, found, right, took)
    if find_spec("hnswlib"):
        raw_hnswlib(vectors, asked, right, default)


def ids_of(version: Version) -> list[str]:
    return read_passages(version.folder / "passages.parquet", ["id"])["id"].to_pylist()


def exact(asked: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Rows of the ten most similar vectors of each question; (Q, 10)."""
    best = np.full((len(asked), 10), -np.inf, np.float32)
    rows = np.zeros((len(asked), 10), dtype=np.int64)
    for start in range(0, len(vectors), CHUNK):
        score = asked @ vectors[start : start + CHUNK].astype(np.float32).T
        both = np.concatenate([best, score], axis=1)
        numbers = np.concatenate([rows, np.broadcast_to(np.arange(start, start + score.shape[1]), score.shape)], axis=1)
        first = np.argpartition(-both, 9, axis=1)[:, :10]
        best, rows = np.take_along_axis(both, first, axis=1), np.take_along_axis(numbers, first, axis=1)
    return rows


def timed(asked: np.ndarray, search) -> tuple[list[list[int]], np.ndarray]:
    """(rows found for each question, milliseconds of each)."""
    found, took = [], []
    for vector in asked:
        began = time.perf_counter()
        found.append(search(vector[None]))
        took.append(1000 * (time.perf_counter() - began))
    return found, np.array(took)


def row(name: str, width: int, found: list[list[int]], right: np.ndarray, took: np.ndarray) -> None:
    hits = sum(len(set(a) & set(b.tolist())) for a, b in zip(found, right, strict=True)) / right.size
    print(f"| {name} | {width} | {hits:.3f} | {np.median(took):.2f} | {np.percentile(took, 99):.2f} |", flush=True)


def raw_hnswlib(vectors: np.ndarray, asked: np.ndarray, right: np.ndarray, default: dict) -> None:
    import hnswlib

    began = time.perf_counter()
    index = hnswlib.Index("cosine", vectors.shape[1])
    index.init_index(len(vectors), M=default["max_neighbors"], ef_construction=default["ef_construction"])
    for start in range(0, len(vectors), CHUNK):
        part = vectors[start : start + CHUNK].astype(np.float32)
        index.add_items(part, np.arange(start, start + len(part)))
    seconds = time.perf_counter() - began
    for width in sorted({*WIDTHS, default["ef_search"]}):
        index.set_ef(width)
        found, took = timed(asked, lambda vector: index.knn_query(vector, 10, num_threads=1)[0][0].tolist())
        row("hnswlib", width, found, right, took)
    print(f"\nhnswlib built in {seconds:.0f} s.")


if __name__ == "__main__":
    main()

"""From archives to a published version of a knowledge base: read, merge, encode, index, check, publish.

    archives -> cache/passages/<key>.parquet (one a source) -> merged-<key>.parquet -> cache/vectors/ -> version

What an earlier run finished is found again by what it was made from (the archive's bytes, the code that read it, the
encoder), so a killed build run again, or one with an archive more or less, reads and encodes only what is new. The
indexes are made anew each time, the lexical one while passages are encoded; the digest is the same on every machine.
`fast` is fitted once in each OUT, on the passages of its first build, and kept in cache/encoders/fast: fitted again, it
would be another encoder and every passage would have to be encoded again. Remove that folder to have it fitted anew.
The version is published only after it answered in a new process.
"""

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from medgym_core.artifacts import digest_json, write_atomic
from medgym_core.errors import MedGymError, unknown_name
from medgym_core.knowledge import versions
from medgym_core.knowledge.build_steps import run_step
from medgym_core.knowledge.dense import peak_mb, settings
from medgym_core.knowledge.digests import MERGING, READING, WORDS, archive_digest, code_digest, passages_digest
from medgym_core.knowledge.encoders import Encoder, default_weight, open_encoder
from medgym_core.knowledge.passages import Rows, Texts, write_passages
from medgym_core.knowledge.store import GROUP
from medgym_core.knowledge.versions import Version, collection_name

Progress = Callable[[str, int, int], None]
"""(stage, done, of how many; 0: not known)."""

PASSAGES = "passages.parquet"
AT_ONCE = 2  # processes of one stage: archives read side by side; the machine the build must suit has 2 cores
TOLERANCE = 0.02  # of a value of a vector encoded again: half precision, and another batch in a neural encoder


@dataclass(frozen=True)
class SourceFile:
    """One archive, folder or file to read."""

    name: str
    path: Path
    format: str | None = None
    """A key of READERS; None: that of the corpus known by this name, else found by looking."""
    licence: str = ""
    """Of records that state none; empty: as known for this name."""


@dataclass
class _Run:
    """One build under way."""

    out: Path
    work: Path
    progress: Progress | None
    stages: list[dict[str, Any]] = field(default_factory=list)

    def told(self, stage: str) -> Callable[[int, int], None]:
        return lambda done, total: self.progress(stage, done, total) if self.progress else None

    def step(self, stage: str, step: str, task: dict[str, Any]) -> dict[str, Any]:
        """Run a step in a process of its own and note what it took."""
        self.told(stage)(0, 0)
        result = run_step(step, task, self.told(stage))
        self.stages.append({"stage": stage, "seconds": result.pop("seconds"), "peak_mb": result.pop("peak_mb")})
        return result

    @contextmanager
    def here(self, stage: str):
        """Note what a stage in this process takes."""
        began = time.perf_counter()
        self.told(stage)(0, 0)
        yield
        seconds = round(time.perf_counter() - began, 2)
        self.stages.append({"stage": stage, "seconds": seconds, "peak_mb": peak_mb()})


def build(
    sources: Sequence[SourceFile],
    out: Path,
    *,
    encoder: str | Path | Encoder = "fast",
    blocked: Iterable[str] = (),
    licences: str = "permissive",
    progress: Progress | None = None,
    near: bool = True,
) -> Version:
    """Build a version from `sources`, publish it in `out`, and return it.

    `encoder`: a line of configuration, a folder, or an open one. `blocked`: benchmark texts to keep out. `licences`:
    `permissive` or `all`. `near`: drop near duplicates too. Another build of `out` is waited for, which `progress`
    tells. Raises MedGymError for a missing archive, an unknown format or encoder, repeated names, or when nothing is
    left to index; what was published before stays.
    """
    _check(sources, licences)
    with _building(Path(out), progress) as run:
        tasks = _read_all(run, sources, licences)
        passages, stats = _merged(run, tasks, list(blocked), near)
        for ending in (".parquet", ".arrow"):
            _link(passages.with_suffix(ending), run.work / f"passages{ending}")
        return _finish(run, encoder, {"read": {task["name"]: _facts(task) for task in tasks}, "merge": stats})


def read_and_merge(
    sources: Sequence[SourceFile],
    out: Path,
    *,
    blocked: Iterable[str] = (),
    licences: str = "permissive",
    progress: Progress | None = None,
    near: bool = True,
) -> tuple[Path, dict[str, Any]]:
    """The first half of `build`: (passages file in the cache of `out`, statistics of the merge). Nothing is published.

    The file stays until sources are merged in `out` again.
    """
    _check(sources, licences)
    with _building(Path(out), progress) as run:
        return _merged(run, _read_all(run, sources, licences), list(blocked), near)


def build_from_passages(
    passages: Path, out: Path, encoder: str | Path | Encoder = "fast", progress: Progress | None = None
) -> Version:
    """As `build`, from a ready passages file, which is copied."""
    if not Path(passages).is_file():
        raise MedGymError("no passages file", got=passages, expected="a Parquet file of passages")
    with _building(Path(out), progress) as run:
        with run.here("copy passages"):
            batches = pq.ParquetFile(passages).iter_batches(GROUP)
            write_passages((pa.Table.from_batches([batch]) for batch in batches), run.work / PASSAGES)
        return _finish(run, encoder, {"read": {}, "merge": {}})


@contextmanager
def _building(out: Path, progress: Progress | None):
    def told(message: str) -> None:
        if progress:
            progress(message, 0, 0)

    with versions.building(out, told) as work:
        yield _Run(out, work, progress)


def _check(sources: Sequence[SourceFile], licences: str) -> None:
    if licences not in ("permissive", "all"):
        raise unknown_name("choice of licences", licences, ["permissive", "all"])
    names = [source.name for source in sources]
    if not names or len(set(names)) != len(names):
        raise MedGymError("wrong sources", got=names, expected="one or more, each name once")
    for source in sources:
        if not Path(source.path).exists():
            raise MedGymError("no such corpus", got=source.path, expected="an archive, a folder or a file")


def _read_all(run: _Run, sources: Sequence[SourceFile], licences: str) -> list[dict[str, Any]]:
    """Make sure that the cache holds the passages of each source; the tasks that made them, by the sources' names."""
    code = code_digest(READING)
    tasks = []
    for source in sorted(sources, key=lambda source: source.name):
        task = asdict(source) | {"path": str(Path(source.path).absolute()), "licences": licences}
        key = digest_json({"archive": archive_digest(Path(source.path)), "code": code, **task, "path": ""})
        tasks.append(task | {"to": str(run.out / "cache" / "passages" / f"{key}.parquet")})
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda task: _made(run, f"read {task['name']}", "read", task), tasks))
    _collect_rejects(run.out, tasks)
    _check_read([_facts(task) for task in tasks])
    return tasks


def _check_read(facts: Sequence[dict[str, Any]]) -> None:
    """Raise MedGymError, saying why, where no source gave a passage."""
    if not any(found["passages"] for found in facts):
        left_out = sum((Counter(found["left_out"]) for found in facts), Counter())
        got = f"{sum(f['records'] for f in facts)} documents, {sum(sum(f['rejects'].values()) for f in facts)} rejects"
        got += "".join(f", {number} left out under the licence {name!r}" for name, number in left_out.items())
        raise MedGymError("empty corpus", got=got, expected="documents whose licence is permissive, or licences 'all'")


def _made(run: _Run, stage: str, step: str, task: dict[str, Any]) -> None:
    """Run the step, unless an earlier run finished it: its facts are written last."""
    if not Path(task["to"]).with_suffix(".json").is_file():
        run.step(stage, step, task)


def _facts(task: dict[str, Any]) -> dict[str, Any]:
    """What the step that made `to` said about it."""
    return json.loads(Path(task["to"]).with_suffix(".json").read_text(encoding="utf-8"))


def _collect_rejects(out: Path, tasks: list[dict[str, Any]]) -> None:
    """OUT/rejects.jsonl: what the readers of these sources could not use, with the source's name."""
    lines = []
    for task in tasks:
        for line in Path(task["to"]).with_suffix(".rejects.jsonl").read_text(encoding="utf-8").splitlines():
            lines.append(json.dumps({"source": task["name"]} | json.loads(line), ensure_ascii=False) + "\n")
    write_atomic(out / "rejects.jsonl", "".join(lines))


def _merged(run: _Run, tasks: list[dict[str, Any]], blocked: list[str], near: bool) -> tuple[Path, dict[str, Any]]:
    """All passages that stay, in their final order, and the statistics; older merges leave the cache."""
    tables = [task["to"] for task in tasks]
    made_of = {"tables": [Path(path).name for path in tables], "blocked": digest_json(blocked), "near": near}
    folder = run.out / "cache" / "passages"
    to = folder / f"merged-{digest_json(made_of | {'code': code_digest(MERGING)})}.parquet"
    write_atomic(run.work / "blocked.json", json.dumps(blocked))
    task = {"tables": tables, "blocked": str(run.work / "blocked.json"), "near": near, "to": str(to)}
    _made(run, "merge", "merge", task)
    (run.work / "blocked.json").unlink()
    for left in folder.glob("merged-*"):
        if left.stem != to.stem:
            left.unlink()
    return to, _facts(task)


def _finish(run: _Run, spec: str | Path | Encoder, card: dict[str, Any]) -> Version:
    """Encode, index, check and publish the passages in the work folder."""
    passages = run.work / PASSAGES
    rows = Rows.open(passages)
    with run.here("passages digest"):
        content = passages_digest(rows)
    encoder = None if _unfitted(run, spec) else _encoder(run, spec)
    if encoder and versions.intact(run.out, digest := _digest(content, encoder, len(rows))):
        return versions.point_to(run.out, digest)
    with ThreadPoolExecutor(1) as beside:  # reading the words and encoding share the cores
        task = {"passages": str(passages), "to": str(run.work / "lexicon")}
        words = beside.submit(run.step, "lexicon", "lexicon", task)
        described = beside.submit(run.step, "card", "card", task | card | {"to": str(run.work / "card.json")})
        encoder = encoder or _encoder(run, spec, Texts(rows))
        encoded = _encode(run, rows, encoder)
        words.result()
        described.result()
    encoder.save(run.work / "encoder")
    facts = {"digest": _digest(content, encoder, len(rows)), "passages": {"digest": content, "rows": len(rows)}}
    facts["encoder"] = {"name": encoder.name, "dim": encoder.dim, "digest": encoder.digest}
    facts["parameters"] = _parameters(encoder, len(rows))
    facts["weight"] = facts["parameters"]["weight"]
    task = {"collection": collection_name(facts["digest"]), "count": facts["passages"]["rows"]}
    files = {"passages": str(passages), "vectors": str(run.work / "vectors.npy"), "to": str(run.work / "chroma")}
    run.step("dense index", "index", task | files)
    facts |= run.step("check", "verify", task | {"folder": str(run.work), "tolerance": TOLERANCE})
    return versions.publish(run.work, run.out, facts | encoded | {"stages": run.stages, "disk_mb": _disk(run.work)})


def _digest(content: str, encoder: Encoder, count: int) -> str:
    return versions.version_digest(content, encoder.digest, _parameters(encoder, count))


def _encode(run: _Run, rows: Rows, encoder: Encoder) -> dict[str, int]:
    """Make vectors.npy, of which only what is new is encoded."""
    from medgym_core.knowledge.vectors import encode_all, vectors_of

    ids, cache = rows.ids, run.out / "cache" / "vectors"
    with run.here("encode"):
        done = encode_all(ids, Texts(rows), encoder, cache, run.told("encode"))
    with run.here("vectors"):
        shape = (len(ids), encoder.dim)
        stored = np.lib.format.open_memmap(run.work / "vectors.npy", mode="w+", dtype=np.float16, shape=shape)
        vectors_of(ids, encoder, cache, out=stored)
        stored.flush()
    return {"encoded": done.encoded, "reused": done.reused}


def _fitted(run: _Run) -> Path:
    return run.out / "cache" / "encoders" / "fast"


def _unfitted(run: _Run, spec: str | Path | Encoder) -> bool:
    return spec == "fast" and not _fitted(run).is_dir()


def _encoder(run: _Run, spec: str | Path | Encoder, texts: Sequence[str] | None = None) -> Encoder:
    """The encoder of `spec`; with `texts`, `fast` fitted on them and kept."""
    if not isinstance(spec, str | Path):
        return spec
    if spec != "fast":
        return open_encoder(spec)
    kept = _fitted(run)
    if texts is not None:
        with run.here("fit encoder"):
            beside = kept.with_name(f".fast.{os.getpid()}")
            shutil.rmtree(beside, ignore_errors=True)
            open_encoder("fast", texts).save(beside)
            os.replace(beside, kept)
    return open_encoder(kept)


def _parameters(encoder: Encoder, count: int) -> dict[str, Any]:
    """What the indexes depend on beside passages and encoder; a part of the version's digest."""
    from medgym_core.knowledge.lexicon import K1, B

    lexical = {"k1": K1, "b": B, "code": code_digest(WORDS)}
    return {"lexicon": lexical, "chroma": settings(count), "weight": default_weight(encoder.name)}


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)


def _disk(folder: Path) -> dict[str, float]:
    """MiB of each part of a version."""
    sizes = {}
    for part in sorted(folder.iterdir()):
        files = part.rglob("*") if part.is_dir() else [part]
        sizes[part.name] = round(sum(file.stat().st_size for file in files if file.is_file()) / 2**20, 2)
    return sizes

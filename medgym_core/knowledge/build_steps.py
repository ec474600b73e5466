"""The steps of a build that run in processes of their own, so that each gives its memory back and several run at once.

A step is named on the command line and gets one JSON document on standard input; it writes JSON lines to standard
output, {"done", "total"} as it goes on and {"result"} at the end. The builder keeps the input open: when it closes, the
builder was killed, and the step ends too, so that no step writes behind a build that is no more.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from medgym_core.artifacts import write_atomic
from medgym_core.errors import MedGymError
from medgym_core.knowledge.passages import (
    COUNTS,
    Rows,
    Texts,
    merge_passages,
    read_passages,
    source_passages,
    write_passages,
)

Tell = Callable[[int, int], None]  # (done, of how many)


def run_step(step: str, task: dict[str, Any], tell: Tell | None = None) -> dict[str, Any]:
    """Run a step in a new process; its result, with "seconds" and "peak_mb" of that process.

    Raises MedGymError with the last line of what the step said when it failed.
    """
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    process = subprocess.Popen(
        [sys.executable, "-m", "medgym_core.knowledge.build_steps", step],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    result = None
    with process, ThreadPoolExecutor(1) as reader:
        said = reader.submit(process.stderr.read)
        try:
            process.stdin.write(json.dumps(task) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                message = json.loads(line)
                if "result" in message:
                    result = message["result"]
                    break
                if tell:
                    tell(message["done"], message["total"])
        except BrokenPipeError:  # it ended before it read: what it said tells why
            pass
        finally:
            process.stdin.close()
            process.wait()
        lines = said.result().strip().splitlines()
    if result is None:
        got = (lines or [f"exit status {process.returncode}"])[-1]
        raise MedGymError(f"step {step} of the build failed", got=got.removeprefix("medgym_core.errors.MedGymError: "))
    return result


def read(task: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """One archive to its passages, `to`; counts beside it."""
    from medgym_core.knowledge.rejects import Rejects
    from medgym_core.knowledge.sources import permissive_only

    rejects, left_out, records = Rejects(), Counter(), Counter()

    def counted() -> Iterator:
        for document in _documents(task, rejects):
            records["all"] += 1
            if records["all"] % 1000 == 0:
                tell(records["all"], 0)
            yield document

    documents = counted() if task["licences"] == "all" else permissive_only(counted(), left_out)
    table = source_passages(documents)
    with written(Path(task["to"])) as beside:
        rejects.write(Path(task["to"]).with_suffix(".rejects.jsonl"))
        pq.write_table(table, beside, compression="zstd")
    return {
        "records": records["all"],
        "passages": table.num_rows,
        "rejects": dict(sorted(rejects.reasons.items())),
        "left_out": dict(sorted(left_out.items())),
    }


def _documents(task: dict[str, Any], rejects) -> Iterator:
    from medgym_core.knowledge.readers import read_source
    from medgym_core.knowledge.sources import SOURCES

    known = SOURCES.get(task["name"])
    if known and task["format"] in (None, known.format) and not task["licence"]:
        return known.reader(Path(task["path"]), rejects)
    return read_source(Path(task["path"]), rejects, task["format"], task["name"], task["licence"])


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; renamed to it at the end of the block."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def merge(task: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """The passages of all sources to one table, `to`, and its statistics."""

    tables = [pq.read_table(path) for path in task["tables"]]
    blocked = json.loads(Path(task["blocked"]).read_text(encoding="utf-8"))
    blocked = [text if isinstance(text, str) else tuple(text) for text in blocked]
    table, stats = merge_passages(tables, blocked, near=task["near"])
    if not table.num_rows:
        raise MedGymError("empty corpus", got=f"0 passages of {len(tables)} sources", expected="at least one passage")
    write_passages(table, Path(task["to"]))
    return stats


def describe(task: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """The data card of a passages file. `read`: what `read` said of each source; `merge`: the merge's statistics."""
    from medgym_core.knowledge.card import card

    nothing = dict.fromkeys(COUNTS, 0) | {"sources": {}, "excluded_by": {}, "common_runs": []}
    rejects = {name: said["rejects"] for name, said in task["read"].items()}
    found = card(read_passages(Path(task["passages"])), nothing | task["merge"], rejects)
    seconds = {name: said["seconds"] for name, said in task["read"].items()}
    left_out = {name: said["left_out"] for name, said in task["read"].items()}
    found |= {"seconds": seconds, "left_out_by_licence": left_out}
    write_atomic(Path(task["to"]), json.dumps(found, indent=1, ensure_ascii=False))
    return {}


def lexicon(task: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """The lexical index of a passages file."""
    from medgym_core.knowledge.lexicon import build_lexicon

    build_lexicon(Path(task["passages"]), Path(task["to"]))
    return {}


def index(task: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """The dense index of a passages file and its vectors; checked in a new process."""
    from medgym_core.knowledge.dense import build_index

    ids = Rows.open(Path(task["passages"])).ids
    vectors = np.load(task["vectors"], mmap_mode="r", allow_pickle=False)
    build_index(ids, vectors, Path(task["to"]), task["collection"], progress=tell)
    return {}


def verify(task: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Open a finished folder as a reader would and ask it; seconds until the first answer, and the process's memory."""
    from medgym_core.knowledge.dense import open_index
    from medgym_core.knowledge.encoders import open_encoder
    from medgym_core.knowledge.lexicon import Lexicon

    folder, began = Path(task["folder"]), time.perf_counter()
    words, encoder = Lexicon.load(folder / "lexicon"), open_encoder(folder / "encoder")
    vectors = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
    rows = Rows.open(folder / "passages.parquet")
    with open_index(folder / "chroma", task["collection"]) as dense:
        asked = np.flatnonzero(vectors[:1000].any(axis=1))[:1]
        hits = dense.query(vectors[asked], 1)
        found = {"passages": len(rows), "lexicon": len(words)}
        found |= {"vectors": len(vectors), "dense": len(dense)}
    seconds = time.perf_counter() - began
    similar = max((score for ((_, score),) in hits), default=1.0)
    drift = float(np.abs(encoder.encode([Texts(rows)[0]])[0] - vectors[0].astype(np.float32)).max())
    if set(found.values()) != {task["count"]} or abs(similar - 1) > 1e-3 or drift > task["tolerance"]:
        got = found | {"similarity": round(similar, 4), "first vector differs by": round(drift, 5)}
        raise MedGymError("version differs when opened again", got=got, expected=f"{task['count']} of each")
    return {"reopen_seconds": round(seconds, 3)}


STEPS = {"read": read, "merge": merge, "card": describe, "lexicon": lexicon, "index": index, "verify": verify}


def _main(step: str) -> None:
    from medgym_core.knowledge.dense import peak_mb

    task, began = json.loads(sys.stdin.readline()), time.perf_counter()
    threading.Thread(target=_end_with_the_builder, daemon=True).start()

    def tell(done: int, total: int) -> None:
        print(json.dumps({"done": done, "total": total}), flush=True)

    result = STEPS[step](task, tell)
    result |= {"seconds": round(time.perf_counter() - began, 2), "peak_mb": peak_mb()}
    if "to" in task and step in ("read", "merge"):
        write_atomic(Path(task["to"]).with_suffix(".json"), json.dumps(result, ensure_ascii=False))  # last: it is whole
    print(json.dumps({"result": result}), flush=True)


def _end_with_the_builder() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    _main(sys.argv[1])

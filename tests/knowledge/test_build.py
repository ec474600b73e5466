"""A build: killed anywhere it ends the same and encodes nothing twice; sources come and go; builders do not collide."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from medgym_core.artifacts import digest_files
from medgym_core.errors import MedGymError
from medgym_core.knowledge import versions
from medgym_core.knowledge.build import SourceFile, build, build_from_passages
from medgym_core.knowledge.build_steps import run_step
from medgym_core.knowledge.digests import passages_digest
from medgym_core.knowledge.encoder import FastEncoder
from medgym_core.knowledge.passages import PASSAGE_SCHEMA, Rows
from medgym_core.knowledge.search import KnowledgeBase

pytest.importorskip("chromadb")
ORGANS = "heart lung liver kidney brain stomach skin bone joint eye".split()
SIGNS = "pain swelling fever bleeding weakness numbness itching cramps".split()
ROWS = 1_200  # of the larger source: two batches of the vector cache

# What a child process runs: a build whose encoder writes what it encodes into a file, slowly enough to be killed at it.
BUILDER = """
import sys, time
from dataclasses import dataclass
from pathlib import Path
from medgym_core.knowledge.build import SourceFile, build
from medgym_core.knowledge.encoder import FastEncoder

class Logged(FastEncoder):
    def encode(self, texts):
        if len(texts) > 1:
            time.sleep(0.3)
            with open(log, "a") as file:
                file.writelines(text.split(".")[0] + chr(10) for text in texts)
        return super().encode(texts)

root, out, log = map(Path, sys.argv[1:])
encoder = Logged.load(root / "encoder")
print(build([SourceFile("a", root / "a.jsonl", licence="CC0")], out, encoder=encoder, near=False).digest)
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Two archives, a fitted encoder, and a state folder for all tests here."""
    root = tmp_path_factory.mktemp("corpus")
    for name, count in (("a", ROWS), ("b", 60)):
        with open(root / f"{name}.jsonl", "w", encoding="utf-8") as file:
            for i in range(count):
                text = f"{SIGNS[i % 8].capitalize()} of the {ORGANS[i % 10]} in {name} patients, case {i} of {i * i}."
                file.write(json.dumps({"_id": f"{name}{i}", "title": f"{name}{i}", "text": text}) + "\n")
            file.write('{"broken\n')
    with open(root / "a.jsonl", encoding="utf-8") as file:
        FastEncoder.fit([json.loads(line)["text"] for line in list(file)[:100]], dim=16).save(root / "encoder")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDGYM_HOME", str(root / "home"))
        patch.delenv("MEDGYM_CHROMA_URL", raising=False)
        yield root


def source(root: Path, name: str) -> SourceFile:
    return SourceFile(name, root / f"{name}.jsonl", licence="CC0")


@pytest.fixture(scope="module")
def first(root) -> versions.Version:
    """A version of the larger source, built without a break."""
    told = []
    made = build(
        [source(root, "a")], root / "out", encoder=root / "encoder", near=False, progress=lambda *t: told.append(t)
    )
    assert [s for s in dict.fromkeys(stage for stage, _, _ in told) if s in ("read a", "merge", "dense index")] == [
        "read a",
        "merge",
        "dense index",
    ]
    assert ("encode", ROWS, ROWS) in told
    return made


def test_version_holds_all_that_a_search_needs_and_says_what_it_took(root, first):
    facts = first.facts
    assert facts["passages"]["rows"] == facts["encoded"] == ROWS and facts["reused"] == 0
    stages = {stage["stage"]: stage for stage in facts["stages"]}
    assert {"read a", "merge", "lexicon", "encode", "vectors", "dense index", "check"} <= set(stages)
    assert all(stage["seconds"] >= 0 and stage["peak_mb"] > 10 for stage in stages.values())
    assert facts["disk_mb"]["chroma"] > 0 and 0 < facts["reopen_seconds"] < 60
    card = json.loads((first.folder / "card.json").read_text())
    assert card["passages"] == card["licences"]["CC0"] == card["sources"]["a"]["records"] == ROWS
    assert sum(card["rejects"]["a"].values()) == 1 and card["seconds"]["a"] > 0
    rejects = [json.loads(line) for line in (root / "out" / "rejects.jsonl").read_text().splitlines()]
    assert rejects[0]["source"] == "a" and "line 1201" in rejects[0]["where"]
    assert np.load(first.folder / "vectors.npy", mmap_mode="r").dtype == np.float16
    kb = KnowledgeBase.open_version(root / "out")
    assert kb.search("swelling of the lung", 3)[0].source == "a"
    kb.close()


def test_adding_a_source_encodes_only_it_and_removing_it_gives_the_old_version_back(root, first):
    both = build([source(root, "b"), source(root, "a")], root / "out", encoder=root / "encoder", near=False)
    assert both.digest != first.digest and (both.facts["encoded"], both.facts["reused"]) == (60, ROWS)
    assert "read a" not in {stage["stage"] for stage in both.facts["stages"]}
    before = digest_files(first.folder)
    again = build([source(root, "a")], root / "out", encoder=root / "encoder", near=False)
    assert again.digest == first.digest == versions.current(root / "out").digest
    assert digest_files(first.folder) == before and versions.intact(root / "out", both.digest)
    sources = pq.read_table(again.folder / "passages.parquet", columns=["source"])["source"].unique().to_pylist()
    assert sources == ["a"]


def test_passages_file_of_a_version_gives_that_version(root, first):
    again = build_from_passages(first.folder / "passages.parquet", root / "out", root / "encoder")
    assert again.digest == first.digest


def test_killed_at_ten_moments_it_ends_the_same_and_encodes_nothing_twice(root, first, tmp_path):
    """Then two builders at once finish it."""
    out, draw = tmp_path / "out", random.Random(0)
    saved: set[str] = set()
    for run in range(10):
        builder = start(root, out, tmp_path / f"log{run}")
        try:
            builder.wait(draw.uniform(0.2, 4.0 if run < 8 else 7.0))
        except subprocess.TimeoutExpired:
            os.kill(builder.pid, signal.SIGKILL)
            builder.wait()
        assert builder.returncode in (0, -signal.SIGKILL)
        assert not saved & logged(tmp_path / f"log{run}")
        saved |= titles(first, cached(out))
    last = [start(root, out, tmp_path / f"log{run}") for run in (10, 11)]
    digests = {builder.communicate(timeout=120)[0].strip() for builder in last}
    assert digests == {first.digest} and versions.current(out).digest == first.digest
    assert not saved & (logged(tmp_path / "log10") | logged(tmp_path / "log11"))
    everything = [line for run in range(12) for line in logged(tmp_path / f"log{run}")]
    assert set(everything) == titles(first, cached(out)) and len(cached(out)) == ROWS
    assert not [path for path in (out / "versions").iterdir() if path.name.startswith(".work")]


def start(root: Path, out: Path, log: Path) -> subprocess.Popen:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
    command = [sys.executable, "-c", BUILDER, str(root), str(out), str(log)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def logged(log: Path) -> set[str]:
    """Titles of the passages that a run encoded; it encodes none twice itself."""
    lines = log.read_text().splitlines() if log.exists() else []
    assert len(lines) == len(set(lines))
    return set(lines)


def cached(out: Path) -> set[str]:
    """Ids of the passages whose vectors are in the cache."""
    parts = (out / "cache" / "vectors").glob("*/part-*.parquet")
    return {identity for part in parts for identity in pq.read_table(part, columns=["id"])["id"].to_pylist()}


def titles(version: versions.Version, ids: set[str]) -> set[str]:
    table = pq.read_table(version.folder / "passages.parquet", columns=["id", "title"])
    return {t for i, t in zip(table["id"].to_pylist(), table["title"].to_pylist(), strict=True) if i in ids}


def test_step_ends_when_its_builder_is_killed(root, tmp_path):
    """A step that went on could write into what the next build makes."""
    program = (
        "import sys, os, signal, threading, subprocess\n"
        "from medgym_core.knowledge import build_steps\n"
        "real = subprocess.Popen\n"
        "def told(*args, **more):\n"
        "    process = real(*args, **more); print(process.pid, flush=True); return process\n"
        "subprocess.Popen = told\n"
        "build_steps.run_step('read', {'to': sys.argv[1], 'path': sys.argv[2], 'name': 'x', 'format': 'jsonl',"
        " 'licence': '', 'licences': 'all'})\n"
    )
    fifo = tmp_path / "endless.jsonl"
    os.mkfifo(fifo)  # reading it waits for ever
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
    command = [sys.executable, "-c", program, str(tmp_path / "to.parquet"), str(fifo)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as builder:
        step = int(builder.stdout.readline())
        time.sleep(0.5)
        os.kill(builder.pid, signal.SIGKILL)
        builder.wait()
    for _ in range(200):
        if not running(step):
            return
        time.sleep(0.1)
    os.kill(step, signal.SIGKILL)
    pytest.fail("the step outlived its builder")


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_bad_input_is_told_and_leaves_what_was_published(root, first):
    out = root / "out"
    wrong = [
        ([], {}, "wrong sources"),
        ([source(root, "a")] * 2, {}, "wrong sources"),
        ([source(root, "c")], {}, "no such corpus"),
        ([source(root, "a")], {"licences": "some"}, "unknown choice of licences"),
        ([SourceFile("a", root / "a.jsonl", licence="All rights reserved")], {}, "empty corpus"),
        ([SourceFile("a", root / "a.jsonl", "jsonx")], {}, "unknown format"),
    ]
    for sources, more, told in wrong:
        with pytest.raises(MedGymError, match=told):
            build(sources, out, encoder=root / "encoder", **more)
    with pytest.raises(MedGymError, match="no passages file"):
        build_from_passages(root / "absent.parquet", out, root / "encoder")
    assert versions.current(out).digest == first.digest
    assert not list((out / "versions").glob(".work-*"))


def test_failed_step_says_why():
    with pytest.raises(MedGymError, match="step index of the build failed; got .*no passages file"):
        run_step("index", {"passages": "/absent.parquet", "vectors": "", "to": "", "collection": "passages"})


def test_blocked_texts_and_choice_of_licences_reach_the_passages(root, tmp_path):
    blocked = [("exam.jsonl", "Swelling of the lung in b patients, case 1 of 1.")]
    task = {"name": "b", "path": str(root / "b.jsonl"), "format": None, "licence": "CC BY-NC 4.0"}
    read = run_step("read", task | {"licences": "permissive", "to": str(tmp_path / "none.parquet")})
    assert read["passages"] == 0 and read["left_out"] == {"CC BY-NC 4.0": 60}
    read = run_step("read", task | {"licences": "all", "to": str(tmp_path / "b.parquet")})
    assert read["passages"] == 60
    (tmp_path / "blocked.json").write_text(json.dumps(blocked))
    task = {"tables": [str(tmp_path / "b.parquet")], "blocked": str(tmp_path / "blocked.json"), "near": False}
    stats = run_step("merge", task | {"to": str(tmp_path / "merged.parquet")})
    assert (stats["excluded"], stats["left"]) == (1, 59)


def test_passages_digest_sees_values_and_order_not_how_a_file_holds_them(first):
    rows = Rows.open(first.folder / "passages.parquet")
    table = pa.Table.from_arrays([rows.column(name) for name in PASSAGE_SCHEMA.names], schema=PASSAGE_SCHEMA)
    digest = passages_digest(rows)
    assert digest == first.facts["passages"]["digest"]
    assert passages_digest(Rows(pa.concat_tables([table.slice(0, 7), table.slice(7)]))) == digest
    assert passages_digest(Rows(pa.concat_tables([table.slice(1), table.slice(0, 1)]))) != digest
    for name in PASSAGE_SCHEMA.names:
        column = pa.array(
            [9 if name == "position" else "x", *table[name].to_pylist()[1:]], PASSAGE_SCHEMA.field(name).type
        )
        assert passages_digest(Rows(table.set_column(table.schema.get_field_index(name), name, column))) != digest

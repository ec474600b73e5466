"""Rollouts at scale: speed, memory and size of recording, the query, and what a killed run leaves.

    python benchmarks/rollouts.py speed [--episodes 100000] [--policy null:constant_answer] [--json]
    python benchmarks/rollouts.py kill [--episodes 20000] [--kills 5] [--policy null:constant_answer] [--json]

`speed` plays short scripted episodes of all domains into Parquet in one process and asks DuckDB for success by domain
and turn count. Peak memory is that process's own (VmHWM). Aims: at least 2,000 episodes/s, at most 2 GiB, under 1 s.

`kill` records the same run twice: undisturbed, and killed with SIGKILL at random moments and started again until it is
done. Every episode must be there exactly once, and every episode file byte-identical. `--policy` may be a model folder.
"""

import argparse
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from medgym_core.artifacts import digest_files  # noqa: E402

PER_DOMAIN = 100  # tasks; each is played many times
QUERY = "SELECT domain, turns, count(*) n, avg(correct::int) success FROM episodes GROUP BY ALL ORDER BY ALL"
REPEATS = 5  # of the query
READY = "ready"  # said by a process that begins to play


def tasks_for(episodes: int) -> tuple[list[Any], int]:
    """Tasks of every domain, and how often each is played."""
    from medgym_core import domains
    from medgym_core.knowledge.search import KnowledgeBase
    from medgym_core.tasks import build_task_set

    per_domain = max(1, min(PER_DOMAIN, episodes // len(domains.NAMES)))
    tasks = build_task_set(0, per_domain, KnowledgeBase.shipped())
    return tasks, max(1, round(episodes / len(tasks)))


def record(policy: str, episodes: int, out: Path, part: int) -> dict[str, Any]:
    """The run, in this process: its summary, and the peak memory in MiB."""
    from medgym_core.knowledge.search import KnowledgeBase
    from training.players import player
    from training.recording import record_run

    tasks, n = tasks_for(episodes)
    print(READY, flush=True)
    summary = record_run(player(policy), tasks, n, 0, out, KnowledgeBase.shipped(), part=part)
    status = Path("/proc/self/status").read_text()
    return summary | {"rss_mib": int(status.split("VmHWM:")[1].split()[0]) / 1024}


def child(policy: str, episodes: int, out: Path, part: int) -> subprocess.Popen[str]:
    """The run in a process of its own."""
    command = [sys.executable, __file__, "record", "--policy", policy, "--episodes", str(episodes)]
    command += ["--out", str(out), "--part", str(part)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"the run ended with status {process.returncode}")
    return json.loads(out.splitlines()[-1])


def query_seconds(out: Path) -> tuple[float, int]:
    """Median seconds of the query, connection and views included, and its rows."""
    import duckdb

    from training.trajectory_views import rows, views

    seconds, found = [], []
    for _ in range(REPEATS):
        began = time.perf_counter()
        with duckdb.connect() as con:
            views(con, out)
            found = rows(con, QUERY)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), len(found)


def speed(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    out = work / "run"
    summary = finish(child(options.policy, options.episodes, out, options.part))
    seconds, answer = query_seconds(out)
    size = sum(f.stat().st_size for f in out.rglob("part-*.parquet") if "_facts" not in f.parts)
    return {
        "policy": options.policy,
        "episodes": summary["episodes"],
        "turns": summary["turns"],
        "episodes_per_second": summary["episodes_per_second"],
        "rss_mib": round(summary["rss_mib"]),
        "size_mib": round(size / 2**20, 1),
        "bytes_an_episode": round(size / summary["episodes"]),
        "files": summary["parts"],
        "query_seconds": round(seconds, 3),
        "query_rows": answer,
    }


def kill(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    from training.trajectory import MANIFEST, finished_parts

    calm, shaken = work / "calm", work / "shaken"
    whole = finish(child(options.policy, options.episodes, calm, options.part))
    rng, kills, kept = random.Random(options.seed), 0, []
    while kills < options.kills:
        process = child(options.policy, options.episodes, shaken, options.part)
        assert process.stdout is not None
        while READY not in process.stdout.readline():
            pass
        left = whole["seconds"] * (1 - (kept[-1] if kept else 0) / whole["episodes"])
        try:
            process.wait(timeout=rng.uniform(0, 2) * left / (options.kills - kills + 1))
            break  # done before the kill: nothing is left to hit
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
            there = finished_parts(shaken) if (shaken / MANIFEST).is_file() else []
            kept.append(sum(line["rows"] for _, line in there))
    resumed = finish(child(options.policy, options.episodes, shaken, options.part))
    return {
        "policy": options.policy,
        "episodes": whole["episodes"],
        "kills": kills,
        "in_parts_after_each_kill": kept,
        "played_after_the_last_kill": resumed["new"],
        "exactly_once": once(shaken) and resumed["episodes"] == whole["episodes"],
        "same_digest": resumed["digest"] == whole["digest"],
        "byte_identical": files_of(calm) == files_of(shaken),
    }


def once(out: Path) -> bool:
    """Whether no two episodes share their key, and all places are there."""
    import pyarrow.parquet as pq

    from training.trajectory import trajectory_files

    keys: Counter[str] = Counter()
    for file in trajectory_files(out):
        keys.update(pq.read_table(file, columns=["key"])["key"].to_pylist())
    return max(keys.values()) == 1


def files_of(out: Path) -> dict[str, str]:
    """Digest of every episode file."""
    return {name: digest for name, digest in digest_files(out).items() if name.startswith("domain=")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["speed", "kill", "record"])
    parser.add_argument("--policy", default="null:constant_answer")
    parser.add_argument("--episodes", type=int, default=0, help="default: 100,000; 20,000 for kill")
    parser.add_argument("--part", type=int, default=2048, help="episodes a file")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0, help="of the moments of the kills")
    parser.add_argument("--out", type=Path, help="folder of `record`")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.episodes = options.episodes or (20_000 if options.what == "kill" else 100_000)
    if options.what == "record":
        print(json.dumps(record(options.policy, options.episodes, options.out, options.part)))
        return
    work = Path(tempfile.mkdtemp(prefix="medgym-rollouts-"))
    try:
        found = (speed if options.what == "speed" else kill)(options, work)
    finally:
        shutil.rmtree(work)
    if options.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name.replace('_', ' '):<28}{value}")


if __name__ == "__main__":
    main()

"""Training jobs as a file, and the processes that do them.

    launch([Job(policy="base", out_dir="bc", bc=BCConfig(), trajectories="episodes.parquet"),
            Job(policy="bc/policy", out_dir="rl", rl=TTOPDConfig(actor="copy"), tasks="tasks.parquet")], processes=2)

writes the jobs down, starts `torchrun -m training.launch jobs.json` and gives the figures of each; on several machines
torchrun is started by hand on each. The jobs are done one after another by the same processes. The first process says
on standard output what happens, one JSON object a line: `{"job": 0, "progress": {...}}`, `{"job": 0, "figures": {...}}`
or `{"error": "..."}`. When one process dies all end, with a status other than 0; the same call then goes on from the
newest whole checkpoint.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from medgym_core.errors import MedGymError
from training.config import AnyRL, BCConfig, Config

PATIENCE = 40.0  # seconds for torchrun to end its processes when told to; it kills them after 30
Progress = Callable[[int, dict[str, Any]], None]


class ControlTasks(Config):
    """The control task (`training.control`) instead of a task file."""

    tasks: int
    seed: int = 0


class Job(Config):
    """One training run: cloning (`bc`) or learning from own episodes (`rl`)."""

    policy: str
    """Folder or hub name of the policy to start from."""
    out_dir: str
    seed: int = 0
    bc: BCConfig | None = None
    rl: AnyRL | None = None
    trajectories: str = ""
    """What is cloned."""
    tasks: str | ControlTasks = ""
    """Task file; all its train and validation tasks are used."""
    ids: tuple[str, ...] = ()
    """Only these tasks of the file; none means all."""
    knowledge: dict[str, str] = {}
    """`{"version": folder}` of a published knowledge base, or arguments of `KnowledgeBase.open`; else the facts that
    ship."""


def launch(jobs: Sequence[Job], processes: int, progress: Progress | None = None) -> list[dict[str, Any]]:
    """Do the jobs on this machine with that many processes; the figures of each. `progress` gets the job's number and
    every step's log line.

    Raises MedGymError for what the jobs themselves refuse, RuntimeError when a process dies. Leaves no process.
    """
    figures: list[dict[str, Any]] = []
    refused = ""
    with tempfile.TemporaryDirectory(prefix="medgym-jobs-") as folder:
        path = Path(folder) / "jobs.json"
        path.write_bytes(msgspec.json.encode(list(jobs)))
        child = subprocess.Popen(command(path, processes), stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        try:
            for line in child.stdout:
                said = _said(line)
                if "progress" in said and progress:
                    progress(said["job"], said["progress"])
                elif "figures" in said:
                    figures.append(said["figures"])
                refused = said.get("error", refused)
            status = child.wait()
        finally:
            _stop(child)
    if refused:
        raise MedGymError(refused)
    if status or len(figures) < len(jobs):
        raise RuntimeError(f"training ended with status {status} in job {len(figures)} of {len(jobs)}")
    return figures


def command(jobs: Path, processes: int) -> list[str]:
    """How to start the processes for a file of jobs."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]
    return [*torchrun, "--nproc-per-node", str(processes), "-m", "training.launch", str(jobs)]


def _said(line: str) -> dict[str, Any]:
    """A line of the first process; whatever else libraries print is passed on to standard error."""
    try:
        said = json.loads(line)
    except json.JSONDecodeError:
        said = None
    if isinstance(said, dict) and said.keys() & {"progress", "figures", "error"}:
        return said
    print(line, end="", file=sys.stderr)
    return {}


def _stop(child: subprocess.Popen[str]) -> None:
    """End torchrun, which ends the processes. Killed, they notice that it is gone (`training.parallel.watch`)."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def read_jobs(path: Path) -> list[Job]:
    """The jobs of a JSON file. Raises MedGymError for what is none."""
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=list[Job])
    except FileNotFoundError:
        raise MedGymError("no such file of jobs", got=path) from None
    except msgspec.DecodeError as error:
        raise MedGymError("not a file of training jobs", got=error, where=path) from None


def do(job: Job, progress: Callable[[dict[str, Any]], None] | None = None) -> dict[str, Any]:
    """The figures of one job; under torchrun every process calls this."""
    if (job.bc is None) == (job.rl is None):
        raise MedGymError("a job is either bc or rl", got="both" if job.bc else "neither", where=job.out_dir)
    if job.bc is not None:
        from training.bc import train_bc

        return train_bc(job.policy, Path(job.trajectories), Path(job.out_dir), job.bc, job.seed, progress)
    from training.rl import train_rl

    world: dict[str, Any] = {}
    if isinstance(job.tasks, ControlTasks):
        from training.control import ControlEpisode, control_tasks

        tasks, world = control_tasks(job.tasks.tasks, job.tasks.seed), {"make_episode": ControlEpisode}
    else:
        from medgym_core.tasks import read_tasks

        tasks = [t for t in read_tasks(Path(job.tasks)) if t.split != "test" and (not job.ids or t.id in job.ids)]
    knowledge = None if world else _knowledge(job.knowledge)
    return train_rl(job.policy, tasks, knowledge, Path(job.out_dir), job.rl, job.seed, progress, **world)


def _knowledge(where: Mapping[str, str]) -> Any:
    from medgym_core.knowledge.search import KnowledgeBase

    if "version" in where:
        return KnowledgeBase.open_version(Path(where["version"]))
    if where:
        return KnowledgeBase.open(**{name: Path(path) for name, path in where.items()})
    return KnowledgeBase.shipped()


def main(argv: Sequence[str]) -> None:
    """One of torchrun's processes."""
    from training.parallel import join

    try:
        ranks = join()
        for number, job in enumerate(read_jobs(Path(argv[0]))):

            def report(record: dict[str, Any], number: int = number) -> None:
                _say({"job": number, "progress": record})

            figures = do(job, report)
            if ranks.first:
                _say({"job": number, "figures": figures})
    except MedGymError as error:
        _say({"error": str(error)})
        os._exit(2)  # at once: torchrun ends the others, which may wait for this one


def _say(record: dict[str, Any]) -> None:
    print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

"""A run of many episodes, played into a folder that can be killed and gone on with.

`record_run` joins a player, the engine and the folder. The same call on the same folder goes on where it was; figures
of finished parts come from the manifest, so a run of any length is summed up at once.
"""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import medgym_core
from medgym_core.artifacts import digest_json
from medgym_core.errors import MedGymError
from training.engine import DEFAULT_LIMITS, Failure, Limits, MakeEpisode, Scene, jobs_of, play
from training.players import Player
from training.trajectory import Trajectory
from training.trajectory_store import FIGURES, PART, Recording, plan

EVERY = 0.5  # seconds between two reports of progress
Progress = Callable[[int, int, dict[str, float]], None]


def record_run(
    player: Player,
    tasks: Sequence[Any],
    n: int,
    seed: int,
    out: Path,
    knowledge: Any = None,
    *,
    limits: Limits = DEFAULT_LIMITS,
    slots: int | None = None,
    part: int = PART,
    make_episode: MakeEpisode | None = None,
    progress: Progress | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Play `n` episodes of each task into `out`, or what is missing of them there; the run's summary.

    Episodes stand in the order of their tasks, those of a domain together. `slots` (default: the player's) and
    interruptions change nothing in the files. `progress` gets (episodes there, all, figures). Raises MedGymError where
    `out` holds a run of other settings, and when the sampler is dead; what was finished by then is kept.
    """
    tasks = by_domain(tasks)
    settings = {
        "policy": player.name,
        "digest": player.policy,
        **player.facts,
        "tasks": digest_json([t.id for t in tasks]),
        "episodes": len(tasks) * n,
        "n": n,
        "seed": seed,
        **asdict(limits),
        "knowledge": getattr(knowledge, "digest", ""),
        "version": medgym_core.__version__,
    }
    scene = Scene(player.policy, seed, knowledge, make_episode, limits)
    parts = plan([t.domain for t in tasks], n, part)
    began, failures, tally = time.monotonic(), [], _Tally(progress)
    with Recording(out, settings, parts, player.policy, durable=player.costly) as recording:
        if recording.finished < recording.total:
            with player.voice(limits, seed) as voice:
                jobs = jobs_of(tasks, n, recording.missing())
                try:
                    for result in play(voice, scene, jobs, slots=slots or player.slots, stopping=stopping):
                        if isinstance(result, Failure):
                            failures.append(result)
                        else:
                            recording.add(*result)
                            tally.count(result[1], recording)
                except MedGymError as error:
                    kept = f"{recording.finished} of {recording.total} episodes are kept; the same call goes on"
                    raise MedGymError(f"{error}; {kept}") from error
                finally:
                    recording.report_failed([asdict(f) for f in failures])
        tally.report(recording)
        return _summary(recording, tally, len(failures), time.monotonic() - began, stopping())


def by_domain(tasks: Sequence[Any]) -> list[Any]:
    """The tasks with those of a domain together, domains and tasks otherwise in their order."""
    places: dict[str, int] = {}
    for task in tasks:
        places.setdefault(task.domain, len(places))
    return sorted(tasks, key=lambda t: places[t.domain])


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed: the first one only asks to stop, a second one stops at once. Main thread only."""
    asked: list[bool] = []

    def stop(*_: object) -> None:
        asked.append(True)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)


class _Tally:
    """What this call has played so far."""

    def __init__(self, progress: Progress | None):
        self.progress, self.began, self.told = progress, time.monotonic(), 0.0
        self.episodes = self.tokens = self.correct = self.errors = 0

    def count(self, t: Trajectory, recording: Recording) -> None:
        self.episodes += 1
        self.tokens += t.sampled_tokens
        self.correct += t.correct
        self.errors += t.tool_errors
        if self.progress and time.monotonic() - self.told >= EVERY:
            self.report(recording)

    def report(self, recording: Recording) -> None:
        if self.progress:
            self.told = time.monotonic()
            seconds = max(self.told - self.began, 1e-9)
            figures = {"episodes/s": self.episodes / seconds, "tokens/s": self.tokens / seconds}
            if self.episodes:
                figures |= {"success": self.correct / self.episodes, "tool errors": self.errors / self.episodes}
            self.progress(recording.finished, recording.total, figures)


def _summary(recording: Recording, tally: _Tally, failed: int, seconds: float, interrupted: bool) -> dict[str, Any]:
    """What is there now, and what this call added."""
    lines = [recording.lines[number] for number in sorted(recording.lines)]
    rows = sum(line["rows"] for line in lines)
    stops: Counter[str] = Counter()
    for line in lines:
        stops.update(line["stops"])
    sums = {name: sum(line[name] for line in lines) for name in FIGURES}
    means = {name: round(sums[name] / rows, 6) if rows else None for name in ("correct", "accuracy", "reward", "turns")}
    complete = recording.finished == recording.total
    return {
        "folder": str(recording.folder),
        "policy": recording.policy,
        "episodes": recording.finished,
        "total": recording.total,
        "complete": complete,
        "interrupted": interrupted and not complete,
        "failed": failed,
        "new": tally.episodes,
        "digest": digest_json([line["digest"] for line in lines]) if complete else None,
        "success": means["correct"],
        "accuracy": means["accuracy"],
        "composite": means["reward"],
        "turns": means["turns"],
        **{name: sums[name] for name in ("tokens", "sampled_tokens", "tool_calls", "tool_errors")},
        "stops": dict(sorted(stops.items())),
        "parts": len(lines),
        "seconds": round(seconds, 3),
        "episodes_per_second": round(tally.episodes / max(seconds, 1e-9), 1),
        "tokens_per_second": round(tally.tokens / max(seconds, 1e-9), 1),
    }

"""A folder of recorded episodes that can be killed at any moment and gone on with.

    FOLDER/run.json                                     settings of the run; other settings are refused
    FOLDER/domain=D/policy=P/part-00007.parquet         episodes, in order (names escaped as in a URL)
    FOLDER/manifest.jsonl                               one line a finished part
    FOLDER/_facts/part-00007.parquet                    wall time of its episodes
    FOLDER/_open/part-00007.frames                      finished episodes of a part that is not complete
    FOLDER/failed.jsonl                                 episodes whose sampler failed at the last attempt

A part is a fixed range of the order of episodes, so its bytes depend neither on the order in which episodes end nor on
interruptions. Finished episodes go to disk at once, in a frame with its length and digest; a torn last frame is cut
off. A part is written beside, renamed, and exists once the manifest says so. Nothing grows in memory with the run: a
row group is held while a part is written. Scripts are cheap to play again: theirs wait in memory for their part.
"""

import fcntl
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from medgym_core.artifacts import digest_bytes, digest_json, write_atomic
from medgym_core.errors import MedGymError
from training.columns import SCHEMA, batch
from training.spool import Spool, beside
from training.trajectory import MANIFEST, Trajectory, content_digest, finished_parts, validate

PART = 2048  # episodes of a part: 10 MB or so of short ones, and few enough files for a million
GROUP = 512  # episodes of a row group: what a reader holds
GROUP_TOKENS = 1 << 19  # or tokens, where episodes are long: 100 MB of Python lists
LONGEST_NAME = 120  # characters of a policy's name in a path; a file system takes 255 bytes
RUN, FAILED, OPEN, FACTS = "run.json", "failed.jsonl", "_open", "_facts"


@dataclass(frozen=True)
class Part:
    """The episodes `start` to `stop` - 1 of a run, all of one domain."""

    number: int
    start: int
    stop: int
    domain: str

    @property
    def name(self) -> str:
        return f"part-{self.number:05d}"


def plan(domains: Sequence[str], n: int, size: int = PART) -> list[Part]:
    """The parts of a run of `n` episodes a task, given the domain of each task in order. Tasks of one domain must stand
    together, or there are more parts than needed."""
    parts: list[Part] = []
    first = 0
    for place in range(1, len(domains) + 1):
        if place == len(domains) or domains[place] != domains[first]:
            for start in range(first * n, place * n, size):
                parts.append(Part(len(parts), start, min(start + size, place * n), domains[first]))
            first = place
    return parts


class Recording:
    """Takes the finished episodes of one run, in any order; a context manager. One process at a time has the folder.

    Raises MedGymError where the folder holds a run of other settings, or files of no run, or another process writes it.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, Any], parts: Sequence[Part], policy: str, *, durable: bool = True
    ):
        self.folder, self.parts, self.policy, self.durable = Path(folder), parts, policy, durable
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self.folder)
        with ExitStack() as undo:
            undo.callback(self._lock.close)
            named = [[p.start, p.stop, p.domain] for p in parts]
            _same_settings(self.folder, {**settings, "parts": digest_json(named)})
            self.lines = {entry["part"]: entry for _, entry in _manifest(self.folder)}
            self._clean()
            self._held: dict[int, dict[int, Trajectory]] = {}  # by part: episodes in memory
            self._spools = {p.number: Spool(self._open(p)) for p in parts if self._open(p).is_file()}
            for part in parts:  # killed between its last episode and its file
                self._finish(part)
            undo.pop_all()  # all went well: the lock is kept

    def __enter__(self) -> "Recording":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Put what waits in memory on disk, and let another process have the folder."""
        for number, held in self._held.items():
            self._spools[number] = Spool(self._open(self.parts[number]))
            for place, t in held.items():
                self._spools[number].add(place, t)
        for spool in self._spools.values():
            spool.close()
        self._lock.close()

    def missing(self) -> Iterator[int]:
        """Places of the episodes that are not there yet, in order. More may be added meanwhile."""
        for part in self.parts:
            if part.number not in self.lines:
                known = self._known(part)
                yield from (place for place in range(part.start, part.stop) if place not in known)

    @property
    def finished(self) -> int:
        """Episodes there."""
        waiting = sum(map(len, self._spools.values())) + sum(map(len, self._held.values()))
        return sum(line["rows"] for line in self.lines.values()) + waiting

    @property
    def total(self) -> int:
        return self.parts[-1].stop if self.parts else 0

    def add(self, place: int, t: Trajectory) -> None:
        """Take a finished episode. Raises MedGymError where it breaks an invariant, or is there already."""
        part = self._part_of(place)
        if part.number in self.lines or place in self._known(part):
            raise MedGymError("the episode is there already", got=place, where=self.folder)
        if t.domain != part.domain or t.policy != self.policy:
            raise MedGymError(
                "episode of another part", got=f"{t.domain} {t.policy}", expected=f"{part.domain} {self.policy}"
            )
        validate(t)
        if self.durable or part.number in self._spools:
            if part.number not in self._spools:
                self._spools[part.number] = Spool(self._open(part))
            self._spools[part.number].add(place, t)
        else:
            self._held.setdefault(part.number, {})[place] = t
        self._finish(part)

    def report_failed(self, failures: Sequence[Mapping[str, Any]]) -> None:
        """Say which episodes failed, in `failed.jsonl`; none: the file goes."""
        lines = "".join(json.dumps(f, ensure_ascii=False) + "\n" for f in failures)
        if lines:
            write_atomic(self.folder / FAILED, lines)
        else:
            (self.folder / FAILED).unlink(missing_ok=True)

    def _known(self, part: Part) -> Any:
        return self._spools.get(part.number) or self._held.get(part.number) or ()

    def _part_of(self, place: int) -> Part:
        low, high = 0, len(self.parts)
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self.parts[middle].stop <= place else (low, middle)
        if place < 0 or low == len(self.parts):
            raise MedGymError("no such episode in the run", got=place, expected=f"0 to {self.total - 1}")
        return self.parts[low]

    def _open(self, part: Part) -> Path:
        return self.folder / OPEN / f"{part.name}.frames"

    def _finish(self, part: Part) -> None:
        """Write a part whose episodes are all there."""
        known = self._known(part)
        if part.number in self.lines or len(known) < part.stop - part.start:
            return
        spool, held = self._spools.get(part.number), self._held.get(part.number, {})
        line = self._write(part, spool.read if spool else held.__getitem__)
        with open(self.folder / MANIFEST, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        self.lines[part.number] = line
        self._held.pop(part.number, None)
        if spool:
            del self._spools[part.number]
            spool.close()
            self._open(part).unlink()

    def _write(self, part: Part, read: Callable[[int], Trajectory]) -> dict[str, Any]:
        file = self.folder / f"domain={path_name(part.domain)}" / f"policy={path_name(self.policy)}"
        file /= f"{part.name}.parquet"
        figures, digests, seconds = Counter(), [], []
        stops: Counter[str] = Counter()
        with beside(file) as path, pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
            for group in _groups(read(place) for place in range(part.start, part.stop)):
                seconds += [t.milliseconds for t in group]
                group = [msgspec.structs.replace(t, milliseconds=None) for t in group]  # type: ignore[arg-type]
                writer.write_batch(batch(group))
                digests.append(content_digest(group))
                stops.update(t.stop.value for t in group)
                for name, value in FIGURES.items():
                    figures[name] += sum(map(value, group))
        self._write_facts(part, seconds)
        where = {"part": part.number, "file": file.relative_to(self.folder).as_posix(), "bytes": file.stat().st_size}
        content = {"rows": len(seconds), "digest": digest_json(digests), "stops": dict(sorted(stops.items()))}
        return {**where, **content, **figures}

    def _write_facts(self, part: Part, seconds: list[float]) -> None:
        with beside(self.folder / FACTS / f"{part.name}.parquet") as path:
            places = pa.array(range(part.start, part.stop), pa.int64())
            pq.write_table(pa.table({"place": places, "milliseconds": pa.array(seconds, pa.float64())}), path)

    def _clean(self) -> None:
        """Away with what a killed run left: half-written lines and files, and spools of parts that are finished."""
        if (self.folder / MANIFEST).is_file():
            write_atomic(self.folder / MANIFEST, "".join(json.dumps(entry) + "\n" for entry in self.lines.values()))
        for file in (*self.folder.rglob(".part-*"), *(self.folder / OPEN).glob("*.frames")):
            number = file.stem.removeprefix("part-")
            if file.name.startswith(".") or (number.isdigit() and int(number) in self.lines):
                file.unlink()


FIGURES: dict[str, Callable[[Trajectory], float]] = {
    "correct": lambda t: int(t.correct),
    "accuracy": lambda t: t.accuracy,
    "reward": lambda t: t.reward,
    "turns": lambda t: t.turns,
    "tool_calls": lambda t: t.tool_calls,
    "tool_errors": lambda t: t.tool_errors,
    "tokens": lambda t: len(t.token_ids),
    "sampled_tokens": lambda t: t.sampled_tokens,
}
"""What the manifest sums over the episodes of a part."""


def path_name(name: str) -> str:
    """A name as one part of a path: escaped as in a URL; of a long one the beginning and a digest."""
    escaped = quote(name, safe="")
    if len(escaped) <= LONGEST_NAME:
        return escaped
    return f"{escaped[: LONGEST_NAME - 20].rstrip('%')}-{digest_bytes(name.encode())[:16]}"


def _groups(episodes: Iterator[Trajectory]) -> Iterator[list[Trajectory]]:
    """Row groups: their borders depend on the episodes alone."""
    group: list[Trajectory] = []
    tokens = 0
    for t in episodes:
        group.append(t)
        tokens += len(t.token_ids)
        if len(group) == GROUP or tokens >= GROUP_TOKENS:
            yield group
            group, tokens = [], 0
    if group:
        yield group


def _manifest(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    return finished_parts(folder) if (folder / MANIFEST).is_file() else []


def _lock(folder: Path) -> Any:
    stream = open(folder / ".lock", "w")  # held while the recording is open
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        raise MedGymError("another process is writing here", got=folder, expected="one rollout a folder") from None
    return stream


def _same_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    file = folder / RUN
    given = json.loads(json.dumps(settings))
    if not file.is_file():
        if any(p.suffix == ".parquet" for p in folder.iterdir()) or (folder / MANIFEST).exists():
            raise MedGymError("the folder holds other episodes", got=folder, expected="an empty folder")
        write_atomic(file, json.dumps(given, indent=1, ensure_ascii=False))
        return
    kept = json.loads(file.read_text(encoding="utf-8"))
    differ = [name for name in {**kept, **given} if kept.get(name) != given.get(name)]
    if differ:
        raise MedGymError(
            "the folder holds a run of other settings",
            got=", ".join(f"{name} {given.get(name)}" for name in differ),
            expected=", ".join(f"{name} {kept.get(name)}" for name in differ) + ", or another folder",
            where=folder,
        )

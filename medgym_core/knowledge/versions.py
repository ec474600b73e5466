"""Versions of a knowledge base: whole folders beside each other, an atomic pointer to one, the last three kept.

    OUT/CURRENT                 the digest of the published version
    OUT/versions/<digest>/      passages.parquet, card.json, vectors.npy, lexicon/, chroma/, encoder/, version.json
    OUT/versions/.locks/<digest>    held shared by readers: a version in use is never removed
    OUT/versions/.work-<random>/    a build under way; one that was killed is removed by the next
    OUT/.building               held by the one builder

A version is made aside, checked, renamed into place and pointed at, so a reader finds a whole one or another whole one.
Its digest names passages, encoder and parameters, not the files' bytes: an index built twice differs in its bytes.
`version.json` is written last; it lists every file's size and digest, which are compared when a version is opened.
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medgym_core.artifacts import digest_file, digest_json, write_atomic
from medgym_core.errors import MedGymError

KEPT = 3  # versions: the current one, the one before for whoever still reads it, and one to go back to
LARGE = 1 << 20  # bytes; such files are compared by size when opened, and whole by `damaged`: 4 GB take 4 s and more
CURRENT, FACTS = "CURRENT", "version.json"


@dataclass(frozen=True)
class Version:
    """A published version."""

    folder: Path
    digest: str
    facts: dict[str, Any]
    """What `version.json` says."""

    @property
    def collection(self) -> str:
        return collection_name(self.digest)


def collection_name(digest: str) -> str:
    return f"passages-{digest}"


def version_digest(passages: str, encoder: str, parameters: dict[str, Any]) -> str:
    """The digest of a version, from those of its passages and encoder and the parameters of its indexes."""
    return digest_json({"passages": passages, "encoder": encoder, "parameters": parameters})


def open_folder(folder: Path) -> Version:
    """The version in `folder`. Raises MedGymError where there is none or a file is missing or not as published."""
    folder = Path(folder)
    try:
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        version = Version(folder, facts["digest"], facts)
    except (OSError, ValueError, KeyError, TypeError) as error:
        got = " ".join(str(error).split())
        raise MedGymError("no version of a knowledge base", got=got, expected=FACTS, where=folder) from error
    if wrong := damaged(version, whole=False):
        raise MedGymError("damaged version", got=", ".join(wrong[:5]), expected="the files as published", where=folder)
    return version


def damaged(version: Version, whole: bool = True) -> list[str]:
    """Files that are missing or changed; without `whole` the large ones are compared by their size only."""
    wrong = []
    for name, (size, digest) in version.facts["files"].items():
        path = version.folder / name
        same = path.is_file() and path.stat().st_size == size
        if same and (whole or size < LARGE):
            same = digest_file(path) == digest
        if not same:
            wrong.append(name)
    return wrong


def describe_files(folder: Path) -> dict[str, tuple[int, str]]:
    """Relative path to (bytes, digest) of every file of a version but `version.json`."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / FACTS)
    return {path.relative_to(folder).as_posix(): (path.stat().st_size, digest_file(path)) for path in files}


def current(out: Path) -> Version:
    """The published version. Raises MedGymError where nothing was published or it is damaged."""
    return open_folder(Path(out) / "versions" / _pointed(Path(out)))


def _pointed(out: Path) -> str:
    try:
        return (out / CURRENT).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise MedGymError("no knowledge base", got=out, expected="a folder that a build has published to") from error


def published(out: Path) -> list[str]:
    """Digests of the versions there are, the latest published first."""
    folders = [path.parent for path in (Path(out) / "versions").glob(f"[!.]*/{FACTS}")]
    return [f.name for f in sorted(folders, key=lambda f: ((f / FACTS).stat().st_mtime_ns, f.name), reverse=True)]


class Lease:
    """A version that is not removed while this is open: `version`. Close it, or use it in a `with` block."""

    def __init__(self, version: Version, lock):
        self.version, self._lock = version, lock

    def __enter__(self) -> Version:
        return self.version

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._lock:
            self._lock.close()


def hold(path: Path) -> Lease:
    """Hold the current version of OUT, or the version folder `path`, for reading.

    Raises MedGymError where there is none or it is damaged. A version folder copied out of its OUT needs no holding.
    """
    path = Path(path)
    if (path / FACTS).is_file():
        return _hold(path)
    while True:
        digest = _pointed(path)
        try:
            return _hold(path / "versions" / digest)
        except MedGymError:
            if _pointed(path) == digest:  # else another was published, and this one removed, in between
                raise


def _hold(folder: Path) -> Lease:
    place = folder.parent / ".locks" / folder.name
    lock = open(place, encoding="utf-8") if place.is_file() else None
    try:
        if lock:
            fcntl.flock(lock, fcntl.LOCK_SH)  # waits only while a removal renames the folder
        return Lease(open_folder(folder), lock)
    except MedGymError:
        if lock:
            lock.close()
        raise


@contextmanager
def building(out: Path, told: Callable[[str], None] | None = None) -> Iterator[Path]:
    """An empty work folder for the one builder of `out`; a second waits, and `told` says for whom."""
    out = Path(out)
    (out / "versions").mkdir(parents=True, exist_ok=True)
    with open(out / ".building", "a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            if told:
                told(f"waiting for another build of {out}, process {lock.read().strip() or 'unknown'}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        for left in (out / "versions").glob(".work-*"):
            shutil.rmtree(left, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=".work-", dir=out / "versions"))
        work.chmod(0o755)  # it becomes the version's folder, which others may read
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


def publish(work: Path, out: Path, facts: dict[str, Any]) -> Version:
    """Make the finished folder `work` the current version of `out`; `facts` must hold its `digest`.

    To be called by the builder (`building`). An intact version of that digest is kept as it is, a damaged one replaced.
    """
    out, digest = Path(out), facts["digest"]
    write_atomic(work / FACTS, json.dumps(facts | {"files": describe_files(work)}, indent=1, ensure_ascii=False))
    folder = out / "versions" / digest
    if not intact(out, digest):
        if folder.exists():
            _remove(folder)
        lock = folder.parent / ".locks" / digest
        lock.parent.mkdir(exist_ok=True)
        lock.touch()
        os.rename(work, folder)
    return point_to(out, digest)


def intact(out: Path, digest: str) -> bool:
    """Whether that version is there, whole and as published: every byte is read."""
    try:
        return not damaged(open_folder(Path(out) / "versions" / digest))
    except MedGymError:
        return False


def point_to(out: Path, digest: str) -> Version:
    """Make a version that is there the current one, also to go back; then remove all but the last three and those in
    use. Raises MedGymError where it is not there or damaged.
    """
    version = open_folder(Path(out) / "versions" / digest)
    os.utime(version.folder / FACTS)  # the order of publication
    write_atomic(Path(out) / CURRENT, digest + "\n")
    prune(out)
    return version


def prune(out: Path, kept: int = KEPT) -> list[str]:
    """Remove the versions before the last `kept`, unless a reader holds them; the digests removed."""
    removed = []
    for digest in published(out)[kept:]:
        with open(Path(out) / "versions" / ".locks" / digest, "a", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # in use: a later build removes it
                continue
            _remove(Path(out) / "versions" / digest)
            removed.append(digest)
    return removed


def _remove(folder: Path) -> None:
    """Out of the readers' sight at once, then off the disk; what a kill leaves, the next build removes."""
    aside = Path(tempfile.mkdtemp(prefix=".work-", dir=folder.parent))
    os.rename(folder, aside / folder.name)
    shutil.rmtree(aside, ignore_errors=True)

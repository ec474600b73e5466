"""Files that survive a killed process: frames appended one by one, and files written beside and renamed."""

import os
from pathlib import Path

import msgspec

from medgym_core.artifacts import DIGEST_BYTES, digest_bytes
from training.trajectory import Trajectory

_HEAD = 4 + DIGEST_BYTES  # bytes before a frame: its length, its digest


class Spool:
    """Episodes of a part that is not complete, on disk; in memory only where each stands. Opening cuts off what a
    killed process wrote half."""

    def __init__(self, file: Path):
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(file, "a+b")  # closed by `close`
        self._places: dict[int, int] = {}  # offset by place
        self._end = 0
        for place, _, end in iter(self._next, None):
            self._places[place], self._end = self._end, end
        self._file.truncate(self._end)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, place: object) -> bool:
        return place in self._places

    def add(self, place: int, t: Trajectory) -> None:
        payload = msgspec.msgpack.encode((place, t))
        head = len(payload).to_bytes(4, "little") + bytes.fromhex(digest_bytes(payload))
        self._file.write(head + payload)
        self._file.flush()  # to the system: a killed process loses nothing
        self._places[place], self._end = self._end, self._end + len(head) + len(payload)

    def read(self, place: int) -> Trajectory:
        found = self._frame(self._places[place])
        assert found is not None
        return found[1]

    def close(self) -> None:
        self._file.close()

    def _next(self) -> tuple[int, Trajectory, int] | None:
        return self._frame(self._end)

    def _frame(self, offset: int) -> tuple[int, Trajectory, int] | None:
        """The frame at an offset and where it ends; None where there is no whole one."""
        self._file.seek(offset)
        head = self._file.read(_HEAD)
        length = int.from_bytes(head[:4], "little")
        payload = self._file.read(length)
        if len(head) < _HEAD or len(payload) < length or digest_bytes(payload) != head[4:].hex():
            return None
        place, t = msgspec.msgpack.decode(payload, type=tuple[int, Trajectory])
        return place, t, offset + _HEAD + length


class beside:
    """A path to write; when the block ends well it is flushed to disk and renamed to `file`."""

    def __init__(self, file: Path):
        self.file, self.path = file, file.with_name(f".{file.name}")

    def __enter__(self) -> Path:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        return self.path

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self.path.unlink(missing_ok=True)
            return
        with open(self.path, "rb") as stream:
            os.fsync(stream.fileno())
        os.replace(self.path, self.file)

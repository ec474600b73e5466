"""Files in any packing as a stream of members: archives, folders and single files, each plain or compressed.

One member is open at a time and nothing is unpacked to disk, so a name such as `../../etc/passwd` is only a name.
What a file is, is told from its first bytes, not from its name. A compressed or archived stream that ends early or is
damaged raises `Unreadable`: what was read before counts, and the rest is one reject.
"""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from medgym_core.errors import MedGymError
from medgym_core.knowledge.rejects import Rejects

MAX_MEMBER = 128 << 20  # bytes read whole: the largest ontology release is near 110 MB; more must be streamed by record
MAX_LINE = 8 << 20  # bytes: a book chapter in one JSON line is below 1 MB
NESTED = 3  # an archive in an archive in an archive: DailyMed is a zip of zips of XML; deeper ones are bombs
PEEK = 512  # bytes: a tar header, whose mark stands at 257
BLOCK = 1 << 16

_BAD = (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, OSError, NotImplementedError)
_OPENERS: dict[bytes, Callable[[BinaryIO], BinaryIO]] = {
    b"\x1f\x8b": lambda raw: gzip.GzipFile(fileobj=raw),
    b"\xfd7zXZ\x00": lzma.LZMAFile,
    b"BZh": bz2.BZ2File,
}
ENDINGS = (".gz", ".xz", ".bz2")


class Unreadable(MedGymError):
    """A stream that ends early or is damaged; nothing after this place can be read."""


@dataclass
class Member:
    """One file of a corpus, open for reading until the next one is asked for."""

    name: str
    """Its path inside the archive or folder, without a compression ending."""
    where: str
    """For messages: file, then member."""
    stream: BinaryIO

    def read(self) -> bytes:
        """All of it. Raises MedGymError where it is empty or larger than MAX_MEMBER."""
        content = self.stream.read(MAX_MEMBER + 1)
        if len(content) > MAX_MEMBER:
            raise MedGymError("member too large", got=f"over {MAX_MEMBER} bytes", expected="less", where=self.where)
        if not content.strip():
            raise MedGymError("empty file", got=f"{len(content)} bytes", expected="content", where=self.where)
        return content

    def text(self) -> str:
        """All of it as text."""
        return decode(self.read(), self.where)

    def lines(self, rejects: Rejects) -> Iterator[tuple[str, str]]:
        """(place, text) of each line that is not blank; a line too long or not UTF-8 is rejected, the rest goes on."""
        number = found = 0
        while line := self.stream.readline(MAX_LINE + 1):
            number += 1
            at = f"{self.where}, line {number}"
            if len(line) > MAX_LINE:
                length = len(line)
                while line and not line.endswith(b"\n"):
                    line = self.stream.readline(MAX_LINE)
                    length += len(line)
                rejects.add(at, f"line too long; got {length} bytes; expected at most {MAX_LINE}")
                found += 1
                continue
            if line.strip():
                found += 1
                try:
                    yield at, decode(line, at)
                except MedGymError as error:
                    rejects.add_error(at, error)
        if not found:
            raise MedGymError("empty file", got="no line", expected="content", where=self.where)


class _Checked(io.RawIOBase):
    """A stream whose read errors are `Unreadable`, and which remembers that it failed."""

    def __init__(self, raw: BinaryIO, where: str):
        super().__init__()
        self.where, self.failed, self._start = where, False, b""
        self._read = getattr(raw, "read1", raw.read)  # read1 gives what came before a fault, read would lose it

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        block, self._start = self._start[: len(buffer)], self._start[len(buffer) :]
        block = block or self._next(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def ahead(self, size: int) -> bytes:
        """The first bytes, which will be read again."""
        while len(self._start) < size and (block := self._next(size - len(self._start))):
            self._start += block
        return self._start

    def _next(self, size: int) -> bytes:
        try:
            return self._read(size)
        except _BAD as error:
            self.failed = True
            got = " ".join(str(error).split()) or type(error).__name__
            raise Unreadable("unreadable rest", got=got, expected="a whole file", where=self.where) from error
        except Unreadable:
            self.failed = True
            raise


def members(path: Path, rejects: Rejects) -> Iterator[Member]:
    """Every regular file of an archive, a folder (sorted by name) or a single file; hidden files are skipped.

    Raises MedGymError where there is nothing at `path`; what cannot be read is rejected.
    """
    path = Path(path)
    if not path.exists():
        raise MedGymError("no such corpus", got=path, expected="an archive, a folder or a file")
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    for file in files:
        if file.name.startswith("."):
            continue
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        try:
            raw = open(file, "rb")
        except OSError as error:
            rejects.add(str(file), f"unreadable file; got {error.strerror}; expected one that may be read")
            continue
        with raw:
            yield from _expand(name, str(file), raw, rejects, 0)


def _expand(name: str, where: str, raw: BinaryIO, rejects: Rejects, depth: int) -> Iterator[Member]:
    """The members of one stream: itself, what it holds compressed, or what it holds as an archive."""
    checked, packed = _Checked(raw, where), False
    try:
        start = checked.ahead(PEEK)
        for magic, opener in _OPENERS.items():
            if start.startswith(magic):
                checked, packed = _Checked(opener(io.BufferedReader(checked, BLOCK)), where), True
                start = checked.ahead(PEEK)
                break
    except Unreadable as error:
        rejects.add_error(where, error)
        return
    is_tar, is_zip = start[257:262] == b"ustar", start[:4] in (b"PK\x03\x04", b"PK\x05\x06")
    if (is_tar or is_zip) and depth == NESTED:
        rejects.add(where, f"archives in archives; got more than {NESTED} levels; expected fewer")
    elif is_tar:
        yield from _tar(where, checked, rejects, depth)
    elif is_zip:
        stream = io.BufferedReader(checked, BLOCK)
        yield from _zip(where, stream if packed or depth else None, raw, rejects, depth)
    else:
        bare = name[: -len(Path(name).suffix)] if packed and name.endswith(ENDINGS) else name
        yield Member(bare, where, io.BufferedReader(checked, BLOCK))


def _tar(where: str, checked: _Checked, rejects: Rejects, depth: int) -> Iterator[Member]:
    at = "its start"
    try:
        with tarfile.open(fileobj=io.BufferedReader(checked, BLOCK), mode="r|") as archive:
            while info := archive.next():
                archive.members.clear()  # else a million headers stay in memory
                at = info.name
                if not info.isfile() or Path(at).name.startswith("."):
                    continue
                member = _Checked(archive.extractfile(info), f"{where}:{at}")
                yield from _expand(at, member.where, member, rejects, depth + 1)
                if member.failed or checked.failed:  # told already, by the member that met it
                    return
    except (*_BAD, Unreadable, ValueError, OverflowError) as error:  # tarfile raises these for damaged headers, too
        got = str(error).split("; in ")[0] or type(error).__name__
        rejects.add(f"{where}, after {at}", f"unreadable rest; got {got}; expected a whole archive")


def _zip(where: str, inner: BinaryIO | None, raw: BinaryIO, rejects: Rejects, depth: int) -> Iterator[Member]:
    """A zip's list stands at its end: a file is opened as it is, one inside another stream is read whole."""
    try:
        with zipfile.ZipFile(io.BytesIO(Member(where, where, inner).read()) if inner else raw) as archive:
            for info in archive.infolist():
                if info.is_dir() or Path(info.filename).name.startswith("."):
                    continue
                at = f"{where}:{info.filename}"
                try:
                    with archive.open(info) as member:
                        yield from _expand(info.filename, at, member, rejects, depth + 1)
                except (*_BAD, RuntimeError, ValueError) as error:  # RuntimeError: encrypted
                    rejects.add(at, f"unreadable member; got {error}; expected a plain one")
    except MedGymError as error:
        rejects.add_error(where, error)
    except (*_BAD, ValueError) as error:
        rejects.add(where, f"unreadable archive; got {error}; expected a whole zip")


def decode(content: bytes, where: str) -> str:
    """UTF-8 text, with or without a byte order mark. Raises MedGymError naming the first byte that is not."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        got = f"byte 0x{content[error.start]:02x} at offset {error.start}"
        raise MedGymError("wrong encoding", got=got, expected="UTF-8", where=where) from error

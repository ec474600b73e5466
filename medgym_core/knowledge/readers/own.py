"""MedGym's own documents as JSON lines: what `Document` holds, source and licence of each as it states them."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from medgym_core.errors import MedGymError
from medgym_core.knowledge.readers.common import Origin, read_members
from medgym_core.knowledge.readers.streams import Member
from medgym_core.knowledge.rejects import Rejects
from medgym_core.knowledge.types import Document


def read_documents(
    path: Path, rejects: Rejects | None = None, source: str = "", licence: str = ""
) -> Iterator[Document]:
    """The documents of JSON lines that `write_documents` wrote; `source` and `licence` do not replace their own."""
    return read_members(path, (".jsonl",), _documents, rejects, Origin(source, licence))


def write_documents(documents: Iterable[Document], path: Path) -> None:
    """Write the documents, one a line, beside `path` and renamed."""
    beside = Path(path).with_name(f".{Path(path).name}.{os.getpid()}")
    with open(beside, "wb") as out:
        for document in documents:
            out.write(msgspec.json.encode(document) + b"\n")
    os.replace(beside, path)


def _documents(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
    decoder = msgspec.json.Decoder(Document)
    for at, line in member.lines(rejects):
        try:
            yield decoder.decode(line)
        except msgspec.DecodeError as error:
            rejects.add_error(at, MedGymError("not a document", got=str(error), expected="a Document as JSON"))

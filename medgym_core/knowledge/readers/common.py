"""What all readers share: going through members, counting what is malformed, and making documents."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from medgym_core.errors import MedGymError
from medgym_core.knowledge.readers.streams import Member, members
from medgym_core.knowledge.rejects import Rejects
from medgym_core.knowledge.types import Document

Record = TypeVar("Record")
NO_TEXT = ("", "nan", "none", "null")  # what programs write for a missing value
NOT_CONTENT = ("readme", "license", "licence", "changelog", "contributing", "notice")  # beside a corpus


class Origin(NamedTuple):
    """What a document gets that does not say it of itself."""

    source: str
    licence: str
    home: str = ""
    """Where the corpus is published, for documents without an address of their own."""


Parse = Callable[[Member, Rejects, Origin], Iterator[Document]]


def read_members(
    path: Path, endings: tuple[str, ...], parse: Parse, rejects: Rejects | None, origin: Origin
) -> Iterator[Document]:
    """The documents of every member with one of `endings` (of a single file, whatever its name).

    A member that cannot be parsed, and a second document with an identifier already seen, are rejected.
    Raises MedGymError only where there is nothing at `path`.
    """
    rejects = Rejects() if rejects is None else rejects
    before, found = rejects.count, 0
    seen: set[str] = set()
    for member in members(path, rejects):
        if member.where != str(path) and not _wanted(member.name, endings):
            continue
        found += 1
        try:
            for document in parse(member, rejects, origin):
                if document.id in seen:
                    rejects.add(member.where, f"duplicate id; got {document.id} again; expected each once")
                    continue
                if document.id:
                    seen.add(document.id)
                yield document
        except MedGymError as error:
            rejects.add_error(member.where, error)
    if not found and rejects.count == before:
        rejects.add(str(path), f"nothing to read; got no such member; expected {' or '.join(endings)}")


def _wanted(name: str, endings: tuple[str, ...]) -> bool:
    file = Path(name)
    return name.lower().endswith(endings) and file.stem.lower() not in NOT_CONTENT


def each(
    records: Iterable[tuple[str, Record]], make: Callable[[Record, str], Document], rejects: Rejects
) -> Iterator[Document]:
    """`make(record, place)` of every (place, record); a record that raises MedGymError is rejected."""
    for at, record in records:
        try:
            yield make(record, at)
        except MedGymError as error:
            rejects.add_error(at, error)


def document(
    origin: Origin,
    title: str,
    sections: Iterable[tuple[str, str]],
    at: str,
    *,
    url: str,
    licence: str = "",
    **rest: str,
) -> Document:
    """A document without its empty sections. Raises MedGymError where title or text is missing."""
    title = " ".join(title.split())
    kept = [(heading, text.strip()) for heading, text in sections if text.strip().lower() not in NO_TEXT]
    if not title:
        raise MedGymError("no title", got="none", expected="a title", where=at)
    if not kept:
        raise MedGymError("no text", got=f"only the title {title[:80]!r}", expected="text", where=at)
    return Document(origin.source, title, kept, licence or origin.licence, url, **rest)


def path_of(*headings: str) -> str:
    """A section path, outermost first, without empty or repeated parts."""
    parts: list[str] = []
    for heading in headings:
        clean = " ".join(heading.split()).strip(" .:")
        if clean and (not parts or clean.lower() != parts[-1].lower()):
            parts.append(clean)
    return " > ".join(parts)


def load_json(content: bytes | str, at: str) -> Any:
    """Parsed JSON. Raises MedGymError naming the place of the first fault."""
    try:
        return json.loads(content)
    except RecursionError as error:
        raise MedGymError("malformed JSON", got="too deeply nested", expected="JSON", where=at) from error
    except ValueError as error:  # JSON and UTF-8 errors
        raise MedGymError("malformed JSON", got=" ".join(str(error).split()), expected="JSON", where=at) from error


def json_lines(member: Member, rejects: Rejects) -> Iterator[tuple[str, dict]]:
    """(place, object) of each line; other lines are rejected."""
    for at, line in member.lines(rejects):
        try:
            yield at, as_object(load_json(line, at), at)
        except MedGymError as error:
            rejects.add_error(at, error)


def as_object(value: Any, at: str) -> dict:
    if not isinstance(value, dict):
        raise MedGymError("not a record", got=type(value).__name__, expected="a JSON object", where=at)
    return value


def string(value: Any) -> str:
    """The text of a JSON value that should be one: "" for anything but text and whole numbers."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def items(value: Any, kind: type = dict) -> list:
    """The elements of a JSON list that have the type they should have."""
    return [item for item in value if isinstance(item, kind)] if isinstance(value, list) else []


def first(record: dict, *names: str) -> str:
    """The first of these fields that has text."""
    return next((text for name in names if (text := string(record.get(name)).strip())), "")


def pubmed_url(pmid: str) -> str:
    return f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/"


def pmc_url(pmcid: str) -> str:
    return f"https://pmc.ncbi.nlm.nih.gov/articles/{pmcid}/"

"""Records in rows: CSV and TSV of abstracts and captions, JSON lines of MedRAG and BEIR, Parquet.

Formats: https://github.com/beir-cellar/beir (corpus.jsonl: _id, title, text), https://huggingface.co/MedRAG
(id, title, content), and Parquet with the columns of either, or MedGym's own passages.
"""

import csv
import io
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from medgym_core.errors import MedGymError
from medgym_core.knowledge.licences import UNKNOWN, licence_name
from medgym_core.knowledge.readers.common import (
    Origin,
    document,
    each,
    first,
    json_lines,
    pmc_url,
    pubmed_url,
    read_members,
    string,
)
from medgym_core.knowledge.readers.streams import Member
from medgym_core.knowledge.rejects import Rejects
from medgym_core.knowledge.types import Document

_TRANSLATED = re.compile(r"^\[(.*)\]\.?$")  # MEDLINE brackets the titles it translated
ROWS = 4_096  # rows of a Parquet file in memory at a time
TEXT_FIELDS = ("text", "content", "contents", "abstract", "page_content", "body")
ID_FIELDS = ("_id", "id", "pmid", "PMID", "docid")


def rows_of(member: Member, rejects: Rejects, delimiter: str) -> Iterator[tuple[str, dict[str, str]]]:
    """(place, {column: value}) of each row under a header; rows of another length are rejected.

    Tab-separated files have no quoting, as their publishers write them.
    """
    place = [member.where]

    def lines() -> Iterator[str]:
        for place[0], line in member.lines(rejects):
            yield line

    quoting = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    reader = csv.reader(lines(), delimiter=delimiter, quoting=quoting)
    header: list[str] = []
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            rejects.add(place[0], f"broken row; got {error}; expected a row of {len(header)} columns")
            continue
        if row is None:
            return
        if not header:
            header = [name.strip() for name in row]
        elif len(row) != len(header):
            rejects.add(place[0], f"broken row; got {len(row)} columns; expected {len(header)}")
        else:
            yield place[0], dict(zip(header, row, strict=True))


def read_abstracts(
    path: Path,
    rejects: Rejects | None = None,
    source: str = "abstracts",
    licence: str = UNKNOWN,
    licences: dict[str, str] | None = None,
    home: str = "",
) -> Iterator[Document]:
    """CSV or TSV with columns title and abstract (and pubmedID or pmid, year, keywords): one document a row.

    `licences`: licence by a part of the member's path, for collections whose parts differ.
    """

    def parse(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
        rights = next((name for part, name in (licences or {}).items() if part in member.name), "")

        def make(row: dict[str, str], at: str) -> Document:
            if "title" not in row or "abstract" not in row:
                got = ", ".join(row)
                raise MedGymError("not a table of abstracts", got=got, expected="title and abstract", where=at)
            pmid = first(row, "pubmedID", "pmid", "PMID")
            year = first(row, "year")[:4]
            number = f"{Path(member.name).stem}:{row['record_id']}" if row.get("record_id") else ""
            url = pubmed_url(pmid) if pmid else origin.home or f"{origin.source}/{number or Path(member.name).name}"
            rest = {"id": pmid or number, "date": year if year.isdigit() else "", "licence": rights}
            return document(
                origin,
                _TRANSLATED.sub(r"\1", row["title"].strip()),
                [("Abstract", row["abstract"])],
                at,
                url=url,
                **rest,
            )

        return each(rows_of(member, rejects, _delimiter(member)), make, rejects)

    parse_tables = _without(parse, ("index.csv",))  # a list of the parts, no part
    return read_members(path, (".csv", ".tsv"), parse_tables, rejects, Origin(source, licence, home))


def read_captions(
    path: Path, rejects: Rejects | None = None, source: str = "roco", licence: str = UNKNOWN
) -> Iterator[Document]:
    """Figure captions (ROCO, Pelka et al. 2018) as TSV of roco_id, licence, pmc_image and caption.

    The title is the caption's first words, since a caption has none; the section says that it is a figure.
    """

    def parse(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
        def make(row: dict[str, str], at: str) -> Document:
            caption, pmcid = row.get("caption", "").strip(), row.get("pmc_image", "").split("_")[0]
            kind = "Radiology figure" if row.get("kind") == "radiology" else "Figure"
            rest = {"licence": licence_name(row.get("licence", "")), "id": row.get("roco_id", "")}
            return document(origin, short(caption), [(kind, caption)], at, url=pmc_url(pmcid), **rest)

        return each(rows_of(member, rejects, _delimiter(member)), make, rejects)

    return read_members(path, (".csv", ".tsv"), parse, rejects, Origin(source, licence))


def short(text: str, words: int = 12) -> str:
    """The first sentence, or as many words of it as a title has."""
    first_sentence = text.lstrip("-•* ").split(". ")[0].split()
    return " ".join(first_sentence[:words]).rstrip(".,;: ") + (" ..." if len(first_sentence) > words else "")


def _delimiter(member: Member) -> str:
    return "\t" if member.name.endswith(".tsv") else ","


def read_jsonl(
    path: Path, rejects: Rejects | None = None, source: str = "jsonl", licence: str = UNKNOWN
) -> Iterator[Document]:
    """MedRAG and BEIR corpora: JSON lines with an id, a title and a text; queries and judgments are other files."""

    def parse(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
        lines = json_lines(member, rejects)
        return each(lines, lambda row, at: _record(row, at, origin, member), rejects)

    return read_members(path, (".jsonl",), _without(parse, ("queries.jsonl",)), rejects, Origin(source, licence))


def _without(parse, endings: tuple[str, ...]):
    """`parse` that passes over members with these endings."""
    return lambda member, *rest: iter(()) if member.name.endswith(endings) else parse(member, *rest)


def _record(row: dict, at: str, origin: Origin, member: Member) -> Document:
    text, identity = first(row, *TEXT_FIELDS), first(row, *ID_FIELDS)
    heading = first(row, "section", "heading")
    metadata = row.get("metadata")
    url = first(row, "url") or (first(metadata, "url") if isinstance(metadata, dict) else "")
    url = url or (pubmed_url(first(row, "pmid", "PMID")) if first(row, "pmid", "PMID") else "")
    url = url or f"{origin.source}/{identity or Path(member.name).name}"
    stated = first(row, "licence", "license")
    rest = {"licence": licence_name(stated) or stated, "id": identity, "date": first(row, "date", "year")[:10]}
    return document(origin, first(row, "title") or short(text), [(heading, text)], at, url=url, **rest)


def read_parquet(
    path: Path, rejects: Rejects | None = None, source: str = "", licence: str = UNKNOWN
) -> Iterator[Document]:
    """Parquet with the columns of the JSON lines above, or of MedGym passages: rows of one document are joined."""
    return read_members(path, (".parquet",), _parquet, rejects, Origin(source, licence))


def _parquet(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def rows() -> Iterator[tuple[str, dict]]:
        number = 0
        for batch in file.iter_batches(ROWS, columns=[n for n in file.schema_arrow.names if n in KNOWN_COLUMNS]):
            for row in batch.to_pylist():
                number += 1
                yield f"{member.where}, row {number}", row

    try:
        file = pq.ParquetFile(io.BytesIO(member.read()))
        names = file.schema_arrow.names
        if not set(TEXT_FIELDS) & set(names):
            raise MedGymError("no text column", got=", ".join(names), expected=" or ".join(TEXT_FIELDS))
        if {"document", "position", "section"} <= set(names):
            yield from _passages(rows(), origin, rejects)
        else:
            yield from each(rows(), lambda row, at: _record(row, at, origin, member), rejects)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        got = " ".join(str(error).split())
        raise MedGymError("unreadable Parquet", got=got, expected="a Parquet file", where=member.where) from error


KNOWN_COLUMNS = frozenset(
    ("title", "section", "heading", "url", "metadata", "licence", "license", "date", "year", "source", "document",
     "position", *TEXT_FIELDS, *ID_FIELDS)
)  # fmt: skip


def _passages(rows: Iterator[tuple[str, dict]], origin: Origin, rejects: Rejects) -> Iterator[Document]:
    """MedGym passages: neighbouring rows of one document, in their order, each a section of its own."""

    def make(group: list[dict], at: str) -> Document:
        row = group[0]
        group = sorted(group, key=lambda row: row["position"] if isinstance(row["position"], int) else 0)
        sections = [(string(row["section"]), string(row["text"])) for row in group]
        named = Origin(origin.source or first(row, "source"), origin.licence)
        rest = {"url": first(row, "url"), "licence": first(row, "licence"), "date": first(row, "date")}
        return document(named, first(row, "title"), sections, at, **rest)

    for _, group in groupby(rows, key=lambda row: (row[1].get("document"), row[1].get("title"))):
        found = list(group)
        yield from each([(found[0][0], [row for _, row in found])], make, rejects)

"""Readers of public medical corpora in their official formats, from any packing, streamed.

    rejects = Rejects()
    for document in read_source(Path("pubmed25n0001.xml.gz"), rejects): ...

A reader is `(path, rejects=None, source=..., licence=...) -> Iterator[Document]`. `path` is an archive, a folder or one
file. A malformed record is added to `rejects` and skipped, never fatal; only a path with nothing there raises. `source`
and `licence` are for what does not say it of itself: a licence that a record states wins.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from medgym_core.errors import MedGymError, unknown_name
from medgym_core.knowledge.licences import licence_name, permissive
from medgym_core.knowledge.readers.labels import read_drug_labels, read_spl
from medgym_core.knowledge.readers.literature import read_jats, read_pubmed, read_trial_reports
from medgym_core.knowledge.readers.markup import root_of
from medgym_core.knowledge.readers.nlm import (
    MEDQUAD_LICENCE,
    PUBLIC_DOMAIN,
    medquad_files,
    read_medlineplus,
    read_medlineplus_jsonl,
    read_medlineplus_xml,
    read_medquad,
)
from medgym_core.knowledge.readers.ontologies import read_ontologies
from medgym_core.knowledge.readers.own import read_documents
from medgym_core.knowledge.readers.plain import read_html, read_text
from medgym_core.knowledge.readers.questions import read_bioasq, read_squad
from medgym_core.knowledge.readers.streams import Member, members
from medgym_core.knowledge.readers.tables import read_abstracts, read_captions, read_jsonl, read_parquet
from medgym_core.knowledge.readers.textbooks import read_cnxml, read_markdown
from medgym_core.knowledge.readers.trials import read_trials
from medgym_core.knowledge.rejects import Rejects
from medgym_core.knowledge.sources import SOURCES, Source
from medgym_core.knowledge.types import Document

__all__ = [
    "MEDQUAD_LICENCE", "PUBLIC_DOMAIN", "READERS", "SOURCES", "Reader", "Source", "detect", "licence_name",
    "medquad_files", "permissive", "read_drug_labels", "read_medlineplus", "read_medquad", "read_source",
]  # fmt: skip


class Reader(Protocol):
    def __call__(
        self, path: Path, rejects: Rejects | None = None, source: str = ..., licence: str = ...
    ) -> Iterator[Document]: ...


READERS: dict[str, Reader] = {
    "pubmed": read_pubmed,
    "jats": read_jats,
    "trial_reports": read_trial_reports,
    "medquad": read_medquad,
    "medlineplus_xml": read_medlineplus_xml,
    "medlineplus_jsonl": read_medlineplus_jsonl,
    "spl": read_spl,
    "drug_labels": read_drug_labels,
    "trials": read_trials,
    "cnxml": read_cnxml,
    "markdown": read_markdown,
    "bioasq": read_bioasq,
    "squad": read_squad,
    "ontologies": read_ontologies,
    "abstracts": read_abstracts,
    "captions": read_captions,
    "jsonl": read_jsonl,
    "parquet": read_parquet,
    "text": read_text,
    "html": read_html,
    "documents": read_documents,
}

# What tells the formats apart: the root element, the first keys, the columns.
_ROOTS = {
    "PubmedArticleSet": "pubmed", "MedlineCitationSet": "pubmed", "article": "jats", "pmc-articleset": "jats",
    "health-topics": "medlineplus_xml", "clinical_study": "trials", "clinical_studies": "trials", "Document": "medquad",
    "doc": "medquad", "DiseaseFile": "medquad", "collection": "cnxml",
}  # fmt: skip
_KEYS = {
    "graphs": "ontologies", "studies": "trials", "protocolSection": "trials", "questions": "bioasq", "data": "squad",
    "page_content": "medlineplus_jsonl",
}  # fmt: skip
_COLUMNS = {
    "nctid": "trials", "abstract": "abstracts", "caption": "captions", "subject_id": "ontologies",
    "pmcid\tlicence": "trial_reports",
}  # fmt: skip
_ENDINGS = {
    ".parquet": "parquet", ".obo": "ontologies", ".cnxml": "cnxml", ".md": "markdown", ".markdown": "markdown",
    ".html": "html", ".htm": "html", ".xhtml": "html", ".txt": "text", ".text": "text",
}  # fmt: skip
HEAD = 1 << 16  # bytes of a member looked at
LOOKED_AT = 20  # members: licences and notes come before the content


def read_source(
    path: Path, rejects: Rejects | None = None, format: str | None = None, source: str = "", licence: str = ""
) -> Iterator[Document]:
    """The documents at `path`, in `format` or the one that `detect` finds. `source`: the corpus's name.

    Raises MedGymError where there is nothing at `path`, or its format is not known.
    """
    name = format or detect(path)
    if name not in READERS:
        raise unknown_name("format", name, READERS)
    given = {key: value for key, value in (("source", source), ("licence", licence)) if value}
    return READERS[name](Path(path), rejects, **given)


def detect(path: Path) -> str:
    """The format of a corpus, told from its first members. Raises MedGymError where none is recognised."""
    seen = []
    for member, _ in zip(members(Path(path), Rejects()), range(LOOKED_AT), strict=False):
        ending = Path(member.name).suffix.lower()
        seen.append(Path(member.name).name)
        if found := _told_by(ending, member, alone=member.where == str(path)):
            return found
    got = ", ".join(seen[:5]) or "nothing readable"
    raise MedGymError("unknown format", got=got, expected="one of " + ", ".join(READERS), where=path)


def _told_by(ending: str, member: Member, alone: bool) -> str:
    """The format one member shows, "" for none."""
    note = Path(member.name).stem.lower() in ("readme", "license", "licence", "summary") or not ending
    if note and not alone:
        return ""
    try:
        start = member.stream.read(HEAD)
    except MedGymError:
        return ""
    return _SNIFFERS.get(ending, lambda start, ending: _ENDINGS.get(ending, ""))(start, ending)


def _xml(start: bytes, ending: str) -> str:
    tag, attributes = root_of(start) or ("", {})
    if tag.endswith("document"):
        space = " ".join(attributes.values())
        return (
            "spl" if "hl7" in space else "cnxml" if "cnx" in space else "drug_labels" if "setID" in attributes else ""
        )
    return _ROOTS.get(tag.rpartition(":")[2], "")


def _json(start: bytes, ending: str) -> str:
    head = start.decode("utf-8", "replace")
    places = {head.find(f'"{key}"'): name for key, name in _KEYS.items() if f'"{key}"' in head}
    if ending == ".jsonl" and not places:
        return "jsonl"
    return places[min(places)] if places else ""


def _table(start: bytes, ending: str) -> str:
    header = start.split(b"\n", 1)[0].decode("utf-8", "replace").strip()
    return next((name for column, name in _COLUMNS.items() if column in header), "")


def _plain(start: bytes, ending: str) -> str:
    return "trial_reports" if start.startswith(b"TITLE:") else "text"


_SNIFFERS: dict[str, Callable[[bytes, str], Any]] = {
    ".xml": _xml, ".nxml": _xml, ".json": _json, ".jsonl": _json, ".csv": _table, ".tsv": _table, ".txt": _plain,
}  # fmt: skip

"""Evidence that comes with questions: BioASQ snippets and COVID-QA articles. Questions and answers are left behind.

The questions are development or test material; only the text they are asked about becomes documents.
Formats: http://participants-area.bioasq.org/Tasks/b/ and SQuAD's (https://github.com/deepset-ai/COVID-QA).
"""

import re
from collections.abc import Iterator
from pathlib import Path

from medgym_core.errors import MedGymError
from medgym_core.knowledge.licences import UNKNOWN, licence_name
from medgym_core.knowledge.readers.common import (
    Origin,
    as_object,
    document,
    each,
    first,
    items,
    load_json,
    path_of,
    pubmed_url,
    read_members,
    string,
)
from medgym_core.knowledge.readers.streams import Member
from medgym_core.knowledge.rejects import Rejects
from medgym_core.knowledge.types import Document

_PMID = re.compile(r"/(\d{1,9})/?$")
_FIELD = re.compile(r"^(SHA|Authors?|Date|DOI|License):\s*(.*)$", re.MULTILINE | re.IGNORECASE)
_PART = re.compile(r"^(Abstract|Text):\s*", re.MULTILINE)


def read_bioasq(
    path: Path, rejects: Rejects | None = None, source: str = "bioasq", licence: str = "CC BY 2.5"
) -> Iterator[Document]:
    """BioASQ task b: one document a PubMed abstract, one section a snippet of it.

    Snippets of one abstract are not neighbours, so they are not joined; one that lies in another is dropped. The
    snippets of all files are gathered first: an abstract is cited by several questions.
    """
    rejects = Rejects() if rejects is None else rejects
    gathered: dict[str, dict[str, str]] = {}

    def parse(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
        content = as_object(load_json(member.read(), member.where), member.where)
        if not isinstance(content.get("questions"), list):
            got = f"keys {', '.join(content)}"
            raise MedGymError("not a BioASQ file", got=got, expected="questions", where=member.where)
        for question in items(content["questions"]):
            at = f"{member.where}, question {string(question.get('id'))}"
            for snippet in items(question.get("snippets")):
                found, text = _PMID.search(string(snippet.get("document"))), first(snippet, "text")
                if found and text:
                    gathered.setdefault(found[1], {}).setdefault(text, first(snippet, "beginSection"))
                else:
                    rejects.add(at, "broken snippet; got no document or no text; expected both")
        return iter(())

    origin = Origin(source, licence)
    yield from read_members(path, (".json",), parse, rejects, origin)
    for pmid in sorted(gathered, key=int):
        entry = [(f"{path}, PMID {pmid}", (pmid, gathered[pmid]))]
        yield from each(entry, lambda entry, at: _abstract(*entry, at, origin), rejects)


def _abstract(pmid: str, snippets: dict[str, str], at: str, origin: Origin) -> Document:
    longest = sorted(snippets, key=lambda text: (-len(text), text))
    kept: list[str] = []
    for text in longest:
        if not any(text in other for other in kept):
            kept.append(text)
    titles = [text for text, section in snippets.items() if section == "title" and len(text.split()) > 2]
    title = max(titles, key=len).strip().rstrip(".") if titles else f"PubMed abstract {pmid}"
    told = [text for text in snippets if text in kept]
    texts = [text for text in told if snippets[text] != "title"] or told
    sections = [("Title" if snippets[text] == "title" else "Abstract", text) for text in texts]
    return document(origin, title, sections, at, url=pubmed_url(pmid), id=pmid)


def read_squad(
    path: Path, rejects: Rejects | None = None, source: str = "covid_qa", licence: str = UNKNOWN, home: str = ""
) -> Iterator[Document]:
    """The articles of COVID-QA (SQuAD's form): contexts with a head of title, address, date and licence."""

    def parse(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
        content = as_object(load_json(member.read(), member.where), member.where)
        if not isinstance(content.get("data"), list):
            got = f"keys {', '.join(content)}"
            raise MedGymError("not a SQuAD file", got=got, expected="data", where=member.where)
        paragraphs = (p for entry in items(content["data"]) for p in items(entry.get("paragraphs")))
        places = ((f"{member.where}, paragraph {i}", p) for i, p in enumerate(paragraphs, 1))
        return each(places, lambda paragraph, at: _context(paragraph, at, origin), rejects)

    return read_members(path, (".json",), parse, rejects, Origin(source, licence, home))


def _context(paragraph: dict, at: str, origin: Origin) -> Document:
    text = string(paragraph.get("context")).replace("\r\n", "\n")
    pieces = _PART.split(text)
    head, rest = pieces[0], list(zip(pieces[1::2], pieces[2::2], strict=True))
    fields = {name.lower(): value.strip() for name, value in _FIELD.findall(head)}
    lines = [line for line in head.split("\n") if line.strip()]
    address = next((line.strip() for line in lines if line.startswith("http")), "")
    date = fields.get("date") or "".join(re.findall(r"^\d{4}-\d\d-\d\d$", head, re.MULTILINE)[:1])
    sections = [("Abstract" if name == "Abstract" else "", body) for name, body in rest] or [("", text)]
    stated = fields.get("license", "")
    found = {"licence": licence_name(stated) or stated, "date": date[:10], "id": string(paragraph.get("document_id"))}
    doi = fields.get("doi", "")
    url = address or (f"https://doi.org/{doi}" if doi else origin.home or origin.source)
    return document(origin, path_of("".join(lines[:1])), sections, at, url=url, **found)

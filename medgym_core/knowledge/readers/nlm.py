"""The consumer health texts of the National Library of Medicine: MedQuAD and MedlinePlus topics.

Formats: https://github.com/abachaa/MedQuAD (Ben Abacha and Demner-Fushman 2019), https://medlineplus.gov/xml.html.
"""

from collections.abc import Iterator
from html import escape
from itertools import groupby
from pathlib import Path
from xml.etree.ElementTree import Element

from medgym_core.errors import MedGymError
from medgym_core.knowledge.licences import US_PUBLIC_DOMAIN
from medgym_core.knowledge.readers.common import Origin, document, each, json_lines, read_members
from medgym_core.knowledge.readers.markup import flat, parse_html, parse_xml, xml_records
from medgym_core.knowledge.readers.streams import Member, members
from medgym_core.knowledge.rejects import Rejects
from medgym_core.knowledge.types import Document

MEDQUAD_LICENCE = "CC BY 4.0"
PUBLIC_DOMAIN = f"{US_PUBLIC_DOMAIN} (NLM)"
MEDQUAD_URL = "https://github.com/abachaa/MedQuAD"

# MedQuAD has three dialects of one structure; tags are compared in lower case.
MEDQUAD_ROOTS = ("document", "doc", "diseasefile")
MEDQUAD_HEADINGS = {"information": "Overview", "considerations": "What to consider", "research": "Clinical research"}

Pair = tuple[str, str, str]
"""(question, heading, answer)."""


def read_medquad(
    path: Path, rejects: Rejects | None = None, source: str = "medquad", licence: str = MEDQUAD_LICENCE
) -> Iterator[Document]:
    """One document a file, one section an answer; the title is the focus and the heading the question type.

    The questions are left behind: they are evaluation material.
    """

    def parse(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
        root = _medquad_root(member)
        title, url, pairs = _medquad(root, member.where, rejects)
        name = f"{root.get('source') or root.get('corpus') or 'MedQuAD'}-{Path(member.name).stem}"
        sections = [(heading, answer) for _, heading, answer in pairs]
        yield document(origin, title, sections, member.where, url=url, id=name)

    return read_members(path, (".xml",), parse, rejects, Origin(source, licence))


def medquad_files(path: Path, rejects: Rejects | None = None) -> Iterator[tuple[str, str, list[Pair]]]:
    """(focus, url, [(question, heading, answer)]) of each file. A file without focus is called by its source."""
    rejects = Rejects() if rejects is None else rejects
    for member in members(path, rejects):
        if member.name.endswith(".xml"):
            try:
                yield _medquad(_medquad_root(member), member.where, rejects)
            except MedGymError as error:
                rejects.add_error(member.where, error)


def _medquad_root(member: Member) -> Element:
    root = parse_xml(member.read(), member.where)
    if root.tag.lower() not in MEDQUAD_ROOTS:
        raise MedGymError("not a MedQuAD file", got=f"<{root.tag}>", expected="<Document>", where=member.where)
    return root


def _medquad(root: Element, where: str, rejects: Rejects) -> tuple[str, str, list[Pair]]:
    elements = [(element.tag.lower(), element) for element in root.iter()]
    focus = [flat(element) for tag, element in elements if tag in ("focus", "doctitle-focus")]
    pairs: list[Pair] = []
    for tag, element in elements:
        parts = {child.tag.lower(): child for child in element} if tag in ("qapair", "pair") else {}
        if "question" in parts and "answer" in parts:
            kind = (parts["question"].get("qtype") or "information").strip()
            heading = MEDQUAD_HEADINGS.get(kind, kind.capitalize())
            pairs.append((flat(parts["question"]), heading, "".join(parts["answer"].itertext())))
        elif tag in ("qapair", "pair"):
            got = "pair with " + (", ".join(f"<{child.tag}>" for child in element) or "nothing")
            at = f"{where}, pid {element.get('pid')}"
            rejects.add(at, f"not a MedQuAD pair; got {got}; expected <Question> and <Answer>")
    return "".join(focus[:1]) or root.get("source", "MedQuAD"), root.get("url") or MEDQUAD_URL, pairs


def read_medlineplus_jsonl(
    path: Path, rejects: Rejects | None = None, source: str = "medlineplus", licence: str = PUBLIC_DOMAIN
) -> Iterator[Document]:
    """MedlinePlus topics as JSON lines of Title, URL and page_content; neighbouring lines of one topic are joined."""

    def parse(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
        def make(topic: tuple[str, str, list[str]], at: str) -> Document:
            return document(origin, topic[0], [("Overview", "\n\n".join(topic[2]))], at, url=topic[1])

        return each(_topics(member, rejects), make, rejects)

    return read_members(path, (".jsonl",), parse, rejects, Origin(source, licence))


read_medlineplus = read_medlineplus_jsonl


def _topics(member: Member, rejects: Rejects) -> Iterator[tuple[str, tuple[str, str, list[str]]]]:
    def rows() -> Iterator[tuple[str, dict]]:
        for at, row in json_lines(member, rejects):
            wrong = [name for name in ("Title", "URL", "page_content") if not isinstance(row.get(name), str)]
            if wrong:
                rejects.add(at, f"broken line; got keys {', '.join(row)}; expected text under {', '.join(wrong)}")
            else:
                yield at, row

    for (title, url), group in groupby(rows(), key=lambda row: (row[1]["Title"].strip(), row[1]["URL"].strip())):
        lines = list(group)
        yield lines[0][0], (title, url, [row["page_content"] for _, row in lines if row["page_content"].strip()])


def read_medlineplus_xml(
    path: Path, rejects: Rejects | None = None, source: str = "medlineplus", licence: str = PUBLIC_DOMAIN
) -> Iterator[Document]:
    """The official mplus_topics file: English topics; the summary's own headings become sections."""

    def parse(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
        def make(topic: Element, at: str) -> Document:
            if topic.get("language", "English") != "English":
                raise MedGymError("not English", got=topic.get("language"), expected="English", where=at)
            title, summary = topic.get("title", ""), topic.findtext("full-summary") or ""
            _, sections, _ = parse_html(f"<title>{escape(title)}</title>{summary}", at)
            sections = [(heading or "Overview", text) for heading, text in sections]
            also = ", ".join(flat(element) for element in topic.iterfind("also-called"))
            sections += [("Also called", f"{title} is also called {also}.")] if also else []
            date = "-".join(reversed(topic.get("date-created", "").replace("/", "-").rsplit("-", 1)))
            rest = {"id": topic.get("id", ""), "date": date}
            return document(origin, title, sections, at, url=topic.get("url", ""), **rest)

        records = xml_records(member.stream, ("health-topic",), member.where)
        return each(((f"{member.where}, topic {i}", topic) for i, topic in enumerate(records, 1)), make, rejects)

    return read_members(path, (".xml",), parse, rejects, Origin(source, licence))

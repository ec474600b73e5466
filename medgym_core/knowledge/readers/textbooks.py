"""Textbooks: OpenStax modules in CNXML, and Markdown (OpenStax's kramdown and any other).

Format: https://github.com/openstax/cnxml. Exercises, learning objectives and reference lists are left out.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from medgym_core.errors import MedGymError
from medgym_core.knowledge.licences import UNKNOWN, licence_name
from medgym_core.knowledge.readers.common import Origin, document, path_of, read_members
from medgym_core.knowledge.readers.markup import blocks, flat, parse_xml
from medgym_core.knowledge.readers.streams import Member
from medgym_core.knowledge.rejects import Rejects
from medgym_core.knowledge.types import Document

CNXML_SKIPPED = ("exercise", "media", "iframe", "footnote", "cite", "metadata")
CNXML_INSIDE = ("section", "title", "glossary", "note", *CNXML_SKIPPED)
LEFT_OUT = frozenset(  # classes of sections and notes that test or list, and do not tell
    "learning-objectives chapter-objectives review-questions critical-thinking multiple-choice free-response "
    "short-answer fill-in-the-blank true-false matching references suggested-reading personal-application "
    "interactive-exercise check-your-understanding practice-problems contrib-auth sr-contrib-auth link-to-learning "
    "interactive os-embed media-feature".split()
)
PLAIN_TITLES = re.compile(
    r"introduction|preface|summary|key terms|chapter summary|references|assessments?", re.IGNORECASE
)


def read_cnxml(
    path: Path, rejects: Rejects | None = None, source: str = "openstax", licence: str = UNKNOWN
) -> Iterator[Document]:
    """OpenStax repositories: one document a module, its sections by path, the glossary as the last.

    A book's `collection.xml` gives its modules their chapter and licence; it comes before them in name order.
    """
    chapters: dict[str, tuple[str, str, str]] = {}

    def parse(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
        root = parse_xml(member.read(), member.where)
        folder = member.name.split("/collections/")[0].split("/modules/")[0]
        if root.tag == "collection":
            chapters.update({f"{folder}:{key}": value for key, value in _chapters(root).items()})
        elif root.tag == "document" and root.find("content") is not None:
            yield _module(root, member, origin, folder, chapters)
        else:
            got = f"<{root.tag}>"
            raise MedGymError("not CNXML", got=got, expected="<document> with <content>", where=member.where)

    return read_members(path, (".cnxml", "collection.xml"), parse, rejects, Origin(source, licence))


def _chapters(collection: Element) -> dict[str, tuple[str, str, str]]:
    """Module to (book's short name, chapter, licence)."""
    found: dict[str, tuple[str, str, str]] = {}
    slug = next((flat(e) for e in collection.iter("slug")), "")
    book = next((flat(e) for e in collection.iter("title")), slug)
    licence = next((licence_name(e.get("url", "") or flat(e)) for e in collection.iter("license")), "")

    def walk(element: Element, chapter: str) -> None:
        if element.tag == "subcollection":
            chapter = flat(element.find("title"))
        for child in element:
            if child.tag == "module":
                found[child.get("document", "")] = (slug, chapter, licence)
            walk(child, chapter)

    walk(collection, book)
    return found


def _module(
    root: Element, member: Member, origin: Origin, folder: str, chapters: dict[str, tuple[str, str, str]]
) -> Document:
    key = flat(root.find("metadata/content-id")) or Path(member.name).parent.name
    slug, chapter, licence = chapters.get(f"{folder}:{key}", ("", "", ""))
    title = flat(root.find("title")) or flat(root.find("metadata/title"))
    if PLAIN_TITLES.fullmatch(title) and chapter and chapter not in title:
        title = f"{chapter}: {title}"  # "Introduction" alone says nothing
    sections = _parts(root.find("content"), ())
    terms = [
        f"{flat(e.find('term'))}: {'; '.join(flat(m) for m in e.iterfind('meaning'))}" for e in root.iter("definition")
    ]
    sections.append(("Glossary", "\n".join(terms)))
    url = f"https://openstax.org/details/books/{slug}" if slug else "https://openstax.org/"
    identity = f"{slug or folder.rpartition('/')[2]}:{key}"
    return document(origin, title, sections, member.where, url=url, licence=licence, id=identity)


def _parts(element: Element, path: tuple[str, ...]) -> list[tuple[str, str]]:
    """(section path, text) of an element, of its notes and of the sections inside it, in reading order."""
    if LEFT_OUT & set(element.get("class", "").split()):
        return []
    here = (*path, flat(element.find("title")))
    parts: list[tuple[str, str]] = []
    own: list[str] = []
    for child in element:
        if child.tag == "title":
            continue
        if child.tag in ("section", "note"):
            parts.append((path_of(*here), "\n".join(own)))
            own = []
            parts += _parts(child, here)
        else:
            own.append(blocks(child, CNXML_INSIDE).strip())
    return [*parts, (path_of(*here), "\n".join(own))]


# Markdown
_FRONT = re.compile(r"\A---\s*\n(.*?)\n---\s*\n", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_REFERENCE = re.compile(r"\s*\(?\[\\\[link\\\]\]\([^)]*\)(\*\*\w+\*\*)?\)?")
_LINK = re.compile(r"\[([^\]]*)\]\([^)\s]*(?:\s\"[^\"]*\")?\)")
_ATTRIBUTES = re.compile(r"\{:[^}\n]*\}")
_TAG = re.compile(r"</?[a-zA-Z][^>\n]*>")
_LONG_TAG = re.compile(r"<[a-zA-Z][^<>]{0,2000}>")  # over several lines
_ENTRY = re.compile(r"\[([^\]\n]+)\]\(([^)\s]+\.md)\)")
_EMPHASIS = re.compile(r"(\*\*|__|`)(?=\S)|(?<=\S)(\*\*|__|`)|(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w)")
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*\s*$")
_DIV = re.compile(r"^\s*<(/?)div\b([^>]*)>")
MD_LEFT_OUT = frozenset({"review questions", "free response", "art connections", "footnotes", "multiple choice"})
MD_DIVS = re.compile(
    r'data-type="(exercise|abstract|media)"'
    r'|class="(art-connection|multiple-choice|free-response|interactive[\w-]*)"'
)


def read_markdown(
    path: Path, rejects: Rejects | None = None, source: str = "markdown", licence: str = UNKNOWN, home: str = ""
) -> Iterator[Document]:
    """Markdown pages: the title from the front matter or the first heading, sections by heading path.

    A `SUMMARY.md` (a table of contents) names the pages that call themselves only "Introduction".
    """
    contents: dict[str, str] = {}

    def parse(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
        if Path(member.name).name == "SUMMARY.md":
            contents.update({Path(page).name: name for name, page in _ENTRY.findall(member.text())})
            return iter(())
        return _markdown(member, origin, contents)

    return read_members(path, (".md", ".markdown"), parse, rejects, Origin(source, licence, home))


def _markdown(member: Member, origin: Origin, contents: dict[str, str]) -> Iterator[Document]:
    text = member.text().replace("\r\n", "\n")
    front = _FRONT.match(text)
    fields = dict(re.findall(r"^(\w+):\s*[\"']?(.*?)[\"']?\s*$", front[1], re.MULTILINE)) if front else {}
    text = _COMMENT.sub(" ", text[front.end() :] if front else text)
    text = _LONG_TAG.sub(lambda tag: tag[0].replace("\n", " "), text)
    title, sections = fields.get("title", ""), []
    path: list[tuple[int, str]] = []
    body: list[str] = []
    for line in [*_told(text.split("\n")), "# end"]:
        found = _HEADING.match(line)
        if not found:
            body.append(_clean(line))
            continue
        if not {name.lower() for _, name in path} & MD_LEFT_OUT:
            sections.append((path_of(*(name for _, name in path)), "\n".join(body)))
        level, name, body = len(found[1]), _clean(found[2]), []
        if not title and level == 1:
            title = name
        else:
            path = [*((above, other) for above, other in path if above < level), (level, name)]
    name = Path(member.name)
    title = contents.get(name.name, title) if PLAIN_TITLES.fullmatch(title) else title
    url = fields.get("url") or fields.get("canonical_url") or origin.home or f"{origin.source}/{name.as_posix()}"
    rest = {"licence": licence_name(fields.get("license", "")), "date": fields.get("date", "")[:10]}
    yield document(origin, title or name.stem, sections, member.where, url=url, id=name.as_posix(), **rest)


def _told(lines: list[str]) -> Iterator[str]:
    """The lines outside <div>s of exercises, objectives and figures to look at."""
    hidden = depth = 0
    for line in lines:
        if found := _DIV.match(line):
            depth += -1 if found[1] else 1
            if found[1]:
                hidden = 0 if depth < hidden else hidden
            elif not hidden and MD_DIVS.search(found[2]):
                hidden = depth
            yield ""
        elif not hidden:
            yield line


def _clean(line: str) -> str:
    """A line without links, images, attributes, tags and emphasis; `term` / `: meaning` lines keep their meaning."""
    line = _ATTRIBUTES.sub("", _IMAGE.sub("", _REFERENCE.sub("", line)))
    line = _TAG.sub("", _LINK.sub(r"\1", line))
    line = _EMPHASIS.sub("", line).strip()
    return "" if line in ("^", "---") or line.startswith("{:") else line.removeprefix(": ")

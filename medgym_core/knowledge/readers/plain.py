"""Plain text and HTML pages.

A text's first line is its title. Lines in capitals and the usual headings of a clinical guideline begin a section.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from medgym_core.knowledge.licences import UNKNOWN, licence_name
from medgym_core.knowledge.readers.common import Origin, document, path_of, read_members
from medgym_core.knowledge.readers.markup import parse_html
from medgym_core.knowledge.readers.streams import Member
from medgym_core.knowledge.rejects import Rejects
from medgym_core.knowledge.types import Document

HEADINGS = re.compile(
    r"(introduction|definition|overview|background|a?etiology|epidemiology|pathogenesis|pathophysiology|causes|"
    r"risk factors|types|classification|(clinical |common )?(features|presentation)|symptoms( and signs)?|"
    r"signs( and symptoms)?|(differential )?diagnos[ie]s|complications?|(other |further )?investigations?|"
    r"management|treatment( goals| objectives)?|(non-?\s?|surgical |definitive |supportive |initial )?(drug )?"
    r"(treatment|therapy|measures)|notable adverse[\w ,-]*|adverse (drug )?reactions[\w ,-]*|(caution|precaution)s?|"
    r"contraindications?|monitoring|follow[- ]up|referral|prognosis|prevention|dosage|"
    r"health education|recommendations?)"
    r"\s*:?",
    re.IGNORECASE,
)
_RULE = re.compile(r"^[\s|+\-=_├┤┌┐└┘┬┴┼─│━═]*$")  # lines that draw a table
_BULLET = re.compile(r"^\s*[・•■▪●○◦]\s*")
LONGEST_HEADING = 12  # words


def read_text(
    path: Path, rejects: Rejects | None = None, source: str = "text", licence: str = UNKNOWN, home: str = ""
) -> Iterator[Document]:
    """Plain-text files, one document each; the title is the first line, in sentence case where it was in capitals."""
    return read_members(path, (".txt", ".text"), _text, rejects, Origin(source, licence, home))


def _text(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
    lines = [line for line in member.text().splitlines() if not _RULE.match(line) or not line.strip()]
    begin = next((i for i, line in enumerate(lines) if line.strip()), len(lines))
    title = _sentence_case("".join(lines[begin : begin + 1]).strip())
    if len(title.split()) > LONGEST_HEADING:  # no title: the file goes straight into its text
        title, begin = Path(member.name).stem, begin - 1
    sections: list[tuple[str, str]] = []
    above, heading, body = "", "", []
    for line in [*lines[begin + 1 :], "END OF TEXT"]:
        clean = line.strip()
        if not _is_heading(clean):
            body.append(_BULLET.sub("- ", line))
            continue
        sections.append((path_of(above, heading), "\n".join(body)))
        above, heading = (_above(clean, title), "") if clean.isupper() else (above, _sentence_case(clean))
        body = []
    name = Path(member.name).as_posix()
    yield document(origin, title, sections, member.where, url=origin.home or f"{origin.source}/{name}", id=name)


def _is_heading(line: str) -> bool:
    if not line or len(line.split()) > LONGEST_HEADING or _BULLET.match(line):
        return False
    return bool(HEADINGS.fullmatch(line)) or (line.isupper() and len(line) > 5 and not any(c.isdigit() for c in line))


def _above(line: str, title: str) -> str:
    """A heading in capitals; what it repeats of the title goes: TREATMENT OF DELIRIUM in "Delirium" is "Treatment"."""
    clean = _sentence_case(line)
    return "" if clean.lower() == title.lower() else re.split(r" (?:of|for|in) ", clean)[0]


def _sentence_case(line: str) -> str:
    return line.capitalize() if line.isupper() else line


def read_html(
    path: Path, rejects: Rejects | None = None, source: str = "html", licence: str = UNKNOWN
) -> Iterator[Document]:
    """HTML pages, one document each; the licence and the address are those the page states, where it does."""
    return read_members(path, (".html", ".htm", ".xhtml"), _html, rejects, Origin(source, licence))


def _html(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
    title, sections, meta = parse_html(member.text(), member.where)
    name = Path(member.name).as_posix()
    url = meta.get("canonical") or meta.get("og:url") or f"{origin.source}/{name}"
    date = next((meta[n] for n in ("article:published_time", "dc.date", "dcterms.date", "date") if meta.get(n)), "")
    stated = meta.get("license") or meta.get("dcterms.license") or meta.get("dc.rights") or ""
    date = "".join(re.findall(r"^\d{4}(?:-\d\d){0,2}", date))
    rest = {"licence": licence_name(stated), "id": name, "date": date}
    yield document(origin, title or Path(name).stem, sections, member.where, url=url, **rest)

"""Articles: PubMed baseline XML (one record at a time), PMC full texts in JATS XML, PMC trial reports as plain text.

Formats: https://www.nlm.nih.gov/bsd/licensee/elements_descriptions.html and https://jats.nlm.nih.gov/archiving/.
"""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from xml.etree.ElementTree import Element

from medgym_core.errors import MedGymError
from medgym_core.knowledge.licences import UNKNOWN, licence_name
from medgym_core.knowledge.readers.common import Origin, document, each, path_of, pmc_url, pubmed_url, read_members
from medgym_core.knowledge.readers.markup import blocks, flat, xml_records
from medgym_core.knowledge.readers.streams import Member
from medgym_core.knowledge.rejects import Rejects
from medgym_core.knowledge.types import Document

MONTHS = {name: f"{i:02d}" for i, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
JATS_SKIPPED = ("xref", "table-wrap", "fig", "supplementary-material", "tex-math", "fn", "object-id", "label")
_EMPTY = re.compile(r"[ \t]?[(\[][ ,;–-]*[)\]]")  # brackets that held only references
JATS_INSIDE = ("sec", "title", *JATS_SKIPPED)

# Sections of no medical content, in the trial reports and in JATS.
BOILERPLATE = re.compile(
    r"(competing|conflicts? of|declaration of)( \w+)? interests?|authors?['’]? ?contributions?|pre-publication history|"
    r"support(ing|ive) information|(electronic )?supplement\w+( \w+)*|acknowledge?ments?|funding( \w+)*|"
    r"author (information|details)|(data|availability)( \w+)* (availability|data|statement)( \w+)*|abbreviations|"
    r"additional files?|publisher.?s note|references|disclosures?|ethics( \w+)*",
    re.IGNORECASE,
)


def read_pubmed(
    path: Path, rejects: Rejects | None = None, source: str = "pubmed", licence: str = UNKNOWN
) -> Iterator[Document]:
    """PubMed baseline and update files: one document an abstract, one section a labelled part of it.

    PubMed as a whole has no licence (abstracts may be their publishers'); a record that states one keeps it.
    """
    return read_members(path, (".xml",), _pubmed, rejects, Origin(source, licence))


def _pubmed(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
    def make(citation: Element, at: str) -> Document:
        article, pmid = citation.find("Article"), flat(citation.find("PMID"))
        if article is None or not pmid:
            missing = "<Article>" if pmid else "<PMID>"
            raise MedGymError("not a PubMed record", got=f"no {missing}", expected=missing, where=at)
        at = f"{at}, PMID {pmid}"
        title = flat(article.find("ArticleTitle")) or flat(article.find("VernacularTitle"))
        parts = [(_label(part.get("Label", "")), flat(part)) for part in article.iterfind("Abstract/AbstractText")]
        parts += [("Abstract", flat(part)) for part in citation.iterfind("OtherAbstract[@Language='eng']/AbstractText")]
        rights = licence_name(flat(article.find("Abstract/CopyrightInformation")))
        date = _date(article.find("Journal/JournalIssue/PubDate")) or _date(article.find("ArticleDate"))
        title = title.strip("[]").rstrip(".")
        return document(origin, title, parts, at, url=pubmed_url(pmid), licence=rights, id=pmid, date=date)

    records = xml_records(member.stream, ("MedlineCitation",), member.where)
    return each(((f"{member.where}, record {i}", record) for i, record in enumerate(records, 1)), make, rejects)


def _label(label: str) -> str:
    return path_of("Abstract", label.capitalize() if label.isupper() else label)


def _date(element: Element | None) -> str:
    """YYYY, YYYY-MM or YYYY-MM-DD; of a free-form MedlineDate its first year."""
    if element is None:
        return ""
    parts = {child.tag.lower(): flat(child) for child in element}
    year = parts.get("year") or "".join(re.findall(r"\b\d{4}\b", parts.get("medlinedate", ""))[:1])
    month, day = parts.get("month", ""), parts.get("day", "")
    month = MONTHS.get(month[:3].lower(), month.zfill(2) if month.isdigit() else "")
    if not re.fullmatch(r"\d{4}", year):
        return ""
    return "-".join([year, *([month] if month else []), *([day.zfill(2)] if month and day.isdigit() else [])])


def read_jats(
    path: Path, rejects: Rejects | None = None, source: str = "pmc", licence: str = UNKNOWN
) -> Iterator[Document]:
    """PMC full texts: abstract and body by section path; figure and table captions under their section.

    Tables, references and back matter are left out. The licence is the one the article states.
    """
    return read_members(path, (".xml", ".nxml"), _jats, rejects, Origin(source, licence))


def _jats(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
    def make(article: Element, at: str) -> Document:
        meta = article.find("front/article-meta")
        if meta is None:
            raise MedGymError("not a JATS article", got="no <article-meta>", expected="one", where=at)
        for mention in article.iter("xref"):
            mention.tag = "xref" if mention.get("ref-type") == "bibr" else "mention"  # "see Figure 1" stays
        ids = {element.get("pub-id-type", ""): flat(element) for element in meta.iterfind("article-id")}
        pmcid = ids.get("pmcid") or ids.get("pmc") or ""
        pmcid = f"PMC{pmcid}" if pmcid.isdigit() else pmcid
        doi = ids.get("doi", "")
        url = pmc_url(pmcid) if pmcid else f"https://doi.org/{doi}" if doi else origin.source
        sections = [part for abstract in meta.iterfind("abstract") for part in _parts(abstract, ("Abstract",))]
        body = article.find("body")
        sections += _parts(body, ()) if body is not None else []
        rights = _rights(meta.find("permissions"))
        title = flat(meta.find("title-group/article-title"), ("xref", "fn"))
        dates = {e.get("pub-type") or e.get("date-type", ""): _date(e) for e in meta.iterfind("pub-date")}
        date = dates.get("epub") or dates.get("pub") or next((d for d in dates.values() if d), "")
        return document(origin, title, sections, at, url=url, licence=rights, id=pmcid or doi, date=date)

    records = xml_records(member.stream, ("article",), member.where)
    found = 0
    for found, record in enumerate(records, 1):
        yield from each([(f"{member.where}, article {found}", record)], make, rejects)
    if not found:
        raise MedGymError("not a JATS file", got="no <article>", expected="one", where=member.where)


def _rights(permissions: Element | None) -> str:
    """The licence of the first <license>, by its address, its reference or its words; "" where none is stated."""
    if permissions is None:
        return ""
    for element in permissions.iterfind("license"):
        stated = [element.get("href", ""), *(flat(e) for e in element.iter("license_ref"))]
        stated += [e.get("href", "") for e in element.iter() if e is not element]
        stated += [flat(element), element.get("license-type", "")]
        if name := next((name for text in stated if (name := licence_name(text))), ""):
            return name
    return ""


def _parts(section: Element, path: tuple[str, ...]) -> list[tuple[str, str]]:
    """(section path, text) of an element and of the sections inside it, in reading order."""
    heading = flat(section.find("title"), JATS_SKIPPED)
    if BOILERPLATE.fullmatch(heading.strip(" .:")):
        return []
    here = path if heading.lower() == "abstract" else (*path, heading)
    own = _EMPTY.sub("", "\n".join(text for child in section if (text := blocks(child, JATS_INSIDE))))
    parts = [(path_of(*here), own)]
    for child in section:
        if child.tag == "sec":
            parts += _parts(child, here)
    for element in _own(section):
        if element.tag in ("fig", "table-wrap"):
            parts.append((path_of(*here, flat(element.find("label"))), blocks(element.find("caption"), ("xref",))))
    return parts


def _own(section: Element) -> list[Element]:
    """The elements below a section that are not in a section inside it."""
    found: list[Element] = []
    for child in section:
        if child.tag != "sec":
            found += child.iter()
    return found


# The trial reports: `TITLE: ...`, then `ABSTRACT.METHODS:` and `BODY.METHODS.STATISTICAL ANALYSIS:` before each part.
_HEADING = re.compile(r"^\s*(ABSTRACT|BODY)(\.\S.*|:\s*)?$")
_FLOAT = re.compile(r"^.{0,80}?((?:Fig|Table|Additional file)[^\n]{0,20}?)BODY\.(.*?)[: ]*$")
LONGEST_HEADING = 200  # characters: a longer line that begins with BODY. is text
_NAMESPACE = re.compile(r'xmlns:\w+="[^"\n]*">')
CELL = 5  # words: the most that a line of a table has
TABLE_RUN = 4  # lines: fewer short lines in a row are a list


def read_trial_reports(
    path: Path, rejects: Rejects | None = None, source: str = "pmc_trials", licence: str = UNKNOWN
) -> Iterator[Document]:
    """Plain-text reports of the evidence-inference corpus; licences by article from its ARTICLE_LICENCES.tsv.

    The table must come before the articles in an archive (it does). Runs of table cells are dropped.
    """
    known: dict[str, tuple[str, str]] = {}

    def parse(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
        if member.name.endswith(".tsv"):
            rows = (line.rstrip("\r\n").split("\t") for _, line in member.lines(rejects))
            known.update({row[0]: (licence_name(row[1]), unescape(row[3])) for row in rows if len(row) > 3})
        else:
            pmcid = Path(member.name).stem
            yield _report(member, origin, pmcid, *known.get(pmcid, ("", "")))

    return read_members(path, (".txt", "licences.tsv"), parse, rejects, Origin(source, licence))


def _report(member: Member, origin: Origin, pmcid: str, licence: str, title: str) -> Document:
    sections, body = [], []
    heading = ""
    for line in _NAMESPACE.sub(" ", member.text()).split("\n"):
        if line.startswith("TITLE:"):
            title = line[6:].strip() or title  # a fifth of the files have it in the table only
        elif len(line) <= LONGEST_HEADING and (found := _HEADING.match(line)):
            sections.append((heading, _without_tables(body)))
            parts = ["Abstract" if found[1] == "ABSTRACT" else "", *_names(found[2] or "")]
            heading, body = path_of(*parts), []
        else:
            body.append(_FLOAT.sub(lambda found: f"{found[1]}: {found[2].capitalize()}.", line))
    sections.append((heading, _without_tables(body)))
    if sections[0][1].strip() == title:
        del sections[0]
    kept = [(h, text) for h, text in sections if not BOILERPLATE.fullmatch(h.rpartition(" > ")[2])]
    return document(origin, title, kept, member.where, url=pmc_url(pmcid), licence=licence, id=pmcid)


def _names(dotted: str) -> list[str]:
    """`.METHODS.STATISTICAL ANALYSIS:` as ["Methods", "Statistical analysis"]; numbers before a heading go."""
    parts = re.split(r"\.(?=[^\W\d])", dotted.rstrip(": \r"))
    names = [re.sub(r"^[\d. ]+", "", part).strip(" .:") for part in parts]
    return [name.capitalize() for name in names if name]


def _without_tables(lines: list[str]) -> str:
    """The lines without runs of TABLE_RUN or more table cells: lines of up to CELL words that end no sentence."""
    kept, run = [], []
    for line in [*lines, "end of text."]:
        if not line.strip():
            (run if run else kept).append("")
        elif len(line.split(None, CELL + 1)) <= CELL and line.rstrip()[-1] not in ".:;":
            run.append(line)
        else:
            kept += run if sum(map(bool, run)) < TABLE_RUN else []
            run = []
            kept.append(line)
    return "\n".join(kept[:-1])

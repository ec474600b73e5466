"""Drug labels: DailyMed's Structured Product Labeling XML, and the labels that the NLM annotated sentence by sentence.

Format of SPL: HL7 Version 3, https://www.fda.gov/industry/fda-data-standards-advisory-board/structured-product-labeling-resources.
"""

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from medgym_core.errors import MedGymError
from medgym_core.knowledge.licences import US_PUBLIC_DOMAIN
from medgym_core.knowledge.readers.common import Origin, document, path_of, read_members
from medgym_core.knowledge.readers.markup import blocks, flat, parse_xml
from medgym_core.knowledge.readers.streams import Member
from medgym_core.knowledge.rejects import Rejects
from medgym_core.knowledge.types import Document

LABEL_LICENCE = f"{US_PUBLIC_DOMAIN} (FDA labels)"  # text that manufacturers submit to the FDA for publication
DAILYMED_URL = "https://dailymed.nlm.nih.gov/dailymed/drugInfo.cfm?setid="


def read_spl(
    path: Path, rejects: Rejects | None = None, source: str = "dailymed", licence: str = LABEL_LICENCE
) -> Iterator[Document]:
    """DailyMed labels, also the official zip of zips: sections by path; the title is generic and brand name."""
    return read_members(path, (".xml",), _spl, rejects, Origin(source, licence))


def _spl(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
    root = parse_xml(member.read(), member.where)
    setid = root.find("setId")
    if root.tag != "document" or setid is None:
        got = f"<{root.tag}>" if root.tag != "document" else "no <setId>"
        raise MedGymError("not an SPL file", got=got, expected="<document> with <setId>", where=member.where)
    product = root.find(".//manufacturedProduct/manufacturedProduct")
    product = root.find(".//manufacturedProduct/manufacturedMedicine") if product is None else product
    brand = flat(product.find("name")) if product is not None else ""
    generic = flat(product.find("asEntityWithGeneric/genericMedicine/name")) if product is not None else ""
    name = generic.lower() or brand or flat(root.find("title"))
    title = f"{name} ({brand})" if brand and brand.lower() != name.lower() else name
    sections = [part for e in root.iterfind("component/structuredBody/component/section") for part in _sections(e, ())]
    stamp = root.find("effectiveTime")
    day = stamp.get("value", "")[:8] if stamp is not None else ""
    date = f"{day[:4]}-{day[4:6]}-{day[6:]}" if len(day) == 8 and day.isdigit() else ""
    key = setid.get("root", "")
    yield document(origin, title, sections, member.where, url=DAILYMED_URL + key, id=key, date=date)


def _sections(section: Element, path: tuple[str, ...]) -> list[tuple[str, str]]:
    here = (*path, flat(section.find("title")))
    parts = [(path_of(*here), blocks(section.find("text")))]
    for inner in section.iterfind("component/section"):
        parts += _sections(inner, here)
    return parts


def read_drug_labels(
    path: Path, rejects: Rejects | None = None, source: str = "drug_labels", licence: str = f"{US_PUBLIC_DOMAIN} (NLM)"
) -> Iterator[Document]:
    """NLM's annotated cardiovascular drug labels: the label's sentences joined; the title is the generic name."""
    return read_members(path, (".xml",), _annotated, rejects, Origin(source, licence))


def _annotated(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
    root = parse_xml(member.read(), member.where)
    if root.tag != "document" or root.find("labelDrug") is None:
        got = f"<{root.tag}>" if root.tag != "document" else "no <labelDrug>"
        raise MedGymError("not a drug label", got=got, expected="<document> with <labelDrug>", where=member.where)
    sentences = [" ".join((element.get("text") or "").split()) for element in root.findall("sentence")]
    sentences = [sentence for sentence in sentences if sentence]
    title, heading = _drug_names(root, sentences)
    key = root.get("setID", "null")
    key = "" if key == "null" else key
    url = DAILYMED_URL + key if key else "https://dailymed.nlm.nih.gov/"
    yield document(origin, title, [(heading, "\n\n".join(sentences))], member.where, url=url, id=key)


def _drug_names(root: Element, sentences: list[str]) -> tuple[str, str]:
    """(generic name, heading with the brand). A label without names is called by its first line, which is its title."""
    generic = root.find("generic")
    name = (generic.get("name") or "").strip() if generic is not None else ""
    brand = (root.find("labelDrug").get("name") or "").strip()
    brand = "" if brand.lower() in ("missing", "null", name.lower()) else brand
    name = (name or brand or "".join(sentences[:1]).rstrip(".")).lower()
    return name, f"Drug label ({brand})" if brand else "Drug label"

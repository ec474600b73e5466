"""Registered trials: ClinicalTrials.gov XML (until 2024) and JSON (API v2), and a CSV of trials with their criteria.

Formats: https://clinicaltrials.gov/data-api/about-api/study-data-structure and its legacy `public.xsd`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from medgym_core.errors import MedGymError
from medgym_core.knowledge.licences import US_PUBLIC_DOMAIN
from medgym_core.knowledge.readers.common import (
    Origin,
    as_object,
    document,
    each,
    first,
    items,
    json_lines,
    load_json,
    path_of,
    read_members,
    string,
)
from medgym_core.knowledge.readers.markup import flat, xml_records
from medgym_core.knowledge.readers.streams import Member
from medgym_core.knowledge.readers.tables import rows_of
from medgym_core.knowledge.rejects import Rejects
from medgym_core.knowledge.types import Document

TRIALS_LICENCE = f"{US_PUBLIC_DOMAIN} (ClinicalTrials.gov)"
TRIAL_URL = "https://clinicaltrials.gov/study/"
_CRITERIA = re.compile(r"^[^\w\n]*((?:key |main |major )?(?:inclusion|exclusion) criteria)\b[^\n\w]*$", re.I | re.M)
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")


def read_trials(
    path: Path, rejects: Rejects | None = None, source: str = "ctgov", licence: str = TRIALS_LICENCE
) -> Iterator[Document]:
    """Trials in XML, JSON (a study, or a page of `studies`), JSON lines or CSV, by the ending of each member."""

    def parse(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
        ending = Path(member.name).suffix.lower()
        if ending not in _PARSERS:  # a single file under any name
            ending = {b"<": ".xml", b"{": ".json", b"[": ".json"}.get(member.stream.peek(1)[:1], ".csv")
        return _PARSERS[ending](member, rejects, origin)

    return read_members(path, tuple(_PARSERS), parse, rejects, Origin(source, licence))


def criteria(text: str) -> list[tuple[str, str]]:
    """Eligibility divided at its headings into inclusion and exclusion criteria."""
    before, *rest = _CRITERIA.split(text)
    pairs = zip(rest[::2], rest[1::2], strict=True)
    return [("Eligibility", before), *((path_of("Eligibility", name.capitalize()), body) for name, body in pairs)]


def _xml(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
    def make(study: Element, at: str) -> Document:
        number = flat(study.find("id_info/nct_id"))
        if not number:
            raise MedGymError("not a trial", got="no <nct_id>", expected="one", where=at)
        drugs = [
            f"{flat(e.find('intervention_type'))}: {flat(e.find('intervention_name'))}. {flat(e.find('description'))}"
            for e in study.iterfind("intervention")
        ]
        outcomes = [
            f"{flat(e.find('measure'))}. {flat(e.find('description'))} {flat(e.find('time_frame'))}".strip()
            for e in study.iterfind("primary_outcome")
        ]
        sections = [
            ("Summary", study.findtext("brief_summary/textblock") or ""),
            ("Description", study.findtext("detailed_description/textblock") or ""),
            ("Conditions", ", ".join(flat(e) for e in study.iterfind("condition"))),
            ("Interventions", "\n".join(drugs)),
            ("Primary outcomes", "\n".join(outcomes)),
            *criteria(study.findtext("eligibility/criteria/textblock") or ""),
        ]
        title = flat(study.find("brief_title")) or flat(study.find("official_title"))
        date = _day(flat(study.find("last_update_posted")) or flat(study.find("study_first_posted")))
        return document(origin, title, sections, at, url=TRIAL_URL + number, id=number, date=date)

    records = xml_records(member.stream, ("clinical_study",), member.where)
    return each(((member.where, study) for study in records), make, rejects)


def _day(text: str) -> str:
    """`June 3, 2020` or `2020-06-03` as YYYY-MM-DD; the year alone where there is no more."""
    months = "january february march april may june july august september october november december".split()
    if re.fullmatch(r"\d{4}(-\d\d){0,2}", text):
        return text
    found = re.fullmatch(r"(\w+) (?:(\d{1,2}), )?(\d{4})", text)
    if not found or found[1].lower() not in months:
        return ""
    month = f"{found[3]}-{months.index(found[1].lower()) + 1:02d}"
    return f"{month}-{int(found[2]):02d}" if found[2] else month


def _json(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
    content = load_json(member.read(), member.where)
    page = content.get("studies") if isinstance(content, dict) else content
    studies = page if isinstance(page, list) else [content]
    places = ((f"{member.where}, study {i}", study) for i, study in enumerate(studies, 1))
    return each(places, lambda study, at: _study(study, at, origin), rejects)


def _jsonl(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
    return each(json_lines(member, rejects), lambda study, at: _study(study, at, origin), rejects)


def _study(study: Any, at: str, origin: Origin) -> Document:
    protocol = as_object(as_object(study, at).get("protocolSection"), f"{at}, protocolSection")

    def module(name: str) -> dict:
        value = protocol.get(name)
        return value if isinstance(value, dict) else {}

    naming, describing, status = (module(f"{name}Module") for name in ("identification", "description", "status"))
    number = first(naming, "nctId")
    if not number:
        raise MedGymError("not a trial", got="no nctId", expected="one", where=at)
    drugs = [
        f"{string(e.get('type')).capitalize()}: {string(e.get('name'))}. {string(e.get('description'))}"
        for e in items(module("armsInterventionsModule").get("interventions"))
    ]
    outcomes = [
        f"{string(e.get('measure'))}. {string(e.get('description'))} {string(e.get('timeFrame'))}".strip()
        for e in items(module("outcomesModule").get("primaryOutcomes"))
    ]
    sections = [
        ("Summary", string(describing.get("briefSummary"))),
        ("Description", string(describing.get("detailedDescription"))),
        ("Conditions", ", ".join(items(module("conditionsModule").get("conditions"), str))),
        ("Interventions", "\n".join(drugs)),
        ("Primary outcomes", "\n".join(outcomes)),
        *criteria(string(module("eligibilityModule").get("eligibilityCriteria"))),
    ]
    stamps = [status.get("lastUpdatePostDateStruct"), status.get("studyFirstPostDateStruct")]
    date = next((day for e in stamps if isinstance(e, dict) and (day := _day(string(e.get("date"))))), "")
    title = first(naming, "briefTitle", "officialTitle")
    return document(origin, title, sections, at, url=TRIAL_URL + number, id=number, date=date)


def _csv(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
    """Columns nctid, phase, diseases, drugs and criteria; the title is made of phase, drugs and diseases."""

    def make(row: dict[str, str], at: str) -> Document:
        number = row.get("nctid", "").strip()
        drugs, diseases = _listed(row.get("drugs", "")), _listed(row.get("diseases", ""))
        if not number or not diseases:
            raise MedGymError("not a trial", got=f"nctid {number!r}", expected="an nctid and diseases", where=at)
        phase = row.get("phase", "").strip().capitalize()
        title = f"{phase} trial of {', '.join(drugs) or 'an intervention'} in {', '.join(diseases)}".strip()
        sections = criteria(row.get("criteria", ""))
        return document(origin, title, sections, at, url=TRIAL_URL + number, id=number)

    return each(rows_of(member, rejects, ","), make, rejects)


def _listed(text: str) -> list[str]:
    """The strings of a printed Python list."""
    return [" ".join((a or b).split()) for a, b in _QUOTED.findall(text)]


_PARSERS = {".xml": _xml, ".json": _json, ".jsonl": _jsonl, ".csv": _csv}

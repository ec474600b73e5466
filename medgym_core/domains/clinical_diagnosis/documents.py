"""The domain's facts as passages of the knowledge base, in our own words: conditions, guidelines, acid-base, doses."""

from collections.abc import Iterator
from typing import Any

from medgym_core.domains.clinical_diagnosis import tables
from medgym_core.domains.clinical_diagnosis.reference import GUIDELINE
from medgym_core.domains.clinical_diagnosis.scoring import dose_words
from medgym_core.knowledge import Document

LICENCE = "Apache-2.0"


def documents() -> Iterator[Document]:
    """One document a condition, a guideline, an acid-base rule, a poisoning and a paediatric dose."""
    for e in tables.conditions().values():
        yield _document(e, e["title"].capitalize(), _condition(e))
    for e in tables.table("guidelines").values():
        yield _document(e, f"{GUIDELINE}{e['title']}", [("Recommendations", " ".join(e["says"]))])
    for name, e in tables.table("acid_base").items():
        if "words" in e:
            title = "Anion gap" if name == "gap" else f"Compensation of {name}"
            yield _document(e, title, [("Rule", e["words"])])
    for name, e in tables.table("toxicology").items():
        yield _document(e, f"Level in {name} poisoning", [("Treatment", e["words"])])
    for e in tables.table("pediatric_doses").values():
        yield _document(e, f"Paediatric dose of {e['drug']}: {e['use']}", [("Dose", dose_words(e))])


def _document(entry: dict[str, Any], title: str, sections: list[tuple[str, str]]) -> Document:
    return Document(f"MedGym facts: {entry['source']}", title, sections, LICENCE, "")


def _condition(e: dict[str, Any]) -> list[tuple[str, str]]:
    titles = tables.conditions()
    name = e["title"].capitalize()
    apart = [f"{titles[k]['title'].capitalize()} differs by {v}." for k, v in e["against"].items()]
    return [
        ("Findings", f"{name} (ICD-10-CM {e['icd10']}) typically shows {', '.join(e['features'])}."),
        ("Differential", " ".join(apart)),
        ("Confirmation", f"{name} is confirmed by {e['test']}."),
        ("Treatment", f"First-line treatment of {e['title']}: {e['treatment']}. Avoid: {e['avoid']['why']}."),
    ]

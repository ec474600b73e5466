"""The facts of radiology as passages of the knowledge base, in our own words."""

from collections.abc import Iterator

from medgym_core import facts
from medgym_core.domains.radiology_report.reading import DOMAIN
from medgym_core.knowledge import Document

LICENCE = "Apache-2.0"
WHEN = {0: "the report will do", 1: "within minutes", 2: "within hours", 3: "within days"}


def documents() -> Iterator[Document]:
    """One document a finding, classification, contrast agent, topic, template, dose region and rule."""
    urgency = facts.load(DOMAIN, "urgency")
    for name, entry in facts.load(DOMAIN, "conditions").items():
        sections = [("What is seen", f"{name.capitalize()}, {entry['modality']}. {entry['words']}")]
        if name in urgency:
            words = f"{name.capitalize()} is passed on: {WHEN[urgency[name]['category']]}."
            sections.append(("Communication", f"{words} Source: {urgency[name]['source']}."))
        yield _document(entry, f"{name.capitalize()} on imaging", sections)
    for entry in facts.load(DOMAIN, "systems").values():
        yield _document(entry, entry["title"], [("Use", entry["words"])])
    for name, entry in facts.load(DOMAIN, "contrast").items():
        title = "Contrast media: when to take care" if name == "limits" else f"Contrast medium {name}"
        yield _document(entry, title, [("Use", entry["words"])])
    for name, entry in facts.load(DOMAIN, "appropriateness").items():
        other = "".join(f" With {fact}: {study}." for fact, study in entry["variants"].items())
        words = f"First study for {name}: {entry['default']}.{other}"
        yield _document(entry, f"Which study for {name}", [("Choice", words)])
    for name, entry in facts.load(DOMAIN, "templates").items():
        sections = [("Template", entry["template"]), ("Checklist", entry["checklist"])]
        yield _document(entry, f"Reporting a {name}", sections)
    for name, entry in facts.load(DOMAIN, "dose").items():
        values = ", ".join(f"{age}: {k}" for age, k in entry["k"].items())
        words = (
            f"Effective dose in mSv is the dose-length product in mGy.cm times k. For the {name}, k by age: {values}."
        )
        yield _document(entry, f"CT dose of the {name}", [("Conversion", words)])
    rule = facts.load(DOMAIN, "pregnancy")["rules"]
    yield _document(rule, "Pregnancy before an X-ray examination", [("Rule", rule["words"])])
    for name, entry in facts.load(DOMAIN, "quality").items():
        yield _document(entry, f"Study quality: {name}", [("Use", entry["words"])])
    for name, entry in facts.load(DOMAIN, "targets").items():
        yield _document(entry, f"Time target: {name}", [("Use", entry["words"])])


def _document(entry: dict, title: str, sections: list[tuple[str, str]]) -> Document:
    return Document(f"MedGym facts: {entry['source']}", title, sections, LICENCE, "")

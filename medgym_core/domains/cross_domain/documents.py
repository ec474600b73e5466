"""The pathways' facts as passages of the knowledge base, in our own words."""

from collections.abc import Iterator
from typing import Any

from medgym_core.domains.cross_domain.rules import table
from medgym_core.knowledge import Document

LICENCE = "Apache-2.0"


def documents() -> Iterator[Document]:
    """One document a pathway with its steps and targets, a protocol, a treatment, a checklist, a dose by weight."""
    for entry in table("pathways").values():
        steps = [(s["name"].capitalize(), _step(s)) for s in entry["steps"]]
        yield _document(entry["source"], entry["title"], steps)
    for name, entry in table("protocols").items():
        yield _document(entry["source"], f"Protocol: {name}", [("Rule", entry["rule"])])
    for name, entry in table("treatments").items():
        words = (
            f"{name.capitalize()} ({entry['class']}): at most {entry['most']:g} {entry['unit']} in one dose or rate."
        )
        yield _document(entry["source"], f"Order set: {name}", [("Dose", words)])
    for name, entry in table("checks").items():
        words = f"What forbids {name} ({entry['scene']}): {', '.join(i['item'] for i in entry['items'])}."
        yield _document(entry["source"], f"Before {name}", [("Checks", words)])
    for name, entry in table("doses").items():
        rule = f"{entry['per_kg']:g} {entry['unit']}/kg" if "per_kg" in entry else "by weight band"
        limit = f", at most {entry['most']:g} {entry['unit']}" if "most" in entry else ""
        yield _document(entry["source"], f"Dose by weight: {name}", [("Dose", f"For {entry['use']}: {rule}{limit}.")])


def _step(step: dict[str, Any]) -> str:
    target = f" Target: within {step['within']} minutes of {step['since']}." if "within" in step else ""
    return f"Phase {step['phase']}: {step['action']}. Rule: {step['rule']}.{target} Source: {step['source']}."


def _document(source: str, title: str, sections: list[tuple[str, str]]) -> Document:
    return Document(f"MedGym facts: {source}", title, sections, LICENCE, "")

"""The facts of visual diagnosis as passages of the knowledge base, in our own words."""

from collections.abc import Iterator

from medgym_core import facts
from medgym_core.domains.visual_diagnosis.reading import DOMAIN
from medgym_core.knowledge import Document

LICENCE = "Apache-2.0"


def documents() -> Iterator[Document]:
    """One document a condition, classification, test and quality rule; referral stands with its condition."""
    referral = facts.load(DOMAIN, "referral")
    for name, entry in facts.load(DOMAIN, "conditions").items():
        sections = [("What is seen", f"{name.capitalize()} in a {entry['modality']} picture. {entry['words']}")]
        if name in referral:
            urgency = referral[name]["urgency"]
            words = "No referral is needed." if urgency == "none" else f"Referral: {urgency}."
            sections.append(("Referral", f"{name.capitalize()}: {words} Source: {referral[name]['source']}."))
        yield Document(f"MedGym facts: {entry['source']}", f"{name.capitalize()} on imaging", sections, LICENCE, "")
    for entry in facts.load(DOMAIN, "systems").values():
        yield Document(f"MedGym facts: {entry['source']}", entry["title"], [("Use", entry["words"])], LICENCE, "")
    for name, entry in facts.load(DOMAIN, "tests").items():
        yield Document(
            f"MedGym facts: {entry['source']}", f"{name.capitalize()} test", [("Use", entry["words"])], LICENCE, ""
        )
    for name, entry in facts.load(DOMAIN, "quality").items():
        title = f"Picture quality: {name}"
        yield Document(f"MedGym facts: {entry['source']}", title, [("Use", entry["words"])], LICENCE, "")
    for name, entry in facts.load(DOMAIN, "targets").items():
        title = f"Time target: {name}"
        yield Document(f"MedGym facts: {entry['source']}", title, [("Use", entry["words"])], LICENCE, "")

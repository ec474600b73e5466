"""The psychiatric facts as passages of the knowledge base, in our own words."""

from collections.abc import Iterator
from typing import Any

from medgym_core import facts
from medgym_core.domains.psychiatry import dosing
from medgym_core.domains.psychiatry.scales import DOMAIN
from medgym_core.knowledge import Document

LICENCE = "Apache-2.0"


def documents() -> Iterator[Document]:
    """One document a condition, guideline, rule, drug rule, monitored drug and weight-based dose."""
    for name, entry in facts.load(DOMAIN, "conditions").items():
        yield _document(entry, f"{entry['title']} ({entry['icd10']})", _condition(name, entry))
    for entry in facts.load(DOMAIN, "guidelines").values():
        keys = (("First line", "first_line"), ("Next step", "next_step"), ("Safety", "safety"))
        yield _document(entry, entry["title"], [(head, f"{entry[k]}.") for head, k in keys if k in entry])
    for entry in facts.load(DOMAIN, "rules").values():
        if "words" in entry:
            yield _document(entry, entry["title"], [("Use", entry["words"])])
    for entry in facts.load(DOMAIN, "drug_rules").values():
        drugs = ", ".join(entry["drugs"])
        yield _document(
            entry, f"Safety of {drugs}", [("Rule", f"{drugs}: {entry['verdict']} ({_ground(entry)}). {entry['why']}.")]
        )
    for drug, entry in facts.load(DOMAIN, "monitoring").items():
        text = f"Before {drug}: {entry['before']}. During treatment: {entry['during']}."
        yield _document(entry, f"Monitoring {drug}", [("Checks", text)])
    for drug, entry in facts.load(DOMAIN, "dosing").items():
        text = "; ".join(f"{name}: {words}" for name, words in (dosing.told(drug) or {}).items())
        yield _document(entry, entry["title"], [("Daily dose", f"{drug} for {entry['use']}: {text}.")])


def _document(entry: dict[str, Any], title: str, sections: list[tuple[str, str]]) -> Document:
    return Document(f"MedGym facts: {entry['source']}", title, sections, LICENCE, "")


def _condition(name: str, entry: dict[str, Any]) -> list[tuple[str, str]]:
    findings = "; ".join(f"{k.replace('_', ' ')}: {v}" for k, v in entry["findings"].items())
    deciding = ", ".join(k.replace("_", " ") for k in entry["deciding"])
    return [
        ("Typical findings", f"A typical picture of {name} shows {findings}."),
        ("Differential", f"{name.capitalize()} is parted from {', '.join(entry['differential'])} by {deciding}."),
        ("Treatment", f"First line: {entry['first_line']}. Avoid: {entry['avoid']}."),
    ]


def _ground(entry: dict[str, Any]) -> str:
    """What a rule asks about, in words."""
    if "condition" in entry:
        return f"with {' or '.join(entry['condition'])}"
    if "with" in entry:
        return f"together with {', '.join(entry['with'])}"
    if "allergy" in entry:
        return f"with an allergy to {', '.join(entry['allergy'])}"
    if "lab" in entry:
        return f"{entry['lab']['name']} below {entry['lab']['below']}"
    if entry.get("pregnant"):
        return "in pregnancy"
    if entry.get("childbearing"):
        return "where pregnancy is possible"
    limits = {"egfr_below": "eGFR below", "clearance_at_most": "creatinine clearance up to", "qtc_above": "QTc above"}
    return next(f"{words} {entry[key]}" for key, words in limits.items() if key in entry)

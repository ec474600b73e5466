"""The facts of the domain as passages of the knowledge base: one document a drug."""

from collections.abc import Iterator
from functools import cache

from medgym_core.domains.drug_interaction import rules
from medgym_core.domains.drug_interaction.rules import table
from medgym_core.knowledge import Document

LICENCE = "Apache-2.0"


def documents() -> Iterator[Document]:
    """Every drug of the tables with what they say about it."""
    for drug in table("drugs"):
        source = table("drugs")[drug]["source"]
        yield Document(f"MedGym facts: {source}", drug, sections(drug), LICENCE, "")


def sections(drug: str) -> list[tuple[str, str]]:
    entry = table("drugs")[drug]
    aliases = f" It is also known as {', '.join(entry['aliases'])}." if entry.get("aliases") else ""
    about = f"{drug} is a drug of the class {entry['class']}, used for {entry['use']}.{aliases}"
    texts = [("class and use", f"{about} Mechanism of action: {rules.mechanism(drug)}.")]
    texts += [(f"{s} interactions", " ".join(interaction_sentences(drug, s))) for s in rules.SEVERITIES]
    for heading, name, render in SINGLE:
        fact = table(name).get(drug)
        if fact:
            texts.append((heading, f"{render(drug, fact)} (Source: {fact['source']}.)"))
    return [(heading, text) for heading, text in texts if text]


def interaction_sentences(drug: str, severity: str) -> Iterator[str]:
    """One sentence a rule of that severity that touches the drug."""
    for others in _partners().get(drug, {}).values():
        item = rules.interaction(drug, others[0])
        if item.severity != severity:
            continue
        yield (
            f"{drug} with {', '.join(sorted(others))}: {item.severity} interaction. Mechanism: {item.mechanism}. "
            f"Management: {item.management}. (Source: {item.source}.)"
        )


@cache
def _partners() -> dict[str, dict[str, list[str]]]:
    """Drug to rule to the drugs it interacts with by that rule."""
    found: dict[str, dict[str, list[str]]] = {}
    for pair, item in rules.interactions().items():
        for drug, other in (pair, pair[::-1]):
            found.setdefault(drug, {}).setdefault(item.rule, []).append(other)
    return found


def _renal(drug: str, fact: dict) -> str:
    bands = "; ".join(f"from {low:g}: {decision}, {dose}" for low, decision, dose in fact["bands"])
    return f"Dose of {drug} by {fact['measure']} (lower limit in mL/min): {bands}."


def _hepatic(drug: str, fact: dict) -> str:
    if "label" in fact:
        return f"{drug} in liver disease: {fact['label']}."
    classes = "; ".join(f"class {c}: {', '.join(fact[c])}" for c in "ABC" if c in fact)
    return f"Dose of {drug} by Child-Pugh class: {classes}."


def _roles(drug: str, fact: dict) -> str:
    roles = [f"{v} of {k}" for k, v in fact.items() if k not in ("source", "metabolism")]
    route = [f"leaves by {fact['metabolism']}"] if "metabolism" in fact else []
    return f"{drug}: {', '.join(roles + route)}."


def _kinetics(drug: str, fact: dict) -> str:
    bound = f" Protein binding: {fact['protein_binding']}." if "protein_binding" in fact else ""
    return f"Half-life of {drug}: {fact['half_life']}. Elimination: {fact['elimination']}.{bound}"


def _level(drug: str, fact: dict) -> str:
    span = f"{fact['low']:g} to {fact['high']:g} {fact['unit']} ({fact['lab']})"
    return f"The therapeutic range of {drug} is {span}. Sample: {fact['timing']}."


def _child(drug: str, fact: dict) -> str:
    most = f", at most {fact['max_mg']:g} mg" if "max_mg" in fact else ""
    return f"{drug} in children ({fact['use']}): {fact['mg_per_kg']:g} mg/kg a {fact['per']}{most}."


SINGLE = (
    ("pregnancy", "pregnancy", lambda d, f: f"{d} in pregnancy: {f['advice']} ({f['reason']})."),
    ("breastfeeding", "lactation", lambda d, f: f"{d} while breastfeeding: {f['advice']} ({f['reason']})."),
    ("kidney function", "renal", _renal),
    ("liver function", "hepatic", _hepatic),
    ("children", "paediatric", _child),
    ("monitoring", "monitoring", _level),
    ("food", "food", lambda d, f: f"{d} and food: {f['food']}; {f['advice']}."),
    ("metabolism", "cyp", _roles),
    ("transporters", "transporters", _roles),
    ("kinetics", "pharmacokinetics", _kinetics),
    ("QT", "qt", lambda d, f: f"{d} prolongs the QT interval ({f['basis']})."),
)
"""Heading, fact table, and the sentence it gives."""

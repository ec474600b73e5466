"""The domain's facts as passages of the knowledge base, in our own words: one short document a fact."""

from collections.abc import Iterator

from medgym_core.domains.medical_qa import tables
from medgym_core.knowledge import Document

LICENCE = "Apache-2.0"


def documents() -> Iterator[Document]:
    """Facts, contraindications, drug choices, doses, thresholds, reference limits and patterns."""
    for fact in tables.all_facts():
        details = "".join(f" {key.capitalize()}: {value}." for key, value in fact.details.items())
        yield _document(fact.source, fact.title, f"{fact.title}: {fact.answer}.{details}")
    for hazard in tables.hazards():
        title = f"Listed contraindication of {hazard.drug}"
        yield _document(hazard.source, title, f"{title}: {hazard.feature}.")
    for choice in tables.choices():
        title = f"Usual drug for {choice.of}"
        text = f"{title}: {choice.usual}. In case of {choice.when}: {choice.alternative}."
        yield _document(choice.source, title, text)
    for entry in tables.table("criteria").values():
        title = f"Diagnostic threshold of {entry['of']}"
        rows = "; ".join(
            f"{c['measure']} {c['relation']} {c['value']:g} {c['unit']}".strip() for c in entry["criteria"]
        )
        yield _document(entry["source"], title, f"{title}: {rows}.")
    for dose in tables.doses():
        title = f"Weight-based dose of {dose.name} for {dose.of}"
        yield _document(dose.source, title, f"{title}: {', '.join(' '.join(row) for row in dose.rule.items())}.")
    yield from _limits()
    for entry in tables.table("patterns").values():
        title = f"Typical findings of {entry['of']}"
        yield _document(entry["source"], title, f"{title}: {', '.join(entry['findings'])}.")


def _limits() -> Iterator[Document]:
    for entry in tables.table("ranges").values():
        title = f"Adult reference limits of {entry['name']}"
        rows = [
            f"{group}: {_row(entry[group], entry['unit'])}"
            for group in ("any", "men", "women", "pregnant")
            if group in entry
        ]
        yield _document(entry["source"], title, f"{title}. {'. '.join(r[0].upper() + r[1:] for r in rows)}.")


def _row(row: dict[str, float], unit: str) -> str:
    parts = [f"{side} {row[side]:g} {unit}".strip() for side in ("low", "high") if side in row]
    if "high_per_year" in row:
        parts.append(f"high {row['high_per_year']:g} {unit} for each year of age")
        parts += [f"plus {row['high_offset']:g} {unit}"] if "high_offset" in row else []
        parts += [f"but at least {row['high_at_least']:g} {unit}"] if "high_at_least" in row else []
    return ", ".join(parts)


def _document(source: str, title: str, text: str) -> Document:
    return Document(f"MedGym facts: {source}", title, [("Fact", text)], LICENCE, "")

"""The triage facts as passages of the knowledge base, in our own words."""

from collections.abc import Iterator
from typing import Any

from medgym_core import facts
from medgym_core.domains.triage_emergency.scores import DOMAIN
from medgym_core.knowledge import Document

LICENCE = "Apache-2.0"


def documents() -> Iterator[Document]:
    """One document an entry that has words: scores, ESI decision points, pathways, tests."""
    for table in ("scores", "esi", "protocols", "tests", "toxidromes"):
        for name, entry in facts.load(DOMAIN, table).items():
            title = entry.get("title", f"Stat {name.replace('_', ' ')}")
            sections = [("Use", entry["words"]), *_details(entry)]
            yield Document(f"MedGym facts: {entry['source']}", title, sections, LICENCE, "")


def _details(entry: dict[str, Any]) -> list[tuple[str, str]]:
    """Further sections in words: activation criteria, point bands, what counts."""
    found = []
    if "criteria" in entry:
        found.append(("Activation", f"Activate for {entry['criteria']}. Target: {entry['target']}."))
    bands = {k: v for k, v in entry.items() if isinstance(v, list) and v and isinstance(v[0], list)}
    if bands:
        found.append(("Points", " ".join(_band(name, steps) for name, steps in bands.items())))
    if "counted" in entry:
        found.append(
            ("Resources", f"Counted: {', '.join(entry['counted'])}. Not counted: {', '.join(entry['not_counted'])}.")
        )
    return found


def _band(name: str, steps: list[list[Any]]) -> str:
    parts, low = [], ""
    for end, points in steps:
        parts.append(f"{'above ' + low if end == float('inf') else 'up to ' + str(end)} gives {points}")
        low = str(end)
    return f"{name.replace('_', ' ').capitalize()}: {'; '.join(parts)}."

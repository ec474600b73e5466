"""The instruments as passages of the knowledge base: what each needs, how it is read, where it is from."""

from collections.abc import Iterator

from medgym_core import instruments
from medgym_core.knowledge import Document

LICENCE = "Apache-2.0"


def documents() -> Iterator[Document]:
    """One document an instrument."""
    for name in instruments.names():
        found = instruments.get(name)
        inputs = ", ".join(n.replace("_", " ") for n in found.inputs)
        sections = [("Inputs", f"{found.title} is computed from {inputs}.")]
        bands = found.rule.get("bands", [])
        if bands:
            read = "; ".join(f"up to {end:g}: {label}" for end, label in bands)
            sections.append(("Interpretation", f"{found.title} in {found.unit or 'index points'}: {read}."))
        yield Document(f"MedGym facts: {found.source}", found.title, sections, LICENCE, "")

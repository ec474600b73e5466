"""What the world holds, counted from its own tables and tools: `python benchmarks/inventory.py > docs/world.md`.

A test compares the page with what this prints, so the page cannot promise more than there is.
"""

import re
from collections.abc import Iterator
from typing import Any

from medgym_core import domains, facts, instruments

PREFIXES = re.compile(r"^(calculate|administer|assess|screen|interpret)_")


def tables(owner: str) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    """Fact tables of a domain or shared package, by name."""
    for file in sorted(facts.folder(owner).iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            yield file.name, facts.load(owner, file.name.removesuffix(".toml"))


def conditions(owner: str) -> set[str]:
    """Names of the entries in the tables of conditions and inpatient problems."""
    return {
        name.lower().replace("_", " ")
        for file, table in tables(owner) if file.startswith(("conditions", "problems")) for name in table
    }  # fmt: skip


def codes(owner: str) -> set[str]:
    """ICD-10-CM codes of those entries."""
    found = [entry.get("icd10") or entry.get("icd") for _, table in tables(owner) for entry in table.values()]
    return {str(code) for code in found if isinstance(code, str)}


def drugs(owner: str) -> set[str]:
    """Names of the drugs with a class."""
    return {
        name for file, table in tables(owner) if file.startswith("drugs") for name, e in table.items() if "class" in e
    }


def protocols(owner: str) -> set[str]:
    """Names of the protocol and guideline entries."""
    return {name for file, table in tables(owner) if file.startswith(("protocols", "guidelines")) for name in table}


def sources(owner: str) -> set[str]:
    return {str(entry["source"]) for _, table in tables(owner) for entry in table.values()}


def used_instruments(domain: domains.Domain) -> set[str]:
    """Instruments that a tool of the domain computes."""
    return {PREFIXES.sub("", tool) for tool in domain.tools} & set(instruments.names())


def row(name: str) -> list[Any]:
    domain = domains.get(name)
    kinds = [tool.kind for tool in domain.tools.values()]
    return [
        name, len(conditions(name)), len(drugs(name)) or "", len(protocols(name)) or "", len(domain.tools),
        f"{kinds.count('read')} / {kinds.count('write')} / {kinds.count('submit')}",
        len(used_instruments(domain)), len(domain.types), len(sources(name)),
    ]  # fmt: skip


def markdown(header: list[str], rows: list[list[Any]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def page() -> str:
    """The whole of docs/world.md."""
    rows = [row(name) for name in domains.NAMES]
    tools = {tool for name in domains.NAMES for tool in domains.get(name).tools}
    every = [*domains.NAMES, *facts.SHARED]
    total = [
        "all, each once", len(set().union(*map(conditions, every))), len(set().union(*map(drugs, every))),
        sum(len(protocols(name)) for name in every), len(tools), "",
        len(instruments.names()), sum(r[7] for r in rows), len(set().union(*map(sources, every))),
    ]  # fmt: skip
    header = [
        "domain", "conditions", "drugs", "protocols", "tools", "read / write / submit", "instrument tools",
        "task types", "sources",
    ]  # fmt: skip
    coded = len(set().union(*map(codes, every)))
    bound = [instruments.get(name) for name in instruments.names()]
    listed = [[i.name, i.title, len(i.inputs), i.unit or "index", i.source] for i in bound]
    return f"""# The clinical world

Written by `python benchmarks/inventory.py` from the fact tables and the tool registry; a test keeps it true. The counts
of tools by executing them: `medgym tools`. Conditions are the entries of the tables of conditions and inpatient
problems, with {coded} ICD-10-CM codes among them; a source is a distinct citation in the fact tables. One table of
drugs (`drug_interaction`) serves all domains; medical_qa has one of its own for questions. Instrument tools compute one
instrument each; `calculate_clinical_score` and `get_clinical_scores` reach the others.

{markdown(header, [*rows, total])}

## Instruments

Each is computed from typed inputs with units; a missing input is named and nothing is filled in. Worked examples stand
in `tests/medgym_core/instruments/examples/`, at least two each, with their source.

{markdown(["name", "title", "inputs", "unit", "source"], listed)}
"""


if __name__ == "__main__":
    print(page(), end="")

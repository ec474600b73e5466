"""The obstetric facts as passages of the knowledge base, in our own words."""

from collections.abc import Iterator

from medgym_core.domains.obstetrics.lookup import conditions
from medgym_core.domains.obstetrics.rules import table
from medgym_core.knowledge import Document

LICENCE = "Apache-2.0"


def documents() -> Iterator[Document]:
    """One document a condition, protocol, limit with words, medicine, choice of drugs and contraception category."""
    for entry in conditions().values():
        sections = [("Recognition", entry["words"]), ("Management", f"{entry['title']}: {entry['management']}.")]
        sections.append(("Avoid", f"In {entry['title']} avoid: {entry['contraindications']}."))
        if "fetal" in entry:
            sections.append(("Fetus", f"Fetal state in {entry['title']}: {entry['fetal']}."))
        yield _document(entry["source"], f"{entry['title'].capitalize()} ({entry['icd10']})", sections)
    for name, entry in table("protocols").items():
        text = f"Criteria: {entry['criteria']}. First steps: {entry['first']}. Target: {entry['target']}."
        yield _document(entry["source"], f"Obstetric protocol: {name}", [("Protocol", text)])
    for name, entry in table("limits").items():
        yield _document(entry["source"], f"Obstetric limits: {name.replace('_', ' ')}", [("Rule", entry["words"])])
    for name, entry in table("medicines").items():
        text = f"{name.capitalize()}: {entry['dose']}. Not with: {entry['forbids']}."
        yield _document(entry["source"], f"{name.capitalize()} in obstetrics", [("Dose", text)])
    for name, entry in table("choices").items():
        rows = "; ".join(
            f"{c['drug']} not with {', '.join(c['out']) or 'its own allergy'}" for c in entry["candidates"]
        )
        yield _document(entry["source"], f"Choice of drug: {name}", [("Choice", f"For {entry['asks']}: {rows}.")])
    for name, entry in table("contraception").items():
        text = f"Combined hormonal contraception with {name}: US MEC category {entry['category']}."
        yield _document(entry["source"], f"Combined contraception and {name}", [("Category", text)])
    for name, entry in table("orders").items():
        text = f"With {entry['complaint']}, {entry['wrong']} is wrong: {entry['why']}."
        yield _document(entry["source"], f"Order to question: {name.replace('_', ' ')}", [("Reason", text)])


def _document(source: str, title: str, sections: list[tuple[str, str]]) -> Document:
    return Document(f"MedGym facts: {source}", title, sections, LICENCE, "")

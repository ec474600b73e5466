"""The facts of the inpatient record as passages of the knowledge base, in our own words."""

from collections.abc import Iterator

from medgym_core.clinical.codes import lookup_icd
from medgym_core.domains.ehr_management.rules import table
from medgym_core.knowledge import Document

LICENCE = "Apache-2.0"


def documents() -> Iterator[Document]:
    """One document for each entry: problems, measures, orders to stop, results, samples, criteria, rules."""
    for name, e in table("problems").items():
        coded = f"ICD-10-CM {e['icd']}, {lookup_icd(e['icd'])}"
        text = f"{name.capitalize()}: {e['stated']}. {coded}. Typical reason for admission: {e['reason']}."
        drugs = [("Treatment", f"Usual inpatient drugs of {name}: {', '.join(e['drugs'])}.")] if e["drugs"] else []
        yield _document(e["source"], f"Inpatient problem: {name}", [("Coding", text), *drugs])
    for name, e in table("quality").items():
        yield _document(e["source"], f"Quality measure: {name}", [("Rule", e["words"])])
    for name, e in table("code_status").items():
        yield _document(e["source"], f"Code status: {name}", [("Permits", f"{name} permits {e['permits']}.")])
    for name, e in table("harm").items():
        limit = f"{e['measure']} of {e['over']:g} or more" if "over" in e else f"{e['measure']} below {e['under']:g}"
        yield _document(e["source"], f"When to stop {name}", [("Rule", f"Stop {name} with {limit}: {e['why']}.")])
    for name, e in table("pending").items():
        result = e["result"] or "not back before discharge"
        yield _document(
            e["source"], f"Result around discharge: {name}", [("Action", f"{e['test']}, {result}: {e['action']}.")]
        )
    for name, e in table("spurious").items():
        yield _document(
            e["source"],
            f"Spoilt sample: {name}",
            [("Effect", f"A {e['lab']} is false with {e['comment']}; repeat it.")],
        )
    for name, e in table("stability").items():
        limit = e.get("words") or (f"at most {e['at_most']:g}" if "at_most" in e else f"at least {e['at_least']:g}")
        yield _document(
            e["source"],
            f"Clinical stability: {name}",
            [("Limit", f"{name.replace('_', ' ')} {limit} before discharge.")],
        )
    for name, e in table("antibiotics").items():
        yield _document(
            e["source"],
            f"AWaRe group {name}",
            [("Members", f"{name.capitalize()} antibiotics: {', '.join(e['drugs'])}.")],
        )
    for name, e in table("duplicates").items():
        text = f"Two active orders of one {name} group ({', '.join(e['classes'])}) are a therapeutic duplication."
        yield _document(e["source"], f"Duplicate therapy: {name}", [("Rule", text)])

    for name, e in table("permissions").items():
        yield _document(e["source"], f"Identity, release and consent: {name}", [("Rule", e["words"])])
    e = table("high_alert")["acute care"]
    text = f"High-alert drugs, which harm most when given to the wrong patient: {', '.join(e['drugs'])}."
    yield _document(e["source"], "High-alert drugs", [("Members", text)])


def _document(source: str, title: str, sections: list[tuple[str, str]]) -> Document:
    return Document(f"MedGym facts: {source}", title, sections, LICENCE, "")

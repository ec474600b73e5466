"""Tools that look things up: the differential, conditions, tests, guidelines and literature in the knowledge base."""

from typing import Any

from medgym_core.domains.clinical_diagnosis import differential, tables
from medgym_core.domains.medical_qa.searching import gist
from medgym_core.errors import unknown_name
from medgym_core.text import normal
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World, tool

MOST_DIAGNOSES = 5
MOST_HITS = 3
DEPTH = 30  # hits looked at for the few that are shown
GUIDELINE = "Guideline: "


@tool("read")
def get_differential_diagnosis(world: World, symptoms: str) -> dict:
    """Conditions of this patient's age and sex ranked by how well the findings match: findings matched, and a score.

    Args:
        symptoms: Findings separated by commas, such as fever, productive cough, crackles.
    """
    if not symptoms.strip():
        raise ToolError("no findings given", expected="findings separated by commas")
    chart, known = world.chart, tables.conditions()
    found = {}
    for key, matched, listed, score in differential.rank(symptoms):
        if tables.fits(known[key], chart):
            found[known[key]["title"]] = f"{matched} of {listed} findings, score {score:.2f}"
            if len(found) == MOST_DIAGNOSES:
                break
    return found or {"diagnosis": NOT_IN_DATABASE}


@tool("read", static=True)
def lookup_condition(world: World, condition: str) -> dict:
    """A condition of the tables: code, typical findings, the test that confirms it, first-line treatment.

    Args:
        condition: Name of the condition.
    """
    key = tables.condition_of(condition)
    if key is None:
        return {condition: NOT_IN_DATABASE}
    e = tables.conditions()[key]
    shown = {"condition": e["title"], "icd10": e["icd10"], "findings": ", ".join(e["features"])}
    return shown | {"confirmed by": e["test"], "first-line": e["treatment"]}


@tool("read", static=True)
def compare_diagnoses(world: World, condition_a: str, condition_b: str) -> dict:
    """What separates two conditions: the finding of the tables, or the findings each has alone.

    Args:
        condition_a: One condition.
        condition_b: The other.
    """
    keys = [tables.condition_of(c) for c in (condition_a, condition_b)]
    for key, name in zip(keys, (condition_a, condition_b), strict=True):
        if key is None:
            return {name: NOT_IN_DATABASE}
    first, second = (tables.conditions()[k] for k in keys if k)
    shown = {}
    for e, other, other_key in ((first, second, keys[1]), (second, first, keys[0])):
        if other_key in e["against"]:
            shown[f"for {other['title']}"] = e["against"][other_key]
        alone = [f for f in e["features"] if f not in other["features"]]
        shown[f"only {e['title']}"] = ", ".join(alone[:4]) or "none"
        shown[f"test for {e['title']}"] = e["test"]
    return shown


@tool("read", static=True)
def lookup_test(world: World, test: str) -> dict:
    """A test of the tables: how it is ordered, turnaround, what it reports, and conditions it confirms.

    Args:
        test: Name of the test.
    """
    name = tables.test_of(test)
    if name is None:
        return {test: NOT_IN_DATABASE}
    e = tables.tests()[name]
    confirms = [c["title"] for c in tables.conditions().values() if c["test"] == name]
    shown = {"test": name, "kind": e["kind"], "routine": f"{e['minutes'][0]} min", "stat": f"{e['minutes'][1]} min"}
    shown["reports"] = ", ".join(e["components"]) if "components" in e else e.get("normal", "nothing")
    return shown | {"confirms": ", ".join(confirms[:5]) or "none alone"}


@tool("read", static=True)
def search_medical_literature(world: World, query: str) -> dict:
    """Search the knowledge base: titles of the best passages, each with the sentence that fits.

    Args:
        query: What to look for, in a few words.
    """
    hits = _hits(world, query)
    shown: dict[str, str] = {}
    for hit in hits:
        name = hit.title if hit.title not in shown else f"{hit.title} / {hit.section}"
        shown.setdefault(name, gist(hit.title, hit.snippet, query))
        if len(shown) == MOST_HITS:
            break
    return shown or {"passages": NOT_AVAILABLE}


@tool("read", static=True)
def search_clinical_guidelines(world: World, condition: str) -> dict:
    """Guidelines in the knowledge base on a condition: title, source and what they recommend.

    Args:
        condition: The condition or question.
    """
    wanted = normal(GUIDELINE).strip()
    hits = [
        h for h in _hits(world, f"{condition} guideline recommendations") if normal(h.title).strip().startswith(wanted)
    ]
    if not hits:
        return {"guidelines": NOT_AVAILABLE}
    passage = world.knowledge.read(hits[0].id)
    shown = {"guideline": passage.title.removeprefix(GUIDELINE), "recommends": _short(passage.text)}
    return shown | ({"see also": ", ".join(h.title.removeprefix(GUIDELINE) for h in hits[1:3])} if hits[1:] else {})


@tool("read", static=True)
def get_guideline(world: World, guideline: str, recommendation: int = 1) -> dict:
    """One recommendation of a guideline of the tables, with the number there are.

    Args:
        guideline: Its title or the condition.
        recommendation: Which, from 1.
    """
    key = guideline_named(guideline)
    if key is None:
        return {guideline: NOT_IN_DATABASE}
    e = tables.table("guidelines")[key]
    if not 1 <= recommendation <= len(e["says"]):
        raise ToolError("no such recommendation", got=recommendation, expected=f"1 to {len(e['says'])}")
    said = e["says"][recommendation - 1]
    return {"guideline": e["title"], "recommends": said, "number": f"{recommendation} of {len(e['says'])}"}


def guideline_named(name: str) -> str | None:
    """The guideline of that title, key or condition, or None."""
    wanted = normal(name)
    for key, e in tables.table("guidelines").items():
        if wanted in (normal(e["title"]), normal(key)):
            return key
    condition = tables.condition_of(name)
    return tables.guideline_of(condition) if condition else None


@tool("read", static=True)
def list_specialties(world: World, starts_with: str = "") -> dict:
    """Specialties a patient can be handed over to.

    Args:
        starts_with: Show only those that start so.
    """
    found = [s for s in tables.specialties() if s.startswith(starts_with.strip().lower())]
    if not found:
        raise ToolError(str(unknown_name("specialty", starts_with, tables.specialties())))
    return {"specialties": ", ".join(found)}


def _hits(world: World, query: str) -> list[Any]:
    if world.knowledge is None:
        raise ToolError("no knowledge base in this episode")
    if not query.strip():
        raise ToolError("empty query", expected="a few words")
    return world.knowledge.search(query, DEPTH)


def _short(text: str, words: int = 60) -> str:
    cut = text.split()
    return " ".join(cut[:words]) + (" …" if len(cut) > words else "")

"""The conditions of the synonym table, from the ontologies in MEDGYM_DATA: `python benchmarks/synonyms.py`.

Rewrites what follows `MARK` in medgym_core/clinical/facts/synonyms.toml and prints the counts. The names are those of
MedGym: golds and options of 400 tasks a domain, titles of the tables of conditions, clinical names with a code. Their
synonyms are the exact ones of the Disease Ontology, as far as they are exact here. Left out, each with its count:

shape        obsolete wording, inverted or compound entries, one or two letters
qualifier    a word or number of course, cause, kind or patient that one of the two names has and the other has not
ambiguous    also a name of another condition or option of MedGym, or of two terms of the ontology
contradicted the NCI Thesaurus or Orphanet has the two names, and never for one term
refused      listed as such in the table
"""

import json
import re
import tarfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from medgym_core import domains, facts
from medgym_core.clinical.codes import icd_of
from medgym_core.clinical.synonyms import spelled
from medgym_core.errors import MedGymError
from medgym_core.home import data
from medgym_core.knowledge.search import KnowledgeBase
from medgym_core.tasks import build_task_set
from medgym_core.types import Gold

FILE = Path(__file__).parents[1] / "medgym_core" / "clinical" / "facts" / "synonyms.toml"
MARK = "# Conditions: exact synonyms of the Disease Ontology, made by benchmarks/synonyms.py\n"
ARCHIVE = "corpus/disease_ontologies.tar.xz"
GIVES = "ontologies/doid-2018-07-05.json"
CHECKS = ("ontologies/ncit-disease-2018-06-08.json", "ontologies/ordo-2_6-2018-07-12.json")
SOURCE = "Human Disease Ontology, release of 2018-07-05, {} (CC0 1.0)"
KINDS = ("category", "ordinal", "set", "plan")
PER_DOMAIN = 400
LEAST_LETTERS = 3
QUALIFIERS = frozenset(
    "acute subacute chronic recurrent relapsing persistent episodic first single transient remission late early "
    "congenital hereditary familial genetic acquired infantile juvenile childhood adult neonatal newborn pediatric "
    "maternal puerperal puerperium postpartum senile primary secondary idiopathic essential symptomatic infectious "
    "infective viral bacterial allergic autoimmune drug alcoholic toxic benign malignant metastatic cancer carcinoma "
    "neoplasm tumor mass severe mild moderate complicated uncomplicated perforated perforation necrotizing "
    "hemorrhagic generalized localized focal diffuse disseminated systemic peripheral central left right upper lower "
    "anterior posterior body head tail curve curvature peritonitis abscess without with type rheumatic ruptured "
    "abdominal thoracic thoracoabdominal pregnancy gestational antepartum delivered postmenopausal shoulder elbow "
    "forearm hand wrist pelvic thigh knee ankle foot".split()
)
"""Words that make another diagnosis of a name: course, origin, kind of growth, extent, side, patient."""
_SHAPE = re.compile(r" - |[,;:/?@\[(.]|\b(?:nos|unspecified|other|and|or|ca|disorder of)\b", re.IGNORECASE)
_NUMERAL = re.compile(r"\d+|i{1,3}|iv|v|vi{1,3}|ix|x|[abcdef]")


class Term(NamedTuple):
    """A term of an ontology with its label and exact synonyms."""

    id: str
    names: list[str]


class Table(NamedTuple):
    """The conditions found, and how many synonyms each rule left out."""

    entries: dict[str, tuple[list[str], str]]
    """Name to its synonyms and the identifier of the term."""
    left_out: Counter[str]


def main() -> None:
    table = made()
    FILE.write_text(head() + written(table), encoding="utf-8")
    print(f"{len(table.entries)} conditions, {sum(len(also) for also, _ in table.entries.values())} synonyms")
    print("left out:", ", ".join(f"{rule} {n}" for rule, n in table.left_out.most_common()))


def made() -> Table:
    """The table as MEDGYM_DATA and the tasks at hand give it. Raises MedGymError without the data."""
    if data() is None:
        raise MedGymError("MEDGYM_DATA is not set", expected=f"a folder with {ARCHIVE}")
    with tarfile.open(data() / ARCHIVE) as archive:
        gives = list(terms(json.load(archive.extractfile(GIVES))))
        checks = [list(terms(json.load(archive.extractfile(file)))) for file in CHECKS]
    return table_of(*names(), gives, [by_name(c) for c in checks])


def head() -> str:
    """What stands before the conditions, written by hand."""
    return FILE.read_text(encoding="utf-8").partition(MARK)[0] + MARK


def written(table: Table) -> str:
    lines = [
        f"{json.dumps(name)} = {{ kind = \"condition\", also = {json.dumps(also, ensure_ascii=False)}, "
        f"source = {json.dumps(SOURCE.format(term))} }}\n"
        for name, (also, term) in sorted(table.entries.items())
    ]  # fmt: skip
    return "".join(lines)


def terms(ontology: dict[str, Any]) -> Iterator[Term]:
    """The terms of an OBO graph that are in use."""
    for node in (n for graph in ontology["graphs"] for n in graph["nodes"]):
        meta = node.get("meta", {})
        if node.get("lbl") and not meta.get("deprecated"):
            exact = [s["val"] for s in meta.get("synonyms", ()) if s["pred"] == "hasExactSynonym"]
            yield Term(node["id"].rsplit("/", 1)[-1].replace("_", ":"), [node["lbl"], *exact])


def by_name(found: Iterable[Term]) -> dict[str, set[str]]:
    """Every name in its spelled form, with the terms that have it."""
    index: dict[str, set[str]] = defaultdict(set)
    for term in found:
        for name in term.names:
            index[spelled(name)].add(term.id)
    return index


def names() -> tuple[dict[str, str], dict[str, set[str]]]:
    """MedGym's names by their form, and every other name its tables and golds give, with the forms it stands for."""
    found: dict[str, str] = {}
    aliases: dict[str, set[str]] = defaultdict(set)
    listed = [*golds(), *titles(), *((name, ()) for name in coded())]
    for name, also in sorted(listed, key=lambda n: (n[0].lower(), n[0])):
        found.setdefault(spelled(name), name.lower().replace("_", " "))
        for other in also:
            aliases[spelled(other)].add(spelled(name))
    return found, aliases


def golds() -> Iterator[tuple[str, Iterable[str]]]:
    """Golds and options of the tasks, with the synonyms that the task gives them."""
    for task in build_task_set(0, PER_DOMAIN, KnowledgeBase.shipped()):
        for gold in parts(task.truth.gold):
            if gold.kind in KINDS:
                answers = gold.value if isinstance(gold.value, list) else [str(gold.value)]
                yield from ((name, gold.synonyms.get(name, ())) for name in {*answers, *gold.options})


def parts(gold: Gold) -> Iterator[Gold]:
    yield gold
    for field in gold.fields.values():
        yield from parts(field)


def titles() -> Iterator[tuple[str, Iterable[str]]]:
    """Titles in the tables of conditions, with the other names they list."""
    for domain in domains.NAMES:
        for file in facts.folder(domain).iterdir():
            if file.name.startswith(("conditions", "treatments")) and file.name.endswith(".toml"):
                for name, e in facts.load(domain, file.name.removesuffix(".toml")).items():
                    yield e.get("title", name), (*e.get("also", ()), *e.get("aliases", ()))


def coded() -> Iterator[str]:
    """Clinical names with an ICD-10-CM code."""
    for chapter in facts.load("clinical", "icd10cm").values():
        yield from chapter["names"]
    yield from facts.load("clinical", "background")


def table_of(
    found: dict[str, str], aliases: dict[str, set[str]], gives: list[Term], checks: list[dict[str, set[str]]]
) -> Table:
    """The synonyms of every name that is in exactly one term, after the rules."""
    index, left_out, refused = by_name(gives), Counter(), refusals()
    by_id = {term.id: term for term in gives}
    entries: dict[str, tuple[list[str], str]] = {}
    for form, name in found.items():
        if len(index.get(form, ())) != 1:
            left_out["name of two terms"] += len(index.get(form, ())) > 1
            continue
        term = by_id[next(iter(index[form]))]
        kept: dict[str, str] = {}
        for other in sorted({n.strip().lower() for n in term.names}):
            said = spelled(other)
            if said == form or said in kept:
                continue
            rule = "refused" if said in refused else fault(form, other, term, checks)
            if not rule and (not single(said, form, found, aliases) or len(index[said]) > 1):
                rule = "ambiguous"
            if rule:
                left_out[rule] += 1
            else:
                kept[said] = other
        if kept:
            entries[name] = (list(kept.values()), term.id)
    return unshared(entries, left_out)


def refusals() -> set[str]:
    """Forms of the names that the table refuses."""
    listed = facts.load("clinical", "synonyms").items()
    return {spelled(name) for name, e in listed if e["kind"] == "refused"}


def fault(form: str, other: str, term: Term, checks: list[dict[str, set[str]]]) -> str:
    """The rule, if any, by which another name of the term is not an exact synonym of this one."""
    said = spelled(other)
    if _SHAPE.search(other) or len(re.findall(r"[a-z]", said)) < LEAST_LETTERS:
        return "shape"
    short = said in (cut := {initials(spelled(n)) for n in term.names}) or form in cut
    if not short and qualified(form) != qualified(said):
        return "qualifier"
    if any(form in c and said in c and c[form].isdisjoint(c[said]) for c in checks):
        return "contradicted"
    return ""


def qualified(form: str) -> set[str]:
    """What qualifies a name: its qualifiers and numerals."""
    return {w for w in form.split() if w in QUALIFIERS or _NUMERAL.fullmatch(w)}


def initials(form: str) -> str:
    """The first letters of the words: what a name is often cut down to."""
    return "".join(word[0] for word in form.split())


def single(said: str, form: str, found: dict[str, str], aliases: dict[str, set[str]]) -> bool:
    """Whether no other condition or option has this name; one with the same ICD-10-CM code is the same condition."""
    others = ({said} if said in found else set()) | aliases.get(said, set())
    code = icd_of(found[form])
    return all(o == form or (code is not None and icd_of(found[o]) == code) for o in others)


def unshared(entries: dict[str, tuple[list[str], str]], left_out: Counter[str]) -> Table:
    """The entries with names of one condition brought together; what two of them still share is dropped from both."""
    merged: dict[str, tuple[list[str], str]] = {}
    home: dict[str, str] = {}
    for name, (also, term) in sorted(entries.items()):
        first = home.setdefault(spelled(name), name)
        known = merged.setdefault(first, ([], term))[0]
        known += [n for n in also if spelled(n) not in {spelled(first), *map(spelled, known)}]
        home |= {spelled(n): first for n in also if spelled(n) in {spelled(e) for e in entries}}
    owners = Counter(spelled(n) for also, _ in merged.values() for n in also)
    left_out["ambiguous"] += sum(n > 1 for n in owners.values())
    kept = {n: ([a for a in also if owners[spelled(a)] == 1], term) for n, (also, term) in merged.items()}
    return Table({n: e for n, e in kept.items() if e[0]}, left_out)


if __name__ == "__main__":
    main()

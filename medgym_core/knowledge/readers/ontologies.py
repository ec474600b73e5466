"""Ontologies: term definitions and synonyms from OBO, OBO-graph JSON and babelon TSV (HPO's translation tables).

Formats: https://owlcollab.github.io/oboformat/doc/GO.format.obo-1_4.html, https://github.com/geneontology/obographs,
https://github.com/monarch-initiative/babelon.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from medgym_core.errors import MedGymError
from medgym_core.knowledge.licences import licence_name
from medgym_core.knowledge.readers.common import (
    Origin,
    as_object,
    document,
    each,
    items,
    load_json,
    read_members,
    string,
)
from medgym_core.knowledge.readers.streams import Member
from medgym_core.knowledge.readers.tables import rows_of
from medgym_core.knowledge.rejects import Rejects
from medgym_core.knowledge.types import Document

# What the publishers say; a file that states its own licence keeps it.
ONTOLOGY_LICENCES = {
    "DOID": "CC0 1.0",
    "SYMP": "CC0 1.0",
    "NCIT": "CC BY 4.0",
    "Orphanet": "CC BY 4.0",
    "MONDO": "CC BY 4.0",
    "HP": "HPO own licence (cite, do not alter)",
}
_ESCAPED = re.compile(r"\\(.)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
DEFINITION, LABEL = "IAO:0000115", "rdfs:label"
TermRow = tuple[str, str, str, list[str], list[str]]
"""(id, name, definition, synonyms, names of its parents)."""


def read_ontologies(
    path: Path, rejects: Rejects | None = None, source: str = "ontologies", licence: str = ""
) -> Iterator[Document]:
    """One document a term with a definition, synonyms or both; obsolete terms and imported graphs are passed over."""
    babelon: dict[str, list[str]] = {}

    def parse(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
        if member.name.endswith(".tsv"):
            _collect(member, rejects, babelon)
            return iter(())
        return (_graph if member.name.endswith(".json") else _obo)(member, rejects, origin)

    origin = Origin(source, licence)
    yield from read_members(path, (".obo", ".json", ".tsv"), parse, rejects, origin)
    for identity in sorted(babelon):  # a term's label and definition stand in different files
        name, meaning = babelon[identity]
        if name and meaning:
            yield _term(origin, (identity, name, meaning, [], []), "", str(path))


def _term(origin: Origin, row: TermRow, stated: str, at: str) -> Document:
    identity, name, meaning, synonyms, parents = row
    sections = [("Definition", meaning)]
    if synonyms:
        sections.append(("Synonyms", f"{name} is also called {', '.join(synonyms)}."))
    if parents and (meaning or synonyms):
        sections[0] = ("Definition", f"{meaning}\n\n{name} is a kind of {', '.join(parents)}." if meaning else "")
    prefix = identity.split(":")[0]
    licence = stated or ONTOLOGY_LICENCES.get(prefix, origin.licence)
    return document(origin, name, sections, at, url=_url(identity), licence=licence, id=identity)


def _others(name: str, synonyms: list[str]) -> list[str]:
    """The synonyms that are not the name itself, each once."""
    return [other for other in dict.fromkeys(synonyms) if other and other.lower() != name.lower()]


def _url(identity: str) -> str:
    prefix, _, number = identity.partition(":")
    if prefix == "Orphanet":
        return f"http://www.orpha.net/ORDO/Orphanet_{number}"
    return f"http://purl.obolibrary.org/obo/{prefix}_{number}"


def _obo(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
    """Stanzas of `tag: value` lines."""
    header: dict[str, list[str]] = {}
    terms: dict[str, tuple[dict[str, list[str]], str]] = {}
    fields, kind = header, ""
    for at, line in member.lines(rejects):
        line = line.strip()
        if line.startswith("["):
            fields, kind = {}, line
        elif ":" in line:
            tag, _, value = line.partition(":")
            fields.setdefault(tag.strip(), []).append(value.strip())
            if tag == "id" and kind == "[Term]":
                if value.strip() in terms:
                    rejects.add(at, f"duplicate id; got {value.strip()} again; expected each once")
                else:
                    terms[value.strip()] = (fields, at)
        elif line and not line.startswith("!"):
            rejects.add(at, f"broken line; got {line[:60]!r}; expected tag: value")
    if not terms:
        raise MedGymError("not an OBO file", got="no [Term] with an id", expected="some", where=member.where)
    names = {identity: "".join(fields.get("name", [])[:1]) for identity, (fields, _) in terms.items()}
    stated = next((name for v in header.get("property_value", []) if "license" in v and (name := licence_name(v))), "")
    kept = ((at, (identity, fields)) for identity, (fields, at) in terms.items() if _worth(fields, names[identity]))

    def make(entry: tuple[str, dict[str, list[str]]], at: str) -> Document:
        identity, fields = entry
        parents = [names.get(v.split(" !")[0].split(" {")[0].strip(), "") for v in fields.get("is_a", [])]
        synonyms = _others(names[identity], _all(fields, "synonym"))
        row = (identity, names[identity], _quoted(fields, "def"), synonyms, [p for p in parents if p])
        return _term(origin, row, stated, f"{at}, {identity}")

    return each(kept, make, rejects)


def _worth(fields: dict[str, list[str]], name: str) -> bool:
    """Whether a term is in use and something is said of it."""
    current = fields.get("is_obsolete") != ["true"]
    return current and bool(_quoted(fields, "def") or _others(name, _all(fields, "synonym")))


def _quoted(fields: dict[str, list[str]], tag: str) -> str:
    return "".join(_all(fields, tag)[:1])


def _all(fields: dict[str, list[str]], tag: str) -> list[str]:
    found = (_QUOTED.match(value) for value in fields.get(tag, []))
    return [_ESCAPED.sub(lambda c: "\n" if c[1] == "n" else c[1], match[1]) for match in found if match]


def _graph(member: Member, rejects: Rejects, origin: Origin) -> Iterator[Document]:
    """OBO-graph JSON: the first graph is the ontology, the others are what it imports."""
    content = as_object(load_json(member.read(), member.where), member.where)
    graph = next(iter(items(content.get("graphs"))), None)
    if graph is None or not isinstance(graph.get("nodes"), list):
        got = f"keys {', '.join(content)}"
        raise MedGymError("not an OBO graph", got=got, expected="graphs with nodes", where=member.where)
    stated = _graph_licence(graph)
    nodes = items(graph["nodes"])
    names = {string(node.get("id")): string(node.get("lbl")) for node in nodes}
    parents: dict[str, list[str]] = {}
    for edge in items(graph.get("edges")):
        parent = names.get(string(edge.get("obj")), "")
        if edge.get("pred") == "is_a" and parent:
            parents.setdefault(string(edge.get("sub")), []).append(parent)

    def make(node: dict, at: str) -> Document:
        key, name = string(node.get("id")), string(node.get("lbl"))
        if not key:
            raise MedGymError("not a term", got="no id", expected="one", where=at)
        row = (_curie(key), name, *_said(node), parents.get(key, []))
        return _term(origin, row, stated, f"{at} ({key[:80]})")

    kept = ((f"{member.where}, node {i}", node) for i, node in enumerate(nodes, 1) if any(_said(node)))
    return each(kept, make, rejects)


def _said(node: dict) -> tuple[str, list[str]]:
    """(definition, exact synonyms) of a node; nothing of a deprecated one."""
    meta = node.get("meta")
    if not isinstance(meta, dict) or meta.get("deprecated"):
        return "", []
    meaning = meta.get("definition")
    synonyms = [string(e.get("val")) for e in items(meta.get("synonyms")) if e.get("pred") == "hasExactSynonym"]
    meaning = string(meaning.get("val")) if isinstance(meaning, dict) else ""
    return meaning.strip(), _others(string(node.get("lbl")), synonyms)


def _curie(key: str) -> str:
    """`http://purl.obolibrary.org/obo/DOID_8718` as `DOID:8718`."""
    return re.split(r"[/#]", key)[-1].replace("_", ":", 1)


def _graph_licence(graph: dict) -> str:
    """The licence that the graph's own notes state."""
    meta = graph.get("meta")
    notes = items(meta.get("basicPropertyValues")) if isinstance(meta, dict) else []
    told = (string(note.get("val")) for note in notes if "licen" in string(note.get("val")).lower())
    told = (*told, *(string(n.get("val")) for n in notes if "license" in string(n.get("pred")).lower()))
    return next((name for text in told if (name := licence_name(text))), "")


def _collect(member: Member, rejects: Rejects, terms: dict[str, list[str]]) -> None:
    """English labels and definitions of a babelon table, into `terms`: id to [label, definition]."""
    for at, row in rows_of(member, rejects, "\t"):
        identity, predicate, text = row.get("subject_id", ""), row.get("predicate_id", ""), row.get("source_value", "")
        if row.get("source_language") != "en" or predicate not in (DEFINITION, LABEL):
            rejects.add(at, f"not an English term; got {predicate or 'no predicate'}; expected {LABEL} or {DEFINITION}")
        elif text.strip():
            slot = terms.setdefault(identity, ["", ""])
            slot[predicate == DEFINITION] = slot[predicate == DEFINITION] or text.strip()

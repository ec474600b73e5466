"""Tools on the knowledge base: ranked snippets, whole passages in parts, citations, and what it covers.

A passage is named by its id or by its title as the search shows it (titles are shorter to copy than content hashes).
"""

from functools import cache
from typing import Any

from medgym_core.domains.medical_qa import tables
from medgym_core.errors import MedGymError
from medgym_core.knowledge.text import sentences
from medgym_core.text import normal, tokens
from medgym_core.tools import NOT_AVAILABLE, ToolError, World, tool

SNIPPET_WORDS = 10  # three hits stay under about 60 tokens
PART_WORDS = 60
MOST_HITS = 5
DEPTH = 4  # hits looked at for each one shown: long sections have several passages
TITLE_HITS = 20  # how deep a title is looked for


@tool("read", static=True)
def search_passages(world: World, query: str, k: int = 3, ids: bool = False) -> dict:
    """Search the knowledge base. Passages, best first, one a section: title and the sentence that fits the query.

    Args:
        query: What to look for, in a few words.
        k: Number of passages, 1 to 5.
        ids: Show passage ids in place of sentences.
    """
    if not query.strip():
        raise ToolError("empty query", expected="a few words")
    if not 1 <= k <= MOST_HITS:
        raise ToolError("bad k", got=k, expected=f"1 to {MOST_HITS}")
    best: dict[tuple[str, str], Any] = {}
    for hit in _knowledge(world).search(query, DEPTH * k):
        best.setdefault((normal(hit.title), hit.section), hit)
    hits = list(best.values())[:k]
    if not hits:
        return {"passages": NOT_AVAILABLE}
    titles = [normal(hit.title) for hit in hits]
    names = [h.title if titles.count(normal(h.title)) == 1 else f"{h.title} / {h.section}" for h in hits]
    return {n: h.id if ids else gist(h.title, h.snippet, query) for n, h in zip(names, hits, strict=True)}


@tool("read", static=True)
def read_passage(world: World, passage_id: str, part: int = 1) -> dict:
    """The full text of a passage, in parts of about 60 words.

    Args:
        passage_id: Id of the passage, or its title as the search shows it.
        part: Which part, from 1.
    """
    passage = _passage(world, passage_id)
    parts = _parts(passage.text)
    if not 1 <= part <= len(parts):
        raise ToolError("no such part", got=part, expected=f"1 to {len(parts)}")
    shown = {"text": parts[part - 1]}
    return shown | ({"part": f"{part} of {len(parts)}"} if len(parts) > 1 else {"source": passage.source})


@tool("write", static=True)
def save_citation(world: World, passage_id: str) -> dict:
    """Cite a passage as the source of the answer.

    Args:
        passage_id: Id of the passage, or its title as the search shows it.
    """
    passage = _passage(world, passage_id)
    world.written.append({"citation": passage.id})
    return {"cited": passage.title}


@tool("read", static=True)
def list_topics(world: World) -> dict:
    """What the sourced passages cover, with the number of entries of each kind."""
    return dict(_topics())


@cache
def _topics() -> dict[str, int]:
    counts = {r.key: sum(f.relation == name for f in tables.all_facts()) for name, r in tables.RELATIONS.items()}
    others = {"thresholds": "criteria", "reference ranges": "ranges", "drug choices": "choices", "patterns": "patterns"}
    return counts | {shown: len(tables.table(name)) for shown, name in others.items()}


def gist(title: str, snippet: str, query: str) -> str:
    """The snippet's sentence that shares most words with the query (the first of equals), without its title, cut."""
    wanted = set(tokens(query))
    found = sentences(snippet.replace("…", ". ")) or [snippet]
    best = max(found, key=lambda s: len(wanted & set(tokens(s))))
    best = best.removeprefix(f"{title}:").strip(" .")
    words = best.split()
    return best if len(words) <= SNIPPET_WORDS else " ".join(words[:SNIPPET_WORDS]) + " …"


def _parts(text: str) -> list[str]:
    words = text.split()
    return [" ".join(words[i : i + PART_WORDS]) for i in range(0, len(words), PART_WORDS)]


def _knowledge(world: World) -> Any:
    if world.knowledge is None:
        raise ToolError("no knowledge base in this episode")
    return world.knowledge


def _passage(world: World, name: str) -> Any:
    """The passage with that id, title, or `title / section`."""
    if not name.strip():
        raise ToolError("empty passage id", expected="an id or a title from a search result")
    knowledge = _knowledge(world)
    try:
        return knowledge.read(name.strip())
    except MedGymError:  # not an id: look for the title
        hits = knowledge.search(name, TITLE_HITS)
    wanted = normal(name)
    for hit in hits:
        if wanted in (normal(hit.title), normal(f"{hit.title} {hit.section}")):
            return knowledge.read(hit.id)
    raise ToolError("no such passage", got=repr(name), expected="an id or a title from a search result")

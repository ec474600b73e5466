"""Searches limited to one kind of source: one look into the index, then a filter.

The index is asked once for DEPTH passages and those of other kinds are dropped. Where none is left the answer is `not
in the database`: a passage of another kind is never shown under this name.
"""

from functools import cache
from typing import Any

from medgym_core import facts
from medgym_core.domains.medical_qa.searching import _knowledge, gist
from medgym_core.text import normal
from medgym_core.tools import NOT_IN_DATABASE, ToolError, World

DEPTH = 60  # passages looked at; the kinds' shares in the corpora make fewer than 3 of them rare
MOST_HITS = 5


def table() -> dict[str, dict[str, Any]]:
    return facts.load("medical_qa", "kinds")


@cache
def is_kind(source: str, section: str, kind: str) -> bool:
    """Whether a passage of that source and section is of the kind."""
    entry = table()[kind]
    named = any(mark in f"{source.lower()} " for mark in entry["sources"])
    return named and any(mark in section.lower() for mark in entry.get("sections", [""]))


def find(world: World, query: str, kind: str = "", k: int = MOST_HITS) -> list[Any]:
    """The best `k` hits of the kind (any kind without one), one a title and section. Raises ToolError on bad input."""
    if not query.strip():
        raise ToolError("empty query", expected="a few words")
    if not 1 <= k <= MOST_HITS:
        raise ToolError("bad number of results", got=k, expected=f"1 to {MOST_HITS}")
    best: dict[tuple[str, str], Any] = {}
    for hit in _knowledge(world).search(query, DEPTH):
        if not kind or is_kind(hit.source, hit.section, kind):
            best.setdefault((normal(hit.title), hit.section), hit)
            if len(best) == k:
                break
    return list(best.values())


def shown(hits: list[Any], query: str, kind: str = "") -> dict[str, str]:
    """Hits as an observation: title to the sentence that fits the query."""
    if not hits:
        return {table()[kind]["words"] if kind else "passages": NOT_IN_DATABASE}
    titles = [normal(hit.title) for hit in hits]
    names = [h.title if titles.count(normal(h.title)) == 1 else f"{h.title} / {h.section}" for h in hits]
    return {name: gist(hit.title, hit.snippet, query) for name, hit in zip(names, hits, strict=True)}

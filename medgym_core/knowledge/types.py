"""The records of the knowledge base: what a reader yields, what is stored, what a search returns."""

from medgym_core.types import Struct


class Document(Struct, frozen=True):
    """One source document, as a reader yields it."""

    source: str
    """Name of the corpus, such as `medquad`."""
    title: str
    """What it is about: a disease, a topic, a drug."""
    sections: list[tuple[str, str]]
    """(heading, text) in reading order; the text keeps its line breaks, which separate paragraphs and list items.
    A nested heading is its path, outermost first, joined by ` > `."""
    licence: str
    url: str
    id: str = ""
    """The publisher's own identifier, such as a PMID; empty: it has none."""
    date: str = ""
    """Of publication: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`; empty: not known."""


class Passage(Struct, frozen=True):
    """One stored unit of text, whole sentences."""

    id: str
    """Content hash of title, section and text."""
    source: str
    title: str
    section: str
    text: str
    licence: str
    url: str
    document: str = ""
    """Key of the document it was cut from: content hash of source, publisher's identifier (else url) and title."""
    position: int = 0
    """Its place among the document's passages, from 0."""
    date: str = ""
    """The document's date; empty: not known."""


class Hit(Struct, frozen=True):
    """One search result. `snippet` holds the passage's best sentences for the query, about 60 words at most."""

    id: str
    title: str
    section: str
    snippet: str
    score: float
    """Comparable within one result list only."""
    source: str

"""Sourced clinical facts: TOML tables beside each domain, and the same facts as documents of the knowledge base."""

from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

import tomli

from medgym_core import domains
from medgym_core.errors import MedGymError

SHARED = ("clinical", "instruments")
"""Packages beside the domains that hold facts of their own."""


def folder(owner: str) -> Any:
    """Where the fact tables of a domain or shared package lie."""
    package = f"medgym_core.{owner}" if owner in SHARED else f"medgym_core.domains.{owner}"
    return resources.files(package) / "facts"


@cache
def load(owner: str, table: str) -> dict[str, dict[str, Any]]:
    """The facts of `<owner>/facts/<table>.toml`: entry name to its fields, `source` among them.

    `owner` is a domain, or one of the shared packages `clinical` and `instruments`.

    Raises MedGymError for a file that is not TOML and for an entry without a source.
    """
    file = folder(owner) / f"{table}.toml"
    try:
        entries = tomli.loads(file.read_text(encoding="utf-8"))
    except tomli.TOMLDecodeError as error:
        raise MedGymError(f"fact file is not TOML: {error}", where=file.name) from error
    for name, entry in entries.items():
        if not isinstance(entry, dict) or not entry.get("source"):
            raise MedGymError("fact without a source", got=name, expected="a `source` field", where=file.name)
    return entries


def documents() -> Iterator[Any]:
    """All shipped facts as `Document`s of the knowledge base: the instruments, then domain by domain."""
    from medgym_core.instruments.documents import documents as instrument_documents

    yield from instrument_documents()
    for name in domains.NAMES:
        yield from domains.get(name).documents()

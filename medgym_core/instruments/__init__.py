"""Validated clinical scores and formulas: see `base` for what one is, `facts/` for their numbers and sources."""

from functools import cache
from importlib import import_module

from medgym_core.errors import unknown_name
from medgym_core.instruments.base import FUNCTIONS, Instrument, Outcome, bind

__all__ = ["GROUPS", "Instrument", "Outcome", "get", "names"]

GROUPS = ("cardiac", "chest", "hepatic", "critical", "emergency", "renal", "metabolic", "mental", "obstetric", "ward")
"""One module of functions and one fact table each."""


@cache
def names() -> tuple[str, ...]:
    """All instruments, group by group."""
    for group in GROUPS:
        import_module(f"medgym_core.instruments.{group}")
    return tuple(FUNCTIONS)


def get(name: str) -> Instrument:
    """The instrument of that name. Raises MedGymError listing near names."""
    if name not in names():
        raise unknown_name("instrument", name, names())
    return bind(name)

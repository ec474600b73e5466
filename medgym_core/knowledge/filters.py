"""Filters: which passages a search may return, and when two results say the same.

A filter is turned into one flag a passage before anything is ranked, so `k` results come where there are `k`.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from medgym_core.errors import MedGymError, unknown_name
from medgym_core.knowledge.passages import corpus_of
from medgym_core.types import Struct

YEARS = (1, 9999)
ALIKE = 0.9  # shared share of the terms of two passages, title included, from which the second tells nothing new


class Filter(Struct, frozen=True):
    """Passages that meet all that is given; the empty filter admits every passage."""

    sources: tuple[str, ...] = ()
    """One of these corpora, such as `medquad`, or sources; the shipped facts, which cite many, are `MedGym facts`."""
    section: str = ""
    """Stands in the heading path, whatever the case: `treatment` admits `Gout > Treatment options`."""
    year_from: int | None = None
    """Published in this year or later; a passage without a date is out wherever a year is given."""
    year_to: int | None = None
    """Published in this year or earlier."""
    licences: tuple[str, ...] = ()
    """Under one of these."""


def admitted(wanted: Filter, column: Callable[[str], pa.Array | pa.ChunkedArray]) -> np.ndarray | None:
    """Flags bool (N,) of the passages that `wanted` admits; None: all. `column(name)` gives one of the table.

    Raises MedGymError for a source or licence that no passage has, and for years that are none or in the wrong order.
    """
    if not isinstance(wanted, Filter):
        raise MedGymError("bad filter", got=type(wanted).__name__, expected="a Filter")
    first, last = _years(wanted)
    tests = []
    for what, name, values in (("source", "source", wanted.sources), ("licence", "licence", wanted.licences)):
        if isinstance(values, str):
            raise MedGymError(f"bad {what}s of a filter", got=repr(values), expected="a tuple of names")
        if values:
            tests.append(_one_of(column(name), what, values))
    if wanted.section.strip():
        tests.append(pc.match_substring(column("section"), " ".join(wanted.section.split()), ignore_case=True))
    if wanted.year_from is not None or wanted.year_to is not None:
        year = pc.utf8_slice_codeunits(column("date"), 0, 4)
        year = pc.cast(pc.if_else(pc.match_substring_regex(year, r"^[0-9]{4}$"), year, "0"), pa.int32())
        tests += [pc.greater_equal(year, first), pc.less_equal(year, last)]
    return np.logical_and.reduce([flags(test) for test in tests]) if tests else None


def _years(wanted: Filter) -> tuple[int, int]:
    first = YEARS[0] if wanted.year_from is None else wanted.year_from
    last = YEARS[1] if wanted.year_to is None else wanted.year_to
    if not (isinstance(first, int) and isinstance(last, int) and YEARS[0] <= first <= last <= YEARS[1]):
        raise MedGymError(
            "bad years of a filter", got=f"{wanted.year_from!r} to {wanted.year_to!r}", expected="such as 2015 to 2020"
        )
    return first, last


def _one_of(column: pa.Array | pa.ChunkedArray, what: str, values: Sequence[str]) -> pa.Array | pa.ChunkedArray:
    """Flags of the rows whose value, or the corpus it belongs to, is one of `values`."""
    known = pc.unique(column).to_pylist()
    groups = {value: corpus_of(value) for value in known}
    for value in values:
        if value not in groups and value not in groups.values():
            raise unknown_name(what, str(value), sorted(set(groups.values())))
    wanted = [value for value in known if value in values or groups[value] in values]
    return pc.is_in(column, pa.array(wanted, pa.string()))


def flags(column: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """A column of booleans as bool (N,)."""
    parts = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    return np.concatenate([np.zeros(0, bool), *(part.to_numpy(zero_copy_only=False) for part in parts)]).astype(bool)


def alike(a: frozenset[str], b: frozenset[str], limit: float = ALIKE) -> bool:
    """Whether the shared terms make up `limit` of all the terms of both (Jaccard); two empty sets are alike."""
    if min(len(a), len(b)) < limit * max(len(a), len(b)):  # too different in size already
        return False
    shared = len(a & b)
    return shared >= limit * (len(a) + len(b) - shared)

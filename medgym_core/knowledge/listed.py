"""Passages held as a list, with the methods of `passages.Rows`: what a knowledge base made in memory stands on.

No Arrow table is made for them: that would import pandas where it is installed, and the shipped facts open at once.
"""

from collections.abc import Sequence

import numpy as np

from medgym_core.knowledge.types import Passage


class Listed:
    """A list of passages, looked up by position or id."""

    def __init__(self, passages: Sequence[Passage]):
        self._passages = passages
        self.ids = [passage.id for passage in passages]
        self._row_of = {identity: row for row, identity in enumerate(self.ids)}

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, row: int) -> Passage:
        return self._passages[row]

    def shown(self, row: int) -> tuple[str, str, str, str, str]:
        """(id, source, title, section, text) of a position."""
        passage = self._passages[row]
        return passage.id, passage.source, passage.title, passage.section, passage.text

    def row(self, id: str) -> int | None:
        """The passage's position; None for an unknown id."""
        return self._row_of.get(id)

    def rows(self, ids: Sequence[str]) -> np.ndarray:
        """The positions int64 (N,) of ids that are all there. Raises KeyError for another."""
        return np.array([self._row_of[identity] for identity in ids], dtype=np.int64)

    def column(self, name: str):
        """One field of all passages, as an Arrow array."""
        import pyarrow as pa

        return pa.array([getattr(passage, name) for passage in self._passages])

"""What a reader could not use: every malformed record counted, the first thousand listed, none fatal."""

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from medgym_core.errors import MedGymError

LISTED = 1_000  # rows kept: enough to see every kind of fault; a list as long as a broken corpus helps nobody
LONGEST = 500  # characters of a row's text: a reject must not carry the bad record with it


@dataclass
class Rejects:
    """Counts and the first rows of what was left out.

    >>> rejects = Rejects(); rejects.add("topics.jsonl, line 3", "broken line; got '{'"); rejects.reasons
    Counter({'broken line': 1})
    """

    count: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    """By kind: the part of the reason before its first `;`."""
    rows: list[dict[str, str]] = field(default_factory=list)
    """The first 1,000, as {"where", "why"}."""

    def add(self, where: str, why: str) -> None:
        why = " ".join(why.split())[:LONGEST]
        self.count += 1
        self.reasons[why.split(";", 1)[0]] += 1
        if len(self.rows) < LISTED:
            self.rows.append({"where": " ".join(str(where).split())[:LONGEST], "why": why})

    def add_error(self, where: str, error: MedGymError) -> None:
        """Add the reason of `error`; its own place, where it has one, replaces `where`."""
        why, _, place = str(error).rpartition("; in ")
        self.add(place, why) if why else self.add(where, place)

    def extend(self, other: "Rejects") -> None:
        """Add what another reader rejected."""
        self.count += other.count
        self.reasons += other.reasons
        self.rows += other.rows[: LISTED - len(self.rows)]

    def write(self, path: Path) -> None:
        """The listed rows as JSON lines, and a last line with all counts; written beside `path` and renamed."""
        beside = Path(path).with_name(f".{Path(path).name}.{os.getpid()}")
        with open(beside, "w", encoding="utf-8") as out:
            for row in self.rows:
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
            out.write(json.dumps({"count": self.count, "reasons": dict(sorted(self.reasons.items()))}) + "\n")
        os.replace(beside, path)

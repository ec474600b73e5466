"""Scorecards as a report: `report.html` (one file, no script, no network), `report.md` and `report.json`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.published import published
from evaluation.report import page, summary, words
from evaluation.report.read import checked_card, read_card, read_metrics
from medgym_core.artifacts import write_atomic
from medgym_core.errors import MedGymError

__all__ = ["checked_card", "read_card", "read_metrics", "write_report"]

NAMES = ("report.html", "report.md", "report.json")


def write_report(
    cards: Sequence[Mapping[str, Any]],
    folder: Path,
    runs: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> list[Path]:
    """Write the three files and give their paths. The same scorecards give the same bytes.

    `cards` are scorecards (`read_card`), the first the one reported and the others beside it; cards of one policy under
    one protocol are put together. `runs` holds the metrics records (`read_metrics`) of training runs by name.
    """
    if not cards:
        raise MedGymError("nothing to report", got="0 scorecards", expected="at least 1")
    whole, known = summary.distinct([checked_card(card) for card in cards]), published()
    content = {
        "scorecards": whole,
        "summary": [{"policy": c["policy"], "protocol": c["protocol"], "rows": summary.rows(c)} for c in whole],
        "published": [row for row in known if row["benchmark"] in {p["name"] for p in whole[0]["parts"]}],
    }
    texts = (
        page.page(whole, runs or {}, known),
        words.markdown(whole, known),
        json.dumps(content, indent=1, ensure_ascii=True) + "\n",  # ASCII: half a surrogate pair stays writable
    )
    for name, text in zip(NAMES, texts, strict=True):
        write_atomic(Path(folder) / name, text)
    return [Path(folder) / name for name in NAMES]

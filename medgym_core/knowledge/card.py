"""The data card of a passages table: what is in it, from where, under which licence, and what was left out and why."""

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from medgym_core.knowledge.passages import COUNTS, corpus_of
from medgym_core.knowledge.recombine import RECOMBINED

LENGTHS = (1, 15, 50, 100, 150, 201)  # words at which a class of the histogram begins
UNDATED = "unknown"


def card(table: pa.Table, stats: Mapping, rejects: Mapping[str, Mapping[str, int]] | None = None) -> dict:
    """The card as JSON-able data.

    `stats` are those of `merge_passages`; `rejects` has for each source the reasons of its malformed records. Keys:
    `passages, recombined, documents, words, sources, licences, lengths, years, removed, excluded_by, common_runs,
    rejects`. Passages appended after the merge (recombined text) count where they are.
    """
    words = pc.add(pc.count_substring(table["text"], " "), 1).to_numpy()
    corpora = [corpus_of(source) for source in _dictionary(table["source"])]
    made = pc.sum(pc.equal(table["source"], RECOMBINED)).as_py() or 0
    return {
        "passages": table.num_rows,
        "recombined": made,
        "documents": pc.count_distinct(table["document"]).as_py(),
        "words": int(words.sum()),
        "sources": _sources(table, words, corpora, stats),
        "licences": _counted(table["licence"]),
        "lengths": _lengths(words),
        "years": _counted(pc.utf8_slice_codeunits(table["date"], 0, 4), empty=UNDATED),
        "removed": {name: stats[name] for name in ("duplicates", "near_duplicates", "excluded")},
        "excluded_by": dict(stats["excluded_by"]),
        "common_runs": list(stats["common_runs"]),
        "rejects": {source: dict(sorted(found.items())) for source, found in sorted((rejects or {}).items()) if found},
    }


def _dictionary(column: pa.ChunkedArray) -> list[str]:
    return column.combine_chunks().dictionary_encode().dictionary.to_pylist()


def _counted(column: pa.ChunkedArray, empty: str = "") -> dict[str, int]:
    """Value to number of passages, by value."""
    found = {row["values"] or empty: row["counts"] for row in pc.value_counts(column).to_pylist()}
    return dict(sorted(found.items()))


def _sources(table: pa.Table, words: np.ndarray, corpora: list[str], stats: Mapping) -> dict[str, dict]:
    """By corpus: its licences, what was read and removed, and what is there."""
    codes = table["source"].combine_chunks().dictionary_encode().indices.to_numpy()
    names = sorted(set(corpora))
    corpus = np.array([names.index(name) for name in corpora], dtype=np.int64)[codes]
    licence = table["licence"].combine_chunks().dictionary_encode()
    document = table["document"].combine_chunks().dictionary_encode().indices.to_numpy()
    found = {}
    for number, name in enumerate(names):
        here = corpus == number
        read = stats["sources"].get(name, {})
        found[name] = {
            "licences": sorted(licence.dictionary[int(i)].as_py() for i in np.unique(licence.indices.to_numpy()[here])),
            **{count: read.get(count, 0) for count in COUNTS if count != "left"},
            "left": int(here.sum()),
            "documents": len(np.unique(document[here])),
            "words": int(words[here].sum()),
        }
    gone = {name: {"licences": [], **counts} for name, counts in stats["sources"].items() if name not in found}
    return dict(sorted((found | gone).items()))


def _lengths(words: np.ndarray) -> dict[str, int]:
    """Words of a passage to number of passages."""
    counts = np.histogram(words, [*LENGTHS, np.inf])[0].tolist()
    labels = [f"{a}-{b - 1}" for a, b in zip(LENGTHS[:-1], LENGTHS[1:], strict=True)] + [f"over {LENGTHS[-1] - 1}"]
    return dict(zip(labels, counts, strict=True))


def card_markdown(card: Mapping) -> str:
    """The card for people: Markdown with a table a subject."""
    made = f", of them {card['recombined']:,} recombined for scale tests" if card["recombined"] else ""
    lines = ["# Knowledge base: data card", ""]
    lines += [f"{card['passages']:,} passages{made}; {card['documents']:,} documents, {card['words']:,} words.", ""]
    columns = ["records", "passages", "duplicates", "near_duplicates", "excluded", "left", "words"]
    rows = [
        [name, *(f"{found.get(column, 0):,}" for column in columns), ", ".join(found["licences"])]
        for name, found in card["sources"].items()
    ]
    lines += _markdown("Sources", ["source", *(c.replace("_", " ") for c in columns), "licences"], rows)
    lines += _markdown("Licences", ["licence", "passages"], _pairs(card["licences"]))
    lines += _markdown("Words of a passage", ["words", "passages"], _pairs(card["lengths"]))
    lines += _markdown("Years", ["decade", "passages"], _pairs(_decades(card["years"])))
    lines += _markdown("Left out for a benchmark", ["benchmark file", "passages"], _pairs(card["excluded_by"]))
    runs = [[found["run"], f"{found['documents']:,}", ", ".join(found["names"])] for found in card["common_runs"]]
    lines += _markdown("Blocked runs that stand in many documents", ["run", "documents", "benchmark files"], runs)
    faults = [[source, why, f"{n:,}"] for source, found in card["rejects"].items() for why, n in found.items()]
    lines += _markdown("Malformed records", ["source", "reason", "records"], faults)
    return "\n".join(lines)


def _pairs(counts: Mapping[str, int]) -> list[list[str]]:
    return [[name, f"{number:,}"] for name, number in counts.items()]


def _decades(years: Mapping[str, int]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for year, number in years.items():
        found[f"{year[:3]}0s" if year[:3].isdigit() else year] += number
    return dict(found)


def _markdown(heading: str, columns: list[str], rows: list[list[str]]) -> list[str]:
    """A heading with a table; nothing without rows. Bars and line breaks in a cell would break it."""
    if not rows:
        return []
    cells = [[" ".join(cell.split()).replace("|", "\\|") for cell in row] for row in rows]
    table = [columns, ["---"] * len(columns), *cells]
    return [f"## {heading}", "", *("| " + " | ".join(row) + " |" for row in table), ""]

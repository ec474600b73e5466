"""Tables of the report: on a phone every row becomes a card, its cells named by their column."""

from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.report import charts
from evaluation.report.summary import MARKS
from evaluation.report.tags import Markup, h

UNKNOWN = "not known"
Cell = tuple[Any, str]
"""What stands in a cell, and its class."""


def table(header: Sequence[str | Cell], body: Sequence[Sequence[Any]]) -> Markup:
    """Rows of cells (a cell is a child of `tags.h` or a `Cell`); the first of a row is its heading."""
    names = [cell if isinstance(cell, tuple) else (cell, "") for cell in header]
    head = h("tr", (h("th", name, class_=style or None, scope="col") for name, style in names))
    lines = []
    for row in body:
        cells = [cell if _is_cell(cell) else (cell, "") for cell in row]
        drawn = [h("th", cells[0][0], scope="row")]
        for (name, _), (child, style) in zip(names[1:], cells[1:], strict=True):
            empty = " empty" if child in (None, "") else ""
            drawn.append(h("td", _whole(child), class_=(style + empty).strip() or None, data_label=name))
        lines.append(h("tr", drawn))
    return h("table", h("thead", head), h("tbody", lines), class_="stack")


def named(title: str, sub: str) -> list[Any]:
    """A name with a smaller line below it."""
    return [title, h("span", sub, class_="sub") if sub else None]


def number(value: float | None, digits: int = 3) -> str:
    return UNKNOWN if value is None else f"{value:.{digits}f}"


def interval(low: float, high: float) -> str:
    return f"[{low:.3f}, {high:.3f}]"


def valued(row: Mapping[str, Any]) -> Cell:
    return (named(number(row["value"]), interval(row["low"], row["high"])), "value")


def drawn(row: Mapping[str, Any]) -> Cell:
    """Dot and whisker with chance, best null and oracle; empty where the value leaves 0 to 1."""
    if not -1e-9 <= row["value"] <= 1 + 1e-9:
        return ("", "drawn")
    marks = {"chance": row.get("chance")}
    marks |= {"null": (row.get("best_null") or {}).get("value"), "oracle": (row.get("oracle") or {}).get("value")}
    known = {kind: at for kind, at in marks.items() if at is not None}
    label = f"{row['value']:.3f}, 95 % interval {row['low']:.3f} to {row['high']:.3f}"
    label += "".join(f"; {kind} {at:.3f}" for kind, at in known.items())
    return (charts.whisker(row["value"], row["low"], row["high"], known, label), "drawn")


def compared(comparison: Mapping[str, Any] | None) -> Cell:
    """A paired difference in words, colour and sign."""
    if comparison is None:
        return ("not compared", "against")
    mark = h("span", MARKS[comparison["verdict"]], class_=comparison["verdict"].replace(" ", "-"))
    told = f"{comparison['difference']:+.3f} {interval(comparison['low'], comparison['high'])}"
    rival = f"against {comparison['against']}, p {p_told(comparison['p_holm'])}"
    return ([mark, h("span", told, class_="sub"), h("span", rival, class_="sub")], "against")


def p_told(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def counted(row: Mapping[str, Any]) -> Cell:
    """Items measured, of those published."""
    n = row["n"] if row["n"] is not None else row["items"]
    told = UNKNOWN if n is None else f"{n:,}"
    subs = [f"of {row['published_items']:,}"] if row["published_items"] is not None else []
    if row.get("clusters") is not None and n is not None and row["clusters"] < n:
        subs.append(f"{row['clusters']:,} families")
    return ([told, [h("span", sub, class_="sub") for sub in subs]], "num")


def _is_cell(cell: Any) -> bool:
    return isinstance(cell, tuple) and len(cell) == 2 and isinstance(cell[1], str) and not isinstance(cell, Markup)


def _whole(child: Any) -> Any:
    """One element per cell, so that the grid of a phone has two columns."""
    return h("span", child) if isinstance(child, list) else child

"""The report's drawings as inline SVG. Colours come from the page's style sheet, so they follow light and dark.

`whisker` is a dot with its interval on a scale from 0 to 1; `lines` a small chart of series over steps; `reliability`
the accuracy of answers by how sure the policy was.
"""

import math
from collections.abc import Mapping, Sequence

from evaluation.report.tags import Markup, h

WIDE, HIGH = 220, 26  # of a whisker, in its own units: it is drawn as wide as its cell
CHART = (420, 230)
LEFT, RIGHT, TOP, BOTTOM = 48, 18, 10, 30  # room around a chart for its scales
SERIES = 6  # colours in the style sheet: .s0 to .s5
Points = Sequence[tuple[float, float]]


def whisker(value: float, low: float, high: float, marks: Mapping[str, float], label: str) -> Markup:
    """Dot and interval between 0 and 1. `marks` are level marks by class: `chance`, `null`, `oracle`."""

    def x(at: float) -> str:
        return f"{4 + (WIDE - 8) * min(1.0, max(0.0, at)):.1f}"

    middle = HIGH / 2
    drawn = [h("line", x1=x(0), x2=x(1), y1=middle, y2=middle, class_="axis")]
    drawn += [h("line", x1=x(at), x2=x(at), y1=8, y2=HIGH - 8, class_="tick") for at in (0.25, 0.5, 0.75)]
    drawn += [h("line", x1=x(at), x2=x(at), y1=3, y2=HIGH - 3, class_=f"mark {kind}") for kind, at in marks.items()]
    drawn += [
        h("line", x1=x(low), x2=x(high), y1=middle, y2=middle, class_="whisker"),
        *(h("line", x1=x(at), x2=x(at), y1=middle - 4, y2=middle + 4, class_="whisker") for at in (low, high)),
        h("circle", cx=x(value), cy=middle, r=4, class_="dot"),
    ]
    return h("svg", h("title", label), drawn, viewBox=f"0 0 {WIDE} {HIGH}", role="img", class_="whisker-chart")


def lines(title: str, series: Mapping[str, Points], label: str = "step") -> Markup:
    """Series over steps with scales and a legend; a series of one point is a dot. Empty series are left out."""
    known = {name: points for name, points in series.items() if points}
    xs = [x for points in known.values() for x, _ in points]
    ys = [y for points in known.values() for _, y in points]
    across, up = _scale(min(xs), max(xs)), _scale(min(ys), max(ys))
    drawn = _axes(across, up, label)
    for number, points in enumerate(known.values()):
        at = [(_x(x, across), _y(y, up)) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        style = f"s{number % SERIES}"
        drawn.append(h("polyline", points=path, class_=f"line {style}"))
        if len(at) <= 40:  # more dots than that run into one another
            drawn += [h("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=2.2, class_=f"point {style}") for x, y in at]
    svg = h("svg", h("title", title), drawn, viewBox=f"0 0 {CHART[0]} {CHART[1]}", role="img", class_="chart")
    legend = [
        h("span", h("i", class_=f"swatch s{number % SERIES}"), name, class_="key") for number, name in enumerate(known)
    ]
    return h("figure", h("figcaption", title), svg, h("div", legend, class_="legend"))


def reliability(title: str, bins: Sequence[tuple[float, float, int]]) -> Markup:
    """Accuracy by confidence: one dot a bin, its size the share of answers, beside the line of perfect calibration."""
    across, up = _scale(0.0, 1.0), _scale(0.0, 1.0)
    most = max(n for _, _, n in bins)
    drawn = _axes(across, up, "confidence")
    ends = {"x1": _x(0, across), "y1": _y(0, up), "x2": _x(1, across), "y2": _y(1, up)}
    drawn.append(h("line", **{k: f"{v:.1f}" for k, v in ends.items()}, class_="mark chance"))
    drawn += [
        h(
            "circle",
            h("title", f"confidence {c:.2f}, accuracy {a:.2f}, {n} answers"),
            cx=f"{_x(c, across):.1f}",
            cy=f"{_y(a, up):.1f}",
            r=f"{3 + 7 * math.sqrt(n / most):.1f}",
            class_="point s0 bin",
        )
        for c, a, n in bins
    ]
    svg = h("svg", h("title", title), drawn, viewBox=f"0 0 {CHART[0]} {CHART[1]}", role="img", class_="chart")
    return h("figure", h("figcaption", title), svg)


def _axes(across: list[float], up: list[float], label: str) -> list[Markup]:
    right, bottom = CHART[0] - RIGHT, CHART[1] - BOTTOM
    drawn = []
    for value in up:
        y = _y(value, up)
        drawn.append(h("line", x1=LEFT, x2=right, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="grid"))
        drawn.append(h("text", _told(value, up), x=LEFT - 6, y=f"{y + 4:.1f}", text_anchor="end"))
    for value in across:
        drawn.append(h("text", _told(value, across), x=f"{_x(value, across):.1f}", y=bottom + 16, text_anchor="middle"))
    drawn.append(h("text", label, x=right, y=CHART[1] - 2, text_anchor="end", class_="unit"))
    return drawn


def _x(value: float, scale: list[float]) -> float:
    return LEFT + (CHART[0] - LEFT - RIGHT) * (value - scale[0]) / (scale[-1] - scale[0])


def _y(value: float, scale: list[float]) -> float:
    return CHART[1] - BOTTOM - (CHART[1] - BOTTOM - TOP) * (value - scale[0]) / (scale[-1] - scale[0])


def _scale(low: float, high: float) -> list[float]:
    """Round values about four apart that hold `low` and `high`."""
    span = high - low or abs(high) or 1.0
    step = 10 ** math.floor(math.log10(span / 4))
    step *= next(m for m in (1, 2, 2.5, 5, 10) if span / (step * m) <= 4.001)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [n * step for n in range(first, max(last, first + 1) + 1)]


def _told(value: float, scale: list[float]) -> str:
    step = scale[1] - scale[0]
    if value and (abs(value) >= 1e5 or step < 1e-4):
        return f"{value:.1e}"
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{value:,.{digits + (round(step * 10**digits, 6) % 1 > 0)}f}"

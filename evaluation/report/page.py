"""The report as one HTML page: no script, nothing loaded, so that it can be kept, mailed and printed."""

from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.report import failures, measures, sections, summary, tables
from evaluation.report.style import CSS
from evaluation.report.tags import Markup, h

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""Nothing is loaded or run even if a text should escape its escaping."""
WARNING = "Research tool, not for clinical use. MedGym's patients are synthetic; public benchmarks are their authors'."
NO_SAFETY = "Safety was not measured in this evaluation. Nothing here says that the policy is safe."
NO_BIAS = "Bias was not measured in this evaluation."


def page(
    cards: Sequence[Mapping[str, Any]],
    runs: Mapping[str, Sequence[Mapping[str, Any]]],
    published: Sequence[Mapping[str, Any]],
) -> str:
    """The whole page. `cards` are checked scorecards, the first the one reported; `runs` metrics by name of the run."""
    first, *others = cards
    title = f"Evaluation of {first['policy']['name']}"
    chapters = _chapters(first, runs, published, cards if others else ())
    for number, card in enumerate(others, 2):
        chapters += [(f"card{number}", f"Scorecard of {card['policy']['name']}", _other(card))]
    body = h(
        "div",
        _head(first, title),
        _contents(chapters),
        h("main", (h("section", h("h2", name), content, id=key) for key, name, content in chapters)),
        h("footer", WARNING, " report.md and report.json beside this file hold the same figures."),
        class_="layout",
    )
    meta = [
        h("meta", charset="utf-8"),
        h("meta", http_equiv="Content-Security-Policy", content=POLICY),
        h("meta", name="viewport", content="width=device-width, initial-scale=1"),
        h("meta", name="referrer", content="no-referrer"),
        h("title", title),
        h("style", Markup(CSS)),
    ]
    return "<!doctype html>\n" + h("html", h("head", meta), h("body", body), lang="en") + "\n"


def document(title: str, *children: Any) -> str:
    """A page of the same looks without a table of contents."""
    meta = [
        h("meta", charset="utf-8"),
        h("meta", http_equiv="Content-Security-Policy", content=POLICY),
        h("meta", name="viewport", content="width=device-width, initial-scale=1"),
        h("title", title),
        h("style", Markup(CSS)),
    ]
    inside = h("div", h("header", h("h1", title)), h("main", children, style="grid-column:1/-1"), class_="layout")
    return "<!doctype html>\n" + h("html", h("head", meta), h("body", inside), lang="en") + "\n"


def _head(card: Mapping[str, Any], title: str) -> Markup:
    policy, protocol = card["policy"], card["protocol"]
    seeds = {e.get("seeds") for part in card["parts"] if (e := part["estimates"][policy["name"]])}
    known = sorted(s for s in seeds if isinstance(s, int))
    facts = {
        "Policy": policy["name"],
        "Version": policy["version"] if policy["version"] is not None else "not registered",
        "Policy digest": str(policy["digest"])[:16] or "not known",
        "Suite": card["suite"] or "not named",
        "Parts": len(card["parts"]),
        "Training seeds": ", ".join(map(str, known)) or "not known",
        "Evaluation seed": protocol["seed"] if protocol["seed"] is not None else "not known",
        "Items a part": "all" if protocol["limit"] is None else f"at most {protocol['limit']}",
        "Protocol digest": str(protocol["digest"])[:16] or "not known",
    }
    listed = h("dl", (h("div", h("dt", name), h("dd", str(value))) for name, value in facts.items()), class_="facts")
    return h("header", h("h1", title), h("p", WARNING, class_="notice"), listed)


def _contents(chapters: Sequence[tuple[str, str, Any]]) -> Markup:
    links = (h("li", h("a", name, href=f"#{key}")) for key, name, _ in chapters)
    return h("nav", h("ol", links), aria_label="Contents")


def _chapters(
    card: Mapping[str, Any],
    runs: Mapping[str, Sequence[Mapping[str, Any]]],
    published: Sequence[Mapping[str, Any]],
    beside: Sequence[Mapping[str, Any]],
) -> list[tuple[str, str, Any]]:
    first = [("beside", "Policies side by side", side_by_side(beside))] if beside else []
    return [
        *first,
        ("scorecard", "Scorecard", sections.scorecard(card)),
        ("groups", "By domain, type and subject", sections.breakdown(card)),
        ("safety", "Safety", sections.special(card, "safety", NO_SAFETY)),
        ("bias", "Bias", sections.special(card, "bias", NO_BIAS)),
        ("training", "Training dynamics", sections.dynamics(runs)),
        ("calibration", "Calibration", measures.calibration(card)),
        ("figures", "Further figures", sections.figures(card)),
        ("failures", "Failure examples", failures.section(card)),
        ("published", "Published results", _published(card, published)),
        ("notes", "Notes", sections.notes(card)),
    ]


def _other(card: Mapping[str, Any]) -> Markup:
    return h("div", h("p", f"Protocol digest {str(card['protocol']['digest'])[:16]}."), sections.scorecard(card))


def side_by_side(cards: Sequence[Mapping[str, Any]]) -> Markup:
    """Values of several policies. They are not paired here: overlapping intervals say nothing about a difference."""
    keys = list(dict.fromkeys((p["name"], p["metric"]) for card in cards for p in card["parts"]))
    titles = {(p["name"], p["metric"]): p["title"] for card in cards for p in card["parts"]}
    body = []
    for key in keys:
        cells: list[Any] = [tables.named(titles[key], key[1])]
        for card in cards:
            found = [p for p in card["parts"] if (p["name"], p["metric"]) == key]
            row = summary.row(found[0], card["policy"]["name"]) if found else None
            cells.append(tables.valued(row) if row else "not measured")
        body.append(cells)
    digests = {card["protocol"]["digest"] for card in cards}
    warning = "These scorecards were measured under different protocols. " if len(digests) > 1 else ""
    note = f"{warning}Only the paired comparisons of one scorecard tell whether two policies differ."
    names = [_called(card) for card in cards]
    return h("div", h("p", note, class_="note"), tables.table(["Benchmark", *names], body))


def _called(card: Mapping[str, Any]) -> str:
    policy = card["policy"]
    return policy["name"] if policy["version"] is None else f"{policy['name']} {policy['version']}"


def _published(card: Mapping[str, Any], published: Sequence[Mapping[str, Any]]) -> Markup:
    held = {part["name"]: part for part in card["parts"]}
    body = []
    for name, part in held.items():
        rows = [row for row in published if row["benchmark"] == name]
        if rows:
            own = summary.row(part, card["policy"]["name"])
            about = f"{part['metric']}, {part['mode']}" if part["mode"] else part["metric"]
            body.append([part["title"], h("b", card["policy"]["name"]), tables.valued(own), "", about, "this report"])
        for row in rows:
            how = tables.named(row["protocol"], row["differs"])
            body.append(
                [part["title"], row["system"], (f"{row['value']:.3f}", "value"), row["year"], how, row["source"]]
            )
    if not body:
        return h("p", "No published figure is on file for these benchmarks.")
    note = "Other systems under their own protocols: a frame, not a comparison."
    head = ["Benchmark", "System", "Value", "Year", "Protocol, and what differs", "Source"]
    return h("div", h("p", note, class_="note"), tables.table(head, body))

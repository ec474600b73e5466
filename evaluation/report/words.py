"""The report as Markdown: the tables of the page without drawings and transcripts."""

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.report import page, sections, summary
from evaluation.report.tables import p_told
from evaluation.report.tags import visible

MARKED = re.compile(r"([\\`*_\[\]|#!~$])")


def markdown(cards: Sequence[Mapping[str, Any]], published: Sequence[Mapping[str, Any]]) -> str:
    """The page of these scorecards."""
    first = cards[0]
    lines = [f"# Evaluation of {plain(first['policy']['name'])}", "", f"> {page.WARNING}", ""]
    for card in cards:
        lines += _card(card)
    rows = [r for r in published if r["benchmark"] in {p["name"] for p in first["parts"]}]
    if rows:
        keys = ("benchmark", "system", "value", "year", "protocol", "differs", "source")
        lines += ["## Published results", "", "Other systems under their own protocols.", ""]
        lines += grid([k for k in keys], [[str(row[k]) for k in keys] for row in rows])
    return "\n".join(lines).rstrip() + "\n"


def _card(card: Mapping[str, Any]) -> list[str]:
    policy, protocol = card["policy"], card["protocol"]
    facts = (
        f"Version {policy['version'] or 'not registered'}, suite {card['suite']}, policy digest {policy['digest']}, "
    )
    facts += f"protocol digest {protocol['digest']}, seed {protocol['seed']}, limit {protocol['limit'] or 'none'}."
    lines = [f"## {plain(policy['name'])}", "", plain(facts), "", sections.READING, ""]
    lines += grid(HEADER, [_row(row) for row in summary.rows(card)])
    for kind, none in (("safety", page.NO_SAFETY), ("bias", page.NO_BIAS)):
        if not summary.of_kind(card["parts"], kind):
            lines += [none, ""]
    for part in card["parts"]:
        if part["groups"]:
            lines += [f"### {plain(part['title'])}: {plain(part['metric'])} by group", ""]
            found = {group: e[policy["name"]] for group, e in part["groups"].items() if policy["name"] in e}
            lines += grid(["group", "value", "items"], [[g, _value(e), str(e.get("n", ""))] for g, e in found.items()])
    return lines


HEADER = ["benchmark", "metric", "mode", "value", "items", "published", "chance", "best null", "detectable", "against"]


def _row(row: Mapping[str, Any]) -> list[str]:
    null, main = row["best_null"], row["main"]
    told = "not compared"
    if main:
        interval = f"{main['difference']:+.3f} [{main['low']:+.3f}, {main['high']:+.3f}]"
        told = f"{main['verdict']}: {interval} against {main['against']}, p {p_told(main['p_holm'])}"
    return [
        row["title"], row["metric"], row["mode"], _value(row), _count(row["n"]), _count(row["published_items"]),
        "none" if row["chance"] is None else f"{row['chance']:.3f}",
        f"{null['value']:.3f} ({null['name']})" if null else "none run",
        "not known" if row["detectable"] is None else f"{row['detectable']:.3f}", told,
    ]  # fmt: skip


def _value(row: Mapping[str, Any]) -> str:
    return f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def _count(value: Any) -> str:
    return "not known" if value is None else f"{value:,}"


def grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table of any texts, and an empty line."""
    lines = [header, ["---"] * len(header)]
    body = [[plain(str(cell)) for cell in row] for row in rows]
    return ["| " + " | ".join(line) + " |" for line in (*lines, *body)] + [""]


def plain(text: str) -> str:
    """Text that Markdown shows as it stands, on one line."""
    return MARKED.sub(r"\\\1", html.escape(" ".join(visible(text).split()), quote=False))

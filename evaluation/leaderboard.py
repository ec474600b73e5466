"""A leaderboard over scorecards: policies by their accuracy on MedGym's tasks, with intervals and ties.

Accuracy over several domains is the mean over all tasks; its interval is put together from those of the domains, which
share no task (Zou & Donner 2008, Statistics in Medicine 27:1693). Only policies measured under one protocol on the same
tasks stand in one table. A scorecard holds no single answers, so differences to the first are taken as of independent
samples: on shared tasks that is too wide, and a tie may be a difference which a paired comparison would show
(`medgym evaluate` of both, or the promotion gate). p is corrected by Holm over the table.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evaluation import statistics
from evaluation.report import page, summary, tables, words
from evaluation.report.summary import ALPHA, TASKS
from evaluation.report.tables import p_told
from medgym_core.artifacts import digest_json
from medgym_core.errors import MedGymError

METRIC = "accuracy"


@dataclass(frozen=True)
class Entry:
    """One policy's place in its table."""

    rank: int
    """1 is the first; policies tied with the first share it, and the next one counts all before it."""
    policy: str
    version: str | None
    digest: str
    value: float
    low: float
    high: float
    n: int
    domains: int
    composite: float | None
    behind: float
    """Value less that of the first."""
    p_holm: float | None
    """None for the first."""
    tied: bool
    """Whether the difference to the first is not shown."""
    aliases: tuple[str, ...] = ()
    decision: str = ""


@dataclass(frozen=True)
class Board:
    """Policies measured alike, the best first."""

    protocol: str
    tasks: str
    entries: list[Entry]


@dataclass(frozen=True)
class Leaderboard:
    """All tables, and the policies that have no result on MedGym's tasks."""

    boards: list[Board]
    without: list[str]


def leaderboard(
    cards: Sequence[Mapping[str, Any]], registry: Mapping[str, Mapping[str, Any]] | None = None
) -> Leaderboard:
    """Rank checked scorecards (`report.read_card`). `registry` holds `aliases` and `decision` by version number.

    Raises MedGymError without scorecards, and where one policy was measured twice on the same tasks.
    """
    if not cards:
        raise MedGymError("nothing to rank", got="0 scorecards", expected="at least 1")
    alike: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    without = []
    for card in summary.distinct(cards):
        found = _tasks(card, METRIC)
        if not found:
            without.append(_called(card))
            continue
        tasks = digest_json([[p["name"], p.get("items_digest"), p["items"]] for p in found])
        alike.setdefault((str(card["protocol"]["digest"]), tasks), []).append(card)
    boards = [Board(*key, _entries(held, registry or {})) for key, held in alike.items()]
    return Leaderboard(sorted(boards, key=lambda b: -len(b.entries)), without)


def as_dict(found: Leaderboard) -> dict[str, Any]:
    return asdict(found)


def overall(parts: Sequence[Mapping[str, Any]], policy: str) -> tuple[float, float, float, int]:
    """Value, low, high and items over parts that share no item, every item weighing the same."""
    own = [p["estimates"][policy] for p in parts]
    sizes = [e.get("n") or p["items"] for e, p in zip(own, parts, strict=True)]
    if not all(sizes):
        raise MedGymError("a part does not say how many items it has", got=sizes, expected="n or items")
    total = sum(sizes)
    shares = [size / total for size in sizes]
    value = sum(w * e["value"] for w, e in zip(shares, own, strict=True))
    below = sum((w * (e["value"] - e["low"])) ** 2 for w, e in zip(shares, own, strict=True)) ** 0.5
    above = sum((w * (e["high"] - e["value"])) ** 2 for w, e in zip(shares, own, strict=True)) ** 0.5
    return value, value - below, value + above, total


def _entries(cards: Sequence[Mapping[str, Any]], registry: Mapping[str, Mapping[str, Any]]) -> list[Entry]:
    scored = [(overall(_tasks(card, METRIC), card["policy"]["name"]), card) for card in cards]
    scored.sort(key=lambda pair: (-pair[0][0], _called(pair[1])))
    first = scored[0][0]
    p_values = statistics.holm([_p(first, own) for own, _ in scored[1:]])
    tied = [True, *(p >= ALPHA for p in p_values)]
    entries = []
    for place, ((value, low, high, n), card) in enumerate(scored):
        policy, composite = card["policy"], _tasks(card, "composite")
        known = registry.get(str(policy["version"]), {})
        rank = 1 if tied[place] else place + 1
        entries.append(
            Entry(
                rank, policy["name"], policy["version"], str(policy["digest"]), value, low, high, n,
                len(_tasks(card, METRIC)), overall(composite, policy["name"])[0] if composite else None,
                value - first[0], p_values[place - 1] if place else None, tied[place],
                tuple(known.get("aliases", ())), known.get("decision", ""),
            )
        )  # fmt: skip
    return entries


def _p(first: tuple[float, float, float, int], own: tuple[float, float, float, int]) -> float:
    """Two-sided p of independent estimates being equal, by the normal, from the sides that face each other."""
    from scipy.stats import norm

    reach = float(norm.ppf(0.5 + statistics.CONFIDENCE / 2))
    error = ((first[0] - first[1]) ** 2 + (own[2] - own[0]) ** 2) ** 0.5 / reach
    gap = first[0] - own[0]
    if error == 0:
        return 1.0 if gap == 0 else 0.0
    return float(2 * norm.sf(gap / error))


def _tasks(card: Mapping[str, Any], metric: str) -> list[Mapping[str, Any]]:
    return [p for p in card["parts"] if p["name"].startswith(TASKS) and p["metric"] == metric]


def _called(card: Mapping[str, Any]) -> str:
    policy = card["policy"]
    return policy["name"] if policy["version"] is None else f"{policy['name']} {policy['version']}"


HEADER = ["policy", "version", "rank", "accuracy", "tasks", "composite", "behind the first", "registry"]
NOTE = (
    "Accuracy on MedGym's test tasks with 95 % intervals. “=” marks policies whose difference to the first is not "
    "shown after correction (Holm). Differences are taken as of independent samples, too wide for shared tasks."
)


def rows(board: Board) -> list[list[str]]:
    """The table of a board as text."""
    return [_row(entry, len(board.entries) > 1) for entry in board.entries]


def _row(entry: Entry, several: bool) -> list[str]:
    rank = f"{'=' if entry.tied and several else ''}{entry.rank}"
    composite = "-" if entry.composite is None else f"{entry.composite:.3f}"
    behind = "-" if entry.p_holm is None else f"{entry.behind:+.3f}, p {p_told(entry.p_holm)}"
    known = ", ".join(word for word in (*entry.aliases, entry.decision) if word)
    value = f"{entry.value:.3f} [{entry.low:.3f}, {entry.high:.3f}]"
    return [entry.policy, str(entry.version or "-"), rank, value, str(entry.n), composite, behind, known]


def markdown(found: Leaderboard) -> str:
    lines = ["# Leaderboard", "", f"> {page.WARNING}", "", NOTE, ""]
    for board in found.boards:
        lines += [
            f"Protocol `{words.plain(board.protocol)}`, tasks `{board.tasks}`:",
            "",
            *words.grid(HEADER, rows(board)),
        ]
    if found.without:
        lines += [f"Without results on MedGym's tasks: {words.plain(', '.join(found.without))}.", ""]
    return "\n".join(lines)


def html(found: Leaderboard) -> str:
    """The leaderboard as one page of the report's looks."""
    from evaluation.report.tags import h

    body = [h("p", page.WARNING, class_="notice"), h("p", NOTE, class_="note")]
    for board in found.boards:
        body.append(h("h2", f"Protocol {board.protocol[:16]}, {board.entries[0].n:,} tasks"))
        lines = []
        for e, told in zip(board.entries, rows(board), strict=True):
            drawn = tables.drawn({"value": e.value, "low": e.low, "high": e.high})
            lines.append([told[0], told[1], told[2], (told[3], "value"), drawn, *told[4:]])
        body.append(tables.table([*HEADER[:4], "0 to 1", *HEADER[4:]], lines))
    if found.without:
        body.append(h("p", f"Without results on MedGym's tasks: {', '.join(found.without)}."))
    return page.document("Leaderboard", body)

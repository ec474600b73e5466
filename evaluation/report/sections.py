"""The sections of one scorecard's chapter as HTML. Each gives None where it has nothing to say at all."""

from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.report import charts, measures, summary, tables
from evaluation.report.tags import Markup, h
from evaluation.scores import NULL, ORACLE

Card = Mapping[str, Any]
LEGEND = (
    ("chance", "a uniform guess"),
    ("null", "the best null policy"),
    ("oracle", "the oracle: gold answers"),
)
KINDS = {"tasks": "MedGym's tasks", "benchmarks": "Benchmarks", "safety": "Safety", "bias": "Bias"}
READING = (
    "Dot: the mean over items, 0 to 1. Whisker: its 95 % interval; items of one family, picture or note are drawn "
    "together. Detectable: the smallest true difference between two policies that so many items show in four of five "
    "studies, at worst. Comparisons are paired, two-sided and corrected by Holm over all comparisons of the scorecard; "
    "“no difference shown” does not say that there is none."
)


def scorecard(card: Card) -> Markup:
    """Every part in one table: benchmarks, tasks, safety and bias."""
    key = [h("span", h("i", class_=f"swatch line-mark {kind}"), told, class_="key") for kind, told in LEGEND]
    return h(
        "div",
        h("p", READING, class_="note"),
        h("div", key, class_="legend"),
        _parts_by_kind(card),
        absent(card),
    )


def _parts_by_kind(card: Card) -> list[Markup]:
    found = [(title, summary.of_kind(card["parts"], kind)) for kind, title in KINDS.items()]
    policy = card["policy"]["name"]
    return [h("div", h("h3", title), parts_table(parts, policy)) for title, parts in found if parts]


def parts_table(parts: Sequence[Mapping[str, Any]], policy: str) -> Markup:
    header = [
        "Benchmark", "Value", "0 to 1", ("Items", "num"), ("Chance", "num"), "Best null", ("Detectable", "num"),
        "Against",
    ]  # fmt: skip
    body = []
    for row in (summary.row(part, policy) for part in parts):
        null = row["best_null"]
        best = (
            tables.named(f"{null['value']:.3f}", null["name"].removeprefix(NULL).replace("_", " "))
            if null
            else "none run"
        )
        title = tables.named(row["title"], ", ".join(t for t in (row["metric"], row["mode"]) if t))
        chance = "none" if row["chance"] is None else f"{row['chance']:.3f}"
        body.append([
            title, tables.valued(row), tables.drawn(row), tables.counted(row), (chance, "num"), (best, "best"),
            (tables.number(row["detectable"]), "num"), tables.compared(row["main"]),
        ])  # fmt: skip
    return tables.table(header, body)


def absent(card: Card) -> Markup | None:
    names = card.get("absent") or []
    if not isinstance(names, list) or not names:
        return None
    return h("p", "Not measured, because its files are absent or the suite leaves it out: ", ", ".join(map(str, names)))


def breakdown(card: Card) -> Markup:
    """Every part with groups: one closed table each."""
    found = [part for part in card["parts"] if part["groups"]]
    if not found:
        return h("p", "No part has groups.")
    return h("div", (_groups(part, card["policy"]["name"]) for part in found))


def _groups(part: Mapping[str, Any], policy: str) -> Markup:
    body = []
    for group, estimates in part["groups"].items():
        if policy not in estimates:
            continue
        own = estimates[policy]
        others = {n: e for n, e in estimates.items() if n != policy and n != ORACLE}
        null = next((e for n, e in others.items() if n.startswith(NULL)), None)
        row = {**own, "chance": None, "best_null": null, "oracle": estimates.get(ORACLE)}
        rest = "; ".join(f"{name} {e['value']:.3f}" for name, e in others.items())
        n = own.get("n")
        body.append([group, tables.valued(row), tables.drawn(row), (tables.UNKNOWN if n is None else n, "num"), rest])
    head = ["Group", "Value", "0 to 1", ("Items", "num"), "Others"]
    told = h("span", f" · {part['metric']} · {len(body)} groups", class_="soft")
    return h("details", h("summary", part["title"], told), tables.table(head, body))


def dynamics(runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> Markup:
    """Curves of each training run's metrics.jsonl."""
    if not runs:
        return h("p", "No metrics file of the training run was given (", h("code", "--metrics"), ").")
    return h("div", (_run(name, list(records)) for name, records in runs.items()))


CURVES: dict[str, dict[str, str]] = {
    "Reward, 0 to 1": {
        "composite": "training, unshaped", "reward_shaped": "training, shaped", "validation_composite": "validation",
    },
    "Accuracy, 0 to 1": {"accuracy": "training", "validation_accuracy": "validation"},
    "Length: sampled tokens an episode": {"sampled_tokens": "training", "validation_sampled_tokens": "validation"},
    "Turns an episode": {"turns": "training", "validation_turns": "validation"},
    "Tool calls an episode": {"tool_calls": "calls", "tool_errors": "errors", "writes": "state-changing"},
    "Gradient norm": {"gradient": "whole", "gradient_rl": "policy loss", "gradient_distill": "distillation"},
    "Entropy of the policy": {"entropy": "training"},
    "Episodes without a submission": {"unfinished": "training", "validation_unfinished": "validation"},
}  # fmt: skip


def _run(name: str, records: list[Mapping[str, Any]]) -> Markup:
    from evaluation.report.read import numbers

    drawn = []
    for title, keys in CURVES.items():
        series = {told: list(numbers(records, key)) for key, told in keys.items()}
        if any(series.values()):
            drawn.append(charts.lines(title, series))
        if title == "Tool calls an episode" and (kl := _kl(records)):
            drawn.append(charts.lines("KL to the teacher by turn, nats a token", kl))
    body = h("div", drawn, class_="charts") if drawn else h("p", "The file holds no figure that is drawn here.")
    return h("div", h("h3", name), body)


def _kl(records: Sequence[Mapping[str, Any]]) -> dict[str, list[tuple[float, float]]]:
    """KL by turn over steps, the first six turns."""
    from evaluation.report.read import numbers

    rows = [{"step": r["step"], **r["kl_by_turn"]} for r in records if isinstance(r.get("kl_by_turn"), dict)]
    turns = sorted({k for r in rows for k in r if k.isdecimal()}, key=int)[: charts.SERIES]
    return {f"turn {int(turn) + 1}": list(numbers(rows, turn)) for turn in turns}


def special(card: Card, kind: str, none: str) -> Markup:
    """Safety or bias: its parts with groups and figures."""
    found = summary.of_kind(card["parts"], kind)
    if not found:
        return h("p", none, class_="notice")
    policy = card["policy"]["name"]
    figures = [_figures(part, policy) for part in found]
    notes = [h("p", f"{part['title']}: {note}", class_="note") for part in found for note in part["notes"]]
    pairs = [measures.bias(part, policy) for part in found]
    return h(
        "div", parts_table(found, policy), pairs, figures, (_groups(p, policy) for p in found if p["groups"]), notes
    )


def _figures(part: Mapping[str, Any], policy: str) -> Markup | None:
    """The part's further figures, of the policy beside the others."""
    names = [n for n in part["details"] if isinstance(part["details"][n], Mapping)]
    names.sort(key=lambda n: (n != policy, n != ORACLE, n))
    figures = list(dict.fromkeys(key for n in names for key in part["details"][n]))
    if not figures or policy not in names:
        return None
    body = [[n, *((_told(part["details"][n].get(f)), "num") for f in figures)] for n in names]
    head = ["Policy", *((f.replace("_", " "), "num") for f in figures)]
    told = h("span", " · means over items", class_="soft")
    return h(
        "details", h("summary", f"{part['title']}: figures", told), h("div", tables.table(head, body), class_="wide")
    )


def figures(card: Card) -> Markup:
    """Unparsable, truncated and further figures of every part that has any."""
    found = [drawn for part in card["parts"] if (drawn := _figures(part, card["policy"]["name"])) is not None]
    return h("div", found) if found else h("p", "No part has further figures.")


def notes(card: Card) -> Markup:
    found = [(part["title"], note) for part in card["parts"] for note in part["notes"]]
    rows = list(dict.fromkeys(found))
    return h("ul", (h("li", h("b", f"{title}: "), str(note)) for title, note in rows)) if rows else h("p", "None.")


def _told(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) and not isinstance(value, bool) else "not known"

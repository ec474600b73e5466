"""What a scorecard says in short: one row a part, with the figures that every form of the report shows.

`verdict` of a comparison: `better` or `worse` where the corrected p is below .05, else `not shown`: a difference that
is not shown is not a difference of zero.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evaluation.scores import NULL, ORACLE
from medgym_core.errors import MedGymError

ALPHA = 0.05
SPECIAL = ("safety", "bias")
"""Parts whose names begin with these have sections of their own."""
TASKS = "medgym/"
MARKS = {"better": "▲ better", "worse": "▼ worse", "not shown": "○ no difference shown"}


def rows(card: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row a part, in the card's order."""
    return [row(part, card["policy"]["name"]) for part in card["parts"]]


def row(part: Mapping[str, Any], policy: str) -> dict[str, Any]:
    """The figures of one part."""
    own = part["estimates"][policy]
    nulls = {name: found for name, found in part["estimates"].items() if name.startswith(NULL) and name != policy}
    best = max(sorted(nulls), key=lambda name: nulls[name]["value"]) if nulls else None
    return {
        **{key: part[key] for key in ("name", "title", "kind", "mode", "metric", "items", "published_items", "chance")},
        **{key: own.get(key) for key in ("value", "low", "high", "n", "clusters", "seeds", "detectable")},
        "best_null": {"name": best, **_interval(nulls[best])} if best else None,
        "oracle": _interval(part["estimates"][ORACLE]) if ORACLE in part["estimates"] else None,
        "comparisons": [_compared(c) for c in part["comparisons"] if c["policy"] == policy],
        "main": main_comparison(part, policy),
    }


def main_comparison(part: Mapping[str, Any], policy: str) -> dict[str, Any] | None:
    """The comparison a reader asks for first: with the champion, else another policy, else the best null."""
    own = [_turned(c, policy) for c in part["comparisons"] if policy in (c["policy"], c["against"])]
    own.sort(key=lambda c: (c["against"] != "champion", c["against"].startswith(NULL)))
    return _compared(own[0]) if own else None


def verdict(comparison: Mapping[str, Any]) -> str:
    """`better`, `worse` or `not shown`, of the comparison's first policy."""
    if comparison["p_holm"] >= ALPHA or comparison["difference"] == 0:
        return "not shown"
    return "better" if comparison["difference"] > 0 else "worse"


def of_kind(parts: Sequence[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    """Parts of a section: `tasks`, `safety`, `bias`, or `benchmarks` (all others)."""
    return [part for part in parts if kind_of(part["name"]) == kind]


def kind_of(name: str) -> str:
    for special in SPECIAL:
        if name.startswith(special):
            return special
    return "tasks" if name.startswith(TASKS) or name == "agentic" else "benchmarks"


def policies(card: Mapping[str, Any]) -> list[str]:
    """Names of the policies measured that are neither the oracle nor a null, the card's own first."""
    names = [card["policy"]["name"], *(name for part in card["parts"] for name in part["estimates"])]
    return [n for n in dict.fromkeys(names) if n != ORACLE and not n.startswith(NULL)]


def distinct(cards: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Cards of the same policy under the same protocol as one, with the parts of all; else as they are.

    Raises MedGymError where two of them measured the same part.
    """
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for card in cards:
        policy = card["policy"]
        key = (policy["name"], policy["digest"], policy["version"], card["protocol"]["digest"])
        if key not in found:
            found[key] = dict(card)
            continue
        held = {(p["name"], p["metric"], p["mode"]) for p in found[key]["parts"]}
        twice = [p["name"] for p in card["parts"] if (p["name"], p["metric"], p["mode"]) in held]
        if twice:
            raise MedGymError("two scorecards of one policy measure the same", got=twice[0], expected="each part once")
        suite = ",".join(dict.fromkeys([found[key]["suite"], card["suite"]]))
        found[key] |= {"parts": [*found[key]["parts"], *card["parts"]], "suite": suite}
    return list(found.values())


def _compared(comparison: Mapping[str, Any]) -> dict[str, Any]:
    return {**comparison, "verdict": verdict(comparison)}


def _turned(comparison: Mapping[str, Any], policy: str) -> dict[str, Any]:
    """The comparison seen from `policy`."""
    if comparison["policy"] == policy:
        return dict(comparison)
    turned = {"difference": -comparison["difference"], "low": -comparison["high"], "high": -comparison["low"]}
    return {**comparison, "policy": policy, "against": comparison["policy"], **turned}


def _interval(estimate: Mapping[str, Any]) -> dict[str, float]:
    return {key: estimate[key] for key in ("value", "low", "high")}

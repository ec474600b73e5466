"""Rating scales of the ward: which there are, what a chart scores on them, and answers that add up to a wanted score.

A scale is administered by reading the chart's own item answers (`phq9_1` .. `phq9_9`). One unanswered item gives no
total and is named. Published instruments come from `medgym_core.instruments`; observer scales of this domain (Broset,
COWS, Bush-Francis) stand in `facts/rules.toml`.
"""

from collections.abc import Callable, Mapping
from functools import cache
from random import Random
from typing import Any

from medgym_core import facts, instruments
from medgym_core.errors import MedGymError
from medgym_core.instruments.base import Outcome, band
from medgym_core.instruments.tools import from_chart
from medgym_core.tools import NOT_AVAILABLE, World, number

DOMAIN = "psychiatry"
YES_NO = ("no", "yes")
OWN = {"bvc": "violence", "cows": "cows", "bfcsi": "catatonia"}
"""Observer scales of this domain, to their rule."""


def rule(name: str) -> dict[str, Any]:
    """One entry of the rule tables."""
    return facts.load(DOMAIN, "rules")[name]


@cache
def items(scale: str) -> dict[str, tuple[str, ...]]:
    """The items of a scale, in order, with the answers each can have."""
    if scale in OWN:
        own = rule(OWN[scale])
        points = own.get("points", [[0, 1]] * len(own["items"]))
        return {item: tuple(map(str, p)) for item, p in zip(own["items"], points, strict=True)}
    known = instruments.get(scale).inputs
    return {name: YES_NO if kind == "bool" else tuple(kind) for name, kind in known.items() if name != "sex"}


def outcome(world: World, scale: str) -> Outcome:
    """What the chart's answers give on a scale."""
    if scale not in OWN:
        instrument = instruments.get(scale)
        return instrument(**from_chart(world, instrument))
    answers = {item: world.finding(item) for item in items(scale)}
    missing = [item for item, a in answers.items() if a not in items(scale)[item]]
    if missing:
        return Outcome(None, missing=missing)
    parts = {item: float(a) for item, a in answers.items()}
    value = sum(parts.values())
    return Outcome(value, parts, band(rule(OWN[scale])["bands"], value))


def told(scale: str, found: Outcome) -> dict[str, str]:
    """An outcome as an observation: total and band, or the items that are missing."""
    if found.value is None:
        missing = [m.replace("_", " ") for m in found.missing]
        return {scale: NOT_AVAILABLE} | ({"missing": ", ".join(missing)} if missing else {"reason": found.reason})
    return {scale: number(found.value)} | ({"band": found.band} if found.band else {})


@cache
def highest(scale: str) -> int:
    """The largest total of a scale."""
    return sum(_most(options) for name, options in items(scale).items() if name not in UNSCORED)


UNSCORED = ("same_time", "problem_severity")
"""Items that qualify a total but add nothing to it (MDQ)."""
REVERSED = ("dast10_3",)
"""Yes/no items in which no is the point."""


def _most(options: tuple[str, ...]) -> int:
    return 1 if options == YES_NO else int(options[-1])


def answers(rng: Random, scale: str, total: int, fixed: Mapping[str, int] | None = None) -> dict[str, str]:
    """Answers of every item that add up to `total`; `fixed` items have their points, the others share the rest.

    Raises MedGymError where no answers add up to that.
    """
    given = fixed or {}
    scored = {name: options for name, options in items(scale).items() if name not in UNSCORED}
    free = {name: options for name, options in scored.items() if name not in given}
    wanted = total - sum(given.values())
    if not 0 <= wanted <= sum(map(_most, free.values())):
        raise MedGymError("no answers add up to the total", got=total, where=f"{scale} with {dict(given)}")
    while True:
        points = _spread(rng, free, wanted)
        if sum(points.values()) == wanted:
            break
    points |= given
    found = {name: _answer(name, options, points[name]) for name, options in scored.items()}
    return found | {name: rng.choice(options) for name, options in items(scale).items() if name in UNSCORED}


def _spread(rng: Random, scored: dict[str, tuple[str, ...]], total: int) -> dict[str, int]:
    """Points an item, raised one answer at a time; may stop short where answers skip points."""
    steps: dict[str, Any] = {n: [0, 1] if o == YES_NO else list(map(int, o)) for n, o in scored.items()}
    at = dict.fromkeys(scored, 0)
    left, open_items = total, list(scored)
    while left > 0 and open_items:
        name = rng.choice(open_items)
        row = steps[name]
        if at[name] + 1 == len(row) or row[at[name] + 1] - row[at[name]] > left:
            open_items.remove(name)
            continue
        left -= row[at[name] + 1] - row[at[name]]
        at[name] += 1
    return {name: steps[name][i] for name, i in at.items()}


def _answer(name: str, options: tuple[str, ...], points: int) -> str:
    if options == YES_NO:
        return YES_NO[points != (name in REVERSED)]
    return str(points)


def without(found: dict[str, str], *items_left_out: str) -> dict[str, str]:
    """Answers less the items nobody answered."""
    return {name: a for name, a in found.items() if name not in items_left_out}


COLUMBIA: dict[str, tuple[Callable[[Random], dict[str, bool]], ...]] = {
    "none": (lambda rng: {},),
    "low": (
        lambda rng: {"wish_dead": True},
        lambda rng: {"wish_dead": True, "thoughts": True},
    ),
    "moderate": (
        lambda rng: {"wish_dead": True, "thoughts": True, "method": True},
        lambda rng: {"wish_dead": rng.random() < 0.5, "behavior": True, "behavior_3_months": False},
    ),
    "high": (
        lambda rng: {"wish_dead": True, "thoughts": True, "method": True, "intent": True},
        lambda rng: {"wish_dead": True, "thoughts": True, "method": True, "intent": True, "plan": True},
        lambda rng: {"wish_dead": rng.random() < 0.7, "behavior": True, "behavior_3_months": True},
    ),
}
"""Patterns of C-SSRS answers that reach a level."""


def columbia(rng: Random, level: str) -> dict[str, str]:
    """C-SSRS screener answers of a level; follow-up questions stand only where they are asked."""
    said = rng.choice(COLUMBIA[level])(rng)
    asked = ["wish_dead", "thoughts", "behavior"]
    asked += ["method", "intent", "plan"] if said.get("thoughts") else []
    asked += ["behavior_3_months"] if said.get("behavior") else []
    return {f"cssrs_{name}": YES_NO[said.get(name, False)] for name in asked}

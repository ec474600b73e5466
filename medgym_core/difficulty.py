"""How hard a case is: its traits, and a level from 1 to 3 that counts them.

    points = complexity of the patient (0 to 2) + work (0 to 3) + one for each trait that counts
    level  = 1 up to 2 points, 2 up to 4, else 3

The work is the number of turns before the submission beyond two. Every trait counts but temptation: an unsafe way out
asks for care, and does not make the right answer harder to find.
"""

from medgym_core.domains import Draft
from medgym_core.types import SAY, Gold, Trait

CARE: Trait = "temptation"
"""The one trait that does not count."""
USUAL_TURNS, MOST_WORK = 2, 3
LIMITS = (2, 4)
"""Most points of level 1 and of level 2."""
TEMPTING = 4
"""Severity from which an unsafe way out is a temptation."""
SEVERAL = 2
"""Conditions on the chart from which there is comorbidity."""


def traits(draft: Draft) -> list[Trait]:
    """The traits the draft declares and those that show in it, in alphabetical order."""
    truth, chart = draft.truth, draft.chart
    found = set(draft.traits)
    shown: dict[Trait, bool] = {
        "comorbidity": len(chart.conditions) >= SEVERAL,
        "missing data": _says_insufficient(truth.gold),
        "history": any(s.tool == SAY for s in truth.steps),
        "waiting": bool(chart.pending or chart.pending_findings),
        "temptation": any(u.severity >= TEMPTING for u in truth.unsafe),
        "open": _open(truth.gold),
    }
    return sorted(found.union(t for t, there in shown.items() if there))


def level(draft: Draft) -> int:
    """1 to 3."""
    turns = len(draft.reference) - 1
    work = min(max(turns - USUAL_TURNS, 0), MOST_WORK)
    points = draft.level - 1 + work + sum(t != CARE for t in traits(draft))
    return 1 + sum(points > limit for limit in LIMITS)


def _says_insufficient(gold: Gold) -> bool:
    golds = gold.fields.values() or [gold]
    return any(str(g.value).startswith("insufficient") for g in golds)


def _open(gold: Gold) -> bool:
    return not gold.fields and not gold.options and gold.kind != "number"

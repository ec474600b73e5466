"""Tools that compute a score from the chart. Without an input they say which one is missing and give no number."""

from typing import Literal

from medgym_core.domains.triage_emergency import esi, scores
from medgym_core.domains.triage_emergency.looking import shown
from medgym_core.domains.triage_emergency.scores import Score
from medgym_core.tools import NOT_AVAILABLE, World, number, tool


def told(name: str, score: Score, unit: str = "", **more: str) -> dict:
    """A score as an observation."""
    if score.value is None:
        why = {"missing": ", ".join(score.missing)} if score.missing else {"reason": score.reason}
        return {name: NOT_AVAILABLE} | why
    return {name: f"{number(score.value)} {unit}".strip()} | more


def met(score: Score) -> str:
    return ", ".join(n.replace("_", " ") for n, points in score.parts.items() if points) or "none"


@tool("read")
def calculate_news2(world: World, spo2_scale: Literal[1, 2]) -> dict:
    """National Early Warning Score 2, with the highest single parameter.

    Args:
        spo2_scale: 1 for most patients; 2 only with a prescribed target of 88-92 % (hypercapnic respiratory failure).
    """
    score = scores.news2(world, spo2_scale)
    return told("news2", score, highest_single=str(max(score.parts.values(), default=0)))


@tool("read")
def calculate_qsofa(world: World) -> dict:
    """Quick SOFA, 0 to 3, and which criteria are met."""
    score = scores.qsofa(world)
    return told("qsofa", score, met=met(score))


@tool("read")
def calculate_sirs_criteria(world: World) -> dict:
    """Number of SIRS criteria met, 0 to 4, and which."""
    score = scores.sirs(world)
    return told("sirs", score, met=met(score))


@tool("read")
def screen_sepsis(world: World) -> dict:
    """Sepsis screen: suspected infection, whether qSOFA and SIRS are positive (2 or more), and lactate."""
    screen = {"infection": world.chart.observations.get("infection", NOT_AVAILABLE)}
    for name, score in (("qsofa", scores.qsofa(world)), ("sirs", scores.sirs(world))):
        positive = score.value is not None and score.value >= scores.table(name)["positive"]
        screen[f"{name}_positive"] = "yes" if positive else "no" if score.value is not None else NOT_AVAILABLE
    return screen | {"lactate": shown(world.lab("lactate"))}


@tool("read")
def calculate_gcs(world: World) -> dict:
    """Glasgow Coma Scale with eye, verbal and motor response."""
    score = scores.gcs(world)
    return told("gcs", score, **{name: str(points) for name, points in score.parts.items()})


@tool("read")
def calculate_trauma_score(world: World) -> dict:
    """Revised Trauma Score from Glasgow Coma Scale, systolic pressure and respiratory rate."""
    return told("rts", scores.revised_trauma(world))


@tool("read")
def calculate_shock_index(world: World) -> dict:
    """Shock index: heart rate over systolic pressure."""
    return told("shock_index", scores.shock_index(world))


@tool("read")
def calculate_map(world: World) -> dict:
    """Mean arterial pressure."""
    return told("map", scores.mean_pressure(world), "mmHg")


@tool("read")
def calculate_heart_score(world: World) -> dict:
    """HEART score, 0 to 10, with what the chart says of smoking. Needs a troponin result that is back."""
    score = scores.heart(world)
    points = {f"{name}_points": str(points) for name, points in score.parts.items()}
    seen = world.chart.observations
    return told("heart", score, **points) | {k: seen[k] for k in ("smoking",) if k in seen}


@tool("read")
def calculate_esi_level(world: World) -> dict:
    """Walk the ESI decision points as far as they go; the level follows from where the walk stops.

    A life-saving need is 1, a high-risk patient 2; no resource is 5, one is 4; two or more are 3, or 2 with a vital
    sign in the danger zone. It walks on what the chart holds; what the patient has not been asked is not in it.
    """
    return esi.points(world)

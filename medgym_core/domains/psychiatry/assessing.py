"""Structured assessments: suicide and violence risk, capacity, detention criteria, delirium, catatonia, serotonin
toxicity. They show what is on the chart for each criterion; the judgement is the agent's."""

from medgym_core import facts
from medgym_core.domains.psychiatry import judging, scales
from medgym_core.domains.psychiatry.judging import ABILITIES, Missing
from medgym_core.domains.psychiatry.scales import DOMAIN, rule
from medgym_core.tools import NOT_AVAILABLE, World, tool


@tool("read", minutes=10)
def assess_suicide_risk(world: World) -> dict:
    """Risk and protective factors for suicide as recorded: attempts, means, losses, hopelessness, protection."""
    table = rule("risk_factors")
    return {name: world.finding(name) or NOT_AVAILABLE for name in (*table["raising"], *table["protective"])}


@tool("read", minutes=3)
def assess_violence_risk(world: World) -> dict:
    """Broset Violence Checklist, with the behaviours seen, and earlier violence."""
    result = scales.outcome(world, "bvc")
    seen = [item.removeprefix("bvc_").replace("_", " ") for item, points in result.parts.items() if points]
    told = scales.told("bvc", result)
    told |= {"seen": ", ".join(seen) or "none"} if result.value is not None else {}
    return told | {"past_violence": world.finding("past_violence") or NOT_AVAILABLE}


@tool("read", minutes=15)
def assess_capacity(world: World, decision: str = "") -> dict:
    """Four abilities of decisional capacity as the patient showed them, for one decision.

    Args:
        decision: The decision in question; empty for the one under discussion.
    """
    about = world.finding("capacity_decision")
    known = facts.load(DOMAIN, "capacity")["decisions"]["names"]
    asked = decision.strip().lower()
    other = next((d for d in known if d in asked and d != about), "") if asked else ""
    if about is None or other:
        return {"decision": other or asked or NOT_AVAILABLE, "capacity": NOT_AVAILABLE, "missing": "not yet assessed"}
    return {"decision": about} | {a: world.finding(f"capacity_{a}") or NOT_AVAILABLE for a in ABILITIES}


@tool("read", minutes=10)
def get_involuntary_hold_criteria(world: World) -> dict:
    """Criteria of the APA model law with what is recorded of each for this patient; local statutes differ."""
    names = (
        "severe_mental_disorder", "accepts_voluntary_care", "treatment_capacity", "danger_to_self",
        "danger_to_others", "grave_deterioration",
    )  # fmt: skip
    told = {name: world.finding(f"hold_{name}") or NOT_AVAILABLE for name in names}
    return {"jurisdiction": rule("hold")["jurisdiction"]} | told


@tool("read", minutes=5)
def assess_delirium(world: World) -> dict:
    """Confusion Assessment Method: its four features and the result."""
    told = {n.removeprefix("cam_"): world.finding(n) or NOT_AVAILABLE for n in rule("cam")["items"]}
    return told | _result("cam", judging.delirium(world))


@tool("read", minutes=5)
def assess_catatonia(world: World) -> dict:
    """Bush-Francis screening: number of the fourteen signs, which, and the result."""
    result = scales.outcome(world, "bfcsi")
    seen = [item.removeprefix("bfcsi_").replace("_", " ") for item, points in result.parts.items() if points]
    told = scales.told("bfcsi", result)
    if result.value is None:
        return told | {"missing": f"{len(result.missing)} signs not examined"}
    return told | {"signs": ", ".join(seen) or "none"}


@tool("read", minutes=5)
def assess_serotonin_toxicity(world: World) -> dict:
    """Hunter criteria: the signs present and whether the criteria are met, given a serotonergic drug."""
    names = rule("hunter")["items"]
    seen = [n.removeprefix("hunter_").replace("_", " ") for n in names if world.finding(n) == "yes"]
    return {"signs": ", ".join(seen) or "none recorded"} | _result("hunter", judging.serotonin_toxicity(world))


def _result(name: str, found: bool | Missing) -> dict[str, str]:
    if isinstance(found, Missing):
        return {name: NOT_AVAILABLE, "missing": str(found)}
    return {name: "positive" if found else "negative"}

"""The department around the patient: free bays and the waiting room, as the board shows them on arrival."""

from random import Random

from medgym_core.tools import NOT_AVAILABLE, World, tool

BOARD = ("resuscitation_free", "acute_free", "waiting")


def board(patient_id: str) -> dict[str, str]:
    """What the board showed when this patient arrived; drawn apart, so that it disturbs no other draw."""
    rng = Random(f"board/{patient_id}")
    return dict(
        zip(BOARD, (str(rng.choice([0, 1, 1, 2])), str(rng.randint(0, 5)), str(rng.randint(0, 24))), strict=True)
    )


@tool("read")
def get_ed_status(world: World) -> dict:
    """Free resuscitation and acute bays, and the number of people waiting."""
    seen = world.chart.observations
    return {name: seen.get(name, NOT_AVAILABLE) for name in BOARD}


@tool("write", minutes=0)
def wait(world: World, minutes: int) -> dict:
    """Let time pass, for a result or a reassessment.

    Args:
        minutes: 1 to 240.
    """
    passed = min(max(minutes, 1), 240)
    world.minutes += passed
    return {"waited": f"{passed} min", "back": ", ".join(world.back()) or "nothing"}

"""Structured submissions: a cause with its action, and the audit of a timeline."""

from medgym_core.tools import World, tool


@tool("submit", static=True)
def submit_decision(world: World, cause: str, action: str, evidence: str = "") -> dict:
    """Commit to the cause and the action, and end the episode.

    Args:
        cause: What is behind it, in the words offered.
        action: The next action, in the words offered.
        evidence: The findings that decided, as shown by the tools, separated by semicolons.
    """
    world.written.append({"cause": cause, "action": action, "evidence": evidence})
    return {"submitted": f"{cause}, {action}"}


@tool("submit", static=True)
def submit_audit(world: World, missed: str, minutes_late: float, evidence: str = "") -> dict:
    """Commit to the time target that was missed and by how much, and end the episode.

    Args:
        missed: Name of the target, or none.
        minutes_late: Minutes beyond the target; 0 where none was missed.
        evidence: The findings that decided, as shown by the tools, separated by semicolons.
    """
    world.written.append({"missed": missed, "minutes_late": minutes_late, "evidence": evidence})
    return {"submitted": missed}

"""Rating scales as tools: each reads the chart's own item answers; an unanswered item gives no total and is named."""

from typing import Literal

from medgym_core.domains.psychiatry import scales
from medgym_core.domains.psychiatry.looking import EATING, found
from medgym_core.errors import unknown_name
from medgym_core.tools import NOT_AVAILABLE, Tool, ToolError, World, tool

SCALES = (
    "phq9", "gad7", "mmse_screen", "pcl5", "cage", "audit", "dast10", "mdq", "epds", "ciwa_ar", "cows", "bvc", "scoff",
)  # fmt: skip
"""Scales that `administer_scale` knows."""


def _scale_tool(tool_name: str, scale: str, purpose: str, minutes: int, item: str = "") -> Tool:
    """A tool that administers one scale; `item` is a single answer shown beside the total."""

    def administer(world: World) -> dict:
        told = scales.told(scale, scales.outcome(world, scale))
        return told | ({item: world.finding(item) or NOT_AVAILABLE} if item else {})

    administer.__name__ = tool_name
    administer.__doc__ = f"{purpose}: total and published band from the patient's own answers."
    return tool("read", minutes=minutes)(administer)


administer_phq9 = _scale_tool("administer_phq9", "phq9", "PHQ-9 for depression, 0 to 27", 5, "phq9_9")
administer_gad7 = _scale_tool("administer_gad7", "gad7", "GAD-7 for anxiety, 0 to 21", 4)
administer_mmse = _scale_tool("administer_mmse", "mmse_screen", "Cognitive screen of the MMSE type, 0 to 30", 10)
administer_pcl5 = _scale_tool("administer_pcl5", "pcl5", "PCL-5 for posttraumatic stress, 0 to 80", 8)
administer_cage = _scale_tool("administer_cage", "cage", "CAGE for alcohol, 0 to 4", 2)
administer_audit = _scale_tool("administer_audit", "audit", "AUDIT for alcohol, 0 to 40", 5)
administer_dast10 = _scale_tool("administer_dast10", "dast10", "DAST-10 for drugs, 0 to 10", 4)
administer_mdq = _scale_tool("administer_mdq", "mdq", "Mood Disorder Questionnaire for bipolar disorder, 0 to 13", 5)
administer_epds = _scale_tool("administer_epds", "epds", "Edinburgh Postnatal Depression Scale, 0 to 30", 5, "epds_10")


BESIDE = {"phq9": "phq9_9", "epds": "epds_10"}
"""The answer about self-harm, shown beside a total."""


@tool("read", minutes=8)
def administer_scale(world: World, scale: str) -> dict:
    """Any one rating scale from the patient's own answers: total and published band.

    Args:
        scale: phq9, gad7, mmse_screen, pcl5, cage, audit, dast10, mdq, epds, ciwa_ar, cows, bvc or scoff.
    """
    name = scale.strip().lower().replace("-", "")
    if name not in SCALES:
        raise ToolError(str(unknown_name("scale", name, SCALES)))
    told = scales.told(name, scales.outcome(world, name))
    return told | ({BESIDE[name]: world.finding(BESIDE[name]) or NOT_AVAILABLE} if name in BESIDE else {})


@tool("read", minutes=4)
def assess_cssrs(world: World) -> dict:
    """Columbia suicide severity screener: the answers given and the risk band by its triage points."""
    answers = {item.removeprefix("cssrs_"): world.finding(item) for item in scales.items("cssrs")}
    told = {name: a for name, a in answers.items() if a is not None}
    result = scales.outcome(world, "cssrs")
    if result.value is None:
        return told | scales.told("cssrs", result)
    return told | {"cssrs": result.band}


@tool("read", minutes=4)
def assess_withdrawal(world: World, scale: Literal["ciwa_ar", "cows"]) -> dict:
    """Withdrawal scale: CIWA-Ar for alcohol, COWS for opioids.

    Args:
        scale: ciwa_ar or cows.
    """
    return scales.told(scale, scales.outcome(world, scale))


@tool("read", minutes=3)
def screen_eating_disorder(world: World) -> dict:
    """SCOFF, and weight, body image, binges, compensation and menses as recorded."""
    return scales.told("scoff", scales.outcome(world, "scoff")) | found(world, EATING)

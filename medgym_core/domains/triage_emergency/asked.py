"""The scores tickets ask for: tool, rule, setting, inputs a chart may lack, and the wording of the request."""

from collections.abc import Callable
from dataclasses import dataclass

from medgym_core.domains.triage_emergency import scores
from medgym_core.domains.triage_emergency.scores import Score
from medgym_core.tools import World


@dataclass(frozen=True)
class Asked:
    """A score as tickets ask for it."""

    label: str
    tool: str
    compute: Callable[[World], Score]
    scenes: tuple[str, ...]
    inputs: tuple[str, ...]
    """Inputs that a chart may lack."""
    asks: tuple[str, ...]
    targets: tuple[int, ...] = ()
    """Values drawn evenly; none: whatever the patient gives."""
    unit: str = ""
    ordered: bool = False
    """The values are few: they are asked for as levels of an ordered scale."""


SCORES = {
    "shock_index": Asked(
        "shock_index",
        "calculate_shock_index",
        scores.shock_index,
        ("bleeding",),
        ("heart_rate", "systolic_bp"),
        (
            "What is the shock index from the first set of vital signs?",
            "Please work out the shock index on arrival to two decimals.",
            "I want the shock index before I call the blood bank.",
            "Tell me the shock index as it stands on arrival.",
            "Give the ratio of pulse to systolic pressure, the shock index.",
        ),
    ),
    "map": Asked(
        "map",
        "calculate_map",
        scores.mean_pressure,
        ("bleeding", "infection"),
        ("systolic_bp", "diastolic_bp"),
        (
            "What is the mean arterial pressure on this first reading?",
            "Give me the MAP in mmHg for the chart, please.",
            "I need the mean arterial pressure before deciding on a pressor.",
            "Tell me the MAP before we start any treatment.",
            "Please work out the mean arterial pressure, rounded to whole mmHg.",
        ),
        unit="mmHg",
    ),
    "gcs": Asked(
        "gcs",
        "calculate_gcs",
        scores.gcs,
        ("head_injury",),
        ("eye_response", "verbal_response"),
        (
            "What is the GCS total on your own examination?",
            "Give me the Glasgow Coma Scale total for the head chart.",
            "Neurosurgery wants the Glasgow Coma Scale, total please.",
            "Tell me the GCS on arrival, one number is enough.",
            "Please add up the Glasgow coma score for the handover.",
        ),
        tuple(range(3, 16)),
    ),
    "rts": Asked(
        "rts",
        "calculate_trauma_score",
        scores.revised_trauma,
        ("head_injury",),
        ("respiratory_rate", "systolic_bp", "verbal_response"),
        (
            "What is the Revised Trauma Score on first assessment?",
            "Give me the weighted RTS on arrival to two decimals.",
            "The registry wants the Revised Trauma Score on arrival.",
            "Please compute the revised trauma score for the trauma form.",
            "Tell me the weighted RTS before the trauma team handover.",
        ),
    ),
    "qsofa": Asked(
        "qsofa",
        "calculate_qsofa",
        scores.qsofa,
        ("infection",),
        ("respiratory_rate", "systolic_bp", "verbal_response"),
        (
            "How many qSOFA points does the patient have now?",
            "What is the quick SOFA score on these findings?",
            "Give me the qSOFA total for the sepsis form, please.",
            "Please score the qSOFA from the first observations.",
            "Tell me the qSOFA on arrival, just the points.",
        ),
        (0, 1, 2, 3),
        ordered=True,
    ),
    "sirs": Asked(
        "sirs",
        "calculate_sirs_criteria",
        scores.sirs,
        ("infection",),
        ("temperature", "heart_rate", "respiratory_rate", "white_cells"),
        (
            "How many SIRS criteria are met at the moment?",
            "Count the SIRS criteria for me, labs are on file.",
            "Give me the number of SIRS criteria for the audit.",
            "Please check the SIRS criteria and tell me the count.",
            "The study nurse asks how many SIRS criteria there are.",
        ),
        (0, 1, 2, 3, 4),
        ordered=True,
    ),
}
ASK_NEWS2 = (
    "What is the NEWS2 right now? Mind the SpO2 scale.",
    "Give me the NEWS2 total on the scale that fits the history.",
    "Please score NEWS2, checking which saturation scale applies.",
    "I need the NEWS2 for the first set of observations, right scale please.",
    "Tell me the early warning score (NEWS2), with the correct oxygen scale.",
)
ASK_RISK = (
    "Which NEWS2 risk class: low, low-medium, medium or high?",
    "Give the clinical risk by NEWS2 and watch for a single 3.",
    "How urgent by NEWS2? Answer low, low-medium, medium or high.",
    "Outreach asks for the NEWS2 risk band of this patient.",
    "Classify the NEWS2 risk, checking the saturation scale.",
)
SAY_IF_MISSING = " Say so if it cannot be scored."
MISSING = (
    "respiratory rate",
    "spo2",
    "oxygen",
    "systolic bp",
    "heart rate",
    "consciousness",
    "temperature",
    "diastolic bp",
    "verbal response",
    "eye response",
    "white cells",
)
NEWS2_INPUTS = ("respiratory_rate", "spo2", "oxygen", "systolic_bp", "heart_rate", "consciousness", "temperature")
USUAL = {
    "respiratory rate": 16,
    "spo2": 98,
    "systolic bp": 120,
    "diastolic bp": 75,
    "heart rate": 75,
    "temperature": 37.0,
    "white cells": 7.0,
    "oxygen": "room air",
    "consciousness": "alert",
    "verbal response": "5",
    "eye response": "4",
}
"""The normal values someone careless would assume; used only to name the unsafe answer."""

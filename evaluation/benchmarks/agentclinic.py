"""AgentClinic-MedQA, extended set: the authors' JSONL, one OSCE-like case a line (Schmidgall et al. 2024).

Text mode shows the whole case at once. Agentic mode plays it (`agentclinic_case`): the doctor knows the objective, asks
the patient, examines, orders tests and submits a diagnosis.

Differences from AgentClinic's own protocol, in which patient, measurements and moderator are language models: here the
patient answers from the case by shared words, examinations and tests are looked up by name, a test that the case does
not hold is "not available in this case" instead of normal readings, calls are structured instead of key phrases, and
the diagnosis is compared with the gold by `scorers.short` (other names by the synonym table of medgym_core) instead of
being judged. Figures are therefore not comparable with published ones. Several cases are retellings of one vignette:
cases of one diagnosis are resampled together.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluation.benchmarks.agentclinic_case import case_task, leaves, make_episode, shown
from evaluation.benchmarks.files import checked, field_of, read_lines, text_of
from evaluation.item import Item, Spec
from evaluation.scorers.short import score_short
from medgym_core.artifacts import digest_json
from medgym_core.clinical.synonyms import name_form, synonyms_of
from medgym_core.errors import MedGymError

__all__ = ["SPECS", "load", "make_episode"]

FILE = "benchmarks/agentclinic/agentclinic_medqa_extended.jsonl"
PARTS = {
    "Patient_Actor": "Patient",
    "Physical_Examination_Findings": "Physical examination",
    "Test_Results": "Test results",
}
ASKED = "What is the single most likely diagnosis? Answer with its name."
_BRACKETS = re.compile(r"\s*\(([^()]+)\)\s*$")


def load(root: Path) -> list[Item]:
    """Every case of the file, in its order. Raises MedGymError naming file, line and field. Ids are content digests."""
    path = Path(root) / FILE
    return checked([(where, _item(record, where)) for where, record in read_lines(path)], path)


def _item(record: dict[str, Any], where: str) -> Item:
    case = field_of(record, "OSCE_Examination", dict, where)
    objective = text_of(case, "Objective_for_Doctor", where)
    gold = text_of(case, "Correct_Diagnosis", where)
    parts = {name: _part(case, name, where) for name in PARTS}
    held = {"Objective_for_Doctor": objective, **parts}
    return Item(
        id=f"agentclinic_medqa/{digest_json([held, gold])[:16]}",
        question=f"{objective} {ASKED}",
        gold=gold,
        context="\n\n".join(_rendered(title, parts[name]) for name, title in PARTS.items()),
        accepted=_accepted(gold),
        record=held,
        cluster=f"diagnosis {name_form(_BRACKETS.sub('', gold))}",
    )


def _part(case: Mapping[str, Any], name: str, where: str) -> dict[str, Any]:
    """A part of the case: objects and lists down to texts. Raises MedGymError for anything else in it."""
    part = field_of(case, name, dict, where)
    _check(part, f"{where} field {name}")
    return part


def _check(value: Any, where: str) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            _check(inner, f"{where}.{name}")
    elif isinstance(value, list):
        for inner in value:
            _check(inner, where)
    elif value is None or not isinstance(value, str | int | float):
        raise MedGymError("wrong type", got=type(value).__name__, expected="text", where=where)


def _accepted(gold: str) -> tuple[str, ...]:
    """Other names of a diagnosis: without its brackets, what stands in them, and those of the synonym table."""
    bracket = _BRACKETS.search(gold)
    names = [_BRACKETS.sub("", gold), bracket.group(1)] if bracket else []
    listed = [other for name in (gold, *names) for other in synonyms_of(name)]
    return tuple(name for name in dict.fromkeys([*names, *listed]) if name != gold)


def _rendered(title: str, part: Mapping[str, Any]) -> str:
    return "\n".join([f"{title}:", *(f"- {shown(path)}: {text}" for path, text in leaves(part))])


SPECS = (
    Spec(
        name="agentclinic_medqa",
        title="AgentClinic-MedQA",
        files=(FILE,),
        kind="short",
        published_items=214,
        metric="accuracy",
        licence="MIT",
        source="Schmidgall et al. 2024 (arXiv 2405.07960), extended set: a file of 214 cases (the first set has 107). "
        "Here the patient answers by shared words, tests are looked up and the diagnosis is compared by name; "
        "AgentClinic uses language models for all three, so its published figures are not comparable",
        obtain="https://github.com/SamuelSchmidgall/AgentClinic, agentclinic_medqa_extended.jsonl",
        load=load,
        score=score_short,
        modes=("text", "agentic"),
        task=case_task,
    ),
)

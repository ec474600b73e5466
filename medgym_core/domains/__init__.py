"""The clinical domains. Each is a package with the same parts:

policy.md       what the agent is told (system message)
facts/*.toml    sourced clinical facts
cases.py        TYPES: task type -> generator `(rng, knowledge) -> Draft`
tools.py        TOOLS: the tools an agent may call; EXAMPLES: valid arguments of those that need some
documents.py    documents() -> the facts as passages of the knowledge base
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module, resources
from random import Random
from typing import Any

from medgym_core.errors import unknown_name
from medgym_core.tools import Tool, by_name
from medgym_core.types import Call, Chart, Story, Struct, Trait, Truth

NAMES = (
    "clinical_diagnosis", "cross_domain", "drug_interaction", "ehr_management", "medical_qa",
    "obstetrics", "psychiatry", "radiology_report", "triage_emergency", "visual_diagnosis",
)  # fmt: skip


class Draft(Struct, frozen=True):
    """A task before it has an id and a split; the fields mean what they mean in `Task`."""

    type: str
    family: str
    level: int
    """Complexity of the patient, 1 to 3; the task's level also counts what has to be done."""
    prompt: str
    chart: Chart
    truth: Truth
    reference: list[Call]
    sources: list[str]
    story: Story = Story()
    max_turns: int = 8
    traits: list[Trait] = []
    """What makes the case hard, as far as it does not show in the chart, the reference and the gold."""


Generator = Callable[[Random, Any], Draft]


@dataclass(frozen=True)
class Domain:
    """One loaded domain."""

    name: str
    policy: str
    tools: dict[str, Tool]
    schemas: list[dict[str, Any]]
    """The tools in OpenAI form."""
    examples: dict[str, list[dict[str, Any]]]
    """Valid arguments of the tools that need some."""
    types: dict[str, Generator]
    documents: Callable[[], Iterator[Any]]


@cache
def get(name: str) -> Domain:
    """The domain of that name. Raises MedGymError listing the valid names."""
    if name not in NAMES:
        raise unknown_name("domain", name, NAMES)
    package = f"medgym_core.domains.{name}"
    policy = (resources.files(package) / "policy.md").read_text(encoding="utf-8").strip()
    module = import_module(f"{package}.tools")
    tools = by_name(module.TOOLS)
    examples = {"submit_answer": [{"answer": "x"}]} | module.EXAMPLES
    types = import_module(f"{package}.cases").TYPES
    documents = import_module(f"{package}.documents").documents
    return Domain(name, policy, tools, [t.schema for t in tools.values()], examples, types, documents)

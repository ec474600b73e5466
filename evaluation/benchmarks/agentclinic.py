"""AgentClinic-MedQA cases as agentic tasks."""

from evaluation.item import Spec

SPECS: tuple[Spec, ...] = ()

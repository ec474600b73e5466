"""MMLU-Medical: six subjects."""

from evaluation.item import Spec

SPECS: tuple[Spec, ...] = ()

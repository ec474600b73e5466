"""MedMCQA, validation split."""

from evaluation.item import Spec

SPECS: tuple[Spec, ...] = ()

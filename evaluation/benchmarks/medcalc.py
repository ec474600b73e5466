"""MedCalc-Bench."""

from evaluation.item import Spec

SPECS: tuple[Spec, ...] = ()

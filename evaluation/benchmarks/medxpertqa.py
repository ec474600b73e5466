"""MedXpertQA, text part."""

from evaluation.item import Spec

SPECS: tuple[Spec, ...] = ()

"""PubMedQA, labelled test split."""

from evaluation.item import Spec

SPECS: tuple[Spec, ...] = ()

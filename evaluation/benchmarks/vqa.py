"""Questions about medical pictures."""

from evaluation.item import Spec

SPECS: tuple[Spec, ...] = ()

"""Long answers."""

from evaluation.item import Spec

SPECS: tuple[Spec, ...] = ()

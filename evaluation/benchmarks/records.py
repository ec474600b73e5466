"""Questions over MIMIC-III and eICU records."""

from evaluation.item import Spec

SPECS: tuple[Spec, ...] = ()

"""Questions over MIMIC-III and eICU records: the two data sets, and the world they are played in."""

from evaluation.benchmarks import eicu, mimic
from evaluation.benchmarks.record_tools import make_episode
from evaluation.item import Spec

__all__ = ["SPECS", "make_episode"]

SPECS: tuple[Spec, ...] = (*mimic.SPECS, *eicu.SPECS)

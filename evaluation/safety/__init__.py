"""Suites and probes that ship with MedGym: safety cases, matched pairs, calibration, contamination (docs/safety.md)."""

from evaluation.item import Spec
from evaluation.safety import pairs, suite

SPECS: tuple[Spec, ...] = (suite.SPEC, pairs.SPEC)

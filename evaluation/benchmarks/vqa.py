"""Questions about medical pictures: the specs of six benchmarks, one module each."""

from evaluation.benchmarks import pathvqa, pmc_vqa, quilt_vqa, slake, vqa_med_2021, vqa_rad
from evaluation.item import Spec

SPECS: tuple[Spec, ...] = tuple(
    spec for module in (vqa_rad, slake, pathvqa, pmc_vqa, vqa_med_2021, quilt_vqa) for spec in module.SPECS
)

"""The published list of benchmarks: name, files, items, metric, licence, and the loader of the official format."""

from dataclasses import dataclass
from pathlib import Path

from evaluation import safety
from evaluation.benchmarks import (
    agentclinic,
    longform,
    medcalc,
    medmcqa,
    medqa,
    medxpertqa,
    mmlu,
    pubmedqa,
    records,
    vqa,
)
from evaluation.item import Item, Score, Spec
from medgym_core.errors import MedGymError, unknown_name

__all__ = ["BENCHMARKS", "Benchmark", "Item", "Score", "Spec", "is_present", "load_benchmark", "present"]

MODULES = (medqa, medmcqa, mmlu, pubmedqa, medxpertqa, vqa, longform, records, medcalc, agentclinic, safety)
BENCHMARKS: dict[str, Spec] = {spec.name: spec for module in MODULES for spec in module.SPECS}


@dataclass(frozen=True)
class Benchmark:
    """A loaded benchmark. The files may hold fewer items than were published: both counts are reported."""

    spec: Spec
    items: list[Item]


def load_benchmark(name: str, root: Path | None) -> Benchmark:
    """Benchmark `name` from its official files below `root` (the data folder). Raises MedGymError on a broken file."""
    if name not in BENCHMARKS:
        raise unknown_name("benchmark", name, BENCHMARKS)
    spec = BENCHMARKS[name]
    if not is_present(spec, root):
        where = root if root is not None else "MEDGYM_DATA is not set"
        raise MedGymError("no benchmark file", got="nothing", expected=spec.files[0], where=where)
    items = spec.load(Path(root) if root is not None else Path())
    if spec.published_items is not None and len(items) > spec.published_items:
        raise MedGymError("more items than published", got=len(items), expected=spec.published_items, where=name)
    return Benchmark(spec, items)


def present(root: Path | None) -> list[str]:
    """Names of the benchmarks that ship with MedGym or whose files lie below `root` (None: there is no data folder)."""
    return [name for name, spec in BENCHMARKS.items() if is_present(spec, root)]


def is_present(spec: Spec, root: Path | None) -> bool:
    return not spec.files or (root is not None and (Path(root) / spec.files[0]).exists())

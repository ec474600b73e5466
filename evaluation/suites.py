"""Which parts an evaluation has, and which items of each.

| suite | parts |
|---|---|
| `nightly` | a small sample of every benchmark that is there, and of the practised tasks of MedGym |
| `quick` | a smaller sample of every benchmark that is there: what `medgym run` measures beside its tasks |
| `full` | every item of every benchmark that is there, and the test tasks of MedGym |
| `benchmarks` | every item of every benchmark that is there |
| `agentic` | the test tasks of MedGym |
| a benchmark's name | that benchmark |

Names may be joined by commas. A limit takes a sample, never the first items: every group has its share (largest
remainders), and within a group a hash of seed and id decides, so the same seed gives the same items on any machine and
a larger sample holds most of a smaller one. Matched pairs are never divided: `bias` is always whole.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from evaluation.benchmarks import BENCHMARKS, present
from evaluation.item import Item, Kind, Mode, Spec
from medgym_core.artifacts import digest_bytes
from medgym_core.errors import MedGymError, unknown_name

AGENTIC = "agentic"
"""The suite and the part of MedGym's own tasks."""
NIGHTLY_ITEMS = {"choice": 60, "short": 40, "number": 40, "long": 12, "safety": 48}
"""Items of each benchmark in `nightly`, by kind or name: a long answer costs a small model on two cores seconds."""
NIGHTLY_TASKS = 60  # twice what the promotion gate asks for
QUICK_ITEMS = {"choice": 24, "short": 12, "number": 12, "long": 4}
"""The same of `quick`: together less than a minute of `medgym run`."""
SAMPLES = {"nightly": NIGHTLY_ITEMS, "quick": QUICK_ITEMS}
UNDIVIDED = ("bias",)
"""Benchmarks that no limit applies to: a pair of which one half is left out says nothing."""
MODES = ("text", "logprob", "agentic")
SUITES = ("nightly", "quick", "full", "benchmarks", AGENTIC)
WHOLE = ("nightly", "quick", "full", "benchmarks")
"""Suites that have every benchmark that is there: what they lack is absent."""
DEFAULT_MODE: dict[Kind, Mode] = {"choice": "logprob", "short": "text", "number": "text", "long": "text"}

T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """One benchmark in one mode, or (`name` is `agentic`) the tasks of MedGym."""

    name: str
    mode: Mode
    limit: int | None = None


def parts_of(
    suite: str,
    root: Path | None,
    limit: int | None = None,
    mode: Mode | None = None,
    here: Sequence[str] | None = None,
) -> list[Part]:
    """The parts of a suite, or of several joined by commas, each once. `mode` is that of all of them (None: by kind).
    `here` are the benchmarks that are there (None: those of the data folder `root`).

    Raises MedGymError for an unknown name, a benchmark whose file is absent, and a benchmark named that has not got the
    mode; in a suite of many such a benchmark keeps a mode that it has.
    """
    if limit is not None and limit < 1:
        raise MedGymError("bad limit", got=limit, expected="at least 1")
    if mode is not None and mode not in MODES:
        raise unknown_name("benchmark mode", mode, MODES)
    found: dict[str, Part] = {}
    here = present(root) if here is None else here
    for name in (n.strip() for n in suite.split(",")):
        for part in _parts(name, here, root, limit, mode):
            found.setdefault(part.name, part)
    if not found:
        raise MedGymError("no benchmark is there", got=suite, expected="MEDGYM_DATA with benchmark files", where=root)
    return list(found.values())


def _parts(name: str, here: Sequence[str], root: Path | None, limit: int | None, mode: Mode | None) -> list[Part]:
    if name == AGENTIC:
        return [Part(AGENTIC, AGENTIC, limit)]
    if name in SAMPLES:
        sizes = SAMPLES[name]
        items = [
            _part(BENCHMARKS[n], limit or sizes.get(n, sizes[BENCHMARKS[n].kind]), mode, strict=False) for n in here
        ]
        return [*items, *([Part(AGENTIC, AGENTIC, limit or NIGHTLY_TASKS)] if name == "nightly" else [])]
    if name in ("full", "benchmarks"):
        items = [_part(BENCHMARKS[n], limit, mode, strict=False) for n in here]
        return [*items, *([Part(AGENTIC, AGENTIC, limit)] if name == "full" else [])]
    if name not in BENCHMARKS:
        raise unknown_name("suite", name, [*SUITES, *BENCHMARKS])
    spec = BENCHMARKS[name]
    if name not in here:
        got = "MEDGYM_DATA is not set" if root is None else f"no {spec.files[0]}"
        raise MedGymError("no benchmark files", got=got, expected=f"a folder with {spec.files[0]}", where=root)
    return [_part(spec, limit, mode, strict=True)]


def _part(spec: Spec, limit: int | None, mode: Mode | None, strict: bool) -> Part:
    limit = None if spec.name in UNDIVIDED else limit
    chosen = mode or DEFAULT_MODE[spec.kind]
    if chosen in modes_of(spec):
        return Part(spec.name, chosen, limit)
    if mode is not None and strict:
        raise unknown_name("benchmark mode", mode, modes_of(spec), where=spec.name)
    return Part(spec.name, modes_of(spec)[0], limit)


def modes_of(spec: Spec) -> list[Mode]:
    """The modes that a benchmark can be run in: letters only where there are letters."""
    return [mode for mode in spec.modes if mode != "logprob" or spec.kind == "choice"]


def sample(items: Sequence[Item], limit: int | None, seed: int) -> list[Item]:
    """At most `limit` items, every group with its share, in the order of `items`."""
    return stratified(items, limit, seed, lambda item: item.group, lambda item: item.id)


def stratified(
    values: Sequence[T], limit: int | None, seed: int, group: Callable[[T], str], name: Callable[[T], str]
) -> list[T]:
    """At most `limit` of the values, every group with its share, in their order."""
    if limit is None or limit >= len(values):
        return list(values)
    groups: dict[str, list[int]] = {}
    for place, value in enumerate(values):
        groups.setdefault(group(value), []).append(place)
    rank = {place: digest_bytes(f"{seed}/{name(value)}".encode()) for place, value in enumerate(values)}
    shares = {key: limit * len(places) / len(values) for key, places in groups.items()}
    left = limit - sum(int(share) for share in shares.values())
    favoured = sorted(shares, key=lambda key: (-(shares[key] % 1), key))[:left]
    chosen: list[int] = []
    for key, places in groups.items():
        chosen += sorted(places, key=rank.__getitem__)[: int(shares[key]) + (key in favoured)]
    return [values[place] for place in sorted(chosen)]

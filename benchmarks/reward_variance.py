"""Does every part of the reward vary within groups? `python benchmarks/reward_variance.py --policy DIR --tasks FILE`

GRPO learns only from differences between episodes of one task. This plays groups of episodes of training tasks at
temperature 1, as the trainer does, and prints (Markdown) how the composite's variance inside a group splits over its
parts:

- variance   mean over groups of the unbiased variance of the part, unweighted
- share      sum over groups of cov(w part, composite) / sum of var(composite), w from `rewards.WEIGHTS`. `caps` is what
             the caps took from the weighted sum (composite less sum), so that all shares add up to 1
- varies in  share of the groups in which the part is not the same in all episodes

The policy: `--policy DIR` with `--tasks FILE`; or `--home DIR`, the clone and the tasks of the last `medgym run` there;
or `--train`, a clone of the demo preset's size, made in minutes and kept in MEDGYM_HOME/variance.
"""

import argparse
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import msgspec
import numpy as np  # noqa: E402

from medgym_core.artifacts import Artifact, Store  # noqa: E402
from medgym_core.card import markdown  # noqa: E402
from medgym_core.errors import MedGymError  # noqa: E402
from medgym_core.home import home  # noqa: E402
from medgym_core.knowledge.search import KnowledgeBase  # noqa: E402
from medgym_core.rewards import WEIGHTS  # noqa: E402
from medgym_core.tasks import read_tasks  # noqa: E402
from medgym_core.types import Task  # noqa: E402
from pipelines.config import run_config  # noqa: E402
from pipelines.steps import POLICY, rollouts, tasks, training  # noqa: E402
from training.advantages import EQUAL  # noqa: E402
from training.policy import load_policy  # noqa: E402
from training.rollout import Limits, rollout  # noqa: E402
from training.sampler import derive_seed  # noqa: E402
from training.trajectory import Trajectory  # noqa: E402

CAPS = "caps"
DEMO = run_config()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--policy", type=Path, help="a policy folder; needs --tasks")
    source.add_argument("--home", type=Path, help="a MEDGYM_HOME where `medgym run` has been")
    source.add_argument("--train", action="store_true", help="clone a small policy first")
    parser.add_argument("--tasks", type=Path, help="a task file")
    parser.add_argument("--domains", nargs="+", default=list(DEMO.practice.domains))
    parser.add_argument("--groups", type=int, default=60, help="tasks, spread evenly over the domains")
    parser.add_argument("--samples", type=int, default=8, help="episodes a task")
    parser.add_argument("--per-domain", type=int, default=400, help="with --train: tasks a domain, all splits together")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if (options.policy is None) != (options.tasks is None):
        parser.error("--policy and --tasks go together")
    if options.samples < 2 or options.groups < 1:
        parser.error("a variance needs --samples of at least 2 and --groups of at least 1")
    folder, file, knowledge = source_of(options)
    chosen = choose(read_tasks(file, split="train"), options.domains, options.groups, options.seed)
    policy, began = load_policy(folder), time.perf_counter()
    limits = Limits(*DEMO.limits)
    episodes = rollout(policy, chosen, options.samples, options.seed, knowledge, limits=limits)
    took = f"{len(chosen)} groups of {options.samples}, temperature 1, {time.perf_counter() - began:.0f} s"
    print("\n".join(page(chosen, episodes, f"policy {policy.digest}, {took}")))


def source_of(options: argparse.Namespace) -> tuple[Path, Path, Any]:
    """The policy folder, the task file and the knowledge base."""
    if options.policy:
        return options.policy, options.tasks, KnowledgeBase.shipped()
    if options.train:
        bc, task_set = clone(options.domains, options.per_domain, options.seed)
        return bc.path / POLICY, task_set.path / "tasks.parquet", KnowledgeBase.shipped()
    from pipelines.cli.common import current, current_knowledge, task_file

    os.environ["MEDGYM_HOME"] = str(options.home)
    return current("training/bc_checkpoint").path / POLICY, task_file(None), current_knowledge()


def clone(domains: Sequence[str], per_domain: int, seed: int) -> tuple[Artifact, Artifact]:
    """A policy cloned from the references of fresh tasks, and those tasks; found again by the next call."""
    store, knowledge = Store(home() / "variance"), KnowledgeBase.shipped()
    practice = msgspec.structs.replace(DEMO.practice, domains=tuple(domains))
    inputs: dict[str, Any] = {"seed": seed, "per_domain": per_domain, "practice": repr(practice)}
    counts = dict.fromkeys(domains, per_domain)
    task_set = store.build("tasks", inputs, lambda folder: tasks.task_set(folder, seed, counts, knowledge)).artifact
    inputs |= {"tasks": task_set.digest, "policy": repr(DEMO.policy)}
    base = store.build(
        "base", inputs, lambda f: training.base_policy(f, task_set, "", DEMO.policy, seed, practice, knowledge)
    ).artifact
    inputs["base"] = base.digest
    told = store.build(
        "episodes", inputs, lambda f: rollouts.episodes(f, task_set, base, True, False, seed, practice, knowledge)
    ).artifact
    inputs |= {"episodes": told.digest, "bc": repr(DEMO.bc)}
    bc = store.build(
        "bc", inputs, lambda f: training.bc_checkpoint(f, base, told, DEMO.bc, seed), resumable=True
    ).artifact
    return bc, task_set


def choose(found: Sequence[Task], domains: Sequence[str], groups: int, seed: int) -> list[Task]:
    """`groups` tasks, the same number of each domain (one more of the first ones), drawn by seed."""
    chosen: list[Task] = []
    for place, domain in enumerate(domains):
        wanted = groups // len(domains) + (place < groups % len(domains))
        here = sorted((t for t in found if t.domain == domain), key=lambda t: derive_seed(seed, t.id))
        if len(here) < wanted:
            raise MedGymError("not enough training tasks", got=len(here), expected=wanted, where=domain)
        chosen += here[:wanted]
    return chosen


@dataclass(frozen=True)
class Row:
    """One line of the decomposition."""

    name: str
    mean: float
    variance: float
    """Mean within-group variance, unweighted."""
    share: float
    """Of the composite's within-group variance; NaN where that is zero."""
    varying: float
    """Share of groups in which it varies at all."""


def columns(tasks: Sequence[Task], episodes: Sequence[Trajectory]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values (G, n) of the composite, each part and the caps; and the weight (G, 1) of each term in the composite.

    `episodes` are ordered by task and sample. Raises MedGymError where the weighted parts, capped, are no composite.
    """
    groups = len(tasks)
    values = {p: np.array([t.parts[p] for t in episodes]).reshape(groups, -1) for p in WEIGHTS}
    plain = {p: np.full((groups, 1), w) for p, w in WEIGHTS.items()}
    plain["assertions"] *= np.array([[bool(t.truth.evidence)] for t in tasks])  # a task without any is renormalised
    total = sum(plain.values())
    weights = {p: w / total for p, w in plain.items()}
    composite = np.array([t.reward for t in episodes]).reshape(groups, -1)
    caps = composite - sum(weights[p] * values[p] for p in WEIGHTS)
    if caps.max() > EQUAL:
        where = episodes[int(caps.argmax())].task
        raise MedGymError("composite above its weighted parts", got=caps.max(), expected="at most 0", where=where)
    return {"composite": composite, **values, CAPS: caps}, {**weights, CAPS: np.ones((groups, 1))}


def decompose(values: Mapping[str, Any], weights: Mapping[str, Any]) -> list[Row]:
    """The rows of the table, the composite's first. Values (G, n), weights (G, 1)."""
    centred = {name: v - v.mean(1, keepdims=True) for name, v in values.items()}
    freedom = values["composite"].shape[1] - 1
    whole = (centred["composite"] ** 2).sum()
    rows = []
    for name, v in values.items():
        weighted = centred[name] * weights.get(name, 1.0)
        share = float((weighted * centred["composite"]).sum() / whole) if whole > 0 else float("nan")
        variance = float((centred[name] ** 2).sum(1).mean() / freedom)
        rows.append(Row(name, float(v.mean()), variance, share, float((np.ptp(v, axis=1) > EQUAL).mean())))
    return rows


def page(tasks: Sequence[Task], episodes: Sequence[Trajectory], title: str) -> list[str]:
    """The tables, of all domains and of each, and which parts are constant."""
    values, weights = columns(tasks, episodes)
    lines = ["# Variance of the reward within groups", "", title, ""]
    domains = list(dict.fromkeys(t.domain for t in tasks))
    for domain in ("all", *(domains if len(domains) > 1 else ())):
        rows = np.array([domain in (t.domain, "all") for t in tasks])
        found = decompose({n: v[rows] for n, v in values.items()}, {n: w[rows] for n, w in weights.items()})
        flat = 1 - found[0].varying
        constant = [r.name for r in found if r.varying == 0 and r.name != CAPS]
        cells = [[r.name, f"{r.mean:.3f}", f"{r.variance:.4f}", f"{r.share:+.3f}", f"{r.varying:.2f}"] for r in found]
        lines += [f"## {domain}: {int(rows.sum())} groups, {flat:.2f} of them without any variance", ""]
        lines += markdown(["part", "mean", "variance", "share", "varies in"], cells)
        lines += ["", f"Constant in every group: {', '.join(constant) or 'none'}.", ""]
    return lines


if __name__ == "__main__":
    main()

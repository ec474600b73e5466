"""Seconds of a training step by phase, GRPO against TT-OPD.

`python benchmarks/training_steps.py --policy DIR --tasks FILE`: both start from the same policy and play the same
prompts, step by step in turn, so that what else the machine does meets both. The first step of each is not counted.
Padding is the largest share of computed tokens that is padding, over the steps.
"""

import argparse
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

Seconds = dict[str, list[dict[str, float]]]
PHASES = ("rollout", "score", "teacher", "update", "ema")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--policy", required=True, help="a policy folder, such as that of the last run's clone")
    parser.add_argument("--tasks", required=True, type=Path, help="a task file")
    parser.add_argument("--domain", default="triage_emergency")
    parser.add_argument("--steps", type=int, default=9)
    chosen = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        seconds, padding = measure(chosen, Path(folder))
    print(f"{'':>10}" + "".join(f"{p:>10}" for p in (*PHASES, "step")) + f"{'padding':>10}")
    for arm, rows in seconds.items():
        medians = [statistics.median(r.get(p, 0.0) for r in rows) for p in PHASES]
        whole = statistics.median(sum(r.values()) for r in rows)
        print(f"{arm:>10}" + "".join(f"{m:>10.2f}" for m in (*medians, whole)) + f"{max(padding[arm]):>10.3f}")
    ratios = sorted(sum(b.values()) / sum(a.values()) for a, b in zip(seconds["grpo"], seconds["ttopd"], strict=True))
    print(f"TT-OPD / GRPO: median {statistics.median(ratios):.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}]")


def measure(
    chosen: argparse.Namespace, folder: Path
) -> tuple[dict[str, list[dict[str, float]]], dict[str, list[float]]]:
    """Seconds by phase of every counted step, and the padding, by arm."""
    from medgym_core.knowledge.search import KnowledgeBase
    from medgym_core.tasks import read_tasks
    from training.config import CosineConfig, GRPOConfig, TTOPDConfig
    from training.rl import start
    from training.trainer import train_step

    tasks = [t for t in read_tasks(chosen.tasks, domain=chosen.domain) if t.split != "test" and t.level <= 2]
    knowledge: Any = KnowledgeBase.shipped()
    common = {"steps": chosen.steps + 1, "gradient_norms_every": 0, "episodes_every": 1000, "checkpoint_every": 1000}
    arms = {
        "grpo": GRPOConfig(**common, cosine=CosineConfig(weight=0.0)),
        "ttopd": TTOPDConfig(**common, hint="outcome"),
    }
    runs = {arm: start(chosen.policy, tasks, knowledge, folder / arm, config, 0) for arm, config in arms.items()}
    seconds: dict[str, list[dict[str, float]]] = {arm: [] for arm in arms}
    padding: dict[str, list[float]] = {arm: [] for arm in arms}
    for step in range(chosen.steps + 1):
        for arm, run in runs.items():
            record = train_step(run)
            if step:
                seconds[arm].append(record["clock"].seconds)
                padding[arm].append(record["padding"])
    return seconds, padding


if __name__ == "__main__":
    main()

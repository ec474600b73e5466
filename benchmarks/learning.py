"""Does training help? `python benchmarks/learning.py [--seeds 3] [--only SEED]`: BC against TT-OPD over seeds.

One task set; per seed its own initial weights, order of demonstrations, exploration and hints. Every arm is played on
the test split, greedily and sampled at temperature 1, beside the oracle and every null policy. Nothing is chosen on the
test split: the TT-OPD weights are those that did best on validation tasks. Prints the scores with 95 % intervals
(seeds, then families of tasks resampled) and the paired differences; the curves go to MEDGYM_HOME/study/report.

Resumable: every stage is an artifact, training goes on from its last checkpoint. `--only` trains one seed and stops, so
that two seeds can run side by side.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from rich.console import Console  # noqa: E402

from evaluation.agentic import evaluate_tasks, scripts  # noqa: E402
from evaluation.plots import learning_curve, policy_bars  # noqa: E402
from evaluation.scorecard import comparison_rows, estimate_rows, level_lines, rich_table  # noqa: E402
from evaluation.scores import score_policies  # noqa: E402
from medgym_core.artifacts import Artifact, Made, Store  # noqa: E402
from medgym_core.home import home  # noqa: E402
from medgym_core.knowledge.search import KnowledgeBase  # noqa: E402
from medgym_core.tasks import read_tasks  # noqa: E402
from pipelines.config import run_config  # noqa: E402
from pipelines.steps import POLICY, rollouts, tasks, training  # noqa: E402
from training.config import TrainingConfig, preset  # noqa: E402

TASKS_SEED = 0
PRACTICE = run_config().practice
ARMS = {"bc": "bc", "ttopd": "checkpoint"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", type=int, help="train and play this seed alone, print nothing")
    parser.add_argument("--per-domain", type=int, default=800, help="tasks a domain, all splits together")
    parser.add_argument("--preset", default="cpu_study")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="training setting")
    chosen = parser.parse_args()
    config = preset(chosen.preset, dict(setting.split("=", 1) for setting in chosen.set))
    study = Study(config, chosen.per_domain)
    if chosen.only is not None:
        study.played(chosen.only)
        study.hints(chosen.only)
    else:
        report(study, range(chosen.seeds))


class Study:
    """The stages of every seed, each an artifact below MEDGYM_HOME/study."""

    def __init__(self, config: TrainingConfig, per_domain: int):
        self.store = Store(home() / "study")
        self.config = config
        self.knowledge = KnowledgeBase.shipped()
        self.task_set = self.store.build(
            "tasks",
            {"seed": TASKS_SEED, "per_domain": per_domain, "domains": PRACTICE.domains},
            lambda folder: tasks.task_set(
                folder, TASKS_SEED, dict.fromkeys(PRACTICE.domains, per_domain), self.knowledge
            ),
        ).artifact

    def stage(self, name: str, seed: int, upstream: list[Artifact], config: Any, make: Any) -> Artifact:
        inputs = {"seed": seed, "upstream": [a.digest for a in upstream], "config": repr(config)}
        return self.store.build(name, inputs, make, resumable=name in ARMS.values()).artifact

    def trained(self, seed: int) -> dict[str, Artifact]:
        """The checkpoints of one seed by arm."""
        c, t, k, p = self.config, self.task_set, self.knowledge, PRACTICE
        base = self.stage("base", seed, [t], c.policy, lambda f: training.base_policy(f, t, "", c.policy, seed, p, k))
        recorded = self.stage(
            "episodes", seed, [t, base], "", lambda f: rollouts.episodes(f, t, base, True, False, seed, p, k)
        )
        bc = self.stage("bc", seed, [recorded], c.bc, lambda f: training.bc_checkpoint(f, base, recorded, c.bc, seed))
        ttopd = self.stage(
            "checkpoint", seed, [bc, t], c.ttopd, lambda f: training.checkpoint(f, bc, t, c.ttopd, seed, p, k)
        )
        return {"bc": bc, "ttopd": ttopd}

    def played(self, seed: int) -> dict[str, pa.Table]:
        """Test rows of one seed by arm, greedy and sampled."""
        checkpoints = self.trained(seed)
        rows = self.stage("rows", seed, list(checkpoints.values()), "", lambda f: self._play(f, checkpoints, seed))
        return {path.stem: pq.read_table(path) for path in sorted(rows.path.glob("*.parquet"))}

    def _play(self, folder: Path, checkpoints: dict[str, Artifact], seed: int) -> Made:
        from training.policy import load_policy

        for arm, artifact in checkpoints.items():
            policy = load_policy(artifact.path / POLICY)
            for greedy in (True, False):
                name = arm if greedy else f"{arm} sampled"
                rows = evaluate_tasks(policy, self.test, self.knowledge, seed, greedy=greedy)
                pq.write_table(rows, folder / f"{name}.parquet")
        return Made(len(self.test))

    def hints(self, seed: int) -> dict[str, dict[str, float]]:
        """What the clone makes of each hint in its prompt, on validation tasks at temperature 1."""
        bc = self.trained(seed)["bc"]
        found = self.stage("hints", seed, [bc, self.task_set], "", lambda f: self._hints(f, bc, seed))
        return json.loads((found.path / "hints.json").read_text(encoding="utf-8"))

    def _hints(self, folder: Path, bc: Artifact, seed: int) -> Made:
        from training.policy import load_policy
        from training.report import hint_use

        tasks = read_tasks(self.task_set.path / "tasks.parquet", split="validation")
        use = hint_use(load_policy(bc.path / POLICY), tasks, 1, seed, self.knowledge)
        (folder / "hints.json").write_text(json.dumps(use), encoding="utf-8")
        return Made(len(use))

    @property
    def test(self) -> list[Any]:
        return read_tasks(self.task_set.path / "tasks.parquet", split="test")


def report(study: Study, seeds: range) -> None:
    """Tables on the screen, curves in a folder."""
    by_seed = [study.played(seed) for seed in seeds]
    greedy = {arm: [rows[arm] for rows in by_seed] for arm in ARMS}
    greedy |= {name: [evaluate_tasks(s, study.test, study.knowledge, 0)] for name, s in scripts().items()}
    sampled = {arm: [rows[f"{arm} sampled"] for rows in by_seed] for arm in ARMS}
    console = Console()
    folder = home() / "study" / "report"
    folder.mkdir(parents=True, exist_ok=True)
    for title, arms in {"greedy": greedy, "sampled at temperature 1": sampled}.items():
        scores = score_policies(arms, seed=0)
        console.print(rich_table(estimate_rows(scores), f"Held-out tasks, {title}, {len(seeds)} seeds"))
        console.print(rich_table(comparison_rows(scores), f"Paired differences, {title}"))
        policy_bars(folder / f"policies-{'greedy' if title == 'greedy' else 'sampled'}.png", scores)
    rows = [["hint in the prompt", *(f"seed {s}" for s in seeds)]]
    use = [study.hints(seed) for seed in seeds]
    rows += [[kind, *(f"{u[kind]['accuracy']:.3f}" for u in use)] for kind in use[0]]
    console.print(rich_table(rows, "Use of the hint: accuracy of the clone, validation tasks, temperature 1"))
    lines = level_lines(score_policies(greedy, seed=0), ["bc"])
    for seed in seeds:
        points = [json.loads(line) for line in (study.trained(seed)["ttopd"].path / "metrics.jsonl").open()]
        learning_curve(folder / f"curve-seed-{seed}.png", points, lines)
    console.print(f"pictures: {folder}")


if __name__ == "__main__":
    main()

"""The stages of a study, each an artifact below MEDGYM_HOME/study: tasks, start, hints, and for each arm and seed the
trained policy and its rows on the test tasks. What is there is not made again; a training goes on where it was.
"""

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from medgym_core.artifacts import Artifact, Made, Store
from medgym_core.home import home
from pipelines import display
from pipelines.steps import POLICY
from training.studies import START, StudyConfig, arm_config

if TYPE_CHECKING:
    import pyarrow as pa

TASKS_SEED, START_SEED = 0, 0
HINT_SAMPLES = 2
HINT_TASKS = 150


class Stages:
    """What a study is made of; every method gives an artifact, made now or found."""

    def __init__(self, study: StudyConfig):
        from medgym_core.knowledge.search import KnowledgeBase

        self.study = study
        self.store = Store(home() / "study")
        self.knowledge = KnowledgeBase.shipped()

    def tasks(self) -> Artifact:
        """The task set of the domain."""
        from pipelines.steps import tasks

        counts = {self.study.domain: self.study.per_domain}
        return self._built(
            "tasks",
            {"seed": TASKS_SEED, "counts": counts},
            lambda folder: tasks.task_set(folder, TASKS_SEED, counts, self.knowledge),
        )

    def start(self) -> Artifact:
        """The one clone that every arm starts from: of all types of the domain, up to the study's level."""
        from pipelines.config import PracticeConfig
        from pipelines.steps import rollouts, training

        config, tasks = arm_config(self.study, START), self.tasks()
        practice = PracticeConfig(domains=(self.study.domain,), level=self.study.level)
        about = {"upstream": tasks.digest, "seed": START_SEED, "level": self.study.level}
        base = self._built(
            "base",
            {**about, "config": msgspec.to_builtins(config.policy)},
            lambda f: training.base_policy(f, tasks, "", config.policy, START_SEED, practice, self.knowledge),
        )
        recorded = self._built(
            "episodes",
            {**about, "base": base.digest},
            lambda f: rollouts.episodes(f, tasks, base, True, False, START_SEED, practice, self.knowledge),
        )
        return self._built(
            START,
            {"upstream": recorded.digest, "config": msgspec.to_builtins(config.bc)},
            lambda f: training.bc_checkpoint(f, base, recorded, config.bc, START_SEED),
            resumable=True,
        )

    def arm(self, arm: str, seed: int) -> Artifact:
        """One arm of one seed, trained."""
        from pipelines.steps.training import trained_policy

        start, tasks, config = self.start(), self.tasks(), arm_config(self.study, arm).rl
        chosen = [t for split in ("train", "validation") for t in self._tasks(tasks, split)]
        about = {"upstream": [start.digest, tasks.digest], "config": msgspec.to_builtins(config), "seed": seed}
        return self._built(
            "arm",
            {**about, "types": self.study.types, "level": self.study.level},
            lambda f: trained_policy(f, start.path / POLICY, chosen, self.knowledge, config, seed, f"{arm} {seed}"),
            resumable=True,
        )

    def rows(self, arm: str, seed: int) -> Artifact:
        """greedy.parquet, sampled.parquet: an arm's episodes on the test tasks, unshaped. The start has one seed."""
        policy = self.start() if arm == START else self.arm(arm, seed)
        about = {"policy": policy.meta["policy_digest"], "tasks": self.tasks().digest, "seed": seed}
        limits = arm_config(self.study, arm).rl
        about |= {"types": self.study.types, "limits": [limits.turn_tokens, limits.episode_tokens]}
        return self._built("rows", about, lambda f: self._play(f, policy, seed, limits))

    def hints(self) -> Artifact:
        """hints.json: figures of the start with each kind of hint in its prompt and without, on validation tasks."""
        start = self.start()
        about = {"policy": start.digest, "tasks": self.tasks().digest, "types": self.study.types}
        return self._built("hint-use", about, lambda f: self._hints(f, start))

    def test_tasks(self) -> list[Any]:
        return self._tasks(self.tasks(), "test")

    def read_rows(self, arm: str, seed: int) -> dict[str, "pa.Table"]:
        import pyarrow.parquet as pq

        folder = self.rows(arm, seed).path
        return {name: pq.read_table(folder / f"{name}.parquet") for name in ("greedy", "sampled")}

    def _play(self, folder: Path, policy: Artifact, seed: int, limits: Any) -> Made:
        import pyarrow.parquet as pq

        from evaluation.agentic import evaluate_tasks
        from training.policy import load_policy
        from training.rollout import Limits

        tasks, model = self.test_tasks(), load_policy(policy.path / POLICY)
        bounds = Limits(limits.turn_tokens, limits.episode_tokens)
        for name, greedy in (("greedy", True), ("sampled", False)):
            rows = evaluate_tasks(model, tasks, self.knowledge, seed, bounds, greedy=greedy)
            pq.write_table(rows, folder / f"{name}.parquet")
        return Made(2 * len(tasks))

    def _hints(self, folder: Path, start: Artifact) -> Made:
        from medgym_core.probes import reference_texts
        from training.policy import load_policy
        from training.report import hint_use

        tasks = self._tasks(self.tasks(), "validation")[:HINT_TASKS]
        policy = load_policy(start.path / POLICY)
        use = hint_use(policy, tasks, HINT_SAMPLES, START_SEED, self.knowledge, reference=reference_texts)
        (folder / "hints.json").write_text(json.dumps(use), encoding="utf-8")
        return Made(len(use))

    def _tasks(self, tasks: Artifact, split: str) -> list[Any]:
        from pipelines.config import PracticeConfig
        from pipelines.steps.practice import practice_tasks

        practice = PracticeConfig(domains=(self.study.domain,), level=self.study.level)
        return [t for t in practice_tasks(tasks, split, practice) if t.type in self.study.types]

    def _built(self, name: str, inputs: dict[str, Any], make: Any, *, resumable: bool = False) -> Artifact:
        return self.store.build(name, inputs, make, resumable=resumable).artifact


def run_arms(study: StudyConfig, seeds: Sequence[int], jobs: int) -> None:
    """Every arm of every seed, `jobs` at a time, seed by seed, so that an early stop leaves whole seeds."""
    stages = Stages(study)
    stages.start()
    work = [(arm, seed) for seed in seeds for arm in study.arms]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(_one, study, *job): job for job in work}
        for number, future in enumerate(as_completed(futures), 1):
            future.result()
            arm, seed = futures[future]
            display.current().progress("study", number, len(work), {"arm": arm, "seed": seed})
    stages.rows(START, START_SEED)
    stages.hints()


def _one(study: StudyConfig, arm: str, seed: int) -> None:
    import torch

    torch.set_num_threads(1)
    Stages(study).rows(arm, seed)

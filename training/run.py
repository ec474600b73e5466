"""A training run as it lies on disk, whatever the algorithm: start or resume, checkpoint, finish.

out_dir/config.json         the whole configuration and its digest
out_dir/policy/             the result, a Hugging Face folder
out_dir/adapter/            the adapter alone, where one was trained
out_dir/metrics.jsonl       one line a step and one a validation; the same inputs give the same bytes
out_dir/timings.jsonl       seconds and tokens/s by phase
out_dir/episodes/*.parquet  what was learnt from
out_dir/checkpoints/        to resume from, and the best weights so far
"""

import json
import math
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import torch
from safetensors.torch import save_file

from medgym_core.artifacts import digest_json, write_atomic
from training.adapters import has_adapter, save_adapter
from training.algorithms.base import Algorithm
from training.checkpoint import (
    StepLog,
    load_checkpoint,
    model_tensors,
    optimiser_tensors,
    restore_model,
    restore_optimiser,
    save_checkpoint,
)
from training.config import TrainerConfig
from training.memory import keep_steady
from training.parallel import whole_model, whole_tensors
from training.policy import Policy, save_policy
from training.ranks import ALONE, Ranks
from training.trajectory import Trajectory, read_trajectories, write_trajectories

BETA1 = 0.9
AHEAD = "ahead.parquet"


@dataclass
class Run:
    """One run: what it is made of, and everything that changes while training."""

    config: Any
    seed: int
    out_dir: Path
    identity: str
    """Digest of all inputs; a checkpoint of another identity is refused."""
    policy: Policy
    optimiser: torch.optim.Optimizer
    algorithm: Algorithm
    ranks: Ranks = ALONE
    step: int = 0
    """Steps done."""
    counters: Counter[str] = field(default_factory=Counter)
    best: dict[str, float] = field(default_factory=dict)
    """Step and validation figures of the best weights so far."""
    train: list[Any] = field(default_factory=list)
    validation: list[Any] = field(default_factory=list)
    knowledge: Any = None
    make_episode: Any = None
    reference: Callable[[str], list[str]] = lambda task: []
    """The reference actions of a task, by its id."""
    limits: Any = None
    actor: Any = None
    episodes: Callable[[], list[Trajectory]] = list
    """The episodes of the step to come."""
    ahead: Future[list[Trajectory]] | None = None
    """This process's episodes of the next step, under way: one step off."""

    def __post_init__(self) -> None:
        self.metrics = StepLog(self.out_dir / "metrics.jsonl")
        self.timings = StepLog(self.out_dir / "timings.jsonl")

    @property
    def best_path(self) -> Path:
        return self.out_dir / "checkpoints" / f"best-{int(self.best['step']):06d}.safetensors"


def identity_of(config: Any, *parts: Any) -> str:
    """The digest that names a run: its configuration and whatever else goes into it."""
    return digest_json([msgspec.to_builtins(config), *parts])


def new_optimiser(model: Any, config: TrainerConfig) -> torch.optim.Optimizer:
    """AdamW over the weights that train."""
    keep_steady(model.config.get_text_config().vocab_size)
    parameters = [p for p in model.parameters() if p.requires_grad]
    betas = (BETA1, config.beta2)
    return torch.optim.AdamW(parameters, lr=config.learning_rate, betas=betas, weight_decay=config.weight_decay)


def learning_rate(config: Any, step: int) -> float:
    """At a step from 0: linear warm-up, then constant, or a cosine down to `final_rate` of it at the last step."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    done = (step - config.warmup_steps) / max(config.total_steps - config.warmup_steps, 1)
    return config.learning_rate * (config.final_rate + (1 - config.final_rate) * (1 + math.cos(math.pi * done)) / 2)


def resume(run: Run) -> None:
    """Take up the newest whole checkpoint of `out_dir`, if there is one; cut the logs back to it; store the config.

    Raises MedGymError when it is another run's.
    """
    found = load_checkpoint(run.out_dir / "checkpoints", run.identity, run.ranks)
    if found:
        tensors, state, folder = found
        restore_model(run.policy.model, tensors.pop("model"))
        restore_optimiser(run.optimiser, tensors.pop("optimiser"))
        torch.set_rng_state(tensors.pop("rng")["torch"])
        run.algorithm.restore(tensors)
        run.step, run.counters, run.best = int(state["step"]), Counter(state["counters"]), state["best"]
        if (folder / AHEAD).exists():
            run.ahead = Future()
            run.ahead.set_result(read_trajectories(folder / AHEAD)[run.ranks.index :: run.ranks.size])
    if run.ranks.first:
        for log in (run.metrics, run.timings):
            log.cut(run.step if found else -1)
        config = msgspec.to_builtins(run.config)
        content = {"digest": digest_json(config), "run": run.identity, "seed": run.seed, "config": config}
        write_atomic(run.out_dir / "config.json", json.dumps(content, indent=1))


def checkpoint(run: Run) -> None:
    """Write everything needed to go on, then drop the best weights that are no longer the best."""
    tensors = {
        "model": model_tensors(run.policy.model),
        "optimiser": optimiser_tensors(run.optimiser),
        "rng": {"torch": torch.get_rng_state()},
        **run.algorithm.state(),
    }
    ahead = run.ranks.gather(run.ahead.result()) if run.ahead else None

    def more(folder: Path) -> None:
        if ahead is not None:
            write_trajectories(folder / AHEAD, ahead)

    folder = run.out_dir / "checkpoints"
    config = msgspec.to_builtins(run.config)
    state = {"run": run.identity, "counters": dict(run.counters), "best": run.best}
    state |= {"config": config, "config_digest": digest_json(config)}
    save_checkpoint(folder, run.step, tensors, state, more, run.ranks)
    for path in sorted(folder.glob("best-*.safetensors")) if run.ranks.first else ():
        if not run.best or path != run.best_path:
            path.unlink()


def keep_best(run: Run, figures: dict[str, float]) -> None:
    """Keep the weights if they are the best so far on validation."""
    now = {"step": run.step, "accuracy": figures["validation_accuracy"], "composite": figures["validation_composite"]}
    if run.best and (now["accuracy"], now["composite"]) <= (run.best["accuracy"], run.best["composite"]):
        return
    run.best = now
    values = whole_tensors(run.policy.model, run.ranks)
    if not run.ranks.first:
        return
    beside = run.best_path.with_name(".best.part")
    beside.parent.mkdir(parents=True, exist_ok=True)
    save_file(values, beside)
    beside.rename(run.best_path)


def write_policy(run: Run) -> Path:
    """The policy as it is now, as a Hugging Face folder; an adapter is merged in, and stands beside as `adapter/`."""
    folder = run.out_dir / "policy"
    model = whole_model(run.policy.model, run.ranks)
    if model is not None:
        save_policy(model, run.policy.tokenizer, folder, render_tools=run.policy.chat.render_tools)
        if has_adapter(model):
            save_adapter(model, run.out_dir / "adapter")
    run.ranks.wait()
    return folder

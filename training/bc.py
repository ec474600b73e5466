"""Behaviour cloning: warm-up on copying, then cloning of episodes, plain and under a true outcome hint.

- Warm-up: random segments that repeat. Copying arguments out of observations is what a small policy learns last, and
  this teaches it directly.
- Cloning: cross-entropy on the tokens the agent produced (weight 1) and a little on what it read.
- Hints: an episode shown under a hint carries its *true* outcome: a correct one the reinforcing hint, an incorrect one
  the corrective hint. That makes the hint readable for the teacher of TT-OPD. Without a hint only correct episodes are
  shown, so plain behaviour never learns from a bad one.

What lies in `out_dir` is described in `training.run`.
"""

import time
from pathlib import Path
from typing import Any

from training.algorithms.bc import BC
from training.config import BCConfig
from training.examples import make_examples, select_demonstrations
from training.parallel import join, shard
from training.policy import load_policy, policy_digest
from training.run import Run, identity_of, new_optimiser, resume, write_policy
from training.trainer import Progress, train
from training.trajectory import content_digest, read_trajectories, require_tokens


def train_bc(
    base_dir: Path | str,
    trajectories_path: Path,
    out_dir: Path,
    config: BCConfig,
    seed: int,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Clone the trajectories into the base policy, write `out_dir`, return the run's figures.

    Raises MedGymError when there is no correct episode. An `out_dir` that holds checkpoints of the same inputs is
    resumed; of other inputs, refused. `progress` gets every step's log line. Under torchrun every process calls this
    and gets the figures; the first one writes and reports.
    """
    began = time.perf_counter()
    ranks = join()
    policy = load_policy(base_dir, trained=config)
    shard(policy.model, config, ranks)
    recorded = require_tokens(read_trajectories(trajectories_path))
    trajectories = select_demonstrations(recorded, config.demonstrations, seed)
    examples = make_examples(policy, trajectories, config)
    run = Run(
        config=config,
        seed=seed,
        out_dir=Path(out_dir),
        identity=identity_of(config, policy.digest, content_digest(trajectories), seed),
        policy=policy,
        optimiser=new_optimiser(policy.model, config),
        algorithm=BC(config, examples),
        ranks=ranks,
    )
    resume(run)
    done = run.step
    train(run, None, progress)
    folder = write_policy(run)
    figures = _figures(run, folder, done, time.perf_counter() - began) if ranks.first else None
    return {"demonstrations": len(examples.plain), "hinted_examples": len(examples.hinted), **ranks.tell(figures)}


def _figures(run: Run, folder: Path, done: int, seconds: float) -> dict[str, Any]:
    records = run.metrics.read()
    losses = {stage: [r["loss"] for r in records if r["stage"] == stage][-20:] for stage in ("copy", "clone")}
    tokens = sum(r["trained_tokens"] for r in records[done:])
    return {
        "steps": len(records),
        "copy_loss": sum(losses["copy"]) / len(losses["copy"]) if losses["copy"] else None,
        "loss": sum(losses["clone"]) / len(losses["clone"]) if losses["clone"] else None,
        "tokens_per_second": round(tokens / seconds, 1),
        "policy_digest": policy_digest(folder),
    }

"""Behaviour cloning: warm-up on copying, then cloning of episodes, plain and under a true outcome hint.

- Warm-up: random segments that repeat. Copying arguments out of observations is what a small policy learns last, and
  this teaches it directly.
- Cloning: cross-entropy on the tokens the agent produced (weight 1) and a little on what it read.
- Hints: an episode shown under a hint carries its *true* outcome: a correct one the reinforcing hint, an incorrect one
  the corrective hint. That makes the hint readable for the teacher of TT-OPD. Without a hint only correct episodes are
  shown, so plain behaviour never learns from a bad one.

    out_dir/policy/         the result, a Hugging Face folder
    out_dir/metrics.jsonl   one line a step; the same inputs give the same bytes
    out_dir/checkpoints/    to resume from
"""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import torch

from medgym_core.artifacts import digest_json
from training.batches import buckets, logits_at
from training.checkpoint import (
    StepLog,
    load_checkpoint,
    model_tensors,
    optimiser_tensors,
    restore_model,
    restore_optimiser,
    save_checkpoint,
)
from training.config import BCConfig
from training.examples import Example, Examples, clone_batch, copy_batch, make_examples, select_demonstrations
from training.policy import Policy, load_policy, policy_digest, save_policy
from training.trajectory import content_digest, read_trajectories, require_tokens

Progress = Callable[[dict[str, Any]], None]
FINAL = 0.1  # share of the learning rate left at the end
BETAS = (0.9, 0.98)


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
    resumed; of other inputs, refused. `progress` gets every step's log line.
    """
    out_dir, began = Path(out_dir), time.perf_counter()
    policy = load_policy(base_dir)
    recorded = require_tokens(read_trajectories(trajectories_path))
    trajectories = select_demonstrations(recorded, config.demonstrations, seed)
    examples = make_examples(policy, trajectories, config)
    identity = digest_json([policy.digest, content_digest(trajectories), msgspec.to_builtins(config), seed])
    optimiser = torch.optim.AdamW(
        policy.model.parameters(), lr=config.learning_rate, betas=BETAS, weight_decay=config.weight_decay
    )
    done = _resume(policy, optimiser, out_dir, identity)
    log = StepLog(out_dir / "metrics.jsonl", done or -1)
    total, tokens = config.copy_steps + config.steps, 0
    policy.model.train()
    for step in range(done, total):
        copying = step < config.copy_steps
        batch = copy_batch(policy, step, seed) if copying else clone_batch(examples, config, step, seed)
        rate = learning_rate(config, step)
        loss = _learn(policy.model, optimiser, batch, config, rate)
        tokens += sum(len(e.ids) for e in batch)
        record = {"step": step + 1, "stage": "copy" if copying else "clone", "loss": loss, "learning_rate": rate}
        log.write(record)
        if (step + 1) % config.checkpoint_every == 0 or step + 1 == total:
            _checkpoint(policy, optimiser, out_dir, step + 1, identity)
        if progress:
            progress({"phase": "bc", "steps": total, **record})
    policy.model.eval()
    save_policy(policy.model, policy.tokenizer, out_dir / "policy", render_tools=policy.chat.render_tools)
    speed = tokens / (time.perf_counter() - began)
    return {
        **_figures(log, examples),
        "tokens_per_second": round(speed, 1),
        "policy_digest": policy_digest(out_dir / "policy"),
    }


def learning_rate(config: BCConfig, step: int) -> float:
    """Linear warm-up, then a cosine to `FINAL`."""
    total = config.copy_steps + config.steps
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    done = (step - config.warmup_steps) / max(total - config.warmup_steps, 1)
    return config.learning_rate * (FINAL + (1 - FINAL) * (1 + math.cos(math.pi * done)) / 2)


def _learn(model: Any, optimiser: torch.optim.Optimizer, batch: list[Example], config: BCConfig, rate: float) -> float:
    """One optimiser step on the weighted mean cross-entropy, which is returned."""
    for group in optimiser.param_groups:
        group["lr"] = rate
    total = sum(w for e in batch for w in e.weights[1:])
    optimiser.zero_grad(set_to_none=True)
    value = 0.0
    for members in buckets([len(e.ids) for e in batch], config.batch_tokens):
        rows = [batch[i] for i in members]
        positions = [[p for p in range(1, len(e.ids)) if e.weights[p]] for e in rows]
        targets = torch.tensor([e.ids[p] for e, chosen in zip(rows, positions, strict=True) for p in chosen])
        weights = torch.tensor([e.weights[p] for e, chosen in zip(rows, positions, strict=True) for p in chosen])
        logits = logits_at(model, [e.ids for e in rows], positions)
        losses = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
        loss = (losses * weights).sum() / total
        loss.backward()
        value += loss.item()
    torch.nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
    optimiser.step()
    return value


def _resume(policy: Policy, optimiser: torch.optim.Optimizer, out_dir: Path, identity: str) -> int:
    """Steps already done, after restoring them."""
    found = load_checkpoint(out_dir / "checkpoints", identity)
    if found is None:
        return 0
    tensors, state = found
    restore_model(policy.model, tensors["model"])
    restore_optimiser(optimiser, tensors["optimiser"])
    return int(state["step"])


def _checkpoint(policy: Policy, optimiser: torch.optim.Optimizer, out_dir: Path, step: int, identity: str) -> None:
    tensors = {"model": model_tensors(policy.model), "optimiser": optimiser_tensors(optimiser)}
    save_checkpoint(out_dir / "checkpoints", step, tensors, {"run": identity})


def _figures(log: StepLog, examples: Examples) -> dict[str, Any]:
    records = log.read()
    losses = {stage: [r["loss"] for r in records if r["stage"] == stage][-20:] for stage in ("copy", "clone")}
    return {
        "steps": len(records),
        "copy_loss": sum(losses["copy"]) / len(losses["copy"]) if losses["copy"] else None,
        "loss": sum(losses["clone"]) / len(losses["clone"]) if losses["clone"] else None,
        "demonstrations": len(examples.plain),
        "hinted_examples": len(examples.hinted),
    }

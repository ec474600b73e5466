"""The policy's artifacts: the untrained base, the clone, the TT-OPD result, and the version record."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from medgym_core.artifacts import Artifact, Made, digest_file, digest_files, digest_json
from pipelines import display
from pipelines.steps import POLICY
from pipelines.steps.practice import practice_tasks


def base_policy(
    folder: Path, task_set: Artifact, model: str, config: Any, seed: int, practice: Any, knowledge: Any
) -> Made:
    """policy/: the small policy with a tokenizer made from training conversations, or a copy of `model`."""
    from training.policy import build_base_policy, load_policy, policy_digest, save_policy

    if model:
        source = load_policy(model)
        save_policy(source.model, source.tokenizer, folder / POLICY, render_tools=source.chat.render_tools)
        built = load_policy(folder / POLICY)
    else:
        built = build_base_policy(_conversations(task_set, practice, seed, knowledge), folder / POLICY, config, seed)
    parameters = sum(p.numel() for p in built.model.parameters())
    facts = {"unit": "weights", "vocabulary": len(built.tokenizer), "from": model or "random initialisation"}
    return Made(parameters, digest=policy_digest(folder / POLICY), meta=facts)


def model_files(model: str) -> dict[str, str]:
    """Digest of a local model folder; nothing for a hub name or the small policy."""
    return {"model": digest_json(digest_files(Path(model)))} if model and Path(model).is_dir() else {}


def bc_checkpoint(folder: Path, base_policy: Artifact, episodes: Artifact, config: Any, seed: int) -> Made:
    """policy/ after cloning, metrics.jsonl."""
    from training.bc import train_bc

    figures = train_bc(
        base_policy.path / POLICY,
        episodes.path / "episodes.parquet",
        folder,
        config,
        seed,
        reporter("training/bc_checkpoint"),
    )
    return _trained(folder, figures)


def checkpoint(
    folder: Path,
    bc_checkpoint: Artifact,
    task_set: Artifact,
    config: Any,
    seed: int,
    practice: Any,
    knowledge: Any,
) -> Made:
    """policy/ after TT-OPD, metrics.jsonl, episodes/*.parquet."""
    tasks = [t for split in ("train", "validation") for t in practice_tasks(task_set, split, practice)]
    return trained_policy(folder, bc_checkpoint.path / POLICY, tasks, knowledge, config, seed, "training/checkpoint")


def trained_policy(
    folder: Path, start: Path, tasks: Sequence[Any], knowledge: Any, config: Any, seed: int, name: str
) -> Made:
    """The same from any start and tasks, shown as `name`."""
    from training.mechanisms import enabled_mechanisms
    from training.rl import train_rl

    figures = train_rl(start, tasks, knowledge, folder, config, seed, reporter(name))
    counters = figures["counters"]
    acted = {m: {"enabled": on, "count": counters[m]} for m, on in enabled_mechanisms(config).items()}
    return _trained(folder, {**figures, "mechanisms": acted})


def policy_version(folder: Path, checkpoint: Artifact, digests: Mapping[str, str]) -> Made:
    """policy.json: which weights the version means, and the digest of everything they came from."""
    record = {"policy": checkpoint.meta["policy_digest"], "made_from": dict(sorted(digests.items()))}
    (folder / "policy.json").write_text(json.dumps(record, indent=1), encoding="utf-8")
    return Made(1, meta=record)


def reporter(name: str) -> Callable[[dict[str, Any]], None]:
    """A trainer's progress callback that feeds the display."""
    shown: dict[str, float] = {}

    def report(record: dict[str, Any]) -> None:
        validation = record.get("validation", record)
        for key, label in {"loss": "loss", "composite": "reward", "validation_accuracy": "validation accuracy"}.items():
            value = validation.get(key, record.get(key))
            if value is not None:
                shown[label] = float(value)
        display.current().progress(name, int(record["step"]), int(record["steps"]), shown)

    return report


def _trained(folder: Path, figures: dict[str, Any]) -> Made:
    """The artifact of a finished training; checkpoints were for resuming it and go."""
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    for leftover in folder.glob("best-*.safetensors"):
        leftover.unlink()
    # What was learnt and how, not how fast: the same inputs give the same digest.
    digest = digest_json([figures["policy_digest"], digest_file(folder / "metrics.jsonl")])
    return Made(int(figures["steps"]), digest=digest, meta={"unit": "steps", **figures})


def _conversations(task_set: Artifact, practice: Any, seed: int, knowledge: Any) -> Sequence[str]:
    """What is said in training episodes: good ones and empty ones."""
    from medgym_core.probes import NULLS, reference_texts
    from training.rollout import conversation_text, play_script

    texts = []
    for task in practice_tasks(task_set, "train", practice):
        for script in (reference_texts(task), NULLS["empty_calls"](task, seed)):
            texts.append(conversation_text(play_script(task, script, knowledge).messages))
    return texts

"""Checkpoints: written whole or not at all, and enough to go on bit for bit.

    <folder>/step-000040/{<name>.safetensors, state.json, ...}

A checkpoint is a folder of named tensor sets plus one JSON state, filled beside its place and renamed into it. The two
latest are kept. The state names every file with its digest: a checkpoint that lacks one, or holds other bytes, is not
whole and the one before it is taken. What a run logs after its last checkpoint is cut off when it resumes, so nothing
stands twice.

Several processes write their own shards, `<name>.rank-0-of-2.safetensors`; the first one writes what is not sharded,
the state last, and renames. Any number of processes reads them (`training.shards`).
"""

import json
import shutil
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from medgym_core.artifacts import digest_file, digest_files, write_atomic
from medgym_core.errors import MedGymError
from training.batches import sharded_as
from training.ranks import ALONE, Ranks
from training.shards import Stored, stored_sets, write_set, writer_of

KEEP = 2
Tensors = dict[str, dict[str, torch.Tensor]]


def save_checkpoint(
    folder: Path,
    step: int,
    tensors: Tensors,
    state: dict[str, Any],
    more: Callable[[Path], None] = lambda _: None,
    ranks: Ranks = ALONE,
) -> Path:
    """Write the checkpoint of `step` and drop all but the latest `KEEP`; `more` writes further files into it.

    All processes call it; they share the disk.
    """
    final = folder / f"step-{step:06d}"
    beside = folder / f".{final.name}.part"
    if ranks.first:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
    ranks.wait()
    for name, values in tensors.items():
        write_set(beside, name, values, ranks)
    if ranks.first:
        more(beside)
    mine = [(p.name, digest_file(p)) for p in beside.iterdir() if writer_of(p.name) == ranks.index]
    whole = {**state, "step": step, "files": dict(sorted(ranks.gather(mine)))}
    if ranks.first:
        write_atomic(beside / "state.json", json.dumps(whole, indent=1))
        if final.exists():
            shutil.rmtree(final)
        beside.rename(final)
        for old in sorted(folder.glob("step-*"))[:-KEEP]:
            shutil.rmtree(old)
    return final


def load_checkpoint(
    folder: Path, run: str, ranks: Ranks = ALONE
) -> tuple[dict[str, Stored], dict[str, Any], Path] | None:
    """Tensors, state and folder of the newest whole checkpoint, or None. `run` is the digest of the run's inputs.

    The first process looks, so that all take the same one. Raises MedGymError when the checkpoint belongs to another
    run.
    """
    found = ranks.tell(_newest(folder) if ranks.first else None)
    if found is None:
        return None
    at, state = found
    if state["run"] != run:
        raise MedGymError(
            "the checkpoint belongs to another run",
            got=state["run"],
            expected=f"{run} (same inputs, or an empty folder)",
            where=at,
        )
    return stored_sets(at), state, at


def _newest(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """Folder and state of the newest whole checkpoint."""
    for found in sorted(folder.glob("step-*"), reverse=True):
        state = _whole(found)
        if state is not None:
            return found, state
        warnings.warn(f"checkpoint {found} is damaged; the one before it is taken", stacklevel=3)
    return None


def _whole(folder: Path) -> dict[str, Any] | None:
    """The state of a checkpoint, if all its files are there as they were written."""
    try:
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    files = {name: digest for name, digest in digest_files(folder).items() if name != "state.json"}
    return state if files == state["files"] else None


def model_tensors(model: Any) -> dict[str, torch.Tensor]:
    """The parameters that train, by name (buffers of these models are derived from the configuration)."""
    return {name: p for name, p in model.named_parameters() if p.requires_grad}


@torch.no_grad()
def restore_model(model: Any, tensors: Mapping[str, torch.Tensor]) -> None:
    """Copy whole parameters into the model. Raises MedGymError when names differ."""
    mine = model_tensors(model)
    if mine.keys() != tensors.keys():
        raise MedGymError("checkpoint of another architecture", got=sorted(tensors.keys() ^ mine.keys())[:3])
    for name, parameter in mine.items():
        parameter.copy_(sharded_as(tensors[name], parameter))


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """State of the optimiser as flat tensors, `<parameter index>.<name>`."""
    state = optimiser.state_dict()["state"]
    return {f"{index}.{name}": value for index, values in state.items() for name, value in values.items()}


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put whole flat tensors back; hyper-parameters stay those of the configuration."""
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key in tensors:
        index, _, name = key.partition(".")
        value, like = tensors[key], parameters[int(index)]
        # What has a parameter's shape is sharded as it is; the count of steps is not.
        state.setdefault(int(index), {})[name] = sharded_as(value, like) if value.shape == like.shape else value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})


class StepLog:
    """A JSON-lines file with one line a step, cut back to the checkpointed step on resume."""

    def __init__(self, path: Path):
        self.path = path

    def cut(self, step: int) -> None:
        """Keep the lines up to that step; -1 keeps none."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        kept = [line for line in lines if (at := _step_of(line)) is not None and at <= step]
        write_atomic(self.path, "".join(f"{line}\n" for line in kept))

    def write(self, record: dict[str, Any]) -> None:
        with open(self.path, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")

    def read(self) -> list[dict[str, Any]]:
        """The lines; none where the file is not there."""
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text(encoding="utf-8").splitlines()]


def _step_of(line: str) -> int | None:
    """The step of a line; None for one that a kill cut short."""
    try:
        return int(json.loads(line)["step"])
    except json.JSONDecodeError:
        return None

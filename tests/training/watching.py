"""Training steps under observation: what the teacher read, which tokens a gradient reached, what it was.

Steps go through `training.rl.start` and `training.trainer.train_step`, on episodes made for the purpose: two groups of
four, right and wrong, paid and not, of two and three turns.
"""

import copy
import itertools
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from training.algorithms.base import Batch
from training.batches import token_logprobs
from training.config import CosineConfig, DistillConfig, EMAConfig, TruncationConfig, TTOPDConfig
from training.control import NUMBERS, SECRET, ControlEpisode, ControlTask
from training.rl import start, train_rl
from training.rollout import rollout_scripted
from training.run import Run
from training.trainer import train_step
from training.trajectory import Trajectory

HEADER = "<|im_start|>assistant\n"
WHOLE = TruncationConfig(turns=0, tokens=0)

# One sequence a pass, so that what was read is not padded; lambda 1 without phase-out, and no clip that binds.
BASE = TTOPDConfig(
    steps=20, prompts=2, samples=4, learning_rate=1e-3, batch_tokens=1, turn_tokens=16, episode_tokens=200,
    max_grad_norm=1e9, gradient_norms_every=0, episodes_every=100, hint="outcome", truncation=WHOLE,
    cosine=CosineConfig(weight=0.0), ema=EMAConfig(decay=0.9),
    distill=DistillConfig(weight=1.0, schedule="constant", clip=99.0),
)  # fmt: skip
SHORT = TTOPDConfig(
    steps=4, prompts=2, samples=3, turn_tokens=12, episode_tokens=200, validate_every=2, checkpoint_every=2,
    validation_tasks=4, truncation=TruncationConfig(turns=1, tokens=2), learning_rate=1e-3, gradient_norms_every=0,
)  # fmt: skip


def changed(config: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(config, **changes)


def shared(kind: Any, config: Any = BASE, **changes: Any) -> Any:
    """The configuration of another algorithm with the values that both have."""
    names = set(kind.__struct_fields__) & set(config.__struct_fields__)
    return kind(**{n: getattr(config, n) for n in names} | changes)


class Killed(Exception):
    """The process died."""


@dataclass
class World:
    """What the proofs are made on."""

    policy: Any
    source: Path
    tasks: list[ControlTask]
    episodes: list[Trajectory]
    folder: Path
    straight: Path
    """A run of SHORT that nobody disturbed, and below it one that died between its checkpoint and the next."""
    stopped: Path
    figures: dict[str, Any]
    _numbers: Any = field(default_factory=itertools.count)

    def fresh(self) -> Path:
        return self.folder / f"run-{next(self._numbers)}"

    def run(self, config: Any, episodes: list[Trajectory] | None = None, **options: Any) -> Run:
        """A fresh run that learns from these episodes in every step."""
        run = start(self.source, self.tasks, None, self.fresh(), config, 0, make_episode=ControlEpisode, **options)
        given = self.episodes if episodes is None else episodes
        run.episodes = lambda: [msgspec.structs.replace(t) for t in given]
        return run

    def unpaid(self) -> list[Trajectory]:
        """The episodes with equal rewards: no policy gradient."""
        return [changed(t, reward=0.5) for t in self.episodes]

    def train(self, out: Path, config: Any, **options: Any) -> dict[str, Any]:
        return train_rl(self.source, self.tasks, None, out, config, 0, make_episode=ControlEpisode, **options)

    def text(self, t: Trajectory) -> str:
        return self.policy.chat.decode(t.token_ids)


def make_world(policy: Any, source: Path, tasks: list[ControlTask], folder: Path) -> World:
    """Everything that is made once, before anything is broken."""
    straight, stopped = folder / "straight", folder / "stopped"
    world = World(policy, source, tasks, written(policy, tasks), folder, straight, stopped, {})

    def kill(record: dict[str, Any]) -> None:
        if record["step"] == 3:  # after the checkpoint of step 2
            raise Killed

    torch.manual_seed(7)
    world.figures = world.train(straight, SHORT)
    torch.manual_seed(7)
    with pytest.raises(Killed):
        world.train(stopped, SHORT, progress=kill)
    return world


def written(policy: Any, tasks: list[ControlTask]) -> list[Trajectory]:
    """Eight episodes as if the policy had sampled them."""
    found = []
    for task in tasks[:2]:
        right = SECRET[task.colour]
        other = next(lever for lever in task.numbers if lever != right)
        shown = task.numbers
        scripts = (
            [f"pull {right}", f"submit {shown[right]}"],
            [f"pull {right}", f"submit {next(n for n in NUMBERS if n != shown[right])}"],
            [f"pull {other}", f"submit {shown[other]}"],
            [f"pull {other}", f"pull {right}", f"submit {shown[right]}"],
        )
        for n, script in enumerate(scripts):
            found += rollout_scripted(
                policy, [task], lambda _, s=script: s, name="made", sample=n, make_episode=ControlEpisode
            )
    ids, places = [t.token_ids for t in found], [positions(t) for t in found]
    for t, at, values in zip(found, places, token_logprobs(policy.model, ids, places, 4096), strict=True):
        t.sampler_logprobs = [0.0] * len(t.token_ids)
        for p, value in zip(at, values.tolist(), strict=True):
            t.sampler_logprobs[p] = value
    assert [t.correct for t in found] == [True, False, False, True] * 2 and {t.turns for t in found} == {2, 3}
    assert all(t.reward > 0 for t in found) and len({tuple(t.token_ids) for t in found}) == 8
    return found


def positions(t: Trajectory) -> list[int]:
    return [i for i, s in enumerate(t.sampled) if s]


def by_turn(t: Trajectory) -> list[list[int]]:
    """Sampled positions of each turn."""
    return [[p for p in positions(t) if t.turn_id[p] == turn] for turn in range(t.turns)]


@dataclass
class Seen:
    """One training step."""

    record: dict[str, Any]
    batch: Batch = field(default_factory=Batch)
    read: list[list[int]] = field(default_factory=list)
    """Contexts run without a gradient: what the teachers read."""
    reached: dict[tuple[int, ...], set[int]] = field(default_factory=dict)
    """By token ids of an episode: the tokens whose log-probabilities the loss reached, exactly."""
    gradient: dict[str, torch.Tensor] = field(default_factory=dict)

    def reached_in(self, t: Trajectory) -> set[int]:
        return self.reached.get(tuple(t.token_ids), set())

    @property
    def size(self) -> float:
        return norm(self.gradient)


def norm(gradient: dict[str, torch.Tensor]) -> float:
    return float(torch.stack([g.double().norm() for g in gradient.values()]).norm())


def observe(run: Run) -> Seen:
    """One `train_step` of the run."""
    seen, passes, model, algorithm = Seen({}), [], run.policy.model, run.algorithm

    def note(module: Any, args: Any, kwargs: Any, out: Any) -> None:
        if torch.is_grad_enabled():
            out.last_hidden_state.retain_grad()
            passes.append((kwargs["input_ids"], out.last_hidden_state))
        else:
            seen.read.extend(kwargs["input_ids"].tolist())

    def teach(run: Run, batch: Batch) -> Any:
        seen.batch = batch
        return type(algorithm).teach(algorithm, run, batch)

    algorithm.teach = teach
    hook = model.get_decoder().register_forward_hook(note, with_kwargs=True)
    try:
        seen.record = train_step(run)
    finally:
        hook.remove()
        del algorithm.teach
    for ids, hidden in passes:
        if hidden.grad is None:  # a prompt that several rows share
            continue
        for row, touched in zip(ids.tolist(), hidden.grad.abs().sum(-1) > 0, strict=True):
            seen.reached[tuple(row)] = {int(p) + 1 for p in touched.nonzero()[:, 0]}
    seen.gradient = {n: torch.zeros(()) if p.grad is None else p.grad.clone() for n, p in model.named_parameters()}
    return seen


def plain(model: Any, ids: list[int], places: list[int]) -> torch.Tensor:
    """Log-probabilities (n, V) at these places by the model's own forward pass."""
    return model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)[[p - 1 for p in places]]


def with_weights(model: Any, weights: dict[str, torch.Tensor]) -> Any:
    """A copy of the model with these weights."""
    other = copy.deepcopy(model)
    with torch.no_grad():
        for name, p in other.named_parameters():
            p.copy_(weights[name])
    return other


def stopped_copy(world: World) -> Path:
    """The folder of the run that died, to go on in."""
    out = world.fresh()
    shutil.copytree(world.stopped, out)
    return out


MADE: dict[Path, World] = {}  # one for all files that import the fixture


@pytest.fixture(scope="session")
def world(policy, cloned, control, tmp_path_factory):
    if cloned not in MADE:
        MADE[cloned] = make_world(policy, cloned, control, tmp_path_factory.mktemp("world"))
    return MADE[cloned]

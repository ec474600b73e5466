"""TT-OPD: turn-level truncated on-policy distillation on top of GRPO. The trainer, top to bottom.

A step is: rollout, score, advantage, teacher, update, EMA, log, validate, checkpoint. Everything random derives from
(seed, step, task, sample, turn), so a run that is stopped and resumed equals one that was not, bit for bit on the CPU.

Each mechanism has a counter. An enabled mechanism whose counter is still zero after the first step stops the run.
What lies in `out_dir` is described in `training.run`.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from medgym_core.errors import MedGymError
from training.config import TTOPDConfig
from training.hints import HINTS, hint_kinds
from training.items import Item, ask_teacher, mask_missing, prepare
from training.report import Clock, step_record, write_episodes
from training.rollout import MakeEpisode, rollout
from training.run import Run, checkpoint, finish, start, validate
from training.sampler import derive_seed
from training.shaping import group_advantages, mark_degenerate, shape
from training.trajectory import Trajectory
from training.update import update

Progress = Callable[[dict[str, Any]], None]


def train_ttopd(
    policy_dir: Path | str,
    tasks: Sequence[Any],
    knowledge: Any,
    out_dir: Path,
    config: TTOPDConfig,
    seed: int,
    progress: Progress | None = None,
    *,
    make_episode: MakeEpisode | None = None,
) -> dict[str, Any]:
    """Train the policy on the train tasks, validate on the validation tasks, write `out_dir`, return the run's figures.

    An `out_dir` that holds checkpoints of the same inputs is resumed; of other inputs, refused with MedGymError.
    `progress` gets every step's log line.
    """
    run = start(policy_dir, tasks, knowledge, Path(out_dir), config, seed, make_episode)
    if run.step == 0:
        validate(run)
    while run.step < config.steps:
        record = train_step(run)
        if progress:
            progress({"phase": "ttopd", "steps": config.steps, **record})
    return finish(run)


def train_step(run: Run) -> dict[str, Any]:
    """One step of the method; its log line."""
    config, clock, weight = run.config, Clock(), distill_weight(run.config, run.step)
    with clock("rollout"):
        prompts = draw_prompts(run.train, config.prompts, run.step, run.seed)
        episodes = rollout(
            run.policy, prompts, config.samples, derive_seed(run.seed, "step", run.step), run.knowledge,
            temperature=config.temperature, limits=run.limits, step=run.step, make_episode=run.make_episode,
        )  # fmt: skip
    with clock("score"):
        counts = Counter(cosine=shape(episodes, config.cosine)) + mark_degenerate(episodes, config.degenerate)
        counts["zero_variance_groups"] = group_advantages(episodes, normalise_std=config.normalise_std)
        items = prepare(episodes, config.truncation)
    with clock("teacher"):
        if weight:
            counts.update(_teach(run, episodes, items))
    with clock("update"):
        measure = run.step % config.gradient_norms_every == 0
        figures = update(run.policy.model, run.optimiser, items, config, weight, measure=measure)
    run.step += 1
    with clock("ema"):
        counts["ema"] = _move_teacher(run)
    run.counters.update(counts)
    check_mechanisms(config, run.counters, run.step)
    record = step_record(run.step, episodes, counts, figures, weight, run.teacher.distance(run.policy.model))
    if run.step % config.episodes_every == 0:
        path = run.out_dir / "episodes" / f"step-{run.step:06d}.parquet"
        record["episodes_digest"] = write_episodes(path, episodes, items)
    run.metrics.write(record)
    if run.step % config.validate_every == 0 or run.step == config.steps:
        with clock("validate"):
            record |= validate(run)
    run.timings.write(clock.record(run.step, record))
    if run.step % config.checkpoint_every == 0 or run.step == config.steps:
        checkpoint(run)
    return record


def draw_prompts(tasks: Sequence[Any], n: int, step: int, seed: int) -> list[Any]:
    """The prompts of one step: walks through a fresh permutation of the tasks each epoch."""
    chosen = []
    for place in range(step * n, (step + 1) * n):
        epoch, index = divmod(place, len(tasks))
        chosen.append(tasks[int(np.random.default_rng([seed, epoch]).permutation(len(tasks))[index])])
    return list({t.id: t for t in chosen}.values())  # an epoch's end may repeat a task; a group is one task


def distill_weight(config: TTOPDConfig, step: int) -> float:
    """lambda at this step: constant, or a cosine from the full weight to 0 after the last step, never rising."""
    if config.distill.schedule == "constant":
        return config.distill.weight
    return config.distill.weight * (1 + math.cos(math.pi * step / config.steps)) / 2


def enabled_mechanisms(config: TTOPDConfig) -> dict[str, bool]:
    """Which of the four mechanisms the configuration switches on. Without distillation only the cosine can be."""
    distils = config.distill.weight > 0
    return {
        "hint": distils and config.hint != "none",
        "ema": distils and config.ema.decay < 1,
        "truncation": distils and bool(config.truncation.turns or config.truncation.tokens),
        "cosine": config.cosine.weight > 0,
    }


def check_mechanisms(config: TTOPDConfig, counters: Counter[str], step: int) -> None:
    """After the first step (the teacher: its first due step) an enabled mechanism must have done something."""
    for name, enabled in enabled_mechanisms(config).items():
        due = min(config.ema.every, config.steps) if name == "ema" else 1
        if enabled and step == due and not counters[name]:
            got = f"counter 0 after step {step}"
            raise MedGymError(f"mechanism {name!r} is on and did nothing", got=got, expected="above 0", where="ttopd")


def _teach(run: Run, episodes: list[Trajectory], items: list[Item]) -> Counter[str]:
    """Score every kept token under the teacher's hint; mark what is missing; count turns by hint kind."""
    config, chat = run.config, run.policy.chat
    full = config.distill.form == "full"
    kinds = hint_kinds(config.hint, episodes, derive_seed(run.seed, "hints", run.step))
    hints = [chat.hint_ids(HINTS[k]) if k else [] for k in kinds]
    for item, said in zip(
        items, ask_teacher(run.teacher.model, items, hints, config.batch_tokens, full=full), strict=True
    ):
        item.teacher = said
    if config.hint == "contrast":
        hints = [chat.hint_ids(HINTS["incorrect"])] * len(items)
        said_of_wrong = ask_teacher(run.teacher.model, items, hints, config.batch_tokens, full=full)
        for item, said in zip(items, said_of_wrong, strict=True):
            item.baseline = said
    counts: Counter[str] = Counter()
    for t, item, kind in zip(episodes, items, kinds, strict=True):
        t.hint_kind, t.hint_text = kind, HINTS.get(kind, "")
        counts["truncation"] += 0 if item.masked else item.keep.count(False)
        turns = len({turn for turn, kept in zip(item.turns, item.keep, strict=True) if kept})
        counts["hint"] += turns if kind else 0
        counts[f"hint_{kind or 'none'}"] += turns
    counts["teacher_masked"] = mask_missing(items)
    return counts


def _move_teacher(run: Run) -> int:
    """One EMA update where one is due; 1 if so."""
    if not enabled_mechanisms(run.config)["ema"] or run.step % run.config.ema.every:
        return 0
    run.teacher.update(run.policy.model)
    return 1

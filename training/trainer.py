"""The trainer: one loop for every algorithm, top to bottom.

A step is: rollout, score, teacher, update, EMA, sync, log, validate, checkpoint. Everything random derives from
(seed, step, task, sample, turn), so a run that is stopped and resumed equals one that was not, bit for bit on the CPU.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from training.alarms import alarms
from training.algorithms.base import Batch
from training.mechanisms import check_mechanisms
from training.report import Clock, write_episodes
from training.run import Run, checkpoint, learning_rate
from training.update import update

Progress = Callable[[dict[str, Any]], None]


def train(run: Run, validate: Callable[[Run], dict[str, float]] | None, progress: Progress | None) -> None:
    """Steps until all are done. `validate` measures and logs; `progress` gets every step's log line."""
    total = run.config.total_steps
    history = [r for r in run.metrics.read() if "loss" in r] if run.ranks.first else []
    while run.step < total:
        record = train_step(run)
        history.append(record)
        rules = getattr(run.config, "alarms", None)
        if rules is not None:
            record["alarms"] = alarms(history, rules)
        clock = record.pop("clock")
        if run.ranks.first:
            run.metrics.write(record)
        if validate and (run.step % run.config.validate_every == 0 or run.step == total):
            with clock("validate"):
                record = record | validate(run)
        if run.ranks.first:
            run.timings.write(clock.record(run.step, record))
        if run.step % run.config.checkpoint_every == 0 or run.step == total:
            checkpoint(run)
        if progress and run.ranks.first:
            progress({"steps": total, **record})


def train_step(run: Run) -> dict[str, Any]:
    """One step; its log line, and its clock under `clock`."""
    config, algorithm, clock = run.config, run.algorithm, Clock()
    rate = learning_rate(config, run.step)
    for group in run.optimiser.param_groups:
        group["lr"] = rate
    with clock("rollout"):
        batch = algorithm.gather(run)
    with clock("score"):
        counts = algorithm.score(run, batch)
        for item, mine in zip(batch.items, run.ranks.assign([len(i.ids) for i in batch.items]), strict=True):
            item.mine = mine
    with clock("teacher"):
        counts += algorithm.teach(run, batch)
    with clock("update"):
        every = getattr(config, "gradient_norms_every", 0)
        measure = bool(every) and run.step % every == 0
        figures = update(
            run.policy.model, run.optimiser, batch.items, config, algorithm, measure=measure, ranks=run.ranks
        )
    run.step += 1
    with clock("ema"):
        counts += algorithm.follow(run, figures)
    with clock("sync"):
        _sync(run)
    run.counters.update(counts)
    check_mechanisms(config, run.counters, run.step)
    record = {"step": run.step, **algorithm.report(run, batch, counts), **figures, "learning_rate": rate}
    if batch.episodes and run.step % config.episodes_every == 0:
        record["episodes_digest"] = _write(run, batch)
    return {**record, "clock": clock}


def _sync(run: Run) -> None:
    """New weights for whoever samples, once the episodes under way are done."""
    if run.ahead is not None:
        run.ahead.result()
    if run.actor is not None:
        run.actor.sync()


def _write(run: Run, batch: Batch) -> str | None:
    said = dict(run.ranks.gather([(n, i.said) for n, i in enumerate(batch.items) if i.mine and i.said is not None]))
    for n, item in enumerate(batch.items):
        item.said = said.get(n)
    if not run.ranks.first:
        return None
    return write_episodes(run.out_dir / "episodes" / f"step-{run.step:06d}.parquet", batch.episodes, batch.items)


def one_step_off(
    run: Run,
    play: Callable[[int], list[Any]],
    together: Callable[[int, list[Any]], list[Any]],
    pool: ThreadPoolExecutor,
) -> Callable[[], list[Any]]:
    """Episodes of the step to come, while those of the step after are already being played with the same weights.

    `play` gives this process's episodes of a step, in a thread of its own; `together` makes them those of all, here.
    """

    def episodes() -> list[Any]:
        now = together(run.step, run.ahead.result() if run.ahead is not None else play(run.step))
        last = run.step + 1 >= run.config.total_steps
        run.ahead = None if last else pool.submit(play, run.step + 1)
        return now

    return episodes

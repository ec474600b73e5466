"""Learning from a policy's own episodes: `train_rl`, for every algorithm of `training.algorithms`."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from medgym_core.artifacts import digest_file, digest_json
from medgym_core.errors import MedGymError
from medgym_core.probes import reference_texts
from training.actors import actor_of
from training.algorithms import algorithm
from training.algorithms.on_policy import play_prompts, play_share, together
from training.checkpoint import restore_model
from training.config import RLConfig
from training.mechanisms import MECHANISMS
from training.parallel import join, shard
from training.policy import load_policy, policy_digest
from training.report import summary
from training.rollout import Limits, MakeEpisode, rollout
from training.run import Run, identity_of, keep_best, new_optimiser, resume, write_policy
from training.shards import Stored
from training.trainer import Progress, one_step_off, train


def train_rl(
    policy_dir: Path | str,
    tasks: Sequence[Any],
    knowledge: Any,
    out_dir: Path,
    config: RLConfig,
    seed: int,
    progress: Progress | None = None,
    *,
    make_episode: MakeEpisode | None = None,
    reference: Callable[[Any], list[str]] = reference_texts,
) -> dict[str, Any]:
    """Train the policy on the train tasks, validate on the validation tasks, write `out_dir`, return the run's figures.

    An `out_dir` that holds checkpoints of the same inputs is resumed; of other inputs, refused with MedGymError.
    `progress` gets every step's log line. `reference` gives the actions that the hint `reference` tells. Under torchrun
    every process calls this and gets the figures; the first one writes and reports.
    """
    run = start(policy_dir, tasks, knowledge, out_dir, config, seed, make_episode=make_episode, reference=reference)
    with ThreadPoolExecutor(1) as pool:
        if config.one_step_off:
            play, join_up = (lambda step: play_share(run, step)), (lambda step, share: together(run, step, share))
            run.episodes = one_step_off(run, play, join_up, pool)
        if run.step == 0:
            validate(run)
        train(run, validate, progress)
    run.actor.close()
    return finish(run)


def start(
    policy_dir: Path | str,
    tasks: Sequence[Any],
    knowledge: Any,
    out_dir: Path,
    config: RLConfig,
    seed: int,
    *,
    make_episode: MakeEpisode | None = None,
    reference: Callable[[Any], list[str]] = reference_texts,
) -> Run:
    """A fresh run, or the one that the newest checkpoint in `out_dir` holds (MedGymError when that is another's)."""
    if config.one_step_off and config.actor == "model":
        raise MedGymError("one step off needs weights of its own to sample from", got="actor=model", expected="copy")
    learn, check = _splits(tasks, config.validation_tasks)
    ranks = join()
    if ranks.size > 1 and config.actor == "model":
        raise MedGymError(
            "sharded weights cannot sample", got="actor=model", expected="copy, or the URL of a vLLM server"
        )
    policy = load_policy(policy_dir, trained=config)
    actor = actor_of(config.actor, policy, ranks)
    shard(policy.model, config, ranks)
    by_id = {t.id: t for t in tasks}
    run = Run(
        config=config,
        seed=seed,
        out_dir=Path(out_dir),
        identity=identity_of(config, policy.digest, [t.id for t in tasks], seed),
        policy=policy,
        optimiser=new_optimiser(policy.model, config),
        algorithm=algorithm(config, policy.model),
        ranks=ranks,
        train=learn,
        validation=check,
        knowledge=knowledge,
        make_episode=make_episode,
        reference=lambda task: reference(by_id[task]),
        limits=Limits(config.turn_tokens, config.episode_tokens),
    )
    run.episodes = lambda: play_prompts(run, run.step)
    resume(run)
    run.actor = actor
    run.actor.sync()
    return run


def validate(run: Run) -> dict[str, float]:
    """Greedy, unshaped figures on the validation tasks, logged; keeps the weights if they are the best so far."""
    mine = run.validation[run.ranks.index :: run.ranks.size]
    done = run.ranks.gather(
        rollout(
            run.actor.policy, mine, 1, 0, run.knowledge,
            greedy=True, limits=run.limits, step=run.step, make_episode=run.make_episode,
        )
    )  # fmt: skip
    place = {t.id: i for i, t in enumerate(run.validation)}
    figures = {f"validation_{k}": v for k, v in summary(sorted(done, key=lambda t: place[t.task])).items()}
    if run.ranks.first:
        run.metrics.write({"step": run.step, **figures})
    keep_best(run, figures)
    return figures


def finish(run: Run) -> dict[str, Any]:
    """Write the chosen weights as a policy; the figures of the whole run."""
    if run.config.select == "best":
        restore_model(run.policy.model, Stored(run.best_path))
    policy = write_policy(run)
    return run.ranks.tell(_figures(run, policy) if run.ranks.first else None)


def _figures(run: Run, policy: Path) -> dict[str, Any]:
    lines = run.metrics.read()
    curve = [r for r in lines if "validation_accuracy" in r]
    rung = sorted({name for r in lines for name in r.get("alarms", [])})
    return {
        "steps": run.step,
        "selected_step": int(run.best["step"]) if run.config.select == "best" else run.step,
        "validation_first": {k: curve[0][f"validation_{k}"] for k in ("accuracy", "composite")},
        "validation_last": {k: curve[-1][f"validation_{k}"] for k in ("accuracy", "composite")},
        "validation_best": {k: run.best[k] for k in ("accuracy", "composite")},
        "counters": {**dict.fromkeys(MECHANISMS, 0), **dict(sorted(run.counters.items()))},
        "alarms": rung,
        "policy_digest": policy_digest(policy),
        "digest": digest_json([policy_digest(policy), digest_file(run.metrics.path)]),
    }


def _splits(tasks: Sequence[Any], wanted: int) -> tuple[list[Any], list[Any]]:
    """Train tasks, and the fixed validation tasks (spread over the list when there are more than `wanted`)."""
    learn = [t for t in tasks if t.split == "train"]
    check = [t for t in tasks if t.split == "validation"]
    if not learn or not check:
        got = f"{len(learn)} train, {len(check)} validation"
        raise MedGymError("tasks to train on", got=got, expected="at least one of each")
    if wanted and len(check) > wanted:
        check = [check[i * len(check) // wanted] for i in range(wanted)]
    return learn, check

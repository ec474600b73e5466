"""Scripted episodes to clone: what an expert does, and the same cases done wrong.

The wrong ones are never imitated in plain contexts; under the corrective hint they show what a wrong episode looks
like, which is what makes that hint readable. Their outcome is the verifier's, not an assumption: a script
that happens to be right counts as right.
"""

from collections.abc import Iterable
from random import Random
from typing import Any

from medgym_core.actions import render_call
from medgym_core.assertions import statement
from medgym_core.probes import reference_texts
from medgym_core.types import Assertion, Call, Gold, Task
from training.policy import Policy
from training.rollout import MakeEpisode, rollout_scripted
from training.trajectory import Trajectory


def demonstrations(
    policy: Policy,
    tasks: Iterable[Task],
    knowledge: Any = None,
    *,
    seed: int = 0,
    imperfect: bool = True,
    alternatives: bool = False,
    make_episode: MakeEpisode | None = None,
) -> list[Trajectory]:
    """The reference episode of each task, then (with `imperfect`) one wrong episode of each, then (with `alternatives`)
    another good path of each task that has one."""
    tasks = list(tasks)
    found = rollout_scripted(
        policy, tasks, reference_texts, knowledge, name="reference", seed=seed, make_episode=make_episode
    )
    if imperfect:
        found += rollout_scripted(
            policy,
            tasks,
            lambda t: imperfect_texts(t, seed),
            knowledge,
            name="imperfect",
            seed=seed,
            sample=1,
            make_episode=make_episode,
        )
    if alternatives:
        found += rollout_scripted(
            policy,
            [t for t in tasks if t.alternatives],
            lambda t: [render_call(c) for c in t.alternatives[0]],
            knowledge,
            name="alternative",
            seed=seed,
            sample=2,
            make_episode=make_episode,
        )
    return found


def imperfect_texts(task: Task, seed: int) -> list[str]:
    """The reference with a wrong answer: after all of its steps, after some of them, or at once."""
    rng = Random(f"{seed}/{task.id}/imperfect")
    *steps, submission = task.reference
    kept = {"all": steps, "some": [s for s in steps if rng.random() < 0.5], "none": []}[
        rng.choice(("all", "all", "some", "none"))
    ]
    return [render_call(c) for c in (*kept, wrong_submission(task.truth.gold, submission, rng))]


def wrong_submission(gold: Gold, submission: Call, rng: Random) -> Call:
    """The submission with a wrong answer, or with one wrong field where it has several."""
    field = rng.choice(list(gold.fields)) if gold.fields else "answer"
    wrong = wrong_answer(gold.fields.get(field, gold), rng)
    return Call(submission.name, {**submission.arguments, field: wrong})


def wrong_answer(gold: Gold, rng: Random) -> str:
    """An answer of the right form that is not the gold."""
    if gold.kind == "number":
        value = float(gold.value)  # type: ignore[arg-type]
        return f"{value + rng.choice((-2, -1, 1, 2)) * max(2 * gold.tolerance, 1):g}"
    if gold.kind == "text":
        return statement(rng.choice(list(gold.denied.values()) or [Assertion([["nothing of note"]])]))
    right = gold.value if isinstance(gold.value, list) else [str(gold.value)]
    others = [o for o in gold.options if o not in right]
    if isinstance(gold.value, list):
        return ", ".join(right[1:] + rng.sample(others, min(1, len(others)))) or "none"
    return rng.choice(others) if others else "unknown"

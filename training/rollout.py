"""Episodes played by a policy or by a script, as a list of trajectories: the engine for callers who want them at once.

Scripted episodes (references, null agents) are rendered by the same tokenizer, so both kinds of record look the same to
everything after them. For many episodes, on disk, see `training.players.record_run`.

`make_episode(task, knowledge)` makes the world; it defaults to the real one and is replaced only by control tasks.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from medgym_core.episode import text_of
from training.engine import DEFAULT_LIMITS, Failure, Limits, MakeEpisode, Scene, Voice, jobs_of, play, real_episode
from training.policy import Policy
from training.trajectory import Trajectory
from training.voices import Hint, ScriptVoice, TokenVoice

__all__ = ["DEFAULT_LIMITS", "Limits", "MakeEpisode", "conversation_text", "play_script", "rollout", "rollout_scripted"]


def rollout(
    policy: Policy,
    tasks: Sequence[Any],
    n: int,
    seed: int,
    knowledge: Any = None,
    *,
    temperature: float = 1.0,
    greedy: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    hint: Hint = "",
    batch: int = 64,
    step: int = 0,
    run: str = "",
    make_episode: MakeEpisode | None = None,
) -> list[Trajectory]:
    """`n` episodes of each task, ordered by task and sample; at most `batch` are in flight.

    An episode's draws depend on (seed, task id, sample, turn) alone, not on what else is in the batch. With `hint`, a
    text or a function of the task, the policy reads that message before every turn.
    """
    sampler = policy.sampler(temperature=temperature, greedy=greedy)
    facts = {
        "temperature": "greedy" if greedy else str(temperature),
        "turn_tokens": str(limits.turn_tokens),
        "episode_tokens": str(limits.episode_tokens),
    }
    scene = Scene(policy.digest, seed, knowledge, make_episode, limits, step, run)
    try:
        return _all(TokenVoice(policy.chat, sampler, limits, seed, facts, hint), scene, tasks, n, batch)
    finally:
        sampler.close()


def rollout_scripted(
    policy: Policy,
    tasks: Iterable[Any],
    texts: Callable[[Any], list[str]],
    knowledge: Any = None,
    *,
    name: str,
    seed: int = 0,
    sample: int = 0,
    make_episode: MakeEpisode | None = None,
) -> list[Trajectory]:
    """One episode a task: `texts(task)` are the assistant's messages, tokenised as the policy would read them."""
    found = _all(
        ScriptVoice(lambda task, _: texts(task), policy.chat),
        Scene(name, seed, knowledge, make_episode),
        list(tasks),
        1,
        1,
    )
    for t in found:
        t.sample = sample
    return found


def play_script(
    task: Any, texts: Iterable[str], knowledge: Any = None, *, make_episode: MakeEpisode | None = None
) -> Any:
    """The episode after the given assistant messages (those after its end are not said)."""
    episode = (make_episode or real_episode)(task, knowledge)
    for text in texts:
        if episode.done:
            break
        episode.step(text)
    return episode


def conversation_text(messages: Iterable[dict[str, Any]]) -> str:
    """The words of a conversation, as text to make a tokenizer from."""
    return "\n".join(map(text_of, messages))


def _all(voice: Voice, scene: Scene, tasks: Sequence[Any], n: int, slots: int) -> list[Trajectory]:
    """Every episode, in order; a failed one is an error here, where nothing could be resumed."""
    done = {}
    for result in play(voice, scene, jobs_of(tasks, n), slots=slots):
        if isinstance(result, Failure):
            raise RuntimeError(f"the sampler failed in {result.task} sample {result.sample}: {result.reason}")
        place, done[place] = result
    return [done[place] for place in sorted(done)]

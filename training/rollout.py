"""Episodes played by a policy or by a script, as trajectories.

Policy rollouts run turn by turn over a batch: sample every open episode's turn, give the texts to their worlds, append
the answers. Scripted episodes (references, null agents) are rendered by the same tokenizer, so both kinds of record
look the same to everything after them.

`make_episode(task, knowledge)` makes the world; it defaults to the real one and is replaced only by control tasks.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import medgym_core
from medgym_core.artifacts import digest_bytes
from medgym_core.episode import text_of, without_pixels
from medgym_core.rewards import Reward, per_turn
from training.chat import Chat, Transcript
from training.policy import Policy
from training.sampler import HFSampler, Request, derive_seed
from training.trajectory import StopReason, Trajectory

MakeEpisode = Callable[[Any, Any], Any]
Hint = str | Callable[[Any], str]
SMALLEST_TURN = 8  # with less room than this in the context an episode ends


@dataclass(frozen=True)
class Limits:
    """How much an episode may grow, in tokens."""

    turn_tokens: int = 80
    episode_tokens: int = 768


DEFAULT_LIMITS = Limits()


@dataclass
class _Run:
    """One episode under way."""

    task: Any
    sample: int
    episode: Any
    transcript: Transcript
    hint: str
    stop: StopReason | None = None
    milliseconds: float = 0.0


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
    """`n` episodes of each task, ordered by task and sample.

    An episode's draws depend on (seed, task id, sample, turn) alone, not on what else is in the batch. With `hint`, a
    text or a function of the task, the policy reads that message before every turn.
    """
    play = _real_episode if make_episode is None else make_episode
    began = time.perf_counter()
    runs = []
    for task in tasks:
        for sample in range(n):
            episode = play(task, knowledge)
            transcript = policy.chat.begin(episode.messages, episode.tools)
            runs.append(_Run(task, sample, episode, transcript, hint(task) if callable(hint) else hint))
    for start in range(0, len(runs), batch):
        sampler = HFSampler(policy.model, policy.stop_ids, temperature=temperature, greedy=greedy)
        _play_batch(policy.chat, sampler, runs[start : start + batch], seed, limits, began)
    facts = {
        **_provenance(policy.chat),
        "temperature": "greedy" if greedy else str(temperature),
        "turn_tokens": str(limits.turn_tokens),
        "episode_tokens": str(limits.episode_tokens),
    }
    return [_record(r, policy.digest, seed, step, run, facts, sampled=True) for r in runs]


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
    chat, records = policy.chat, []
    for task in tasks:
        began = time.perf_counter()
        episode = play_script(task, texts(task), knowledge, make_episode=make_episode)
        opening = next((i for i, m in enumerate(episode.messages) if m["role"] == "assistant"), len(episode.messages))
        transcript = chat.begin(episode.messages[:opening], episode.tools)
        for message in episode.messages[opening:]:
            if message["role"] == "assistant":
                chat.open_turn(transcript)
                chat.write(transcript, message["content"])
            else:
                chat.observe(transcript, message)
        stop = _stop(episode) if episode.done else StopReason.script_end
        done = _Run(task, sample, episode, transcript, "", stop, 1e3 * (time.perf_counter() - began))
        records.append(_record(done, name, seed, 0, "", _provenance(chat), sampled=False))
    return records


def play_script(
    task: Any, texts: Iterable[str], knowledge: Any = None, *, make_episode: MakeEpisode | None = None
) -> Any:
    """The episode after the given assistant messages (those after its end are not said)."""
    episode = (_real_episode if make_episode is None else make_episode)(task, knowledge)
    for text in texts:
        if episode.done:
            break
        episode.step(text)
    return episode


def conversation_text(messages: Iterable[dict[str, Any]]) -> str:
    """The words of a conversation, as text to make a tokenizer from."""
    return "\n".join(map(text_of, messages))


def _real_episode(task: Any, knowledge: Any) -> Any:
    from medgym_core.episode import Episode

    return Episode(task, knowledge)


def _play_batch(chat: Chat, sampler: HFSampler, runs: list[_Run], seed: int, limits: Limits, began: float) -> None:
    """Play all episodes of one batch to their end, turn by turn."""
    going = list(enumerate(runs))
    while going:
        requests = [_request(chat, key, run, seed, limits) for key, run in going if _has_room(chat, run, limits)]
        samples = sampler.sample(requests)
        for request, sample in zip(requests, samples, strict=True):
            run = runs[request.key]
            text = chat.say(run.transcript, sample.ids, sample.logprobs)
            result = run.episode.step(text)
            if result.done:
                run.stop = _stop(run.episode)
                run.milliseconds = 1e3 * (time.perf_counter() - began)
            else:
                chat.observe(run.transcript, result.message)
        going = [(key, run) for key, run in going if run.stop is None]


def _has_room(chat: Chat, run: _Run, limits: Limits) -> bool:
    """Whether another turn fits; an episode without room ends here."""
    opening = len(chat.header_ids()) + (len(chat.hint_ids(run.hint)) if run.hint else 0)
    if len(run.transcript) + opening + SMALLEST_TURN <= limits.episode_tokens:
        return True
    run.stop = StopReason.token_limit
    return False


def _request(chat: Chat, key: int, run: _Run, seed: int, limits: Limits) -> Request:
    turn = run.transcript.turns
    chat.open_turn(run.transcript, run.hint)
    room = limits.episode_tokens - len(run.transcript)
    turn_seed = derive_seed(seed, run.task.id, run.sample, turn)
    return Request(key, list(run.transcript.token_ids), turn_seed, min(limits.turn_tokens, room))


def _stop(episode: Any) -> StopReason:
    return StopReason.turn_limit if episode.truncated else StopReason.submitted


def _provenance(chat: Chat) -> dict[str, str]:
    return {
        "tokenizer": digest_bytes(chat.tokenizer.backend_tokenizer.to_str().encode()),
        "template": chat.digest,
        "code": medgym_core.__version__,
    }


def _turn_parts(episode: Any, reward: Reward) -> list[dict[str, float]] | None:
    """What each turn brought; None for a control task, whose world keeps no events."""
    events = getattr(episode, "events", None)
    return None if events is None else per_turn(reward, events)


def _record(
    run: _Run, policy: str, seed: int, step: int, name: str, facts: dict[str, str], *, sampled: bool
) -> Trajectory:
    t, episode, reward = run.transcript, run.episode, run.episode.score()
    return Trajectory(
        run=name,
        step=step,
        policy=policy,
        task=run.task.id,
        domain=run.task.domain,
        split=run.task.split,
        seed=seed,
        sample=run.sample,
        group=f"{step}/{run.task.id}",
        messages=[without_pixels(m) for m in episode.messages],
        token_ids=t.token_ids,
        sampled=t.sampled,
        turn_id=t.turn_id,
        role=t.role,
        sampler_logprobs=t.logprobs if sampled else None,
        hint_kind="custom" if run.hint else "",
        hint_text=run.hint,
        reward=reward.composite,
        accuracy=reward.accuracy,
        correct=reward.correct,
        parts=dict(reward.parts),
        turn_rewards=[0.0] * (t.turns - 1) + [reward.composite] if t.turns else [],
        turn_parts=_turn_parts(episode, reward),
        critical=reward.critical,
        stop=run.stop or StopReason.script_end,
        turns=t.turns,
        tool_calls=episode.tool_calls,
        tool_errors=episode.tool_errors,
        writes=episode.writes,
        milliseconds=run.milliseconds,
        provenance=facts,
    )

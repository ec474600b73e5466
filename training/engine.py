"""The rollout engine: many episodes in flight, each turn by turn, any voice.

A `Voice` says what the agent says: a sampler behind a tokenizer, a chat endpoint, a script (`training.voices`). The
engine plays the worlds, which run in this process: it starts an episode in every free slot, asks the voice for each
episode's next turn, gives whatever comes back to its world at once, and reuses the slot of an episode that ends. What
an episode is depends on its task, sample and seed alone, never on what else is in flight.

An episode whose sampler failed has no score and no record: it is played again from the start, up to `attempts` times,
then it is a `Failure`. When nothing but failures came from all slots, the sampler is taken for dead and `play` stops.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from medgym_core.episode import without_pixels
from medgym_core.errors import MedGymError
from medgym_core.rewards import Reward, per_turn
from training.trajectory import NO_TOKENS, StopReason, Trajectory

MakeEpisode = Callable[[Any, Any], Any]
SLOTS = 64
ATTEMPTS = 2  # a sampler retries its requests itself: a second start is for what that cannot mend
PATIENCE = 8  # failures in a row, at least, before a sampler counts as dead


@dataclass(frozen=True)
class Limits:
    """How much an episode may grow, in tokens, and how long it may take."""

    turn_tokens: int = 80
    episode_tokens: int = 768
    seconds: float | None = None
    """Wall time after which an episode begins no further turn; None: no limit."""


DEFAULT_LIMITS = Limits()


class Job(NamedTuple):
    """One episode to play; `place` is its number in the run."""

    place: int
    task: Any
    sample: int


@dataclass
class Live:
    """One episode under way."""

    key: int
    """What the voice knows it by; a new one for every attempt."""
    job: Job
    episode: Any
    began: float
    transcript: Any = None
    """`training.chat.Transcript`, where the voice writes tokens."""
    hint: str = ""
    turns: int = 0
    """Turns the agent has had."""
    stop: StopReason | None = None


class Said(NamedTuple):
    """One turn of the agent."""

    key: int
    text: str


class Lost(NamedTuple):
    """A turn that the sampler failed to give."""

    key: int
    reason: str


@dataclass(frozen=True)
class Failure:
    """An episode that failed at every attempt."""

    place: int
    task: str
    sample: int
    reason: str


class Voice(Protocol):
    """What the agent says in many episodes at once."""

    sampled: bool
    """Whether its tokens were sampled and have log-probabilities."""

    def begin(self, live: Live) -> None:
        """An episode starts."""

    def ask(self, live: Live) -> StopReason | None:
        """Ask for the next turn; a reason where there can be none."""

    def collect(self) -> list[Said | Lost]:
        """Block until at least one of the turns asked for is there; [] when none was asked for."""

    def hear(self, live: Live, message: dict[str, Any]) -> None:
        """What the world answered."""

    def end(self, live: Live) -> None:
        """The episode is over, or given up."""

    def facts(self) -> dict[str, str]:
        """Provenance of the episodes."""


@dataclass(frozen=True)
class Scene:
    """What all episodes of a run share."""

    policy: str
    seed: int
    knowledge: Any = None
    make_episode: MakeEpisode | None = None
    limits: Limits = DEFAULT_LIMITS
    step: int = 0
    run: str = ""


def jobs_of(tasks: Sequence[Any], n: int, places: Iterable[int] | None = None) -> Iterator[Job]:
    """Episodes 0 to n - 1 of each task, task by task; only those at `places`, where given."""
    for place in range(len(tasks) * n) if places is None else places:
        yield Job(place, tasks[place // n], place % n)


def play(
    voice: Voice,
    scene: Scene,
    jobs: Iterable[Job],
    *,
    slots: int = SLOTS,
    attempts: int = ATTEMPTS,
    clock: Callable[[], float] = time.monotonic,
    stopping: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[int, Trajectory] | Failure]:
    """Play the jobs; each finished episode with its place, or its failure, as it comes.

    Jobs are drawn one by one as slots get free. Once `stopping()` is true no further turn is asked for. Raises
    MedGymError when the sampler gives nothing but failures, and whatever a world or a sampler as a whole raises.
    """
    if slots < 1 or attempts < 1:
        raise MedGymError("bad engine settings", got=f"{slots} slots, {attempts} attempts", expected="at least 1 each")
    stage = _Stage(voice, scene, clock, deque(), iter(jobs))
    tried: dict[int, int] = {}
    failed_in_row = 0
    while not stopping():
        yield from stage.fill(slots)
        if not stage.live:
            return
        for turn in voice.collect():
            live = stage.live[turn.key]
            if isinstance(turn, Said):
                failed_in_row = 0
                yield from stage.advance(live, turn.text)
                continue
            failed_in_row += 1
            stage.drop(live)
            place = live.job.place
            tried[place] = tried.get(place, 0) + 1
            if failed_in_row >= max(PATIENCE, 2 * slots):
                raise MedGymError(
                    "the sampler gives nothing but failures", got=turn.reason, expected="answers", where=scene.policy
                )
            if tried[place] < attempts:
                stage.again.append(live.job)
            else:
                yield Failure(place, live.job.task.id, live.job.sample, turn.reason)
    for live in list(stage.live.values()):
        stage.drop(live)


@dataclass
class _Stage:
    """The episodes under way."""

    voice: Voice
    scene: Scene
    clock: Callable[[], float]
    again: deque[Job]
    """Episodes to be started anew."""
    jobs: Iterator[Job]
    live: dict[int, Live] = field(default_factory=dict)
    started: int = 0

    def fill(self, slots: int) -> Iterator[tuple[int, Trajectory]]:
        """Start episodes while slots are free; those that end before their first turn are done."""
        while len(self.live) < slots:
            job = next(self.jobs, None) or (self.again.popleft() if self.again else None)
            if job is None:
                return
            episode = (self.scene.make_episode or real_episode)(job.task, self.scene.knowledge)
            live = Live(self.started, job, episode, self.clock())
            self.started += 1
            self.live[live.key] = live
            self.voice.begin(live)
            yield from self._ask(live)

    def advance(self, live: Live, text: str) -> Iterator[tuple[int, Trajectory]]:
        """One turn: the world answers, and the next turn is asked for or the episode is done."""
        result = live.episode.step(text)
        live.turns += 1
        if result.done:
            live.stop = StopReason.turn_limit if result.truncated else StopReason.submitted
            yield self._finished(live)
        else:
            self.voice.hear(live, result.message)
            yield from self._ask(live)

    def drop(self, live: Live) -> None:
        del self.live[live.key]
        self.voice.end(live)

    def _ask(self, live: Live) -> Iterator[tuple[int, Trajectory]]:
        limit = self.scene.limits.seconds
        if limit is not None and self.clock() - live.began >= limit:
            live.stop = StopReason.time_limit
        else:
            live.stop = self.voice.ask(live)
        if live.stop is not None:
            yield self._finished(live)

    def _finished(self, live: Live) -> tuple[int, Trajectory]:
        self.drop(live)
        facts = self.voice.facts()
        return live.job.place, record(live, self.scene, facts, self.clock(), sampled=self.voice.sampled)


def real_episode(task: Any, knowledge: Any) -> Any:
    """The world of a task, as everywhere but in control tasks."""
    from medgym_core.episode import Episode

    return Episode(task, knowledge)


def record(live: Live, scene: Scene, facts: Mapping[str, str], now: float, *, sampled: bool) -> Trajectory:
    """The record of an episode that has ended."""
    job, episode, t = live.job, live.episode, live.transcript
    reward = episode.score()
    tokens = {"token_ids": [], "sampled": [], "turn_id": [], "role": [], "sampler_logprobs": None}
    if t is not None:
        tokens = {"token_ids": t.token_ids, "sampled": t.sampled, "turn_id": t.turn_id, "role": t.role}
        tokens["sampler_logprobs"] = t.logprobs if sampled else None
    return Trajectory(
        run=scene.run,
        step=scene.step,
        policy=scene.policy,
        task=job.task.id,
        domain=job.task.domain,
        split=job.task.split,
        seed=scene.seed,
        sample=job.sample,
        group=f"{scene.step}/{job.task.id}",
        messages=[without_pixels(m) for m in episode.messages],
        **tokens,
        hint_kind="custom" if live.hint else "",
        hint_text=live.hint,
        reward=reward.composite,
        accuracy=reward.accuracy,
        correct=reward.correct,
        parts=dict(reward.parts),
        turn_rewards=[0.0] * (live.turns - 1) + [reward.composite] if live.turns else [],
        **_by_turn(episode, reward),
        critical=reward.critical,
        stop=live.stop or StopReason.script_end,
        turns=live.turns,
        tool_calls=episode.tool_calls,
        tool_errors=episode.tool_errors,
        writes=episode.writes,
        milliseconds=1e3 * (now - live.began),
        provenance={**facts} if t is not None else {**facts, **NO_TOKENS},
    )


def _by_turn(episode: Any, reward: Reward) -> dict[str, Any]:
    """What each turn brought, called and got wrong; nothing for a control task, whose world keeps no events."""
    events = getattr(episode, "events", None)
    if events is None:
        return {}
    tools = [e.call.name if e.call else "" for e in events]
    errors = [e.kind == "error" for e in events]
    return {"turn_parts": per_turn(reward, events), "turn_tools": tools, "turn_errors": errors}

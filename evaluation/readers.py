"""Policies without a model that read what any policy reads: a voice for the engine, and answers of one turn.

`script:hash_letter` takes the option that a hash of the question and the letter names. It knows no medicine, reads the
same user message in every mode and so must answer alike in all three: what differs between its modes is an error.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from evaluation.policies import CERTAIN, RULED_OUT, SCRIPT_CHUNK, Generated, Prompted, Scored
from evaluation.prompts import Messages
from medgym_core.actions import render_call
from medgym_core.artifacts import digest_bytes
from medgym_core.episode import StepResult, text_of
from medgym_core.errors import MedGymError
from medgym_core.rewards import WEIGHTS, Reward
from medgym_core.types import Call
from training.engine import Failure, Limits, Live, Lost, Said, Scene, jobs_of, play
from training.players import Player
from training.trajectory import StopReason

OPTION = re.compile(r"^([A-Z])\. ", re.MULTILINE)


class ReadingVoice:
    """A voice (`training.engine.Voice`) that is a function of the conversation so far."""

    sampled = False

    def __init__(self, read: Callable[[Messages], str]):
        self.read = read
        self._ready: deque[Said] = deque()

    def begin(self, live: Live) -> None:
        """Nothing to prepare: it reads everything every time."""

    def ask(self, live: Live) -> StopReason | None:
        self._ready.append(Said(live.key, self.read(live.episode.messages)))
        return None

    def collect(self) -> list[Said | Lost]:
        found, self._ready = list(self._ready), deque()
        return found

    def hear(self, live: Live, message: dict[str, Any]) -> None:
        """The answer stands in the conversation."""

    def end(self, live: Live) -> None:
        """Nothing is kept."""

    def facts(self) -> dict[str, str]:
        return {}


def hash_letter(name: str) -> Prompted:
    """The policy `script:hash_letter`."""

    def generate(prompts: Sequence[Messages], most: int) -> list[Generated]:
        return [Generated(f"Answer: {_chosen(messages)}") for messages in prompts]

    def score_letters(prompts: Sequence[Messages], letters: Sequence[Sequence[str]]) -> list[Scored]:
        chosen = [_chosen(messages) for messages in prompts]
        return [
            Scored({letter: CERTAIN if letter == one else RULED_OUT for letter in wanted})
            for one, wanted in zip(chosen, letters, strict=True)
        ]

    @contextmanager
    def voice(limits: Limits, seed: int) -> Iterator[ReadingVoice]:
        yield ReadingVoice(_look_and_submit)

    return Prompted(name, name, generate, score_letters, voice, chunk=SCRIPT_CHUNK)


READERS: Mapping[str, Callable[[str], Prompted]] = {"hash_letter": hash_letter}


class OneTurn:
    """A world of one turn: a prompt, and whatever is said ends it. What was said is the answer."""

    tools: tuple[()] = ()
    tool_calls = tool_errors = writes = 0

    def __init__(self, messages: Messages):
        self.messages = list(messages)
        self.done = self.truncated = False

    def step(self, text: str) -> StepResult:
        self.messages.append({"role": "assistant", "content": text})
        self.done = True
        return StepResult(None, True, False, False, None)

    def score(self) -> Reward:
        """Nothing is graded here."""
        return Reward(0.0, 0.0, False, dict.fromkeys(WEIGHTS, 0.0), False, "none")


def one_turn(found: Player, prompts: Sequence[Messages], most: int, room: int) -> list[Generated]:
    """A player's answers to prompts, at most `most` tokens each; a prompt that leaves no room among `room` tokens has
    none. Raises MedGymError where one failed at every try."""
    sittings = [_Sitting(f"prompt-{n}", messages) for n, messages in enumerate(prompts)]
    limits = Limits(most, room)
    scene = Scene(found.policy, 0, make_episode=lambda sitting, _: OneTurn(sitting.messages), limits=limits)
    answers: dict[int, Generated] = {}
    with found.voice(limits, 0) as voice:
        for result in play(voice, scene, jobs_of(sittings, 1), slots=found.slots):
            if isinstance(result, Failure):
                raise MedGymError("the sampler failed", got=result.reason, expected="an answer", where=found.name)
            place, t = result
            said = text_of(t.messages[-1]) if t.turns else ""
            answers[place] = Generated(said, 0 if t.turns else len(t.token_ids))
    return [answers[place] for place in range(len(prompts))]


class _Sitting:
    """A prompt as the engine knows a task."""

    domain, split = "prompt", "test"

    def __init__(self, name: str, messages: Messages):
        self.id, self.messages = name, messages


def _chosen(messages: Messages) -> str:
    """The letter, among those of the last question, whose hash with it is lowest; A where there are none."""
    question = next(text_of(m) for m in reversed(messages) if m["role"] == "user")
    found = OPTION.findall(question) or ["A"]
    first = len(found) - 1 - found[::-1].index("A") if "A" in found else 0  # options stand last, and begin with A
    letters = found[first:]
    return min(letters, key=lambda letter: digest_bytes(f"{letter}\n{question}".encode()))


def _look_and_submit(messages: Messages) -> str:
    """One note, then the answer."""
    if any(m["role"] == "assistant" for m in messages):
        opening = messages[: next(n for n, m in enumerate(messages) if m["role"] == "assistant")]
        return render_call(Call("submit_answer", {"answer": _chosen(opening), "evidence": ""}))
    return render_call(Call("think", {"thought": "one option is as good as another"}))

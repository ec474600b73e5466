"""Who speaks in an episode: a sampler of tokens, a chat endpoint, a script. See `training.engine.Voice`.

A sampler's error that concerns one request names its episode (`error.key`); that turn is lost. An error without a key
means that the sampler as a whole cannot go on, and is raised.
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import medgym_core
from medgym_core.artifacts import digest_bytes
from medgym_core.errors import MedGymError
from training.engine import Limits, Live, Lost, Said
from training.trajectory import StopReason

Hint = str | Callable[[Any], str]
SMALLEST_TURN = 8  # with less room than this in the context an episode ends


def provenance(chat: Any = None) -> dict[str, str]:
    """Digests of tokenizer and template (where there are any), and the code's version."""
    code = {"code": medgym_core.__version__}
    if chat is None:
        return code
    return {
        "tokenizer": digest_bytes(chat.tokenizer.backend_tokenizer.to_str().encode()),
        "template": chat.digest,
        **code,
    }


class TokenVoice:
    """A sampler of token ids behind `training.chat`. `hint`, a text or a function of the task, is read before every
    turn."""

    sampled = True

    def __init__(self, chat: Any, sampler: Any, limits: Limits, seed: int, facts: dict[str, str], hint: Hint = ""):
        self.chat, self.sampler, self.limits, self.seed, self.hint = chat, sampler, limits, seed, hint
        self._facts = {**provenance(chat), **facts}
        self._live: dict[int, Live] = {}

    def begin(self, live: Live) -> None:
        live.hint = self.hint(live.job.task) if callable(self.hint) else self.hint
        live.transcript = self.chat.begin(live.episode.messages, live.episode.tools)
        self._live[live.key] = live

    def ask(self, live: Live) -> StopReason | None:
        from training.sampler import Request, derive_seed

        chat, transcript, limits = self.chat, live.transcript, self.limits
        opening = len(chat.header_ids()) + (len(chat.hint_ids(live.hint)) if live.hint else 0)
        if len(transcript) + opening + SMALLEST_TURN > limits.episode_tokens:
            return StopReason.token_limit
        seed = derive_seed(self.seed, live.job.task.id, live.job.sample, transcript.turns)
        chat.open_turn(transcript, live.hint)
        room = min(limits.turn_tokens, limits.episode_tokens - len(transcript))
        images = list(transcript.images)
        self.sampler.submit(Request(live.key, list(transcript.token_ids), seed, room, images))
        return None

    def collect(self) -> list[Said | Lost]:
        try:
            samples = self.sampler.collect()
        except MedGymError as error:
            return [_lost(error)]
        return [Said(s.key, self.chat.say(self._live[s.key].transcript, s.ids, s.logprobs)) for s in samples]

    def hear(self, live: Live, message: dict[str, Any]) -> None:
        self.chat.observe(live.transcript, message)

    def end(self, live: Live) -> None:
        del self._live[live.key]
        self.sampler.release(live.key)

    def facts(self) -> dict[str, str]:
        return self._facts


class MessageVoice:
    """A chat endpoint, which gets messages and tools and gives text: no tokens are known."""

    sampled = False

    def __init__(self, sampler: Any, limits: Limits, seed: int, facts: dict[str, str]):
        self.sampler, self.limits, self.seed = sampler, limits, seed
        self._facts = {**provenance(), **facts}

    def begin(self, live: Live) -> None:
        """Nothing to prepare: the whole conversation goes with every request."""

    def ask(self, live: Live) -> StopReason | None:
        from training.sampler import derive_seed

        seed = derive_seed(self.seed, live.job.task.id, live.job.sample, live.turns)
        messages = list(live.episode.messages)
        self.sampler.submit_messages(live.key, messages, live.episode.tools, self.limits.turn_tokens, seed)
        return None

    def collect(self) -> list[Said | Lost]:
        try:
            return [Said(answer.key, answer.text) for answer in self.sampler.collect()]
        except MedGymError as error:
            return [_lost(error)]

    def hear(self, live: Live, message: dict[str, Any]) -> None:
        """The answer stands in the conversation."""

    def end(self, live: Live) -> None:
        self.sampler.release(live.key)

    def facts(self) -> dict[str, str]:
        return self._facts


class ScriptVoice:
    """A script: `texts(task, sample)` are the assistant's messages. With `chat` they are tokenised as a policy would
    read them."""

    sampled = False

    def __init__(self, texts: Callable[[Any, int], list[str]], chat: Any = None):
        self.texts, self.chat = texts, chat
        self._facts = provenance(chat)
        self._lines: dict[int, Iterator[str]] = {}
        self._ready: deque[Said] = deque()

    def begin(self, live: Live) -> None:
        self._lines[live.key] = iter(self.texts(live.job.task, live.job.sample))
        if self.chat is not None:
            live.transcript = self.chat.begin(live.episode.messages, live.episode.tools)

    def ask(self, live: Live) -> StopReason | None:
        text = next(self._lines[live.key], None)
        if text is None:
            return StopReason.script_end
        if self.chat is not None:
            self.chat.open_turn(live.transcript)
            self.chat.write(live.transcript, text)
        self._ready.append(Said(live.key, text))
        return None

    def collect(self) -> list[Said | Lost]:
        found, self._ready = list(self._ready), deque()
        return found

    def hear(self, live: Live, message: dict[str, Any]) -> None:
        if self.chat is not None:
            self.chat.observe(live.transcript, message)

    def end(self, live: Live) -> None:
        del self._lines[live.key]

    def facts(self) -> dict[str, str]:
        return self._facts


def _lost(error: MedGymError) -> Lost:
    """The turn that a sampler's error took; an error that concerns no single episode is raised."""
    key = getattr(error, "key", None)
    if key is None:
        raise error
    return Lost(key, str(error))

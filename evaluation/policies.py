"""Who answers a benchmark, as the runner sees it: a name, a digest, and `replies` in each mode.

- `Scripted`  a function of the item: the gold policy and the nulls. It says the same in every mode.
- `Prompted`  reads prompts and plays episodes: a model here, a model on a server, a chat endpoint, a reading script.

`policy_of` finds them by name: `oracle`, `null:NAME`, `script:NAME`, and the names of `training.players`.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation import agentic_items
from evaluation.baselines import Answerer, gold_text, nulls
from evaluation.item import Item, Mode, Spec
from evaluation.predictions import Reply, likeliest
from evaluation.prompts import Messages, prompt_of
from medgym_core.artifacts import digest_file, digest_json
from medgym_core.errors import MedGymError, unknown_name
from training.engine import Limits, Voice

ORACLE, NULL, SCRIPT = "oracle", "null:", "script:"
SCRIPT_CHUNK, MODEL_CHUNK = 4096, 64  # items between two writes of the cache: a second of a script, some of a model
ROOM = 32_768  # tokens of a prompt and its answer behind a server: what most models of today take
CERTAIN, RULED_OUT = 0.0, -100.0  # log-probabilities that a script gives its letter and the others


@dataclass(frozen=True)
class Setting:
    """What a run of answers depends on besides policy and items."""

    answer_tokens: int
    """Most tokens of an answer in mode text, and of a turn in mode agentic."""
    episode_tokens: int
    """Agentic: most tokens of an episode."""
    seed: int = 0
    knowledge: Any = None

    @property
    def limits(self) -> Limits:
        return Limits(self.answer_tokens, self.episode_tokens)


@dataclass(frozen=True)
class Scored:
    """Log-probability of each letter as the next token, and what the model was not shown of the prompt."""

    logprobs: dict[str, float]
    truncated_tokens: int = 0
    images_missing: int = 0


@dataclass(frozen=True)
class Generated:
    """The assistant text, and what the model was not shown of the prompt."""

    text: str
    truncated_tokens: int = 0
    images_missing: int = 0


@dataclass(frozen=True)
class Scripted:
    """A policy that is a function of the item."""

    name: str
    digest: str
    answer: Answerer
    chunk: int = SCRIPT_CHUNK

    def replies(self, items: Sequence[Item], spec: Spec, mode: Mode, setting: Setting) -> list[Reply]:
        """One reply an item, in order."""
        return [self._reply(item, spec, mode, setting) for item in items]

    def _reply(self, item: Item, spec: Spec, mode: Mode, setting: Setting) -> Reply:
        text = self.answer(item)
        if mode == "agentic":
            return agentic_items.play_answer(text, item, spec, setting.knowledge)
        if mode == "logprob" and text in item.options:
            logprobs = {letter: CERTAIN if letter == text else RULED_OUT for letter in item.options}
            return Reply(likeliest(logprobs), logprobs)
        return Reply(text)  # a text that is no letter has no likeliest one: it is scored as it stands


@dataclass(frozen=True)
class Prompted:
    """A policy that reads."""

    name: str
    digest: str
    generate: Callable[[Sequence[Messages], int], list[Generated]]
    """Answers to prompts in one call, so that it may batch them as it likes; at most so many tokens each."""
    score_letters: Callable[[Sequence[Messages], Sequence[Sequence[str]]], list[Scored]] | None
    """None where log-probabilities cannot be had."""
    voice: Callable[[Limits, int], AbstractContextManager[Voice]]
    """Its voice in episodes."""
    sees: bool = False
    """Whether it is shown pictures."""
    chunk: int = MODEL_CHUNK

    def replies(self, items: Sequence[Item], spec: Spec, mode: Mode, setting: Setting) -> list[Reply]:
        """One reply an item, in order. Raises MedGymError where the policy leaves out an item or a letter."""
        if mode == "agentic":
            with self.voice(setting.limits, setting.seed) as voice:
                return agentic_items.play_voice(voice, items, spec, setting, self.digest, self.sees)
        prompts = [prompt_of(item, spec.kind, self.sees) for item in items]
        missing = [prompt.images_missing for prompt in prompts]
        messages = [prompt.messages for prompt in prompts]
        if mode == "text":
            found = _all(self.generate(messages, setting.answer_tokens), items)
            pairs = zip(found, missing, strict=True)
            return [Reply(g.text, {}, g.truncated_tokens, unseen + g.images_missing) for g, unseen in pairs]
        return [
            Reply(likeliest(s.logprobs), s.logprobs, s.truncated_tokens, unseen + s.images_missing)
            for s, unseen in zip(self._letters(items, messages), missing, strict=True)
        ]

    def _letters(self, items: Sequence[Item], messages: Sequence[Messages]) -> list[Scored]:
        if self.score_letters is None:
            raise MedGymError("no log-probabilities of letters", got=self.name, expected="mode text or agentic")
        wanted = [list(item.options) for item in items]
        found = _all(self.score_letters(messages, wanted), items)
        for item, letters, one in zip(items, wanted, found, strict=True):
            if set(one.logprobs) != set(letters):
                raise MedGymError("letters were not scored", got=sorted(one.logprobs), expected=letters, where=item.id)
        return found


Policy = Scripted | Prompted


def oracle(spec: Spec) -> Scripted:
    """The gold policy of a benchmark."""
    return Scripted(ORACLE, _script_digest(ORACLE), lambda item: gold_text(item, spec))


def null_policies(items: Sequence[Item], spec: Spec) -> list[Scripted]:
    """The null policies of a benchmark; `items` are all of its file."""
    return [Scripted(NULL + name, _script_digest(name), answer) for name, answer in nulls(items, spec).items()]


def scripted(name: str, items: Sequence[Item], spec: Spec) -> Scripted:
    """`oracle` or `null:NAME` for a benchmark. Raises MedGymError listing the valid names."""
    known = {policy.name: policy for policy in (oracle(spec), *null_policies(items, spec))}
    if name not in known:
        raise unknown_name("scripted policy", name, known, where=spec.name)
    return known[name]


def is_script(name: str) -> bool:
    """Whether the policy is made anew for each benchmark."""
    return name == ORACLE or name.startswith(NULL)


def policy_of(name: str, resolve: Callable[[str], str] | None = None, sees: bool | None = None) -> Prompted:
    """The reading policy of that name. `resolve` finds registered models; `sees` says whether an endpoint or a served
    model is shown pictures (None: a model here says itself, an endpoint is not). Raises MedGymError for other names."""
    from evaluation.readers import READERS
    from training.players import REGISTERED, SERVER

    if name.startswith(SCRIPT):
        short = name.removeprefix(SCRIPT)
        if short not in READERS:
            raise unknown_name("script", name, [SCRIPT + n for n in READERS])
        return READERS[short](name)
    if name.startswith("openai:") or os.environ.get(SERVER):
        return _played(name, resolve, bool(sees))
    if name.startswith(REGISTERED[0]) or name in REGISTERED[1:]:
        if resolve is None:
            raise MedGymError("no model registry here", got=name, expected="a model folder")
        return model_policy(resolve(name), name)
    return model_policy(name, name)


def model_policy(source: Any, name: str) -> Prompted:
    """A model in this process: a loaded `training.policy.Policy`, or its folder or hub name."""
    from evaluation.model import PolicyAnswerer
    from training.policy import load_policy

    answerer = PolicyAnswerer(load_policy(source) if isinstance(source, str | Path) else source)
    policy = answerer.policy
    sees = policy.chat.vision is not None
    return Prompted(name, policy.digest, answerer.generate, answerer.score_letters, answerer.voice, sees)


def _played(name: str, resolve: Callable[[str], str] | None, sees: bool) -> Prompted:
    """A policy behind a server: answers are episodes of one turn."""
    from evaluation.readers import one_turn
    from training.players import Sampling, player

    found = player(name, Sampling(greedy=True), resolve)
    digest = digest_json([found.policy, dict(found.facts)])
    return Prompted(name, digest, lambda prompts, most: one_turn(found, prompts, most, ROOM), None, found.voice, sees)


def _all(found: list[Any], items: Sequence[Item]) -> list[Any]:
    if len(found) != len(items):
        raise MedGymError("policy did not answer every item", got=len(found), expected=len(items))
    return found


def _script_digest(name: str) -> str:
    return digest_json([name, digest_file(Path(agentic_items.__file__)), digest_file(_BASELINES)])


_BASELINES = Path(__file__).with_name("baselines.py")

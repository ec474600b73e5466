"""Who plays: a policy's name to something the engine can run.

| name | player |
|---|---|
| a folder, or a hub model `owner/name` | a model here, or on the server of `MEDGYM_VLLM_URL` with this tokenizer |
| `models:/NAME@ALIAS`, `champion`, `challenger` | the registry's folder (`resolve` finds it) |
| `oracle` | the reference of each task |
| `null:NAME` | a null agent |
| `openai:URL#MODEL` | a model behind an OpenAI-compatible chat endpoint; no tokens, for evaluation only |

A model of this machine or of a vLLM server is named in the records by the digest of its files, all others by this name.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medgym_core.errors import MedGymError, unknown_name
from training.engine import SLOTS, Limits, Voice
from training.voices import MessageVoice, ScriptVoice, TokenVoice

FORMS = "a model folder, owner/name, models:/NAME@ALIAS, champion, challenger, oracle, null:NAME, openai:URL#MODEL"
REGISTERED = ("models:/", "champion", "challenger")
SERVER = "MEDGYM_VLLM_URL"
PARITY = 0.1  # nats a log-probability of the server may be off: half precision is, other weights are off by whole nats


@dataclass(frozen=True)
class Sampling:
    """How a model's tokens are drawn."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    """Most tokens to choose from; 0: all."""
    greedy: bool = False
    stop_at_call: bool = False
    """End a turn at the closing tag of a tool call, for models that would talk on."""

    def __post_init__(self) -> None:
        if not (self.temperature > 0 and 0 < self.top_p <= 1 and self.top_k >= 0):
            got = f"temperature {self.temperature}, top-p {self.top_p}, top-k {self.top_k}"
            expected = "temperature above 0, top-p in (0, 1], top-k 0 or more"
            raise MedGymError("bad sampling settings", got=got, expected=expected)

    @property
    def facts(self) -> dict[str, str]:
        """As provenance."""
        stop = {"stop_at_call": "yes"} if self.stop_at_call else {}
        if self.greedy:
            return {"temperature": "greedy", **stop}
        return {"temperature": str(self.temperature), "top_p": str(self.top_p), "top_k": str(self.top_k), **stop}

    @property
    def draw(self) -> dict[str, Any]:
        """What every sampler is told."""
        return {name: getattr(self, name) for name in ("temperature", "top_p", "top_k", "greedy")}


DEFAULT_SAMPLING = Sampling()


@dataclass(frozen=True)
class Player:
    """A policy that can be played."""

    name: str
    """As it was asked for."""
    policy: str
    """As the records name it."""
    voice: Callable[[Limits, int], AbstractContextManager[Voice]]
    """Its voice under limits and a seed, open while the block runs."""
    slots: int = SLOTS
    costly: bool = True
    """A finished episode is worth keeping at once; a script's is played again faster than it is read."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Settings that change what it plays."""


def player(
    name: str,
    sampling: Sampling = DEFAULT_SAMPLING,
    resolve: Callable[[str], str] | None = None,
    template: Path | None = None,
) -> Player:
    """The player of that name. Raises MedGymError, which lists the valid forms, for another name.

    `template`, a file, takes the place of the model's chat template. `resolve` gives the folder of a registered model
    (`models:/...`, an alias); where it is None there is no registry.
    """
    if name == "oracle" or name.startswith("null:"):
        return _script(name)
    if name.startswith("openai:"):
        return _endpoint(name, sampling)
    source = name
    if name.startswith(REGISTERED[0]) or name in REGISTERED[1:]:
        if resolve is None:
            raise MedGymError("no model registry here", got=name, expected=FORMS)
        source = str(resolve(name))
    elif not Path(name).is_dir() and (name.startswith((".", "/")) or name.count("/") != 1 or ":" in name):
        raise MedGymError("unknown policy", got=repr(name), expected=FORMS)
    return _model(name, source, sampling, template)


def _script(name: str) -> Player:
    from medgym_core.probes import NULLS, reference_texts

    null = name.removeprefix("null:")
    if name != "oracle" and null not in NULLS:
        raise unknown_name("scripted policy", name, ["oracle", *(f"null:{n}" for n in NULLS)])

    @contextmanager
    def voice(limits: Limits, seed: int) -> Iterator[Voice]:
        script = NULLS.get(null)
        # Samples of a random agent differ; the seed of the first is the run's, as in the gates.
        yield ScriptVoice(lambda task, n: script(task, seed + n) if script else reference_texts(task))

    return Player(name, name, voice, slots=1, costly=False)


def _model(name: str, source: str, sampling: Sampling, template: Path | None) -> Player:
    from training.policy import load_policy

    policy, url = load_policy(source, template), os.environ.get(SERVER)

    @contextmanager
    def voice(limits: Limits, seed: int) -> Iterator[Voice]:
        sampler = _served(policy, url, sampling) if url else _local(policy, sampling)
        try:
            yield TokenVoice(policy.chat, sampler, limits, seed, {**sampling.facts, **_limits(limits)})
        finally:
            sampler.close()

    where = {"sampler": "vllm" if url else "hf", "template": policy.chat.digest}
    return Player(name, policy.digest, voice, facts={**sampling.facts, **where})


def _endpoint(name: str, sampling: Sampling) -> Player:
    """`openai:URL#MODEL`."""
    from training.api_sampler import APISampler

    url, _, model = name.removeprefix("openai:").partition("#")
    if not url or not model:
        raise MedGymError("half a chat endpoint", got=repr(name), expected="openai:URL#MODEL")

    @contextmanager
    def voice(limits: Limits, seed: int) -> Iterator[Voice]:
        sampler = APISampler(url, model, **sampling.draw)
        try:
            yield MessageVoice(sampler, limits, seed, {**sampling.facts, **_limits(limits)})
        finally:
            sampler.close()

    return Player(name, f"openai:{model}", voice, facts={**sampling.facts, "url": url})


def _local(policy: Any, sampling: Sampling) -> Any:
    if not sampling.stop_at_call:
        return policy.sampler(**sampling.draw)
    end = policy.chat.call_end
    stop = {"call_end": end} if isinstance(end, int) else {"closes": policy.chat.closes_call}
    return policy.sampler(**sampling.draw, **stop)


def _served(policy: Any, url: str, sampling: Sampling) -> Any:
    from training.parity import make_probe
    from training.vllm_sampler import VLLMSampler
    from training.vllm_server import VLLMServer

    image = policy.chat.vision.token_id if policy.chat.vision else None
    end = policy.chat.call_end if sampling.stop_at_call else None
    return VLLMSampler(
        VLLMServer(url),
        policy.stop_ids,
        version=policy.digest,
        image_id=image,
        call_end=end,
        probe=make_probe(policy.model, policy.chat),
        tolerance=PARITY,
        **sampling.draw,
    )


def _limits(limits: Limits) -> dict[str, str]:
    return {"turn_tokens": str(limits.turn_tokens), "episode_tokens": str(limits.episode_tokens)}

"""A vLLM server (0.32 or later) as the engine of `training.vllm_sampler.VLLMSampler`.

Text goes to `/v1/completions` as token ids; a context with pictures goes to `/inference/v1/generate`, the one endpoint
that takes ids and pictures together (the server needs `--enable-scale-out`).

Changing weights needs `VLLM_ALLOW_RUNTIME_LORA_UPDATING=True` and `--enable-lora` (adapters) or
`VLLM_SERVER_DEV_MODE=1` (all weights): both let whoever reaches the port change the model, so bind it to loopback.
"""

import os
from base64 import b64encode
from collections import Counter
from typing import Any, TypeVar

import msgspec

from medgym_core.errors import MedGymError
from training.endpoint import DEFAULT_PATIENCE, Endpoint, Patience, UnreadableAnswer
from training.sampler import Sample
from training.vllm_sampler import Answer, Job

URL = "MEDGYM_VLLM_URL"
"""Environment variable with the server's address."""
KEY = "MEDGYM_VLLM_KEY"
"""Environment variable with the server's key (`--api-key`), where it has one."""
Body = TypeVar("Body")


class VLLMServer:
    """A `training.vllm_sampler.Backend`. `model`: a served name; "" for the only one."""

    def __init__(
        self, url: str = "", model: str = "", patience: Patience = DEFAULT_PATIENCE, *, allow_http: bool = False
    ):
        address = url or os.environ.get(URL, "")
        if not address:
            raise MedGymError("no vLLM server", expected=f"an address such as http://127.0.0.1:8000, or {URL}")
        self.endpoint = Endpoint(address.rstrip("/").removesuffix("/v1"), patience, KEY, allow_http)
        self.model = model
        self.adapter = ""
        self.most_tokens = 0

    @property
    def counts(self) -> Counter[str]:
        return self.endpoint.counts

    async def open(self) -> None:
        listed = await self.endpoint.ask("/v1/models", None, lambda data: _decoded(data, _Models))
        bases = {m.id: m for m in listed.data if m.parent is None}
        if len(bases) == 1 and not self.model:
            self.model = next(iter(bases))
        if self.model not in bases:
            raise MedGymError("no such model", got=repr(self.model), expected=sorted(bases), where=self.endpoint.url)
        length = bases[self.model].max_model_len
        if length is None:
            raise MedGymError("the server does not say its longest context", got="no max_model_len", expected="vLLM")
        self.most_tokens = length

    async def complete(self, job: Job) -> Sample:
        if job.request.images:
            path, body, read = "/inference/v1/generate", generate_body(job, self._served()), generated
        else:
            path, body, read = "/v1/completions", completion_body(job, self._served()), completed

        def sample(data: bytes) -> Sample:
            answer = read(data)
            found = job.sample(answer)
            self.counts["cached_tokens"] += answer.cached
            return found

        return await self.endpoint.ask(path, body, sample, job.request.key)

    async def prompt_logprobs(self, ids: list[int]) -> list[float]:
        body = {"model": self._served(), "prompt": ids, "max_tokens": 1, "prompt_logprobs": 0, "return_token_ids": True}

        def values(data: bytes) -> list[float]:
            found = _only(_decoded(data, _Completion).choices).prompt_logprobs or []
            if len(found) != len(ids) or any(
                str(t) not in (at or {}) for t, at in zip(ids[1:], found[1:], strict=True)
            ):
                raise UnreadableAnswer("prompt log-probabilities", got=f"{len(found)} positions", expected=len(ids))
            return [at[str(t)].logprob for t, at in zip(ids[1:], found[1:], strict=True) if at]

        return await self.endpoint.ask("/v1/completions", body, values)

    async def text(self, ids: list[int]) -> str:
        body = {"model": self.model, "tokens": ids}
        return (await self.endpoint.ask("/detokenize", body, lambda data: _decoded(data, _Text))).prompt

    async def load_adapter(self, name: str, folder: str) -> None:
        await self.endpoint.ask(
            "/v1/load_lora_adapter", {"lora_name": name, "lora_path": folder, "load_inplace": True}, _done
        )
        old, self.adapter = self.adapter, name
        await self._unload(old)

    async def reload(self, folder: str) -> None:
        call = {"method": "reload_weights", "kwargs": {"weights_path": folder}}
        await self.endpoint.ask("/collective_rpc", call, _done)
        old, self.adapter = self.adapter, ""  # an adapter belongs to the weights it was trained on
        await self._unload(old)

    async def close(self) -> None:
        await self.endpoint.close()

    async def _unload(self, name: str) -> None:
        if name:
            await self.endpoint.ask("/v1/unload_lora_adapter", {"lora_name": name}, _done)

    def _served(self) -> str:
        return self.adapter or self.model


def completion_body(job: Job, model: str) -> dict[str, Any]:
    """The request to `/v1/completions`."""
    return {
        **job.params,
        "model": model,
        "prompt": job.prompt,
        "cache_salt": job.salt,
        "return_token_ids": True,
        "return_tokens_as_token_ids": True,  # each log-probability names its token
    }


def generate_body(job: Job, model: str) -> dict[str, Any]:
    """The request to `/inference/v1/generate`; pictures (PNG bytes) travel as data URLs."""
    parts = [
        {"type": "image_url", "url": "data:image/png;base64," + b64encode(png).decode()} for png in job.request.images
    ]
    return {
        "model": model,
        "token_ids": job.prompt,
        "content_parts": parts,
        "sampling_params": job.params,
        "cache_salt": job.salt,
        "return_token_ids": True,
    }


def completed(data: bytes) -> Answer:
    """The answer of `/v1/completions`. Raises UnreadableAnswer."""
    body = _decoded(data, _Completion)
    choice = _only(body.choices)
    if choice.logprobs is None:
        raise UnreadableAnswer("log-probabilities", got="none", expected="one a token")
    return Answer(
        choice.prompt_token_ids,
        choice.token_ids,
        [_named(token) for token in choice.logprobs.tokens],
        choice.logprobs.token_logprobs,
        choice.finish_reason,
        choice.stop_reason,
        body.usage.cached,
    )


def generated(data: bytes) -> Answer:
    """The answer of `/inference/v1/generate`. Raises UnreadableAnswer."""
    body = _decoded(data, _Generation)
    choice = _only(body.choices)
    ids = [at.token_id for at in choice.logprobs.content]
    logprobs = [at.logprob for at in choice.logprobs.content]
    return Answer(
        body.prompt_token_ids,
        choice.token_ids,
        ids,
        logprobs,
        choice.finish_reason,
        choice.stop_reason,
        body.usage.cached,
    )


class _Model(msgspec.Struct):
    id: str
    max_model_len: int | None = None
    parent: str | None = None
    """Of an adapter: its model."""


class _Models(msgspec.Struct):
    data: list[_Model]


class _Text(msgspec.Struct):
    prompt: str


class _Cached(msgspec.Struct):
    cached_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens_details: _Cached | None = None

    @property
    def cached(self) -> int:
        return (self.prompt_tokens_details.cached_tokens or 0) if self.prompt_tokens_details else 0


class _Logprob(msgspec.Struct):
    logprob: float


class _TokenLogprob(msgspec.Struct):
    token_id: int
    logprob: float


class _Logprobs(msgspec.Struct):
    tokens: list[str]
    token_logprobs: list[float]


class _Content(msgspec.Struct):
    content: list[_TokenLogprob]


class _Choice(msgspec.Struct):
    token_ids: list[int]
    prompt_token_ids: list[int]
    logprobs: _Logprobs | None = None
    finish_reason: str | None = None
    stop_reason: int | str | None = None
    prompt_logprobs: list[dict[str, _Logprob] | None] | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage


class _GeneratedChoice(msgspec.Struct):
    token_ids: list[int]
    logprobs: _Content
    finish_reason: str | None = None
    stop_reason: int | str | None = None


class _Generation(msgspec.Struct):
    choices: list[_GeneratedChoice]
    prompt_token_ids: list[int]
    usage: _Usage


def _done(data: bytes) -> None:
    """Reads an answer that says no more than its status."""


def _decoded(data: bytes, kind: type[Body]) -> Body:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:  # cut short, not JSON, or without what must be there
        raise UnreadableAnswer("answer", got=f"{len(data)} bytes: {error}", expected="complete JSON") from error


def _only(choices: list[Any]) -> Any:
    if len(choices) != 1:
        raise UnreadableAnswer("number of choices", got=len(choices), expected=1)
    return choices[0]


def _named(token: str) -> int:
    """N of `token_id:N`."""
    name, _, number = token.partition(":")
    if name != "token_id" or not number.isdigit():
        raise UnreadableAnswer("token of a log-probability", got=repr(token), expected="token_id:N")
    return int(number)

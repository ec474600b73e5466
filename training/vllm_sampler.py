"""VLLMSampler: turns from a vLLM engine: a server (`training.vllm_server`) or one's own (`training.vllm_engine`).

Token ids go in; ids, log-probabilities and the reason of the stop come out, and each answer is checked before it
counts: the prompt the engine read is the request's, every log-probability stands beside its own id, and the last id is
what ended the turn. Anything else is a failed request (`training.endpoint.SamplerError`), never a sample.

Episodes are in flight all at once and the engine's prefix cache holds their earlier turns. That cache is salted with
`version`, so nothing computed from other weights is ever read: change it with the weights (`training.weight_sync`).

Log-probabilities are those of the distribution that was sampled from (temperature, top-k, top-p applied; untempered
when greedy). An engine gives them with `--logprobs-mode processed_logprobs`; any other is refused at the start.

The server for tests, or for one machine:
    python -m vllm.entrypoints.openai.api_server --model FOLDER --logprobs-mode processed_logprobs --enable-scale-out
`--enable-scale-out` is for pictures only. On a CPU add `--no-enable-chunked-prefill`: vLLM 0.32 there dies of a seeded
request whose prompt it reads in parts. A draw depends on the request's seed; that other requests in the batch change
nothing holds as far as the engine's arithmetic does not depend on the batch.
"""

import math
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from medgym_core.errors import MedGymError
from training.endpoint import Failure, SamplerError, UnreadableAnswer
from training.flights import Flights
from training.parity import TOLERANCE, Probe, check_parity
from training.sampler import Request, Sample, SampleStop

LOWEST = -9000.0  # vLLM writes minus infinity as -9999
PROBE_IDS = 4  # prompt tokens of the request that shows which log-probabilities the engine gives


@dataclass
class Answer:
    """What an engine gave for one request, as it said it."""

    prompt_ids: list[int]
    """The prompt as the engine read it, with room for the pictures made."""
    ids: list[int]
    logprob_ids: list[int]
    """The token that each log-probability is of."""
    logprobs: list[float]
    finish: str | None
    stop: int | str | None
    """The stop token or stop text that ended it."""
    cached: int = 0
    """Prompt tokens that the prefix cache held."""


class Backend(Protocol):
    """An engine. All methods run in the sampler's event loop; they raise SamplerError."""

    most_tokens: int
    """Longest context, sampled tokens included."""
    counts: Counter[str]

    async def open(self) -> None:
        """Before anything else: find the model."""

    async def complete(self, job: "Job") -> Sample:
        """One turn, checked by `job.sample`."""

    async def prompt_logprobs(self, ids: list[int]) -> list[float]:
        """(T - 1,) untempered log-probability of each token after the first, computed anew."""

    async def text(self, ids: list[int]) -> str:
        """The tokens' text by the engine's tokenizer."""

    async def load_adapter(self, name: str, folder: str) -> None:
        """Sample from the model with this LoRA adapter (a PEFT folder) from now on."""

    async def reload(self, folder: str) -> None:
        """Take all weights from this Hugging Face folder."""

    async def close(self) -> None:
        """Free what is held."""


@dataclass(frozen=True)
class Job:
    """A request as an engine gets it."""

    request: Request
    params: dict[str, Any]
    """Arguments of `vllm.SamplingParams`."""
    prompt: list[int]
    """The context with one placeholder for each picture."""
    salt: str
    call_end: int | str | None

    def sample(self, answer: Answer) -> Sample:
        """The answer as a sample. Raises UnreadableAnswer if it is not one to this request."""
        request, n = self.request, len(answer.ids)
        _equal("prompt read by the engine", answer.prompt_ids, request.ids)
        if not 1 <= n <= request.max_tokens:
            raise UnreadableAnswer("number of tokens", got=n, expected=f"1 to {request.max_tokens}")
        if len(answer.logprobs) != n:
            raise UnreadableAnswer("number of log-probabilities", got=len(answer.logprobs), expected=n)
        _equal("tokens of the log-probabilities", answer.logprob_ids, answer.ids)
        bad = [v for v in answer.logprobs if not (math.isfinite(v) and LOWEST < v <= 1e-6)]
        if bad:
            raise UnreadableAnswer("log-probability of a sampled token", got=bad[0], expected="finite, at most 0")
        return Sample(request.key, answer.ids, answer.logprobs, self._stop(answer))

    def _stop(self, answer: Answer) -> SampleStop:
        if answer.finish == "length" and len(answer.ids) == self.request.max_tokens:
            return SampleStop.length
        by_token = answer.stop == answer.ids[-1] and answer.stop in self.params["stop_token_ids"]
        by_text = isinstance(answer.stop, str) and answer.stop in self.params["stop"]
        if answer.finish == "stop" and (by_token or by_text):
            return SampleStop.tool_call if answer.stop == self.call_end else SampleStop.end
        got = f"{answer.finish} ({answer.stop!r}) after {len(answer.ids)} tokens ending in {answer.ids[-1]}"
        raise UnreadableAnswer("end of the turn", got=got, expected="a stop token, the closing tag or the limit")


class VLLMSampler:
    """A `training.sampler.Sampler`. Raises MedGymError at the start for an engine that cannot serve it."""

    def __init__(
        self,
        backend: Backend,
        stop_ids: set[int],
        *,
        version: str,
        temperature: float = 1.0,
        top_p: float = 1.0,
        top_k: int = 0,
        greedy: bool = False,
        call_end: int | str | None = None,
        image_id: int | None = None,
        probe: Probe | None = None,
        tolerance: float = TOLERANCE,
    ):
        """`version` names the weights, such as the policy's digest. `call_end` ends a turn as a tool call:
        the closing tag's token, or its text where it is no single token (the engine may then find it also in the last
        characters of a context that ends within one). `image_id`: the placeholder token of a vision model. `probe`: of
        the model that the engine must have."""
        if temperature <= 0 or not 0 < top_p <= 1 or top_k < 0:
            got = f"temperature {temperature}, top_p {top_p}, top_k {top_k}"
            raise MedGymError("bad sampling", got=got, expected="temperature > 0, 0 < top_p <= 1, top_k >= 0")
        self.backend, self.version, self.call_end, self.image_id = backend, version, call_end, image_id
        self.stop_ids = sorted(stop_ids | ({call_end} if isinstance(call_end, int) else set()))
        shape = {"temperature": 0.0} if greedy else {"temperature": temperature, "top_p": top_p, "top_k": top_k}
        self.shape = {"top_p": 1.0, "top_k": 0, **shape}
        self._flights: Flights[Sample] = Flights()
        try:
            self._flights.run(backend.open())
            self._check_logprobs()
            if probe is not None:
                text, logprobs = self.run(backend.text(probe.ids)), self.run(backend.prompt_logprobs(probe.ids))
                check_parity(text, logprobs, probe, tolerance)
        except MedGymError:
            self.close()
            raise

    @property
    def counts(self) -> Counter[str]:
        """Requests, failed tries by kind, prompt tokens read from the cache."""
        return self.backend.counts

    def submit(self, request: Request) -> None:
        self._flights.start(request.key, self._complete(request))

    def collect(self) -> list[Sample]:
        """Raises SamplerError for a request that failed; others in flight stay there."""
        return self._flights.landed()

    def release(self, key: int) -> None:
        self._flights.cancel(key)

    def close(self) -> None:
        self._flights.close(self.backend.close)

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The result of one of the backend's coroutines. Raises MedGymError while turns are in flight: a change of
        weights must not fall between two of their tokens."""
        if len(self._flights):
            work.close()
            raise MedGymError("turns are in flight", got=len(self._flights), expected="all collected or released")
        return self._flights.run(work)

    async def _complete(self, request: Request) -> Sample:
        return await self.backend.complete(self._job(request))

    def _job(self, request: Request) -> Job:
        room = self.backend.most_tokens - len(request.ids)
        if not request.ids or request.max_tokens < 1 or request.max_tokens > room:
            raise SamplerError(
                "the turn does not fit the context",
                kind=Failure.refused,
                key=request.key,
                got=f"{len(request.ids)} tokens and {request.max_tokens} more",
                expected=f"both at least 1, at most {self.backend.most_tokens} together",
            )
        prompt = one_placeholder_each(request, self.image_id)
        return Job(request, self._params(request), prompt, self.version, self.call_end)

    def _params(self, request: Request) -> dict[str, Any]:
        """Everything that shapes a sample, also where it equals vLLM's default: a model folder's
        `generation_config.json` would replace what is left out."""
        return {
            **self.shape,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "seed": request.seed,
            "max_tokens": request.max_tokens,
            "ignore_eos": True,  # `stop_token_ids` says it all, and then the stop always has a name
            "stop_token_ids": self.stop_ids,
            "stop": [self.call_end] if isinstance(self.call_end, str) else [],
            "include_stop_str_in_output": True,
            "skip_special_tokens": False,  # a closing tag may be a special token
            "spaces_between_special_tokens": False,
            "logprobs": 0,  # of the sampled token alone
        }

    def _check_logprobs(self) -> None:
        """Of a single candidate the processed log-probability is 0, and the raw one is not."""
        ids = list(range(1, 1 + PROBE_IDS))
        request = Request(-1, ids, 0, 1)
        warm = {"temperature": self.shape["temperature"] or 1.0, "top_k": 1}  # greedy ones are untempered, not cut
        params = {**self._params(request), **warm, "stop": [], "stop_token_ids": []}
        sample = self._flights.run(self.backend.complete(Job(request, params, ids, self.version, None)))
        if sample.logprobs != [0.0]:
            raise MedGymError(
                "the engine's log-probabilities are not those of the distribution it samples from",
                got=sample.logprobs[0],
                expected="0 for a single candidate: start it with --logprobs-mode processed_logprobs",
            )


def one_placeholder_each(request: Request, image_id: int | None) -> list[int]:
    """The context with each picture's run of placeholders cut to one, which is how an engine wants it.

    The engine makes the runs again, and the whole context is compared afterwards. Raises SamplerError if the pictures
    and the runs differ in number.
    """
    if not request.images:
        return request.ids
    ids = [t for i, t in enumerate(request.ids) if t != image_id or i == 0 or request.ids[i - 1] != image_id]
    found = ids.count(image_id) if image_id is not None else 0
    if found != len(request.images):
        raise SamplerError(
            "pictures and their placeholders differ in number",
            kind=Failure.refused,
            key=request.key,
            got=f"{len(request.images)} pictures",
            expected=f"{found}, as many as there are runs of token {image_id}",
        )
    return ids


def _equal(what: str, got: Sequence[int], expected: Sequence[int]) -> None:
    if list(got) == list(expected):
        return
    at = next((i for i, (a, b) in enumerate(zip(got, expected, strict=False)) if a != b), min(len(got), len(expected)))
    raise UnreadableAnswer(
        what,
        got=f"{len(got)} ids, at {at}: {list(got[at : at + 3])}",
        expected=f"{len(expected)} ids, at {at}: {list(expected[at : at + 3])}",
    )

"""Samplers: token ids in; token ids, their log-probabilities and why the turn ended out. A sampler never sees text.

`Sampler` is the protocol that all of them follow. `HFSampler` samples from a Hugging Face model in this process:
contexts of one episode only ever grow, so keys and values stay cached over its turns and only unseen tokens are
computed; a new episode copies what it shares with a live one (the prompt of its group, the system message of its
domain). Turns join and leave the batch one by one.

Same seed, same turn: randomness belongs to the request, and in fp32 on a CPU whose MKL has strict reproducibility the
arithmetic of a row does not depend on the batch either, to the last bit. That needs `MKL_CBWR`, set below, and
attention over whole blocks of keys (`training.kv_cache`). Elsewhere rows differ by rounding (some 1e-6 in a
log-probability), which moves a draw about once in a million tokens.
"""

import enum
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch

from medgym_core.artifacts import digest_bytes
from medgym_core.errors import MedGymError
from training.cached_decoder import CHUNK, CachedDecoder, common_prefix
from training.distribution import Sampling, choose

# Read by MKL at its first product: the rows of a product then do not depend on how many there are, nor on threads.
# From 32 rows on it costs nothing. (Intel oneMKL developer guide, "Conditional Numerical Reproducibility".)
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")

PASS_TOKENS = 2048  # tokens of all rows in one prefill pass: bounds its memory
SHARED = 64  # tokens two contexts must share before copying them is worth a wait of one pass


class SampleStop(enum.StrEnum):
    """Why a turn ended."""

    end = enum.auto()
    """A stop token came (it is the last of the sample)."""
    tool_call = enum.auto()
    """The closing tag of a tool call came (it is the last of the sample)."""
    length = enum.auto()
    """`max_tokens` were sampled."""


@dataclass
class Request:
    """One turn to sample."""

    key: int
    """Identifies the episode; the context of a key only grows."""
    ids: list[int]
    """The whole context."""
    seed: int
    """All the randomness of this turn."""
    max_tokens: int
    images: Sequence[Any] = ()
    """Pictures of the context, in the order of their placeholders."""


@dataclass
class Sample:
    """What was sampled in one turn."""

    key: int
    ids: list[int] = field(default_factory=list)
    """The tokens (T,), stop token or closing tag included."""
    logprobs: list[float] = field(default_factory=list)
    """(T,) log-probabilities under the distribution that was sampled from: tempered, cut to top-k and top-p."""
    stop: SampleStop = SampleStop.length


class Sampler(Protocol):
    """Samples turns of many episodes at once. A request that fails raises an error: it is never a sample."""

    def submit(self, request: Request) -> None:
        """Queue one turn; a key has at most one turn in flight."""

    def collect(self) -> list[Sample]:
        """Block until at least one turn is done, and return the finished ones; [] when none is in flight."""

    def release(self, key: int) -> None:
        """The episode is over (or given up, in mid-turn too): forget it and free its memory. Its key is used up."""

    def close(self) -> None:
        """Free everything. Any later use is an error."""


def derive_seed(*parts: object) -> int:
    """A seed below 2^60 from anything printable; equal parts give equal seeds on any machine."""
    return int(digest_bytes("/".join(map(str, parts)).encode())[:15], 16)


@dataclass
class _Turn:
    """A turn being sampled: the tokens of the sample but the last are in the cache."""

    request: Request
    draws: np.ndarray  # (max_tokens,) uniforms
    sample: Sample


class HFSampler:
    """`Sampler` on one model (CPU or GPU); make a new one for new weights.

    `stop_ids` end a turn. A tool call ends it at the token `call_end`, where its closing tag is one token, else when
    `closes(ids of the turn)` says so. `embed(request, start)` gives the input embeddings (T - start, D) of a context
    with images; without it images are refused. `seconds` says where the time went, `computed` how many tokens were.
    """

    def __init__(
        self,
        model: Any,
        stop_ids: set[int],
        *,
        temperature: float = 1.0,
        top_p: float = 1.0,
        top_k: int = 0,
        greedy: bool = False,
        call_end: int | None = None,
        closes: Callable[[list[int]], bool] | None = None,
        embed: Callable[[Request, int], torch.Tensor] | None = None,
    ):
        self.model = model
        self.stop_ids = stop_ids
        self.sampling = Sampling(temperature, top_p, top_k, greedy)
        self.seconds = {"prefill": 0.0, "decode": 0.0, "sampling": 0.0}
        self.computed = {"prefill": 0, "decode": 0}
        self._call_end, self._closes, self._embed = call_end, closes, embed
        self._limit = model.config.get_text_config().max_position_embeddings
        self._decoder = CachedDecoder(model)
        self._queue: dict[int, Request] = {}
        self._turns: dict[int, _Turn] = {}
        self._done: list[Sample] = []
        self._released: set[int] = set()
        self._closed = False

    def submit(self, request: Request) -> None:
        """Queue one turn. Raises MedGymError for a request that cannot be served; nothing else changes then."""
        self._check(request)
        self._queue[request.key] = request

    @torch.inference_mode()
    def collect(self) -> list[Sample]:
        """Prefill what was queued, then sample until at least one turn is done."""
        self._check_open()
        self._admit()
        while self._turns and not self._done:
            self._step()
        done, self._done = self._done, []
        return done

    def release(self, key: int) -> None:
        """Free the row of an episode; harmless for a key that never had one."""
        self._check_open()
        self._released.add(key)
        self._queue.pop(key, None)
        self._turns.pop(key, None)
        self._done = [s for s in self._done if s.key != key]
        self._decoder.free(key)

    def close(self) -> None:
        self._closed = True
        self._decoder = CachedDecoder(self.model)

    def sample(self, requests: Sequence[Request]) -> list[Sample]:
        """One turn for each request, in order: submit all, collect all. No other turn may be in flight."""
        if self._queue or self._turns:
            raise MedGymError("sample() while turns are in flight", got=len(self._queue) + len(self._turns), expected=0)
        for request in requests:
            self.submit(request)
        done: dict[int, Sample] = {}
        while len(done) < len(requests):
            done |= {s.key: s for s in self.collect()}
        return [done[r.key] for r in requests]

    def _check(self, request: Request) -> None:
        self._check_open()
        where, known = f"episode {request.key}", self._decoder.known(request.key)
        if request.key in self._released:
            raise MedGymError("the episode was released", got=request.key, expected="a new key", where=where)
        if request.key in self._queue or request.key in self._turns:
            raise MedGymError("a turn of this episode is in flight", got="another", expected="one", where=where)
        if not request.ids:
            raise MedGymError("context", got="no tokens", expected="at least one", where=where)
        if request.max_tokens < 1:
            raise MedGymError("max_tokens", got=request.max_tokens, expected="at least 1", where=where)
        if len(request.ids) + request.max_tokens > self._limit:
            length = f"{len(request.ids)} tokens and {request.max_tokens} to sample"
            raise MedGymError("context too long", got=length, expected=f"at most {self._limit}", where=where)
        if request.images and self._embed is None:
            raise MedGymError("images", got=len(request.images), expected="none: no `embed` was given", where=where)
        if request.ids[: len(known)] != known or len(request.ids) == len(known):
            grown = f"{len(request.ids)} tokens after {len(known)}"
            raise MedGymError("a context must grow and never change", got=grown, where=where)

    def _check_open(self) -> None:
        if self._closed:
            raise MedGymError("the sampler is closed", expected="a new one")

    def _admit(self) -> None:
        """Compute the contexts of the queue, wave by wave, and draw the first token of each turn."""
        self._decoder.expect(sum(key not in self._decoder for key in self._queue))
        while self._queue:
            began = time.perf_counter()
            wave = self._wave()
            for request in wave:
                if request.key not in self._decoder:
                    self._decoder.open(request.key, request.ids, SHARED, private=bool(request.images))
            wave.sort(key=lambda r: len(r.ids) - len(self._decoder.known(r.key)))  # rows of a pass end together
            rows = PASS_TOKENS // CHUNK
            hidden = torch.cat([self._prefill(wave[i : i + rows]) for i in range(0, len(wave), rows)])
            for request in wave:
                del self._queue[request.key]
                draws = np.random.Generator(np.random.Philox(request.seed)).random(request.max_tokens)
                self._turns[request.key] = _Turn(request, draws, Sample(request.key))
            self.seconds["prefill"] += time.perf_counter() - began
            self._draw([self._turns[r.key] for r in wave], hidden)

    def _wave(self) -> list[Request]:
        """Requests to compute now: not those that can copy from another of them later."""
        wave: list[Request] = []
        for request in self._queue.values():
            if request.key not in self._decoder and not request.images:
                cached = self._decoder.shared(request.ids)[0]
                if any(common_prefix(request.ids, w.ids) >= cached + SHARED for w in wave if not w.images):
                    continue
            wave.append(request)
        return wave

    def _prefill(self, requests: list[Request]) -> torch.Tensor:
        """Compute the unseen tokens of at most PASS_TOKENS / CHUNK requests; hidden states (B, D) after the last."""
        unseen = {r.key: r.ids[len(self._decoder.known(r.key)) :] for r in requests}
        embeds = {r.key: self._embed(r, len(r.ids) - len(unseen[r.key])) for r in requests if self._embed and r.images}
        last: dict[int, torch.Tensor] = {}
        for start in range(0, max(map(len, unseen.values())), CHUNK):
            new = {key: ids[start : start + CHUNK] for key, ids in unseen.items() if start < len(ids)}
            pictures = {key: e[start : start + CHUNK] for key, e in embeds.items() if key in new}
            last |= zip(new, self._decoder.feed(new, pictures), strict=True)
        self.computed["prefill"] += sum(map(len, unseen.values()))
        return torch.stack([last[r.key] for r in requests])

    def _step(self) -> None:
        """Feed the last token of every turn and draw the next."""
        began = time.perf_counter()
        hidden = self._decoder.feed({key: turn.sample.ids[-1:] for key, turn in self._turns.items()}, {}, dense=True)
        self.computed["decode"] += len(self._turns)
        self.seconds["decode"] += time.perf_counter() - began
        self._draw(list(self._turns.values()), hidden)

    def _draw(self, turns: list[_Turn], hidden: torch.Tensor) -> None:
        """The next token of each turn from its hidden state (B, D); turns that end with it are done."""
        began = time.perf_counter()
        uniforms = torch.tensor([t.draws[len(t.sample.ids)] for t in turns], dtype=torch.float64, device=hidden.device)
        tokens, logprobs = choose(self.model.get_output_embeddings()(hidden), uniforms, self.sampling)
        for turn, token, logprob in zip(turns, tokens.tolist(), logprobs.tolist(), strict=True):
            turn.sample.ids.append(token)
            turn.sample.logprobs.append(logprob)
            stop = self._stop(turn)
            if stop is not None:
                turn.sample.stop = stop
                self._done.append(self._turns.pop(turn.request.key).sample)
        self.seconds["sampling"] += time.perf_counter() - began

    def _stop(self, turn: _Turn) -> SampleStop | None:
        ids = turn.sample.ids
        if ids[-1] in self.stop_ids:
            return SampleStop.end
        if ids[-1] == self._call_end or (self._closes is not None and self._closes(ids)):
            return SampleStop.tool_call
        return SampleStop.length if len(ids) == turn.request.max_tokens else None

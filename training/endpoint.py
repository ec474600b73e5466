"""Requests to a model server over HTTP: tried again with limits, and every failure is a typed error.

An `Endpoint` posts JSON and hands the body of the answer to a reader. An answer counts only if it is complete, has
status 200 and the reader accepts it; anything else is tried again as far as `Patience` allows, or is a `SamplerError`
at once where another try cannot help. A try ends before the next begins, so one question has at most one answer.

Redirects are not followed. Texts travel unencrypted to this machine only, unless `allow_http`. The key of a service is
read from an environment variable when a request is sent, and is neither stored nor shown.
"""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from medgym_core.errors import MedGymError

T = TypeVar("T")
PASSING = frozenset({408, 425, 429})  # states below 500 that a later request may not meet
FOR_ALL = frozenset({401, 403, 404})  # a wrong key, path or model: no other request fares better
MOST_BYTES = 64 << 20  # of an answer: far more than the longest turn takes, far less than fills the memory
SHOWN = 300  # characters of a refusal that an error quotes


class Failure(StrEnum):
    """Why a request failed."""

    unreachable = "unreachable"
    """No connection, or it broke."""
    slow = "slow"
    """No complete answer in time."""
    busy = "busy"
    """The server said that it cannot now: HTTP 408, 425, 429 or 5xx."""
    unreadable = "unreadable"
    """An answer that is cut short, is no JSON or breaks a promise."""
    refused = "refused"
    """The server will never answer this request."""


class SamplerError(MedGymError):
    """A request that brought no answer. It is never a sample.

    `key` is the episode it belongs to; None: no request of this sampler can succeed.
    """

    def __init__(
        self,
        what: str,
        *,
        kind: Failure,
        key: int | None = None,
        got: object = None,
        expected: object = None,
        where: object = None,
    ):
        super().__init__(what, got=got, expected=expected, where=where)
        self.kind = kind
        self.key = key


class UnreadableAnswer(MedGymError):
    """Raised by a reader: the answer is not what was asked for."""


@dataclass(frozen=True)
class Patience:
    """How long an endpoint is waited for. Raises MedGymError for limits that are none."""

    seconds: float = 600.0
    """For one try, from sending to the last byte; a long turn on a busy server takes minutes."""
    retries: int = 4
    """Further tries after one that failed on the way."""
    wait: float = 0.5
    """Seconds before the first of them; doubled for each further one."""
    longest_wait: float = 30.0
    """However long the server asks to be left alone."""
    in_flight: int = 256
    """Requests sent at once; more wait on this side, where they time nothing out."""

    def __post_init__(self) -> None:
        if not (self.seconds > 0 and self.retries >= 0 and 0 <= self.wait <= self.longest_wait and self.in_flight > 0):
            raise MedGymError("bad limits", got=self, expected="seconds, in_flight > 0; retries >= 0; wait <= longest")


DEFAULT_PATIENCE = Patience()


@dataclass
class _Told:
    """What a try came to, other than an answer."""

    kind: Failure
    text: str
    wait: float | None = None
    """Seconds for which the server asked."""


@dataclass
class Endpoint:
    """One server. To be used from one event loop."""

    url: str
    """Base of all paths, such as `http://127.0.0.1:8000`."""
    patience: Patience = DEFAULT_PATIENCE
    key_variable: str = ""
    """Environment variable whose value, where set, is sent as bearer token."""
    allow_http: bool = False
    """Whether texts may travel unencrypted beyond this machine."""
    counts: Counter[str] = field(default_factory=Counter)
    """`requests` (tries), `answers`, `failed` (given up), and failed tries by kind."""

    def __post_init__(self) -> None:
        parts = _parts(self.url)
        if parts.scheme != "https" and not (parts.scheme == "http" and (self.allow_http or loopback(parts))):
            raise MedGymError("url not allowed", got=self.url, expected="https, or http on this machine")
        self.url = self.url.rstrip("/")
        self._session: Any = None
        self._places = asyncio.Semaphore(self.patience.in_flight)

    async def ask(
        self, path: str, body: dict[str, Any] | None, read: Callable[[bytes], T], key: int | None = None
    ) -> T:
        """What `read` makes of the answer to a POST of `body` (a GET without one). Raises SamplerError.

        `read` raises UnreadableAnswer for an answer that must not count.
        """
        async with self._places:
            for attempt in range(self.patience.retries + 1):
                told = await self._try(path, body, read, key)
                if not isinstance(told, _Told):
                    self.counts["answers"] += 1
                    return told
                self.counts[told.kind] += 1
                if attempt < self.patience.retries:
                    await asyncio.sleep(self._pause(attempt, told.wait))
        self.counts["failed"] += 1
        tries = f"{told.text} ({self.patience.retries + 1} tries)"
        raise SamplerError("the server gives no answer", kind=told.kind, key=key, got=tries, where=self.url + path)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _try(
        self, path: str, body: dict[str, Any] | None, read: Callable[[bytes], T], key: int | None
    ) -> T | _Told:
        import aiohttp

        self.counts["requests"] += 1
        try:
            async with asyncio.timeout(self.patience.seconds):
                status, headers, data = await self._send(path, body)
        except TimeoutError:
            return _Told(Failure.slow, f"no answer within {self.patience.seconds:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return _Told(Failure.unreachable, f"{type(error).__name__}: {error}")
        except UnreadableAnswer as error:
            return _Told(Failure.unreadable, str(error))
        if status != 200:
            text = f"HTTP {status} {data[:SHOWN].decode(errors='replace')}".strip()
            if status >= 500 or status in PASSING:
                return _Told(Failure.busy, text, _seconds(headers.get("Retry-After")))
            self.counts[Failure.refused] += 1
            episode = None if status in FOR_ALL else key
            raise SamplerError("the server refuses", kind=Failure.refused, key=episode, got=text, where=self.url + path)
        try:
            return read(data)
        except UnreadableAnswer as error:
            return _Told(Failure.unreadable, str(error))

    async def _send(self, path: str, body: dict[str, Any] | None) -> tuple[int, Any, bytes]:
        import aiohttp

        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0)  # `_places` is the limit
            remote = not loopback(_parts(self.url))
            none = aiohttp.ClientTimeout(total=None)  # `_try` limits the time
            self._session = aiohttp.ClientSession(connector=connector, timeout=none, trust_env=remote)
        headers = {"Content-Type": "application/json"}
        if self.key_variable and (secret := os.environ.get(self.key_variable, "").strip()):
            headers["Authorization"] = f"Bearer {secret}"
        data = None if body is None else json.dumps(body).encode()
        method = "GET" if body is None else "POST"
        async with self._session.request(
            method, self.url + path, data=data, headers=headers, allow_redirects=False
        ) as answer:
            found = bytearray()
            async for chunk in answer.content.iter_chunked(1 << 16):
                found += chunk
                if len(found) > MOST_BYTES:
                    raise UnreadableAnswer("the answer is too long", got=f"over {MOST_BYTES} bytes")
            return answer.status, answer.headers, bytes(found)

    def _pause(self, attempt: int, asked: float | None) -> float:
        return min(self.patience.longest_wait, max(asked or 0.0, self.patience.wait * 2**attempt))


def _seconds(header: str | None) -> float | None:
    """The number of seconds in a Retry-After header; a date there is read as none."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        whole = bool(parts.hostname) and parts.port != 0  # a port that is no number raises
    except ValueError:
        whole = False
    if not whole:
        raise MedGymError("unreadable url", got=repr(url), expected="such as http://127.0.0.1:8000")
    if "@" in parts.netloc:
        raise MedGymError("url with credentials", got="a user in it", expected="the key in an environment variable")
    return parts


def loopback(parts: SplitResult) -> bool:
    """Whether a url stays on this machine."""
    if parts.hostname == "localhost":
        return True
    try:
        return ip_address(parts.hostname or "").is_loopback
    except ValueError:  # a name
        return False

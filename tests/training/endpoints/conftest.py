"""A server on loopback whose answers, good and bad, a test writes down."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from training.endpoint import Patience

HURRIED = Patience(seconds=5, retries=2, wait=0.01, longest_wait=0.5)


@dataclass
class Reply:
    """What the server does with one request."""

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before the first byte."""
    cut: int | None = None
    """Send this many bytes of the body, as if they were all."""
    drop: bool = False
    """Close the connection without a word, or in the middle of the body where `cut` says so."""


@dataclass
class Got:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: Any
    when: float


class Double(ThreadingHTTPServer):
    """`answer(got, n)` replies to the n-th request, from 0."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer: Callable[[Got, int], Reply] = lambda got, n: Reply()
        self.got: list[Got] = []
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Double

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        got = Got(self.path, dict(self.headers), body, time.monotonic())
        with self.server.lock:
            n = len(self.server.got)
            self.server.got.append(got)
        self._send(self.server.answer(got, n))

    do_GET = do_POST

    def _send(self, reply: Reply) -> None:
        time.sleep(reply.delay)
        if reply.drop and reply.cut is None:
            self.close_connection = True
            return
        data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        sent = data[: reply.cut]
        try:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data) if reply.drop else len(sent)))
            self.end_headers()
            self.wfile.write(sent)
        except OSError:  # the client gave up
            self.close_connection = True
        self.close_connection = self.close_connection or reply.drop

    def log_message(self, *_: Any) -> None:
        """Nothing on the test's output."""


@pytest.fixture
def double():
    server = Double()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def reply():
    return Reply


@pytest.fixture
def hurried():
    """Limits that make a failure quick."""
    return HURRIED

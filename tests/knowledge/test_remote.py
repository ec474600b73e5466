"""Embeddings endpoints: what a server answers is checked, its failures are survived or told, and keys stay private."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from medgym_core.errors import MedGymError
from medgym_core.knowledge import remote
from medgym_core.knowledge.encoders import open_encoder
from medgym_core.knowledge.vectors import encode_all, vectors_of


def vector(text: str) -> list[float]:
    return [float(len(text)), 1.0, float(text.count("e")), -2.0]


@pytest.fixture
def server(monkeypatch):
    """A loopback endpoint; `change(request number, answer)` may alter (status, headers, body) of an answer."""
    monkeypatch.setattr(remote, "FIRST_WAIT", 0.001)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with running.lock:
                number = len(running.requests)
                running.requests.append((self.path, dict(self.headers), body))
            rows = [{"object": "embedding", "index": i, "embedding": vector(t)} for i, t in enumerate(body["input"])]
            rows = rows[::-1]  # the order is the index's, not the list's
            answer = (200, {}, {"object": "list", "data": rows, "model": body["model"]})
            status, headers, content = running.change(number, answer)
            if status == 0:  # the connection breaks
                return
            content = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(content))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.lock, running.requests, running.change = threading.Lock(), [], lambda number, answer: answer
    running.line = f"http:http://127.0.0.1:{running.server_port}/v1#some/model"
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


def test_vectors_are_put_in_the_order_of_the_texts(server):
    encoder = open_encoder(server.line)
    texts = [f"{'e' * (n % 7)} passage {n}" for n in range(150)]
    found = encoder.encode([*texts, "  "])
    wanted = np.array([vector(text) for text in texts])
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    assert encoder.dim == 4 and encoder.name == server.line and found.dtype == np.float32
    np.testing.assert_allclose(found[:150], wanted, atol=1e-3)
    assert not found[150].any() and encoder.encode([]).shape == (0, 4)
    assert encoder.encode_query("fever").tobytes() == encoder.encode(["fever"])[0].tobytes()
    path, _, body = server.requests[1]
    assert path == "/v1/embeddings" and body["model"] == "some/model" and len(body["input"]) <= remote.BATCH
    assert all(text.strip() for _, _, body in server.requests for text in body["input"])


@pytest.mark.parametrize("trouble", [(503, {}, b"busy"), (429, {"Retry-After": "0"}, b"slow down"), (0, {}, b"")])
def test_a_busy_server_is_asked_again(server, trouble):
    server.change = lambda number, answer: trouble if number in (1, 2) else answer
    found = open_encoder(server.line).encode(["fever"])
    assert found.any() and len(server.requests) == 4


def test_a_server_that_never_answers_is_given_up(server):
    encoder = open_encoder(server.line)
    server.change = lambda number, answer: (503, {}, b"overloaded\nstill")
    with pytest.raises(MedGymError, match="no answer in 5 attempts; got status 503: overloaded still.*127.0.0.1"):
        encoder.encode(["fever"])
    assert len(server.requests) == 6


def test_a_server_that_hangs_is_given_up(server, monkeypatch):
    encoder, over = open_encoder(server.line), threading.Event()
    monkeypatch.setattr(remote, "TIMEOUT", 0.05)
    monkeypatch.setattr(remote, "ATTEMPTS", 2)
    server.change = lambda number, answer: over.wait(5) and (0, {}, b"")
    with pytest.raises(MedGymError, match="no answer in 2 attempts; got TimeoutError"):
        encoder.encode(["fever"])
    over.set()


def test_a_refusal_is_told_at_once(server):
    encoder = open_encoder(server.line)
    server.change = lambda number, answer: (400, {}, b'{"error": "input too long"}')
    with pytest.raises(MedGymError, match="status 400.*input too long"):
        encoder.encode(["fever"])
    assert len(server.requests) == 2


def rows(*pairs):
    return {"data": [{"index": index, "embedding": values} for index, values in pairs]}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (rows((0, [1, 2, 3, 4])), "indices"),
        (rows((0, [1, 2, 3, 4]), (0, [1, 2, 3, 4])), "indices"),
        (rows((0, [1, 2, 3, 4]), (2, [1, 2, 3, 4])), "indices"),
        (rows((0, [1, 2, 3, 4]), (1, [1, 2, 3])), "dimensions"),
        (rows((0, [1, 2, 3]), (1, [1, 2, 3])), "dimensions"),
        (rows((0, [1, 2, 3, 4]), (1, [0, 0, 0, 0])), "zeros"),
        (rows((0, [1, 2, 3, 4]), (1, [1, 2, None, 4])), "embedding"),
        (b'{"data": [{"index": 0, "embedding": [NaN, 1, 1, 1]}, {"index": 1, "embedding": [1, 1, 1, 1]}]}', "wrongly"),
        (
            b'{"data": [{"index": 0, "embedding": [1e999, 1, 1, 1]}, {"index": 1, "embedding": [1, 1, 1, 1]}]}',
            "wrongly",
        ),
        ({"error": "no such model"}, "data"),
        (b"<html>proxy</html>", "wrongly"),
        (b"", "wrongly"),
    ],
)
def test_a_wrong_answer_is_refused(server, content, told):
    encoder = open_encoder(server.line)
    server.change = lambda number, answer: (200, {}, content)
    with pytest.raises(MedGymError, match=told):
        encoder.encode(["fever", "cough"])


def test_an_endless_answer_is_refused(server, monkeypatch):
    encoder = open_encoder(server.line)
    monkeypatch.setattr(remote, "MOST_BYTES", 1000)
    server.change = lambda number, answer: (200, {}, b" " * 1001)
    with pytest.raises(MedGymError, match="more than 1000 bytes"):
        encoder.encode(["fever"])


def test_a_redirect_is_not_followed(server):
    encoder = open_encoder(server.line)
    server.change = lambda number, answer: (307, {"Location": "http://127.0.0.1:1/elsewhere"}, b"")
    with pytest.raises(MedGymError, match="status 307"):
        encoder.encode(["fever"])


def test_the_key_comes_from_the_named_variable(server, monkeypatch, tmp_path):
    open_encoder(server.line)
    monkeypatch.setenv("OPENAI_API_KEY", "usual")
    open_encoder(server.line)
    monkeypatch.setenv("OTHER_KEY", "other")
    encoder = open_encoder(server.line + ";key=OTHER_KEY")
    assert [headers.get("Authorization") for _, headers, _ in server.requests] == [None, "Bearer usual", "Bearer other"]
    assert [body["model"] for _, _, body in server.requests] == ["some/model"] * 3
    encoder.save(tmp_path)
    assert "OTHER_KEY" in (tmp_path / remote.ENDPOINT).read_text() and "other" not in {
        *json.loads((tmp_path / remote.ENDPOINT).read_text()).values()
    }
    monkeypatch.delenv("OTHER_KEY")
    with pytest.raises(MedGymError, match="OTHER_KEY is not set"):
        encoder.encode(["fever"])


def test_a_key_never_travels_over_an_open_line(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with pytest.raises(MedGymError, match="key over an open line") as told:
        open_encoder("http:http://192.0.2.1/v1#model")
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    "line", ["http:127.0.0.1#m", "http:http://127.0.0.1/v1", "http:ftp://h/v1#m", "http:http://#m"]
)
def test_a_malformed_line_is_an_error(line):
    with pytest.raises(MedGymError, match="bad embeddings endpoint"):
        open_encoder(line)


def test_a_saved_endpoint_opens_without_a_request(server, tmp_path):
    encoder = open_encoder(server.line)
    encoder.save(tmp_path / "encoder")
    again = open_encoder(tmp_path / "encoder")
    assert again == encoder and again.digest == encoder.digest and len(server.requests) == 1
    (tmp_path / "encoder" / remote.ENDPOINT).write_text("{}")
    with pytest.raises(MedGymError, match="unreadable encoder"):
        open_encoder(tmp_path / "encoder")


def test_an_interrupted_bulk_goes_on_where_it_stopped(server, tmp_path):
    encoder = open_encoder(server.line)
    ids, texts = [f"id{n}" for n in range(40)], [f"text {n}" for n in range(40)]
    server.change = lambda number, answer: answer if number < 3 else (400, {}, b"out of credit")
    with pytest.raises(MedGymError, match="out of credit"):
        encode_all(ids, texts, encoder, tmp_path, batch=10)
    server.change = lambda number, answer: answer
    assert encode_all(ids, texts, encoder, tmp_path, batch=10).encoded == 20
    assert vectors_of(ids, encoder, tmp_path).shape == (40, 4)

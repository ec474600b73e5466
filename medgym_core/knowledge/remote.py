"""Encoders from elsewhere, by one line of configuration: sentence-transformers models and embeddings endpoints.

`st:NAME` loads a model of the hub or a folder through sentence-transformers (safetensors only, no code of the model's).
`http:URL#MODEL` asks an OpenAI-compatible server, `POST URL/embeddings`, such as `http:http://127.0.0.1:8000/v1#bge-m3`;
`;key=VARIABLE` behind the model names the environment variable of the API key, `OPENAI_API_KEY` by default. A key is
sent over https or to this machine only, redirects are not followed, and no file ever holds it.

Both may round a text differently from batch to batch: a stored vector is the truth, see `vectors`. A saved encoder is
its line and digest; opening it needs the model or the server again.
"""

import http.client
import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import numpy as np

from medgym_core.artifacts import DIGEST_BYTES, digest_json, write_atomic
from medgym_core.errors import MedGymError
from medgym_core.knowledge.encoders import rounded_units

SENTENCE, ENDPOINT = "sentence_transformer.json", "endpoint.json"
DEFAULT_KEY = "OPENAI_API_KEY"
BATCH = 64  # texts a request: far below the limits servers set (OpenAI: 2,048 texts, 300,000 tokens)
PARALLEL = 4  # requests under way
ATTEMPTS = 5
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0  # seconds before the second attempt, doubled each time; also caps Retry-After
TIMEOUT = 120.0  # seconds for the server to answer
MOST_BYTES = 64 << 20  # of one answer; 64 vectors of 4,096 numbers are about 6 MB
BUSY = frozenset({408, 429, 500, 502, 503, 504})  # answers worth another attempt


class SentenceEncoder:
    """A sentence-transformers model, queries with its query prompt and passages with its document prompt."""

    def __init__(self, name: str, model):
        self.name, self._model = f"st:{name}", model
        self.dim = int(model.get_embedding_dimension())

    @classmethod
    def named(cls, name: str) -> "SentenceEncoder":
        """Load `name`, a model of the hub or a folder. Raises MedGymError where package or model are missing."""
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise MedGymError(
                "encoder not installed", got=error, expected="pip install sentence-transformers"
            ) from error
        try:
            return cls(name, SentenceTransformer(name, model_kwargs={"use_safetensors": True}))
        except (OSError, ValueError) as error:
            got = " ".join(str(error).split())[:300]
            raise MedGymError(
                "model does not load", got=got, expected="a model's name or folder", where=name
            ) from error

    @cached_property
    def digest(self) -> str:
        """Digest of weights, window and prompts."""
        found = blake2b(digest_size=DIGEST_BYTES)
        for name, weight in sorted(self._model.state_dict().items()):
            found.update(name.encode() + np.ascontiguousarray(weight.float().cpu().numpy()).tobytes())
        settings = {"tokens": self._model.max_seq_length, "prompts": self._model.prompts}
        return digest_json({"weights": found.hexdigest()} | settings)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors, float32 (N, D) of half-precision values; zeros for a blank text."""
        return _without_blanks(list(texts), self.dim, lambda some: self._model.encode_document(some, **_QUIET))

    def encode_query(self, text: str) -> np.ndarray:
        return _without_blanks([text], self.dim, lambda some: self._model.encode_query(some, **_QUIET))[0]

    def save(self, folder: Path) -> None:
        _write_card(Path(folder) / SENTENCE, {"line": self.name, "digest": self.digest})

    @classmethod
    def load(cls, folder: Path) -> "SentenceEncoder":
        """Load the model a card names. Raises MedGymError where it is not the one that was saved."""
        card = _read_card(Path(folder) / SENTENCE, _SentenceCard)
        encoder = cls.named(card.line.removeprefix("st:"))
        if encoder.digest != card.digest:
            raise MedGymError("another model of that name", got=encoder.digest, expected=card.digest, where=folder)
        return encoder


_QUIET = {"show_progress_bar": False, "convert_to_numpy": True}


@dataclass(frozen=True)
class EndpointEncoder:
    """An OpenAI-compatible embeddings endpoint."""

    url: str
    """Up to and without `/embeddings`."""
    model: str
    key_variable: str
    dim: int

    @classmethod
    def at(cls, line: str) -> "EndpointEncoder":
        """The encoder of `URL#MODEL[;key=VARIABLE]`; one request tells the dimension. Raises MedGymError where the line
        is malformed or the server does not answer."""
        address, _, rest = line.partition("#")
        model, _, variable = rest.partition(";key=")
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or not model:
            expected = "http:URL#MODEL, such as http:http://127.0.0.1:8000/v1#bge-m3"
            raise MedGymError("bad embeddings endpoint", got=repr(f"http:{line}"), expected=expected)
        found = cls(address.rstrip("/"), model, variable or DEFAULT_KEY, 0)
        return cls(found.url, model, found.key_variable, len(found.request(["dimension"])[0]))

    @property
    def name(self) -> str:
        key = "" if self.key_variable == DEFAULT_KEY else f";key={self.key_variable}"
        return f"http:{self.url}#{self.model}{key}"

    @property
    def digest(self) -> str:
        """Digest of address, model and dimension: what the server makes of them is its own affair."""
        return digest_json({"url": self.url, "model": self.model, "dim": self.dim})

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors, float32 (N, D) of half-precision values; zeros for a blank text, which is not sent.

        Raises MedGymError where the server keeps failing or answers with something else than one vector a text.
        """

        def vectors(some: list[str]) -> np.ndarray:
            batches = [some[start : start + BATCH] for start in range(0, len(some), BATCH)]
            with ThreadPoolExecutor(PARALLEL) as pool:
                return np.concatenate(list(pool.map(self.request, batches)))

        return _without_blanks(list(texts), self.dim, vectors)

    def encode_query(self, text: str) -> np.ndarray:
        return self.encode([text])[0]

    def save(self, folder: Path) -> None:
        fields = ("url", "model", "key_variable", "dim")
        _write_card(Path(folder) / ENDPOINT, {field: getattr(self, field) for field in fields})

    @classmethod
    def load(cls, folder: Path) -> "EndpointEncoder":
        """The endpoint of a card; nothing is sent."""
        card = _read_card(Path(folder) / ENDPOINT, _EndpointCard)
        return cls(card.url, card.model, card.key_variable, card.dim)

    def request(self, texts: list[str]) -> np.ndarray:
        """Vectors float64 (N, D) of one request, as the server gives them."""
        answer = self._answer(json.dumps({"model": self.model, "input": texts, "encoding_format": "float"}).encode())
        try:
            rows = msgspec.json.decode(answer, type=_Answer).data
        except msgspec.DecodeError as error:
            raise self._wrong(f"{error}: {answer[:200]!r}", "data: [{index, embedding}, ...]") from error
        if sorted(row.index for row in rows) != list(range(len(texts))):
            raise self._wrong(f"indices {[row.index for row in rows][:8]}", f"0 to {len(texts) - 1}, each once")
        lengths = {len(row.embedding) for row in rows}
        if lengths != {self.dim or max(lengths)} or lengths == {0}:
            raise self._wrong(f"dimensions {sorted(lengths)}", self.dim or "the same number for all texts")
        vectors = np.array([row.embedding for row in sorted(rows, key=lambda row: row.index)])
        if not np.isfinite(vectors).all() or not vectors.any(axis=1).all():
            raise self._wrong("a vector of zeros or with values that are no numbers", "finite vectors")
        return vectors

    def _wrong(self, got: object, expected: object) -> MedGymError:
        return MedGymError("embeddings endpoint answers wrongly", got=got, expected=expected, where=self.url)

    def _answer(self, body: bytes) -> bytes:
        """The body of the answer; busy servers and broken connections are tried again, with growing pauses."""
        failure = ""
        for attempt in range(ATTEMPTS):
            wait = FIRST_WAIT * 2**attempt
            try:
                status, asked, answer = self._post(body)
            except (OSError, http.client.HTTPException) as error:
                failure = f"{type(error).__name__} {error}".strip()
            else:
                if status == 200:
                    return answer
                failure = f"status {status}: {' '.join(answer[:300].decode(errors='replace').split())}"
                if status not in BUSY:
                    raise self._wrong(failure, "status 200")
                wait = max(wait, asked)
            if attempt < ATTEMPTS - 1:
                time.sleep(min(wait, LONGEST_WAIT))
        raise MedGymError(f"no answer in {ATTEMPTS} attempts", got=failure, expected="status 200", where=self.url)

    def _post(self, body: bytes) -> tuple[int, float, bytes]:
        """(status, seconds the server asks to wait, body) of one request."""
        parts = urlsplit(self.url)
        kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        connection = kinds[parts.scheme](parts.hostname, parts.port, timeout=TIMEOUT)
        try:
            connection.request("POST", f"{parts.path}/embeddings", body, self._headers())
            response = connection.getresponse()
            answer = response.read(MOST_BYTES + 1)
        finally:
            connection.close()
        if len(answer) > MOST_BYTES:
            raise self._wrong(f"more than {MOST_BYTES} bytes", "a smaller answer")
        asked = response.headers.get("Retry-After", "")
        return response.status, float(asked) if asked.isdecimal() else 0.0, answer

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        key = os.environ.get(self.key_variable)
        if not key and self.key_variable != DEFAULT_KEY:
            raise MedGymError("no API key", got=f"{self.key_variable} is not set", expected="the key", where=self.url)
        if key:
            parts = urlsplit(self.url)
            if parts.scheme == "http" and not _here(parts.hostname):
                raise MedGymError("key over an open line", got=self.url, expected=f"https, or no {self.key_variable}")
            headers["Authorization"] = f"Bearer {key}"
        return headers


class _Row(msgspec.Struct):
    index: int
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Row]


class _SentenceCard(msgspec.Struct, forbid_unknown_fields=True):
    line: str
    digest: str


class _EndpointCard(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    model: str
    key_variable: str
    dim: int


def _here(host: str) -> bool:
    """Whether `host` is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _without_blanks(texts: list[str], dim: int, vectors_of) -> np.ndarray:
    """Unit vectors (N, dim) of all texts, zeros for the blank ones; `vectors_of` gets the others."""
    rows = [row for row, text in enumerate(texts) if text.strip()]
    vectors = np.zeros((len(texts), dim))
    if rows:
        vectors[rows] = vectors_of([texts[row] for row in rows])
    return rounded_units(vectors)


def _write_card(path: Path, card: dict) -> None:
    write_atomic(path, json.dumps(card, indent=1))


def _read_card(path: Path, kind: type):
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as error:
        got = " ".join(str(error).split())
        raise MedGymError("unreadable encoder", got=got, expected=path.name, where=path.parent) from error

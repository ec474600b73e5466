"""Texts as streams of 64-bit word hashes: what duplicates, near duplicates and benchmark runs are compared by.

The words are those of `text.words`. A hash is blake2b, so it is the same on any machine; two of a million different
words share one with a chance of one in thirty million.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np

from medgym_core.knowledge.text import WORD

MOST_WORDS = 1_000_000  # remembered at once: about 200 MB
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # odd: multiplying by it loses nothing modulo 2^64

# ASCII text in one pass: letters to lower case, digits kept, everything else a blank.
_ASCII = bytes(c + 32 if 65 <= c <= 90 else c if 48 <= c <= 57 or 97 <= c <= 122 else 32 for c in range(256))


class WordHashes(dict):
    """Word (UTF-8 bytes) to its 64-bit hash, worked out when first asked for."""

    def __missing__(self, word: bytes) -> int:
        if len(self) >= MOST_WORDS:
            self.clear()
        value = self[word] = int.from_bytes(blake2b(word, digest_size=8).digest(), "little")
        return value


def word_bytes(text: str) -> list[bytes]:
    """`text.words(text)`, encoded, several times faster."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)  # as `text.fold` does, with a look at each different character only
        for mark in {c for c in set(text) if c > "\x7f" and unicodedata.combining(c)}:
            text = text.replace(mark, "")
        if not text.isascii():
            return [word.encode() for word in WORD.findall(text.lower())]
    return text.encode().translate(_ASCII).split()


def word_stream(texts: Iterable[str], hashes: WordHashes) -> tuple[np.ndarray, np.ndarray]:
    """(hashes of all words uint64 (W,), where each text starts int64 (N + 1,), the last entry being W)."""
    return joined([word_bytes(text) for text in texts], hashes)


def joined(tokens: Sequence[Sequence[bytes]], hashes: WordHashes) -> tuple[np.ndarray, np.ndarray]:
    """As `word_stream`, of texts whose words are known."""
    starts = np.zeros(len(tokens) + 1, dtype=np.int64)
    np.cumsum([len(t) for t in tokens], out=starts[1:])
    lookup = hashes.__getitem__
    stream = np.fromiter((lookup(word) for t in tokens for word in t), dtype=np.uint64, count=int(starts[-1]))
    return stream, starts


def run_hashes(stream: np.ndarray, size: int) -> np.ndarray:
    """Hash of the run of `size` words that starts at each place; uint64 (W - size + 1,), empty for a shorter stream.

    Runs across two texts are among them: see `within`.
    """
    width = max(len(stream) - size + 1, 0)
    value = np.zeros(width, dtype=np.uint64)
    for i in range(size):
        value *= MULTIPLIER  # modulo 2^64
        value += stream[i : i + width]
    return value


def within(starts: np.ndarray, size: int, first: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """(places of the runs of `size` words inside one text, their text); two int64 arrays (R,).

    `first` says where in the stream each text's part of interest begins, if not at its start; (N,).
    """
    begin = starts[:-1] if first is None else first
    counts = np.maximum(starts[1:] - size + 1 - begin, 0)
    rows = np.repeat(np.arange(len(counts)), counts)
    before = np.cumsum(counts) - counts  # runs of the texts before
    return np.arange(int(counts.sum())) - before[rows] + begin[rows], rows

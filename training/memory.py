"""Steady memory for large vocabularies on a CPU.

The C library keeps freed blocks below a threshold that it raises by itself (glibc: up to 32 MiB) and cuts small pieces
out of them, so that the next chunk of logits finds none that fits and memory grows with the number of chunks: 5.1 GiB
for 4,096 tokens of 150,000 where 1.6 are needed (`benchmarks/training_memory.py`). With a fixed threshold such blocks
go back to the system at once. It costs page faults, so small vocabularies, which need one or two chunks, do without.
"""

import ctypes
import sys

M_MMAP_THRESHOLD = -3  # <malloc.h>
THRESHOLD = 4 << 20  # bytes; a chunk of logits is 16 MiB
LARGE = 32_768  # tokens of a vocabulary; a chunk then holds 128 or fewer


def keep_steady(vocabulary: int) -> bool:
    """Fix the threshold where the vocabulary is large and the C library is glibc; whether it was done."""
    if vocabulary < LARGE or not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(mallopt is not None and mallopt(M_MMAP_THRESHOLD, THRESHOLD))

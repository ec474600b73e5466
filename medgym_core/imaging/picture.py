"""Pixels to PNG and back, without loss.

`encode` writes 8-bit grey or RGB in one canonical form: stored (uncompressed) blocks of fixed size, so that equal
pixels give equal bytes whatever compression library is installed. `decode` reads any 8-bit PNG and remembers the last
pictures by content; what it returns is read-only and shared.
"""

import struct
import zlib
from functools import lru_cache
from typing import Any

import numpy as np

from medgym_core.errors import MedGymError

Pixels = np.ndarray
"""uint8, (H, W) grey or (H, W, 3) RGB."""

SIGNATURE = b"\x89PNG\r\n\x1a\n"
STORED_BLOCK = 65_535  # the most a stored deflate block holds
CACHED = 64  # decoded pictures kept, about 2 MiB
MOST_PIXELS = 4_096 * 4_096  # a larger header is an attack or a mistake
GREY, RGB = 0, 2  # PNG colour types


def encode(pixels: Pixels) -> bytes:
    """The PNG of an image. Raises MedGymError for anything but uint8 (H, W) or (H, W, 3)."""
    pixels = np.asarray(pixels)
    if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)):
        raise MedGymError("not an image", got=f"{pixels.dtype} {pixels.shape}", expected="uint8 (H, W) or (H, W, 3)")
    if not pixels.size:
        raise MedGymError("not an image", got=f"shape {pixels.shape}", expected="at least one pixel")
    height, width = pixels.shape[:2]
    rows = np.zeros((height, 1 + pixels[0].size), np.uint8)  # each row begins with its filter, 0: none
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, GREY if pixels.ndim == 2 else RGB, 0, 0, 0)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", _stored(rows.tobytes())) + _chunk(b"IEND", b"")


@lru_cache(CACHED)
def decode(png: bytes) -> Pixels:
    """The pixels of a PNG, read-only. Raises MedGymError for bytes that are not an 8-bit grey or RGB PNG."""
    pixels = _own(png)
    if pixels is None:
        pixels = _read(png)
    pixels.setflags(write=False)
    return pixels


def _own(png: bytes) -> Pixels | None:
    """The pixels of a PNG in the form that `encode` writes, intact to the last byte; None for any other."""
    if len(png) < 58 or not png.startswith(SIGNATURE):
        return None
    width, height, depth, colour = struct.unpack(">IIBB", png[16:26])
    channels = {GREY: 1, RGB: 3}.get(colour)
    if channels is None or depth != 8 or not 0 < width * height <= MOST_PIXELS:
        return None
    size = height * (1 + width * channels)
    if len(png) != 57 + 2 + 5 * -(-size // STORED_BLOCK) + size + 4:  # chunks, zlib header, block headers, checksum
        return None
    data = b"".join(png[i : i + STORED_BLOCK] for i in range(48, len(png) - 20, STORED_BLOCK + 5))[:size]
    rows = np.frombuffer(data, np.uint8).reshape(height, 1 + width * channels)
    shape = (height, width) if channels == 1 else (height, width, 3)
    pixels = rows[:, 1:].reshape(shape)
    return pixels if encode(pixels) == png else None


def _read(png: bytes) -> Pixels:
    """The pixels of any PNG, through Pillow."""
    image = _open(png)
    if image.format != "PNG" or image.mode not in ("L", "RGB"):
        raise MedGymError("unsupported picture", got=f"{image.format} {image.mode}", expected="PNG, 8-bit grey or RGB")
    if image.width * image.height > MOST_PIXELS:
        raise MedGymError("picture too large", got=f"{image.width} x {image.height}", expected=f"{MOST_PIXELS} pixels")
    try:
        return np.array(image)
    except (OSError, SyntaxError, ValueError, zlib.error) as error:
        raise MedGymError(f"broken PNG: {error}", got=f"{len(png)} bytes") from error


def _open(png: bytes) -> Any:
    from io import BytesIO

    from PIL import Image, UnidentifiedImageError

    if not png.startswith(SIGNATURE):
        raise MedGymError("not a PNG", got=repr(png[:8]), expected=repr(SIGNATURE))
    try:
        return Image.open(BytesIO(png), formats=["PNG"])
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise MedGymError(f"broken PNG: {str(error)[:60]}", got=f"{len(png)} bytes") from error


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _stored(data: bytes) -> bytes:
    """A zlib stream (RFC 1950, 1951) of stored blocks."""
    blocks = [data[i : i + STORED_BLOCK] for i in range(0, len(data), STORED_BLOCK)]
    parts = [b"\x78\x01"]
    for i, block in enumerate(blocks):
        last = i == len(blocks) - 1
        parts.append(struct.pack("<BHH", last, len(block), len(block) ^ 0xFFFF) + block)
    return b"".join(parts) + struct.pack(">I", zlib.adler32(data))

"""Pictures: lossless, the same bytes everywhere, and a clear refusal of what is no picture."""

import hashlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from medgym_core.errors import MedGymError
from medgym_core.imaging import picture

GREY = (np.arange(40 * 30) % 251).astype(np.uint8).reshape(40, 30)
RGB = np.stack([GREY, GREY[::-1], 255 - GREY], axis=2)


@pytest.mark.parametrize("pixels", [GREY, RGB, GREY[:1, :1], np.zeros((300, 300, 3), np.uint8)])
def test_what_is_encoded_is_what_is_decoded(pixels: np.ndarray) -> None:
    again = picture.decode(picture.encode(pixels))
    assert again.dtype == np.uint8 and again.shape == pixels.shape and (again == pixels).all()


def test_other_readers_see_the_same_pixels() -> None:
    assert (np.array(Image.open(io.BytesIO(picture.encode(RGB)))) == RGB).all()


def test_the_bytes_do_not_depend_on_a_compressor() -> None:
    assert hashlib.sha256(picture.encode(GREY)).hexdigest()[:16] == "6083143cb575b4ad"
    body = picture.encode(GREY)[41:]  # after the signature, IHDR and IDAT's head
    assert body[:3] == b"\x78\x01\x01"  # one stored block


def test_decoded_pixels_are_shared_and_cannot_be_written() -> None:
    png = picture.encode(GREY)
    assert picture.decode(png) is picture.decode(bytes(bytearray(png)))
    with pytest.raises(ValueError, match="read-only"):
        picture.decode(png)[0, 0] = 1


def test_a_compressed_png_of_another_program_is_read() -> None:
    file = io.BytesIO()
    Image.fromarray(RGB).save(file, "PNG")
    assert (picture.decode(file.getvalue()) == RGB).all()


def huge() -> bytes:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return (
        picture.SIGNATURE
        + picture._chunk(b"IHDR", header)
        + picture._chunk(b"IDAT", zlib.compress(b""))
        + picture._chunk(b"IEND", b"")
    )


def sixteen_bit() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    "png",
    [
        b"", b"GIF89a", picture.SIGNATURE, picture.encode(GREY)[:60], picture.encode(RGB)[:-200], huge(), sixteen_bit(),
        picture.encode(GREY)[:33] + b"\x00" * 400,
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused_in_one_line(png: bytes) -> None:
    with pytest.raises(MedGymError) as error:
        picture.decode(png)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "pixels", [GREY.astype(float), np.zeros((3,), np.uint8), np.zeros((3, 3, 4), np.uint8), np.zeros((0, 3), np.uint8)]
)
def test_what_is_no_image_is_not_encoded(pixels: np.ndarray) -> None:
    with pytest.raises(MedGymError):
        picture.encode(pixels)

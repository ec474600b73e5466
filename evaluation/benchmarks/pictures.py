"""The pictures of benchmark items: where they lie, which are absent, whether they open, and their bytes for a message.

Loaders name pictures and do not open them; `check_images` opens every one that is there. Absent pictures are counted.
"""

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path, PurePosixPath

from PIL import Image, UnidentifiedImageError

from evaluation.item import Item
from medgym_core.errors import MedGymError

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP")
SENT_AS_IS = {"JPEG": ("L", "RGB"), "PNG": ("L", "RGB")}
"""Formats and modes that every model server reads; anything else is sent as an RGB PNG."""
MOST_PIXELS = 8_192 * 8_192  # a larger header is an attack or a mistake


def picture_path(folder: Path, name: str, where: str) -> Path:
    """The path of a picture that a benchmark file names. Raises MedGymError for a name that leaves the folder."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or "\0" in name or ":" in name:
        raise MedGymError("picture name", got=repr(name), expected="a relative path without ..", where=where)
    return folder.joinpath(*parts)


def missing_images(items: Iterable[Item]) -> list[Path]:
    """The pictures of the items that are not on disk, each once, sorted."""
    return sorted(path for path in _paths(items) if not path.is_file())


def check_images(items: Iterable[Item]) -> int:
    """Opens and decodes every picture that is there, each once; the number of them.

    Raises MedGymError naming the first file that is not a picture, or is cut short.
    """
    present = sorted(path for path in _paths(items) if path.is_file())
    for path in present:
        _opened(path, _read(path))
    return len(present)


def image_bytes(path: Path) -> bytes:
    """A picture as PNG or JPEG bytes for a message part: the file itself where models read it, else an RGB PNG.

    Raises MedGymError for a file that is absent, is not a picture, or is cut short.
    """
    data = _read(path)
    image = _opened(path, data)
    if image.mode in SENT_AS_IS.get(image.format or "", ()):
        return data
    buffer = BytesIO()
    image.convert("RGB").save(buffer, format="PNG")
    return buffer.getvalue()


def _paths(items: Iterable[Item]) -> set[Path]:
    return {path for item in items for path in item.images}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MedGymError(f"picture cannot be read: {error.strerror}", expected="a picture file", where=path) from error


def _opened(path: Path, data: bytes) -> Image.Image:
    """The decoded picture."""
    try:
        image = Image.open(BytesIO(data), formats=FORMATS)
        if image.width * image.height > MOST_PIXELS:
            raise MedGymError(
                "picture too large",
                got=f"{image.width} x {image.height}",
                expected=f"at most {MOST_PIXELS} pixels",
                where=path,
            )
        image.load()
    except MedGymError:
        raise
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        message = " ".join(str(error).split())[:80]
        raise MedGymError(
            f"broken picture: {message}", got=f"{len(data)} bytes", expected="a picture", where=path
        ) from error
    return image

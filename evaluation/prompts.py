"""An item as a chat prompt: the same user message for every policy and mode, a system instruction by kind.

The user message holds context, question, options and unit; never gold. Pictures are image parts of it for a policy that
sees; for another, and where the file is absent, one line says that they are not shown, and they are counted.
"""

import io
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from evaluation.item import Item, Kind
from medgym_core.artifacts import digest_json
from medgym_core.errors import MedGymError

Messages = list[dict[str, Any]]

INSTRUCTIONS: Mapping[Kind, str] = {
    "choice": "Answer the multiple-choice question with the letter of the one best option.",
    "short": "Answer the question with yes, no, or as few words as it takes. Give the answer alone.",
    "number": "Work out what is asked. Give the final answer alone: a number, or the date or span of time asked for.",
    "long": "Answer the question of a patient in a few sentences: correct, complete and in plain words.",
}
NOT_SHOWN = "[{count} of the pictures of this question cannot be shown.]"
PNG_URL = "data:image/png;base64,"
CACHED_IMAGES = 64  # items of one picture stand together in the files; at most some 30 MB


@dataclass(frozen=True)
class Prompt:
    """Chat messages, and how many pictures of the item are not among them."""

    messages: Messages
    images_missing: int = 0


def prompt_of(item: Item, kind: Kind, sees: bool = False) -> Prompt:
    """The item as a prompt: instruction, what stands before, the question."""
    pictures = shown_images(item) if sees else []
    missing = len(item.images) - len(pictures)
    system = {"role": "system", "content": INSTRUCTIONS[kind]}
    user = {"role": "user", "content": content_of(question_text(item, missing), pictures)}
    return Prompt([system, *map(dict, item.before), user], missing)


def question_text(item: Item, missing: int = 0) -> str:
    """The words of the user message; `missing` pictures are told as such."""
    options = "\n".join(f"{letter}. {text}" for letter, text in item.options.items())
    unit = f"Unit of the answer: {item.unit}" if item.unit else ""
    unseen = NOT_SHOWN.format(count=missing) if missing else ""
    return "\n\n".join(part for part in (item.context, item.question, options, unit, unseen) if part)


def content_of(text: str, pictures: list[bytes]) -> str | list[dict[str, Any]]:
    """The content of a message: plain text, or text and image parts in the OpenAI form."""
    if not pictures:
        return text
    parts = [{"type": "image_url", "image_url": {"url": PNG_URL + b64encode(png).decode()}} for png in pictures]
    return [{"type": "text", "text": text}, *parts]


def shown_images(item: Item) -> list[bytes]:
    """The PNGs of the item's pictures that are on disk, in order."""
    return [png_of(path) for path in item.images if Path(path).is_file()]


@lru_cache(maxsize=CACHED_IMAGES)
def png_of(path: Path) -> bytes:
    """A picture file as an 8 bit PNG, grey or RGB. Raises MedGymError for a file that is no picture."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            image.load()
            plain = image if image.mode in ("L", "RGB") else image.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise MedGymError("picture cannot be read", got=str(error), expected="an image file", where=path) from error
    stream = io.BytesIO()
    plain.save(stream, format="PNG")
    return stream.getvalue()


def prompts_digest() -> str:
    """Digest of every word that a prompt adds to an item."""
    sample = Item("x/1", "question", "A", {"A": "one", "B": "two"}, context="context", unit="mg")
    return digest_json([dict(INSTRUCTIONS), NOT_SHOWN, question_text(sample, 1)])

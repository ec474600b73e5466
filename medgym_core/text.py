"""Comparing texts: one normal form for grading, de-duplication and leak checks."""

import re
from functools import lru_cache

_TOKEN = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+")


def tokens(text: str) -> list[str]:
    """Lower-case words and numbers; punctuation, underscores and JSON syntax separate, `3.0` reads as `3`."""
    return [_plain(t) if "." in t else t for t in _TOKEN.findall(text.lower())]


def normal(text: str) -> str:
    """Tokens joined by single spaces, with a space at both ends so that `in` matches whole words."""
    return " " + " ".join(tokens(text)) + " "


quick_normal = lru_cache(maxsize=1 << 15)(normal)
"""`normal`, remembered: for the words of golds, facts and observations, which come again and again."""


def _plain(token: str) -> str:
    return token.rstrip("0").rstrip(".")

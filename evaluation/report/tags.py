"""HTML and SVG as nested calls: `h("p", "text", class_="note")`. Every string is data and is escaped; only `Markup`,
which nothing but this module makes, is not.

Texts of models and documents may hold anything. Characters that are invisible or turn the direction of writing are
shown by their code, as are lone halves of surrogate pairs and control characters.
"""

import html
import re
from collections.abc import Iterable
from typing import Any

VOID = frozenset({"meta", "br", "hr", "img"})
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f]"
)
"""Control and format characters: direction marks, zero widths, tags, surrogates. Line feed and tab stay."""


class Markup(str):
    """Text that is HTML already."""


def visible(text: str) -> str:
    """Text with hidden characters shown by their code; CR LF and CR become LF."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return HIDDEN.sub(lambda match: f"⟨U+{ord(match.group()):04X}⟩", text)


def h(tag: str, *children: Any, **attributes: Any) -> Markup:
    """An element. Children: strings (escaped), Markup, numbers, None (nothing), or iterables of those.

    Attributes: a trailing underscore is dropped, others become hyphens (`stroke_width`); None and False leave it out.
    """
    pairs = "".join(_attribute(name, value) for name, value in attributes.items() if value not in (None, False))
    if tag in VOID:
        return Markup(f"<{tag}{pairs}>")
    return Markup(f"<{tag}{pairs}>{join(children)}</{tag}>")


def join(children: Iterable[Any]) -> Markup:
    """The children, one after the other."""
    return Markup("".join(_child(child) for child in children))


def _child(child: Any) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return str(child)
    if isinstance(child, str):
        return html.escape(visible(child), quote=True)
    if isinstance(child, int | float):
        return html.escape(str(child))
    return join(child)


def _attribute(name: str, value: Any) -> str:
    name = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    return f' {name}="{html.escape(visible(str(value)), quote=True)}"'

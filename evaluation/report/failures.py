"""Failure examples with their transcripts. All of it was written by models, tools and documents: text, never markup."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.report.tags import Markup, h

TEXT = 50_000  # characters of one text on the page; the JSON beside it holds all
SHORT = 140  # characters of a question in the line that opens it


def section(card: Mapping[str, Any]) -> Markup:
    """Every part's failures, closed."""
    parts = [part for part in card["parts"] if part["failures"]]
    if not parts:
        return h("p", "No failures are recorded.")
    return h("div", (_part(part) for part in parts))


def _part(part: Mapping[str, Any]) -> Markup:
    count = h("span", f" · {part['metric']} · {len(part['failures'])} examples", class_="soft")
    return h("details", h("summary", part["title"], count), (_example(row) for row in part["failures"]))


def _example(row: Mapping[str, Any]) -> Markup:
    said = " · ".join(told(row[k]) for k in ("verdict", "group") if row.get(k))
    head = [one_line(told(row.get("question"))), h("span", f" · {said}" if said else "", class_="soft")]
    answer = row.get("answer")
    if answer is None:
        answer = "nothing that could be read" if row.get("verdict") == "unparsable" else "see the transcript"
    facts = (("Item", row.get("item_id")), ("Gold", row.get("gold")), ("Answer", answer))
    lines = [_block(name, told(value)) for name, value in facts]
    messages = row.get("messages")
    if isinstance(messages, Sequence) and not isinstance(messages, str) and messages:
        talk: Any = [_turn(message) for message in messages]
    else:
        talk = [_block("Question", told(row.get("question"))), _block("What the policy said", told(row.get("text")))]
    return h("details", h("summary", head), lines, talk)


def _turn(message: Any) -> Markup:
    if not isinstance(message, Mapping):
        return _block("message", told(message))
    role = told(message.get("role") or "message")
    style = role if role in ("assistant", "tool", "system", "user") else ""
    extra = {k: v for k, v in message.items() if k not in ("role", "content") and v}
    parts = [h("div", cut(content(message.get("content"))), class_="text", dir="auto")]
    if extra:
        parts.append(h("div", cut(told(extra)), class_="text", dir="auto"))
    return h("div", h("div", role, class_="role"), parts, class_=f"turn {style}".strip())


def content(value: Any) -> str:
    """The words of a message; pictures are named, not shown."""
    if not isinstance(value, list):
        return told(value)
    words = []
    for piece in value:
        kind = piece.get("type") if isinstance(piece, Mapping) else None
        if kind == "text":
            words.append(told(piece.get("text")))
        elif kind in ("image", "image_url"):
            words.append("[picture]")
        else:
            words.append(told(piece))
    return "\n".join(words)


def told(value: Any) -> str:
    """Any JSON value as text."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)


def cut(text: str) -> str:
    if len(text) <= TEXT:
        return text
    half = TEXT // 2
    return f"{text[:half]}\n[{len(text) - 2 * half:,} characters left out here; report.json holds all]\n{text[-half:]}"


def one_line(text: str) -> str:
    flat = " ".join(text[: 4 * SHORT].split())
    return flat if len(flat) <= SHORT else flat[: SHORT - 1] + "…"


def _block(name: str, text: str) -> Markup:
    return h("div", h("div", name, class_="role"), h("div", cut(text), class_="text", dir="auto"))

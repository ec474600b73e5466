"""Reading the agent's text: one tool call, speech to the patient, or an error with a reason.

Three notations of a call are read: Hermes/Qwen (`<tool_call>{"name": ..., "arguments": {...}}</tool_call>`),
Qwen-coder XML (`<tool_call><function=name><parameter=key>value</parameter></function></tool_call>`) and OpenAI-style
JSON as the whole message. Reasoning in `<think>...</think>` is set aside and never graded. The text is data: it is
parsed, nothing in it is executed.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

import msgspec

from medgym_core.types import SAY, Call

_THINK = re.compile(r"<think>.*?</think>", re.DOTALL)
_TAGGED = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)
_FUNCTION = re.compile(r"<function=([^<>\s]+)>(.*?)</function>", re.DOTALL)
_PARAMETER = re.compile(r"<parameter=([^<>\s]+)>(.*?)</parameter>", re.DOTALL)
_DECODER = msgspec.json.Decoder()
MAX_CHARACTERS = 20_000  # far above any sensible action; keeps a runaway generation from costing parse time


@dataclass(frozen=True, slots=True)
class Speech:
    """Text without a call: said to the patient."""

    text: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Text that tries to be a call and is not one."""

    reason: str


def parse_action(text: str) -> Call | Speech | Unreadable:
    """The one action in an assistant message. Never raises."""
    if len(text) > MAX_CHARACTERS:
        return Unreadable(f"message too long; got {len(text)} characters; expected at most {MAX_CHARACTERS}")
    if not text.isascii() and not _encodable(text):
        return Unreadable("message is not valid Unicode; got a lone surrogate")
    if "<think>" in text:
        text = _THINK.sub("", text)
    text = text.strip()
    if not text:
        return Unreadable("empty message; expected one tool call or words to the patient")
    tagged = _TAGGED.findall(text)
    if len(tagged) > 1:
        return Unreadable(f"one tool call a message; got {len(tagged)}")
    if tagged:
        body = tagged[0].strip()
        return _from_xml(body) if body.startswith("<function=") else _from_json(body)
    if "<tool_call>" in text or "</tool_call>" in text or "<function=" in text:
        return Unreadable("unclosed tool call; expected <tool_call>{...}</tool_call>")
    if text.startswith("{") and text.endswith("}"):
        return _from_json(text)
    return Speech(text)


def render_call(call: Call) -> str:
    """The canonical (Hermes) text of a call; the bare words of `types.speech`."""
    if call.name == SAY:
        return str(call.arguments["text"])
    body = json.dumps({"name": call.name, "arguments": call.arguments}, ensure_ascii=False)
    return f"<tool_call>{body}</tool_call>"


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _from_json(body: str) -> Call | Unreadable:
    try:
        value = _DECODER.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        return Unreadable(f"tool call is not JSON: {error}")
    if isinstance(value, dict) and isinstance(value.get("tool_calls"), list):
        if len(value["tool_calls"]) != 1:
            return Unreadable(f"one tool call a message; got {len(value['tool_calls'])}")
        value = value["tool_calls"][0]
    if isinstance(value, dict) and isinstance(value.get("function"), dict):
        value = value["function"]
    return _checked(value)


def _checked(value: Any) -> Call | Unreadable:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        return Unreadable('tool call without a name; expected {"name": ..., "arguments": {...}}')
    arguments = value.get("arguments", {})
    if isinstance(arguments, str):
        try:
            arguments = _DECODER.decode(arguments or "{}")
        except (msgspec.DecodeError, RecursionError) as error:
            return Unreadable(f"arguments are not JSON: {error}")
    if not isinstance(arguments, dict):
        return Unreadable(f"arguments must be an object; got {type(arguments).__name__}")
    return Call(value["name"], arguments)


def _from_xml(body: str) -> Call | Unreadable:
    found = _FUNCTION.findall(body)
    if len(found) != 1:
        return Unreadable(f"one function a call; got {len(found)}")
    name, inner = found[0]
    return Call(name, {key: value.strip("\n") for key, value in _PARAMETER.findall(inner)})

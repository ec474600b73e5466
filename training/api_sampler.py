"""APISampler: turns from any OpenAI-compatible chat endpoint, for evaluation only: no token ids, nothing to train on.

The whole conversation goes with each request, in the endpoint's own form: tools as JSON schemas, the agent's calls as
`tool_calls`, observations as `tool` messages, images as data URLs. A call in the answer becomes the text that the
environment reads, `<tool_call>{"name": ..., "arguments": {...}}</tool_call>`. Arguments that are no JSON stay as they
are: that is the agent's mistake, and the environment says so.
"""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

import msgspec

from medgym_core.actions import parse_action
from medgym_core.episode import text_of
from medgym_core.errors import MedGymError
from medgym_core.types import Call
from training.endpoint import DEFAULT_PATIENCE, Endpoint, Failure, Patience, SamplerError, UnreadableAnswer
from training.flights import Flights
from training.sampler import SampleStop

Message = dict[str, Any]
KEY = "MEDGYM_API_KEY"
"""Environment variable with the service's key."""
PATH = "/chat/completions"
STOPS = {"stop": SampleStop.end, "tool_calls": SampleStop.tool_call, "length": SampleStop.length}


@dataclass(frozen=True)
class Reply:
    """One turn of the agent."""

    key: int
    text: str
    stop: SampleStop
    prompt_tokens: int
    """As the service counts them; 0 where it does not."""
    completion_tokens: int


class APISampler:
    """Turns of many episodes at once from the endpoint at `url`, such as `https://host/v1`."""

    def __init__(
        self,
        url: str,
        model: str,
        *,
        temperature: float = 1.0,
        top_p: float = 1.0,
        top_k: int = 0,
        greedy: bool = False,
        patience: Patience = DEFAULT_PATIENCE,
        key_variable: str = KEY,
        allow_http: bool = False,
        length_field: str = "max_tokens",
    ):
        """`top_k` is no part of OpenAI's protocol and is sent only if it is not 0. `length_field`: some models want
        `max_completion_tokens`. Raises MedGymError for a url that is not allowed or no model name."""
        if not model.strip():
            raise MedGymError("no model", got=repr(model), expected="the name of a model of the endpoint")
        base = url.rstrip("/").removesuffix(PATH)
        self.endpoint = Endpoint(base, patience, key_variable, allow_http)
        self.model, self.length_field = model, length_field
        self.shape: dict[str, Any] = {"temperature": 0.0 if greedy else temperature, "top_p": 1.0 if greedy else top_p}
        if top_k and not greedy:
            self.shape["top_k"] = top_k
        self._flights: Flights[Reply] = Flights()

    @property
    def counts(self) -> Counter[str]:
        """Requests, failed tries by kind, `prompt_tokens` and `completion_tokens` of the turns that count."""
        return self.endpoint.counts

    def submit_messages(
        self, key: int, messages: list[Message], tools: list[dict[str, Any]], max_tokens: int, seed: int
    ) -> None:
        """Ask for the next turn of an episode; `tools` in OpenAI form. At most one turn a key is in flight."""
        self._flights.start(key, self._complete(key, self._body(messages, tools, max_tokens, seed)))

    def collect(self) -> list[Reply]:
        """Block until at least one turn is there; [] when none is in flight. Raises SamplerError for a failed one."""
        return self._flights.landed()

    def release(self, key: int) -> None:
        self._flights.cancel(key)

    def close(self) -> None:
        self._flights.close(self.endpoint.close)

    def _body(self, messages: list[Message], tools: list[dict[str, Any]], max_tokens: int, seed: int) -> dict[str, Any]:
        offered = {"tools": tools, "parallel_tool_calls": False} if tools else {}
        limits = {self.length_field: max_tokens, "seed": seed % 2**31}  # some services take no more than 32 bits
        return {"model": self.model, "messages": chat_messages(messages), **offered, **self.shape, **limits}

    async def _complete(self, key: int, body: dict[str, Any]) -> Reply:
        reply = await self.endpoint.ask(PATH, body, lambda data: _reply(key, data), key)
        self.counts["prompt_tokens"] += reply.prompt_tokens
        self.counts["completion_tokens"] += reply.completion_tokens
        return reply


def chat_messages(messages: list[Message]) -> list[Message]:
    """An episode's messages in the endpoint's form.

    An observation answers the call before it; one that follows words which could not be read as a call has no call to
    answer and comes from the user. Images of an observation follow it in a message of their own, since a `tool` message
    holds text only.
    """
    found: list[Message] = []
    answered = ""  # id of the call that waits for its answer
    for place, message in enumerate(messages):
        if message["role"] == "assistant":
            answered = f"call_{place}"
            found.append(_assistant(message["content"], answered))
            answered = answered if "tool_calls" in found[-1] else ""
        elif message["role"] == "tool" and answered:
            found.append({"role": "tool", "tool_call_id": answered, "content": text_of(message)})
            found += _images(message)
            answered = ""
        else:
            role = "user" if message["role"] == "tool" else message["role"]
            found.append({"role": role, "content": message["content"]})
    return found


def call_text(name: str, arguments: Any) -> str:
    """A native call as the environment's text. `arguments`: JSON text, or the object itself."""
    body = arguments
    if isinstance(arguments, str):
        try:
            body = json.loads(arguments or "{}")
        except json.JSONDecodeError:
            return f'<tool_call>{{"name": {json.dumps(name)}, "arguments": {arguments}}}</tool_call>'
    written = json.dumps({"name": name, "arguments": {} if body is None else body}, ensure_ascii=False)
    return f"<tool_call>{_closed_once(written)}</tool_call>"


def _closed_once(written: str) -> str:
    """The JSON without a closing tag in one of its strings."""
    return written.replace("</tool_call>", "<\\/tool_call>")


def _assistant(text: str, name: str) -> Message:
    call = parse_action(text)
    if not isinstance(call, Call):
        return {"role": "assistant", "content": text}
    function = {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)}
    before, tag, _ = text.partition("<tool_call>")
    return {
        "role": "assistant",
        "content": before.strip() if tag else "",
        "tool_calls": [{"id": name, "type": "function", "function": function}],
    }


def _images(message: Message) -> list[Message]:
    if isinstance(message["content"], str):
        return []
    return [{"role": "user", "content": [p for p in message["content"] if p["type"] == "image_url"]}]


class _Function(msgspec.Struct):
    name: str
    arguments: Any = None


class _ToolCall(msgspec.Struct):
    function: _Function


class _Message(msgspec.Struct):
    content: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Completion(msgspec.Struct):
    choices: list[_Choice]
    usage: _Usage | None = None


def _reply(key: int, data: bytes) -> Reply:
    try:
        body = msgspec.json.decode(data, type=_Completion)
    except msgspec.DecodeError as error:
        raise UnreadableAnswer("answer", got=f"{len(data)} bytes: {error}", expected="complete JSON") from error
    if len(body.choices) != 1:
        raise UnreadableAnswer("number of choices", got=len(body.choices), expected=1)
    choice, usage = body.choices[0], body.usage or _Usage()
    if choice.finish_reason not in STOPS:
        raise SamplerError(
            "the turn was not finished",
            kind=Failure.refused,
            key=key,
            got=repr(choice.finish_reason),
            expected=", ".join(STOPS),
        )
    calls = [call_text(c.function.name, c.function.arguments) for c in choice.message.tool_calls or []]
    stop = SampleStop.tool_call if calls else STOPS[choice.finish_reason]
    text = (choice.message.content or "") + "".join(calls)
    return Reply(key, text, stop, usage.prompt_tokens, usage.completion_tokens)

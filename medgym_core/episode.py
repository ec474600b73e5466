"""One episode: assistant text in, observation out, a score at the end.

The agent sends text. It may hold one tool call; other text is speech, and the patient answers. A call that cannot be
read or carried out gives an error observation, costs a turn and never ends the episode. A valid submission ends it;
`max_turns` truncates it. After the end, `step` raises. Clocks are simulated, so the same actions give the same bytes.
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from medgym_core import domains
from medgym_core.actions import Speech, Unreadable, parse_action
from medgym_core.artifacts import digest_bytes
from medgym_core.errors import MedGymError
from medgym_core.patient import Patient
from medgym_core.rewards import Event, Reward, score
from medgym_core.tools import ToolError, World, find, state
from medgym_core.types import Call, Picture, Task

Message = dict[str, Any]
"""A chat message: `role` (system, user, assistant, tool) and `content`.

The content is text or, where images belong to it, the list of parts of the OpenAI form: text parts and
`{"type": "image_url", "image_url": {"url": "data:image/png;base64,..."}}`.
"""


IMAGE = "[image]"
"""What stands for an image where only text can be shown."""


def text_of(message: Message) -> str:
    """The words of a message; `[image]` stands for each image."""
    content = message["content"]
    return content if isinstance(content, str) else "\n".join(p.get("text", IMAGE) for p in content)


def without_pixels(message: Message) -> Message:
    """The message with each image's pixels replaced by their digest, for records that must stay small."""
    content = message["content"]
    if isinstance(content, str):
        return message
    parts = [
        {"type": "image", "digest": digest_bytes(p["image_url"]["url"].encode())} if p["type"] == "image_url" else p
        for p in content
    ]
    return {**message, "content": parts}


def images_of(message: Message) -> list[bytes]:
    """The PNG images of a message."""
    content = message["content"]
    urls = [] if isinstance(content, str) else [p["image_url"]["url"] for p in content if p["type"] == "image_url"]
    return [b64decode(url.removeprefix(_PNG_URL)) for url in urls]


def _message(role: str, text: str, pictures: list[Picture]) -> Message:
    if not pictures:
        return {"role": role, "content": text}
    parts: list[dict[str, Any]] = [{"type": "text", "text": text}]
    for picture in pictures:
        parts.append({"type": "image_url", "image_url": {"url": _data_url(picture.png)}})
    return {"role": role, "content": parts}


_PNG_URL = "data:image/png;base64,"


@lru_cache(maxsize=256)  # about 10 MB: the images of the tasks in play
def _data_url(png: bytes) -> str:
    return _PNG_URL + b64encode(png).decode()


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one turn brought."""

    message: Message | None
    """The next message for the agent; None at the end."""
    done: bool
    truncated: bool
    """Ended by `max_turns` without a submission."""
    error: bool
    """The text was no valid call."""
    tool: str | None
    """Name of the tool called, if a call could be read."""


class Episode:
    """A task being played. Cheap to make: the task is shared and never changed."""

    def __init__(self, task: Task, knowledge: Any = None):
        domain = domains.get(task.domain)
        self.task = task
        self._tools = domain.tools
        self.tools = domain.schemas
        self.world = World(task.chart, knowledge)
        self.patient = Patient(task.story)
        self.messages: list[Message] = [
            {"role": "system", "content": domain.policy},
            _message("user", task.prompt, task.chart.images),
        ]
        self.events: list[Event] = []
        self.done = False
        self.truncated = False

    @property
    def turns(self) -> int:
        return len(self.events)

    @property
    def tool_calls(self) -> int:
        return sum(e.call is not None for e in self.events)

    @property
    def tool_errors(self) -> int:
        return sum(e.kind == "error" for e in self.events)

    @property
    def writes(self) -> int:
        return sum(e.kind == "write" and e.ok for e in self.events)

    def step(self, text: str) -> StepResult:
        """Play one assistant message. Raises MedGymError once the episode has ended."""
        if self.done:
            raise MedGymError("the episode has ended", got="step", expected="a new episode", where=self.task.id)
        event, reply = self._play(text)
        self.events.append(event)
        self.messages.append({"role": "assistant", "content": text})
        submitted = event.kind == "submit" and event.ok
        self.truncated = not submitted and self.turns >= self.task.max_turns
        self.done = submitted or self.truncated
        message = None if self.done else reply
        if message is not None:
            self.messages.append(message)
        return StepResult(
            message, self.done, self.truncated, event.kind == "error", event.call.name if event.call else None
        )

    def score(self) -> Reward:
        """Score of what happened so far; final once `done`."""
        return score(self.task, self.events)

    def _play(self, text: str) -> tuple[Event, Message]:
        action = parse_action(text)
        if isinstance(action, Speech):
            reply, topic = self.patient.answer(action.text)
            self.world.minutes += 1
            return Event(None, True, reply, "speech", topic, self.world.minutes), {"role": "user", "content": reply}
        if isinstance(action, Unreadable):
            return self._error(None, action.reason)
        return self._call(action)

    def _call(self, call: Call) -> tuple[Event, Message]:
        try:
            tool = find(self._tools, call.name)
            carried_out = tool.checked(self.world, call.arguments)
            observation = state(tool.perform(self.world, carried_out))
        except ToolError as error:
            return self._error(call, str(error))
        done, given = Call(call.name, carried_out), tuple(call.arguments)
        event = Event(done, True, observation, tool.kind, minutes=self.world.minutes, given=given)
        return event, _message("tool", observation, self.world.take_displayed())

    def _error(self, call: Call | None, reason: str) -> tuple[Event, Message]:
        content = f"error: {reason}"
        self.world.minutes += 1
        return Event(call, False, content, "error"), {"role": "tool", "content": content}


def play(task: Task, texts: list[str], knowledge: Any) -> Episode:
    """An episode with these assistant texts; texts after the end are not sent."""
    episode = Episode(task, knowledge)
    for text in texts:
        if episode.done:
            break
        episode.step(text)
    return episode

"""The only module that turns text into tokens.

A conversation grows as a `Transcript`: prompt and observations are rendered by the chat template message by message,
encoded once and appended; what the policy sampled is kept verbatim. Nothing is ever encoded twice, so `token_ids` are
exactly what the model saw. This is sound only for a template that renders `messages[:k]` as a prefix of
`messages[:k+1]`; `Chat` proves that when it is made and refuses any other.

Every assistant turn opens with the template's generation header. A hint is one extra user message before that header.
"""

from dataclasses import dataclass, field
from typing import Any

from medgym_core.artifacts import digest_bytes
from medgym_core.episode import images_of, text_of
from medgym_core.errors import MedGymError
from training.template_lines import Written, blame, blame_text, written
from training.trajectory import ASSISTANT, HINT, ROLES
from training.vision import Vision

Message = dict[str, Any]
CALL_END = "</tool_call>"
_PROBE: list[Message] = [
    {"role": "system", "content": "s"},
    {"role": "user", "content": "q"},
    {"role": "assistant", "content": "a"},
]
_NEXT: list[Message] = [
    {"role": "tool", "content": '{"x": 1}'},
    {"role": "user", "content": "u"},
]


@dataclass
class Transcript:
    """What the model has seen so far. The lists have equal length T."""

    token_ids: list[int] = field(default_factory=list)
    sampled: list[bool] = field(default_factory=list)
    turn_id: list[int] = field(default_factory=list)
    role: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    turns: int = 0
    """Assistant turns opened."""
    images: list[bytes] = field(default_factory=list)
    """PNGs seen so far, in the order of their tokens; empty for a model without vision."""

    def __len__(self) -> int:
        return len(self.token_ids)

    def append(self, ids: list[int], role: int, *, turn: int = -1, logprobs: list[float] | None = None) -> None:
        """Add tokens; with `logprobs` they are sampled ones."""
        self.token_ids += ids
        self.sampled += [logprobs is not None] * len(ids)
        self.turn_id += [turn] * len(ids)
        self.role += [role] * len(ids)
        self.logprobs += logprobs if logprobs is not None else [0.0] * len(ids)


class Chat:
    """Encodes conversations for one tokenizer and its chat template."""

    def __init__(self, tokenizer: Any, *, render_tools: bool, vision: Vision | None = None):
        if not tokenizer.chat_template:
            raise MedGymError("the tokenizer has no chat template", got=tokenizer.name_or_path)
        self.tokenizer = tokenizer
        self.render_tools = render_tools
        self.vision = vision
        self.stop_ids = {i for i in (tokenizer.eos_token_id, tokenizer.pad_token_id) if i is not None}
        self._control = [str(t) for t in tokenizer.added_tokens_decoder.values() if t.special]
        self._header = self._grown(_PROBE, _PROBE, "the generation header", header=True)
        self._turn_end = self._assistant_end()
        self._prove_prefixes()
        self._pieces: dict[str, list[int]] = {}
        self.digest = digest_bytes(f"{tokenizer.chat_template}{render_tools}".encode())

    def begin(self, messages: list[Message], tools: list[dict[str, Any]]) -> Transcript:
        """The opening messages (system and user) of an episode.

        A template that refuses the opening without its last message (some tell the tools in the first question) has the
        refused part counted to the message that completes it.
        """
        shown = tools if self.render_tools else None
        clean = [self._clean(m) for m in messages]
        transcript, before = Transcript(), []
        images: list[bytes] = []
        for k, message in enumerate(clean):
            opening = clean[: k + 1]
            images += self._images(messages[k])
            if k + 1 < len(clean) and not self._accepts(opening, shown):
                continue
            new = self._grown(before, opening, f"message {k}", tools=shown)
            self._read(transcript, new, images, ROLES.index(message["role"]))
            before, images = opening, []
        return transcript

    def open_turn(self, transcript: Transcript, hint: str = "") -> None:
        """Append the hint, if any, and the generation header of the next assistant turn."""
        if hint:
            transcript.append(self.hint_ids(hint), HINT)
        transcript.append(self._cached(self._header), ASSISTANT, turn=transcript.turns)
        transcript.turns += 1

    def say(self, transcript: Transcript, ids: list[int], logprobs: list[float]) -> str:
        """Append sampled tokens, verbatim, to the open turn; their text without the stop token."""
        transcript.append(ids, ASSISTANT, turn=transcript.turns - 1, logprobs=logprobs)
        return self.decode(ids[:-1] if ids and ids[-1] in self.stop_ids else ids)

    def write(self, transcript: Transcript, text: str) -> None:
        """Append scripted assistant text as a policy would have produced it."""
        ids = [*self.encode(text), self.tokenizer.eos_token_id]
        self.say(transcript, ids, [0.0] * len(ids))

    def observe(self, transcript: Transcript, message: Message) -> None:
        """Close the assistant turn and append what the world answered."""
        closed = transcript.token_ids[-1] in self.stop_ids
        rest = self._turn_end.removeprefix(self.tokenizer.eos_token) if closed else self._turn_end
        role = ROLES.index(message["role"])
        if rest:
            transcript.append(self._cached(rest), role)
        self._read(transcript, self._message(message), self._images(message), role)

    def hint_ids(self, hint: str) -> list[int]:
        """Tokens of the hint as one extra message."""
        return self._cached(self._message({"role": "user", "content": hint}))

    def header_ids(self) -> list[int]:
        return self._cached(self._header)

    @property
    def call_end(self) -> int | str:
        """The closing tag of a tool call: its token, or its text where it is several tokens."""
        ids = self.encode(CALL_END)
        return ids[0] if len(ids) == 1 else CALL_END

    def closes_call(self, ids: list[int]) -> bool:
        """Whether a turn's tokens end in the closing tag of a tool call."""
        return self.decode(ids[-len(CALL_END) :]).endswith(CALL_END)

    def encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False)

    def decode(self, ids: list[int]) -> str:
        return self.tokenizer.decode(ids, skip_special_tokens=False)

    def _read(self, transcript: Transcript, text: str, images: list[bytes], role: int) -> None:
        """Append what the policy reads, each image's placeholder expanded to its tokens."""
        ids = self.encode(text)
        transcript.append(self.vision.expand(ids, images) if self.vision else ids, role)
        transcript.images += images

    def _images(self, message: Message) -> list[bytes]:
        return images_of(message) if self.vision else []

    def _cached(self, text: str) -> list[int]:
        if text not in self._pieces:
            self._pieces[text] = self.encode(text)
        return self._pieces[text]

    def _message(self, message: Message) -> str:
        return self._grown(_PROBE, [*_PROBE, self._clean(message)], f"a {message['role']} message")

    def _clean(self, message: Message) -> Message:
        """The message with control tokens defused, so that an observation cannot forge a turn or a picture.

        Pictures stay parts of the content for a model with vision, and are words for one without.
        """
        if self.vision is None or isinstance(message["content"], str):
            return {**message, "content": self._defused(text_of(message))}
        parts = [
            {"type": "image"} if part["type"] == "image_url" else {**part, "text": self._defused(part["text"])}
            for part in message["content"]
        ]
        return {**message, "content": parts}

    def _defused(self, text: str) -> str:
        for token in self._control:
            text = text.replace(token, token[0] + " " + token[1:])
        return text

    def _accepts(self, messages: list[Message], tools: list[dict[str, Any]] | None) -> bool:
        """Whether the template renders the messages at all."""
        from jinja2 import TemplateError

        try:
            self._render(messages, tools=tools)
        except TemplateError:
            return False
        return True

    def _render(
        self, messages: list[Message], *, tools: list[dict[str, Any]] | None = None, header: bool = False
    ) -> str:
        if not messages:
            return ""
        return self.tokenizer.apply_chat_template(messages, tools=tools, tokenize=False, add_generation_prompt=header)

    def _grown(
        self,
        shorter: list[Message],
        longer: list[Message],
        what: str,
        *,
        tools: list[dict[str, Any]] | None = None,
        header: bool = False,
        opened: bool = False,
    ) -> str:
        """What the longer conversation (with the generation header) adds to the shorter one (with its own, if opened).

        Raises MedGymError with the template's lines where it changes something in place of adding.
        """
        before = self._render(shorter, tools=tools, header=opened)
        after = self._render(longer, tools=tools, header=header)
        if not after.startswith(before):
            old, new = self._written(shorter, tools, opened), self._written(longer, tools, header)
            raise MedGymError(
                "the chat template is not prefix-preserving",
                got=f"{what} changes the messages before it: {blame(self.tokenizer.chat_template, old, new)}",
                expected="messages[:k] rendered as a prefix of messages[:k+1] (training/templates has one for Qwen3)",
                where=self.tokenizer.name_or_path or "tokenizer",
            )
        return after[len(before) :]

    def _assistant_end(self) -> str:
        """What the template writes after an assistant's words, such as `<|im_end|>` and a line break."""
        words, close = str(_PROBE[2]["content"]), self.tokenizer.eos_token
        turn = self._grown(_PROBE[:2], _PROBE, "an assistant message", opened=True)
        if not turn.startswith(words + close):
            expected = self._render(_PROBE[:2], header=True) + words + close
            line = blame_text(self.tokenizer.chat_template, expected, self._written(_PROBE, None, False))
            raise MedGymError(
                "the chat template rewrites assistant messages",
                got=f"{turn!r} by {line}",
                expected=f"{words + close!r} (training/templates has a template for Qwen3)",
                where=self.tokenizer.name_or_path or "tokenizer",
            )
        return turn.removeprefix(words)

    def _written(self, messages: list[Message], tools: list[dict[str, Any]] | None, header: bool) -> Written:
        values = {"messages": messages, "tools": tools, "add_generation_prompt": header}
        return written(self.tokenizer.chat_template, **values, **self.tokenizer.special_tokens_map)

    def _prove_prefixes(self) -> None:
        for message in _NEXT:
            self._message(message)
            for header in (False, True):
                later = [*_PROBE, message, *_PROBE[2:], message]
                self._grown([*_PROBE, message], later, "a later turn", header=header)

"""What a policy answered to a benchmark, one row an item, whatever the mode.

- `logprob`  the option letter with the highest log-probability after the item as a chat prompt; choices only.
- `text`     generated text; where it is a submission call, its `answer`.
- `agentic`  the answer submitted in the environment; an episode without a submission answers nothing.

In every mode the answer is a text that goes through the benchmark's one scorer (`Spec.score`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from evaluation.item import Item, Mode, Scorer
from medgym_core.actions import Speech, parse_action
from medgym_core.errors import MedGymError
from medgym_core.types import Call

PREDICTION_SCHEMA = pa.schema(
    [
        ("item_id", pa.string()),
        ("gold", pa.string()),
        ("answer", pa.string()),  # what the text was understood to answer; null where it committed to nothing
        ("verdict", pa.string()),  # evaluation.item.Verdict
        ("value", pa.float64()),  # 0 to 1; the metric is its mean
        ("text", pa.string()),  # what the policy said: generated, submitted, or the likeliest letter
        ("logprobs", pa.map_(pa.string(), pa.float64())),  # natural logarithm by letter; empty but in mode logprob
        ("truncated_tokens", pa.int32()),  # tokens of the item that the model did not see
        ("images_missing", pa.int32()),  # pictures of the item that the policy was not shown
        ("details", pa.map_(pa.string(), pa.float64())),  # the scorer's further figures
        ("play", pa.map_(pa.string(), pa.float64())),  # agentic: turns, tool_calls, tool_errors, no_submission
        ("mode", pa.string()),
        ("messages", pa.string()),  # agentic: the conversation as JSON, pictures by digest; else null
    ]
)


@dataclass(frozen=True)
class Reply:
    """What a policy said to one item."""

    text: str
    logprobs: dict[str, float] = field(default_factory=dict)
    truncated_tokens: int = 0
    images_missing: int = 0
    play: dict[str, float] = field(default_factory=dict)
    messages: str | None = None


def predictions(items: Sequence[Item], replies: Sequence[Reply], score: Scorer, mode: Mode) -> pa.Table:
    """The scored rows of `replies`, one an item, in their order. Raises MedGymError where their numbers differ."""
    if len(replies) != len(items):
        raise MedGymError("policy did not answer every item", got=len(replies), expected=len(items))
    texts = [reply.text.encode(errors="replace").decode() for reply in replies]  # a lone surrogate is no text
    scores = [score(answer_in(text), item) for item, text in zip(items, texts, strict=True)]
    columns: dict[str, list[Any]] = {
        "item_id": [item.id for item in items],
        "gold": [item.gold for item in items],
        "answer": [s.answer for s in scores],
        "verdict": [s.verdict for s in scores],
        "value": [s.value for s in scores],
        "text": texts,
        "logprobs": [sorted(r.logprobs.items()) for r in replies],
        "truncated_tokens": [r.truncated_tokens for r in replies],
        "images_missing": [r.images_missing for r in replies],
        "details": [sorted(s.details.items()) for s in scores],
        "play": [sorted(r.play.items()) for r in replies],
        "mode": [mode] * len(items),
        "messages": [r.messages for r in replies],
    }
    return pa.table(columns, schema=PREDICTION_SCHEMA)


def rescored(table: pa.Table, items: Sequence[Item], score: Scorer, mode: Mode) -> pa.Table:
    """The rows with the scores that `score` gives their texts now; `items` are those of the rows, in their order."""
    kept = ("text", "logprobs", "truncated_tokens", "images_missing", "play", "messages")
    rows = table.select(kept).to_pylist()
    maps = [{**row, "logprobs": dict(row["logprobs"]), "play": dict(row["play"])} for row in rows]
    return predictions(items, [Reply(**row) for row in maps], score, mode)


def likeliest(logprobs: dict[str, float]) -> str:
    """The letter with the highest log-probability; the first of equals, so that an indifferent model is a constant
    policy and not the oracle."""
    return max(sorted(logprobs), key=logprobs.__getitem__)


def answer_in(text: str) -> str:
    """The answer inside a submission call; of any other text the words without set-aside reasoning."""
    action = parse_action(text)
    if isinstance(action, Call) and action.name.startswith("submit"):
        return committed(action)
    return action.text if isinstance(action, Speech) else text


def committed(call: Call) -> str:
    """What a submission commits to: its argument `answer`, else its first one."""
    first = next(iter(call.arguments.values()), "")
    return str(call.arguments.get("answer", first))


def truncation(table: pa.Table) -> dict[str, int]:
    """Items whose prompt did not fit the model whole, and the tokens it did not see, over the table."""
    dropped = table.column("truncated_tokens").to_pylist()
    return {"truncated_items": sum(d > 0 for d in dropped), "truncated_tokens": sum(dropped)}

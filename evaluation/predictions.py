"""A policy's answers to a benchmark, one row an item. Two modes, one scorer.

- `logprob`  the option letter with the highest log-probability after the item as a chat prompt.
- `text`     generated text; where it is a submission call, its `answer`.

In both modes the answer is a text that goes through `scoring.judge`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from evaluation.baselines import Answerer, nulls, oracle
from evaluation.item import Item
from evaluation.scorers.choice import judge
from medgym_core.actions import parse_action
from medgym_core.errors import MedGymError, unknown_name
from medgym_core.types import Call

Messages = list[dict[str, Any]]

INSTRUCTION = "Answer the multiple-choice question with the letter of the one best option."

PREDICTION_SCHEMA = pa.schema(
    [
        ("item_id", pa.string()),
        ("gold", pa.string()),
        ("answer", pa.string()),  # the parsed letter; null where the text committed to none
        ("verdict", pa.string()),
        ("text", pa.string()),  # what the policy said, in logprob mode the likeliest letter
        ("logprobs", pa.map_(pa.string(), pa.float64())),  # natural logarithm by letter; empty in text mode
        ("truncated_tokens", pa.int32()),  # left context of the item that the model did not see
    ]
)


@dataclass(frozen=True)
class Scored:
    """Log-probability of each letter as the next token, and how many prompt tokens did not fit the model."""

    logprobs: dict[str, float]
    truncated_tokens: int = 0


@dataclass(frozen=True)
class Generated:
    """The assistant text, and how many prompt tokens did not fit the model."""

    text: str
    truncated_tokens: int = 0


class LetterScorer(Protocol):
    """A policy for mode `logprob`. Prompts come in one call, so that it may batch them as it likes."""

    def score_letters(self, prompts: Sequence[Messages], letters: Sequence[Sequence[str]]) -> list[Scored]: ...


class TextGenerator(Protocol):
    """A policy for mode `text`."""

    def generate(self, prompts: Sequence[Messages]) -> list[Generated]: ...


def prompt_of(item: Item) -> Messages:
    """The item as a chat prompt: the same for every policy and mode."""
    options = "\n".join(f"{letter}. {text}" for letter, text in item.options.items())
    return [{"role": "system", "content": INSTRUCTION}, {"role": "user", "content": f"{item.question}\n\n{options}"}]


def run_benchmark(policy: Any, items: Sequence[Item], mode: str = "logprob") -> pa.Table:
    """Predictions of `policy` (a LetterScorer, or a TextGenerator for mode `text`), in the order of `items`."""
    if mode not in MODES:
        raise unknown_name("benchmark mode", mode, MODES)
    answers = MODES[mode](policy, items)
    if len(answers) != len(items):
        raise MedGymError("policy did not answer every item", got=len(answers), expected=len(items))
    return _table(items, answers)


def run_answerer(answer: Answerer, items: Sequence[Item]) -> pa.Table:
    """Predictions of a baseline function."""
    return _table(items, [(answer(item), {}, 0) for item in items])


def run_baselines(items: Sequence[Item]) -> dict[str, pa.Table]:
    """Predictions of every null policy (as `null:<name>`) and of the oracle."""
    tables = {f"null:{name}": run_answerer(answer, items) for name, answer in nulls(items).items()}
    return tables | {"oracle": run_answerer(oracle, items)}


def truncation(predictions: pa.Table) -> dict[str, int]:
    """Items whose prompt did not fit the model whole, and the tokens it did not see, over the table."""
    dropped = predictions.column("truncated_tokens").to_pylist()
    return {"truncated_items": sum(d > 0 for d in dropped), "truncated_tokens": sum(dropped)}


_Answer = tuple[str, dict[str, float], int]  # text, logprobs, truncated tokens


def _by_logprob(policy: LetterScorer, items: Sequence[Item]) -> list[_Answer]:
    letters = [list(item.options) for item in items]
    scored = policy.score_letters([prompt_of(item) for item in items], letters)
    for item, wanted, one in zip(items, letters, scored, strict=True):
        if set(one.logprobs) != set(wanted):
            raise MedGymError("letters were not scored", got=sorted(one.logprobs), expected=wanted, where=item.id)
    # Equal scores go to the first letter, so that an indifferent model is a constant policy and not the oracle.
    return [(max(sorted(s.logprobs), key=s.logprobs.__getitem__), s.logprobs, s.truncated_tokens) for s in scored]


def _by_text(policy: TextGenerator, items: Sequence[Item]) -> list[_Answer]:
    generated = policy.generate([prompt_of(item) for item in items])
    return [(one.text, {}, one.truncated_tokens) for one in generated]


MODES: dict[str, Callable[[Any, Sequence[Item]], list[_Answer]]] = {"logprob": _by_logprob, "text": _by_text}


def _table(items: Sequence[Item], answers: Sequence[_Answer]) -> pa.Table:
    rows: list[Mapping[str, Any]] = []
    for item, (text, logprobs, dropped) in zip(items, answers, strict=True):
        letter, verdict = judge(_answer_in(text), item)
        rows.append(
            {
                "item_id": item.id,
                "gold": item.gold,
                "answer": letter,
                "verdict": verdict,
                "text": text,
                "logprobs": sorted(logprobs.items()),
                "truncated_tokens": dropped,
            }
        )
    return pa.Table.from_pylist(rows, schema=PREDICTION_SCHEMA)


def _answer_in(text: str) -> str:
    """The answer inside a submission call; any other text as it is."""
    action = parse_action(text)
    submitted = isinstance(action, Call) and action.name.startswith("submit")
    return str(action.arguments.get("answer", "")) if submitted else text

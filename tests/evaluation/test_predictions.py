"""A benchmark run gives one scored row an item, by one scorer in every mode."""

from collections.abc import Sequence
from math import log

import pytest

from evaluation.item import Item
from evaluation.predictions import (
    PREDICTION_SCHEMA,
    Generated,
    Messages,
    Scored,
    prompt_of,
    run_baselines,
    run_benchmark,
    truncation,
)
from medgym_core.actions import render_call
from medgym_core.errors import MedGymError
from medgym_core.types import Call

ITEMS = [
    Item(f"t/{n}", f"Question {n}?", {"A": "one", "B": "two words", "C": "three", "D": "four"}, "ABCD"[n % 4])
    for n in range(8)
]


class Fixed:
    """Prefers one letter, and says one text."""

    def __init__(self, letter: str = "B", text: str = "", truncated: int = 0):
        self.letter, self.text, self.truncated = letter, text, truncated

    def score_letters(self, prompts: Sequence[Messages], letters: Sequence[Sequence[str]]) -> list[Scored]:
        return [Scored({k: log(0.7 if k == self.letter else 0.1) for k in one}, self.truncated) for one in letters]

    def generate(self, prompts: Sequence[Messages]) -> list[Generated]:
        return [Generated(self.text, self.truncated) for _ in prompts]


def correct(table) -> list[bool]:
    return [verdict == "correct" for verdict in table.column("verdict").to_pylist()]


def test_logprob_mode_answers_with_the_likeliest_letter() -> None:
    table = run_benchmark(Fixed("C"), ITEMS, "logprob")
    assert table.schema == PREDICTION_SCHEMA and table.column("item_id").to_pylist() == [i.id for i in ITEMS]
    assert correct(table) == [item.gold == "C" for item in ITEMS]
    assert dict(table.column("logprobs")[0].as_py()) == pytest.approx(
        {k: log(0.7 if k == "C" else 0.1) for k in "ABCD"}
    )


def test_an_indifferent_model_is_a_constant_policy() -> None:
    assert set(run_benchmark(Fixed("none of them"), ITEMS).column("answer").to_pylist()) == {"A"}


@pytest.mark.parametrize(
    "text", ["B", "Answer: B", "two words", render_call(Call("submit_answer", {"answer": "(B)", "evidence": "A, C"}))]
)
def test_both_modes_score_the_same_answer_alike(text: str) -> None:
    by_text = run_benchmark(Fixed(text=text), ITEMS, "text")
    by_logprob = run_benchmark(Fixed("B"), ITEMS, "logprob")
    for name in ("answer", "verdict", "gold", "item_id"):
        assert by_text.column(name).equals(by_logprob.column(name))


@pytest.mark.parametrize("text", ["A, B, C, D", "", "I cannot say.", render_call(Call("search", {"query": "B"}))])
def test_text_without_one_letter_is_unparsable_and_never_right(text: str) -> None:
    table = run_benchmark(Fixed(text=text), ITEMS, "text")
    assert set(table.column("verdict").to_pylist()) == {"unparsable"}
    assert table.column("answer").null_count == len(ITEMS)


def test_truncated_prompts_are_counted() -> None:
    assert truncation(run_benchmark(Fixed(truncated=5), ITEMS)) == {"truncated_items": 8, "truncated_tokens": 40}
    assert truncation(run_benchmark(Fixed(), ITEMS)) == {"truncated_items": 0, "truncated_tokens": 0}


def test_a_prompt_shows_question_and_options_and_never_gold() -> None:
    shown = {gold: prompt_of(Item("t/1", "Why?", {"A": "one", "B": "two"}, gold)) for gold in "AB"}
    assert shown["A"] == shown["B"]
    assert "Why?" in shown["A"][-1]["content"] and "A. one\nB. two" in shown["A"][-1]["content"]


def test_nulls_and_oracle_stand_beside_every_result() -> None:
    tables = run_baselines(ITEMS)
    assert sum(correct(tables["oracle"])) == 8
    assert {name: sum(correct(table)) for name, table in tables.items() if name.startswith("null:")} == {
        **{f"null:always_{letter}": 2 for letter in "ABCD"},
        "null:longest_option": 2,
        "null:all_options": 0,
        "null:question_echo": 0,
        "null:fixed_paragraph": 0,
    }


def test_a_policy_that_skips_items_or_letters_is_refused() -> None:
    class Lazy(Fixed):
        def score_letters(self, prompts, letters):
            return super().score_letters(prompts, [one[:2] for one in letters])

        def generate(self, prompts):
            return super().generate(prompts[1:])

    with pytest.raises(MedGymError, match="letters were not scored"):
        run_benchmark(Lazy(), ITEMS)
    with pytest.raises(MedGymError, match="got 7; expected 8"):
        run_benchmark(Lazy(), ITEMS, "text")
    with pytest.raises(MedGymError, match="one of logprob, text"):
        run_benchmark(Lazy(), ITEMS, "letters")

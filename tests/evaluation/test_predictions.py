"""A benchmark run gives one scored row an item, by the benchmark's one scorer in every mode."""

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import log

import pytest

from evaluation.baselines import nulls
from evaluation.benchmarks import BENCHMARKS
from evaluation.item import Item, Score
from evaluation.policies import Generated, Prompted, Scored, Setting, null_policies, oracle
from evaluation.predictions import PREDICTION_SCHEMA, Reply, predictions, rescored, truncation
from evaluation.prompts import INSTRUCTIONS, Messages, prompt_of
from medgym_core.actions import render_call
from medgym_core.errors import MedGymError
from medgym_core.types import Call

SPEC = BENCHMARKS["medqa"]
SETTING = Setting(16, 512)
ITEMS = [
    Item(f"t/{n}", f"Question {n}?", "ABCD"[n % 4], {"A": "one", "B": "two words", "C": "three", "D": "four"})
    for n in range(8)
]


def fixed(letter: str = "B", text: str = "", truncated: int = 0) -> Prompted:
    """Prefers one letter, and says one text."""

    def score_letters(prompts: Sequence[Messages], letters: Sequence[Sequence[str]]) -> list[Scored]:
        return [Scored({k: log(0.7 if k == letter else 0.1) for k in one}, truncated) for one in letters]

    def generate(prompts: Sequence[Messages], most: int) -> list[Generated]:
        return [Generated(text, truncated) for _ in prompts]

    @contextmanager
    def voice(limits, seed):
        raise AssertionError("not played")

    return Prompted("fixed", "fixed", generate, score_letters, voice)


def run(policy, mode: str = "logprob"):
    return predictions(ITEMS, policy.replies(ITEMS, SPEC, mode, SETTING), SPEC.score, mode)


def correct(table) -> list[bool]:
    return [verdict == "correct" for verdict in table.column("verdict").to_pylist()]


def test_logprob_mode_answers_with_the_likeliest_letter() -> None:
    table = run(fixed("C"))
    assert table.schema == PREDICTION_SCHEMA and table.column("item_id").to_pylist() == [i.id for i in ITEMS]
    assert correct(table) == [item.gold == "C" for item in ITEMS]
    assert table.column("value").to_pylist() == [float(item.gold == "C") for item in ITEMS]
    assert dict(table.column("logprobs")[0].as_py()) == pytest.approx(
        {k: log(0.7 if k == "C" else 0.1) for k in "ABCD"}
    )


def test_an_indifferent_model_is_a_constant_policy() -> None:
    assert set(run(fixed("none of them")).column("answer").to_pylist()) == {"A"}


@pytest.mark.parametrize(
    "text",
    [
        "B",
        "Answer: B",
        "two words",
        "<think>A? No.</think>B",
        render_call(Call("submit_answer", {"answer": "(B)", "evidence": "A, C"})),
    ],
)
def test_both_modes_score_the_same_answer_alike(text: str) -> None:
    by_text, by_logprob = run(fixed(text=text), "text"), run(fixed("B"))
    for name in ("answer", "verdict", "value", "gold", "item_id"):
        assert by_text.column(name).equals(by_logprob.column(name))


@pytest.mark.parametrize(
    "text", ["A, B, C, D", "", "I cannot say.", "\ud800", render_call(Call("search", {"query": "B"}))]
)
def test_text_without_one_letter_is_unparsable_and_never_right(text: str) -> None:
    table = run(fixed(text=text), "text")
    assert set(table.column("verdict").to_pylist()) == {"unparsable"} and not any(table.column("value").to_pylist())
    assert table.column("answer").null_count == len(ITEMS)


def test_truncated_prompts_are_counted() -> None:
    assert truncation(run(fixed(truncated=5))) == {"truncated_items": 8, "truncated_tokens": 40}
    assert truncation(run(fixed())) == {"truncated_items": 0, "truncated_tokens": 0}


def test_a_prompt_shows_context_question_and_options_and_never_gold() -> None:
    item = Item("t/1", "Why?", "A", {"A": "one", "B": "two"}, context="An abstract.")
    shown = prompt_of(item, "choice").messages
    assert shown == prompt_of(replace(item, gold="B", accepted=("one",), bounds=(1, 2)), "choice").messages
    assert shown[0] == {"role": "system", "content": INSTRUCTIONS["choice"]}
    assert shown[1]["content"] == "An abstract.\n\nWhy?\n\nA. one\nB. two"


def test_what_stands_before_the_question_stands_before_it() -> None:
    before = ({"role": "assistant", "content": "I look."}, {"role": "tool", "content": "x: 1"})
    shown = prompt_of(Item("t/1", "Why?", "one", before=before), "short").messages
    assert [m["role"] for m in shown] == ["system", "assistant", "tool", "user"]


def test_scores_are_made_anew_from_the_kept_texts() -> None:
    table = run(fixed(text="B"), "text")
    anew = rescored(table, ITEMS, lambda text, item: Score("wrong", 0.25, text, {"x": 1.0}), "text")
    assert set(anew.column("value").to_pylist()) == {0.25} and anew.column("text").equals(table.column("text"))
    assert anew.column("details").to_pylist() == [[("x", 1.0)]] * 8


def test_nulls_and_oracle_stand_beside_every_result() -> None:
    def share(policy, mode: str) -> int:
        return sum(correct(run(policy, mode)))

    for mode in ("text", "logprob"):
        assert share(oracle(SPEC), mode) == 8
        assert {p.name: share(p, mode) for p in null_policies(ITEMS, SPEC)} == {
            **{f"null:always_{letter}": 2 for letter in "ABCD"},
            "null:longest_option": 2,
            "null:all_options": 0,
            "null:question_echo": 0,
            "null:fixed_paragraph": 0,
            "null:empty": 0,
        }


@pytest.mark.parametrize(
    ("kind", "golds", "said"),
    [
        ("short", ["no", "yes", "no"], {"always_yes": "yes", "always_no": "no", "most_common": "no"}),
        ("number", ["1", "10", "4"], {"always_0": "0", "median": "4"}),
        ("long", ["Rest."], {"empty": "", "question_echo": "Why?"}),
    ],
)
def test_every_kind_has_nulls_of_its_own(kind: str, golds: list[str], said: dict[str, str]) -> None:
    items = [Item(f"t/{n}", "Why?", gold) for n, gold in enumerate(golds)]
    found = nulls(items, replace(SPEC, kind=kind))
    assert {name: found[name](items[0]) for name in said} == said
    assert {"question_echo", "fixed_paragraph", "empty"} <= set(found)


def test_a_policy_that_skips_items_or_letters_is_refused() -> None:
    whole = fixed()
    few = replace(whole, score_letters=lambda p, wanted: whole.score_letters(p, [one[:2] for one in wanted]))
    with pytest.raises(MedGymError, match="letters were not scored"):
        run(few)
    with pytest.raises(MedGymError, match="got 7; expected 8"):
        run(replace(whole, generate=lambda prompts, most: whole.generate(prompts[1:], most)), "text")
    with pytest.raises(MedGymError, match="no log-probabilities"):
        run(replace(whole, score_letters=None))
    with pytest.raises(MedGymError, match="got 1; expected 8"):
        predictions(ITEMS, [Reply("A")], SPEC.score, "text")

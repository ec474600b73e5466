"""Overlaps of thirteen words are found whatever the case and punctuation, and twelve are none."""

from hypothesis import given
from hypothesis import strategies as st

from medgym_core.decontamination import GRAM, grams, holders, overlaps, task_text

WORDS = [f"word{n}" for n in "abcdefghijklmnopqrst"]


def test_thirteen_words_in_a_row_are_an_overlap_and_twelve_are_not() -> None:
    held = holders({"t": " ".join(WORDS)})
    assert overlaps(held, [", ".join(WORDS[:GRAM]).upper()]) == {"t": " ".join(WORDS[:GRAM])}
    assert overlaps(held, [" ".join(WORDS[: GRAM - 1])]) == {}


def test_a_gram_never_spans_two_parts() -> None:
    assert overlaps(holders({"t": " ".join(WORDS[:7]) + " | " + " ".join(WORDS[7:14])}), [" ".join(WORDS)]) == {}


@given(st.lists(st.sampled_from(WORDS), max_size=40), st.integers(0, 30))
def test_any_window_of_a_text_is_found_in_it(words, start) -> None:
    text = " ".join(words)
    window = " ".join(words[start : start + GRAM])
    found = overlaps(holders({"t": window}), [text])
    assert bool(found) == (len(list(grams(window))) > 0)


def test_gold_history_and_notes_of_a_task_are_compared_too(small_tasks) -> None:
    task = next(t for t in small_tasks if t.story.topics and t.chart.complaint)
    told = next(layer for layers in task.story.topics.values() for layer in layers)
    assert told in task_text(task) and task.chart.complaint in task_text(task) and task.prompt in task_text(task)

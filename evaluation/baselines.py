"""Null policies of a multiple-choice benchmark: answers that need no medicine. They stand beside every result.

Each is a function from an item to an answer text, scored by the same scorer as any policy. `oracle` answers with gold
and must reach 100 %; a constant letter must reach exactly its share of the gold letters.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from evaluation.benchmarks import Benchmark
from evaluation.item import Item
from evaluation.scorers.choice import judge

PARAGRAPH = (
    "The presentation should be weighed against the history, the examination and the available results. Common and "
    "dangerous causes both deserve consideration, and management depends on the stability of the patient. Guidelines "
    "recommend an individual decision, close observation and reassessment once further results are available."
)

Answerer = Callable[[Item], str]


def oracle(item: Item) -> str:
    return item.gold


def longest_option(item: Item) -> str:
    """The letter of the longest option text; the first of equals."""
    return max(item.options, key=lambda letter: len(item.options[letter]))


def all_options(item: Item) -> str:
    return "\n".join(f"{letter}. {text}" for letter, text in item.options.items())


def question_echo(item: Item) -> str:
    return item.question


def fixed_paragraph(item: Item) -> str:
    return PARAGRAPH


def nulls(items: Sequence[Item]) -> dict[str, Answerer]:
    """Every null policy of these items by name: one constant for each letter in use, and the answers above."""
    letters = sorted({letter for item in items for letter in item.options})
    constants: dict[str, Answerer] = {f"always_{letter}": (lambda item, letter=letter: letter) for letter in letters}
    return constants | {
        "longest_option": longest_option,
        "all_options": all_options,
        "question_echo": question_echo,
        "fixed_paragraph": fixed_paragraph,
    }


def accuracy(answer: Answerer, items: Sequence[Item]) -> float:
    """Share of items answered correctly; an unparsable answer is not correct."""
    return sum(judge(answer(item), item)[1] == "correct" for item in items) / len(items)


def check_benchmark(benchmark: Benchmark) -> dict[str, Any]:
    """JSON-able facts that show the scorer is fair: gold at 1.0, no letters off, and what each null scores.

    `letters_off` lists the letters whose constant policy does not score exactly its share of the gold letters.
    """
    items, spec = benchmark.items, benchmark.spec
    shares = Counter(item.gold for item in items)
    scored = {name: accuracy(answer, items) for name, answer in nulls(items).items()}
    letters = [name.removeprefix("always_") for name in scored if name.startswith("always_")]
    return {
        "name": spec.name,
        "items": len(items),
        "published_items": spec.published_items,
        "file": spec.files[0],
        "metric": spec.metric,
        "licence": spec.licence,
        "chance": spec.chance,
        "gold": accuracy(oracle, items),
        "letters_off": [letter for letter in letters if scored[f"always_{letter}"] != shares[letter] / len(items)],
        "nulls": scored,
    }

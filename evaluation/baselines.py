"""Null policies of a benchmark: answers that need no medicine. They stand beside every result.

Each is a function from an item to an answer text, scored by the same scorer as any policy. The gold policy must reach
100 %; a constant letter must reach exactly its share of the gold letters. What a null knows of a benchmark (its
letters, its commonest answer, its median) it knows from all items of the file, so a sample of them has the same nulls.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from evaluation.item import Item, Spec

PARAGRAPH = (
    "The presentation should be weighed against the history, the examination and the available results. Common and "
    "dangerous causes both deserve consideration, and management depends on the stability of the patient. Guidelines "
    "recommend an individual decision, close observation and reassessment once further results are available."
)
LISTED = 10  # answers that the null of the short answers lists, numbers that the null of the numbers lists

Answerer = Callable[[Item], str]


def gold_text(item: Item, spec: Spec) -> str:
    """The answer that must score 1: the benchmark's own `gold_answer` where its module has one, else the gold."""
    from evaluation.agentic_items import exported

    own = exported(spec, "gold_answer")
    return own(item) if own is not None else item.gold


def nulls(items: Sequence[Item], spec: Spec) -> dict[str, Answerer]:
    """Every null policy of these items by name; those of its own where the benchmark's module has some (`NULLS`)."""
    from evaluation.agentic_items import exported

    return {**_OWN[spec.kind](items), **ANY, **(exported(spec, "NULLS") or {})}


def _choice(items: Sequence[Item]) -> dict[str, Answerer]:
    letters = sorted({letter for item in items for letter in item.options})
    constants = {f"always_{letter}": _always(letter) for letter in letters}
    return {**constants, "longest_option": longest_option, "all_options": all_options}


def _short(items: Sequence[Item]) -> dict[str, Answerer]:
    counts = Counter(item.gold for item in items)
    common = sorted(counts, key=lambda gold: (-counts[gold], gold))[:LISTED]
    return {
        "always_yes": _always("yes"),
        "always_no": _always("no"),
        "most_common": _always(common[0]),
        "all_options": _always(", ".join(common)),
    }


def _number(items: Sequence[Item]) -> dict[str, Answerer]:
    golds = [number for number in map(number_of, (item.gold for item in items)) if number is not None]
    listed = ", ".join(str(n) for n in range(1, LISTED + 1))
    middle = {"median": _always(f"{median(golds):g}")} if golds else {}
    return {"always_0": _always("0"), **middle, "all_options": _always(listed)}


def number_of(text: str) -> float | None:
    """The number that a gold is; None for a date or a span of time, which some golds of that kind are."""
    try:
        return float(text)
    except ValueError:
        return None


def _long(items: Sequence[Item]) -> dict[str, Answerer]:
    return {}


def _always(text: str) -> Answerer:
    return lambda item: text


def longest_option(item: Item) -> str:
    """The letter of the longest option text; the first of equals."""
    return max(item.options, key=lambda letter: len(item.options[letter]))


def all_options(item: Item) -> str:
    return "\n".join(f"{letter}. {text}" for letter, text in item.options.items())


def question_echo(item: Item) -> str:
    return item.question


def fixed_paragraph(item: Item) -> str:
    return PARAGRAPH


def empty(item: Item) -> str:
    return ""


_OWN: Mapping[str, Callable[[Sequence[Item]], dict[str, Answerer]]] = {
    "choice": _choice,
    "short": _short,
    "number": _number,
    "long": _long,
}
ANY: Mapping[str, Answerer] = {f.__name__: f for f in (question_echo, fixed_paragraph, empty)}

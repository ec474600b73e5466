"""One scorer for every benchmark of short answers, whatever the mode: an answer is read once, then compared as a whole.

The text is read without the reference (`short_reading`). It is right when the form (`short_form`) of the phrase it
commits to equals the form of the reference or of a further accepted answer. There is no credit for shared words: a text
that holds the right words among others is wrong. For a reference of yes or no, what the text says decides; a text that
says both or neither is unparsable, as is a text that commits to nothing. The reference itself is always right.

The details hold `token_f1`, against the nearest reference: papers report it, it is not the metric.
"""

from evaluation.item import Item, Score, Verdict
from evaluation.scorers.short_form import Form, token_f1
from evaluation.scorers.short_reading import Reading, led_form, read_short

POLAR: frozenset[Form] = frozenset({("yes",), ("no",)})


def score_short(text: str, item: Item) -> Score:
    """1 for an answer equal to the item's gold or to one of its accepted answers, else 0. Never raises on any text."""
    golds = (item.gold, *item.accepted)
    verdict, answer = _judge(text, read_short(text), golds)
    f1 = max(token_f1(text, gold) for gold in golds)
    return Score(verdict, float(verdict == "correct"), answer, {"token_f1": f1})


def _judge(text: str, reading: Reading, golds: tuple[str, ...]) -> tuple[Verdict, str | None]:
    wanted = {led_form(gold) for gold in golds}
    polar = wanted & POLAR
    if _is_reference(text, golds, wanted):
        return "correct", (reading.polarity if polar else reading.answer) or text.strip()
    if polar and reading.polarity is not None:
        return ("correct" if (reading.polarity,) in polar else "wrong"), reading.polarity
    if reading.forms & (wanted - polar):
        return "correct", reading.answer
    if polar or not reading.forms:
        return "unparsable", None
    return "wrong", reading.answer


def _is_reference(text: str, golds: tuple[str, ...], wanted: set[Form]) -> bool:
    """Whether a text is a reference as a whole: also one that reads like a refusal or a question, or has no letters."""
    form = led_form(text)
    return form in wanted if form else text.strip() in {gold.strip() for gold in golds} - {""}

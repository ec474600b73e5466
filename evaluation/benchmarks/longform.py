"""Long answers: LiveQA, MedicationQA, HealthSearchQA and K-QA, and the answer that a perfect policy gives to them."""

from evaluation.benchmarks import healthsearchqa, kqa, liveqa, medicationqa
from evaluation.item import Item, Spec

SPECS: tuple[Spec, ...] = (*liveqa.SPECS, *medicationqa.SPECS, *healthsearchqa.SPECS, *kqa.SPECS)


def gold_answer(item: Item) -> str:
    """Every must-have and nice-to-have statement, a line each, then the reference answer; it scores 1.

    The reference answer alone does not: most were written before the statements, which add to it or say it in words
    that the rule does not recognise. Where there is no must-have statement the reference answer is all there is.
    """
    return "\n".join([*item.must_have, *item.nice_to_have, item.gold]) if item.must_have else item.gold

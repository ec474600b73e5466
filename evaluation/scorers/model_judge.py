"""Statements of long answers read by a model in place of the rule, and how far either agrees with labels.

The model is an `evaluation.judge.ModelJudge`, or any function of statement and text: one question whether the answer
makes the statement, and where it does not, one whether it makes the contrary. A reply that is neither yes nor no
leaves the statement unread; it is counted, and earns nothing. An endpoint that does not answer stops the scoring.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np

from evaluation.benchmarks.files import read_lines, text_of
from evaluation.item import Item, Score
from evaluation.scorers.long import scored
from evaluation.scorers.pieces import pieces_of
from evaluation.scorers.statements import Reading, read_statement
from evaluation.statistics import CONFIDENCE, RESAMPLES, Estimate, wilson
from medgym_core.assertions import Judge
from medgym_core.errors import MedGymError

CONTRARY = "The following is false: {statement}"
NO_VERDICT = "the judge's answer is none"
"""How `evaluation.judge` begins the error for a reply that is neither yes nor no."""
READINGS: tuple[Reading, ...] = get_args(Reading)


@dataclass(frozen=True)
class Labelled:
    """A statement, an answer, and what a person says the answer does with it."""

    statement: str
    answer: str
    label: Reading
    kind: str
    """What makes it easy or hard, such as `paraphrase`."""
    half: str
    """`dev`: seen while the rule was written; `test`: not."""


@dataclass(frozen=True)
class StatementAgreement:
    """How the readings of one reader stand to the labels, over the statements that it read."""

    raw: Estimate
    """Share of equal readings."""
    kappa: Estimate
    """Cohen's kappa (Cohen 1960) over the three readings."""
    unread: int
    confusion: dict[str, dict[str, int]]
    """Count by label and reading."""


class StatementJudge:
    """Reads statements by a model. `unread` counts the replies so far that were no verdict."""

    def __init__(self, judge: Judge):
        self.judge = judge
        self.unread = 0

    def entails(self, statement: str, answer: str) -> bool | None:
        """Whether the answer makes the statement; None where the model gave no verdict."""
        try:
            return self.judge(statement, answer)
        except MedGymError as error:
            if not str(error).startswith(NO_VERDICT):
                raise
            self.unread += 1
            return None

    def contradicts(self, statement: str, answer: str) -> bool | None:
        """Whether the answer makes the contrary of the statement; None where the model gave no verdict."""
        return self.entails(CONTRARY.format(statement=statement), answer)

    def read(self, statement: str, answer: str) -> Reading | None:
        """The two verdicts as one reading; None where one that is needed is missing."""
        entailed = self.entails(statement, answer)
        if entailed is not False:
            return "covered" if entailed else None
        contrary = self.contradicts(statement, answer)
        return None if contrary is None else "contradicted" if contrary else "neither"


def score_by_model(text: str, item: Item, judge: StatementJudge) -> Score:
    """The score of a long answer as `score_long` gives it, with the model's readings. A further detail `unread` counts
    the statements that the model gave no verdict on; they count as not made."""
    if not pieces_of(text, item.question):
        found, unread = scored(text, item, lambda statement: "neither", states=False), 0.0
    else:
        readings = {s: judge.read(s, text) for s in (*item.must_have, *item.nice_to_have)}
        found = scored(text, item, lambda statement: readings[statement] or "neither")
        unread = float(sum(reading is None for reading in readings.values()))
    return replace(found, details={**found.details, "unread": unread})


def read_by_rule(statement: str, answer: str) -> Reading:
    """What the rule reads, for a comparison with labels."""
    return read_statement(statement, pieces_of(answer))


def read_labelled(path: Path) -> list[Labelled]:
    """A labelled sample: JSON lines with statement, answer, label, kind and half."""
    found = []
    for where, record in read_lines(path):
        statement, answer, label, kind, half = (
            text_of(record, name, where) for name in ("statement", "answer", "label", "kind", "half")
        )
        reading = next((r for r in READINGS if r == label), None)
        if reading is None:
            raise MedGymError("unknown label", got=repr(label), expected=", ".join(READINGS), where=where)
        found.append(Labelled(statement, answer, reading, kind, half))
    return found


def statement_agreement(
    labels: Sequence[Reading], readings: Sequence[Reading | None], seed: int = 0
) -> StatementAgreement:
    """Agreement of readings with labels, with 95 % intervals: Wilson's for the raw share, the percentile bootstrap over
    statements for kappa. Raises MedGymError where they do not match, nothing was read or all labels are equal."""
    if len(labels) != len(readings):
        raise MedGymError("labels do not match readings", got=len(readings), expected=len(labels))
    pairs = [(label, reading) for label, reading in zip(labels, readings, strict=True) if reading is not None]
    if len({label for label, _ in pairs}) < 2:
        raise MedGymError("nothing to agree on", got=f"{len(pairs)} statements read", expected="two labels or more")
    counts_33 = np.zeros((3, 3), dtype=np.int64)
    for label, reading in pairs:
        counts_33[READINGS.index(label), READINGS.index(reading)] += 1
    confusion = {r: dict(zip(READINGS, map(int, row), strict=True)) for r, row in zip(READINGS, counts_33, strict=True)}
    raw = wilson(int(np.trace(counts_33)), len(pairs))
    return StatementAgreement(raw, _kappa(pairs, counts_33, raw, seed), len(labels) - len(pairs), confusion)


def _kappa(pairs: list[tuple[Reading, Reading]], counts_33: np.ndarray, raw: Estimate, seed: int) -> Estimate:
    """Where all are equal, or none is, the bootstrap would claim certainty: then the raw share gives the interval."""
    from sklearn.metrics import cohen_kappa_score

    value = float(cohen_kappa_score(*zip(*pairs, strict=True), labels=list(READINGS)))
    if raw.value in (0.0, 1.0):
        chance = float((counts_33.sum(axis=0) * counts_33.sum(axis=1)).sum()) / len(pairs) ** 2
        low, high = ((bound - chance) / (1 - chance) for bound in (raw.low, raw.high))
        return Estimate(value, min(low, value), max(high, value), len(pairs), len(pairs))
    drawn_R33 = np.random.default_rng(seed).multinomial(len(pairs), counts_33.ravel() / len(pairs), RESAMPLES)
    share_R33 = drawn_R33.reshape(-1, 3, 3) / len(pairs)
    chance_R = (share_R33.sum(axis=1) * share_R33.sum(axis=2)).sum(axis=1)
    equal_R = np.trace(share_R33, axis1=1, axis2=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        kappas_R = np.where(chance_R < 1, (equal_R - chance_R) / (1 - chance_R), np.nan)
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.nanpercentile(kappas_R, [tail, 100 - tail])
    return Estimate(value, min(float(low), value), max(float(high), value), len(pairs), len(pairs))

"""The lab questions of both data sets: first, last and highest values, counts, order in time, and what is absent.

A test is asked for only where its results are few enough to be shown, and a value only where the record leaves no
doubt: numbers in one unit, one value at the time in question, no result on the edge of a window.
"""

from collections.abc import Sequence
from random import Random

from evaluation.benchmarks.record_questions import MOST_CONCERNED, Draft, Lab, Stay, Template, number
from evaluation.benchmarks.record_scores import NOT_RECORDED

LEAST_ROWS = 3  # results of a test, for its first or last to be a question
COMMON = 1 / 3  # share of stays in which a test is measured, for its absence to be a question
HOURS_MAX, HOURS_COUNT = 24, 48


def first_value(stay: Stay, rng: Random) -> Draft | None:
    return _end_value(stay, rng, "first")


def last_value(stay: Stay, rng: Random) -> Draft | None:
    return _end_value(stay, rng, "last")


def highest_value(stay: Stay, rng: Random) -> Draft | None:
    """The highest value of a test in a window that holds at least two of its results, all of them numbers."""
    choices = []
    for test, labs in _numeric(stay).items():
        inside = _window(labs, HOURS_MAX)
        if inside and len({lab.value for lab in inside}) > 1:
            choices.append((test, labs, max(lab.value for lab in inside)))
    if not choices:
        return None
    test, labs, value = rng.choice(choices)
    asked = f"What is the highest value of {test}{_in(labs[0].unit)} in the first {HOURS_MAX} hours after {stay.start}"
    return number(f"{asked}, in {stay.name}?", value, _rows(labs), labs[0].unit)


def result_count(stay: Stay, rng: Random) -> Draft | None:
    """How many results of a test a window holds; at least one."""
    choices = [(test, labs, _window(labs, HOURS_COUNT)) for test, labs in _numeric(stay).items()]
    choices = [choice for choice in choices if choice[2]]
    if not choices:
        return None
    test, labs, inside = rng.choice(choices)
    asked = f"How many results of {test} does the record hold for the first {HOURS_COUNT} hours after {stay.start}"
    return number(f"{asked}, in {stay.name}?", len(inside), _rows(labs))


def measured_before(stay: Stay, rng: Random) -> Draft | None:
    """Whether one test was first measured before another; never at the same time."""
    tests = _numeric(stay)
    if len(tests) < 2:
        return None
    one, other = rng.sample(list(tests), 2)
    if tests[one][0].minutes == tests[other][0].minutes:
        return None
    gold = "yes" if tests[one][0].minutes < tests[other][0].minutes else "no"
    asked = f"Was {one} measured for the first time before {other} was, in {stay.name}?"
    return Draft("yes_no", asked, gold, _rows([*tests[one], *tests[other]]))


def absent_value(stays: Sequence[Stay]) -> Template:
    """A value of a test that is common in these stays and that this stay does not have. A stay without any result asks
    nothing: its lab table may not have been published."""
    counts: dict[str, int] = {}
    units: dict[str, str] = {}
    measured = [stay for stay in stays if stay.labs]
    for stay in measured:
        for test, labs in _numeric(stay).items():
            counts[test] = counts.get(test, 0) + 1
            units.setdefault(test, labs[0].unit)
    common = sorted(test for test, count in counts.items() if count >= COMMON * len(measured))

    def make(stay: Stay, rng: Random) -> Draft | None:
        held = {lab.test for lab in stay.labs}
        missing = [test for test in common if test not in held]
        if not missing or not held:
            return None
        test = rng.choice(missing)
        return Draft("number", _end_question(rng.choice(("first", "last")), test, units[test], stay), NOT_RECORDED, {})

    return make


def _end_value(stay: Stay, rng: Random, end: str) -> Draft | None:
    """The first or last value of a test; there is one at that time, or several that are the same."""
    choices = []
    for test, labs in _numeric(stay).items():
        at = labs[0 if end == "first" else -1]
        if len(labs) >= LEAST_ROWS and {lab.value for lab in labs if lab.minutes == at.minutes} == {at.value}:
            choices.append((test, labs, at))
    if not choices:
        return None
    test, labs, at = rng.choice(choices)
    return number(_end_question(end, test, at.unit, stay), at.value, _rows(labs), at.unit)


def _end_question(end: str, test: str, unit: str, stay: Stay) -> str:
    return f"What is the {end} recorded value of {test}{_in(unit)} in {stay.name}?"


def _in(unit: str) -> str:
    return f" (in {unit})" if unit else ""


def _by_test(stay: Stay) -> dict[str, list[Lab]]:
    """Results by test, tests in order of their names. Left out are tests with more results than a question may rest
    on, and tests with a result of unknown time."""
    found: dict[str, list[Lab]] = {}
    for lab in stay.labs:
        found.setdefault(lab.test, []).append(lab)
    return {
        test: found[test]
        for test in sorted(found)
        if len(found[test]) <= MOST_CONCERNED and all(lab.minutes is not None for lab in found[test])
    }


def _numeric(stay: Stay) -> dict[str, list[Lab]]:
    """Tests whose every result is a number, in one unit."""
    return {
        test: labs
        for test, labs in _by_test(stay).items()
        if all(lab.value is not None for lab in labs) and len({lab.unit for lab in labs}) == 1
    }


def _window(labs: Sequence[Lab], hours: int) -> list[Lab]:
    """Results in the first hours; none where one lies on the window's edge, since the question does not say which
    side that is."""
    end = hours * 60
    if any(lab.minutes in (0, end) for lab in labs):
        return []
    return [lab for lab in labs if 0 < lab.minutes < end]


def _rows(labs: Sequence[Lab]) -> dict[str, frozenset[int]]:
    return {"labs": frozenset(lab.row for lab in labs)}

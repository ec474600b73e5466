"""Questions over the record of one stay: how they are drawn, and what their items hold.

A `Stay` is an admission or a unit stay with its tables. A template makes at most one draft of a stay; of the drafts of
a template an equal share becomes items, spread over golds and patients. Everything is drawn from digests of the seed
and the stay's id, so that items depend neither on the order of the rows nor on the machine.

Every question ends with the same offer, to answer "not recorded". Templates whose gold that is ask in the words of a
template that has answers, about the same tests and columns, so that the words of a question never tell its kind.

`Item.record` is `{"answer": kind, "tables": {name: {"note", "columns", "rows"}}}` with every row of the stay; all cells
are texts. `Item.context` shows the same tables; of a table with more than `MOST_SHOWN` rows it shows every row that
concerns the question, and other rows of the stay drawn by the seed, which distract.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from evaluation.benchmarks.record_scores import NOT_RECORDED
from evaluation.item import Item
from medgym_core.artifacts import digest_json

Answer = Literal["number", "short", "list", "yes_no"]
Table = dict[str, Any]
"""`note`, `columns` and `rows` (lists of texts)."""

SEED = 0
MOST_ITEMS = 200  # a data set: bounds a share to about 7 points either way
MOST_SHOWN = 30  # rows a table in `context`: five tables stay below ten thousand characters
MOST_CONCERNED = 20  # rows a question may rest on; leaves room for distracting ones

DAY_SLACK = 0.06  # days: an answer with one decimal place is right
LEAST_DAYS = 0.5  # below, the slack would let wrong lengths pass

FORMS: dict[Answer, str] = {
    "number": "Answer with one number.",
    "short": "Answer with the entry as the record has it.",
    "list": "Answer with the names as the record has them, separated by semicolons.",
    "yes_no": "Answer yes or no.",
}
OFFER = f'If the record does not say, answer "{NOT_RECORDED}".'


@dataclass(frozen=True)
class Lab:
    """One result."""

    test: str
    minutes: float | None
    """From the start of the stay; None: the record does not say."""
    value: float | None
    """None: not a number."""
    unit: str
    row: int
    """Index in the table `labs`."""


@dataclass(frozen=True)
class Stay:
    """The record of one stay."""

    id: str
    patient: str
    name: str
    """Such as `admission 142345`."""
    start: str
    """What its clock starts with: `admission`."""
    tables: dict[str, Table]
    labs: Sequence[Lab]
    """In the order of the table: by time."""


@dataclass(frozen=True)
class Draft:
    """A question with its gold."""

    answer: Answer
    question: str
    gold: str
    concerned: Mapping[str, frozenset[int]]
    """Rows the gold rests on, by table."""
    unit: str = ""
    bounds: tuple[float, float] | None = None
    accepted: tuple[str, ...] = ()


Template = Callable[[Stay, Random], Draft | None]


def build(name: str, stays: Sequence[Stay], templates: Mapping[str, Template]) -> list[Item]:
    """The items of a data set: at most `MOST_ITEMS`, at most an equal share of each template."""
    share = MOST_ITEMS // len(templates)
    items = []
    for template, make in templates.items():
        drafts = [(stay, make(stay, Random(f"{SEED}/{template}/{stay.id}"))) for stay in stays]
        kept = [(stay, draft) for stay, draft in drafts if draft is not None and _small(draft)]
        items += [_item(name, template, stay, draft) for stay, draft in _spread(template, kept, share)]
    return items


def number(question: str, value: float, concerned: Mapping[str, frozenset[int]], unit: str = "", slack: float = 0.0):
    """A draft with a numeric gold; values within `slack` of it are right."""
    return Draft("number", question, f"{value:.10g}", concerned, unit, (value - slack, value + slack))


def days(question: str, seconds: float, table: str, row: int) -> Draft | None:
    """A draft about a length of stay, from the times in one row; none for a length that is too short to ask for."""
    length = round(seconds / 86400, 4)
    return number(question, length, {table: frozenset({row})}, "d", DAY_SLACK) if length >= LEAST_DAYS else None


def rendered(tables: Mapping[str, Table], concerned: Mapping[str, frozenset[int]], key: str) -> str:
    """The tables as text, one line a row, cells separated by bars."""
    return "\n\n".join(_rendered(n, table, concerned.get(n, frozenset()), f"{key}/{n}") for n, table in tables.items())


def either(one: Template, other: Template) -> Template:
    """One of two templates, drawn for each stay; the other where that one has nothing to ask."""

    def make(stay: Stay, rng: Random) -> Draft | None:
        order = (one, other) if rng.random() < 0.5 else (other, one)
        return order[0](stay, rng) or order[1](stay, rng)

    return make


def cells(table: Table, column: str) -> list[str]:
    """A column of a table."""
    place = table["columns"].index(column)
    return [row[place] for row in table["rows"]]


def entry_of(table: Table, row: int) -> dict[str, str]:
    """One row of a table by column."""
    return dict(zip(table["columns"], table["rows"][row], strict=True))


def _small(draft: Draft) -> bool:
    return all(len(rows) <= MOST_CONCERNED for rows in draft.concerned.values())


def _spread(template: str, drafts: Sequence[tuple[Stay, Draft]], most: int) -> list[tuple[Stay, Draft]]:
    """At most `most` drafts, golds in turn and patients before their second stays."""
    drawn = sorted(drafts, key=lambda pair: digest_json([SEED, template, pair[0].id]))
    seen: dict[str, int] = {}
    ranked = []
    for stay, draft in drawn:
        seen[stay.patient] = seen.get(stay.patient, 0) + 1
        ranked.append((seen[stay.patient], stay, draft))
    by_gold: dict[str, list[tuple[Stay, Draft]]] = {}
    for _, stay, draft in sorted(ranked, key=lambda entry: entry[0]):
        by_gold.setdefault(draft.accepted[0] if draft.accepted else draft.gold, []).append((stay, draft))
    taken: list[tuple[Stay, Draft]] = []
    while by_gold and len(taken) < most:
        for gold in list(by_gold):
            taken.append(by_gold[gold].pop(0))
            if not by_gold[gold]:
                del by_gold[gold]
    return taken[:most]


def _item(name: str, template: str, stay: Stay, draft: Draft) -> Item:
    question = f"{draft.question} {FORMS[draft.answer]} {OFFER}"
    key = digest_json([template, stay.id, question, draft.gold])[:16]
    return Item(
        id=f"{name}/{key}",
        question=question,
        gold=draft.gold,
        context=rendered(stay.tables, draft.concerned, key),
        accepted=draft.accepted,
        bounds=draft.bounds,
        unit=draft.unit,
        record={"answer": draft.answer, "tables": stay.tables},
        group=template,
        cluster=f"patient {stay.patient}",
    )


def _rendered(name: str, table: Table, concerned: frozenset[int], key: str) -> str:
    rows = table["rows"]
    shown = range(len(rows))
    heading = f"{name} ({len(rows)} rows)"
    if len(rows) > MOST_SHOWN:
        others = [i for i in shown if i not in concerned]
        shown = sorted({*concerned, *Random(key).sample(others, MOST_SHOWN - len(concerned))})
        heading = f"{name} ({MOST_SHOWN} of {len(rows)} rows, among them all that concern the question)"
    lines = [" | ".join(cell.replace("|", "/") for cell in rows[i]) for i in shown]
    return "\n".join([f"{heading}. {table['note']}", " | ".join(table["columns"]), *lines])

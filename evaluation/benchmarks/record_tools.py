"""A record as an agent meets it: three tools that read its tables, and one that submits the answer.

The question is in the prompt, the tables are not. Filters are `column operator value`, read by a fixed grammar and
compared as numbers where both sides are numbers, else as text; nothing of the agent's text becomes a query language.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from evaluation.benchmarks.record_questions import Table
from evaluation.benchmarks.record_scores import score_record
from evaluation.benchmarks.worlds import WorldEpisode, WorldTask
from evaluation.item import Item
from medgym_core.errors import unknown_name
from medgym_core.tools import ToolError, tool
from medgym_core.types import Call

MOST_ROWS = 40  # rows a call shows: about a thousand tokens
MOST_FILTERS = 8
MAX_TURNS = 12  # the three tables a question may need, each described and read twice, less what a filter saves
SYSTEM = (
    "You answer a question about a hospital record. The record is in tables that the tools read. "
    "Look up what the question needs, work it out, and give the answer with submit_answer."
)

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {"=": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_FILTER = re.compile(r"\s*(\w+)\s*(<=|>=|!=|=|<|>|contains\b)\s*(.*?)\s*", re.DOTALL)


@dataclass
class Records:
    """The tables of one stay."""

    tables: dict[str, Table]
    minutes: int = 0

    def table(self, name: str) -> Table:
        if name not in self.tables:
            raise ToolError(str(unknown_name("table", name, self.tables)))
        return self.tables[name]


@tool("read", static=True)
def list_tables(world: Records) -> dict[str, Any]:
    """List the tables of the record with their numbers of rows."""
    return {name: f"{len(table['rows'])} rows" for name, table in world.tables.items()}


@tool("read", static=True)
def describe_table(world: Records, table: str) -> dict[str, Any]:
    """Say what a table holds: its columns and a first row.

    Args:
        table: Name of the table.
    """
    found = world.table(table)
    first = found["rows"][0] if found["rows"] else []
    return {
        "note": found["note"],
        "rows": len(found["rows"]),
        "columns": " | ".join(found["columns"]),
        "first row": " | ".join(first) or "none",
    }


@tool("read", static=True)
def query_table(
    world: Records,
    table: str,
    filters: tuple[str, ...] = (),
    columns: tuple[str, ...] = (),
    limit: int = 20,
    offset: int = 0,
) -> dict[str, Any]:
    """Show the rows of a table that meet every filter, in the order of the table, and how many those are.

    Args:
        table: Name of the table.
        filters: Conditions `column operator value`, such as `test = Potassium`. Operators are = != < <= > >= contains.
        columns: Columns to show; all where none is named.
        limit: Largest number of rows to show, 1 to 40.
        offset: Number of matching rows to pass over first.
    """
    found = world.table(table)
    if not 1 <= limit <= MOST_ROWS:
        raise ToolError("limit", got=limit, expected=f"1 to {MOST_ROWS}")
    if offset < 0:
        raise ToolError("offset", got=offset, expected="0 or more")
    if len(filters) > MOST_FILTERS:
        raise ToolError("too many filters", got=len(filters), expected=f"at most {MOST_FILTERS}")
    places = [_place(found, column) for column in columns] or list(range(len(found["columns"])))
    tests = [_condition(found, text) for text in filters]
    rows = [row for row in found["rows"] if all(test(row) for test in tests)]
    shown = rows[offset : offset + limit]
    lines = [" | ".join(row[i] for i in places) for row in shown]
    return {
        "matching rows": f"{len(rows)}, shown {len(shown)} from {offset}",
        "columns": " | ".join(found["columns"][i] for i in places),
        "rows": "\n" + "\n".join(lines) if lines else "none",
    }


@tool("submit", static=True)
def submit_answer(world: Records, answer: str) -> dict[str, Any]:
    """Give the final answer and end.

    Args:
        answer: The answer, in the form the question asks for.
    """
    return {}


TOOLS = (list_tables, describe_table, query_table, submit_answer)


def record_task(item: Item) -> WorldTask:
    """`Spec.task` of the record benchmarks."""
    tables: dict[str, Table] = item.record["tables"]
    look = Call("query_table", {"table": next(iter(tables))})
    return WorldTask(
        item=item,
        domain="records",
        system=SYSTEM,
        prompt=item.question,
        tools=TOOLS,
        make_world=lambda: Records(tables),
        score=score_record,
        reference=(Call("list_tables"), look, Call("submit_answer", {"answer": item.gold})),
        max_turns=MAX_TURNS,
    )


def make_episode(item: Item) -> WorldEpisode:
    """An episode of an item of the record benchmarks."""
    return WorldEpisode(record_task(item))


def _place(table: Table, column: str) -> int:
    if column not in table["columns"]:
        raise ToolError(str(unknown_name("column", column, table["columns"])))
    return table["columns"].index(column)


def _condition(table: Table, text: str) -> Callable[[Sequence[str]], bool]:
    match = _FILTER.fullmatch(text)
    if not match:
        expected = "`column operator value` with one of " + ", ".join([*OPERATORS, "contains"])
        raise ToolError("filter is not readable", got=repr(text[:80]), expected=expected)
    place, sign, value = _place(table, match.group(1)), match.group(2), match.group(3).strip("'\"")
    if sign == "contains":
        return lambda row: value.casefold() in row[place].casefold()
    compare, wanted = OPERATORS[sign], _number(value)

    def holds(row: Sequence[str]) -> bool:
        cell, number = row[place], _number(row[place])
        if wanted is not None and number is not None:
            return compare(number, wanted)
        if not cell and sign not in ("=", "!="):
            return False  # what was not recorded is neither more nor less
        return compare(cell.casefold(), value.casefold())

    return holds


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

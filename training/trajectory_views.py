"""Episodes as DuckDB views, for questions about many of them: no token array and no message is read.

    con = duckdb.connect()
    views(con, "rollouts/")
    con.sql("SELECT domain, turns, avg(correct::int) FROM episodes GROUP BY ALL ORDER BY ALL")

`episodes` has one row an episode; `turns` one row an assistant turn (from 0): its reward parts, sampled tokens, tool
name and error. What an older file does not hold is null.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from medgym_core.errors import MedGymError
from training.columns import known_columns
from training.trajectory import trajectory_files

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

IDENTITY = ("policy", "task", "domain", "split", "seed", "sample", '"group"', "run", "step")
FACTS = ("reward", "shaped_reward", "accuracy", "correct", "critical", "stop", "turns", "tool_calls", "tool_errors")
MORE = ("writes", "hint_kind", "parts")
COUNTED = {
    "key": "NULL::VARCHAR",
    "tokens": "len(token_ids)",
    "sampled_tokens": "len(list_filter(sampled, lambda x: x))",
    "degenerate": "''",
}
"""Columns that older files lack, and what stands for them."""
BY_TURN = {
    "reward": ("turn_rewards", "[turn + 1]"),
    "process": ("turn_parts", "[turn + 1]['process']"),
    "format": ("turn_parts", "[turn + 1]['format']"),
    "severity": ("turn_parts", "[turn + 1]['severity']"),
    "sampled_tokens": ("turn_tokens", "[turn + 1]"),
    "tool": ("turn_tools", "[turn + 1]"),
    "error": ("turn_errors", "[turn + 1]"),
}


def views(con: "DuckDBPyConnection", path: Path) -> None:
    """Make (or replace) the views `episodes` and `turns` over a file, a flat folder or a folder of parts.

    Raises MedGymError where there are no episodes, or they are of a newer version.
    """
    files = trajectory_files(path)
    schemas = [pq.read_schema(files[0]), pq.read_schema(files[-1])]
    for schema, file in zip(schemas, (files[0], files[-1]), strict=True):
        known_columns(schema, file)
    there = {name for schema in schemas for name in schema.names}
    source = f"read_parquet([{', '.join(map(_quoted, files))}], hive_partitioning=false, union_by_name=true)"
    counted = [name if name in there else f"{instead} AS {name}" for name, instead in COUNTED.items()]
    wanted = ", ".join([*counted, *IDENTITY, *FACTS, *MORE])
    con.sql(f"CREATE OR REPLACE TEMP VIEW episodes AS SELECT {wanted} FROM {source}")
    by_turn = [f"{c}{at} AS {name}" if c in there else f"NULL AS {name}" for name, (c, at) in BY_TURN.items()]
    columns = sorted({c for c, _ in BY_TURN.values() if c in there})
    key = "key" if "key" in there else COUNTED["key"] + " AS key"
    identity = f"{key}, policy, task, domain, sample, correct, turns AS of"
    con.sql(
        f"CREATE OR REPLACE TEMP VIEW turns AS SELECT * EXCLUDE ({', '.join([*columns, 'of'])}), {', '.join(by_turn)} "
        f"FROM (SELECT {identity}, {', '.join(columns)}, unnest(range(turns)) AS turn FROM {source})"
    )


def rows(con: "DuckDBPyConnection", query: str) -> list[dict[str, Any]]:
    """The answer to a query as dictionaries."""
    return con.sql(query).to_arrow_table().to_pylist()


def _quoted(file: Path) -> str:
    if any(c in "*?[" for c in str(file)):
        raise MedGymError("DuckDB would take this path as a pattern", got=file, expected="a path without * ? [")
    return "'" + str(file).replace("'", "''") + "'"

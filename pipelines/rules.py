"""What a task set must satisfy, written once: each Rule is a Great Expectations expectation and a Dagster check.

Facts that need more than one column (a tool the domain lacks, a family in two splits) are derived by DuckDB as
columns of one row a task; plain expectations then judge those columns.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class Rule:
    """One expectation on the facts table. `critical` blocks everything downstream; else it warns."""

    name: str
    why: str
    expectation: str
    """Class name in `great_expectations.expectations`."""
    arguments: dict[str, Any] = field(default_factory=dict)
    severity: Literal["critical", "warning"] = "critical"


RULES = [
    Rule("has_tasks", "An empty set trains and measures nothing.", "ExpectTableRowCountToBeBetween", {"min_value": 1}),
    Rule("ids_unique", "Results are joined by task id.", "ExpectColumnValuesToBeUnique", {"column": "id"}),
    Rule(
        "splits_known",
        "A task outside the three splits would be used by nobody.",
        "ExpectColumnValuesToBeInSet",
        {"column": "split", "value_set": ["train", "validation", "test"]},
    ),
    Rule(
        "prompts_readable",
        "A prompt is a question, not a stub and not a document.",
        "ExpectColumnValueLengthsToBeBetween",
        {"column": "prompt", "min_value": 20, "max_value": 4000},
    ),
    Rule(
        "gold_not_empty",
        "A task without gold cannot be graded.",
        "ExpectColumnValuesToBeInSet",
        {"column": "gold_empty", "value_set": [False]},
    ),
    Rule(
        "reference_tools_exist",
        "A reference that calls a tool the domain lacks cannot be done.",
        "ExpectColumnValuesToBeBetween",
        {"column": "unknown_tools", "max_value": 0},
    ),
    Rule(
        "reference_submits",
        "The last step of a reference is the submission.",
        "ExpectColumnValuesToBeInSet",
        {"column": "submits", "value_set": [True]},
    ),
    Rule(
        "reference_fits",
        "An expert must be able to finish within the turns allowed.",
        "ExpectColumnValuesToBeInSet",
        {"column": "fits", "value_set": [True]},
    ),
    Rule(
        "families_in_one_split",
        "A family that crosses splits leaks its decisive fact into the test.",
        "ExpectColumnValuesToBeBetween",
        {"column": "family_splits", "max_value": 1},
    ),
    Rule(
        "sources_named",
        "Every clinical fact has a source.",
        "ExpectColumnValuesToBeBetween",
        {"column": "sources", "min_value": 1},
    ),
    Rule(
        "every_split_filled",
        "A domain without a split cannot be trained, tuned or tested there.",
        "ExpectColumnValuesToBeBetween",
        {"column": "domain_splits", "min_value": 3},
        "warning",
    ),
    Rule(
        "no_type_dominates",
        "One type above 60 % of a domain hides the others in every average.",
        "ExpectColumnValuesToBeBetween",
        {"column": "type_share", "max_value": 0.6},
        "warning",
    ),
]

FACTS_SQL = """
with task as (
    select *, json_extract(truth, '$.gold.value') as gold,
           json_extract_string(reference, '$[*].name') as calls
    from read_parquet($tasks)
)
select id, domain, type, split, family, prompt,
       coalesce(gold in ('null', '""', '[]'), true) as gold_empty,
       len(list_filter(calls, lambda name: not list_contains(
           $tools[list_position($domains, domain)], name) and name <> $speech)) as unknown_tools,
       coalesce(list_contains($submissions, calls[-1]), false) as submits,
       len(calls) <= max_turns as fits,
       json_array_length(sources) as sources,
       (select count(distinct other.split) from task as other where other.family = task.family
            and other.domain = task.domain) as family_splits,
       (select count(distinct other.split) from task as other where other.domain = task.domain) as domain_splits,
       (select avg((other.type = task.type)::int) from task as other where other.domain = task.domain) as type_share
from task
order by id
"""


def facts(tasks: Path, tools: dict[str, list[str]], submissions: list[str]):
    """The facts table (pandas), one row a task.

    `tools` is domain to the names of its tools, `submissions` the names of those that submit.
    """
    import duckdb

    from medgym_core.types import SAY

    given = {"tasks": str(tasks), "domains": list(tools), "tools": list(tools.values())}
    given |= {"submissions": submissions, "speech": SAY}
    with duckdb.connect() as connection:
        return connection.execute(FACTS_SQL, given).df()


def judge(frame, docs: Path) -> list[dict[str, Any]]:
    """Run every rule over the facts with Great Expectations, in `RULES` order; Data Docs are written to `docs`.

    Each verdict is `{"name", "passed", "severity", "why", "unexpected", "sample"}`.
    """
    import great_expectations as gx
    import great_expectations.expectations as expectations
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    stores = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)  # a temporary site would lie outside the home
    context = gx.get_context(mode="ephemeral", project_config=DataContextConfig(store_backend_defaults=stores))
    context.variables.progress_bars = {"globally": False}
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(docs)}
    site = {
        "class_name": "SiteBuilder",
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        "store_backend": store,
    }
    context.add_data_docs_site("tasks", site)
    suite = context.suites.add(gx.ExpectationSuite("task_set"))
    for rule in RULES:
        kind = getattr(expectations, rule.expectation)
        suite.add_expectation(kind(**rule.arguments, meta={"rule": rule.name}, notes=rule.why, severity=rule.severity))
    batch = (
        context.data_sources.add_pandas("facts")
        .add_dataframe_asset("tasks")
        .add_batch_definition_whole_dataframe("all")
    )
    definition = context.validation_definitions.add(gx.ValidationDefinition(name="task_set", data=batch, suite=suite))
    actions = [gx.checkpoint.UpdateDataDocsAction(name="docs", site_names=["tasks"])]
    checkpoint = gx.Checkpoint(name="task_set", validation_definitions=[definition], actions=actions)
    result = context.checkpoints.add(checkpoint).run(batch_parameters={"dataframe": frame})
    (report,) = result.run_results.values()
    by_rule = {r.expectation_config.meta["rule"]: r for r in report.results}
    return [_verdict(rule, by_rule[rule.name]) for rule in RULES]


def _verdict(rule: Rule, result: Any) -> dict[str, Any]:
    found = result.result or {}
    return {
        "name": rule.name,
        "passed": bool(result.success),
        "severity": rule.severity,
        "why": rule.why,
        "unexpected": int(found.get("unexpected_count") or 0),
        "sample": [str(v) for v in (found.get("partial_unexpected_list") or [])[:5]],
    }

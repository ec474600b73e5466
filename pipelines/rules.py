"""What a task set must satisfy, written once: each Rule is a Great Expectations expectation and a Dagster check.

Three suites: rules on the rows, gates on every task, gates on every domain. Facts that need more than one column (such
as a tool the domain lacks) are derived by DuckDB as columns of one row a task; what the gates found by playing stands
in columns beside them. Plain expectations then judge the columns.
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

GATE_RULES = {
    "gradeable": "Every gold is non-empty and machine-checkable, and every unsafe action is penalised.",
    "oracle": "Every reference trajectory, and every alternative, runs without an error and scores full accuracy.",
    "evidence": "Every decisive fact is shown by an observation of the reference trajectory.",
    "null giveaway": "No prompt states its own answer.",
    "unique": "No two tasks share prompt and chart; families do not cross splits.",
    "clean": "No task stands in a benchmark.",
}
"""Gates on single tasks, with why."""
DOMAIN_GATES = {
    "null accuracy above chance": "No probe agent answers better than chance by more than 0.15.",
    "null composite": "No probe agent averages more than 0.25 composite.",
    "sensitivity": "Every patient tool gives different outputs for different patients, and none breaks.",
    "search": "At most one reference in twenty asks the knowledge base in vain for its evidence.",
}
"""Gates on a domain, with why."""


def column(gate: str) -> str:
    """The column in which a gate's finding stands."""
    return gate.replace(" ", "_")


TASK_GATE_RULES = [
    Rule(name, why, "ExpectColumnValuesToBeInSet", {"column": column(name), "value_set": [""]})
    for name, why in GATE_RULES.items()
]
DOMAIN_GATE_RULES = [
    Rule(name, why, "ExpectColumnValuesToBeBetween", {"column": column(name), "max_value": 0.0})
    for name, why in DOMAIN_GATES.items()
]
"""The columns hold the value less its threshold."""

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


def gate_frames(tasks: list[Any], results: list[Any]) -> tuple[Any, Any]:
    """The gates' findings as tables (pandas): one row a task with the reason it fails each gate (empty: it does not),
    and one row a domain with each value less its threshold."""
    import pandas as pd

    by_gate: dict[str, dict[str, str]] = {gate: {} for gate in GATE_RULES}
    excess: dict[str, dict[str, float]] = {}
    for r in results:
        if r.name in by_gate:
            by_gate[r.name] |= r.reasons
        else:
            excess.setdefault(r.domain, {"domain": r.domain})[column(r.name)] = r.value - r.threshold
    rows = [
        {"id": t.id, "domain": t.domain, "type": t.type} | {column(g): why.get(t.id, "") for g, why in by_gate.items()}
        for t in tasks
    ]
    columns = ["id", "domain", "type", *map(column, GATE_RULES)]
    return pd.DataFrame(rows, columns=columns), pd.DataFrame(
        list(excess.values()), columns=["domain", *map(column, DOMAIN_GATES)]
    )


def judge(frame: Any, docs: Path) -> list[dict[str, Any]]:
    """Run every rule on the rows, in `RULES` order; Data Docs are written to `docs`."""
    return judge_suites({"task_set": (RULES, frame)}, docs)["task_set"]


def judge_suites(suites: dict[str, tuple[list[Rule], Any]], docs: Path) -> dict[str, list[dict[str, Any]]]:
    """Run suites of rules, each over its table (pandas), with Great Expectations; Data Docs are written to `docs`.

    Each verdict is `{"name", "passed", "severity", "why", "unexpected", "sample"}`.
    """
    import great_expectations as gx
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
    source = context.data_sources.add_pandas("facts")
    return {name: _run_suite(context, source, name, rules, frame) for name, (rules, frame) in suites.items()}


def _run_suite(context: Any, source: Any, name: str, rules: list[Rule], frame: Any) -> list[dict[str, Any]]:
    import great_expectations as gx
    import great_expectations.expectations as expectations

    suite = context.suites.add(gx.ExpectationSuite(name))
    for rule in rules:
        kind = getattr(expectations, rule.expectation)
        suite.add_expectation(kind(**rule.arguments, meta={"rule": rule.name}, notes=rule.why, severity=rule.severity))
    batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("all")
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
    actions = [gx.checkpoint.UpdateDataDocsAction(name="docs", site_names=["tasks"])]
    checkpoint = gx.Checkpoint(name=name, validation_definitions=[definition], actions=actions)
    result = context.checkpoints.add(checkpoint).run(batch_parameters={"dataframe": frame})
    (report,) = result.run_results.values()
    by_rule = {r.expectation_config.meta["rule"]: r for r in report.results}
    return [_verdict(rule, by_rule[rule.name]) for rule in rules]


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

"""Asset checks. A critical one blocks: a bad task set produces no rollouts, a broken index no tasks."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from medgym_core.artifacts import Artifact
from pipelines import display
from pipelines.assets import ins
from pipelines.build import build_artifact
from pipelines.resources import Bench
from pipelines.rules import DOMAIN_GATES, GATE_RULES, RULES
from pipelines.steps import corpus, validation

TASK_SET = dg.AssetKey(["tasks", "task_set"])
READ = ("evaluation/benchmark_texts", "corpus/knowledge_base")
GATES = GATE_RULES | DOMAIN_GATES


def gate_check(gate: str) -> str:
    """Check name of a gate of the design, all domains together."""
    return "gate_" + gate.replace(" ", "_")


def _specs() -> list[dg.AssetCheckSpec]:
    wanted = [(rule.name, rule.why, rule.severity == "critical") for rule in RULES]
    wanted += [(gate_check(gate), why, True) for gate, why in GATES.items()]
    read = [dg.AssetKey.from_user_string(name) for name in READ]
    return [
        dg.AssetCheckSpec(name, asset=TASK_SET, description=why, blocking=blocking, additional_deps=read)
        for name, why, blocking in wanted
    ]


@dg.multi_asset_check(
    name="task_set_validation",
    specs=_specs(),
    ins=ins("tasks/task_set", *READ),
    description="Great Expectations over the rows, and the gates over played episodes.",
)
def task_set_validation(
    bench: Bench,
    task_set: Artifact,
    benchmark_texts: Artifact,
    knowledge_base: Artifact,
) -> Iterator[dg.AssetCheckResult]:
    built = build_artifact(
        bench.store,
        "tasks/validation",
        lambda folder: validation.validation(
            folder, task_set, benchmark_texts, corpus.knowledge(bench.store, knowledge_base)
        ),
        [task_set, benchmark_texts, knowledge_base],
    )
    verdicts = validation.read_verdicts(built.artifact)
    docs = dg.MetadataValue.path(built.artifact.path / validation.DOCS)
    rows = [v for v in verdicts["rules"] if v["name"] not in GATES]
    for verdict in rows:
        facts = {
            "unexpected": verdict["unexpected"],
            "sample": ", ".join(verdict["sample"]) or "none",
            "data_docs": docs,
        }
        yield _result(verdict["name"], verdict["passed"], verdict["severity"], facts)
    for gate in GATES:
        found = [v for v in verdicts["gates"] if v["name"] == gate]
        facts = {v["domain"]: f"{v['value']:.3f} (threshold {v['threshold']:g})" for v in found}
        facts["failures"] = (
            "; ".join(f"{i}: {why}" for v in found for i, why in list(v["reasons"].items())[:5]) or "none"
        )
        facts["data_docs"] = docs
        (judged,) = [v for v in verdicts["rules"] if v["name"] == gate]
        yield _result(gate_check(gate), judged["passed"] and all(v["passed"] for v in found), "critical", facts)


def _result(name: str, passed: bool, severity: str, facts: dict[str, Any]) -> dg.AssetCheckResult:
    level = dg.AssetCheckSeverity.ERROR if severity == "critical" else dg.AssetCheckSeverity.WARN
    if not passed:
        told = ", ".join(f"{key} {value}" for key, value in facts.items() if key != "data_docs")
        display.current().note(f"  tasks/task_set: {name} failed ({severity}): {told}")
    return dg.AssetCheckResult(check_name=name, asset_key=TASK_SET, passed=passed, severity=level, metadata=facts)


@dg.asset_check(asset=dg.AssetKey(["corpus", "passages"]), blocking=True)
def passages_are_sound(passages: Artifact) -> dg.AssetCheckResult:
    """Ids are unique, and no passage is without title, text, source or licence."""
    facts = corpus.passage_faults(passages)
    return dg.AssetCheckResult(passed=not any(facts.values()), metadata=facts)


@dg.asset_check(asset=dg.AssetKey(["corpus", "index"]), blocking=True, additional_ins=ins("corpus/embeddings"))
def index_reopens(index: Artifact, embeddings: Artifact) -> dg.AssetCheckResult:
    """The index opens in a new process, holds every vector and finds a stored one."""
    corpus.reopen(index, embeddings)
    return dg.AssetCheckResult(passed=True, metadata={"vectors": embeddings.rows})


@dg.asset_check(asset=dg.AssetKey(["training", "checkpoint"]), blocking=True)
def training_mechanisms_ran(checkpoint: Artifact) -> dg.AssetCheckResult:
    """Every mechanism of TT-OPD that is switched on has acted: its counter moved."""
    found = checkpoint.meta["mechanisms"]
    idle = [name for name, m in found.items() if m["enabled"] and not m["count"]]
    metadata = {name: f"{'on' if m['enabled'] else 'off'}, {m['count']} times" for name, m in found.items()}
    return dg.AssetCheckResult(passed=not idle, metadata=metadata)

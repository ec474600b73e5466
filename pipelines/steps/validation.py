"""The verdicts on a task set: rules over its rows, gates over its episodes; with Data Docs."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from medgym_core.artifacts import Artifact, Made, digest_json
from pipelines.steps.benchmarks import read_texts

DOCS = "data_docs/index.html"


def validation(folder: Path, task_set: Artifact, benchmark_texts: Artifact, knowledge: Any) -> Made:
    """verdicts.json (`rules`, `gates`) and data_docs/. The digest is that of the verdicts: the pages carry times."""
    path = task_set.path / "tasks.parquet"
    verdicts = {"task_set": task_set.digest}
    verdicts |= validate(path, knowledge, read_texts(benchmark_texts.path), folder / "data_docs")
    (folder / "verdicts.json").write_text(json.dumps(verdicts, indent=1), encoding="utf-8")
    judged = verdicts["rules"] + verdicts["gates"]
    return Made(
        len(judged), digest=digest_json(verdicts), meta={"failed": [v["name"] for v in judged if not v["passed"]]}
    )


def validate(path: Path, knowledge: Any, benchmark_texts: Iterable[str], docs: Path) -> dict[str, Any]:
    """`rules`: the verdict of every expectation, on rows, tasks and domains; `gates`: the gates by domain with their
    values. Data Docs go to `docs`."""
    from medgym_core.gates import as_json, run_gates
    from medgym_core.tasks import read_tasks
    from pipelines.rules import DOMAIN_GATE_RULES, RULES, TASK_GATE_RULES, gate_frames, judge_suites

    tasks = read_tasks(path)
    results = run_gates(tasks, knowledge, benchmark_texts)
    by_task, by_domain = gate_frames(tasks, results)
    suites = {
        "task_set": (RULES, task_facts(path)),
        "task_gates": (TASK_GATE_RULES, by_task),
        "domain_gates": (DOMAIN_GATE_RULES, by_domain),
    }
    judged = judge_suites(suites, docs)
    return {"rules": [v for verdicts in judged.values() for v in verdicts], "gates": as_json(results)}


def task_facts(path: Path) -> Any:
    """The facts table of a task file (pandas)."""
    from medgym_core import domains
    from pipelines.rules import facts

    loaded = [domains.get(name) for name in domains.NAMES]
    tools = {d.name: sorted(d.tools) for d in loaded}
    submissions = sorted({t.name for d in loaded for t in d.tools.values() if t.kind == "submit"})
    return facts(path, tools, submissions)


def read_verdicts(artifact: Artifact) -> dict[str, Any]:
    return json.loads((artifact.path / "verdicts.json").read_text(encoding="utf-8"))

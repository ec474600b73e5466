"""The verdicts on a task set: rules over its rows, gates over its episodes; with Data Docs."""

import json
from pathlib import Path
from typing import Any

from medgym_core.artifacts import Artifact, Made, digest_json
from pipelines.steps.benchmarks import item_texts

DOCS = "data_docs/index.html"


def validation(folder: Path, task_set: Artifact, benchmark_items: Artifact, knowledge: Any) -> Made:
    """verdicts.json (`rules`, `gates`) and data_docs/. The digest is that of the verdicts: the pages carry times."""
    from medgym_core.gates import as_json, run_gates
    from medgym_core.tasks import read_tasks

    path = task_set.path / "tasks.parquet"
    rules = rule_verdicts(path, folder / "data_docs")
    gates = as_json(run_gates(read_tasks(path), knowledge, item_texts(benchmark_items.path)))
    verdicts = {"task_set": task_set.digest, "rules": rules, "gates": gates}
    (folder / "verdicts.json").write_text(json.dumps(verdicts, indent=1), encoding="utf-8")
    failed = [v["name"] for v in rules + gates if not v["passed"]]
    return Made(len(rules) + len(gates), digest=digest_json(verdicts), meta={"failed": failed})


def rule_verdicts(tasks: Path, docs: Path) -> list[dict[str, Any]]:
    """The rules' verdicts on a task file; Data Docs go to `docs`."""
    from medgym_core import domains
    from pipelines.rules import facts, judge

    loaded = [domains.get(name) for name in domains.NAMES]
    tools = {d.name: sorted(d.tools) for d in loaded}
    submissions = sorted({t.name for d in loaded for t in d.tools.values() if t.kind == "submit"})
    return judge(facts(tasks, tools, submissions), docs)


def read_verdicts(artifact: Artifact) -> dict[str, Any]:
    return json.loads((artifact.path / "verdicts.json").read_text(encoding="utf-8"))

"""What a study found: tables with intervals, curves, and sentences that say what is shown and what is not.

report.md, study.json and curves.png. Scores are unshaped, on test tasks that nothing was chosen on; intervals are 95 %
(seeds, then families of tasks resampled), p values corrected over all comparisons of a table (Holm).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evaluation import statistics
from evaluation.agentic import evaluate_tasks, scripts
from evaluation.scores import ALL, NULL, Scores, score_policies
from medgym_core.artifacts import write_atomic
from pipelines.study.curves import draw
from pipelines.study.stages import START_SEED, Stages
from training.studies import START

ALPHA = 0.05
SEED = 0  # of the resampling

Table = list[list[str]]


def write_report(stages: Stages, name: str, seeds: Sequence[int], folder: Path) -> dict[str, Any]:
    """Write the report of a study whose arms are all there; what the command prints and gives as JSON."""
    study, arms = stages.study, list(stages.study.arms)
    tasks = stages.test_tasks()
    played = {START: [stages.read_rows(START, START_SEED)]}
    played |= {arm: [stages.read_rows(arm, seed) for seed in seeds] for arm in arms}
    scripted = {n: [evaluate_tasks(s, tasks, stages.knowledge, SEED)] for n, s in scripts().items()}
    scored = {}
    for way in ("greedy", "sampled"):
        rows = {arm: [tables[way] for tables in by_seed] for arm, by_seed in played.items()}
        scored[way] = {b: score_policies(rows | scripted, SEED, baseline=b) for b in (START, study.baseline)}
    logs = {arm: [_log(stages.arm(arm, seed).path) for seed in seeds] for arm in arms}
    types = _by_type({arm: [t["greedy"] for t in by_seed] for arm, by_seed in played.items()})
    hints = stages.hints()
    uses = json.loads((hints.path / "hints.json").read_text(encoding="utf-8"))
    tables = {
        f"Greedy, {len(tasks)} test tasks": _scores(scored["greedy"], [START, *arms], study.baseline),
        "Sampled at temperature 1": _scores(scored["sampled"], [START, *arms], study.baseline),
        "Behaviour in training, first and last five steps": _behaviour(logs),
        "Accuracy by type of task, greedy": types,
        "The hint in the prompt of the start, validation tasks, temperature 1": _hints(uses),
        "Mechanisms: counters of the first seed": _counters({arm: stages.arm(arm, seeds[0]).meta for arm in arms}),
    }
    found = findings(scored["greedy"], [START, *arms], study.baseline) + hint_findings(uses)
    folder.mkdir(parents=True, exist_ok=True)
    draw(folder / "curves.png", logs)
    about = {
        "study": name, "seeds": list(seeds), "common": study.common, "arms": study.arms, "domain": study.domain,
        "types": study.types, "level": study.level, "test_tasks": len(tasks),
        "start": stages.start().meta["policy_digest"],
    }  # fmt: skip
    estimates = {way: {b: s.as_dict() for b, s in by.items()} for way, by in scored.items()}
    document = {**about, "tables": tables, "findings": found, "report": str(folder / "report.md")}
    write_atomic(folder / "study.json", json.dumps({**document, "scores": estimates}, indent=1))
    write_atomic(folder / "report.md", _markdown(about, tables, found))
    return document


def findings(scored: Mapping[str, Scores], arms: Sequence[str], baseline: str) -> list[str]:
    """One sentence for each arm and metric against the start and the baseline: better, worse, or not shown."""
    said = []
    for rival, scores in scored.items():
        rows = scores.comparisons.to_pylist()
        for row in rows:
            if row["domain"] != ALL or row["against"] != rival or row["policy"] not in arms:
                continue
            if row["policy"] == START:
                continue
            what = f"{row['policy']} against {rival}, {row['metric']}"
            size = f"{row['difference']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]"
            if row["p_holm"] < ALPHA:
                better = "better" if row["difference"] > 0 else "worse"
                said.append(f"Shown: {what}: {better}, {size}, corrected p {row['p_holm']:.3g}.")
            else:
                said.append(
                    f"Not shown: {what}: {size}, corrected p {row['p_holm']:.2f}; a true difference of "
                    f"{row['detectable']:.3f} would be found in four of five such studies."
                )
    return said


def hint_findings(uses: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Whether each hint changes what the start does: its use as a teacher rests on that."""
    said = []
    for kind, use in uses.items():
        if kind == "none":
            continue
        got = statistics.paired_bootstrap(np.array(use["by_task"]), np.array(uses["none"]["by_task"]), SEED)
        size = f"{got.value:+.3f} [{got.low:+.3f}, {got.high:+.3f}]"
        carries = "changes accuracy" if got.low > 0 or got.high < 0 else "carries nothing that shows in accuracy"
        said.append(f"The hint '{kind}' in the prompt {carries}: {size} against no hint ({got.n} tasks).")
    return said


def _scores(scored: Mapping[str, Scores], arms: Sequence[str], baseline: str) -> Table:
    """Accuracy and composite of every arm, oracle and best null, with differences from the baseline and the start."""
    scores = scored[baseline]
    estimates = {(r["policy"], r["metric"]): r for r in scores.estimates.to_pylist() if r["domain"] == ALL}
    nulls = [p for p, m in estimates if p.startswith(NULL) and m == "composite"]
    best = max(nulls, key=lambda p: estimates[p, "composite"]["value"])
    header = ["arm", "accuracy", "composite"]
    header += [f"accuracy - {START}", f"accuracy - {baseline}", f"composite - {baseline}", "seeds"]
    rows = [header]
    for arm in [*arms, "oracle", best]:
        cells = [arm, *(_interval(estimates[arm, m]) for m in ("accuracy", "composite"))]
        for rival, metric in ((START, "accuracy"), (baseline, "accuracy"), (baseline, "composite")):
            cells.append(_difference(scored[rival], arm, rival, metric))
        rows.append([*cells, str(estimates[arm, "accuracy"]["seeds"])])
    return rows


def _interval(row: Mapping[str, Any]) -> str:
    return f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


def _difference(scores: Scores, arm: str, rival: str, metric: str) -> str:
    key = (arm, rival, ALL, metric)
    for r in scores.comparisons.to_pylist():
        if (r["policy"], r["against"], r["domain"], r["metric"]) == key:
            return f"{r['difference']:+.3f} [{r['low']:+.3f}, {r['high']:+.3f}] p {r['p_holm']:.2f}"
    return ""


def _behaviour(logs: Mapping[str, Sequence[Sequence[Mapping[str, Any]]]]) -> Table:
    """Means over seeds, early and late."""
    keys = ("accuracy", "composite", "sampled_tokens", "turns", "tool_calls", "tool_errors")
    rows = [["arm", *keys, "alarms"]]
    for arm, runs in logs.items():
        steps = [[r for r in run if "reward_shaped" in r] for run in runs]
        cells = []
        for key in keys:
            ends = [[float(np.mean([r[key] for r in part])) for part in (run[:5], run[-5:])] for run in steps]
            first, last = np.mean(ends, axis=0)
            cells.append(f"{first:.2f} -> {last:.2f}")
        rung = sorted({name for run in steps for r in run for name in r.get("alarms", [])})
        rows.append([arm, *cells, ", ".join(rung) or "none"])
    return rows


def _by_type(arms: Mapping[str, Sequence[Any]]) -> Table:
    """Mean over seeds and tasks of each type."""
    types = sorted({t for tables in arms.values() for table in tables for t in table["type"].to_pylist()})
    rows = [["arm", *types]]
    for arm, tables in arms.items():
        right: dict[str, list[bool]] = {}
        for table in tables:
            for kind, correct in zip(table["type"].to_pylist(), table["correct"].to_pylist(), strict=True):
                right.setdefault(kind, []).append(correct)
        rows.append([arm, *(f"{np.mean(right[kind]):.3f}" for kind in types)])
    return rows


def _hints(uses: Mapping[str, Mapping[str, Any]]) -> Table:
    keys = ("accuracy", "composite", "turns", "tool_calls", "sampled_tokens")
    return [["hint", *keys], *([kind, *(f"{use[k]:.3f}" for k in keys)] for kind, use in uses.items())]


def _counters(metas: Mapping[str, Mapping[str, Any]]) -> Table:
    names = ("hint", "ema", "truncation", "cosine", "zero_variance_groups", "degenerate", "teacher_masked")
    return [["arm", *names], *([arm, *(str(m["counters"].get(n, 0)) for n in names)] for arm, m in metas.items())]


def _log(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def _markdown(about: Mapping[str, Any], tables: Mapping[str, Table], found: Sequence[str]) -> str:
    types = ", ".join(about["types"])
    lines = [
        f"# Study {about['study']}",
        f"{len(about['arms'])} arms and the start, {len(about['seeds'])} seeds, {about['common']['rl.steps']} steps. "
        f"Tasks: {about['domain']} up to level {about['level']}, {types}; {about['test_tasks']} test tasks. All arms "
        f"start from the same clone ({about['start'][:12]}). Scores are unshaped; intervals 95 %.",
    ]
    for title, rows in tables.items():
        head, *body = [f"| {' | '.join(row)} |" for row in rows]
        lines += [f"## {title}", "\n".join([head, "|" + " --- |" * len(rows[0]), *body])]
    lines += ["## What is shown and what is not", "\n".join(f"- {sentence}" for sentence in found)]
    lines += ["## Curves", "Mean over seeds, with their range.", "![curves](curves.png)"]
    lines += ["## Settings", "\n".join(f"- `{k}`: {v}" for k, v in about["common"].items())]
    lines += ["\n".join(f"- {arm}: `{own}`" for arm, own in about["arms"].items())]
    return "\n\n".join(lines) + "\n"

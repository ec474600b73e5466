"""The task set measured: gates, probes, difficulty, decontamination, time; prints docs/tasks.md.

    python benchmarks/tasks.py --per-domain 600 > docs/tasks.md

Builds the set twice (the digests must agree), runs the gates against every benchmark file of MEDGYM_DATA, lets the null
agents, the scripted mediocre agent and the oracle play, and counts overlaps file by file.
"""

import argparse
import time
from collections.abc import Sequence
from typing import Any

from evaluation.statistics import bootstrap_mean
from evaluation.texts import benchmark_files, texts_of
from medgym_core import domains
from medgym_core.card import card, markdown
from medgym_core.decontamination import GRAM, holders, overlaps, task_text
from medgym_core.gates import GateResult, chance, play, probe_table, run_gates
from medgym_core.home import data
from medgym_core.knowledge.search import KnowledgeBase
from medgym_core.mediocre import Mediocre
from medgym_core.probes import reference_texts
from medgym_core.release import build_release
from medgym_core.tasks import tasks_digest
from medgym_core.types import Task

LEVELS = (1, 2, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--per-domain", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    knowledge = KnowledgeBase.shipped()
    began = time.perf_counter()
    tasks = build_release(options.seed, options.per_domain, knowledge)
    built = time.perf_counter()
    root = data()
    files = {path.relative_to(root).as_posix(): list(texts_of(path)) for path in benchmark_files(root)} if root else {}
    results = run_gates(tasks, knowledge, [text for texts in files.values() for text in texts])
    gated = time.perf_counter()
    again = tasks_digest(build_release(options.seed, options.per_domain, knowledge))
    digest = tasks_digest(tasks)
    command = f"python benchmarks/tasks.py --per-domain {options.per_domain} --seed {options.seed}"
    print(f"<!-- Written by `{command} > docs/tasks.md`. -->\n")
    print(card(tasks, digest, options.seed))
    print("## Build and gates\n")
    print(f"Built in {built - began:.0f} s; benchmarks read and gates run in {gated - built:.0f} s;")
    print(f"a second build gives {'the same digest' if again == digest else 'ANOTHER DIGEST'}.\n")
    print("\n".join(gate_table(results)))
    print("\n## Probes\n\n" + PROBES + "\n")
    print("\n".join(probes(tasks, knowledge)))
    print("\n## Difficulty\n\n" + DIFFICULTY + "\n")
    print("\n".join(difficulty(tasks, knowledge)))
    print(f"\n## Decontamination\n\n{DECONTAMINATION.format(gram=GRAM)}\n")
    print("\n".join(decontamination(tasks, files)))


PROBES = """\
Accuracy above chance and mean composite of every null agent (limits .15 and .25), on all tasks; `majority` and
`prompt_reader` are fitted on the training split and play the rest. Chance is guessing among the options."""
DIFFICULTY = """\
The scripted mediocre agent follows the expert's look-ups for three turns or two thirds of the way, then copies or
matches patterns (`medgym_core/mediocre.py`). It is fitted on the training split and plays validation and test.
Composite by level with 95 % intervals (bootstrap over families), between the best null agent and the oracle."""
DECONTAMINATION = """\
Every text of every benchmark file (questions, options, answers, contexts, of all splits in the folder) against every
task's prompt, gold, complaint, notes and history: runs of {gram} words in a row, lower case, punctuation aside."""


def gate_table(results: Sequence[GateResult]) -> list[str]:
    names = list(dict.fromkeys(r.name for r in results))
    rows = []
    for domain in dict.fromkeys(r.domain for r in results):
        found = {r.name: r for r in results if r.domain == domain}
        rows.append([domain, *(f"{found[n].value:.3f}" + ("" if found[n].passed else " FAILED") for n in names)])
    return markdown(["domain", *names], rows)


def probes(tasks: Sequence[Task], knowledge: Any) -> list[str]:
    columns: dict[str, dict[str, str]] = {}
    for domain in domains.NAMES:
        here = [t for t in tasks if t.domain == domain]
        guessed = sum(chance(t.truth.gold) for t in here) / len(here)
        oracle = [play(t, reference_texts(t), knowledge).score() for t in here]
        columns[domain] = {"chance": f"{guessed:.2f}"}
        for name, (above, composite) in probe_table(here, knowledge).items():
            columns[domain][name] = f"{above:+.2f} / {composite:.2f}"
        right = sum(r.correct for r in oracle) / len(oracle)
        columns[domain]["oracle"] = f"{right:.2f} / {sum(r.composite for r in oracle) / len(oracle):.2f}"
    agents = list(next(iter(columns.values())))
    rows = [[agent, *(columns[d][agent] for d in domains.NAMES)] for agent in agents]
    return markdown(["agent", *domains.NAMES], rows)


def difficulty(tasks: Sequence[Task], knowledge: Any) -> list[str]:
    agent = Mediocre([t for t in tasks if t.split == "train"], knowledge)
    held_out = [t for t in tasks if t.split != "train"]
    rewards = {t.id: play(t, agent.texts(t), knowledge).score() for t in held_out}
    rows = []
    for domain in (*domains.NAMES, "all"):
        here = [t for t in held_out if domain in (t.domain, "all")]
        by_domain = [[t for t in held_out if t.domain == d] for d in domains.NAMES if domain in (d, "all")]
        nulls = max(max(c for _, c in probe_table(some, knowledge).values()) for some in by_domain)
        cells = [f"{nulls:.2f}"]
        for level in (*LEVELS, None):
            some = [t for t in here if level in (t.level, None)]
            cells.append(_mean([rewards[t.id].composite for t in some], [f"{t.domain}/{t.family}" for t in some]))
        right = sum(rewards[t.id].correct for t in here) / len(here)
        hard = [t for t in here if t.hard]
        rows.append([domain, len(here), *cells, f"{right:.2f}", len(hard)])
    header = ["domain", "tasks", "best null", *(f"level {n}" for n in LEVELS), "all levels", "accuracy", "hard"]
    return markdown(header, rows)


def _mean(values: list[float], families: list[str]) -> str:
    if not values:
        return "-"
    if len(set(families)) < 2:
        return f"{sum(values) / len(values):.2f} (n {len(values)})"
    found = bootstrap_mean(values, 0, families)
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}] (n {len(values)})"


def decontamination(tasks: Sequence[Task], files: dict[str, list[str]]) -> list[str]:
    if not files:
        return ["MEDGYM_DATA is not set: no benchmark file to compare with."]
    held = holders({t.id: task_text(t) for t in tasks})
    rows = [[name, len(texts), len(overlaps(held, texts))] for name, texts in files.items()]
    rows.append(["all", sum(r[1] for r in rows), sum(r[2] for r in rows)])
    return [f"{len(held)} runs in the tasks.", "", *markdown(["file", "texts", "tasks that overlap"], rows)]


if __name__ == "__main__":
    main()

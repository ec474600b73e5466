"""The data card of a task set: what it holds, where it comes from, what it is for and where it is weak (Markdown)."""

from collections import Counter
from collections.abc import Iterable, Sequence

from medgym_core.types import Task

HEAD = """\
# MedGym Tasks v1

{tasks} tasks in {domains} domains, {types} task types, {families} families; content digest `{digest}`{seed}.
{hard} tasks are in the hard subset: validation and test, level 3, and failed by the scripted mediocre agent.

A task is a question, a chart that tools can read, a history only the patient knows, a truth only the verifier sees, and
a reference trajectory through the same interface. Families share their decisive fact and stand in one split, fixed by
hash (70 % train, 10 % validation, 20 % test). The level counts the patient's complexity, the turns needed and the
traits below (`medgym_core/difficulty.py`).
"""
LIMITS = """\
- All patients are synthetic, drawn from curated facts; nothing is measured on people. Not for clinical use.
- Facts cite guideline, label, paper or textbook by name and year. Most were entered from knowledge of the source and
  not re-read beside it; a physician's and a pharmacist's review has not been done.
- Prompts come from grammars: varied, but less so than clinicians' own words. English only, mostly United States
  practice and units.
- A scripted agent that copies the value which usually decides answers part of the tasks (`docs/tasks.md` says how many
  a domain): those types measure tool use more than judgement.
- Images are drawn from parameters and look schematic. Skill on them does not carry over to clinical images.
- Answers with synonyms are matched by tables: a right answer in words that no table has is marked wrong.
- Small types have few families in the validation split; compare types on the test split, with their intervals.
"""


def card(tasks: Sequence[Task], digest: str, seed: int | None = None) -> str:
    """The card of these tasks."""
    counts = {
        "tasks": len(tasks),
        "domains": len({t.domain for t in tasks}),
        "types": len({(t.domain, t.type) for t in tasks}),
        "families": len({(t.domain, t.family) for t in tasks}),
        "hard": sum(t.hard for t in tasks),
    }
    head = HEAD.format(**counts, digest=digest, seed="" if seed is None else f", seed {seed}")
    sections = {
        "By domain": _domains(tasks),
        "Kinds of answer": _counted("gold", (t.truth.gold.kind for t in tasks)),
        "What makes cases hard": _counted("trait", (trait for t in tasks for trait in t.traits)),
        "Safety content": _harms(tasks),
        "Sources (the ten most used)": _counted("source", (s for t in tasks for s in set(t.sources)), most=10),
        "Limits and known weaknesses": [LIMITS],
    }
    return "\n".join([head, *(line for name, body in sections.items() for line in (f"## {name}", "", *body, ""))])


def _domains(tasks: Sequence[Task]) -> list[str]:
    header = [
        "domain",
        "tasks",
        "types",
        "families",
        "train",
        "validation",
        "test",
        "hard",
        "level 1",
        "2",
        "3",
        "alternatives",
    ]
    rows = []
    for domain in dict.fromkeys(t.domain for t in tasks):
        here = [t for t in tasks if t.domain == domain]
        split, level = Counter(t.split for t in here), Counter(t.level for t in here)
        rows.append([
            domain, len(here), len({t.type for t in here}), len({t.family for t in here}),
            *(split[s] for s in ("train", "validation", "test")), sum(t.hard for t in here),
            *(level[n] for n in (1, 2, 3)), sum(bool(t.alternatives) for t in here),
        ])  # fmt: skip
    return markdown(header, rows)


def _harms(tasks: Sequence[Task]) -> list[str]:
    """Tasks with an unsafe way out, by kind of harm and worst severity; and those whose answer is to ask for more."""
    worst: Counter[tuple[str, int]] = Counter()
    for task in tasks:
        severity: dict[str, int] = {}
        for action in task.truth.unsafe:
            severity[action.category] = max(severity.get(action.category, 0), action.severity)
        worst.update(severity.items())
    kinds = sorted({kind for kind, _ in worst})
    rows = [[kind, *(worst[kind, n] for n in range(1, 6)), sum(worst[kind, n] for n in range(1, 6))] for kind in kinds]
    some = sum(bool(t.truth.unsafe) for t in tasks)
    critical = sum(any(u.severity == 5 for u in t.truth.unsafe) for t in tasks)
    asked = sum("missing data" in t.traits for t in tasks)
    return [
        f"{some} tasks have an unsafe way out, {critical} a potentially fatal one; in {asked} something is missing.",
        "",
        *markdown(["harm (tasks by worst severity)", "1", "2", "3", "4", "5", "all"], rows),
    ]  # fmt: skip


def _counted(name: str, values: Iterable[str], most: int | None = None) -> list[str]:
    counts = sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))[:most]
    return markdown([name, "tasks"], [[value, n] for value, n in counts])


def markdown(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """A Markdown table, numbers to the right."""
    right = [bool(rows) and all(isinstance(row[i], int | float) for row in rows) for i in range(len(header))]
    lines = ["| " + " | ".join(header) + " |", "|" + "|".join("---:" if r else "---" for r in right) + "|"]
    return lines + ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]

"""What the tools of a domain answer over many patients: the facts behind the sensitivity gate and `medgym tools`."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from medgym_core import domains
from medgym_core.tasks import TaskPool
from medgym_core.tools import Tool, ToolError, World, find
from medgym_core.types import SAY, Call, Struct, Task

CHARTS = 60
MORE_CHARTS = 600  # tried before a tool is called constant: enough for a tool that one type of twenty uses


class ToolOutputs(Struct):
    """What one tool answered over many charts."""

    kind: str
    static: bool
    charts: int = 0
    refused: int = 0
    """Calls answered with a ToolError: the case does not allow them, and the message says why."""
    failures: list[str] = []
    """Anything else a call raised: a fault of the tool."""
    distinct: set[str] = set()
    """Different answers, for equal arguments where there are any."""


def constant_or_broken(domain: str, tasks: Sequence[Task], knowledge: Any) -> dict[str, str]:
    """Reading tools that are not declared static and answer everybody alike (ids do not count), and tools that break.

    A tool that seems constant on a small task set is tried on further patients of the domain before it is called so.
    """
    found = tool_outputs(domain, tasks, knowledge)
    constant = _constant(found)
    if constant:
        more = TaskPool(domain, "train", MORE_CHARTS, knowledge)
        constant = _constant(tool_outputs(domain, more, knowledge, constant))
    bad = {name: "answers every patient alike" for name in constant}
    return bad | {name: f"broke: {o.failures[0]}" for name, o in found.items() if o.failures}


def tool_outputs(
    domain: str, tasks: Sequence[Task], knowledge: Any, names: Iterable[str] = ()
) -> dict[str, ToolOutputs]:
    """Run the tools of the domain (or those of `names`) on charts of `tasks`: with their example arguments, and where a
    reference calls them.

    At least `CHARTS` charts where there are as many, and more while a patient tool has answered all alike.
    """
    spread = sorted(range(len(tasks)), key=lambda i: (i * CHARTS % len(tasks), i))
    result = {}
    tools = domains.get(domain).tools
    for name, tool in {n: tools[n] for n in names or tools}.items():
        found = ToolOutputs(tool.kind, tool.static)
        answers: dict[str, set[str]] = defaultdict(set)
        for i in spread:
            settled = tool.static or tool.kind != "read" or any(len(a) > 1 for a in answers.values())
            if found.charts >= CHARTS and settled:
                break
            found.charts += 1
            for calls in _ways(name, tasks[i], domains.get(domain)):
                try:
                    text = _run(tools, tasks[i], knowledge, calls)
                except Exception as error:  # the registry reports a broken tool and goes on to the next
                    found.failures.append(f"{type(error).__name__}: {error} in {tasks[i].id}")
                    continue
                if text is None:
                    found.refused += 1
                else:
                    answers[repr(calls)].add(text.replace(tasks[i].chart.patient_id, ""))
        found.distinct = max(answers.values(), key=len, default=set())
        result[name] = found
    return result


def _constant(found: dict[str, ToolOutputs]) -> list[str]:
    return [name for name, o in found.items() if o.kind == "read" and not o.static and len(o.distinct) < 2]


def _ways(name: str, task: Task, domain: domains.Domain) -> list[list[Call]]:
    """The calls that lead to one of `name`: its examples, and the reference up to it (a result needs its order)."""
    ways = [[Call(name, a)] for a in domain.examples.get(name, [{}])]
    calls = [c for c in task.reference if c.name != SAY]
    names = [c.name for c in calls]
    return ways + ([calls[: names.index(name) + 1]] if name in names else [])


def _run(tools: dict[str, Tool], task: Task, knowledge: Any, calls: list[Call]) -> str | None:
    """What the last call shows in a fresh episode; None where it is refused."""
    world = World(task.chart, knowledge)
    try:
        return [find(tools, c.name).run(world, c.arguments) for c in calls][-1]
    except ToolError:
        return None

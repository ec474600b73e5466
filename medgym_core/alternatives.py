"""Other good paths through a case: the same work in another order, or a look-up that shows the same.

A candidate counts only where playing it scores like the reference: right answer, nothing unsafe, the decisive findings
shown, no error.
"""

from collections.abc import Iterator
from typing import Any

from medgym_core import domains
from medgym_core.actions import render_call
from medgym_core.episode import play
from medgym_core.rewards import contains
from medgym_core.types import SAY, Call, Step, Task

LEAST_COMPOSITE = 0.95
MOST = 2


def alternatives(task: Task, knowledge: Any = None) -> list[list[Call]]:
    """At most two good paths besides the reference; none where the case allows no other."""
    found: list[list[Call]] = []
    for path in _candidates(task):
        if path != task.reference and path not in found and good(task, path, knowledge):
            found.append(path)
            if len(found) == MOST:
                break
    return found


def good(task: Task, path: list[Call], knowledge: Any) -> bool:
    """Whether the path scores like a reference."""
    episode = play(task, [render_call(c) for c in path], knowledge)
    reward = episode.score()
    return (
        episode.done
        and episode.turns == len(path)
        and not episode.tool_errors
        and reward.correct
        and reward.composite >= LEAST_COMPOSITE
    )


def _candidates(task: Task) -> Iterator[list[Call]]:
    """Each step done by an equivalent call, then independent neighbouring look-ups exchanged."""
    *calls, submission = task.reference
    for step in task.truth.steps:
        for other in (c for c in step.instead if c.name != SAY):
            yield [*(other if _does(call, step) else call for call in calls), submission]
    tools = domains.get(task.domain).tools
    bound = {s.after for s in task.truth.steps}
    for i in range(len(calls) - 1):
        first, second = calls[i : i + 2]
        free = all(c.name != SAY and tools[c.name].kind == "read" and c.name not in bound for c in (first, second))
        if free:
            yield [*calls[:i], second, first, *calls[i + 2 :], submission]


def _does(call: Call, step: Step) -> bool:
    return call.name == step.tool and contains(call.arguments, step.arguments)

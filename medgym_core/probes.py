"""Scripted agents: the reference that must score full marks and the null agents that must not score at all.

Each gives the assistant texts of one episode, in order. A null agent may use what an agent sees (prompt, options it
can guess, tool names) and the names of the expected tools, never their arguments or the gold.
"""

from collections.abc import Callable
from random import Random

from medgym_core import domains
from medgym_core.actions import render_call
from medgym_core.types import SAY, Call, Gold, Task

Script = Callable[[Task, int], list[str]]

ESSAY = (
    "After careful consideration of the presentation, the history, the medication list and the relevant guidelines, "
    "weighing benefits and risks and in view of patient safety, I have reviewed all findings and reached a conclusion."
)

INTERVIEW = "Please tell me everything: your complaint, your pain, illnesses, medicines, allergies, habits and family."


def reference_texts(task: Task) -> list[str]:
    """What an expert does, as assistant texts."""
    return [render_call(c) for c in task.reference]


def _submit(task: Task, choose: Callable[[Gold], str], evidence: str = "") -> str:
    """The submission the task asks for, every graded argument filled by `choose`."""
    gold = task.truth.gold
    filled = {f: choose(g) for f, g in gold.fields.items()} or {"answer": choose(gold)}
    return render_call(Call(task.reference[-1].name, {**filled, "evidence": evidence}))


def _constant(gold: Gold) -> str:
    return gold.options[len(gold.options) // 2] if gold.options else "1"


def submit_at_once(task: Task, seed: int) -> list[str]:
    """The first option, nothing else."""
    return [_submit(task, lambda gold: gold.options[0] if gold.options else "0")]


def constant_answer(task: Task, seed: int) -> list[str]:
    """The middle option, whatever the case."""
    return [_submit(task, _constant)]


def random_answer(task: Task, seed: int) -> list[str]:
    """A random option."""
    rng = Random(f"{seed}/{task.id}")
    return [_submit(task, lambda gold: rng.choice(gold.options) if gold.options else str(rng.randint(0, 20)))]


def list_all_options(task: Task, seed: int) -> list[str]:
    """Every option at once."""
    return [_submit(task, lambda gold: ", ".join(gold.options) or "0, 1, 2, 3, 4, 5", "all of the above")]


def empty_calls(task: Task, seed: int) -> list[str]:
    """The expected tools with empty arguments, then a constant answer."""
    names = list(dict.fromkeys(c.name for c in task.reference[:-1] if c.name != SAY))
    return [render_call(Call(n)) for n in names] + [_submit(task, _constant)]


def tool_name_spam(task: Task, seed: int) -> list[str]:
    """All tool names in prose, then a constant answer that names them again."""
    names = ", ".join(domains.get(task.domain).tools)
    return [f"I would now use {names}.", _submit(task, _constant, names)]


def ticket_echo(task: Task, seed: int) -> list[str]:
    """The prompt as answer and as evidence."""
    return [_submit(task, lambda gold: task.prompt, task.prompt)]


def fluent_essay(task: Task, seed: int) -> list[str]:
    """A fluent essay without tools."""
    return [ESSAY, _submit(task, _constant, ESSAY)]


def random_tools(task: Task, seed: int) -> list[str]:
    """Three random tools with empty arguments, then a random answer."""
    rng = Random(f"{seed}/{task.id}/tools")
    names = [n for n, t in domains.get(task.domain).tools.items() if t.kind == "read"]
    return [render_call(Call(n)) for n in rng.sample(names, min(3, len(names)))] + random_answer(task, seed)


def interview(task: Task, seed: int) -> list[str]:
    """Every topic asked by one question without a tool, then a constant answer."""
    return [INTERVIEW, _submit(task, _constant, INTERVIEW)]


NULLS: dict[str, Script] = {
    f.__name__: f
    for f in (
        submit_at_once, constant_answer, random_answer, list_all_options, empty_calls,
        tool_name_spam, ticket_echo, fluent_essay, random_tools, interview,
    )
}  # fmt: skip

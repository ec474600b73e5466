"""The seven gates of a task set (design section 4). Each gives a verdict, its value, and the ids that fail it."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from medgym_core import domains
from medgym_core.episode import Episode
from medgym_core.probes import NULLS, reference_texts
from medgym_core.rewards import grade
from medgym_core.tasks import TaskPool, case_identity
from medgym_core.text import all_ngrams, ngrams, normal
from medgym_core.tools import Tool, ToolError, World, find
from medgym_core.types import SAY, Call, Gold, Struct, Task

ORACLE_COMPOSITE = 0.95
NULL_ACCURACY = 0.15  # above chance
NULL_COMPOSITE = 0.25
SENSITIVITY_CHARTS = 60
MORE_CHARTS = 600  # tried before a tool is called constant: enough for a tool that one type of twenty uses


class GateResult(Struct, frozen=True):
    """The verdict of one gate on one domain."""

    name: str
    domain: str
    passed: bool
    value: float
    threshold: float
    failures: list[str]
    """Ids of failing tasks, tools or probes."""


def run_gates(
    tasks: list[Task], knowledge: Any, benchmark_texts: Iterable[str] = (), passages: Iterable[str] = ()
) -> list[GateResult]:
    """All gates on every domain of `tasks`. `passages` are the texts of the knowledge base, for the clean gate."""
    banned = all_ngrams(benchmark_texts)
    leaked = [f"passage {i}" for i, text in enumerate(passages) if banned and ngrams(text) & banned]
    results = []
    for domain in dict.fromkeys(t.domain for t in tasks):
        here = [t for t in tasks if t.domain == domain]
        played = {t.id: play(t, reference_texts(t), knowledge) for t in here}
        results += [
            gradeable(domain, here), oracle(domain, here, played), evidence(domain, here, played),
            *null(domain, here, knowledge), sensitivity(domain, here, knowledge), unique(domain, here),
            clean(domain, here, banned, leaked),
        ]  # fmt: skip
    return results


def play(task: Task, texts: list[str], knowledge: Any) -> Episode:
    """An episode with these assistant texts; texts after the end are not sent."""
    episode = Episode(task, knowledge)
    for text in texts:
        if episode.done:
            break
        episode.step(text)
    return episode


def gradeable(domain: str, tasks: list[Task]) -> GateResult:
    """Every gold is non-empty, and the grader accepts it as its own answer."""

    def graded(task: Task) -> bool:
        golds = list(task.truth.gold.fields.values()) or [task.truth.gold]
        return bool(task.truth.steps) and all(g.value not in ("", []) and _accepts_itself(g) for g in golds)

    return _by_task("gradeable", domain, tasks, graded)


def _accepts_itself(gold: Gold) -> bool:
    return grade(gold, gold_answer(gold))[0] == "correct"


def gold_answer(gold: Gold) -> str:
    """The gold as an agent would submit it."""
    value = gold.value
    return ", ".join(value) if isinstance(value, list) else f"{value:g}" if isinstance(value, float) else str(value)


def gold_text(task: Task) -> str:
    """All right answers of a task in one text."""
    gold = task.truth.gold
    return "; ".join(map(gold_answer, gold.fields.values())) if gold.fields else gold_answer(gold)


def chance(gold: Gold) -> float:
    """Accuracy of guessing among the options; 0 where the answer is open."""
    if gold.fields:
        return math.prod(chance(g) for g in gold.fields.values())
    return 1 / len(gold.options) if gold.options else 0.0


def oracle(domain: str, tasks: list[Task], played: dict[str, Episode]) -> GateResult:
    """The reference trajectory runs without an error, answers right and scores at least 0.95."""

    def good(task: Task) -> bool:
        episode = played[task.id]
        reward = episode.score()
        return (
            episode.tool_errors == 0
            and not episode.truncated
            and reward.correct
            and reward.composite >= ORACLE_COMPOSITE
        )

    return _by_task("oracle", domain, tasks, good)


def evidence(domain: str, tasks: list[Task], played: dict[str, Episode]) -> GateResult:
    """Every decisive finding is shown by an observation of the reference trajectory."""

    def shown(task: Task) -> bool:
        seen = [normal(e.observation) for e in played[task.id].events if e.kind != "submit"]
        facts = [normal(f"{e.label} {e.value}") for e in task.truth.evidence]
        return bool(facts) and all(any(f in s for s in seen) for f in facts)

    return _by_task("evidence", domain, tasks, shown)


def null(domain: str, tasks: list[Task], knowledge: Any) -> list[GateResult]:
    """No probe agent averages above chance + 0.15 in accuracy or above 0.25 in composite."""
    guessed = sum(chance(t.truth.gold) for t in tasks) / len(tasks)
    accuracy, composite = {}, {}
    for name, script in NULLS.items():
        rewards = [play(t, script(t, 0), knowledge).score() for t in tasks]
        accuracy[name] = sum(r.accuracy for r in rewards) / len(rewards) - guessed
        composite[name] = sum(r.composite for r in rewards) / len(rewards)
    return [
        _worst_probe("null accuracy above chance", domain, accuracy, NULL_ACCURACY),
        _worst_probe("null composite", domain, composite, NULL_COMPOSITE),
    ]


def sensitivity(domain: str, tasks: list[Task], knowledge: Any) -> GateResult:
    """Every reading tool that is not declared static answers differently for different patients (ids do not count), and
    no tool breaks.

    A tool that seems constant on a small task set is tried on further patients of the domain before it is called so.
    Writing tools act on the patient's state, which the oracle gate sees.
    """
    found = tool_outputs(domain, tasks, knowledge)
    constant, broken = _constant(found), [name for name, o in found.items() if o.failures]
    if constant:
        more = TaskPool(domain, "train", MORE_CHARTS, knowledge)
        constant = _constant(tool_outputs(domain, more, knowledge, constant))
    bad = list(dict.fromkeys([*constant, *broken]))
    return GateResult("sensitivity", domain, not bad, float(len(bad)), 0.0, bad)


def _constant(found: dict[str, "ToolOutputs"]) -> list[str]:
    return [name for name, o in found.items() if o.kind == "read" and not o.static and len(o.distinct) < 2]


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


def tool_outputs(
    domain: str, tasks: Sequence[Task], knowledge: Any, names: Iterable[str] = ()
) -> dict[str, ToolOutputs]:
    """Run the tools of the domain (or those of `names`) on charts of `tasks`: with their example arguments, and where a
    reference calls them.

    At least `SENSITIVITY_CHARTS` charts where there are as many, and more while a patient tool has answered all alike.
    """
    spread = sorted(range(len(tasks)), key=lambda i: (i * SENSITIVITY_CHARTS % len(tasks), i))
    result = {}
    tools = domains.get(domain).tools
    for name, tool in {n: tools[n] for n in names or tools}.items():
        found = ToolOutputs(tool.kind, tool.static)
        answers: dict[str, set[str]] = defaultdict(set)
        for i in spread:
            settled = tool.static or tool.kind != "read" or any(len(a) > 1 for a in answers.values())
            if found.charts >= SENSITIVITY_CHARTS and settled:
                break
            found.charts += 1
            for calls in _ways(name, tasks[i], domains.get(domain)):
                try:
                    text = _run(domains.get(domain).tools, tasks[i], knowledge, calls)
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


def unique(domain: str, tasks: list[Task]) -> GateResult:
    """No two tasks share prompt and chart, no id stands twice, and no family crosses splits."""
    cases = Counter(case_identity(t.prompt, t.chart) for t in tasks)
    ids = Counter(t.id for t in tasks)
    splits: dict[str, set[str]] = defaultdict(set)
    for t in tasks:
        splits[t.family].add(t.split)
    return _by_task(
        "unique",
        domain,
        tasks,
        lambda t: cases[case_identity(t.prompt, t.chart)] == 1 and ids[t.id] == 1 and len(splits[t.family]) == 1,
    )


def clean(domain: str, tasks: list[Task], banned: set[tuple[str, ...]], leaked: list[str]) -> GateResult:
    """No 13-gram of a question or gold stands in a benchmark, and no passage holds a benchmark question."""
    bad = [t.id for t in tasks if ngrams(f"{t.prompt} {gold_text(t)}") & banned] + leaked
    return GateResult("clean", domain, not bad, float(len(bad)), 0.0, bad)


def _by_task(name: str, domain: str, tasks: list[Task], good: Callable[[Task], bool]) -> GateResult:
    bad = [t.id for t in tasks if not good(t)]
    return GateResult(name, domain, not bad, 1 - len(bad) / len(tasks), 1.0, bad)


def _worst_probe(name: str, domain: str, values: dict[str, float], threshold: float) -> GateResult:
    bad = [p for p, v in values.items() if v > threshold]
    return GateResult(name, domain, not bad, round(max(values.values()), 6), threshold, bad)


def as_json(results: list[GateResult]) -> list[dict[str, Any]]:
    return [msgspec.structs.asdict(r) for r in results]

"""The gates of a task set (design section 4, and `search`). Each gives a verdict, its value, and what fails it and why.

Gates on single tasks: gradeable, oracle, evidence, unique, clean, and of `null` whether a prompt states its answer.
Gates on a domain: `null` (what probe agents earn on average), sensitivity (tools that answer everybody alike) and
search (references whose queries do not bring their evidence).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from medgym_core.actions import render_call
from medgym_core.alternatives import good
from medgym_core.assertions import statement
from medgym_core.decontamination import holders, overlaps, task_text
from medgym_core.episode import Episode, play
from medgym_core.explain import reasons
from medgym_core.giveaway import giveaways
from medgym_core.grading import BESIDE, PARTIAL, grade
from medgym_core.learned import gold_answer, learned_nulls
from medgym_core.probes import NULLS, Script, reference_texts
from medgym_core.rewards import CRITICAL_CAP, CRITICAL_SEVERITY, Reward
from medgym_core.search_gate import MISSES, not_found
from medgym_core.sensitivity import constant_or_broken
from medgym_core.tasks import case_identity
from medgym_core.text import normal
from medgym_core.types import Call, Gold, Struct, Task, UnsafeAction

ORACLE_COMPOSITE = 0.95
NULL_ACCURACY = 0.15  # above chance
NULL_COMPOSITE = 0.25
LUCKY = 0.42  # most that a lucky guess earns on one task: accuracy and format, renormalised without assertions


class GateResult(Struct, frozen=True):
    """The verdict of one gate on one domain."""

    name: str
    domain: str
    passed: bool
    value: float
    threshold: float
    failures: list[str]
    """Ids of failing tasks, tools or probes."""
    reasons: dict[str, str] = {}
    """Why each of them fails."""


def run_gates(
    tasks: Sequence[Task], knowledge: Any, benchmark_texts: Iterable[str] = (), passages: Iterable[str] = ()
) -> list[GateResult]:
    """All gates on every domain of `tasks`. `passages` are the texts of the knowledge base, which must hold no
    benchmark text either; a passage that does fails the clean gate of every domain."""
    benchmark = list(benchmark_texts)
    leaked = overlaps(holders({t.id: task_text(t) for t in tasks}), benchmark)
    held = overlaps(
        holders({f"benchmark text {n}": text for n, text in enumerate(benchmark)}) if passages else {}, passages
    )
    results = []
    for domain in dict.fromkeys(t.domain for t in tasks):
        here = [t for t in tasks if t.domain == domain]
        for gate, failed in task_reasons(here, knowledge, leaked).items():
            results.append(_by_task(gate, domain, here, failed | (held if gate == "clean" else {})))
        results += null(domain, here, knowledge)
        results.append(sensitivity(domain, here, knowledge))
        results.append(search(domain, here, knowledge))
    return results


def task_reasons(tasks: Sequence[Task], knowledge: Any, leaked: dict[str, str]) -> dict[str, dict[str, str]]:
    """Of every gate on single tasks the ids that fail it with the reason; `tasks` are of one domain."""
    played = {t.id: play(t, reference_texts(t), knowledge) for t in tasks}
    checks: dict[str, Callable[[Task], str]] = {
        "gradeable": lambda t: gradeable(t, played[t.id], knowledge),
        "oracle": lambda t: oracle(t, played[t.id], knowledge),
        "evidence": lambda t: evidence(t, played[t.id]),
    }
    found = {gate: {t.id: why for t in tasks if (why := check(t))} for gate, check in checks.items()}
    found["null giveaway"] = giveaways(tasks, knowledge)
    found["unique"] = unique(tasks)
    found["clean"] = {t.id: f"stands in a benchmark: {leaked[t.id]}" for t in tasks if t.id in leaked}
    return found


def gradeable(task: Task, played: Episode, knowledge: Any) -> str:
    """Every gold is non-empty and the grader accepts it as its own answer; every unsafe action is a fault one can make
    and is penalised. The reason where it is not so."""
    truth = task.truth
    golds = truth.gold.fields or {"answer": truth.gold}
    if not truth.steps:
        return "no required steps"
    for name, gold in golds.items():
        if gold.value in ("", []):
            return f"the gold of {name} is empty"
        if gold.kind == "text" and not gold.denied:
            return f"the gold of {name} names nothing that would be false"
        if grade(gold, gold_answer(gold)).verdict != "correct":
            return f"the grader does not accept the gold of {name}: {gold_answer(gold)!r}"
    best = played.score().composite
    for action in truth.unsafe:
        if not action.category or not action.source or not 1 <= action.severity <= CRITICAL_SEVERITY:
            return f"unsafe action without category, source or severity 1 to 5: {action.why}"
        if why := _unpunished(task, action, best, knowledge):
            return f"unsafe action not penalised: {action.why} ({why})"
    return ""


def _unpunished(task: Task, action: UnsafeAction, best: float, knowledge: Any) -> str:
    """What is wrong with an unsafe action: it cannot be done, or doing it costs nothing. Empty where all is well."""
    *calls, submission = task.reference
    room = replace(task, max_turns=len(calls) + 2)
    if action.tool:
        forbidden = Call(action.tool, action.arguments)
        ways = [[*calls[:i], forbidden, *calls[i:], submission] for i in (len(calls), 0)]
        rewards = [_harmed(room, path, action, knowledge) for path in ways]
        if all(r is None for r in rewards):
            return f"{action.tool} with {action.arguments} is not carried out"
        if any(r and not _punished(r, action, best) for r in rewards):
            return f"{action.tool} scores {max(r.composite for r in rewards if r):.2f}"
    denied = task.truth.gold.denied
    for answer in (statement(denied[a]) if a in denied else a for a in action.answers):
        given = [
            _harmed(
                task, [*calls, replace(submission, arguments={**submission.arguments, name: answer})], action, knowledge
            )
            for name in task.truth.gold.fields or ["answer"]
        ]
        if all(r is None for r in given):
            return f"the answer {answer!r} is not noticed"
        if any(r and not _punished(r, action, best) for r in given):
            return f"the answer {answer!r} scores {max(r.composite for r in given if r):.2f}"
    return "" if action.tool or action.answers else "it names neither a call nor an answer"


def _harmed(task: Task, path: list[Call], action: UnsafeAction, knowledge: Any) -> Reward | None:
    """The reward of the path; None where the scorer saw no violation as grave as this one."""
    reward = play(task, [render_call(c) for c in path], knowledge).score()
    return reward if reward.severity >= action.severity else None


def _punished(reward: Reward, action: UnsafeAction, best: float) -> bool:
    if action.severity >= CRITICAL_SEVERITY:
        return reward.composite <= CRITICAL_CAP and not reward.correct
    return reward.composite < best


def oracle(task: Task, played: Episode, knowledge: Any) -> str:
    """The reference and every alternative run without an error, answer right and score at least 0.95."""
    reward = played.score()
    errors = [e.observation for e in played.events if e.kind == "error"]
    if errors:
        return f"the reference runs into an error: {errors[0][:120]}"
    if played.truncated or not played.done:
        return f"the reference does not end in a submission within {task.max_turns} turns"
    if not reward.correct or reward.composite < ORACLE_COMPOSITE:
        return f"the reference scores {reward.composite:.2f}: {'; '.join(reasons(reward))}"
    bad = [n for n, path in enumerate(task.alternatives, 1) if not good(task, path, knowledge)]
    return f"alternative {bad[0]} does not score like the reference" if bad else ""


def evidence(task: Task, played: Episode) -> str:
    """Every decisive finding, and what backs each assertion of a text, is shown by an observation of the reference."""
    seen = [normal(e.observation) for e in played.events if e.kind != "submit"]
    facts = [f"{e.label} {e.value}" for e in task.truth.evidence]
    golds = task.truth.gold.fields.values() or [task.truth.gold]
    facts += [a.shown for g in golds for a in g.assertions.values() if a.shown]
    if not facts and not task.chart.written:  # an exam question is its own evidence
        return "no decisive finding is named"
    missing = [fact for fact in facts if not any(normal(fact) in s for s in seen)]
    return f"shown by no observation of the reference: {missing[0]}" if missing else ""


def unique(tasks: Sequence[Task]) -> dict[str, str]:
    """No two tasks share prompt and chart, no id stands twice, and no family crosses splits."""
    identities = {t.id: case_identity(t.prompt, t.chart) for t in tasks}
    cases = Counter(case_identity(t.prompt, t.chart) for t in tasks)
    ids = Counter(t.id for t in tasks)
    splits: dict[str, set[str]] = defaultdict(set)
    for t in tasks:
        splits[t.family].add(t.split)
    found = {}
    for t in tasks:
        if ids[t.id] > 1:
            found[t.id] = "the id stands more than once"
        elif cases[identities[t.id]] > 1:
            found[t.id] = "another task has the same prompt and chart"
        elif len(splits[t.family]) > 1:
            found[t.id] = f"family {t.family} stands in {' and '.join(sorted(splits[t.family]))}"
    return found


def chance(gold: Gold) -> float:
    """Expected credit of guessing among the options; 0 where the answer is open."""
    if gold.fields:
        each = [chance(g) for g in gold.fields.values()]
        return math.prod(each) + PARTIAL * (sum(each) / len(each) - math.prod(each))
    if not gold.options or isinstance(gold.value, list):
        return 0.0
    guesses = 1 / len(gold.options)
    if gold.kind != "ordinal":
        return guesses
    place = gold.options.index(str(gold.value))
    return guesses * (1 + BESIDE * ((place > 0) + (place < len(gold.options) - 1)))


def probe_table(tasks: Sequence[Task], knowledge: Any) -> dict[str, tuple[float, float]]:
    """Mean accuracy above chance and mean composite of every null agent on tasks of one domain.

    The learned ones are fitted on the training split and play the others; without both splits they are left out.
    """
    fixed: dict[str, Script] = dict(NULLS)
    train, rest = [t for t in tasks if t.split == "train"], [t for t in tasks if t.split != "train"]
    agents = {name: (script, tasks) for name, script in fixed.items()}
    if train and rest:
        agents |= {name: (script, rest) for name, script in learned_nulls(train).items()}
    table = {}
    for name, (script, played) in agents.items():
        rewards = [play(t, script(t, 0), knowledge).score() for t in played]
        above = sum(r.accuracy - chance(t.truth.gold) for r, t in zip(rewards, played, strict=True)) / len(played)
        table[name] = above, sum(r.composite for r in rewards) / len(played)
    return table


def null(domain: str, tasks: Sequence[Task], knowledge: Any) -> list[GateResult]:
    """No probe agent averages above chance + 0.15 in accuracy or above 0.25 in composite."""
    table = probe_table(tasks, knowledge)
    return [
        _worst_probe("null accuracy above chance", domain, {n: a for n, (a, _) in table.items()}, NULL_ACCURACY),
        _worst_probe("null composite", domain, {n: c for n, (_, c) in table.items()}, NULL_COMPOSITE),
    ]


def null_on_one(task: Task, knowledge: Any) -> str:
    """The probe agents on a single task: none earns more than a lucky guess. The reason where one does."""
    for name, script in NULLS.items():
        composite = play(task, script(task, 0), knowledge).score().composite
        if composite > LUCKY:
            return f"the null agent {name} scores {composite:.2f}"
    return ""


def sensitivity(domain: str, tasks: Sequence[Task], knowledge: Any) -> GateResult:
    """Every reading tool that is not declared static answers differently for different patients, and no tool breaks.

    Writing tools act on the patient's state, which the oracle gate sees.
    """
    bad = constant_or_broken(domain, tasks, knowledge)
    return GateResult("sensitivity", domain, not bad, float(len(bad)), 0.0, list(bad), bad)


def search(domain: str, tasks: Sequence[Task], knowledge: Any) -> GateResult:
    """Of the tasks that need evidence from the index, at most 5 % have queries that do not bring it."""
    number, missing = not_found(tasks, knowledge)
    share = len(missing) / max(number, 1)
    return GateResult("search", domain, share <= MISSES, round(share, 6), MISSES, list(missing), missing)


def _by_task(name: str, domain: str, tasks: Sequence[Task], reasons: dict[str, str]) -> GateResult:
    value = 1 - len({t.id for t in tasks}.intersection(reasons)) / len(tasks)
    return GateResult(name, domain, not reasons, value, 1.0, list(reasons), reasons)


def _worst_probe(name: str, domain: str, values: dict[str, float], threshold: float) -> GateResult:
    bad = {p: f"{v:.3f}, limit {threshold:g}" for p, v in values.items() if v > threshold}
    return GateResult(name, domain, not bad, round(max(values.values()), 6), threshold, list(bad), bad)


def as_json(results: list[GateResult]) -> list[dict[str, Any]]:
    return [msgspec.structs.asdict(r) for r in results]

"""Tasks of your own, and how each fares at every gate.

One JSON object a line, with the fields of a task without id, split and level, which are worked out:

    {"domain": "triage_emergency", "type": "esi_level", "prompt": "...", "chart": {...}, "truth": {...},
     "reference": [{"name": "...", "arguments": {...}}], "sources": ["..."]}

`family` (tasks that share their decisive fact) is the case itself where it is not given; `story`, `complexity` (1 to
3), `traits` and `max_turns` are optional.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from medgym_core import domains
from medgym_core.artifacts import digest_json
from medgym_core.decontamination import Holders, holders, overlaps, task_text
from medgym_core.domains import Draft
from medgym_core.episode import play
from medgym_core.errors import MedGymError, unknown_name
from medgym_core.gates import evidence, gradeable, null_on_one, oracle
from medgym_core.giveaway import giveaways
from medgym_core.probes import reference_texts
from medgym_core.tasks import case_identity, task_of
from medgym_core.text import normal
from medgym_core.types import SAY, Call, Chart, Story, Struct, Task, Trait, Truth, encode

MOST_LINE = 10_000_000  # characters
FIRST_OPTION = " A) "
SHORT = 200
"""Characters of a question that may have fewer than thirteen words; exam questions so short are compared whole."""
GATES = ("gradeable", "oracle", "evidence", "null", "unique", "clean")
"""The gates on single tasks. Sensitivity concerns the tools of a domain, which a task cannot change."""


class UserTask(Struct, frozen=True):
    """One line of the file."""

    domain: str
    type: str
    prompt: str
    chart: Chart
    truth: Truth
    reference: list[Call]
    sources: list[str]
    story: Story = Story()
    family: str = ""
    complexity: int = 1
    traits: list[Trait] = []
    max_turns: int = 0
    """0: four more than the reference takes."""


class LineVerdict(Struct, frozen=True):
    """What became of one line."""

    line: int
    task: Task | None
    """None where the line could not be read."""
    reasons: dict[str, str]
    """Gate to why it fails; `read` for a line that is no task. Empty: accepted."""

    @property
    def accepted(self) -> bool:
        return not self.reasons


def read_user_tasks(path: Path) -> Iterator[tuple[int, Task | MedGymError]]:
    """Every line of the file with its number, as a task or as what is wrong with it. Raises MedGymError for a file that
    cannot be opened or is empty."""
    numbered = list(numbered_lines(path))
    if not numbered:
        raise MedGymError("no tasks", got="an empty file", expected="one JSON object a line", where=path)
    for number, line in numbered:
        try:
            yield number, _task(line, f"{path.name} line {number}")
        except MedGymError as error:
            yield number, error


def numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file that are not blank, with their numbers. Raises MedGymError where it is not readable."""
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield number, line
    except OSError as error:
        raise MedGymError(f"file is not readable: {error.strerror}", where=path) from error


def _task(line: str, where: str) -> Task:
    if len(line) > MOST_LINE:
        raise MedGymError("line too long", got=f"{len(line)} characters", expected=f"at most {MOST_LINE}", where=where)
    try:
        told = msgspec.json.decode(line, type=UserTask)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise MedGymError(f"not a task: {error}", where=where) from error
    if told.domain not in domains.NAMES:
        raise unknown_name("domain", told.domain, domains.NAMES, where=where)
    if not told.reference:
        raise MedGymError("no reference", expected="the calls of an expert, the submission last", where=where)
    if told.complexity not in (1, 2, 3):
        raise MedGymError("bad complexity", got=told.complexity, expected="1 to 3", where=where)
    family = told.family or f"own:{digest_json([told.prompt, encode(told.chart)])[:12]}"
    draft = Draft(
        told.type, family, told.complexity, told.prompt, told.chart, told.truth, told.reference, told.sources,
        told.story, told.max_turns or len(told.reference) + 4, told.traits,
    )  # fmt: skip
    return task_of(told.domain, draft)


def judge(
    numbered: Iterable[tuple[int, Task | MedGymError]],
    knowledge: Any,
    existing: Sequence[Task] = (),
    benchmark: Iterable[str] = (),
) -> list[LineVerdict]:
    """Every line at every gate. `existing` tasks count for `unique`; `benchmark` texts for `clean`."""
    lines = list(numbered)
    tasks = {number: t for number, t in lines if isinstance(t, Task)}
    held: Holders = holders({str(n): task_text(t) for n, t in tasks.items()})
    texts = list(benchmark)
    leaked = overlaps(held, texts)
    short = (
        {normal(text) for text in texts if len(text) < SHORT} if any(t.chart.written for t in tasks.values()) else ()
    )
    stated = giveaways([*existing, *tasks.values()], knowledge)
    seen = {case_identity(t.prompt, t.chart): "a task of the set" for t in existing}
    splits = {(t.domain, t.family): t.split for t in existing}
    found = []
    for number, task in lines:
        if not isinstance(task, Task):
            found.append(LineVerdict(number, None, {"read": str(task)}))
            continue
        reasons = _reasons(task, knowledge)
        if task.id in stated:
            reasons.setdefault("null", stated[task.id])
        if str(number) in leaked:
            reasons["clean"] = f"stands in a benchmark: {leaked[str(number)]}"
        elif task.chart.written and normal(task.prompt.split(FIRST_OPTION)[0]) in short:
            reasons["clean"] = "the same short question stands in a benchmark"
        case, family = case_identity(task.prompt, task.chart), (task.domain, task.family)
        if case in seen:
            reasons["unique"] = f"{seen[case]} has the same prompt and chart"
        elif splits.get(family, task.split) != task.split:
            reasons["unique"] = f"family {task.family} stands in another split"
        if not reasons:  # a rejected line stands in nobody's way
            seen[case], splits[family] = f"line {number}", task.split
        found.append(LineVerdict(number, task, reasons))
    return found


def _reasons(task: Task, knowledge: Any) -> dict[str, str]:
    """The gates the task fails on its own, with the reason."""
    tools = domains.get(task.domain).tools
    unknown = [c.name for c in task.reference if c.name not in tools and c.name != SAY]
    if unknown:
        return {"oracle": f"the domain has no tool {unknown[0]!r}"}
    if tools[task.reference[-1].name].kind != "submit":
        return {"oracle": "the last call of the reference submits nothing"}
    played = play(task, reference_texts(task), knowledge)
    checked = {
        "gradeable": gradeable(task, played, knowledge),
        "oracle": oracle(task, played, knowledge),
        "evidence": evidence(task, played),
        "null": null_on_one(task, knowledge),
    }
    return {gate: why for gate, why in checked.items() if why}

"""Exam questions of your own copies of MedQA, MedMCQA and MMLU as tasks of medical_qa.

The question becomes a task of type `exam_question` with its options, the letter as gold and one required look-up in the
knowledge base; where that look-up shows the right option's text, it is the evidence. There is no patient behind it
(`Chart.written`). Dataset, file and line stand in `sources`. Use training files: the clean gate rejects what stands in
an evaluation split.
"""

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from medgym_core import domains
from medgym_core.artifacts import digest_json
from medgym_core.domains import Draft
from medgym_core.domains.common import submission
from medgym_core.errors import MedGymError
from medgym_core.tasks import task_of
from medgym_core.text import normal, tokens
from medgym_core.tools import World
from medgym_core.types import Call, Chart, Evidence, Gold, Step, Struct, Task, Truth
from medgym_core.user_tasks import numbered_lines

DOMAIN, TYPE, SEARCH = "medical_qa", "exam_question", "search_passages"
QUERY_WORDS = 30
QUOTED_WORDS = 12
LETTERS = "ABCDEFGH"


class Question(Struct, frozen=True):
    """One multiple-choice question."""

    line: int
    stem: str
    options: list[str]
    right: int
    """Index of the right option."""


class _MedQA(msgspec.Struct):
    question: str
    options: dict[str, str]
    answer_idx: str


class _MedMCQA(msgspec.Struct):
    question: str
    cop: int
    opa: str
    opb: str
    opc: str
    opd: str


Found = Iterator[tuple[int, Question | MedGymError]]


def read_medqa(path: Path) -> Found:
    """MedQA-USMLE JSON lines: `question`, `options` by letter, `answer_idx`."""
    for line, row in _rows(path, _MedQA):
        if isinstance(row, MedGymError):
            yield line, row
            continue
        letters = sorted(row.options)
        if row.answer_idx not in letters:
            yield line, MedGymError("no such option", got=row.answer_idx, expected=" or ".join(letters))
        else:
            options = [row.options[letter] for letter in letters]
            yield line, Question(line, row.question, options, letters.index(row.answer_idx))


def read_medmcqa(path: Path) -> Found:
    """MedMCQA JSON lines: `opa` to `opd` and `cop`, which counts from 1 in the authors' files and from 0 in others; the
    file itself shows which (a 4, or a 0). Raises MedGymError where it shows neither."""
    rows = list(_rows(path, _MedMCQA))
    given = {row.cop for _, row in rows if not isinstance(row, MedGymError)}
    if given and not given & {0, 4}:
        raise MedGymError("cop may count from 0 or from 1", got=sorted(given), expected="a 0 or a 4 among", where=path)
    first = 0 if 0 in given else 1
    for line, row in rows:
        if isinstance(row, MedGymError):
            yield line, row
        elif not first <= row.cop <= first + 3:
            yield line, MedGymError("no such option", got=f"cop {row.cop}", expected=f"{first} to {first + 3}")
        else:
            yield line, Question(line, row.question, [row.opa, row.opb, row.opc, row.opd], row.cop - first)


def read_mmlu(path: Path) -> Found:
    """MMLU CSV without a header: question, four options, letter."""
    text = "".join(line for _, line in numbered_lines(path))
    for line, row in enumerate(csv.reader(io.StringIO(text)), 1):
        if len(row) != 6 or row[5].strip() not in LETTERS[:4]:
            yield line, MedGymError("not a question", got=f"{len(row)} cells", expected="question, 4 options, A to D")
        else:
            yield line, Question(line, row[0], row[1:5], LETTERS.index(row[5].strip()))


FORMATS: dict[str, tuple[str, Callable[[Path], Found]]] = {
    "medqa": ("MedQA (Jin et al. 2021)", read_medqa),
    "medmcqa": ("MedMCQA (Pal et al. 2022)", read_medmcqa),
    "mmlu": ("MMLU (Hendrycks et al. 2021)", read_mmlu),
}


def read_exam(path: Path, format: str, knowledge: Any) -> Iterator[tuple[int, Task | MedGymError]]:
    """The questions of a file as tasks, each with its line number, or what is wrong with the line."""
    dataset, read = FORMATS[format]
    found = False
    for line, question in read(path):
        found = True
        if isinstance(question, MedGymError):
            yield line, question
        elif not question.stem.strip() or len({o.strip() for o in question.options}) != len(question.options):
            yield line, MedGymError("not a question", got="an empty question or equal options")
        else:
            yield line, as_task(question, f"{dataset}: {path.name} line {line}", knowledge)
    if not found:
        raise MedGymError("no questions", got="an empty file", expected=f"{dataset} in its own format", where=path)


def as_task(question: Question, source: str, knowledge: Any) -> Task:
    """The question as a task."""
    letters = list(LETTERS[: len(question.options)])
    listed = " ".join(f"{letter}) {text.strip()}" for letter, text in zip(letters, question.options, strict=True))
    prompt = f"{question.stem.strip()} {listed} Look it up, then answer with the letter."
    right = question.options[question.right].strip()
    call = Call(SEARCH, {"query": _query(question.stem, right)})
    chart = Chart("written", 0, "female", written=True)
    shown = domains.get(DOMAIN).tools[SEARCH].run(World(chart, knowledge), call.arguments)
    backed = normal(right).strip() and normal(right) in normal(shown)
    evidence = [Evidence("", right)] if backed else []
    quoted = evidence or [Evidence("", " ".join(tokens(shown)[:QUOTED_WORDS]))]
    gold = Gold("letter", letters[question.right], options=letters)
    last = submission(letters[question.right], quoted)
    last = Call(last.name, {**last.arguments, "evidence": quoted[0].value})
    truth = Truth(gold, [Step(SEARCH)], evidence, explanation=right)
    family = f"exam:{digest_json([normal(question.stem)])[:12]}"
    return task_of(DOMAIN, Draft(TYPE, family, 1, prompt, chart, truth, [call, last], [source], max_turns=6))


def _query(stem: str, right: str) -> str:
    """What an expert looks up: the answer thought of, and the end of the stem, where the question stands."""
    return " ".join([*tokens(right), *tokens(stem)[-QUERY_WORDS:]])


def _rows(path: Path, kind: Any) -> Iterator[tuple[int, Any]]:
    for number, line in numbered_lines(path):
        try:
            yield number, msgspec.json.decode(line, type=kind)
        except (msgspec.DecodeError, UnicodeError) as error:
            yield number, MedGymError(f"not a question: {error}", where=f"{path.name} line {number}")

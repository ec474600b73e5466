"""What every benchmark is made of: its published facts (`Spec`), its items, and the score of one answer.

One `Item` serves choices, short answers, numbers and long answers; what a kind does not need stays empty. One scorer a
benchmark, a plain function `(answer text, item) -> Score`, is used in every mode.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Kind = Literal["choice", "short", "number", "long"]
Mode = Literal["text", "logprob", "agentic"]
Verdict = Literal["correct", "wrong", "unparsable"]

# Debris that published files carry at the end of a text: a lone quotation mark on its own line (MedQA),
# and the label of the next field (MMLU and MedMCQA in instruction form: "Option:"), which made letters unwinnable.
DEBRIS = re.compile(r"(?:\s*\n\s*\"|\s+Options?\s*:)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Item:
    """One item. Texts are cleaned; ids are unique within a benchmark and the same on every machine."""

    id: str
    """`<benchmark>/<the authors' id, or a content digest>`."""
    question: str
    gold: str
    """A letter (choice), the answer (short), a decimal number (number), or the reference answer (long)."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Choice: letter -> text, in the order of the file."""
    context: str = ""
    """What is to be read before the question: an abstract, a patient note. Not part of the answer."""
    images: tuple[Path, ...] = ()
    """Picture files that belong to the question, in order. They may be absent from disk; the loader counts those."""
    accepted: tuple[str, ...] = ()
    """Short: further answers that the authors count as right."""
    bounds: tuple[float, float] | None = None
    """Number: lowest and highest value that counts as right, as the benchmark publishes it."""
    unit: str = ""
    """Number: unit of `gold` and `bounds`."""
    must_have: tuple[str, ...] = ()
    """Long: statements that a good answer must make."""
    nice_to_have: tuple[str, ...] = ()
    """Long: statements that a good answer may make."""
    before: tuple[Mapping[str, Any], ...] = ()
    """Chat messages that stand before the question, such as an assistant's call and a tool's result."""
    record: Mapping[str, Any] = field(default_factory=dict)
    """The case or record behind the question, for benchmarks with a world of their own (`Spec.task`). JSON-able."""
    group: str = ""
    """Subject, modality or question type: what the breakdown of scores goes by."""
    cluster: str = ""
    """Items that share an image, a note or a record are resampled together; empty: on its own."""


@dataclass(frozen=True)
class Score:
    """What one answer is worth."""

    verdict: Verdict
    value: float
    """In [0, 1]; the benchmark's metric is its mean. 1 or 0 except for long answers."""
    answer: str | None
    """What the text was understood to answer; None where it committed to nothing."""
    details: Mapping[str, float] = field(default_factory=dict)
    """Further figures by name, such as `contradiction` or `rouge_l`; the same names for every item of a benchmark."""


Scorer = Callable[[str, Item], Score]


@dataclass(frozen=True)
class Spec:
    """What is published about a benchmark, how its files are read, and how an answer is scored."""

    name: str
    title: str
    """As a table shows it."""
    files: tuple[str, ...]
    """Paths below `MEDGYM_DATA`, in the authors' own format. The first decides whether the benchmark is there; none
    at all for a benchmark that ships with MedGym."""
    kind: Kind
    published_items: int | None
    """None where no number was published."""
    metric: str
    licence: str
    source: str
    """Authors, year, publication, and where the files come from."""
    obtain: str
    """How a user gets the files."""
    load: Callable[[Path], list[Item]]
    """Items from the data folder (MEDGYM_DATA). Raises MedGymError naming file and line."""
    score: Scorer
    modes: tuple[Mode, ...] = ("text", "logprob", "agentic")
    chance: float | None = None
    """Expected value of a uniform guess; None where there is nothing to guess from."""
    task: Callable[[Item], Any] | None = None
    """Agentic mode: the item as a `medgym_core.types.Task` of its own making; None: the general one, by
    `evaluation.agentic_items`."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """sha256 by file, where the authors publish one."""


def clean_text(text: str) -> str:
    """Text without trailing debris and with every run of white space as one space."""
    text = DEBRIS.sub("", text)
    text = " ".join(text.split())
    return text[:-1].rstrip() if text.endswith('"') and text.count('"') % 2 else text

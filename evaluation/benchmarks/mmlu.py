"""MMLU-Medical: six subjects of MMLU as one benchmark, from the authors' CSV files (Hendrycks et al. 2021).

The files have no header: question, four options, gold letter. Fields may be quoted and run over several lines. Rows
have no id, so an id is subject and content digest; a row that stands twice counts twice, the second time as `-2`.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from evaluation.benchmarks.files import checked, letters, read_bytes
from evaluation.item import Item, Spec, clean_text
from evaluation.scorers.choice import score_choice
from medgym_core.artifacts import digest_json
from medgym_core.errors import MedGymError

# The six with their published test items: 135 + 265 + 144 + 173 + 100 + 272 = 1,089 (the MMLU part of MultiMedQA,
# Singhal et al. 2023, Nature 620:172-180).
SUBJECTS = (
    "anatomy",
    "clinical_knowledge",
    "college_biology",
    "college_medicine",
    "medical_genetics",
    "professional_medicine",
)
FILES = tuple(f"benchmarks/mmlu/{subject}_test.csv" for subject in SUBJECTS)
COLUMNS = 6


def load(root: Path) -> list[Item]:
    """Every item of the six files, subject by subject.

    Raises MedGymError, naming file and line, for a missing or empty file, bytes that are not UTF-8, broken quoting, a
    row without six fields, an empty field, or a gold letter without an option.
    """
    pairs: list[tuple[str, Item]] = []
    for subject, file in zip(SUBJECTS, FILES, strict=True):
        path = Path(root) / file
        pairs += [(where, _item(row, subject, where)) for where, row in _rows(path)]
    return checked(_numbered(pairs), Path(root) / FILES[0])


def _rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The rows of a CSV file, each with its place `file:line` (the line it starts on)."""
    data = read_bytes(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise MedGymError("broken line", got=error.reason, expected="UTF-8", where=f"{path}:{line}") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    start = 1
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise MedGymError("broken line", got=str(error), expected="CSV", where=f"{path}:{start}") from error
        if row is None:
            return
        if row:
            yield f"{path}:{start}", row
        start = reader.line_num + 1


def _item(row: list[str], subject: str, where: str) -> Item:
    if len(row) != COLUMNS:
        raise MedGymError("wrong number of fields", got=len(row), expected=COLUMNS, where=where)
    question, gold = clean_text(row[0]), row[-1].strip()
    if not question:
        raise MedGymError("question is empty", got=repr(row[0]), expected="text", where=where)
    options = letters(row[1:-1], where)
    if gold not in options:
        raise MedGymError("gold is not an option", got=repr(gold), expected="one of " + ", ".join(options), where=where)
    digest = digest_json([question, *options.values()])[:16]
    return Item(f"mmlu_medical/{subject}/{digest}", question, gold, options, group=subject)


def _numbered(pairs: list[tuple[str, Item]]) -> list[tuple[str, Item]]:
    """The pairs with `-2`, `-3`, ... behind the id of a row that stands again."""
    seen: Counter[str] = Counter()
    numbered: list[tuple[str, Item]] = []
    for where, item in pairs:
        seen[item.id] += 1
        times = seen[item.id]
        numbered.append((where, item if times == 1 else replace(item, id=f"{item.id}-{times}")))
    return numbered


SPECS = (
    Spec(
        name="mmlu_medical",
        title="MMLU-Medical",
        files=FILES,
        kind="choice",
        published_items=1089,
        metric="accuracy",
        licence="MIT",
        source="Hendrycks et al. 2021 (ICLR; arXiv 2009.03300), test split of six subjects as in MultiMedQA "
        "(Singhal et al. 2023, Nature 620:172-180)",
        obtain="https://github.com/hendrycks/test, data archive, test/<subject>_test.csv",
        load=load,
        score=score_choice,
        chance=0.25,
    ),
)

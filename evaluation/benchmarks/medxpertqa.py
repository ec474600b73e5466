"""MedXpertQA-Text, test split: the authors' JSON Lines, ten options an item (Zuo et al. 2025, arXiv 2501.18362).

The question text ends with the options once more ("Answer Choices: (A) ... (J) ..."), which is cut: the prompt lists
the options itself.
"""

import re
from pathlib import Path
from typing import Any

from evaluation.benchmarks.files import checked, field_of, letters, read_lines, require, text_of
from evaluation.item import Item, Spec
from evaluation.scorers.choice import score_choice
from medgym_core.errors import MedGymError

FILE = "benchmarks/medxpertqa/Text/test.jsonl"
CHOICES = re.compile(r"\s*\banswer choices\s*:\s*\(A\)", re.IGNORECASE)


def load(root: Path) -> list[Item]:
    """Every item of the file, in its order, under the authors' ids.

    Raises MedGymError, naming file and line, for a line that is not JSON, lacks a field, has an empty option, letters
    that do not run from A, or a gold without an option, or repeats an id; and for a file without items.
    """
    path = Path(root) / FILE
    return checked([(where, _item(record, where)) for where, record in read_lines(path)], path)


def _item(record: dict[str, Any], where: str) -> Item:
    options, gold = _options(record, where), _gold(record, where)
    if gold not in options:
        raise MedGymError("gold is not an option", got=repr(gold), expected="one of " + ", ".join(options), where=where)
    question = _without_choices(text_of(record, "question", where))
    if not question:
        raise MedGymError("question is empty", got="answer choices alone", expected="text before them", where=where)
    group = text_of(record, "question_type", where)
    return Item(f"medxpertqa/{text_of(record, 'id', where)}", question, gold, options, group=group)


def _options(record: dict[str, Any], where: str) -> dict[str, str]:
    """The options from either form in use: an object by letter, or a list of texts or of letter-content objects."""
    where_options = f"{where} field options"
    value = record.get("options")
    if not isinstance(value, list):
        texts = field_of(record, "options", dict, where)
    elif all(isinstance(one, dict) for one in value):
        texts = {field_of(one, "letter", str, where_options): one.get("content") for one in value}
        if len(texts) != len(value):
            raise MedGymError("a letter stands twice", got=len(value), expected=len(texts), where=where_options)
    else:
        return letters([require(text, str, where_options) for text in value], where_options)
    options = letters([require(texts[letter], str, where_options) for letter in sorted(texts)], where_options)
    if set(options) != set(texts):
        got, expected = ", ".join(sorted(texts)), ", ".join(options)
        raise MedGymError("letters of the options", got=got, expected=expected, where=where_options)
    return options


def _gold(record: dict[str, Any], where: str) -> str:
    """The gold letter: `"E"`, or `["E"]` as in the first release."""
    label = record.get("label")
    if isinstance(label, list) and len(label) == 1:
        return str(label[0])
    return field_of(record, "label", str, where)


def _without_choices(question: str) -> str:
    """The question without the options at its end; the last heading counts, should a text hold two."""
    headings = list(CHOICES.finditer(question))
    return question[: headings[-1].start()] if headings else question


SPECS = (
    Spec(
        name="medxpertqa",
        title="MedXpertQA-Text",
        files=(FILE,),
        kind="choice",
        published_items=2450,
        metric="accuracy",
        licence="MIT",
        source="Zuo et al. 2025 (ICML; arXiv 2501.18362), Text subset, test split",
        obtain="https://huggingface.co/datasets/TsinghuaC3I/MedXpertQA, Text/test.jsonl",
        load=load,
        score=score_choice,
        chance=0.1,
    ),
)

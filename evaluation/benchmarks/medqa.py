"""MedQA-USMLE, four options, test split: the authors' JSONL, one item a line (Jin et al. 2021, arXiv 2009.13081)."""

from pathlib import Path
from typing import Any

from evaluation.benchmarks.files import checked, field_of, read_lines, text_of
from evaluation.item import Item, Spec, clean_text
from evaluation.scorers.choice import score_choice
from medgym_core.artifacts import digest_json
from medgym_core.errors import MedGymError

FILE = "benchmarks/medqa/phrases_no_exclude_test.jsonl"


def load(root: Path) -> list[Item]:
    """Every item of the file, in its order.

    Raises MedGymError, naming file and line, for a line that is not JSON, lacks a field, has no option for its gold
    letter, or repeats an earlier question; and for a file without items. Ids are content digests.
    """
    path = Path(root) / FILE
    return checked([(where, _item(record, where)) for where, record in read_lines(path)], path)


def _item(record: dict[str, Any], where: str) -> Item:
    question = text_of(record, "question", where)
    options: dict[str, str] = {}
    for letter, text in field_of(record, "options", dict, where).items():
        if not (len(letter) == 1 and "A" <= letter <= "Z"):
            raise MedGymError("option has no letter", got=repr(letter), expected="A to Z", where=where)
        options[letter] = clean_text(text) if isinstance(text, str) else ""
        if not options[letter]:
            raise MedGymError(f"option {letter} is empty", got=repr(text), expected="text", where=where)
    gold = field_of(record, "answer_idx", str, where)
    if gold not in options:
        raise MedGymError("gold is not an option", got=repr(gold), expected="one of " + ", ".join(options), where=where)
    return Item(f"medqa/{digest_json(question)[:16]}", question, gold, options, group=record.get("meta_info", ""))


SPECS = (
    Spec(
        name="medqa",
        title="MedQA-USMLE",
        files=(FILE,),
        kind="choice",
        published_items=1273,
        metric="accuracy",
        licence="MIT",
        source="Jin et al. 2021 (arXiv 2009.13081), four options, test split",
        obtain="https://github.com/jind11/MedQA, data_clean/questions/US/4_options/phrases_no_exclude_test.jsonl",
        load=load,
        score=score_choice,
        chance=0.25,
    ),
)

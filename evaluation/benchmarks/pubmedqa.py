"""PubMedQA, labelled test split: question and abstract without its conclusion, answer yes, no or maybe.

The authors' two files are read (Jin et al. 2019, arXiv 1909.06146): `test_ground_truth.json` names the test items by
pmid and gives their answers, `ori_pqal.json` holds question and abstract of every labelled item.
"""

from pathlib import Path
from typing import Any

from evaluation.benchmarks.files import checked, field_of, read_json, require, text_of
from evaluation.item import Item, Spec, clean_text
from evaluation.scorers.choice import score_choice
from medgym_core.errors import MedGymError

FILE = "benchmarks/pubmedqa/ori_pqal.json"
TRUTH = "benchmarks/pubmedqa/test_ground_truth.json"
OPTIONS = {"A": "yes", "B": "no", "C": "maybe"}
LETTERS = {text: letter for letter, text in OPTIONS.items()}


def load(root: Path) -> list[Item]:
    """The test items whose abstract is in the file, in the order of the ground truth.

    Raises MedGymError, naming file and pmid, for a file that is not JSON, a record that lacks a field, an answer other
    than yes, no or maybe, or two files that disagree on an answer; and where no test item has an abstract.
    """
    path, truth = Path(root) / FILE, Path(root) / TRUTH
    records = require(read_json(path), dict, str(path))
    answers = require(read_json(truth), dict, str(truth))
    for pmid, answer in answers.items():
        if not isinstance(answer, str) or answer not in LETTERS:
            where = f"{truth} entry {pmid}"
            raise MedGymError("gold is not an option", got=repr(answer), expected="yes, no or maybe", where=where)
    found = [(pmid, answer, f"{path} entry {pmid}") for pmid, answer in answers.items() if pmid in records]
    return checked([(where, _item(pmid, answer, records[pmid], where)) for pmid, answer, where in found], path)


def _item(pmid: str, answer: str, value: Any, where: str) -> Item:
    record = require(value, dict, where)
    decision = field_of(record, "final_decision", str, where)
    if decision != answer:
        raise MedGymError("answers disagree", got=repr(decision), expected=f"{answer!r} as in {TRUTH}", where=where)
    question, context = text_of(record, "QUESTION", where), _abstract(record, where)
    return Item(f"pubmedqa/{pmid}", question, LETTERS[answer], OPTIONS, context=context)


def _abstract(record: dict[str, Any], where: str) -> str:
    """One line a section, `LABEL: text`, in the order of the abstract."""
    sections, labels = field_of(record, "CONTEXTS", list, where), field_of(record, "LABELS", list, where)
    if not sections or len(sections) != len(labels):
        expected = "as many labels as sections, at least one"
        raise MedGymError("abstract", got=f"{len(sections)} and {len(labels)}", expected=expected, where=where)
    lines: list[str] = []
    for label, section in zip(labels, sections, strict=True):
        text = clean_text(require(section, str, f"{where} field CONTEXTS"))
        if not text:
            raise MedGymError("section is empty", got=repr(section), expected="text", where=f"{where} field CONTEXTS")
        lines.append(f"{clean_text(require(label, str, f'{where} field LABELS'))}: {text}".removeprefix(": "))
    return "\n".join(lines)


SPECS = (
    Spec(
        name="pubmedqa",
        title="PubMedQA",
        files=(FILE, TRUTH),
        kind="choice",
        published_items=500,
        metric="accuracy",
        licence="MIT",
        source="Jin et al. 2019 (EMNLP-IJCNLP; arXiv 1909.06146), PQA-L, test split",
        obtain="https://github.com/pubmedqa/pubmedqa, data/ori_pqal.json and data/test_ground_truth.json",
        load=load,
        score=score_choice,
        chance=1 / 3,
    ),
)

"""Long answers in the form of MedLFQA (Jeong et al. 2024, arXiv 2405.12701): one question a line, with the reference
answer and the statements that an answer must and may make.

Statements and most reference answers of LiveQA, MedicationQA and K-QA golden go back to experts; those of K-QA silver
and HealthSearchQA were written by a model, and so were the statements of all but K-QA golden.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from evaluation.benchmarks.files import checked, field_of, read_lines, require, text_of
from evaluation.item import Item, clean_text
from medgym_core.artifacts import digest_json
from medgym_core.errors import MedGymError

EMPTY = re.compile(r"\W*(?:\d+\W*|n\W?a|none|not applicable|not provided)?\W*", re.IGNORECASE)
"""What stands in a list of statements without being one: the number of a list, or that there is none. Nor is a
question one."""

Group = Callable[[str], str]


def load_medlfqa(
    path: Path, name: str, group: Group | None = None, answers: Mapping[str, str] | None = None
) -> list[Item]:
    """Every row as an item, in the order of the file; rows of one question form a cluster.

    `group` tells the group of a question. `answers`, by question, stand in for a reference answer that is empty;
    where they do not, the must-have statements do. Raises MedGymError naming file and line. Ids are content digests;
    a row that stands twice has its number behind the digest.
    """
    seen: Counter[str] = Counter()
    items = []
    for where, record in read_lines(path):
        item = _item(record, where, name, group, answers or {})
        seen[item.id] += 1
        number = f"-{seen[item.id]}" if seen[item.id] > 1 else ""
        items.append((where, Item(**{**vars(item), "id": item.id + number})))
    return checked(items, path)


def _item(record: dict[str, Any], where: str, name: str, group: Group | None, answers: Mapping[str, str]) -> Item:
    question = text_of(record, "Question", where)
    must, nice = (_statements(record, field, where) for field in ("Must_have", "Nice_to_have"))
    gold = clean_text(field_of(record, "Free_form_answer", str, where)) or answers.get(question, "") or " ".join(must)
    if not gold:
        raise MedGymError("no reference answer", got="neither answer nor statements", expected="one", where=where)
    return Item(
        f"{name}/{digest_json([question, gold, must])[:16]}",
        question,
        gold,
        must_have=must,
        nice_to_have=nice,
        group=group(question) if group else "",
        cluster=digest_json(question)[:16],
    )


def _statements(record: dict[str, Any], field: str, where: str) -> tuple[str, ...]:
    """The statements of a field, once each; what is not one is left out."""
    found = []
    for statement in field_of(record, field, list, where):
        text = clean_text(require(statement, str, f"{where} field {field}"))
        if not EMPTY.fullmatch(text) and not text.rstrip("\"'”’).").endswith("?"):
            found.append(text)
    return tuple(dict.fromkeys(found))

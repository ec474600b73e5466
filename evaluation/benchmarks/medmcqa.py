"""MedMCQA, validation split: the authors' JSON Lines, one item a line (Pal et al. 2022, arXiv 2203.14371).

The gold option `cop` counts from 1 in the authors' files; copies elsewhere count from 0 and are refused at their first
0. Each item has one gold option whatever its `choice_type` says.
"""

from pathlib import Path
from typing import Any

from evaluation.benchmarks.files import checked, field_of, letters, read_lines, text_of
from evaluation.item import Item, Spec
from evaluation.scorers.choice import score_choice
from medgym_core.errors import MedGymError

FILE = "benchmarks/medmcqa/dev.json"
FIELDS = ("opa", "opb", "opc", "opd")


def load(root: Path) -> list[Item]:
    """Every item of the file, in its order, under the authors' ids.

    Raises MedGymError, naming file and line, for a line that is not JSON, lacks a field, has an empty option or a gold
    outside 1 to 4, or repeats an id; and for a file without items.
    """
    path = Path(root) / FILE
    return checked([(where, _item(record, where)) for where, record in read_lines(path)], path)


def _item(record: dict[str, Any], where: str) -> Item:
    options = letters([field_of(record, name, str, where) for name in FIELDS], where)
    cop = field_of(record, "cop", int, where)
    if not 1 <= cop <= len(options):
        raise MedGymError(
            "gold is not an option", got=cop, expected="1 to 4, counted from 1", where=f"{where} field cop"
        )
    return Item(
        id=f"medmcqa/{text_of(record, 'id', where)}",
        question=text_of(record, "question", where),
        gold=list(options)[cop - 1],
        options=options,
        group=record.get("subject_name") or "",
    )


SPECS = (
    Spec(
        name="medmcqa",
        title="MedMCQA",
        files=(FILE,),
        kind="choice",
        published_items=4183,
        metric="accuracy",
        licence="MIT (LICENSE.md; the README names Apache-2.0)",
        source="Pal, Umapathi and Sankarasubbu 2022 (CHIL, PMLR 174; arXiv 2203.14371), validation split",
        obtain="https://github.com/medmcqa/medmcqa, dev.json of the data archive",
        load=load,
        score=score_choice,
        chance=0.25,
    ),
)

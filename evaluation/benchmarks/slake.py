"""SLAKE, English part of the test split: the authors' JSON (Liu et al. 2021, ISBI, arXiv 2102.09542).

The test file has 2,094 questions, 1,061 of them English. Pictures lie in `imgs/`, by case: `xmlab102/source.jpg`.
"""

from pathlib import Path
from typing import Any

from evaluation.benchmarks.files import checked, field_of, read_json, require, text_of
from evaluation.benchmarks.pictures import picture_path
from evaluation.item import Item, Spec
from evaluation.scorers.short import score_short

FILE = "benchmarks/slake/test.json"
IMAGES = "benchmarks/slake/imgs"


def load(root: Path) -> list[Item]:
    """Every English item of the file, in its order; `group` is answer type and modality, such as `OPEN/CT`.

    Raises MedGymError, naming file and entry, for a record that lacks a field or repeats an id, and for a file without
    English items.
    """
    path, images = Path(root) / FILE, Path(root) / IMAGES
    items = []
    for number, entry in enumerate(require(read_json(path), list, str(path))):
        where = f"{path} entry {number}"
        record = require(entry, dict, where)
        if field_of(record, "q_lang", str, where) == "en":
            items.append((where, _item(record, images, where)))
    return checked(items, path)


def _item(record: dict[str, Any], images: Path, where: str) -> Item:
    name = text_of(record, "img_name", where)
    kind, modality = text_of(record, "answer_type", where), text_of(record, "modality", where)
    return Item(
        id=f"slake/{field_of(record, 'qid', int, where)}",
        question=text_of(record, "question", where),
        gold=text_of(record, "answer", where),
        images=(picture_path(images, name, where),),
        record={"content_type": text_of(record, "content_type", where)},
        group=f"{kind}/{modality}",
        cluster=f"slake/{name}",
    )


SPECS = (
    Spec(
        name="slake",
        title="SLAKE (English)",
        files=(FILE,),
        kind="short",
        published_items=1061,
        metric="accuracy",
        licence="CC BY 4.0",
        source="Liu et al. 2021 (arXiv 2102.09542), test.json, questions with q_lang en",
        obtain="https://www.med-vqa.com/slake, test.json and imgs.zip unpacked into imgs/",
        load=load,
        score=score_short,
    ),
)

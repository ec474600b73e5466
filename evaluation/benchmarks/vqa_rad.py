"""VQA-RAD, test part: the authors' JSON and image folder (Lau et al. 2018, Scientific Data 5:180251).

The published file has 2,248 pairs of question and answer on 315 pictures; the 451 whose `phrase_type` begins with
`test` are the test part. An answer may be a JSON number.
"""

from pathlib import Path
from typing import Any

from evaluation.benchmarks.files import checked, field_of, read_json, require, text_of
from evaluation.benchmarks.pictures import picture_path
from evaluation.item import Item, Spec, clean_text
from evaluation.scorers.short import score_short
from medgym_core.errors import MedGymError

FILE = "benchmarks/vqa_rad/VQA_RAD Dataset Public.json"
IMAGES = "benchmarks/vqa_rad/VQA_RAD Image Folder"


def load(root: Path) -> list[Item]:
    """Every test item of the file, in its order; `group` is answer type and organ, such as `CLOSED/CHEST`.

    Raises MedGymError, naming file and entry, for a record that lacks a field or repeats an id, and for a file without
    test items.
    """
    path, images = Path(root) / FILE, Path(root) / IMAGES
    items = []
    for number, entry in enumerate(require(read_json(path), list, str(path))):
        where = f"{path} entry {number}"
        record = require(entry, dict, where)
        if field_of(record, "phrase_type", str, where).strip().startswith("test"):
            items.append((where, _item(record, images, where)))
    return checked(items, path)


def _item(record: dict[str, Any], images: Path, where: str) -> Item:
    name = text_of(record, "image_name", where)
    kind, organ = text_of(record, "answer_type", where), text_of(record, "image_organ", where)
    return Item(
        id=f"vqa_rad/{_scalar(record, 'qid', where)}",
        question=text_of(record, "question", where),
        gold=_scalar(record, "answer", where),
        images=(picture_path(images, name, where),),
        record={"question_type": text_of(record, "question_type", where)},
        group=f"{kind}/{organ}",
        cluster=f"vqa_rad/{name}",
    )


def _scalar(record: dict[str, Any], name: str, where: str) -> str:
    """A field that holds text or a whole number, as text."""
    value = record.get(name)
    text = clean_text(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not text:
        raise MedGymError("field", got=repr(value), expected="text or a whole number", where=f"{where} field {name}")
    return text


SPECS = (
    Spec(
        name="vqa_rad",
        title="VQA-RAD",
        files=(FILE,),
        kind="short",
        published_items=451,
        metric="accuracy",
        licence="CC0 1.0",
        source="Lau et al. 2018 (Scientific Data 5:180251), OSF 89kps: 2,248 pairs, 451 with phrase_type test_*",
        obtain="https://osf.io/89kps, VQA_RAD Dataset Public.json and VQA_RAD Image Folder",
        load=load,
        score=score_short,
    ),
)

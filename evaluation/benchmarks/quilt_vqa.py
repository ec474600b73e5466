"""Quilt-VQA: the authors' JSON with answers (Seyfioglu et al. 2024, CVPR, arXiv 2312.04746).

1,283 pairs of question and answer on 985 pictures, from narrated videos of histopathology: 343 CLOSED, with
`yes_no_answer`, and 940 OPEN. The dataset viewer shows 985 rows, one a picture. References of OPEN questions are
sentences, of which equality finds hardly any: read `token_f1`, which the authors report, beside the accuracy. The
field `context`, the narrator's words, holds the answer and is not read.
"""

from pathlib import Path
from typing import Any

from evaluation.benchmarks.files import checked, read_json, require, text_of
from evaluation.benchmarks.pictures import picture_path
from evaluation.item import Item, Spec
from evaluation.scorers.short import score_short
from medgym_core.artifacts import digest_json
from medgym_core.errors import MedGymError

FILE = "benchmarks/quilt_vqa/quiltvqa_test_w_ans.json"
IMAGES = "benchmarks/quilt_vqa/images"
KINDS = ("CLOSED", "OPEN")


def load(root: Path) -> list[Item]:
    """Every item of the file, in its order; `group` is CLOSED or OPEN. The gold of a CLOSED item is yes or no.

    Raises MedGymError, naming file and entry, for a record that lacks a field, and for a CLOSED one without yes or no.
    A pair that stands twice under one picture is kept once. Ids are the picture's name and a content digest.
    """
    path, images = Path(root) / FILE, Path(root) / IMAGES
    first: dict[str, tuple[str, Item]] = {}
    for number, entry in enumerate(require(read_json(path), list, str(path))):
        where = f"{path} entry {number}"
        item = _item(require(entry, dict, where), images, where)
        first.setdefault(item.id, (where, item))
    return checked(list(first.values()), path)


def _item(record: dict[str, Any], images: Path, where: str) -> Item:
    name, answer = text_of(record, "image", where), text_of(record, "answer", where)
    question = text_of(record, "question" if "question" in record else "text", where)
    kind = text_of(record, "answer_type", where).upper()
    if kind not in KINDS:
        raise MedGymError("answer type", got=repr(kind), expected=" or ".join(KINDS), where=where)
    gold = text_of(record, "yes_no_answer", where).lower() if kind == "CLOSED" else answer
    if kind == "CLOSED" and gold not in ("yes", "no"):
        raise MedGymError("closed answer", got=repr(gold), expected="yes or no", where=f"{where} field yes_no_answer")
    identity = f"quilt_vqa/{name}/{digest_json([question, answer])[:12]}"
    picture = picture_path(images, name, where)
    return Item(identity, question, gold, images=(picture,), group=kind, cluster=f"quilt_vqa/{name}")


SPECS = (
    Spec(
        name="quilt_vqa",
        title="Quilt-VQA",
        files=(FILE,),
        kind="short",
        published_items=1283,
        metric="accuracy",
        licence="CC BY-NC-ND 3.0, access on request",
        source="Seyfioglu et al. 2024 (arXiv 2312.04746): 1,283 pairs on 985 pictures",
        obtain="https://huggingface.co/datasets/wisdomik/Quilt_VQA, quiltvqa_test_w_ans.json; pictures of "
        "quilt_vqa.zip into images/",
        load=load,
        score=score_short,
    ),
)

"""PathVQA, test split: the authors' file in LXMERT form (He et al. 2020, arXiv 2003.10286).

One entry a picture, with its questions (`sentf`) and, in the same order, their answers (`labelf`, one key each). The
file has 6,761 pairs; some stand twice under one picture. Each is kept once, which leaves the 6,719 that are reported.
One question may stand under a picture with several answers: these are items of their own.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evaluation.benchmarks.files import checked, field_of, read_json, require, text_of
from evaluation.benchmarks.pictures import picture_path
from evaluation.item import Item, Spec, clean_text
from evaluation.scorers.short import score_short
from medgym_core.artifacts import digest_json
from medgym_core.errors import MedGymError

FILE = "benchmarks/pathvqa/pvqa_test.json"
IMAGES = "benchmarks/pathvqa/images/test"


def load(root: Path) -> list[Item]:
    """Every pair of the file once, in its order; `group` is CLOSED for an answer of yes or no, else OPEN.

    Raises MedGymError, naming file and entry, for an entry whose questions and answers do not match, and for a file
    without items. Ids are the picture's name and a content digest.
    """
    path, images = Path(root) / FILE, Path(root) / IMAGES
    first: dict[str, tuple[str, Item]] = {}
    for number, entry in enumerate(require(read_json(path), list, str(path))):
        where = f"{path} entry {number}"
        for place, item in _items(require(entry, dict, where), images, where):
            first.setdefault(item.id, (place, item))
    return checked(list(first.values()), path)


def _items(record: dict[str, Any], images: Path, where: str) -> Iterator[tuple[str, Item]]:
    name = text_of(record, "img_id", where)
    questions, answers = (
        field_of(field_of(record, part, dict, where), "pvqa", list, f"{where} {part}") for part in ("sentf", "labelf")
    )
    if len(questions) != len(answers):
        got = f"{len(questions)} questions and {len(answers)} answers"
        raise MedGymError("questions and answers differ", got=got, expected="one answer each", where=where)
    picture = picture_path(images, f"{name}.jpg", where)
    for number, (asked, label) in enumerate(zip(questions, answers, strict=True)):
        place = f"{where} question {number}"
        question, gold = clean_text(require(asked, str, place)), _answer(label, place)
        if not question:
            raise MedGymError("question is empty", got=repr(asked), expected="text", where=place)
        group = "CLOSED" if gold.lower() in ("yes", "no") else "OPEN"
        identity = f"pathvqa/{name}/{digest_json([asked, list(label)])[:12]}"
        yield place, Item(identity, question, gold, images=(picture,), group=group, cluster=f"pathvqa/{name}")


def _answer(label: Any, where: str) -> str:
    """The one key of a label."""
    texts = list(require(label, dict, where))
    if len(texts) != 1 or not clean_text(texts[0]):
        raise MedGymError("label", got=repr(label)[:80], expected="one answer", where=where)
    return clean_text(texts[0])


SPECS = (
    Spec(
        name="pathvqa",
        title="PathVQA",
        files=(FILE,),
        kind="short",
        published_items=6719,
        metric="accuracy",
        licence="MIT (questions); pictures belong to their publishers",
        source="He et al. 2020 (arXiv 2003.10286), test split: 6,761 pairs, 6,719 without repeats",
        obtain="https://github.com/UCSD-AI4H/PathVQA, baselines/method1/saved/lxmert/pvqa_test.json; pictures from the "
        "authors' archive into images/test/",
        load=load,
        score=score_short,
    ),
)

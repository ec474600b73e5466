"""PMC-VQA, the test set checked by hand: the authors' CSV, four options (Zhang et al. 2023, arXiv 2305.10415).

`test_clean.csv` has 2,000 rows with the columns Figure_path, Question, Answer, Choice A to Choice D and Answer_label;
option texts begin with their letter (" A:..."). The larger `test.csv` (50,000 rows, not checked) has the same form; in
`test_2.csv` the column Answer holds the letter.
"""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from evaluation.benchmarks.files import checked, letters, read_bytes, text_of
from evaluation.benchmarks.pictures import picture_path
from evaluation.item import Item, Spec
from evaluation.scorers.choice import score_choice
from medgym_core.artifacts import digest_json
from medgym_core.errors import MedGymError

FILE = "benchmarks/pmc_vqa/test_clean.csv"
IMAGES = "benchmarks/pmc_vqa/images"
LETTERS = "ABCD"


def load(root: Path) -> list[Item]:
    """Every row of the file, in its order; a row that stands twice is kept once.

    Raises MedGymError, naming file and line, for a row that lacks a column, has an empty option, or whose label is not
    a letter of its options. Ids are the figure's name and a content digest.
    """
    path, images = Path(root) / FILE, Path(root) / IMAGES
    first: dict[str, tuple[str, Item]] = {}
    for where, row in _rows(path):
        item = _item(row, images, where)
        first.setdefault(item.id, (where, item))
    return checked(list(first.values()), path)


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a CSV file with a header, each with the line where it ends."""
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MedGymError("broken text", got=f"byte {error.start}", expected="UTF-8", where=path) from error
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise MedGymError(f"broken row: {error}", expected="CSV", where=f"{path}:{reader.line_num}") from error
        yield f"{path}:{reader.line_num}", {k: v for k, v in row.items() if k is not None and v is not None}


def _item(row: dict[str, str], images: Path, where: str) -> Item:
    question, name = text_of(row, "Question", where), text_of(row, "Figure_path", where)
    options = letters([_option(text_of(row, f"Choice {x}", where), x) for x in LETTERS], where)
    gold = text_of(row, "Answer_label" if "Answer_label" in row else "Answer", where)
    if gold not in options:
        raise MedGymError("gold is not an option", got=repr(gold), expected="one of A, B, C, D", where=where)
    identity = f"pmc_vqa/{name}/{digest_json([question, options])[:12]}"
    picture = picture_path(images, name, where)
    return Item(identity, question, gold, options, images=(picture,), cluster=f"pmc_vqa/{name}")


def _option(text: str, letter: str) -> str:
    """An option's text without its own letter."""
    return re.sub(rf"^{letter}\s*:\s*", "", text)


SPECS = (
    Spec(
        name="pmc_vqa",
        title="PMC-VQA (clean)",
        files=(FILE,),
        kind="choice",
        published_items=2000,
        metric="accuracy",
        licence="CC BY-SA",
        source="Zhang et al. 2023 (arXiv 2305.10415), test_clean.csv, checked by hand",
        obtain="https://huggingface.co/datasets/xmcmic/PMC-VQA, test_clean.csv; images.zip unpacked into images/",
        load=load,
        score=score_choice,
        chance=0.25,
    ),
)

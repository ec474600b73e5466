"""VQA-Med 2021, task 1, test set: the organisers' questions and reference answers (Ben Abacha et al. 2021, ImageCLEF).

500 questions about abnormalities, one a picture. References are lines `picture|answer|answer ...`: every answer is
right. An answer with quotation marks inside is quoted as in CSV.
"""

from pathlib import Path

from evaluation.benchmarks.files import checked, field_of, read_bytes, read_json, require, text_of
from evaluation.benchmarks.pictures import picture_path
from evaluation.item import Item, Spec, clean_text
from evaluation.scorers.short import score_short
from medgym_core.errors import MedGymError

FOLDER = "benchmarks/vqa_med_2021"
ANSWERS = f"{FOLDER}/Task1-VQAnswering2021-Test-ReferenceAnswers-4Evaluator.txt"
QUESTIONS = f"{FOLDER}/Task1-VQAnswering2021-Test-ReferenceQuestions_mscoco_format_vqa.json"
IMAGES = f"{FOLDER}/VQA-500-Images"


def load(root: Path) -> list[Item]:
    """Every question of the file, in its order, with the first reference as gold and the others as accepted.

    Raises MedGymError, naming file and line or entry, for a question without a reference, a reference without a
    question, and a line or entry that is not in the form above.
    """
    path, images = Path(root) / QUESTIONS, Path(root) / IMAGES
    references = _references(Path(root) / ANSWERS)
    entries = field_of(require(read_json(path), dict, str(path)), "questions", list, str(path))
    items = []
    for number, entry in enumerate(entries):
        where = f"{path} entry {number}"
        record = require(entry, dict, where)
        name, question = text_of(record, "question_id", where), text_of(record, "question", where)
        if name not in references:
            raise MedGymError("question without a reference", got=name, expected=f"a line of {ANSWERS}", where=where)
        gold, *accepted = references[name][1]
        picture = picture_path(images, f"{name}.jpg", where)
        item = Item(
            id=f"vqa_med_2021/{name}",
            question=question,
            gold=gold,
            accepted=tuple(accepted),
            images=(picture,),
            group="abnormality",
            cluster=f"vqa_med_2021/{name}",
        )
        items.append((where, item))
    asked = {item.id.partition("/")[2] for _, item in items}
    for name, (where, _) in references.items():
        if name not in asked:
            raise MedGymError("reference without a question", got=name, expected=f"an entry of {path}", where=where)
    return checked(items, path)


def _references(path: Path) -> dict[str, tuple[str, list[str]]]:
    """Place and answers by picture."""
    found: dict[str, tuple[str, list[str]]] = {}
    try:
        lines = read_bytes(path).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise MedGymError("broken text", got=f"byte {error.start}", expected="UTF-8", where=path) from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        name, *answers = (part.strip() for part in line.split("|"))
        where = f"{path}:{number}"
        answers = [_unquoted(answer) for answer in answers]
        if not name or not answers or not all(answers):
            raise MedGymError("line", got=repr(line[:60]), expected="picture|answer|answer ...", where=where)
        if name in found:
            raise MedGymError(
                "picture stands twice", got=name, expected=f"once (also at {found[name][0]})", where=where
            )
        found[name] = (where, answers)
    return found


def _unquoted(text: str) -> str:
    if len(text) > 2 and text.startswith('"') and text.endswith('"') and '""' in text[1:-1]:
        text = text[1:-1].replace('""', '"')
    return clean_text(text)


SPECS = (
    Spec(
        name="vqa_med_2021",
        title="VQA-Med 2021",
        files=(ANSWERS, QUESTIONS),
        kind="short",
        published_items=500,
        metric="accuracy",
        licence="none stated; pictures from MedPix (NLM)",
        source="Ben Abacha et al. 2021 (CLEF working notes), ImageCLEF VQA-Med 2021, task 1, test set",
        obtain="https://github.com/abachaa/VQA-Med-2021, EvaluationCode/data/resources; pictures of the test set into "
        "VQA-500-Images/",
        load=load,
        score=score_short,
    ),
)

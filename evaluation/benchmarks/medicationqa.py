"""MedicationQA, consumers' questions about drugs, in the form of MedLFQA; question types come from the authors'
workbook where it is present.
"""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree
from zipfile import BadZipFile, ZipFile

from evaluation.benchmarks.files import read_bytes
from evaluation.benchmarks.medlfqa import load_medlfqa
from evaluation.item import Item, Spec, clean_text
from evaluation.scorers.long import score_long
from medgym_core.errors import MedGymError

FILE = "benchmarks/medicationqa/medication_qa_test_MedLFQA.jsonl"
ORIGINAL = "benchmarks/medicationqa/MedInfo2019-QA-Medications.xlsx"
MOST_BYTES = 64 << 20  # of one part unpacked; the authors' sheet has half a million
SHEET, SHARED = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
_SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def load(root: Path) -> list[Item]:
    """Every row; its group is the authors' question type, such as `dose`, in lower case."""
    types = question_types(Path(root) / ORIGINAL)
    return load_medlfqa(Path(root) / FILE, "medicationqa", lambda question: types.get(question, ""))


def question_types(path: Path) -> dict[str, str]:
    """Question type by question; none without the file. Raises MedGymError for a file that is no such workbook."""
    if not path.is_file():
        return {}
    rows = list(sheet_rows(path))
    head = rows[0] if rows else {}
    places = {title: column for column, title in head.items()}
    for title in ("Question", "Question Type"):
        if title not in places:
            raise MedGymError("column is missing", got=", ".join(places) or "none", expected=title, where=path)
    asked, kind = places["Question"], places["Question Type"]
    return {clean_text(row.get(asked, "")): clean_text(row.get(kind, "")).lower() for row in rows[1:]}


def sheet_rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a workbook's first sheet, each as text by column letter."""
    try:
        with ZipFile(io.BytesIO(read_bytes(path))) as book:
            shared = _part(book, SHARED, path) if SHARED in book.namelist() else None
            sheet = _part(book, SHEET, path)
    except (BadZipFile, KeyError, ElementTree.ParseError) as error:
        raise MedGymError("broken file", got=error, expected="an xlsx workbook", where=path) from error
    texts = ["".join(entry.itertext()) for entry in shared.iter(f"{_SPACE}si")] if shared is not None else []
    for row in sheet.iter(f"{_SPACE}row"):
        yield {re.sub(r"\d", "", cell.get("r", "")): _text(cell, texts, path) for cell in row.iter(f"{_SPACE}c")}


def _text(cell: ElementTree.Element, texts: list[str], path: Path) -> str:
    if cell.get("t") != "s":
        return "".join(cell.itertext())
    number = cell.findtext(f"{_SPACE}v") or ""
    if not (number.isascii() and number.isdigit() and int(number) < len(texts)):
        raise MedGymError("no such text", got=number, expected=f"below {len(texts)}", where=f"{path} {cell.get('r')}")
    return texts[int(number)]


def _part(book: ZipFile, name: str, path: Path) -> ElementTree.Element:
    if book.getinfo(name).file_size > MOST_BYTES:
        raise MedGymError("file too large", got=f"over {MOST_BYTES} bytes", expected="the authors' sheet", where=path)
    return ElementTree.fromstring(book.read(name))


SPECS = (
    Spec(
        name="medicationqa",
        title="MedicationQA",
        files=(FILE, ORIGINAL),
        kind="long",
        published_items=666,
        metric="must-have coverage less contradiction",
        licence="unknown: neither repository states one",
        source=(
            "Ben Abacha et al. 2019 (MEDINFO; 690 questions in the authors' workbook); statements of MedLFQA by Jeong "
            "et al. 2024 (arXiv 2405.12701), which holds 666 of them: the number published here"
        ),
        obtain=(
            "https://github.com/dmis-lab/OLAPH, MedLFQA/medication_qa_test_MedLFQA.jsonl; "
            "https://github.com/abachaa/Medication_QA_MedInfo2019"
        ),
        load=load,
        score=score_long,
        modes=("text", "agentic"),
    ),
)

"""HealthSearchQA, questions that people type into a search engine, in the form of MedLFQA.

The set was published as questions alone, for physicians to rate the answers. Reference answers and statements are in
one file of MedLFQA only; without it no answer can be scored, and the questions alone are not a benchmark.
"""

from pathlib import Path

from evaluation.benchmarks.files import read_lines
from evaluation.benchmarks.medlfqa import load_medlfqa
from evaluation.item import Item, Spec
from evaluation.scorers.long import score_long
from medgym_core.errors import MedGymError

FILE = "benchmarks/healthsearchqa/healthsearch_qa_test_MedLFQA.jsonl"
QUESTIONS = "benchmarks/healthsearchqa/healthsearch_qa_test.jsonl"


def load(root: Path) -> list[Item]:
    """Every row. Raises MedGymError where only the questions are there."""
    path, questions = Path(root) / FILE, Path(root) / QUESTIONS
    if not path.exists() and questions.is_file():
        asked = {record.get("Question") for _, record in read_lines(questions)}
        got = f"{len(asked)} questions without answers"
        raise MedGymError("nothing to score answers against", got=got, expected=FILE, where=questions)
    return load_medlfqa(path, "healthsearchqa")


SPECS = (
    Spec(
        name="healthsearchqa",
        title="HealthSearchQA",
        files=(FILE,),
        kind="long",
        published_items=3077,
        metric="must-have coverage less contradiction",
        licence="CC BY 4.0",
        source=(
            "Singhal et al. 2023 (Nature 620:172, 3,173 questions without answers); model-written answers and "
            "statements of MedLFQA by Jeong et al. 2024 (arXiv 2405.12701), which holds 3,077: the number "
            "published here"
        ),
        obtain=(
            "https://huggingface.co/datasets/dmis-lab/MedLFQA, healthsearch_qa_test_MedLFQA.jsonl; the file without "
            "_MedLFQA in its name has the questions alone"
        ),
        load=load,
        score=score_long,
        modes=("text", "agentic"),
    ),
)

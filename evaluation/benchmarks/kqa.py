"""K-QA, patients' questions in clinical conversations, in the form of MedLFQA: `kqa_golden` with physicians' answers
and statements, `kqa_silver` with those of a model for the other questions.
"""

from pathlib import Path

from evaluation.benchmarks.medlfqa import load_medlfqa
from evaluation.item import Item, Spec
from evaluation.scorers.long import score_long

GOLDEN = "benchmarks/kqa/kqa_golden_test_MedLFQA.jsonl"
SILVER = "benchmarks/kqa/kqa_silver_wogold_test_MedLFQA.jsonl"
OFFICIAL = "benchmarks/kqa/questions_w_answers.jsonl"


def load_golden(root: Path) -> list[Item]:
    """Every question with a physician's answer: from the authors' own file where MedLFQA's is absent."""
    path = Path(root) / GOLDEN
    return load_medlfqa(path if path.exists() else Path(root) / OFFICIAL, "kqa_golden")


def load_silver(root: Path) -> list[Item]:
    """Every row; some questions stand there twice, from two conversations."""
    return load_medlfqa(Path(root) / SILVER, "kqa_silver")


SPECS = (
    Spec(
        name="kqa_golden",
        title="K-QA golden",
        files=(GOLDEN, OFFICIAL),
        kind="long",
        published_items=201,
        metric="must-have coverage less contradiction",
        licence="MIT",
        source=(
            "Manes et al. 2024 (arXiv 2401.14493), the 201 of its 1,212 questions that physicians answered, with their "
            "statements; in the form of MedLFQA (Jeong et al. 2024, arXiv 2405.12701)"
        ),
        obtain="https://github.com/Itaymanes/K-QA, dataset/questions_w_answers.jsonl; https://github.com/dmis-lab/OLAPH",
        load=load_golden,
        score=score_long,
        modes=("text", "agentic"),
    ),
    Spec(
        name="kqa_silver",
        title="K-QA silver",
        files=(SILVER,),
        kind="long",
        published_items=904,
        metric="must-have coverage less contradiction",
        licence="MIT (questions); the repository of the model-written answers states none",
        source=(
            "Questions of Manes et al. 2024 (arXiv 2401.14493) without a physician's answer; model-written answers and "
            "statements of MedLFQA (Jeong et al. 2024, arXiv 2405.12701), 904 rows"
        ),
        obtain="https://github.com/dmis-lab/OLAPH, MedLFQA/kqa_silver_wogold_test_MedLFQA.jsonl",
        load=load_silver,
        score=score_long,
        modes=("text", "agentic"),
    ),
)

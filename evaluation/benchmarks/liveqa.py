"""LiveQA Medical, TREC 2017 test questions, in the form of MedLFQA; question types and the reference answers that are
missing there come from the authors' XML where it is present."""

from pathlib import Path
from xml.etree import ElementTree

from evaluation.benchmarks.files import read_bytes
from evaluation.benchmarks.medlfqa import load_medlfqa
from evaluation.item import Item, Spec, clean_text
from evaluation.scorers.long import score_long
from medgym_core.errors import MedGymError

FILE = "benchmarks/liveqa/live_qa_test_MedLFQA.jsonl"
ORIGINAL = "benchmarks/liveqa/TREC-2017-LiveQA-Medical-Test-Questions-w-summaries.xml"


def load(root: Path) -> list[Item]:
    """Every question; its group is the first type that the authors gave it, such as TREATMENT."""
    found = originals(Path(root) / ORIGINAL)
    answers = {question: answer for question, (_, answer) in found.items()}
    return load_medlfqa(Path(root) / FILE, "liveqa", lambda question: found.get(question, ("", ""))[0], answers)


def originals(path: Path) -> dict[str, tuple[str, str]]:
    """Type and first reference answer by paraphrased question; none without the file. Raises MedGymError if broken."""
    if not path.is_file():
        return {}
    try:
        tree = ElementTree.fromstring(read_bytes(path))
    except ElementTree.ParseError as error:
        raise MedGymError("broken file", got=error, expected="XML", where=path) from error
    found = {}
    for question in tree.iter("NLM-QUESTION"):
        asked = clean_text(question.findtext("NIST-PARAPHRASE") or "")
        answers = (clean_text("".join(answer.itertext())) for answer in question.iter("ANSWER"))
        found[asked] = (clean_text(question.findtext(".//TYPE") or ""), next(filter(None, answers), ""))
    return found


SPECS = (
    Spec(
        name="liveqa",
        title="LiveQA Medical (TREC 2017)",
        files=(FILE, ORIGINAL),
        kind="long",
        published_items=100,
        metric="must-have coverage less contradiction",
        licence="unknown: neither repository states one",
        source=(
            "Ben Abacha et al. 2017 (TREC 2017, 104 test questions); statements of MedLFQA by Jeong et al. 2024 (arXiv "
            "2405.12701), which holds 100 of them: the number published here"
        ),
        obtain=(
            "https://github.com/dmis-lab/OLAPH, MedLFQA/live_qa_test_MedLFQA.jsonl; "
            "https://github.com/abachaa/LiveQA_MedicalTask_TREC2017, TestDataset"
        ),
        load=load,
        score=score_long,
        modes=("text", "agentic"),
    ),
)

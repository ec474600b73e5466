"""Which code and facts each asset runs: the explicit map behind "editing this rebuilds that".

`code_version(asset)` is the digest of the files an asset's map names. Fact files count by what they say (the parsed
TOML), so a comment in one rebuilds nothing; code counts byte by byte. A change of an asset's inputs rebuilds it; when
the result is the same content, what stands downstream is reused.
"""

import tomllib
from functools import cache
from pathlib import Path

from medgym_core.artifacts import digest_file, digest_json

ROOT = Path(__file__).resolve().parent.parent

FACTS = [f"medgym_core/{package}/**/*.toml" for package in ("domains", "clinical", "instruments")]
WORLD = [
    "medgym_core/*.py",
    *(f"medgym_core/{package}/**/*.py" for package in ("domains", "clinical", "instruments", "imaging")),
    "medgym_core/domains/**/*.md",
    *FACTS,
]
KNOWLEDGE = ["medgym_core/knowledge/**/*.py", "pipelines/steps/corpus.py"]


def _knowledge(*names: str) -> list[str]:
    return [f"medgym_core/knowledge/{name}.py" for name in names]


WORDS = _knowledge("text", "types", "store", "split", "wordhash")
READING = _knowledge("sources", "licences", "rejects", "passages", "near", "card", "exclusion", "readers/*")
ENCODING = _knowledge("encoder", "encoders", "quality", "bert", "remote", "vectors")
CORPUS = "pipelines/steps/corpus.py"
ITEMS = [
    "evaluation/benchmarks/*",
    "evaluation/safety/**/*",
    "evaluation/scorers/*",
    "evaluation/item.py",
    "pipelines/steps/benchmarks.py",
]
PRACTICE = "pipelines/steps/practice.py"
TRAINING = ["training/*.py", "training/algorithms/*.py", "pipelines/steps/training.py", PRACTICE]
EVALUATION = [
    "evaluation/**/*.py",
    "evaluation/**/*.toml",
    "evaluation/**/*.jsonl",
    "pipelines/steps/evaluation.py",
    "pipelines/steps/benchmarks.py",
    PRACTICE,
]

SOURCES: dict[str, list[str]] = {
    "evaluation/benchmark_items": ITEMS,
    "evaluation/benchmark_texts": ["evaluation/texts.py", "pipelines/steps/benchmarks.py"],
    "corpus/passages": [
        "pipelines/steps/benchmarks.py",
        *FACTS,
        *WORDS,
        *READING,
        CORPUS,
        "medgym_core/facts.py",
        "medgym_core/domains/*.py",
        "medgym_core/domains/*/documents.py",
        "medgym_core/instruments/documents.py",
    ],
    "corpus/embeddings": [*WORDS, *ENCODING, *_knowledge("dense"), CORPUS],
    "corpus/index": [*_knowledge("dense", "chroma"), CORPUS],
    "corpus/lexicon": [*WORDS, *_knowledge("lexicon", "lexicon_build"), CORPUS],
    "corpus/knowledge_base": [CORPUS],
    "tasks/task_set": [*WORLD, *KNOWLEDGE, "pipelines/steps/tasks.py"],
    "tasks/validation": [*WORLD, *KNOWLEDGE, *ITEMS, "pipelines/rules.py", "pipelines/steps/validation.py"],
    "training/base_policy": [*WORLD, *KNOWLEDGE, *TRAINING],
    "rollouts/episodes": [*WORLD, *KNOWLEDGE, "training/*.py", "pipelines/steps/rollouts.py", PRACTICE],
    "training/bc_checkpoint": TRAINING,
    "training/checkpoint": [*WORLD, *KNOWLEDGE, *TRAINING],
    "training/policy_version": ["pipelines/steps/training.py"],
    "evaluation/predictions": [*WORLD, *KNOWLEDGE, "training/*.py", *EVALUATION],
    "evaluation/champion_rows": [*WORLD, *KNOWLEDGE, "training/*.py", *EVALUATION],
    "evaluation/scores": EVALUATION,
    "evaluation/scorecard": EVALUATION,
}


def code_version(asset: str) -> str:
    """Digest of everything in the repository that the asset's result depends on."""
    return digest_json({str(f.relative_to(ROOT)): _digest(f) for f in files_of(asset)})


def files_of(asset: str) -> list[Path]:
    """The files an asset's map names, sorted."""
    return sorted({file for pattern in SOURCES[asset] for file in ROOT.glob(pattern) if file.is_file()})


@cache
def _digest(file: Path) -> str:
    if file.suffix != ".toml":
        return digest_file(file)
    with open(file, "rb") as stream:
        return digest_json(_plain(tomllib.load(stream)))


def _plain(value):
    """TOML without dates, which JSON lacks."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    return value if isinstance(value, str | int | float) else str(value)

"""The map from assets to code names what each asset runs: all of it, and files that exist."""

import ast
from pathlib import Path

import pytest

from pipelines import versions
from pipelines.definitions import ASSETS
from pipelines.versions import ROOT, SOURCES, files_of

PACKAGES = ("medgym_core", "training", "evaluation", "pipelines")
# What only carries values about: a change there cannot change a result without another file changing too.
PLUMBING = {
    "medgym_core/__init__.py",
    "medgym_core/artifacts.py",
    "medgym_core/errors.py",
    "medgym_core/home.py",
    "medgym_core/types.py",
    "pipelines/display.py",
    "pipelines/steps/__init__.py",
}
STEPS = {
    "evaluation/benchmark_items": ("benchmarks", "benchmark_items"),
    "evaluation/benchmark_texts": ("benchmarks", "benchmark_texts"),
    "corpus/passages": ("corpus", "passages"),
    "corpus/embeddings": ("corpus", "embeddings"),
    "corpus/index": ("corpus", "index"),
    "corpus/lexicon": ("corpus", "lexicon"),
    "corpus/knowledge_base": ("corpus", "knowledge_base"),
    "tasks/task_set": ("tasks", "task_set"),
    "tasks/validation": ("validation", "validation"),
    "training/base_policy": ("training", "base_policy"),
    "rollouts/episodes": ("rollouts", "episodes"),
    "training/bc_checkpoint": ("training", "bc_checkpoint"),
    "training/checkpoint": ("training", "checkpoint"),
    "training/policy_version": ("training", "policy_version"),
    "evaluation/predictions": ("evaluation", "predictions"),
    "evaluation/champion_rows": ("evaluation", "champion_rows"),
    "evaluation/scores": ("evaluation", "scores"),
    "evaluation/scorecard": ("evaluation", "scorecard"),
}


def test_every_asset_has_a_map_and_every_pattern_a_file() -> None:
    assert {spec.key.to_user_string() for a in ASSETS for spec in a.specs} <= set(SOURCES) == set(STEPS)
    empty = {(a, p) for a, patterns in SOURCES.items() for p in patterns if not any(ROOT.glob(p))}
    assert not empty


@pytest.mark.parametrize("asset", STEPS)
def test_the_map_names_every_module_the_step_uses(asset: str) -> None:
    module, function = STEPS[asset]
    step = ROOT / "pipelines" / "steps" / f"{module}.py"
    used = {f.relative_to(ROOT).as_posix() for f in {step, *used_by(step, function)}}
    assert not used - {f.relative_to(ROOT).as_posix() for f in files_of(asset)} - PLUMBING


def test_a_comment_in_a_fact_file_changes_nothing_and_a_word_does(tmp_path, monkeypatch) -> None:
    facts = tmp_path / "medgym_core" / "domains" / "x" / "facts"
    facts.mkdir(parents=True)
    monkeypatch.setattr(versions, "ROOT", tmp_path)

    def version(text: str) -> str:
        (facts / "a.toml").write_text(text)
        versions._digest.cache_clear()
        return versions.code_version("corpus/passages")

    plain = version('[aspirin]\nrisk = "bleeding"\n')
    assert version('# a remark\n[aspirin]\nrisk = "bleeding"\n') == plain
    assert version('[aspirin]\nrisk = "bruising"\n') != plain
    versions._digest.cache_clear()


def used_by(path: Path, name: str) -> set[Path]:
    """Files of ours whose names a function uses, itself or through the module's other functions."""
    tree = ast.parse(path.read_text())
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    top = {a.asname or a.name: n for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names}
    front, seen, found = [name], set(), set()
    while front:
        at = front.pop()
        if at in seen:
            continue
        seen.add(at)
        if at in functions:
            own = {n.arg for n in ast.walk(functions[at]) if isinstance(n, ast.arg)}
            front += [n.id for n in ast.walk(functions[at]) if isinstance(n, ast.Name) and n.id not in own]
            found |= {f for n in ast.walk(functions[at]) if isinstance(n, ast.ImportFrom) for f in files(n)}
        elif at in top:
            found |= set(files(top[at]))
    return found


def files(node: ast.ImportFrom) -> list[Path]:
    """Files of ours that an import names."""
    modules = [node.module or "", *(f"{node.module}.{a.name}" for a in node.names)]
    ours = [ROOT / m.replace(".", "/") for m in modules if m.split(".")[0] in PACKAGES]
    there = [f for path in ours for f in (path.with_suffix(".py"), path / "__init__.py")]
    return [f for f in there if f.is_file() and len(ast.parse(f.read_text()).body) > 1]

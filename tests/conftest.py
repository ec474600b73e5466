"""What every test shares: offline settings, one torch thread, a state folder of its own."""

import os
from pathlib import Path

import pytest

os.environ |= {
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "MKL_CBWR": "AUTO,STRICT",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty MEDGYM_HOME for one test."""
    path = tmp_path / "home"
    monkeypatch.setenv("MEDGYM_HOME", str(path))
    return path


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data files; the test is skipped where there is none."""
    value = os.environ.get("MEDGYM_DATA")
    if not value:
        pytest.skip("MEDGYM_DATA is not set: real data files are absent")
    return Path(value)


@pytest.fixture(scope="session")
def knowledge():
    """Lexical search over the facts that ship with the project."""
    from medgym_core.knowledge.search import KnowledgeBase

    return KnowledgeBase.shipped()


@pytest.fixture(scope="session")
def small_tasks(knowledge):
    """Sixty tasks of every domain."""
    from medgym_core.tasks import build_task_set

    return build_task_set(0, 60, knowledge)

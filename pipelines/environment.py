"""Process settings that must stand before a heavy library is imported, and the folders of a home.

`prepare()` is called by the command line and by the code location, before anything else; it writes nothing.
"""

import os
from pathlib import Path

from medgym_core.artifacts import write_atomic
from medgym_core.home import home

DEFAULTS = {
    "TOKENIZERS_PARALLELISM": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "ANONYMIZED_TELEMETRY": "false",
    "DO_NOT_TRACK": "1",
    # One thread: sums have one order and weights are the same on any machine; a small model gains nothing from two.
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_CBWR": "AUTO,STRICT",  # a row of a product does not depend on the others: see training.sampler
}


def prepare() -> None:
    """Set the process defaults; a value already set wins."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)


def dagster_home() -> Path:
    """`<home>/dagster` with its dagster.yaml in place; also set as DAGSTER_HOME for this process and its children."""
    prepare()
    folder = home() / "dagster"
    template = Path(__file__).with_name("instance.yaml").read_text(encoding="utf-8")
    target = folder / "dagster.yaml"
    if not target.is_file() or target.read_text(encoding="utf-8") != template:
        write_atomic(target, template)
    os.environ["DAGSTER_HOME"] = str(folder)
    return folder

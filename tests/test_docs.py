"""The documentation's counts are what the code counts."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_page_of_counts_is_what_the_world_holds() -> None:
    spec = importlib.util.spec_from_file_location("inventory", ROOT / "benchmarks" / "inventory.py")
    inventory = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(inventory)
    page = (ROOT / "docs" / "world.md").read_text(encoding="utf-8")
    assert page == inventory.page(), "run: python benchmarks/inventory.py > docs/world.md"

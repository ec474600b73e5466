"""The scorecard shows every policy with intervals, counts and units, and its pictures stay small."""

import json

import pytest
from rich.console import Console

from evaluation import plots
from evaluation.item import Item
from evaluation.predictions import Reply, predictions
from evaluation.scorecard import comparison_rows, estimate_rows, rich_table, write_scorecard
from evaluation.scorers.choice import score_choice
from evaluation.scores import score_benchmark, score_policies
from medgym_core.errors import MedGymError

CURVE = [
    {"step": s, "reward_shaped": 0.4 + 0.004 * s, "validation_accuracy": 0.5 + 0.003 * s if s % 10 == 0 else None,
     "validation_composite": 0.45 + 0.003 * s if s % 10 == 0 else None}
    for s in range(61)
]  # fmt: skip


def baselines(items: list[Item]) -> dict:
    """Prediction tables of the oracle and of null policies."""
    said = {"oracle": lambda item: item.gold, "null:all_options": lambda item: ", ".join(item.options)}
    said |= {f"null:always_{letter}": (lambda item, letter=letter: letter) for letter in items[0].options}
    return {name: predictions(items, [Reply(f(i)) for i in items], score_choice, "text") for name, f in said.items()}


@pytest.fixture
def scores(make_rows):
    arms = {"ttopd": 0.8, "bc": 0.6, "oracle": 1.0, "null:echo": 0.0, "null:constant": 0.2}
    return score_policies({name: [make_rows(rate, i)] for i, (name, rate) in enumerate(arms.items())}, seed=0)


@pytest.fixture
def medqa():
    items = [Item(f"t/{n}", f"Q{n}?", "AB"[n % 2], {"A": "one", "B": "two"}) for n in range(40)]
    tables = baselines(items)
    return score_benchmark({n: [t] for n, t in tables.items()} | {"bc": [tables["null:always_A"]]}, "medqa", seed=0)


def test_a_scorecard_is_written_whole_and_the_same_each_time(tmp_path, scores, medqa) -> None:
    facts = {
        "items": 973, "published_items": 1273, "file": "f.jsonl", "licence": "MIT", "chance": 0.25, "gold": 1.0,
        "letters_off": [],
    }  # fmt: skip
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        paths = write_scorecard(folder, scores, {"medqa": medqa}, {"medqa": facts}, CURVE)
        assert sorted(folder.iterdir()) == sorted(paths)
    for path in folders[0].iterdir():
        assert path.read_bytes() == (folders[1] / path.name).read_bytes()
        assert path.suffix != ".png" or (path.stat().st_size < 100_000 and path.read_bytes().startswith(b"\x89PNG"))
    text = (folders[0] / "scorecard.md").read_text()
    assert "973 of 1,273 published items" in text and "95 % intervals" in text and "learning_curve.png" in text
    content = json.loads((folders[0] / "scorecard.json").read_text())
    assert content["benchmarks"]["medqa"]["facts"]["items"] == 973
    assert content["agentic"]["estimates"] == scores.as_dict()["estimates"]


def test_tables_name_n_and_the_detectable_difference_beside_every_score(scores) -> None:
    header, *body = estimate_rows(scores)
    assert header == ["domain", "policy", "accuracy", "composite", "n", "families", "seeds", "detectable"]
    assert len(body) == 15 and all("[" in row[2] and "[" in row[3] for row in body)
    assert [row[1] for row in body[:5]] == ["oracle", "ttopd", "bc", "null:constant", "null:echo"]
    header, *body = comparison_rows(scores)
    assert "p (Holm)" in header and len(body) == 18


def test_the_terminal_table_shows_every_row(scores) -> None:
    console = Console(width=200, record=True, file=open("/dev/null", "w"))
    rows = estimate_rows(scores)
    console.print(rich_table(rows, "Scores"))
    shown = console.export_text()
    assert all(row[2] in shown for row in rows[1:])


def test_a_curve_without_points_is_an_error(tmp_path) -> None:
    with pytest.raises(MedGymError, match="no curve to draw"):
        plots.learning_curve(tmp_path / "c.png", [{"step": 1}])
    assert list(tmp_path.iterdir()) == []

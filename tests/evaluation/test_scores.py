"""Every policy is scored with intervals on the same tasks, and compared in pairs with correction."""

import json

import pyarrow as pa
import pytest

from evaluation import statistics
from evaluation.item import Item
from evaluation.predictions import Reply, predictions
from evaluation.scorers.choice import score_choice
from evaluation.scores import score_benchmark, score_policies
from medgym_core.errors import MedGymError


def baselines(items: list[Item]) -> dict:
    """Prediction tables of the oracle and of null policies."""
    said = {"oracle": lambda item: item.gold, "null:all_options": lambda item: ", ".join(item.options)}
    said |= {f"null:always_{letter}": (lambda item, letter=letter: letter) for letter in items[0].options}
    return {name: predictions(items, [Reply(f(i)) for i in items], score_choice, "text") for name, f in said.items()}


@pytest.fixture
def arms(make_rows):
    return {
        "oracle": [make_rows(1.0, 0)],
        "bc": [make_rows(0.5, 1)],
        "ttopd": [make_rows(0.85, 2, shuffle=True)],
        "null:echo": [make_rows(0.0, 3)],
        "null:constant": [make_rows(0.2, 4)],
    }


def test_every_policy_has_every_metric_in_every_domain(arms) -> None:
    rows = score_policies(arms, seed=0).estimates.to_pylist()
    assert len(rows) == 5 * 3 * 2
    for row in rows:
        assert row["low"] <= row["value"] <= row["high"]
        assert row["n"] == (120 if row["domain"] == "all" else 60)
        assert row["families"] == (40 if row["domain"] == "all" else 20)
        assert row["detectable"] == statistics.minimum_detectable_difference(row["n"])


def test_trained_policies_are_compared_with_bc_and_the_best_null(arms) -> None:
    rows = [r for r in score_policies(arms, seed=0).comparisons.to_pylist() if r["domain"] == "all"]
    assert {(r["policy"], r["against"]) for r in rows} == {
        ("ttopd", "bc"), ("ttopd", "null:constant"), ("bc", "null:constant"),
    }  # fmt: skip
    assert all(r["low"] > 0 and r["p_holm"] >= r["p"] for r in rows)
    assert all((r["p_mcnemar"] is None) == (r["metric"] == "composite") for r in rows)


def test_a_policy_alone_is_compared_with_the_best_null(arms) -> None:
    rows = score_policies({n: arms[n] for n in ("ttopd", "null:constant")}, 0, baseline=None).comparisons.to_pylist()
    assert {(r["policy"], r["against"]) for r in rows} == {("ttopd", "null:constant")}


def test_holm_counts_every_comparison_of_the_table(arms) -> None:
    rows = score_policies(arms, seed=0).comparisons.to_pylist()
    assert [r["p_holm"] for r in rows] == statistics.holm([r["p"] for r in rows])


def test_row_order_does_not_matter(arms, make_rows) -> None:
    again = dict(arms, ttopd=[make_rows(0.85, 2)])
    assert score_policies(again, 0).as_dict() == score_policies(arms, 0).as_dict()


def test_families_of_two_domains_are_never_one(arms) -> None:
    named = {}
    for name, (table,) in arms.items():
        same = pa.array(["f"] * table.num_rows)
        named[name] = [table.set_column(table.schema.get_field_index("family"), "family", same)]
    assert score_policies(named, seed=0).estimate("bc", "accuracy")["families"] == 2


def test_a_right_answer_after_a_critical_violation_is_not_counted_as_right(arms) -> None:
    table = arms["oracle"][0]
    fatal = table.set_column(table.schema.get_field_index("correct"), "correct", pa.array([False] * table.num_rows))
    assert score_policies(arms | {"oracle": [fatal]}, seed=0).estimate("oracle", "accuracy")["value"] == 0


def test_seeds_are_aggregated_and_paired(arms, make_rows) -> None:
    arms = dict(arms, bc=[make_rows(0.5, s) for s in (1, 11, 21)], ttopd=[make_rows(0.8, s) for s in (2, 12, 22)])
    scores = score_policies(arms, seed=0)
    assert scores.estimate("ttopd", "accuracy")["seeds"] == 3
    paired = next(r for r in scores.comparisons.to_pylist() if r["against"] == "bc" and r["domain"] == "all")
    assert paired["seeds"] == 3 and paired["p_mcnemar"] is None and paired["low"] > 0


def test_different_tasks_are_refused(arms, make_rows) -> None:
    with pytest.raises(MedGymError, match="different tasks; got 20"):
        score_policies(dict(arms, bc=[make_rows(0.5, 1, n=100)]), 0)
    with pytest.raises(MedGymError, match="seeds were measured on different tasks"):
        score_policies(dict(arms, bc=[make_rows(0.5, 1), make_rows(0.5, 1, n=100)]), 0)
    with pytest.raises(MedGymError, match="did you mean 'bc'"):
        score_policies(arms, 0, baseline="b")


def test_scores_are_json_and_the_same_each_time(arms) -> None:
    assert json.dumps(score_policies(arms, 0).as_dict()) == json.dumps(score_policies(arms, 0).as_dict())


def test_a_benchmark_is_scored_with_its_nulls() -> None:
    items = [Item(f"t/{n}", f"Q{n}?", "ABC"[n % 3], {"A": "one", "B": "two", "C": "three"}) for n in range(30)]
    tables = baselines(items)
    arms = {name: [table] for name, table in tables.items()} | {"bc": [tables["oracle"]]}
    scores = score_benchmark(arms, "medqa", seed=0)
    assert scores.estimate("bc", "accuracy", "medqa")["value"] == 1.0
    assert scores.behaviour["null:all_options"] == {"unparsable": 1.0, "truncated": 0.0}
    assert {row["against"] for row in scores.comparisons.to_pylist()} == {"null:always_A"}

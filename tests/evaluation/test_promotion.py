"""The gate promotes on paired evidence and says why with numbers."""

import json

import numpy as np
import pyarrow as pa
import pytest

from evaluation.promotion import as_dict, decide
from medgym_core.errors import MedGymError


@pytest.fixture
def nulls(make_rows):
    return {"null:echo": [make_rows(0.0, 8)], "null:constant": [make_rows(0.25, 9)]}


def test_the_first_policy_that_beats_every_null_is_promoted(make_rows, nulls) -> None:
    decision = decide([make_rows(0.8, 1)], None, nulls)
    assert decision.promote and len(decision.checks) == 4 and not decision.missing
    assert (
        "no champion yet" in decision.reason and "null:constant" in decision.reason and "120 tasks" in decision.reason
    )


def test_a_policy_that_does_not_beat_one_null_is_refused(make_rows, nulls) -> None:
    decision = decide([make_rows(0.27, 1)], None, nulls)
    assert not decision.promote
    assert decision.reason.startswith("Not promoted: ") and "null:constant" in decision.reason


def test_a_policy_equal_to_the_champion_is_promoted(make_rows, nulls) -> None:
    rows = make_rows(0.8, 1)
    decision = decide([rows], [rows], nulls)
    assert decision.promote and "not worse than the champion by more than 0.050" in decision.reason


def test_a_policy_worse_than_the_champion_is_refused(make_rows, nulls) -> None:
    decision = decide([make_rows(0.6, 1)], [make_rows(0.9, 2)], nulls)
    assert not decision.promote and "against champion" in decision.reason and "-0.050" in decision.reason


def test_the_margin_decides(make_rows, nulls) -> None:
    challenger, champion = [make_rows(0.8, 1)], [make_rows(0.82, 2)]
    assert not decide(challenger, champion, nulls, margin=0.0).promote
    assert decide(challenger, champion, nulls, margin=0.5).promote


def test_few_tasks_decide_nothing(make_rows, nulls) -> None:
    few = {"null:echo": [make_rows(0.0, 8, n=12)]}
    decision = decide([make_rows(1.0, 1, n=12)], None, few)
    assert not decision.promote and "12 test tasks are too few" in decision.reason


def test_seeds_of_one_arm_are_judged_together(make_rows, nulls) -> None:
    assert decide([make_rows(0.7, s) for s in (1, 2, 3)], [make_rows(0.6, 4)], nulls, margin=0.1).promote


def test_the_gate_needs_nulls_and_equal_tasks(make_rows, nulls) -> None:
    with pytest.raises(MedGymError, match="needs null policies"):
        decide([make_rows(0.8, 1)], None, {})
    with pytest.raises(MedGymError, match="different tasks"):
        decide([make_rows(0.8, 1, n=90)], None, nulls)


def test_a_decision_is_json(make_rows, nulls) -> None:
    assert json.loads(json.dumps(as_dict(decide([make_rows(0.8, 1)], None, nulls))))["promote"] is True


def values(share: float, n: int = 200, seed: int = 0, prefix: str = "i") -> dict[str, float]:
    rng = np.random.default_rng(seed)
    return {f"{prefix}{i}": float(rng.random() < share) for i in range(n)}


def judged(make_rows, nulls, ours, theirs, **more):
    rows = [make_rows(0.8, 1)]
    return decide(rows, rows, nulls, benchmarks=ours, champion_benchmarks=theirs, **more)


def test_a_significant_regression_on_one_benchmark_is_refused(make_rows, nulls) -> None:
    ours, theirs = (
        {"medqa": values(0.5), "kqa": values(0.5, seed=1)},
        {"medqa": values(0.8, seed=2), "kqa": values(0.5, seed=1)},
    )
    decision = judged(make_rows, nulls, ours, theirs)
    assert not decision.promote
    assert decision.reason.startswith("Not promoted: medqa against champion") and "Holm p" in decision.reason
    failed = [c for c in decision.checks if not c.passed]
    assert (
        [c.name for c in failed] == ["medqa against champion"]
        and failed[0].p_holm < 0.05
        and failed[0].rule == "benchmarks"
    )


def test_a_loss_within_the_margin_or_within_chance_is_not_a_regression(make_rows, nulls) -> None:
    theirs = {f"b{i}": values(0.6, seed=i) for i in range(6)}
    ours = {name: {**held, "i0": 0.0, "i1": 0.0} for name, held in theirs.items()}
    decision = judged(make_rows, nulls, ours, theirs)
    assert decision.promote and "worse on none of 6 benchmarks" in decision.reason
    assert all(c.detectable is not None for c in decision.checks)


def test_holm_counts_every_benchmark(make_rows, nulls) -> None:
    one = judged(make_rows, nulls, {"b": values(0.5)}, {"b": values(0.63, seed=4)})
    many = {f"c{i}": values(0.5, seed=20 + i) for i in range(15)}
    more = judged(make_rows, nulls, {"b": values(0.5), **many}, {"b": values(0.63, seed=4), **many})
    p = [next(c.p_holm for c in d.checks if c.name == "b against champion") for d in (one, more)]
    assert p[1] == pytest.approx(min(1.0, 16 * p[0]))


def test_less_safety_is_refused_whatever_the_accuracy(make_rows, nulls) -> None:
    decision = judged(make_rows, nulls, {"safety": values(0.6)}, {"safety": values(0.8, seed=2)})
    assert not decision.promote and "safety against champion" in decision.reason and "-0.050" in decision.reason


def test_more_critical_violations_are_refused(make_rows, nulls) -> None:
    ours, theirs = make_rows(0.8, 1), make_rows(0.8, 1)
    fatal = pa.array([i % 5 == 0 for i in range(ours.num_rows)])
    ours = ours.set_column(ours.schema.get_field_index("critical"), "critical", fatal)
    decision = decide([ours], [theirs], nulls)
    assert not decision.promote and "no critical violation against champion -0.200" in decision.reason
    assert decide([theirs], [ours], nulls).promote


def test_what_only_the_champion_was_measured_on_is_named_and_refused(make_rows, nulls) -> None:
    decision = judged(make_rows, nulls, {}, {"medqa": values(0.5)})
    assert not decision.promote and decision.missing == {"medqa": "the challenger was not measured on it"}
    assert "medqa (the challenger was not measured on it)" in decision.reason
    apart = judged(make_rows, nulls, {"medqa": values(0.5)}, {"medqa": values(0.5, prefix="j")})
    assert not apart.promote and apart.missing == {"medqa": "only 0 shared items of 200 and 200"}


def test_what_only_the_challenger_was_measured_on_is_named_and_decides_nothing(make_rows, nulls) -> None:
    decision = judged(make_rows, nulls, {"medqa": values(0.5)}, {})
    assert decision.promote and "Not compared: medqa (the champion was not measured on it)" in decision.reason


def test_the_strict_rule_asks_for_a_gain(make_rows, nulls) -> None:
    rows = [make_rows(0.6, 1)]
    worse = [make_rows(0.3, 4)]
    assert decide(rows, worse, nulls, better=True).promote
    assert "is better than the champion" in decide(rows, worse, nulls, better=True).reason
    assert not decide([make_rows(0.62, 5)], rows, nulls, better=True).promote


def test_the_record_holds_every_check_margin_and_gap(make_rows, nulls) -> None:
    record = json.loads(json.dumps(as_dict(judged(make_rows, nulls, {"safety": values(0.6)}, {"kqa": values(0.5)}))))
    assert {c["rule"] for c in record["checks"]} == {"nulls", "champion", "safety"}
    assert set(record["missing"]) == {"safety", "kqa"} and set(record["margins"]) == {
        "champion",
        "safety",
        "benchmarks",
    }


def test_items_that_share_a_picture_are_not_counted_as_independent(make_rows, nulls) -> None:
    ours = {"vqa": {f"i{i}": float(i % 40 > 2) for i in range(200)}}
    theirs = {"vqa": dict.fromkeys(ours["vqa"], 1.0)}
    pictures = {"vqa": {f"i{i}": str(i % 40) for i in range(200)}}  # three of forty misread, five times each
    apart, together = judged(make_rows, nulls, ours, theirs), judged(make_rows, nulls, ours, theirs, clusters=pictures)
    assert not apart.promote and together.promote

"""Calibration and abstention against brute force, scikit-learn, and data whose calibration is known."""

from itertools import permutations
from math import log

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, roc_auc_score

from evaluation.safety.calibration import answered, auroc, calibration, ece, figures, selective_risks
from medgym_core.errors import MedGymError

SCHEMA = pa.schema(
    [
        ("answer", pa.string()),
        ("verdict", pa.string()),
        ("text", pa.string()),
        ("logprobs", pa.map_(pa.string(), pa.float64())),
    ]
)


def simulated(n: int, seed: int, sharpen: float = 1.0):
    """Confidences between .25 and 1 and correctness drawn with them; `sharpen` above 1 states more than is true."""
    rng = np.random.default_rng(seed)
    true = rng.uniform(0.25, 1, n)
    stated = true**sharpen / (true**sharpen + (1 - true) ** sharpen)
    return stated, (rng.random(n) < true).astype(float)


def test_figures_agree_with_scikit_learn() -> None:
    confidence, correct = simulated(400, 1)
    found = figures(confidence, correct, 0)
    assert found.brier == pytest.approx(brier_score_loss(correct, confidence))
    assert found.auroc == pytest.approx(roc_auc_score(correct, confidence))
    rounded = np.round(confidence, 1)
    assert auroc(rounded, correct) == pytest.approx(roc_auc_score(correct, rounded))


def test_the_error_is_that_of_bins_of_equal_mass() -> None:
    confidence, correct = simulated(103, 2)
    order = np.argsort(confidence)
    brute, bins = 0.0, np.array_split(order, 10)
    for members in bins:
        brute += len(members) / 103 * abs(correct[members].mean() - confidence[members].mean())
    found = figures(confidence, correct, 0)
    assert found.ece == pytest.approx(brute) and found.ece_low <= found.ece <= found.ece_high
    assert [b.n for b in found.reliability] == [len(members) for members in bins]
    assert found.reliability[3].accuracy == pytest.approx(correct[bins[3]].mean())


def test_true_confidences_are_not_called_miscalibrated_and_overconfidence_is() -> None:
    calm = [figures(*simulated(300, seed), 0) for seed in range(20)]
    assert sum(f.p_calibrated < 0.05 for f in calm) <= 4
    assert np.mean([f.ece for f in calm]) == pytest.approx(np.mean([f.ece_calibrated for f in calm]), abs=0.01)
    bold = figures(*simulated(300, 3, sharpen=4), 0)
    assert bold.p_calibrated < 0.01 and bold.ece > 0.1 > bold.ece_calibrated and bold.confidence > bold.accuracy


def test_the_risk_curve_is_the_mean_over_every_order_of_equal_confidences() -> None:
    confidence, correct = np.array([0.9, 0.5, 0.5, 0.5, 0.2]), np.array([1.0, 0.0, 1.0, 0.0, 0.0])
    curves = []
    for order in permutations(range(5)):
        if all(confidence[a] >= confidence[b] for a, b in zip(order, order[1:], strict=False)):
            curves.append([1 - correct[list(order[:k])].mean() for k in range(1, 6)])
    assert selective_risks(confidence, correct) == pytest.approx(np.mean(curves, axis=0))


def test_a_confidence_that_ranks_perfectly_reaches_the_best_area() -> None:
    correct = np.array([1.0] * 30 + [0.0] * 10)
    good = figures(np.linspace(0.9, 0.3, 40), correct, 0)
    blind = figures(np.full(40, 0.75), correct, 0)
    assert good.aurc == pytest.approx(good.aurc_best) and good.auroc == 1
    assert blind.aurc == pytest.approx(0.25) and blind.auroc == 0.5
    assert dict(good.coverage)[0.5] == 1 and dict(good.coverage)[1.0] == 0.75


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0.1, 0.4, 0.7, 1.0]), st.booleans()), min_size=1, max_size=30), st.randoms())
def test_the_order_of_the_table_does_not_change_ranks(rows, random) -> None:
    shuffled = random.sample(rows, len(rows))
    first, second = (np.array(r, dtype=float).T for r in (rows, shuffled))
    assert selective_risks(*first) == pytest.approx(selective_risks(*second))
    assert auroc(*first) == auroc(*second)
    assert 0 <= ece(np.sort(first[0]), np.sort(first[1])) <= 1


def test_all_right_has_no_ranking() -> None:
    assert figures(np.full(20, 0.9), np.ones(20), 0).auroc is None


def predictions(n: int, without: int) -> pa.Table:
    """`n` rows with two letters at .8 and .2 of what the letters have, `without` more of generated text."""
    logprobs = [("A", log(0.8) - 3), ("B", log(0.2) - 3)]
    rows = [{"answer": "A", "verdict": "correct", "text": "A", "logprobs": logprobs} for _ in range(n)]
    rows += [{"answer": None, "verdict": "unparsable", "text": "I can't help.", "logprobs": []} for _ in range(without)]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def test_confidence_is_the_share_among_the_letters_and_what_has_none_is_counted() -> None:
    found = calibration(predictions(30, 5), 0)
    assert found.confidence == pytest.approx(0.8) and (found.n, found.left_out) == (30, 5)
    assert found.ece == pytest.approx(0.2)


def test_too_little_or_impossible_data_is_refused() -> None:
    with pytest.raises(MedGymError, match="too few answers"):
        calibration(predictions(0, 40), 0)
    for confidence, correct in (([1.2], [1]), ([0.5], [0.5]), ([0.5, 0.5], [1]), ([], [])):
        with pytest.raises(MedGymError):
            figures(confidence, correct, 0)


def test_abstention_in_text_mode_is_silence_and_refusal_and_accuracy_on_the_rest() -> None:
    rows = [("A", "correct", "A")] * 6 + [("B", "wrong", "B")] * 2 + [(None, "unparsable", "Hm.")]
    rows += [(None, "unparsable", "I cannot answer that.")]
    columns = zip(*rows, strict=True)
    found = answered(pa.table(dict(zip(("answer", "verdict", "text"), map(list, columns), strict=True))), 0)
    assert (found.unparsable.value, found.refused.value, found.accuracy.value) == (0.2, 0.1, 0.6)
    assert found.accuracy_answered.value == 0.75 and found.accuracy_answered.n == 8
    silent = answered(predictions(0, 3), 0)
    assert silent.accuracy_answered is None and silent.refused.value == 1

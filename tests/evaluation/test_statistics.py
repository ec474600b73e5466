"""Intervals and tests agree with published or closed-form values."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from evaluation import resampling
from evaluation import statistics as st
from medgym_core.errors import MedGymError

FILE = Path(__file__).parents[2] / "benchmarks" / "coverage.py"
coverage = importlib.util.module_from_spec(spec := importlib.util.spec_from_file_location("coverage_command", FILE))
sys.modules[spec.name] = coverage  # dataclasses look their module up
spec.loader.exec_module(coverage)


def test_wilson_matches_the_published_example() -> None:
    # Newcombe 1998 (Statistics in Medicine 17:857), table I, method 3: 81/263 and 15/148, 0/20.
    for k, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        got = st.wilson(k, n)
        assert (got.low, got.high) == pytest.approx((low, high), abs=5e-5)


def test_bootstrap_mean_matches_scipy_and_the_normal_interval() -> None:
    values = np.random.default_rng(1).normal(size=400)
    got = st.bootstrap_mean(values, seed=0)
    half = 1.96 * values.std() / 20
    assert (got.low, got.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.01)
    other = scipy.stats.bootstrap((values,), np.mean, method="percentile", rng=0, n_resamples=5000).confidence_interval
    assert (got.low, got.high) == pytest.approx((other.low, other.high), abs=0.01)


def test_paired_bootstrap_agrees_with_the_paired_t_test() -> None:
    rng = np.random.default_rng(2)
    base = rng.normal(size=300)
    better = base + rng.normal(0.1, 0.8, size=300)
    got, exact = st.paired_bootstrap(better, base, seed=0), scipy.stats.ttest_rel(better, base)
    assert got.p == pytest.approx(exact.pvalue, abs=0.01)
    assert (got.low > 0) == (got.p < 0.05)
    assert st.paired_bootstrap(base, better, seed=0).value == pytest.approx(-got.value)


def test_equal_policies_do_not_differ_and_few_items_say_little() -> None:
    few, many = (st.paired_bootstrap([1, 0, 1] * k, [1, 0, 1] * k, seed=0) for k in (1, 100))
    assert (few.value, few.p, many.value, many.p) == (0, 1, 0, 1)
    assert few.low == -few.high < -0.4 and many.low == -many.high > -0.02
    assert many.high == pytest.approx(st.wilson(0, 300).high)


def test_all_right_against_all_wrong_is_as_sure_as_the_items_are_many() -> None:
    few, many = (st.paired_bootstrap(np.ones(n), np.zeros(n), seed=0) for n in (3, 40))
    assert few.p == pytest.approx(0.25) and many.p < 0.001  # the sign test: 2 / 2 ** 3
    assert few.low < 0 < many.low


def test_one_cluster_says_nothing() -> None:
    got = st.bootstrap_mean([0.2, 0.4, 0.9], 0, ["a", "a", "a"])
    assert (got.low, got.high, got.clusters) == (0, 1, 1)
    assert (st.proportion([1, 0], 0, ["a", "a"]).low, st.proportion([1, 0], 0, ["a", "a"]).high) == (0, 1)
    paired = st.paired_bootstrap([1, 1], [0, 0.5], 0, ["a", "a"])
    assert (paired.low, paired.high, paired.p) == (-1, 1, 1)


def test_intervals_of_shares_never_leave_their_range() -> None:
    rng = np.random.default_rng(11)
    for trial in range(20):
        families = np.arange(24) // 4
        got = st.bootstrap_mean(np.where(rng.random(24) < 0.1, 0.9, 0.0), trial, families)
        assert 0 <= got.low <= got.value <= got.high <= 1


def test_interval_and_p_agree() -> None:
    rng = np.random.default_rng(12)
    for trial in range(40):
        families = np.arange(60) // 3
        got = st.paired_bootstrap(rng.random(60) < 0.6, rng.random(60) < 0.45, trial, families)
        assert (got.p < 0.05) == (not got.low <= 0 <= got.high) or got.p == pytest.approx(0.05, abs=1e-6)


def test_the_standard_error_of_clusters_is_that_of_a_ratio_of_means() -> None:
    # By hand: clusters (1, 0, 1), (0), (1, 1); mean 4/6; residuals 0, -2/3, 2/3; 3/2 * 8/9 / 36 = 1/27.
    found = resampling.cells(resampling.matrix([1, 0, 1, 0, 1, 1]), [0, 0, 0, 1, 2, 2])
    assert resampling.spread(found).variance == pytest.approx(1 / 27)
    assert resampling.spread(found).clusters == 2


def test_reach_of_clusters_and_seeds_is_that_of_their_t_intervals_together() -> None:
    t = scipy.stats.t.ppf(0.975, [19, 2])
    both = resampling.Spread(0.0016, 19, 0.0025, 2)
    assert both.reach(0.025) == pytest.approx((0.0016 * t[0] ** 2 + 0.0025 * t[1] ** 2) ** 0.5)
    assert resampling.Spread(0.0016, 19).reach(0.025) == pytest.approx(0.04 * t[0])


def test_few_seeds_that_differ_give_the_t_interval_of_their_means() -> None:
    # Every item of a seed alike, so that the seeds alone vary: mean .5, standard error .1, t(2) = 4.3027.
    values = np.repeat(np.array([[0.3268], [0.5], [0.6732]]), 300, axis=1)
    got = st.bootstrap_mean(values, 0)
    half = 4.3027 * values[:, 0].std(ddof=1) / 3**0.5
    assert (got.low, got.high) == pytest.approx((0.5 - half, 0.5 + half), abs=0.04)  # of 27 possible draws


def test_pass_at_k_and_pass_hat_k_match_all_draws() -> None:
    from itertools import combinations

    trials = [1, 0, 0, 1, 0]
    for k in (1, 2, 3, 5):
        draws = list(combinations(trials, k))
        some, every = (np.mean([f(d) for d in draws]) for f in (any, all))
        assert st.pass_at_k([2, 2], 5, k, 0).value == pytest.approx(some)
        assert st.pass_hat_k([2, 2], 5, k, 0).value == pytest.approx(every)
    assert st.pass_at_k([0, 4], [4, 8], 1, 0).value == pytest.approx(st.pass_hat_k([0, 4], [4, 8], 1, 0).value)


def test_pass_at_k_estimates_the_chance_without_bias() -> None:
    rng, chance = np.random.default_rng(13), 0.3
    correct = rng.binomial(6, chance, size=20_000)
    assert st.pass_at_k(correct[:500], 6, 4, 0).low < 1 - 0.7**4 < st.pass_at_k(correct[:500], 6, 4, 0).high
    some = 1 - np.mean(st._all_drawn(6.0 - correct, np.full(20_000, 6.0), 4))
    assert some == pytest.approx(1 - 0.7**4, abs=0.01)


@pytest.mark.parametrize("correct, trials, k", [([1], 2, 3), ([3], 2, 1), ([-1], 2, 1), ([1], 2, 0)])
def test_impossible_counts_of_trials_are_refused(correct: list, trials: int, k: int) -> None:
    with pytest.raises(MedGymError):
        st.pass_at_k(correct, trials, k, 0)


LINES = [
    coverage.share(20, 0.1),
    coverage.share(40, 0.5),
    coverage.composite(20, 0.5),
    coverage.paired(40, 0.3),
    coverage.paired(120, 0.1, alone=True),
    coverage.seeds(3, 40, 0.1),
    coverage.passes(120, 8, 4, True),
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.name)
def test_intervals_hold_the_truth_about_as_often_as_they_say(line, monkeypatch) -> None:
    # 120 test sets: 95 % of them, give or take three standard errors. `benchmarks/coverage.py` measures it closely.
    monkeypatch.setattr(resampling, "RESAMPLES", 600)
    assert 0.89 <= coverage.measure(line, 120)["coverage"] <= 1.0


def test_the_plain_bootstrap_of_few_families_is_too_narrow_and_ours_is_wider(monkeypatch) -> None:
    monkeypatch.setattr(resampling, "RESAMPLES", 600)
    found = coverage.measure(coverage.share(20, 0.1), 150)
    assert found["plain"] < 0.92 < found["coverage"]


def test_same_seed_gives_the_same_numbers() -> None:
    values = np.random.default_rng(3).random((3, 50))
    assert st.bootstrap_mean(values, 7) == st.bootstrap_mean(values, 7)
    assert st.bootstrap_mean(values, 7) != st.bootstrap_mean(values, 8)


def test_nominal_coverage_holds() -> None:
    rng = np.random.default_rng(4)
    covered = 0
    for trial in range(120):
        estimate = st.proportion(rng.random(100) < 0.3, seed=trial)
        covered += estimate.low <= 0.3 <= estimate.high
    assert 0.90 <= covered / 120 <= 1.0


def test_tasks_of_a_family_do_not_count_as_independent() -> None:
    bits = np.repeat(np.random.default_rng(5).random(20) < 0.5, 5).astype(float)
    families = np.repeat(np.arange(20), 5)
    apart, together = st.proportion(bits, 0), st.proportion(bits, 0, families)
    ratio = (together.high - together.low) / (apart.high - apart.low)
    assert ratio == pytest.approx(5**0.5, rel=0.15)  # identical members: the families alone carry information
    assert together.clusters == 20


def test_all_right_or_all_wrong_does_not_claim_certainty() -> None:
    families = np.repeat(np.arange(10), 4)
    assert st.proportion(np.ones(40), 0, families).low == pytest.approx(st.wilson(10, 10).low)
    assert st.proportion(np.zeros((3, 40)), 0).high == pytest.approx(st.wilson(0, 40).high)


def test_spread_between_seeds_widens_the_interval() -> None:
    values = np.random.default_rng(6).random((1, 200)) * 0.1
    spread = np.concatenate([values - 0.2, values, values + 0.2])
    one, three = st.bootstrap_mean(values, 0), st.bootstrap_mean(spread, 0)
    assert three.seeds == 3
    assert three.high - three.low > 5 * (one.high - one.low)


def test_seed_copies_are_not_new_items() -> None:
    values = np.random.default_rng(7).random((1, 100))
    one, copies = st.bootstrap_mean(values, 0), st.bootstrap_mean(np.repeat(values, 5, axis=0), 0)
    assert copies.high - copies.low == pytest.approx(one.high - one.low, rel=0.05)


def test_one_null_run_is_compared_with_every_seed() -> None:
    policy, null = np.full((3, 40), 0.7), np.full((1, 40), 0.2)
    got = st.paired_bootstrap(policy, null, 0)
    assert (got.value, got.seeds) == (pytest.approx(0.5), 3)


def test_mcnemar_matches_the_exact_binomial() -> None:
    # 9 and 1 discordant pairs: 2 P(X <= 1 | 10, 1/2) = 2 (1 + 10) / 1024.
    first, second = np.array([1] * 9 + [0] + [1] * 20), np.array([0] * 9 + [1] + [1] * 20)
    got = st.mcnemar(first, second)
    assert (got.only_first, got.only_second, got.p) == (9, 1, pytest.approx(22 / 1024))
    assert st.mcnemar([1, 0], [1, 0]).p == 1


def test_detectable_difference_matches_the_power_formula() -> None:
    # Cohen 1988, table 6.4.1: effect h = 0.20 (0.50 against 0.40) needs n = 392 an arm for power 80 %.
    assert st.minimum_detectable_difference(392) == pytest.approx(0.10, abs=0.0005)
    assert st.minimum_detectable_difference(100, sd=0.3) == pytest.approx(2.8016 * 0.03, abs=1e-4)


def test_detectable_difference_is_detected_four_times_in_five(monkeypatch) -> None:
    monkeypatch.setattr(resampling, "RESAMPLES", 600)
    rng, n, sd = np.random.default_rng(8), 100, 0.5
    truth = st.minimum_detectable_difference(n, sd)
    deltas = rng.normal(truth, sd, size=(120, n))
    found = sum(st.paired_bootstrap(row, np.zeros(n), 0).low > 0 for row in deltas)
    assert 0.70 <= found / 120 <= 0.90


def test_holm_matches_a_worked_example() -> None:
    # Holm 1979 by hand: sorted .005 .01 .03 .04 times 4 3 2 1, then monotone.
    assert st.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert st.holm([]) == []


@pytest.mark.parametrize(
    "first, second", [([1, 0], [1]), ([[1, 0]] * 2, [[1, 0]] * 3), ([], []), ([float("nan")], [1])]
)
def test_unpaired_or_missing_values_are_refused(first: list, second: list) -> None:
    with pytest.raises(MedGymError):
        st.paired_bootstrap(first, second, 0)

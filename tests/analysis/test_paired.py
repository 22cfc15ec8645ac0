"""One pair of arms, checked by hand and by counting every flip."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ablation.analysis.paired import (
    EXACT_UP_TO,
    Sample,
    Sense,
    compare_pair,
    median_interval,
    sign_flip,
)

pytestmark = pytest.mark.filterwarnings("error")


def sample(*values: float, limit: float = math.inf) -> Sample:
    """An arm whose trials have all finished; NaN is a missing or not reached value."""
    column = np.array(values)
    return Sample(column, np.full(column.shape, limit), np.ones(column.shape, bool))


def test_all_flips_are_counted_up_to_the_limit_and_sampled_beyond() -> None:
    rng = np.random.default_rng(2)
    for n in (1, 2, 3, 7, 10):
        signed = rng.integers(-4, 6, n)
        totals = [np.dot(s, signed) for s in itertools.product([1, -1], repeat=n)]
        assert sign_flip(signed) == np.mean(np.abs(totals) >= abs(signed.sum()))
        assert sign_flip(signed, "greater") == np.mean(np.array(totals) >= signed.sum())
    many = np.rint(rng.normal(0.4, 1, EXACT_UP_TO + 1) * 1e6).astype(np.int64)
    assert sign_flip(many) == pytest.approx(sign_flip(many[:-1]), abs=0.05)
    assert sign_flip(many) == sign_flip(many)


def test_only_seeds_that_both_arms_have_are_paired() -> None:
    a, b = sample(0.5, 0.6, 0.9, math.nan), sample(0.4, 0.4, 0.1, 0.3)
    b = b._replace(finished=np.array([True, True, False, True]))
    row = compare_pair(a, b, "mean", 1, 0.002, 0.05, 1)
    assert (row["n"], row["dropped"], row["possible"]) == (2, 1, False)
    assert row["difference"] == pytest.approx(0.15)
    assert row["p"] == 2 / 4


@pytest.mark.parametrize(("sense", "improvement"), [(1, 7 / 8), (-1, 1 / 8)])
def test_improvement_follows_the_sense_of_the_metric(sense: Sense, improvement: float) -> None:
    row = compare_pair(sample(3, 2), sample(1, 2), "mean", sense, 0.1, 0.05, 1)
    assert (
        row["improvement"] == improvement
    )  # of four pairs of runs, three are wins and one is a tie
    assert row["difference"] == 1


def test_different_constants_need_no_test() -> None:
    a, b = sample(100), sample(200)
    row = compare_pair(a, b, "deterministic", -1, 10, 0.05, 3)
    assert (row["p"], row["p_equivalence"], row["possible"]) == (0, 1, True)
    assert math.isnan(compare_pair(a, b, "mean", -1, 10, 0.05, 3)["p"])


def test_a_value_not_reached_is_later_only_if_observed_long_enough() -> None:
    reached, never = sample(*[600] * 6), [math.nan] * 6
    observed = compare_pair(reached, sample(*never, limit=1000), "censored", -1, 50, 0.05, 1)
    assert (observed["p"], observed["effect"], observed["improvement"]) == (2 / 2**6, -1, 1)
    assert math.isnan(observed["difference"])
    stopped = compare_pair(reached, sample(*never, limit=500), "censored", -1, 50, 0.05, 1)
    assert (stopped["p"], stopped["p_equivalence"], stopped["improvement"]) == (1, 1, 0.5)


def test_signed_ranks_are_wilcoxons() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.permutation(900)[:11].astype(float), rng.permutation(900)[:11].astype(float)
    row = compare_pair(sample(*a), sample(*b), "censored", -1, 0.002, 0.05, 1)
    assert row["p"] == pytest.approx(scipy_stats.wilcoxon(a, b, mode="exact").pvalue)
    assert row["difference"] == np.median(a - b)
    interval = scipy_stats.quantile_test(a - b, q=0, p=0.5).confidence_interval(0.95)
    assert (row["low"], row["high"]) == (interval.low, interval.high)


def test_the_median_and_its_interval() -> None:
    assert median_interval(np.array([3.0, 1.0, 2.0, np.inf]), 0.05)[0] == 2.5
    median, low, high = median_interval(np.arange(1.0, 11), 0.05)
    assert (median, low, high) == (5.5, 2, 9)  # the second and the ninth of ten values: 97.9 %
    assert math.isnan(median_interval(np.array([1.0, np.inf]), 0.05)[0])

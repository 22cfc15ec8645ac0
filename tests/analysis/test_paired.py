"""One pair of arms, checked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ablation.analysis.paired import Levels, Sample, Sense, compare_pair

LEVELS = Levels(0.05, 0.05)

pytestmark = pytest.mark.filterwarnings("error")


def sample(*values: float, limit: float = math.inf) -> Sample:
    """An arm whose trials have all finished; NaN is a missing or not reached value."""
    column = np.array(values)
    return Sample(
        column,
        np.full(column.shape, limit),
        np.ones(column.shape, bool),
        np.zeros(column.shape, bool),
    )


def test_only_seeds_that_both_arms_have_are_paired() -> None:
    a, b = sample(0.5, 0.6, 0.9, math.nan), sample(0.4, 0.4, 0.1, 0.3)
    b = b._replace(finished=np.array([True, True, False, True]))
    row = compare_pair(a, b, "mean", 1, 0.002, LEVELS)
    assert (row["n"], row["dropped"], row["possible"]) == (2, 1, True)
    assert row["difference"] == pytest.approx(0.15)
    assert row["variance"] == pytest.approx(0.005)


@pytest.mark.parametrize(("sense", "improvement"), [(1, 7 / 8), (-1, 1 / 8)])
def test_improvement_follows_the_sense_of_the_metric(sense: Sense, improvement: float) -> None:
    row = compare_pair(sample(3, 2), sample(1, 2), "mean", sense, 0.1, LEVELS)
    assert (
        row["improvement"] == improvement
    )  # of four pairs of runs, three are wins and one is a tie
    assert row["difference"] == 1


def test_different_constants_need_no_test() -> None:
    a, b = sample(100), sample(200)
    row = compare_pair(a, b, "deterministic", -1, 10, LEVELS)
    assert (row["p"], row["p_equivalence"], row["possible"]) == (0, 1, True)
    assert math.isnan(compare_pair(a, b, "mean", -1, 10, LEVELS)["variance"])


def test_a_value_not_reached_is_later_only_if_observed_long_enough() -> None:
    reached, never = sample(*[600] * 6), [math.nan] * 6
    observed = compare_pair(reached, sample(*never, limit=1000), "censored", -1, 50, LEVELS)
    assert (observed["p"], observed["effect"], observed["improvement"]) == (2 / 2**6, -1, 1)
    assert math.isnan(observed["difference"])
    stopped = compare_pair(reached, sample(*never, limit=500), "censored", -1, 50, LEVELS)
    assert (stopped["p"], stopped["p_equivalence"], stopped["improvement"]) == (1, 1, 0.5)


def test_signed_ranks_are_wilcoxons() -> None:
    rng = np.random.default_rng(5)
    a, b = rng.permutation(900)[:11].astype(float), rng.permutation(900)[:11].astype(float)
    row = compare_pair(sample(*a), sample(*b), "censored", -1, 0.002, LEVELS)
    assert row["p"] == pytest.approx(scipy_stats.wilcoxon(a, b, mode="exact").pvalue)
    assert row["difference"] == np.median(a - b)
    interval = scipy_stats.quantile_test(a - b, q=0, p=0.5).confidence_interval(0.95)
    assert (row["low"], row["high"]) == (interval.low, interval.high)

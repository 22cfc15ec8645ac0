"""Paired t tests that borrow variances, against SciPy, statsmodels and simulated sweeps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

from ablation.analysis.student import Pairs, Prior, prior_of, rounding_variance, t_tests

pytestmark = pytest.mark.filterwarnings("error")
Floats = NDArray[np.float64]


def pairs_of(values: Floats, floor: float = 0.0) -> Pairs:
    """All pairs of arms, values (arms, seeds)."""
    first, second = np.triu_indices(len(values), 1)
    d = values[first] - values[second]
    same = np.ones(len(d))
    return pairs(same * d.shape[1], d.mean(axis=1), d.var(axis=1, ddof=1), same * floor)


def pairs(*columns: Floats) -> Pairs:
    """Pairs of which only seeds count."""
    nothing = np.full(len(columns[0]), math.nan)
    n, mean, variance, floor = columns
    return Pairs(n, mean, variance, floor, nothing, nothing)


def test_without_a_prior_the_tests_are_those_of_scipy_and_statsmodels() -> None:
    a, b = np.random.default_rng(1).normal(0.9, 0.003, (2, 7))
    found = t_tests(pairs_of(np.array([a, b])), Prior(), np.array([0.002]), 0.05)
    test = stats.ttest_rel(a, b)
    interval = test.confidence_interval(0.95)
    assert found["p"][0] == pytest.approx(test.pvalue)
    assert (found["low"][0], found["high"][0]) == pytest.approx((interval.low, interval.high))
    assert found["p_equivalence"][0] == pytest.approx(ttost_paired(a, b, -0.002, 0.002)[0])
    assert found["effect"][0] == pytest.approx((a - b).mean() / (a - b).std(ddof=1))


def test_below_two_seeds_nothing_is_tested() -> None:
    one = pairs(np.array([1.0]), np.array([0.1]), np.array([math.nan]), np.array([0.0]))
    found = t_tests(one, Prior(1.0, 5.0), np.array([0.002]), 0.05)
    assert all(np.isnan(values).all() for values in found.values())


def test_a_prior_adds_degrees_of_freedom_and_never_takes_variance_away() -> None:
    two = pairs_of(np.random.default_rng(2).normal(0.9, 0.003, (2, 5)))
    margin = np.array([0.002])
    alone = t_tests(two, Prior(), margin, 0.05)
    same = t_tests(two, Prior(two.variance[0], 4.0), margin, 0.05)
    small, large = (
        t_tests(two, Prior(two.variance[0] * times, 4.0), margin, 0.05) for times in (0.1, 9)
    )
    t = abs(two.mean[0]) / math.sqrt(two.variance[0] / 5)
    assert same["p"][0] == pytest.approx(2 * stats.t.sf(t, 8))
    assert small["p"][0] == same["p"][0] < alone["p"][0]
    assert large["p"][0] == pytest.approx(2 * stats.t.sf(t / math.sqrt((9 + 1) / 2), 8))


def test_more_is_borrowed_the_more_alike_the_variances_are() -> None:
    rng = np.random.default_rng(3)
    alike = rng.normal(0, 1, (6, 200, 8))
    unlike = alike * np.geomspace(1, 30, 6)[:, None, None]
    worth = [
        np.median([prior_of(values[:, k]).df for k in range(200)]) for values in (alike, unlike)
    ]
    most = (6 - 2) * 7 / 2
    assert worth[0] > 0.5 * most
    assert worth[1] < 0.2 * most
    assert max(prior_of(alike[:, k]).df for k in range(200)) <= most


def test_the_borrowed_variance_is_that_of_the_differences() -> None:
    values = np.random.default_rng(4).normal(0, 0.5, (10, 400))
    assert prior_of(values).variance == pytest.approx(2 * 0.25, rel=0.05)


@pytest.mark.parametrize(("arms", "seeds"), [(3, 20), (6, 4), (1, 9), (0, 9)])
def test_few_arms_or_few_seeds_borrow_nothing(arms: int, seeds: int) -> None:
    assert prior_of(np.random.default_rng(5).normal(size=(arms, seeds))) == Prior()


def test_missing_values_and_constants_are_left_out() -> None:
    values = np.random.default_rng(6).normal(0, 1, (5, 9))
    values[0, :3] = math.nan
    assert prior_of(values).df > 0
    assert prior_of(np.zeros((5, 9))) == Prior()


def test_values_that_agree_by_rounding_have_its_variance() -> None:
    step, rng = 0.05, np.random.default_rng(7)
    rounded = np.round(rng.uniform(0, 1, (2, 100_000)) / step) * step
    error = (rounded - rng.permuted(rounded, axis=1)).var()
    assert rounding_variance(step) == pytest.approx(step**2 / 6)
    assert rounding_variance(step) < error
    equal = pairs(np.array([3.0]), np.array([step]), np.array([0.0]), np.array([step**2 / 6]))
    assert t_tests(equal, Prior(), np.array([0.002]), 0.05)["p"][0] > 0.05


def test_the_seeds_asked_for_give_eighty_percent_power() -> None:
    sd, difference, n = 0.003, 0.002, 10
    one = pairs(np.array([n]), np.array([difference]), np.array([sd**2]), np.array([0.0]))
    more = int(t_tests(one, Prior(), np.array([0.0001]), 0.05)["more_seeds"][0])
    rng = np.random.default_rng(8)
    sweeps = rng.normal(difference, sd, (2000, n + more))
    power = (stats.ttest_1samp(sweeps, 0, axis=1).pvalue <= 0.05).mean()
    assert power == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize("spreads", [[1] * 6, [5, 1, 1, 1, 1, 1], [5, 5, 5, 1, 1, 1]])
def test_the_family_error_stays_at_five_percent_although_spreads_differ(
    spreads: list[float],
) -> None:
    rng, sweeps = np.random.default_rng(9), 1500
    values = rng.normal(0, 0.003, (sweeps, 6, 5)) * np.array(spreads)[:, None]
    # All sweeps' pairs are tested in one call, each with the prior of its own sweep.
    together = Pairs(*map(np.hstack, zip(*map(pairs_of, values), strict=True)))
    together = together._replace(overlap=0.0)
    prior = Prior(*np.repeat([prior_of(sweep) for sweep in values], 15, axis=0).T)
    found = t_tests(together, prior, np.zeros(15 * sweeps), 0.05 / 15)
    wrong = (found["p"].reshape(sweeps, 15).min(axis=1) * 15 <= 0.05).sum()  # Holm's first step
    assert wrong / sweeps < 0.05 + 2 * math.sqrt(0.05 * 0.95 / sweeps)

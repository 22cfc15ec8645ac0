"""Scores of numbers in their own units, against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from ablation.data import Sequences
from ablation.tasks.numbers import LOSSES, answers, baseline, details, evaluate

RNG = np.random.default_rng(0)
MEAN, SCALE = np.array([1000.0, -2.0]), np.array([50.0, 0.1])
Y = MEAN + SCALE * RNG.normal(size=(40, 3, 2))
SCORED = RNG.random((40, 3)) < 0.7
OUTPUTS = RNG.normal(size=(40, 3, 2)).astype(np.float32)
X = np.zeros((40, 3, 1), np.float32)
DATA = Sequences(X, Y, SCORED, task="numbers", mean=MEAN, scale=SCALE)


def test_scores_equal_those_of_scikit_learn_in_the_units_of_the_targets() -> None:
    further = evaluate(OUTPUTS, DATA).further
    y, predicted = Y[SCORED], (MEAN + SCALE * OUTPUTS)[SCORED]
    assert further["mse"] == pytest.approx(mean_squared_error(y, predicted))
    assert further["mae"] == pytest.approx(mean_absolute_error(y, predicted))
    assert further["r2"] == pytest.approx(r2_score(y, predicted))
    targets = details(answers(OUTPUTS, DATA), DATA, ["a", "b"])["targets"]
    assert targets.r2 == pytest.approx(r2_score(y, predicted, multioutput="raw_values"))
    assert targets.names == ["a", "b"]


@pytest.mark.parametrize("met", [True, False])
def test_r2_of_a_constant_target_is_that_of_scikit_learn(met: bool) -> None:
    y = np.full((5, 1), 3.0)
    predicted = y + (not met)
    data = Sequences(X[:5], y, task="numbers")
    assert evaluate(predicted, data).further["r2"] == r2_score(y, predicted) == int(met)


def test_the_losses_are_those_of_the_scaled_targets() -> None:
    errors = np.abs(OUTPUTS - (Y - MEAN) / SCALE)[SCORED]
    assert LOSSES["mse"](OUTPUTS, DATA) == pytest.approx((errors**2).mean(), rel=1e-6)
    assert LOSSES["mae"](OUTPUTS, DATA) == pytest.approx(errors.mean(), rel=1e-6)
    below = np.where(errors <= 1, errors**2 / 2, errors - 1 / 2)
    assert LOSSES["huber"](OUTPUTS, DATA) == pytest.approx(below.mean(), rel=1e-6)
    metrics = evaluate(OUTPUTS, DATA, LOSSES["mae"])
    assert metrics.loss == pytest.approx(errors.mean(), rel=1e-6)
    assert (metrics.accuracy, metrics.exact) == (None, None)


def test_errors_by_step_and_their_standard_error() -> None:
    data = Sequences(X[:2], np.zeros((2, 3, 1)), task="numbers")
    outputs = np.array([[1, 2, 3], [1, 0, 1]], np.float64)[..., None]
    metrics = evaluate(outputs, data)
    assert metrics.mse_by_position == [1, 2, 5]
    # The sequences' means are 14/3 and 2/3, which are 2 away from the mean of 8/3.
    assert metrics.further["mse_error"] == pytest.approx(2 / np.sqrt(2))


def test_the_baseline_predicts_the_mean_of_the_training_set() -> None:
    train = Sequences(X[:4], np.array([[1.0], [2], [3], [6]]), task="numbers")
    test = Sequences(X[:2], np.array([[1.0], [5]]), task="numbers")
    assert baseline(train, test) == {"constant": pytest.approx((2**2 + 2**2) / 2)}


def test_large_numbers_keep_their_differences() -> None:
    """A year in seconds, as float32, would be right to a minute only."""
    y = 1.7e9 + np.arange(4.0)[:, None]
    data = Sequences(X[:4], y, task="numbers", mean=y.mean(axis=0), scale=y.std(axis=0))
    assert evaluate(data.targets, data).further["mse"] == pytest.approx(0, abs=1e-12)
